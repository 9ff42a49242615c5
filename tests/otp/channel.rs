//! OTP messages over real connections: bound to them, in one direction each, once.

use crate::common;
use crate::common::{NOW, Pair, World, transfer};
use crate::ledger::ledger;
use otls::crypto::SystemRandom;
use otls::error::OtpError;
use otls::otp::{
    Answer, Attempt, Channel, CodeRequest, Context, Decision, Envelope, Issued, Message, OtpId, Verdict,
};
use otls::pki::KeyType;
use otls::{ClientAuth, ClientConfig, Connection, Error, SUPPORTED_SUITES, Secret, ServerConfig, State};
use std::time::Duration;

const TEXT: &str = "The OTP for transferring Rs 1,00,000 to your friend's account is ";

fn payment() -> Context {
    common::payment().context().unwrap()
}

fn envelope(issued: &Issued) -> Message {
    Message::Envelope(Envelope::for_transaction(issued, &common::payment()).unwrap())
}

fn some_envelope() -> Message {
    envelope(&ledger().issue(&CodeRequest::new("asha", &payment()), NOW, &SystemRandom).unwrap())
}

fn answer() -> Message {
    Message::Answer(Answer::new(OtpId([1; 16]), Secret::from(b"256345".to_vec())))
}

fn pair() -> Pair {
    World::new(KeyType::EcdsaP256).pair().established()
}

fn carry(from: &mut Connection, to: &mut Connection) {
    while transfer(from, to).unwrap() > 0 {}
}

/// The refusal of what arrives at the client.
fn refusal(channel: &mut Channel, client: &mut Connection) -> Option<Error> {
    channel.receive(client, NOW).err()
}

#[test]
fn a_code_goes_to_the_customer_comes_back_and_is_accepted_with_every_suite() {
    let world = World::new(KeyType::EcdsaP256);
    for suite in SUPPORTED_SUITES {
        let server = world.server_config().with_suites(&[*suite]).unwrap();
        let mut pair = Pair::new(world.client_config(), server).established();
        let (mut bank, mut customer) = (Channel::new(), Channel::new());
        let ledger = ledger();
        let subject = pair.server.peer().unwrap().certificate().subject().common_name();
        assert_eq!(subject, "customer.example");
        let issued = ledger.issue(&CodeRequest::new(&subject, &payment()), NOW, &SystemRandom).unwrap();

        bank.send(&mut pair.server, &envelope(&issued)).unwrap();
        carry(&mut pair.server, &mut pair.client);
        let Some(Message::Envelope(received)) = customer.receive(&mut pair.client, NOW).unwrap() else {
            panic!("no envelope");
        };
        let text = format!("{TEXT}{}.", issued.code.expose());
        assert_eq!(received.text.expose(), text.as_bytes());
        assert_eq!(received.context, payment());
        assert_eq!((received.issued_at, received.expires_at), (NOW, NOW.plus(Duration::from_secs(120))));
        assert!(customer.receive(&mut pair.client, NOW).unwrap().is_none());

        let back = Message::Answer(Answer::new(received.id, received.code));
        customer.send(&mut pair.client, &back).unwrap();
        carry(&mut pair.client, &mut pair.server);
        let Some(Message::Answer(Answer { id, code: Some(code), .. })) =
            bank.receive(&mut pair.server, NOW).unwrap()
        else {
            panic!("no answer");
        };
        let code = core::str::from_utf8(code.expose()).unwrap();
        let verdict = ledger.verify(&Attempt::new(&id, &subject, &payment(), code), NOW).unwrap();
        assert_eq!(verdict, Verdict::Accepted);

        bank.send(&mut pair.server, &Message::Verdict { id, verdict }).unwrap();
        carry(&mut pair.server, &mut pair.client);
        let Some(Message::Verdict { id: about, verdict }) = customer.receive(&mut pair.client, NOW).unwrap()
        else {
            panic!("no verdict");
        };
        assert_eq!((about, verdict), (issued.id, Verdict::Accepted));
    }
}

#[test]
fn a_customer_who_declines_says_so_with_a_receipt_and_without_the_code() {
    let mut pair = pair();
    let (mut bank, mut customer) = (Channel::new(), Channel::new());
    bank.send(&mut pair.server, &some_envelope()).unwrap();
    carry(&mut pair.server, &mut pair.client);
    let Some(Message::Envelope(received)) = customer.receive(&mut pair.client, NOW).unwrap() else {
        panic!("no envelope");
    };
    customer.decline(&mut pair.client, &received, NOW, &SystemRandom).unwrap();
    carry(&mut pair.client, &mut pair.server);
    let Some(Message::Answer(answer)) = bank.receive(&mut pair.server, NOW).unwrap() else {
        panic!("no answer");
    };
    assert_eq!((answer.id, answer.decision()), (received.id, Decision::Declined));
    assert!(answer.code.is_none() && answer.receipt.is_some());
}

/// The sender leaves the template out: words of one transaction, and the code for another.
#[test]
fn a_sender_cannot_turn_off_that_the_customer_reads_the_transaction() {
    let mut pair = pair();
    let issued = ledger().issue(&CodeRequest::new("asha", &payment()), NOW, &SystemRandom).unwrap();
    let downgraded = |context: Context, text: &str| {
        let text = format!("{text}{}.", issued.code.expose());
        Message::Envelope(Envelope::new(&issued, context, Secret::from(text.into_bytes())))
    };
    let without = payment()
        .fields()
        .filter(|(name, _)| *name != "template")
        .fold(Context::new(), |context, (name, value)| context.with(name, value).unwrap());
    let sign_in = Context::new().with("purpose", "sign in").unwrap();
    let mut customer = Channel::new();
    for (context, text) in [
        (sign_in.clone(), "Your code to sign in is "),
        (without, TEXT),
        (Context::new(), "Your code is "),
        (Context::new().with("Template", "{code}").unwrap(), "Your code is "),
    ] {
        Channel::new().send(&mut pair.server, &downgraded(context, text)).unwrap();
        carry(&mut pair.server, &mut pair.client);
        let error = refusal(&mut customer, &mut pair.client).unwrap();
        assert_eq!(error, OtpError::FreeText.into());
        assert!(error.hint().contains("accept free text"));
    }
    // One message is refused, and the channel goes on.
    Channel::new().send(&mut pair.server, &envelope(&issued)).unwrap();
    carry(&mut pair.server, &mut pair.client);
    assert!(customer.receive(&mut pair.client, NOW).unwrap().is_some());

    let mut asked = Channel::new().with_free_text();
    Channel::new().send(&mut pair.server, &downgraded(sign_in.clone(), "Your code to sign in is ")).unwrap();
    carry(&mut pair.server, &mut pair.client);
    assert!(asked.receive(&mut pair.client, NOW).unwrap().is_some());
    // Free is what it says, and not what a terminal does with it.
    for text in ["Your code\nto sign in is ", "\u{202E}si edoc ruoY", "Your code to sign in\u{2800}is "] {
        Channel::new().send(&mut pair.server, &downgraded(sign_in.clone(), text)).unwrap();
        carry(&mut pair.server, &mut pair.client);
        let error = refusal(&mut asked, &mut pair.client).unwrap();
        assert!(matches!(error, Error::Otp(OtpError::Transaction(_))), "{error}");
    }
}

#[test]
fn several_messages_arrive_in_order_however_they_are_cut() {
    let mut pair = pair();
    let mut bank = Channel::new();
    let verdict = Message::Verdict { id: OtpId([1; 16]), verdict: Verdict::Locked };
    bank.send(&mut pair.server, &some_envelope()).unwrap();
    bank.send(&mut pair.server, &verdict).unwrap();
    bank.send(&mut pair.server, &some_envelope()).unwrap();
    let stream = pair.server.pending().to_vec();
    let mut customer = Channel::new();
    let mut received = Vec::new();
    for octet in stream {
        let mut fed = pair.client.feed(&[octet], NOW).unwrap();
        while let Some(message) = customer.receive(&mut pair.client, NOW).unwrap() {
            received.push(message);
        }
        while fed == 0 {
            fed = pair.client.feed(&[octet], NOW).unwrap();
        }
    }
    assert!(matches!(
        received[..],
        [Message::Envelope(_), Message::Verdict { verdict: Verdict::Locked, .. }, Message::Envelope(_)]
    ));
}

#[test]
fn a_message_that_was_altered_in_flight_is_never_seen() {
    let world = World::new(KeyType::EcdsaP256);
    for at in [0, 5, 20, 60, 120] {
        let mut pair = world.pair().established();
        Channel::new().send(&mut pair.server, &some_envelope()).unwrap();
        let mut stream = pair.server.pending().to_vec();
        let at = stream.len() - 1 - at.min(stream.len() - 6);
        stream[at] ^= 1;
        assert_eq!(pair.client.feed(&stream, NOW), Err(Error::BadRecord));
        assert!(Channel::new().receive(&mut pair.client, NOW).unwrap().is_none());
    }
}

/// What a peer that has both keys could do: take the octets of one connection to another.
#[test]
fn an_envelope_of_another_connection_of_the_same_two_is_refused() {
    let world = World::new(KeyType::EcdsaP256);
    let (mut one, mut other) = (world.pair().established(), world.pair().established());
    Channel::new().send(&mut one.server, &some_envelope()).unwrap();
    carry(&mut one.server, &mut one.client);
    let octets = common::read(&mut one.client);

    other.server.seal(&octets).unwrap();
    carry(&mut other.server, &mut other.client);
    let mut customer = Channel::new();
    assert_eq!(refusal(&mut customer, &mut other.client), Some(OtpError::WrongBinding.into()));
    // And nothing after it is taken.
    Channel::new().send(&mut other.server, &some_envelope()).unwrap();
    carry(&mut other.server, &mut other.client);
    assert_eq!(refusal(&mut customer, &mut other.client), Some(OtpError::WrongBinding.into()));
}

#[test]
fn an_answer_is_bound_to_its_connection_as_well() {
    let world = World::new(KeyType::EcdsaP256);
    let (mut one, mut other) = (world.pair().established(), world.pair().established());
    Channel::new().send(&mut one.client, &answer()).unwrap();
    carry(&mut one.client, &mut one.server);
    let octets = common::read(&mut one.server);
    other.client.seal(&octets).unwrap();
    carry(&mut other.client, &mut other.server);
    let mut bank = Channel::new();
    bank.expect(OtpId([1; 16]), NOW.plus(Duration::from_secs(120)), NOW).unwrap();
    assert_eq!(bank.receive(&mut other.server, NOW).err(), Some(OtpError::WrongBinding.into()));
}

/// Whoever has a certificate could try codes, and decline payments, of every customer whose identifier leaked.
#[test]
fn an_answer_about_a_code_that_was_not_sent_on_this_connection_ends_it() {
    let world = World::new(KeyType::EcdsaP256);
    let foreign = OtpId([9; 16]);
    for answer in [Answer::new(foreign, Secret::from(b"256345".to_vec())), Answer::declined(foreign)] {
        let mut pair = world.pair().established();
        let mut bank = Channel::new();
        bank.send(&mut pair.server, &some_envelope()).unwrap();
        Channel::new().send(&mut pair.client, &Message::Answer(answer)).unwrap();
        carry(&mut pair.client, &mut pair.server);
        let refused = bank.receive(&mut pair.server, NOW).err();
        assert_eq!(refused, Some(OtpError::WrongBinding.into()));
        // And nothing after it is taken, whatever the code.
        bank.expect(foreign, NOW.plus(Duration::from_secs(120)), NOW).unwrap();
        let right = Message::Answer(Answer::declined(foreign));
        Channel::new().send(&mut pair.client, &right).unwrap();
        carry(&mut pair.client, &mut pair.server);
        assert_eq!(bank.receive(&mut pair.server, NOW).err(), Some(OtpError::WrongBinding.into()));
    }
}

#[test]
fn a_code_that_went_another_way_is_answered_where_it_is_expected() {
    let mut pair = pair();
    let mut bank = Channel::new();
    bank.expect(OtpId([1; 16]), NOW.plus(Duration::from_secs(120)), NOW).unwrap();
    Channel::new().send(&mut pair.client, &answer()).unwrap();
    carry(&mut pair.client, &mut pair.server);
    assert!(matches!(bank.receive(&mut pair.server, NOW), Ok(Some(Message::Answer(_)))));
    for n in 1..Channel::MAX_SEEN {
        bank.expect(OtpId(u128::try_from(n).unwrap().to_be_bytes()), NOW.plus(Duration::from_secs(120)), NOW)
            .unwrap();
    }
    let full =
        bank.expect(OtpId([2; 16]), NOW.plus(Duration::from_secs(300)), NOW.plus(Duration::from_secs(119)));
    assert!(matches!(full, Err(Error::ApiMisuse(_))), "{full:?}");
    assert!(
        bank.expect(OtpId([1; 16]), NOW.plus(Duration::from_secs(120)), NOW).is_ok(),
        "it is there already"
    );
    assert!(
        bank.expect(OtpId([2; 16]), NOW.plus(Duration::from_secs(300)), NOW.plus(Duration::from_secs(120)))
            .is_ok(),
        "the others have expired"
    );
}

#[test]
fn a_message_that_is_sent_back_is_refused() {
    let mut pair = pair();
    Channel::new().send(&mut pair.server, &some_envelope()).unwrap();
    carry(&mut pair.server, &mut pair.client);
    let octets = common::read(&mut pair.client);
    pair.client.seal(&octets).unwrap();
    carry(&mut pair.client, &mut pair.server);
    let refused = Channel::new().receive(&mut pair.server, NOW);
    assert_eq!(refused.err(), Some(OtpError::WrongBinding.into()));
}

#[test]
fn an_envelope_is_refused_the_second_time_and_the_channel_goes_on() {
    let mut pair = pair();
    let (mut bank, mut customer) = (Channel::new(), Channel::new());
    let message = some_envelope();
    bank.send(&mut pair.server, &message).unwrap();
    bank.send(&mut pair.server, &message).unwrap();
    bank.send(&mut pair.server, &some_envelope()).unwrap();
    // A connection takes no further record while there is plaintext to be read.
    carry(&mut pair.server, &mut pair.client);
    assert!(customer.receive(&mut pair.client, NOW).unwrap().is_some());
    carry(&mut pair.server, &mut pair.client);
    assert_eq!(refusal(&mut customer, &mut pair.client), Some(OtpError::Replayed.into()));
    carry(&mut pair.server, &mut pair.client);
    assert!(customer.receive(&mut pair.client, NOW).unwrap().is_some());
}

#[test]
fn an_envelope_that_comes_late_is_refused() {
    let mut pair = pair();
    Channel::new().send(&mut pair.server, &some_envelope()).unwrap();
    carry(&mut pair.server, &mut pair.client);
    let late = Channel::new().receive(&mut pair.client, NOW.plus(Duration::from_secs(120)));
    assert_eq!(late.err(), Some(OtpError::Expired.into()));
}

#[test]
fn what_is_no_message_ends_the_channel() {
    for octets in [&b"GET / HTTP/1.1"[..], b"\x01\x09\x00\x00", b"\x01\x01\xff\xff", b"\x02\x01\x00\x00"] {
        let mut pair = pair();
        let mut customer = Channel::new();
        pair.server.seal(octets).unwrap();
        carry(&mut pair.server, &mut pair.client);
        let first = refusal(&mut customer, &mut pair.client);
        assert!(matches!(first, Some(Error::Otp(OtpError::Malformed(_)))));
        assert_eq!(refusal(&mut customer, &mut pair.client), first);
    }
}

#[test]
fn each_side_sends_only_its_own_messages_and_only_after_the_handshake() {
    let world = World::new(KeyType::EcdsaP256);
    let misuse = |result: Result<(), Error>| matches!(result, Err(Error::ApiMisuse(_)));
    let verdict = Message::Verdict { id: OtpId([1; 16]), verdict: Verdict::Accepted };
    let mut pair = world.pair();
    assert!(misuse(Channel::new().send(&mut pair.server, &some_envelope())));
    assert!(misuse(Channel::new().send(&mut pair.client, &answer())));
    let mut pair = pair.established();
    assert!(misuse(Channel::new().send(&mut pair.server, &answer())));
    assert!(misuse(Channel::new().send(&mut pair.client, &some_envelope())));
    assert!(misuse(Channel::new().send(&mut pair.client, &verdict)));
    assert!(pair.client.pending().is_empty() && pair.server.pending().is_empty(), "nothing was sealed");
    assert!(Channel::new().send(&mut pair.client, &answer()).is_ok());
}

#[test]
fn an_anonymous_customer_gets_no_code() {
    let world = World::new(KeyType::EcdsaP256);
    let client = ClientConfig::new(common::trust(&world.authority)).with_no_identity();
    let server = ServerConfig::new(std::sync::Arc::clone(&world.server), ClientAuth::ServerOnly);
    let mut pair = Pair::new(client, server);
    pair.pump().unwrap();
    assert!(pair.server.state().contains(State::HANDSHAKE_DONE));
    for refused in [
        Channel::new().send(&mut pair.server, &some_envelope()),
        Channel::new().send(&mut pair.client, &answer()),
    ] {
        let Err(error @ Error::ApiMisuse(_)) = refused else { panic!("sent to nobody") };
        assert!(error.hint().contains("ClientAuth::Require"));
    }
    pair.server.seal(&[1, 1, 0, 0]).unwrap();
    carry(&mut pair.server, &mut pair.client);
    assert!(matches!(refusal(&mut Channel::new(), &mut pair.client), Some(Error::ApiMisuse(_))));
}
