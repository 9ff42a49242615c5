//! Signatures.

use std::sync::Arc;

use rsa::RsaPrivateKey;

use crate::crypto::Random;
use crate::crypto::hash::HashAlgorithm;
use crate::error::Result;

/// A private key, checked.
pub(in crate::crypto) enum PrivateParts {
    Rsa(Box<RsaPrivateKey>),
    P256(p256::SecretKey),
    P384(p384::SecretKey),
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
}

pub(in crate::crypto) enum Signer {
    Rsa(Box<dyn RsaSigner>),
    Ecdsa(Box<dyn EcdsaSigner>),
}

#[derive(Clone)]
pub(in crate::crypto) enum Verifier {
    Rsa(Arc<dyn RsaVerifier>),
    Ecdsa(Arc<dyn EcdsaVerifier>),
}

/// An RSA scheme. RFC 8446 §4.2.3: the salt of RSASSA-PSS is as long as the hash, and MGF1 uses the
/// same hash.
#[derive(Clone, Copy)]
pub(in crate::crypto) enum RsaScheme {
    PssSha256,
    PssSha384,
    Pkcs1Sha256,
    Pkcs1Sha384,
    Pkcs1Sha512,
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
    fn verify(&self, hash: HashAlgorithm, message: &[u8], signature: &[u8]) -> bool;
}
