//! The algorithms that certificates, requests and lists of other programs are signed with.

use std::process::Command;

use otls::error::{CertificateError, Check, Error, ErrorCode};
use otls::pki::{Certificate, CertificateRequest, Crl, KeyType, PeerRole, PrivateKey};

use super::support::*;

/// Keys by `openssl genpkey`, and the options of `openssl req` and `x509` for what they may sign with.
const ACCEPTED: [(&str, &[&str]); 5] = [
    (
        "RSA -pkeyopt rsa_keygen_bits:2048",
        &[
            "-sha256",
            "-sha384",
            "-sha512",
            "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest",
            "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:max",
            "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:0",
            "-sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20",
            "-sha512 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:max",
        ],
    ),
    ("EC -pkeyopt ec_paramgen_curve:P-256", &["-sha256", "-sha384", "-sha512"]),
    ("EC -pkeyopt ec_paramgen_curve:P-384", &["-sha256", "-sha384", "-sha512"]),
    ("EC -pkeyopt ec_paramgen_curve:P-521", &["-sha256", "-sha384", "-sha512"]),
    ("ED25519", &[""]),
];

/// The same for what is refused, and how it is named.
const REFUSED: [(&str, &str, &str); 8] = [
    ("RSA -pkeyopt rsa_keygen_bits:2048", "-sha1", "sha1WithRSAEncryption"),
    ("RSA -pkeyopt rsa_keygen_bits:2048", "-sha224", "sha224WithRSAEncryption"),
    ("RSA -pkeyopt rsa_keygen_bits:2048", "-sha3-256", "RSA-SHA3-256"),
    ("RSA -pkeyopt rsa_keygen_bits:2048", "-sha1 -sigopt rsa_padding_mode:pss", "RSASSA-PSS with SHA-1"),
    (
        "RSA -pkeyopt rsa_keygen_bits:2048",
        "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_mgf1_md:sha512",
        "RSASSA-PSS with another hash in its mask",
    ),
    (
        "RSA -pkeyopt rsa_keygen_bits:2048",
        "-sha224 -sigopt rsa_padding_mode:pss",
        "RSASSA-PSS with a hash other than SHA-256, SHA-384, SHA-512",
    ),
    ("EC -pkeyopt ec_paramgen_curve:P-256", "-sha1", "ecdsa-with-SHA1"),
    ("EC -pkeyopt ec_paramgen_curve:P-256", "-sha224", "ecdsa-with-SHA224"),
];

const CONFIG: &str = "[req]\ndistinguished_name = dn\n[dn]\n[ca]\nbasicConstraints = critical,CA:TRUE\n\
    subjectKeyIdentifier = hash\n[leaf]\nextendedKeyUsage = clientAuth\n";

/// An authority with a key of this kind, and a leaf and a list that it has signed with these options; one that
/// signs itself as it can.
fn signed_by(openssl: &OpenSsl, kind: &str, options: &str) -> (Certificate, Vec<u8>, Vec<u8>) {
    openssl.write("config", CONFIG);
    openssl.write("index", "");
    openssl.write("number", "01");
    openssl.write(
        "ca.config",
        "[ca]\ndefault_ca = it\n[it]\ndatabase = index\ncrlnumber = number\ndefault_crl_days = 9000\n",
    );
    openssl.ok(&format!("genpkey -algorithm {kind} -out ca.key"));
    let digest = if kind == "ED25519" { "" } else { "-sha256" };
    openssl.ok(&format!(
        "req -x509 -key ca.key {digest} -subj /CN=CA -days 9000 -config config -extensions ca -out ca.pem"
    ));
    openssl
        .ok("req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -subj /CN=alice \
         -config config -out leaf.csr");
    openssl.ok(&format!(
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial {options} -days 9000 -extfile config \
         -extensions leaf -outform DER -out leaf.der"
    ));
    let options = options.replace("-sha", "-md sha");
    openssl.ok(&format!("ca -gencrl -config ca.config -keyfile ca.key -cert ca.pem {options} -out list.pem"));
    let root = Certificate::load(&openssl.read("ca.pem")).unwrap();
    (root, openssl.read("leaf.der"), openssl.read("list.pem"))
}

#[test]
fn certificates_lists_and_requests_verify_however_openssl_signs_them() {
    let Some(openssl) = openssl() else { return };
    for (kind, all) in ACCEPTED {
        for options in all {
            let (root, leaf, list) = signed_by(&openssl, kind, options);
            let mut store = trust(&[&root]);
            store.add_crl(Crl::load(&list).unwrap());
            store.require_crls();
            let accepted = store.judge(std::slice::from_ref(&leaf), &PeerRole::Client, NOW);
            assert!(accepted.is_ok(), "{kind} {options}: {}", accepted.unwrap_err());
            let mut changed = leaf;
            let last = changed.len() - 5;
            changed[last] ^= 1;
            assert!(store.judge(&[changed], &PeerRole::Client, NOW).is_err(), "{kind} {options}");
            if !kind.contains("521") {
                openssl.ok(&format!("req -new -key ca.key {options} -subj /CN=x -config config -out x.csr"));
                CertificateRequest::load(&openssl.read("x.csr")).unwrap();
            }
        }
    }
}

#[test]
fn an_algorithm_that_is_not_accepted_is_named() {
    let Some(openssl) = openssl() else { return };
    for (kind, options, name) in REFUSED {
        let (root, leaf, list) = signed_by(&openssl, kind, options);
        let store = trust(&[&root]);
        let report = refused(&store, &[leaf], &PeerRole::Client, NOW, Check::Signature, &[name]);
        assert!(report.hint().contains("Ed25519") && report.hint().contains("SHA-256"), "{report}");

        let mut store = trust(&[&root]);
        store.add_crl(Crl::load(&list).unwrap());
        store.require_crls();
        openssl.ok(
            "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -sha256 -days 9000 -extfile config \
             -extensions leaf -outform DER -out good.der",
        );
        let good = openssl.read("good.der");
        let report = refused(&store, &[good], &PeerRole::Client, NOW, Check::Revocation, &[]);
        assert!(report.to_string().contains(name), "{report}");

        openssl.ok(&format!("req -new -key ca.key {options} -subj /CN=x -config config -out x.csr"));
        let refused = CertificateRequest::load(&openssl.read("x.csr")).err();
        assert_eq!(refused.as_ref().map(Error::code), Some(ErrorCode::UnsupportedSignature), "{name}");
        let Some(Error::Certificate(CertificateError::UnsupportedSignature(named))) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(named, name);
    }
}

#[test]
fn keys_of_ed25519_sign_everything_that_others_do() {
    let Some(openssl) = openssl() else { return };
    let key = PrivateKey::generate(KeyType::Ed25519, &RANDOM).unwrap();
    openssl.write("key.pem", key.to_pem(None, &RANDOM).unwrap().expose());
    assert!(openssl.ok("pkey -in key.pem -noout -text").contains("ED25519"));
    let request = CertificateRequest::create(
        &key,
        &name("alice"),
        &[],
        otls::crypto::hash::HashAlgorithm::Sha384,
        &RANDOM,
    );
    let request = request.unwrap();
    openssl.write("x.csr", request.to_pem());
    assert!(openssl.ok("req -in x.csr -noout -verify").contains("OK"));

    openssl.ok("genpkey -algorithm ED25519 -outform DER -out theirs.der");
    let theirs = PrivateKey::load(&openssl.read("theirs.der"), None).unwrap();
    openssl.write("signed", "message");
    openssl.ok("pkeyutl -sign -inkey theirs.der -keyform DER -rawin -in signed -out signature");
    let scheme = otls::codepoints::SignatureScheme::ED25519;
    theirs.public_key().verify(scheme, b"message", &openssl.read("signature")).unwrap();
    assert!(theirs.public_key().verify(scheme, b"another", &openssl.read("signature")).is_err());
    let der = theirs.to_der(None, &RANDOM).unwrap();
    assert_eq!(der.expose(), openssl.read("theirs.der"));
}

#[test]
fn certificates_of_gnutls_with_pss_verify() {
    let Some(openssl) = openssl() else { return };
    let certtool = |arguments: &str| {
        let run =
            Command::new("certtool").args(arguments.split_whitespace()).current_dir(openssl.dir()).output();
        let run = run.expect("certtool, of gnutls-bin");
        assert!(run.status.success(), "certtool {arguments}\n{}", String::from_utf8_lossy(&run.stderr));
    };
    for hash in ["SHA256", "SHA384", "SHA512"] {
        certtool("--generate-privkey --key-type rsa --bits 2048 --outfile ca.key");
        openssl.write("ca.template", "cn = CA\nca\ncert_signing_key\nexpiration_days = 9000\nserial = 1\n");
        certtool(&format!(
            "--generate-self-signed --load-privkey ca.key --template ca.template --hash {hash} --sign-params RSA-PSS \
             --outfile ca.pem"
        ));
        certtool("--generate-privkey --key-type ecdsa --curve secp256r1 --outfile leaf.key");
        openssl.write("leaf.template", "cn = alice\ntls_www_client\nexpiration_days = 9000\nserial = 2\n");
        certtool(&format!(
            "--generate-certificate --load-ca-certificate ca.pem --load-ca-privkey ca.key --load-privkey leaf.key \
             --template leaf.template --hash {hash} --sign-params RSA-PSS --outfile leaf.pem"
        ));
        let root = Certificate::load(&openssl.read("ca.pem")).unwrap();
        let leaf = Certificate::load(&openssl.read("leaf.pem")).unwrap();
        assert_eq!(leaf.signature_algorithm(), "rsassaPss");
        trust(&[&root]).judge(&[leaf.to_der().to_vec()], &PeerRole::Client, NOW).unwrap();
    }
}
