//! The challenge of OCRA as octets (RFC 6287 §5.1).

use zeroize::Zeroizing;

use super::suite::{ChallengeFormat, OcraSuite};
use crate::error::{Error, OtpError, Result};

/// Octets of a challenge: RFC 6287 §5.1 pads it with zeros on the right.
pub(super) const CHALLENGE_LEN: usize = 128;

/// One challenge, or two for a mutual exchange (RFC 6287 §7.2), where the second follows the first as text.
pub(super) fn encode(suite: &OcraSuite, first: &str, second: Option<&str>) -> Result<[u8; CHALLENGE_LEN]> {
    let mut text = Zeroizing::new(String::with_capacity(CHALLENGE_LEN));
    for challenge in core::iter::once(first).chain(second) {
        check(suite, challenge)?;
        text.push_str(challenge);
    }
    let mut octets = [0; CHALLENGE_LEN];
    match suite.challenge_format() {
        ChallengeFormat::Alphanumeric => put(&mut octets, text.bytes()),
        ChallengeFormat::Hexadecimal => put_nibbles(&mut octets, nibbles(&text, 16)),
        ChallengeFormat::Numeric => put_nibbles(&mut octets, hexadecimal(&text).into_iter()),
    }
    Ok(octets)
}

fn check(suite: &OcraSuite, challenge: &str) -> Result<()> {
    let (what, fits) = match suite.challenge_format() {
        ChallengeFormat::Alphanumeric => ("ASCII letters and digits", all(challenge, 36)),
        ChallengeFormat::Numeric => ("decimal digits", all(challenge, 10)),
        ChallengeFormat::Hexadecimal => ("hexadecimal digits", all(challenge, 16)),
    };
    let most = suite.challenge_len();
    if fits && (1..=most).contains(&challenge.len()) {
        return Ok(());
    }
    Err(wrong(format!("the challenge for {suite} is 1 to {most} {what}")))
}

fn all(text: &str, radix: u32) -> bool {
    text.chars().all(|character| character.is_digit(radix))
}

/// A decimal number in hexadecimal, most significant digit first: RFC 6287 appendix A turns a numeric
/// challenge into hexadecimal as text, so that an odd number of digits ends in half an octet.
fn hexadecimal(decimal: &str) -> Vec<u8> {
    // Least significant first: each further decimal digit multiplies by ten and adds.
    let mut digits: Vec<u8> = Vec::with_capacity(decimal.len());
    for digit in nibbles(decimal, 10) {
        let mut carry = digit;
        for place in &mut digits {
            // At most 15 · 10 + 9.
            let value = place.saturating_mul(10).saturating_add(carry);
            (*place, carry) = (value & 0x0F, value >> 4);
        }
        if carry != 0 {
            digits.push(carry);
        }
    }
    digits.reverse();
    digits
}

fn nibbles(text: &str, radix: u32) -> impl Iterator<Item = u8> {
    text.chars().filter_map(move |character| u8::try_from(character.to_digit(radix)?).ok())
}

fn put_nibbles(octets: &mut [u8], nibbles: impl Iterator<Item = u8>) {
    for (at, nibble) in nibbles.enumerate() {
        if let Some(octet) = octets.get_mut(at / 2) {
            *octet |= if at.is_multiple_of(2) { nibble << 4 } else { nibble };
        }
    }
}

fn put(octets: &mut [u8], from: impl Iterator<Item = u8>) {
    octets.iter_mut().zip(from).for_each(|(to, from)| *to = from);
}

fn wrong(what: String) -> Error {
    OtpError::Suite(what).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(format: &str, first: &str, second: Option<&str>) -> Vec<u8> {
        let suite = OcraSuite::parse(&format!("OCRA-1:HOTP-SHA1-6:{format}")).unwrap();
        let encoded = encode(&suite, first, second).unwrap();
        let end = encoded.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
        encoded[..end].to_vec()
    }

    #[test]
    fn numbers_become_hexadecimal_with_an_odd_digit_on_the_left_of_its_octet() {
        assert!(octets("QN08", "00000000", None).is_empty());
        assert_eq!(octets("QN08", "12345678", None), [0xBC, 0x61, 0x4E]);
        assert_eq!(octets("QN08", "11111111", None), [0xA9, 0x8A, 0xC7]);
        assert_eq!(octets("QN08", "00000016", None), [0x10]);
        assert_eq!(octets("QN08", "4095", None), [0xFF, 0xF0]);
        for number in [0_u128, 1, 9, 15, 16, 255, 256, 4096, u128::from(u64::MAX), u128::MAX] {
            let text: String = hexadecimal(&number.to_string()).iter().map(|n| format!("{n:x}")).collect();
            let expected = if number == 0 { String::new() } else { format!("{number:x}") };
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn letters_and_hexadecimal_are_taken_as_they_are() {
        assert_eq!(octets("QA08", "SIG10000", None), b"SIG10000");
        assert_eq!(octets("QH08", "0aF", None), [0x0A, 0xF0]);
        assert_eq!(octets("QA08", "CLI22220", Some("SRV11110")), b"CLI22220SRV11110");
        assert_eq!(octets("QN08", "1", Some("6")), [0x10], "16 in decimal");
        let longest = "z".repeat(64);
        assert_eq!(octets("QA64", &longest, Some(&longest)).len(), CHALLENGE_LEN);
        let longest = "9".repeat(64);
        assert_eq!(octets("QN64", &longest, Some(&longest)).len(), 54);
    }

    #[test]
    fn a_challenge_that_does_not_fit_the_suite_is_refused() {
        for (format, challenge) in [
            ("QN08", ""),
            ("QN08", "123456789"),
            ("QN08", "1234567A"),
            ("QN08", "+1"),
            ("QN08", "１２"),
            ("QA08", "a-b"),
            ("QA08", "é"),
            ("QA08", "a b"),
            ("QH08", "0x12"),
            ("QH08", "G"),
        ] {
            let suite = OcraSuite::parse(&format!("OCRA-1:HOTP-SHA1-6:{format}")).unwrap();
            for (first, second) in [(challenge, None), (challenge, Some("1")), ("1", Some(challenge))] {
                match encode(&suite, first, second) {
                    Err(Error::Otp(OtpError::Suite(why))) => assert!(why.contains("the challenge"), "{why}"),
                    other => panic!("{challenge}: {other:?}"),
                }
            }
        }
    }
}
