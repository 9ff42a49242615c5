//! What certificates, requests and revocation lists say of themselves, with OpenSSL as judge; bundles.

use crate::support::*;
use otls::Error;
use otls::crypto::hash::HashAlgorithm;
use otls::error::CertificateError;
use otls::pki::{Certificate, CertificateRequest, Crl, MAX_BUNDLE_LEN, RevocationReason, Validity};

/// Of OpenSSL's text, what it says in the same words.
fn words(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

#[test]
fn a_certificates_view_is_what_openssl_reads() {
    let certificate = server(&CA, &["bank.example", "127.0.0.1", "email:a@bank.example", "URI:urn:x:1"]);
    assert_eq!(certificate.key_usages(), ["digitalSignature"]);
    assert_eq!(certificate.extended_key_usages(), ["serverAuth"]);
    assert_eq!(certificate.path_length(), None);
    assert_eq!(CA.certificate().path_length(), Some(0));
    assert_eq!(CA.certificate().key_usages(), ["keyCertSign", "cRLSign"]);
    assert!(CA.certificate().extended_key_usages().is_empty());
    assert_eq!(certificate.authority_key_identifier(), CA.certificate().subject_key_identifier());
    assert_eq!(certificate.signature_algorithm(), "ecdsa-with-SHA256");
    assert!(certificate.crl_urls().is_empty());
    let Some(openssl) = openssl() else { return };
    openssl.write("leaf.pem", certificate.to_pem());
    let fingerprint = openssl.ok("x509 -in leaf.pem -noout -fingerprint -sha256");
    assert!(fingerprint.trim().ends_with(&format!("={}", certificate.fingerprint_text())), "{fingerprint}");
    let theirs = openssl.ok("x509 -in leaf.pem -noout -text -nameopt oneline,utf8,-space_eq,-esc_msb");
    let theirs = words(&theirs);
    let ours = certificate.to_text();
    let mut same = 0;
    for line in words(&ours) {
        same += usize::from(theirs.contains(&line));
    }
    for line in [
        "Version: 3 (0x2)",
        "Signature Algorithm: ecdsa-with-SHA256",
        "Issuer: C=IN, ST=Goa, L=Panjim, O=Example Bank, CN=Test CA",
        "Subject: C=IN, ST=Goa, L=Panjim, O=Example Bank, CN=bank",
        "Public Key Algorithm: id-ecPublicKey",
        "Public-Key: (256 bit)",
        "X509v3 Basic Constraints: critical",
        "CA:FALSE",
        "X509v3 Key Usage: critical",
        "Digital Signature",
        "TLS Web Server Authentication",
        "DNS:bank.example, IP Address:127.0.0.1, email:a@bank.example, URI:urn:x:1",
    ] {
        assert!(words(&ours).contains(&line), "no {line:?} in\n{ours}");
        assert!(theirs.contains(&line), "OpenSSL does not say {line:?}:\n{}", theirs.join("\n"));
    }
    assert!(same >= 20, "{same} lines in common:\n{ours}");
}

#[test]
fn a_certificate_of_another_maker_is_shown_in_full() {
    let Some(openssl) = openssl() else { return };
    openssl.write("key.pem", ec_key().to_pem(None, &RANDOM).unwrap().expose());
    openssl.write(
        "x.cnf",
        "[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=v3\n[dn]\nC=IN\nCN=a,b\ntitle=Teller\n[dir]\nCN=x\n\
         [v3]\nbasicConstraints=CA:TRUE,pathlen:3\nkeyUsage=keyCertSign,keyAgreement\n\
         extendedKeyUsage=serverAuth,1.2.3.4\ncrlDistributionPoints=URI:http://crl.example/a.crl\n\
         nameConstraints=permitted;DNS:example.com,excluded;IP:10.0.0.0/255.0.0.0\n\
         certificatePolicies=1.2.3\nsubjectAltName=RID:1.2.3.4,dirName:dir\n",
    );
    openssl.ok("req -x509 -new -key key.pem -config x.cnf -out ca.pem");
    let ca = Certificate::load(&openssl.read("ca.pem")).unwrap();
    assert_eq!(ca.crl_urls(), ["http://crl.example/a.crl"]);
    assert_eq!(ca.extended_key_usages(), ["serverAuth", "1.2.3.4"]);
    assert_eq!(ca.key_usages(), ["keyAgreement", "keyCertSign"]);
    assert_eq!(ca.path_length(), Some(3));
    let text = ca.to_text();
    for line in [
        r"Subject: C=IN, CN=a\,b, title=Teller",
        "CA:TRUE, pathlen:3",
        "Key Agreement, Certificate Sign",
        "TLS Web Server Authentication, 1.2.3.4",
        "Full Name: URI:http://crl.example/a.crl",
        "Permitted:",
        "DNS:example.com",
        "Excluded:",
        "IP:10.0.0.0/255.0.0.0",
        "X509v3 Certificate Policies:",
        "30:06:30:04:06:02:2A:03",
        "Registered ID:1.2.3.4, DirName:CN=x",
    ] {
        assert!(words(&text).contains(&line), "no {line:?} in\n{text}");
    }
}

#[test]
fn a_request_shows_what_it_asks_for_and_the_authority_decides() {
    let Some(openssl) = openssl() else { return };
    openssl.write("key.pem", ec_key().to_pem(None, &RANDOM).unwrap().expose());
    openssl
        .ok("req -new -key key.pem -subj /CN=mallory -addext basicConstraints=critical,CA:TRUE,pathlen:2 \
         -addext keyUsage=keyCertSign -addext extendedKeyUsage=codeSigning -out csr.pem");
    let request = CertificateRequest::load(&openssl.read("csr.pem")).unwrap();
    assert!(request.is_ca());
    assert_eq!(request.path_length(), Some(2));
    assert_eq!(request.key_usages(), ["keyCertSign"]);
    assert_eq!(request.extended_key_usages(), ["codeSigning"]);
    assert_eq!(request.signature_algorithm(), "ecdsa-with-SHA256");
    let text = request.to_text();
    for line in ["Subject: CN=mallory", "Requested Extensions:", "CA:TRUE, pathlen:2", "Code Signing"] {
        assert!(words(&text).contains(&line), "no {line:?} in\n{text}");
    }
    let client = CA.issue(&request, otls::pki::Profile::Client, Validity::new(NOW, DAY), &RANDOM).unwrap();
    assert!(!client.is_ca());
    assert_eq!(client.key_usages(), ["digitalSignature", "keyAgreement"]);
    assert_eq!(client.extended_key_usages(), ["clientAuth"]);
}

#[test]
fn a_request_with_an_extension_that_does_not_decode_is_refused() {
    let Some(openssl) = openssl() else { return };
    openssl.write("key.pem", ec_key().to_pem(None, &RANDOM).unwrap().expose());
    openssl.ok("req -new -key key.pem -subj /CN=a -addext keyUsage=DER:0500 -out csr.pem");
    let error = CertificateRequest::load(&openssl.read("csr.pem")).err().unwrap();
    assert!(
        matches!(error, Error::Certificate(CertificateError::MalformedRequest(what)) if what.contains("cannot be read"))
    );
}

#[test]
fn a_revocation_list_shows_its_entries() {
    let revoked = [
        (vec![0x2A], NOW, RevocationReason::KeyCompromise),
        (vec![0x80, 1], NOW.minus(HOUR), RevocationReason::Unspecified),
    ];
    let crl = CA.issue_crl(&revoked, 7, Validity::new(NOW, DAY), &RANDOM).unwrap();
    assert_eq!(crl.issuer(), name("Test CA"));
    assert_eq!(crl.number(), [7]);
    assert_eq!(crl.this_update(), NOW);
    let entries = crl.revoked();
    let shown: Vec<_> =
        entries.iter().map(|entry| (entry.serial.as_slice(), entry.at, entry.reason)).collect();
    assert_eq!(
        shown,
        [(&[0x2A][..], NOW, "keyCompromise"), (&[0x80, 1][..], NOW.minus(HOUR), "unspecified")]
    );
    let text = crl.to_text();
    for line in [
        "Issuer: C=IN, ST=Goa, L=Panjim, O=Example Bank, CN=Test CA",
        "Last Update: Jan 19 18:40:00 2046 GMT",
        "Serial Number: 8001",
        "Revocation Date: Jan 19 17:40:00 2046 GMT",
        "Reason: keyCompromise",
        "0x07",
    ] {
        assert!(words(&text).contains(&line), "no {line:?} in\n{text}");
    }
    let Some(openssl) = openssl() else { return };
    openssl.write("list.pem", crl.to_pem());
    let theirs = openssl.ok("crl -in list.pem -noout -text -nameopt oneline,utf8,-space_eq");
    for line in ["Last Update: Jan 19 18:40:00 2046 GMT", "Serial Number: 8001"] {
        assert!(words(&theirs).contains(&line), "{theirs}");
    }
    let empty = CA.issue_crl(&[], 8, Validity::new(NOW, DAY), &RANDOM).unwrap();
    assert!(empty.to_text().contains("No Revoked Certificates."));
}

#[test]
fn text_in_a_certificate_cannot_move_the_cursor() {
    let Some(openssl) = openssl() else { return };
    openssl.write("key.pem", ec_key().to_pem(None, &RANDOM).unwrap().expose());
    openssl.write(
        "x.cnf",
        "[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=v3\n[dn]\nCN=a\\n\\rb\n\
         [v3]\nsubjectAltName=DER:30:07:82:05:1b:5b:32:4a:61\n",
    );
    openssl.ok("req -x509 -new -key key.pem -config x.cnf -out a.pem");
    let text = Certificate::load(&openssl.read("a.pem")).unwrap().to_text();
    assert!(text.contains(r"CN=a\0A\0Db"), "{text}");
    assert!(text.contains(r"DNS:\1B[2Ja"), "{text}");
    assert!(text.lines().all(|line| !line.chars().any(char::is_control)));
}

#[test]
fn certs_only_pkcs7_loads_as_a_bundle() {
    let Some(openssl) = openssl() else { return };
    let leaf = server(&CA, &["bank.example"]);
    openssl.write("both.pem", format!("{}{}", leaf.to_pem(), CA.certificate().to_pem()));
    openssl.ok("crl2pkcs7 -nocrl -certfile both.pem -outform DER -out both.p7b");
    openssl.ok("crl2pkcs7 -nocrl -certfile both.pem -outform PEM -out both.p7");
    let crl = CA.issue_crl(&[], 1, Validity::new(NOW, DAY), &RANDOM).unwrap();
    openssl.write("list.pem", crl.to_pem());
    for file in ["both.p7b", "both.p7"] {
        let loaded = Certificate::load_chain(&openssl.read(file)).unwrap();
        assert_eq!(loaded.len(), 2, "{file}");
        assert!(loaded.contains(&leaf) && loaded.contains(CA.certificate()), "{file}");
        let error = Certificate::load(&openssl.read(file)).err().unwrap().to_string();
        assert!(error.contains("2 certificates"), "{file}: {error}");
    }
    let der = openssl.read("both.p7b");
    for end in 0..der.len() {
        assert!(Certificate::load_chain(&der[..end]).is_err(), "{end}");
    }
    for at in 0..der.len() {
        let mut flipped = der.clone();
        flipped[at] ^= 0x20;
        // Some flips are in a signature and load; none panics.
        let _ = Certificate::load_chain(&flipped).map(|all| all.iter().map(Certificate::to_text).count());
    }
    let pem = String::from_utf8(openssl.read("both.p7")).unwrap();
    let mixed = format!("{}{pem}", OTHER_CA.certificate().to_pem());
    assert_eq!(Certificate::load_chain(mixed.as_bytes()).unwrap().len(), 3);
    openssl.ok("crl2pkcs7 -in list.pem -out none.p7");
    let error = Certificate::load_chain(&openssl.read("none.p7")).err().unwrap();
    assert!(matches!(error, Error::Certificate(CertificateError::Malformed(_))), "{error}");
    let many = pem.repeat(MAX_BUNDLE_LEN / 2 + 1);
    assert!(Certificate::load_chain(many.as_bytes()).err().unwrap().to_string().contains("1000"));
}

#[test]
fn a_mutated_certificate_request_or_list_never_panics() {
    let certificate = server(&CA, &["bank.example", "10.0.0.1"]);
    let request = CertificateRequest::create(
        &ec_key(),
        &name("bank"),
        certificate.names(),
        HashAlgorithm::Sha256,
        &RANDOM,
    )
    .unwrap();
    let crl = CA
        .issue_crl(&[(vec![1], NOW, RevocationReason::Superseded)], 1, Validity::new(NOW, DAY), &RANDOM)
        .unwrap();
    let mut loaded = 0;
    for der in [certificate.to_der(), request.to_der(), crl.to_der()] {
        for at in 0..der.len() {
            for bit in [0x01, 0x80] {
                let mut flipped = der.to_vec();
                flipped[at] ^= bit;
                loaded += usize::from(Certificate::load(&flipped).is_ok_and(|one| !one.to_text().is_empty()));
                assert!(CertificateRequest::load(&flipped).is_err());
                loaded += usize::from(Crl::load(&flipped).is_ok_and(|one| !one.to_text().is_empty()));
            }
        }
    }
    assert!(loaded > 100, "only {loaded} mutations load: what is shown is not tried");
}
