//! The structures of a PKCS#12 file, written: what OpenSSL 3 writes, PBES2 for both parts.

use der::asn1::ObjectIdentifier;
use der::{Encode as _, Tag};

use super::kdf::Password;
use super::oid::{
    CERT_BAG, CONTEXT_0, CONTEXT_0_PRIMITIVE, DATA, ENCRYPTED_DATA, FRIENDLY_NAME, LOCAL_KEY_ID,
    SHROUDED_KEY_BAG, X509_CERTIFICATE,
};
use super::{Pkcs12Options, mac};
use crate::crypto::Random;
use crate::error::{Error, Result};
use crate::pki::encrypted::{self, Derivation};
use crate::pki::tlv::tlv;
use crate::pki::{Chain, PrivateKey};

/// A file of a key and its chain.
pub(super) fn file(
    key: &PrivateKey,
    chain: &Chain,
    password: &Password<'_>,
    options: &Pkcs12Options<'_>,
    random: &dyn Random,
) -> Result<Vec<u8>> {
    let encryption = Derivation::Iterated(ITERATIONS);
    // As OpenSSL, which takes SHA-1: any octets will do that are the same in both bags.
    let attributes = attributes(options.friendly_name, &chain.leaf().fingerprint()).map_err(NOT_ENCODED)?;

    let mut bags = Vec::new();
    for (depth, certificate) in chain.iter().enumerate() {
        let attributes = if depth == 0 { attributes.as_slice() } else { &[] };
        bags.extend(certificate_bag(certificate.to_der(), attributes).map_err(NOT_ENCODED)?);
    }
    let bags = tlv(Tag::Sequence, &bags).map_err(NOT_ENCODED)?;
    let (scheme, encrypted) = encrypted::seal(&bags, password.utf8, encryption, random)?;
    let scheme = scheme.to_der().map_err(NOT_ENCODED)?;
    let certificates = encrypted_data(&scheme, &encrypted).map_err(NOT_ENCODED)?;

    let pkcs8 = key.to_der(None, random)?;
    let shrouded = encrypted::encrypt(pkcs8.expose(), password.utf8, encryption, random)?;
    let key = bag(SHROUDED_KEY_BAG, &shrouded, &attributes)
        .and_then(|bag| data(&tlv(Tag::Sequence, &bag)?))
        .map_err(NOT_ENCODED)?;

    let content = tlv(Tag::Sequence, &[certificates, key].concat()).map_err(NOT_ENCODED)?;
    let mut salt = [0; SALT_LEN];
    random.fill(&mut salt)?;
    let mac_data = mac::make(options.mac, &content, password, ITERATIONS, &salt)?;
    let build = || tlv(Tag::Sequence, &[3_u8.to_der()?, data(&content)?, mac_data].concat());
    build().map_err(NOT_ENCODED)
}

fn certificate_bag(certificate: &[u8], attributes: &[u8]) -> der::Result<Vec<u8>> {
    let octets = tlv(Tag::OctetString, certificate)?;
    bag(CERT_BAG, &content(X509_CERTIFICATE, &octets)?, attributes)
}

/// A SafeBag (RFC 7292 §4.2).
fn bag(kind: ObjectIdentifier, value: &[u8], attributes: &[u8]) -> der::Result<Vec<u8>> {
    let value = tlv(CONTEXT_0, value)?;
    tlv(Tag::Sequence, &[&kind.to_der()?, value.as_slice(), attributes].concat())
}

/// The SET of friendlyName and localKeyId.
fn attributes(friendly_name: Option<&str>, local_key_id: &[u8]) -> der::Result<Vec<u8>> {
    let mut attributes = vec![attribute(LOCAL_KEY_ID, &tlv(Tag::OctetString, local_key_id)?)?];
    if let Some(name) = friendly_name {
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
        attributes.push(attribute(FRIENDLY_NAME, &tlv(Tag::BmpString, &units)?)?);
    }
    // X.690 §11.6: DER sorts a SET OF by its members' octets.
    attributes.sort_unstable();
    tlv(Tag::Set, &attributes.concat())
}

fn attribute(kind: ObjectIdentifier, value: &[u8]) -> der::Result<Vec<u8>> {
    tlv(Tag::Sequence, &[kind.to_der()?, tlv(Tag::Set, value)?].concat())
}

/// A ContentInfo of octets.
fn data(octets: &[u8]) -> der::Result<Vec<u8>> {
    content(DATA, &tlv(Tag::OctetString, octets)?)
}

/// A ContentInfo of EncryptedData (RFC 5652 §8).
fn encrypted_data(scheme: &[u8], encrypted: &[u8]) -> der::Result<Vec<u8>> {
    let info = [&DATA.to_der()?, scheme, &tlv(CONTEXT_0_PRIMITIVE, encrypted)?].concat();
    let encrypted_data = [0_u8.to_der()?, tlv(Tag::Sequence, &info)?].concat();
    content(ENCRYPTED_DATA, &tlv(Tag::Sequence, &encrypted_data)?)
}

fn content(kind: ObjectIdentifier, value: &[u8]) -> der::Result<Vec<u8>> {
    tlv(Tag::Sequence, &[kind.to_der()?, tlv(CONTEXT_0, value)?].concat())
}

/// Iterations of each of the three derivations, since the cheapest is the one that is attacked: as many as .NET
/// and Windows take in all, which is 600,000.
const ITERATIONS: u32 = 200_000;
/// NIST SP 800-132 §5.1: 128 bits.
const SALT_LEN: usize = 16;
const NOT_ENCODED: fn(der::Error) -> Error = |_| Error::Internal("a PKCS#12 file that does not encode");
