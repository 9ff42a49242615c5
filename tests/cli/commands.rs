//! The command line, run as a person runs it.

use otls::otp::CodeRequest;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::{Shell, openssl};

#[test]
fn the_commands_of_the_document_about_keys_run() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/keys.md");
    let document = fs::read_to_string(document).unwrap();
    let commands: Vec<&str> =
        document.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    let shell = Shell::new();
    let folder = Path::new(env!("CARGO_BIN_EXE_otls")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-euc", &commands.concat()])
        .current_dir(shell.path())
        .env("PATH", path)
        .env_remove("OTLS_KEY_PASSWORD")
        .output()
        .unwrap();
    let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // Which OpenSSL says where errors are.
    let error = error.replace("CMS Verification successful\n", "");
    let unchecked =
        "otls: revocation was not looked at: no list of each authority of the path was given with --crl\n";
    let error = error.replace(unchecked, "");
    assert!(output.status.success() && error.is_empty(), "{said}{error}");
    assert_eq!(said.matches("Your card is on its way.").count(), 3, "{said}");
    assert!(said.contains("X509v3 Name Constraints") || said.contains("CN=The bank"), "{said}");
    let converted = fs::read_to_string(shell.path().join("bank-key.pkcs1.pem")).unwrap();
    assert!(converted.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
}

#[test]
fn from_a_key_to_a_certificate_that_openssl_accepts() {
    let shell = Shell::with_certificate();
    let strict = "verify -x509_strict -purpose sslserver -CAfile CA/cert.pem bank.pem";
    assert_eq!(openssl(shell.path(), strict), "bank.pem: OK\n");
    openssl(shell.path(), "req -verify -noout -in request.pem");
    let public = openssl(shell.path(), "x509 -noout -pubkey -in bank.pem");
    assert_eq!(public, fs::read_to_string(shell.path().join("public.pem")).unwrap());
    assert_eq!((shell.mode("key.pem"), shell.mode("CA/key.pem")), (0o600, 0o600));
    assert_eq!(shell.mode("bank.pem"), 0o644);
}

#[test]
fn what_is_shown_is_what_was_asked_for() {
    let shell = Shell::with_certificate();
    let request = shell.json("csr show request.pem --json");
    assert_eq!(request["subject"], "CN=bank");
    assert_eq!(request["names"], serde_json::json!(["bank.example", "127.0.0.1"]));
    let certificate = &shell.json("cert show bank.pem --json")[0];
    assert_eq!((&certificate["issuer"], &certificate["ca"]), (&"CN=Root,C=IN".into(), &false.into()));
    let fingerprint = openssl(shell.path(), "x509 -noout -fingerprint -sha256 -in bank.pem");
    assert!(fingerprint.trim().ends_with(certificate["sha256"].as_str().unwrap()));
    let key = shell.json("key show key.pem --json");
    assert_eq!(key["algorithm"], "ECDSA on P-256");
    assert_eq!(shell.json("csr verify request.pem --json")["valid"], true);
    let private = fs::read_to_string(shell.path().join("key.pem")).unwrap();
    let secret = private.lines().nth(1).unwrap();
    assert!(!shell.run("key show key.pem").contains(secret), "a private key is never shown");
}

#[test]
fn verify_gives_the_verdict_and_the_whole_report() {
    let shell = Shell::with_certificate();
    let valid = shell.json("verify --json --root CA/cert.pem --name bank.example bank.pem");
    assert_eq!((&valid["valid"], &valid["authority"]), (&true.into(), &"CN=Root,C=IN".into()));
    shell.run("verify --root CA/cert.pem --name 127.0.0.1 bank.pem");

    let report = shell.refused("--root CA/cert.pem --name other.example bank.pem");
    assert_eq!(report["code"], "CERTIFICATE_WRONG_NAME");
    assert_eq!(report["findings"][0]["check"], "name");
    let report = shell.refused("--root CA/cert.pem --role client bank.pem");
    assert_eq!(report["findings"][0]["check"], "extendedKeyUsage");
    let report = shell.refused("--root CA/cert.pem --name bank.example --time 2036-01-01T00:00:00Z bank.pem");
    assert_eq!(report["code"], "CERTIFICATE_EXPIRED");
    shell.run("ca init --dir Other --name Other");
    let report = shell.refused("--root Other/cert.pem --name bank.example bank.pem");
    assert_eq!(report["code"], "CERTIFICATE_UNTRUSTED");
}

#[test]
fn a_revoked_certificate_is_on_the_next_list_and_refused() {
    let shell = Shell::with_certificate();
    shell.run("ca crl --out before.pem");
    shell.run("verify --root CA/cert.pem --crl before.pem --name bank.example bank.pem");
    shell.run("ca revoke bank.pem --reason key-compromise");
    shell.run("ca crl --out after.pem");
    let text = openssl(shell.path(), "crl -in after.pem -noout -text -CAfile CA/cert.pem");
    assert!(text.contains("Key Compromise"));
    let report = shell.refused("--root CA/cert.pem --crl after.pem --name bank.example bank.pem");
    assert_eq!(report["code"], "CERTIFICATE_REVOKED");
    let stale =
        "--root CA/cert.pem --crl before.pem --name bank.example --time 2099-01-01T00:00:00Z bank.pem";
    assert_eq!(shell.refused(stale)["valid"], false);
    let (code, line) = shell.fails("ca revoke CA/cert.pem");
    assert_eq!(code, 2);
    assert!(line.contains("not a certificate of this authority"), "{line}");
}

#[test]
fn a_password_comes_from_a_file_or_the_environment() {
    let shell = Shell::new();
    fs::write(shell.path().join("password"), "correct horse\n").unwrap();
    shell.run("key new --out key.pem --password-file password");
    assert!(fs::read_to_string(shell.path().join("key.pem")).unwrap().contains("ENCRYPTED"));
    shell.run("key show key.pem --password-file password");
    let (code, line) = shell.fails("key show key.pem");
    assert!(code == 3 && line.contains("encrypted and no password was given"), "{line}");
    fs::write(shell.path().join("wrong"), "battery staple").unwrap();
    let (code, line) = shell.fails("key show key.pem --password-file wrong");
    assert!(code == 3 && line.contains("wrong password"), "{line}");
    fs::write(shell.path().join("empty"), "\n").unwrap();
    assert_eq!(shell.fails("key show key.pem --password-file empty").0, 2);
    let with_variable = Command::new(env!("CARGO_BIN_EXE_otls"))
        .args(["key", "show", "key.pem"])
        .current_dir(shell.path())
        .env("OTLS_KEY_PASSWORD", "correct horse")
        .output();
    assert!(with_variable.unwrap().status.success());
}

#[test]
fn nothing_is_replaced_unless_asked() {
    let shell = Shell::with_certificate();
    let before = fs::read(shell.path().join("key.pem")).unwrap();
    let (code, line) = shell.fails("key new --out key.pem");
    assert!(code == 3 && line.contains("the file exists"), "{line}");
    assert_eq!(fs::read(shell.path().join("key.pem")).unwrap(), before);
    assert_eq!(shell.fails("ca init --name Again").0, 3);
    shell.run("key new --out key.pem --force");
    assert_ne!(fs::read(shell.path().join("key.pem")).unwrap(), before);
    assert_eq!(shell.mode("key.pem"), 0o600);
    let left: Vec<_> = fs::read_dir(shell.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("tmp")), "{left:?}");
}

#[test]
fn each_mistake_is_one_line_and_has_its_exit_code() {
    let shell = Shell::with_certificate();
    fs::write(shell.path().join("garbage"), [0xFF; 100]).unwrap();
    let cases = [
        ("key show bank.pem", 3, "the data holds a certificate"),
        ("key show nowhere.pem", 3, "No such file"),
        ("key show garbage", 3, "garbage"),
        ("cert show key.pem", 3, "key.pem"),
        ("csr show bank.pem", 3, "bank.pem"),
        ("csr new --key key.pem --name bank --country INDIA", 4, "two letters"),
        ("csr new --key key.pem --name bank --san bad_!name", 4, "--san"),
        ("csr new --key key.pem --name bank --hash sha384", 3, "SHA-256"),
        ("verify --root CA/cert.pem --name bank.example --time yesterday bank.pem", 2, "is no time"),
        ("verify --root bank.pem --name bank.example bank.pem", 3, "bank.pem"),
        ("ca crl --dir Nowhere", 3, "Nowhere"),
    ];
    for (arguments, code, words) in cases {
        let (got, line) = shell.fails(arguments);
        assert_eq!(got, code, "{arguments}: {line}");
        assert!(line.contains(words), "{arguments}: {line}");
    }
    assert_eq!(shell.output("verify bank.pem").status.code(), Some(2));
    assert_eq!(shell.output("key new --type dsa").status.code(), Some(2));
}

#[test]
fn the_text_and_the_json_of_a_certificate_say_all_of_it() {
    let shell = Shell::with_certificate();
    let text = shell.run("cert show bank.pem");
    for words in [
        "bank.example",
        "127.0.0.1",
        "Digital Signature",
        "TLS Web Server Authentication",
        "SHA256 Fingerprint",
    ] {
        assert!(text.contains(words), "{words} is missing in:\n{text}");
    }
    let json = &shell.json("cert show bank.pem --json")[0];
    assert_eq!(json["key_usages"], serde_json::json!(["digitalSignature"]));
    assert_eq!(json["extended_key_usages"], serde_json::json!(["serverAuth"]));
    assert_eq!(json["signature_algorithm"], "ecdsa-with-SHA384");
    assert!(shell.run("csr show request.pem").contains("bank.example"));
}

#[test]
fn an_audit_log_is_checked_against_its_key_and_what_was_kept_of_it() {
    use otls::crypto::SystemRandom;
    use otls::otp::{AuditLog, Context, Ledger, MemoryStore};
    use otls::{Secret, UnixTime};

    let shell = Shell::new();
    let file = |name: &str| shell.path().join(name);
    fs::write(file("key"), [7; 32]).unwrap();
    let mut ledger = Ledger::new(Box::new(MemoryStore::default()), Secret::from(vec![1; 32])).unwrap();
    ledger = ledger.with_audit(Box::new(AuditLog::open(&file("log"), &Secret::from(vec![7; 32])).unwrap()));
    let now = UnixTime(1_800_000_000);
    ledger
        .issue(
            &CodeRequest::new("asha", &Context::new()).with_lifetime(Duration::from_secs(60)),
            now,
            &SystemRandom,
        )
        .unwrap();
    let first = shell.run("audit verify --key-file key log");
    ledger
        .issue(
            &CodeRequest::new("asha", &Context::new()).with_lifetime(Duration::from_secs(60)),
            now,
            &SystemRandom,
        )
        .unwrap();
    let found = shell.json(&format!("audit verify --json --key-file key --expect {first} log"));
    assert_eq!(found["count"], 4);
    fs::write(file("short"), "short").unwrap();
    assert_eq!(shell.fails("audit verify --key-file short log").0, 2);
    assert_eq!(shell.fails("audit verify --key-file key --expect 1 ff log").0, 2);
    assert_eq!(shell.fails("audit verify --key-file key none").0, 7);
    let (code, error) =
        shell.fails(&format!("audit verify --key-file key --expect 1 {} log", "0".repeat(64)));
    assert!(code == 7 && error.contains("older state"), "{error}");
    let text = fs::read_to_string(file("log")).unwrap();
    fs::write(file("log"), text.replace("asha", "ravi")).unwrap();
    let (code, error) = shell.fails("audit verify --key-file key log");
    assert!(code == 7 && error.contains("line 1:"), "{error}");

    // The line is the first, so that nothing stays; the log as it was found does.
    assert_eq!(shell.fails("audit repair --key-file short log").0, 2);
    assert_eq!(shell.fails("audit repair --key-file key none").0, 7);
    let repaired = shell.json("audit repair --json --key-file key log");
    assert_eq!((&repaired["count"], &repaired["missing"]), (&1.into(), &4.into()));
    assert!(fs::read_to_string(file("log.damaged")).unwrap().contains("ravi"));
    assert_eq!(shell.json("audit verify --json --key-file key log")["count"], 1);
    let said = shell.run("audit repair --key-file key log");
    assert!(said.contains("nothing is wrong"), "{said}");
    fs::write(file("log"), "").unwrap();
    let said = shell.run("audit repair --key-file key log");
    assert!(said.contains("ends after line 0") && said.contains("log.damaged.2"), "{said}");
}

#[test]
fn a_sealed_file_is_opened_by_its_recipient_alone_and_by_openssl() {
    let shell = Shell::with_certificate();
    for who in ["asha", "ravi"] {
        shell.run(&format!("key new --out {who}.key --public {who}.pub"));
        shell.run(&format!("csr new --key {who}.key --name {who} --out {who}.csr"));
        shell.run(&format!("ca sign {who}.csr --profile client --out {who}.pem"));
    }
    fs::write(shell.path().join("text"), b"Your code is 256345.").unwrap();
    let seal = "cms seal --signer bank.pem --key key.pem --to asha.pem";
    shell.run(&format!("{seal} --out sealed.der text"));
    let (code, line) = shell.fails(&format!("{seal} --out sealed.der text"));
    assert!(code == 3 && line.contains("exists"), "{line}");

    let open = "cms open --cert asha.pem --key asha.key --root CA/cert.pem";
    shell.run("ca crl --out list.pem");
    let opened = shell.run(&format!("{open} --crl list.pem --name bank.example sealed.der"));
    assert_eq!(opened, "Your code is 256345.");
    let said = shell.run(&format!("{open} --name bank.example --out opened sealed.der"));
    assert!(said.contains("CN=bank"), "{said}");
    assert_eq!(fs::read(shell.path().join("opened")).unwrap(), b"Your code is 256345.");
    assert_eq!(shell.mode("opened"), 0o600);
    let signer = shell.json(&format!("{open} --name bank.example --json --force --out opened sealed.der"));
    assert_eq!(signer["signer"], "CN=bank");
    let (code, line) = shell.fails(&format!("{open} --name bank.example --json sealed.der"));
    assert!(code == 2 && line.contains("--out"), "{line}");

    let (code, line) = shell.fails(&format!("{open} --name other.example sealed.der"));
    assert!(code == 6 && line.contains("other.example"), "{line}");
    let ravi = "cms open --cert ravi.pem --key ravi.key --root CA/cert.pem --role any";
    let (code, line) = shell.fails(&format!("{ravi} sealed.der"));
    assert!(code == 3 && line.contains("for other recipients"), "{line}");
    let (code, line) = shell.fails("cms seal --signer asha.pem --key asha.key --to bank.pem text");
    assert!(code == 6 && line.contains("keyAgreement"), "{line}");

    openssl(
        shell.path(),
        "cms -decrypt -inform DER -binary -in sealed.der -recip asha.pem -inkey asha.key -out signed.der",
    );
    let verify = "cms -verify -inform DER -binary -CAfile CA/cert.pem -purpose any -in signed.der";
    assert_eq!(openssl(shell.path(), verify), "Your code is 256345.");
}

#[test]
fn a_name_that_nobody_would_look_at_is_refused() {
    let shell = Shell::with_certificate();
    for role in ["client", "any"] {
        let arguments = format!("verify --root CA/cert.pem --role {role} --name nobody.example bank.pem");
        let (code, line) = shell.fails(&arguments);
        assert!(code == 2 && line.contains("--name"), "{line}");
    }
}
