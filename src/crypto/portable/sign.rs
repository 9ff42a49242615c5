//! RSA and ECDSA of RustCrypto, Ed25519 of dalek.

use std::sync::Arc;

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;
use rsa::pkcs1::{DecodeRsaPublicKey, EncodeRsaPrivateKey};
use rsa::traits::{PublicKeyParts, SignatureScheme};
use rsa::{Pkcs1v15Sign, Pss, RsaPrivateKey, RsaPublicKey};
use sha2::{Digest, Sha256, Sha384, Sha512};
use signature::hazmat::{PrehashVerifier, RandomizedPrehashSigner};
use zeroize::Zeroizing;

use crate::crypto::Random;
use crate::crypto::hash::{HashAlgorithm, digest};
use crate::crypto::primitive::sign::{
    EcdsaSigner, EcdsaVerifier, RsaScheme, RsaSigner, RsaVerifier, SignatureHash,
};
use crate::crypto::rng::{draw, stream};
use crate::error::{Error, KeyError, Result};

pub(in crate::crypto) fn generate_rsa(bits: usize, random: &dyn Random) -> Result<RsaPrivateKey> {
    RsaPrivateKey::new(&mut stream(random)?, bits).map_err(|_| Error::Internal("RSA key generation"))
}

pub(in crate::crypto) fn generate_p256(random: &dyn Random) -> Result<p256::SecretKey> {
    draw::<32, _>(random, |octets| p256::SecretKey::from_slice(octets).ok())
}

pub(in crate::crypto) fn generate_p384(random: &dyn Random) -> Result<p384::SecretKey> {
    draw::<48, _>(random, |octets| p384::SecretKey::from_slice(octets).ok())
}

pub(in crate::crypto) fn generate_ed25519(random: &dyn Random) -> Result<ed25519_dalek::SigningKey> {
    draw::<32, _>(random, |seed| Some(ed25519_dalek::SigningKey::from_bytes(seed)))
}

pub(in crate::crypto) fn rsa_bits(key: &RsaPrivateKey) -> Result<usize> {
    usize::try_from(key.n().bits()).map_err(|_| Error::Internal("RSA modulus length"))
}

/// Makes a signature on trial: primes that are not prime show only there.
pub(in crate::crypto) fn rsa_signer(key: RsaPrivateKey) -> Result<Box<dyn RsaSigner>> {
    let invalid = KeyError::Invalid("it does not make valid signatures");
    // Blinding needs something that nobody else knows; here the key itself, hashed.
    let own = key.to_pkcs1_der().map_err(|_| invalid.clone())?;
    let seed = Zeroizing::new(Sha256::digest(own.as_bytes()).into());
    let mut blinding = ChaCha20Rng::from_seed(*seed);
    key.sign_with_rng(&mut blinding, Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(b"trial"))
        .map_err(|_| invalid)?;
    Ok(Box::new(key))
}

/// `$body` with the type `$D` of the hash.
macro_rules! with_hash {
    ($hash:expr, $D:ident => $body:expr) => {
        match $hash {
            SignatureHash::Sha256 => {
                type $D = Sha256;
                $body
            }
            SignatureHash::Sha384 => {
                type $D = Sha384;
                $body
            }
            SignatureHash::Sha512 => {
                type $D = Sha512;
                $body
            }
        }
    };
}

impl RsaSigner for RsaPrivateKey {
    fn sign(&self, scheme: RsaScheme, message: &[u8], random: &dyn Random) -> Result<Vec<u8>> {
        // For salt and blinding: RUSTSEC-2023-0071 is about timing, and blinding hides the base.
        let mut rng = stream(random)?;
        match scheme {
            RsaScheme::Pss { hash, salt_len } => with_hash!(hash, D => {
                self.sign_with_rng(&mut rng, Pss::<D>::new_blinded_with_salt(salt_len), &D::digest(message))
            }),
            RsaScheme::Pkcs1(hash) => with_hash!(hash, D => {
                self.sign_with_rng(&mut rng, Pkcs1v15Sign::new::<D>(), &D::digest(message))
            }),
        }
        .map_err(|_| Error::Internal("RSA signature"))
    }
}

pub(in crate::crypto) fn rsa_verifier(pkcs1: &[u8]) -> Result<Arc<dyn RsaVerifier>> {
    Ok(Arc::new(rsa_public_key(pkcs1)?))
}

pub(in crate::crypto) fn rsa_public_key(pkcs1: &[u8]) -> Result<RsaPublicKey> {
    RsaPublicKey::from_pkcs1_der(pkcs1)
        .map_err(|_| KeyError::Invalid("its modulus and exponent do not fit together").into())
}

impl RsaVerifier for RsaPublicKey {
    fn verify(&self, scheme: RsaScheme, message: &[u8], signature: &[u8]) -> bool {
        match scheme {
            RsaScheme::Pss { hash, salt_len } => with_hash!(hash, D => {
                Pss::<D>::new_with_salt(salt_len).verify(self, &D::digest(message), signature)
            }),
            RsaScheme::Pkcs1(hash) => with_hash!(hash, D => {
                Pkcs1v15Sign::new::<D>().verify(self, &D::digest(message), signature)
            }),
        }
        .is_ok()
    }
}

macro_rules! ecdsa_signer {
    ($curve:ident, $hash:expr, $signer:ident) => {
        pub(in crate::crypto) fn $signer(key: $curve::SecretKey) -> Box<dyn EcdsaSigner> {
            Box::new($curve::ecdsa::SigningKey::from(key))
        }

        impl EcdsaSigner for $curve::ecdsa::SigningKey {
            fn sign(&self, message: &[u8], random: &dyn Random) -> Result<Vec<u8>> {
                // RFC 6979 §3.6: random octets are added to the deterministic nonce.
                let signature: $curve::ecdsa::Signature = self
                    .sign_prehash_with_rng(&mut stream(random)?, digest($hash, message).as_ref())
                    .map_err(|_| Error::Internal("ECDSA signature"))?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
        }
    };
}

macro_rules! ecdsa_verifier {
    ($curve:ident, $verifier:ident) => {
        pub(in crate::crypto) fn $verifier(point: &[u8]) -> Result<Arc<dyn EcdsaVerifier>> {
            let key = $curve::ecdsa::VerifyingKey::from_sec1_bytes(point)
                .map_err(|_| KeyError::Invalid("its point is not on the curve"))?;
            Ok(Arc::new(key))
        }

        impl EcdsaVerifier for $curve::ecdsa::VerifyingKey {
            fn verify(&self, hash: SignatureHash, message: &[u8], signature: &[u8]) -> bool {
                $curve::ecdsa::Signature::from_der(signature)
                    .is_ok_and(|signature| self.verify_prehash(&hash.digest(message), &signature).is_ok())
            }
        }
    };
}

ecdsa_signer!(p256, HashAlgorithm::Sha256, p256_signer);
ecdsa_signer!(p384, HashAlgorithm::Sha384, p384_signer);
ecdsa_verifier!(p256, p256_verifier);
ecdsa_verifier!(p384, p384_verifier);
ecdsa_verifier!(p521, p521_verifier);
