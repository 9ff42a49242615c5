//! TOTP: a code for the present half minute (RFC 6238).

use super::code::{Form, MIN_DIGITS, OathCode, check_digits};
use super::secret::SharedSecret;
use crate::crypto::oath::{OathHash, mac};
use crate::error::{Error, Result};
use crate::time::UnixTime;

/// Codes from the time, in steps of `period` seconds since 1970 (RFC 6238 with T0 = 0).
///
/// ```
/// use core::time::Duration;
/// use otls::UnixTime;
/// use otls::otp::oath::{SharedSecret, Totp, TotpState, Window};
///
/// let totp = Totp::new(SharedSecret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?);
/// let now = UnixTime(1_800_000_000);
/// let code = totp.code(now);
/// let state = TotpState::default();
/// let state = totp.verify(code.expose(), now, Window::default(), state)?.expect("the code is right");
/// let again = totp.verify(code.expose(), now.plus(Duration::from_secs(1)), Window::default(), state)?;
/// assert_eq!(again, None, "a code is good once");
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone)]
pub struct Totp {
    secret: SharedSecret,
    hash: OathHash,
    digits: usize,
    period: u32,
}

crate::shown::shown!(Totp, hash, digits, period);

/// How far a code may be from the expected step, in steps.
///
/// ```
/// use otls::otp::oath::Window;
///
/// assert_eq!(Window::default(), Window { past: 1, future: 1 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Steps before the expected one: for the time that a code takes to arrive. RFC 6238 §5.2 recommends
    /// at most one.
    pub past: u32,
    /// Steps after the expected one: for a customer's clock that is ahead.
    pub future: u32,
}

impl Window {
    /// The most steps each way: each step more is one more code that a guess may hit (RFC 6238 §5.2).
    pub const MAX_STEPS: u32 = 10;
}

impl Default for Window {
    fn default() -> Self {
        Self { past: 1, future: 1 }
    }
}

/// What the bank stores for each shared secret. The default is right for one that was never used.
///
/// ```
/// use otls::otp::oath::TotpState;
///
/// assert_eq!(TotpState::default(), TotpState { next_step: 0, drift: 0 });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TotpState {
    /// The first step that is still accepted: the one after the last that was used (RFC 6238 §5.2).
    pub next_step: u64,
    /// How many steps the customer's clock was ahead when last seen; negative if behind (RFC 6238 §6).
    pub drift: i64,
}

impl Totp {
    /// The seconds in a step that RFC 6238 §4.1 has as default.
    pub const DEFAULT_PERIOD: u32 = 30;

    /// The most seconds in a step: a day. RFC 6238 §5.2: a code that lives longer is easier to steal.
    pub const MAX_PERIOD: u32 = 86_400;

    /// The most steps of drift that are followed: half an hour at the default period. A clock that is
    /// further off is wrong, and a window that follows without end can be led anywhere (RFC 6238 §6).
    pub const MAX_DRIFT: i64 = 60;

    /// Six digits, 30 seconds, SHA-1: what every authenticator app knows.
    pub fn new(secret: SharedSecret) -> Self {
        Self { secret, hash: OathHash::Sha1, digits: MIN_DIGITS, period: Self::DEFAULT_PERIOD }
    }

    /// Another hash, 6 to 8 digits, steps of 1 to [`Totp::MAX_PERIOD`] seconds.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for other digits or another period.
    pub fn with(secret: SharedSecret, hash: OathHash, digits: usize, period: u32) -> Result<Self> {
        check_digits(digits)?;
        if !(1..=Self::MAX_PERIOD).contains(&period) {
            return Err(Error::misuse(
                "a period of 0 seconds, or of more than a day",
                "pass 1 to 86400 seconds; 30 is usual",
            ));
        }
        Ok(Self { secret, hash, digits, period })
    }

    /// The code at a time.
    pub fn code(&self, now: UnixTime) -> OathCode {
        self.code_of_step(self.step(now))
    }

    /// The step that a time is in.
    pub fn step(&self, now: UnixTime) -> u64 {
        now.0.checked_div(u64::from(self.period)).unwrap_or_default()
    }

    /// The state to store if `code` is right for the expected step, which is `now` plus the known drift, or
    /// for one in the window around it, and that step was not used before; `None` if it is not.
    ///
    /// The code is taken as people type it, see [`super::Hotp::verify`]. The time that it takes does not tell
    /// which step was right.
    ///
    /// # Errors
    /// [`crate::error::OtpError::NotACode`] for what cannot be a code, which was not judged;
    /// [`crate::Error::ApiMisuse`] for a window of more than [`Window::MAX_STEPS`] each way.
    pub fn verify(
        &self,
        code: &str,
        now: UnixTime,
        window: Window,
        state: TotpState,
    ) -> Result<Option<TotpState>> {
        if window.past.max(window.future) > Window::MAX_STEPS {
            return Err(Error::misuse(
                "a window of more than 10 steps",
                "keep it small: the drift of a clock is followed from code to code",
            ));
        }
        let code = Form::digits(self.digits).read(code)?;
        let known = state.drift.clamp(-Self::MAX_DRIFT, Self::MAX_DRIFT);
        let first = known.saturating_sub(i64::from(window.past)).max(-Self::MAX_DRIFT);
        let last = known.saturating_add(i64::from(window.future)).min(Self::MAX_DRIFT);
        let mut found = None;
        for drift in first..=last {
            let Some(step) = self.step(now).checked_add_signed(drift) else { continue };
            let is_right = self.code_of_step(step).is(&code);
            // Of two steps with the same code the later counts: for the earlier the code would be accepted again.
            if let (true, true, Some(next_step)) = (is_right, step >= state.next_step, step.checked_add(1)) {
                found = Some(TotpState { next_step, drift });
            }
        }
        Ok(found)
    }

    /// The hash.
    pub fn hash(&self) -> OathHash {
        self.hash
    }

    /// Digits of a code.
    pub fn digits(&self) -> usize {
        self.digits
    }

    /// Seconds in a step.
    pub fn period(&self) -> u32 {
        self.period
    }

    pub(super) fn secret(&self) -> &SharedSecret {
        &self.secret
    }

    fn code_of_step(&self, step: u64) -> OathCode {
        let mac = mac(self.hash, self.secret.expose(), &[&step.to_be_bytes()]);
        OathCode::truncated(mac.expose(), self.digits)
    }
}

#[cfg(test)]
mod tests;
