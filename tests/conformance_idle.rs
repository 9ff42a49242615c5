//! Records that bring nothing, and those that nobody has protected (RFC 8446 §4.2.10, §5).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod common;
mod puppet;

use std::sync::Arc;

use common::NOW;
use otls::codepoints::{AlertDescription as Alert, NamedGroup};
use otls::{Error, State};
use puppet::*;

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
