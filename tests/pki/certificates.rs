//! Requests, certificates and the authority, with OpenSSL as judge.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

use crate::support::*;
use otls::crypto::hash::HashAlgorithm;
use otls::crypto::sign::KeyAlgorithm;
use otls::error::{CertificateError, KeyError};
use otls::pki::{
    Authority, Certificate, CertificateRequest, Chain, DistinguishedName, GeneralName, Identity, KeyType,
    PrivateKey, Profile, Validity,
};
use otls::{Error, UnixTime};
use std::time::Duration;

/// Every kind of key with the hash that it signs with.
fn signers() -> Vec<(PrivateKey, HashAlgorithm, &'static str)> {
    vec![
        (ec_key(), HashAlgorithm::Sha256, "ecdsa-with-SHA256"),
        (generate(KeyType::EcdsaP384), HashAlgorithm::Sha384, "ecdsa-with-SHA384"),
        (generate(KeyType::Ed25519), HashAlgorithm::Sha256, "ED25519"),
        (rsa_key(), HashAlgorithm::Sha256, "sha256WithRSAEncryption"),
        (rsa_key(), HashAlgorithm::Sha384, "sha384WithRSAEncryption"),
    ]
}

fn generate(key_type: KeyType) -> PrivateKey {
    PrivateKey::generate(key_type, &RANDOM).unwrap()
}

#[track_caller]
fn certificate_error<T>(result: otls::Result<T>) -> CertificateError {
    match result {
        Err(Error::Certificate(error)) => error,
        Err(error) => panic!("not a certificate error: {error}"),
        Ok(_) => panic!("accepted"),
    }
}

#[test]
fn a_request_says_what_it_was_made_of_and_openssl_agrees() {
    let names =
        ["bank.example", "*.bank.example", "127.0.0.1", "::1", "email:desk@bank.example", "URI:urn:bank:1"]
            .map(|name| GeneralName::parse(name).unwrap());
    let mut subject = name("bank ₹");
    subject.set("OU", "Cards").unwrap();
    subject.set("serialNumber", "42").unwrap();
    subject.set("emailAddress", "desk@bank.example").unwrap();
    for (key, hash, algorithm) in signers() {
        let made = CertificateRequest::create(&key, &subject, &names, hash, &RANDOM).unwrap();
        for data in [made.to_pem().as_bytes(), made.to_der()] {
            let request = CertificateRequest::load(data).unwrap();
            assert_eq!(request.subject(), &subject);
            assert_eq!(request.names(), names);
            assert_eq!(request.public_key(), key.public_key());
        }
        let Some(openssl) = openssl() else { continue };
        openssl.write("csr.pem", made.to_pem());
        let text = openssl.ok("req -in csr.pem -verify -noout -text -nameopt utf8,sep_comma_plus,sname");
        assert!(text.contains("verify OK"), "{text}");
        assert!(text.contains(algorithm), "{text}");
        assert!(
            text.contains(
                "C=IN,ST=Goa,L=Panjim,O=Example Bank,OU=Cards,CN=bank ₹,serialNumber=42,emailAddress=desk@bank.example"
            ),
            "{text}"
        );
        assert!(text.contains(
            "DNS:bank.example, DNS:*.bank.example, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, \
             email:desk@bank.example, URI:urn:bank:1"
        ));
    }
}

#[test]
fn requests_of_openssl_load_whatever_their_algorithm() {
    let Some(openssl) = openssl() else { return };
    openssl.write("rsa.pem", rsa_key().to_pem(None, &RANDOM).unwrap().expose());
    openssl.write("ec.pem", ec_key().to_pem(None, &RANDOM).unwrap().expose());
    for (options, accepted) in [
        ("-key rsa.pem -sha256", true),
        ("-key rsa.pem -sha512", true),
        ("-key rsa.pem -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32", true),
        ("-key ec.pem -sha384", true),
        ("-key ec.pem -sha1", false),
        ("-key rsa.pem -sha1", false),
    ] {
        openssl.ok(&format!(
            "req -new {options} -subj /C=IN/OU=Cards/CN=bank/emailAddress=a@b.example \
             -addext subjectAltName=DNS:Bank.Example,email:a@b.example,URI:https://b.example,IP:10.0.0.1 -out csr.pem"
        ));
        match CertificateRequest::load(&openssl.read("csr.pem")) {
            Ok(request) => {
                assert!(accepted, "{options}");
                let mut subject = DistinguishedName::with_common_name("bank");
                subject.set("C", "IN").unwrap();
                subject.set("OU", "Cards").unwrap();
                subject.set("emailAddress", "a@b.example").unwrap();
                assert_eq!(request.subject(), &subject);
                let names = ["bank.example", "email:a@b.example", "URI:https://b.example", "10.0.0.1"];
                assert_eq!(request.names(), names.map(|name| GeneralName::parse(name).unwrap()));
            }
            Err(error) => {
                let is_named =
                    matches!(&error, Error::Certificate(CertificateError::UnsupportedSignature(_)));
                assert!(!accepted && is_named, "{options}: {error}");
            }
        }
    }
}

#[test]
fn a_request_whose_names_are_not_acceptable_is_refused() {
    let create = |subject: &DistinguishedName, names: &[GeneralName]| {
        CertificateRequest::create(&ec_key(), subject, names, HashAlgorithm::Sha256, &RANDOM)
    };
    let bad_dns = GeneralName::Dns("bank example".into());
    assert!(matches!(certificate_error(create(&name("bank"), &[bad_dns])), CertificateError::BadName(_)));
    let address = GeneralName::Dns("127.0.0.1".into());
    assert!(matches!(certificate_error(create(&name("bank"), &[address])), CertificateError::BadName(_)));
    let many = vec![GeneralName::parse("bank.example").unwrap(); 101];
    assert!(matches!(certificate_error(create(&name("bank"), &many)), CertificateError::BadName(_)));
    let empty = DistinguishedName::default();
    assert!(matches!(certificate_error(create(&empty, &[])), CertificateError::BadName(_)));
    let Some(openssl) = openssl() else { return };
    openssl.write("key.pem", ec_key().to_pem(None, &RANDOM).unwrap().expose());
    openssl.ok("req -new -key key.pem -subj /CN=bank -addext subjectAltName=DNS:bank..example -out csr.pem");
    let error = certificate_error(CertificateRequest::load(&openssl.read("csr.pem")));
    assert!(matches!(error, CertificateError::BadName(_)), "{error}");
}

#[test]
fn a_hash_that_is_not_the_keys_is_refused() {
    for (key_type, hash) in
        [(KeyType::EcdsaP256, HashAlgorithm::Sha384), (KeyType::EcdsaP384, HashAlgorithm::Sha256)]
    {
        let created = CertificateRequest::create(&generate(key_type), &name("bank"), &[], hash, &RANDOM);
        assert!(matches!(created, Err(Error::Key(KeyError::WrongScheme(_)))));
        let created =
            Authority::create(generate(key_type), &name("CA"), hash, Validity::new(NOW, YEAR), &RANDOM);
        assert!(matches!(created, Err(Error::Key(KeyError::WrongScheme(_)))));
    }
}

#[test]
fn what_is_issued_passes_openssl_in_strict_mode_for_its_purpose_only() {
    let Some(openssl) = openssl() else { return };
    for (ca_key, hash, algorithm) in signers() {
        let ca =
            Authority::create(ca_key, &name("Private CA"), hash, Validity::new(NOW, YEAR), &RANDOM).unwrap();
        openssl.write("ca.pem", ca.certificate().to_pem());
        let text = openssl.ok("x509 -in ca.pem -noout -text");
        for expected in [
            "X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0",
            "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign",
            algorithm,
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        for (key, request_hash, _) in signers() {
            if key.public_key() == ca.certificate().public_key() {
                continue;
            }
            let names =
                [GeneralName::parse("bank.example").unwrap(), GeneralName::parse("10.0.0.1").unwrap()];
            let request =
                CertificateRequest::create(&key, &name("bank"), &names, request_hash, &RANDOM).unwrap();
            let receives = match key.algorithm() {
                KeyAlgorithm::Rsa(_) => ", Key Encipherment",
                KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384 => ", Key Agreement",
                // RFC 8410 §5.
                KeyAlgorithm::EcdsaP521 | KeyAlgorithm::Ed25519 => "",
            };
            for (profile, right, wrong, usage) in [
                (Profile::Server, "sslserver", "sslclient", "TLS Web Server Authentication"),
                (Profile::Client, "sslclient", "sslserver", "TLS Web Client Authentication"),
            ] {
                let certificate = ca.issue(&request, profile, Validity::new(NOW, DAY), &RANDOM).unwrap();
                assert_eq!(certificate.public_key(), key.public_key());
                openssl.write("leaf.pem", certificate.to_pem());
                let verify = format!("verify -x509_strict -attime {} -CAfile ca.pem", NOW.0);
                openssl.ok(&format!("{verify} -purpose {right} leaf.pem"));
                openssl.ok(&format!("{verify} -verify_hostname bank.example leaf.pem"));
                openssl.ok(&format!("{verify} -verify_ip 10.0.0.1 leaf.pem"));
                openssl.fails(&format!("{verify} -purpose {wrong} leaf.pem"));
                openssl.fails(&format!("{verify} -verify_hostname other.example leaf.pem"));
                let text = openssl.ok("x509 -in leaf.pem -noout -text");
                let receives = if profile == Profile::Client { receives } else { "" };
                for expected in [
                    "CA:FALSE",
                    &format!("X509v3 Key Usage: critical\n                Digital Signature{receives}\n"),
                    usage,
                    "DNS:bank.example, IP Address:10.0.0.1",
                    "X509v3 Subject Key Identifier",
                    "X509v3 Authority Key Identifier",
                    algorithm,
                ] {
                    assert!(text.contains(expected), "{expected}: {text}");
                }
            }
        }
    }
}

#[test]
fn a_certificate_says_what_openssl_reads_in_it() {
    let Some(openssl) = openssl() else { return };
    let certificate = server(&CA, &["bank.example"]);
    openssl.write("leaf.pem", certificate.to_pem());
    let text = openssl.ok("x509 -in leaf.pem -noout -serial -fingerprint -sha256 -dates -dateopt iso_8601");
    let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>();
    assert!(text.contains(&format!("serial={}", hex(certificate.serial()).concat())), "{text}");
    assert!(text.contains(&format!("Fingerprint={}", hex(&certificate.fingerprint()).join(":"))), "{text}");
    assert!(text.contains("notBefore=2046-01-19 18:35:00Z"), "{text}");
    assert!(text.contains("notAfter=2046-01-20 18:40:00Z"), "{text}");
    assert_eq!(certificate.not_before(), NOW.minus(Duration::from_secs(300)));
    assert_eq!(certificate.not_after(), NOW.plus(DAY));
}

#[test]
fn a_certificate_loads_with_openssls_text_around_it_and_as_der() {
    let certificate = server(&CA, &["bank.example"]);
    assert_eq!(Certificate::load(certificate.to_der()).unwrap(), certificate);
    let Some(openssl) = openssl() else { return };
    openssl.write("leaf.pem", certificate.to_pem());
    let text = openssl.ok("x509 -in leaf.pem -text");
    assert_eq!(Certificate::load(text.as_bytes()).unwrap(), certificate);
}

#[test]
fn a_bundle_loads_in_order() {
    let (one, two) = (server(&CA, &["a.example"]), server(&CA, &["b.example"]));
    let key = ec_key().to_pem(None, &RANDOM).unwrap();
    let bundle = [
        one.to_pem().as_bytes(),
        b"the second:\n",
        two.to_pem().as_bytes(),
        CA.certificate().to_pem().as_bytes(),
    ]
    .concat();
    assert_eq!(Certificate::load_chain(&bundle).unwrap(), [one.clone(), two, CA.certificate().clone()]);
    assert_eq!(Certificate::load_chain(one.to_der()).unwrap(), [one]);
    for (data, found) in [
        (key.expose().to_vec(), "the data holds a private key"),
        (Vec::new(), "the data is empty"),
        (b"x".to_vec(), "the data is neither PEM nor DER"),
    ] {
        match certificate_error(Certificate::load_chain(&data)) {
            CertificateError::NotFound(instead) => assert_eq!(instead.what(), found),
            error => panic!("{error}"),
        }
    }
}

#[test]
fn dates_from_2050_on_are_generalized_time() {
    let far = UnixTime(2_556_143_999).minus(DAY); // 2050-12-31
    let ca = authority_at("Far CA", far, 100 * YEAR);
    let request = request(&ec_key(), "bank", &["bank.example"]);
    let leaf = ca
        .issue(&request, Profile::Server, Validity::new(far, Duration::from_secs(u64::MAX)), &RANDOM)
        .unwrap();
    assert_eq!(leaf.not_after(), ca.certificate().not_after());
    assert_eq!(Certificate::load(leaf.to_der()).unwrap().not_before(), far.minus(Duration::from_secs(300)));
    let utc_and_generalized = authority_at("CA", NOW, 30 * YEAR);
    for (certificate, not_before, not_after) in [
        (&leaf, 0x18, 0x18),
        (utc_and_generalized.certificate(), 0x17, 0x18),
        (&server(&CA, &["a.b"]), 0x17, 0x17),
    ] {
        let der = certificate.to_der();
        // Validity is the only SEQUENCE of two times.
        let at = (0..der.len() - 4)
            .find(|at| der[*at] == 0x30 && der[at + 2] == not_before && matches!(der[at + 3], 13 | 15))
            .expect("Validity is there");
        assert_eq!(der[at + 4 + usize::from(der[at + 3])], not_after);
    }
    let endless = authority_at("Endless CA", NOW, Duration::MAX);
    assert_eq!(endless.certificate().not_after(), UnixTime(253_402_300_799));
    let Some(openssl) = openssl() else { return };
    openssl.write("ca.pem", ca.certificate().to_pem());
    openssl.write("leaf.pem", leaf.to_pem());
    openssl.ok(&format!("verify -x509_strict -attime {} -CAfile ca.pem leaf.pem", far.0));
}

#[test]
fn serial_numbers_are_random_positive_and_at_most_16_octets() {
    let request = request(&ec_key(), "alice", &[]);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..200 {
        let certificate = CA.issue(&request, Profile::Client, Validity::new(NOW, DAY), &RANDOM).unwrap();
        let serial = certificate.serial().to_vec();
        assert!((8..=16).contains(&serial.len()), "{serial:?}");
        assert!(serial.len() < 16 || serial[0] < 0x80, "{serial:?}");
        assert!(seen.insert(serial));
    }
}

#[test]
fn the_authority_refuses_what_it_must_not_sign() {
    let refused = |result: otls::Result<Certificate>, word: &str| match certificate_error(result) {
        CertificateError::Refused(why) => assert!(why.contains(word), "{why}"),
        error => panic!("{error}"),
    };
    let issue = |request: &CertificateRequest, profile, now| {
        CA.issue(request, profile, Validity::new(now, DAY), &RANDOM)
    };
    let no_names = request(&ec_key(), "bank", &[]);
    refused(issue(&no_names, Profile::Server, NOW), "alternative name");
    refused(issue(&no_names, Profile::Client, NOW.plus(YEAR + SECOND)), "expired at 2047-01-19T18:40:00Z");
    refused(issue(&no_names, Profile::Client, NOW.minus(Duration::from_secs(301))), "not valid before");
    refused(issue(&request(&ec_key(), "Test CA", &["a.b"]), Profile::Server, NOW), "the authority's own");
    let ca_key = PrivateKey::load(CA.key().to_pem(None, &RANDOM).unwrap().expose(), None).unwrap();
    refused(issue(&request(&ca_key, "bank", &["a.b"]), Profile::Server, NOW), "key is the authority's own");
    let mut no_common_name = name("");
    no_common_name.set("O", "x").unwrap();
    let nobody =
        CertificateRequest::create(&ec_key(), &no_common_name, &[], HashAlgorithm::Sha256, &RANDOM).unwrap();
    refused(issue(&nobody, Profile::Client, NOW), "common name");
    let lifetime_of_0 = CA.issue(&no_names, Profile::Client, Validity::days(NOW, 0), &RANDOM);
    assert!(matches!(lifetime_of_0, Err(Error::ApiMisuse(_))));
}

#[test]
fn an_authority_is_loaded_only_with_its_own_key_and_a_ca_certificate() {
    let pem = CA.key().to_pem(None, &RANDOM).unwrap();
    let key = || PrivateKey::load(pem.expose(), None).unwrap();
    let ca = Authority::load(CA.certificate().clone(), key(), HashAlgorithm::Sha256).unwrap();
    let leaf = server(&ca, &["bank.example"]);
    assert!(trust(&[CA.certificate()]).judge(&chain(&[&leaf]), &as_server("bank.example"), NOW).is_ok());

    let load = |certificate: &Certificate, key: PrivateKey| {
        Authority::load(certificate.clone(), key, HashAlgorithm::Sha256).err().unwrap()
    };
    assert_eq!(load(CA.certificate(), ec_key()), KeyError::CertificateMismatch.into());
    let leaf_key = ec_key();
    let leaf = CA
        .issue(&request(&leaf_key, "bank", &["a.b"]), Profile::Server, Validity::new(NOW, DAY), &RANDOM)
        .unwrap();
    assert!(matches!(load(&leaf, leaf_key), Error::Certificate(CertificateError::NotAuthority(_))));
}

#[test]
fn an_authority_made_by_openssl_issues_what_openssl_accepts() {
    let Some(openssl) = openssl() else { return };
    openssl.write("ca-key.pem", rsa_key().to_pem(None, &RANDOM).unwrap().expose());
    openssl.ok("req -x509 -new -key ca-key.pem -days 3650 -subj /C=IN/OU=Trust/CN=Foreign -addext keyUsage=critical,keyCertSign,cRLSign -out ca.pem");
    let certificate = Certificate::load(&openssl.read("ca.pem")).unwrap();
    let now = certificate.not_before().plus(HOUR);
    let ca = Authority::load(certificate, rsa_key(), HashAlgorithm::Sha384).unwrap();
    let leaf = ca
        .issue(&request(&ec_key(), "bank", &["a.b"]), Profile::Server, Validity::new(now, DAY), &RANDOM)
        .unwrap();
    openssl.write("leaf.pem", leaf.to_pem());
    openssl.ok(&format!("verify -x509_strict -attime {} -purpose sslserver -CAfile ca.pem leaf.pem", now.0));
    assert!(trust(&[ca.certificate()]).judge(&chain(&[&leaf]), &as_server("a.b"), now).is_ok());
}

#[test]
fn an_identity_is_a_chain_with_the_leafs_own_key() {
    let key = ec_key();
    let leaf =
        CA.issue(&request(&key, "alice", &[]), Profile::Client, Validity::new(NOW, DAY), &RANDOM).unwrap();
    let chain = vec![leaf.clone(), CA.certificate().clone()];
    let chain = Chain::new(chain).unwrap();
    let mismatch = Identity::new(chain.clone(), ec_key()).err().unwrap();
    assert_eq!(mismatch, KeyError::CertificateMismatch.into());
    let identity = Identity::new(chain, key).unwrap();
    assert_eq!(identity.certificate(), &leaf);
    assert_eq!(identity.chain().len(), 2);
}

#[test]
fn certificates_and_requests_cut_short_anywhere_are_refused() {
    let certificate = server(&CA, &["bank.example"]);
    let request = request(&ec_key(), "bank", &["bank.example"]);
    for len in 0..certificate.to_der().len() {
        assert!(Certificate::load(&certificate.to_der()[..len]).is_err(), "{len}");
    }
    for len in 0..request.to_der().len() {
        assert!(CertificateRequest::load(&request.to_der()[..len]).is_err(), "{len}");
    }
    assert!(Certificate::load(&[certificate.to_der(), &[0]].concat()).is_err());
    assert!(CertificateRequest::load(&[request.to_der(), &[0]].concat()).is_err());
    let huge = [certificate.to_der(), &vec![0; 70_000]].concat();
    assert!(Certificate::load(&huge).is_err());
}

#[test]
fn a_request_with_any_changed_octet_is_refused() {
    let request = request(&ec_key(), "bank", &["bank.example"]);
    for index in 0..request.to_der().len() {
        for mask in [0x01, 0x20, 0x80, 0xFF] {
            let mut changed = request.to_der().to_vec();
            changed[index] ^= mask;
            assert!(CertificateRequest::load(&changed).is_err(), "{index} {mask}");
        }
    }
}
