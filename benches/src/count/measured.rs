//! What is counted, and by whom: callgrind counts instructions in one function, the allocator beside it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Counts while [`otls_measured`] runs: allocations, and the octets that were asked for. A block that is made
/// larger is counted as one of its new length.
pub struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static IS_COUNTING: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static OCTETS: AtomicU64 = AtomicU64::new(0);

fn count(octets: usize) {
    if IS_COUNTING.load(Relaxed) {
        ALLOCATIONS.fetch_add(1, Relaxed);
        OCTETS.fetch_add(octets as u64, Relaxed);
    }
}

// SAFETY: each call is the system's allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Callgrind counts what happens in here, by this name.
#[unsafe(no_mangle)]
#[inline(never)]
fn otls_measured(operation: &mut dyn FnMut()) {
    IS_COUNTING.store(true, Relaxed);
    operation();
    IS_COUNTING.store(false, Relaxed);
}

/// Callgrind writes down what it has counted when this returns, by this name.
#[unsafe(no_mangle)]
#[inline(never)]
fn otls_counted(name: &str, times: u64) {
    println!("{name}\t{times}\t{}\t{}", ALLOCATIONS.swap(0, Relaxed), OCTETS.swap(0, Relaxed));
}

/// Whose work is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Client,
    Server,
    /// Of a first run, which leaves what is made once.
    Nobody,
}

impl Side {
    /// Does something on `side`, and counts it if that is the one.
    pub fn on<T>(self, side: Side, work: impl FnOnce() -> T) -> T {
        if self != side {
            return work();
        }
        let (mut work, mut made) = (Some(work), None);
        otls_measured(&mut || made = work.take().map(|work| work()));
        made.expect("it was done")
    }
}

/// One row: `operation` several times, told whose work is counted.
pub fn row(name: &str, side: Side, mut operation: impl FnMut(Side)) {
    operation(Side::Nobody);
    (0..TIMES).for_each(|_| operation(side));
    otls_counted(name, TIMES);
}

/// Enough that what depends on the length of a signature evens out.
const TIMES: u64 = 4;
