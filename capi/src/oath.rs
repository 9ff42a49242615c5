//! What the one-time passwords from a shared secret have in common.

use super::blob::otls_blob;
use super::error::otls_error;
use super::failure::Failure;
use super::guard::create;
use super::pointer::{Input, Out};
use otls::Secret;
use otls::crypto::SystemRandom;
use otls::error::{Error, Result};
use otls::otp::oath::{OathHash, SharedSecret};

/// Hash of a shared secret's codes: SHA-1, which every authenticator app knows.
pub const OTLS_OATH_SHA1: i32 = 1;
/// Hash of a shared secret's codes: SHA-256.
pub const OTLS_OATH_SHA256: i32 = 2;
/// Hash of a shared secret's codes: SHA-512.
pub const OTLS_OATH_SHA512: i32 = 3;

/// A new random secret, as long as the output of one of the `OTLS_OATH_` hashes.
///
/// Errors: `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_oath_secret_new(
    hash: i32,
    secret: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (secret, error) = unsafe { (Out::new(secret), Out::new(error)) };
    create(secret, "secret", error, || {
        let drawn = SharedSecret::generate(hash_of(hash)?, &SystemRandom)?;
        Ok(otls_blob::copy_of(drawn.expose()))
    })
}

pub(super) fn shared(secret: Input<'_>) -> Result<SharedSecret, Failure> {
    Ok(SharedSecret::new(Secret::from(secret.get("secret")?.to_vec()))?)
}

pub(super) fn hash_of(number: i32) -> Result<OathHash> {
    Ok(match number {
        OTLS_OATH_SHA1 => OathHash::Sha1,
        OTLS_OATH_SHA256 => OathHash::Sha256,
        OTLS_OATH_SHA512 => OathHash::Sha512,
        _ => return Err(Error::misuse("an unknown hash", "pass one of the OTLS_OATH_ numbers")),
    })
}
