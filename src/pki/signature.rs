//! The signature algorithms of certificates, requests and revocation lists (RFC 5280 §4.1.1.2),
//! over the signatures of [`crate::crypto`].

use der::asn1::{AnyRef, BitString, BitStringRef, ObjectIdentifier};
use der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag};
use rustls_pki_types::{AlgorithmIdentifier, alg_id};
use signature::Keypair;
use spki::{AlgorithmIdentifierOwned, Document, DynSignatureAlgorithmIdentifier, EncodePublicKey};
use x509_cert::builder::Builder;

use super::{PrivateKey, PublicKey};
use crate::codepoints::SignatureScheme;
use crate::crypto::Random;
use crate::crypto::hash::HashAlgorithm;
use crate::crypto::sign::{KeyAlgorithm, VerifyingKey};
use crate::error::{Error, KeyError, Result};

/// A signature algorithm together with the kind of key that it is for.
#[derive(Debug)]
pub(super) struct Algorithm {
    signature: AlgorithmIdentifier,
    key: AlgorithmIdentifier,
    method: Method,
}

#[derive(Debug)]
enum Method {
    Scheme(SignatureScheme),
    /// RFC 5758 §3.2: the hash of a certificate's ECDSA signature does not follow from the curve.
    Ecdsa(HashAlgorithm),
}

/// Why the signature over a certificate, request or revocation list does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignatureFault {
    /// The algorithm is none of ours (SHA-1 and MD5 are not).
    UnsupportedAlgorithm,
    /// The algorithm is for another kind of key.
    OtherKeyKind,
    /// The signature is wrong.
    Bad,
    /// Not looked at: the verification has looked at too many.
    TooMany,
}

/// What is signed, with what, and the signature: the outer form that certificates, requests and
/// revocation lists share.
pub(super) struct Signed<'a> {
    /// The encoding that the signature covers.
    pub(super) tbs: &'a [u8],
    /// The content of the AlgorithmIdentifier.
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    pub(super) fn of(der: &'a [u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(der)?;
        let signed = reader.sequence(|reader| {
            let tbs = reader.tlv_bytes()?;
            let algorithm = reader.decode::<AnyRef<'a>>()?.value();
            let signature = reader.decode::<BitStringRef<'a>>()?;
            let signature = signature.as_bytes().ok_or_else(|| Tag::BitString.value_error())?;
            Ok::<_, der::Error>(Self { tbs, algorithm, signature })
        })?;
        reader.finish()?;
        Ok(signed)
    }

    /// Checks the signature with `key`.
    pub(super) fn verify(&self, key: &PublicKey) -> Result<(), SignatureFault> {
        let mut fault = SignatureFault::UnsupportedAlgorithm;
        for algorithm in ALGORITHMS.iter().filter(|candidate| candidate.signature.as_ref() == self.algorithm)
        {
            if algorithm.key == key_identifier(key.algorithm()) {
                return algorithm
                    .method
                    .verify(key.verifying(), self.tbs, self.signature)
                    .map_err(|_| SignatureFault::Bad);
            }
            fault = SignatureFault::OtherKeyKind;
        }
        Err(fault)
    }
}

/// The name of the algorithm that a certificate, request or revocation list is signed with: OpenSSL's,
/// or a dotted number.
pub(super) fn algorithm_name(der: &[u8]) -> String {
    let Some(oid) = algorithm(der) else { return "unknown".to_owned() };
    known(oid).map_or_else(|| oid.to_string(), |(_, name, _)| (*name).to_owned())
}

/// The schemes by which a peer says that it verifies this certificate's signature (RFC 8446 §4.2.3).
pub(super) fn schemes(der: &[u8]) -> &'static [SignatureScheme] {
    algorithm(der).and_then(known).map_or(&[], |(_, _, schemes)| schemes)
}

fn algorithm(der: &[u8]) -> Option<ObjectIdentifier> {
    SliceReader::new(Signed::of(der).ok()?.algorithm).and_then(|mut reader| reader.decode()).ok()
}

fn known(oid: ObjectIdentifier) -> Option<&'static Named> {
    ALGORITHM_NAMES.iter().find(|(known, _, _)| *known == oid)
}

type Named = (ObjectIdentifier, &'static str, &'static [SignatureScheme]);

const ALGORITHM_NAMES: &[Named] = &[
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"),
        "ecdsa-with-SHA256",
        &[SignatureScheme::ECDSA_SECP256R1_SHA256],
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"),
        "ecdsa-with-SHA384",
        &[SignatureScheme::ECDSA_SECP384R1_SHA384],
    ),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"), "ecdsa-with-SHA512", &[]),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"),
        "sha256WithRSAEncryption",
        &[SignatureScheme::RSA_PKCS1_SHA256],
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"),
        "sha384WithRSAEncryption",
        &[SignatureScheme::RSA_PKCS1_SHA384],
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"),
        "sha512WithRSAEncryption",
        &[SignatureScheme::RSA_PKCS1_SHA512],
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10"),
        "rsassaPss",
        &[SignatureScheme::RSA_PSS_RSAE_SHA256, SignatureScheme::RSA_PSS_RSAE_SHA384],
    ),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5"), "sha1WithRSAEncryption", &[]),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"), "ecdsa-with-SHA1", &[]),
    (ObjectIdentifier::new_unwrap("1.3.101.112"), "ED25519", &[]),
];

/// Signs what x509-cert builds.
pub(super) struct Signer<'a> {
    key: &'a PrivateKey,
    algorithm: &'static Algorithm,
    scheme: SignatureScheme,
}

impl<'a> Signer<'a> {
    /// # Errors
    /// [`KeyError::WrongScheme`] for a hash that the key does not sign with.
    pub(super) fn new(key: &'a PrivateKey, hash: HashAlgorithm) -> Result<Self> {
        // An ECDSA key signs certificates with the hash of its TLS 1.3 scheme (RFC 8446 §4.2.3), so
        // that one answer about the hash holds for the certificate and the handshake.
        let (algorithm, scheme) = match (key.algorithm(), hash) {
            (KeyAlgorithm::Rsa(_), HashAlgorithm::Sha256) => (&RSA_SHA256, SignatureScheme::RSA_PKCS1_SHA256),
            (KeyAlgorithm::Rsa(_), HashAlgorithm::Sha384) => (&RSA_SHA384, SignatureScheme::RSA_PKCS1_SHA384),
            (KeyAlgorithm::EcdsaP256, HashAlgorithm::Sha256) => {
                (&P256_SHA256, SignatureScheme::ECDSA_SECP256R1_SHA256)
            }
            (KeyAlgorithm::EcdsaP384, HashAlgorithm::Sha384) => {
                (&P384_SHA384, SignatureScheme::ECDSA_SECP384R1_SHA384)
            }
            (KeyAlgorithm::EcdsaP256, HashAlgorithm::Sha384) => {
                return Err(KeyError::WrongScheme("a P-256 key signs with SHA-256").into());
            }
            (KeyAlgorithm::EcdsaP384, HashAlgorithm::Sha256) => {
                return Err(KeyError::WrongScheme("a P-384 key signs with SHA-384").into());
            }
        };
        Ok(Self { key, algorithm, scheme })
    }

    /// Finishes what `builder` has begun.
    pub(super) fn sign<B: Builder>(&self, mut builder: B, random: &dyn Random) -> Result<B::Output> {
        let message = builder.finalize(self).map_err(|_| NOT_BUILT)?;
        let signature = self.sign_octets(&message, random)?;
        builder.assemble(signature, self).map_err(|_| NOT_BUILT)
    }

    /// Signs an encoding.
    pub(super) fn sign_octets(&self, message: &[u8], random: &dyn Random) -> Result<BitString> {
        let signature = self.key.sign(self.scheme, message, random)?;
        BitString::from_bytes(&signature).map_err(|_| NOT_BUILT)
    }
}

impl Keypair for Signer<'_> {
    type VerifyingKey = SignerPublicKey;

    fn verifying_key(&self) -> SignerPublicKey {
        SignerPublicKey(self.key.public_key().clone())
    }
}

impl DynSignatureAlgorithmIdentifier for Signer<'_> {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        let der = AnyRef::new(Tag::Sequence, self.algorithm.signature.as_ref())?.to_der()?;
        Ok(AlgorithmIdentifierOwned::from_der(&der)?)
    }
}

/// A public key as x509-cert asks for it.
#[derive(Clone)]
pub(super) struct SignerPublicKey(PublicKey);

impl EncodePublicKey for SignerPublicKey {
    fn to_public_key_der(&self) -> spki::Result<Document> {
        Ok(Document::try_from(self.0.to_der())?)
    }
}

impl Method {
    fn verify(&self, key: &VerifyingKey, message: &[u8], signature: &[u8]) -> Result<()> {
        match self {
            Self::Scheme(scheme) => key.verify(*scheme, message, signature),
            Self::Ecdsa(hash) => key.verify_ecdsa(*hash, message, signature),
        }
    }
}

const NOT_BUILT: Error = Error::Internal("a certificate, request or revocation list does not encode");

static ALGORITHMS: [&Algorithm; 9] = [
    &P256_SHA256,
    &P256_SHA384,
    &P384_SHA256,
    &P384_SHA384,
    &RSA_SHA256,
    &RSA_SHA384,
    &RSA_SHA512,
    &RSA_PSS_SHA256,
    &RSA_PSS_SHA384,
];

static P256_SHA256: Algorithm = ecdsa(alg_id::ECDSA_P256, alg_id::ECDSA_SHA256, HashAlgorithm::Sha256);
static P256_SHA384: Algorithm = ecdsa(alg_id::ECDSA_P256, alg_id::ECDSA_SHA384, HashAlgorithm::Sha384);
static P384_SHA256: Algorithm = ecdsa(alg_id::ECDSA_P384, alg_id::ECDSA_SHA256, HashAlgorithm::Sha256);
static P384_SHA384: Algorithm = ecdsa(alg_id::ECDSA_P384, alg_id::ECDSA_SHA384, HashAlgorithm::Sha384);
static RSA_SHA256: Algorithm = rsa(alg_id::RSA_PKCS1_SHA256, SignatureScheme::RSA_PKCS1_SHA256);
static RSA_SHA384: Algorithm = rsa(alg_id::RSA_PKCS1_SHA384, SignatureScheme::RSA_PKCS1_SHA384);
static RSA_SHA512: Algorithm = rsa(alg_id::RSA_PKCS1_SHA512, SignatureScheme::RSA_PKCS1_SHA512);
static RSA_PSS_SHA256: Algorithm = rsa(alg_id::RSA_PSS_SHA256, SignatureScheme::RSA_PSS_RSAE_SHA256);
static RSA_PSS_SHA384: Algorithm = rsa(alg_id::RSA_PSS_SHA384, SignatureScheme::RSA_PSS_RSAE_SHA384);

const fn ecdsa(key: AlgorithmIdentifier, signature: AlgorithmIdentifier, hash: HashAlgorithm) -> Algorithm {
    Algorithm { signature, key, method: Method::Ecdsa(hash) }
}

const fn rsa(signature: AlgorithmIdentifier, scheme: SignatureScheme) -> Algorithm {
    Algorithm { signature, key: alg_id::RSA_ENCRYPTION, method: Method::Scheme(scheme) }
}

const fn key_identifier(algorithm: KeyAlgorithm) -> AlgorithmIdentifier {
    match algorithm {
        KeyAlgorithm::Rsa(_) => alg_id::RSA_ENCRYPTION,
        KeyAlgorithm::EcdsaP256 => alg_id::ECDSA_P256,
        KeyAlgorithm::EcdsaP384 => alg_id::ECDSA_P384,
    }
}
