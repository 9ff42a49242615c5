//! How fast an operation is in one turn.

use std::time::Duration;

use crate::Operation;

/// Operations per second of this thread's CPU time, so that what else the machine does counts little. The clock is
/// asked once for many, because it takes as long as the shortest of them.
pub fn rate(operation: &mut Operation, turn: Duration) -> f64 {
    let (start, mut batch, mut count) = (cpu_time(), 1_u32, 0.0);
    loop {
        let before = cpu_time();
        (0..batch).for_each(|_| operation());
        count += f64::from(batch);
        let now = cpu_time();
        if now - start > turn {
            return count / (now - start).as_secs_f64();
        }
        if now - before < turn / 200 {
            batch *= 2;
        }
    }
}

/// What this thread has computed.
fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock writes to the one argument.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) }, 0);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

/// The middle of them.
pub fn median(mut turns: Vec<f64>) -> Option<f64> {
    turns.sort_by(f64::total_cmp);
    turns.get(turns.len() / 2).copied()
}
