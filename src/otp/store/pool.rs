//! Connections to a server, each used by one call at a time.

use std::sync::{Condvar, Mutex};

use crate::error::{OtpError, Result};

/// Opens connections as calls need them, and keeps them. One on which a call failed is dropped: what
/// it was asked may still be on its way.
pub(super) struct Pool<C> {
    open: Box<dyn Fn() -> Result<C> + Send + Sync>,
    state: Mutex<State<C>>,
    returned: Condvar,
}

struct State<C> {
    idle: Vec<C>,
    lent: usize,
}

impl<C> Pool<C> {
    /// A pool with one connection, so that an address that is wrong is noticed at once.
    pub(super) fn new(open: impl Fn() -> Result<C> + Send + Sync + 'static) -> Result<Self> {
        let first = open()?;
        let state = Mutex::new(State { idle: vec![first], lent: 0 });
        Ok(Self { open: Box::new(open), state, returned: Condvar::new() })
    }

    /// Lends a connection to `work`.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut C) -> Result<T>) -> Result<T> {
        // Given back however this ends, a panic included.
        let mut lent = Lent { pool: self, connection: self.take()? };
        if lent.connection.is_none() {
            lent.connection = Some((self.open)()?);
        }
        let Some(connection) = lent.connection.as_mut() else { return Err(broken()) };
        let done = work(connection);
        if done.is_err() {
            lent.connection = None;
        }
        done
    }

    /// An idle connection, or `None` where one may be opened; it counts as lent from now on.
    fn take(&self) -> Result<Option<C>> {
        let mut state = self.state.lock().map_err(|_| broken())?;
        while state.lent >= MAX_CONNECTIONS {
            state = self.returned.wait(state).map_err(|_| broken())?;
        }
        state.lent = state.lent.saturating_add(1);
        Ok(state.idle.pop())
    }
}

struct Lent<'a, C> {
    pool: &'a Pool<C>,
    connection: Option<C>,
}

impl<C> Drop for Lent<'_, C> {
    fn drop(&mut self) {
        // A connection that saw a panic is in an unknown state.
        let connection = self.connection.take().filter(|_| !std::thread::panicking());
        if let Ok(mut state) = self.pool.state.lock() {
            state.lent = state.lent.saturating_sub(1);
            state.idle.extend(connection);
        }
        self.pool.returned.notify_one();
    }
}

fn broken() -> crate::error::Error {
    OtpError::Store("an earlier call panicked".to_owned()).into()
}

/// Connections of one store: as many calls as a server of some cores does at a time, and few enough
/// for eight programs under PostgreSQL's default of 100.
const MAX_CONNECTIONS: usize = 8;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn counting() -> (Pool<usize>, &'static AtomicUsize) {
        let opened: &AtomicUsize = Box::leak(Box::default());
        (Pool::new(|| Ok(opened.fetch_add(1, Ordering::Relaxed))).unwrap(), opened)
    }

    #[test]
    fn a_connection_is_used_again_unless_a_call_on_it_failed() {
        let (pool, opened) = counting();
        assert_eq!((pool.with(|c| Ok(*c)), pool.with(|c| Ok(*c))), (Ok(0), Ok(0)));
        assert!(pool.with(|_| Err::<(), _>(broken())).is_err());
        assert_eq!(pool.with(|c| Ok(*c)), Ok(1));
        assert_eq!(opened.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn calls_wait_for_each_other_beyond_the_limit_and_outlive_a_panic() {
        let (pool, opened) = counting();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.with(|_| -> Result<()> { panic!("on purpose") })
        }));
        assert!(panicked.is_err());
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    pool.with(|_| {
                        std::thread::yield_now();
                        Ok(())
                    })
                });
            }
        });
        assert!(opened.load(Ordering::Relaxed) <= 1 + MAX_CONNECTIONS);
        assert!(pool.with(|_| Ok(())).is_ok());
    }

    #[test]
    fn a_server_that_cannot_be_reached_is_noticed_at_once() {
        assert!(Pool::<()>::new(|| Err(broken())).is_err());
    }
}
