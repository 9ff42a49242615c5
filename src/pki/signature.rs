//! The signature algorithms of certificates, requests and revocation lists (RFC 5280 §4.1.1.2),
//! over the signatures of [`crate::crypto`].

use core::fmt;

use der::asn1::{AnyRef, BitString, BitStringRef, ObjectIdentifier};
use der::{Decode as _, Encode as _, Reader as _, Sequence, SliceReader, Tag};
use rustls_pki_types::{AlgorithmIdentifier, alg_id};
use signature::Keypair;
use spki::{
    AlgorithmIdentifierOwned, AlgorithmIdentifierRef, Document, DynSignatureAlgorithmIdentifier,
    EncodePublicKey,
};
use x509_cert::builder::Builder;

use super::{PrivateKey, PublicKey};
use crate::codepoints::SignatureScheme;
use crate::crypto::Random;
use crate::crypto::hash::HashAlgorithm;
use crate::crypto::sign::{KeyAlgorithm, Method, RsaScheme, SignatureHash};
use crate::error::{Error, KeyError, Result};

/// Why the signature over a certificate, request or revocation list does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignatureFault {
    /// The algorithm is none of ours.
    UnsupportedAlgorithm(Unsupported),
    /// The algorithm is for another kind of key.
    OtherKeyKind,
    /// The signature is wrong.
    Bad,
    /// Not looked at: the verification has looked at too many.
    TooMany,
}

/// A signature algorithm that is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsupported {
    Algorithm(ObjectIdentifier),
    /// An algorithm of ours with something that is not.
    Variant(&'static str),
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Algorithm(oid) => f.write_str(&name_of(*oid)),
            Self::Variant(what) => f.write_str(what),
        }
    }
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
        let method = self.method()?;
        let verified = key.verifying().verify_by(method, self.tbs, self.signature);
        verified.map_err(|error| match matches!(error, Error::Key(KeyError::WrongScheme(_))) {
            true => SignatureFault::OtherKeyKind,
            false => SignatureFault::Bad,
        })
    }

    /// The algorithm, where nobody accepts it.
    pub(super) fn unsupported(&self) -> Option<Unsupported> {
        method_of(self.algorithm).err()
    }

    fn method(&self) -> Result<Method, SignatureFault> {
        method_of(self.algorithm).map_err(SignatureFault::UnsupportedAlgorithm)
    }
}

/// What the content of an AlgorithmIdentifier stands for.
fn method_of(algorithm: &[u8]) -> Result<Method, Unsupported> {
    let (oid, parameters) = SliceReader::new(algorithm)
        .and_then(|mut reader| {
            let oid: ObjectIdentifier = reader.decode()?;
            let parameters: Option<AnyRef<'_>> = reader.decode()?;
            reader.finish()?;
            Ok((oid, parameters))
        })
        .map_err(|_: der::Error| Unsupported::Variant("an algorithm that does not decode"))?;
    let (_, _, method, _) = accepted(oid).ok_or(Unsupported::Algorithm(oid))?;
    let Some(method) = *method else { return pss(parameters).map(Method::Rsa) };
    match (method, parameters) {
        // RFC 4055 §5: NULL, and absent has to be accepted as well.
        (Method::Rsa(_), None) => Ok(method),
        (Method::Rsa(_), Some(parameters)) if parameters.is_null() => Ok(method),
        // RFC 5758 §3.2, RFC 8410 §3: absent.
        (Method::Ecdsa(_) | Method::Ed25519, None) => Ok(method),
        (Method::Ecdsa(_), Some(_)) => Err(Unsupported::Variant("ECDSA with parameters (RFC 5758 §3.2)")),
        (Method::Rsa(_) | Method::Ed25519, Some(_)) => {
            Err(Unsupported::Variant("an algorithm with parameters that it does not have"))
        }
    }
}

/// RSASSA-PSS-params (RFC 4055 §3.1).
fn pss(parameters: Option<AnyRef<'_>>) -> Result<RsaScheme, Unsupported> {
    const MALFORMED: Unsupported = Unsupported::Variant("RSASSA-PSS with parameters that do not decode");
    const SHA1: Unsupported = Unsupported::Variant("RSASSA-PSS with SHA-1");
    let parameters: PssParameters<'_> =
        parameters.ok_or(SHA1)?.decode_as().map_err(|_: der::Error| MALFORMED)?;
    let hash = pss_hash(&parameters.hash.ok_or(SHA1)?)?;
    let mask = parameters.mask.ok_or(Unsupported::Variant("RSASSA-PSS with SHA-1 in its mask"))?;
    let mask_hash = mask.parameters.and_then(|hash| hash.decode_as().ok()).ok_or(MALFORMED)?;
    if mask.oid != ID_MGF1 || pss_hash(&mask_hash)? != hash {
        return Err(Unsupported::Variant("RSASSA-PSS with another hash in its mask"));
    }
    // The trailer has one value (RFC 4055 §3.1). The default of the salt is SHA-1's.
    if parameters.trailer.is_some_and(|trailer| trailer != 1) {
        return Err(MALFORMED);
    }
    let salt_len = usize::from(parameters.salt_len.unwrap_or(20));
    Ok(RsaScheme::Pss { hash, salt_len })
}

/// RFC 4055 §2.1: with NULL or without parameters.
fn pss_hash(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<SignatureHash, Unsupported> {
    let known = HASHES.iter().find(|(oid, _)| *oid == algorithm.oid).map(|(_, hash)| *hash);
    match algorithm.parameters {
        Some(parameters) if !parameters.is_null() => {
            Err(Unsupported::Variant("RSASSA-PSS with a hash that has parameters"))
        }
        _ => known.ok_or(Unsupported::Variant("RSASSA-PSS with a hash other than SHA-256, SHA-384, SHA-512")),
    }
}

#[derive(Sequence)]
struct PssParameters<'a> {
    #[asn1(context_specific = "0", optional = "true")]
    hash: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "1", optional = "true")]
    mask: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "2", optional = "true")]
    salt_len: Option<u16>,
    #[asn1(context_specific = "3", optional = "true")]
    trailer: Option<u8>,
}

/// The name of the algorithm that a certificate, request or revocation list is signed with: OpenSSL's,
/// or a dotted number.
pub(super) fn algorithm_name(der: &[u8]) -> String {
    algorithm(der).map_or_else(|| "unknown".to_owned(), name_of)
}

fn name_of(oid: ObjectIdentifier) -> String {
    let other = || OTHER_NAMES.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name);
    let name = accepted(oid).map(|(_, name, ..)| *name).or_else(other);
    name.map_or_else(|| oid.to_string(), str::to_owned)
}

/// The schemes by which a peer says that it verifies this certificate's signature (RFC 8446 §4.2.3).
pub(super) fn schemes(der: &[u8]) -> &'static [SignatureScheme] {
    algorithm(der).and_then(accepted).map_or(&[], |(.., schemes)| schemes)
}

fn algorithm(der: &[u8]) -> Option<ObjectIdentifier> {
    SliceReader::new(Signed::of(der).ok()?.algorithm).and_then(|mut reader| reader.decode()).ok()
}

fn accepted(oid: ObjectIdentifier) -> Option<&'static Accepted> {
    ACCEPTED.iter().find(|(known, ..)| *known == oid)
}

/// An algorithm that is accepted: by OpenSSL's name, what it is but for RSASSA-PSS, whose parameters say it, and
/// the schemes of TLS 1.3 that are for it (RFC 4055 §5, RFC 5758 §3.2, RFC 8410 §3).
type Accepted = (ObjectIdentifier, &'static str, Option<Method>, &'static [SignatureScheme]);

const ACCEPTED: [Accepted; 8] = [
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"),
        "ecdsa-with-SHA256",
        Some(Method::Ecdsa(SignatureHash::Sha256)),
        &[SignatureScheme::ECDSA_SECP256R1_SHA256],
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"),
        "ecdsa-with-SHA384",
        Some(Method::Ecdsa(SignatureHash::Sha384)),
        &[SignatureScheme::ECDSA_SECP384R1_SHA384],
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"),
        "ecdsa-with-SHA512",
        Some(Method::Ecdsa(SignatureHash::Sha512)),
        &[SignatureScheme::ECDSA_SECP521R1_SHA512],
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"),
        "sha256WithRSAEncryption",
        Some(Method::Rsa(RsaScheme::Pkcs1(SignatureHash::Sha256))),
        &[SignatureScheme::RSA_PKCS1_SHA256],
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"),
        "sha384WithRSAEncryption",
        Some(Method::Rsa(RsaScheme::Pkcs1(SignatureHash::Sha384))),
        &[SignatureScheme::RSA_PKCS1_SHA384],
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"),
        "sha512WithRSAEncryption",
        Some(Method::Rsa(RsaScheme::Pkcs1(SignatureHash::Sha512))),
        &[SignatureScheme::RSA_PKCS1_SHA512],
    ),
    (
        ID_RSASSA_PSS,
        "rsassaPss",
        None,
        &[
            SignatureScheme::RSA_PSS_RSAE_SHA256,
            SignatureScheme::RSA_PSS_RSAE_SHA384,
            SignatureScheme::RSA_PSS_RSAE_SHA512,
        ],
    ),
    (
        ObjectIdentifier::new_unwrap("1.3.101.112"),
        "ED25519",
        Some(Method::Ed25519),
        &[SignatureScheme::ED25519],
    ),
];

/// Algorithms that are not accepted, by OpenSSL's names.
const OTHER_NAMES: &[(ObjectIdentifier, &str)] = &[
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.2"), "md2WithRSAEncryption"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4"), "md5WithRSAEncryption"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5"), "sha1WithRSAEncryption"),
    (ObjectIdentifier::new_unwrap("1.3.14.3.2.29"), "sha1WithRSA"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.14"), "sha224WithRSAEncryption"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.14"), "RSA-SHA3-256"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.15"), "RSA-SHA3-384"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.16"), "RSA-SHA3-512"),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"), "ecdsa-with-SHA1"),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.1"), "ecdsa-with-SHA224"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.10"), "ecdsa_with_SHA3-256"),
    (ObjectIdentifier::new_unwrap("1.2.840.10040.4.3"), "dsaWithSHA1"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.2"), "dsa_with_SHA256"),
    (ObjectIdentifier::new_unwrap("1.3.101.113"), "ED448"),
    (ObjectIdentifier::new_unwrap("1.2.156.10197.1.501"), "SM2-with-SM3"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17"), "ML-DSA-44"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18"), "ML-DSA-65"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19"), "ML-DSA-87"),
];

const ID_RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const ID_MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");

const HASHES: [(ObjectIdentifier, SignatureHash); 3] = [
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"), SignatureHash::Sha256),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"), SignatureHash::Sha384),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"), SignatureHash::Sha512),
];

/// Signs what x509-cert builds.
pub(super) struct Signer<'a> {
    key: &'a PrivateKey,
    algorithm: AlgorithmIdentifier,
    scheme: SignatureScheme,
}

impl<'a> Signer<'a> {
    /// # Errors
    /// [`KeyError::WrongScheme`] for a hash that the key does not sign with.
    pub(super) fn new(key: &'a PrivateKey, hash: HashAlgorithm) -> Result<Self> {
        // An ECDSA key signs certificates with the hash of its TLS 1.3 scheme (RFC 8446 §4.2.3), so
        // that one answer about the hash holds for the certificate and the handshake.
        let (algorithm, scheme) = match (key.algorithm(), hash) {
            (KeyAlgorithm::Rsa(_), HashAlgorithm::Sha256) => {
                (alg_id::RSA_PKCS1_SHA256, SignatureScheme::RSA_PKCS1_SHA256)
            }
            (KeyAlgorithm::Rsa(_), HashAlgorithm::Sha384) => {
                (alg_id::RSA_PKCS1_SHA384, SignatureScheme::RSA_PKCS1_SHA384)
            }
            (KeyAlgorithm::EcdsaP256, HashAlgorithm::Sha256) => {
                (alg_id::ECDSA_SHA256, SignatureScheme::ECDSA_SECP256R1_SHA256)
            }
            (KeyAlgorithm::EcdsaP384, HashAlgorithm::Sha384) => {
                (alg_id::ECDSA_SHA384, SignatureScheme::ECDSA_SECP384R1_SHA384)
            }
            // Its hash is part of it (RFC 8032 §5.1).
            (KeyAlgorithm::Ed25519, _) => (alg_id::ED25519, SignatureScheme::ED25519),
            (KeyAlgorithm::EcdsaP256, HashAlgorithm::Sha384) => {
                return Err(KeyError::WrongScheme("a P-256 key signs with SHA-256").into());
            }
            (KeyAlgorithm::EcdsaP384, HashAlgorithm::Sha256) => {
                return Err(KeyError::WrongScheme("a P-384 key signs with SHA-384").into());
            }
            (KeyAlgorithm::EcdsaP521, _) => {
                return Err(KeyError::WrongScheme("a P-521 key signs nothing here").into());
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
        let der = AnyRef::new(Tag::Sequence, self.algorithm.as_ref())?.to_der()?;
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

const NOT_BUILT: Error = Error::Internal("a certificate, request or revocation list does not encode");
