//! RSA and ECDSA of graviola. The salt of RSASSA-PSS and the hedge of ECDSA (RFC 6979 §3.6) come from
//! the system's random source.

use std::borrow::Cow;
use std::sync::Arc;

use graviola::hashing::{Sha256, Sha384, Sha512};
use graviola::key_agreement::{p256 as fast_p256, p384 as fast_p384};
use graviola::signing::ecdsa::{self, P256, P384};
use graviola::signing::rsa::{SigningKey as RsaSigningKey, VerifyingKey as RsaVerifyingKey};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use zeroize::Zeroizing;

use crate::crypto::Random;
use crate::crypto::portable;
use crate::crypto::primitive::sign::{
    EcdsaSigner, EcdsaVerifier, PrivateParts, PublicParts, RsaScheme, RsaSigner, RsaVerifier, SignatureHash,
    Signer, Verifier,
};
use crate::error::{Error, Result};

pub(in crate::crypto) fn signer(parts: &PrivateParts) -> Option<Signer> {
    Some(match parts {
        PrivateParts::Rsa(key) => Signer::Rsa(Box::new(rsa_signer(key)?)),
        PrivateParts::P256(key) => {
            let scalar = Zeroizing::new(key.to_bytes());
            let private_key = fast_p256::StaticPrivateKey::from_bytes(&scalar).ok()?;
            Signer::Ecdsa(Box::new(ecdsa::SigningKey::<P256> { private_key }))
        }
        PrivateParts::P384(key) => {
            let scalar = Zeroizing::new(key.to_bytes());
            let private_key = fast_p384::StaticPrivateKey::from_bytes(&scalar).ok()?;
            Signer::Ecdsa(Box::new(ecdsa::SigningKey::<P384> { private_key }))
        }
        PrivateParts::Ed25519(_) => return None,
    })
}

/// Makes a signature on trial, which graviola checks before it gives it out: primes that are not
/// prime show only there.
fn rsa_signer(key: &RsaPrivateKey) -> Option<RsaSigningKey> {
    if !SIZES.contains(&portable::sign::rsa_bits(key).ok()?) {
        return None;
    }
    let key = larger_prime_first(key)?;
    let fast = RsaSigningKey::from_pkcs1_der(key.to_pkcs1_der().ok()?.as_bytes()).ok()?;
    let mut signature = vec![0; fast.modulus_len_bytes()];
    fast.sign_pkcs1_sha256(&mut signature, b"trial").ok()?;
    Some(fast)
}

/// RFC 8017 §5.2.1 reduces m_1 - m_2 mod p with one addition of p, which is enough only where p is
/// the larger prime; graviola 0.4 relies on that, and with p < q refuses some messages. RFC 8017
/// §3.2 lets a key have either order.
fn larger_prime_first(key: &RsaPrivateKey) -> Option<RsaPrivateKey> {
    let [p, q] = key.primes() else { return None };
    if p > q {
        return Some(key.clone());
    }
    let primes = vec![q.as_ref().clone(), p.as_ref().clone()];
    RsaPrivateKey::from_components(key.n().as_ref().clone(), key.e().clone(), key.d().clone(), primes).ok()
}

/// The sizes, in bits, that graviola's authors test; it takes a modulus to have a whole number of
/// words, with its topmost bit set.
pub(in crate::crypto) const SIZES: [usize; 5] = [2048, 3072, 4096, 6144, 8192];

impl RsaSigner for RsaSigningKey {
    fn sign(&self, scheme: RsaScheme, message: &[u8], _: &dyn Random) -> Result<Vec<u8>> {
        let mut signature = vec![0; self.modulus_len_bytes()];
        let len = match scheme {
            RsaScheme::Pss { hash, salt_len } if salt_len == hash.output_len() => match hash {
                SignatureHash::Sha256 => self.sign_pss_sha256(&mut signature, message),
                SignatureHash::Sha384 => self.sign_pss_sha384(&mut signature, message),
                SignatureHash::Sha512 => self.sign_pss_sha512(&mut signature, message),
            },
            RsaScheme::Pss { .. } => {
                return Err(Error::Internal("a signature with a salt of another length"));
            }
            RsaScheme::Pkcs1(SignatureHash::Sha256) => self.sign_pkcs1_sha256(&mut signature, message),
            RsaScheme::Pkcs1(SignatureHash::Sha384) => self.sign_pkcs1_sha384(&mut signature, message),
            RsaScheme::Pkcs1(SignatureHash::Sha512) => self.sign_pkcs1_sha512(&mut signature, message),
        }
        .map_err(failed)?
        .len();
        signature.truncate(len);
        Ok(signature)
    }
}

macro_rules! ecdsa_signer {
    ($curve:ident, $hash:ident) => {
        impl EcdsaSigner for ecdsa::SigningKey<$curve> {
            fn sign(&self, message: &[u8], _: &dyn Random) -> Result<Vec<u8>> {
                let mut signature = vec![0; MAX_ECDSA_LEN];
                let len = self.sign_asn1::<$hash>(&[message], &mut signature).map_err(failed)?.len();
                signature.truncate(len);
                Ok(signature)
            }
        }
    };
}

ecdsa_signer!(P256, Sha256);
ecdsa_signer!(P384, Sha384);

/// A SEQUENCE of two INTEGERs of 48 octets with a leading zero each.
const MAX_ECDSA_LEN: usize = 2 + 2 * (2 + 49);

fn failed(error: graviola::Error) -> Error {
    if error == graviola::Error::RngFailed { Error::Random } else { Error::Internal("signature") }
}

pub(in crate::crypto) fn verifier(parts: &PublicParts<'_>) -> Option<Verifier> {
    Some(match parts {
        PublicParts::Rsa { bits, pkcs1, .. } if SIZES.contains(bits) => {
            let fast = RsaVerifyingKey::from_pkcs1_der(pkcs1).ok()?;
            Verifier::Rsa(Arc::new(FastRsaVerifier { fast, pkcs1: (*pkcs1).into() }))
        }
        PublicParts::Rsa { .. } | PublicParts::P521(_) | PublicParts::Ed25519(_) => return None,
        PublicParts::P256(point) => {
            let point = uncompressed(point, |point| {
                Some(p256::PublicKey::from_sec1_bytes(point).ok()?.to_sec1_bytes())
            })?;
            Verifier::Ecdsa(Arc::new(ecdsa::VerifyingKey::<P256>::from_x962_uncompressed(&point).ok()?))
        }
        PublicParts::P384(point) => {
            let point = uncompressed(point, |point| {
                Some(p384::PublicKey::from_sec1_bytes(point).ok()?.to_sec1_bytes())
            })?;
            Verifier::Ecdsa(Arc::new(ecdsa::VerifyingKey::<P384>::from_x962_uncompressed(&point).ok()?))
        }
    })
}

/// graviola reads uncompressed points alone. Left to the portable engine, a point that somebody compresses on
/// purpose would make each verification ten times as long.
fn uncompressed<'a>(
    point: &'a [u8],
    decompress: impl FnOnce(&[u8]) -> Option<Box<[u8]>>,
) -> Option<Cow<'a, [u8]>> {
    match point.first() {
        Some(4) => Some(Cow::Borrowed(point)),
        _ => decompress(point).map(|point| Cow::Owned(point.into_vec())),
    }
}

/// graviola takes a salt that is as long as the hash; for another the key is kept as it came.
struct FastRsaVerifier {
    fast: RsaVerifyingKey,
    pkcs1: Box<[u8]>,
}

impl RsaVerifier for FastRsaVerifier {
    fn verify(&self, scheme: RsaScheme, message: &[u8], signature: &[u8]) -> bool {
        match scheme {
            RsaScheme::Pss { hash, salt_len } if salt_len == hash.output_len() => match hash {
                SignatureHash::Sha256 => self.fast.verify_pss_sha256(signature, message),
                SignatureHash::Sha384 => self.fast.verify_pss_sha384(signature, message),
                SignatureHash::Sha512 => self.fast.verify_pss_sha512(signature, message),
            },
            RsaScheme::Pss { .. } => {
                return portable::sign::rsa_public_key(&self.pkcs1)
                    .is_ok_and(|key| RsaVerifier::verify(&key, scheme, message, signature));
            }
            RsaScheme::Pkcs1(SignatureHash::Sha256) => self.fast.verify_pkcs1_sha256(signature, message),
            RsaScheme::Pkcs1(SignatureHash::Sha384) => self.fast.verify_pkcs1_sha384(signature, message),
            RsaScheme::Pkcs1(SignatureHash::Sha512) => self.fast.verify_pkcs1_sha512(signature, message),
        }
        .is_ok()
    }
}

macro_rules! ecdsa_verifier {
    ($curve:ident, $portable:ident) => {
        impl EcdsaVerifier for ecdsa::VerifyingKey<$curve> {
            fn verify(&self, hash: SignatureHash, message: &[u8], signature: &[u8]) -> bool {
                // The DER is taken apart by the portable engine's parser, so that both engines are
                // strict in the same way.
                $portable::ecdsa::Signature::from_der(signature).is_ok_and(|signature| {
                    let fixed = signature.to_bytes();
                    match hash {
                        SignatureHash::Sha256 => self.verify::<Sha256>(&[message], &fixed),
                        SignatureHash::Sha384 => self.verify::<Sha384>(&[message], &fixed),
                        SignatureHash::Sha512 => self.verify::<Sha512>(&[message], &fixed),
                    }
                    .is_ok()
                })
            }
        }
    };
}

ecdsa_verifier!(P256, p256);
ecdsa_verifier!(P384, p384);
