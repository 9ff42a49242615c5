//! The random source, which every function that needs one takes as an argument.

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// A cryptographically secure random source.
///
/// The portable engine draws everything from it. The fast engine has functions that take no random
/// source and ask the system's themselves: the salt of an RSASSA-PSS signature, the hedge of an ECDSA
/// signature, and the randomness of ML-KEM.
///
/// ```
/// use otls::crypto::Random;
///
/// /// For reproducible tests only.
/// struct Counter;
///
/// impl Random for Counter {
///     fn fill(&self, out: &mut [u8]) -> otls::Result<()> {
///         out.iter_mut().zip(0..).for_each(|(to, octet)| *to = octet);
///         Ok(())
///     }
/// }
/// # Counter.fill(&mut [0; 32])?;
/// # Ok::<(), otls::Error>(())
/// ```
pub trait Random: Send + Sync {
    /// Fills `out` with random octets, or fails with [`Error::Random`] and leaves `out` unspecified.
    fn fill(&self, out: &mut [u8]) -> Result<()>;
}

/// The operating system's random source.
///
/// ```
/// use otls::crypto::{Random, SystemRandom};
///
/// let mut octets = [0; 32];
/// SystemRandom.fill(&mut octets)?;
/// assert_ne!(octets, [0; 32]);
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        getrandom::fill(out).map_err(|_| Error::Random)
    }
}

/// A stream for algorithms that need a source which cannot fail half way (prime search, blinding):
/// ChaCha20 under a key that is drawn once. Wiped when dropped.
pub(super) fn stream(random: &dyn Random) -> Result<ChaCha20Rng> {
    let mut seed = Zeroizing::new([0; 32]);
    random.fill(seed.as_mut())?;
    Ok(ChaCha20Rng::from_seed(*seed))
}

/// Draws `N` octets until `accept` takes them.
///
/// # Errors
/// [`Error::Random`] if the source fails, or gives nothing acceptable in [`MAX_DRAWS`] draws.
pub(super) fn draw<const N: usize, T>(
    random: &dyn Random,
    accept: impl Fn(&[u8; N]) -> Option<T>,
) -> Result<T> {
    let mut octets = Zeroizing::new([0; N]);
    for _ in 0..MAX_DRAWS {
        random.fill(octets.as_mut())?;
        if let Some(accepted) = accept(&octets) {
            return Ok(accepted);
        }
    }
    Err(Error::Random)
}

/// A scalar of P-256 is out of range once in 2^32 draws: a source that misses this often is broken.
const MAX_DRAWS: usize = 16;
