//! RSA and ECDSA of AWS-LC. The salt of RSASSA-PSS and the nonce of ECDSA, which the key and the message are
//! hashed into, come from AWS-LC's random source.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, ParsedPublicKey, RsaEncoding,
    RsaParameters, RsaPssSaltLength, RsaSignatureEncoding, VerificationAlgorithm as _,
};
use pkcs8::EncodePrivateKey;

use crate::crypto::Random;
use crate::crypto::primitive::sign::{
    EcdsaSigner, EcdsaVerifier, PrivateParts, PublicParts, RsaScheme, RsaSigner, RsaVerifier, SignatureHash,
    Signer, Verifier,
};
use crate::error::{Error, Result};

pub(in crate::crypto) fn signer(parts: &PrivateParts) -> Option<Signer> {
    Some(match parts {
        PrivateParts::Rsa(key) => {
            let key = RsaKeyPair::from_pkcs8(key.to_pkcs8_der().ok()?.as_bytes()).ok()?;
            // On trial, which AWS-LC checks before it gives it out: primes that are not prime show only there.
            RsaSigner::sign(
                &key,
                RsaScheme::Pkcs1(SignatureHash::Sha256),
                b"trial",
                &crate::crypto::SystemRandom,
            )
            .ok()?;
            Signer::Rsa(Box::new(key))
        }
        PrivateParts::P256(key) => {
            Signer::Ecdsa(ecdsa_signer(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, key)?)
        }
        PrivateParts::P384(key) => {
            Signer::Ecdsa(ecdsa_signer(&signature::ECDSA_P384_SHA384_ASN1_SIGNING, key)?)
        }
        PrivateParts::Ed25519(_) => return None,
    })
}

impl RsaSigner for RsaKeyPair {
    fn sign(&self, scheme: RsaScheme, message: &[u8], _: &dyn Random) -> Result<Vec<u8>> {
        let encoding: &'static RsaSignatureEncoding = match scheme {
            RsaScheme::Pss { hash, salt_len } if salt_len == hash.output_len() => match hash {
                SignatureHash::Sha256 => &signature::RSA_PSS_SHA256,
                SignatureHash::Sha384 => &signature::RSA_PSS_SHA384,
                SignatureHash::Sha512 => &signature::RSA_PSS_SHA512,
            },
            RsaScheme::Pss { .. } => {
                return Err(Error::Internal("a signature with a salt of another length"));
            }
            RsaScheme::Pkcs1(SignatureHash::Sha256) => &signature::RSA_PKCS1_SHA256,
            RsaScheme::Pkcs1(SignatureHash::Sha384) => &signature::RSA_PKCS1_SHA384,
            RsaScheme::Pkcs1(SignatureHash::Sha512) => &signature::RSA_PKCS1_SHA512,
        };
        let encoding: &'static dyn RsaEncoding = encoding;
        let mut signature = vec![0; self.public_modulus_len()];
        let made = RsaKeyPair::sign(self, encoding, &SystemRandom::new(), message, &mut signature);
        made.map(|()| signature).map_err(|_| Error::Internal("RSA signature"))
    }
}

fn ecdsa_signer(
    algorithm: &'static EcdsaSigningAlgorithm,
    key: &impl EncodePrivateKey,
) -> Option<Box<dyn EcdsaSigner>> {
    let key = EcdsaKeyPair::from_pkcs8(algorithm, key.to_pkcs8_der().ok()?.as_bytes()).ok()?;
    Some(Box::new(key))
}

impl EcdsaSigner for EcdsaKeyPair {
    fn sign(&self, message: &[u8], _: &dyn Random) -> Result<Vec<u8>> {
        let made = EcdsaKeyPair::sign(self, &SystemRandom::new(), message);
        made.map(|signature| signature.as_ref().to_vec()).map_err(|_| Error::Internal("ECDSA signature"))
    }
}

pub(in crate::crypto) fn verifier(parts: &PublicParts<'_>) -> Option<Verifier> {
    Some(match parts {
        PublicParts::Rsa { pkcs1, .. } => {
            let pkcs1: Box<[u8]> = (*pkcs1).into();
            // What it does not load, the portable engine looks at.
            ParsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, &pkcs1).ok()?;
            Verifier::Rsa(Arc::new(RsaPublicKey(pkcs1)))
        }
        PublicParts::P256(point) => Verifier::Ecdsa(Arc::new(EcdsaPublicKey::new(&P256, point)?)),
        PublicParts::P384(point) => Verifier::Ecdsa(Arc::new(EcdsaPublicKey::new(&P384, point)?)),
        PublicParts::P521(point) => Verifier::Ecdsa(Arc::new(EcdsaPublicKey::new(&P521, point)?)),
        PublicParts::Ed25519(_) => return None,
    })
}

/// RSAPublicKey (RFC 8017 appendix A.1.1), which loads: preparing it takes a fraction of one verification, and
/// is done for one scheme.
struct RsaPublicKey(Box<[u8]>);

impl RsaVerifier for RsaPublicKey {
    fn verify(&self, scheme: RsaScheme, message: &[u8], signature: &[u8]) -> bool {
        let parameters: RsaParameters = match scheme {
            RsaScheme::Pss { hash, salt_len } => {
                let Ok(salt_len) = u16::try_from(salt_len) else { return false };
                match hash {
                    SignatureHash::Sha256 => signature::RSA_PSS_2048_8192_SHA256,
                    SignatureHash::Sha384 => signature::RSA_PSS_2048_8192_SHA384,
                    SignatureHash::Sha512 => signature::RSA_PSS_2048_8192_SHA512,
                }
                .with_pss_salt_length(RsaPssSaltLength::Custom(salt_len))
            }
            RsaScheme::Pkcs1(SignatureHash::Sha256) => signature::RSA_PKCS1_2048_8192_SHA256,
            RsaScheme::Pkcs1(SignatureHash::Sha384) => signature::RSA_PKCS1_2048_8192_SHA384,
            RsaScheme::Pkcs1(SignatureHash::Sha512) => signature::RSA_PKCS1_2048_8192_SHA512,
        };
        parameters.verify_sig(&self.0, message, signature).is_ok()
    }
}

/// A curve, with the algorithms for each hash.
struct EcdsaCurve {
    coordinate_len: usize,
    sha256: EcdsaVerificationAlgorithm,
    sha384: EcdsaVerificationAlgorithm,
    sha512: EcdsaVerificationAlgorithm,
    /// The hash that the curve usually goes with.
    usual: SignatureHash,
}

impl EcdsaCurve {
    const fn algorithm(&'static self, hash: SignatureHash) -> &'static EcdsaVerificationAlgorithm {
        match hash {
            SignatureHash::Sha256 => &self.sha256,
            SignatureHash::Sha384 => &self.sha384,
            SignatureHash::Sha512 => &self.sha512,
        }
    }
}

static P256: EcdsaCurve = EcdsaCurve {
    coordinate_len: 32,
    sha256: signature::ECDSA_P256_SHA256_ASN1,
    sha384: signature::ECDSA_P256_SHA384_ASN1,
    sha512: signature::ECDSA_P256_SHA512_ASN1,
    usual: SignatureHash::Sha256,
};
static P384: EcdsaCurve = EcdsaCurve {
    coordinate_len: 48,
    sha256: signature::ECDSA_P384_SHA256_ASN1,
    sha384: signature::ECDSA_P384_SHA384_ASN1,
    sha512: signature::ECDSA_P384_SHA512_ASN1,
    usual: SignatureHash::Sha384,
};
static P521: EcdsaCurve = EcdsaCurve {
    coordinate_len: 66,
    sha256: signature::ECDSA_P521_SHA256_ASN1,
    sha384: signature::ECDSA_P521_SHA384_ASN1,
    sha512: signature::ECDSA_P521_SHA512_ASN1,
    usual: SignatureHash::Sha512,
};

/// A point, prepared for the hash that the curve usually goes with.
struct EcdsaPublicKey {
    curve: &'static EcdsaCurve,
    key: ParsedPublicKey,
}

impl EcdsaPublicKey {
    /// From a point (RFC 5480 §2.2). AWS-LC reads other things than points, too.
    fn new(curve: &'static EcdsaCurve, point: &[u8]) -> Option<Self> {
        let len = match point.first()? {
            2 | 3 => curve.coordinate_len,
            4 => 2 * curve.coordinate_len,
            _ => return None,
        };
        if point.len() != 1 + len {
            return None;
        }
        let key = ParsedPublicKey::new(curve.algorithm(curve.usual), point).ok()?;
        Some(Self { curve, key })
    }
}

impl EcdsaVerifier for EcdsaPublicKey {
    fn verify(&self, hash: SignatureHash, message: &[u8], signature: &[u8]) -> bool {
        if hash == self.curve.usual {
            self.key.verify_sig(message, signature)
        } else {
            self.curve.algorithm(hash).verify_sig(self.key.as_ref(), message, signature)
        }
        .is_ok()
    }
}
