//! OCRA suites: the text that says what a response is computed from, and how (RFC 6287 §6).

use core::fmt;

use crate::crypto::oath::OathHash;
use crate::error::{Error, OtpError, Result};

/// A parsed OCRA suite, for example `OCRA-1:HOTP-SHA256-8:C-QN08-PSHA1` (RFC 6287 §6).
///
/// ```
/// use otls::crypto::oath::OathHash;
/// use otls::otp::oath::OcraSuite;
///
/// let suite = OcraSuite::parse("OCRA-1:HOTP-SHA512-8:QA10-T1M")?;
/// assert_eq!((suite.hash(), suite.digits()), (OathHash::Sha512, 8));
/// assert_eq!((suite.challenge_len(), suite.time_step()), (10, Some(60)));
/// assert_eq!(suite.to_string(), "OCRA-1:HOTP-SHA512-8:QA10-T1M");
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcraSuite {
    text: String,
    hash: OathHash,
    digits: usize,
    counter: bool,
    challenge_format: ChallengeFormat,
    challenge_len: usize,
    pin: Option<OathHash>,
    session_len: Option<usize>,
    time_step: Option<u32>,
}

/// What a challenge is made of (RFC 6287 §6.3, table 2).
///
/// ```
/// use otls::otp::oath::{ChallengeFormat, OcraSuite};
///
/// let suite = OcraSuite::parse("OCRA-1:HOTP-SHA1-6:QN08")?;
/// assert_eq!(suite.challenge_format(), ChallengeFormat::Numeric);
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeFormat {
    /// `A`: ASCII letters and digits.
    Alphanumeric,
    /// `N`: decimal digits.
    Numeric,
    /// `H`: hexadecimal digits.
    Hexadecimal,
}

impl OcraSuite {
    /// The fewest digits of a response that is truncated (RFC 6287 §5.2).
    pub const MIN_DIGITS: usize = 4;

    /// The most digits of a response that is truncated (RFC 6287 §5.2).
    pub const MAX_DIGITS: usize = 10;

    /// The most octets of session information. RFC 6287 §6.3 has 64, 128, 256 and 512 as typical, and
    /// leaves others to an agreement.
    pub const MAX_SESSION_LEN: usize = 512;

    /// Reads a suite. Its letters are capitals: they are part of what is computed.
    ///
    /// # Errors
    /// [`OtpError::Suite`], which says which part is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_SUITE_LEN {
            return Err(wrong("a suite of more than 64 characters"));
        }
        let mut parts = text.split(':');
        let (Some(algorithm), Some(function), Some(data_input), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong("a suite has three parts with colons between them"));
        };
        // RFC 6287 §6.1: version 1 is the only one.
        if algorithm != "OCRA-1" {
            return Err(wrong("a suite begins with OCRA-1"));
        }
        let (hash, digits) = crypto_function(function)?;
        let mut inputs = data_input.split('-').peekable();
        let counter = inputs.next_if_eq(&"C").is_some();
        let (challenge_format, challenge_len) = challenge(inputs.next().unwrap_or_default())?;
        // RFC 6287 §6.3: these three may follow, in this order.
        let pin = inputs.next_if(|input| input.starts_with('P')).map(pin).transpose()?;
        let session_len = inputs.next_if(|input| input.starts_with('S')).map(session_len).transpose()?;
        let time_step = inputs.next_if(|input| input.starts_with('T')).map(time_step).transpose()?;
        if inputs.next().is_some() {
            return Err(wrong("the inputs of a suite are C, Q, P, S and T, in this order and each once"));
        }
        let text = text.to_owned();
        Ok(Self { text, hash, digits, counter, challenge_format, challenge_len, pin, session_len, time_step })
    }

    /// The text, as it was parsed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The hash of the HMAC.
    pub fn hash(&self) -> OathHash {
        self.hash
    }

    /// Digits of a response: 4 to 10, or 0 where the response is the whole HMAC.
    pub fn digits(&self) -> usize {
        self.digits
    }

    /// Whether a counter is an input.
    pub fn has_counter(&self) -> bool {
        self.counter
    }

    /// What a challenge is made of.
    pub fn challenge_format(&self) -> ChallengeFormat {
        self.challenge_format
    }

    /// The most characters of a challenge.
    pub fn challenge_len(&self) -> usize {
        self.challenge_len
    }

    /// The hash of the PIN, if one is an input.
    pub fn pin(&self) -> Option<OathHash> {
        self.pin
    }

    /// Octets of the session information, if it is an input.
    pub fn session_len(&self) -> Option<usize> {
        self.session_len
    }

    /// Seconds in a step of the time, if it is an input.
    pub fn time_step(&self) -> Option<u32> {
        self.time_step
    }
}

impl fmt::Display for OcraSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// RFC 6287 §6.2: `HOTP-SHA1-6` and the like.
fn crypto_function(text: &str) -> Result<(OathHash, usize)> {
    let function = text.strip_prefix("HOTP-").and_then(|rest| rest.split_once('-'));
    let (hash, digits) = function.ok_or_else(|| wrong("the second part of a suite is HOTP-hash-digits"))?;
    let hash = OathHash::from_name(hash)
        .ok_or_else(|| wrong("the hash of a suite is SHA1, SHA256 or SHA512, in capitals"))?;
    let digits = number(digits, 1..=2)
        .filter(|digits| *digits == 0 || (OcraSuite::MIN_DIGITS..=OcraSuite::MAX_DIGITS).contains(digits))
        .ok_or_else(|| wrong("the digits of a suite are 0, or 4 to 10"))?;
    Ok((hash, digits))
}

/// RFC 6287 §6.3, table 2: `QN08` and the like, of 4 to 64 characters.
fn challenge(text: &str) -> Result<(ChallengeFormat, usize)> {
    let malformed = || wrong("a suite has a challenge: QN, QA or QH with two digits from 04 to 64");
    let (format, len) = match text.split_at_checked(2).ok_or_else(malformed)? {
        ("QA", len) => (ChallengeFormat::Alphanumeric, len),
        ("QN", len) => (ChallengeFormat::Numeric, len),
        ("QH", len) => (ChallengeFormat::Hexadecimal, len),
        _ => return Err(malformed()),
    };
    let len = numbered(len, 2).filter(|len| (4..=MAX_CHALLENGE_LEN).contains(len)).ok_or_else(malformed)?;
    Ok((format, len))
}

/// RFC 6287 §6.3: `PSHA1` and the like.
fn pin(text: &str) -> Result<OathHash> {
    text.strip_prefix('P')
        .and_then(OathHash::from_name)
        .ok_or_else(|| wrong("the PIN of a suite is PSHA1, PSHA256 or PSHA512"))
}

/// RFC 6287 §6.3: `S064` and the like.
fn session_len(text: &str) -> Result<usize> {
    text.strip_prefix('S')
        .and_then(|len| numbered(len, 3))
        .filter(|len| (1..=OcraSuite::MAX_SESSION_LEN).contains(len))
        .ok_or_else(|| wrong("the session information of a suite is S with three digits from 001 to 512"))
}

/// RFC 6287 §6.3, table 3, with erratum 3729: a step of 0 hours is none.
fn time_step(text: &str) -> Result<u32> {
    let malformed = || wrong("the time of a suite is T with 1 to 59 S or M, or 1 to 48 H: T1M");
    let amount = text.strip_prefix('T').ok_or_else(malformed)?;
    let units = [('S', 1, 59), ('M', 60, 59), ('H', 3600, 48)];
    let step = units.into_iter().find_map(|(letter, seconds, most)| {
        let amount = number(amount.strip_suffix(letter)?, 1..=2).filter(|n| (1..=most).contains(n))?;
        u32::try_from(amount).ok()?.checked_mul(seconds)
    });
    step.ok_or_else(malformed)
}

/// A decimal number of so many digits, without a leading zero.
fn number(text: &str, digits: core::ops::RangeInclusive<usize>) -> Option<usize> {
    let leads = text.len() > 1 && text.starts_with('0');
    digits.filter(|len| *len == text.len()).filter(|_| !leads).find_map(|len| numbered(text, len))
}

/// A decimal number of exactly so many digits.
fn numbered(text: &str, digits: usize) -> Option<usize> {
    let all = text.len() == digits && text.bytes().all(|octet| octet.is_ascii_digit());
    if all { text.parse().ok() } else { None }
}

fn wrong(what: &str) -> Error {
    OtpError::Suite(what.to_owned()).into()
}

/// Characters of the longest challenge (RFC 6287 §6.3).
const MAX_CHALLENGE_LEN: usize = 64;

/// More than the longest suite that this grammar has, of 46 characters.
const MAX_SUITE_LEN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_suite_is_read() {
        let suite = OcraSuite::parse("OCRA-1:HOTP-SHA512-10:C-QH64-PSHA256-S512-T48H").unwrap();
        assert_eq!((suite.hash(), suite.digits(), suite.has_counter()), (OathHash::Sha512, 10, true));
        assert_eq!((suite.challenge_format(), suite.challenge_len()), (ChallengeFormat::Hexadecimal, 64));
        assert_eq!((suite.pin(), suite.session_len()), (Some(OathHash::Sha256), Some(512)));
        assert_eq!(suite.time_step(), Some(48 * 3600));
        assert_eq!(suite.as_str(), suite.to_string());
        let least = OcraSuite::parse("OCRA-1:HOTP-SHA1-0:QN04").unwrap();
        assert_eq!((least.digits(), least.has_counter(), least.pin()), (0, false, None));
        assert_eq!((least.session_len(), least.time_step()), (None, None));
    }

    #[test]
    fn each_step_size_is_so_many_seconds() {
        for (text, seconds) in [("T1S", 1), ("T59S", 59), ("T1M", 60), ("T59M", 3540), ("T1H", 3600)] {
            let suite = OcraSuite::parse(&format!("OCRA-1:HOTP-SHA1-6:QN08-{text}")).unwrap();
            assert_eq!(suite.time_step(), Some(seconds));
        }
    }

    #[test]
    fn malformed_suites_are_refused_and_the_part_is_named() {
        for (text, part) in [
            ("", "three parts"),
            ("OCRA-1:HOTP-SHA1-6", "three parts"),
            ("OCRA-1:HOTP-SHA1-6:QN08:", "three parts"),
            ("OCRA-2:HOTP-SHA1-6:QN08", "begins with OCRA-1"),
            ("ocra-1:HOTP-SHA1-6:QN08", "begins with OCRA-1"),
            ("OCRA-1:TOTP-SHA1-6:QN08", "HOTP-hash-digits"),
            ("OCRA-1:HOTP-SHA1:QN08", "HOTP-hash-digits"),
            ("OCRA-1:HOTP-MD5-6:QN08", "the hash of a suite"),
            ("OCRA-1:HOTP-sha1-6:QN08", "the hash of a suite"),
            ("OCRA-1:HOTP-SHA384-6:QN08", "the hash of a suite"),
            ("OCRA-1:HOTP-SHA1-3:QN08", "the digits"),
            ("OCRA-1:HOTP-SHA1-11:QN08", "the digits"),
            ("OCRA-1:HOTP-SHA1-06:QN08", "the digits"),
            ("OCRA-1:HOTP-SHA1-+6:QN08", "the digits"),
            ("OCRA-1:HOTP-SHA1-:QN08", "the digits"),
            ("OCRA-1:HOTP-SHA1-6-6:QN08", "the digits"),
            ("OCRA-1:HOTP-SHA1-6:", "has a challenge"),
            ("OCRA-1:HOTP-SHA1-6:C", "has a challenge"),
            ("OCRA-1:HOTP-SHA1-6:Q", "has a challenge"),
            ("OCRA-1:HOTP-SHA1-6:T1M", "has a challenge"),
            ("OCRA-1:HOTP-SHA1-6:QX08", "has a challenge"),
            ("OCRA-1:HOTP-SHA1-6:QN8", "has a challenge"),
            ("OCRA-1:HOTP-SHA1-6:QN03", "has a challenge"),
            ("OCRA-1:HOTP-SHA1-6:QN65", "has a challenge"),
            ("OCRA-1:HOTP-SHA1-6:Qé8", "has a challenge"),
            ("OCRA-1:HOTP-SHA1-6:QN08-P", "the PIN"),
            ("OCRA-1:HOTP-SHA1-6:QN08-PMD5", "the PIN"),
            ("OCRA-1:HOTP-SHA1-6:QN08-S64", "the session"),
            ("OCRA-1:HOTP-SHA1-6:QN08-S000", "the session"),
            ("OCRA-1:HOTP-SHA1-6:QN08-S513", "the session"),
            ("OCRA-1:HOTP-SHA1-6:QN08-T", "the time"),
            ("OCRA-1:HOTP-SHA1-6:QN08-T0S", "the time"),
            ("OCRA-1:HOTP-SHA1-6:QN08-T60M", "the time"),
            ("OCRA-1:HOTP-SHA1-6:QN08-T0H", "the time"),
            ("OCRA-1:HOTP-SHA1-6:QN08-T49H", "the time"),
            ("OCRA-1:HOTP-SHA1-6:QN08-T1D", "the time"),
            ("OCRA-1:HOTP-SHA1-6:QN08-T01M", "the time"),
            ("OCRA-1:HOTP-SHA1-6:QN08-T1M-PSHA1", "in this order"),
            ("OCRA-1:HOTP-SHA1-6:QN08-QN08", "in this order"),
            ("OCRA-1:HOTP-SHA1-6:QN08-C", "in this order"),
            ("OCRA-1:HOTP-SHA1-6:QN08-", "in this order"),
        ] {
            match OcraSuite::parse(text) {
                Err(Error::Otp(OtpError::Suite(why))) => assert!(why.contains(part), "{text}: {why}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        let long = format!("OCRA-1:HOTP-SHA1-6:{}", "C-".repeat(40));
        assert!(matches!(OcraSuite::parse(&long), Err(Error::Otp(OtpError::Suite(_)))));
    }
}
