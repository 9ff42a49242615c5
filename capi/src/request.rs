//! `otls_name` and `otls_request`: what a certificate is asked for with.

use libc::{c_char, size_t};

use super::blob::otls_blob;
use super::crypt;
use super::error::otls_error;
use super::guard::{self, create, required, status};
use super::handle::{Locked, Shared};
use super::key::{otls_key, otls_public_key};
use super::pointer::{Handle, Input, Out, Text};
use super::values;
use otls::crypto::SystemRandom;
use otls::error::Result;
use otls::pki::{CertificateRequest, DistinguishedName, Encoding, GeneralName};

/// A subject and its alternative names, to be filled in.
pub struct otls_name(pub(super) Locked<Names>);

/// What [`otls_name`] holds.
#[derive(Default)]
pub(super) struct Names {
    pub(super) subject: DistinguishedName,
    alternatives: Vec<GeneralName>,
}

/// A certificate request (PKCS#10, RFC 2986), whose signature was checked: its sender has the key.
pub struct otls_request(pub(super) Shared<CertificateRequest>);

/// A name with nothing in it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_name_new(name: *mut *mut otls_name, error: *mut *mut otls_error) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (name, error) = unsafe { (Out::new(name), Out::new(error)) };
    create(name, "name", error, || Ok(otls_name(Locked::new(Names::default()))))
}

/// Frees a name. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_name_free(name: Option<Box<otls_name>>) {
    guard::value((), || drop(name));
}

/// Gives the subject one attribute of a type, in the place of the one that it has or where it usually stands
/// (C, ST, L, O, OU, CN, serialNumber, emailAddress; others at the end). `attribute` is a type as text: one of
/// these, another of RFC 4519 (`DC`, `UID`, `title`, `givenName` ...), or a dotted number. An empty value takes
/// the attribute away.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for an unknown type; `OTLS_ERROR_BAD_NAME` for a value that the type may not
/// have, and where there are several attributes of the type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_name_set(
    name: *mut otls_name,
    attribute: *const c_char,
    value: *const c_char,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (name, attribute, value, error) =
        unsafe { (Handle::new(name), Text::new(attribute), Text::new(value), Out::new(error)) };
    change(name, (attribute, value), error, DistinguishedName::set)
}

/// Adds an attribute to the subject, behind the others; a type may come more than once. Otherwise as
/// `otls_name_set`, and `OTLS_ERROR_BAD_NAME` for more than 64 attributes or 8,192 octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_name_add(
    name: *mut otls_name,
    attribute: *const c_char,
    value: *const c_char,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (name, attribute, value, error) =
        unsafe { (Handle::new(name), Text::new(attribute), Text::new(value), Out::new(error)) };
    change(name, (attribute, value), error, DistinguishedName::add)
}

/// Adds an alternative name: an IP address if it reads as one, otherwise a DNS name.
///
/// Errors: `OTLS_ERROR_BAD_NAME`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_name_add_alternative(
    name: *mut otls_name,
    alternative: *const c_char,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (name, alternative, error) = unsafe { (Handle::new(name), Text::new(alternative), Out::new(error)) };
    status(error, || {
        let parsed = GeneralName::parse(alternative.get("alternative")?)?;
        name.required("name")?.0.lock()?.alternatives.push(parsed);
        Ok(())
    })
}

/// Makes a request for `key` with the subject and alternative names of `name`, signed with one of the
/// `OTLS_HASH_` hashes.
///
/// Errors: `OTLS_ERROR_BAD_NAME`; `OTLS_ERROR_WRONG_SCHEME` for a hash that is not the key's;
/// `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_request_create(
    key: Option<&otls_key>,
    name: Option<&otls_name>,
    hash: i32,
    request: *mut *mut otls_request,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (request, error) = unsafe { (Out::new(request), Out::new(error)) };
    create(request, "request", error, || {
        let (key, name) = (required(key, "key")?.0.get()?, required(name, "name")?.0.lock()?);
        let (subject, alternatives) = (&name.subject, &name.alternatives);
        let made =
            CertificateRequest::create(&key, subject, alternatives, values::hash(hash)?, &SystemRandom)?;
        Ok(otls_request(Shared::new(made)))
    })
}

/// Loads a request, PEM or DER, and checks its signature.
///
/// Errors: `OTLS_ERROR_CERTIFICATE_MALFORMED`, `OTLS_ERROR_REQUEST_BAD_SIGNATURE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_request_load(
    data: *const u8,
    data_len: size_t,
    request: *mut *mut otls_request,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (data, request, error) = unsafe { (Input::new(data, data_len), Out::new(request), Out::new(error)) };
    create(request, "request", error, || {
        Ok(otls_request(Shared::new(CertificateRequest::load(data.get("data")?)?)))
    })
}

/// Frees a request. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_request_free(request: Option<Box<otls_request>>) {
    guard::value((), || drop(request));
}

/// The request in one of the `OTLS_ENCODING_` encodings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_request_export(
    request: Option<&otls_request>,
    encoding: i32,
    data: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (data, error) = unsafe { (Out::new(data), Out::new(error)) };
    create(data, "data", error, || {
        let request = required(request, "request")?.0.get()?;
        Ok(match crypt::encoding(encoding)? {
            Encoding::Pem => otls_blob::copy_of(request.to_pem()),
            Encoding::Der => otls_blob::copy_of(request.to_der()),
        })
    })
}

/// The subject that is asked for, as `otls_certificate_subject`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_request_subject(
    request: Option<&otls_request>,
    subject: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (subject, error) = unsafe { (Out::new(subject), Out::new(error)) };
    create(subject, "subject", error, || {
        Ok(otls_blob::copy_of(required(request, "request")?.0.get()?.subject().to_string()))
    })
}

/// The public key that the request's sender has the private half of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_request_public_key(
    request: Option<&otls_request>,
    public_key: *mut *mut otls_public_key,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (public_key, error) = unsafe { (Out::new(public_key), Out::new(error)) };
    create(public_key, "public_key", error, || {
        Ok(otls_public_key::new(required(request, "request")?.0.get()?.public_key()))
    })
}

fn change(
    name: Handle<'_, otls_name>,
    (attribute, value): (Text<'_>, Text<'_>),
    error: Out<otls_error>,
    body: fn(&mut DistinguishedName, &str, &str) -> Result<()>,
) -> i32 {
    status(error, || {
        let mut names = name.required("name")?.0.lock()?;
        let (attribute, value) = (attribute.get("attribute")?, value.get("value")?);
        Ok(body(&mut names.subject, attribute, value)?)
    })
}
