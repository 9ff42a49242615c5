//! Ephemeral-static ECDH on P-256 and P-384 (SEC 1 §3.3.1) with the key of a certificate. The static side
//! is computed by the portable engine, whose scalars wipe themselves.

use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};

use super::Random;
use super::kx;
use super::primitive::kx::{Ecdh as _, MAX_COORDINATE_LEN};
use super::sign::{KeyAlgorithm, SigningKey, VerifyingKey};
use crate::codepoints::NamedGroup;
use crate::error::{Error, KeyError, Result};
use crate::secret::Secret;

/// The point of a key made for this one exchange, uncompressed, and the secret shared with the holder of
/// the private key to `key`, whose SubjectPublicKeyInfo is `spki`.
///
/// # Errors
/// [`KeyError::WrongScheme`] for a key of another kind; [`Error::Random`].
pub(crate) fn to_holder(key: &VerifyingKey, spki: &[u8], random: &dyn Random) -> Result<(Vec<u8>, Secret)> {
    match key.algorithm() {
        KeyAlgorithm::EcdsaP256 => {
            let key = p256::PublicKey::from_public_key_der(spki).map_err(|_| NOT_LOADED)?;
            kx::respond(NamedGroup::SECP256R1, key.to_sec1_point(false).as_bytes(), random)
        }
        KeyAlgorithm::EcdsaP384 => {
            let key = p384::PublicKey::from_public_key_der(spki).map_err(|_| NOT_LOADED)?;
            kx::respond(NamedGroup::SECP384R1, key.to_sec1_point(false).as_bytes(), random)
        }
        KeyAlgorithm::Rsa(_) | KeyAlgorithm::EcdsaP521 | KeyAlgorithm::Ed25519 => Err(NOT_EC.into()),
    }
}

/// The secret shared with whoever made `point`, uncompressed.
///
/// # Errors
/// [`KeyError::WrongScheme`] for a key of another kind; [`Error::DecryptFailed`] for what is no point of its curve.
pub(crate) fn with_point(key: &SigningKey, point: &[u8]) -> Result<Secret> {
    let pkcs8 = key.to_pkcs8_der()?;
    // Allocated once, so that growing leaves no copy behind.
    let mut secret = zeroize::Zeroizing::new(Vec::with_capacity(MAX_COORDINATE_LEN));
    let agreed = match key.algorithm() {
        KeyAlgorithm::EcdsaP256 if is_uncompressed(point, 65) => {
            let key = p256::SecretKey::from_pkcs8_der(pkcs8.expose()).map_err(|_| NOT_LOADED)?;
            key.agree(point, &mut secret)
        }
        KeyAlgorithm::EcdsaP384 if is_uncompressed(point, 97) => {
            let key = p384::SecretKey::from_pkcs8_der(pkcs8.expose()).map_err(|_| NOT_LOADED)?;
            key.agree(point, &mut secret)
        }
        KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384 => return Err(Error::DecryptFailed),
        KeyAlgorithm::Rsa(_) | KeyAlgorithm::EcdsaP521 | KeyAlgorithm::Ed25519 => return Err(NOT_EC.into()),
    };
    agreed.map_err(|_| Error::DecryptFailed)?;
    Ok(secret.into())
}

/// RFC 5480 §2.2: 4 before the two coordinates.
fn is_uncompressed(point: &[u8], len: usize) -> bool {
    point.len() == len && point.first() == Some(&4)
}

const NOT_EC: KeyError = KeyError::WrongScheme("ECDH takes a P-256 or P-384 key");
const NOT_LOADED: Error = Error::Internal("an EC key that was checked does not load");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;

    #[test]
    fn both_sides_share_a_secret_and_nobody_else() {
        for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384] {
            let key = SigningKey::generate(algorithm, &SystemRandom).unwrap();
            let other = SigningKey::generate(algorithm, &SystemRandom).unwrap();
            let public = VerifyingKey::from_spki_der(key.public_key_der()).unwrap();
            let (point, secret) = to_holder(&public, key.public_key_der(), &SystemRandom).unwrap();
            assert!(with_point(&key, &point).unwrap().ct_eq(secret.expose()));
            assert!(!with_point(&other, &point).unwrap().ct_eq(secret.expose()));
            for bit in 0..point.len() * 8 {
                let mut changed = point.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(with_point(&key, &changed).err(), Some(Error::DecryptFailed), "{bit}");
            }
            assert_eq!(with_point(&key, &point[1..]).err(), Some(Error::DecryptFailed));
        }
    }

    #[test]
    fn an_rsa_key_is_refused() {
        let key = SigningKey::generate(KeyAlgorithm::Rsa(2048), &SystemRandom).unwrap();
        let public = VerifyingKey::from_spki_der(key.public_key_der()).unwrap();
        assert_eq!(with_point(&key, &[4; 65]).err(), Some(NOT_EC.into()));
        assert_eq!(to_holder(&public, key.public_key_der(), &SystemRandom).err(), Some(NOT_EC.into()));
    }
}
