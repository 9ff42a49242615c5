//! Codes from the random source, and what they look like.

use zeroize::Zeroizing;

use super::typed;
use crate::crypto::Random;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// A code that a customer reads and types. Wiped when dropped.
///
/// ```
/// use otls::crypto::SystemRandom;
/// use otls::otp::{Code, CodeFormat};
///
/// let code = Code::generate(&CodeFormat::digits(8)?, &SystemRandom)?;
/// assert_eq!(code.expose().len(), 8);
/// # Ok::<(), otls::Error>(())
/// ```
pub struct Code(Secret);

crate::shown::shown!(Code);

/// How long codes are and which characters they have: six digits unless said otherwise.
///
/// ```
/// use otls::otp::CodeFormat;
///
/// // Without the characters that look like others.
/// let format = CodeFormat::of("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 8)?;
/// assert!(CodeFormat::of("0011", 8).is_err());
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeFormat {
    alphabet: Vec<u8>,
    len: usize,
}

impl CodeFormat {
    /// The fewest characters: a million codes, which a limit on wrong attempts makes safe
    /// (NIST SP 800-63B-4 §3.1.3.2 asks for six digits).
    pub const MIN_LEN: usize = 6;

    /// The most characters: more than a person types without a mistake.
    pub const MAX_LEN: usize = 12;

    /// Codes of so many decimal digits.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for fewer than 6 or more than 12.
    pub fn digits(len: usize) -> Result<Self> {
        Self::of(DIGITS, len)
    }

    /// Codes of `len` characters of `alphabet`.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for fewer than 6 or more than 12 characters, an alphabet of fewer
    /// than ten characters, a repeated one, or one that is not a visible character of ASCII. A hyphen is none
    /// either: people put it between groups, where it does not count.
    pub fn of(alphabet: &str, len: usize) -> Result<Self> {
        if !(Self::MIN_LEN..=Self::MAX_LEN).contains(&len) {
            return Err(Error::misuse("a code has 6 to 12 characters", "ask for 6 or more, 12 at most"));
        }
        let alphabet = alphabet.as_bytes().to_vec();
        let mut sorted = alphabet.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() != alphabet.len() || alphabet.len() < MIN_ALPHABET {
            return Err(Error::misuse(
                "an alphabet of fewer than ten different characters, or with one of them twice",
                "pass ten characters or more, each once",
            ));
        }
        if !alphabet.iter().all(u8::is_ascii_graphic) {
            return Err(Error::misuse(
                "an alphabet with characters that not everybody can type",
                "use visible characters of ASCII",
            ));
        }
        if alphabet.contains(&b'-') {
            return Err(Error::misuse(
                "an alphabet with a hyphen, which does not count in what people type",
                "leave it out",
            ));
        }
        Ok(Self { alphabet, len })
    }

    /// The code that somebody has typed; `None` for what cannot be one of this format.
    pub(super) fn read(&self, typed: &str) -> Option<Zeroizing<String>> {
        typed::read(typed, &self.alphabet, self.len)
    }
}

impl Default for CodeFormat {
    fn default() -> Self {
        Self { alphabet: DIGITS.as_bytes().to_vec(), len: Self::MIN_LEN }
    }
}

impl Code {
    /// A new code, each character uniformly distributed (no modulo bias).
    ///
    /// # Errors
    /// [`crate::Error::Random`].
    pub fn generate(format: &CodeFormat, random: &dyn Random) -> Result<Self> {
        // The largest multiple of the alphabet's size that an octet can reach: 256 is no multiple of
        // 10, and its six highest values would make 0 to 5 more likely.
        let size = format.alphabet.len();
        let unbiased_below = OCTETS.saturating_sub(OCTETS.checked_rem(size).unwrap_or_default());
        // The capacity is final, so that growing leaves no copy behind.
        let mut code = Zeroizing::new(Vec::with_capacity(format.len));
        for _ in 0..MAX_BLOCKS {
            let mut block = Zeroizing::new([0; BLOCK_LEN]);
            random.fill(block.as_mut_slice())?;
            let unbiased = block.iter().map(|octet| usize::from(*octet)).filter(|n| *n < unbiased_below);
            for number in unbiased.take(format.len.saturating_sub(code.len())) {
                code.extend(number.checked_rem(size).and_then(|at| format.alphabet.get(at)));
            }
            if code.len() == format.len {
                return Ok(Self(Secret::from(code)));
            }
        }
        Err(Error::Random)
    }

    /// The characters, to be shown to the customer.
    pub fn expose(&self) -> &str {
        core::str::from_utf8(self.0.expose()).unwrap_or_default()
    }
}

const DIGITS: &str = "0123456789";

/// As few as decimal digits are, so that the shortest code still has a million values.
const MIN_ALPHABET: usize = 10;

/// The values of an octet.
const OCTETS: usize = 256;

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
        let code = Code::generate(&CodeFormat::default(), &random).unwrap();
        assert_eq!(code.expose(), "909090");
        // Six digits out of two in six octets need 18, and octets come in blocks of 16.
        assert_eq!(random.drawn.load(Ordering::Relaxed), 32);
    }

    #[test]
    fn a_source_that_is_always_rejected_fails_instead_of_looping() {
        let random = Counting { octets: &[255], drawn: AtomicUsize::new(0) };
        assert_eq!(Code::generate(&CodeFormat::default(), &random).err(), Some(Error::Random));
        assert_eq!(random.drawn.load(Ordering::Relaxed), BLOCK_LEN * MAX_BLOCKS);
    }

    #[test]
    fn each_digit_is_equally_likely_in_each_place() {
        const CODES: usize = 50_000;
        let random = Deterministic(AtomicU64::new(1));
        let mut seen = [[0_u32; 10]; 12];
        for _ in 0..CODES {
            let code = Code::generate(&CodeFormat::digits(12).unwrap(), &random).unwrap();
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
    fn a_code_has_the_characters_of_its_alphabet_each_equally_likely() {
        let random = Deterministic(AtomicU64::new(2));
        let alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789x";
        let format = CodeFormat::of(alphabet, 12).unwrap();
        let mut seen = [0_u32; 128];
        for _ in 0..10_000 {
            for character in Code::generate(&format, &random).unwrap().expose().bytes() {
                seen[usize::from(character)] += 1;
            }
        }
        let expected = 120_000.0 / 33.0;
        let counts: Vec<u32> = alphabet.bytes().map(|character| seen[usize::from(character)]).collect();
        assert_eq!(counts.iter().sum::<u32>(), 120_000);
        // 32 degrees of freedom: beyond 71 once in 10,000 fair draws.
        let chi_square: f64 = counts.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
        assert!(chi_square < 71.0, "{chi_square}");
    }

    #[test]
    fn formats_that_are_too_short_too_long_or_ambiguous_are_refused() {
        for len in [0, 5, 13, usize::MAX] {
            assert!(matches!(CodeFormat::digits(len), Err(Error::ApiMisuse(_))), "{len}");
        }
        for alphabet in
            ["", "012345678", "01234567899", "012345678 ", "012345678é", "012345678\0", "012345678-"]
        {
            assert!(matches!(CodeFormat::of(alphabet, 6), Err(Error::ApiMisuse(_))), "{alphabet}");
        }
    }
}
