//! What HOTP, TOTP and OCRA compute, and how it is made of an HMAC.

use zeroize::Zeroizing;

use super::super::typed;
use crate::error::{Error, OtpError, Result};
use crate::secret::Secret;

/// A one-time password that was computed from a shared secret. Wiped when dropped.
///
/// ```
/// use otls::otp::oath::{Hotp, SharedSecret};
///
/// let secret = SharedSecret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
/// let code = Hotp::new(secret, 6)?.code(0);
/// assert_eq!(code.expose(), "755224");
/// assert!(code.matches("755 224") && !code.matches("755225"));
/// # Ok::<(), otls::Error>(())
/// ```
pub struct OathCode {
    text: Secret,
    form: Form,
}

crate::shown::shown!(OathCode);

impl OathCode {
    /// The digits; hexadecimal for an OCRA suite that does not truncate.
    pub fn expose(&self) -> &str {
        core::str::from_utf8(self.text.expose()).unwrap_or_default()
    }

    /// Compares with what somebody has typed, in time that depends on that alone: as [`super::Hotp::verify`]
    /// takes it, and what cannot be a code does not match.
    pub fn matches(&self, typed: &str) -> bool {
        self.form.read(typed).is_ok_and(|code| self.is(&code))
    }

    /// Compares with what [`Form::read`] has read, in time that depends on the lengths alone.
    pub(super) fn is(&self, code: &str) -> bool {
        self.text.ct_eq(code.as_bytes())
    }

    pub(super) const fn form(&self) -> Form {
        self.form
    }

    /// RFC 4226 §5.3: 31 bits of the HMAC, at a place that its last four bits choose, as so many decimal
    /// digits.
    pub(super) fn truncated(mac: &[u8], digits: usize) -> Self {
        let offset = usize::from(mac.last().copied().unwrap_or_default() & 0x0F);
        let word = mac.get(offset..).and_then(|rest| rest.first_chunk());
        let mut rest = u32::from_be_bytes(word.copied().unwrap_or_default()) & 0x7FFF_FFFF;
        let mut text = Zeroizing::new(vec![b'0'; digits]);
        for octet in text.iter_mut().rev() {
            *octet = b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or_default());
            rest /= 10;
        }
        Self { text: Secret::from(text), form: Form::digits(digits) }
    }

    /// RFC 6287 §5.2: a suite with 0 digits has the whole HMAC as its response; in hexadecimal.
    pub(super) fn whole(mac: &[u8]) -> Self {
        let text = Secret::from(base16ct::lower::encode_string(mac).into_bytes());
        let form = Form { alphabet: "0123456789abcdef", len: text.len() };
        Self { text, form }
    }
}

/// What codes look like.
#[derive(Clone, Copy)]
pub(super) struct Form {
    alphabet: &'static str,
    len: usize,
}

impl Form {
    pub(super) const fn digits(len: usize) -> Self {
        Self { alphabet: "0123456789", len }
    }

    /// The code that somebody has typed.
    ///
    /// # Errors
    /// [`OtpError::NotACode`].
    pub(super) fn read(self, typed: &str) -> Result<Zeroizing<String>> {
        let Self { alphabet, len } = self;
        let digits = if alphabet.len() == 10 { "digits" } else { "hexadecimal digits" };
        let wrong = || OtpError::NotACode(format!("one has {len} {digits}")).into();
        typed::read(typed, alphabet.as_bytes(), len).ok_or_else(wrong)
    }
}

/// RFC 4226 §5.3 asks for six digits at least; with more than eight, the first says less and less, as 31
/// bits have no more than ten.
pub(super) fn check_digits(digits: usize) -> Result<()> {
    if (MIN_DIGITS..=MAX_DIGITS).contains(&digits) {
        return Ok(());
    }
    Err(Error::misuse("a code from a shared secret has 6 to 8 digits", "ask for 6, 7 or 8 digits"))
}

/// RFC 4226 §5.3: at least a six-digit value.
pub(super) const MIN_DIGITS: usize = 6;

/// RFC 4226 §5.3: possibly seven or eight.
pub(super) const MAX_DIGITS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::undefined;

    /// RFC 4226 §5.4, the example.
    const MAC: [u8; 20] = [
        0x1f, 0x86, 0x98, 0x69, 0x0e, 0x02, 0xca, 0x16, 0x61, 0x85, 0x50, 0xef, 0x7f, 0x19, 0xda, 0x8e, 0x94,
        0x5b, 0x55, 0x5a,
    ];

    #[test]
    fn the_example_of_rfc_4226_truncates_as_it_says() {
        assert_eq!(OathCode::truncated(&MAC, 6).expose(), "872921");
        assert_eq!(OathCode::truncated(&MAC, 10).expose(), "1357872921");
    }

    #[test]
    fn every_offset_is_inside_the_shortest_mac() {
        let mut mac = MAC;
        for offset in 0..=15 {
            mac[19] = 0xF0 | offset;
            let at = usize::from(offset);
            let word = u32::from_be_bytes(mac[at..at + 4].try_into().unwrap()) & 0x7FFF_FFFF;
            assert_eq!(OathCode::truncated(&mac, 10).expose(), format!("{word:010}"));
        }
    }

    #[test]
    fn only_the_same_digits_match() {
        let code = OathCode::truncated(&MAC, 6);
        for wrong in ["", "87292", "8729210", "872920", "87292l", "८७२९२१"] {
            assert!(!code.matches(wrong), "{wrong}");
        }
        for right in ["872921", " 872-921\n", "８７２９２１"] {
            assert!(code.matches(right), "{right}");
        }
    }

    #[test]
    fn codes_are_compared_in_constant_time() {
        undefined::check(|| {
            let code = OathCode::truncated(&MAC, 6);
            undefined::secret(code.text.expose());
            for (presented, same) in
                [("872921", true), ("872 921", true), ("172921", false), ("872920", false), ("87292", false)]
            {
                assert_eq!(code.matches(presented), same);
            }
        });
    }
}
