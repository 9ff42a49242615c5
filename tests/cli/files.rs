//! What the command line makes of files that hold more than one thing.

use std::fs;

use crate::support::{Shell, openssl};

#[test]
fn a_file_of_several_lists_or_roots_counts_whole_and_what_is_left_out_is_named() {
    let shell = Shell::with_certificate();
    shell.run("ca init --name Other --dir other");
    shell.run("ca crl --dir other --out other.pem");
    shell.run("ca revoke bank.pem");
    shell.run("ca crl --out ours.pem");
    let read = |name: &str| fs::read_to_string(shell.path().join(name)).unwrap();
    let write = |name: &str, text: String| fs::write(shell.path().join(name), text).unwrap();
    write("bundle.pem", read("other.pem") + &read("ours.pem"));
    let report = shell.refused("--root CA/cert.pem --crl bundle.pem --name bank.example bank.pem");
    assert_eq!(report["code"], "CERTIFICATE_REVOKED");
    write("bundle.pem", read("other.pem") + &read("ours.pem").replace("-----BEGIN", "----BEGIN"));
    let (code, line) = shell.fails("verify --root CA/cert.pem --crl bundle.pem --name bank.example bank.pem");
    assert!(code == 3 && line.contains("BEGIN"), "{line}");

    // A list among the roots would not be looked at.
    write("roots.pem", read("CA/cert.pem") + &read("ours.pem"));
    let (code, line) = shell.fails("verify --root roots.pem --name bank.example bank.pem");
    assert!(code == 3 && line.contains("a revocation list"), "{line}");
    openssl(shell.path(), "req -x509 -newkey ed448 -nodes -keyout ed.key -subj /CN=Ed -out ed.pem");
    write("roots.pem", read("ed.pem") + &read("CA/cert.pem"));
    let output = shell.output("verify --root roots.pem --name bank.example bank.pem");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && error.contains("left out: CN=Ed"), "{error}");

    // One file with key and certificate, and files with two of a kind.
    shell.run("csr new --key key.pem --name asha --out asha.csr");
    shell.run("ca sign asha.csr --profile client --out asha.pem");
    write("both.pem", read("asha.pem") + &read("key.pem"));
    fs::write(shell.path().join("text"), "hello").unwrap();
    shell.run("cms seal --signer both.pem --key both.pem --to asha.pem text --out sealed");
    let (code, line) = shell.fails("key show both.pem");
    assert!(code == 3 && line.contains("a certificate and a private key"), "{line}");
    write("two.pem", read("key.pem") + &read("key.pem"));
    assert!(shell.fails("key show two.pem").1.contains("2 private keys"));
    write("two.pem", read("bank.pem") + &read("bank.pem"));
    let (code, line) = shell.fails("ca revoke two.pem");
    assert!(code == 2 && line.contains("2 holders"), "{line}");
    assert_eq!(shell.fails("cms seal --signer bank.pem --key key.pem --to two.pem text").0, 2);
    fs::write(shell.path().join("password"), "correct\nhorse\n").unwrap();
    let (code, line) = shell.fails("key new --out new.pem --password-file password");
    assert!(code == 2 && line.contains("not one line"), "{line}");
}
