//! Path verification: what is accepted, and each reason to refuse by name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

use crate::support::*;
use otls::crypto::hash::HashAlgorithm;
use otls::error::Check;
use otls::pki::{
    Authority, Certificate, CertificateRequest, GeneralName, KeyType, MAX_CHAIN_LEN, PeerRole, PrivateKey,
    Profile, TrustStore, Validity,
};
use otls::{Error, ErrorCode};
use std::time::Duration;

const CLIENT: PeerRole = PeerRole::Client;

#[test]
fn a_right_chain_is_accepted_for_every_kind_of_key() {
    for (ca_key, hash) in [
        (KeyType::EcdsaP256, HashAlgorithm::Sha256),
        (KeyType::EcdsaP384, HashAlgorithm::Sha384),
        (KeyType::Rsa2048, HashAlgorithm::Sha256),
        (KeyType::Rsa2048, HashAlgorithm::Sha384),
    ] {
        let ca_key = PrivateKey::generate(ca_key, &RANDOM).unwrap();
        let ca = Authority::create(ca_key, &name("CA"), hash, Validity::new(NOW, YEAR), &RANDOM).unwrap();
        let store = trust(&[ca.certificate()]);
        for key in [ec_key(), rsa_key()] {
            let request = request(&key, "bank", &["bank.example", "127.0.0.1"]);
            let leaf = ca.issue(&request, Profile::Server, Validity::new(NOW, DAY), &RANDOM).unwrap();
            for sent in [chain(&[&leaf]), chain(&[&leaf, ca.certificate()])] {
                for name in ["bank.example", "BANK.EXAMPLE", "127.0.0.1"] {
                    let peer = store.judge(&sent, &as_server(name), NOW).unwrap();
                    assert_eq!(peer.certificate(), &leaf);
                    assert_eq!(peer.chain().len(), sent.len());
                    assert_eq!(peer.authority(), ca.certificate());
                }
            }
            let leaf = ca.issue(&request, Profile::Client, Validity::new(NOW, DAY), &RANDOM).unwrap();
            assert!(store.judge(&chain(&[&leaf]), &CLIENT, NOW).is_ok());
        }
    }
}

#[test]
fn an_authority_is_trusted_by_its_fingerprint_where_the_peer_sends_it() {
    let leaf = client(&CA, "alice");
    let mut store = TrustStore::new();
    assert!(store.is_empty());
    store.add_fingerprint(CA.certificate().fingerprint());
    assert!(!store.is_empty());
    let peer = store.judge(&chain(&[&leaf, CA.certificate()]), &CLIENT, NOW).unwrap();
    assert_eq!(peer.authority(), CA.certificate());

    assert!(store.judge(&chain(&[&leaf]), &CLIENT, NOW).is_err(), "it was not sent");
    let other = client(&OTHER_CA, "alice");
    let sent = chain(&[&other, OTHER_CA.certificate(), CA.certificate()]);
    assert!(store.judge(&sent, &CLIENT, NOW).is_err(), "it is sent, but has not signed");
    let mut leaf_pinned = TrustStore::new();
    leaf_pinned.add_fingerprint(leaf.fingerprint());
    let report = leaf_pinned.judge(&chain(&[&leaf, CA.certificate()]), &CLIENT, NOW).err().unwrap();
    assert_eq!(report.check(), Check::Issuer, "a leaf is no authority");
}

#[test]
fn certificate_of_another_authority_is_refused() {
    let leaf = client(&OTHER_CA, "alice");
    let report = refused(
        &trust(&[CA.certificate()]),
        &chain(&[&leaf, OTHER_CA.certificate()]),
        &CLIENT,
        NOW,
        Check::Issuer,
        &["self-signed CN=Other CA", "not among the trusted authorities: CN=Test CA", "fingerprint"],
    );
    assert_eq!(report.depth(), 1);
    assert!(report.hint().starts_with("if you trust that authority, trust its certificate too"));
    let report = refused(
        &trust(&[CA.certificate()]),
        &chain(&[&leaf]),
        &CLIENT,
        NOW,
        Check::Issuer,
        &["issuer CN=Other CA", "not among the trusted authorities: CN=Test CA"],
    );
    assert_eq!(report.depth(), 0);
    refused(&TrustStore::new(), &chain(&[&leaf]), &CLIENT, NOW, Check::Issuer, &["nobody is"]);
}

#[test]
fn certificate_of_an_impostor_with_the_authoritys_name_is_refused() {
    let impostor = authority("Test CA");
    let leaf = client(&impostor, "alice");
    for sent in [chain(&[&leaf]), chain(&[&leaf, impostor.certificate()])] {
        refused(
            &trust(&[CA.certificate()]),
            &sent,
            &CLIENT,
            NOW,
            Check::Signature,
            &["does not verify with the key of CN=Test CA"],
        );
    }
}

#[test]
fn every_authority_of_the_issuers_name_is_a_candidate_with_its_own_finding() {
    let impostor = authority("Test CA");
    let third = authority("Test CA");
    let store = trust(&[CA.certificate(), third.certificate()]);
    let report =
        refused(&store, &chain(&[&client(&impostor, "alice")]), &CLIENT, NOW, Check::Signature, &["Test CA"]);
    let candidates: Vec<usize> = report.findings().map(|finding| finding.candidate).collect();
    assert_eq!(candidates, [0, 1]);
    // The right one among authorities of the same name is found, wherever it stands.
    let leaf = client(&third, "alice");
    assert_eq!(store.judge(&chain(&[&leaf]), &CLIENT, NOW).unwrap().authority(), third.certificate());
    // And what decides is the candidate that came nearest, not the first.
    refused(&store, &chain(&[&leaf]), &CLIENT, NOW.plus(2 * DAY), Check::NotAfter, &["expired at"]);
}

#[test]
fn expired_certificate_is_refused() {
    let leaf = client(&CA, "alice");
    let store = trust(&[CA.certificate()]);
    assert!(store.judge(&chain(&[&leaf]), &CLIENT, NOW.plus(DAY)).is_ok());
    let report = refused(
        &store,
        &chain(&[&leaf]),
        &CLIENT,
        NOW.plus(DAY + SECOND),
        Check::NotAfter,
        &["expired at 2046-01-20T18:40:00Z", "now is 2046-01-20T18:40:01Z"],
    );
    assert!(report.hint().contains("renew"));
    assert_eq!(Error::from(report).code(), ErrorCode::CertificateExpired);
}

#[test]
fn certificate_that_is_not_valid_yet_is_refused() {
    let leaf = client(&CA, "alice");
    // An older authority of the same key, so that only the leaf is too young.
    let pem = CA.key().to_pem(None, &RANDOM).unwrap();
    let key = PrivateKey::load(pem.expose(), None).unwrap();
    let older = Authority::create(
        key,
        &name("Test CA"),
        HashAlgorithm::Sha256,
        Validity::new(NOW.minus(DAY), YEAR),
        &RANDOM,
    );
    let store = trust(&[older.unwrap().certificate()]);
    assert!(store.judge(&chain(&[&leaf]), &CLIENT, NOW.minus(Duration::from_secs(300))).is_ok());
    refused(
        &store,
        &chain(&[&leaf]),
        &CLIENT,
        NOW.minus(Duration::from_secs(301)),
        Check::NotBefore,
        &["not valid before 2046-01-19T18:35:00Z", "now is 2046-01-19T18:34:59Z"],
    );
}

#[test]
fn an_expired_authority_ends_no_path() {
    let ca = authority_at("Old CA", NOW.minus(YEAR), YEAR);
    let pem = ca.key().to_pem(None, &RANDOM).unwrap();
    let younger = authority_of(PrivateKey::load(pem.expose(), None).unwrap(), "Old CA");
    let leaf = client(&younger, "alice");
    let report = refused(
        &trust(&[ca.certificate()]),
        &chain(&[&leaf]),
        &CLIENT,
        NOW.plus(Duration::from_secs(1)),
        Check::NotAfter,
        &["the trusted authority: expired at 2046-01-19T18:40:00Z"],
    );
    assert_eq!(report.depth(), 1);
}

fn authority_of(key: PrivateKey, common_name: &str) -> Authority {
    Authority::create(key, &name(common_name), HashAlgorithm::Sha256, Validity::new(NOW, YEAR), &RANDOM)
        .unwrap()
}

#[test]
fn wrong_name_is_refused() {
    let store = trust(&[CA.certificate()]);
    let leaf = server(&CA, &["bank.example", "*.cards.example", "127.0.0.1"]);
    let accepts = |name: &str| store.judge(&chain(&[&leaf]), &as_server(name), NOW).is_ok();
    assert!(accepts("bank.example") && accepts("a.cards.example") && accepts("127.0.0.1"));
    let names = "is for bank.example, *.cards.example, 127.0.0.1; expected ";
    for name in [
        "other.example",
        "www.bank.example",
        "cards.example",
        "a.b.cards.example",
        "127.0.0.2",
        "::1",
        "bank",
    ] {
        let expected = format!("{names}{name}");
        let report = refused(&store, &chain(&[&leaf]), &as_server(name), NOW, Check::Name, &[&expected]);
        assert_eq!(Error::from(report).code(), ErrorCode::CertificateWrongName);
    }
    // RFC 9525 §2: a common name is no name of a server.
    let common_name_only = PeerRole::Server(GeneralName::Dns("bank".into()));
    refused(&store, &chain(&[&leaf]), &common_name_only, NOW, Check::Name, &["expected bank"]);
    let wildcard = PeerRole::Server(GeneralName::Dns("*.cards.example".into()));
    refused(&store, &chain(&[&leaf]), &wildcard, NOW, Check::Name, &["expected *.cards.example"]);
}

#[test]
fn wrong_usage_is_refused_both_ways() {
    let store = trust(&[CA.certificate()]);
    let named = request(&ec_key(), "alice", &["bank.example"]);
    let client = CA.issue(&named, Profile::Client, Validity::new(NOW, DAY), &RANDOM).unwrap();
    let report = refused(
        &store,
        &chain(&[&client]),
        &as_server("bank.example"),
        NOW,
        Check::ExtendedKeyUsage,
        &["it is for clientAuth, not serverAuth"],
    );
    assert_eq!(Error::from(report).code(), ErrorCode::CertificateWrongUsage);
    refused(
        &store,
        &chain(&[&server(&CA, &["bank.example"])]),
        &CLIENT,
        NOW,
        Check::ExtendedKeyUsage,
        &["it is for serverAuth, not clientAuth"],
    );
}

#[test]
fn an_authoritys_certificate_is_no_leaf_even_where_it_is_the_anchor() {
    for store in [trust(&[CA.certificate()]), trust(&[CA.certificate(), OTHER_CA.certificate()])] {
        for role in [CLIENT, as_server("bank.example")] {
            let report = refused(
                &store,
                &chain(&[CA.certificate()]),
                &role,
                NOW,
                Check::BasicConstraints,
                &["an authority's certificate"],
            );
            assert_eq!(Error::from(report).code(), ErrorCode::CertificateWrongRole);
        }
    }
}

#[test]
fn keys_of_other_kinds_are_refused_in_the_leaf_and_passed_over_behind_it() {
    let Some(openssl) = openssl() else { return };
    let certificate = |options: &str| {
        openssl.ok(&format!(
            "req -x509 -newkey {options} -nodes -keyout key.pem -subj /CN=x -outform DER -out x.der"
        ));
        openssl.read("x.der")
    };
    let store = trust(&[CA.certificate()]);
    for options in ["rsa:1024", "ed448", "ec -pkeyopt ec_paramgen_curve:secp256k1"] {
        let odd = certificate(options);
        let report = refused(&store, std::slice::from_ref(&odd), &CLIENT, NOW, Check::Key, &["not accepted"]);
        assert_eq!(report.depth(), 0);
        let leaf = client(&CA, "alice");
        assert!(store.judge(&[leaf.to_der().to_vec(), odd.clone()], &CLIENT, NOW).is_ok());
        let lost = client(&OTHER_CA, "alice");
        let sent = [lost.to_der().to_vec(), odd];
        let report = refused(&store, &sent, &CLIENT, NOW, Check::Issuer, &["Other CA"]);
        assert!(report.findings().any(|finding| finding.check == Check::Key && finding.depth == 1));
    }
}

#[test]
fn an_empty_chain_and_one_that_is_too_long_are_refused() {
    let store = trust(&[CA.certificate()]);
    let report = refused(&store, &[], &CLIENT, NOW, Check::Presence, &["no certificate"]);
    assert_eq!(Error::from(report).code(), ErrorCode::CertificateRequired);
    let leaf = client(&CA, "alice").to_der().to_vec();
    assert!(store.judge(&vec![leaf.clone(); MAX_CHAIN_LEN], &CLIENT, NOW).is_ok());
    let long = vec![leaf; MAX_CHAIN_LEN + 1];
    refused(&store, &long, &CLIENT, NOW, Check::PathLength, &["11 certificates"]);
}

#[test]
fn a_leaf_cut_short_anywhere_is_refused() {
    let store = trust(&[CA.certificate()]);
    let leaf = client(&CA, "alice").to_der().to_vec();
    for len in 0..leaf.len() {
        refused(&store, &[leaf[..len].to_vec()], &CLIENT, NOW, Check::Format, &[]);
        refused(&store, &[leaf.clone(), leaf[..len].to_vec()], &CLIENT, NOW, Check::Format, &[]);
    }
    refused(&store, &[[leaf.as_slice(), &[0]].concat()], &CLIENT, NOW, Check::Format, &[]);
}

#[test]
fn a_leaf_with_any_changed_octet_is_refused() {
    let store = trust(&[CA.certificate()]);
    let leaf = client(&CA, "alice").to_der().to_vec();
    for index in 0..leaf.len() {
        for mask in [0x01, 0x80, 0xFF] {
            let mut changed = leaf.clone();
            changed[index] ^= mask;
            let report = store.judge(&[changed], &CLIENT, NOW).expect_err("accepted");
            assert!(!report.to_string().is_empty());
        }
    }
}

#[test]
fn certificates_that_all_name_each_other_cost_little() {
    // Ten authorities of one name: each could have issued each.
    let keys: Vec<Authority> = (0..MAX_CHAIN_LEN).map(|_| authority("Loop")).collect();
    let lost = authority("Lost");
    let mut certificates: Vec<&Certificate> = keys.iter().map(Authority::certificate).collect();
    let leaf = client(&lost, "alice");
    certificates[0] = &leaf;
    let looping = client(&keys[1], "bob");
    let namesake = authority("Loop");
    for store in [trust(&[CA.certificate()]), trust(&[CA.certificate(), namesake.certificate()])] {
        for first in [&leaf, &looping] {
            certificates[0] = first;
            let started = std::time::Instant::now();
            let report = store.judge(&chain(&certificates), &CLIENT, NOW).err().unwrap();
            assert!(report.findings().count() <= 16);
            assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
        }
    }
}

#[test]
fn a_report_says_all_that_is_wrong() {
    let leaf = server(&OTHER_CA, &["bank.example"]);
    let report = refused(
        &trust(&[CA.certificate(), OTHER_CA.certificate()]),
        &chain(&[&leaf]),
        &as_server("other.example"),
        NOW.plus(2 * DAY),
        Check::NotAfter,
        &["expired"],
    );
    let checks: Vec<Check> = report.findings().map(|finding| finding.check).collect();
    assert_eq!(checks, [Check::NotAfter, Check::Name]);
    let text = Error::from(report).to_string();
    assert!(text.contains("expired at") && text.contains("expected other.example"), "{text}");
    assert!(text.contains("CN=bank,O=Example Bank,L=Panjim,ST=Goa,C=IN"), "{text}");
}

#[test]
fn a_report_is_short_and_harmless_whatever_names_a_peer_sends() {
    let Some(openssl) = openssl() else { return };
    openssl.ok("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem");
    openssl.write(
        "req.cnf",
        format!(
            "[req]\ndistinguished_name=n\nprompt=no\nstring_mask=utf8only\n[n]\nO={}\nCN=evil\x1b[2J\u{202E}name\n",
            "x".repeat(60)
        ),
    );
    openssl.ok("req -x509 -utf8 -new -key key.pem -config req.cnf -addext keyUsage=digitalSignature -outform DER -out x.der");
    let report =
        refused(&trust(&[CA.certificate()]), &[openssl.read("x.der")], &CLIENT, NOW, Check::Issuer, &[]);
    let text = report.to_string();
    assert!(!text.chars().any(char::is_control) && !text.contains('\u{202E}'), "{text:?}");
    assert!(text.contains(r"CN=evil\1B[2J\E2\80\AEname"), "{text}");
}

#[test]
fn authority_names_are_the_subjects_as_encoded_once_each() {
    let again = authority("Test CA");
    let store = trust(&[CA.certificate(), OTHER_CA.certificate(), again.certificate()]);
    assert_eq!(
        store.authority_names(),
        [CA.certificate().subject_der().to_vec(), OTHER_CA.certificate().subject_der().to_vec()]
    );
    assert!(!store.is_empty() && TrustStore::new().is_empty());
    let request = CertificateRequest::load(request(&ec_key(), "x", &[]).to_der()).unwrap();
    assert_ne!(request.subject(), CA.certificate().subject());
}
