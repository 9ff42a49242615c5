//! The end of the interpreter, for threads that are not joined.
//!
//! Whoever takes the interpreter lock once the interpreter ends is ended in that call (before CPython 3.14), by
//! an unwinding that Rust's frames turn into an abort of the process. So from the beginning of the end on, a thread
//! that works here without the lock does not come back for it: it stays where it is, as CPython 3.14 has it.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

static IS_ENDING: AtomicBool = AtomicBool::new(false);
/// Threads that will take the lock while frames of ours are below.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// How long the end waits for them: they hold nothing that takes longer, but for a call that computes, and that
/// stays behind.
const PATIENCE: Duration = Duration::from_secs(1);

thread_local! {
    /// The thread that ends the interpreter goes on to the last.
    static ENDS: Cell<bool> = const { Cell::new(false) };
}

/// Works while other threads run.
pub(crate) fn released<T, F>(py: Python<'_>, work: F) -> T
where
    F: Send + FnOnce() -> T,
    T: Send,
{
    let inside = Inside::new();
    let done = py.detach(|| {
        let done = work();
        stay_if_over();
        done
    });
    drop(inside);
    done
}

/// For a call of Python out of Rust, which gives the lock away and takes it again.
pub(crate) fn inside(py: Python<'_>) -> Inside {
    let inside = Inside::new();
    if is_over() {
        py.detach(stay_if_over);
    }
    inside
}

pub(crate) struct Inside(());

impl Inside {
    fn new() -> Self {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        leave();
    }
}

fn leave() {
    // A child that was forked has begun anew, in the middle of this.
    let _ = INSIDE.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| count.checked_sub(1));
}

fn is_over() -> bool {
    IS_ENDING.load(Ordering::SeqCst) && !ENDS.get()
}

fn stay_if_over() {
    if is_over() {
        leave();
        loop {
            thread::park();
        }
    }
}

/// Has the interpreter call us when it ends, and when it is forked.
pub(crate) fn watch(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    py.import("atexit")?.call_method1("register", (wrap_pyfunction!(end, module)?,))?;
    let options = pyo3::types::PyDict::new(py);
    options.set_item("after_in_child", wrap_pyfunction!(begin_anew, module)?)?;
    py.import("os")?.call_method("register_at_fork", (), Some(&options))?;
    Ok(())
}

#[pyfunction]
fn end(py: Python<'_>) {
    ENDS.set(true);
    IS_ENDING.store(true, Ordering::SeqCst);
    py.detach(|| {
        let begin = Instant::now();
        while INSIDE.load(Ordering::SeqCst) > 0 && begin.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(1));
        }
    });
}

/// The other threads are not there in a child.
#[pyfunction]
fn begin_anew() {
    INSIDE.store(0, Ordering::SeqCst);
}
