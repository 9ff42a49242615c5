//! Signatures.

use std::sync::Arc;

use rsa::RsaPrivateKey;
use sha2::Digest as _;

use crate::crypto::Random;
use crate::error::Result;

/// A private key, checked.
pub(in crate::crypto) enum PrivateParts {
    Rsa(Box<RsaPrivateKey>),
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    Ed25519(ed25519_dalek::SigningKey),
}

/// A public key. RSA is checked; whether a point is on its curve, the engine says.
pub(in crate::crypto) enum PublicParts<'a> {
    /// The modulus's bits, the multiplications of its size that a verification takes, and the DER of
    /// RSAPublicKey (RFC 8017 appendix A.1.1).
    Rsa {
        bits: usize,
        multiplications: u32,
        pkcs1: &'a [u8],
    },
    P256(&'a [u8]),
    P384(&'a [u8]),
    P521(&'a [u8]),
    Ed25519(&'a [u8; 32]),
}

pub(in crate::crypto) enum Signer {
    Rsa(Box<dyn RsaSigner>),
    Ecdsa(Box<dyn EcdsaSigner>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

#[derive(Clone)]
pub(in crate::crypto) enum Verifier {
    Rsa(Arc<dyn RsaVerifier>),
    Ecdsa(Arc<dyn EcdsaVerifier>),
    Ed25519(ed25519_dalek::VerifyingKey),
}

/// The hash of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureHash {
    Sha256,
    Sha384,
    Sha512,
}

impl SignatureHash {
    pub(crate) const fn output_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The hash of `message`, which is public.
    pub(crate) fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => sha2::Sha256::digest(message).to_vec(),
            Self::Sha384 => sha2::Sha384::digest(message).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(message).to_vec(),
        }
    }
}

/// An RSA scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RsaScheme {
    /// RSASSA-PKCS1-v1_5.
    Pkcs1(SignatureHash),
    /// RSASSA-PSS; MGF1 uses the same hash.
    Pss { hash: SignatureHash, salt_len: usize },
}

impl RsaScheme {
    /// RSASSA-PSS as TLS 1.3 has it: the salt is as long as the hash (RFC 8446 §4.2.3).
    pub(crate) const fn pss(hash: SignatureHash) -> Self {
        Self::Pss { hash, salt_len: hash.output_len() }
    }
}

pub(in crate::crypto) trait RsaSigner: Send + Sync {
    fn sign(&self, scheme: RsaScheme, message: &[u8], random: &dyn Random) -> Result<Vec<u8>>;
}

/// Signs with the hash of the curve.
pub(in crate::crypto) trait EcdsaSigner: Send + Sync {
    fn sign(&self, message: &[u8], random: &dyn Random) -> Result<Vec<u8>>;
}

pub(in crate::crypto) trait RsaVerifier: Send + Sync {
    fn verify(&self, scheme: RsaScheme, message: &[u8], signature: &[u8]) -> bool;
}

pub(in crate::crypto) trait EcdsaVerifier: Send + Sync {
    fn verify(&self, hash: SignatureHash, message: &[u8], signature: &[u8]) -> bool;
}
