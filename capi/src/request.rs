//! `otls_request`: what a certificate is asked for with.

use libc::size_t;

use super::blob::otls_blob;
use super::crypt;
use super::error::otls_error;
use super::guard::{self, create, required};
use super::handle::Shared;
use super::key::otls_key;
use super::name::otls_name;
use super::pointer::{Input, Out};
use super::public_key::otls_public_key;
use super::values;
use otls::crypto::SystemRandom;
use otls::pki::{CertificateRequest, Encoding};

/// A certificate request (PKCS#10, RFC 2986), whose signature was checked: its sender has the key.
pub struct otls_request(pub(super) Shared<CertificateRequest>);

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
