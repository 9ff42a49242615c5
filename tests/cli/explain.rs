//! `otls explain`, and `--explain` of `serve` and `connect`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::network::{CUSTOMER, Folder, Server, otls};
use crate::support::Shell;

/// Captures of other implementations, their ports, and who says what in them.
const CAPTURES: &[(&str, &str, &str, u16)] = &[
    ("openssl.pcap", "openssl.keys", "TLS_AES_256_GCM_SHA384", 14433),
    ("nginx.pcapng", "nginx.keys", "TLS_CHACHA20_POLY1305_SHA256", 14444),
];

fn vector(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/captures").join(name)
}

fn explain(flags: &str) -> String {
    Shell::new().run(&format!("explain {flags}"))
}

fn with_keys((capture, keys): (&str, &str)) -> String {
    format!("--pcap {} --keylog {}", vector(capture).display(), vector(keys).display())
}

fn events(text: &str) -> Vec<Value> {
    text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Fields of a message that tshark has a name for, its name, and the octets of ours.
const FIELDS: &[(&str, &str)] = &[
    ("msg_type", "tls.handshake.type"),
    ("cipher_suite", "tls.handshake.ciphersuite"),
    ("extension_type", "tls.handshake.extension.type"),
    ("named_group", "tls.handshake.extensions_supported_group"),
    ("signature_scheme", "tls.handshake.sig_hash_alg"),
    ("algorithm", "tls.handshake.sig_hash_alg"),
    ("group", "tls.handshake.extensions_key_share_group"),
    ("random", "tls.handshake.random"),
    ("ticket_lifetime", "tls.handshake.session_ticket_lifetime_hint"),
];

/// Each value of each of tshark's fields, in the order of the octets, as numbers or hexadecimal.
type Found = BTreeMap<String, Vec<String>>;

fn collect(fields: &[Value], octets: &str, found: &mut Found) {
    for field in fields {
        for (ours, theirs) in FIELDS {
            if field["name"] == *ours {
                let at = |end: &str| usize::try_from(field[end].as_u64().unwrap()).unwrap() * 2;
                let hex = octets[at("start")..at("end")].to_owned();
                found.entry((*theirs).to_owned()).or_default().push(normal(&hex));
            }
        }
        collect(field["fields"].as_array().map_or(&[], Vec::as_slice), octets, found);
    }
}

/// A number whatever base it is written in, and octets as they are.
fn normal(text: &str) -> String {
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).unwrap().to_string();
    }
    if text.len() <= 8 {
        u64::from_str_radix(text, 16).map_or_else(|_| text.to_owned(), |n| n.to_string())
    } else {
        text.to_owned()
    }
}

fn by_tshark(capture: &str, keys: &str, port: u16, from_client: bool) -> Found {
    let mut found = Found::new();
    let mut names: Vec<&str> = FIELDS.iter().map(|(_, theirs)| *theirs).collect();
    names.dedup();
    for name in names {
        let direction = if from_client { "dstport" } else { "srcport" };
        let output = Command::new("tshark")
            .args(["-n", "-r"])
            .arg(vector(capture))
            .args(["-o", &format!("tls.keylog_file:{}", vector(keys).display())])
            .args([
                "-d",
                &format!("tcp.port=={port},tls"),
                "-Y",
                &format!("tls && tcp.{direction} == {port}"),
            ])
            .args(["-T", "fields", "-e", name])
            .stderr(Stdio::null())
            .output()
            .expect("tshark, which scripts/deps.sh installs");
        let text = String::from_utf8(output.stdout).unwrap();
        let values = text.split(['\n', ',']).filter(|value| !value.is_empty());
        let decimal = |value: &str| {
            if value.starts_with("0x") || value.len() > 20 { normal(value) } else { value.to_owned() }
        };
        let values: Vec<String> = values.map(decimal).collect();
        if !values.is_empty() {
            found.insert(name.to_owned(), values);
        }
    }
    found
}

#[test]
fn a_capture_says_what_tshark_says_field_by_field() {
    for (capture, keys, suite, port) in CAPTURES {
        let events = events(&explain(&format!("{} --json", with_keys((capture, keys)))));
        for (direction, from_client) in [("sent", true), ("received", false)] {
            let mut ours = Found::new();
            for message in
                events.iter().filter(|one| one["event"] == "message" && one["direction"] == direction)
            {
                collect(
                    message["fields"].as_array().unwrap(),
                    message["octets"].as_str().unwrap(),
                    &mut ours,
                );
            }
            let theirs = by_tshark(capture, keys, *port, from_client);
            assert!(theirs.len() >= 4, "{theirs:?}");
            for (name, values) in &theirs {
                assert_eq!(ours.get(name), Some(values), "{capture}, {direction}: {name}");
            }
        }
        let agreed = events.iter().find(|one| one["event"] == "agreed").unwrap();
        assert_eq!(agreed["suite"], *suite);
        // What the key log has is there, and what it has not is said to be unknown.
        let log = fs::read_to_string(vector(keys)).unwrap();
        let secrets = events.iter().filter(|one| one["event"] == "secret");
        let values: BTreeMap<_, _> =
            secrets.map(|one| (one["name"].as_str().unwrap(), one["value"].as_str())).collect();
        for (name, label) in [
            ("client_handshake_traffic_secret", "CLIENT_HANDSHAKE_TRAFFIC_SECRET "),
            ("server_application_traffic_secret_0", "SERVER_TRAFFIC_SECRET_0 "),
        ] {
            let line = log.lines().find(|line| line.starts_with(label)).unwrap();
            assert_eq!(values[name], line.split(' ').nth(2));
        }
        for unknown in ["early_secret", "shared_secret", "handshake_secret", "master_secret"] {
            assert_eq!(values[unknown], None);
        }
        // Signatures and Finished are checked.
        let results = events.iter().filter(|one| one["event"] == "signature" || one["event"] == "check");
        assert!(results.clone().count() >= 3);
        assert!(results.into_iter().all(|one| one["result"] == "passed"));
        assert!(events.iter().any(|one| one["event"] == "data"));
        assert!(events.iter().all(|one| one["event"] != "error" && one["event"] != "unreadable"));
    }
}

#[test]
fn text_has_a_line_for_each_message_and_no_secret() {
    for (capture, keys, suite, _) in CAPTURES {
        let text = explain(&with_keys((capture, keys)));
        for said in ["→ ClientHello, ", "← ServerHello, ", "← Finished, ", "→ Finished, ", "→ data, ", suite]
        {
            assert!(text.contains(said), "{said} is not in {text}");
        }
        let log = fs::read_to_string(vector(keys)).unwrap();
        assert!(log.lines().filter_map(|line| line.split(' ').nth(2)).all(|secret| !text.contains(secret)));
    }
}

#[test]
fn a_capture_without_its_keys_shows_what_a_listener_has() {
    let text = explain(&format!("--pcap {}", vector("nginx.pcapng").display()));
    assert!(text.contains("→ ClientHello, 512 octets, not encrypted"));
    assert!(text.contains("encrypted by server_handshake_traffic_secret: the key is not known"));
    assert!(!text.contains("Certificate"));
}

#[test]
fn what_cannot_be_explained_is_refused_with_what_to_do() {
    let shell = Shell::new();
    fs::write(shell.path().join("text"), "no capture").unwrap();
    let (capture, keys) = (vector("openssl.pcap"), vector("openssl.keys"));
    fs::write(shell.path().join("cut"), &fs::read(&capture).unwrap()[..300]).unwrap();
    let cases = [
        ("--pcap text".to_owned(), 3, "no capture, or is damaged (give a file of tcpdump or Wireshark"),
        ("--pcap cut".to_owned(), 3, "no beginning of a TLS connection in the capture (capture from before"),
        (
            format!("--pcap {} --keylog text", capture.display()),
            3,
            "line 1 of the key log is not LABEL RANDOM SECRET",
        ),
        (format!("--pcap {} --keylog {}", capture.display(), capture.display()), 3, "something binary"),
        (capture.display().to_string(), 3, "something binary (a capture is given with --pcap)"),
        ("--pcap missing".to_owned(), 3, "No such file"),
        ("text".to_owned(), 3, "this is no trace"),
    ];
    for (flags, code, said) in cases {
        let flags = if flags == "text" { "text --out page.html".to_owned() } else { flags };
        let (ended, error) = shell.fails(&format!("explain {flags}"));
        assert!(ended == code && error.contains(said), "{flags}: {ended} {error}");
    }
    // A key log of another connection, and lines that are older than TLS 1.3, are no error.
    fs::write(shell.path().join("other"), "# a comment\n\nRSA 0011 2233\n").unwrap();
    let text = shell.run(&format!("explain --pcap {} --keylog other", capture.display()));
    assert!(text.contains("the key is not known"));
    drop(keys);
}

#[test]
fn a_page_is_for_its_owner_and_replaces_nothing_unasked() {
    let shell = Shell::new();
    let flags = with_keys(("openssl.pcap", "openssl.keys"));
    let page = || shell.output(&format!("explain {flags} --out page.html"));
    assert!(page().status.success());
    assert_eq!(shell.mode("page.html"), 0o600);
    let html = fs::read_to_string(shell.path().join("page.html")).unwrap();
    assert!(html.starts_with("<!doctype html>"), "{}", &html[..40]);
    let again = page();
    assert_eq!(again.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&again.stderr).contains("--force to replace it"));
    assert!(shell.output(&format!("explain {flags} --out page.html --force")).status.success());
}

#[test]
fn serve_and_connect_tell_while_they_work() {
    let folder = Folder::new();
    let flags = "--cert bank.pem --key bank.key --root CA/cert.pem --explain=serve.json";
    let server = Server::start(&folder, flags);
    let output =
        otls(folder.path(), &format!("connect {} {CUSTOMER} --send request --explain", server.address))
            .output()
            .unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    for line in
        ["→ ClientHello, ", "  agreed: TLS_AES_128_GCM_SHA256 (0x1301)", "← data, 30 octets, encrypted by "]
    {
        assert!(said.contains(line), "{line} is not in {said}");
    }
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "GET / HTTP/1.1\r\nHost: bank\r\n\r\n");
    // A page of the customer's, which the operator did not ask to replace.
    for (expected, code) in [("what happened is in page.html", 0), ("page.html: File exists", 3)] {
        let flags = format!("connect {} {CUSTOMER} --send request --explain=page.html", server.address);
        let output = otls(folder.path(), &flags).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(code) && said.contains(expected), "{said}");
    }
    assert_eq!(server.stop(), 0);
    let trace = fs::read_to_string(folder.path().join("serve.json")).unwrap();
    let hellos = events(&trace).iter().filter(|one| one["name"] == "ClientHello").count();
    assert_eq!(hellos, 2);
    let text = folder.run("explain serve.json");
    assert!(text.contains("← ClientHello, ") && text.contains("CN=customer is who it says"));
}
