//! What a fork means for a value: a child has a copy of it, sockets, locks and keys included, and two
//! processes that go on with one of them read each other's answers or count the same thing twice.
//!
//! Processes are told apart by a number that none has of those that it descends from. Where the system has no such
//! thing it is the process's own, and one that a later descendant has again, before any process in between has
//! touched the value, is not told apart.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LockResult, Mutex, MutexGuard, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use once_cell::race::OnceBox;

use crate::error::{Error, Result};

/// The number of this process. Every call of a connection asks for it: a system call would take as long as sealing
/// a short message.
fn here() -> u64 {
    otls_fork::number().unwrap_or_else(|| std::process::id().into())
}

/// The process that made a value, for a value that no other may use.
#[derive(Debug)]
pub struct Owner {
    /// [`SHARED`] once some other process has it as well: a later one with the same number is not believed.
    process: AtomicU64,
}

/// No process's number.
const SHARED: u64 = 0;

impl Owner {
    /// This process.
    pub fn new() -> Self {
        Self { process: AtomicU64::new(here()) }
    }

    /// Whether this process made the value.
    pub fn is_here(&self) -> bool {
        let is_here = self.process.load(Ordering::Relaxed) == here();
        if !is_here {
            self.process.store(SHARED, Ordering::Relaxed);
        }
        is_here
    }
}

impl Default for Owner {
    fn default() -> Self {
        Self::new()
    }
}

/// A value that each process makes for itself. A child leaves alone what it has inherited: it does not even
/// drop it, because closing may speak to the other side of a socket, and a lock that another thread held at
/// the fork is never released in the child.
pub(crate) struct PerProcess<T>(Node<T>);

struct Node<T> {
    process: u64,
    /// There until it is dropped.
    value: Option<T>,
    /// The value of a descendant. Set without a lock, which could be held at a fork.
    next: OnceBox<Node<T>>,
}

impl<T> PerProcess<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Node::new(value))
    }

    /// This process's value, made at its first call.
    pub(crate) fn get(&self, make: impl Fn() -> T) -> Result<&T> {
        let mut node = &self.0;
        loop {
            node = match node.next.get() {
                Some(next) => next,
                None if node.process == here() => break,
                None => {
                    // Where another thread was faster, its node is the next one.
                    let _ = node.next.set(Box::new(Node::new(make())));
                    node
                }
            };
        }
        node.value.as_ref().ok_or(Error::Internal("a value that is gone"))
    }
}

impl<T> Node<T> {
    fn new(value: T) -> Self {
        Self { process: here(), value: Some(value), next: OnceBox::new() }
    }
}

impl<T> Drop for Node<T> {
    fn drop(&mut self) {
        if self.process != here() {
            core::mem::forget(self.value.take());
        }
    }
}

/// Locks what a fork leaves in order: a value that is shared by threads and copied to children as it is. A
/// lock that another thread held at the fork is never released in the child, which must not wait for ever.
///
/// # Errors
/// [`Error::ApiMisuse`] for such a lock; within, as [`Mutex::lock`].
pub fn lock<T>(mutex: &Mutex<T>) -> Result<LockResult<MutexGuard<'_, T>>> {
    let start = Instant::now();
    loop {
        match mutex.try_lock() {
            Ok(guard) => return Ok(Ok(guard)),
            Err(TryLockError::Poisoned(poisoned)) => return Ok(Err(poisoned)),
            Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => thread::sleep(RETRY),
            Err(TryLockError::WouldBlock) => {
                return Err(Error::misuse(
                    "an object that another thread was using, perhaps when this process was forked",
                    "fork before other threads use it",
                ));
            }
        }
    }
}

/// Longer than any call holds a lock that does not wait for others.
const PATIENCE: Duration = Duration::from_secs(10);

const RETRY: Duration = Duration::from_micros(50);
