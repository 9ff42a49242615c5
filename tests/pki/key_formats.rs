//! PKCS#8, PKCS#1 and SEC1, PEM and DER, plain and encrypted, with OpenSSL as the other side.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

use crate::support::*;
use otls::Error;
use otls::error::KeyError;
use otls::pki::{Encoding, KeyEncryption, KeyFormat, KeyType, PrivateKey, PublicKey};

const PASSWORD: &[u8] = b"correct horse";

fn p384_key() -> PrivateKey {
    PrivateKey::generate(KeyType::EcdsaP384, &RANDOM).unwrap()
}

fn traditional(key: &PrivateKey) -> KeyFormat {
    if key.public_key().to_pkcs1_der().is_ok() { KeyFormat::Pkcs1 } else { KeyFormat::Sec1 }
}

fn export(key: &PrivateKey, format: KeyFormat, encoding: Encoding, encryption: KeyEncryption<'_>) -> Vec<u8> {
    key.export(format, encoding, encryption, &RANDOM).unwrap().expose().to_vec()
}

#[track_caller]
fn key_error(data: &[u8], password: Option<&[u8]>) -> KeyError {
    match PrivateKey::load(data, password) {
        Err(Error::Key(error)) => error,
        Err(error) => panic!("not a key error: {error}"),
        Ok(_) => panic!("the key was loaded"),
    }
}

/// Everything that can be written of a key: the file, and the password that opens it.
fn written(key: &PrivateKey) -> Vec<(Vec<u8>, Option<&'static [u8]>)> {
    let mut files = Vec::new();
    for encoding in [Encoding::Pem, Encoding::Der] {
        files.push((export(key, KeyFormat::Pkcs8, encoding, KeyEncryption::Plain), None));
        files.push((export(key, traditional(key), encoding, KeyEncryption::Plain), None));
        for encryption in [KeyEncryption::Pbkdf2(PASSWORD), KeyEncryption::Scrypt(PASSWORD)] {
            files.push((export(key, KeyFormat::Pkcs8, encoding, encryption), Some(PASSWORD)));
        }
    }
    let legacy = export(key, traditional(key), Encoding::Pem, KeyEncryption::LegacyPem(PASSWORD));
    files.push((legacy, Some(PASSWORD)));
    files
}

#[test]
fn everything_that_is_written_loads_here_and_in_openssl() {
    let openssl = openssl();
    for key in [ec_key(), p384_key(), rsa_key()] {
        for (index, (data, password)) in written(&key).iter().enumerate() {
            let again = PrivateKey::load(data, *password).unwrap();
            assert_eq!(again.public_key(), key.public_key(), "file {index}");
            if let Some(openssl) = &openssl {
                openssl.write("key", data);
                let form = if data.starts_with(b"-----") { "PEM" } else { "DER" };
                openssl.write("password", b"correct horse\n");
                let passin = if password.is_some() { "-passin file:password" } else { "" };
                openssl.ok(&format!("pkey -in key -inform {form} {passin} -pubout -out public.pem"));
                assert_eq!(PublicKey::load(&openssl.read("public.pem")).unwrap(), *key.public_key());
            }
        }
    }
}

#[test]
fn everything_that_openssl_writes_loads() {
    let Some(openssl) = openssl() else { return };
    openssl.write("password", b"correct horse\n");
    for (key, command) in [(ec_key(), "ec"), (p384_key(), "ec"), (rsa_key(), "rsa -traditional")] {
        openssl.write("key.pem", key.to_pem(None, &RANDOM).unwrap().expose());
        for form in ["PEM", "DER"] {
            openssl.ok(&format!("{command} -in key.pem -outform {form} -out old"));
            assert_eq!(PrivateKey::load(&openssl.read("old"), None).unwrap().public_key(), key.public_key());
        }
        for cipher in ["aes128", "aes192", "aes256", "des3"] {
            openssl.ok(&format!("{command} -in key.pem -{cipher} -passout file:password -out old"));
            let data = openssl.read("old");
            assert!(data.windows(10).any(|part| part == b"Proc-Type:"));
            let again = PrivateKey::load(&data, Some(PASSWORD)).unwrap();
            assert_eq!(again.public_key(), key.public_key(), "{cipher}");
            assert_eq!(key_error(&data, Some(b"wrong")), KeyError::WrongPassword, "{cipher}");
            assert_eq!(key_error(&data, None), KeyError::PasswordRequired, "{cipher}");
        }
    }
    openssl.ok("ecparam -name secp384r1 -genkey -out with-parameters.pem");
    let text = openssl.read("with-parameters.pem");
    assert!(text.starts_with(b"-----BEGIN EC PARAMETERS-----"));
    PrivateKey::load(&text, None).unwrap();
}

#[test]
fn a_public_key_in_pkcs1_goes_both_ways() {
    let key = rsa_key();
    let public = key.public_key();
    for data in [public.to_pkcs1_pem().unwrap().into_bytes(), public.to_pkcs1_der().unwrap()] {
        assert_eq!(PublicKey::load(&data).unwrap(), *public);
    }
    assert!(matches!(ec_key().public_key().to_pkcs1_der(), Err(Error::Key(KeyError::UnsupportedFormat(_)))));
    let Some(openssl) = openssl() else { return };
    openssl.write("public.pem", public.to_pkcs1_pem().unwrap().as_bytes());
    openssl.ok("rsa -RSAPublicKey_in -in public.pem -RSAPublicKey_out -out again.pem");
    assert_eq!(openssl.read("again.pem"), public.to_pkcs1_pem().unwrap().into_bytes());
}

#[test]
fn a_password_that_is_wrong_missing_or_not_needed_are_three_errors() {
    for key in [ec_key(), rsa_key()] {
        for (data, password) in written(&key) {
            if password.is_some() {
                assert_eq!(key_error(&data, Some(b"wrong")), KeyError::WrongPassword);
                assert_eq!(key_error(&data, None), KeyError::PasswordRequired);
            } else {
                assert_eq!(key_error(&data, Some(PASSWORD)), KeyError::PasswordNotNeeded);
            }
        }
    }
}

#[test]
fn what_does_not_go_together_is_refused_when_it_is_written() {
    use KeyEncryption::{LegacyPem, Pbkdf2, Plain, Scrypt};
    let refused = |key: &PrivateKey, format, encoding, encryption| {
        key.export(format, encoding, encryption, &RANDOM).expect_err("it was written")
    };
    for (key, format) in [(ec_key(), KeyFormat::Pkcs1), (rsa_key(), KeyFormat::Sec1)] {
        let error = refused(&key, format, Encoding::Pem, Plain);
        assert!(matches!(error, Error::Key(KeyError::UnsupportedFormat(_))), "{error}");
    }
    let key = ec_key();
    for (format, encoding, encryption) in [
        (KeyFormat::Pkcs8, Encoding::Pem, LegacyPem(PASSWORD)),
        (KeyFormat::Sec1, Encoding::Der, LegacyPem(PASSWORD)),
        (KeyFormat::Sec1, Encoding::Pem, Pbkdf2(PASSWORD)),
        (KeyFormat::Sec1, Encoding::Pem, Scrypt(PASSWORD)),
        (KeyFormat::Pkcs8, Encoding::Pem, Pbkdf2(b"")),
        (KeyFormat::Pkcs8, Encoding::Pem, Scrypt(b"")),
        (KeyFormat::Sec1, Encoding::Pem, LegacyPem(b"")),
    ] {
        let error = refused(&key, format, encoding, encryption);
        assert!(matches!(error, Error::ApiMisuse(_)), "{error}");
    }
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    for key in [ec_key(), rsa_key()] {
        for encoding in [Encoding::Pem, Encoding::Der] {
            let data = export(&key, traditional(&key), encoding, KeyEncryption::Plain);
            let end = data.len() - if encoding == Encoding::Pem { "-----\n".len() } else { 0 };
            for len in 0..end {
                assert!(PrivateKey::load(&data[..len], None).is_err(), "{len}");
            }
        }
        let data = export(&key, traditional(&key), Encoding::Pem, KeyEncryption::LegacyPem(PASSWORD));
        for len in 0..data.len() - "-----\n".len() {
            assert!(PrivateKey::load(&data[..len], Some(PASSWORD)).is_err(), "{len}");
        }
    }
}

#[test]
fn a_changed_octet_never_gives_another_key_silently() {
    let key = ec_key();
    for (format, encryption, password) in [
        (KeyFormat::Sec1, KeyEncryption::Plain, None),
        (KeyFormat::Sec1, KeyEncryption::LegacyPem(PASSWORD), Some(PASSWORD)),
    ] {
        let data = export(&key, format, Encoding::Pem, encryption);
        for index in 0..data.len() {
            let mut changed = data.clone();
            changed[index] ^= 2;
            // A letter of a label or of the text around may differ; what loads is the key.
            if let Ok(loaded) = PrivateKey::load(&changed, password) {
                assert_eq!(loaded.public_key(), key.public_key(), "octet {index}");
            }
        }
    }
}

#[test]
fn text_line_ends_and_long_lines_are_taken_as_people_have_them() {
    let key = rsa_key();
    let pem = String::from_utf8(export(&key, KeyFormat::Pkcs1, Encoding::Pem, KeyEncryption::Plain)).unwrap();
    let legacy = export(&key, KeyFormat::Pkcs1, Encoding::Pem, KeyEncryption::LegacyPem(PASSWORD));
    let legacy = String::from_utf8(legacy).unwrap();
    let lines: Vec<&str> = pem.lines().collect();
    let body = lines[1..lines.len() - 1].concat();
    let one_line = format!("{}\n{body}\n{}\n", lines[0], lines[lines.len() - 1]);
    let mail = format!("Dear bank,\r\n\r\n{}\r\nYours\r\n", pem.replace('\n', "\r\n"));
    for text in [one_line, mail, format!("Bag Attributes: none\n{pem}")] {
        assert_eq!(PrivateKey::load(text.as_bytes(), None).unwrap().public_key(), key.public_key());
    }
    let windows = legacy.replace('\n', "\r\n");
    assert_eq!(PrivateKey::load(windows.as_bytes(), Some(PASSWORD)).unwrap().public_key(), key.public_key());
}

#[test]
fn legacy_headers_that_cannot_be_are_refused_by_name() {
    let pem = export(&ec_key(), KeyFormat::Sec1, Encoding::Pem, KeyEncryption::LegacyPem(PASSWORD));
    let pem = String::from_utf8(pem).unwrap();
    let info = pem.lines().find(|line| line.starts_with("DEK-Info")).unwrap();
    let with = |line: &str| key_error(pem.replace(info, line).as_bytes(), Some(PASSWORD));
    assert!(
        matches!(with("DEK-Info: DES-CBC,0011223344556677"), KeyError::UnsupportedEncryption(name) if name.contains("DES-CBC"))
    );
    assert!(matches!(with("DEK-Info: AES-256-CBC,0011"), KeyError::Malformed(_)));
    assert!(matches!(with("DEK-Info: AES-256-CBC,not hexadecimal"), KeyError::Malformed(_)));
    assert!(matches!(with("DEK-Info: AES-256-CBC"), KeyError::Malformed(_)));
    assert!(matches!(with("X-Info: none"), KeyError::Malformed(_)));
}

#[test]
fn keys_that_are_not_for_this_library_are_named() {
    let Some(openssl) = openssl() else { return };
    for (make, named) in [
        ("ecparam -name secp256k1 -genkey -noout -out key", "secp256k1"),
        ("ecparam -name secp521r1 -genkey -noout -out key", "P-521"),
        ("ecparam -name brainpoolP256r1 -genkey -noout -out key", "brainpoolP256r1"),
        ("genpkey -algorithm ED448 -out key", "Ed448"),
        ("genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out key", "PSS"),
    ] {
        openssl.ok(make);
        match key_error(&openssl.read("key"), None) {
            KeyError::UnsupportedAlgorithm(name) => assert!(name.contains(named), "{make}: {name}"),
            error => panic!("{make}: {error}"),
        }
    }
    openssl.ok("ecparam -name prime256v1 -param_enc explicit -genkey -noout -out key");
    assert!(matches!(
        key_error(&openssl.read("key"), None),
        KeyError::Malformed(_) | KeyError::UnsupportedAlgorithm(_)
    ));
    openssl.ok("genrsa -traditional -out key 1024");
    assert_eq!(key_error(&openssl.read("key"), None), KeyError::RsaSize(1024));
}

#[test]
fn an_sec1_key_without_its_curve_is_refused() {
    let der = export(&ec_key(), KeyFormat::Pkcs8, Encoding::Der, KeyEncryption::Plain);
    // The ECPrivateKey in PKCS#8 has no parameters (RFC 5915 §3): it is the content of an OCTET STRING.
    let start = der.windows(3).position(|part| part == [2, 1, 1]).unwrap();
    assert!(matches!(key_error(&der[start - 2..], None), KeyError::Malformed(why) if why.contains("curve")));
}
