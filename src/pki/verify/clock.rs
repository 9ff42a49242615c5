//! The time of one verification, and for how long its verdict holds.

use core::cell::Cell;
use core::ops::Range;
use core::time::Duration;

use crate::time::UnixTime;

/// The time at which a chain is judged. A verdict depends on it by these questions alone, so that at each time at
/// which they have the same answers it is the same.
pub(super) struct Clock {
    now: UnixTime,
    since: Cell<UnixTime>,
    until: Cell<UnixTime>,
}

impl Clock {
    pub(super) const fn new(now: UnixTime) -> Self {
        Self { now, since: Cell::new(UnixTime(0)), until: Cell::new(UnixTime(u64::MAX)) }
    }

    /// Whether it is `time` or later.
    pub(super) fn has_reached(&self, time: UnixTime) -> bool {
        let reached = self.now >= time;
        if reached {
            self.since.set(self.since.get().max(time));
        } else {
            self.until.set(self.until.get().min(time));
        }
        reached
    }

    /// Whether the second `last` is over.
    pub(super) fn is_past(&self, last: UnixTime) -> bool {
        self.has_reached(last.plus(Duration::from_secs(1)))
    }

    /// For what is said, not for what is decided.
    pub(super) const fn now(&self) -> UnixTime {
        self.now
    }

    /// The times at which everything that was asked has the same answer.
    pub(super) const fn holds(&self) -> Range<UnixTime> {
        self.since.get()..self.until.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_has_the_same_answer_as_long_as_it_holds_and_no_second_longer() {
        let answers = |now| {
            let clock = Clock::new(UnixTime(now));
            let past = clock.is_past(UnixTime(19));
            ([5, 10, 30, 40].map(|time| clock.has_reached(UnixTime(time))), past, clock.holds())
        };
        let (reached, past, holds) = answers(25);
        assert_eq!((reached, past), ([true, true, false, false], true));
        assert_eq!(holds, UnixTime(20)..UnixTime(30));
        for now in 0..50 {
            let same = (answers(now).0, answers(now).1) == (reached, past);
            assert_eq!(holds.contains(&UnixTime(now)), same, "{now}");
        }
        assert_eq!(Clock::new(UnixTime(25)).holds(), UnixTime(0)..UnixTime(u64::MAX));
    }
}
