//! What files turn out to be: each is made by the program that people have it from, its hint is followed as it is
//! written, and what comes of it loads.

use std::path::Path;
use std::process::{Command, Stdio};

use otls::error::{CertificateError, Error, Found, KeyError};
use otls::pki::{Certificate, CertificateRequest, Crl, Identity, PrivateKey, PublicKey};

use super::support::*;

/// What `data` is, where no loader takes it: all say the same.
#[track_caller]
fn found(data: &[u8]) -> Found {
    let error = PrivateKey::load(data, None).unwrap_err();
    let Error::Key(KeyError::NotAKey(key)) = error else { panic!("{error}") };
    for error in [
        Certificate::load(data).unwrap_err(),
        CertificateRequest::load(data).unwrap_err(),
        Crl::load(data).unwrap_err(),
    ] {
        let Error::Certificate(CertificateError::NotFound(other)) = error else { panic!("{error}") };
        assert_eq!(other, key);
    }
    key
}

/// Runs a line of a shell in a folder.
#[track_caller]
fn shell(folder: &Path, line: &str) {
    let run =
        Command::new("sh").args(["-ec", line]).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    assert!(run.status.success(), "{line}\n{}", String::from_utf8_lossy(&run.stderr));
}

/// The file that following the hint makes of FILE.
#[track_caller]
fn follow(openssl: &OpenSsl, file: &str, hint: &str) -> Vec<u8> {
    let (_, command) = hint.split_once(": ").unwrap();
    let _ = std::fs::remove_file(openssl.dir().join("NEW"));
    shell(openssl.dir(), &command.replace("FILE", file));
    openssl.read("NEW")
}

/// Makes FILE by a line of a shell; what it is said to be, and what following the hint makes of it.
#[track_caller]
fn mended(openssl: &OpenSsl, made: &str, words: &str) -> Vec<u8> {
    shell(openssl.dir(), made);
    let found = found(&openssl.read("FILE"));
    assert!(found.what().contains(words), "{made}: {}", found.what());
    follow(openssl, "FILE", found.hint())
}

const KEY: &str = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem;";
const RSA: &str = "openssl genpkey -algorithm RSA -out key.pem 2>/dev/null;";
const CERTIFICATE: &str = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem \
    -subj /CN=x -out x.pem 2>/dev/null;";

#[test]
fn keys_of_other_programs_are_named_and_their_hint_makes_a_key_that_loads() {
    let Some(openssl) = openssl() else { return };
    for (made, words) in [
        ("ssh-keygen -q -t ecdsa -b 256 -N '' -f FILE".to_owned(), "an OpenSSH private key"),
        ("rm FILE; ssh-keygen -q -t rsa -b 2048 -N '' -f FILE".to_owned(), "an OpenSSH private key"),
        (
            "rm FILE; puttygen -q -t rsa -b 2048 --new-passphrase /dev/null -o FILE".to_owned(),
            "a PuTTY private key",
        ),
        (
            "rm FILE; puttygen -q -t ecdsa -b 384 --new-passphrase /dev/null -o FILE".to_owned(),
            "a PuTTY private key",
        ),
        (format!("{RSA} openssl rsa -in key.pem -outform MSBLOB -out FILE"), "PRIVATEKEYBLOB"),
        (format!("{RSA} openssl rsa -in key.pem -outform PVK -pvk-none -out FILE"), "PVK"),
        (format!("{KEY} base64 key.pem > FILE"), "base64 of PEM"),
        (format!("{KEY} base64 -w0 key.pem > FILE"), "base64 of PEM"),
        (format!("{KEY} openssl pkey -in key.pem -outform DER | base64 -w0 > FILE"), "base64 without"),
        (format!("{KEY} awk '{{printf \"%s\\\\n\", $0}}' key.pem > FILE"), "two characters \\n"),
        (format!("{KEY} iconv -f UTF-8 -t UTF-16 key.pem > FILE"), "UTF-16"),
        (format!("{KEY} iconv -f UTF-8 -t UTF-16LE key.pem > FILE"), "UTF-16"),
        (format!("{KEY} openssl pkey -in key.pem -outform DER | od -An -v -tx1 > FILE"), "hexadecimal"),
        (format!("{KEY} openssl pkey -in key.pem -outform DER > FILE; echo >> FILE"), "1 octet behind"),
        (format!("{KEY} gzip -c key.pem > FILE"), "gzip"),
        (format!("{KEY} sed s/-----/—/g key.pem > FILE"), "typographic dashes"),
        (format!("{KEY} sed s/--/–/g key.pem > FILE"), "typographic dashes"),
    ] {
        let key = mended(&openssl, &made, words);
        let loaded = PrivateKey::load(&key, None);
        assert!(loaded.is_ok(), "{made}: {}", loaded.unwrap_err());
    }
}

#[test]
fn public_keys_of_ssh_are_named_and_their_hint_makes_one_that_loads() {
    let Some(openssl) = openssl() else { return };
    for kind in ["rsa -b 2048", "ecdsa -b 256"] {
        let make = format!("rm -f K K.pub; ssh-keygen -q -t {kind} -N '' -f K;");
        for (made, words) in [
            (format!("{make} cp K.pub FILE"), "an SSH public key"),
            (format!("{make} ssh-keygen -e -f K.pub > FILE"), "an SSH key (RFC 4716)"),
        ] {
            PublicKey::load(&mended(&openssl, &made, words)).unwrap();
        }
    }
}

#[test]
fn certificates_of_other_programs_are_named_and_their_hint_makes_one_that_loads() {
    let Some(openssl) = openssl() else { return };
    for (made, words) in [
        (format!("{CERTIFICATE} openssl x509 -in x.pem -trustout -out FILE"), "OpenSSL's own trust settings"),
        (
            format!("{CERTIFICATE} openssl x509 -in x.pem -outform DER -out FILE; echo >> FILE"),
            "1 octet behind",
        ),
        (
            format!(
                "{CERTIFICATE} openssl x509 -in x.pem -outform DER -out FILE; head -c 9 /dev/zero | tr '\\0' '\\377' >> FILE"
            ),
            "9 octets behind",
        ),
        (
            format!(
                "{CERTIFICATE} openssl smime -sign -signer x.pem -inkey key.pem -in /etc/hostname -out FILE"
            ),
            "a mail",
        ),
        (
            format!(
                "{CERTIFICATE} openssl cms -sign -stream -nodetach -signer x.pem -inkey key.pem -in /etc/hostname -outform DER -out FILE"
            ),
            "BER",
        ),
    ] {
        let loaded = Certificate::load_chain(&mended(&openssl, &made, words));
        assert!(loaded.is_ok(), "{made}: {}", loaded.unwrap_err());
    }
    let request =
        format!("{KEY} openssl req -new -key key.pem -subj /CN=x -outform DER -out FILE; echo >> FILE");
    CertificateRequest::load(&mended(&openssl, &request, "1 octet behind")).unwrap();
    openssl.write(
        "list.der",
        CA.issue_crl(&[], 1, otls::pki::Validity::new(NOW, DAY), &RANDOM).unwrap().to_der(),
    );
    Crl::load(&mended(&openssl, "cp list.der FILE; echo >> FILE", "1 octet behind")).unwrap();
}

#[test]
fn what_no_command_mends_is_named_and_what_to_do_is_said() {
    let pem = CA.certificate().to_pem();
    let as_text = String::from_utf8_lossy(CA.certificate().to_der()).into_owned();
    for (data, words, hint) in [
        ("", "empty", "right one"),
        (" \r\n", "empty", "right one"),
        ("<!doctype HTML><html><title>404", "a web page", "fetch the file itself"),
        ("\u{FEFF}<html>", "a web page", "fetch the file itself"),
        ("<RSAKeyValue><Modulus>", "XML", "as PEM"),
        ("{\"error\":\"not found\"}", "JSON", "as PEM"),
        ("/etc/ssl/private/bank.pem", "the name of a file", "pass what is in it"),
        ("C:\\keys\\bank", "the name of a file", "pass what is in it"),
        ("bank.p12\n", "the name of a file", "pass what is in it"),
        ("pkcs11:token=x;object=y", "a key in a token", "outside of the token"),
        (&as_text, "taken for text", "as a binary file"),
    ] {
        let found = found(data.as_bytes());
        assert!(found.what().contains(words) && found.hint().contains(hint), "{data}: {found:?}");
    }
    for data in [
        "hello",
        "see http://example.com/x",
        "none/na",
        "sk-proj-abcdef",
        "MIIB",
        "MIIBhello, this is no base64 at all",
    ] {
        let found = found(data.as_bytes());
        assert_eq!((found.what(), found.hint()), ("the data is neither PEM nor DER", ""), "{data}");
    }
    let only = Identity::load(pem.as_bytes(), None).unwrap_err();
    assert_eq!(only.to_string(), "no key found: the data holds a certificate");
}

#[test]
fn what_programs_write_for_other_uses_is_named() {
    let Some(openssl) = openssl() else { return };
    for (made, words, hint) in [
        (
            "gpg -q --homedir . --batch --passphrase '' --quick-gen-key x rsa2048; \
             gpg -q --homedir . --armor --export > FILE; gpgconf --homedir . --kill all",
            "something of OpenPGP",
            "make a new one",
        ),
        ("openssl dsaparam -out FILE 2048 2>/dev/null", "DSA", "make a new key"),
    ] {
        shell(openssl.dir(), made);
        let found = found(&openssl.read("FILE"));
        assert!(found.what().contains(words) && found.hint().contains(hint), "{found:?}");
    }
}

#[test]
fn a_key_that_was_encrypted_stays_so_when_its_hint_is_followed() {
    let Some(openssl) = openssl() else { return };
    shell(
        openssl.dir(),
        &format!(
            "{KEY} openssl pkcs8 -topk8 -in key.pem -passout pass:secret -outform DER -out FILE; echo >> FILE"
        ),
    );
    let hint = found(&openssl.read("FILE")).hint();
    let key = follow(&openssl, "FILE", &format!("{hint} -passin pass:secret -passout pass:secret"));
    assert_eq!(PrivateKey::load(&key, None).unwrap_err(), KeyError::PasswordRequired.into());
    assert!(PrivateKey::load(&key, Some(b"secret")).is_ok());
}

#[test]
fn one_of_several_keys_of_a_pkcs12_file_is_taken_out_as_the_error_says() {
    let Some(openssl) = openssl() else { return };
    for alias in ["one", "two"] {
        shell(
            openssl.dir(),
            &format!(
                "keytool -genkeypair -keystore FILE -storetype PKCS12 -storepass a-password -alias {alias} -keyalg EC \
                 -groupname secp256r1 -dname CN={alias}"
            ),
        );
    }
    let refused = Identity::load(&openssl.read("FILE"), Some(b"a-password")).unwrap_err().to_string();
    let command = refused.split('\'').nth(1).unwrap().replace("NAME", "two");
    shell(openssl.dir(), &format!("{command} -srcstorepass a-password -deststorepass a-password -noprompt"));
    let identity = Identity::load(&openssl.read("NEW"), Some(b"a-password")).unwrap();
    assert_eq!(identity.certificate().subject().to_string(), "CN=two");
}

#[test]
fn pkcs12_in_pem_becomes_der() {
    let Some(openssl) = openssl() else { return };
    let made = format!(
        "{CERTIFICATE} certtool --to-p12 --load-privkey key.pem --load-certificate x.pem --p12-name x \
         --password secret --outfile FILE 2>/dev/null"
    );
    let identity = mended(&openssl, &made, "a PKCS#12 file in PEM");
    assert!(Identity::load(&identity, Some(b"secret")).is_ok());
}

#[test]
fn key_stores_of_java_become_an_identity() {
    let Some(openssl) = openssl() else { return };
    for kind in ["JKS", "JCEKS"] {
        let password = "-storepass a-password -keypass a-password";
        shell(
            openssl.dir(),
            &format!(
                "rm -f FILE; keytool -genkeypair -keystore FILE -storetype {kind} {password} -alias x -keyalg EC \
                 -groupname secp256r1 -dname CN=x"
            ),
        );
        let found = found(&openssl.read("FILE"));
        assert!(found.what().contains(kind), "{found:?}");
        let given = "-srcstorepass a-password -deststorepass a-password -noprompt";
        let identity = follow(&openssl, "FILE", &format!("{} {given}", found.hint()));
        assert!(Identity::load(&identity, Some(b"a-password")).is_ok(), "{kind}");
    }
}

#[test]
fn marks_of_encodings_and_ends_of_lines_stand_in_no_ones_way() {
    let pem = CA.certificate().to_pem();
    for data in [
        format!("\u{FEFF}{pem}"),
        pem.replace('\n', "\r\n"),
        pem.replace('\n', "\r"),
        format!("\n\n {pem}\n\n"),
    ] {
        assert_eq!(Certificate::load(data.as_bytes()).unwrap(), *CA.certificate());
    }
}

#[test]
fn keys_load_under_each_others_labels() {
    let Some(openssl) = openssl() else { return };
    openssl.ok("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem");
    openssl.ok("genpkey -algorithm RSA -out rsa.pem");
    openssl.ok("pkcs8 -topk8 -in ec.pem -v2 aes-256-cbc -passout pass:secret -out encrypted.pem");
    openssl.ok("ec -in ec.pem -out sec1.pem");
    openssl.ok("rsa -in rsa.pem -traditional -out pkcs1.pem");
    let labels = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"];
    for (file, own) in [
        ("ec.pem", labels[0]),
        ("rsa.pem", labels[0]),
        ("encrypted.pem", labels[3]),
        ("sec1.pem", labels[2]),
        ("pkcs1.pem", labels[1]),
    ] {
        let pem = String::from_utf8(openssl.read(file)).unwrap();
        let password = (own == labels[3]).then_some(&b"secret"[..]);
        let expected = PrivateKey::load(pem.as_bytes(), password).unwrap();
        for label in labels {
            let data = pem.replace(&format!("BEGIN {own}"), &format!("BEGIN {label}"));
            let data = data.replace(&format!("END {own}"), &format!("END {label}"));
            let loaded = PrivateKey::load(data.as_bytes(), password);
            let loaded = loaded.unwrap_or_else(|error| panic!("{file} as {label}: {error}"));
            assert_eq!(loaded.public_key(), expected.public_key(), "{file} as {label}");
            let refused = match password {
                Some(_) => (PrivateKey::load(data.as_bytes(), None), KeyError::PasswordRequired),
                None => (PrivateKey::load(data.as_bytes(), Some(b"secret")), KeyError::PasswordNotNeeded),
            };
            assert_eq!(refused.0.unwrap_err(), refused.1.into(), "{file} as {label}");
        }
    }
}

#[test]
fn lists_that_are_not_as_rfc_5280_asks_say_what_they_are() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/lists");
    for (file, words) in [("version-1.crl", "version 1"), ("no-next-update.crl", "no nextUpdate")] {
        let refused = Crl::load(&std::fs::read(folder.join(file)).unwrap()).unwrap_err();
        assert!(refused.to_string().contains(words), "{refused}");
        assert!(refused.hint().contains("openssl ca -gencrl"), "{}", refused.hint());
    }
    // The hint, followed: without and with what it names.
    let Some(openssl) = openssl() else { return };
    shell(openssl.dir(), &format!("{CERTIFICATE} : > index; echo 01 > number"));
    let mut configuration = "[ca]\ndefault_ca = it\n[it]\ndatabase = index\ndefault_md = sha256\n".to_owned();
    let make = "ca -gencrl -config config -keyfile key.pem -cert x.pem -out list.pem";
    openssl.write("config", format!("{configuration}default_crl_days = 7\n"));
    openssl.ok(make);
    assert!(Crl::load(&openssl.read("list.pem")).unwrap_err().to_string().contains("version 1"));
    configuration += "default_crl_days = 7\ncrlnumber = number\n";
    openssl.write("config", configuration);
    openssl.ok(make);
    Crl::load(&openssl.read("list.pem")).unwrap();
}

#[test]
fn names_that_do_not_count_are_told() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/certificates");
    let load = |file: &str| Certificate::load(&std::fs::read(folder.join(file)).unwrap());
    let error = load("san-not-ascii.pem").unwrap_err().to_string();
    assert!(error.contains("not ASCII") && error.contains("A-labels"), "{error}");
    for (file, words) in [("ip-address-as-dns-name.pem", "IP"), ("san-with-trailing-dot.pem", "dot")] {
        let leaf = load(file).unwrap();
        let report = trust(&[CA.certificate()])
            .judge(&[leaf.to_der().to_vec()], &as_server("bank.example"), leaf.not_before())
            .unwrap_err();
        let name = report.findings().find(|finding| finding.check == otls::error::Check::Name).unwrap();
        assert!(
            name.reason.contains("no name that counts") && name.reason.contains(words),
            "{}",
            name.reason
        );
    }
}

#[test]
fn a_leaf_without_extended_key_usage_is_accepted_where_that_is_allowed() {
    let Some(openssl) = openssl() else { return };
    openssl.ok("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -subj /CN=CA -days 9000 -out ca.pem");
    openssl.ok(
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -subj /CN=x -out x.csr",
    );
    openssl.write("names", "subjectAltName = DNS:bank.example, URI:spiffe://bank.example/x\n");
    openssl.ok("x509 -req -in x.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9000 -extfile names -outform DER -out x.der");
    let mut store = trust(&[&Certificate::load(&openssl.read("ca.pem")).unwrap()]);
    let leaf = [openssl.read("x.der")];
    for role in [as_server("bank.example"), otls::pki::PeerRole::Client] {
        let check = otls::error::Check::ExtendedKeyUsage;
        refused(&store, &leaf, &role, NOW, check, &["no ExtendedKeyUsage"]);
    }
    store.allow_missing_eku();
    for role in [as_server("bank.example"), otls::pki::PeerRole::Client] {
        store.judge(&leaf, &role, NOW).unwrap();
    }
    // One that is there still has to fit.
    let mut ours = trust(&[CA.certificate()]);
    ours.allow_missing_eku();
    let client = client(&CA, "alice").to_der().to_vec();
    let check = otls::error::Check::ExtendedKeyUsage;
    refused(&ours, &[client], &as_server("alice"), NOW, check, &["clientAuth"]);
}
