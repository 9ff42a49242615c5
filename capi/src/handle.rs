//! What an opaque handle holds: a value that does not change, or one behind a lock. Both remember a
//! panic that happened while they were in use, and refuse every later call.

use core::ops::Deref;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;

use super::failure::Failure;
use otls::internal;

/// A value that does not change: any number of threads use it at once.
pub(super) struct Shared<T> {
    poisoned: AtomicBool,
    value: T,
}

impl<T> Shared<T> {
    pub(super) const fn new(value: T) -> Self {
        Self { poisoned: AtomicBool::new(false), value }
    }

    pub(super) fn get(&self) -> Result<InUse<'_, T>, Failure> {
        if self.poisoned.load(Ordering::Acquire) { Err(Failure::Poisoned) } else { Ok(InUse(self)) }
    }

    /// The value, for who has it alone; `None` once poisoned.
    pub(super) fn get_mut(&mut self) -> Option<&mut T> {
        (!*self.poisoned.get_mut()).then_some(&mut self.value)
    }

    /// The value for C to look at after the call; `None` once poisoned.
    pub(super) fn lend(&self) -> Option<&T> {
        (!self.poisoned.load(Ordering::Acquire)).then_some(&self.value)
    }
}

/// A [`Shared`] value for the length of a call.
pub(super) struct InUse<'a, T>(&'a Shared<T>);

impl<T> Deref for InUse<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T> Drop for InUse<'_, T> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.poisoned.store(true, Ordering::Release);
        }
    }
}

/// A value that changes: calls from several threads wait for each other.
pub(super) struct Locked<T>(Mutex<T>);

impl<T> Locked<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    // The lock is poisoned by the standard library when its guard is dropped in a panic.
    pub(super) fn lock(&self) -> Result<MutexGuard<'_, T>, Failure> {
        internal::lock(&self.0)?.map_err(|_| Failure::Poisoned)
    }
}
