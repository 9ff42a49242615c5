//! Why a call failed, and that no panic gets past the library.

use core::panic::AssertUnwindSafe;
use std::panic;

use otls::error::Error;

/// Why a call failed: as the library says, or for a reason that only C has.
pub(super) enum Failure {
    Library(Error),
    /// The argument of this name is NULL.
    Null(&'static str),
    /// The buffer of this name has to have so many elements.
    BufferTooSmall(&'static str, usize),
    Poisoned,
    Panicked,
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Library(error.into())
    }
}

/// Runs `body`; the answer is `otherwise` if it panics.
pub(super) fn value<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    // A handle that was in use marks itself (`handle.rs`), so no broken invariant is seen again.
    panic::catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // A payload whose own drop panics would get past this function.
        core::mem::forget(payload);
        otherwise
    })
}
