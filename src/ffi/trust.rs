//! `otls_trust_store` and `otls_identity`: whom we believe, and who we are.

use std::sync::Arc;

use libc::size_t;

use super::certificate::otls_certificate;
use super::error::otls_error;
use super::guard::{self, create, required, status};
use super::handle::{Locked, Shared};
use super::key::otls_key;
use super::pointer::{Input, Out};
use crate::pki::{Certificate, Crl, Identity, TrustStore};

/// The authorities that are trusted, and their revocation lists. No authority of the system is in it.
pub struct otls_trust_store(pub(super) Locked<TrustStore>);

/// A certificate chain and the private key of its first certificate.
pub struct otls_identity(pub(super) Shared<Arc<Identity>>);

/// A trust store with no authority in it: it trusts nobody.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_trust_store_new(
    trust: *mut *mut otls_trust_store,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (trust, error) = unsafe { (Out::new(trust), Out::new(error)) };
    create(trust, "trust", error, || Ok(otls_trust_store(Locked::new(TrustStore::new()))))
}

/// Frees a trust store. NULL is fine. A configuration that was made of it keeps a copy.
#[unsafe(no_mangle)]
pub extern "C" fn otls_trust_store_free(trust: Option<Box<otls_trust_store>>) {
    guard::value((), || drop(trust));
}

/// Trusts an authority.
///
/// Errors: `OTLS_ERROR_CERTIFICATE_WRONG_ROLE` for a certificate that is not of an authority.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_trust_store_add(
    trust: Option<&otls_trust_store>,
    certificate: Option<&otls_certificate>,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let error = unsafe { Out::new(error) };
    status(error, || {
        let mut trust = required(trust, "trust")?.0.lock()?;
        Ok(trust.add_authority(&*required(certificate, "certificate")?.get()?)?)
    })
}

/// Adds a revocation list, PEM or DER, of an authority that is trusted.
///
/// Errors: `OTLS_ERROR_CERTIFICATE_MALFORMED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_trust_store_add_crl(
    trust: Option<&otls_trust_store>,
    crl: *const u8,
    crl_len: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (crl, error) = unsafe { (Input::new(crl, crl_len), Out::new(error)) };
    status(error, || {
        let mut trust = required(trust, "trust")?.0.lock()?;
        trust.add_crl(Crl::load(crl.get("crl")?)?);
        Ok(())
    })
}

/// An identity of a certificate chain, PEM or one DER certificate, that begins with the certificate of
/// `key`.
///
/// Errors: `OTLS_ERROR_CERTIFICATE_MALFORMED`; `OTLS_ERROR_KEY_MISMATCH` if the key is not that of the
/// first certificate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_identity_new(
    chain: *const u8,
    chain_len: size_t,
    key: Option<&otls_key>,
    identity: *mut *mut otls_identity,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (chain, identity, error) =
        unsafe { (Input::new(chain, chain_len), Out::new(identity), Out::new(error)) };
    create(identity, "identity", error, || {
        let key = Arc::clone(&*required(key, "key")?.0.get()?);
        let chain = Certificate::load_chain(chain.get("chain")?)?;
        Ok(otls_identity(Shared::new(Arc::new(Identity::new(chain, key)?))))
    })
}

/// Frees an identity. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_identity_free(identity: Option<Box<otls_identity>>) {
    guard::value((), || drop(identity));
}

/// The first certificate of an identity's chain.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_identity_certificate(
    identity: Option<&otls_identity>,
    certificate: *mut *mut otls_certificate,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (certificate, error) = unsafe { (Out::new(certificate), Out::new(error)) };
    create(certificate, "certificate", error, || {
        Ok(otls_certificate::new(required(identity, "identity")?.0.get()?.certificate()))
    })
}
