//! `otls_authority`: signs certificates and revocation lists.

use std::sync::Arc;

use libc::size_t;

use super::blob::otls_blob;
use super::certificate::otls_certificate;
use super::error::otls_error;
use super::failure::Failure;
use super::guard::{self, create, required};
use super::handle::{InUse, Shared};
use super::key::otls_key;
use super::name::otls_name;
use super::pointer::{Input, Out};
use super::request::otls_request;
use super::terms::{CertificateTerms, Terms, otls_authority_terms, otls_certificate_terms, otls_validity};
use super::values;
use otls::crypto::SystemRandom;
use otls::error::Error;
use otls::pki::{Authority, Certificate, CertificateRequest, RevocationReason};

/// A certificate authority: its certificate and its key.
pub struct otls_authority(Shared<Authority>);

impl otls_authority {
    pub(super) const fn new(authority: Authority) -> Self {
        Self(Shared::new(authority))
    }

    pub(super) fn get(&self) -> Result<InUse<'_, Authority>, Failure> {
        self.0.get()
    }
}

/// Makes an authority with a new self-signed certificate for the subject of `name`, on these terms. It signs with
/// one of the `OTLS_HASH_` hashes.
///
/// Errors: `OTLS_ERROR_BAD_NAME`; `OTLS_ERROR_WRONG_SCHEME` for a hash that is not the key's;
/// `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_authority_create(
    key: Option<&otls_key>,
    name: Option<&otls_name>,
    hash: i32,
    terms: Option<&otls_authority_terms>,
    authority: *mut *mut otls_authority,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (terms, authority, error) = unsafe { (Terms::new(terms), Out::new(authority), Out::new(error)) };
    create(authority, "authority", error, || {
        let (key, name) = (required(key, "key")?.0.get()?, required(name, "name")?.0.lock()?);
        let (key, hash) = (Arc::clone(&key), values::hash(hash)?);
        let made = Authority::create(key, &name.subject, hash, terms.get()?, &SystemRandom)?;
        Ok(otls_authority::new(made))
    })
}

/// An authority from its certificate and key. The certificate, PEM or DER, comes first in `chain`; behind it may
/// follow those above it, PEM, nearest first: `otls_authority_chain` then has them.
///
/// Errors: `OTLS_ERROR_KEY_MISMATCH`; `OTLS_ERROR_CERTIFICATE_WRONG_ROLE` for a certificate that is not of
/// an authority, or has not issued the one before it; `OTLS_ERROR_CERTIFICATE_MALFORMED`; `OTLS_ERROR_WRONG_SCHEME`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_authority_load(
    chain: *const u8,
    chain_len: size_t,
    key: Option<&otls_key>,
    hash: i32,
    authority: *mut *mut otls_authority,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (chain, authority, error) =
        unsafe { (Input::new(chain, chain_len), Out::new(authority), Out::new(error)) };
    create(authority, "authority", error, || {
        let (key, hash) = (Arc::clone(&*required(key, "key")?.0.get()?), values::hash(hash)?);
        let mut chain = Certificate::load_chain(chain.get("chain")?)?.into_iter();
        let certificate = chain.next().ok_or(NO_CERTIFICATE)?;
        let authority = Authority::load(certificate, key, hash)?;
        Ok(otls_authority::new(authority.with_chain(chain.collect())?))
    })
}

/// Frees an authority. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_authority_free(authority: Option<Box<otls_authority>>) {
    guard::value((), || drop(authority));
}

/// The authority's own certificate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_authority_certificate(
    authority: Option<&otls_authority>,
    certificate: *mut *mut otls_certificate,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (certificate, error) = unsafe { (Out::new(certificate), Out::new(error)) };
    create(certificate, "certificate", error, || {
        Ok(otls_certificate::new(required(authority, "authority")?.0.get()?.certificate()))
    })
}

/// Issues a certificate on these terms for the request's key, subject and alternative names, not beyond the
/// authority's own end.
///
/// Errors: `OTLS_ERROR_AUTHORITY_REFUSED` with the reason; `OTLS_ERROR_BAD_NAME`; `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_authority_issue(
    authority: Option<&otls_authority>,
    request: Option<&otls_request>,
    terms: Option<&otls_certificate_terms>,
    certificate: *mut *mut otls_certificate,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (terms, certificate, error) =
        unsafe { (CertificateTerms::new(terms), Out::new(certificate), Out::new(error)) };
    create(certificate, "certificate", error, || {
        let authority = required(authority, "authority")?.0.get()?;
        let request = CertificateRequest::clone(&*required(request, "request")?.0.get()?);
        let (profile, validity, names) = terms.get()?;
        let request = request.with_further_names(&names)?;
        let issued = authority.issue(&request, profile, validity, &SystemRandom)?;
        Ok(otls_certificate::new(&issued))
    })
}

/// Signs a revocation list (RFC 5280 section 5), PEM, that revokes `count` certificates, all at the time from which
/// on it is valid and without a reason. `number` must grow from list to list; the next list is due at its end.
///
/// Errors: `OTLS_ERROR_CERTIFICATE_WRONG_ROLE`; `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_authority_issue_crl(
    authority: Option<&otls_authority>,
    revoked: *const *const otls_certificate,
    count: size_t,
    number: u64,
    validity: otls_validity,
    pem: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers; an `Option<&T>` is a nullable pointer.
    let (revoked, pem, error) = unsafe {
        let revoked = revoked.cast::<Option<&otls_certificate>>();
        (Input::new(revoked, count), Out::new(pem), Out::new(error))
    };
    create(pem, "pem", error, || {
        let authority = required(authority, "authority")?.0.get()?;
        let (validity, mut entries) = (validity.get(), Vec::new());
        for certificate in revoked.get("revoked")? {
            let serial = required(*certificate, "revoked")?.get()?.serial().to_vec();
            entries.push((serial, validity.from(), RevocationReason::Unspecified));
        }
        let list = authority.issue_crl(&entries, number, validity, &SystemRandom)?;
        Ok(otls_blob::copy_of(list.to_pem()))
    })
}

const NO_CERTIFICATE: Error = Error::misuse("no certificate", "pass that of the authority first");
