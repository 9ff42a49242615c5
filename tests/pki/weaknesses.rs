//! What was wrong with certificates in the original programs (`WORKFLOW.md`), each as an attack that
//! must fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

use crate::support::*;
use otls::Error;
use otls::crypto::hash::HashAlgorithm;
use otls::error::{CertificateError, Check};
use otls::pki::{CertificateRequest, PeerRole, Profile, RevocationReason, Validity};

const CLIENT: PeerRole = PeerRole::Client;

#[test]
fn a_certificate_carries_the_requests_key_and_not_the_authoritys() {
    for key in [ec_key(), rsa_key()] {
        let request = request(&key, "bank", &["bank.example"]);
        for profile in [Profile::Server, Profile::Client] {
            let certificate = CA.issue(&request, profile, Validity::new(NOW, DAY), &RANDOM).unwrap();
            assert_eq!(certificate.public_key(), key.public_key());
            assert_ne!(certificate.public_key(), CA.certificate().public_key());
            let Some(openssl) = openssl() else { continue };
            openssl.write("ca.pem", CA.certificate().to_pem());
            openssl.write("leaf.pem", certificate.to_pem());
            openssl.write("csr.pem", request.to_pem());
            openssl.ok(&format!("verify -x509_strict -attime {} -CAfile ca.pem leaf.pem", NOW.0));
            let of_certificate = openssl.ok("x509 -in leaf.pem -noout -pubkey");
            assert_eq!(of_certificate, openssl.ok("req -in csr.pem -noout -pubkey"));
        }
    }
}

#[test]
fn a_request_without_proof_of_the_key_is_refused() {
    // Mallory puts the bank's public key into a request of her own, or changes the bank's request.
    let bank = request(&ec_key(), "bank", &["bank.example"]);
    let mallory = request(&ec_key(), "bank", &["bank.example"]);
    let (bank_key, mallory_key) = (bank.public_key().to_der(), mallory.public_key().to_der());
    let der = mallory.to_der();
    let at = der.windows(mallory_key.len()).position(|window| window == mallory_key).unwrap();
    let stolen = [&der[..at], bank_key, &der[at + mallory_key.len()..]].concat();
    let renamed = replaced(bank.to_der(), b"bank.example", b"evil.example");
    let mut bad_signature = bank.to_der().to_vec();
    *bad_signature.last_mut().unwrap() ^= 1;
    for attack in [stolen, renamed, bad_signature] {
        assert_eq!(CertificateRequest::load(&attack).err(), Some(CertificateError::BadSignature.into()));
    }
}

fn replaced(data: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = data.windows(from.len()).position(|window| window == from).unwrap();
    [&data[..at], to, &data[at + from.len()..]].concat()
}

#[test]
fn a_request_that_asks_to_be_an_authority_gets_a_leaf() {
    let Some(openssl) = openssl() else { return };
    openssl.write("key.pem", ec_key().to_pem(None, &RANDOM).unwrap().expose());
    openssl.write(
        "req.cnf",
        "[req]\ndistinguished_name=n\nreq_extensions=e\n[n]\n[e]\nbasicConstraints=critical,CA:TRUE\n\
         keyUsage=critical,keyCertSign,cRLSign\nextendedKeyUsage=anyExtendedKeyUsage\n\
         subjectAltName=DNS:bank.example\n",
    );
    openssl.ok("req -new -key key.pem -config req.cnf -subj /CN=mallory -out csr.pem");
    let request = CertificateRequest::load(&openssl.read("csr.pem")).unwrap();
    for (profile, key_usage, usage) in [
        (Profile::Server, "Digital Signature\n", "TLS Web Server Authentication"),
        (Profile::Client, "Digital Signature, Key Agreement\n", "TLS Web Client Authentication"),
    ] {
        let certificate = CA.issue(&request, profile, Validity::new(NOW, DAY), &RANDOM).unwrap();
        assert!(!certificate.is_ca());
        openssl.write("leaf.pem", certificate.to_pem());
        let text = openssl.ok("x509 -in leaf.pem -noout -ext basicConstraints,keyUsage,extendedKeyUsage");
        for expected in ["CA:FALSE", &format!("X509v3 Key Usage: critical\n    {key_usage}"), usage] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert!(!text.contains("Certificate Sign") && !text.contains("Any Extended"), "{text}");
        assert!(matches!(
            trust(&[]).add_authority(&certificate),
            Err(Error::Certificate(CertificateError::NotAuthority(_)))
        ));
    }
}

#[test]
fn a_leaf_cannot_issue_for_others() {
    let Some(openssl) = openssl() else { return };
    let key = ec_key();
    let mallory =
        CA.issue(&request(&key, "mallory", &[]), Profile::Client, Validity::new(NOW, YEAR), &RANDOM).unwrap();
    openssl.write("mallory.pem", mallory.to_pem());
    openssl.write("key.pem", key.to_pem(None, &RANDOM).unwrap().expose());
    openssl.write("csr.pem", request(&ec_key(), "bank", &[]).to_pem());
    openssl.write("leaf.cnf", "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:bank.example\n");
    openssl.ok("x509 -req -in csr.pem -CA mallory.pem -CAkey key.pem -days 36000 -extfile leaf.cnf \
         -CAcreateserial -outform DER -out forged.der");
    let store = trust(&[CA.certificate()]);
    let now = otls::pki::Certificate::load(&openssl.read("forged.der")).unwrap().not_before().max(NOW);
    let sent = [openssl.read("forged.der"), mallory.to_der().to_vec()];
    refused(&store, &sent, &as_server("bank.example"), now, Check::BasicConstraints, &["not an authority"]);
}

#[test]
fn verification_refuses_each_by_name_what_the_originals_accepted() {
    let store = trust(&[CA.certificate()]);
    let bank = server(&CA, &["bank.example"]);
    let role = as_server("bank.example");
    assert!(store.judge(&chain(&[&bank]), &role, NOW).is_ok());

    let wrong_ca = server(&OTHER_CA, &["bank.example"]);
    refused(&store, &chain(&[&wrong_ca]), &role, NOW, Check::Issuer, &["CN=Other CA", "CN=Test CA"]);
    refused(&store, &chain(&[&bank]), &role, NOW.plus(2 * DAY), Check::NotAfter, &["expired at 2046-01-20"]);
    refused(&store, &chain(&[&bank]), &role, NOW.minus(DAY), Check::NotBefore, &["not valid before"]);
    let other = as_server("other.example");
    refused(&store, &chain(&[&bank]), &other, NOW, Check::Name, &["bank.example; expected other.example"]);
    refused(&store, &chain(&[&bank]), &CLIENT, NOW, Check::ExtendedKeyUsage, &["serverAuth, not clientAuth"]);
    let ca = chain(&[CA.certificate()]);
    refused(&store, &ca, &role, NOW, Check::BasicConstraints, &["an authority's certificate"]);

    let mut with_list = store.clone();
    let revoked = [(bank.serial().to_vec(), NOW, RevocationReason::KeyCompromise)];
    with_list.add_crl(CA.issue_crl(&revoked, 1, Validity::new(NOW, HOUR), &RANDOM).unwrap());
    refused(&with_list, &chain(&[&bank]), &role, NOW, Check::Revocation, &["has revoked it"]);
    let carol = server(&CA, &["bank.example"]);
    refused(&with_list, &chain(&[&carol]), &role, NOW.plus(HOUR), Check::Revocation, &["stale"]);

    let mut tampered = bank.to_der().to_vec();
    *tampered.last_mut().unwrap() ^= 1;
    refused(&store, &[tampered], &role, NOW, Check::Signature, &["does not verify"]);
}

#[test]
fn a_certificate_says_which_hash_its_authority_signed_with() {
    // The hash was asked for and then not used.
    let Some(openssl) = openssl() else { return };
    for (hash, algorithm) in [
        (HashAlgorithm::Sha256, "sha256WithRSAEncryption"),
        (HashAlgorithm::Sha384, "sha384WithRSAEncryption"),
    ] {
        let ca =
            otls::pki::Authority::create(rsa_key(), &name("RSA CA"), hash, Validity::new(NOW, YEAR), &RANDOM)
                .unwrap();
        openssl.write("leaf.pem", server(&ca, &["bank.example"]).to_pem());
        assert!(openssl.ok("x509 -in leaf.pem -noout -text").contains(algorithm));
    }
}

#[test]
fn no_error_text_holds_a_password_or_a_key() {
    let key = ec_key();
    let secret = key.to_pem(Some(b"hunter2-hunter2"), &RANDOM).unwrap();
    let plain = key.to_der(None, &RANDOM).unwrap();
    let errors = [
        otls::pki::PrivateKey::load(secret.expose(), Some(b"hunter3-hunter3")).err().unwrap(),
        otls::pki::PrivateKey::load(plain.expose(), Some(b"hunter3-hunter3")).err().unwrap(),
        otls::pki::PrivateKey::load(&plain.expose()[..plain.len() - 1], None).err().unwrap(),
        otls::pki::Certificate::load(plain.expose()).err().unwrap(),
    ];
    for error in errors {
        let text = format!("{error} {error:?} {}", error.hint());
        assert!(!text.contains("hunter"), "{text}");
        assert!(text.len() < 300, "{text}");
    }
}
