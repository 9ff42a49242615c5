//! `otls_certificate`.

use libc::size_t;

use super::blob::otls_blob;
use super::crypt;
use super::error::otls_error;
use super::failure::Failure;
use super::guard::{self, create, required, status};
use super::handle::{InUse, Shared};
use super::pointer::{Buffer, Input, Out, Value};
use super::public_key::otls_public_key;
use otls::error::Error;
use otls::pki::{Certificate, Encoding, GeneralName};

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

/// The certificate in one of the `OTLS_ENCODING_` encodings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_certificate_export(
    certificate: Option<&otls_certificate>,
    encoding: i32,
    data: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (data, error) = unsafe { (Out::new(data), Out::new(error)) };
    create(data, "data", error, || {
        let certificate = required(certificate, "certificate")?.get()?;
        Ok(match crypt::encoding(encoding)? {
            Encoding::Pem => otls_blob::copy_of(certificate.to_pem()),
            Encoding::Der => otls_blob::copy_of(certificate.to_der()),
        })
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

/// The common name of the subject alone, as text; empty if there is none, and also if there are several,
/// because none of them is then the one, or if it has a NUL in it, behind which C would not read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_certificate_common_name(
    certificate: Option<&otls_certificate>,
    common_name: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (common_name, error) = unsafe { (Out::new(common_name), Out::new(error)) };
    create(common_name, "common_name", error, || {
        let name = required(certificate, "certificate")?.get()?.subject().common_name();
        Ok(otls_blob::copy_of(if name.contains('\0') { String::new() } else { name }))
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

/// The last second of the certificate's validity (RFC 5280 section 4.1.2.5) and, in `*not_before` (may be NULL),
/// the first one. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_certificate_not_after(
    certificate: Option<&otls_certificate>,
    not_before: *mut u64,
) -> u64 {
    // SAFETY: the caller keeps the rules for pointers.
    let not_before = unsafe { Value::new(not_before, 0) };
    guard::value(0, || {
        let certificate = certificate.and_then(|certificate| certificate.0.lend());
        not_before.put(certificate.map_or(0, |certificate| certificate.not_before().0));
        certificate.map_or(0, |certificate| certificate.not_after().0)
    })
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
        GeneralName::Ip(_) | GeneralName::Email(_) | GeneralName::Uri(_) | _ => name.to_string(),
    }
}

const NO_SUCH_NAME: Error = Error::misuse("no name of this index", "ask for each from 0 on, until this");
