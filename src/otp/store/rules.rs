//! What a store decides, for stores that decide in Rust. `redis.lua` and `postgres.sql` decide the
//! same, and one test suite holds all of them to it.

use super::super::Verdict;
use super::{Insertion, Policy, Presented, Record, Tag};
use crate::time::UnixTime;

/// What became of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Open,
    Used,
    Cancelled,
}

/// What decides about a code.
#[derive(Clone, Copy)]
pub(super) struct Code {
    pub(super) tag: Tag,
    pub(super) expires_at: UnixTime,
    pub(super) attempts: u32,
    pub(super) failures: u32,
    pub(super) outcome: Outcome,
}

/// What decides about a subject.
#[derive(Clone, Copy, Default)]
pub(super) struct Standing {
    /// Wrong codes since the last accepted one.
    pub(super) failures: u32,
    pub(super) locked: bool,
    pub(super) window_start: UnixTime,
    /// Codes that were issued since then.
    pub(super) issues: u32,
}

impl Code {
    /// A new code, and its subject after it; or why there may be none. `replaces` is what stands for
    /// the code that it replaces, if one is asked for and is the subject's.
    pub(super) fn admit(
        record: &Record,
        replaces: Option<Option<&Self>>,
        subject: &Standing,
        policy: &Policy,
    ) -> Result<(Self, Standing), Insertion> {
        let now = record.issued_at;
        let failures = match replaces {
            None => 0,
            Some(old) => {
                let old = old.ok_or(Insertion::NotOpen(Verdict::Unknown))?;
                if let Some(why) = old.closed(subject, policy.subject_attempts, now) {
                    return Err(Insertion::NotOpen(why));
                }
                old.failures
            }
        };
        if subject.is_locked(policy.subject_attempts) {
            return Err(Insertion::SubjectLocked);
        }
        let subject = subject.with_another(now, policy).map_err(Insertion::Throttled)?;
        let Record { tag, expires_at, attempts, .. } = *record;
        Ok((Self { tag, expires_at, attempts, failures, outcome: Outcome::Open }, subject))
    }

    /// The verdict; code and subject are then as they have to be kept.
    pub(super) fn judge(&mut self, subject: &mut Standing, presented: &Presented<'_>) -> Verdict {
        if let Some(closed) = self.closed(subject, presented.subject_attempts, presented.now) {
            return closed;
        }
        if presented.matches(&self.tag) {
            self.outcome = Outcome::Used;
            subject.failures = 0;
            return Verdict::Accepted;
        }
        self.failures = self.failures.saturating_add(1);
        subject.failures = subject.failures.saturating_add(1);
        let left = self.attempts.saturating_sub(self.failures);
        let attempts_left = left.min(presented.subject_attempts.saturating_sub(subject.failures));
        Verdict::Wrong { attempts_left }
    }

    /// Withdraws it, unless it was accepted.
    pub(super) fn cancel(&mut self) -> Verdict {
        match self.outcome {
            Outcome::Used => Verdict::Used,
            Outcome::Open | Outcome::Cancelled => {
                self.outcome = Outcome::Cancelled;
                Verdict::Cancelled
            }
        }
    }

    /// Why no code is judged any more.
    pub(super) fn closed(&self, subject: &Standing, subject_attempts: u32, now: UnixTime) -> Option<Verdict> {
        match self.outcome {
            Outcome::Used => Some(Verdict::Used),
            Outcome::Cancelled => Some(Verdict::Cancelled),
            Outcome::Open if self.failures >= self.attempts || subject.is_locked(subject_attempts) => {
                Some(Verdict::Locked)
            }
            Outcome::Open => (now >= self.expires_at).then_some(Verdict::Expired),
        }
    }
}

impl Standing {
    const fn is_locked(&self, subject_attempts: u32) -> bool {
        self.locked || self.failures >= subject_attempts
    }

    /// One code more, or the time from which on there may be one.
    fn with_another(self, now: UnixTime, policy: &Policy) -> Result<Self, UnixTime> {
        // A clock that was set back must not keep a window open for ever.
        let end = self.window_start.plus(policy.window);
        if self.window_start > now || now >= end {
            return Ok(Self { window_start: now, issues: 1, ..self });
        }
        if self.issues >= policy.issues {
            return Err(end);
        }
        Ok(Self { issues: self.issues.saturating_add(1), ..self })
    }
}
