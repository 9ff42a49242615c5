//! Calls of servers, each with an end and with a value that its answer has to bring back.

use std::future::Future;

use tokio::runtime::{Builder, Handle, Runtime};

use otls::crypto::{Random as _, SystemRandom};
use otls::error::OtpError;
use otls::internal::Deadline;
use otls::otp::Verdict;
use otls::{Error, Result};

/// Runs what a server's library does, on the calling thread.
pub(super) struct Driver(Option<Runtime>);

impl Driver {
    pub(super) fn new() -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Self(Some(runtime.map_err(|error| failed(&error))?)))
    }

    /// # Errors
    /// As `work`; [`OtpError::Store`] at the deadline.
    pub(super) fn run<T: Send>(
        &self,
        deadline: Deadline,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let runtime = self.0.as_ref().ok_or(Error::Internal("a driver that is gone"))?;
        let left = deadline.left()?;
        let bounded = async move {
            let done = tokio::time::timeout(left, work).await;
            done.unwrap_or_else(|_| Err(deadline.missed()))
        };
        if Handle::try_current().is_err() {
            return runtime.block_on(bounded);
        }
        // A thread that works for a runtime may not wait for another one.
        std::thread::scope(|scope| {
            let done = scope.spawn(|| runtime.block_on(bounded)).join();
            done.unwrap_or(Err(Error::Internal("a store's client panicked")))
        })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Not waited for: a host's name that is still looked up.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// What an answer has to bring back: of two calls on one connection, perhaps in two processes, each would
/// otherwise take the other's answer for its own.
pub(super) struct Nonce(pub(super) [u8; 16]);

impl Nonce {
    pub(super) fn draw() -> Result<Self> {
        let mut nonce = Self([0; 16]);
        SystemRandom.fill(&mut nonce.0)?;
        Ok(nonce)
    }

    /// # Errors
    /// [`OtpError::Store`] for another call's answer: the pool then drops the connection.
    pub(super) fn check(&self, answered: &[u8]) -> Result<()> {
        if answered == self.0 {
            return Ok(());
        }
        Err(OtpError::Store("the server gave the answer to another call; try again".to_owned()).into())
    }
}

/// What a server's answer says.
pub(super) fn verdict(word: &str, number: Option<u64>) -> Result<Verdict> {
    Ok(match (word, number.map(u32::try_from)) {
        ("accepted", _) => Verdict::Accepted,
        ("wrong", Some(Ok(attempts_left))) => Verdict::Wrong { attempts_left },
        ("expired", _) => Verdict::Expired,
        ("used", _) => Verdict::Used,
        ("locked", _) => Verdict::Locked,
        ("unknown", _) => Verdict::Unknown,
        ("cancelled", _) => Verdict::Cancelled,
        _ => return Err(OtpError::Store("an answer that is none".to_owned()).into()),
    })
}

/// What a server's library says of a failure; it never has a bound value in it.
pub(super) fn failed<E: core::fmt::Display>(error: &E) -> Error {
    OtpError::Store(error.to_string()).into()
}

/// Connections of one store: as many calls as a server of some cores does at a time, and few enough
/// for eight programs under PostgreSQL's default of 100.
pub(super) const MAX_CONNECTIONS: usize = 8;
