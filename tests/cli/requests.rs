//! Requests as other programs make them: keytool, certtool, OpenSSL.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::support::{Shell, openssl};

/// Runs another program; false where it is not installed.
fn run(shell: &Shell, program: &str, arguments: &str) -> bool {
    match Command::new(program).args(arguments.split_whitespace()).current_dir(shell.path()).output() {
        Ok(output) => {
            assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
            true
        }
        Err(_) => false,
    }
}

fn authority() -> Shell {
    let shell = Shell::new();
    shell.run("ca init --name Root");
    shell.run("key new --out key.pem");
    shell
}

/// The subject and the alternative names, as OpenSSL has them.
fn issued(shell: &Shell, file: &str) -> (String, String) {
    let text = openssl(shell.path(), &format!("x509 -in {file} -noout -subject -ext subjectAltName"));
    openssl(shell.path(), &format!("verify -x509_strict -CAfile CA/cert.pem {file}"));
    let (subject, names) = text.split_once('\n').unwrap();
    let names = names.replace("X509v3 Subject Alternative Name:", "");
    (
        subject.replace("subject=", "").trim().to_owned(),
        names.split_whitespace().collect::<Vec<_>>().join(" "),
    )
}

#[test]
fn a_request_of_a_common_name_alone_gets_its_names_from_the_authority() {
    let shell = authority();
    openssl(shell.path(), "req -new -key key.pem -subj /CN=router.example -out request.pem");
    let (code, line) = shell.fails("ca sign request.pem --profile server");
    assert!(code == 4 && line.contains("add it with --san"), "{line}");
    let names = "--san router.example --san DNS:Router.example --san 10.0.0.1 --san URI:urn:router";
    shell.run(&format!("ca sign request.pem --profile server {names} --out cert.pem"));
    let (subject, names) = issued(&shell, "cert.pem");
    assert_eq!(subject, "CN = router.example");
    assert_eq!(names, "DNS:router.example, IP Address:10.0.0.1, URI:urn:router");
    // They are held as those that are asked for.
    shell.run("key new --out thief.pem");
    shell.run("csr new --key thief.pem --name thief --san router.example --out thief.csr");
    let (code, line) = shell.fails("ca sign thief.csr --profile server");
    assert!(code == 4 && line.contains("belongs to another key"), "{line}");
    let (code, line) = shell.fails("ca sign request.pem --profile server --san bad_!name");
    assert!(code == 4 && line.contains("--san"), "{line}");
    let (code, line) = shell.fails("ca sign request.pem --profile ca --san router.example");
    assert!(code == 4 && line.contains("no alternative names to add"), "{line}");
}

#[test]
fn requests_of_keytool_are_issued() {
    let shell = authority();
    let store = "-alias a -keystore store.p12 -storepass changeit -storetype PKCS12";
    let dname = "-dname CN=shop.example,OU=B,OU=A,DC=example";
    if !run(&shell, "keytool", &format!("-genkeypair {store} -keyalg EC -groupname secp256r1 {dname}")) {
        return;
    }
    run(&shell, "keytool", &format!("-certreq {store} -file plain.csr"));
    shell.run("ca sign plain.csr --profile server --san shop.example --out plain.pem");
    assert_eq!(issued(&shell, "plain.pem").1, "DNS:shop.example");
    assert_eq!(shell.json("csr show plain.csr --json")["subject"], "CN=shop.example,OU=B,OU=A,DC=example");
    run(
        &shell,
        "keytool",
        &format!("-certreq {store} -file named.csr -ext SAN=dns:shop.example,ip:10.0.0.1"),
    );
    shell.run("ca sign named.csr --profile server --out named.pem");
    let (subject, names) = issued(&shell, "named.pem");
    assert_eq!(names, "DNS:shop.example, IP Address:10.0.0.1");
    assert_eq!(subject, "DC = example, OU = A, OU = B, CN = shop.example");
}

#[test]
fn requests_of_certtool_are_issued() {
    let shell = authority();
    let template = "cn = \"shop.example\"\ndns_name = \"shop.example\"\nuid = \"1001\"\ndc = \"corp\"\n\
                    dc = \"example\"\nunit = \"A\"\nunit = \"B\"\nstreet = \"High St\"\nsigning_key\n";
    fs::write(shell.path().join("template"), template).unwrap();
    let key = "--generate-privkey --key-type ecdsa --curve secp256r1 --outfile gnutls.key";
    if !run(&shell, "certtool", key) {
        return;
    }
    run(
        &shell,
        "certtool",
        "--generate-request --load-privkey gnutls.key --template template --outfile g.csr",
    );
    shell.run("ca sign g.csr --profile server --out g.pem");
    let shown = shell.json("csr show g.csr --json")["subject"].as_str().unwrap().to_owned();
    for part in ["OU=A", "OU=B", "DC=corp", "DC=example", "UID=1001", "CN=shop.example"] {
        assert!(shown.contains(part), "{part} is missing in {shown}");
    }
    assert_eq!(shell.json("cert show g.pem --json")[0]["subject"], shown.as_str());
}

/// As certbot and cert-manager make them.
#[test]
fn without_a_subject_the_alternative_names_are_critical() {
    let shell = authority();
    let new = "req -new -key key.pem -subj / -out request.pem";
    openssl(shell.path(), &format!("{new} -addext subjectAltName=critical,DNS:a.example,IP:10.1.1.1"));
    shell.run("ca sign request.pem --profile server --out cert.pem");
    assert_eq!(
        issued(&shell, "cert.pem"),
        (String::new(), "critical DNS:a.example, IP Address:10.1.1.1".to_owned())
    );
    shell.run("verify --root CA/cert.pem --name a.example cert.pem");
    assert_eq!(shell.json("cert show cert.pem --json")[0]["subject"], "");
    // The register reads its own line, and the names are held.
    shell.run("key new --out thief.pem");
    shell.run("csr new --key thief.pem --name thief --san a.example --out thief.csr");
    assert_eq!(shell.fails("ca sign thief.csr --profile server").0, 4);
    // Who is nobody is refused, and an authority without a name.
    openssl(shell.path(), new);
    let (code, line) = shell.fails("ca sign request.pem --profile client");
    assert!(code == 4 && line.contains("the name is empty"), "{line}");
    shell.run("ca sign request.pem --profile client --san email:asha@bank.example --out asha.pem");
    assert_eq!(issued(&shell, "asha.pem").1, "critical email:asha@bank.example");
    shell.run("ca init --dir Above --name Above --path-len 1");
    openssl(shell.path(), &format!("{new} -addext subjectAltName=DNS:a.example"));
    let (code, line) = shell.fails("ca sign request.pem --dir Above --profile ca");
    assert!(code == 4 && line.contains("the name is empty"), "{line}");
}

#[test]
fn every_attribute_and_every_name_is_shown_and_issued_or_refused_aloud() {
    let shell = authority();
    let subject = "/DC=example/DC=corp/O=Bank/OU=A/OU=B/street=High St/UID=1001/UID=1002/CN=asha";
    let status = Command::new("openssl")
        .args(["req", "-new", "-key", "key.pem", "-out", "request.pem", "-subj", subject])
        .current_dir(shell.path())
        .status();
    assert!(status.unwrap().success());
    let shown = shell.json("csr show request.pem --json");
    let expected = "CN=asha,UID=1002,UID=1001,street=High St,OU=B,OU=A,O=Bank,DC=corp,DC=example";
    assert_eq!((&shown["subject"], &shown["unissued"]), (&json!(expected), &json!(null)));
    shell.run("ca sign request.pem --profile client --out cert.pem");
    assert_eq!(shell.json("cert show cert.pem --json")[0]["subject"], expected);

    let upn = "subjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:asha@corp.example,DNS:asha.example";
    openssl(shell.path(), &format!("req -new -key key.pem -subj /CN=asha -out request.pem -addext {upn}"));
    let text = shell.run("csr show request.pem");
    assert!(text.contains("othername: UPN::asha@corp.example, DNS:asha.example"), "{text}");
    assert!(
        text.contains("An authority refuses it for an alternative name of a kind that is not issued"),
        "{text}"
    );
    let unissued = shell.json("csr show request.pem --json")["unissued"].as_str().unwrap().to_owned();
    assert!(unissued.contains("user principal name"), "{unissued}");
    let (code, line) = shell.fails("ca sign request.pem --profile client --san asha.example");
    assert!(code == 4 && line.contains("user principal name"), "{line}");
}

#[test]
fn a_request_that_is_none_says_what_was_found_and_how_one_is_made() {
    let shell = authority();
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/requests");
    let name = "subjectAltName=DNS:b\u{fc}cher.example";
    openssl(shell.path(), &format!("req -new -key key.pem -subj /CN=a -addext {name} -out not-ascii.csr"));
    let mailbox = "subjectAltName=email:\u{fc}@bank.example";
    openssl(shell.path(), &format!("req -new -key key.pem -subj /CN=a -addext {mailbox} -out mailbox.csr"));
    let cases = [
        (format!("{vectors}/no-attributes.csr"), "it has no attributes"),
        (format!("{vectors}/version-3.csr"), "it says that it is of version 3, and there is version 1 alone"),
        ("not-ascii.csr".to_owned(), "\"b\u{fc}cher.example\" is not ASCII: write a DNS name in A-labels"),
        ("mailbox.csr".to_owned(), "\"\u{fc}@bank.example\" is not ASCII ("),
    ];
    for (file, words) in cases {
        let (code, line) = shell.fails(&format!("csr show {file}"));
        assert!(code == 3 && line.contains(words), "{line}");
        assert!(
            line.contains("'openssl req -new -key KEY -subj /CN=NAME -addext subjectAltName=DNS:NAME'"),
            "{line}"
        );
    }
    // What the hints say, done.
    let python = "import sys; sys.stdout.write('b\u{fc}cher.example'.encode('idna').decode())";
    let label = Command::new("python3").args(["-c", python]).env("PYTHONUTF8", "1").output().unwrap().stdout;
    let label = String::from_utf8(label).unwrap();
    assert_eq!(label, "xn--bcher-kva.example");
    let made =
        format!("req -new -key key.pem -subj /CN={label} -addext subjectAltName=DNS:{label} -out good.csr");
    openssl(shell.path(), &made);
    shell.run("ca sign good.csr --profile server --out good.pem");
    assert_eq!(issued(&shell, "good.pem").1, format!("DNS:{label}"));
}
