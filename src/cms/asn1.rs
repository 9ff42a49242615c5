//! The structures of RFC 5652, RFC 5083 and the RFCs around them, as far as they are accepted: an OPTIONAL
//! field that is not here is refused where it is there.

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Reader as _, Sequence, SliceReader, Tag, TagNumber, Tagged as _};
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use crate::error::{CmsError, Error, Result};

/// RFC 5652 §3.
#[derive(Sequence)]
pub(super) struct ContentInfo<'a> {
    pub(super) content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) content: AnyRef<'a>,
}

/// RFC 5652 §5.1, without crls.
#[derive(Sequence)]
pub(super) struct SignedData<'a> {
    pub(super) version: u8,
    /// SET OF DigestAlgorithmIdentifier.
    pub(super) digest_algorithms: AnyRef<'a>,
    pub(super) encap_content_info: EncapsulatedContentInfo<'a>,
    /// \[0\] IMPLICIT CertificateSet.
    pub(super) certificates: AnyRef<'a>,
    /// SET OF [`SignerInfo`].
    pub(super) signer_infos: AnyRef<'a>,
}

/// RFC 5652 §5.2.
#[derive(Sequence)]
pub(super) struct EncapsulatedContentInfo<'a> {
    pub(super) content_type: ObjectIdentifier,
    /// Absent where what was signed is elsewhere.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) content: Option<&'a OctetStringRef>,
}

/// RFC 5652 §5.3, with signedAttrs and without unsignedAttrs.
#[derive(Sequence)]
pub(super) struct SignerInfo<'a> {
    pub(super) version: u8,
    /// SignerIdentifier.
    pub(super) sid: AnyRef<'a>,
    pub(super) digest_algorithm: AlgorithmIdentifierRef<'a>,
    /// \[0\] IMPLICIT SignedAttributes.
    pub(super) signed_attributes: AnyRef<'a>,
    pub(super) signature_algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) signature: &'a OctetStringRef,
}

/// RFC 5652 §5.3.
#[derive(Sequence)]
pub(super) struct Attribute<'a> {
    pub(super) kind: ObjectIdentifier,
    /// SET OF AttributeValue.
    pub(super) values: AnyRef<'a>,
}

/// RFC 5035 §3, without policies.
#[derive(Sequence)]
pub(super) struct SigningCertificateV2<'a> {
    pub(super) certificates: Vec<EssCertIdV2<'a>>,
}

/// RFC 5035 §4.
#[derive(Sequence)]
pub(super) struct EssCertIdV2<'a> {
    /// SHA-256 where it is left out.
    #[asn1(optional = "true")]
    pub(super) hash_algorithm: Option<AlgorithmIdentifierRef<'a>>,
    pub(super) hash: &'a OctetStringRef,
    /// IssuerSerial, which adds nothing to the hash.
    #[asn1(optional = "true")]
    pub(super) issuer_serial: Option<IssuerSerial<'a>>,
}

/// RFC 5035 §5, with GeneralNames as they are.
#[derive(Sequence)]
pub(super) struct IssuerSerial<'a> {
    pub(super) issuer: AnyRef<'a>,
    pub(super) serial_number: AnyRef<'a>,
}

/// RFC 5083 §2.1, without originatorInfo, authAttrs and unauthAttrs.
#[derive(Sequence)]
pub(super) struct AuthEnvelopedData<'a> {
    pub(super) version: u8,
    /// SET OF RecipientInfo.
    pub(super) recipient_infos: AnyRef<'a>,
    pub(super) encrypted_content_info: EncryptedContentInfo<'a>,
    pub(super) mac: &'a OctetStringRef,
}

/// RFC 5652 §6.1, without originatorInfo and unprotectedAttrs.
#[derive(Sequence)]
pub(super) struct EnvelopedData<'a> {
    pub(super) version: u8,
    /// SET OF RecipientInfo.
    pub(super) recipient_infos: AnyRef<'a>,
    pub(super) encrypted_content_info: EncryptedContentInfo<'a>,
}

/// RFC 5652 §6.1, with content.
#[derive(Sequence)]
pub(super) struct EncryptedContentInfo<'a> {
    pub(super) content_type: ObjectIdentifier,
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    pub(super) encrypted_content: &'a OctetStringRef,
}

/// RFC 5652 §6.2.1.
#[derive(Sequence)]
pub(super) struct KeyTransRecipientInfo<'a> {
    pub(super) version: u8,
    /// RecipientIdentifier.
    pub(super) rid: AnyRef<'a>,
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) encrypted_key: &'a OctetStringRef,
}

/// RFC 5652 §6.2.2; in a message it is tagged \[1\].
#[derive(Sequence)]
pub(super) struct KeyAgreeRecipientInfo<'a> {
    pub(super) version: u8,
    /// OriginatorIdentifierOrKey.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) originator: AnyRef<'a>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) ukm: Option<&'a OctetStringRef>,
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    /// SEQUENCE OF [`RecipientEncryptedKey`].
    pub(super) encrypted_keys: AnyRef<'a>,
}

/// RFC 5652 §6.2.2; in a message it is tagged \[1\].
#[derive(Sequence)]
pub(super) struct OriginatorPublicKey<'a> {
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) public_key: BitStringRef<'a>,
}

/// RFC 5652 §6.2.2.
#[derive(Sequence)]
pub(super) struct RecipientEncryptedKey<'a> {
    /// KeyAgreeRecipientIdentifier.
    pub(super) rid: AnyRef<'a>,
    pub(super) encrypted_key: &'a OctetStringRef,
}

/// ECC-CMS-SharedInfo (RFC 5753 §7.2).
#[derive(Sequence)]
pub(super) struct SharedInfo<'a> {
    pub(super) key_info: AlgorithmIdentifierRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) entity_u_info: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT")]
    pub(super) supp_pub_info: &'a OctetStringRef,
}

/// GCMParameters (RFC 5084 §3.2).
#[derive(Sequence)]
pub(super) struct GcmParameters<'a> {
    pub(super) nonce: &'a OctetStringRef,
    /// 12 where it is left out, which is too short here.
    pub(super) icv_len: u8,
}

/// RSAES-OAEP-params (RFC 4055 §4.1).
#[derive(Sequence)]
pub(super) struct OaepParameters<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) hash: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) mask: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) label: Option<AlgorithmIdentifierRef<'a>>,
}

/// RSASSA-PSS-params (RFC 4055 §3.1); the trailer field may only be left out.
#[derive(Sequence)]
pub(super) struct PssParameters<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) hash: AlgorithmIdentifierRef<'a>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT")]
    pub(super) mask: AlgorithmIdentifierRef<'a>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT")]
    pub(super) salt_len: u16,
}

/// Reads all of `der`, which must be what writing it again gives.
pub(super) fn exact<'a, T>(der: &'a [u8], what: &'static str) -> Result<T>
where
    T: Decode<'a, Error = der::Error> + Encode,
{
    let value = T::from_der(der).map_err(|_| malformed(what))?;
    if *encoded(&value)? == der { Ok(value) } else { Err(malformed(what)) }
}

/// As [`exact`], for a SEQUENCE that has the tag `tag` instead of its own (IMPLICIT).
pub(super) fn retagged(any: AnyRef<'_>, tag: Tag, what: &'static str) -> Result<Octets> {
    if any.tag() != tag {
        return Err(malformed(what));
    }
    tlv(Tag::Sequence, any.value())
}

/// The encoded members of a SET OF (or, where `is_set` is not so, a SEQUENCE OF), one to `most`. X.690 §11.6:
/// DER has those of a set in ascending order.
pub(super) fn members<'a>(
    any: AnyRef<'a>,
    tag: Tag,
    most: usize,
    is_set: bool,
    what: &'static str,
) -> Result<Vec<&'a [u8]>> {
    let mut found: Vec<&[u8]> = Vec::new();
    let mut reader = SliceReader::new(any.value()).map_err(|_| malformed(what))?;
    while !reader.is_finished() {
        let member = reader.tlv_bytes().map_err(|_| malformed(what))?;
        if found.len() >= most || (is_set && found.last().is_some_and(|last| *last >= member)) {
            return Err(malformed(what));
        }
        found.push(member);
    }
    if any.tag() == tag && !found.is_empty() { Ok(found) } else { Err(malformed(what)) }
}

/// The only member of a SET OF.
pub(super) fn only_member<'a>(any: AnyRef<'a>, what: &'static str) -> Result<&'a [u8]> {
    members(any, Tag::Set, 1, true, what)?.first().copied().ok_or(malformed(what))
}

/// A SET OF these members, each once.
pub(super) fn set_of(tag: Tag, mut members: Vec<Octets>) -> Result<Octets> {
    members.sort_unstable_by(|a, b| a.as_slice().cmp(b));
    members.dedup();
    // Reserved, so that no copy is left behind by growing.
    let len = members.iter().fold(0usize, |len, member| len.saturating_add(member.len()));
    let mut content = Zeroizing::new(Vec::with_capacity(len));
    members.iter().for_each(|member| content.extend_from_slice(member));
    tlv(tag, &content)
}

pub(super) fn tlv(tag: Tag, content: &[u8]) -> Result<Octets> {
    encoded(&AnyRef::new(tag, content).map_err(|_| NOT_ENCODED)?)
}

pub(super) fn encoded(value: &impl Encode) -> Result<Octets> {
    // It is as long as it says from the beginning: writing leaves no copies behind.
    value.to_der().map(Zeroizing::new).map_err(|_| NOT_ENCODED)
}

/// What is encoded may be a content, or have the hash of one, from which six digits are soon found: wiped when
/// dropped.
pub(super) type Octets = Zeroizing<Vec<u8>>;

pub(super) fn any(der: &[u8]) -> Result<AnyRef<'_>> {
    AnyRef::from_der(der).map_err(|_| NOT_ENCODED)
}

pub(super) fn octets(octets: &[u8]) -> Result<&OctetStringRef> {
    OctetStringRef::new(octets).map_err(|_| NOT_ENCODED)
}

pub(super) const fn malformed(what: &'static str) -> Error {
    Error::Cms(CmsError::Malformed(what))
}

pub(super) fn unsupported(what: impl Into<String>) -> Error {
    CmsError::Unsupported(what.into()).into()
}

pub(super) const CONTEXT_0: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
pub(super) const CONTEXT_1: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(1) };
/// A primitive type, IMPLICIT.
pub(super) const CONTEXT_0_PRIMITIVE: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber(0) };

const NOT_ENCODED: Error = Error::Internal("a CMS message that does not encode");
