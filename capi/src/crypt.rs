//! Formats of keys, encryption to a key, and authenticated encryption with a key.

use libc::size_t;

use super::blob::otls_blob;
use super::error::otls_error;
use super::failure::Failure;
use super::guard::{self, create, required};
use super::handle::Shared;
use super::key::otls_key;
use super::pointer::{Input, Out};
use super::public_key::otls_public_key;
use otls::crypto::SystemRandom;
use otls::crypto::aead::{AeadAlgorithm, AeadKey};
use otls::error::{Error, Result};
use otls::pki::{Encoding, KeyEncryption, KeyFormat};

/// Format of a key: PKCS#8 for a private one (RFC 5958), SubjectPublicKeyInfo for a public one.
pub const OTLS_FORMAT_PKCS8: i32 = 1;
/// Format of a key: PKCS#1, for RSA (RFC 8017 appendix A.1).
pub const OTLS_FORMAT_PKCS1: i32 = 2;
/// Format of a key: SEC1, for an EC private key (RFC 5915).
pub const OTLS_FORMAT_SEC1: i32 = 3;
/// Encoding of a key, a certificate or a request: PEM.
pub const OTLS_ENCODING_PEM: i32 = 1;
/// Encoding of a key, a certificate or a request: DER.
pub const OTLS_ENCODING_DER: i32 = 2;
/// Encryption of a key: none; the password is NULL.
pub const OTLS_ENCRYPTION_NONE: i32 = 0;
/// Encryption of a key: PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC (RFC 8018), for PKCS#8.
pub const OTLS_ENCRYPTION_PBKDF2: i32 = 1;
/// Encryption of a key: PBES2 with scrypt and AES-256-CBC, for PKCS#8.
pub const OTLS_ENCRYPTION_SCRYPT: i32 = 2;
/// Encryption of a key: that of OpenSSL's traditional PEM, for PKCS#1 and SEC1. Weak: for old readers.
pub const OTLS_ENCRYPTION_LEGACY_PEM: i32 = 3;

/// Algorithm of an AEAD: AES-128-GCM, key of 16 octets.
pub const OTLS_AEAD_AES_128_GCM: i32 = 1;
/// Algorithm of an AEAD: AES-256-GCM, key of 32 octets.
pub const OTLS_AEAD_AES_256_GCM: i32 = 2;
/// Algorithm of an AEAD: ChaCha20-Poly1305, key of 32 octets (RFC 8439).
pub const OTLS_AEAD_CHACHA20_POLY1305: i32 = 3;
/// Algorithm of an AEAD: AES-128-CBC with PKCS#7 padding inside HMAC-SHA-256, key of 32 octets.
pub const OTLS_AEAD_AES_128_CBC_HMAC_SHA256: i32 = 4;
/// Algorithm of an AEAD: AES-256-CBC with PKCS#7 padding inside HMAC-SHA-384, key of 56 octets.
pub const OTLS_AEAD_AES_256_CBC_HMAC_SHA384: i32 = 5;

/// A key for authenticated encryption with associated data. It is zeroised when it is freed.
pub struct otls_aead(Shared<AeadKey>);

/// How a private key is written.
#[repr(C)]
pub struct otls_key_export_options {
    /// One of the `OTLS_FORMAT_` numbers.
    pub format: i32,
    /// One of the `OTLS_ENCODING_` numbers.
    pub encoding: i32,
    /// One of the `OTLS_ENCRYPTION_` numbers.
    pub encryption: i32,
    /// What it is encrypted with, NULL for `OTLS_ENCRYPTION_NONE`.
    pub password: *const u8,
    /// Its length.
    pub password_len: size_t,
}

/// The private key.
///
/// Errors: `OTLS_ERROR_KEY_UNSUPPORTED_FORMAT` for PKCS#1 of an EC key and SEC1 of an RSA key;
/// `OTLS_ERROR_API_MISUSE` for an encryption that the format does not have.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_key_export(
    key: Option<&otls_key>,
    options: Option<&otls_key_export_options>,
    data: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers, with those in `options` too.
    let password = options.map(|given| unsafe { Input::new(given.password, given.password_len) });
    // SAFETY: the caller keeps the rules for pointers.
    let (data, error) = unsafe { (Out::new(data), Out::new(error)) };
    create(data, "data", error, || {
        let key = required(key, "key")?.0.get()?;
        let &otls_key_export_options { format, encoding, encryption, .. } = required(options, "options")?;
        let password = password.ok_or(Failure::Null("options"))?;
        let password = password.optional("password")?;
        let encryption = match (encryption, password) {
            (OTLS_ENCRYPTION_NONE, None) => KeyEncryption::Plain,
            (OTLS_ENCRYPTION_PBKDF2, Some(password)) => KeyEncryption::Pbkdf2(password),
            (OTLS_ENCRYPTION_SCRYPT, Some(password)) => KeyEncryption::Scrypt(password),
            (OTLS_ENCRYPTION_LEGACY_PEM, Some(password)) => KeyEncryption::LegacyPem(password),
            _ => {
                return Err(Error::misuse(
                    "an unknown encryption, or one that does not go with the password",
                    "pass OTLS_ENCRYPTION_NONE without a password, another OTLS_ENCRYPTION_ number with one",
                )
                .into());
            }
        };
        let exported =
            key.export(self::format(format)?, self::encoding(encoding)?, encryption, &SystemRandom)?;
        Ok(otls_blob::new(exported))
    })
}

/// The public key in a format, `OTLS_FORMAT_PKCS8` (SubjectPublicKeyInfo) or, for RSA, `OTLS_FORMAT_PKCS1`,
/// and one of the `OTLS_ENCODING_` encodings.
///
/// Errors: `OTLS_ERROR_KEY_UNSUPPORTED_FORMAT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_public_key_export(
    public_key: Option<&otls_public_key>,
    format: i32,
    encoding: i32,
    data: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (data, error) = unsafe { (Out::new(data), Out::new(error)) };
    create(data, "data", error, || {
        let key = required(public_key, "public_key")?.get()?;
        Ok(otls_blob::copy_of(match (self::format(format)?, self::encoding(encoding)?) {
            (KeyFormat::Pkcs8, Encoding::Pem) => key.to_pem().into_bytes(),
            (KeyFormat::Pkcs8, Encoding::Der) => key.to_der().to_vec(),
            (KeyFormat::Pkcs1, Encoding::Pem) => key.to_pkcs1_pem()?.into_bytes(),
            (KeyFormat::Pkcs1, Encoding::Der) => key.to_pkcs1_der()?,
            (KeyFormat::Sec1, _) => {
                return Err(
                    Error::misuse("SEC1 is a format of private keys", "pass OTLS_FORMAT_PKCS8").into()
                );
            }
        }))
    })
}

/// Encrypts a few octets, such as the key of an AEAD, to the holder of an RSA private key: RSAES-OAEP with
/// SHA-256 (RFC 8017 section 7.1). `label` is often empty.
///
/// Errors: `OTLS_ERROR_WRONG_SCHEME` for a key that is not RSA; `OTLS_ERROR_API_MISUSE` for more octets than
/// the key encrypts; `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_public_key_encrypt(
    public_key: Option<&otls_public_key>,
    label: *const u8,
    label_len: size_t,
    plaintext: *const u8,
    plaintext_len: size_t,
    ciphertext: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (label, plaintext, ciphertext, error) = unsafe {
        (
            Input::new(label, label_len),
            Input::new(plaintext, plaintext_len),
            Out::new(ciphertext),
            Out::new(error),
        )
    };
    create(ciphertext, "ciphertext", error, || {
        let key = required(public_key, "public_key")?.get()?;
        let (label, plaintext) = (label.get("label")?, plaintext.get("plaintext")?);
        Ok(otls_blob::copy_of(key.encrypt(label, plaintext, &SystemRandom)?))
    })
}

/// Decrypts what `otls_public_key_encrypt` made with the same `label`.
///
/// Errors: `OTLS_ERROR_WRONG_SCHEME` for a key that is not RSA; `OTLS_ERROR_DECRYPT_FAILED`, whatever the
/// cause.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_key_decrypt(
    key: Option<&otls_key>,
    label: *const u8,
    label_len: size_t,
    ciphertext: *const u8,
    ciphertext_len: size_t,
    plaintext: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (label, ciphertext, plaintext, error) = unsafe {
        (
            Input::new(label, label_len),
            Input::new(ciphertext, ciphertext_len),
            Out::new(plaintext),
            Out::new(error),
        )
    };
    create(plaintext, "plaintext", error, || {
        let key = required(key, "key")?.0.get()?;
        let (label, ciphertext) = (label.get("label")?, ciphertext.get("ciphertext")?);
        Ok(otls_blob::new(key.decrypt(label, ciphertext, &SystemRandom)?))
    })
}

/// A key for one of the `OTLS_AEAD_` algorithms.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for a key of another length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_aead_new(
    algorithm: i32,
    key: *const u8,
    key_len: size_t,
    aead: *mut *mut otls_aead,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (key, aead, error) = unsafe { (Input::new(key, key_len), Out::new(aead), Out::new(error)) };
    create(aead, "aead", error, || {
        let key = AeadKey::new(self::algorithm(algorithm)?, key.get("key")?)?;
        Ok(otls_aead(Shared::new(key)))
    })
}

/// Frees a key. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_aead_free(aead: Option<Box<otls_aead>>) {
    guard::value((), || drop(aead));
}

/// Seals one message: nonce, ciphertext and tag, with a random nonce. `aad` is authenticated and not part of
/// the result. One key seals at most 2^32 messages like this (NIST SP 800-38D section 8.3).
///
/// Errors: `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_aead_seal(
    aead: Option<&otls_aead>,
    plaintext: *const u8,
    plaintext_len: size_t,
    aad: *const u8,
    aad_len: size_t,
    sealed: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (plaintext, aad, sealed, error) = unsafe {
        (Input::new(plaintext, plaintext_len), Input::new(aad, aad_len), Out::new(sealed), Out::new(error))
    };
    create(sealed, "sealed", error, || {
        let key = required(aead, "aead")?.0.get()?;
        let (plaintext, aad) = (plaintext.get("plaintext")?, aad.get("aad")?);
        Ok(otls_blob::copy_of(key.seal_message(plaintext, aad, &SystemRandom)?))
    })
}

/// Opens what `otls_aead_seal` made.
///
/// Errors: `OTLS_ERROR_DECRYPT_FAILED`, whatever the cause.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_aead_open(
    aead: Option<&otls_aead>,
    sealed: *const u8,
    sealed_len: size_t,
    aad: *const u8,
    aad_len: size_t,
    plaintext: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (sealed, aad, plaintext, error) = unsafe {
        (Input::new(sealed, sealed_len), Input::new(aad, aad_len), Out::new(plaintext), Out::new(error))
    };
    create(plaintext, "plaintext", error, || {
        let key = required(aead, "aead")?.0.get()?;
        Ok(otls_blob::new(key.open_message(sealed.get("sealed")?, aad.get("aad")?)?))
    })
}

fn format(number: i32) -> Result<KeyFormat> {
    Ok(match number {
        OTLS_FORMAT_PKCS8 => KeyFormat::Pkcs8,
        OTLS_FORMAT_PKCS1 => KeyFormat::Pkcs1,
        OTLS_FORMAT_SEC1 => KeyFormat::Sec1,
        _ => return Err(Error::misuse("an unknown format", "pass one of the OTLS_FORMAT_ numbers")),
    })
}

pub(super) fn encoding(number: i32) -> Result<Encoding> {
    Ok(match number {
        OTLS_ENCODING_PEM => Encoding::Pem,
        OTLS_ENCODING_DER => Encoding::Der,
        _ => return Err(Error::misuse("an unknown encoding", "pass one of the OTLS_ENCODING_ numbers")),
    })
}

fn algorithm(number: i32) -> Result<AeadAlgorithm> {
    Ok(match number {
        OTLS_AEAD_AES_128_GCM => AeadAlgorithm::Aes128Gcm,
        OTLS_AEAD_AES_256_GCM => AeadAlgorithm::Aes256Gcm,
        OTLS_AEAD_CHACHA20_POLY1305 => AeadAlgorithm::ChaCha20Poly1305,
        OTLS_AEAD_AES_128_CBC_HMAC_SHA256 => AeadAlgorithm::Aes128CbcHmacSha256,
        OTLS_AEAD_AES_256_CBC_HMAC_SHA384 => AeadAlgorithm::Aes256CbcHmacSha384,
        _ => return Err(Error::misuse("an unknown AEAD", "pass one of the OTLS_AEAD_ numbers")),
    })
}
