//! RSAES-OAEP with SHA-256 and MGF1-SHA-256 (RFC 8017 §7.1). The `rsa` crate encrypts on either engine.

use rsa::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
use rsa::{Oaep, RsaPrivateKey, RsaPublicKey};
use sha2::Sha256;

use super::rng::stream;
use super::sign::{SigningKey, VerifyingKey};
use super::{Engine, Random, fast};
use crate::error::{Error, KeyError, Result};
use crate::secret::Secret;

/// Octets that a key of so many bits encrypts at most: two hashes and two octets less than its modulus
/// (RFC 8017 §7.1.1).
pub const fn max_plaintext_len(bits: usize) -> usize {
    bits.div_ceil(8).saturating_sub(2 * 32 + 2)
}

/// Encrypts `plaintext` to the holder of the private key. `label`, often empty, has to be the same when it
/// is decrypted.
///
/// # Errors
/// [`KeyError::WrongScheme`] for a key that is not RSA; [`Error::ApiMisuse`] for a plaintext beyond
/// [`max_plaintext_len`]; [`Error::Random`].
pub(crate) fn encrypt(
    key: &VerifyingKey,
    spki: &[u8],
    label: &[u8],
    plaintext: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>> {
    let bits = key.algorithm().rsa_bits().ok_or(NOT_RSA)?;
    if plaintext.len() > max_plaintext_len(bits) {
        return Err(Error::misuse(
            "more than the RSA key can encrypt",
            "encrypt an AEAD key with RSA-OAEP, and the data with that",
        ));
    }
    let key = RsaPublicKey::from_public_key_der(spki).map_err(|_| NOT_LOADED)?;
    let padding = Oaep::<Sha256>::new_with_label(label);
    key.encrypt(&mut stream(random)?, padding, plaintext).map_err(|_| Error::Internal("RSA-OAEP"))
}

/// Decrypts what was encrypted to the key with the same `label`. The exponentiation is blinded and the
/// padding is checked without branches on what is secret.
///
/// # Errors
/// [`KeyError::WrongScheme`] for a key that is not RSA; [`Error::Random`]; [`Error::DecryptFailed`] for
/// everything else, whatever the cause (RFC 8017 §7.1.2).
pub(crate) fn decrypt(
    key: &SigningKey,
    label: &[u8],
    ciphertext: &[u8],
    random: &dyn Random,
) -> Result<Secret> {
    decrypt_on(Engine::detect(), key, label, ciphertext, random)
}

pub(super) fn decrypt_on(
    engine: Engine,
    key: &SigningKey,
    label: &[u8],
    ciphertext: &[u8],
    random: &dyn Random,
) -> Result<Secret> {
    key.algorithm().rsa_bits().ok_or(NOT_RSA)?;
    let pkcs8 = key.to_pkcs8_der()?;
    let fast = match engine {
        Engine::Fast => fast::oaep::decrypt(pkcs8.expose(), label, ciphertext),
        Engine::Portable => None,
    };
    if let Some(decrypted) = fast {
        return decrypted;
    }
    let key = RsaPrivateKey::from_pkcs8_der(pkcs8.expose()).map_err(|_| NOT_LOADED)?;
    let padding = Oaep::<Sha256>::new_with_label(label);
    let decrypted = key.decrypt_blinded(&mut stream(random)?, padding, ciphertext);
    decrypted.map(Secret::from).map_err(|_| Error::DecryptFailed)
}

const NOT_RSA: KeyError = KeyError::WrongScheme("RSA-OAEP takes an RSA key");
const NOT_LOADED: Error = Error::Internal("an RSA key that was checked does not load");
