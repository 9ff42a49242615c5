//! What RFC 5280 §4 asks of certificates beyond their encoding, of authorities that are trusted and of others.

use crate::support::*;
use otls::crypto::hash::HashAlgorithm;
use otls::error::Check;
use otls::pki::{Authority, Certificate, DistinguishedName, PeerRole, PrivateKey, TrustStore, Validity};

const CA_EXTENSIONS: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
const LEAF_EXTENSIONS: &str = "extendedKeyUsage=clientAuth\n";

/// A certificate with these extensions of the authority in CA.pem; without one its own.
fn made(openssl: &OpenSsl, file: &str, subject: &str, ca: Option<&str>, extensions: &str) -> Certificate {
    openssl.ok(&format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {file}.key"));
    openssl.write("req.cnf", "[req]\ndistinguished_name=n\n[n]\n");
    openssl.ok(&format!("req -new -config req.cnf -key {file}.key -subj {subject} -out {file}.csr"));
    openssl.write("ext.cnf", extensions);
    let signer = match ca {
        Some(ca) => format!("-CA {ca}.pem -CAkey {ca}.key -CAcreateserial"),
        None => format!("-signkey {file}.key"),
    };
    openssl.ok(&format!("x509 -req -in {file}.csr {signer} -days 30000 -extfile ext.cnf -out {file}.pem"));
    Certificate::load(&openssl.read(&format!("{file}.pem"))).unwrap()
}

#[test]
fn an_authority_with_a_fault_is_not_trusted() {
    let Some(openssl) = openssl() else { return };
    for (subject, extensions, words) in [
        ("/CN=A", "", None),
        ("/CN=A", "1.2.3.4=critical,DER:05:00\n", Some("1.2.3.4")),
        ("/CN=A", "1.2.3.4=DER:05:00\n", None),
        ("/CN=A", "subjectKeyIdentifier=critical,hash\n", Some("key identifier")),
        ("/CN=A", "nameConstraints=permitted;DNS:bank.example\n", Some("name constraints")),
        ("/CN=A", "nameConstraints=critical,permitted;DNS:bank.example\n", None),
        ("/", "", Some("has no name")),
    ] {
        let authority = made(&openssl, "ca", subject, None, &format!("{CA_EXTENSIONS}{extensions}"));
        let leaf = made(&openssl, "leaf", "/CN=leaf", Some("ca"), LEAF_EXTENSIONS);
        let key = PrivateKey::load(&openssl.read("ca.key"), None).unwrap();
        let mut store = TrustStore::new();
        let added = store.add_authority(&authority);
        let loaded = Authority::load(authority.clone(), key, HashAlgorithm::Sha256);
        // One that is pinned comes with the chain.
        let mut pinned = TrustStore::new();
        pinned.add_fingerprint(authority.fingerprint());
        let sent = chain(&[&leaf, &authority]);
        let verdict = pinned.judge(&sent, &PeerRole::Client, NOW);
        match words {
            None => {
                added.unwrap();
                assert!(
                    loaded.is_ok() && verdict.is_ok() && store.judge(&sent, &PeerRole::Client, NOW).is_ok()
                );
            }
            Some(words) => {
                let error = added.expect_err(words).to_string();
                assert!(error.contains(words), "{error}");
                assert!(loaded.is_err() && verdict.is_err(), "{words}");
            }
        }
    }
}

#[test]
fn certificates_on_a_path_have_the_extensions_of_what_they_are() {
    let Some(openssl) = openssl() else { return };
    let root = made(&openssl, "root", "/CN=root", None, CA_EXTENSIONS);
    let verify = |subject: &str, ca: &str, leaf: (&str, &str)| {
        let middle = made(&openssl, "ca", subject, Some("root"), &format!("{CA_EXTENSIONS}{ca}"));
        let leaf = made(&openssl, "leaf", leaf.0, Some("ca"), leaf.1);
        trust(&[&root]).judge(&chain(&[&leaf, &middle]), &PeerRole::Client, NOW)
    };
    let good = ("/CN=leaf", LEAF_EXTENSIONS);
    let leaf = |more: &'static str| ("/CN=leaf", more);
    for (subject, ca, leaf, depth) in [
        ("/CN=ca", "", good, None),
        ("/CN=ca", "authorityKeyIdentifier=keyid\n", good, None),
        ("/CN=ca", "authorityKeyIdentifier=critical,keyid:always\n", good, Some(1)),
        ("/CN=ca", "1.2.3.4=critical,DER:05:00\n", good, Some(1)),
        ("/CN=ca", "nameConstraints=permitted;DNS:bank.example\n", good, Some(1)),
        ("/", "", good, Some(0)),
        ("/CN=ca", "", leaf("extendedKeyUsage=clientAuth\nkeyUsage=digitalSignature,keyCertSign\n"), Some(0)),
        ("/CN=ca", "", leaf("extendedKeyUsage=clientAuth\nkeyUsage=digitalSignature,cRLSign\n"), None),
        (
            "/CN=ca",
            "",
            leaf("extendedKeyUsage=clientAuth\nnameConstraints=critical,permitted;DNS:x\n"),
            Some(0),
        ),
        ("/CN=ca", "", leaf("extendedKeyUsage=clientAuth\nsubjectKeyIdentifier=critical,hash\n"), Some(0)),
        ("/CN=ca", "", ("/", "extendedKeyUsage=clientAuth\nsubjectAltName=DNS:a.example\n"), Some(0)),
        ("/CN=ca", "", ("/", "extendedKeyUsage=clientAuth\nsubjectAltName=critical,DNS:a.example\n"), None),
        ("/CN=ca", "", ("/", LEAF_EXTENSIONS), Some(0)),
    ] {
        match (depth, verify(subject, ca, leaf)) {
            (None, verdict) => assert!(verdict.is_ok(), "{subject} {ca} {leaf:?}: {:?}", verdict.err()),
            (Some(depth), verdict) => {
                let report = verdict.err().unwrap_or_else(|| panic!("accepted: {subject} {ca} {leaf:?}"));
                assert_eq!((report.depth(), report.check()), (depth, Check::Format), "{report}");
            }
        }
    }
}

#[test]
fn basic_constraints_that_are_not_critical_are_as_nist_has_them() {
    // RFC 5280 §4.2.1.9 wants them critical; PKITS 4.6.4 has a valid path without.
    let Some(openssl) = openssl() else { return };
    let extensions = CA_EXTENSIONS.replacen("critical,", "", 1);
    let root = made(&openssl, "ca", "/CN=root", None, &extensions);
    let leaf = made(&openssl, "leaf", "/CN=leaf", Some("ca"), LEAF_EXTENSIONS);
    assert!(trust(&[&root]).judge(&chain(&[&leaf]), &PeerRole::Client, NOW).is_ok());
    let text = CA.certificate().to_text();
    assert!(text.contains("X509v3 Basic Constraints: critical"), "{text}");
}

#[test]
fn no_authority_is_made_without_a_name() {
    let made = Authority::create(
        ec_key(),
        &DistinguishedName::default(),
        HashAlgorithm::Sha256,
        Validity::new(NOW, YEAR),
        &RANDOM,
    );
    assert!(made.is_err());
}

#[test]
fn a_malformed_mailbox_is_inside_no_constraint() {
    let Some(openssl) = openssl() else { return };
    for (constraint, comparable) in [
        ("permitted;email:bank.example", true),
        ("excluded;email:other.example", true),
        ("permitted;email:.", false),
        ("excluded;email:de sk@bank.example", false),
    ] {
        let ca = format!("{CA_EXTENSIONS}nameConstraints=critical,{constraint}\n");
        let root = made(&openssl, "ca", "/CN=root", None, &ca);
        for (name, accepted) in [
            ("desk@bank.example", comparable),
            ("desk@bank.example.", false),
            ("desk@other.example@bank.example", false),
            ("desk", false),
            ("@bank.example", false),
            ("de sk@bank.example", false),
            ("desk@bank..example", false),
        ] {
            let leaf = format!("{LEAF_EXTENSIONS}subjectAltName=@a\n[a]\nemail.1={name}\n");
            let leaf = made(&openssl, "leaf", "/CN=leaf", Some("ca"), &leaf);
            let verdict = trust(&[&root]).judge(&chain(&[&leaf]), &PeerRole::Client, NOW);
            assert_eq!(verdict.is_ok(), accepted, "{name} {constraint}");
        }
    }
}

#[test]
fn each_kind_of_name_is_judged_by_the_constraints_of_its_kind() {
    let Some(openssl) = openssl() else { return };
    let tens = "IP:10.0.0.0/255.0.0.0";
    // id-on-SmtpUTF8Mailbox (RFC 9598 §3).
    let beyond_ascii = "otherName:1.3.6.1.5.5.7.8.9;UTF8:desk@bank.example";
    for (constraint, names) in [
        (
            format!("permitted;{tens}"),
            [("IP:10.1.2.3", true), ("IP:11.1.2.3", false), ("DNS:a.example", true)],
        ),
        (
            format!("excluded;{tens}"),
            [("IP:10.1.2.3", false), ("IP:11.1.2.3", true), ("DNS:a.example", true)],
        ),
        (
            "permitted;email:bank.example".to_owned(),
            [("email:desk@bank.example", true), (beyond_ascii, false), ("DNS:a.example", true)],
        ),
    ] {
        let ca = format!("{CA_EXTENSIONS}nameConstraints=critical,{constraint}\n");
        let root = made(&openssl, "ca", "/CN=root", None, &ca);
        for (name, accepted) in names {
            let leaf = format!("{LEAF_EXTENSIONS}subjectAltName={name}\n");
            let leaf = made(&openssl, "leaf", "/CN=leaf", Some("ca"), &leaf);
            let verdict = trust(&[&root]).judge(&chain(&[&leaf]), &PeerRole::Client, NOW);
            assert_eq!(verdict.is_ok(), accepted, "{name} {constraint}");
        }
    }
}
