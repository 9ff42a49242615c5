//! Authorities below authorities, with OpenSSL as judge.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm
)]

use std::sync::LazyLock;

use crate::support::*;
use otls::crypto::hash::HashAlgorithm;
use otls::error::{CertificateError, Check};
use otls::pki::{
    Authority, AuthorityTerms, Certificate, CertificateRequest, GeneralName, KeyType, NameConstraints,
    PeerRole, PrivateKey, Profile, RevocationReason, Validity,
};
use otls::{Error, UnixTime};

/// A root with room for two authorities below it, one under the other.
static ROOT: LazyLock<Authority> = LazyLock::new(|| root(NOW));

fn root(now: UnixTime) -> Authority {
    Authority::create(
        rsa_key(),
        &name("Root"),
        HashAlgorithm::Sha256,
        AuthorityTerms::new(Validity::new(now, YEAR)).with_path_len(2),
        &RANDOM,
    )
    .unwrap()
}

fn p384() -> PrivateKey {
    PrivateKey::generate(KeyType::EcdsaP384, &RANDOM).unwrap()
}

/// An authority on P-384 below `above`, with the chain to its root.
fn below(above: &Authority, common_name: &str, path_len: u8, now: UnixTime) -> Authority {
    let key = p384();
    let request =
        CertificateRequest::create(&key, &name(common_name), &[], HashAlgorithm::Sha384, &RANDOM).unwrap();
    let certificate =
        above.issue(&request, Profile::Ca { path_len }, Validity::new(now, YEAR / 2), &RANDOM).unwrap();
    let ca = Authority::load(certificate, key, HashAlgorithm::Sha384).unwrap();
    ca.with_chain(above.chain().to_vec()).unwrap()
}

/// An authority within these constraints, and one of the same name and key that does not keep to them.
fn constrained(constraints: &NameConstraints) -> (Authority, Authority) {
    let key = ec_key().to_pem(None, &RANDOM).unwrap();
    let key = || PrivateKey::load(key.expose(), None).unwrap();
    let asked = request(&key(), "Branch CA", &[]);
    let terms = AuthorityTerms::new(Validity::new(NOW, YEAR)).with_path_len(0);
    let with = |terms: &AuthorityTerms| {
        let certificate = ROOT.issue_authority(&asked, terms, &RANDOM).unwrap();
        Authority::load(certificate, key(), HashAlgorithm::Sha256).unwrap()
    };
    (with(&terms.clone().with_constraints(constraints.clone())), with(&terms))
}

#[track_caller]
fn refusal<T: core::fmt::Debug>(result: otls::Result<T>, word: &str) {
    match result.expect_err("it was accepted") {
        Error::Certificate(CertificateError::Refused(why) | CertificateError::NotAuthority(why)) => {
            assert!(why.contains(word), "{why}");
        }
        error => panic!("{error}"),
    }
}

#[test]
fn a_chain_of_three_authorities_verifies_here_and_with_openssl() {
    let issuing = below(&below(&ROOT, "Middle CA", 1, NOW), "Issuing CA", 0, NOW);
    assert_eq!(issuing.certificate().path_length(), Some(0));
    assert_eq!(issuing.chain().len(), 3);
    assert_eq!(issuing.chain()[2], *ROOT.certificate());
    let both = issuing.issue(
        &request(&ec_key(), "hub", &["hub.example"]),
        Profile::Both,
        Validity::new(NOW, DAY),
        &RANDOM,
    );
    let both = both.unwrap();
    assert_eq!(both.extended_key_usages(), ["serverAuth", "clientAuth"]);
    let mut sent = vec![&both];
    sent.extend(&issuing.chain()[..2]);
    let store = trust(&[ROOT.certificate()]);
    for role in [as_server("hub.example"), PeerRole::Client, PeerRole::Enrolled] {
        let peer = store.judge(&chain(&sent), &role, NOW).unwrap();
        assert_eq!(peer.authority(), ROOT.certificate());
    }
    let Some(openssl) = openssl() else { return };
    openssl.write("root.pem", ROOT.certificate().to_pem());
    openssl.write("leaf.pem", both.to_pem());
    openssl.write("between.pem", sent[1..].iter().map(|one| one.to_pem()).collect::<String>());
    for purpose in ["sslserver", "sslclient"] {
        openssl.ok(&format!(
            "verify -x509_strict -attime {} -purpose {purpose} -CAfile root.pem -untrusted between.pem leaf.pem",
            NOW.0
        ));
    }
}

#[test]
fn an_authority_signs_authorities_within_its_path_length_only() {
    let asked = |common_name: &str| request(&ec_key(), common_name, &[]);
    let issue = |ca: &Authority, path_len| {
        ca.issue(&asked("Sub CA"), Profile::Ca { path_len }, Validity::new(NOW, DAY), &RANDOM)
    };
    refusal(issue(&CA, 0), "path length is 0");
    refusal(issue(&ROOT, 2), "at most 1");
    assert_eq!(issue(&ROOT, 1).unwrap().path_length(), Some(1));
    let own_name = ROOT.issue(&asked("Root"), Profile::Ca { path_len: 0 }, Validity::new(NOW, DAY), &RANDOM);
    refusal(own_name, "the authority's own");
    let with_names = ROOT
        .issue(
            &request(&ec_key(), "Sub CA", &["a.example"]),
            Profile::Ca { path_len: 0 },
            Validity::new(NOW, DAY),
            &RANDOM,
        )
        .unwrap();
    assert!(with_names.names().is_empty(), "an authority has no host names");
    let short = below(&ROOT, "Short CA", 0, NOW);
    let long = short.issue(
        &request(&ec_key(), "bank", &["a.b"]),
        Profile::Server,
        Validity::new(NOW, 2 * YEAR),
        &RANDOM,
    );
    assert_eq!(long.unwrap().not_after(), short.certificate().not_after());
}

#[test]
fn a_chain_that_does_not_belong_together_is_refused() {
    let middle = below(&ROOT, "Middle CA", 1, NOW);
    let load = || {
        let key = PrivateKey::load(middle.key().to_pem(None, &RANDOM).unwrap().expose(), None).unwrap();
        Authority::load(middle.certificate().clone(), key, HashAlgorithm::Sha384).unwrap()
    };
    refusal(load().with_chain(vec![CA.certificate().clone()]), "name is another");
    refusal(load().with_chain(vec![root_of_the_same_name()]), "signature is another's");
    let leaf = server(&CA, &["a.b"]);
    refusal(load().with_chain(vec![leaf]), "name is another");
    let own = middle.certificate().clone();
    assert_eq!(load().with_chain(vec![own, ROOT.certificate().clone()]).unwrap().chain().len(), 2);
    let long = vec![ROOT.certificate().clone(); 9];
    assert!(matches!(load().with_chain(long), Err(Error::ApiMisuse(_))));
}

fn root_of_the_same_name() -> Certificate {
    authority("Root").certificate().clone()
}

#[test]
fn a_server_needs_a_host_name_and_not_only_a_mailbox() {
    for profile in [Profile::Server, Profile::Both] {
        let asked = request(&ec_key(), "bank", &["email:a@bank.example"]);
        refusal(CA.issue(&asked, profile, Validity::new(NOW, DAY), &RANDOM), "DNS name or IP address");
    }
    let asha = request(&ec_key(), "asha", &["email:a@bank.example", "URI:urn:customer:42"]);
    let client = CA.issue(&asha, Profile::Client, Validity::new(NOW, DAY), &RANDOM).unwrap();
    assert_eq!(client.names(), asha.names());
}

#[test]
fn name_constraints_hold_here_and_with_openssl() {
    let constraints = NameConstraints::new().permit("branch.example").unwrap();
    let constraints = constraints.permit("10.1.0.0/16").unwrap().exclude("secret.branch.example").unwrap();
    let branch = constrained(&constraints);
    let only_names = constrained(&NameConstraints::new().permit("branch.example").unwrap());
    let only_networks = constrained(&NameConstraints::new().permit("10.1.0.0/16").unwrap());
    let all_but = constrained(&NameConstraints::new().exclude("secret.example").unwrap());
    let store = trust(&[ROOT.certificate()]);
    let openssl = openssl();
    for ((ca, careless), host, accepted) in [
        (&branch, "branch.example", true),
        (&branch, "www.branch.example", true),
        (&branch, "10.1.2.3", true),
        (&branch, "10.2.2.3", false),
        (&branch, "::1", false),
        (&branch, "secret.branch.example", false),
        (&branch, "a.secret.branch.example", false),
        (&branch, "bank.example", false),
        (&branch, "xbranch.example", false),
        (&only_names, "branch.example", true),
        (&only_names, "10.1.2.3", false),
        (&only_names, "::1", false),
        (&only_networks, "10.1.2.3", true),
        (&only_networks, "branch.example", false),
        (&all_but, "10.1.2.3", true),
        (&all_but, "branch.example", true),
        (&all_but, "secret.example", false),
    ] {
        // It does not issue what nobody accepts; another may.
        let leaf = server(careless, &[host]);
        let asked = request(&ec_key(), "", &[host]);
        let issued = ca.issue(&asked, Profile::Server, Validity::new(NOW, DAY), &RANDOM);
        match accepted {
            true => assert!(issued.is_ok(), "{host}"),
            false => refusal(issued, "constrain"),
        }
        let sent = chain(&[&leaf, ca.certificate()]);
        if accepted {
            assert!(store.judge(&sent, &as_server(host), NOW).is_ok(), "{host}");
        } else {
            refused(&store, &sent, &as_server(host), NOW, Check::NameConstraints, &["constrain"]);
        }
        let Some(openssl) = &openssl else { continue };
        openssl.write("root.pem", ROOT.certificate().to_pem());
        openssl.write("ca.pem", ca.certificate().to_pem());
        openssl.write("leaf.pem", leaf.to_pem());
        let verify =
            format!("verify -x509_strict -attime {} -CAfile root.pem -untrusted ca.pem leaf.pem", NOW.0);
        if accepted {
            openssl.ok(&verify);
        } else {
            openssl.fails(&verify);
        }
    }
    let empty = ROOT.issue_authority(
        &request(&ec_key(), "x", &[]),
        &AuthorityTerms::new(Validity::new(NOW, DAY))
            .with_path_len(0)
            .with_constraints(NameConstraints::new()),
        &RANDOM,
    );
    refusal(empty, "without a name");
}

#[test]
fn an_intermediates_revocation_list_is_accepted_by_openssl() {
    let issuing = below(&ROOT, "Issuing CA", 0, NOW);
    let asked = request(&ec_key(), "bank", &["bank.example"]);
    let leaf = issuing.issue(&asked, Profile::Server, Validity::new(NOW, DAY), &RANDOM).unwrap();
    let revoked = [(leaf.serial().to_vec(), NOW, RevocationReason::KeyCompromise)];
    let list = issuing.issue_crl(&revoked, 2, Validity::new(NOW, DAY), &RANDOM).unwrap();
    let mut store = trust(&[ROOT.certificate()]);
    store.add_crl(list.clone());
    let sent = chain(&[&leaf, issuing.certificate()]);
    refused(&store, &sent, &as_server("bank.example"), NOW, Check::Revocation, &["revoked"]);
    let Some(openssl) = openssl() else { return };
    openssl.write("root.pem", ROOT.certificate().to_pem());
    openssl.write("ca.pem", issuing.certificate().to_pem());
    openssl.write("leaf.pem", leaf.to_pem());
    openssl.write("list.pem", list.to_pem());
    let text = openssl.ok("crl -in list.pem -noout -verify -CAfile ca.pem");
    assert!(text.contains("verify OK"), "{text}");
    let text = openssl.fails(&format!(
        "verify -x509_strict -attime {} -crl_check -CRLfile list.pem -CAfile root.pem -untrusted ca.pem leaf.pem",
        NOW.0
    ));
    assert!(text.contains("revoked"), "{text}");
}

#[test]
fn names_of_all_kinds_are_requested_and_written() {
    let names = ["bank.example", "10.0.0.1", "email:desk@bank.example", "URI:https://bank.example/"];
    let leaf = server(&CA, &names);
    assert_eq!(leaf.names(), names.map(|name| GeneralName::parse(name).unwrap()));
    let sent = chain(&[&leaf]);
    let store = trust(&[CA.certificate()]);
    for host in ["bank.example", "10.0.0.1"] {
        assert!(store.judge(&sent, &as_server(host), NOW).is_ok());
    }
    // RFC 9525 §6.1: a server is known by a host name; its other names do not count.
    for other in ["email:desk@bank.example", "URI:https://bank.example/"] {
        refused(&store, &sent, &as_server(other), NOW, Check::Name, &["expected"]);
    }
}
