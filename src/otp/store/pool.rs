//! Connections to a server, each used by one call at a time.

use std::sync::{Condvar, Mutex};

use super::super::deadline::Deadline;
use crate::error::{OtpError, Result};
use crate::process::PerProcess;

/// Opens connections as calls need them, and keeps them. One on which a call failed is dropped: what
/// it was asked may still be on its way. A forked process opens its own.
pub struct Pool<C> {
    open: Box<dyn Fn(Deadline) -> Result<C> + Send + Sync>,
    most: usize,
    shared: PerProcess<Shared<C>>,
}

crate::shown::shown!(Pool<C>);

struct Shared<C> {
    state: Mutex<State<C>>,
    returned: Condvar,
}

struct State<C> {
    idle: Vec<C>,
    lent: usize,
}

impl<C> Pool<C> {
    /// At most so many connections at a time.
    pub fn new(most: usize, open: impl Fn(Deadline) -> Result<C> + Send + Sync + 'static) -> Self {
        Self { open: Box::new(open), most, shared: PerProcess::new(Shared::new()) }
    }

    /// Lends a connection to `work`, which has to be over at the deadline.
    pub fn with<T>(&self, deadline: Deadline, work: impl FnOnce(&mut C) -> Result<T>) -> Result<T> {
        let shared = self.shared.get(Shared::new)?;
        // Given back however this ends, a panic included.
        let mut lent = Lent { shared, connection: shared.take(self.most, deadline)? };
        if lent.connection.is_none() {
            lent.connection = Some((self.open)(deadline)?);
        }
        let Some(connection) = lent.connection.as_mut() else { return Err(broken()) };
        let done = work(connection);
        if done.is_err() {
            lent.connection = None;
        }
        done
    }
}

impl<C> Shared<C> {
    fn new() -> Self {
        Self { state: Mutex::new(State { idle: Vec::new(), lent: 0 }), returned: Condvar::new() }
    }

    /// An idle connection, or `None` where one may be opened; it counts as lent from now on.
    fn take(&self, most: usize, deadline: Deadline) -> Result<Option<C>> {
        let mut state = self.state.lock().map_err(|_| broken())?;
        while state.lent >= most {
            let left = deadline.left()?;
            (state, _) = self.returned.wait_timeout(state, left).map_err(|_| broken())?;
        }
        state.lent = state.lent.saturating_add(1);
        Ok(state.idle.pop())
    }
}

struct Lent<'a, C> {
    shared: &'a Shared<C>,
    connection: Option<C>,
}

impl<C> Drop for Lent<'_, C> {
    fn drop(&mut self) {
        // A connection that saw a panic is in an unknown state.
        let connection = self.connection.take().filter(|_| !std::thread::panicking());
        if let Ok(mut state) = self.shared.state.lock() {
            state.lent = state.lent.saturating_sub(1);
            state.idle.extend(connection);
        }
        self.shared.returned.notify_one();
    }
}

fn broken() -> crate::error::Error {
    OtpError::Store("an earlier call panicked".to_owned()).into()
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    const MAX_CONNECTIONS: usize = 8;

    fn counting() -> (Pool<usize>, &'static AtomicUsize) {
        let opened: &AtomicUsize = Box::leak(Box::default());
        (Pool::new(MAX_CONNECTIONS, |_| Ok(opened.fetch_add(1, Ordering::Relaxed))), opened)
    }

    fn with<T>(pool: &Pool<usize>, work: impl FnOnce(&mut usize) -> Result<T>) -> Result<T> {
        pool.with(Deadline::start(), work)
    }

    #[test]
    fn a_connection_is_used_again_unless_a_call_on_it_failed() {
        let (pool, opened) = counting();
        assert_eq!((with(&pool, |c| Ok(*c)), with(&pool, |c| Ok(*c))), (Ok(0), Ok(0)));
        assert!(with(&pool, |_| Err::<(), _>(broken())).is_err());
        assert_eq!(with(&pool, |c| Ok(*c)), Ok(1));
        assert_eq!(opened.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn calls_wait_for_each_other_beyond_the_limit_and_outlive_a_panic() {
        let (pool, opened) = counting();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            with(&pool, |_| -> Result<()> { panic!("on purpose") })
        }));
        assert!(panicked.is_err());
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    with(&pool, |_| {
                        std::thread::yield_now();
                        Ok(())
                    })
                });
            }
        });
        assert!(opened.load(Ordering::Relaxed) <= 1 + MAX_CONNECTIONS);
        assert!(with(&pool, |_| Ok(())).is_ok());
    }

    #[test]
    fn a_call_that_finds_all_connections_lent_fails_at_its_deadline() {
        let (pool, opened) = counting();
        let (start, end) = (Barrier::new(MAX_CONNECTIONS + 1), Barrier::new(MAX_CONNECTIONS + 1));
        std::thread::scope(|scope| {
            for _ in 0..MAX_CONNECTIONS {
                scope.spawn(|| {
                    with(&pool, |_| {
                        start.wait();
                        end.wait();
                        Ok(())
                    })
                });
            }
            start.wait();
            let late = pool.with(Deadline::after(Duration::from_millis(50)), |_| Ok(()));
            assert!(late.is_err());
            end.wait();
        });
        assert_eq!(opened.load(Ordering::Relaxed), MAX_CONNECTIONS);
        assert!(with(&pool, |_| Ok(())).is_ok());
    }
}
