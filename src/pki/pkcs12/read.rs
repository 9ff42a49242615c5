//! The structures of a PKCS#12 file, read (RFC 7292 §4 and §5).

use std::collections::BTreeSet;

use der::asn1::{ObjectIdentifier, OctetStringRef};
use der::{Decode as _, Reader as _, SliceReader, Tag};
use pkcs8::PrivateKeyInfoRef;
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::fault::{malformed, unsupported};
use super::kdf::{Budget, Password};
use super::oid::{
    CERT_BAG, CONTEXT_0, CONTEXT_0_PRIMITIVE, CRL_BAG, DATA, ENCRYPTED_DATA, ENVELOPED_DATA, FRIENDLY_NAME,
    KEY_BAG, LOCAL_KEY_ID, SAFE_CONTENTS_BAG, SDSI_CERTIFICATE, SECRET_BAG, SHROUDED_KEY_BAG, SIGNED_DATA,
    X509_CERTIFICATE,
};
use super::{mac, pbe};
use crate::error::{Error, KeyError, Result};
use crate::pki::MAX_BUNDLE_LEN;
use crate::pki::encrypted;
use crate::pki::key::sha256;
use crate::pki::tlv::{expect, open};

/// What a file holds.
#[derive(Default)]
pub(super) struct Contents {
    keys: Vec<KeyBag>,
    /// SHA-256 of each certificate.
    seen: BTreeSet<[u8; 32]>,
    pub(super) certificates: Vec<CertificateBag>,
}

/// PKCS#8, which may be encrypted still.
struct KeyBag {
    der: Zeroizing<Vec<u8>>,
    is_shrouded: bool,
    attributes: Attributes,
}

/// A certificate as it is encoded.
pub(super) struct CertificateBag {
    pub(super) der: Vec<u8>,
    pub(super) attributes: Attributes,
}

/// What names a key, and ties it to its certificate (RFC 2985 §5.5).
#[derive(Default)]
pub(super) struct Attributes {
    pub(super) friendly_name: Option<String>,
    pub(super) local_key_id: Option<Vec<u8>>,
}

/// The one key of a file, decrypted PKCS#8; and its certificates.
pub(super) type Opened = (Option<(Zeroizing<Vec<u8>>, Attributes)>, Vec<CertificateBag>);

/// Opens a file of version 3.
pub(super) fn file(data: &[u8], password: Password<'_>) -> Result<Opened> {
    let mut budget = Budget::new();
    let pfx = Pfx::of(data).map_err(malformed)?;
    let content = match pfx.content_type {
        DATA => <&OctetStringRef>::from_der(pfx.content).map_err(malformed)?.as_bytes(),
        SIGNED_DATA => {
            return Err(unsupported("a public key protects it (public-key integrity mode), and no password"));
        }
        other => return Err(unsupported(format!("its content is of the type {other}"))),
    };
    let mac_data =
        pfx.mac_data.ok_or_else(|| unsupported("it has no MAC, so anybody may have changed it"))?;
    let password = mac::verify(mac_data, content, password, &mut budget)?;
    let mut contents = Contents::default();
    let mut safes = open(content, Tag::Sequence).map_err(malformed)?;
    while !safes.is_finished() {
        let safe = expect(&mut safes, Tag::Sequence).map_err(malformed)?;
        contents.add_safe(safe, &password, &mut budget)?;
    }
    contents.opened(&password, &mut budget)
}

struct Pfx<'a> {
    content_type: ObjectIdentifier,
    content: &'a [u8],
    mac_data: Option<&'a [u8]>,
}

impl<'a> Pfx<'a> {
    fn of(data: &'a [u8]) -> der::Result<Self> {
        let mut pfx = open(data, Tag::Sequence)?;
        expect(&mut pfx, Tag::Integer)?;
        let (content_type, content) = tagged(expect(&mut pfx, Tag::Sequence)?)?;
        let mac_data = if pfx.is_finished() { None } else { Some(expect(&mut pfx, Tag::Sequence)?) };
        pfx.finish()?;
        Ok(Self { content_type, content, mac_data })
    }
}

impl Contents {
    fn add_safe(&mut self, safe: &[u8], password: &Password<'_>, budget: &mut Budget) -> Result<()> {
        let (content_type, content) = tagged(safe).map_err(malformed)?;
        match content_type {
            DATA => {
                let octets = <&OctetStringRef>::from_der(content).map_err(malformed)?;
                self.add_bags(octets.as_bytes(), 0)
            }
            ENCRYPTED_DATA => {
                let (scheme, encrypted) = encrypted_content(content).map_err(malformed)?;
                let plaintext = pbe::decrypt(scheme, encrypted, password, budget)?;
                self.add_bags(&plaintext, 0)
            }
            ENVELOPED_DATA => {
                Err(unsupported("a part of it is encrypted to a public key (public-key privacy mode)"))
            }
            other => Err(unsupported(format!("a part of it is of the type {other}"))),
        }
    }

    /// SafeContents (RFC 7292 §4.2).
    fn add_bags(&mut self, contents: &[u8], depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(unsupported("its bags are nested deeper than is accepted"));
        }
        let mut bags = open(contents, Tag::Sequence).map_err(malformed)?;
        while !bags.is_finished() {
            let bag = Bag::of(expect(&mut bags, Tag::Sequence).map_err(malformed)?)?;
            self.add_bag(bag, depth)?;
        }
        Ok(())
    }

    fn add_bag(&mut self, bag: Bag<'_>, depth: usize) -> Result<()> {
        let Bag { kind, value, attributes } = bag;
        match kind {
            KEY_BAG | SHROUDED_KEY_BAG => {
                let is_shrouded = kind == SHROUDED_KEY_BAG;
                let der = Zeroizing::new(value.to_vec());
                self.keys.push(KeyBag { der, is_shrouded, attributes });
                check_count(self.keys.len())
            }
            CERT_BAG => {
                let der = certificate(value)?;
                // The same certificate twice says nothing more: Java has its authority in each entry.
                if self.seen.insert(sha256(der)) {
                    self.certificates.push(CertificateBag { der: der.to_vec(), attributes });
                }
                check_count(self.certificates.len())
            }
            SAFE_CONTENTS_BAG => self.add_bags(value, depth.saturating_add(1)),
            CRL_BAG => Err(excess("a revocation list, which is loaded from a file of its own")),
            SECRET_BAG => Err(excess("a secret that is neither key nor certificate")),
            other => Err(excess(format!("something unknown, of the type {other}"))),
        }
    }

    fn opened(mut self, password: &Password<'_>, budget: &mut Budget) -> Result<Opened> {
        if self.keys.len() > 1 {
            let names = self.keys.iter().filter_map(|key| key.attributes.friendly_name.as_deref());
            let names: Vec<String> = names.take(MAX_NAMED).map(|name| format!("{name:?}")).collect();
            let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
            return Err(excess(format!(
                "{} private keys{names}: take one out of it by 'keytool -importkeystore -srckeystore FILE -srcalias \
                 NAME -destkeystore NEW -deststoretype PKCS12'",
                self.keys.len()
            )));
        }
        let Some(KeyBag { der, is_shrouded, attributes }) = self.keys.pop() else {
            return Ok((None, self.certificates));
        };
        if !is_shrouded {
            return Ok((Some((der, attributes)), self.certificates));
        }
        let (scheme, encrypted) = encrypted::parts(&der)?;
        let pkcs8 = pbe::decrypt(scheme, encrypted, password, budget)?;
        // The key may have a password of its own, and one wrong password in 256 leaves good padding.
        PrivateKeyInfoRef::try_from(pkcs8.as_slice()).map_err(|_| KeyError::WrongPassword)?;
        Ok((Some((pkcs8, attributes)), self.certificates))
    }
}

struct Bag<'a> {
    kind: ObjectIdentifier,
    value: &'a [u8],
    attributes: Attributes,
}

impl<'a> Bag<'a> {
    fn of(content: &'a [u8]) -> Result<Self> {
        let parts = || {
            let mut reader = SliceReader::new(content)?;
            let kind = reader.decode()?;
            let value = expect(&mut reader, CONTEXT_0)?;
            let attributes = if reader.is_finished() { &[] } else { expect(&mut reader, Tag::Set)? };
            reader.finish()?;
            Ok((kind, value, attributes))
        };
        let (kind, value, attributes) = parts().map_err(malformed)?;
        Ok(Self { kind, value, attributes: Attributes::of(attributes)? })
    }
}

impl Attributes {
    fn of(set: &[u8]) -> Result<Self> {
        let mut attributes = Self::default();
        let mut set = SliceReader::new(set).map_err(malformed)?;
        while !set.is_finished() {
            let attribute = expect(&mut set, Tag::Sequence).map_err(malformed)?;
            attributes.add(attribute).map_err(malformed)?;
        }
        Ok(attributes)
    }

    /// Those that are not known are Microsoft's provider, Java's uses of a trusted certificate and others, and
    /// change neither key nor certificate.
    fn add(&mut self, attribute: &[u8]) -> der::Result<()> {
        let mut reader = SliceReader::new(attribute)?;
        let kind: ObjectIdentifier = reader.decode()?;
        let values = expect(&mut reader, Tag::Set)?;
        reader.finish()?;
        match kind {
            FRIENDLY_NAME => {
                let (units, rest) = open_string(values, Tag::BmpString)?.as_chunks::<2>();
                let units = units.iter().map(|unit| u16::from_be_bytes(*unit));
                let name: Result<String, _> = char::decode_utf16(units).collect();
                let name =
                    name.ok().filter(|_| rest.is_empty()).ok_or_else(|| Tag::BmpString.value_error())?;
                self.friendly_name = Some(name);
            }
            LOCAL_KEY_ID => self.local_key_id = Some(open_string(values, Tag::OctetString)?.to_vec()),
            _ => {}
        }
        Ok(())
    }
}

/// The one value of an attribute.
fn open_string(values: &[u8], tag: Tag) -> der::Result<&[u8]> {
    let mut reader = SliceReader::new(values)?;
    let value = expect(&mut reader, tag)?;
    reader.finish()?;
    Ok(value)
}

/// An identifier, and what is in the `[0]` behind it: ContentInfo and CertBag.
fn tagged(content: &[u8]) -> der::Result<(ObjectIdentifier, &[u8])> {
    let mut reader = SliceReader::new(content)?;
    let kind = reader.decode()?;
    let value = expect(&mut reader, CONTEXT_0)?;
    reader.finish()?;
    Ok((kind, value))
}

/// The algorithm and the octets of EncryptedData (RFC 5652 §8).
fn encrypted_content(content: &[u8]) -> der::Result<(AlgorithmIdentifierRef<'_>, &[u8])> {
    let mut encrypted_data = open(content, Tag::Sequence)?;
    expect(&mut encrypted_data, Tag::Integer)?;
    let mut info = SliceReader::new(expect(&mut encrypted_data, Tag::Sequence)?)?;
    if info.decode::<ObjectIdentifier>()? != DATA {
        return Err(Tag::ObjectIdentifier.value_error().into());
    }
    let scheme = info.decode()?;
    // BER has the octets in pieces.
    if info.peek_byte() == Some(CONSTRUCTED_CONTEXT_0) {
        return Err(der::ErrorKind::IndefiniteLength.into());
    }
    let octets = expect(&mut info, CONTEXT_0_PRIMITIVE)?;
    info.finish()?;
    Ok((scheme, octets))
}

fn certificate(value: &[u8]) -> Result<&[u8]> {
    let content = || {
        let mut reader = SliceReader::new(value)?;
        let (kind, value) = tagged(expect(&mut reader, Tag::Sequence)?)?;
        reader.finish()?;
        Ok((kind, value))
    };
    let (kind, value) = content().map_err(malformed)?;
    match kind {
        X509_CERTIFICATE => Ok(<&OctetStringRef>::from_der(value).map_err(malformed)?.as_bytes()),
        SDSI_CERTIFICATE => Err(excess("an SDSI certificate")),
        other => Err(excess(format!("a certificate of the type {other}"))),
    }
}

fn excess(what: impl AsRef<str>) -> Error {
    KeyError::Excess(format!("the data holds a PKCS#12 file with {}", what.as_ref())).into()
}

fn check_count(count: usize) -> Result<()> {
    if count > MAX_BUNDLE_LEN {
        return Err(KeyError::Malformed("the PKCS#12 file has more than 1000 keys or certificates").into());
    }
    Ok(())
}

/// RFC 7292 §4.2.6 lets bags hold bags without end; nobody nests them.
const MAX_DEPTH: usize = 4;
/// The most names of keys that an error text lists.
const MAX_NAMED: usize = 4;
/// The identifier octet of a `[0]` that others are in.
const CONSTRUCTED_CONTEXT_0: u8 = 0xA0;
