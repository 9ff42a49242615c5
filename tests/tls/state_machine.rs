//! Every message in every state, and handshakes cut, joined and damaged in every way, for both roles.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use crate::common::{NOW, World, trust};
use crate::puppet::*;
use otls::codepoints::{AlertDescription as Alert, NamedGroup};
use otls::pki::KeyType;
use otls::{ClientAuth, Error, ErrorCode, ServerConfig, State, TicketKeys};

static WORLD: LazyLock<World> = LazyLock::new(|| World::new(KeyType::EcdsaP256));
static TICKETS: LazyLock<Arc<TicketKeys>> =
    LazyLock::new(|| Arc::new(TicketKeys::generate(&otls::crypto::SystemRandom, NOW).unwrap()));

fn client() -> ServerPuppet {
    let config = WORLD.client_config().with_groups(&[NamedGroup::X25519]).unwrap();
    ServerPuppet::new(config, Arc::clone(&WORLD.server), NOW)
}

fn server() -> ClientPuppet {
    let config = WORLD.server_config().with_tickets(Arc::clone(&TICKETS), 1).unwrap();
    ClientPuppet::new(config, Arc::clone(&WORLD.client), NOW)
}

/// A whole handshake in front of a client, its messages laid into records by `shape`.
fn shake_client(shape: Shape) -> Result<ServerPuppet, Error> {
    let mut puppet = client();
    puppet.wire.shape = shape;
    let hello = puppet.hello();
    puppet.send_hello(&hello)?;
    puppet.send_until_finished(true)?;
    puppet.send_finished()?;
    assert!(puppet.wire.connection.state().contains(State::HANDSHAKE_DONE));
    Ok(puppet)
}

/// A whole handshake in front of a server.
fn shake_server(shape: Shape) -> Result<ClientPuppet, Error> {
    let mut puppet = server();
    puppet.wire.shape = shape;
    let hello = puppet.hello();
    puppet.send_hello(&hello)?;
    puppet.take_flight();
    puppet.send_flight(true)?;
    if puppet.wire.connection.state().contains(State::HANDSHAKE_DONE) {
        return Ok(puppet);
    }
    Err(puppet.wire.connection.feed_end().unwrap_err())
}

/// The messages of a whole handshake.
fn messages(shake: impl FnOnce(Shape)) -> Vec<Vec<u8>> {
    let seen = Rc::new(std::cell::RefCell::new(Vec::new()));
    let log = Rc::clone(&seen);
    shake(Box::new(move |message| {
        log.borrow_mut().push(message.to_vec());
        vec![message.to_vec()]
    }));
    seen.take()
}

/// Lays message number `which` into records as `lay` says, the others whole.
fn only(which: usize, mut lay: impl FnMut(&[u8]) -> Vec<Vec<u8>> + 'static) -> Shape {
    let mut number = 0;
    Box::new(move |message| {
        number += 1;
        if number == which + 1 { lay(message) } else { vec![message.to_vec()] }
    })
}

/// A right message of each type, and of types that nobody knows.
fn one_of_each() -> Vec<Vec<u8>> {
    let mut all = messages(|shape| drop(shake_client(shape).unwrap()));
    all.push(server().hello().encode());
    all.push(new_session_ticket(60, b"ticket"));
    all.push(handshake(KEY_UPDATE, &[0]));
    all.push(handshake(END_OF_EARLY_DATA, b""));
    // HelloRequest, HelloVerifyRequest, ServerKeyExchange, ServerHelloDone, ClientKeyExchange,
    // CertificateStatus, CompressedCertificate, message_hash, and none.
    all.extend([0, 3, 12, 14, 16, 22, 25, 254, 99].map(|message_type| handshake(message_type, b"")));
    all
}

type Step = Box<dyn Fn(&mut ServerPuppet)>;

/// A state, built anew each time; its name; the messages that are right in it.
type At = (&'static str, Box<dyn Fn() -> Wire>, &'static [u8]);

fn client_states() -> Vec<At> {
    /// A client that has taken this many messages.
    fn after(count: usize, request: bool) -> Wire {
        let mut puppet = client();
        let mut steps: Vec<Step> = vec![
            Box::new(|puppet| {
                let hello = puppet.hello();
                puppet.send_hello(&hello).unwrap();
            }),
            Box::new(|puppet| puppet.wire.message(&puppet.encrypted_extensions()).unwrap()),
            Box::new(|puppet| puppet.wire.message(&puppet.certificate()).unwrap()),
            Box::new(|puppet| puppet.wire.message(&puppet.certificate_verify()).unwrap()),
            Box::new(|puppet| puppet.send_finished().unwrap()),
        ];
        if request {
            steps.insert(2, Box::new(|puppet| puppet.wire.message(&puppet.certificate_request()).unwrap()));
        }
        steps.iter().take(count).for_each(|step| step(&mut puppet));
        puppet.wire
    }
    fn retried() -> Wire {
        let config = WORLD.client_config().with_groups(&[NamedGroup::X25519, NamedGroup::SECP256R1]).unwrap();
        let mut puppet = ServerPuppet::new(config, Arc::clone(&WORLD.server), NOW);
        let retry = puppet.retry(SECP256R1);
        puppet.send_retry(&retry).unwrap();
        puppet.wire
    }
    vec![
        ("ServerHello", Box::new(|| after(0, false)), &[SERVER_HELLO]),
        ("second ServerHello", Box::new(retried), &[SERVER_HELLO]),
        ("EncryptedExtensions", Box::new(|| after(1, false)), &[ENCRYPTED_EXTENSIONS]),
        ("CertificateRequest", Box::new(|| after(2, false)), &[CERTIFICATE, CERTIFICATE_REQUEST]),
        ("Certificate", Box::new(|| after(3, true)), &[CERTIFICATE]),
        ("CertificateVerify", Box::new(|| after(3, false)), &[CERTIFICATE_VERIFY]),
        ("CertificateVerify of two", Box::new(|| after(4, true)), &[CERTIFICATE_VERIFY]),
        ("Finished", Box::new(|| after(4, false)), &[FINISHED]),
        ("data", Box::new(|| after(5, false)), &[NEW_SESSION_TICKET, KEY_UPDATE]),
    ]
}

fn server_states() -> Vec<At> {
    fn after(count: usize) -> Wire {
        let mut puppet = server();
        let steps: [fn(&mut ClientPuppet); 4] = [
            |puppet| {
                let hello = puppet.hello();
                puppet.send_hello(&hello).unwrap();
                puppet.take_flight();
            },
            |puppet| puppet.wire.message(&puppet.certificate()).unwrap(),
            |puppet| puppet.wire.message(&puppet.certificate_verify()).unwrap(),
            |puppet| puppet.send_flight(false).unwrap(),
        ];
        steps.iter().take(count).for_each(|step| step(&mut puppet));
        puppet.wire
    }
    fn retried() -> Wire {
        let mut puppet = server();
        let mut hello = puppet.hello();
        set(&mut hello.extensions, KEY_SHARE, vec16(b""));
        puppet.wire.message(&hello.encode()).unwrap();
        puppet.wire.drain();
        puppet.wire
    }
    fn resumed() -> Wire {
        let mut first = shake_server(Box::new(|message| vec![message.to_vec()])).unwrap();
        let ticket = first.take_ticket();
        let mut puppet = server();
        let mut hello = puppet.hello();
        puppet.offer(&mut hello, &ticket);
        puppet.send_hello(&hello).unwrap();
        assert_eq!(puppet.take_flight(), [ENCRYPTED_EXTENSIONS, FINISHED]);
        puppet.wire
    }
    fn anonymous() -> Wire {
        let asks = ServerConfig::new(Arc::clone(&WORLD.server), ClientAuth::Request(trust(&WORLD.authority)));
        let mut puppet = ClientPuppet::after_flight(asks, Arc::clone(&WORLD.client), NOW);
        puppet.wire.message(&handshake(CERTIFICATE, &[0, 0, 0, 0])).unwrap();
        puppet.wire
    }
    vec![
        ("ClientHello", Box::new(|| after(0)), &[CLIENT_HELLO]),
        ("second ClientHello", Box::new(retried), &[CLIENT_HELLO]),
        ("Certificate", Box::new(|| after(1)), &[CERTIFICATE]),
        ("CertificateVerify", Box::new(|| after(2)), &[CERTIFICATE_VERIFY]),
        ("Finished", Box::new(|| after(3)), &[FINISHED]),
        ("Finished, resumed", Box::new(resumed), &[FINISHED]),
        ("Finished, anonymous", Box::new(anonymous), &[FINISHED]),
        ("data", Box::new(|| after(4)), &[KEY_UPDATE]),
    ]
}

#[test]
fn every_message_in_every_state_but_its_own_is_unexpected() {
    let all = one_of_each();
    for (state, at, right) in client_states().into_iter().chain(server_states()) {
        for message in all.iter().filter(|message| !right.contains(&message[0])) {
            let mut wire = at();
            let result = wire.record(HANDSHAKE, message);
            assert!(result.is_err(), "{state} takes a message of type {}", message[0]);
            wire.refused(result, Alert::UNEXPECTED_MESSAGE);
        }
    }
}

#[test]
fn an_end_in_any_state_is_a_truncation() {
    for (state, at, _) in client_states().into_iter().chain(server_states()) {
        let mut wire = at();
        assert_eq!(wire.connection.feed_end().unwrap_err().code(), ErrorCode::Truncated, "{state}");
    }
}

#[test]
fn a_message_cut_into_two_records_at_every_offset_is_taken() {
    fn all(shake: fn(Shape)) {
        for (number, message) in messages(shake).into_iter().enumerate() {
            // ECDSA signatures vary in length.
            for at in 1..message.len() - 4 {
                shake(only(number, move |message| vec![message[..at].to_vec(), message[at..].to_vec()]));
            }
        }
    }
    all(|shape| drop(shake_client(shape).unwrap()));
    all(|shape| drop(shake_server(shape).unwrap()));
}

#[test]
fn records_of_one_octet_are_taken() {
    let octets = || -> Shape { Box::new(|message| message.iter().map(|octet| vec![*octet]).collect()) };
    shake_client(octets()).unwrap();
    shake_server(octets()).unwrap();
}

#[test]
fn a_flight_in_one_record_is_taken() {
    // Those under one key: all but ServerHello, or all but ClientHello.
    let joined = || -> Shape {
        let mut held = Vec::new();
        Box::new(move |message| {
            held.extend_from_slice(message);
            match message[0] {
                CLIENT_HELLO | SERVER_HELLO | FINISHED => vec![std::mem::take(&mut held)],
                _ => vec![],
            }
        })
    };
    shake_client(joined()).unwrap();
    shake_server(joined()).unwrap();
}

#[test]
fn a_message_that_is_cut_short_is_refused_at_every_length() {
    type Shake = fn(Shape) -> Result<(), Error>;
    let shakes: [Shake; 2] =
        [|shape| shake_client(shape).map(|_| ()), |shape| shake_server(shape).map(|_| ())];
    for shake in shakes {
        let whole = messages(|shape| shake(shape).unwrap());
        for (number, message) in whole.into_iter().enumerate() {
            for len in 4..message.len() {
                // With a length that is right for what is left.
                let cut = move |message: &[u8]| {
                    vec![handshake(message[0], &message[4..len.min(message.len() - 1)])]
                };
                let error = shake(only(number, cut)).unwrap_err();
                // A hello without any extensions parses, and is not of TLS 1.3.
                let codes = match message[0] {
                    CLIENT_HELLO | SERVER_HELLO => [ErrorCode::InvalidMessage, ErrorCode::PeerIncompatible],
                    _ => [ErrorCode::InvalidMessage, ErrorCode::PeerMisbehaved],
                };
                assert!(codes.contains(&error.code()), "message {number} of {len} octets: {error}");
            }
        }
    }
}

#[test]
fn five_thousand_mutations_of_handshake_messages_end_in_an_error() {
    let mut random = Random(0x0715);
    for round in 0..2_500 {
        for is_client in [true, false] {
            let seed = random.next();
            let changed = Rc::new(Cell::new(false));
            let shape = mutating(seed, is_client, Rc::clone(&changed));
            let result =
                if is_client { shake_client(shape).map(|_| ()) } else { shake_server(shape).map(|_| ()) };
            // The transcripts differ, so a handshake must not succeed.
            assert_eq!(result.is_err(), changed.get(), "round {round}, seed {seed:#x}: {result:?}");
        }
    }
}

/// Changes one message, but not a ClientHello, of which another right one can be made.
fn mutating(seed: u64, is_client: bool, changed: Rc<Cell<bool>>) -> Shape {
    let mut random = Random(seed);
    let count = if is_client { 6 } else { 3 };
    let which = random.below(count) + usize::from(!is_client);
    only(which, move |message| {
        let mut mutated = message.to_vec();
        random.mutate(&mut mutated);
        changed.set(mutated != message);
        if mutated.is_empty() { vec![] } else { vec![mutated] }
    })
}

#[test]
fn five_thousand_mutations_of_the_stream_end_in_an_error_or_in_success() {
    let mut random = Random(0x8446);
    let (mut failed, mut succeeded) = (0, 0);
    for _ in 0..5_000 {
        let seed = random.next();
        let mut random = Random(seed);
        let mut pair = WORLD.pair();
        let (of_client, transfer) = (random.below(2) == 0, random.below(2));
        let mut seen = 0;
        let mut result = Ok(());
        // Two flights each, and some for what is left: more would be a loop.
        for step in 0..12 {
            let (from, to) = match step % 2 {
                0 => (&mut pair.client, &mut pair.server),
                _ => (&mut pair.server, &mut pair.client),
            };
            let mut bytes = from.pending().to_vec();
            from.consume(bytes.len());
            if (step % 2 == 0) == of_client && !bytes.is_empty() {
                if seen == transfer {
                    random.mutate(&mut bytes);
                }
                seen += 1;
            }
            result = result.and(to.feed(&bytes, NOW).map(|taken| assert_eq!(taken, bytes.len())));
        }
        let done = |state: State| state.contains(State::HANDSHAKE_DONE);
        if let Err(error) = &result {
            assert!(!error.to_string().is_empty());
            failed += 1;
        } else if done(pair.client.state()) && done(pair.server.state()) {
            // Then nothing that counts was changed: both have the same keys.
            let [ours, theirs] = [&pair.client, &pair.server].map(|connection| {
                let mut secret = [0; 32];
                connection.export(b"EXPORTER-test", b"", &mut secret).unwrap();
                secret
            });
            assert_eq!(ours, theirs, "seed {seed:#x}");
            succeeded += 1;
        } else {
            // Something was lost, and the end of the stream says so.
            assert!(pair.client.feed_end().is_err() || pair.server.feed_end().is_err(), "seed {seed:#x}");
        }
    }
    assert!(failed > 2_500 && succeeded > 10, "{failed} failed, {succeeded} succeeded");
}

/// SplitMix64: the same changes in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    /// Flips a bit, sets an octet, cuts, drops, repeats, inserts, or swaps.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let (one, other) = (self.below(bytes.len()), self.below(bytes.len()));
        let (start, end) = (one.min(other), one.max(other));
        match self.below(8) {
            0 | 1 => bytes[one] ^= 1 << self.below(8),
            2 => bytes[one] = [0, 1, 0x7F, 0xFF][self.below(4)],
            3 => bytes.truncate(one),
            4 => drop(bytes.drain(start..end)),
            5 => {
                let piece = bytes[start..end].to_vec();
                bytes.splice(end..end, piece);
            }
            6 => bytes.insert(one, other.to_le_bytes()[0]),
            _ => bytes.swap(one, other),
        }
    }
}
