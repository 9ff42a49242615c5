//! `otls_hotp`: codes by a counter (RFC 4226).

use libc::size_t;

use super::error::otls_error;
use super::guard::{self, create, required, status};
use super::handle::Shared;
use super::oath::shared;
use super::pointer::{Buffer, InOut, Input, Out, Value};
use otls::otp::oath::Hotp;

/// Codes from a counter (RFC 4226). Like all codes from a shared secret they are not phishing-resistant,
/// and the bank can compute them too.
pub struct otls_hotp(pub(super) Shared<Hotp>);

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

/// Judges a code as somebody has typed it, UTF-8, in which blanks, hyphens and dashes do not count and full-width
/// digits are digits, for the stored counter, `*counter`, and the `look_ahead` counters behind it, at most
/// 100 (RFC 4226 section 7.4). `*accepted` is 1 or 0, and `*counter` is then what to store: above the counter that
/// was used, or as it was. Store it in the transaction that acts on the acceptance.
///
/// Errors: `OTLS_ERROR_OTP_NOT_A_CODE` for what has another length or other characters: it was not judged, and does
/// not have to be counted as an attempt; `OTLS_ERROR_API_MISUSE` for a larger `look_ahead`. A code that is wrong is
/// no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_hotp_verify(
    hotp: Option<&otls_hotp>,
    code: *const u8,
    code_len: size_t,
    look_ahead: u32,
    counter: *mut u64,
    accepted: *mut i32,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (code, error) = unsafe { (Input::new(code, code_len), Out::new(error)) };
    // SAFETY: as above.
    let (accepted, counter) = unsafe { (Value::new(accepted, 0), InOut::new(counter)) };
    status(error, || {
        accepted.check("accepted")?;
        let (stored, hotp) = (counter.get("counter")?, required(hotp, "hotp")?.0.get()?);
        if let Some(next) = hotp.verify(code.text("code")?, stored, look_ahead)? {
            accepted.put(1);
            counter.put(next);
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
    counter: *mut u64,
    accepted: *mut i32,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (first, second, error) =
        unsafe { (Input::new(first, first_len), Input::new(second, second_len), Out::new(error)) };
    // SAFETY: as above.
    let (accepted, counter) = unsafe { (Value::new(accepted, 0), InOut::new(counter)) };
    status(error, || {
        accepted.check("accepted")?;
        let (stored, hotp) = (counter.get("counter")?, required(hotp, "hotp")?.0.get()?);
        if let Some(next) = hotp.resynchronise(first.text("first")?, second.text("second")?, stored)? {
            accepted.put(1);
            counter.put(next);
        }
        Ok(())
    })
}
