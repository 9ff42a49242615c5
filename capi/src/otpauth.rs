//! `otls_otpauth`: the URIs that carry a shared secret to an authenticator app.

use libc::{c_char, size_t};

use super::blob::{lend, otls_blob};
use super::error::otls_error;
use super::guard::{self, create, required};
use super::handle::Shared;
use super::hotp::otls_hotp;
use super::pointer::{Out, Text, Value};
use super::totp::otls_totp;
use otls::error::Error;
use otls::otp::oath::OtpAuth;

/// What an `otpauth` URI says: a shared secret with its parameters, who issued it, and for whom.
pub struct otls_otpauth(Shared<OtpAuth>);

/// Reads a URI, as text. A byte order mark and blanks around it do not count, and what apps add for their display is
/// passed over (`image`, `color`, `lock`, `icon`, `tags`, `codeDisplay`). Another parameter could change what the codes
/// are, and is refused by name.
///
/// Errors: `OTLS_ERROR_OTP_URI`; `OTLS_ERROR_OTP_SECRET` if its secret is no base32 or has fewer than
/// `OTLS_OATH_SECRET_MIN_LEN` octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otpauth_parse(
    uri: *const c_char,
    otpauth: *mut *mut otls_otpauth,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (uri, otpauth, error) = unsafe { (Text::new(uri), Out::new(otpauth), Out::new(error)) };
    create(otpauth, "otpauth", error, || Ok(otls_otpauth(Shared::new(OtpAuth::parse(uri.get("uri")?)?))))
}

/// The URI of codes from the time, as text, for an authenticator app. It is as secret as the secret in it. The names
/// of issuer and account are texts of 1 to 128 octets without colons.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_totp_uri(
    totp: Option<&otls_totp>,
    issuer: *const c_char,
    account: *const c_char,
    uri: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (issuer, account, uri, error) =
        unsafe { (Text::new(issuer), Text::new(account), Out::new(uri), Out::new(error)) };
    create(uri, "uri", error, || {
        let totp = required(totp, "totp")?.0.get()?.clone();
        let made = OtpAuth::with_totp(totp, issuer.get("issuer")?, account.get("account")?)?;
        Ok(otls_blob::new(made.to_uri()))
    })
}

/// The URI of codes from a counter, of which `counter` is the first to be used; otherwise as `otls_totp_uri`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_hotp_uri(
    hotp: Option<&otls_hotp>,
    counter: u64,
    issuer: *const c_char,
    account: *const c_char,
    uri: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (issuer, account, uri, error) =
        unsafe { (Text::new(issuer), Text::new(account), Out::new(uri), Out::new(error)) };
    create(uri, "uri", error, || {
        let hotp = required(hotp, "hotp")?.0.get()?.clone();
        let made = OtpAuth::with_hotp(hotp, counter, issuer.get("issuer")?, account.get("account")?)?;
        Ok(otls_blob::new(made.to_uri()))
    })
}

/// Frees what a URI says; the secret is zeroised with its last user. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_otpauth_free(otpauth: Option<Box<otls_otpauth>>) {
    guard::value((), || drop(otpauth));
}

/// Who issued the secret, as text, and in `*len` (may be NULL) its length; it belongs to the handle. NULL and 0
/// if the URI does not say, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otpauth_issuer(otpauth: Option<&otls_otpauth>, len: *mut size_t) -> *const u8 {
    // SAFETY: the caller keeps the rules for pointers.
    let len = unsafe { Value::new(len, 0) };
    guard::value(core::ptr::null(), || {
        let otpauth = otpauth.and_then(|otpauth| otpauth.0.lend());
        lend(otpauth.and_then(OtpAuth::issuer).map(str::as_bytes), &len)
    })
}

/// Whose codes they are, as `otls_otpauth_issuer`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otpauth_account(otpauth: Option<&otls_otpauth>, len: *mut size_t) -> *const u8 {
    // SAFETY: the caller keeps the rules for pointers.
    let len = unsafe { Value::new(len, 0) };
    guard::value(core::ptr::null(), || {
        let otpauth = otpauth.and_then(|otpauth| otpauth.0.lend());
        lend(otpauth.map(|otpauth| otpauth.account().as_bytes()), &len)
    })
}

/// The codes from the time.
///
/// Errors: `OTLS_ERROR_API_MISUSE` if the URI is for codes from a counter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otpauth_totp(
    otpauth: Option<&otls_otpauth>,
    totp: *mut *mut otls_totp,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (totp, error) = unsafe { (Out::new(totp), Out::new(error)) };
    create(totp, "totp", error, || {
        let otpauth = required(otpauth, "otpauth")?.0.get()?;
        let totp = otpauth
            .totp()
            .ok_or(Error::misuse("the URI is for codes from a counter", "call otls_otpauth_hotp"))?;
        Ok(otls_totp(Shared::new(totp.clone())))
    })
}

/// The codes from a counter, and in `*counter` (may be NULL) the first to be used.
///
/// Errors: `OTLS_ERROR_API_MISUSE` if the URI is for codes from the time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otpauth_hotp(
    otpauth: Option<&otls_otpauth>,
    hotp: *mut *mut otls_hotp,
    counter: *mut u64,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (hotp, counter, error) = unsafe { (Out::new(hotp), Value::new(counter, 0), Out::new(error)) };
    create(hotp, "hotp", error, || {
        let otpauth = required(otpauth, "otpauth")?.0.get()?;
        let (hotp, first) = otpauth
            .hotp()
            .ok_or(Error::misuse("the URI is for codes from the time", "call otls_otpauth_totp"))?;
        counter.put(first);
        Ok(otls_hotp(Shared::new(hotp.clone())))
    })
}
