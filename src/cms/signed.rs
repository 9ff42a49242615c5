//! SignedData (RFC 5652 §5) with one signer, signed attributes, and the signer's certificate.

use der::asn1::{AnyRef, GeneralizedTime, ObjectIdentifier, UtcTime};
use der::{DateTime, Decode as _, SliceReader, Tag, Tagged as _};

use super::algorithm::{
    CONTENT_TYPE, ID_AUTH_ENVELOPED_DATA, ID_DATA, ID_ENVELOPED_DATA, ID_SIGNED_DATA, MESSAGE_DIGEST,
    SIGNING_CERTIFICATE_V2, SIGNING_TIME, SMIME_CAPABILITIES, hash_identifier, hash_of, signature_made_by,
    signature_method,
};
use super::asn1::{
    Attribute, CONTEXT_0, CONTEXT_0_PRIMITIVE, CONTEXT_1, ContentInfo, EncapsulatedContentInfo, EssCertIdV2,
    Octets, SignedData, SignerInfo, SigningCertificateV2, any, encoded, exact, malformed, members, octets,
    only_member, set_of, tlv, unsupported,
};
use super::recipient::issuer_and_serial;
use crate::crypto::Random;
use crate::crypto::sign::SignatureHash;
use crate::error::{CmsError, Error, KeyError, Result};
use crate::pki::{Certificate, Chain, Identity, MAX_CHAIN_LEN};
use crate::secret::{Secret, ct_eq};
use crate::time::UnixTime;

/// What a signature covers, and who made it; whether he is trusted is another question.
pub(super) struct Verified {
    pub(super) content: Secret,
    /// The signer first.
    pub(super) chain: Chain,
    pub(super) signed_at: Option<UnixTime>,
}

/// Signs `content`, which has the type id-data.
pub(super) fn sign(content: &[u8], signer: &Identity, now: UnixTime, random: &dyn Random) -> Result<Secret> {
    let (scheme, hash, algorithm) = signature_made_by(signer.key().algorithm())?;
    let attributes = vec![
        attribute(CONTENT_TYPE, &encoded(&ID_DATA)?)?,
        attribute(SIGNING_TIME, &time(now)?)?,
        attribute(MESSAGE_DIGEST, &tlv(Tag::OctetString, &Octets::new(hash.digest(content)))?)?,
        attribute(SIGNING_CERTIFICATE_V2, &signing_certificate(signer.certificate())?)?,
    ];
    let attributes = set_of(Tag::Set, attributes)?;
    // RFC 5652 §5.4: what is signed has the tag of a SET OF, and not [0].
    let signature = signer.key().sign(scheme, &attributes, random)?;
    let sid = issuer_and_serial(signer.certificate())?;
    let signed_attributes = tlv(CONTEXT_0, any(&attributes)?.value())?;
    let signer_info = encoded(&SignerInfo {
        version: VERSION_1,
        sid: any(&sid)?,
        digest_algorithm: hash_identifier(hash),
        signed_attributes: any(&signed_attributes)?,
        signature_algorithm: exact(&algorithm, SIGNER_INFO)?,
        signature: octets(&signature)?,
    })?;
    let certificates = signer.chain().iter().map(|one| Octets::new(one.to_der().to_vec())).collect();
    let signed = encoded(&SignedData {
        version: VERSION_1,
        digest_algorithms: any(&set_of(Tag::Set, vec![encoded(&hash_identifier(hash))?])?)?,
        encap_content_info: EncapsulatedContentInfo {
            content_type: ID_DATA,
            content: Some(octets(content)?),
        },
        certificates: any(&set_of(CONTEXT_0, certificates)?)?,
        signer_infos: any(&set_of(Tag::Set, vec![signer_info])?)?,
    })?;
    encoded(&ContentInfo { content_type: ID_SIGNED_DATA, content: any(&signed)? }).map(Secret::from)
}

/// Whether `message` is a ContentInfo of any type.
pub(super) fn is_message(message: &[u8]) -> bool {
    exact::<ContentInfo<'_>>(message, "ContentInfo").is_ok()
}

/// Verifies the signature with the key of the certificate that the signer names; `detached` is what was signed
/// where it is not in the message.
pub(super) fn verify(message: &[u8], detached: Option<&[u8]>) -> Result<Verified> {
    let info: ContentInfo<'_> = exact(message, "ContentInfo")?;
    match info.content_type {
        ID_SIGNED_DATA => {}
        ID_ENVELOPED_DATA | ID_AUTH_ENVELOPED_DATA => return Err(CmsError::Encrypted.into()),
        other => {
            return Err(unsupported(format!("a message of the type {other} where it is to be signed")));
        }
    }
    let signed = encoded(&info.content)?;
    let signed: SignedData<'_> = exact(&signed, SIGNED_DATA).map_err(|error| data_fault(&signed, error))?;
    if signed.encap_content_info.content_type != ID_DATA {
        let kind = signed.encap_content_info.content_type;
        return Err(unsupported(format!("a signed content of the type {kind}")));
    }
    // RFC 5652 §5.1: 1, or 3 where the signer is named by the key.
    let signer = only_member(signed.signer_infos, ONE_SIGNER).map_err(|_| unsupported(ONE_SIGNER))?;
    let signer: SignerInfo<'_> = exact(signer, SIGNER_INFO).map_err(|error| signer_fault(signer, error))?;
    if signed.version != signer.version {
        return Err(malformed("the version of a SignedData"));
    }
    let hash = hash_of(&signer.digest_algorithm)?;
    // Nothing is hashed before this is known to be the signer's one.
    if only_member(signed.digest_algorithms, DIGEST_ALGORITHMS)? != *encoded(&signer.digest_algorithm)? {
        return Err(malformed(DIGEST_ALGORITHMS));
    }
    let method = signature_method(&signer.signature_algorithm, hash)?;
    let chain = chain(signed.certificates, &signer)?;
    let leaf = chain.leaf();

    let content = match (signed.encap_content_info.content, detached) {
        (Some(content), None) => content.as_bytes(),
        (None, Some(content)) => content,
        (None, None) => return Err(CmsError::ContentMissing.into()),
        (Some(_), Some(_)) => return Err(CmsError::ContentInside.into()),
    };
    // RFC 5652 §5.4: what is signed has the tag of a SET OF, and not [0].
    let attributes = tlv(Tag::Set, signer.signed_attributes.value())?;
    leaf.public_key().verifying().verify_by(method, &attributes, signer.signature.as_bytes())?;
    let attributes = Attributes::of(signer.signed_attributes)?;
    if !ct_eq(&attributes.message_digest, &Octets::new(hash.digest(content))) {
        return Err(KeyError::BadSignature.into());
    }
    if attributes.signing_certificate.is_some_and(|(hash, own)| hash.digest(leaf.to_der()) != own) {
        return Err(KeyError::BadSignature.into());
    }
    Ok(Verified { content: Secret::from(content.to_vec()), signed_at: attributes.signed_at, chain })
}

/// What a SignedData that is not read has or lacks, where that can be told from the tags of its fields.
fn data_fault(der: &[u8], error: Error) -> Error {
    match tags(der).as_slice() {
        [Tag::Integer, Tag::Set, Tag::Sequence, Tag::Set] => unsupported("SignedData without certificates"),
        [Tag::Integer, Tag::Set, Tag::Sequence, CONTEXT_0, CONTEXT_1, Tag::Set]
        | [Tag::Integer, Tag::Set, Tag::Sequence, CONTEXT_1, Tag::Set] => {
            unsupported("SignedData with revocation lists")
        }
        _ => error,
    }
}

/// The same of a SignerInfo.
fn signer_fault(der: &[u8], error: Error) -> Error {
    match tags(der).as_slice() {
        [Tag::Integer, _, Tag::Sequence, Tag::Sequence, Tag::OctetString, ..] => {
            unsupported("a signature without signed attributes")
        }
        [.., Tag::OctetString, CONTEXT_1] => {
            unsupported("a signature with unsigned attributes, such as a time stamp")
        }
        _ => error,
    }
}

/// The tags of the members of a SEQUENCE, as many as a structure here has.
fn tags(der: &[u8]) -> Vec<Tag> {
    let Ok(mut reader) =
        any(der).and_then(|any| SliceReader::new(any.value()).map_err(|_| malformed(SIGNED_DATA)))
    else {
        return Vec::new();
    };
    core::iter::from_fn(|| AnyRef::decode(&mut reader).ok()).take(MAX_FIELDS).map(|one| one.tag()).collect()
}

/// The certificates of a message, the signer's first.
fn chain(certificates: AnyRef<'_>, signer: &SignerInfo<'_>) -> Result<Chain> {
    let ders = members(certificates, CONTEXT_0, MAX_CHAIN_LEN, true, "the certificates of a SignedData")?;
    let mut chain = Vec::new();
    let mut leaf = None;
    let version = if signer.sid.tag() == Tag::Sequence {
        VERSION_1
    } else if signer.sid.tag() == CONTEXT_0_PRIMITIVE {
        VERSION_3
    } else {
        return Err(malformed(SIGNER_INFO));
    };
    if signer.version != version {
        return Err(malformed("the version of a SignerInfo"));
    }
    let sid = encoded(&signer.sid)?;
    for der in ders {
        let certificate = match Certificate::of_der(der) {
            Ok(certificate) => certificate,
            // Another's key of a kind that is not ours: RFC 5652 §10.2.3 has certificates that no path needs.
            Err(Error::Key(_)) => continue,
            Err(error) => return Err(error),
        };
        let is_signer = match version {
            VERSION_1 => issuer_and_serial(&certificate)? == sid,
            _ => certificate.subject_key_identifier() == Some(signer.sid.value()),
        };
        if is_signer && leaf.is_none() {
            leaf = Some(certificate);
        } else {
            chain.push(certificate);
        }
    }
    chain.insert(0, leaf.ok_or(malformed(NO_CERTIFICATE))?);
    Chain::new(chain)
}

/// What is signed beside the content.
struct Attributes {
    message_digest: Octets,
    signed_at: Option<UnixTime>,
    /// The hash of the signer's certificate (RFC 5035 §5.4).
    signing_certificate: Option<(SignatureHash, Vec<u8>)>,
}

impl Attributes {
    fn of(list: AnyRef<'_>) -> Result<Self> {
        let mut seen: Vec<ObjectIdentifier> = Vec::new();
        let (mut content_type, mut message_digest) = (None, None);
        let (mut signed_at, mut signing_certificate) = (None, None);
        for attribute in members(list, CONTEXT_0, MAX_ATTRIBUTES, true, ATTRIBUTES)? {
            let attribute: Attribute<'_> = exact(attribute, ATTRIBUTES)?;
            // RFC 5652 §5.3: never twice, and of each of these one value.
            if seen.contains(&attribute.kind) {
                return Err(malformed(ATTRIBUTES));
            }
            seen.push(attribute.kind);
            let value = only_member(attribute.values, ATTRIBUTES)?;
            match attribute.kind {
                CONTENT_TYPE => content_type = Some(exact::<ObjectIdentifier>(value, ATTRIBUTES)?),
                MESSAGE_DIGEST => {
                    let digest: &der::asn1::OctetStringRef = exact(value, ATTRIBUTES)?;
                    message_digest = Some(Octets::new(digest.as_bytes().to_vec()));
                }
                SIGNING_TIME => signed_at = Some(time_of(value)?),
                SIGNING_CERTIFICATE_V2 => signing_certificate = Some(signing_certificate_of(value)?),
                // What the signer can decrypt, which OpenSSL adds: no part of what is said.
                SMIME_CAPABILITIES => {}
                other => return Err(unsupported(format!("the signed attribute {other}"))),
            }
        }
        // RFC 5652 §11.1: the type of the content that was signed.
        if content_type != Some(ID_DATA) {
            return Err(malformed("the signed contentType"));
        }
        let message_digest = message_digest.ok_or(malformed("a signature without messageDigest"))?;
        Ok(Self { message_digest, signed_at, signing_certificate })
    }
}

fn attribute(kind: ObjectIdentifier, value: &[u8]) -> Result<Octets> {
    encoded(&Attribute { kind, values: any(&tlv(Tag::Set, value)?)? })
}

/// RFC 5035 §3: with it, the certificate cannot be exchanged for another of the same key.
fn signing_certificate(certificate: &Certificate) -> Result<Octets> {
    let hash = certificate.fingerprint();
    let certificate = EssCertIdV2 { hash_algorithm: None, hash: octets(&hash)?, issuer_serial: None };
    encoded(&SigningCertificateV2 { certificates: vec![certificate] })
}

fn signing_certificate_of(value: &[u8]) -> Result<(SignatureHash, Vec<u8>)> {
    const WHAT: &str = "signingCertificateV2";
    if value.len() > MAX_SIGNING_CERTIFICATE_LEN {
        return Err(malformed(WHAT));
    }
    let list: SigningCertificateV2<'_> = exact(value, WHAT)?;
    // RFC 5035 §3: the first is the signer's.
    let first = list.certificates.first().ok_or(malformed(WHAT))?;
    let hash = match &first.hash_algorithm {
        None => SignatureHash::Sha256,
        Some(algorithm) => hash_of(algorithm)?,
    };
    Ok((hash, first.hash.as_bytes().to_vec()))
}

/// RFC 5652 §11.3: UTCTime through 2049, and GeneralizedTime from then on.
fn time(time: UnixTime) -> Result<Octets> {
    let time = DateTime::from_unix_duration(core::time::Duration::from_secs(time.0))
        .map_err(|_| Error::misuse("a time that no certificate can have", "pass the current time"))?;
    match UtcTime::from_date_time(time) {
        Ok(time) => encoded(&time),
        Err(_) => encoded(&GeneralizedTime::from_date_time(time)),
    }
}

fn time_of(value: &[u8]) -> Result<UnixTime> {
    const WHAT: &str = "signingTime";
    let since = if any(value)?.tag() == Tag::UtcTime {
        exact::<UtcTime>(value, WHAT)?.to_unix_duration()
    } else {
        exact::<GeneralizedTime>(value, WHAT)?.to_unix_duration()
    };
    Ok(UnixTime(since.as_secs()))
}

/// The most octets of signingCertificateV2, of which the first hash counts: some writers add the hash, issuer and
/// serial number of each certificate of the chain.
const MAX_SIGNING_CERTIFICATE_LEN: usize = 4096;

/// The most signed attributes: there are five that are read.
const MAX_ATTRIBUTES: usize = 8;

/// The most fields of a SignedData or SignerInfo (RFC 5652 §5.1, §5.3).
const MAX_FIELDS: usize = 7;

const SIGNED_DATA: &str = "SignedData, or a field of it not accepted";
const SIGNER_INFO: &str = "SignerInfo, or a field of it not accepted";
const ONE_SIGNER: &str = "SignedData that has not one signer";
const NO_CERTIFICATE: &str = "SignedData without the signer's certificate";
const DIGEST_ALGORITHMS: &str = "the digest algorithms of a SignedData, which are not the signer's one";
const ATTRIBUTES: &str = "the signed attributes";

// RFC 5652 §5.1 and §5.3.
const VERSION_1: u8 = 1;
const VERSION_3: u8 = 3;
