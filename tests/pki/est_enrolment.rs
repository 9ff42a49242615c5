//! Enrolment: the client's half against the server's half, and openssl as the judge of both.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs
)]

use crate::common;
use std::path::Path;
use std::process::Command;

use crate::common::NOW;
use crate::est_support::{Ttp, enrolled, key, request, status};
use otls::Error;
use otls::error::EnrolmentError;
use otls::est::EstClient;
use otls::pki::{Certificate, GeneralName, PeerRole, Profile};

fn post(path: &str, content_type: &str, body: &str) -> Vec<u8> {
    let len = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: h\r\nContent-Type: {content_type}\r\nContent-Length: {len}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn base64(der: &[u8]) -> String {
    use base64ct::Encoding;
    base64ct::Base64::encode_string(der)
}

fn unbase64(text: &str) -> Vec<u8> {
    use base64ct::Encoding;
    base64ct::Base64::decode_vec(text).unwrap()
}

fn body(reply: &str) -> &str {
    reply.split_once("\r\n\r\n").unwrap().1
}

/// The output of openssl, or `None` with a word why if it is not installed.
fn openssl(arguments: &[&str]) -> Option<String> {
    match Command::new("openssl").args(arguments).output() {
        Ok(output) => {
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "openssl {arguments:?}: {error}");
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(error) => {
            eprintln!("skipped: openssl does not run: {error}");
            None
        }
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_client_gets_the_authoritys_certificate_and_picks_it_by_fingerprint() {
    let mut ttp = Ttp::new();
    let (mut client, bytes) = EstClient::cacerts("ttp.example:15000");
    let reply = ttp.reply(&bytes);
    assert!(reply.contains("\r\nContent-Type: application/pkcs7-mime\r\n"));
    let found = client.feed(reply.as_bytes()).unwrap().unwrap();
    let root = ttp.authority.certificate();
    assert_eq!(found.authority(&root.fingerprint()).unwrap().to_der(), root.to_der());
    let mismatch = found.authority(&[0; 32]).map(|_| ());
    assert_eq!(mismatch, Err(EnrolmentError::FingerprintMismatch.into()));
    assert!(client.feed(b"more").unwrap().is_none());
    assert!(client.feed_end().unwrap().is_none());
}

#[test]
fn a_certificate_is_issued_for_the_requests_key_and_the_labels_profile() {
    let mut ttp = Ttp::new();
    let (bank, customer) = (key(), key());
    let bank_request = request(&bank, "bank", &["bank.example", "127.0.0.1"]);
    let certificate = enrolled(ttp.enrol(Profile::Server, &bank_request).unwrap());
    assert_eq!(certificate.public_key().to_der(), bank.public_key().to_der());
    let role = PeerRole::Server(GeneralName::parse("bank.example").unwrap());
    let trust = common::trust(&ttp.authority);
    assert!(trust.verify(&certificate.clone().into(), &role, NOW).is_ok());
    assert!(trust.verify(&certificate.clone().into(), &PeerRole::Client, NOW).is_err());

    let certificate = enrolled(ttp.enrol(Profile::Client, &request(&customer, "asha", &[])).unwrap());
    assert!(trust.verify(&certificate.clone().into(), &PeerRole::Client, NOW).is_ok());
    assert!(trust.verify(&certificate.clone().into(), &role, NOW).is_err());

    let entries = ttp.register.entries();
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[0].profile, entries[1].profile), (Profile::Server, Profile::Client));
    assert_eq!(entries[1].serial, certificate.serial());
}

#[test]
fn without_a_label_the_default_profile_is_issued() {
    let mut ttp = Ttp::new();
    let key = key();
    let encoded = base64(request(&key, "asha", &[]).to_der());
    let reply = ttp.reply(&post("/.well-known/est/simpleenroll", "application/pkcs10", &encoded));
    assert_eq!(status(&reply), "200");
    assert!(reply.contains("\r\nContent-Type: application/pkcs7-mime; smime-type=certs-only\r\n"));
    assert!(!body(&reply).contains('\n'), "one line of base64");
    assert_eq!(ttp.register.entries()[0].profile, Profile::Client);
}

#[test]
fn white_space_and_parameters_are_tolerated() {
    let mut ttp = Ttp::new();
    let key = key();
    let encoded = base64(request(&key, "asha", &[]).to_der());
    let lines: Vec<&str> = encoded.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    for body in [lines.join("\r\n"), lines.join("\n") + "\n", format!(" {encoded}\t\r\n")] {
        let reply = ttp.reply(&post("/.well-known/est/simpleenroll", "Application/PKCS10; x=y", &body));
        assert_eq!(status(&reply), "200", "{reply}");
    }
}

#[test]
fn openssl_reads_what_is_served_and_verifies_what_is_issued() {
    let mut ttp = Ttp::new();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let write = |name: &str, data: &[u8]| std::fs::write(file(name), data).unwrap();

    let reply = ttp.reply(&EstClient::cacerts("h").1);
    write("cacerts.p7", &unbase64(body(&reply)));
    let print =
        ["pkcs7", "-inform", "DER", "-in", path(&file("cacerts.p7")), "-print_certs"].map(str::to_owned);
    let Some(printed) = openssl(&print.each_ref().map(String::as_str)) else { return };
    assert!(printed.contains("subject=CN = otls test root"), "{printed}");

    let bank = key();
    let bank_request = request(&bank, "bank", &["bank.example"]);
    let certificate = enrolled(ttp.enrol(Profile::Server, &bank_request).unwrap());
    write("root.pem", ttp.authority.certificate().to_pem().as_bytes());
    write("bank.pem", certificate.to_pem().as_bytes());
    let (root, bank) = (file("root.pem"), file("bank.pem"));
    // The tests' time is not the machine's.
    let at = NOW.0.to_string();
    let verify = ["verify", "-attime", &at, "-purpose", "sslserver", "-CAfile", path(&root), path(&bank)];
    assert!(openssl(&verify).unwrap().contains("OK"));
}

#[test]
fn a_client_reads_certificates_that_openssl_packed() {
    let ttp = Ttp::new();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let (bank, other) = (key(), key());
    let bank_request = request(&bank, "bank.example", &["bank.example"]);
    let leaf = common::issue(&ttp.authority, &bank, "bank.example", Profile::Server);
    let stranger = common::issue(&ttp.authority, &other, "other.example", Profile::Server);
    let root = ttp.authority.certificate();

    let read = |certificates: &[&Certificate]| {
        let pem: Vec<String> = certificates.iter().map(|one| one.to_pem()).collect();
        std::fs::write(file("bundle.pem"), pem.concat()).unwrap();
        let (bundle, out) = (file("bundle.pem"), file("bundle.p7"));
        let pack = ["crl2pkcs7", "-nocrl", "-certfile", path(&bundle), "-outform", "DER", "-out", path(&out)];
        openssl(&pack)?;
        let packed = base64(&std::fs::read(out).unwrap());
        let (mut client, _) = EstClient::simpleenroll("h", Profile::Server, &bank_request);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/pkcs7-mime; smime-type=certs-only\r\n";
        let reply = format!("{head}Content-Length: {}\r\n\r\n{packed}", packed.len());
        Some(client.feed(reply.as_bytes()).map(|reply| enrolled(reply.unwrap())))
    };
    let Some(found) = read(&[&leaf]) else { return };
    assert_eq!(found.unwrap().to_der(), leaf.to_der());
    assert_eq!(read(&[root, &leaf]).unwrap().unwrap().to_der(), leaf.to_der());
    let malformed = |found: Result<Certificate, Error>| {
        matches!(found, Err(Error::Enrolment(EnrolmentError::Malformed(_))))
    };
    assert!(malformed(read(&[&leaf, &stranger]).unwrap()), "two leaves");
    assert!(malformed(read(&[root]).unwrap()), "no leaf");
    assert!(malformed(read(&[&stranger]).unwrap()), "another key");
    assert!(malformed(read(&[&leaf; 11]).unwrap()), "too many");
}

#[test]
fn every_refusal_has_its_status_and_a_reason_in_one_line() {
    let mut ttp = Ttp::new();
    let key = key();
    let enrol = "/.well-known/est/simpleenroll";
    let encoded = base64(request(&key, "asha", &[]).to_der());
    let pem = request(&key, "asha", &[]).to_pem();
    let mut forged = request(&key, "asha", &[]).to_der().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let mut other_name = request(&key, "asha", &[]).to_der().to_vec();
    let at = other_name.windows(4).position(|window| window == b"asha").unwrap();
    other_name[at] = b'A';
    let pkcs10 = "application/pkcs10";
    let cases = [
        (post("/", pkcs10, &encoded), "404"),
        (post("/.well-known/est", pkcs10, &encoded), "404"),
        (post("/.well-known/est/", pkcs10, &encoded), "404"),
        (post("/.well-known/est/fullcmc", pkcs10, &encoded), "404"),
        (post("/.well-known/est/bank/simpleenroll", pkcs10, &encoded), "404"),
        (post("/.well-known/est/server/client/simpleenroll", pkcs10, &encoded), "404"),
        (post("/.well-known/est/../est/simpleenroll", pkcs10, &encoded), "404"),
        (post("/.well-known/est/cacerts", pkcs10, ""), "405"),
        (b"GET /.well-known/est/simpleenroll HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(), "405"),
        (b"DELETE /.well-known/est/cacerts HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(), "405"),
        (post(enrol, "text/plain", &encoded), "415"),
        (post(enrol, "", &encoded), "415"),
        (post(enrol, pkcs10, ""), "400"),
        (post(enrol, pkcs10, "!"), "400"),
        (post(enrol, pkcs10, &encoded[1..]), "400"),
        (post(enrol, pkcs10, &pem), "400"),
        (post(enrol, pkcs10, &base64(pem.as_bytes())), "400"),
        (post(enrol, pkcs10, &base64(b"0")), "400"),
        (post(enrol, pkcs10, &base64(&forged)), "400"),
        (post(enrol, pkcs10, &base64(&other_name)), "400"),
        (post("/.well-known/est/server/simpleenroll", pkcs10, &encoded), "401"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n".to_vec(), "413"),
        ([&b"GET / HTTP/1.1\r\nA: "[..], &b"a".repeat(20_000)].concat(), "431"),
        (b"\x16\x03\x01\r\n".to_vec(), "400"),
    ];
    for (bytes, expected) in cases {
        let mut responder = ttp.responder();
        let reply = String::from_utf8(ttp.feed(&mut responder, &bytes)).unwrap();
        assert_eq!(status(&reply), expected, "{}", String::from_utf8_lossy(&bytes));
        assert!(reply.contains("\r\nContent-Type: text/plain; charset=utf-8\r\n"));
        assert_eq!(body(&reply).lines().count(), 1);
        assert_eq!(reply.contains("\r\nAllow: "), expected == "405");
        let exchanges = responder.take_exchanges();
        assert_eq!(exchanges.len(), 1);
        assert_eq!(exchanges[0].status.to_string(), expected);
        assert!(ttp.register.entries().is_empty(), "nothing is entered");
    }
    let reply = ttp.reply(&post(enrol, pkcs10, &base64(&forged)));
    assert!(body(&reply).contains("no proof that you have the key"), "{reply}");
}

#[test]
fn the_client_is_told_the_status_and_the_reason() {
    let mut ttp = Ttp::new();
    ttp.enrol(Profile::Client, &request(&key(), "asha", &[])).unwrap();
    let refused = ttp.enrol(Profile::Client, &request(&key(), "asha", &[]));
    let Err(Error::Enrolment(EnrolmentError::Status(403, why))) = refused.map(|_| ()) else {
        panic!("not refused");
    };
    assert!(why.contains("\"asha\" belongs to another key"), "{why}");

    let (mut client, _) = EstClient::cacerts("h");
    let nasty = format!("HTTP/1.1 500 No\r\nContent-Length: 1000\r\n\r\n{:\u{7}<1000}", "a\u{1b}[31m\r\n");
    let Err(Error::Enrolment(EnrolmentError::Status(500, why))) = client.feed(nasty.as_bytes()).map(|_| ())
    else {
        panic!("not refused");
    };
    assert!(why.chars().count() <= 200 && !why.chars().any(char::is_control), "{why:?}");
    assert!(client.feed(b"").is_err(), "the first error is final");
}

#[test]
fn each_answer_of_a_server_says_what_to_do() {
    let answers = [
        ("202 Accepted\r\nRetry-After: 120", "(Retry-After: 120)", "ask again later, with the same key"),
        ("302 Found\r\nLocation: https://est.example/x", "(Location: https://est.example/x)", "ask there"),
        ("401 No\r\nWWW-Authenticate: Basic realm=\"est\"", "(asks for: Basic realm=\"est\")", "the token"),
        ("404 Not Found", "404", "the path and the label"),
        ("503 Busy\r\nRetry-After: 5", "(Retry-After: 5)", "it is busy"),
        ("500 No", "500", "see the server's log"),
    ];
    for (head, text, hint) in answers {
        let (mut client, _) = EstClient::cacerts("h");
        let reply = format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n");
        let error = client.feed(reply.as_bytes()).err().unwrap();
        assert!(error.to_string().contains(text), "{error}");
        assert!(error.hint().contains(hint), "{error}: {}", error.hint());
    }
    let (mut client, _) = EstClient::cacerts("h");
    let nasty = format!("HTTP/1.1 302 F\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(9000));
    let error = client.feed(nasty.as_bytes()).err().unwrap();
    assert!(error.to_string().chars().count() < 300, "{error}");
}

#[test]
fn a_client_refuses_what_is_no_enrolment_reply() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Type: application/pkcs7-mime\r\n";
    let http = |reply: &str| {
        let mut client = EstClient::cacerts("h").0;
        client.feed(reply.as_bytes()).and_then(|_| client.feed_end()).err().unwrap()
    };
    for reply in [
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned(),
        format!("{ok}Content-Length: 0\r\n\r\n"),
        format!("{ok}Content-Length: 1\r\n\r\n!"),
        format!("{ok}Content-Length: 4\r\n\r\nMAA="),
        format!("{ok}\r\nMAA="),
    ] {
        assert!(matches!(http(&reply), Error::Enrolment(EnrolmentError::Malformed(_))), "{reply}");
    }
    for reply in [
        String::new(),
        "HTTP/1.1 200 OK\r\n".to_owned(),
        format!("{ok}Content-Length: 5\r\n\r\nMAA="),
        format!("{ok}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nMAA="),
        format!("{ok}Content-Length: 100000\r\n\r\n"),
        "SSH-2.0-OpenSSH\r\n".to_owned(),
    ] {
        assert!(matches!(http(&reply), Error::Enrolment(EnrolmentError::Http(_))), "{reply}");
    }
}

#[test]
fn a_host_cannot_smuggle_a_header_field() {
    let (_, bytes) = EstClient::cacerts("h\r\nX: y");
    assert!(bytes.starts_with(b"GET /.well-known/est/cacerts HTTP/1.1\r\nHost: hX:y\r\n\r\n"));
    for (host, field) in [
        ("::1", "[::1]"),
        ("fe80::1%eth0", "[fe80::1]"),
        ("[::1]:8443", "[::1]:8443"),
        ("ttp.example.", "ttp.example"),
        ("ttp.example:8443", "ttp.example:8443"),
    ] {
        let (_, bytes) = EstClient::cacerts(host);
        assert!(String::from_utf8(bytes).unwrap().contains(&format!("\r\nHost: {field}\r\n")), "{host}");
    }
}

#[test]
fn requests_on_one_connection_may_be_pipelined_and_split_anywhere() {
    let mut ttp = Ttp::new();
    let get = EstClient::cacerts("h").1;
    let bad = post("/.well-known/est/simpleenroll", "application/pkcs10", "!");
    let last = b"GET /nothing HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".to_vec();
    let stream = [get.clone(), bad, get, last, b"ignored".to_vec()].concat();
    let whole = ttp.reply(&stream);
    let statuses: Vec<&str> = whole.split("HTTP/1.1 ").skip(1).map(|reply| &reply[..3]).collect();
    assert_eq!(statuses, ["200", "400", "200", "404"]);
    assert_eq!(whole.matches("Connection: close").count(), 1);
    for at in 0..=stream.len() {
        let mut responder = ttp.responder();
        let mut replies = ttp.feed(&mut responder, &stream[..at]);
        replies.extend(ttp.feed(&mut responder, &stream[at..]));
        assert_eq!(String::from_utf8(replies).unwrap(), whole, "{at}");
        assert!(responder.is_done());
    }
}

#[test]
fn the_reply_to_a_head_has_no_body_and_a_connection_ends_with_its_sixth_request() {
    let mut ttp = Ttp::new();
    let mut responder = ttp.responder();
    let head = b"HEAD /.well-known/est/cacerts HTTP/1.1\r\nHost: h\r\n\r\n";
    let reply = String::from_utf8(ttp.feed(&mut responder, head)).unwrap();
    assert_eq!((status(&reply), body(&reply)), ("405", ""));
    ttp.feed(&mut responder, &EstClient::cacerts("h").1.repeat(300));
    let exchanges = responder.take_exchanges();
    assert_eq!(exchanges.len(), 6);
    assert!(exchanges.iter().skip(1).all(|exchange| exchange.status == 200));
    assert!(responder.take_exchanges().is_empty() && responder.is_done());
}

#[test]
fn a_reply_may_be_split_anywhere() {
    let mut ttp = Ttp::new();
    let (_, bytes) = EstClient::cacerts("h");
    let reply = ttp.reply(&bytes).into_bytes();
    let stream = [b"HTTP/1.1 103 Early Hints\r\n\r\n", &reply[..]].concat();
    for at in 0..stream.len() {
        let (mut client, _) = EstClient::cacerts("h");
        assert!(client.feed(&stream[..at]).unwrap().is_none());
        assert!(client.feed(&stream[at..]).unwrap().is_some(), "{at}");
    }
}

#[test]
fn a_client_that_waits_for_100_continue_gets_it_once() {
    let mut ttp = Ttp::new();
    let key = key();
    let encoded = base64(request(&key, "asha", &[]).to_der());
    let all = post("/.well-known/est/simpleenroll", "application/pkcs10", &encoded);
    let head_len = all.len() - encoded.len();
    let head =
        String::from_utf8(all[..head_len].to_vec()).unwrap().replace("Host", "Expect: 100-continue\r\nHost");
    let mut responder = ttp.responder();
    assert_eq!(ttp.feed(&mut responder, head.as_bytes()), b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(ttp.feed(&mut responder, &encoded.as_bytes()[..1]), b"");
    let reply = String::from_utf8(ttp.feed(&mut responder, &encoded.as_bytes()[1..])).unwrap();
    assert_eq!(status(&reply), "200");
    // One operation of the authority's key for each connection.
    assert!(reply.contains("\r\nConnection: close\r\n") && responder.is_done());
    let mut responder = ttp.responder();
    // With its body at once there is nothing to wait for.
    let reply = String::from_utf8(ttp.feed(&mut responder, &[head.as_bytes(), encoded.as_bytes()].concat()));
    assert_eq!(status(&reply.unwrap()), "200");
}

#[test]
fn no_mutation_of_a_request_or_reply_panics() {
    let mut ttp = Ttp::new();
    let key = key();
    let (_, request_bytes) = EstClient::simpleenroll("h", Profile::Client, &request(&key, "asha", &[]));
    let reply_bytes = ttp.reply(&request_bytes).into_bytes();
    let mut seed = 11_u64;
    let mut draw = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let mut refused = 0;
    for _ in 0..2_000 {
        let mut changed = request_bytes.clone();
        let at = draw(changed.len());
        changed[at] = u8::try_from(draw(256)).unwrap();
        let mut responder = ttp.responder();
        let reply = ttp.feed(&mut responder, &changed);
        refused += usize::from(!reply.is_empty() && !reply.starts_with(b"HTTP/1.1 200"));

        let mut changed = reply_bytes.clone();
        let at = draw(changed.len());
        changed[at] = u8::try_from(draw(256)).unwrap();
        let (mut client, _) = EstClient::simpleenroll("h", Profile::Client, &request(&key, "asha", &[]));
        if let Ok(Some(reply)) = client.feed(&changed) {
            assert_eq!(enrolled(reply).public_key().fingerprint(), key.public_key().fingerprint());
        }
    }
    assert!(refused > 1_000, "{refused}");
}
