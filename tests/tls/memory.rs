//! What a peer that sends forever makes a connection hold: a bound for every kind of flood, for both roles.

use std::sync::{Arc, LazyLock};

use crate::common::{NOW, Pair, World, bank_name};
use crate::puppet::*;
use allocation_counter::measure;
use otls::codepoints::{AlertDescription as Alert, CipherSuite, NamedGroup};
use otls::crypto::aead::{AeadAlgorithm, AeadKey};
use otls::pki::KeyType;
use otls::{ClientConfig, Connection, Error, SUPPORTED_SUITES};

/// Octets that a connection may hold while a peer sends: the largest handshake message, twice while the buffer
/// grows, and two records; what the puppet itself holds is in it.
const BOUND: u64 = 3 * 64 * 1024 + 2 * 17 * 1024;

static WORLD: LazyLock<World> = LazyLock::new(|| World::new(KeyType::EcdsaP256));

fn client_config() -> ClientConfig {
    WORLD.client_config().with_groups(&[NamedGroup::X25519]).unwrap().with_sessions(2)
}

fn fresh() -> [Wire; 2] {
    let server = ClientPuppet::new(WORLD.server_config(), Arc::clone(&WORLD.client), NOW);
    let client = ServerPuppet::new(client_config(), Arc::clone(&WORLD.server), NOW);
    [server.wire, client.wire]
}

fn shaking_hands() -> [Wire; 2] {
    let server = ClientPuppet::after_flight(WORLD.server_config(), Arc::clone(&WORLD.client), NOW);
    let client = ServerPuppet::after_hello(client_config(), Arc::clone(&WORLD.server), NOW);
    [server.wire, client.wire]
}

fn established() -> [Wire; 2] {
    let server = ClientPuppet::established(WORLD.server_config(), Arc::clone(&WORLD.client), NOW);
    let client = ServerPuppet::established(client_config(), Arc::clone(&WORLD.server), NOW);
    [server.wire, client.wire]
}

/// Sends `count` times; nothing that the connection wants to send is taken from it.
#[track_caller]
fn flood(wire: &mut Wire, count: usize, mut send: impl FnMut(&mut Wire) -> Result<(), Error>) {
    let held = measure(|| {
        for _ in 0..count {
            send(wire).unwrap();
        }
    });
    assert!(held.bytes_max < BOUND, "{} octets were held", held.bytes_max);
}

/// Sends until it is refused, which has to be within `count` times.
#[track_caller]
fn flood_refused(
    mut wire: Wire,
    count: usize,
    alert: Alert,
    mut send: impl FnMut(&mut Wire) -> Result<(), Error>,
) {
    let mut result = Ok(());
    let held = measure(|| result = (0..count).try_for_each(|_| send(&mut wire)));
    assert!(held.bytes_max < BOUND, "{} octets were held", held.bytes_max);
    wire.refused(result, alert);
}

#[test]
fn an_idle_connection_holds_its_keys_and_the_octets_of_its_peers_certificate() {
    let configs = (Arc::new(client_config().with_sessions(0)), Arc::new(WORLD.server_config()));
    let pair = || {
        let client = Connection::client(Arc::clone(&configs.0), bank_name(), NOW).unwrap();
        Pair { client, server: Connection::server(Arc::clone(&configs.1)), now: NOW }.established()
    };
    // The first leaves what is made once.
    let first = pair();
    let (mut second, mut keys) = (None, None);
    let held = measure(|| second = Some(pair())).bytes_current;
    let algorithm = AeadAlgorithm::Aes128Gcm;
    let of_keys = measure(|| keys = Some([(); 4].map(|()| AeadKey::new(algorithm, &[7; 16]).unwrap())));
    assert_eq!(first.client.suite(), Some(CipherSuite::TLS_AES_128_GCM_SHA256));
    let certificates = [&WORLD.client, &WORLD.server].map(|identity| identity.certificate().to_der().len());
    let octets = i64::try_from(certificates.iter().sum::<usize>()).unwrap();
    let beside = held - of_keys.bytes_current - octets;
    assert!((1..=2 * 576).contains(&beside), "{beside} octets beside keys and certificates");
    drop((first, second, keys));
}

#[test]
fn data_that_nobody_reads_is_not_taken() {
    for mut wire in established() {
        let records: Vec<_> = (0..64).map(|_| wire.sealed(APPLICATION_DATA, &[7; 1 << 14])).collect();
        let stream = records.concat();
        let mut taken = 0;
        let held = measure(|| {
            for _ in 0..1_000 {
                taken += wire.connection.feed(&stream[taken..], NOW).unwrap();
            }
        });
        assert!(held.bytes_max < 2 * 17 * 1024, "{} octets were held", held.bytes_max);
        assert_eq!((taken, wire.connection.available()), (records[0].len(), 1 << 14));
        // Nothing is lost once somebody reads.
        let mut read = wire.received().len();
        while taken < stream.len() {
            taken += wire.connection.feed(&stream[taken..], NOW).unwrap();
            read += wire.received().len();
        }
        assert_eq!(read, 64 << 14);
    }
}

#[test]
fn data_that_is_read_leaves_nothing_behind() {
    for mut wire in established() {
        flood(&mut wire, 2_000, |wire| {
            wire.record(APPLICATION_DATA, &[7; 1 << 14])?;
            assert_eq!(wire.received().len(), 1 << 14);
            Ok(())
        });
    }
}

#[test]
fn records_are_sealed_and_opened_without_allocating() {
    for suite in SUPPORTED_SUITES {
        // With debug assertions the fast engine allocates for checks of its own.
        if cfg!(debug_assertions) && !suite.to_string().contains("_CBC_") {
            continue;
        }
        let only = [*suite];
        let mut pair = Pair::new(
            WORLD.client_config().with_suites(&only).unwrap(),
            WORLD.server_config().with_suites(&only).unwrap(),
        )
        .established();
        let (data, mut into) = ([7; 72], [0; 72]);
        let mut carry = |pair: &mut Pair| {
            pair.client.seal(&data).unwrap();
            let taken = pair.server.feed(pair.client.pending(), NOW).unwrap();
            assert_eq!(pair.server.read(&mut into), data.len());
            pair.client.consume(taken);
        };
        carry(&mut pair);
        let made = measure(|| (0..100).for_each(|_| carry(&mut pair)));
        assert_eq!(made.count_total, 0, "{suite}: {made:?}");

        // In buffers of the caller, at any length.
        for len in [72, 1 << 14, 3 << 14] {
            let (data, mut wire) = (vec![7; len], Vec::new());
            let mut carry = |pair: &mut Pair| {
                wire.clear();
                pair.client.seal_into(&data, &mut wire).unwrap();
                let (mut taken, mut opened) = (0, 0);
                while taken < wire.len() {
                    let fed = pair.server.feed_in_place(&mut wire[taken..], NOW).unwrap();
                    (taken, opened) = (taken + fed.taken, opened + fed.plaintext.len());
                }
                assert_eq!(opened, len);
            };
            carry(&mut pair);
            let made = measure(|| (0..100).for_each(|_| carry(&mut pair)));
            assert_eq!(made.count_total, 0, "{suite}, {len} octets: {made:?}");
        }
    }
}

/// Data after every 32 messages, which is what a peer has to send to go on.
fn with_data(wire: &mut Wire, turn: &mut usize) -> Result<(), Error> {
    *turn += 1;
    if turn.is_multiple_of(32) {
        wire.record(APPLICATION_DATA, b"x")?;
        wire.received();
    }
    Ok(())
}

#[test]
fn key_updates_are_answered_once_until_the_answer_is_sent() {
    for mut wire in established() {
        wire.drain();
        let mut turn = 0;
        flood(&mut wire, 5_000, |wire| {
            wire.record(HANDSHAKE, &handshake(KEY_UPDATE, &[1]))?;
            wire.write = wire.write.as_ref().map(Keys::next_generation);
            with_data(wire, &mut turn)
        });
        assert!(wire.connection.pending().len() < 100);
    }
}

#[test]
fn tickets_beyond_those_that_are_kept_are_forgotten() {
    let [_, mut client] = established();
    let ticket = new_session_ticket(60, &[7; 10_000]);
    let mut turn = 0;
    flood(&mut client, 2_000, |wire| {
        wire.record(HANDSHAKE, &ticket)?;
        with_data(wire, &mut turn)
    });
    assert!(client.connection.take_session().is_some() && client.connection.take_session().is_some());
    assert!(client.connection.take_session().is_none());
}

#[test]
fn what_says_nothing_is_tolerated_a_few_times() {
    for wire in established() {
        // user_canceled, which announces a close_notify (RFC 8446 §6.1).
        flood_refused(wire, 33, Alert::UNEXPECTED_MESSAGE, |wire| wire.record(ALERT, &[1, 90]));
    }
    for wire in shaking_hands() {
        flood_refused(wire, 33, Alert::UNEXPECTED_MESSAGE, |wire| {
            wire.raw(&[CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1])
        });
    }
    for wire in established() {
        flood_refused(wire, 33, Alert::UNEXPECTED_MESSAGE, |wire| wire.record(APPLICATION_DATA, b""));
    }
}

#[test]
fn a_message_that_is_longer_than_any_is_refused_by_its_length() {
    for wires in [fresh(), shaking_hands(), established()] {
        for wire in wires {
            flood_refused(wire, 1, Alert::DECODE_ERROR, |wire| {
                wire.record(HANDSHAKE, &[CERTIFICATE, 0xFF, 0xFF, 0xFF])
            });
        }
    }
    // The longest, in small pieces, which is then looked at.
    for (wire, alert) in fresh().into_iter().zip([Alert::DECODE_ERROR, Alert::UNEXPECTED_MESSAGE]) {
        let mut pieces = [&[CLIENT_HELLO, 1, 0, 0][..], &vec![0; 1 << 16]].concat();
        flood_refused(wire, 1 << 16, alert, |wire| {
            let piece: Vec<u8> = pieces.drain(..64.min(pieces.len())).collect();
            wire.record(HANDSHAKE, &piece)
        });
    }
}

#[test]
fn early_data_is_skipped_up_to_a_bound() {
    // A ticket of other keys, so that the handshake is a full one.
    let ticket = Ticket { ticket: vec![7; 64], age_add: 0, psk: vec![7; 32] };
    let mut puppet = ClientPuppet::new(WORLD.server_config(), Arc::clone(&WORLD.client), NOW);
    let mut hello = puppet.hello();
    hello.extensions.push((EARLY_DATA, vec![]));
    puppet.offer(&mut hello, &ticket);
    puppet.psk = vec![0; 32];
    puppet.send_hello(&hello).unwrap();
    puppet.take_flight();
    let early = [&record_header(APPLICATION_DATA, 1 << 14)[..], &[7; 1 << 14]].concat();
    flood_refused(puppet.wire, 1_000, Alert::BAD_RECORD_MAC, |wire| wire.raw(&early));
}
