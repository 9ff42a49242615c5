//! Paths: authorities below others, what is trusted and how far, and the report of a refusal.

use libc::size_t;

use super::authority::otls_authority;
use super::blob::otls_blob;
use super::certificate::otls_certificate;
use super::error::otls_error;
use super::guard::{create, required, status};
use super::pointer::{Handle, Out};
use super::request::otls_request;
use super::terms::{Terms, otls_authority_terms};
use super::trust::otls_trust_store;
use otls::crypto::SystemRandom;
use otls::pki::Certificate;

/// The authority's certificate and those above it, PEM: what the holder of a certificate sends behind his
/// own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_authority_chain(
    authority: Option<&otls_authority>,
    chain: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (chain, error) = unsafe { (Out::new(chain), Out::new(error)) };
    create(chain, "chain", error, || {
        let authority = required(authority, "authority")?.get()?;
        Ok(otls_blob::copy_of(authority.chain().iter().map(Certificate::to_pem).collect::<String>()))
    })
}

/// Issues the certificate of an authority below this one on these terms, otherwise as `otls_authority_issue`.
///
/// Errors: `OTLS_ERROR_AUTHORITY_REFUSED`; `OTLS_ERROR_BAD_NAME`; `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_authority_issue_authority(
    authority: Option<&otls_authority>,
    request: Option<&otls_request>,
    terms: Option<&otls_authority_terms>,
    certificate: *mut *mut otls_certificate,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (terms, certificate, error) = unsafe { (Terms::new(terms), Out::new(certificate), Out::new(error)) };
    create(certificate, "certificate", error, || {
        let authority = required(authority, "authority")?.get()?;
        let request = required(request, "request")?.0.get()?;
        let issued = authority.issue_authority(&request, &terms.get()?, &SystemRandom)?;
        Ok(otls_certificate::new(&issued))
    })
}

/// Adds a certificate that may stand between a leaf and a trusted authority, for peers that do not send it.
/// It is not trusted by itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_trust_store_add_intermediate(
    trust: *mut otls_trust_store,
    certificate: Option<&otls_certificate>,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (trust, error) = unsafe { (Handle::new(trust), Out::new(error)) };
    status(error, || {
        let mut trust = trust.required("trust")?.0.lock()?;
        trust.add_intermediate(&*required(certificate, "certificate")?.get()?);
        Ok(())
    })
}

/// Accepts at most `depth` authorities between a leaf and a trusted one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_trust_store_set_max_depth(
    trust: *mut otls_trust_store,
    depth: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (trust, error) = unsafe { (Handle::new(trust), Out::new(error)) };
    status(error, || {
        trust.required("trust")?.0.lock()?.set_max_depth(depth);
        Ok(())
    })
}

/// Refuses certificates of authorities without a revocation list. Otherwise such certificates are not checked
/// against one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_trust_store_require_crls(
    trust: *mut otls_trust_store,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (trust, error) = unsafe { (Handle::new(trust), Out::new(error)) };
    status(error, || {
        trust.required("trust")?.0.lock()?.require_crls();
        Ok(())
    })
}

/// Accepts a leaf without ExtendedKeyUsage in every role. Otherwise such a certificate is refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_trust_store_allow_missing_eku(
    trust: *mut otls_trust_store,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (trust, error) = unsafe { (Handle::new(trust), Out::new(error)) };
    status(error, || {
        trust.required("trust")?.0.lock()?.allow_missing_eku();
        Ok(())
    })
}

/// All that the certificate says, for a person to read, laid out as by `openssl x509 -text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_certificate_to_text(
    certificate: Option<&otls_certificate>,
    text: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (text, error) = unsafe { (Out::new(text), Out::new(error)) };
    create(text, "text", error, || {
        let certificate = required(certificate, "certificate")?.get()?;
        Ok(otls_blob::copy_of(certificate.to_text()))
    })
}
