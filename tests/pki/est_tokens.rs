//! Who is enrolled: tokens, certificates in force, and names that others have.

use crate::est_support::{Ttp, enrolled, key, request, status};
use otls::Error;
use otls::crypto::SystemRandom;
use otls::error::EnrolmentError;
use otls::est::EstClient;
use otls::pki::{Certificate, CertificateRequest, Profile};

#[test]
fn a_token_enrols_one_key_once() {
    let mut ttp = Ttp::new();
    let token = ttp.register.new_token(Profile::Client, &["asha", "ravi"], &SystemRandom).unwrap();
    let (asha, ravi) = (key(), key());
    let mut enrol = |request: &CertificateRequest, token: &otls::Secret| {
        let (mut client, bytes) = EstClient::simpleenroll_with_token("h", Profile::Client, request, token);
        let mut responder = ttp.responder().with_required_token();
        let reply = ttp.feed(&mut responder, bytes.expose());
        client.feed(&reply).map(|reply| enrolled(reply.unwrap()))
    };
    let unauthorized = |result: Result<Certificate, Error>| {
        matches!(result, Err(Error::Enrolment(EnrolmentError::Status(401, _))))
    };
    let guessed = otls::Secret::from(b"0123456789abcdef0123456789abcdef".to_vec());
    assert!(unauthorized(enrol(&request(&asha, "asha", &[]), &guessed)));
    assert!(unauthorized(enrol(&request(&asha, "asha", &[]), &otls::Secret::from(Vec::new()))));
    assert!(enrol(&request(&asha, "asha", &[]), &token).is_ok());
    assert!(unauthorized(enrol(&request(&ravi, "ravi", &[]), &token)));

    let mut responder = ttp.responder().with_required_token();
    let (_, without) = EstClient::simpleenroll("h", Profile::Client, &request(&ravi, "ravi", &[]));
    let reply = String::from_utf8(ttp.feed(&mut responder, &without)).unwrap();
    assert_eq!(status(&reply), "401");
    assert!(reply.contains("\r\nWWW-Authenticate: Basic realm="));
}

fn is_refused(result: &Result<Certificate, Error>, status: u16) -> bool {
    matches!(result, Err(Error::Enrolment(EnrolmentError::Status(given, _))) if *given == status)
}

#[test]
fn a_token_is_for_names_that_are_seen() {
    let mut ttp = Ttp::new();
    for unseen in ["", " ", ".", "\u{AD}", "\u{200B}\n"] {
        let refused = ttp.register.new_token(Profile::Server, &["bank.example", unseen], &SystemRandom);
        assert!(matches!(refused, Err(Error::ApiMisuse(_))), "{unseen:?}");
    }
    assert_eq!(ttp.register.token_count(), 0);
}

#[test]
fn a_server_needs_a_token_for_its_names_or_a_certificate_for_them() {
    let mut ttp = Ttp::new();
    let (bank, next) = (key(), key());
    let names = ["bank.example", "localhost", "192.0.2.10"];
    let asked = request(&bank, "bank", &names);
    assert!(is_refused(&ttp.enrol_with(Profile::Server, &asked, None, None), 401));
    let all = ["bank", "bank.example", "localhost", "192.0.2.10"];
    for (profile, names, status) in
        [(Profile::Client, &all[..], 403), (Profile::Server, &["bank", "bank.example", "localhost"], 403)]
    {
        let token = ttp.register.new_token(profile, names, &SystemRandom).unwrap();
        assert!(is_refused(&ttp.enrol_with(Profile::Server, &asked, Some(&token), None), status));
        assert!(ttp.register.has_token(token.expose()).unwrap(), "it is not spent");
    }
    let token = ttp.register.new_token(Profile::Server, &all, &SystemRandom).unwrap();
    let first = ttp.enrol_with(Profile::Server, &asked, Some(&token), None).unwrap();
    assert!(is_refused(&ttp.enrol_with(Profile::Server, &asked, Some(&token), None), 401));

    // Its certificate renews it, for the same names and for this profile, and moves them to another key.
    let more = request(&next, "bank", &["bank.example", "other.example"]);
    assert!(is_refused(&ttp.enrol_with(Profile::Server, &more, None, Some(&first)), 401));
    let asha = ttp.enrol_with(Profile::Client, &request(&key(), "asha", &[]), None, None).unwrap();
    assert!(is_refused(&ttp.enrol_with(Profile::Server, &asked, None, Some(&asha)), 401));
    let mallory = ttp.enrol_with(Profile::Client, &request(&key(), "bank", &["bank.example"]), None, None);
    assert!(is_refused(&ttp.enrol_with(Profile::Server, &asked, None, Some(&mallory.unwrap())), 401));
    let second = ttp.enrol_with(Profile::Server, &request(&next, "bank", &names), None, Some(&first));
    ttp.enrol_with(Profile::Server, &request(&next, "bank", &names[..1]), None, Some(&second.unwrap()))
        .unwrap();
    assert!(
        is_refused(&ttp.enrol_with(Profile::Server, &asked, None, Some(&first)), 401),
        "it is superseded"
    );
}

#[test]
fn a_name_or_address_is_refused_in_every_spelling() {
    let mut ttp = Ttp::new();
    ttp.enrol(Profile::Server, &request(&key(), "Straße Bank", &["bank.example", "192.0.2.10"])).unwrap();
    for (name, names) in [
        ("\u{FF33}TRASSE  ba\u{AD}nk", &["a.example"][..]),
        ("bank.example.", &["a.example"]),
        ("other", &["BANK.example"]),
        ("other", &["::ffff:c000:20a"]),
    ] {
        let taken = ttp.enrol(Profile::Server, &request(&key(), name, names)).map(enrolled);
        assert!(is_refused(&taken, 403), "{name} {names:?}");
    }
}

#[test]
fn a_token_does_not_take_a_name_from_who_has_it() {
    let mut ttp = Ttp::new();
    let names = ["bank", "bank.example", "192.0.2.10"];
    let mut token = || ttp.register.new_token(Profile::Server, &names, &SystemRandom).unwrap();
    let (first, second) = (token(), token());
    ttp.enrol_with(Profile::Server, &request(&key(), "bank", &names[1..]), Some(&first), None).unwrap();
    for names in [&["bank.example"][..], &["192.0.2.10"]] {
        let asked = request(&key(), "bank", names);
        assert!(is_refused(&ttp.enrol_with(Profile::Server, &asked, Some(&second), None), 403));
    }
    assert!(ttp.register.has_token(second.expose()).unwrap());
}

#[test]
fn where_anybody_may_be_a_server_loopback_names_belong_to_their_first_key() {
    let mut ttp = Ttp::new();
    let bank = key();
    ttp.enrol(Profile::Server, &request(&bank, "bank", &["localhost", "127.0.0.1"])).unwrap();
    ttp.enrol(Profile::Server, &request(&bank, "bank", &["localhost", "127.0.0.1"])).unwrap();
    for name in ["localhost", "127.0.0.1", "::ffff:127.0.0.1"] {
        let mallory = ttp.enrol(Profile::Server, &request(&key(), "mallory", &[name])).map(enrolled);
        assert!(is_refused(&mallory, 403), "{name}");
    }
    // Who has a token was authorised for them.
    let token = ttp.register.new_token(Profile::Server, &["other", "localhost"], &SystemRandom).unwrap();
    ttp.enrol_with(Profile::Server, &request(&key(), "other", &["localhost"]), Some(&token), None).unwrap();
}

#[test]
fn a_refused_enrolment_leaves_its_token_unspent() {
    let mut ttp = Ttp::new();
    ttp.enrol(Profile::Client, &request(&key(), "asha", &[])).unwrap();
    let token = ttp.register.new_token(Profile::Client, &["asha", "ravi"], &SystemRandom).unwrap();
    let ravi = key();
    for (name, expected) in [("asha", "403"), ("ravi", "200"), ("ravi", "401")] {
        let request = request(&ravi, name, &[]);
        let (_, bytes) = EstClient::simpleenroll_with_token("h", Profile::Client, &request, &token);
        let mut responder = ttp.responder().with_required_token();
        let reply = String::from_utf8(ttp.feed(&mut responder, bytes.expose())).unwrap();
        assert_eq!(status(&reply), expected);
    }
}
