//! Each line of the page of docs/formats.md: what people have is made by the program that they have it from, and
//! what the line says is done to it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::Shell;

/// What people have, as the page calls it; a line of a shell that makes it as FILE, and what `otls show` has to
/// call what comes of it.
const MADE: [(&str, &str, &str); 25] = [
    ("a key and its chain in one PEM file", "cat key.pem x.pem > FILE", "identity"),
    ("a PKCS#12 file", P12, "Certificate"),
    ("a program that wants PKCS#12", "cat key.pem x.pem > FILE", "PKCS#12"),
    ("a PKCS#7 bundle", "openssl crl2pkcs7 -nocrl -certfile x.pem -out FILE", "Certificate"),
    ("a Java key store", JKS, "PKCS#12"),
    ("an OpenSSH private key", "ssh-keygen -q -t ecdsa -N '' -f FILE", "Key: ECDSA on P-256"),
    ("an OpenSSH public key", "ssh-keygen -q -t ecdsa -N '' -f K; mv K.pub FILE", "Key: ECDSA on P-256"),
    ("private key of Ed25519", "", ""),
    ("public key of Ed25519", "", ""),
    ("a PuTTY private key", "puttygen -q -t rsa -b 2048 --new-passphrase /dev/null -o FILE", "Key: RSA"),
    ("a JSON Web Key", "", ""),
    ("(PRIVATEKEYBLOB)", "openssl rsa -in rsa.pem -outform MSBLOB -out FILE", "Key: RSA"),
    ("(.pvk)", "openssl rsa -in rsa.pem -outform PVK -pvk-none -out FILE", "Key: RSA"),
    ("DES, RC2 or RC4", DES, "encrypted private key"),
    ("TRUSTED CERTIFICATE", "openssl x509 -in x.pem -trustout -out FILE", "Certificate"),
    ("base64 of PEM", "base64 key.pem > FILE", "Key: ECDSA"),
    ("base64 without BEGIN", "openssl pkey -in key.pem -outform DER | base64 -w0 > FILE", "Key: ECDSA"),
    ("two characters", "awk '{printf \"%s\\\\n\", $0}' key.pem > FILE", "Key: ECDSA"),
    ("PEM in UTF-16", "iconv -f UTF-8 -t UTF-16 key.pem > FILE", "Key: ECDSA"),
    ("hyphens", "sed s/-----/—/g x.pem > FILE", "Certificate"),
    ("padding behind it", "openssl x509 -in x.pem -outform DER -out FILE; echo >> FILE", "Certificate"),
    (
        "a signed mail",
        "openssl smime -sign -signer x.pem -inkey key.pem -in x.pem.txt -out FILE",
        "signed CMS message",
    ),
    ("a message (CMS) in BER", BER, "message"),
    ("a request with a common name", "openssl req -new -key key.pem -subj /CN=bank -out FILE", "Certificate"),
    ("a certificate without ExtendedKeyUsage", SPIFFE, "valid"),
];

const P12: &str = "openssl pkcs12 -export -in x.pem -inkey key.pem -passout pass:a-password -out FILE";
const JKS: &str = "keytool -genkeypair -keystore FILE -storetype JKS -storepass a-password -keypass a-password \
    -alias x -keyalg EC -groupname secp256r1 -dname CN=x 2>/dev/null";
const DES: &str = "openssl pkcs8 -topk8 -v1 PBE-SHA1-RC4-128 -provider legacy -provider default -in key.pem \
    -passout pass:a-password -out FILE";
const BER: &str = "openssl cms -sign -stream -nodetach -signer x.pem -inkey key.pem -in x.pem.txt -outform DER \
    -out FILE";
const SPIFFE: &str = "openssl req -new -key key.pem -subj /CN=x -out x.csr; openssl x509 -req -in x.csr \
    -CA CA/cert.pem -CAkey CA/key.pem -days 2 -extfile names -out FILE 2>/dev/null";

/// Runs a line of a shell that has to succeed; both of its streams.
fn sh(shell: &Shell, line: &str) -> String {
    let otls = Path::new(env!("CARGO_BIN_EXE_otls")).parent().unwrap();
    let path = format!("{}:{}", otls.display(), std::env::var("PATH").unwrap());
    let run =
        Command::new("sh").args(["-ec", line]).current_dir(shell.path()).env("PATH", path).output().unwrap();
    let text = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{line}\n{text}");
    text
}

/// What people have and what they do, of each line of the page.
fn page() -> Vec<(String, String)> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/formats.md");
    let text = fs::read_to_string(document).unwrap();
    let (page, _) = text.split_once("## The matrix").unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ")).skip(2);
    rows.map(|row| {
        let (what, command) = row.trim_matches(['|', ' ']).split_once(" | ").unwrap();
        (what.to_owned(), command.replace("\\|", "|"))
    })
    .collect()
}

#[test]
fn each_line_of_the_page_makes_of_what_people_have_what_loads() {
    let page = page();
    assert_eq!(page.len(), MADE.len());
    let shell = Shell::new();
    shell.run("ca init --name Root");
    fs::write(shell.path().join("PASSWORD"), "a-password\n").unwrap();
    fs::write(shell.path().join("names"), "subjectAltName = URI:spiffe://bank.example/x\n").unwrap();
    fs::write(shell.path().join("x.pem.txt"), "content\n").unwrap();
    sh(&shell, "otls key new --out key.pem; openssl genpkey -algorithm RSA -out rsa.pem 2>/dev/null");
    sh(&shell, "openssl req -x509 -key key.pem -subj /CN=x -days 2 -out x.pem");
    for ((what, done), (name, make, expected)) in page.iter().zip(MADE) {
        assert!(what.contains(name), "{what:?} is not {name:?}");
        if make.is_empty() {
            // bindings/python/tests/test_found.py has these lines: their program is Python's.
            continue;
        }
        sh(&shell, &format!("rm -f FILE NEW K; {make}"));
        // openssl, keytool and puttygen ask for passwords that are not here.
        let mut command = done.split('`').nth(1).unwrap_or("cp FILE NEW").to_owned();
        if command.starts_with("keytool") {
            command += " -srcstorepass a-password -deststorepass a-password -noprompt";
        } else if command.starts_with("openssl pkcs8") {
            command += " -passin pass:a-password -passout pass:a-password";
        } else if command.starts_with("cp FILE NEW && ssh-keygen") {
            command += " -N ''";
        }
        let verdict = sh(&shell, &command);
        if done.starts_with("nothing") {
            sh(&shell, "otls show FILE --password-file PASSWORD");
        }
        let said = match expected {
            "valid" => verdict,
            _ => sh(&shell, "otls show NEW --password-file PASSWORD"),
        };
        let is_said = said.contains(expected) || (expected == "identity" && said.contains("Certificate"));
        assert!(is_said, "{what}: {command}\n{said}");
    }
}
