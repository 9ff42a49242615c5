//! Revocation lists: issued, judged by OpenSSL, and kept by the verifier.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

use crate::support::*;
use otls::crypto::hash::HashAlgorithm;
use otls::error::{CertificateError, Check};
use otls::pki::{Authority, Certificate, Crl, PeerRole, PrivateKey, RevocationReason, Validity};
use otls::{Error, ErrorCode, UnixTime};
use std::time::Duration;

const CLIENT: PeerRole = PeerRole::Client;

fn list(ca: &Authority, revoked: &[&Certificate], number: u64, now: UnixTime) -> Crl {
    let revoked: Vec<_> = revoked
        .iter()
        .map(|certificate| (certificate.serial().to_vec(), now, RevocationReason::KeyCompromise))
        .collect();
    ca.issue_crl(&revoked, number, Validity::new(now, DAY), &RANDOM).unwrap()
}

#[test]
fn a_revoked_certificate_is_refused_and_others_are_not() {
    let (alice, bob) = (client(&CA, "alice"), client(&CA, "bob"));
    let mut store = trust(&[CA.certificate()]);
    assert!(store.judge(&chain(&[&alice]), &CLIENT, NOW).is_ok());
    store.add_crl(list(&CA, &[&alice], 1, NOW));
    let report = refused(&store, &chain(&[&alice]), &CLIENT, NOW, Check::Revocation, &["has revoked it"]);
    assert_eq!(Error::from(report).code(), ErrorCode::CertificateRevoked);
    assert!(store.judge(&chain(&[&bob]), &CLIENT, NOW).is_ok());
}

#[test]
fn a_stale_list_refuses_everybody() {
    let bob = client(&CA, "bob");
    let mut store = trust(&[CA.certificate()]);
    store.add_crl(CA.issue_crl(&[], 1, Validity::new(NOW, HOUR), &RANDOM).unwrap());
    assert!(store.judge(&chain(&[&bob]), &CLIENT, NOW.plus(HOUR - SECOND)).is_ok());
    refused(
        &store,
        &chain(&[&bob]),
        &CLIENT,
        NOW.plus(HOUR),
        Check::Revocation,
        &["stale", "due at 2046-01-19T19:40:00Z"],
    );
}

#[test]
fn the_newest_list_counts_in_whatever_order_they_come() {
    let alice = client(&CA, "alice");
    let (old, new) = (list(&CA, &[], 9, NOW), list(&CA, &[&alice], 10, NOW));
    let newest = list(&CA, &[], 3, NOW.plus(HOUR));
    for (lists, accepted) in
        [([&old, &new].as_slice(), false), (&[&new, &old], false), (&[&new, &newest, &old], true)]
    {
        let mut store = trust(&[CA.certificate()]);
        lists.iter().for_each(|list| store.add_crl((*list).clone()));
        assert_eq!(store.judge(&chain(&[&alice]), &CLIENT, NOW.plus(HOUR)).is_ok(), accepted);
    }
}

#[test]
fn only_authorities_that_have_a_list_are_checked() {
    let (alice, other) = (client(&CA, "alice"), client(&OTHER_CA, "alice"));
    let mut store = trust(&[CA.certificate(), OTHER_CA.certificate()]);
    store.add_crl(list(&CA, &[&alice, &other], 1, NOW));
    refused(&store, &chain(&[&alice]), &CLIENT, NOW, Check::Revocation, &["revoked"]);
    assert!(store.judge(&chain(&[&other]), &CLIENT, NOW).is_ok());
}

#[test]
fn a_list_that_an_impostor_has_signed_refuses() {
    let impostor = authority("Test CA");
    let alice = client(&CA, "alice");
    let mut store = trust(&[CA.certificate()]);
    store.add_crl(list(&impostor, &[], 1, NOW.plus(Duration::from_secs(1))));
    refused(&store, &chain(&[&alice]), &CLIENT, NOW, Check::Revocation, &["not signed with its key"]);
    // The authority's own list settles it, although the impostor's is newer.
    store.add_crl(list(&CA, &[], 1, NOW));
    assert!(store.judge(&chain(&[&alice]), &CLIENT, NOW).is_ok());
}

#[test]
fn authorities_that_share_a_name_have_their_own_lists() {
    let second = authority("Test CA");
    let (one, two) = (client(&CA, "alice"), client(&second, "alice"));
    let mut store = trust(&[CA.certificate()]);
    store.add_crl(list(&second, &[&two], 1, NOW));
    store.add_authority(second.certificate()).unwrap();
    assert!(store.judge(&chain(&[&one]), &CLIENT, NOW).is_ok());
    refused(&store, &chain(&[&two]), &CLIENT, NOW, Check::Revocation, &["revoked"]);
    // One that neither has signed is nobody's own.
    store.add_crl(list(&authority("Test CA"), &[], 2, NOW));
    refused(&store, &chain(&[&one]), &CLIENT, NOW, Check::Revocation, &["not signed with its key"]);
}

#[test]
fn a_list_counts_on_every_path_to_a_trusted_authority() {
    // Another trusted authority vouches for the first: its certificate must not lead around the list.
    let Some(openssl) = openssl() else { return };
    openssl.write("root-key.pem", ec_key().to_pem(None, &RANDOM).unwrap().expose());
    openssl.ok("req -x509 -new -key root-key.pem -days 36500 -subj /CN=root \
         -addext keyUsage=critical,keyCertSign,cRLSign -out root.pem");
    let pem = CA.key().to_pem(None, &RANDOM).unwrap();
    let key = PrivateKey::load(pem.expose(), None).unwrap();
    openssl.write("csr.pem", request(&key, "Test CA", &[]).to_pem());
    openssl.write("ca.cnf", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n");
    openssl.ok("x509 -req -in csr.pem -CA root.pem -CAkey root-key.pem -days 36000 -extfile ca.cnf \
         -CAcreateserial -out cross.pem");
    let root = Certificate::load(&openssl.read("root.pem")).unwrap();
    let cross = Certificate::load(&openssl.read("cross.pem")).unwrap();
    assert_eq!(cross.subject_der(), CA.certificate().subject_der());
    let (alice, bob) = (client(&CA, "alice"), client(&CA, "bob"));
    for authorities in [[&root, CA.certificate()].as_slice(), &[CA.certificate(), &root], &[&root]] {
        let mut store = trust(authorities);
        assert!(store.judge(&chain(&[&alice, &cross]), &CLIENT, NOW).is_ok());
        store.add_crl(list(&CA, &[&alice], 1, NOW));
        refused(&store, &chain(&[&alice, &cross]), &CLIENT, NOW, Check::Revocation, &["has revoked it"]);
        assert!(store.judge(&chain(&[&bob, &cross]), &CLIENT, NOW).is_ok());
        refused(&store, &chain(&[&bob, &cross]), &CLIENT, NOW.plus(DAY), Check::Revocation, &["stale"]);
    }
    // An intermediate itself can be revoked.
    let mut store = trust(&[&root]);
    openssl.write("index.txt", "");
    openssl.write("number", "01\n");
    openssl.write(
        "ca.cnf",
        "[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\n\
         crl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n",
    );
    openssl.ok("ca -config ca.cnf -cert root.pem -keyfile root-key.pem -revoke cross.pem");
    openssl.ok("ca -config ca.cnf -cert root.pem -keyfile root-key.pem -gencrl -crldays 36000 -out crl.pem");
    store.add_crl(Crl::load(&openssl.read("crl.pem")).unwrap());
    let report =
        refused(&store, &chain(&[&bob, &cross]), &CLIENT, NOW, Check::Revocation, &["has revoked it"]);
    assert_eq!(report.depth(), 1);
}

#[test]
fn a_list_tells_what_it_was_made_of_and_openssl_agrees() {
    let revoked = [
        (vec![0x01], RevocationReason::Unspecified, ""),
        (vec![0x80, 0x00], RevocationReason::KeyCompromise, "Key Compromise"),
        (vec![0x7F; 20], RevocationReason::AffiliationChanged, "Affiliation Changed"),
        (vec![0x00, 0x02], RevocationReason::Superseded, "Superseded"),
        (vec![0x03], RevocationReason::CessationOfOperation, "Cessation Of Operation"),
    ];
    let entries: Vec<_> =
        revoked.iter().map(|(serial, reason, _)| (serial.clone(), NOW.minus(HOUR), *reason)).collect();
    let rsa = Authority::create(
        rsa_key(),
        &name("RSA CA"),
        HashAlgorithm::Sha384,
        Validity::new(NOW, YEAR),
        &RANDOM,
    )
    .unwrap();
    for ca in [&*CA, &rsa] {
        let made = ca.issue_crl(&entries, 4_000_000_000, Validity::new(NOW, DAY), &RANDOM).unwrap();
        for data in [made.to_pem().as_bytes(), made.to_der()] {
            let list = Crl::load(data).unwrap();
            assert!(revoked.iter().all(|(serial, ..)| list.contains(serial)));
            assert!(list.contains(&[0, 0, 1]) && list.contains(&[2]));
            assert!(!list.contains(&[4]) && !list.contains(&[]) && !list.contains(&[0x80]));
            assert_eq!(list.next_update(), NOW.plus(DAY));
        }
        let Some(openssl) = openssl() else { continue };
        openssl.write("ca.pem", ca.certificate().to_pem());
        openssl.write("crl.pem", made.to_pem());
        let text = openssl.ok("crl -in crl.pem -CAfile ca.pem -verify -noout -text");
        assert!(text.contains("verify OK"), "{text}");
        for (_, _, reason) in &revoked {
            assert!(text.contains(reason), "{reason}: {text}");
        }
        for expected in ["Version 2", "X509v3 CRL Number", "0xEE6B2800", "X509v3 Authority Key Identifier"] {
            assert!(text.contains(expected) || text.contains("4000000000"), "{expected}: {text}");
        }
    }
}

#[test]
fn openssl_refuses_what_our_list_revokes() {
    let Some(openssl) = openssl() else { return };
    let (alice, bob) = (client(&CA, "alice"), client(&CA, "bob"));
    openssl.write("ca.pem", CA.certificate().to_pem());
    openssl.write("alice.pem", alice.to_pem());
    openssl.write("bob.pem", bob.to_pem());
    openssl.write("crl.pem", list(&CA, &[&alice], 1, NOW).to_pem());
    let verify = format!("verify -x509_strict -crl_check -attime {} -CAfile ca.pem -CRLfile crl.pem", NOW.0);
    openssl.ok(&format!("{verify} bob.pem"));
    assert!(openssl.fails(&format!("{verify} alice.pem")).contains("certificate revoked"));
}

#[test]
fn a_list_of_openssl_loads_and_counts() {
    let Some(openssl) = openssl() else { return };
    let alice = client(&CA, "alice");
    openssl.write("ca.pem", CA.certificate().to_pem());
    openssl.write("ca-key.pem", CA.key().to_pem(None, &RANDOM).unwrap().expose());
    openssl.write("alice.pem", alice.to_pem());
    openssl.write("index.txt", "");
    openssl.write("number", "07\n");
    openssl.write(
        "ca.cnf",
        "[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\n\
         crl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n",
    );
    let ca = "ca -config ca.cnf -cert ca.pem -keyfile ca-key.pem";
    openssl.ok(&format!("{ca} -revoke alice.pem -crl_reason keyCompromise"));
    openssl.ok(&format!("{ca} -gencrl -crldays 36000 -out crl.pem"));
    let list = Crl::load(&openssl.read("crl.pem")).unwrap();
    assert!(list.contains(alice.serial()));
    let mut store = trust(&[CA.certificate()]);
    store.add_crl(list);
    refused(&store, &chain(&[&alice]), &CLIENT, NOW, Check::Revocation, &["revoked"]);
}

#[test]
fn lists_cut_short_or_changed_are_refused() {
    let alice = client(&CA, "alice");
    let der = list(&CA, &[&alice], 1, NOW).to_der().to_vec();
    for len in 0..der.len() {
        assert!(Crl::load(&der[..len]).is_err(), "{len}");
    }
    assert!(Crl::load(&[der.as_slice(), &[0]].concat()).is_err());
    for index in 0..der.len() {
        let mut changed = der.clone();
        changed[index] ^= 0x01;
        // What still reads as a list in the authority's name does not count as its word.
        let Ok(list) = Crl::load(&changed) else { continue };
        let mut store = trust(&[CA.certificate()]);
        store.add_crl(list);
        if let Err(report) = store.judge(&chain(&[&alice]), &CLIENT, NOW) {
            assert_eq!(report.check(), Check::Revocation, "{index}: {report}");
        } else {
            let name = CA.certificate().subject_der();
            assert!(!changed.windows(name.len()).any(|window| window == name), "{index}");
        }
    }
}

#[test]
fn what_cannot_be_revoked_is_refused() {
    let issue = |serial: Vec<u8>| {
        CA.issue_crl(&[(serial, NOW, RevocationReason::Unspecified)], 1, Validity::new(NOW, DAY), &RANDOM)
            .err()
            .unwrap()
    };
    for serial in [vec![], vec![0], vec![1; 21], vec![0x80; 20]] {
        assert!(matches!(issue(serial), Error::Certificate(CertificateError::Malformed(_))));
    }
    assert!(matches!(CA.issue_crl(&[], 1, Validity::days(NOW, 0), &RANDOM), Err(Error::ApiMisuse(_))));
    let expired = CA.issue_crl(&[], 1, Validity::new(NOW.plus(2 * YEAR), DAY), &RANDOM);
    assert!(matches!(expired, Err(Error::Certificate(CertificateError::Refused(_)))));
}

#[test]
fn an_authority_without_crl_sign_neither_issues_nor_has_lists() {
    let Some(openssl) = openssl() else { return };
    openssl.write("key.pem", CA.key().to_pem(None, &RANDOM).unwrap().expose());
    openssl.ok("req -x509 -new -key key.pem -days 36500 -subj /C=IN/ST=Goa/L=Panjim/O=X/CN=No-CRL \
         -addext keyUsage=critical,keyCertSign -out ca.pem");
    let certificate = Certificate::load(&openssl.read("ca.pem")).unwrap();
    let key = PrivateKey::load(&openssl.read("key.pem"), None).unwrap();
    let ca = Authority::load(certificate.clone(), key, HashAlgorithm::Sha256).unwrap();
    let issued = ca.issue_crl(&[], 1, Validity::new(NOW, DAY), &RANDOM);
    assert!(matches!(issued, Err(Error::Certificate(CertificateError::NotAuthority(_)))));

    openssl.write("index.txt", "");
    openssl.write("number", "01\n");
    openssl.write(
        "ca.cnf",
        "[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\n",
    );
    openssl.ok("ca -config ca.cnf -cert ca.pem -keyfile key.pem -gencrl -crldays 36000 -out crl.pem");
    let mut store = trust(&[&certificate]);
    store.add_crl(Crl::load(&openssl.read("crl.pem")).unwrap());
    let alice = client(&ca, "alice");
    refused(&store, &chain(&[&alice]), &CLIENT, NOW, Check::Revocation, &["cRLSign"]);
}
