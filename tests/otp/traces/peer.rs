//! A bank and a customer in one process, for `tests/otp/traces.rs`: `trace_peer FOLDER` issues codes, sends
//! them, takes them back and forgets them; then it waits, to be looked at. Each code goes to standard output,
//! and to nowhere else in the clear.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../common/mod.rs"]
mod common;

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::Path;

use common::{NOW, Pair, World, transfer};
use otls::Secret;
use otls::crypto::SystemRandom;
use otls::otp::{
    Answer, Attempt, AuditLog, Channel, CodeFormat, CodeRequest, Context, Envelope, Ledger, Message, Verdict,
};
use otls::pki::KeyType;

/// What has to be found, or the search finds nothing at all.
const CANARY: [u8; 12] = *b"918273645546";

fn main() {
    let folder = std::env::args().nth(1).unwrap();
    // Unlike Rust's standard output this has no buffer, in which codes would stay.
    let mut out = OpenOptions::new().write(true).open("/dev/stdout").unwrap();
    let canary = std::hint::black_box(CANARY.to_vec());
    rounds(Path::new(&folder), &mut out);
    out.write_all(b"done").unwrap();
    std::io::stdin().read_exact(&mut [0]).unwrap();
    std::hint::black_box(canary);
}

fn rounds(folder: &Path, out: &mut impl Write) {
    let store = otls_stores::open(&format!("sqlite:{}", folder.join("otp.sqlite").display())).unwrap();
    let mut ledger = Ledger::new(store, Secret::from(vec![7; 32])).unwrap();
    let audit = AuditLog::open(&folder.join("audit.log"), &Secret::from(vec![8; 32])).unwrap();
    ledger = ledger.with_audit(Box::new(audit));
    ledger = ledger.with_code_format(CodeFormat::digits(12).unwrap());
    let context = Context::new().with("amount", "10000000").unwrap();
    let Pair { mut client, mut server, .. } = World::new(KeyType::EcdsaP256).pair().established();
    let (mut bank, mut customer) = (Channel::new(), Channel::new().with_free_text());
    for round in 0..8 {
        let issued = ledger.issue(&CodeRequest::new("asha", &context), NOW, &SystemRandom).unwrap();
        out.write_all(issued.code.expose().as_bytes()).unwrap();
        let mut text = Vec::with_capacity(64);
        text.extend_from_slice(b"The OTP is ");
        text.extend_from_slice(issued.code.expose().as_bytes());
        let envelope = Envelope::new(&issued, context.clone(), Secret::from(text));
        drop(issued);
        bank.send(&mut server, &Message::Envelope(envelope)).unwrap();
        transfer(&mut server, &mut client).unwrap();
        let Some(Message::Envelope(envelope)) = customer.receive(&mut client, NOW).unwrap() else { panic!() };
        let answer = Message::Answer(Answer::new(envelope.id, envelope.code));
        customer.send(&mut client, &answer).unwrap();
        drop(answer);
        transfer(&mut client, &mut server).unwrap();
        let received = bank.receive(&mut server, NOW).unwrap();
        let Some(Message::Answer(Answer { id, code: Some(code), .. })) = received else { panic!() };
        let code = std::str::from_utf8(code.expose()).unwrap();
        if round % 2 == 1 {
            let verdict = ledger.verify(&Attempt::new(&id, "ravi", &context, code), NOW).unwrap();
            assert_eq!(verdict, Verdict::Unknown);
        }
        assert_eq!(
            ledger.verify(&Attempt::new(&id, "asha", &context, code), NOW).unwrap(),
            Verdict::Accepted
        );
    }
}
