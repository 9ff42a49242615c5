//! `otls_certificate`.

use libc::size_t;

use super::blob::otls_blob;
use super::error::otls_error;
use super::guard::{self, Failure, create, required, status};
use super::handle::{InUse, Shared};
use super::key::otls_public_key;
use super::pointer::{Buffer, Input, Out};
use crate::error::Error;
use crate::pki::{Certificate, GeneralName};

/// A certificate (RFC 5280). Loading one does not trust it: that is what a trust store is for.
pub struct otls_certificate(Shared<Certificate>);

impl otls_certificate {
    pub(super) fn new(certificate: &Certificate) -> Self {
        Self(Shared::new(certificate.clone()))
    }

    pub(super) fn get(&self) -> Result<InUse<'_, Certificate>, Failure> {
        self.0.get()
    }
}

/// Loads one certificate, PEM or DER.
///
/// Errors: `OTLS_ERROR_CERTIFICATE_MALFORMED`, also for a file with anything beside the one certificate: for a
/// bundle of authorities there is `otls_trust_store_add_bundle`, for a chain `otls_identity_new`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_certificate_load(
    data: *const u8,
    data_len: size_t,
    certificate: *mut *mut otls_certificate,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (data, certificate, error) =
        unsafe { (Input::new(data, data_len), Out::new(certificate), Out::new(error)) };
    create(certificate, "certificate", error, || {
        Ok(otls_certificate::new(&Certificate::load(data.get("data")?)?))
    })
}

/// Frees a certificate. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_certificate_free(certificate: Option<Box<otls_certificate>>) {
    guard::value((), || drop(certificate));
}

/// The certificate as PEM.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_certificate_to_pem(
    certificate: Option<&otls_certificate>,
    pem: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (pem, error) = unsafe { (Out::new(pem), Out::new(error)) };
    create(pem, "pem", error, || {
        Ok(otls_blob::copy_of(required(certificate, "certificate")?.get()?.to_pem()))
    })
}

/// The certificate as DER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_certificate_to_der(
    certificate: Option<&otls_certificate>,
    der: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (der, error) = unsafe { (Out::new(der), Out::new(error)) };
    create(der, "der", error, || {
        Ok(otls_blob::copy_of(required(certificate, "certificate")?.get()?.to_der()))
    })
}

/// The subject as text, for example `CN=bank.example,C=IN` (RFC 4514).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_certificate_subject(
    certificate: Option<&otls_certificate>,
    subject: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (subject, error) = unsafe { (Out::new(subject), Out::new(error)) };
    create(subject, "subject", error, || {
        Ok(otls_blob::copy_of(required(certificate, "certificate")?.get()?.subject().to_string()))
    })
}

/// The issuer as text, as `otls_certificate_subject`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_certificate_issuer(
    certificate: Option<&otls_certificate>,
    issuer: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (issuer, error) = unsafe { (Out::new(issuer), Out::new(error)) };
    create(issuer, "issuer", error, || {
        Ok(otls_blob::copy_of(required(certificate, "certificate")?.get()?.issuer().to_string()))
    })
}

/// The common name of the subject alone, as text; empty if there is none, and also if there are several,
/// because none of them is then the one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_certificate_common_name(
    certificate: Option<&otls_certificate>,
    common_name: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (common_name, error) = unsafe { (Out::new(common_name), Out::new(error)) };
    create(common_name, "common_name", error, || {
        Ok(otls_blob::copy_of(required(certificate, "certificate")?.get()?.subject().common_name()))
    })
}

/// How many attributes the subject has, all that stand in it (RFC 5280 section 4.1.2.6). 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_certificate_subject_count(certificate: Option<&otls_certificate>) -> size_t {
    guard::value(0, || certificate.and_then(|c| c.0.lend()).map_or(0, |c| c.subject().attributes().len()))
}

/// One of the subject's attributes in their order, as text: its type, such as `CN` or `UID` or a dotted
/// number, and its value; one that is no text as `#` and the hexadecimal digits of its DER. `index` counts
/// from 0.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for an index that is too high.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_certificate_subject_attribute(
    certificate: Option<&otls_certificate>,
    index: size_t,
    attribute: *mut *mut otls_blob,
    value: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (attribute, value, error) = unsafe { (Out::new(attribute), Out::new(value), Out::new(error)) };
    status(error, || {
        let (attribute_slot, value_slot) = (attribute.slot("attribute")?, value.slot("value")?);
        let certificate = required(certificate, "certificate")?.get()?;
        let found = certificate.subject().attributes().into_iter().nth(index).ok_or(NO_SUCH_ATTRIBUTE)?;
        let hexadecimal = || found.der.iter().fold("#".to_owned(), |hex, octet| format!("{hex}{octet:02X}"));
        let text = found.text.clone().unwrap_or_else(hexadecimal);
        attribute_slot.put(otls_blob::copy_of(&found.kind));
        value_slot.put(otls_blob::copy_of(text));
        Ok(())
    })
}

/// 1 if both certificates have the same subject as RFC 5280 section 7.1 compares names, otherwise 0; 0 for
/// NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_certificate_same_subject(
    certificate: Option<&otls_certificate>,
    other: Option<&otls_certificate>,
) -> i32 {
    guard::value(0, || {
        let (one, other) = (certificate.and_then(|c| c.0.lend()), other.and_then(|c| c.0.lend()));
        i32::from(one.zip(other).is_some_and(|(one, other)| one.subject() == other.subject()))
    })
}

/// The serial number, big-endian, at most `OTLS_SERIAL_MAX_LEN` octets, into the caller's buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_certificate_serial(
    certificate: Option<&otls_certificate>,
    serial: *mut u8,
    serial_len: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (serial, error) = unsafe { (Buffer::new(serial, serial_len), Out::new(error)) };
    status(error, || serial.fill(required(certificate, "certificate")?.get()?.serial(), "serial"))
}

/// SHA-256 of the certificate's DER, `OTLS_FINGERPRINT_LEN` octets, into the caller's buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_certificate_fingerprint(
    certificate: Option<&otls_certificate>,
    fingerprint: *mut u8,
    fingerprint_len: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (fingerprint, error) = unsafe { (Buffer::new(fingerprint, fingerprint_len), Out::new(error)) };
    status(error, || {
        fingerprint.fill(&required(certificate, "certificate")?.get()?.fingerprint(), "fingerprint")
    })
}

/// The first second of the certificate's validity (RFC 5280 section 4.1.2.5). 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_certificate_not_before(certificate: Option<&otls_certificate>) -> u64 {
    guard::value(0, || certificate.and_then(|c| c.0.lend()).map_or(0, |c| c.not_before().0))
}

/// The last second of the certificate's validity. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_certificate_not_after(certificate: Option<&otls_certificate>) -> u64 {
    guard::value(0, || certificate.and_then(|c| c.0.lend()).map_or(0, |c| c.not_after().0))
}

/// 1 for the certificate of a certificate authority, otherwise 0; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_certificate_is_ca(certificate: Option<&otls_certificate>) -> i32 {
    guard::value(0, || i32::from(certificate.and_then(|c| c.0.lend()).is_some_and(Certificate::is_ca)))
}

/// How many alternative names (RFC 5280 section 4.2.1.6) the certificate has. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_certificate_name_count(certificate: Option<&otls_certificate>) -> size_t {
    guard::value(0, || certificate.and_then(|c| c.0.lend()).map_or(0, |c| c.names().len()))
}

/// One of the alternative names as text: a DNS name or an IP address. `index` counts from 0.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for an index that is too high.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_certificate_name(
    certificate: Option<&otls_certificate>,
    index: size_t,
    name: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (name, error) = unsafe { (Out::new(name), Out::new(error)) };
    create(name, "name", error, || {
        let certificate = required(certificate, "certificate")?.get()?;
        let name = certificate.names().get(index).ok_or(NO_SUCH_NAME)?;
        Ok(otls_blob::copy_of(text(name)))
    })
}

/// The certificate's public key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_certificate_public_key(
    certificate: Option<&otls_certificate>,
    public_key: *mut *mut otls_public_key,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (public_key, error) = unsafe { (Out::new(public_key), Out::new(error)) };
    create(public_key, "public_key", error, || {
        Ok(otls_public_key::new(required(certificate, "certificate")?.get()?.public_key()))
    })
}

fn text(name: &GeneralName) -> String {
    match name {
        GeneralName::Dns(name) => name.clone(),
        GeneralName::Ip(_) | GeneralName::Email(_) | GeneralName::Uri(_) => name.to_string(),
    }
}

const NO_SUCH_ATTRIBUTE: Error = Error::misuse("no attribute of this index", "count them first");
const NO_SUCH_NAME: Error = Error::misuse("no name of this index", "count them first");
