//! What was wrong with the original's channel (docs/SECURITY of the workflow), each as the attack.

use std::sync::Arc;

use crate::common::{NOW, Pair, World, deliver, read, transfer};
use otls::codepoints::AlertDescription;
use otls::pki::KeyType;
use otls::{Connection, Error, SUPPORTED_SUITES, State};

const MESSAGE: &[u8] = b"The OTP for transferring Rs 1,00,000 to your friend's account is 256345.";

/// The records of a byte stream, headers included.
fn records(mut stream: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while stream.len() >= 5 {
        let (record, rest) = stream.split_at(5 + usize::from(u16::from_be_bytes([stream[3], stream[4]])));
        records.push(record.to_vec());
        stream = rest;
    }
    records
}

fn pairs() -> impl Iterator<Item = Pair> {
    let world = World::new(KeyType::EcdsaP256);
    SUPPORTED_SUITES.iter().map(move |suite| {
        let server = world.server_config().with_suites(&[*suite]).unwrap();
        Pair::new(world.client_config(), server).established()
    })
}

fn refuses(customer: &mut Connection, stream: &[u8]) {
    let error = customer.feed(stream, NOW).unwrap_err();
    assert_eq!(error, Error::BadRecord);
    assert_eq!(customer.available(), 0);
    assert!(customer.state().contains(State::FAILED) && !customer.state().contains(State::HAVE_PLAINTEXT));
}

/// The original encrypted without authenticating: 1,00,000 / 256345 could be turned into
/// 9,99,999 / 111111 by whoever carried the bytes.
#[test]
fn flipping_any_bit_of_the_sealed_message_ends_the_connection_without_plaintext() {
    let world = World::new(KeyType::EcdsaP256);
    for suite in SUPPORTED_SUITES {
        let server = || world.server_config().with_suites(&[*suite]).unwrap();
        let mut probe = Pair::new(world.client_config(), server()).established();
        probe.server.seal(MESSAGE).unwrap();
        let len = probe.server.pending().len();
        for at in (5..len).step_by(3) {
            let mut pair = Pair::new(world.client_config(), server()).established();
            pair.server.seal(MESSAGE).unwrap();
            let mut record = pair.server.pending().to_vec();
            record[at] ^= 1 << (at % 8);
            refuses(&mut pair.client, &record);
        }
    }
}

#[test]
fn turning_the_amount_and_the_code_into_others_is_refused() {
    for mut pair in pairs() {
        pair.server.seal(MESSAGE).unwrap();
        let mut record = pair.server.pending().to_vec();
        let wanted = b"The OTP for transferring Rs 9,99,999 to your friend's account is 111111.";
        for (at, (old, new)) in MESSAGE.iter().zip(wanted).enumerate() {
            record[5 + at] ^= old ^ new;
        }
        refuses(&mut pair.client, &record);
    }
}

#[test]
fn dropped_repeated_and_reordered_records_end_the_connection() {
    for repeat in [false, true] {
        for mut pair in pairs() {
            let mut sealed = Vec::new();
            for text in [b"first", b"other"] {
                pair.server.seal(text).unwrap();
                sealed.push(pair.server.pending().to_vec());
                pair.server.consume(pair.server.pending().len());
            }
            if repeat {
                assert_eq!(pair.client.feed(&sealed[0], NOW).unwrap(), sealed[0].len());
                assert_eq!(read(&mut pair.client), b"first");
                refuses(&mut pair.client, &sealed[0]);
            } else {
                refuses(&mut pair.client, &sealed[1]);
                // What was overtaken is not accepted later either.
                refuses(&mut pair.client, &sealed[0]);
            }
        }
    }
}

#[test]
fn a_record_of_one_direction_is_refused_in_the_other() {
    for mut pair in pairs() {
        pair.server.seal(MESSAGE).unwrap();
        let reflected = pair.server.pending().to_vec();
        refuses(&mut pair.server, &reflected);
    }
}

#[test]
fn a_stream_that_is_cut_is_not_taken_for_its_end() {
    for mut pair in pairs() {
        assert_eq!(pair.client.feed_end().unwrap_err(), Error::Truncated);
        assert!(pair.client.state().contains(State::FAILED));
    }
}

/// The original left its padding on the message.
#[test]
fn the_message_arrives_without_padding_at_every_length() {
    let cbc = |pair: &Pair| pair.client.suite().unwrap().to_string().contains("CBC");
    for mut pair in pairs().filter(cbc) {
        let data = vec![0x08; 16_384];
        for len in (0..=512).chain((513..16_384).step_by(331)).chain([16_384]) {
            let sent = &data[..len];
            assert_eq!(deliver(&mut pair.server, &mut pair.client, sent), sent, "{len}");
        }
        assert_eq!(deliver(&mut pair.server, &mut pair.client, MESSAGE), MESSAGE);
    }
}

/// The original's session key could be worked out by a listener, and there was no forward secrecy.
/// Here whoever recorded a session and later gets both private keys still lacks the ephemeral ones:
/// replaying the recording to a server with the same key does not even finish the handshake.
#[test]
fn a_recorded_session_cannot_be_opened_with_both_private_keys() {
    for key_type in [KeyType::Rsa2048, KeyType::EcdsaP256] {
        let world = World::new(key_type);
        let mut pair = world.pair();
        let mut recorded = Vec::new();
        while !pair.client.pending().is_empty() {
            recorded.push(pair.client.pending().to_vec());
            transfer(&mut pair.client, &mut pair.server).unwrap();
            transfer(&mut pair.server, &mut pair.client).unwrap();
        }
        let mut attacker = Connection::server(Arc::new(world.server_config()));
        attacker.feed(&recorded[0], NOW).unwrap();
        assert_eq!(attacker.feed(&recorded[1], NOW).unwrap_err(), Error::BadRecord);
    }
}

#[test]
fn two_sessions_with_the_same_keys_share_nothing() {
    let world = World::new(KeyType::EcdsaP256);
    let (mut one, mut two) = (world.pair().established(), world.pair().established());
    one.server.seal(MESSAGE).unwrap();
    two.server.seal(MESSAGE).unwrap();
    assert_ne!(one.server.pending(), two.server.pending());
    let recorded = one.server.pending().to_vec();
    refuses(&mut two.client, &recorded);
}

/// The original did not check the transcript.
#[test]
fn a_downgraded_offer_ends_the_handshake() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = world.pair();
    let mut hello = pair.client.pending().to_vec();
    pair.client.consume(hello.len());
    // Swap the first two suites of the offer: the server would choose the same one all the same.
    let suites = 5 + 4 + 2 + 32 + 1 + 32 + 2;
    hello.swap(suites + 1, suites + 3);
    pair.server.feed(&hello, NOW).unwrap();
    let error = pair.pump().unwrap_err();
    assert_eq!(error, Error::BadRecord, "the two sides derived different keys");
}

/// The original took whatever one recv(1024) gave for a message.
#[test]
fn any_split_or_coalescing_of_the_stream_gives_the_same_bytes() {
    for mut pair in pairs() {
        let mut stream = Vec::new();
        for _ in 0..20 {
            pair.server.seal(MESSAGE).unwrap();
        }
        stream.extend_from_slice(pair.server.pending());
        assert_eq!(records(&stream).len(), 20);
        let mut received = Vec::new();
        let mut sizes = [1, 2, 3, 5, 8, 13, 1024].iter().cycle();
        while !stream.is_empty() {
            let size = (*sizes.next().unwrap()).min(stream.len());
            let taken = pair.client.feed(&stream[..size], NOW).unwrap();
            stream.drain(..taken);
            received.extend(read(&mut pair.client));
        }
        assert_eq!(received, MESSAGE.repeat(20));
    }
}

/// An error that is sealed tells the listener nothing but that there was one.
#[test]
fn the_alert_does_not_say_whether_tag_or_padding_was_wrong() {
    for mut pair in pairs() {
        pair.server.seal(MESSAGE).unwrap();
        let mut record = pair.server.pending().to_vec();
        let last = record.len() - 1;
        record[last] ^= 1;
        refuses(&mut pair.client, &record);
        let alert = transfer(&mut pair.client, &mut pair.server).unwrap_err();
        assert_eq!(alert, Error::AlertReceived(AlertDescription::BAD_RECORD_MAC));
    }
}
