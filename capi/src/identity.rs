//! `otls_identity`: a chain and its key.

use std::sync::Arc;

use libc::{c_char, size_t};

use super::blob::otls_blob;
use super::certificate::otls_certificate;
use super::error::otls_error;
use super::failure::Failure;
use super::guard::{self, create, required};
use super::handle::Shared;
use super::key::otls_key;
use super::pointer::{Input, Out, Text};
use otls::crypto::SystemRandom;
use otls::error::Error;
use otls::pki::{Chain, Identity, Pkcs12Mac, Pkcs12Options};

/// MAC of a PKCS#12 file: HMAC-SHA256 under a key of RFC 7292 appendix B, which everybody reads.
pub const OTLS_PKCS12_MAC_HMAC_SHA256: i32 = 0;
/// MAC of a PKCS#12 file: PBMAC1 (RFC 9579), which OpenSSL reads from 3.4 on.
pub const OTLS_PKCS12_MAC_PBMAC1: i32 = 1;

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

/// An identity of one file that has both a private key and its chain of certificates: PEM, with a key as for
/// `otls_key_load` and the key's certificate first, or PKCS#12 (RFC 7292), with the certificates in any order.
///
/// Errors: those of `otls_identity_new` and `otls_key_load`; `OTLS_ERROR_KEY_UNSUPPORTED_FORMAT` for a PKCS#12
/// file that is not read, one without a MAC among them.
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

/// How a PKCS#12 file is written.
#[repr(C)]
pub struct otls_pkcs12_options {
    /// What it is encrypted with, in UTF-8; not empty.
    pub password: *const u8,
    /// Its length.
    pub password_len: size_t,
    /// What the key and its certificate are called, Java's alias of them; NULL for nothing.
    pub friendly_name: *const c_char,
    /// One of the `OTLS_PKCS12_MAC_` numbers.
    pub mac: i32,
}

/// A PKCS#12 file (RFC 7292) of an identity, encrypted by PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for a password that is empty or not UTF-8, and for an unknown MAC;
/// `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_identity_to_pkcs12(
    identity: Option<&otls_identity>,
    options: Option<&otls_pkcs12_options>,
    file: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers, with those in `options` too.
    let inside = options.map(|given| unsafe {
        (Input::new(given.password, given.password_len), Text::new(given.friendly_name), given.mac)
    });
    // SAFETY: the caller keeps the rules for pointers.
    let (file, error) = unsafe { (Out::new(file), Out::new(error)) };
    create(file, "file", error, || {
        let identity = required(identity, "identity")?.0.get()?;
        let (password, friendly_name, mac) = inside.ok_or(Failure::Null("options"))?;
        let mut options = Pkcs12Options::new().with_mac(match mac {
            OTLS_PKCS12_MAC_HMAC_SHA256 => Pkcs12Mac::HmacSha256,
            OTLS_PKCS12_MAC_PBMAC1 => Pkcs12Mac::Pbmac1,
            _ => {
                let hint = "pass one of the OTLS_PKCS12_MAC_ numbers";
                return Err(Error::misuse("an unknown MAC of a PKCS#12 file", hint).into());
            }
        });
        if let Some(name) = friendly_name.optional()? {
            options = options.with_friendly_name(name);
        }
        let written = identity.to_pkcs12(password.get("password")?, &options, &SystemRandom)?;
        Ok(otls_blob::copy_of(written))
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
