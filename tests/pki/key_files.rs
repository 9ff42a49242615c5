//! The key files of PyPI's `cryptography-vectors`, which `make test` installs: each loads, or is refused for
//! the reason that docs/conformance.md gives.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use otls::ErrorCode;
use otls::codepoints::SignatureScheme;
use otls::crypto::SystemRandom;
use otls::pki::{Certificate, Identity, KeyType, PrivateKey, PublicKey};

const FOLDERS: &[&str] =
    &["DER_Serialization", "PEM_Serialization", "PKCS8", "Traditional_OpenSSL_Serialization", "public/PKCS1"];

/// The passwords of the files, as `cryptography`'s own tests have them.
const PASSWORDS: &[&str] = &["123456", "a123456", "foobar", "password", "baz", "hunter42", "PolarSSLTest"];

#[test]
fn each_file_loads_or_is_refused_for_a_reason_that_is_documented() {
    let Some(folder) = folder() else {
        println!("skipped: no key files; `make test` installs them");
        return;
    };
    let (mut loaded, mut refused) = (Vec::new(), BTreeMap::<String, Vec<String>>::new());
    for sub in FOLDERS {
        let mut files: Vec<PathBuf> =
            fs::read_dir(folder.join(sub)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending != "txt")) {
            let name = format!("{sub}/{}", file.file_name().unwrap().to_string_lossy());
            match judge(&fs::read(file).unwrap()) {
                None => loaded.push(name),
                Some(reason) => refused.entry(reason).or_default().push(name),
            }
        }
    }
    let mut table = format!("| loads | {} |\n", loaded.join(", "));
    for (reason, files) in &refused {
        table += &format!("| {reason} | {} |\n", files.join(", "));
    }
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conformance.md");
    let text = fs::read_to_string(&document).unwrap();
    if std::env::var_os("OTLS_BLESS").is_some() {
        let (before, old) = text.split_once("| loads |").unwrap();
        let behind = old.split_once("\n\n").map_or("", |(_, behind)| behind);
        fs::write(&document, format!("{before}{table}\n{behind}")).unwrap();
        return;
    }
    assert!(text.contains(&table), "docs/conformance.md lacks, until OTLS_BLESS=1 writes it:\n{table}");
}

/// `tests/vectors/keys/faults.txt`, which the tests in C and Python read too.
#[test]
fn each_fault_of_a_key_has_its_own_error() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/keys");
    let list = fs::read_to_string(folder.join("faults.txt")).unwrap();
    let lines: Vec<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines.len(), 14);
    for line in lines {
        let [kind, file, password, name, words] = line.splitn(5, ' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let data = fs::read(folder.join(file)).unwrap();
        let error = match kind {
            "public" => PublicKey::load(&data).err(),
            _ => {
                let password = (password != "-").then_some(password.as_bytes());
                PrivateKey::load(&data, password).err()
            }
        };
        let error = error.unwrap_or_else(|| panic!("{line}: it loaded"));
        assert_eq!(error.code().name(), name, "{line}: {error}");
        assert!(error.to_string().contains(words), "{line}: {error}");
        assert!(!error.hint().is_empty());
    }
    let certificate = Certificate::load(&fs::read(folder.join("certificate.pem")).unwrap()).unwrap();
    let other = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
    let mismatch = Identity::new(certificate.into(), other).err().unwrap();
    assert_eq!(mismatch.code(), ErrorCode::KeyMismatch);
}

#[test]
fn the_largest_rsa_key_loads_signs_and_decrypts() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/keys/rsa_8192.pem");
    let key = PrivateKey::load(&fs::read(file).unwrap(), None).unwrap();
    let scheme = SignatureScheme::RSA_PSS_RSAE_SHA384;
    let signature = key.sign(scheme, b"message", &SystemRandom).unwrap();
    key.public_key().verify(scheme, b"message", &signature).unwrap();
    let wrapped = key.public_key().encrypt(b"", b"a key", &SystemRandom).unwrap();
    assert_eq!(key.decrypt(b"", &wrapped, &SystemRandom).unwrap().expose(), b"a key");
}

/// Why the file does not load with any of the passwords, as it is or as a public key.
fn judge(data: &[u8]) -> Option<String> {
    let plain = match PrivateKey::load(data, None) {
        Ok(_) => return None,
        Err(error) => error,
    };
    if PublicKey::load(data).is_ok() {
        return None;
    }
    let mut reason = plain.to_string();
    for password in PASSWORDS {
        match PrivateKey::load(data, Some(password.as_bytes())) {
            Ok(_) => return None,
            Err(error) => {
                let said = error.to_string();
                if !said.contains("a password was given") && !said.contains("wrong password") {
                    reason = said;
                }
            }
        }
    }
    if reason.contains("the data holds a public key") || reason.contains("an RSA public key") {
        reason = PublicKey::load(data).err().map(|error| error.to_string()).unwrap_or(reason);
    }
    Some(reason)
}

fn folder() -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?.join("venv/lib");
    let inside = "site-packages/cryptography_vectors/asymmetric";
    let found = fs::read_dir(venv).ok()?.filter_map(|entry| Some(entry.ok()?.path().join(inside)));
    found.into_iter().find(|folder| folder.is_dir())
}

/// An encrypted key whose derivation takes so many iterations; the password does not fit it any more.
fn encrypted_with(iterations: u32) -> Vec<u8> {
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
    let mut der = key.to_der(Some(b"secret"), &SystemRandom).unwrap().expose().to_vec();
    // INTEGER 600,000; one that has as many octets takes its place.
    let at = der.windows(5).position(|octets| octets == b"\x02\x03\x09\x27\xC0").unwrap();
    let [_, octets @ ..] = iterations.to_be_bytes();
    der.splice(at + 2..at + 5, octets);
    der
}

#[test]
fn a_file_with_two_encrypted_keys_is_refused_before_any_iteration() {
    let pem = |der: &[u8]| {
        pkcs8::Document::try_from(der)
            .unwrap()
            .to_pem("ENCRYPTED PRIVATE KEY", pkcs8::LineEnding::LF)
            .unwrap()
    };
    let one = pem(&encrypted_with(0x7F_FFFF));
    let refused = PrivateKey::load([one.clone(), one].concat().as_bytes(), Some(b"secret")).err().unwrap();
    // After the iterations it would be the password that is wrong.
    assert!(refused.to_string().contains("holds 2 encrypted private keys"), "{refused}");
}
