//! PKCS#8 and SubjectPublicKeyInfo taken apart and checked, before any engine sees a number.

use der::asn1::{AnyRef, ObjectIdentifier, UintRef};
use der::{Decode, Tag, Tagged};
use pkcs8::PrivateKeyInfoRef;
use rsa::RsaPrivateKey;
use rsa::pkcs1::{RsaPrivateKey as Pkcs1PrivateKey, RsaPublicKey as Pkcs1PublicKey, Version};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use zeroize::Zeroizing;

use super::ed25519::{self, ID_ED25519};
use super::{MAX_RSA_BITS, MIN_RSA_BITS};
use crate::crypto::primitive::sign::{PrivateParts, PublicParts};
use crate::error::{KeyError, Result};

pub(super) fn pkcs8(der: &[u8]) -> Result<PrivateParts> {
    let info = PrivateKeyInfoRef::from_der(der).map_err(|_| KeyError::Malformed("PKCS#8 PrivateKeyInfo"))?;
    let private = info.private_key.as_bytes();
    let kind = match info.algorithm {
        // RFC 8017 appendix A.1 has NULL; some exporters leave it out, and nothing follows from it.
        AlgorithmIdentifierRef { oid: RSA_ENCRYPTION, parameters: None } => Kind::Rsa,
        algorithm => kind(&algorithm)?,
    };
    let parts = match kind {
        Kind::Rsa => PrivateParts::Rsa(Box::new(rsa_private(private)?)),
        Kind::P256 => PrivateParts::P256(ec_private::<_, 32>(private)?),
        Kind::P384 => PrivateParts::P384(ec_private::<_, 48>(private)?),
        Kind::P521 => return Err(KeyError::UnsupportedAlgorithm(name(SECP521R1)).into()),
        Kind::Ed25519 => PrivateParts::Ed25519(ed25519::private(private)?),
    };
    // RFC 5958 §2: version 2 may carry the public key. One that belongs to another key is a mix-up.
    if let Some(public) = info.public_key {
        let own: Option<Box<[u8]>> = match &parts {
            PrivateParts::Rsa(_) => None,
            PrivateParts::P256(key) => Some(key.public_key().to_sec1_bytes()),
            PrivateParts::P384(key) => Some(key.public_key().to_sec1_bytes()),
            PrivateParts::Ed25519(key) => Some(key.verifying_key().as_bytes().as_slice().into()),
        };
        if own.is_some_and(|own| public.as_bytes() != Some(&own)) {
            return Err(KeyError::Invalid("its public half belongs to another key").into());
        }
    }
    Ok(parts)
}

pub(super) fn spki(der: &[u8]) -> Result<PublicParts<'_>> {
    let info =
        SubjectPublicKeyInfoRef::from_der(der).map_err(|_| KeyError::Malformed("SubjectPublicKeyInfo"))?;
    let public =
        info.subject_public_key.as_bytes().ok_or(KeyError::Malformed("the bits of subjectPublicKey"))?;
    Ok(match kind(&info.algorithm)? {
        Kind::Rsa => {
            let (bits, multiplications) = rsa_public(public)?;
            PublicParts::Rsa { bits, multiplications, pkcs1: public }
        }
        Kind::P256 => PublicParts::P256(point(public)?),
        Kind::P384 => PublicParts::P384(point(public)?),
        Kind::P521 => PublicParts::P521(point(public)?),
        Kind::Ed25519 => {
            PublicParts::Ed25519(public.try_into().map_err(|_| KeyError::Malformed("an Ed25519 public key"))?)
        }
    })
}

enum Kind {
    Rsa,
    P256,
    P384,
    P521,
    Ed25519,
}

fn kind(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Kind> {
    match algorithm.oid {
        RSA_ENCRYPTION => match algorithm.parameters {
            // RFC 3279 §2.3.1: the parameters are NULL.
            Some(parameters) if parameters.is_null() => Ok(Kind::Rsa),
            Some(_) | None => {
                Err(KeyError::Malformed("the parameters of rsaEncryption, which have to be NULL").into())
            }
        },
        EC_PUBLIC_KEY => match algorithm.parameters.map(named_curve) {
            Some(Some(SECP256R1)) => Ok(Kind::P256),
            Some(Some(SECP384R1)) => Ok(Kind::P384),
            Some(Some(SECP521R1)) => Ok(Kind::P521),
            Some(Some(curve)) => Err(KeyError::UnsupportedAlgorithm(name(curve)).into()),
            Some(None) => {
                Err(KeyError::UnsupportedAlgorithm("an elliptic curve that is not named".to_owned()).into())
            }
            // RFC 5480 §2.1.1: the parameters are there.
            None => Err(KeyError::Malformed("the parameters of id-ecPublicKey").into()),
        },
        // RFC 8410 §3: without parameters.
        ID_ED25519 if algorithm.parameters.is_none() => Ok(Kind::Ed25519),
        ID_ED25519 => Err(KeyError::Malformed("the parameters of id-Ed25519").into()),
        other => Err(KeyError::UnsupportedAlgorithm(name(other)).into()),
    }
}

fn named_curve(parameters: AnyRef<'_>) -> Option<ObjectIdentifier> {
    if parameters.tag() == Tag::ObjectIdentifier { parameters.decode_as().ok() } else { None }
}

fn rsa_private(der: &[u8]) -> Result<RsaPrivateKey> {
    let key =
        Pkcs1PrivateKey::<UintRef<'_>>::from_der(der).map_err(|_| KeyError::Malformed("RSAPrivateKey"))?;
    if key.version() != Version::TwoPrime {
        return Err(KeyError::UnsupportedAlgorithm("RSA with more than two primes".to_owned()).into());
    }
    // Before any arithmetic: its cost grows with the size.
    let (bits, _) = check_rsa(key.modulus, key.public_exponent)?;
    // FIPS 186-5 §A.1.1 has both of half the size; one of nearly all of it takes four times as long to load.
    let most = (bits / 2).saturating_add(MAX_IMBALANCE_BITS);
    if [key.prime1, key.prime2].iter().any(|prime| bit_length(prime.as_bytes()) > most) {
        return Err(KeyError::Invalid("its primes are of very different sizes").into());
    }
    RsaPrivateKey::try_from(key)
        .map_err(|_| KeyError::Invalid("its private numbers do not fit together").into())
}

fn rsa_public(der: &[u8]) -> Result<(usize, u32)> {
    let key =
        Pkcs1PublicKey::<UintRef<'_>>::from_der(der).map_err(|_| KeyError::Malformed("RSAPublicKey"))?;
    check_rsa(key.modulus, key.public_exponent)
}

/// The modulus's bits, and what an exponentiation with the public exponent takes: a squaring for each bit, a
/// multiplication for each bit that is set.
fn check_rsa(modulus: UintRef<'_>, exponent: UintRef<'_>) -> Result<(usize, u32)> {
    let bits = bit_length(modulus.as_bytes());
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(KeyError::RsaSize(bits).into());
    }
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    if !is_odd(modulus.as_bytes()) {
        return Err(KeyError::Invalid("its modulus is even").into());
    }
    // RFC 8017 §3.1: 3 <= e < n, and odd because it is coprime to an even number.
    let exponent_bits = bit_length(exponent.as_bytes());
    if exponent_bits < 2 || !is_odd(exponent.as_bytes()) {
        return Err(KeyError::Invalid("its public exponent is even or less than 3").into());
    }
    if exponent_bits > MAX_EXPONENT_BITS {
        return Err(KeyError::Invalid("its public exponent is 2^32 or more").into());
    }
    let set = exponent.as_bytes().iter().fold(0_u32, |sum, octet| sum.saturating_add(octet.count_ones()));
    Ok((bits, u32::try_from(exponent_bits).unwrap_or(u32::MAX).saturating_add(set)))
}

fn bit_length(number: &[u8]) -> usize {
    let mut rest = number.iter().copied().skip_while(|octet| *octet == 0);
    match rest.next() {
        Some(first) => {
            let spare = usize::try_from(first.leading_zeros()).unwrap_or_default();
            (1 + rest.count()) * 8 - spare
        }
        None => 0,
    }
}

/// RFC 5915 §3 has as many octets as the order; some exporters write a number instead, with a zero in front or
/// with its leading zeros left out.
fn ec_private<K: for<'a> TryFrom<sec1::EcPrivateKey<'a>>, const LEN: usize>(der: &[u8]) -> Result<K> {
    let mut key = sec1::EcPrivateKey::from_der(der).map_err(|_| KeyError::Malformed("ECPrivateKey"))?;
    let mut octets = Zeroizing::new([0; LEN]);
    let (zeros, number) = key.private_key.split_at(key.private_key.len().saturating_sub(LEN));
    if zeros.iter().all(|octet| *octet == 0) && number.len().saturating_add(MAX_ZEROS) >= LEN {
        let from = LEN.saturating_sub(number.len());
        octets.get_mut(from..).unwrap_or_default().copy_from_slice(number);
        key.private_key = octets.as_slice();
    }
    key.try_into()
        .map_err(|_| KeyError::Invalid("its scalar is out of range, or its point is not its own").into())
}

/// RFC 5480 §2.2: uncompressed (4) or compressed (2, 3).
fn point(octets: &[u8]) -> Result<&[u8]> {
    match octets.first() {
        Some(2..=4) => Ok(octets),
        Some(_) | None => Err(KeyError::Malformed("the form of ECPoint").into()),
    }
}

/// What a person calls an algorithm, for errors.
fn name(oid: ObjectIdentifier) -> String {
    NAMES
        .iter()
        .find(|(known, _)| *known == oid)
        .map_or_else(|| oid.to_string(), |(_, name)| (*name).to_owned())
}

/// Octets that may be left out in front of a scalar: one key in 2^32 has more of them.
const MAX_ZEROS: usize = 4;

/// Bits by which a prime may be longer than half the modulus.
const MAX_IMBALANCE_BITS: usize = 64;

/// Bounds the work that a peer's certificate can cause, and is what the fast engine takes; the common exponents
/// are 3 and 2^16 + 1.
const MAX_EXPONENT_BITS: usize = 32;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const SECP521R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// Algorithms and curves that a key may well have and that are not supported.
const NAMES: &[(ObjectIdentifier, &str)] = &[
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.7"), "RSAES-OAEP"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10"), "an RSA key restricted to RSASSA-PSS"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.3.1"), "Diffie-Hellman"),
    (ObjectIdentifier::new_unwrap("1.2.840.10040.4.1"), "DSA"),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.1"), "the curve P-192"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.33"), "the curve P-224"),
    (SECP521R1, "the curve P-521 (for a private key)"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.10"), "the curve secp256k1"),
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.7"), "the curve brainpoolP256r1"),
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.11"), "the curve brainpoolP384r1"),
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.13"), "the curve brainpoolP512r1"),
    (ObjectIdentifier::new_unwrap("1.3.101.110"), "X25519"),
    (ObjectIdentifier::new_unwrap("1.3.101.111"), "X448"),
    (ObjectIdentifier::new_unwrap("1.3.101.113"), "Ed448"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17"), "ML-DSA-44"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18"), "ML-DSA-65"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19"), "ML-DSA-87"),
];
