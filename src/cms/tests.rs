use core::time::Duration;
use std::sync::LazyLock;

use super::*;
use crate::crypto::SystemRandom;
use crate::crypto::hash::HashAlgorithm;
use crate::error::{CmsError, KeyError};
use crate::pki::{
    Authority, CertificateRequest, DistinguishedName, KeyType, PeerRole, PrivateKey, Profile, TrustStore,
    Validity,
};

const NOW: UnixTime = UnixTime(1_800_000_000);
const CONTENT: &[u8] = b"the content";

struct World {
    trust: TrustStore,
    bank: Identity,
    asha: Identity,
    ravi: Identity,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let random = SystemRandom;
    let sha256 = HashAlgorithm::Sha256;
    let key = || PrivateKey::generate(KeyType::EcdsaP256, &random).unwrap();
    let name = DistinguishedName::with_common_name;
    let ca = Authority::create(key(), &name("Root"), sha256, Validity::days(NOW, 1), &random).unwrap();
    let identity = |common_name: &str, key: PrivateKey| {
        let request = CertificateRequest::create(&key, &name(common_name), &[], sha256, &random).unwrap();
        let certificate = ca
            .issue(&request, Profile::Client, Validity::new(NOW, Duration::from_secs(3600)), &random)
            .unwrap();
        Identity::new(certificate.into(), key).unwrap()
    };
    let mut trust = TrustStore::new();
    trust.add_authority(ca.certificate()).unwrap();
    let rsa = PrivateKey::generate(KeyType::Rsa2048, &random).unwrap();
    World { trust, bank: identity("bank", key()), asha: identity("asha", key()), ravi: identity("ravi", rsa) }
});

fn opened(message: &[u8], recipient: &Identity) -> Result<Verified> {
    open(message, recipient, &VerifyOptions::new(&WORLD.trust, &PeerRole::Client, NOW), &SystemRandom)
}

fn verified(message: &[u8]) -> Result<Verified> {
    verify(message, &VerifyOptions::new(&WORLD.trust, &PeerRole::Client, NOW))
}

/// A value of DER, taken apart.
#[derive(Clone)]
enum Node {
    Primitive(u8, Vec<u8>),
    Constructed(u8, Vec<Node>),
}

impl Node {
    /// One value, with its tag and content in octets.
    fn read(der: &[u8]) -> (Self, &[u8]) {
        let (len, header) = match der[1] {
            len @ 0..=0x7F => (usize::from(len), 2),
            0x81 => (usize::from(der[2]), 3),
            _ => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
        };
        let (mut content, rest) = der[header..].split_at(len);
        if der[0] & 0x20 == 0 {
            return (Self::Primitive(der[0], content.to_vec()), rest);
        }
        let mut members = Vec::new();
        while !content.is_empty() {
            let (member, rest) = Self::read(content);
            members.push(member);
            content = rest;
        }
        (Self::Constructed(der[0], members), rest)
    }

    fn write(&self) -> Vec<u8> {
        let (tag, content) = match self {
            Self::Primitive(tag, content) => (*tag, content.clone()),
            Self::Constructed(tag, members) => (*tag, members.iter().flat_map(Self::write).collect()),
        };
        let len = u16::try_from(content.len()).unwrap().to_be_bytes();
        let header = match content.len() {
            0..=0x7F => vec![tag, len[1]],
            0x80..=0xFF => vec![tag, 0x81, len[1]],
            _ => vec![tag, 0x82, len[0], len[1]],
        };
        [header, content].concat()
    }

    /// The members of the value at this path of positions.
    fn at(&mut self, path: &[usize]) -> &mut Vec<Self> {
        let Self::Constructed(_, members) = self else { panic!("a primitive value") };
        match path.split_first() {
            None => members,
            Some((first, rest)) => members[*first].at(rest),
        }
    }
}

/// The message after a change of its structure.
fn changed(message: &[u8], change: impl FnOnce(&mut Node)) -> Vec<u8> {
    let mut node = Node::read(message).0;
    change(&mut node);
    node.write()
}

fn sequence(members: Vec<Node>) -> Node {
    Node::Constructed(0x30, members)
}

fn integer(value: u8) -> Node {
    Node::Primitive(0x02, vec![value])
}

/// An Attribute of the type 1.2.3 with the value NULL.
fn attribute() -> Node {
    let null = Node::Constructed(0x31, vec![Node::Primitive(0x05, vec![])]);
    sequence(vec![Node::Primitive(0x06, vec![0x2A, 3]), null])
}

fn is_malformed(error: Option<Error>, what: &str) {
    assert!(matches!(error, Some(Error::Cms(CmsError::Malformed(_)))), "{what}: {error:?}");
}

fn is_unsupported(error: Option<Error>, what: &str) {
    assert!(matches!(error, Some(Error::Cms(CmsError::Unsupported(_)))), "{what}: {error:?}");
}

// Where things are: ContentInfo, [0], AuthEnvelopedData.
const ENVELOPED: &[usize] = &[1, 0];
const RECIPIENTS: &[usize] = &[1, 0, 1];
const CONTENT_INFO: &[usize] = &[1, 0, 2];
// ContentInfo, [0], SignedData.
const SIGNED: &[usize] = &[1, 0];
const CERTIFICATES: &[usize] = &[1, 0, 3];
const SIGNERS: &[usize] = &[1, 0, 4];
const SIGNER: &[usize] = &[1, 0, 4, 0];
const ATTRIBUTES: &[usize] = &[1, 0, 4, 0, 3];

#[test]
fn a_message_taken_apart_and_put_together_again_is_the_same() {
    let sealed = seal(CONTENT, &WORLD.bank, WORLD.asha.certificate(), NOW, &SystemRandom).unwrap();
    assert_eq!(changed(&sealed, |_| ()), sealed);
    assert_eq!(opened(&sealed, &WORLD.asha).unwrap().content.expose(), CONTENT);
    let signed = sign(CONTENT, &WORLD.bank, NOW, &SystemRandom).unwrap();
    assert_eq!(changed(&signed, |_| ()), signed);
    assert_eq!(verified(&signed).unwrap().content.expose(), CONTENT);
}

#[test]
fn fields_of_an_envelope_that_are_not_accepted_are_refused() {
    for recipient in [&WORLD.asha, &WORLD.ravi] {
        let sealed = seal(CONTENT, &WORLD.bank, recipient.certificate(), NOW, &SystemRandom).unwrap();
        let refused = |change: &dyn Fn(&mut Node)| opened(&changed(&sealed, change), recipient).err();
        for version in [1, 2, 3, 4] {
            is_malformed(refused(&|node| node.at(ENVELOPED)[0] = integer(version)), "version");
        }
        is_malformed(
            refused(&|node| node.at(ENVELOPED).insert(1, Node::Constructed(0xA0, vec![]))),
            "originatorInfo",
        );
        is_malformed(
            refused(&|node| node.at(ENVELOPED).insert(3, Node::Constructed(0xA1, vec![attribute()]))),
            "authAttrs",
        );
        is_malformed(
            refused(&|node| node.at(ENVELOPED).push(Node::Constructed(0xA2, vec![attribute()]))),
            "unauthAttrs",
        );
        is_malformed(refused(&|node| node.at(ENVELOPED).push(integer(0))), "a field more");
        is_malformed(refused(&|node| drop(node.at(RECIPIENTS).pop())), "no recipient");
        is_malformed(
            refused(&|node| {
                let twice = node.at(RECIPIENTS)[0].clone();
                node.at(RECIPIENTS).push(twice);
            }),
            "a recipient twice",
        );
        is_unsupported(
            refused(&|node| node.at(RECIPIENTS).push(Node::Constructed(0xA3, vec![integer(0)]))),
            "a password",
        );
        let signed_data = Node::Primitive(0x06, vec![0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 2]);
        is_unsupported(refused(&|node| node.at(CONTENT_INFO)[0] = signed_data.clone()), "another content");
        // A tag of 12 octets, and its length left out, which says the same.
        let shorter = |node: &mut Node| {
            let Node::Primitive(_, mac) = &mut node.at(ENVELOPED)[3] else { panic!("no tag") };
            mac.truncate(12);
        };
        is_unsupported(refused(&shorter), "a short tag");
        is_malformed(
            refused(&|node| {
                shorter(node);
                node.at(&[1, 0, 2, 1, 1]).pop();
            }),
            "a short tag",
        );
        // Another recipient beside ours changes nothing: that is what several recipients are.
        let other = if std::ptr::eq(recipient, &WORLD.asha) { &WORLD.ravi } else { &WORLD.asha };
        let theirs = seal(CONTENT, &WORLD.bank, other.certificate(), NOW, &SystemRandom).unwrap();
        let mut theirs = Node::read(&theirs).0;
        let theirs = theirs.at(RECIPIENTS)[0].clone();
        let message = changed(&sealed, |node| {
            node.at(RECIPIENTS).push(theirs.clone());
            node.at(RECIPIENTS).sort_by_key(Node::write);
        });
        assert_eq!(opened(&message, recipient).unwrap().content.expose(), CONTENT);
        // The other one finds himself, and a key that is not this message's.
        assert_eq!(opened(&message, other).err(), Some(Error::DecryptFailed));
        let unsorted = changed(&sealed, |node| {
            node.at(RECIPIENTS).push(theirs.clone());
            node.at(RECIPIENTS).sort_by_key(|one| core::cmp::Reverse(one.write()));
        });
        is_malformed(opened(&unsorted, recipient).err(), "recipients out of order");
    }
}

#[test]
fn more_recipients_than_the_bound_are_refused() {
    let sealed = seal(CONTENT, &WORLD.bank, WORLD.ravi.certificate(), NOW, &SystemRandom).unwrap();
    let with = |others: usize| {
        changed(&sealed, |node| {
            let ours = node.at(RECIPIENTS)[0].clone();
            for other in 0..others {
                let mut other_one = ours.clone();
                // Another serial number.
                let serial = u16::try_from(other + 256).unwrap().to_be_bytes();
                other_one.at(&[1])[1] = Node::Primitive(0x02, serial.to_vec());
                node.at(RECIPIENTS).push(other_one);
            }
            node.at(RECIPIENTS).sort_by_key(Node::write);
        })
    };
    assert!(opened(&with(MAX_RECIPIENTS - 1), &WORLD.ravi).is_ok());
    is_malformed(opened(&with(MAX_RECIPIENTS), &WORLD.ravi).err(), "too many");
}

#[test]
fn fields_of_a_signature_that_are_not_accepted_are_refused() {
    let signed = sign(CONTENT, &WORLD.bank, NOW, &SystemRandom).unwrap();
    let refused = |change: &dyn Fn(&mut Node)| verified(&changed(&signed, change)).err();
    for version in [0, 2, 3, 4, 5] {
        is_malformed(refused(&|node| node.at(SIGNED)[0] = integer(version)), "version of SignedData");
        is_malformed(refused(&|node| node.at(SIGNER)[0] = integer(version)), "version of SignerInfo");
        let both = |node: &mut Node| {
            node.at(SIGNED)[0] = integer(version);
            node.at(SIGNER)[0] = integer(version);
        };
        is_malformed(refused(&both), "both versions");
    }
    let unsigned = Node::Constructed(0xA1, vec![attribute()]);
    is_unsupported(refused(&|node| node.at(SIGNER).push(unsigned.clone())), "unsignedAttrs");
    is_unsupported(refused(&|node| node.at(SIGNED).insert(4, Node::Constructed(0xA1, vec![]))), "crls");
    is_unsupported(refused(&|node| drop(node.at(SIGNERS).pop())), "no signer");
    is_unsupported(
        refused(&|node| {
            let twice = node.at(SIGNERS)[0].clone();
            node.at(SIGNERS).push(twice);
        }),
        "two signers",
    );
    is_malformed(refused(&|node| drop(node.at(CERTIFICATES).pop())), "no certificate");
    is_unsupported(refused(&|node| drop(node.at(SIGNED).remove(3))), "no certificates");
    is_malformed(refused(&|node| drop(node.at(&[1, 0, 1]).pop())), "no digest algorithm");
    assert_eq!(refused(&|node| drop(node.at(&[1, 0, 2]).pop())), Some(CmsError::ContentMissing.into()));
    is_unsupported(refused(&|node| drop(node.at(SIGNER).remove(3))), "no signed attributes");
    // Each attribute is covered: without one, or with one more, the signature is of something else.
    for index in 0..4 {
        let error = refused(&|node| drop(node.at(ATTRIBUTES).remove(index)));
        assert_eq!(error, Some(KeyError::BadSignature.into()), "{index}");
    }
    let error = refused(&|node| node.at(ATTRIBUTES).insert(0, attribute()));
    assert_eq!(error, Some(KeyError::BadSignature.into()));
    // A certificate of the same authority and key kind, whose serial number the signer does not name.
    let other = Node::read(WORLD.asha.certificate().to_der()).0;
    is_malformed(refused(&|node| node.at(CERTIFICATES)[0] = other.clone()), "another certificate");
}

#[test]
fn the_signed_attributes_are_judged_as_rfc_5652_says() {
    let signed = sign(CONTENT, &WORLD.bank, NOW, &SystemRandom).unwrap();
    let mut whole = Node::read(&signed).0;
    let known = whole.at(ATTRIBUTES).clone();
    let in_this_order = |attributes: Vec<Node>| {
        let to_sign = Node::Constructed(0x31, attributes.clone()).write();
        let scheme = crate::codepoints::SignatureScheme::ECDSA_SECP256R1_SHA256;
        let signature = WORLD.bank.key().sign(scheme, &to_sign, &SystemRandom).unwrap();
        verified(&changed(&signed, |node| {
            *node.at(ATTRIBUTES) = attributes;
            node.at(SIGNER)[5] = Node::Primitive(0x04, signature);
        }))
    };
    let with = |mut attributes: Vec<Node>| {
        attributes.sort_by_key(Node::write);
        in_this_order(attributes)
    };
    assert_eq!(with(known.clone()).unwrap().signed_at, Some(NOW));
    let reversed = known.iter().rev().cloned().collect();
    is_malformed(in_this_order(reversed).err(), "attributes out of order");
    let without = |oid: &[u8]| {
        let mut rest = known.clone();
        rest.retain(|one| {
            let Node::Constructed(_, members) = one else { return true };
            !matches!(&members[0], Node::Primitive(_, found) if found.ends_with(oid))
        });
        assert_eq!(rest.len(), 3);
        rest
    };
    // contentType and messageDigest have to be there; signingTime and signingCertificateV2 may.
    is_malformed(with(without(&[1, 9, 3])).err(), "contentType");
    is_malformed(with(without(&[1, 9, 4])).err(), "messageDigest");
    assert_eq!(with(without(&[1, 9, 5])).unwrap().signed_at, None);
    assert!(with(without(&[2, 47])).is_ok());
    is_unsupported(with([known.clone(), vec![attribute()]].concat()).err(), "an unknown attribute");
    // The hash of another certificate (RFC 5035 §5.4), and of another content.
    for (oid, path) in [(&[2, 47][..], &[1, 0, 0, 0][..]), (&[1, 9, 4], &[1])] {
        let mut attributes = known.clone();
        let rest = without(oid);
        let index = known.iter().position(|one| !rest.iter().any(|other| other.write() == one.write()));
        attributes[index.unwrap()].at(path)[0] = Node::Primitive(0x04, vec![0; 32]);
        assert_eq!(with(attributes).err(), Some(KeyError::BadSignature.into()));
    }
    for index in 0..4 {
        // Twice, with another value.
        let mut twice = known[index].clone();
        *twice.at(&[1]) = vec![Node::Primitive(0x04, vec![0; 32])];
        is_malformed(with([known.clone(), vec![twice.clone()]].concat()).err(), "twice");
        // Another value alone, of another type or for another certificate or content.
        let mut attributes = known.clone();
        attributes[index] = twice;
        assert!(with(attributes).is_err(), "{index}");
        // Two values.
        let mut attributes = known.clone();
        attributes[index].at(&[1]).insert(0, Node::Primitive(0x02, vec![0]));
        is_malformed(with(attributes).err(), "two values");
    }
}
