//! The worst that a stranger may send in 64 KiB, and what it costs. Shared by the tests, which hold the bounds
//! loosely, `make bench`, which prints the figures, and the seeds of the fuzz target `cost`.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation
)]

pub mod chains;
pub mod der;
pub mod entries;
pub mod inputs;
pub mod talks;

use std::time::Duration;

/// What 64 KiB of a stranger may cost one core with the fast engine, beyond one operation of our own key.
pub const BOUND: Duration = Duration::from_millis(20);
/// And what they may make us hold.
pub const fn memory_bound(input: usize) -> u64 {
    (64 << 10) + 10 * input as u64
}

/// CPU time of this thread, to a few milliseconds (Linux).
pub fn cpu_time() -> Duration {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(times.split(' ').next().unwrap().parse().unwrap())
}
