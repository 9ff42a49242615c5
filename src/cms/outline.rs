//! What a message is for someone who has no key of it: nothing is decrypted and nothing verified.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode as _, Reader as _, SliceReader, Tag, Tagged as _};

use super::algorithm::{ID_AUTH_ENVELOPED_DATA, ID_ENVELOPED_DATA, ID_SIGNED_DATA, name};
use super::asn1::{CONTEXT_0, CONTEXT_0_PRIMITIVE, CONTEXT_1, malformed};
use super::{MAX_RECIPIENTS, carrier};
use crate::error::Result;
use crate::pki::{DistinguishedName, MAX_BUNDLE_LEN};

/// The kinds of message (RFC 5652 §4, RFC 5083).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// SignedData without a signer: certificates, lists.
    Bundle,
    /// SignedData.
    Signed,
    /// EnvelopedData or AuthEnvelopedData.
    Encrypted,
    /// Another type of content, by its number.
    Other(String),
}

/// A message as it looks from outside.
#[derive(Clone, Debug)]
pub struct Outline {
    /// What it is.
    pub kind: MessageKind,
    /// Whether the content is in it: a detached signature has none.
    pub has_content: bool,
    /// How the content is encrypted.
    pub cipher: Option<String>,
    /// Who has signed it, or who can decrypt it, as the message says.
    pub parties: Vec<Party>,
    /// The DER of the certificates in it.
    pub certificates: Vec<Vec<u8>>,
    /// The DER of the revocation lists in it.
    pub crls: Vec<Vec<u8>>,
}

/// Whom a message names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    /// A certificate, by its issuer and serial number (big-endian, as encoded).
    Issued(DistinguishedName, Vec<u8>),
    /// A certificate, by its subjectKeyIdentifier.
    KeyIdentifier(Vec<u8>),
    /// A password, or a key that is no certificate's.
    NoCertificate,
}

impl Outline {
    /// Reads a message in DER or PEM.
    ///
    /// # Errors
    /// [`crate::error::CmsError`]: BER of indefinite length, what is malformed or is no message.
    pub fn of(message: &[u8]) -> Result<Self> {
        let der = carrier::der_of(message)?;
        read(&der).map_err(|_| malformed("its structure is not as in RFC 5652, or cut short"))
    }
}

fn read(der: &[u8]) -> der::Result<Outline> {
    let outer = AnyRef::from_der(der)?;
    let mut info = inside(outer, Tag::Sequence)?;
    let kind = ObjectIdentifier::decode(&mut info)?;
    let content = inside(AnyRef::decode(&mut info)?, CONTEXT_0).and_then(|mut one| AnyRef::decode(&mut one));
    let mut outline = Outline {
        kind: MessageKind::Other(kind.to_string()),
        has_content: true,
        cipher: None,
        parties: Vec::new(),
        certificates: Vec::new(),
        crls: Vec::new(),
    };
    match kind {
        ID_SIGNED_DATA => outline.signed(content?)?,
        ID_ENVELOPED_DATA | ID_AUTH_ENVELOPED_DATA => outline.encrypted(content?)?,
        _ => {}
    }
    Ok(outline)
}

impl Outline {
    /// RFC 5652 §5.1.
    fn signed(&mut self, content: AnyRef<'_>) -> der::Result<()> {
        let mut data = inside(content, Tag::Sequence)?;
        u8::decode(&mut data)?;
        AnyRef::decode(&mut data)?;
        let mut encapsulated = inside(AnyRef::decode(&mut data)?, Tag::Sequence)?;
        <ObjectIdentifier>::decode(&mut encapsulated)?;
        self.has_content = !encapsulated.is_finished();
        let mut next = AnyRef::decode(&mut data)?;
        if next.tag() == CONTEXT_0 {
            self.certificates = members(next, MAX_BUNDLE_LEN)?.into_iter().map(<[u8]>::to_vec).collect();
            next = AnyRef::decode(&mut data)?;
        }
        if next.tag() == CONTEXT_1 {
            self.crls = members(next, MAX_BUNDLE_LEN)?.into_iter().map(<[u8]>::to_vec).collect();
            next = AnyRef::decode(&mut data)?;
        }
        next.tag().assert_eq(Tag::Set)?;
        for signer in members(next, MAX_RECIPIENTS)? {
            let mut signer = inside(AnyRef::from_der(signer)?, Tag::Sequence)?;
            u8::decode(&mut signer)?;
            self.parties.push(party(AnyRef::decode(&mut signer)?)?);
        }
        self.kind = if self.parties.is_empty() { MessageKind::Bundle } else { MessageKind::Signed };
        Ok(())
    }

    /// RFC 5652 §6.1, RFC 5083 §2.1.
    fn encrypted(&mut self, content: AnyRef<'_>) -> der::Result<()> {
        let mut data = inside(content, Tag::Sequence)?;
        u8::decode(&mut data)?;
        let mut next = AnyRef::decode(&mut data)?;
        // originatorInfo.
        if next.tag() == CONTEXT_0 {
            next = AnyRef::decode(&mut data)?;
        }
        next.tag().assert_eq(Tag::Set)?;
        for recipient in members(next, MAX_RECIPIENTS)? {
            self.recipients(AnyRef::from_der(recipient)?)?;
        }
        let mut encrypted = inside(AnyRef::decode(&mut data)?, Tag::Sequence)?;
        <ObjectIdentifier>::decode(&mut encrypted)?;
        let mut algorithm = inside(AnyRef::decode(&mut encrypted)?, Tag::Sequence)?;
        self.cipher = Some(name(ObjectIdentifier::decode(&mut algorithm)?));
        self.has_content = !encrypted.is_finished();
        self.kind = MessageKind::Encrypted;
        Ok(())
    }

    /// Those of one RecipientInfo (RFC 5652 §6.2).
    fn recipients(&mut self, info: AnyRef<'_>) -> der::Result<()> {
        let tag = info.tag();
        if tag != Tag::Sequence && tag != CONTEXT_1 {
            self.parties.push(Party::NoCertificate);
            return Ok(());
        }
        let mut info = SliceReader::new(info.value())?;
        u8::decode(&mut info)?;
        let mut next = AnyRef::decode(&mut info)?;
        if tag == Tag::Sequence {
            self.parties.push(party(next)?);
            return Ok(());
        }
        // §6.2.2: originator, ukm where there is one, the algorithm, and the keys last.
        while !info.is_finished() {
            next = AnyRef::decode(&mut info)?;
        }
        for key in members(next, MAX_RECIPIENTS)? {
            let mut key = inside(AnyRef::from_der(key)?, Tag::Sequence)?;
            let rid = AnyRef::decode(&mut key)?;
            // RecipientKeyIdentifier begins with the identifier.
            let rid = if rid.tag() == CONTEXT_0 {
                let identifier = AnyRef::decode(&mut SliceReader::new(rid.value())?)?;
                Party::KeyIdentifier(identifier.value().to_vec())
            } else {
                party(rid)?
            };
            if self.parties.len() >= MAX_RECIPIENTS {
                return Err(der::ErrorKind::Overlength.into());
            }
            self.parties.push(rid);
        }
        Ok(())
    }
}

/// SignerIdentifier and RecipientIdentifier (RFC 5652 §5.3, §6.2.1).
fn party(identifier: AnyRef<'_>) -> der::Result<Party> {
    if identifier.tag() == CONTEXT_0_PRIMITIVE {
        return Ok(Party::KeyIdentifier(identifier.value().to_vec()));
    }
    let mut both = inside(identifier, Tag::Sequence)?;
    let issuer = DistinguishedName::from_der(both.tlv_bytes()?).map_err(|_| Tag::Sequence.value_error())?;
    let serial = AnyRef::decode(&mut both)?;
    serial.tag().assert_eq(Tag::Integer)?;
    Ok(Party::Issued(issuer, serial.value().to_vec()))
}

fn inside(any: AnyRef<'_>, tag: Tag) -> der::Result<SliceReader<'_>> {
    any.tag().assert_eq(tag)?;
    SliceReader::new(any.value())
}

/// The encoded members of a SET OF or SEQUENCE OF, at most so many.
fn members(any: AnyRef<'_>, most: usize) -> der::Result<Vec<&[u8]>> {
    let mut found = Vec::new();
    let mut reader = SliceReader::new(any.value())?;
    while !reader.is_finished() {
        if found.len() >= most {
            return Err(der::ErrorKind::Overlength.into());
        }
        found.push(reader.tlv_bytes()?);
    }
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::algorithm::ID_DATA;
    use super::super::asn1::{encoded, tlv};
    use super::*;
    use crate::common::{NOW, World};
    use crate::crypto::SystemRandom;
    use crate::pki::KeyType;

    #[test]
    fn each_party_is_named_and_what_is_damaged_is_an_error_and_no_panic() {
        let world = World::new(KeyType::EcdsaP256);
        let (signer, other) = (&world.client, &world.server);
        let party =
            |of: &crate::pki::Certificate| Party::Issued(of.issuer().clone(), of.serial_integer().to_vec());
        let signed = super::super::sign(b"text", signer, NOW, &SystemRandom).unwrap();
        let sealed =
            super::super::seal(b"text", signer, world.client.certificate(), NOW, &SystemRandom).unwrap();
        let outline = Outline::of(&signed).unwrap();
        assert_eq!((&outline.kind, outline.has_content), (&MessageKind::Signed, true));
        assert_eq!(outline.parties, [party(signer.certificate())]);
        assert_eq!(outline.certificates.len(), signer.chain().len());
        let outline = Outline::of(&sealed).unwrap();
        assert_eq!(
            (&outline.kind, outline.cipher.as_deref()),
            (&MessageKind::Encrypted, Some("AES-256-GCM"))
        );
        assert_eq!(outline.parties, [party(signer.certificate())]);
        assert_ne!(outline.parties, [party(other.certificate())]);
        for message in [&signed, &sealed] {
            for at in 0..message.len() {
                assert!(Outline::of(&message[..at]).is_err(), "{at}");
                for flip in [0x01, 0x20, 0x80, 0xFF] {
                    let mut changed = message.clone();
                    changed[at] ^= flip;
                    let _ = Outline::of(&changed);
                }
            }
        }
    }

    /// A message encrypted to these RecipientInfos.
    fn encrypted(infos: &[u8]) -> Result<Outline> {
        let parts = [
            tlv(Tag::Integer, &[0])?.to_vec(),
            tlv(Tag::Set, infos)?.to_vec(),
            tlv(
                Tag::Sequence,
                &[encoded(&ID_DATA)?.to_vec(), tlv(Tag::Sequence, &encoded(&ID_DATA)?)?.to_vec()].concat(),
            )?
            .to_vec(),
        ];
        let data = tlv(CONTEXT_0, &tlv(Tag::Sequence, &parts.concat())?)?;
        Outline::of(&tlv(Tag::Sequence, &[encoded(&ID_ENVELOPED_DATA)?.to_vec(), data.to_vec()].concat())?)
    }

    #[test]
    fn the_parties_of_a_message_are_bounded() {
        let password = |count: usize| [0xA3, 0x00].repeat(count);
        assert_eq!(encrypted(&password(MAX_RECIPIENTS)).unwrap().parties.len(), MAX_RECIPIENTS);
        assert!(encrypted(&password(MAX_RECIPIENTS + 1)).is_err());
        // And where several share a key agreement, all together.
        let key = tlv(Tag::Sequence, &tlv(CONTEXT_0, &[0x04, 0x00]).unwrap()).unwrap();
        let agreement = |count: usize| {
            let keys = tlv(Tag::Sequence, &key.repeat(count)).unwrap();
            tlv(CONTEXT_1, &[&[0x02, 0x01, 0x03, 0xA0, 0x00], keys.as_slice()].concat()).unwrap().to_vec()
        };
        assert_eq!(encrypted(&agreement(3).repeat(2)).unwrap().parties.len(), 6);
        assert!(encrypted(&agreement(60).repeat(2)).is_err());
    }
}
