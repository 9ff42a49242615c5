//! RecipientInfo (RFC 5652 §6.2): the content's key for the holder of one certificate, by RSAES-OAEP
//! (RFC 3560) or by ephemeral-static ECDH and AES key wrap (RFC 5753).

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use der::{Tag, Tagged as _};
use spki::AlgorithmIdentifierRef;

use super::algorithm::{
    AES_256_WRAP, ID_EC_PUBLIC_KEY, STD_DH_SHA256_KDF, check_key_transport, kdf_hash, key_transport,
    wrap_key_len,
};
use super::asn1::{
    CONTEXT_0, CONTEXT_0_PRIMITIVE, CONTEXT_1, KeyAgreeRecipientInfo, KeyTransRecipientInfo, Octets,
    OriginatorPublicKey, RecipientEncryptedKey, SharedInfo, any, encoded, exact, malformed, members, octets,
    retagged, tlv, unsupported,
};
use crate::crypto::sign::KeyAlgorithm;
use crate::crypto::x963::{self, KdfHash};
use crate::crypto::{Random, key_wrap};
use crate::error::{Check, CmsError, Error, Finding, Report, Result};
use crate::pki::{Certificate, Identity};
use crate::secret::Secret;

/// The most recipients of a message, and the most that share one key agreement.
pub const MAX_RECIPIENTS: usize = 100;

/// The DER of the RecipientInfo that gives `key` to the holder of `recipient`.
///
/// # Errors
/// [`Error::BadCertificate`] for a certificate that is not for this use; [`Error::Random`].
pub(super) fn for_holder(recipient: &Certificate, key: &Secret, random: &dyn Random) -> Result<Octets> {
    check_usage(recipient)?;
    let rid = issuer_and_serial(recipient)?;
    match recipient.public_key().algorithm() {
        KeyAlgorithm::Rsa(_) => {
            let algorithm = key_transport()?;
            encoded(&KeyTransRecipientInfo {
                version: VERSION_OF_ISSUER_AND_SERIAL,
                rid: any(&rid)?,
                algorithm: exact(&algorithm, KEY_TRANSPORT)?,
                encrypted_key: octets(&recipient.public_key().encrypt(b"", key.expose(), random)?)?,
            })
        }
        KeyAlgorithm::EcdsaP521 | KeyAlgorithm::Ed25519 => Err(no_encryption(recipient)),
        KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384 => {
            let mut ukm = [0; UKM_LEN];
            random.fill(&mut ukm)?;
            let (point, secret) = recipient.public_key().agree_as_ephemeral(random)?;
            let wrap = AlgorithmIdentifierRef { oid: AES_256_WRAP, parameters: None };
            let kek = key_encryption_key(KdfHash::Sha256, &secret, wrap, 32, Some(&ukm))?;
            let originator = encoded(&OriginatorPublicKey {
                // RFC 5753 §3.1.1: absent, since the curve is the recipient's.
                algorithm: AlgorithmIdentifierRef { oid: ID_EC_PUBLIC_KEY, parameters: None },
                public_key: BitStringRef::from_bytes(&point).map_err(|_| malformed(KEY_AGREEMENT))?,
            })?;
            let originator = tlv(CONTEXT_1, any(&originator)?.value())?;
            let wrapped = key_wrap::wrap(kek.expose(), key.expose())?;
            let encrypted_key =
                encoded(&RecipientEncryptedKey { rid: any(&rid)?, encrypted_key: octets(&wrapped)? })?;
            let wrap = encoded(&wrap)?;
            let info = encoded(&KeyAgreeRecipientInfo {
                version: VERSION_OF_KEY_AGREEMENT,
                originator: any(&originator)?,
                ukm: Some(octets(&ukm)?),
                algorithm: AlgorithmIdentifierRef { oid: STD_DH_SHA256_KDF, parameters: Some(any(&wrap)?) },
                encrypted_keys: any(&tlv(Tag::Sequence, &encrypted_key)?)?,
            })?;
            tlv(CONTEXT_1, any(&info)?.value())
        }
    }
}

/// The content's key, for `recipient`, and whether every RecipientInfo is of version 0, which decides the
/// version of an EnvelopedData (RFC 5652 §6.1).
///
/// # Errors
/// [`CmsError::NotRecipient`]; [`CmsError::Unsupported`] for an algorithm of ours in the message;
/// [`Error::DecryptFailed`] where the key does not come out, whatever the cause.
pub(super) fn content_key(
    infos: AnyRef<'_>,
    recipient: &Identity,
    random: &dyn Random,
) -> Result<(Secret, bool)> {
    let own = Own::of(recipient)?;
    let (mut found, mut all_version_0) = (None, true);
    for info in members(infos, Tag::Set, MAX_RECIPIENTS, true, "recipientInfos")? {
        let of_info = any(info)?;
        let opened = if of_info.tag() == Tag::Sequence {
            let info: KeyTransRecipientInfo<'_> = exact(info, KEY_TRANSPORT)?;
            all_version_0 &= info.version == VERSION_OF_ISSUER_AND_SERIAL;
            own.open_transport(&info, found.is_some(), random)?
        } else if of_info.tag() == CONTEXT_1 {
            all_version_0 = false;
            own.open_agreement(&retagged(of_info, CONTEXT_1, KEY_AGREEMENT)?, found.is_some())?
        } else {
            return Err(unsupported("a recipient that has no certificate (a password or a shared key)"));
        };
        found = found.or(opened);
    }
    Ok((found.ok_or(CmsError::NotRecipient)?, all_version_0))
}

/// Who we are as recipients.
struct Own<'a> {
    identity: &'a Identity,
    issuer_and_serial: Octets,
}

impl<'a> Own<'a> {
    fn of(identity: &'a Identity) -> Result<Self> {
        Ok(Self { identity, issuer_and_serial: issuer_and_serial(identity.certificate())? })
    }

    /// Where the key `is_known` already, another is not looked at: a message may name us a hundred times, and
    /// costs one operation of our key.
    fn open_transport(
        &self,
        info: &KeyTransRecipientInfo<'_>,
        is_known: bool,
        random: &dyn Random,
    ) -> Result<Option<Secret>> {
        // RFC 5652 §6.2.1: the version says how the recipient is named.
        let (version, is_ours) = if info.rid.tag() == Tag::Sequence {
            (VERSION_OF_ISSUER_AND_SERIAL, encoded(&info.rid)? == self.issuer_and_serial)
        } else if info.rid.tag() == CONTEXT_0_PRIMITIVE {
            (VERSION_OF_KEY_IDENTIFIER, self.is_key_identifier(info.rid.value()))
        } else {
            return Err(malformed(KEY_TRANSPORT));
        };
        if info.version != version {
            return Err(malformed("the version of a KeyTransRecipientInfo"));
        }
        if !is_ours || is_known {
            return Ok(None);
        }
        check_key_transport(&info.algorithm)?;
        match self.identity.key().decrypt(b"", info.encrypted_key.as_bytes(), random) {
            Ok(key) => Ok(Some(key)),
            Err(Error::Random) => Err(Error::Random),
            Err(_) => Err(Error::DecryptFailed),
        }
    }

    /// Of KeyAgreeRecipientInfo with the tag of a SEQUENCE.
    fn open_agreement(&self, info: &[u8], is_known: bool) -> Result<Option<Secret>> {
        let info: KeyAgreeRecipientInfo<'_> = exact(info, KEY_AGREEMENT)?;
        if info.version != VERSION_OF_KEY_AGREEMENT {
            return Err(malformed("the version of a KeyAgreeRecipientInfo"));
        }
        let mut found = None;
        for key in members(info.encrypted_keys, Tag::Sequence, MAX_RECIPIENTS, false, KEY_AGREEMENT)? {
            let key: RecipientEncryptedKey<'_> = exact(key, "RecipientEncryptedKey")?;
            if found.is_none() && !is_known && self.is_agreement_recipient(key.rid)? {
                found = Some(self.unwrap(&info, key.encrypted_key.as_bytes())?);
            }
        }
        Ok(found)
    }

    fn is_agreement_recipient(&self, rid: AnyRef<'_>) -> Result<bool> {
        if rid.tag() == Tag::Sequence {
            return Ok(encoded(&rid)? == self.issuer_and_serial);
        }
        // RecipientKeyIdentifier, without date and other.
        let identifier = retagged(rid, CONTEXT_0, KEY_AGREEMENT)?;
        let identifier =
            members(any(&identifier)?, Tag::Sequence, 1, false, "the date of a RecipientKeyIdentifier")?;
        let identifier = any(identifier.first().copied().unwrap_or_default())?;
        Ok(identifier.tag() == Tag::OctetString && self.is_key_identifier(identifier.value()))
    }

    fn is_key_identifier(&self, identifier: &[u8]) -> bool {
        self.identity.certificate().subject_key_identifier() == Some(identifier)
    }

    fn unwrap(&self, info: &KeyAgreeRecipientInfo<'_>, wrapped: &[u8]) -> Result<Secret> {
        let hash = kdf_hash(info.algorithm.oid)?;
        let wrap = encoded(&info.algorithm.parameters.ok_or(malformed(KEY_AGREEMENT))?)?;
        let wrap: AlgorithmIdentifierRef<'_> = exact(&wrap, KEY_AGREEMENT)?;
        let kek_len = wrap_key_len(&wrap)?;
        if info.originator.tag() != CONTEXT_1 {
            return Err(unsupported(
                "a key agreement with the originator's certificate (static-static ECDH)",
            ));
        }
        let originator = retagged(info.originator, CONTEXT_1, ORIGINATOR)?;
        let originator: OriginatorPublicKey<'_> = exact(&originator, ORIGINATOR)?;
        if originator.algorithm.oid != ID_EC_PUBLIC_KEY || !self.is_of_our_curve(originator.algorithm)? {
            return Err(malformed(ORIGINATOR));
        }
        // No key that a content is encrypted with is longer.
        if wrapped.len() > MAX_CONTENT_KEY_LEN.saturating_add(key_wrap::OVERHEAD) {
            return Err(Error::DecryptFailed);
        }
        let point = originator.public_key.as_bytes().ok_or(malformed(ORIGINATOR))?;
        let secret = self.identity.key().agree(point).map_err(|_| Error::DecryptFailed)?;
        let ukm = info.ukm.map(der::asn1::OctetStringRef::as_bytes);
        let kek = key_encryption_key(hash, &secret, wrap, kek_len, ukm)?;
        key_wrap::unwrap(kek.expose(), wrapped)
    }

    /// RFC 5753 §3.1.1: the parameters may be left out, or NULL as before it.
    fn is_of_our_curve(&self, algorithm: AlgorithmIdentifierRef<'_>) -> Result<bool> {
        let Some(parameters) = algorithm.parameters.filter(|parameters| !parameters.is_null()) else {
            return Ok(true);
        };
        let curve: ObjectIdentifier = exact(&encoded(&parameters)?, ORIGINATOR)?;
        Ok(match self.identity.key().algorithm() {
            KeyAlgorithm::EcdsaP256 => curve == SECP256R1,
            KeyAlgorithm::EcdsaP384 => curve == SECP384R1,
            KeyAlgorithm::Rsa(_) | KeyAlgorithm::EcdsaP521 | KeyAlgorithm::Ed25519 => false,
        })
    }
}

/// RFC 5753 §7.2: the key that wraps is bound to the wrap's algorithm and length, and to `ukm`.
fn key_encryption_key(
    hash: KdfHash,
    secret: &Secret,
    wrap: AlgorithmIdentifierRef<'_>,
    len: usize,
    ukm: Option<&[u8]>,
) -> Result<Secret> {
    let bits = u32::try_from(len.saturating_mul(8)).map_err(|_| Error::Internal("the length of a key"))?;
    let shared_info = encoded(&SharedInfo {
        key_info: wrap,
        entity_u_info: ukm.map(octets).transpose()?,
        supp_pub_info: octets(&bits.to_be_bytes())?,
    })?;
    x963::derive(hash, secret, &shared_info, len)
}

fn no_encryption(recipient: &Certificate) -> Error {
    wrong_usage(
        recipient,
        "nothing is encrypted to its kind of key: that takes RSA, P-256 or P-384".to_owned(),
    )
}

/// IssuerAndSerialNumber (RFC 5652 §10.2.4), its parts as the certificate has them.
pub(super) fn issuer_and_serial(certificate: &Certificate) -> Result<Octets> {
    let serial = tlv(Tag::Integer, certificate.serial_integer())?;
    tlv(Tag::Sequence, &[certificate.issuer_der(), &serial].concat())
}

/// RFC 5280 §4.2.1.3: KeyUsage, where it is there, allows what the key does.
fn check_usage(recipient: &Certificate) -> Result<()> {
    let needed = match recipient.public_key().algorithm() {
        KeyAlgorithm::Rsa(_) => "keyEncipherment",
        KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384 => "keyAgreement",
        KeyAlgorithm::EcdsaP521 | KeyAlgorithm::Ed25519 => return Err(no_encryption(recipient)),
    };
    let usages = recipient.key_usages();
    if usages.is_empty() || usages.contains(&needed) {
        return Ok(());
    }
    Err(wrong_usage(recipient, format!("KeyUsage lacks {needed}: nothing may be encrypted to it")))
}

pub(super) fn wrong_usage(certificate: &Certificate, reason: String) -> Error {
    Report::new(Finding {
        candidate: 0,
        depth: 0,
        subject: certificate.subject().to_string(),
        check: Check::KeyUsage,
        reason,
        hint: "have it issued anew with the client profile".to_owned(),
    })
    .into()
}

const KEY_TRANSPORT: &str = "KeyTransRecipientInfo";
const KEY_AGREEMENT: &str = "KeyAgreeRecipientInfo";
const ORIGINATOR: &str = "the originator's public key";

// RFC 5652 §6.2.1 and §6.2.2.
const VERSION_OF_ISSUER_AND_SERIAL: u8 = 0;
const VERSION_OF_KEY_IDENTIFIER: u8 = 2;
const VERSION_OF_KEY_AGREEMENT: u8 = 3;

/// Octets of AES-256's key.
const MAX_CONTENT_KEY_LEN: usize = 32;

/// Octets of user keying material, which RFC 5753 §3.1.1 recommends should the ephemeral key repeat.
const UKM_LEN: usize = 32;

const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
