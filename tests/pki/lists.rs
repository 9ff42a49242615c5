//! Revocation lists that come together: bundles, lists of one number, lists of other times; and large ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    missing_docs
)]

use crate::support::*;
use allocation_counter::measure;
use otls::codepoints::SignatureScheme;
use otls::error::Check;
use otls::pki::{Authority, Certificate, Crl, PeerRole, Profile, RevocationReason, TrustStore, Validity};
use otls::{Error, UnixTime};
use std::time::Duration;

const CLIENT: PeerRole = PeerRole::Client;

fn list(ca: &Authority, revoked: &[&Certificate], number: u64, now: UnixTime) -> Crl {
    let reason = RevocationReason::KeyCompromise;
    let revoked: Vec<_> = revoked.iter().map(|one| (one.serial().to_vec(), now, reason)).collect();
    ca.issue_crl(&revoked, number, Validity::new(now, DAY), &RANDOM).unwrap()
}

fn store_with(lists: &[&Crl]) -> TrustStore {
    let mut store = trust(&[CA.certificate()]);
    lists.iter().for_each(|list| store.add_crl((*list).clone()));
    store
}

/// Whether the leaf is accepted: the same in whatever order the lists are loaded.
#[track_caller]
fn accepts(lists: &[&Crl], leaf: &Certificate, now: UnixTime) -> bool {
    let verdict = |lists: &[&Crl]| store_with(lists).judge(&chain(&[leaf]), &CLIENT, now).is_ok();
    let reversed: Vec<&Crl> = lists.iter().rev().copied().collect();
    assert_eq!(verdict(lists), verdict(&reversed), "the order of loading decides");
    verdict(lists)
}

#[test]
fn a_bundle_of_lists_loads_whole_or_not_at_all() {
    let alice = client(&CA, "alice");
    let (first, second) = (list(&OTHER_CA, &[], 1, NOW), list(&CA, &[&alice], 1, NOW));
    let bundle = format!("of the other:\n{}of ours:\n{}", first.to_pem(), second.to_pem());
    let loaded = Crl::load_all(bundle.as_bytes()).unwrap();
    assert_eq!(loaded.iter().map(Crl::to_der).collect::<Vec<_>>(), [first.to_der(), second.to_der()]);
    let loaded: Vec<&Crl> = loaded.iter().collect();
    assert!(!accepts(&loaded, &alice, NOW));
    assert_eq!(Crl::load_all(first.to_der()).unwrap().len(), 1);

    let refuses = |data: &[u8], words: &str| {
        for error in [Crl::load_all(data).err(), Crl::load(data).err()] {
            let error = error.expect("it was loaded").to_string();
            assert!(error.contains(words), "{error}");
        }
    };
    let error = Crl::load(bundle.as_bytes()).err().unwrap().to_string();
    assert!(error.contains("2 revocation lists") && error.contains("load_all"), "{error}");
    refuses(&[bundle.as_bytes(), CA.certificate().to_pem().as_bytes()].concat(), "a certificate");
    refuses(&[first.to_pem().as_bytes(), second.to_der()].concat(), "no text");
    refuses(&[first.to_der(), second.to_pem().as_bytes()].concat(), "no text");
    refuses(&[first.to_der(), second.to_der()].concat(), "more DER behind it");
    // A block of the second list that no longer reads as one is not a remark.
    for (from, to) in [
        ("-----BEGIN X509 CRL", "----BEGIN X509 CRL"),
        ("-----BEGIN X509 CRL", "\u{2013}BEGIN X509 CRL"),
        ("-----BEGIN X509 CRL", "-----Begin X509 Crl"),
        ("-----BEGIN X509 CRL-----", ""),
        ("-----END X509 CRL", "-----END X509CRL"),
        ("-----END X509 CRL-----", ""),
    ] {
        let damaged = format!("{}{}", first.to_pem(), second.to_pem().replace(from, to));
        assert!(Crl::load_all(damaged.as_bytes()).is_err(), "{to:?}");
    }
}

#[test]
fn two_lists_of_one_number_both_count_whenever_they_were_issued() {
    let (alice, bob, carol) = (client(&CA, "alice"), client(&CA, "bob"), client(&CA, "carol"));
    for later in [0, 60] {
        let one = list(&CA, &[&alice], 5, NOW);
        let other = list(&CA, &[&bob], 5, NOW.plus(Duration::from_secs(later)));
        let now = NOW.plus(Duration::from_secs(later));
        assert!(!accepts(&[&one, &other], &alice, now));
        assert!(!accepts(&[&one, &other], &bob, now));
        assert!(accepts(&[&one, &other], &carol, now));
        // One number later takes the place of both.
        let next = list(&CA, &[], 6, now);
        assert!(accepts(&[&one, &other, &next], &alice, now));
    }
}

#[test]
fn a_list_from_the_future_does_not_go_before_todays() {
    let alice = client(&CA, "alice");
    let today = list(&CA, &[&alice], 1, NOW);
    let tomorrow = list(&CA, &[], 2, NOW.plus(HOUR));
    assert!(!accepts(&[&today, &tomorrow], &alice, NOW.plus(HOUR - SECOND)));
    assert!(accepts(&[&today, &tomorrow], &alice, NOW.plus(HOUR)));
    // A receipt of an earlier day is judged with the lists that there are.
    let (today, tomorrow) = (list(&CA, &[], 1, NOW), list(&CA, &[&alice], 2, NOW.plus(HOUR)));
    assert!(accepts(&[&today, &tomorrow], &alice, NOW));
    assert!(!accepts(&[&tomorrow], &alice, NOW));
}

#[test]
fn an_older_list_does_not_speak_for_a_stale_one() {
    let (alice, bob) = (client(&CA, "alice"), client(&CA, "bob"));
    let revoked = [(alice.serial().to_vec(), NOW, RevocationReason::KeyCompromise)];
    let old = CA.issue_crl(&[], 1, Validity::new(NOW, DAY), &RANDOM).unwrap();
    let new = CA.issue_crl(&revoked, 2, Validity::new(NOW.plus(HOUR), HOUR), &RANDOM).unwrap();
    let later = NOW.plus(3 * HOUR);
    assert!(!accepts(&[&old, &new], &alice, later));
    for lists in [[&old, &new], [&new, &old]] {
        let store = store_with(&lists);
        refused(&store, &chain(&[&alice]), &CLIENT, later, Check::Revocation, &["has revoked it"]);
        refused(&store, &chain(&[&bob]), &CLIENT, later, Check::Revocation, &["stale"]);
    }
}

#[test]
fn a_delta_list_that_is_stale_or_from_the_future_takes_nothing_back() {
    let customer = |name| {
        let asked = request(&ec_key(), name, &[]);
        CA.issue(&asked, Profile::Client, Validity::new(NOW, 3 * DAY), &RANDOM).unwrap()
    };
    let (alice, bob) = (customer("alice"), customer("bob"));
    let whole = raw_list(&[entry(alice.serial(), REASON_HOLD)].concat(), &[number(1)], 0);
    let base = tlv(0x30, &[oid(27), vec![0x01, 0x01, 0xFF], tlv(0x04, &[2, 1, 1])].concat());
    let delta = |hours: u64, entries: &[u8], at: u8| {
        Crl::load(&raw_list(entries, &[number(at), base.clone()], hours)).unwrap()
    };
    let whole = Crl::load(&whole).unwrap();
    let removes = entry(alice.serial(), REASON_REMOVED);
    let (now, future) = (delta(1, &removes, 2), delta(3, &removes, 3));
    let later = NOW.plus(2 * HOUR);
    assert!(!accepts(&[&whole], &alice, later));
    assert!(accepts(&[&whole, &now], &alice, later));
    assert!(!accepts(&[&whole, &future], &alice, later));
    assert!(accepts(&[&whole, &future], &alice, NOW.plus(3 * HOUR)));
    // A stale one takes nothing back, but what it revokes stays revoked.
    let long = NOW.plus(DAY + HOUR);
    let whole_later = raw_list(&entry(alice.serial(), REASON_HOLD), &[number(1)], 5);
    let whole_later = Crl::load(&whole_later).unwrap();
    assert!(!accepts(&[&whole_later, &now], &alice, long));
    let stale = delta(1, &entry(bob.serial(), REASON_KEY), 2);
    assert!(!accepts(&[&whole_later, &stale], &bob, long));
    assert!(accepts(&[&whole_later, &now], &bob, long));
    // Of two delta lists of one number both count.
    let adds = delta(1, &entry(bob.serial(), REASON_KEY), 2);
    assert!(!accepts(&[&whole, &now, &adds], &bob, later));
    assert!(accepts(&[&whole, &now, &adds], &alice, later));
}

#[test]
fn a_list_has_a_number_and_its_extensions_are_critical_where_they_have_to_be() {
    let (yes, no) = (vec![0x01, 0x01, 0xFF], Vec::new());
    let with = |id: u8, critical: &[u8], value: &[u8]| {
        tlv(0x30, &[oid(id), critical.to_vec(), tlv(0x04, value)].concat())
    };
    let authority_key = with(35, &yes, &tlv(0x30, &tlv(0x80, &[7; 20])));
    let point = tlv(0x30, &tlv(0x81, &[0xFF]));
    for (extensions, words) in [
        (vec![], Some("no CRL number")),
        (vec![number(1)], None),
        (vec![with(20, &yes, &[2, 1, 1])], Some("critical")),
        (vec![with(20, &no, &tlv(2, &[0x7F; 21]))], Some("20 octets")),
        (vec![number(1), number(2)], Some("twice")),
        (vec![number(1), authority_key], Some("critical")),
        (vec![number(2), with(27, &no, &[2, 1, 1])], Some("does not say so")),
        (vec![number(2), with(27, &yes, &[2, 1, 1])], None),
        (vec![number(1), with(28, &no, &point)], Some("does not say so")),
        (vec![number(1), with(28, &yes, &point)], None),
    ] {
        let loaded = Crl::load(&raw_list(&[], &extensions, 0));
        match words {
            None => assert!(loaded.is_ok(), "{extensions:02x?}"),
            Some(words) => {
                let error = loaded.expect_err(words).to_string();
                assert!(error.contains(words), "{error}");
            }
        }
    }
    // certificateIssuer of an entry (RFC 5280 §5.3.3).
    let issuer = tlv(0x30, &tlv(0xA4, OTHER_CA.certificate().subject_der()));
    for (critical, loads) in [(&yes, true), (&no, false), (&vec![0x01, 0x01, 0x00], false)] {
        let entry = entry(&[5], &tlv(0x30, &with(29, critical, &issuer)));
        assert_eq!(Crl::load(&raw_list(&entry, &[number(1)], 0)).is_ok(), loads);
    }
    let no_issuer = tlv(0x30, &tlv(0x82, b"ca.example"));
    let entry_without = entry(&[5], &tlv(0x30, &with(29, &yes, &no_issuer)));
    assert!(Crl::load(&raw_list(&entry_without, &[number(1)], 0)).is_err());
    // An extension of an entry that nobody understands (RFC 5280 §5.3): the list decides nothing where it is critical.
    let alice = client(&CA, "alice");
    for (critical, understood) in [(&yes, false), (&no, true)] {
        let entry = entry(&[5], &tlv(0x30, &with(99, critical, &[5, 0])));
        let list = Crl::load(&raw_list(&entry, &[number(1)], 0)).unwrap();
        assert_eq!(accepts(&[&list], &alice, NOW), understood);
    }
    // What the library writes keeps the rules.
    Crl::load(list(&CA, &[&client(&CA, "alice")], 1, NOW).to_der()).unwrap();
}

#[test]
fn an_entry_of_another_issuer_counts_for_that_issuers_certificate_alone() {
    let issuer = tlv(0x30, &tlv(0xA4, OTHER_CA.certificate().subject_der()));
    let issuer = tlv(0x30, &tlv(0x30, &[oid(29), vec![1, 1, 0xFF], tlv(0x04, &issuer)].concat()));
    // RFC 5280 §5.3.3: those behind an entry that names an issuer are that one's too.
    let entries = [entry(&[9], &[]), entry(&[5], &issuer), entry(&[6], &[])].concat();
    let list = Crl::load(&raw_list(&entries, &[number(1)], 0)).unwrap();
    assert!(list.contains(&[9]) && !list.contains(&[5]) && !list.contains(&[6]));
    let serials: Vec<Vec<u8>> = list.revoked().into_iter().map(|entry| entry.serial).collect();
    assert_eq!(serials, [[9], [5], [6]]);
}

#[test]
fn entries_that_are_malformed_refuse_the_list() {
    let good = entry(&[7], REASON_KEY);
    assert!(Crl::load(&raw_list(&good, &[number(1)], 0)).is_ok());
    // The time of the first reaches into the second: its last two characters are a SEQUENCE of 90 octets.
    let first = [2, 1, 5].into_iter().chain(tlv(0x17, b"460119184000Z"));
    let second = [
        tlv(2, &[7]),
        tlv(0x17, b"460119184000Z"),
        tlv(0x30, &tlv(0x30, &[oid(99), tlv(4, &[0; 61])].concat())),
    ];
    let overlapping = [0x30, 16].into_iter().chain(first).chain(second.concat()).collect();
    for bad in [
        entry(&[], &[]),
        tlv(0x30, &[tlv(2, &[0, 7]), tlv(0x17, b"460119184000Z")].concat()),
        tlv(0x30, &[tlv(2, &[0xFF, 0x80]), tlv(0x17, b"460119184000Z")].concat()),
        tlv(0x30, &[tlv(2, &[1; 22]), tlv(0x17, b"460119184000Z")].concat()),
        tlv(0x30, &[tlv(2, &[7]), tlv(0x17, b"469919184000Z")].concat()),
        tlv(0x30, &tlv(2, &[7])),
        tlv(0x30, &[tlv(4, &[7]), tlv(0x17, b"460119184000Z")].concat()),
        tlv(0x31, &[tlv(2, &[7]), tlv(0x17, b"460119184000Z")].concat()),
        [good.as_slice(), &[0x30]].concat(),
        entry(&[7], &[0x30, 0x03, 0x30, 0x01, 0x06]),
        entry(&[7], &[REASON_KEY, &[0x05, 0x00]].concat()),
        // A reason that RFC 5280 §5.3.1 does not have, two reasons, and more than 1000 elements.
        entry(&[7], &[&REASON_KEY[..13], &[7]].concat()),
        entry(&[7], &tlv(0x30, &[&REASON_KEY[2..], &REASON_KEY[2..]].concat())),
        entry(&[7], &tlv(0x30, &tlv(0x30, &[oid(99), tlv(4, &[])].concat()).repeat(400))),
        overlapping,
    ] {
        let list = raw_list(&[good.as_slice(), &bad].concat(), &[number(1)], 0);
        assert!(Crl::load(&list).is_err(), "{bad:02x?}");
    }
}

/// The entries of the largest lists that banks of a whole country have.
const MANY: u64 = 1_000_000;

#[test]
fn a_list_of_a_million_entries_takes_little_memory_and_little_time() {
    let (alice, bob) = (client(&CA, "alice"), client(&CA, "bob"));
    let mut entries = Vec::new();
    for index in 0..MANY {
        // In no order, as serial numbers are.
        let serial = index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 1;
        let serial = [[0x20; 8], serial.to_be_bytes()].concat();
        entries.extend(entry(&serial, if index % 10 == 0 { REASON_KEY } else { &[] }));
    }
    entries.extend(entry(alice.serial(), REASON_KEY));
    let der = raw_list(&entries, &[number(1)], 0);
    drop(entries);

    let mut loaded = None;
    let der_len = der.len() as u64;
    let taken = measure(|| loaded = Some(Crl::load(&der).unwrap()));
    let list = loaded.unwrap();
    assert!(taken.bytes_max <= 2 * der_len, "{} octets at once for {der_len}", taken.bytes_max);
    assert!(taken.bytes_current as u64 <= 2 * der_len, "{} octets kept", taken.bytes_current);
    drop(der);

    let start = cpu_time();
    for index in 0..10_000_u64 {
        let serial = index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 1;
        assert!(list.contains(&[[0x20; 8], serial.to_be_bytes()].concat()));
        assert!(!list.contains(&[[0x21; 8], serial.to_be_bytes()].concat()));
    }
    let each = (cpu_time() - start) / 20_000;
    assert!(each < 100_000, "{each} ns for a look-up");

    let store = store_with(&[&list]);
    refused(&store, &chain(&[&alice]), &CLIENT, NOW, Check::Revocation, &["has revoked it"]);
    assert!(store.judge(&chain(&[&bob]), &CLIENT, NOW).is_ok());
}

#[test]
fn a_list_in_pem_takes_little_memory_too() {
    let entries = entry(&[0x20; 16], REASON_KEY).repeat(100_000);
    let pem = Crl::load(&raw_list(&entries, &[number(1)], 0)).unwrap().to_pem();
    let taken = measure(|| drop(Crl::load(pem.as_bytes()).unwrap()));
    assert!(taken.bytes_max <= 2 * pem.len() as u64, "{} octets at once for {}", taken.bytes_max, pem.len());
}

#[test]
fn what_a_list_remembers_of_one_key_is_not_anothers() {
    // Whether a list is signed is remembered with the list, which two stores of other trust share.
    let impostor = authority("Test CA");
    let (alice, mallory) = (client(&CA, "alice"), client(&impostor, "alice"));
    let shared = list(&CA, &[], 1, NOW);
    for _ in 0..2 {
        let mut theirs = trust(&[impostor.certificate()]);
        theirs.add_crl(shared.clone());
        refused(&theirs, &chain(&[&mallory]), &CLIENT, NOW, Check::Revocation, &["not signed with its key"]);
        assert!(store_with(&[&shared]).judge(&chain(&[&alice]), &CLIENT, NOW).is_ok());
    }
}

/// Nanoseconds that this thread has run.
fn cpu_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse().unwrap()
}

const REASON_KEY: &[u8] = &[0x30, 0x0C, 0x30, 0x0A, 6, 3, 0x55, 0x1D, 21, 4, 3, 0x0A, 1, 1];
const REASON_HOLD: &[u8] = &[0x30, 0x0C, 0x30, 0x0A, 6, 3, 0x55, 0x1D, 21, 4, 3, 0x0A, 1, 6];
const REASON_REMOVED: &[u8] = &[0x30, 0x0C, 0x30, 0x0A, 6, 3, 0x55, 0x1D, 21, 4, 3, 0x0A, 1, 8];

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len().to_be_bytes();
    let zeros = len.iter().take_while(|octet| **octet == 0).count();
    let mut out = vec![tag];
    match content.len() {
        short @ 0..=0x7F => out.push(short.try_into().unwrap()),
        _ => {
            out.push(0x80 | u8::try_from(len.len() - zeros).unwrap());
            out.extend_from_slice(&len[zeros..]);
        }
    }
    out.extend_from_slice(content);
    out
}

/// id-ce and this number (RFC 5280 §4.2).
fn oid(last: u8) -> Vec<u8> {
    vec![6, 3, 0x55, 0x1D, last]
}

fn number(number: u8) -> Vec<u8> {
    tlv(0x30, &[oid(20), tlv(0x04, &[2, 1, number])].concat())
}

fn entry(serial: &[u8], extensions: &[u8]) -> Vec<u8> {
    let serial = match serial {
        [0x80..=0xFF, ..] => [&[0], serial].concat(),
        _ => serial.to_vec(),
    };
    tlv(0x30, &[tlv(2, &serial), tlv(0x17, b"460119184000Z"), extensions.to_vec()].concat())
}

/// A list of the test's authority, issued so many hours after `NOW` for a day.
fn raw_list(entries: &[u8], extensions: &[Vec<u8>], hours: u64) -> Vec<u8> {
    const ECDSA_SHA256: &[u8] = &[0x30, 0x0A, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2];
    let time = |day: u64| tlv(0x17, format!("4601{:02}{:02}4000Z", 19 + day, 18 + hours).as_bytes());
    let extensions = tlv(0xA0, &tlv(0x30, &extensions.concat()));
    let tbs = [
        vec![2, 1, 1],
        ECDSA_SHA256.to_vec(),
        CA.certificate().subject_der().to_vec(),
        time(0),
        time(1),
        tlv(0x30, entries),
        extensions,
    ];
    let tbs = tlv(0x30, &tbs.concat());
    let signature = CA.key().sign(SignatureScheme::ECDSA_SECP256R1_SHA256, &tbs, &RANDOM).unwrap();
    tlv(0x30, &[tbs, ECDSA_SHA256.to_vec(), tlv(3, &[vec![0], signature].concat())].concat())
}

#[test]
fn a_list_that_is_refused_says_what_it_is() {
    let error = Crl::load(CA.certificate().to_pem().as_bytes()).err().unwrap();
    assert!(matches!(error, Error::Certificate(_)) && error.to_string().contains("a certificate"), "{error}");
}
