//! `otls_key`.

use std::sync::Arc;

use libc::size_t;

use super::blob::otls_blob;
use super::error::otls_error;
use super::guard::{self, create, required};
use super::handle::Shared;
use super::pointer::{Input, Out};
use super::public_key::otls_public_key;
use super::values;
use otls::codepoints::SignatureScheme;
use otls::crypto::SystemRandom;
use otls::pki::PrivateKey;

/// A private key. It is zeroised when nothing uses it any more: this handle, and the identities and
/// authorities that were made of it.
pub struct otls_key(pub(super) Shared<Arc<PrivateKey>>);

/// Generates a private key of one of the `OTLS_KEY_` types. A large RSA key takes seconds.
///
/// Errors: `OTLS_ERROR_RANDOM`; `OTLS_ERROR_API_MISUSE` for an unknown type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_key_generate(
    key_type: i32,
    key: *mut *mut otls_key,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (key, error) = unsafe { (Out::new(key), Out::new(error)) };
    create(key, "key", error, || {
        let generated = PrivateKey::generate(values::key_type(key_type)?, &SystemRandom)?;
        Ok(otls_key(Shared::new(Arc::new(generated))))
    })
}

/// Loads a private key, PEM or DER: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) or SEC1 (RFC 5915), plain or
/// encrypted. `password` is NULL with a length of 0 for a key that is not encrypted.
///
/// Errors: the `OTLS_ERROR_KEY_` numbers; a wrong password, an unknown cipher and a damaged file differ. A file
/// with anything beside the one key is refused: for one with the key's certificate there is
/// `otls_identity_load`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_key_load(
    data: *const u8,
    data_len: size_t,
    password: *const u8,
    password_len: size_t,
    key: *mut *mut otls_key,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (data, password, key, error) = unsafe {
        (Input::new(data, data_len), Input::new(password, password_len), Out::new(key), Out::new(error))
    };
    create(key, "key", error, || {
        let loaded = PrivateKey::load(data.get("data")?, password.optional("password")?)?;
        Ok(otls_key(Shared::new(Arc::new(loaded))))
    })
}

/// Frees a private key. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_key_free(key: Option<Box<otls_key>>) {
    guard::value((), || drop(key));
}

/// The public half of a private key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_key_public(
    key: Option<&otls_key>,
    public_key: *mut *mut otls_public_key,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (public_key, error) = unsafe { (Out::new(public_key), Out::new(error)) };
    create(public_key, "public_key", error, || {
        Ok(otls_public_key::new(required(key, "key")?.0.get()?.public_key()))
    })
}

/// Signs `message` with one of the `OTLS_SCHEME_` schemes (RFC 8446 section 4.2.3). ECDSA signatures are
/// DER.
///
/// Errors: `OTLS_ERROR_WRONG_SCHEME` for a scheme that does not fit the key; `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_key_sign(
    key: Option<&otls_key>,
    scheme: u16,
    message: *const u8,
    message_len: size_t,
    signature: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (message, signature, error) =
        unsafe { (Input::new(message, message_len), Out::new(signature), Out::new(error)) };
    create(signature, "signature", error, || {
        let key = required(key, "key")?.0.get()?;
        let signed = key.sign(SignatureScheme(scheme), message.get("message")?, &SystemRandom)?;
        Ok(otls_blob::copy_of(signed))
    })
}
