//! Whatever makes otls work: the first octet says where the rest is read (`tests/worst/entries.rs`). libFuzzer keeps
//! an input that costs twice as much for each octet as those before it, and a finding is what costs too much.
#![no_main]

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use worst::BOUND;
use worst::entries::{ENTRIES, World};

#[path = "../../tests/worst/mod.rs"]
mod worst;

/// The fuzzer's build is many times slower than a release: no optimisation across crates, overflow checks, and
/// AddressSanitizer in every access.
const SLOWNESS: u32 = 25;
/// Powers of two of nanoseconds for an octet.
const LEVELS: usize = 24;

static WORLD: LazyLock<World> = LazyLock::new(World::new);

/// libFuzzer takes an octet that changes here for new coverage.
// SAFETY: the section holds counters of one octet, and nothing else is put there.
#[unsafe(link_section = "__libfuzzer_extra_counters")]
static REACHED: [AtomicU8; ENTRIES.len() * LEVELS] = [const { AtomicU8::new(0) }; ENTRIES.len() * LEVELS];

fuzz_target!(|data: &[u8]| {
    let Some((&place, input)) = data.split_first() else { return };
    let place = usize::from(place) % ENTRIES.len();
    let mut took = Duration::ZERO;
    (ENTRIES[place].run)(&WORLD, input, &mut |action| {
        let before = cpu_time();
        action();
        took += cpu_time() - before;
    });
    let each = took.as_nanos() / (input.len() as u128 + 256);
    let level = (u128::BITS - each.leading_zeros()) as usize;
    REACHED[place * LEVELS + level.min(LEVELS - 1)].store(1, Ordering::Relaxed);
    // A key's own numbers may take 250 ms.
    let bound = if ENTRIES[place].name == "private key" { BOUND * 13 } else { BOUND };
    assert!(took < bound * SLOWNESS, "{}: {} octets took {took:?}", ENTRIES[place].name, input.len());
});

/// CPU time of this thread.
fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec to write to.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
