//! Private and public keys and their files, with OpenSSL as the other side.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

use crate::support::*;
use otls::Error;
use otls::codepoints::SignatureScheme;
use otls::crypto::sign::KeyAlgorithm;
use otls::error::KeyError;
use otls::pki::{Certificate, Identity, KeyType, PrivateKey, PublicKey};

const PASSWORD: &[u8] = "pässwörd ₹".as_bytes();
const KEY_TYPES: [KeyType; 6] = [
    KeyType::EcdsaP256,
    KeyType::EcdsaP384,
    KeyType::Ed25519,
    KeyType::Rsa2048,
    KeyType::Rsa3072,
    KeyType::Rsa4096,
];

fn scheme_of(key: &PrivateKey) -> SignatureScheme {
    match key.algorithm() {
        KeyAlgorithm::Rsa(_) => SignatureScheme::RSA_PSS_RSAE_SHA256,
        KeyAlgorithm::EcdsaP256 => SignatureScheme::ECDSA_SECP256R1_SHA256,
        KeyAlgorithm::EcdsaP384 => SignatureScheme::ECDSA_SECP384R1_SHA384,
        KeyAlgorithm::EcdsaP521 => SignatureScheme::ECDSA_SECP521R1_SHA512,
        KeyAlgorithm::Ed25519 => SignatureScheme::ED25519,
    }
}

/// What is there instead of a key.
#[track_caller]
fn not_a_key(data: &[u8]) -> String {
    match key_error(data, None) {
        KeyError::NotAKey(found) => found.what().to_owned(),
        error => panic!("{error}"),
    }
}

#[track_caller]
fn assert_pair(private: &PrivateKey, public: &PublicKey) {
    let scheme = scheme_of(private);
    let signature = private.sign(scheme, b"message", &RANDOM).unwrap();
    public.verify(scheme, b"message", &signature).unwrap();
    assert_eq!(public.verify(scheme, b"massage", &signature), Err(Error::Key(KeyError::BadSignature)));
}

#[track_caller]
fn key_error(data: &[u8], password: Option<&[u8]>) -> KeyError {
    match PrivateKey::load(data, password) {
        Err(Error::Key(error)) => error,
        Err(error) => panic!("not a key error: {error}"),
        Ok(_) => panic!("the key was loaded"),
    }
}

#[test]
fn every_kind_of_key_survives_saving_and_loading_and_openssl_reads_it() {
    let openssl = openssl();
    for key_type in KEY_TYPES {
        let key = PrivateKey::generate(key_type, &RANDOM).unwrap();
        assert_eq!(key.algorithm(), key_type.algorithm());
        let pem = key.to_pem(None, &RANDOM).unwrap();
        let der = key.to_der(None, &RANDOM).unwrap();
        for data in [pem.expose(), der.expose()] {
            let again = PrivateKey::load(data, None).unwrap();
            assert_eq!(again.public_key(), key.public_key());
            assert_pair(&again, key.public_key());
        }
        for data in [key.public_key().to_pem().as_bytes(), key.public_key().to_der()] {
            assert_pair(&key, &PublicKey::load(data).unwrap());
        }
        if let Some(openssl) = &openssl {
            openssl.write("key.pem", pem.expose());
            openssl.ok("pkey -in key.pem -check -noout");
            openssl.ok("pkey -in key.pem -pubout -out public.pem");
            assert_eq!(PublicKey::load(&openssl.read("public.pem")).unwrap(), *key.public_key());
        }
    }
}

#[test]
fn an_encrypted_key_opens_with_its_password_only() {
    let key = ec_key();
    for data in [key.to_pem(Some(PASSWORD), &RANDOM).unwrap(), key.to_der(Some(PASSWORD), &RANDOM).unwrap()] {
        let again = PrivateKey::load(data.expose(), Some(PASSWORD)).unwrap();
        assert_pair(&again, key.public_key());
        assert_eq!(key_error(data.expose(), Some(b"wrong")), KeyError::WrongPassword);
        assert_eq!(key_error(data.expose(), Some(b"")), KeyError::WrongPassword);
        assert_eq!(key_error(data.expose(), None), KeyError::PasswordRequired);
    }
    assert!(matches!(key.to_pem(Some(b""), &RANDOM), Err(Error::ApiMisuse(_))));
}

#[test]
fn two_savings_of_one_key_have_different_salt_and_iv() {
    let key = ec_key();
    let saved = || key.to_der(Some(PASSWORD), &RANDOM).unwrap().expose().to_vec();
    let (one, two) = (saved(), saved());
    let differing = one.iter().zip(&two).filter(|(a, b)| a != b).count();
    assert!(differing > 128, "{differing}");
}

#[test]
fn openssl_opens_our_encrypted_keys() {
    let Some(openssl) = openssl() else { return };
    for key in [ec_key(), rsa_key()] {
        openssl.write("key.pem", key.to_pem(Some(b"secret"), &RANDOM).unwrap().expose());
        openssl.ok("pkcs8 -in key.pem -passin pass:secret -out plain.pem");
        let again = PrivateKey::load(&openssl.read("plain.pem"), None).unwrap();
        assert_pair(&again, key.public_key());
        openssl.fails("pkcs8 -in key.pem -passin pass:wrong -out plain.pem");
        let text = openssl.ok("asn1parse -in key.pem");
        assert!(text.contains("PBKDF2") && text.contains("hmacWithSHA256") && text.contains("aes-256-cbc"));
        // 600,000 iterations.
        assert!(text.contains(":0927C0"), "{text}");
    }
}

#[test]
fn keys_made_and_encrypted_by_openssl_load() {
    let Some(openssl) = openssl() else { return };
    for make in [
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out key.pem",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem",
    ] {
        openssl.ok(make);
        let key = PrivateKey::load(&openssl.read("key.pem"), None).unwrap();
        openssl.ok("pkey -in key.pem -pubout -outform DER -out public.der");
        assert_pair(&key, &PublicKey::load(&openssl.read("public.der")).unwrap());
        for options in [
            "-v2 aes-128-cbc",
            "-v2 aes-192-cbc",
            "-v2 aes-256-cbc",
            "-v2 des3",
            "-v2 aes-256-cbc -v2prf hmacWithSHA384",
            "-v2 aes-256-cbc -v2prf hmacWithSHA1",
            "-v2 aes-256-cbc -v2prf hmacWithSHA512 -iter 5000",
            "-scrypt",
        ] {
            for form in ["PEM", "DER"] {
                openssl.ok(&format!(
                    "pkcs8 -topk8 -in key.pem {options} -passout pass:secret -outform {form} -out encrypted"
                ));
                let data = openssl.read("encrypted");
                let again = PrivateKey::load(&data, Some(b"secret")).unwrap();
                assert_eq!(again.public_key(), key.public_key(), "{options}");
                assert_eq!(key_error(&data, Some(b"Secret")), KeyError::WrongPassword, "{options}");
            }
        }
    }
}

#[test]
fn encryption_that_is_not_supported_is_named() {
    let Some(openssl) = openssl() else { return };
    openssl.write("key.pem", ec_key().to_pem(None, &RANDOM).unwrap().expose());
    for (options, named) in [("-v1 PBE-SHA1-3DES", "PKCS#12 PBE"), ("-v2 aria-128-cbc", "1.2.410")] {
        openssl.ok(&format!("pkcs8 -topk8 -in key.pem {options} -passout pass:secret -out encrypted.pem"));
        match key_error(&openssl.read("encrypted.pem"), Some(b"secret")) {
            KeyError::UnsupportedEncryption(name) => assert!(name.contains(named), "{name}"),
            error => panic!("{options}: {error}"),
        }
    }
}

#[test]
fn a_file_that_asks_for_hours_of_work_is_refused_at_once() {
    let Some(openssl) = openssl() else { return };
    openssl.write("key.pem", ec_key().to_pem(None, &RANDOM).unwrap().expose());
    openssl.ok("pkcs8 -topk8 -in key.pem -passout pass:secret -iter 16777216 -outform DER -out pbkdf2.der");
    // INTEGER 16777216 becomes the largest of four octets; the lengths stay.
    let data = replaced(&openssl.read("pbkdf2.der"), &[2, 4, 1, 0, 0, 0], &[2, 4, 0x7F, 0xFF, 0xFF, 0xFF]);
    for data in [openssl.read("pbkdf2.der"), data] {
        assert!(matches!(key_error(&data, Some(b"secret")), KeyError::UnsupportedEncryption(_)));
    }
    openssl.ok("pkcs8 -topk8 -in key.pem -passout pass:secret -scrypt -outform DER -out scrypt.der");
    let scrypt = openssl.read("scrypt.der");
    // N, r and p as OpenSSL writes them, then what each is changed into.
    let (n, r_and_p) = ([2, 2, 0x40, 0], [2, 1, 8, 2, 1, 1]);
    for (from, hostile, costly) in [
        (n.as_slice(), [2, 2, 0, 0].as_slice(), false),
        (&n, &[2, 2, 0x7F, 0xFF], false), // not a power of two
        (&r_and_p, &[2, 1, 0, 2, 1, 1], false),
        (&r_and_p, &[2, 1, 8, 2, 1, 0], false),
        (&r_and_p, &[2, 1, 0x7F, 2, 1, 3], true), // 254 MiB, three times
        (&r_and_p, &[2, 1, 8, 2, 1, 0x7F], true), // 127 times the work
    ] {
        match key_error(&replaced(&scrypt, from, hostile), Some(b"secret")) {
            KeyError::UnsupportedEncryption(_) => assert!(costly, "{hostile:?}"),
            KeyError::Malformed(_) => assert!(!costly, "{hostile:?}"),
            error => panic!("{hostile:?}: {error}"),
        }
    }
}

fn replaced(data: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = data.windows(from.len()).position(|window| window == from).expect("the pattern is there");
    [&data[..at], to, &data[at + from.len()..]].concat()
}

#[test]
fn a_password_for_a_plain_key_is_an_error_of_its_own() {
    let pem = ec_key().to_pem(None, &RANDOM).unwrap();
    assert_eq!(key_error(pem.expose(), Some(PASSWORD)), KeyError::PasswordNotNeeded);
}

#[test]
fn what_is_there_instead_of_a_key_is_named() {
    let certificate = CA.certificate();
    for data in [certificate.to_pem().into_bytes(), certificate.to_der().to_vec()] {
        assert_eq!(not_a_key(&data), "the data holds a certificate");
    }
    let public = ec_key().public_key().clone();
    for data in [public.to_pem().into_bytes(), public.to_der().to_vec()] {
        assert_eq!(not_a_key(&data), "the data holds a public key");
    }
    let request = request(&ec_key(), "bank", &[]);
    for data in [request.to_pem().into_bytes(), request.to_der().to_vec()] {
        assert_eq!(not_a_key(&data), "the data holds a certificate request");
    }
    if let Some(openssl) = openssl() {
        openssl.write("ca.pem", certificate.to_pem());
        openssl.ok("pkcs12 -export -nokeys -in ca.pem -passout pass:secret -out ca.p12");
        openssl.ok("crl2pkcs7 -nocrl -certfile ca.pem -outform DER -out ca.p7b");
        for (file, what) in [("ca.p12", "a PKCS#12 file"), ("ca.p7b", "a PKCS#7 bundle")] {
            let found = format!("the data holds {what}");
            assert_eq!(not_a_key(&openssl.read(file)), found);
        }
    }
    assert_eq!(not_a_key(b""), "the data is empty");
    assert_eq!(not_a_key(b"hello"), "the data is neither PEM nor DER");
}

#[test]
fn a_file_with_a_certificate_beside_the_key_is_not_taken_for_one_of_them() {
    let pem = CA.key().to_pem(None, &RANDOM).unwrap();
    let both = [CA.certificate().to_pem().as_bytes(), b"\nKey:\n", pem.expose()].concat();
    let error = key_error(&both, None);
    assert!(matches!(&error, KeyError::Excess(found) if found.contains("identity")), "{error}");
    assert!(Certificate::load(&both).is_err());
    assert_eq!(Identity::load(&both, None).unwrap().certificate(), CA.certificate());
}

#[test]
fn keys_that_are_too_small_or_of_another_kind_are_refused() {
    let Some(openssl) = openssl() else { return };
    openssl.ok("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out key.pem");
    assert_eq!(key_error(&openssl.read("key.pem"), None), KeyError::RsaSize(1024));
    for kind in ["-algorithm ED448", "-algorithm EC -pkeyopt ec_paramgen_curve:P-521", "-algorithm X25519"] {
        openssl.ok(&format!("genpkey {kind} -out key.pem"));
        let error = key_error(&openssl.read("key.pem"), None);
        assert!(matches!(error, KeyError::UnsupportedAlgorithm(_)), "{kind}: {error}");
    }
}

#[test]
fn a_key_file_cut_short_anywhere_is_refused() {
    for key in [ec_key(), rsa_key()] {
        for password in [None, Some(PASSWORD)] {
            let der = key.to_der(password, &RANDOM).unwrap();
            for len in 0..der.len() {
                assert!(PrivateKey::load(&der.expose()[..len], password).is_err(), "{len}");
            }
            let pem = key.to_pem(password, &RANDOM).unwrap();
            let end = pem.len() - "-----\n".len();
            for len in 0..=end {
                assert!(PrivateKey::load(&pem.expose()[..len], password).is_err(), "{len}");
            }
        }
    }
}

#[test]
fn trailing_octets_after_a_key_are_refused() {
    let der = ec_key().to_der(None, &RANDOM).unwrap();
    assert!(PrivateKey::load(&[der.expose(), &[0]].concat(), None).is_err());
    let public = ec_key().public_key().to_der().to_vec();
    assert!(PublicKey::load(&[public.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn a_key_with_a_changed_octet_never_passes_for_the_same_key() {
    let key = ec_key();
    let der = key.to_der(None, &RANDOM).unwrap();
    for index in 0..der.len() {
        for bit in [0x01, 0x80] {
            let mut changed = der.expose().to_vec();
            changed[index] ^= bit;
            // Octets that are not the key's own (an optional public key, a version) may differ; what
            // is loaded must then still be a whole key.
            if let Ok(loaded) = PrivateKey::load(&changed, None) {
                assert_pair(&loaded, loaded.public_key());
            }
        }
    }
}
