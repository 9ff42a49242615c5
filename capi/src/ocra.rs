//! `otls_ocra`: responses to challenges.

use libc::{c_char, size_t};

use super::error::otls_error;
use super::failure::Failure;
use super::guard::{self, create, required, status};
use super::handle::Shared;
use super::oath::shared;
use super::pointer::{Buffer, Input, Out, Text, Value};
use otls::UnixTime;
use otls::otp::oath::{Ocra, OcraInput, OcraSuite, Pin};

/// Responses to challenges under one suite (RFC 6287). Like all codes from a shared secret they are not
/// phishing-resistant, and the bank can compute them too.
pub struct otls_ocra(Shared<Ocra>);

/// What a response is computed from: all that the suite names, and nothing else. Begin with all zero.
#[repr(C)]
pub struct otls_ocra_input {
    /// The challenge, Q, as text. NULL is none, and so in what follows.
    pub challenge: *const u8,
    /// Its length.
    pub challenge_len: size_t,
    /// In a mutual exchange the challenge that follows (RFC 6287 section 7.2).
    pub second_challenge: *const u8,
    /// Its length.
    pub second_challenge_len: size_t,
    /// The customer's PIN, P, as it is typed.
    pub pin: *const u8,
    /// Its length.
    pub pin_len: size_t,
    /// Instead of the PIN its hash, with the function that the suite names.
    pub pin_hash: *const u8,
    /// Its length.
    pub pin_hash_len: size_t,
    /// The session information, S, as long as the suite says.
    pub session: *const u8,
    /// Its length.
    pub session_len: size_t,
    /// Not 0 if there is a counter.
    pub has_counter: i32,
    /// Not 0 if there is a time.
    pub has_time: i32,
    /// The counter, C.
    pub counter: u64,
    /// The time, of which T is the step.
    pub time: u64,
}

/// Responses under a suite, as text, for example `OCRA-1:HOTP-SHA256-8:QA08-T1M`, from a secret of
/// `OTLS_OATH_SECRET_MIN_LEN` octets or more.
///
/// Errors: `OTLS_ERROR_OTP_SUITE`; `OTLS_ERROR_OTP_SECRET` for a secret of another length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_ocra_new(
    secret: *const u8,
    secret_len: size_t,
    suite: *const c_char,
    ocra: *mut *mut otls_ocra,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (secret, suite) = unsafe { (Input::new(secret, secret_len), Text::new(suite)) };
    // SAFETY: as above.
    let (ocra, error) = unsafe { (Out::new(ocra), Out::new(error)) };
    create(ocra, "ocra", error, || {
        let suite = OcraSuite::parse(suite.get("suite")?)?;
        Ok(otls_ocra(Shared::new(Ocra::new(shared(secret)?, suite))))
    })
}

/// Frees what responds to challenges; the secret is zeroised. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_ocra_free(ocra: Option<Box<otls_ocra>>) {
    guard::value((), || drop(ocra));
}

/// The response, ASCII digits, into the caller's buffer; hexadecimal for a suite that does not truncate. It is
/// secret.
///
/// Errors: `OTLS_ERROR_OTP_SUITE` for an input that is missing, that the suite has not, or that does not
/// fit it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_ocra_response(
    ocra: Option<&otls_ocra>,
    input: Option<&otls_ocra_input>,
    response: *mut u8,
    response_len: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (response, error) = unsafe { (Buffer::new(response, response_len), Out::new(error)) };
    status(error, || {
        // SAFETY: as above, for those in the input.
        let made = unsafe { with_input(ocra, input, Ocra::response) }?;
        response.fill(made.expose().as_bytes(), "response")
    })
}

/// Judges a response: `*accepted` is 1 or 0. Counter and time are taken as they are, and a challenge is for
/// one attempt: both are the caller's to see to. The response is taken as somebody has typed it, see
/// `otls_hotp_verify`.
///
/// Errors: `OTLS_ERROR_OTP_NOT_A_CODE` for what cannot be a response, which was not judged; as `otls_ocra_response`.
/// A response that is wrong is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_ocra_verify(
    ocra: Option<&otls_ocra>,
    input: Option<&otls_ocra_input>,
    response: *const u8,
    response_len: size_t,
    accepted: *mut i32,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (response, accepted, error) =
        unsafe { (Input::new(response, response_len), Value::new(accepted, 0), Out::new(error)) };
    status(error, || {
        accepted.check("accepted")?;
        let response = response.text("response")?;
        // SAFETY: as above, for those in the input.
        let right = unsafe { with_input(ocra, input, |ocra, input| ocra.verify(input, response)) }?;
        accepted.put(i32::from(right));
        Ok(())
    })
}

/// # Safety
/// The caller keeps the rules for pointers in `input`.
unsafe fn with_input<T>(
    ocra: Option<&otls_ocra>,
    input: Option<&otls_ocra_input>,
    call: impl FnOnce(&Ocra, &OcraInput<'_>) -> otls::Result<T>,
) -> Result<T, Failure> {
    let (ocra, input) = (required(ocra, "ocra")?.0.get()?, required(input, "input")?);
    // SAFETY: promised above.
    let (challenge, second, pin, pin_hash, session) = unsafe {
        (
            Input::new(input.challenge, input.challenge_len),
            Input::new(input.second_challenge, input.second_challenge_len),
            Input::new(input.pin, input.pin_len),
            Input::new(input.pin_hash, input.pin_hash_len),
            Input::new(input.session, input.session_len),
        )
    };
    let second = match second.optional("second_challenge")? {
        Some(_) => Some(second.text("second_challenge")?),
        None => None,
    };
    let pin = match (pin.optional("pin")?, pin_hash.optional("pin_hash")?) {
        (Some(_), Some(_)) => {
            let what = "a PIN and the hash of one";
            return Err(otls::error::Error::misuse(what, "pass one of them").into());
        }
        (Some(pin), None) => Some(Pin::Plain(pin)),
        (None, hash) => hash.map(Pin::Hashed),
    };
    let input = OcraInput {
        challenge: challenge.text("challenge")?,
        second_challenge: second,
        counter: (input.has_counter != 0).then_some(input.counter),
        pin,
        session: session.optional("session")?,
        time: (input.has_time != 0).then_some(UnixTime(input.time)),
    };
    Ok(call(&ocra, &input)?)
}
