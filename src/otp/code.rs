//! Numeric codes from the random source.

use zeroize::Zeroizing;

use crate::crypto::Random;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// A code that a customer reads and types: 6 to 12 decimal digits. Wiped when dropped.
///
/// ```
/// use otls::crypto::SystemRandom;
/// use otls::otp::Code;
///
/// let code = Code::generate(8, &SystemRandom)?;
/// assert_eq!(code.expose().len(), 8);
/// # Ok::<(), otls::Error>(())
/// ```
pub struct Code(Secret);

impl Code {
    /// The fewest digits: a million codes, which a limit on wrong attempts makes safe
    /// (NIST SP 800-63B-4 §3.1.3.2 asks for six).
    pub const MIN_DIGITS: usize = 6;

    /// The most digits: more than a person types without a mistake.
    pub const MAX_DIGITS: usize = 12;

    /// A new code of `digits` digits, uniformly distributed (no modulo bias).
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for fewer than 6 or more than 12 digits; [`crate::Error::Random`].
    pub fn generate(digits: usize, random: &dyn Random) -> Result<Self> {
        if !(Self::MIN_DIGITS..=Self::MAX_DIGITS).contains(&digits) {
            return Err(Error::misuse("a code has 6 to 12 digits", "ask for 6 digits or more, 12 at most"));
        }
        // The capacity is final, so that growing leaves no copy behind.
        let mut code = Zeroizing::new(Vec::with_capacity(digits));
        for _ in 0..MAX_BLOCKS {
            let mut block = Zeroizing::new([0; BLOCK_LEN]);
            random.fill(block.as_mut_slice())?;
            // 256 is no multiple of 10: the six highest values would make 0 to 5 more likely.
            let unbiased = block.iter().filter(|octet| **octet < UNBIASED_BELOW);
            for octet in unbiased.take(digits.saturating_sub(code.len())) {
                code.push(b'0' + octet % 10);
            }
            if code.len() == digits {
                return Ok(Self(Secret::from(code)));
            }
        }
        Err(Error::Random)
    }

    /// The digits, to be shown to the customer.
    pub fn expose(&self) -> &str {
        core::str::from_utf8(self.0.expose()).unwrap_or_default()
    }
}

/// The largest multiple of 10 that an octet can reach.
const UNBIASED_BELOW: u8 = 250;

/// Octets drawn at a time: enough for twelve digits in nearly all cases.
const BLOCK_LEN: usize = 16;

/// A random source that is rejected so often is broken; better an error than a loop without end.
const MAX_BLOCKS: usize = 64;

#[cfg(test)]
mod tests {
    #![allow(clippy::as_conversions)]

    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use super::*;

    /// Hands out a fixed sequence again and again and counts the octets.
    struct Counting {
        octets: &'static [u8],
        drawn: AtomicUsize,
    }

    impl Random for Counting {
        fn fill(&self, out: &mut [u8]) -> Result<()> {
            for octet in out {
                let at = self.drawn.fetch_add(1, Ordering::Relaxed);
                *octet = self.octets[at % self.octets.len()];
            }
            Ok(())
        }
    }

    /// SplitMix64: the same draws in every run.
    struct Deterministic(AtomicU64);

    impl Random for Deterministic {
        fn fill(&self, out: &mut [u8]) -> Result<()> {
            for octet in out {
                let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                *octet = ((z ^ (z >> 31)) >> 56) as u8;
            }
            Ok(())
        }
    }

    #[test]
    fn biased_draws_are_rejected() {
        let random = Counting { octets: &[250, 255, 251, 249, 252, 0], drawn: AtomicUsize::new(0) };
        let code = Code::generate(6, &random).unwrap();
        assert_eq!(code.expose(), "909090");
        // Six digits out of two in six octets need 18, and octets come in blocks of 16.
        assert_eq!(random.drawn.load(Ordering::Relaxed), 32);
    }

    #[test]
    fn a_source_that_is_always_rejected_fails_instead_of_looping() {
        let random = Counting { octets: &[255], drawn: AtomicUsize::new(0) };
        assert_eq!(Code::generate(6, &random).err(), Some(Error::Random));
        assert_eq!(random.drawn.load(Ordering::Relaxed), BLOCK_LEN * MAX_BLOCKS);
    }

    #[test]
    fn each_digit_is_equally_likely_in_each_place() {
        const CODES: usize = 50_000;
        let random = Deterministic(AtomicU64::new(1));
        let mut seen = [[0_u32; 10]; 12];
        for _ in 0..CODES {
            let code = Code::generate(12, &random).unwrap();
            for (place, digit) in code.expose().bytes().enumerate() {
                seen[place][usize::from(digit - b'0')] += 1;
            }
        }
        let expected = CODES as f64 / 10.0;
        for counts in seen {
            let chi_square: f64 = counts.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
            // Nine degrees of freedom: beyond 33.7 once in 10,000 fair draws. Modulo bias
            // (26:25) gives about 45 more than that at this number of codes.
            assert!(chi_square < 33.7, "{chi_square}");
        }
    }

    #[test]
    fn five_and_thirteen_digits_are_refused() {
        for digits in [0, 5, 13, usize::MAX] {
            let random = Counting { octets: &[1], drawn: AtomicUsize::new(0) };
            assert!(matches!(Code::generate(digits, &random), Err(Error::ApiMisuse(_))));
        }
    }
}
