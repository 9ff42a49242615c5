//! The algorithms of CMS messages: identifiers with parameters, read strictly and written in one form.

use der::asn1::{AnyRef, ObjectIdentifier};
use spki::AlgorithmIdentifierRef;

use super::asn1::{OaepParameters, Octets, PssParameters, any, encoded, exact, malformed, unsupported};
use crate::codepoints::SignatureScheme;
use crate::crypto::aead::AeadAlgorithm;
use crate::crypto::sign::{KeyAlgorithm, Method, RsaScheme, SignatureHash};
use crate::crypto::x963::KdfHash;
use crate::error::Result;

/// The hash that an identifier names; RFC 5754 §2: the parameters are absent, and NULL is to be accepted.
pub(super) fn hash_of(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<SignatureHash> {
    let hash = match algorithm.oid {
        ID_SHA256 => SignatureHash::Sha256,
        ID_SHA384 => SignatureHash::Sha384,
        ID_SHA512 => SignatureHash::Sha512,
        other => return Err(unsupported(format!("the hash {}", name(other)))),
    };
    absent_or_null(algorithm)?;
    Ok(hash)
}

pub(super) const fn hash_identifier(hash: SignatureHash) -> AlgorithmIdentifierRef<'static> {
    let oid = match hash {
        SignatureHash::Sha256 => ID_SHA256,
        SignatureHash::Sha384 => ID_SHA384,
        SignatureHash::Sha512 => ID_SHA512,
    };
    AlgorithmIdentifierRef { oid, parameters: None }
}

/// What a key of this kind makes, with its hash and the DER of its AlgorithmIdentifier.
pub(super) fn signature_made_by(key: KeyAlgorithm) -> Result<(SignatureScheme, SignatureHash, Octets)> {
    let bare = |oid| encoded(&AlgorithmIdentifierRef { oid, parameters: None });
    Ok(match key {
        KeyAlgorithm::Rsa(_) => (
            SignatureScheme::RSA_PSS_RSAE_SHA256,
            SignatureHash::Sha256,
            encoded(&AlgorithmIdentifierRef {
                oid: ID_RSASSA_PSS,
                parameters: Some(any(&pss_parameters()?)?),
            })?,
        ),
        KeyAlgorithm::EcdsaP256 => {
            (SignatureScheme::ECDSA_SECP256R1_SHA256, SignatureHash::Sha256, bare(ECDSA_WITH_SHA256)?)
        }
        KeyAlgorithm::EcdsaP384 => {
            (SignatureScheme::ECDSA_SECP384R1_SHA384, SignatureHash::Sha384, bare(ECDSA_WITH_SHA384)?)
        }
        KeyAlgorithm::EcdsaP521 | KeyAlgorithm::Ed25519 => {
            return Err(unsupported("a signer whose key is not RSA, P-256 or P-384"));
        }
    })
}

/// The signature algorithm of a signer whose digest algorithm is `hash`; both name the same hash.
pub(super) fn signature_method(
    algorithm: &AlgorithmIdentifierRef<'_>,
    hash: SignatureHash,
) -> Result<Method> {
    use SignatureHash::{Sha256, Sha384, Sha512};
    let method = match algorithm.oid {
        // RFC 3370 §3.2: CMS has the key's identifier for PKCS#1 v1.5 with any hash.
        ID_RSA => Method::Rsa(RsaScheme::Pkcs1(hash)),
        RSA_WITH_SHA256 => Method::Rsa(RsaScheme::Pkcs1(Sha256)),
        RSA_WITH_SHA384 => Method::Rsa(RsaScheme::Pkcs1(Sha384)),
        RSA_WITH_SHA512 => Method::Rsa(RsaScheme::Pkcs1(Sha512)),
        ID_RSASSA_PSS => return pss_method(algorithm, hash),
        ECDSA_WITH_SHA256 => Method::Ecdsa(Sha256),
        ECDSA_WITH_SHA384 => Method::Ecdsa(Sha384),
        ECDSA_WITH_SHA512 => Method::Ecdsa(Sha512),
        other => return Err(unsupported(format!("the signature algorithm {}", name(other)))),
    };
    let own = match (method, algorithm.parameters) {
        // RFC 5754 §3.2: NULL; §3.3: absent.
        (Method::Rsa(RsaScheme::Pkcs1(own)), Some(parameters)) if parameters.is_null() => own,
        (Method::Ecdsa(own), None) => own,
        (Method::Rsa(_) | Method::Ecdsa(_) | Method::Ed25519, _) => {
            return Err(malformed(SIGNATURE_ALGORITHM));
        }
    };
    if own == hash { Ok(method) } else { Err(malformed(TWO_HASHES)) }
}

/// RFC 4056 §3; MGF1 has to be with the same hash.
fn pss_method(algorithm: &AlgorithmIdentifierRef<'_>, hash: SignatureHash) -> Result<Method> {
    let parameters = encoded(&algorithm.parameters.ok_or(malformed(SIGNATURE_ALGORITHM))?)?;
    let parameters: PssParameters<'_> = exact(&parameters, SIGNATURE_ALGORITHM)?;
    if hash_of(&parameters.hash)? != hash || mask_hash(&parameters.mask)? != hash {
        return Err(malformed(TWO_HASHES));
    }
    let salt_len = usize::from(parameters.salt_len);
    Ok(Method::Rsa(RsaScheme::Pss { hash, salt_len }))
}

/// How the content is encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentCipher {
    Gcm(AeadAlgorithm),
    /// With a key of so many octets.
    Cbc(usize),
}

impl ContentCipher {
    pub(super) fn of(oid: ObjectIdentifier) -> Result<Self> {
        Ok(match oid {
            AES_128_GCM => Self::Gcm(AeadAlgorithm::Aes128Gcm),
            AES_256_GCM => Self::Gcm(AeadAlgorithm::Aes256Gcm),
            AES_128_CBC => Self::Cbc(16),
            AES_256_CBC => Self::Cbc(32),
            other => return Err(unsupported(format!("the content encryption {}", name(other)))),
        })
    }

    pub(super) const fn key_len(self) -> usize {
        match self {
            Self::Gcm(algorithm) => algorithm.key_len(),
            Self::Cbc(key_len) => key_len,
        }
    }
}

/// What a key agreement wraps the content's key with (RFC 3565 §2.3.2: without parameters).
pub(super) fn wrap_key_len(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<usize> {
    let len = match algorithm.oid {
        AES_128_WRAP => 16,
        AES_256_WRAP => 32,
        other => return Err(unsupported(format!("the key wrap {}", name(other)))),
    };
    if algorithm.parameters.is_some() { Err(malformed("the parameters of AES key wrap")) } else { Ok(len) }
}

/// The key derivation of a key agreement (RFC 5753 §7.1.4).
pub(super) fn kdf_hash(oid: ObjectIdentifier) -> Result<KdfHash> {
    Ok(match oid {
        STD_DH_SHA1_KDF => KdfHash::Sha1,
        STD_DH_SHA256_KDF => KdfHash::Sha256,
        STD_DH_SHA384_KDF => KdfHash::Sha384,
        STD_DH_SHA512_KDF => KdfHash::Sha512,
        other => return Err(unsupported(format!("the key agreement {}", name(other)))),
    })
}

/// Whether a key transport is the one that is opened: RSAES-OAEP with SHA-256 for both hashes and an
/// empty label (RFC 3560 §2).
pub(super) fn check_key_transport(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<()> {
    match algorithm.oid {
        ID_RSAES_OAEP => {}
        ID_RSA => {
            return Err(unsupported(
                "RSA PKCS#1 v1.5 key transport, which cannot be opened without being an oracle",
            ));
        }
        other => return Err(unsupported(format!("the key transport {}", name(other)))),
    }
    const WHAT: &str = "the parameters of RSAES-OAEP";
    let parameters = encoded(&algorithm.parameters.ok_or(malformed(WHAT))?)?;
    let parameters: OaepParameters<'_> = exact(&parameters, WHAT)?;
    // RFC 4055 §4.1: what is left out is SHA-1.
    let (Some(hash), Some(mask)) = (parameters.hash, parameters.mask) else {
        return Err(unsupported("RSAES-OAEP with SHA-1"));
    };
    if hash_of(&hash)? != SignatureHash::Sha256 || mask_hash(&mask)? != SignatureHash::Sha256 {
        return Err(unsupported("RSAES-OAEP with another hash than SHA-256"));
    }
    if parameters.label.is_some() { Err(unsupported("RSAES-OAEP with a label")) } else { Ok(()) }
}

/// The DER of the AlgorithmIdentifier of what [`check_key_transport`] accepts.
pub(super) fn key_transport() -> Result<Octets> {
    let hash = hash_identifier(SignatureHash::Sha256);
    let of_mask = encoded(&hash)?;
    let mask = AlgorithmIdentifierRef { oid: ID_MGF1, parameters: Some(any(&of_mask)?) };
    let parameters = encoded(&OaepParameters { hash: Some(hash), mask: Some(mask), label: None })?;
    encoded(&AlgorithmIdentifierRef { oid: ID_RSAES_OAEP, parameters: Some(any(&parameters)?) })
}

fn pss_parameters() -> Result<Octets> {
    let hash = hash_identifier(SignatureHash::Sha256);
    let of_mask = encoded(&hash)?;
    let mask = AlgorithmIdentifierRef { oid: ID_MGF1, parameters: Some(any(&of_mask)?) };
    encoded(&PssParameters { hash, mask, salt_len: 32 })
}

fn mask_hash(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<SignatureHash> {
    if algorithm.oid != ID_MGF1 {
        return Err(unsupported(format!("the mask generation {}", name(algorithm.oid))));
    }
    const WHAT: &str = "the parameters of MGF1";
    let hash = encoded(&algorithm.parameters.ok_or(malformed(WHAT))?)?;
    hash_of(&exact::<AlgorithmIdentifierRef<'_>>(&hash, WHAT)?)
}

fn absent_or_null(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<()> {
    if algorithm.parameters.is_none_or(AnyRef::is_null) {
        Ok(())
    } else {
        Err(malformed("the parameters of a hash"))
    }
}

/// What a person calls an algorithm.
pub(super) fn name(oid: ObjectIdentifier) -> String {
    let known = NAMES.iter().find(|(known, _)| *known == oid);
    known.map_or_else(|| oid.to_string(), |(_, name)| (*name).to_owned())
}

const SIGNATURE_ALGORITHM: &str = "the parameters of the signature algorithm";
const TWO_HASHES: &str = "the signature algorithm, which does not have the hash of the digest algorithm";

pub(super) const ID_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
pub(super) const ID_SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
pub(super) const ID_ENVELOPED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.3");
pub(super) const ID_AUTH_ENVELOPED_DATA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.23");

pub(super) const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
pub(super) const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
pub(super) const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
pub(super) const SMIME_CAPABILITIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.15");
pub(super) const SIGNING_CERTIFICATE_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

const ID_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const ID_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const ID_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

const ID_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ID_RSAES_OAEP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.7");
const ID_MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const ID_RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const RSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_WITH_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_WITH_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");

pub(super) const ID_EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const STD_DH_SHA1_KDF: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.133.16.840.63.0.2");
pub(super) const STD_DH_SHA256_KDF: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.1.11.1");
const STD_DH_SHA384_KDF: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.1.11.2");
const STD_DH_SHA512_KDF: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.1.11.3");

const AES_128_WRAP: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.5");
pub(super) const AES_256_WRAP: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.45");
const AES_128_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.2");
const AES_256_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42");
const AES_128_GCM: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.6");
pub(super) const AES_256_GCM: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.46");

/// What a message may well have and that is not read.
const NAMES: &[(ObjectIdentifier, &str)] = &[
    (ObjectIdentifier::new_unwrap("1.3.14.3.2.26"), "SHA-1"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.2.5"), "MD5"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.4"), "SHA-224"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5"), "sha1WithRSAEncryption"),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"), "ecdsa-with-SHA1"),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"), "ecdsa-with-SHA512"),
    (ObjectIdentifier::new_unwrap("1.3.101.112"), "Ed25519"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.3.7"), "triple DES"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.6"), "triple DES key wrap"),
    (AES_128_CBC, "AES-128-CBC"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.22"), "AES-192-CBC"),
    (AES_256_CBC, "AES-256-CBC"),
    (AES_128_GCM, "AES-128-GCM"),
    (AES_256_GCM, "AES-256-GCM"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.25"), "AES-192 key wrap"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.26"), "AES-192-GCM"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.18"), "ChaCha20-Poly1305"),
    (ObjectIdentifier::new_unwrap("1.3.132.1.11.0"), "ECDH with SHA-224"),
    (ObjectIdentifier::new_unwrap("1.3.133.16.840.63.0.3"), "cofactor ECDH with SHA-1"),
    (ObjectIdentifier::new_unwrap("1.3.132.1.14.1"), "cofactor ECDH with SHA-256"),
];
