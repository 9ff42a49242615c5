//! RFC 8446 §5 and §6 in front of both roles: what a record may be, what alerts do, and how many records may
//! bring nothing.

use std::sync::Arc;

use crate::common::NOW;
use crate::puppet::*;
use otls::codepoints::{AlertDescription as Alert, NamedGroup};
use otls::{Connection, Error, State};

/// A record of `inner`, sealed, with whatever is in it.
fn inner(wire: &mut Wire, inner: &[u8]) -> Result<(), Error> {
    let record = wire.write.as_mut().unwrap().seal(inner);
    wire.raw(&record)
}

#[test]
fn change_cipher_spec_is_dropped_in_the_handshake_and_refused_elsewhere() {
    let right = [CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1];
    for mut wire in shaking_hands() {
        wire.raw(&right).unwrap();
        wire.raw(&right).unwrap();
    }
    // Another value, two octets, protected, before the first ClientHello, after the handshake.
    for wrong in [&[CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 2][..], &[CHANGE_CIPHER_SPEC, 3, 3, 0, 2, 1, 1]] {
        each_refuses(shaking_hands(), Alert::UNEXPECTED_MESSAGE, |wire| wire.raw(wrong));
    }
    each_refuses(shaking_hands(), Alert::UNEXPECTED_MESSAGE, |wire| wire.record(CHANGE_CIPHER_SPEC, &[1]));
    let [mut server, _] = fresh();
    let result = server.raw(&right);
    server.refused(result, Alert::UNEXPECTED_MESSAGE);
    each_refuses(established(), Alert::UNEXPECTED_MESSAGE, |wire| wire.raw(&right));
}

#[test]
fn a_record_of_an_unknown_type_is_unexpected() {
    for content_type in [0, 19, 24, 25, 255] {
        each_refuses(fresh(), Alert::UNEXPECTED_MESSAGE, |wire| wire.raw(&[content_type, 3, 3, 0, 1, 0]));
        each_refuses(established(), Alert::UNEXPECTED_MESSAGE, |wire| {
            inner(wire, &[1, 2, 3, content_type.max(1)])
        });
    }
}

#[test]
fn application_data_before_finished_is_unexpected() {
    each_refuses(fresh(), Alert::UNEXPECTED_MESSAGE, |wire| wire.raw(&[APPLICATION_DATA, 3, 3, 0, 1, 0]));
    each_refuses(shaking_hands(), Alert::UNEXPECTED_MESSAGE, |wire| wire.record(APPLICATION_DATA, b"early"));
}

#[test]
fn the_version_of_a_record_is_ignored() {
    for version in [[3, 0], [3, 4], [0x0A, 0x0A]] {
        let puppet = ClientPuppet::new(WORLD.server_config(), Arc::clone(&WORLD.client), NOW);
        let hello = puppet.hello().encode();
        let mut wire = puppet.wire;
        let mut record = wire.sealed(HANDSHAKE, &hello);
        record[1..3].copy_from_slice(&version);
        wire.raw(&record).unwrap();
        assert!(!wire.connection.pending().is_empty(), "the ClientHello is answered");
        for mut wire in shaking_hands() {
            wire.raw(&[CHANGE_CIPHER_SPEC, version[0], version[1], 0, 1, 1]).unwrap();
        }
    }
}

#[test]
fn nothing_is_taken_while_data_waits_to_be_read() {
    for mut wire in established() {
        let (first, second) = (wire.sealed(APPLICATION_DATA, b"one"), wire.sealed(APPLICATION_DATA, b"two"));
        let stream = [first.clone(), second].concat();
        assert_eq!(wire.connection.feed(&stream, NOW), Ok(first.len()));
        assert!(!wire.connection.state().contains(State::WANT_READ));
        assert_eq!(wire.connection.feed(&stream[first.len()..], NOW), Ok(0));
    }
}

#[test]
fn plaintext_where_there_are_keys_is_unexpected() {
    for wires in [shaking_hands(), established()] {
        each_refuses(wires, Alert::UNEXPECTED_MESSAGE, |wire| {
            wire.raw(&[HANDSHAKE, 3, 3, 0, 4, 20, 0, 0, 0])
        });
    }
}

#[test]
fn a_plain_alert_is_believed_only_while_no_protected_record_was_opened() {
    let plain = [ALERT, 3, 3, 0, 2, 2, 40];
    // A peer that cannot read our first flight has no keys for its alert.
    for mut wire in shaking_hands() {
        let error = wire.raw(&plain).unwrap_err();
        assert_eq!(error, Error::AlertReceived(Alert::HANDSHAKE_FAILURE));
    }
    // One that has protected a record has them, and so anybody else wrote the alert: close_notify too.
    let mut server = ClientPuppet::after_flight(WORLD.server_config(), Arc::clone(&WORLD.client), NOW);
    let certificate = server.certificate();
    server.wire.message(&certificate).unwrap();
    let mut client = ServerPuppet::after_hello(client_config(), Arc::clone(&WORLD.server), NOW);
    let extensions = client.encrypted_extensions();
    client.wire.message(&extensions).unwrap();
    each_refuses([server.wire, client.wire], Alert::UNEXPECTED_MESSAGE, |wire| wire.raw(&plain));
    for plain in [plain, [ALERT, 3, 3, 0, 2, 1, 0], [ALERT, 3, 3, 0, 2, 1, 90]] {
        each_refuses(established(), Alert::UNEXPECTED_MESSAGE, |wire| wire.raw(&plain));
    }
}

#[test]
fn a_message_before_a_key_change_ends_its_record() {
    // ServerHello with something behind it, KeyUpdate with something behind it.
    let mut puppet = ServerPuppet::new(client_config(), Arc::clone(&WORLD.server), NOW);
    let hello = puppet.hello();
    let result = puppet.send_hello_and(&hello, &[ENCRYPTED_EXTENSIONS, 0, 0, 2, 0, 0]);
    puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
    let updates = [handshake(KEY_UPDATE, &[0]), handshake(KEY_UPDATE, &[0])].concat();
    each_refuses(established(), Alert::UNEXPECTED_MESSAGE, |wire| wire.record(HANDSHAKE, &updates));
    // ClientHello, the first and the second, and HelloRetryRequest, whole messages behind them and begun ones.
    for more in [&handshake(FINISHED, &[0; 32])[..], &[CLIENT_HELLO], &[CERTIFICATE, 0, 0]] {
        for retry in [false, true] {
            let mut puppet = ClientPuppet::new(WORLD.server_config(), Arc::clone(&WORLD.client), NOW);
            let mut hello = puppet.hello();
            let share = vec16(&puppet.share());
            if retry {
                set(&mut hello.extensions, KEY_SHARE, vec16(b""));
                puppet.wire.message(&hello.encode()).unwrap();
                puppet.wire.next_message();
                set(&mut hello.extensions, KEY_SHARE, share);
            }
            let result = puppet.wire.record(HANDSHAKE, &[&hello.encode(), more].concat());
            puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
        }
        let config = WORLD.client_config().with_groups(&[NamedGroup::X25519, NamedGroup::SECP256R1]).unwrap();
        let mut puppet = ServerPuppet::new(config, Arc::clone(&WORLD.server), NOW);
        let retry = puppet.retry(SECP256R1).encode();
        let result = puppet.wire.record(HANDSHAKE, &[&retry, more].concat());
        puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
        // Where the caller chooses the configuration, before it is asked for it.
        let hello = ClientPuppet::new(WORLD.server_config(), Arc::clone(&WORLD.client), NOW).hello().encode();
        let mut wire = Wire::new(Connection::accept());
        let result = wire.record(HANDSHAKE, &[&hello, more].concat());
        wire.refused(result, Alert::UNEXPECTED_MESSAGE);
        // The client's Finished.
        let mut puppet = ClientPuppet::after_flight(WORLD.server_config(), Arc::clone(&WORLD.client), NOW);
        let certificate = puppet.certificate();
        puppet.wire.message(&certificate).unwrap();
        let verify = puppet.certificate_verify();
        puppet.wire.message(&verify).unwrap();
        let finished = puppet.finished();
        let result = puppet.wire.record(HANDSHAKE, &[&finished, more].concat());
        puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
        each_refuses(established(), Alert::UNEXPECTED_MESSAGE, |wire| {
            wire.record(HANDSHAKE, &[&handshake(KEY_UPDATE, &[1]), more].concat())
        });
    }
    // A TLS 1.2 server's flight is told what is wrong with it.
    let mut puppet = ServerPuppet::new(client_config(), Arc::clone(&WORLD.server), NOW);
    let mut hello = puppet.hello();
    hello.extensions.clear();
    let result = puppet.wire.record(HANDSHAKE, &[hello.encode(), puppet.certificate()].concat());
    puppet.wire.refused(result, Alert::PROTOCOL_VERSION);
    // Finished with something behind it.
    let mut puppet = ServerPuppet::after_hello(client_config(), Arc::clone(&WORLD.server), NOW);
    puppet.send_until_finished(false).unwrap();
    let result = puppet.send_finished_and(&handshake(KEY_UPDATE, &[0]));
    puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
}

#[test]
fn nothing_comes_between_the_pieces_of_a_message() {
    for between in [ALERT, APPLICATION_DATA] {
        each_refuses(established(), Alert::UNEXPECTED_MESSAGE, |wire| {
            wire.record(HANDSHAKE, &[KEY_UPDATE, 0])?;
            wire.record(between, &[1, 0])
        });
    }
    // Not even an empty piece (RFC 8446 §5.1).
    for wires in [fresh(), established()] {
        each_refuses(wires, Alert::UNEXPECTED_MESSAGE, |wire| wire.record(HANDSHAKE, b""));
    }
    each_refuses(established(), Alert::UNEXPECTED_MESSAGE, |wire| wire.record(ALERT, b""));
}

#[test]
fn records_that_are_too_long_overflow() {
    let header = |len: u16| {
        [[HANDSHAKE, 3, 3], [0; 3]].concat()[..3]
            .iter()
            .copied()
            .chain(len.to_be_bytes())
            .collect::<Vec<u8>>()
    };
    each_refuses(fresh(), Alert::RECORD_OVERFLOW, |wire| wire.raw(&header((1 << 14) + 1)));
    let sealed = |len: u16| [[APPLICATION_DATA, 3, 3].to_vec(), len.to_be_bytes().to_vec()].concat();
    for wires in [shaking_hands(), established()] {
        each_refuses(wires, Alert::RECORD_OVERFLOW, |wire| wire.raw(&sealed((1 << 14) + 257)));
    }
    // 2^14 octets and the type are the most, padding included.
    let full = [vec![7; 1 << 14], vec![APPLICATION_DATA]].concat();
    for mut wire in established() {
        inner(&mut wire, &full).unwrap();
        assert_eq!(wire.received().len(), 1 << 14);
    }
    for more in [vec![APPLICATION_DATA], vec![APPLICATION_DATA, 0]] {
        let content = [vec![7; (1 << 14) + 2 - more.len()], more].concat();
        each_refuses(established(), Alert::RECORD_OVERFLOW, |wire| inner(wire, &content));
    }
}

#[test]
fn a_record_that_does_not_decrypt_is_a_bad_record_mac() {
    for (wires, position) in [(established(), 5), (established(), 20), (shaking_hands(), 5)] {
        each_refuses(wires, Alert::BAD_RECORD_MAC, |wire| {
            let mut record = wire.sealed(APPLICATION_DATA, &[7; 32]);
            record[position] ^= 1;
            wire.raw(&record)
        });
    }
    // A header that was changed, a record again, one left out, and one without room for a tag.
    each_refuses(established(), Alert::BAD_RECORD_MAC, |wire| {
        let record = wire.sealed(APPLICATION_DATA, b"x");
        wire.raw(&record)?;
        wire.raw(&record)
    });
    each_refuses(established(), Alert::BAD_RECORD_MAC, |wire| {
        wire.sealed(APPLICATION_DATA, b"x");
        wire.record(APPLICATION_DATA, b"y")
    });
    each_refuses(established(), Alert::BAD_RECORD_MAC, |wire| {
        wire.raw(&[APPLICATION_DATA, 3, 3, 0, 5, 1, 2, 3, 4, 5])
    });
}

#[test]
fn a_record_without_a_type_is_unexpected() {
    for zeros in [1, 300] {
        each_refuses(established(), Alert::UNEXPECTED_MESSAGE, |wire| inner(wire, &vec![0; zeros]));
    }
    for mut wire in established() {
        inner(&mut wire, &[&b"padded"[..], &[APPLICATION_DATA, 0, 0, 0]].concat()).unwrap();
        assert_eq!(wire.received(), b"padded");
    }
}

#[test]
fn alerts_that_do_not_parse_are_decode_errors() {
    each_refuses(fresh(), Alert::DECODE_ERROR, |wire| wire.raw(&[ALERT, 3, 3, 0, 1, 1]));
    each_refuses(established(), Alert::DECODE_ERROR, |wire| wire.record(ALERT, &[1]));
    each_refuses(established(), Alert::DECODE_ERROR, |wire| wire.record(ALERT, &[1, 0, 0]));
}

/// Done with the handshake, and the client has two sessions, of which it has taken one.
fn with_sessions() -> [Wire; 2] {
    let [server, _] = established();
    let config = client_config().with_sessions(2);
    let mut client = ServerPuppet::after_hello(config, Arc::clone(&WORLD.server), NOW);
    client.send_until_finished(true).unwrap();
    client.send_finished().unwrap();
    client.send_ticket(b"one");
    client.send_ticket(b"two");
    assert!(client.wire.connection.take_session().is_some());
    [server, client.wire]
}

#[test]
fn an_error_alert_is_final_and_is_not_answered() {
    for level in [1, 2] {
        for mut wire in with_sessions() {
            wire.drain();
            assert!(wire.connection.peer().is_some() && wire.connection.certificate().is_some());
            let error = wire.record(ALERT, &[level, 40]).unwrap_err();
            assert_eq!(error, Error::AlertReceived(Alert::HANDSHAKE_FAILURE));
            assert!(wire.connection.pending().is_empty() && wire.connection.state().contains(State::FAILED));
            // RFC 8446 §6.2: neither side sends or takes more; sessions, peers and keys are forgotten.
            assert!(wire.connection.seal(b"x").is_err() && wire.connection.feed(b"x", NOW).is_err());
            assert!(wire.connection.take_session().is_none());
            assert!(wire.connection.peer().is_none() && wire.connection.certificate().is_none());
            assert!(wire.connection.identity().is_none());
            assert!(wire.connection.export(b"EXPORTER-x", b"", &mut [0; 32]).is_err());
        }
    }
    // One that nobody knows is an error alert too (RFC 8446 §6).
    for mut wire in fresh() {
        let error = wire.raw(&[ALERT, 3, 3, 0, 2, 1, 199]).unwrap_err();
        assert_eq!(error, Error::AlertReceived(Alert(199)));
    }
}

#[test]
fn close_notify_ends_one_direction_and_an_end_without_it_is_a_truncation() {
    for mut wire in established() {
        wire.record(APPLICATION_DATA, b"last words").unwrap();
        wire.record(ALERT, &[1, 0]).unwrap();
        assert_eq!(wire.received(), b"last words");
        assert!(wire.connection.state().contains(State::CLOSED));
        // RFC 8446 §6.1: the other direction goes on until we close it ourselves.
        wire.connection.seal(b"an answer").unwrap();
        wire.connection.close();
        let sent: Vec<_> = std::iter::from_fn(|| wire.next_record()).filter(|r| r.1 != HANDSHAKE).collect();
        assert_eq!(sent, [(b"an answer".to_vec(), APPLICATION_DATA), (vec![1, 0], ALERT)]);
        // RFC 8446 §6.1: nothing goes behind close_notify.
        assert!(wire.connection.seal(b"more").is_err() && wire.connection.update_keys(true).is_err());
        // What comes after close_notify is ignored.
        let _ = wire.record(APPLICATION_DATA, b"ignored");
        assert!(wire.received().is_empty());
        wire.connection.feed_end().unwrap();
    }
    for mut wire in established() {
        assert_eq!(wire.connection.feed_end().unwrap_err().code(), otls::ErrorCode::Truncated);
    }
    for mut wire in shaking_hands() {
        assert!(wire.connection.feed_end().is_err());
    }
}

#[test]
fn nothing_is_sent_after_our_close_notify() {
    for mut wire in established() {
        wire.drain();
        wire.connection.close();
        while wire.next_record().is_some() {}
        // The peer goes on until it closes itself, and its errors are not answered any more.
        wire.record(HANDSHAKE, &handshake(KEY_UPDATE, &[1])).unwrap();
        wire.write = wire.write.as_ref().map(Keys::next_generation);
        wire.record(APPLICATION_DATA, b"last words").unwrap();
        assert_eq!(wire.received(), b"last words");
        wire.record(APPLICATION_DATA, &[]).unwrap();
        wire.raw(&[HANDSHAKE, 3, 3, 0, 1, 0]).unwrap_err();
        assert!(wire.connection.pending().is_empty());
    }
}

#[test]
fn giving_up_in_the_handshake_says_so() {
    let [_, mut client] = fresh();
    client.connection.close();
    // RFC 8446 §6.1: user_canceled, and then close_notify.
    assert_eq!(client.connection.pending(), [21, 3, 3, 0, 2, 1, 90, 21, 3, 3, 0, 2, 1, 0]);
}

/// A server and a client in the middle of a HelloRetryRequest.
fn retrying() -> [Wire; 2] {
    let mut server = ClientPuppet::new(WORLD.server_config(), Arc::clone(&WORLD.client), NOW);
    let mut hello = server.hello();
    set(&mut hello.extensions, KEY_SHARE, vec16(b""));
    server.wire.message(&hello.encode()).unwrap();
    server.wire.next_message();
    let config = WORLD.client_config().with_groups(&[NamedGroup::X25519, NamedGroup::SECP256R1]).unwrap();
    let mut client = ServerPuppet::new(config, Arc::clone(&WORLD.server), NOW);
    let retry = client.retry(SECP256R1);
    client.send_retry(&retry).unwrap();
    [server.wire, client.wire]
}

#[test]
fn application_data_that_nobody_has_protected_is_refused() {
    for len in [0, 1, 40] {
        let record = [&record_header(APPLICATION_DATA, len)[..], &vec![7; len]].concat();
        for wires in [fresh(), retrying()] {
            each_refuses(wires, Alert::UNEXPECTED_MESSAGE, |wire| wire.raw(&record));
        }
        for wires in [shaking_hands(), established()] {
            each_refuses(wires, Alert::BAD_RECORD_MAC, |wire| wire.raw(&record));
        }
    }
    // Nor is an empty record that is protected of use before the handshake is done.
    each_refuses(shaking_hands(), Alert::UNEXPECTED_MESSAGE, |wire| wire.record(APPLICATION_DATA, b""));
}

/// Says nothing: each is one of the kinds.
type Idle = fn(&mut Wire) -> Result<(), Error>;
const EMPTY: Idle = |wire| wire.record(APPLICATION_DATA, b"");
const CANCELED: Idle = |wire| wire.record(ALERT, &[1, 90]);
const CCS: Idle = |wire| wire.raw(&[CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1]);
const UPDATE: Idle = |wire| update(wire, 0);

fn update(wire: &mut Wire, request: u8) -> Result<(), Error> {
    wire.record(HANDSHAKE, &handshake(KEY_UPDATE, &[request]))?;
    wire.write = wire.write.as_ref().map(Keys::next_generation);
    Ok(())
}

#[test]
fn records_without_progress_have_one_budget_until_data_comes() {
    for kinds in [&[EMPTY][..], &[CANCELED], &[UPDATE], &[EMPTY, CANCELED, UPDATE]] {
        for mut wire in established() {
            for _ in 0..3 {
                (0..32).try_for_each(|turn| kinds[turn % kinds.len()](&mut wire)).unwrap();
                wire.record(APPLICATION_DATA, b"x").unwrap();
                assert_eq!(wire.received(), b"x");
            }
            (0..32).try_for_each(|turn| kinds[turn % kinds.len()](&mut wire)).unwrap();
            let result = kinds[0](&mut wire);
            wire.refused(result, Alert::UNEXPECTED_MESSAGE);
        }
    }
    let mut client = ServerPuppet::established(client_config(), Arc::clone(&WORLD.server), NOW).wire;
    let ticket = new_session_ticket(60, b"ticket");
    // Several in one record are several.
    client.record(HANDSHAKE, &ticket.repeat(16)).unwrap();
    client.record(HANDSHAKE, &ticket.repeat(16)).unwrap();
    let result = client.record(HANDSHAKE, &ticket);
    client.refused(result, Alert::UNEXPECTED_MESSAGE);
}

#[test]
fn records_without_progress_have_the_same_budget_in_the_handshake() {
    let plain_canceled: Idle = |wire| wire.raw(&[ALERT, 3, 3, 0, 2, 1, 90]);
    let [server, client] = fresh();
    for (wire, kinds) in [(server, vec![plain_canceled]), (client, vec![plain_canceled, CCS])]
        .into_iter()
        .chain(retrying().map(|wire| (wire, vec![plain_canceled, CCS])))
        .chain(shaking_hands().map(|wire| (wire, vec![CCS, CANCELED])))
    {
        let mut wire = wire;
        (0..32).try_for_each(|turn| kinds[turn % kinds.len()](&mut wire)).unwrap();
        let result = kinds[0](&mut wire);
        wire.refused(result, Alert::UNEXPECTED_MESSAGE);
    }
}

#[test]
fn a_key_update_that_we_asked_for_is_not_without_progress() {
    for mut wire in established() {
        for _ in 0..200 {
            wire.connection.update_keys(true).unwrap();
            update(&mut wire, 0).unwrap();
        }
        (0..32).try_for_each(|_| update(&mut wire, 0)).unwrap();
        assert!(update(&mut wire, 0).is_err());
    }
}

#[test]
fn a_peer_that_updates_its_key_with_every_record_is_served() {
    for mut wire in established() {
        for _ in 0..500 {
            update(&mut wire, 1).unwrap();
            wire.record(APPLICATION_DATA, b"x").unwrap();
            wire.received();
            wire.connection.consume(usize::MAX);
        }
    }
}

#[test]
fn refused_early_data_is_skipped_within_two_bounds() {
    let offered = || {
        let mut puppet = ClientPuppet::new(WORLD.server_config(), Arc::clone(&WORLD.client), NOW);
        let mut hello = puppet.hello();
        hello.extensions.push((EARLY_DATA, vec![]));
        puppet.send_hello(&hello).unwrap();
        puppet.take_flight();
        puppet
    };
    let early = |len: usize| [&record_header(APPLICATION_DATA, len)[..], &vec![7; len]].concat();
    // As many records as octets allow, and the handshake goes on behind them.
    let mut puppet = offered();
    (0..4).try_for_each(|_| puppet.wire.raw(&early(1 << 14))).unwrap();
    puppet.send_flight(true).unwrap();
    assert!(puppet.wire.connection.state().contains(State::HANDSHAKE_DONE));
    for (len, count, alert) in [
        (1 << 14, 4, Alert::BAD_RECORD_MAC),
        (40, 32, Alert::UNEXPECTED_MESSAGE),
        (0, 32, Alert::UNEXPECTED_MESSAGE),
    ] {
        let mut wire = offered().wire;
        (0..count).try_for_each(|_| wire.raw(&early(len))).unwrap();
        let result = wire.raw(&early(len));
        wire.refused(result, alert);
    }
    // It ends with the first record that opens.
    let mut puppet = offered();
    puppet.wire.raw(&early(40)).unwrap();
    let certificate = puppet.certificate();
    puppet.wire.message(&certificate).unwrap();
    let result = puppet.wire.raw(&early(0));
    puppet.wire.refused(result, Alert::BAD_RECORD_MAC);
}

#[test]
fn early_data_behind_a_retry_is_skipped_by_its_type() {
    let mut puppet = ClientPuppet::new(WORLD.server_config(), Arc::clone(&WORLD.client), NOW);
    let mut hello = puppet.hello();
    set(&mut hello.extensions, KEY_SHARE, vec16(b""));
    hello.extensions.push((EARLY_DATA, vec![]));
    puppet.wire.message(&hello.encode()).unwrap();
    puppet.wire.next_message();
    let early = |len: usize| [&record_header(APPLICATION_DATA, len)[..], &vec![7; len]].concat();
    // As long as a protected record may be.
    puppet.wire.raw(&early((1 << 14) + 256)).unwrap();
    (0..31).try_for_each(|_| puppet.wire.raw(&early(40))).unwrap();
    let result = puppet.wire.raw(&early(40));
    puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
}
