//! `otls_est_reply`: what an authority answered.

use libc::size_t;

use super::certificate::otls_certificate;
use super::error::otls_error;
use super::guard::{self, create, required};
use super::handle::Shared;
use super::pointer::{Input, Out};
use otls::error::Error;
use otls::est::EstReply;
use otls::pki::Certificate;

/// What the enrolment server has answered: the authority's certificates, or the one that was issued.
pub struct otls_est_reply(pub(super) Shared<EstReply>);

/// Frees a reply. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_est_reply_free(reply: Option<Box<otls_est_reply>>) {
    guard::value((), || drop(reply));
}

/// One of the reply's certificates; `index` counts from 0. One of an authority is not to be trusted because
/// it is here: see `otls_est_reply_authority`.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for an index that is too high.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_est_reply_certificate(
    reply: Option<&otls_est_reply>,
    index: size_t,
    certificate: *mut *mut otls_certificate,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (certificate, error) = unsafe { (Out::new(certificate), Out::new(error)) };
    create(certificate, "certificate", error, || {
        let reply = required(reply, "reply")?.0.get()?;
        Ok(otls_certificate::new(certificates(&reply).get(index).ok_or(NO_SUCH_CERTIFICATE)?))
    })
}

/// The authority's certificate whose SHA-256 is `fingerprint`, `OTLS_FINGERPRINT_LEN` octets that came by
/// another way: trust none that was not found by it (RFC 7030 section 4.1.1).
///
/// Errors: `OTLS_ERROR_ENROLMENT_FINGERPRINT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_est_reply_authority(
    reply: Option<&otls_est_reply>,
    fingerprint: *const u8,
    fingerprint_len: size_t,
    certificate: *mut *mut otls_certificate,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (fingerprint, certificate, error) =
        unsafe { (Input::new(fingerprint, fingerprint_len), Out::new(certificate), Out::new(error)) };
    create(certificate, "certificate", error, || {
        let reply = required(reply, "reply")?.0.get()?;
        let fingerprint = fingerprint.get("fingerprint")?.try_into().map_err(|_| NOT_A_FINGERPRINT)?;
        Ok(otls_certificate::new(reply.authority(fingerprint)?))
    })
}

fn certificates(reply: &EstReply) -> &[Certificate] {
    match reply {
        EstReply::CaCertificates(certificates) => certificates,
        EstReply::Enrolled(certificate) => core::slice::from_ref(certificate),
    }
}

const NO_SUCH_CERTIFICATE: Error = Error::misuse("no certificate of this index", "count them first");
const NOT_A_FINGERPRINT: Error =
    Error::misuse("a fingerprint that has not 32 octets", "pass the SHA-256 of the certificate's DER");
