//! PKCS#12 files that were made to be refused: built octet by octet, under a MAC that is right.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::pkcs12::der;
use crate::support::*;
use otls::Error;
use otls::crypto::Random;
use otls::crypto::hash::{HashAlgorithm, HashContext};
use otls::crypto::hmac::HmacKey;
use otls::error::{CertificateError, KeyError};
use otls::pki::{Certificate, Identity, Pkcs12, Pkcs12Options, PrivateKey, Profile, Validity};

/// A random source that gives so many answers.
pub(crate) struct Failing(AtomicUsize);

impl Failing {
    pub(crate) fn after(answers: usize) -> Self {
        Self(AtomicUsize::new(answers))
    }
}

impl Random for Failing {
    fn fill(&self, out: &mut [u8]) -> otls::Result<()> {
        let left = self.0.load(Ordering::Relaxed);
        self.0.store(left.checked_sub(1).ok_or(Error::Random)?, Ordering::Relaxed);
        out.fill(7);
        Ok(())
    }
}

fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u32> = dotted.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut content = vec![u8::try_from(arcs[0] * 40 + arcs[1]).unwrap()];
    for arc in &arcs[2..] {
        let groups = (0..5).rev().map(|place| u8::try_from(arc >> (7 * place) & 0x7F).unwrap());
        let groups: Vec<u8> = groups.skip_while(|group| *group == 0).collect();
        let last = groups.len().saturating_sub(1);
        content.extend(
            groups.iter().enumerate().map(|(at, group)| if at < last { group | 0x80 } else { *group }),
        );
        if groups.is_empty() {
            content.push(0);
        }
    }
    der(6, &content)
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

fn integer(value: u32) -> Vec<u8> {
    let octets = value.to_be_bytes();
    let zeros = octets.iter().take_while(|octet| **octet == 0).count().min(3);
    let positive = if octets[zeros] > 0x7F { &[0][..] } else { &[] };
    der(2, &[positive, &octets[zeros..]].concat())
}

const HMAC_SHA256: &str = "1.2.840.113549.2.9";

fn pbkdf2(iterations: u32, key_len: &[u8]) -> Vec<u8> {
    let hmac = sequence(&[&oid(HMAC_SHA256), &[5, 0]]);
    let parameters = sequence(&[&der(4, b"salt"), &integer(iterations), key_len, &hmac]);
    sequence(&[&oid("1.2.840.113549.1.5.12"), &parameters])
}

/// A ContentInfo.
fn info(kind: &str, content: &[u8]) -> Vec<u8> {
    sequence(&[&oid(kind), &der(0xA0, content)])
}

fn data(octets: &[u8]) -> Vec<u8> {
    info("1.2.840.113549.1.7.1", &der(4, octets))
}

/// A file of these parts under the empty password: PBMAC1 with one iteration, which is HMAC twice.
fn file(safes: &[&[u8]]) -> Vec<u8> {
    let content = sequence(safes);
    with_mac(&content, &mac_data(&content, 1, &integer(32)))
}

fn with_mac(content: &[u8], mac_data: &[u8]) -> Vec<u8> {
    sequence(&[&[2, 1, 3], &data(content), mac_data])
}

fn mac_data(content: &[u8], iterations: u32, key_len: &[u8]) -> Vec<u8> {
    let first = HmacKey::new(HashAlgorithm::Sha256, b"").sign(&[b"salt", &[0, 0, 0, 1]]);
    let tag = HmacKey::new(HashAlgorithm::Sha256, first.as_ref()).sign(&[content]);
    let hmac = sequence(&[&oid(HMAC_SHA256), &[5, 0]]);
    let parameters = sequence(&[&pbkdf2(iterations, key_len), &hmac]);
    let algorithm = sequence(&[&oid("1.2.840.113549.1.5.14"), &parameters]);
    sequence(&[&sequence(&[&algorithm, &der(4, tag.as_ref())]), &der(4, b""), &integer(1)])
}

/// A SafeBag of RFC 7292 §4.2: `1.2.840.113549.1.12.10.1.KIND`.
fn bag(kind: u32, value: &[u8], attributes: &[u8]) -> Vec<u8> {
    sequence(&[&oid(&format!("1.2.840.113549.1.12.10.1.{kind}")), &der(0xA0, value), attributes])
}

fn named(name: &str) -> Vec<u8> {
    let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
    der(0x31, &sequence(&[&oid("1.2.840.113549.1.9.20"), &der(0x31, &der(0x1E, &units))]))
}

fn key_bag(key: &PrivateKey, attributes: &[u8]) -> Vec<u8> {
    bag(1, key.to_der(None, &RANDOM).unwrap().expose(), attributes)
}

fn certificate_bag(certificate: &Certificate) -> Vec<u8> {
    bag(3, &info("1.2.840.113549.1.9.22.1", &der(4, certificate.to_der())), b"")
}

/// A file of these bags.
fn bags(bags: &[&[u8]]) -> Vec<u8> {
    file(&[&data(&sequence(bags))])
}

fn identity() -> Identity {
    let key = ec_key();
    let request = request(&key, "bank", &["bank.example"]);
    let leaf = CA.issue(&request, Profile::Server, Validity::new(NOW, DAY), &RANDOM).unwrap();
    Identity::new(leaf.into(), key).unwrap()
}

/// The key of one and the certificate of the other.
pub(crate) fn mixed(one: &Identity, other: &Identity) -> Vec<u8> {
    bags(&[&key_bag(one.key(), b""), &certificate_bag(other.certificate())])
}

#[track_caller]
fn error(file: &[u8]) -> KeyError {
    match Pkcs12::load(file, b"") {
        Err(Error::Key(error)) => error,
        Err(error) => panic!("not a key error: {error}"),
        Ok(_) => panic!("the file was loaded"),
    }
}

#[track_caller]
fn excess(file: &[u8], words: &[&str]) {
    let KeyError::Excess(why) = error(file) else { panic!("{:?}", error(file)) };
    for word in words {
        assert!(why.contains(word), "no {word:?} in: {why}");
    }
}

#[track_caller]
fn unsupported(file: &[u8], word: &str) {
    let KeyError::UnsupportedPkcs12(why) = error(file) else { panic!("{:?}", error(file)) };
    assert!(why.contains(word), "no {word:?} in: {why}");
}

const MALFORMED: KeyError = KeyError::Malformed("the PKCS#12 file is not DER as in RFC 7292, or cut short");

#[test]
fn a_plain_key_and_its_certificate_load() {
    let identity = identity();
    let (key, certificate) = (key_bag(identity.key(), b""), certificate_bag(identity.certificate()));
    for file in [
        bags(&[&key, &certificate]),
        bags(&[&certificate, &key]),
        file(&[&data(&sequence(&[&key])), &data(&sequence(&[&certificate]))]),
        // The same certificate twice is one.
        bags(&[&certificate, &key, &certificate]),
    ] {
        assert_eq!(Identity::load(&file, Some(b"")).unwrap().chain(), identity.chain());
        assert_eq!(Identity::load(&file, Some(b"x")).err(), Some(KeyError::WrongPassword.into()));
    }
}

#[test]
fn more_than_one_key_is_refused_by_name() {
    let (one, other) = (ec_key(), ec_key());
    let file = bags(&[&key_bag(&one, &named("bank")), &key_bag(&other, &named("mail"))]);
    excess(&file, &["2 private keys", "\"bank\"", "\"mail\""]);
    excess(&bags(&[&key_bag(&one, b""), &key_bag(&one, b"")]), &["2 private keys"]);
    // Before anything is decrypted: the iterations of these would take hours.
    let shrouded = bag(2, &sequence(&[&pbes2(u32::MAX), &der(4, &[0; 16])]), b"");
    excess(&bags(&[&shrouded, &shrouded]), &["2 private keys"]);
}

#[test]
fn what_is_neither_key_nor_certificate_is_refused_by_name() {
    for (file, word) in [
        (bags(&[&bag(4, &info("1.2.840.113549.1.9.23.1", &der(4, b"list")), b"")]), "revocation list"),
        (bags(&[&bag(5, &info("1.2.3", &der(4, b"secret")), b"")]), "a secret"),
        (bags(&[&bag(7, &der(4, b""), b"")]), "1.2.840.113549.1.12.10.1.7"),
        (bags(&[&bag(3, &info("1.2.840.113549.1.9.22.2", &der(22, b"sdsi")), b"")]), "SDSI"),
        (bags(&[&bag(3, &info("1.2.3.4", &der(4, b"")), b"")]), "1.2.3.4"),
    ] {
        excess(&file, &[word]);
    }
}

#[test]
fn public_key_modes_are_refused_by_name() {
    let signed = sequence(&[&[2, 1, 3], &info("1.2.840.113549.1.7.2", &der(0x30, b""))]);
    unsupported(&signed, "public-key integrity");
    unsupported(&sequence(&[&[2, 1, 3], &info("1.2.3", &der(4, b""))]), "type 1.2.3");
    unsupported(&file(&[&info("1.2.840.113549.1.7.3", &der(0x30, b""))]), "public-key privacy");
    unsupported(&file(&[&info("1.2.3", &der(0x30, b""))]), "type 1.2.3");
}

#[test]
fn a_file_without_a_mac_is_refused_with_the_empty_password_too() {
    let identity = identity();
    let content = sequence(&[&data(&sequence(&[&key_bag(identity.key(), b"")]))]);
    unsupported(&with_mac(&content, b""), "no MAC");
    assert!(Pkcs12::load(&with_mac(&content, &mac_data(&content, 1, &integer(32))), b"").is_ok());
    // A MAC of another content, and one cut short.
    let other = mac_data(&[content.clone(), vec![0]].concat(), 1, &integer(32));
    assert_eq!(error(&with_mac(&content, &other)), KeyError::WrongPassword);
    for len in [0, 31] {
        let first = HmacKey::new(HashAlgorithm::Sha256, b"").sign(&[b"salt", &[0, 0, 0, 1]]);
        let tag = HmacKey::new(HashAlgorithm::Sha256, first.as_ref()).sign(&[&content]);
        let whole = mac_data(&content, 1, &integer(32));
        let short = replaced(&whole, &der(4, tag.as_ref()), &der(4, &tag.as_ref()[..len]));
        assert_eq!(error(&with_mac(&content, &short)), KeyError::WrongPassword, "{len}");
    }
}

/// RFC 7292 appendix B for HMAC-SHA256 with one iteration: a hash of the purpose, the salt and the password, the
/// latter two in whole blocks.
fn classic_mac(content: &[u8], password: &[u8]) -> Vec<u8> {
    let mut hash = HashContext::new(HashAlgorithm::Sha256);
    hash.update(&[3; 64]);
    hash.update(&b"saltsalt".repeat(8));
    hash.update(&password.repeat(if password.is_empty() { 0 } else { 64 / password.len() }));
    let tag = HmacKey::new(HashAlgorithm::Sha256, hash.finish().as_ref()).sign(&[content]);
    let algorithm = sequence(&[&oid("2.16.840.1.101.3.4.2.1"), &[5, 0]]);
    // One iteration is the default, and may be left out.
    sequence(&[&sequence(&[&algorithm, &der(4, tag.as_ref())]), &der(4, b"saltsalt")])
}

#[test]
fn the_empty_password_is_taken_in_both_encodings() {
    let identity = identity();
    let (key, certificate) = (key_bag(identity.key(), b""), certificate_bag(identity.certificate()));
    let content = sequence(&[&data(&sequence(&[&key, &certificate]))]);
    for password in [b"".as_slice(), &[0, 0]] {
        let file = with_mac(&content, &classic_mac(&content, password));
        assert_eq!(Identity::load(&file, Some(b"")).unwrap().chain(), identity.chain());
        assert_eq!(Identity::load(&file, Some(b"x")).err(), Some(KeyError::WrongPassword.into()));
    }
    let file = with_mac(&content, &classic_mac(&content, &[0, b'x', 0, 0]));
    assert!(Identity::load(&file, Some(b"x")).is_ok());
    assert_eq!(error(&file), KeyError::WrongPassword);
}

#[test]
fn a_key_under_another_password_than_the_file_is_a_wrong_password() {
    // One in 256 has good padding, and something inside that is no key.
    for number in 0..2000_u32 {
        let octets = [[7; 12].as_slice(), &number.to_be_bytes()].concat();
        let shrouded = bag(2, &sequence(&[&pbes2(1), &der(4, &octets)]), b"");
        assert_eq!(error(&bags(&[&shrouded])), KeyError::WrongPassword, "{number}");
    }
}

#[test]
fn the_identifier_of_the_key_chooses_among_its_certificates_in_any_order() {
    let key = ec_key();
    let request = |name| request(&key, name, &["bank.example"]);
    let issue = |name| CA.issue(&request(name), Profile::Server, Validity::new(NOW, DAY), &RANDOM).unwrap();
    let (old, new) = (issue("old"), issue("new"));
    let tied = |id: &[u8]| der(0x31, &sequence(&[&oid("1.2.840.113549.1.9.21"), &der(0x31, &der(4, id))]));
    let certificate = |one: &Certificate, id: &[u8]| {
        bag(3, &info("1.2.840.113549.1.9.22.1", &der(4, one.to_der())), &tied(id))
    };
    for (of_old, of_new, first) in [(1, 2, &new), (2, 1, &old), (3, 4, &old)] {
        let file = bags(&[
            &certificate(&old, &[of_old]),
            &certificate(&new, &[of_new]),
            &key_bag(&key, &tied(&[2])),
        ]);
        let store = Pkcs12::load(&file, b"").unwrap();
        assert_eq!(&store.certificates().unwrap()[0], first, "{of_old} {of_new}");
    }
}

/// `data` with what was in place of `from`, and the lengths around it made right again.
fn replaced(mac_data: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = mac_data.windows(from.len()).position(|octets| octets == from).unwrap();
    // MacData, and the DigestInfo in it.
    let digest = &mac_data[2 + 2..at];
    let digest = sequence(&[digest, to]);
    sequence(&[&digest, &mac_data[at + from.len()..]])
}

#[test]
fn a_mac_under_a_key_that_can_be_guessed_is_refused() {
    let content = sequence(&[]);
    for key_len in [vec![], integer(0), integer(1), integer(19)] {
        let file = with_mac(&content, &mac_data(&content, 1, &key_len));
        assert_eq!(error(&file), KeyError::Malformed("its MAC names no key of 20 octets or more"));
    }
}

/// PBES2 with PBKDF2 and AES-256-CBC.
fn pbes2(iterations: u32) -> Vec<u8> {
    let cipher = sequence(&[&oid("2.16.840.1.101.3.4.1.42"), &der(4, &[0; 16])]);
    sequence(&[&oid("1.2.840.113549.1.5.13"), &sequence(&[&pbkdf2(iterations, b""), &cipher])])
}

/// EncryptedData with a scheme, of octets that no password decrypts.
fn encrypted(scheme: &[u8]) -> Vec<u8> {
    let content = sequence(&[&oid("1.2.840.113549.1.7.1"), scheme, &der(0x80, &[7; 32])]);
    info("1.2.840.113549.1.7.6", &sequence(&[&[2, 1, 0], &content]))
}

/// The scheme of RFC 7292 appendix C, `1.2.840.113549.1.12.1.KIND`.
fn old(kind: u32, iterations: u32) -> Vec<u8> {
    let parameters = sequence(&[&der(4, b"saltsalt"), &integer(iterations)]);
    sequence(&[&oid(&format!("1.2.840.113549.1.12.1.{kind}")), &parameters])
}

#[test]
fn a_file_that_asks_for_hours_of_work_is_refused_at_once() {
    let start = Instant::now();
    let content = sequence(&[]);
    let classic = |iterations: u32| {
        let algorithm = sequence(&[&oid("2.16.840.1.101.3.4.2.1"), &[5, 0]]);
        let digest = sequence(&[&algorithm, &der(4, &[0; 32])]);
        with_mac(&content, &sequence(&[&digest, &der(4, b"salt"), &integer(iterations)]))
    };
    unsupported(&classic(10_000_001), "10000000");
    unsupported(&classic(u32::MAX), "10000000");
    assert_eq!(error(&classic(0)), KeyError::Malformed("no iterations of key derivation"));
    unsupported(&with_mac(&content, &mac_data(&content, 10_000_001, &integer(32))), "PBKDF2 with 10000001");
    // A long key takes the iterations for each of its parts.
    unsupported(&with_mac(&content, &mac_data(&content, 10_000, &integer(32_001))), "10000000");
    // The layers of a file share one number.
    for (first, second) in [(pbes2(1), pbes2(10_000_000)), (old(3, 1), old(3, 3_333_334))] {
        let safe = data(&sequence(&[&bag(2, &sequence(&[&second, &der(4, &[7; 32])]), b"")]));
        unsupported(&file(&[&safe]), "10000000");
        unsupported(&file(&[&encrypted(&second)]), "10000000");
        assert_eq!(error(&file(&[&encrypted(&first)])), KeyError::WrongPassword);
    }
    unsupported(&file(&[&encrypted(&old(6, u32::MAX))]), "10000000");
    assert_eq!(
        error(&file(&[&encrypted(&old(3, 0))])),
        KeyError::Malformed("no iterations of key derivation")
    );
    unsupported(&file(&[&encrypted(&old(1, 1))]), "RC4");
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn bags_in_bags_are_read_to_a_depth() {
    let identity = identity();
    let inner = [key_bag(identity.key(), b""), certificate_bag(identity.certificate())].concat();
    let nested = |depth: usize| (0..depth).fold(inner.clone(), |inner, _| bag(6, &der(0x30, &inner), b""));
    for depth in 0..5 {
        let loaded = Identity::load(&bags(&[&nested(depth)]), Some(b"")).unwrap();
        assert_eq!(loaded.chain(), identity.chain(), "{depth}");
    }
    unsupported(&bags(&[&nested(5)]), "nested deeper");
    unsupported(&bags(&[&nested(1000)]), "nested deeper");
}

#[test]
fn what_breaks_the_structure_is_malformed() {
    let identity = identity();
    let key = key_bag(identity.key(), b"");
    let attribute = |value: &[u8]| {
        let set = der(0x31, &sequence(&[&oid("1.2.840.113549.1.9.20"), &der(0x31, value)]));
        bags(&[&key_bag(identity.key(), &set)])
    };
    for file in [
        bags(&[&key, b"\x05\x00"]),
        bags(&[&bag(3, &der(4, b""), b"")]),
        // A name that is no text, of half a character, of two values, of none.
        attribute(&der(0x1E, &[0xD8, 0])),
        attribute(&der(0x1E, &[0])),
        attribute(&[der(0x1E, &[0, 65]), der(0x1E, &[0, 66])].concat()),
        attribute(b""),
        file(&[&encrypted(&sequence(&[&oid("1.2.840.113549.1.12.1.3"), &der(4, b"")]))]),
        [bags(&[&key]), vec![0]].concat(),
    ] {
        assert_eq!(error(&file), MALFORMED);
    }
    // EncryptedData has its octets in pieces in BER only.
    let pieces = sequence(&[&oid("1.2.840.113549.1.7.1"), &pbes2(1), &der(0xA0, &der(4, &[7; 32]))]);
    unsupported(&file(&[&info("1.2.840.113549.1.7.6", &sequence(&[&[2, 1, 0], &pieces]))]), "BER");
    let no_parameters = file(&[&encrypted(&sequence(&[&oid("1.2.840.113549.1.12.1.3")]))]);
    assert_eq!(error(&no_parameters), KeyError::Malformed("its encryption has no parameters"));
    // Of a certificate that is none the loader of certificates says so.
    let bogus = bag(3, &info("1.2.840.113549.1.9.22.1", &der(4, b"bogus")), b"");
    let store = Pkcs12::load(&bags(&[&bogus]), b"").unwrap();
    assert!(matches!(store.certificates(), Err(Error::Certificate(CertificateError::Malformed(_)))));
    // Attributes that are not known change nothing.
    let unknown = der(0x31, &sequence(&[&oid("1.3.6.1.4.1.311.17.1"), &der(0x31, &der(0x1E, &[0, 65]))]));
    assert!(Pkcs12::load(&bags(&[&key_bag(identity.key(), &unknown)]), b"").is_ok());
}

#[test]
fn a_file_has_bounded_size_and_count() {
    let empty = |count: usize| {
        let numbered = |number: u32| bag(3, &info("1.2.840.113549.1.9.22.1", &der(4, &integer(number))), b"");
        let all: Vec<Vec<u8>> = (0..u32::try_from(count).unwrap()).map(numbered).collect();
        bags(&[&all.concat()])
    };
    assert!(Pkcs12::load(&empty(1000), b"").is_ok());
    assert!(matches!(error(&empty(1001)), KeyError::Malformed(why) if why.contains("1000")));
    let large = sequence(&[&[2, 1, 3], &der(0x30, &vec![0; otls::pki::MAX_PKCS12_LEN])]);
    assert_eq!(error(&large), KeyError::Malformed("the PKCS#12 file has more than 16 MiB"));
}

#[test]
fn a_file_that_is_cut_short_or_changed_never_becomes_another() {
    let identity = identity();
    let options = Pkcs12Options::new().with_friendly_name("bank");
    let whole = identity.to_pkcs12(b"x", &options, &RANDOM).unwrap();
    for len in 0..whole.len() {
        assert!(Pkcs12::load(&whole[..len], b"x").is_err(), "{len}");
        assert!(Identity::load(&whole[..len], Some(b"x")).is_err(), "{len}");
    }
    let (key, certificate) = (key_bag(identity.key(), &named("a")), certificate_bag(identity.certificate()));
    let whole = bags(&[&key, &certificate]);
    for place in 0..whole.len() {
        for bit in [0x01, 0x80, 0xFF] {
            let mut changed = whole.clone();
            changed[place] ^= bit;
            // MacData's own salt says nothing where PBMAC1 has one, and NULL may be another type.
            if let Ok(loaded) = Identity::load(&changed, Some(b"")) {
                assert_eq!(loaded.chain(), identity.chain(), "{place}");
                assert_eq!(loaded.key().public_key(), identity.key().public_key(), "{place}");
            }
        }
    }
    // What no MAC protects any more: every octet of the content, under a MAC that is right.
    let content = sequence(&[&data(&sequence(&[&key, &certificate]))]);
    for place in 0..content.len() {
        for bit in [0x01, 0x80, 0xFF] {
            let mut changed = content.clone();
            changed[place] ^= bit;
            let file = with_mac(&changed, &mac_data(&changed, 1, &integer(32)));
            drop(Identity::load(&file, Some(b"")));
        }
    }
}
