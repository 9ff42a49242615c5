//! Degenerate SignedData: certificates and no signature (RFC 5652 §5.1, RFC 5751 §3.7, RFC 7030 §4.1.3).

use der::asn1::ObjectIdentifier;
use der::{Decode, Encode, Reader, SliceReader, Tag, TagNumber};

use super::tlv::{expect, open, tlv};
use crate::error::{Error, Result};

/// The most certificates of a bundle: the largest public root stores have about 150.
pub const MAX_BUNDLE_LEN: usize = 1000;

/// The certs-only message of these certificates, DER.
///
/// # Errors
/// [`Error::Internal`] for more octets than DER has lengths for.
pub(crate) fn encode(certificates: &[&[u8]]) -> Result<Vec<u8>> {
    build(certificates).map_err(|_| Error::Internal("certificates that do not fit into PKCS#7"))
}

/// The DER of each certificate of a certs-only message, in its order. One that also has revocation lists or
/// content is refused: whoever takes the certificates alone would lose them.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<&[u8]>, &'static str> {
    let (certificates, has_lists) = parse(bytes)
        .map_err(|_| "the PKCS#7 bundle is not SignedData in DER with certificates, or cut short")?;
    if has_lists {
        return Err("the PKCS#7 bundle has revocation lists, which are loaded from files of their own");
    }
    Ok(certificates)
}

fn build(certificates: &[&[u8]]) -> der::Result<Vec<u8>> {
    let mut certificates = certificates.to_vec();
    // X.690 §11.6: DER sorts a SET OF by its members' octets.
    certificates.sort_unstable();
    let signed_data = [
        tlv(Tag::Integer, &[VERSION])?,
        tlv(Tag::Set, &[])?,
        tlv(Tag::Sequence, &ID_DATA.to_der()?)?,
        tlv(CONTEXT_0, &certificates.concat())?,
        tlv(Tag::Set, &[])?,
    ];
    let content = tlv(CONTEXT_0, &tlv(Tag::Sequence, &signed_data.concat())?)?;
    tlv(Tag::Sequence, &[ID_SIGNED_DATA.to_der()?, content].concat())
}

/// The certificates, and whether there are revocation lists.
fn parse(bytes: &[u8]) -> der::Result<(Vec<&[u8]>, bool)> {
    let mut content_info = open(bytes, Tag::Sequence)?;
    if content_info.decode::<ObjectIdentifier>()? != ID_SIGNED_DATA {
        return Err(Tag::ObjectIdentifier.value_error().into());
    }
    let mut explicit = open(content_info.tlv_bytes()?, CONTEXT_0)?;
    content_info.finish()?;
    let mut signed_data = open(explicit.tlv_bytes()?, Tag::Sequence)?;
    explicit.finish()?;
    expect(&mut signed_data, Tag::Integer)?;
    expect(&mut signed_data, Tag::Set)?;
    // RFC 5652 §5.2: without content there is its type alone.
    <ObjectIdentifier>::from_der(expect(&mut signed_data, Tag::Sequence)?)?;
    let mut certificates = SliceReader::new(expect(&mut signed_data, CONTEXT_0)?)?;
    let has_lists = signed_data.peek_byte() == Some(CRLS) && !expect(&mut signed_data, CONTEXT_1)?.is_empty();
    expect(&mut signed_data, Tag::Set)?;
    signed_data.finish()?;
    let mut found = Vec::new();
    while !certificates.is_finished() {
        if found.len() > MAX_BUNDLE_LEN {
            return Err(der::ErrorKind::Overlength.into());
        }
        found.push(certificates.tlv_bytes()?);
    }
    Ok((found, has_lists))
}

/// RFC 5652 §5.1: 1 where there are neither other certificates nor signers.
const VERSION: u8 = 1;

const ID_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ID_SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

const CONTEXT_0: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
const CONTEXT_1: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(1) };

/// The identifier octet of CONTEXT_1.
const CRLS: u8 = 0xA1;
