//! What `Debug` shows of each type that holds a secret.

use crate::common;
use std::fmt::Debug;
use std::sync::Arc;

use crate::common::{NOW, World};
use otls::crypto::SystemRandom;
use otls::crypto::aead::{AeadAlgorithm, AeadKey};
use otls::otp::oath::{Hotp, Ocra, OcraInput, OcraSuite, OtpAuth, Pin, SharedSecret, Totp};
use otls::otp::{Answer, CodeRequest, Context, Envelope, Issued, Ledger, MemoryStore, Message};
use otls::pki::{KeyEncryption, KeyType, PrivateKey};
use otls::{Secret, TicketKeys};

/// Octets and digits that are found in no other output.
const SECRET: &[u8; 32] = b"zqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzq";

#[track_caller]
fn hides(value: &impl Debug, facts: &[&str]) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        let digits = text.contains("zq") || text.contains("122, 113") || text.contains("7a71");
        assert!(!digits, "{text}");
        for fact in facts {
            assert!(text.contains(fact), "{text} without {fact}");
        }
    }
}

fn issued() -> (Issued, String) {
    let ledger = Ledger::new(Box::new(MemoryStore::default()), Secret::from(SECRET.to_vec())).unwrap();
    hides(&ledger, &["Ledger"]);
    let context = Context::new().with("purpose", "login").unwrap();
    let issued = ledger.issue(&CodeRequest::new("asha", &context), NOW, &SystemRandom).unwrap();
    let code = issued.code.expose().to_owned();
    (issued, code)
}

#[test]
fn secrets_keys_and_passwords_are_not_shown() {
    hides(&Secret::from(SECRET.to_vec()), &["Secret"]);
    let key = AeadKey::new(AeadAlgorithm::Aes256Gcm, SECRET).unwrap();
    hides(&key, &["AeadKey", "Aes256Gcm"]);
    hides(&KeyEncryption::Pbkdf2(SECRET), &["KeyEncryption"]);
    hides(&TicketKeys::generate(&SystemRandom, NOW).unwrap(), &["TicketKeys"]);
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
    let text = format!("{key:?}");
    assert_eq!(text, "PrivateKey { algorithm: EcdsaP256, .. }");
}

#[test]
fn codes_are_not_shown_wherever_they_are_carried() {
    let (issued, code) = issued();
    let shows = |value: &dyn Debug| format!("{value:?}").contains(&code);
    assert!(!shows(&issued) && !shows(&issued.code));
    let text = Secret::from(format!("your code is {code}").into_bytes());
    let envelope = Envelope::new(&issued, Context::new(), text);
    assert!(!shows(&envelope) && !shows(&Message::Envelope(envelope)));
    let answer = Answer::new(issued.id, Secret::from(code.clone().into_bytes()));
    assert!(!shows(&answer) && !shows(&Message::Answer(answer)));
    assert!(format!("{issued:?}").contains("id: "), "what is no secret is shown");
}

#[test]
fn shared_secrets_are_not_shown() {
    let secret = || SharedSecret::new(Secret::from(SECRET.to_vec())).unwrap();
    hides(&secret(), &["SharedSecret"]);
    let hotp = Hotp::new(secret(), 6).unwrap();
    hides(&hotp, &["digits: 6"]);
    hides(&Totp::new(secret()), &["period: 30"]);
    hides(&OtpAuth::with_hotp(hotp, 7, "Example Bank", "asha").unwrap(), &["Example Bank", "asha"]);
    let ocra = Ocra::new(secret(), OcraSuite::parse("OCRA-1:HOTP-SHA1-6:QN08-PSHA1").unwrap());
    hides(&ocra, &["OCRA-1:HOTP-SHA1-6:QN08-PSHA1"]);
    hides(
        &OcraInput { challenge: "zqzq", pin: Some(Pin::Plain(SECRET)), ..OcraInput::default() },
        &["OcraInput"],
    );
    hides(&Pin::Plain(SECRET), &["Pin"]);
}

#[test]
fn connections_and_configurations_show_facts_alone() {
    let world = World::new(KeyType::EcdsaP256);
    let client = world.client_config().with_sessions(1).with_alpn(&[b"otp"]).unwrap();
    assert!(format!("{client:?}").contains("X25519MLKEM768"), "{client:?}");
    let keys = Arc::new(TicketKeys::generate(&SystemRandom, NOW).unwrap());
    let server = world.server_config().with_tickets(keys, 1).unwrap();
    let mut pair = common::Pair::new(client, server).established();
    let text = format!("{:?}", pair.client);
    assert!(text.contains("is_server: false") && text.contains("HANDSHAKE_DONE"), "{text}");
    let session = pair.client.take_session().unwrap();
    let (text, octets) = (format!("{session:?}"), session.to_bytes());
    assert!(text.contains("bank.example") && text.len() < octets.expose().len(), "{text}");
    assert!(format!("{:?}", world.client).contains("customer.example"));
}
