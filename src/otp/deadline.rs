//! The end of a call that waits for others.

use std::time::{Duration, Instant};

use crate::error::{Error, OtpError, Result};

/// When a call has to be over, whatever it waits for.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    start: Instant,
    time: Duration,
}

impl Deadline {
    /// Ten seconds from now.
    pub fn start() -> Self {
        Self::after(TIMEOUT)
    }

    /// So long from now.
    pub fn after(time: Duration) -> Self {
        Self { start: Instant::now(), time }
    }

    /// What is left; never nothing.
    ///
    /// # Errors
    /// As [`Deadline::missed`].
    pub fn left(self) -> Result<Duration> {
        let left = self.time.saturating_sub(self.start.elapsed());
        if left.is_zero() { Err(self.missed()) } else { Ok(left) }
    }

    /// What a call says that it has not kept it.
    pub fn missed(self) -> Error {
        OtpError::Store(format!("no answer within {} s; is it at work?", self.time.as_secs())).into()
    }
}

/// How long a call of a store or of the audit log takes at most: waiting for its turn, making a connection,
/// and the answer. Longer than any of them takes that is at work, and shorter than a customer waits.
const TIMEOUT: Duration = Duration::from_secs(10);
