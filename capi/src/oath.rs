//! `otls_hotp` and `otls_totp`: one-time passwords from a shared secret.

use libc::size_t;

use super::blob::otls_blob;
use super::error::otls_error;
use super::guard::{self, Failure, create, required, status};
use super::handle::Shared;
use super::pointer::{Buffer, Input, Out, Value};
use otls::Secret;
use otls::UnixTime;
use otls::crypto::SystemRandom;
use otls::error::{Error, Result};
use otls::otp::oath::{Hotp, OathHash, SharedSecret, Totp, TotpState, Window};

/// Hash of a shared secret's codes: SHA-1, which every authenticator app knows.
pub const OTLS_OATH_SHA1: i32 = 1;
/// Hash of a shared secret's codes: SHA-256.
pub const OTLS_OATH_SHA256: i32 = 2;
/// Hash of a shared secret's codes: SHA-512.
pub const OTLS_OATH_SHA512: i32 = 3;

/// Codes from a counter (RFC 4226). Like all codes from a shared secret they are not phishing-resistant,
/// and the bank can compute them too.
pub struct otls_hotp(pub(super) Shared<Hotp>);

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

/// A new random secret, as long as the output of one of the `OTLS_OATH_` hashes.
///
/// Errors: `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_oath_secret_new(
    hash: i32,
    secret: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (secret, error) = unsafe { (Out::new(secret), Out::new(error)) };
    create(secret, "secret", error, || {
        let drawn = SharedSecret::generate(hash_of(hash)?, &SystemRandom)?;
        Ok(otls_blob::copy_of(drawn.expose()))
    })
}

/// Codes of 6 to 8 digits from a secret of `OTLS_OATH_SECRET_MIN_LEN` octets or more.
///
/// Errors: `OTLS_ERROR_OTP_SECRET` for a secret of another length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_hotp_new(
    secret: *const u8,
    secret_len: size_t,
    digits: size_t,
    hotp: *mut *mut otls_hotp,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (secret, hotp, error) = unsafe { (Input::new(secret, secret_len), Out::new(hotp), Out::new(error)) };
    create(hotp, "hotp", error, || Ok(otls_hotp(Shared::new(Hotp::new(shared(secret)?, digits)?))))
}

/// Frees codes from a counter; the secret is zeroised with its last user. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_hotp_free(hotp: Option<Box<otls_hotp>>) {
    guard::value((), || drop(hotp));
}

/// The code for a counter, ASCII digits, into the caller's buffer. It is secret.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_hotp_code(
    hotp: Option<&otls_hotp>,
    counter: u64,
    code: *mut u8,
    code_len: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (code, error) = unsafe { (Buffer::new(code, code_len), Out::new(error)) };
    status(error, || code.fill(required(hotp, "hotp")?.0.get()?.code(counter).expose().as_bytes(), "code"))
}

/// Judges a code, ASCII digits, for the stored counter and the `look_ahead` counters behind it, at most 100
/// (RFC 4226 section 7.4). `*accepted` is 1 or 0, and `*next_counter` what to store: above the counter that
/// was used, or `counter` as it was. Store it in the transaction that acts on the acceptance.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for a larger `look_ahead`. A code that is wrong is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_hotp_verify(
    hotp: Option<&otls_hotp>,
    code: *const u8,
    code_len: size_t,
    counter: u64,
    look_ahead: u32,
    accepted: *mut i32,
    next_counter: *mut u64,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (code, error) = unsafe { (Input::new(code, code_len), Out::new(error)) };
    // SAFETY: as above.
    let (accepted, next_counter) = unsafe { (Value::new(accepted, 0), Value::new(next_counter, counter)) };
    status(error, || {
        accepted.check("accepted")?;
        next_counter.check("next_counter")?;
        let hotp = required(hotp, "hotp")?.0.get()?;
        if let Some(next) = hotp.verify(code.text("code")?, counter, look_ahead)? {
            accepted.put(1);
            next_counter.put(next);
        }
        Ok(())
    })
}

/// As `otls_hotp_verify`, for two codes in a row within 1000 counters of the stored one: for a token that is
/// ahead too far (RFC 4226 section 7.4).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_hotp_resynchronise(
    hotp: Option<&otls_hotp>,
    first: *const u8,
    first_len: size_t,
    second: *const u8,
    second_len: size_t,
    counter: u64,
    accepted: *mut i32,
    next_counter: *mut u64,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (first, second, error) =
        unsafe { (Input::new(first, first_len), Input::new(second, second_len), Out::new(error)) };
    // SAFETY: as above.
    let (accepted, next_counter) = unsafe { (Value::new(accepted, 0), Value::new(next_counter, counter)) };
    status(error, || {
        accepted.check("accepted")?;
        next_counter.check("next_counter")?;
        let hotp = required(hotp, "hotp")?.0.get()?;
        if let Some(next) = hotp.resynchronise(first.text("first")?, second.text("second")?, counter) {
            accepted.put(1);
            next_counter.put(next);
        }
        Ok(())
    })
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

/// Judges a code, ASCII digits, for the step of `now` plus the known drift and the steps before and after
/// it, at most 10 each way (RFC 6238 section 5.2; 1 and 1 are usual). `*accepted` is 1 or 0, and
/// `*next_state` what to store: the step that was used and the drift, or `state` as it was. A step is
/// accepted once. Store it in the transaction that acts on the acceptance.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for more steps. A code that is wrong is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_totp_verify(
    totp: Option<&otls_totp>,
    code: *const u8,
    code_len: size_t,
    now: u64,
    past: u32,
    future: u32,
    state: otls_totp_state,
    accepted: *mut i32,
    next_state: *mut otls_totp_state,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (code, error) = unsafe { (Input::new(code, code_len), Out::new(error)) };
    // SAFETY: as above.
    let (accepted, next_state) = unsafe { (Value::new(accepted, 0), Value::new(next_state, state)) };
    status(error, || {
        accepted.check("accepted")?;
        next_state.check("next_state")?;
        let totp = required(totp, "totp")?.0.get()?;
        let known = TotpState { next_step: state.next_step, drift: state.drift };
        let window = Window { past, future };
        if let Some(next) = totp.verify(code.text("code")?, UnixTime(now), window, known)? {
            accepted.put(1);
            next_state.put(otls_totp_state { next_step: next.next_step, drift: next.drift });
        }
        Ok(())
    })
}

pub(super) fn shared(secret: Input<'_>) -> Result<SharedSecret, Failure> {
    Ok(SharedSecret::new(Secret::from(secret.get("secret")?.to_vec()))?)
}

fn hash_of(number: i32) -> Result<OathHash> {
    Ok(match number {
        OTLS_OATH_SHA1 => OathHash::Sha1,
        OTLS_OATH_SHA256 => OathHash::Sha256,
        OTLS_OATH_SHA512 => OathHash::Sha512,
        _ => return Err(Error::misuse("an unknown hash", "pass one of the OTLS_OATH_ numbers")),
    })
}
