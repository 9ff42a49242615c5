//! The random source, which every function that needs one takes as an argument.

use crate::error::{Error, Result};

/// A cryptographically secure random source.
pub trait Random: Send + Sync {
    /// Fills `out` with random octets, or fails with [`Error::Random`] and leaves `out` unspecified.
    fn fill(&self, out: &mut [u8]) -> Result<()>;
}

/// The operating system's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        getrandom::fill(out).map_err(|_| Error::Random)
    }
}
