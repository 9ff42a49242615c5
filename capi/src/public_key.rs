//! `otls_public_key`.

use libc::size_t;

use super::error::otls_error;
use super::failure::Failure;
use super::guard::{self, create, required, status};
use super::handle::{InUse, Shared};
use super::pointer::{Buffer, Input, Out};
use otls::codepoints::SignatureScheme;
use otls::pki::PublicKey;

/// A public key.
pub struct otls_public_key(Shared<PublicKey>);

impl otls_public_key {
    pub(super) fn new(key: &PublicKey) -> Self {
        Self(Shared::new(key.clone()))
    }

    pub(super) fn get(&self) -> Result<InUse<'_, PublicKey>, Failure> {
        self.0.get()
    }
}

/// Loads a public key, PEM or DER: SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) or PKCS#1.
///
/// Errors: the `OTLS_ERROR_KEY_` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_public_key_load(
    data: *const u8,
    data_len: size_t,
    public_key: *mut *mut otls_public_key,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (data, public_key, error) =
        unsafe { (Input::new(data, data_len), Out::new(public_key), Out::new(error)) };
    create(public_key, "public_key", error, || Ok(otls_public_key::new(&PublicKey::load(data.get("data")?)?)))
}

/// Frees a public key. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_public_key_free(public_key: Option<Box<otls_public_key>>) {
    guard::value((), || drop(public_key));
}

/// SHA-256 of the public key's DER, `OTLS_FINGERPRINT_LEN` octets, into the caller's buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_public_key_fingerprint(
    public_key: Option<&otls_public_key>,
    fingerprint: *mut u8,
    fingerprint_len: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (fingerprint, error) = unsafe { (Buffer::new(fingerprint, fingerprint_len), Out::new(error)) };
    status(error, || {
        let public_key = required(public_key, "public_key")?.0.get()?;
        fingerprint.fill(&public_key.fingerprint(), "fingerprint")
    })
}

/// Verifies a signature of one of the `OTLS_SCHEME_` schemes.
///
/// Errors: `OTLS_ERROR_BAD_SIGNATURE`; `OTLS_ERROR_WRONG_SCHEME` for a scheme that does not fit the key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_public_key_verify(
    public_key: Option<&otls_public_key>,
    scheme: u16,
    message: *const u8,
    message_len: size_t,
    signature: *const u8,
    signature_len: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (message, signature, error) =
        unsafe { (Input::new(message, message_len), Input::new(signature, signature_len), Out::new(error)) };
    status(error, || {
        let public_key = required(public_key, "public_key")?.0.get()?;
        let (message, signature) = (message.get("message")?, signature.get("signature")?);
        Ok(public_key.verify(SignatureScheme(scheme), message, signature)?)
    })
}
