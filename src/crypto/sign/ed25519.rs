//! Ed25519 (RFC 8032) in the structures of RFC 8410.

use der::asn1::{BitStringRef, ObjectIdentifier, OctetStringRef};
use der::{Decode as _, Encode as _};
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use pkcs8::{PrivateKeyInfoRef, SecretDocument};
use spki::{AlgorithmIdentifierRef, Document, SubjectPublicKeyInfoRef};
use zeroize::Zeroizing;

use crate::error::{KeyError, Result};

/// id-Ed25519 (RFC 8410 §3), of keys and of signatures.
pub(super) const ID_ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const ALGORITHM: AlgorithmIdentifierRef<'static> =
    AlgorithmIdentifierRef { oid: ID_ED25519, parameters: None };

/// The key in a PrivateKeyInfo: CurvePrivateKey (RFC 8410 §7).
pub(super) fn private(octets: &[u8]) -> Result<SigningKey> {
    let seed = <&OctetStringRef>::from_der(octets).ok().and_then(|seed| seed.as_bytes().try_into().ok());
    Ok(SigningKey::from_bytes(seed.ok_or(KeyError::Malformed("CurvePrivateKey"))?))
}

/// Version 1, without the public key: OpenSSL 1 and Java 15 read no other.
pub(super) fn pkcs8(key: &SigningKey) -> pkcs8::Result<SecretDocument> {
    let seed = Zeroizing::new(key.to_bytes());
    let seed = Zeroizing::new(OctetStringRef::new(seed.as_slice())?.to_der()?);
    let der = Zeroizing::new(PrivateKeyInfoRef::new(ALGORITHM, OctetStringRef::new(&seed)?).to_der()?);
    Ok(SecretDocument::try_from(der.as_slice())?)
}

pub(super) fn spki(key: &VerifyingKey) -> spki::Result<Document> {
    let subject_public_key = BitStringRef::from_bytes(key.as_bytes())?;
    Ok(Document::try_from(
        SubjectPublicKeyInfoRef { algorithm: ALGORITHM, subject_public_key }.to_der()?.as_slice(),
    )?)
}

/// A point of small order verifies signatures of anybody: it is nobody's key.
pub(super) fn verifier(octets: &[u8; 32]) -> Result<VerifyingKey> {
    VerifyingKey::from_bytes(octets)
        .ok()
        .filter(|key| !key.is_weak())
        .ok_or_else(|| KeyError::Invalid("its point is not on the curve, or of small order").into())
}

pub(super) fn verify(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    Signature::from_slice(signature).is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
}
