//! `otls_identity`: a chain and its key.

use std::sync::Arc;

use libc::size_t;

use super::certificate::otls_certificate;
use super::error::otls_error;
use super::guard::{self, create, required};
use super::handle::Shared;
use super::key::otls_key;
use super::pointer::{Input, Out};
use otls::pki::{Chain, Identity};

/// A certificate chain and the private key of its first certificate.
pub struct otls_identity(pub(super) Shared<Arc<Identity>>);

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
        let chain = Chain::load(chain.get("chain")?)?;
        Ok(otls_identity(Shared::new(Arc::new(Identity::new(chain, key)?))))
    })
}

/// An identity of one PEM file that has both a private key, as for `otls_key_load`, and its chain of
/// certificates.
///
/// Errors: those of `otls_identity_new` and `otls_key_load`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_identity_load(
    data: *const u8,
    data_len: size_t,
    password: *const u8,
    password_len: size_t,
    identity: *mut *mut otls_identity,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (data, password, identity, error) = unsafe {
        (Input::new(data, data_len), Input::new(password, password_len), Out::new(identity), Out::new(error))
    };
    create(identity, "identity", error, || {
        let loaded = Identity::load(data.get("data")?, password.optional("password")?)?;
        Ok(otls_identity(Shared::new(Arc::new(loaded))))
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
