//! `otls cms verify`, on what OpenSSL has signed.

use std::fs;

use crate::support::{Shell, openssl};

const SIGN: &str = "cms -sign -binary -in text -signer bank.pem -inkey key.pem";
const VERIFY: &str = "cms verify --root CA/cert.pem --name bank.example";

fn world() -> Shell {
    let shell = Shell::with_certificate();
    fs::write(shell.path().join("text"), "Rs 5000 to Asha\n").unwrap();
    shell.run("ca crl --out list.pem");
    openssl(shell.path(), &format!("{SIGN} -nodetach -outform DER -out inside.der"));
    openssl(shell.path(), &format!("{SIGN} -outform PEM -out beside.pem"));
    shell
}

#[test]
fn the_content_comes_out_and_the_signer_is_named() {
    let shell = world();
    let lists = "--crl list.pem";
    assert_eq!(shell.run(&format!("{VERIFY} {lists} inside.der")), "Rs 5000 to Asha\n");
    assert_eq!(shell.run(&format!("{VERIFY} {lists} --content text beside.pem")), "signed by CN=bank\n");
    assert_eq!(shell.run(&format!("{VERIFY} {lists} --out out inside.der")), "signed by CN=bank\n");
    assert_eq!(fs::read_to_string(shell.path().join("out")).unwrap(), "Rs 5000 to Asha\n");
    for what in ["--content text beside.pem", "--out out --force inside.der"] {
        let found = shell.json(&format!("{VERIFY} --json {what}"));
        assert_eq!((&found["valid"], &found["signer"]), (&true.into(), &"CN=bank".into()));
        assert_eq!(found["revocation_checked"], false);
    }
    // Where the content is printed, what was not looked at is said beside it.
    let output = shell.output(&format!("{VERIFY} inside.der"));
    assert_eq!(output.stdout, b"Rs 5000 to Asha\n");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("otls: revocation was not looked at") && said.lines().count() == 1, "{said}");
}

#[test]
fn each_refusal_has_its_exit_code_and_a_hint_of_the_command_line() {
    let shell = world();
    fs::write(shell.path().join("other"), "Rs 9000 to Asha\n").unwrap();
    shell.run("ca init --dir Other --name Other");
    openssl(shell.path(), &format!("{SIGN} -out mail"));
    openssl(shell.path(), &format!("{SIGN} -stream -nodetach -outform DER -out stream.ber"));
    openssl(shell.path(), "cms -encrypt -binary -outform DER -in inside.der -recip bank.pem -out sealed.der");
    let open = "cms open --cert bank.pem --key key.pem --root CA/cert.pem --name bank.example";
    let (other, elsewhere) = (VERIFY.replace("bank.example", "other.example"), VERIFY.replace("CA", "Other"));
    for (arguments, code, words) in [
        (format!("{VERIFY} --content other beside.pem"), 6, "does not verify"),
        (format!("{other} --content text beside.pem"), 6, "with --name"),
        (format!("{elsewhere} --content text beside.pem"), 6, "with --root"),
        (format!("{VERIFY} --require-crl inside.der"), 6, "with --crl"),
        (format!("{VERIFY} --time 2099-01-01 inside.der"), 6, "expired"),
        (format!("{VERIFY} beside.pem"), 3, "with --content"),
        (format!("{VERIFY} --content text inside.der"), 3, "leave --content out"),
        (format!("{VERIFY} mail"), 3, "'openssl cms -verify -in MAIL"),
        (format!("{VERIFY} stream.ber"), 3, "'openssl cms -cmsout -inform DER"),
        (format!("{VERIFY} sealed.der"), 3, "`otls cms open`"),
        (format!("{VERIFY} text"), 3, "neither PEM nor DER"),
        (format!("{VERIFY} --json inside.der"), 2, "give --out"),
        (format!("{open} inside.der"), 3, "`otls cms verify`"),
    ] {
        let (got, line) = shell.fails(&arguments);
        assert!(got == code && line.contains(words), "{arguments}: {got} {line}");
    }
    assert_eq!(shell.output("cms verify --root CA/cert.pem inside.der").status.code(), Some(2));
}
