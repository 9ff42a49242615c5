//! `otls_name` and `otls_request`: what a certificate is asked for with.

use libc::size_t;

use super::blob::otls_blob;
use super::certificate::otls_certificate;
use super::error::otls_error;
use super::guard::{self, create, required, status};
use super::handle::{Locked, Shared};
use super::key::{otls_key, otls_public_key};
use super::pointer::{Input, Out};
use super::values;
use crate::crypto::SystemRandom;
use crate::error::Result;
use crate::pki::{CertificateRequest, DistinguishedName, GeneralName};

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
    name: Option<&otls_name>,
    attribute: *const u8,
    attribute_len: size_t,
    value: *const u8,
    value_len: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (attribute, value, error) =
        unsafe { (Input::new(attribute, attribute_len), Input::new(value, value_len), Out::new(error)) };
    change(name, (attribute, value), error, DistinguishedName::set)
}

/// Adds an attribute to the subject, behind the others; a type may come more than once. Otherwise as
/// `otls_name_set`, and `OTLS_ERROR_BAD_NAME` for more than 64 attributes or 8,192 octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_name_add(
    name: Option<&otls_name>,
    attribute: *const u8,
    attribute_len: size_t,
    value: *const u8,
    value_len: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (attribute, value, error) =
        unsafe { (Input::new(attribute, attribute_len), Input::new(value, value_len), Out::new(error)) };
    change(name, (attribute, value), error, DistinguishedName::add)
}

/// Adds an attribute beside the last one, in one RelativeDistinguishedName: `CN=Asha+UID=1001`. Otherwise as
/// `otls_name_add`, and `OTLS_ERROR_BAD_NAME` for a subject without attributes and for a type that is there
/// already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_name_add_to_last(
    name: Option<&otls_name>,
    attribute: *const u8,
    attribute_len: size_t,
    value: *const u8,
    value_len: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (attribute, value, error) =
        unsafe { (Input::new(attribute, attribute_len), Input::new(value, value_len), Out::new(error)) };
    change(name, (attribute, value), error, DistinguishedName::add_to_last)
}

/// Adds an alternative name: an IP address if it reads as one, otherwise a DNS name.
///
/// Errors: `OTLS_ERROR_BAD_NAME`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_name_add_alternative(
    name: Option<&otls_name>,
    alternative: *const u8,
    alternative_len: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (alternative, error) = unsafe { (Input::new(alternative, alternative_len), Out::new(error)) };
    status(error, || {
        let parsed = GeneralName::parse(alternative.text("alternative")?)?;
        required(name, "name")?.0.lock()?.alternatives.push(parsed);
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

/// The request as PEM.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_request_to_pem(
    request: Option<&otls_request>,
    pem: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (pem, error) = unsafe { (Out::new(pem), Out::new(error)) };
    create(pem, "pem", error, || Ok(otls_blob::copy_of(required(request, "request")?.0.get()?.to_pem())))
}

/// The request as DER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_request_to_der(
    request: Option<&otls_request>,
    der: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (der, error) = unsafe { (Out::new(der), Out::new(error)) };
    create(der, "der", error, || Ok(otls_blob::copy_of(required(request, "request")?.0.get()?.to_der())))
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

/// What the request asks for and `certificate`, which was issued for it, does not have, as text: a line for
/// each usage, constraint or attribute, empty if there is none. The subject is never among it, and alternative
/// names only where the certificate is an authority's: what else is not issued of them is refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_request_left_out_of(
    request: Option<&otls_request>,
    certificate: Option<&otls_certificate>,
    left_out: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (left_out, error) = unsafe { (Out::new(left_out), Out::new(error)) };
    create(left_out, "left_out", error, || {
        let request = required(request, "request")?.0.get()?;
        let certificate = required(certificate, "certificate")?.get()?;
        Ok(otls_blob::copy_of(request.left_out_of(&certificate).join("\n")))
    })
}

fn change(
    name: Option<&otls_name>,
    (attribute, value): (Input<'_, u8>, Input<'_, u8>),
    error: Out<otls_error>,
    body: fn(&mut DistinguishedName, &str, &str) -> Result<()>,
) -> i32 {
    status(error, || {
        let mut names = required(name, "name")?.0.lock()?;
        let (attribute, value) = (attribute.text("attribute")?, value.text("value")?);
        Ok(body(&mut names.subject, attribute, value)?)
    })
}
