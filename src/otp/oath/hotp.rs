//! HOTP: a code for each press of a button (RFC 4226).

use super::code::{Form, MAX_DIGITS, MIN_DIGITS, OathCode, check_digits};
use super::secret::SharedSecret;
use crate::crypto::oath::{OathHash, mac};
use crate::error::{Error, Result};

/// Codes from a counter that bank and customer both keep (RFC 4226). The hash is SHA-1.
///
/// ```
/// use otls::otp::oath::{Hotp, SharedSecret};
///
/// let hotp = Hotp::new(SharedSecret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?, 6)?;
/// let mut stored = 0;
/// // The customer pressed the button twice, and sends the second code.
/// let code = hotp.code(1);
/// stored = hotp.verify(code.expose(), stored, 10)?.expect("the code is right");
/// assert_eq!(stored, 2);
/// assert_eq!(hotp.verify(code.expose(), stored, 10)?, None, "a code is good once");
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone)]
pub struct Hotp {
    secret: SharedSecret,
    digits: usize,
}

crate::shown::shown!(Hotp, digits);

impl Hotp {
    /// The fewest digits (RFC 4226 §5.3).
    pub const MIN_DIGITS: usize = MIN_DIGITS;

    /// The most digits (RFC 4226 §5.3).
    pub const MAX_DIGITS: usize = MAX_DIGITS;

    /// The most counters that [`Hotp::verify`] looks ahead: with as many, three attempts at six digits
    /// succeed three times in ten thousand (RFC 4226 §7.4 asks for a low bound, and §7.3 has the
    /// formula).
    pub const MAX_LOOK_AHEAD: u32 = 100;

    /// The counters that [`Hotp::resynchronise`] looks ahead: two codes in a row are guessed a million times
    /// less often than one (RFC 4226 §7.4).
    pub const RESYNCHRONISATION_WINDOW: u32 = 1000;

    /// Codes of 6 to 8 digits.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for another number of digits.
    pub fn new(secret: SharedSecret, digits: usize) -> Result<Self> {
        check_digits(digits)?;
        Ok(Self { secret, digits })
    }

    /// The code for a counter. The customer's side uses each counter once.
    pub fn code(&self, counter: u64) -> OathCode {
        let mac = mac(OathHash::Sha1, self.secret.expose(), &[&counter.to_be_bytes()]);
        OathCode::truncated(mac.expose(), self.digits)
    }

    /// The counter to store if `code` is right for `counter`, the stored one, or for one of the `look_ahead`
    /// behind it, since a button may be pressed in vain; `None` if it is not. No counter below the stored one
    /// is accepted.
    ///
    /// The code is taken as people type it: blanks, hyphens and dashes in and around it do not count, and
    /// full-width digits are digits. The time that it takes does not tell which counter was right.
    ///
    /// # Errors
    /// [`crate::error::OtpError::NotACode`] for what then has another length or other characters. It was not
    /// judged, and does not have to be counted; whatever could be right does.
    /// [`crate::Error::ApiMisuse`] for a `look_ahead` beyond [`Hotp::MAX_LOOK_AHEAD`].
    pub fn verify(&self, code: &str, counter: u64, look_ahead: u32) -> Result<Option<u64>> {
        if look_ahead > Self::MAX_LOOK_AHEAD {
            return Err(Error::misuse(
                "a look-ahead window of more than 100 codes",
                "keep it small, and resynchronise with two codes in a row where it is not enough",
            ));
        }
        let code = self.form().read(code)?;
        Ok(self.search(counter, look_ahead, |at| self.code(at).is(&code), 1))
    }

    /// The counter to store if `first` and `second` are right for a counter and the next one, from the
    /// stored one on and within [`Hotp::RESYNCHRONISATION_WINDOW`]; for a button that was pressed in vain too
    /// often (RFC 4226 §7.4). `None` if they are not.
    ///
    /// # Errors
    /// [`crate::error::OtpError::NotACode`] for either, as [`Hotp::verify`].
    pub fn resynchronise(&self, first: &str, second: &str, counter: u64) -> Result<Option<u64>> {
        let (first, second) = (self.form().read(first)?, self.form().read(second)?);
        let both = |at: u64| {
            let next = at.checked_add(1).is_some_and(|next| self.code(next).is(&second));
            self.code(at).is(&first) & next
        };
        Ok(self.search(counter, Self::RESYNCHRONISATION_WINDOW, both, 2))
    }

    /// Digits of a code.
    pub fn digits(&self) -> usize {
        self.digits
    }

    pub(super) fn secret(&self) -> &SharedSecret {
        &self.secret
    }

    const fn form(&self) -> Form {
        Form::digits(self.digits)
    }

    /// The counter behind the first that is right and the `used` counters of it. All are tried, whichever it
    /// is.
    fn search(&self, counter: u64, ahead: u32, right: impl Fn(u64) -> bool, used: u64) -> Option<u64> {
        let mut found = None;
        for offset in 0..=ahead {
            // The last counters have none behind them to be stored, and are not used.
            let Some(at) = counter.checked_add(u64::from(offset)) else { break };
            let Some(next) = at.checked_add(used) else { break };
            let is_right = right(at);
            if is_right && found.is_none() {
                found = Some(next);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::OtpError;
    use crate::secret::Secret;

    /// RFC 4226 appendix D.
    const VECTORS: [&str; 10] =
        ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];

    fn hotp(digits: usize) -> Hotp {
        let secret = SharedSecret::new(Secret::from(b"12345678901234567890".to_vec())).unwrap();
        Hotp::new(secret, digits).unwrap()
    }

    #[test]
    fn the_vectors_of_rfc_4226_come_out() {
        for (counter, code) in (0..).zip(VECTORS) {
            assert_eq!(hotp(6).code(counter).expose(), code);
        }
        // Appendix D has the first as decimal: 1284755224.
        assert_eq!(hotp(7).code(0).expose(), "4755224");
        assert_eq!(hotp(8).code(0).expose(), "84755224");
    }

    #[test]
    fn a_code_is_accepted_within_the_window_and_never_below_the_stored_counter() {
        let hotp = hotp(6);
        for (counter, code) in (0_u64..).zip(VECTORS) {
            for stored in 0..12 {
                let expected = (stored <= counter && counter <= stored + 3).then_some(counter + 1);
                assert_eq!(hotp.verify(code, stored, 3), Ok(expected), "{counter} against {stored}");
            }
        }
        assert_eq!(hotp.verify(VECTORS[4], 4, 0), Ok(Some(5)));
        assert_eq!(hotp.verify(VECTORS[5], 4, 0), Ok(None));
    }

    #[test]
    fn a_wrong_code_is_not_accepted() {
        for wrong in ["755225", "000000", "755 225", "７５５２２５"] {
            assert_eq!(hotp(6).verify(wrong, 0, 0), Ok(None), "{wrong}");
        }
        for right in ["755224", "755 224 ", "755-224", "７５５２２４"] {
            assert_eq!(hotp(6).verify(right, 0, 0), Ok(Some(1)), "{right}");
        }
    }

    #[test]
    fn what_cannot_be_a_code_is_an_error_and_not_a_wrong_code() {
        let refused = Err(OtpError::NotACode("one has 6 digits".to_owned()).into());
        for typed in ["", " ", "75522", "0755224", "abcdef", "75522x", "+75522"] {
            assert_eq!(hotp(6).verify(typed, 0, 0), refused, "{typed}");
            assert_eq!(hotp(6).resynchronise(typed, "287082", 0), refused, "{typed}");
            assert_eq!(hotp(6).resynchronise("755224", typed, 0), refused, "{typed}");
        }
        assert_eq!(hotp(6).resynchronise("755 224", "287-082", 0), Ok(Some(2)));
    }

    #[test]
    fn a_window_beyond_its_bound_is_refused() {
        assert!(hotp(6).verify("755224", 0, Hotp::MAX_LOOK_AHEAD).is_ok());
        for too_far in [Hotp::MAX_LOOK_AHEAD + 1, u32::MAX] {
            assert!(matches!(hotp(6).verify("755224", 0, too_far), Err(Error::ApiMisuse(_))));
        }
    }

    #[test]
    fn two_codes_in_a_row_resynchronise_within_their_window_alone() {
        let hotp = hotp(6);
        let [one, next, other] = [1000, 1001, 1002].map(|counter| hotp.code(counter));
        assert_eq!(hotp.verify(one.expose(), 0, Hotp::MAX_LOOK_AHEAD), Ok(None));
        assert_eq!(hotp.resynchronise(one.expose(), next.expose(), 0), Ok(Some(1002)));
        assert_eq!(hotp.resynchronise(one.expose(), next.expose(), 1000), Ok(Some(1002)));
        assert_eq!(
            hotp.resynchronise(one.expose(), next.expose(), 1001),
            Ok(None),
            "below the stored counter"
        );
        assert_eq!(hotp.resynchronise(next.expose(), other.expose(), 0), Ok(None), "beyond the window");
        for (first, second) in [(&one, &other), (&next, &one), (&one, &one)] {
            assert_eq!(hotp.resynchronise(first.expose(), second.expose(), 500), Ok(None));
        }
    }

    #[test]
    fn a_counter_that_is_used_up_accepts_nothing() {
        let hotp = hotp(6);
        let last = hotp.code(u64::MAX);
        assert_eq!(hotp.verify(last.expose(), u64::MAX, 5), Ok(None));
        let before = hotp.code(u64::MAX - 1);
        assert_eq!(hotp.verify(before.expose(), u64::MAX - 1, 5), Ok(Some(u64::MAX)));
        assert_eq!(hotp.resynchronise(before.expose(), last.expose(), u64::MAX - 1), Ok(None));
    }

    #[test]
    fn five_and_nine_digits_are_refused() {
        for digits in [0, 5, 9, usize::MAX] {
            let secret = SharedSecret::new(Secret::from(vec![7; 20])).unwrap();
            assert!(matches!(Hotp::new(secret, digits).err(), Some(Error::ApiMisuse(_))));
        }
    }
}
