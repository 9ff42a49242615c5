//! `otls_totp`: codes by the time (RFC 6238).

use libc::size_t;

use super::error::otls_error;
use super::guard::{self, create, required, status};
use super::handle::Shared;
use super::oath::{hash_of, shared};
use super::pointer::{Buffer, InOut, Input, Out, Value};
use otls::UnixTime;
use otls::otp::oath::{Totp, TotpState, Window};

/// Codes from the time (RFC 6238). Like all codes from a shared secret they are not phishing-resistant,
/// and the bank can compute them too.
pub struct otls_totp(pub(super) Shared<Totp>);

/// What the bank stores for each shared secret of an `otls_totp`. All zero is right for one that was never
/// used.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct otls_totp_state {
    /// The first step that is still accepted: the one after the last that was used.
    pub next_step: u64,
    /// How many steps the customer's clock was ahead when last seen; negative if behind.
    pub drift: i64,
}

/// At what time a code is judged, and how many steps before and after it count: at most 10 each way (RFC 6238
/// section 5.2); 1 and 1 are usual.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct otls_totp_window {
    /// The time now, in seconds since 1970.
    pub now: u64,
    /// Steps before it, for a clock that is behind and a code that was typed slowly.
    pub past: u32,
    /// Steps after it, for a clock that is ahead.
    pub future: u32,
}

/// Codes of 6 to 8 digits from a secret of `OTLS_OATH_SECRET_MIN_LEN` octets or more, with one of the
/// `OTLS_OATH_` hashes, in steps of `period` seconds: 1 to 86400; 30 is usual.
///
/// Errors: `OTLS_ERROR_OTP_SECRET` for a secret of another length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_totp_new(
    secret: *const u8,
    secret_len: size_t,
    hash: i32,
    digits: size_t,
    period: u32,
    totp: *mut *mut otls_totp,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (secret, totp, error) = unsafe { (Input::new(secret, secret_len), Out::new(totp), Out::new(error)) };
    create(totp, "totp", error, || {
        let totp = Totp::with(shared(secret)?, hash_of(hash)?, digits, period)?;
        Ok(otls_totp(Shared::new(totp)))
    })
}

/// Frees codes from the time; the secret is zeroised with its last user. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_totp_free(totp: Option<Box<otls_totp>>) {
    guard::value((), || drop(totp));
}

/// The code at a time, ASCII digits, into the caller's buffer. It is secret.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_totp_code(
    totp: Option<&otls_totp>,
    now: u64,
    code: *mut u8,
    code_len: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (code, error) = unsafe { (Buffer::new(code, code_len), Out::new(error)) };
    status(error, || {
        let made = required(totp, "totp")?.0.get()?.code(UnixTime(now));
        code.fill(made.expose().as_bytes(), "code")
    })
}

/// Judges a code, ASCII digits, for the step of `now` plus the known drift and the steps before and after it.
/// `*accepted` is 1 or 0, and `*state`, which was stored, is then what to store: the step that was used and the
/// drift, or as it was. A step is accepted once. Store it in the transaction that acts on the acceptance.
///
/// Errors: `OTLS_ERROR_OTP_NOT_A_CODE` as `otls_hotp_verify`; `OTLS_ERROR_API_MISUSE` for more steps. A code that is
/// wrong is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_totp_verify(
    totp: Option<&otls_totp>,
    code: *const u8,
    code_len: size_t,
    now: otls_totp_window,
    state: *mut otls_totp_state,
    accepted: *mut i32,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (code, error) = unsafe { (Input::new(code, code_len), Out::new(error)) };
    // SAFETY: as above.
    let (accepted, state) = unsafe { (Value::new(accepted, 0), InOut::new(state)) };
    status(error, || {
        accepted.check("accepted")?;
        let (stored, totp) = (state.get("state")?, required(totp, "totp")?.0.get()?);
        let known = TotpState { next_step: stored.next_step, drift: stored.drift };
        let otls_totp_window { now, past, future } = now;
        let window = Window { past, future };
        if let Some(next) = totp.verify(code.text("code")?, UnixTime(now), window, known)? {
            accepted.put(1);
            state.put(otls_totp_state { next_step: next.next_step, drift: next.drift });
        }
        Ok(())
    })
}
