//! The one way into the library: no panic gets past it.

use super::error::otls_error;
use super::failure::Failure;
pub(super) use super::failure::value;
use super::pointer::Out;

/// Runs `body`, writes what went wrong to `error` if the caller wants to know, and returns its code.
pub(super) fn status(error: Out<otls_error>, body: impl FnOnce() -> Result<(), Failure>) -> i32 {
    let failed = value(Some(Failure::Panicked), || body().err());
    failed.map_or(super::codes::OTLS_OK, |failure| report(error, &failure))
}

/// As [`status`], for a `body` that makes a handle for `out`, the argument of this name.
pub(super) fn create<T>(
    out: Out<T>,
    name: &'static str,
    error: Out<otls_error>,
    body: impl FnOnce() -> Result<T, Failure>,
) -> i32 {
    status(error, || {
        let slot = out.slot(name)?;
        slot.put(body()?);
        Ok(())
    })
}

fn report(error: Out<otls_error>, failure: &Failure) -> i32 {
    let described = value(None, || Some(otls_error::describe(failure)));
    let code = described.as_ref().map_or(super::codes::OTLS_ERROR_INTERNAL, otls_error::number);
    if let (Ok(slot), Some(described)) = (error.slot("error"), described) {
        slot.put(described);
    }
    code
}

/// The handle of a call that must not be NULL.
pub(super) fn required<'a, T>(handle: Option<&'a T>, name: &'static str) -> Result<&'a T, Failure> {
    handle.ok_or(Failure::Null(name))
}

#[cfg(test)]
mod tests {
    use std::panic;
    use std::sync::Arc;

    use super::super::handle::{Locked, Shared};
    use super::*;
    use otls::error::ErrorCode;

    fn run(body: impl FnOnce() -> Result<(), Failure>) -> i32 {
        status(Out::ignored(), body)
    }

    #[test]
    fn a_panic_becomes_an_internal_error() {
        assert_eq!(run(|| panic!("a bug")), ErrorCode::Internal.number());
        assert_eq!(value(7, || panic!("a bug")), 7);
    }

    #[test]
    fn a_panic_payload_that_panics_when_dropped_does_not_get_out() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("dropped");
            }
        }
        assert_eq!(run(|| panic::panic_any(Bomb)), ErrorCode::Internal.number());
    }

    #[test]
    fn a_handle_that_saw_a_panic_is_poisoned_and_others_are_not() {
        let (shared, locked, other) = (Shared::new(1), Locked::new(1), Shared::new(1));
        assert_eq!(run(|| shared.get().map(drop)), 0);
        let code = run(|| {
            let (_shared, _locked) = (shared.get()?, locked.lock()?);
            panic!("a bug")
        });
        assert_eq!(code, ErrorCode::Internal.number());
        assert_eq!(run(|| shared.get().map(drop)), ErrorCode::Poisoned.number());
        assert_eq!(run(|| locked.lock().map(drop)), ErrorCode::Poisoned.number());
        assert_eq!(run(|| other.get().map(drop)), 0);
    }

    #[test]
    fn a_value_that_is_shared_is_not_poisoned_by_a_panic_elsewhere() {
        let shared = Arc::new(Shared::new(1));
        let _in_use = shared.get();
        assert_eq!(run(|| panic!("a bug")), ErrorCode::Internal.number());
        assert_eq!(run(|| shared.get().map(drop)), 0);
    }
}
