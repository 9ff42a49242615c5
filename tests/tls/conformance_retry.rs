//! The second ClientHello in front of a server (RFC 8446 §4.1.2).

use std::sync::Arc;

use crate::common::NOW;
use crate::puppet::*;
use otls::State;
use otls::codepoints::{AlertDescription as Alert, NamedGroup};
use otls::crypto::SystemRandom;
use otls::crypto::kx::KeyExchange;

fn numbers(list: &[u16]) -> Vec<u8> {
    vec16(&list.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>())
}

fn share_of(group: NamedGroup) -> Vec<u8> {
    let exchange = KeyExchange::start(group, &SystemRandom).unwrap();
    [group.0.to_be_bytes().to_vec(), vec16(exchange.public_share())].concat()
}

/// A server that has answered a ClientHello without a share by HelloRetryRequest.
fn retried() -> (ClientPuppet, ClientHello) {
    retried_with(|_| ())
}

/// The same for a ClientHello that `change` has changed.
fn retried_with(change: impl FnOnce(&mut ClientHello)) -> (ClientPuppet, ClientHello) {
    let mut puppet = ClientPuppet::new(WORLD.server_config(), Arc::clone(&WORLD.client), NOW);
    let mut hello = puppet.hello();
    change(&mut hello);
    set(&mut hello.extensions, KEY_SHARE, vec16(b""));
    puppet.wire.message(&hello.encode()).unwrap();
    puppet.wire.transcript = handshake(254, &sha256(&puppet.wire.transcript));
    let retry = puppet.wire.next_message();
    assert_eq!(retry[6..38], retry_random());
    let share = vec16(&puppet.share());
    set(&mut hello.extensions, KEY_SHARE, share);
    (puppet, hello)
}

#[test]
fn the_puppet_shakes_hands_after_a_retry() {
    let (mut puppet, hello) = retried();
    puppet.send_hello(&hello).unwrap();
    puppet.take_flight();
    puppet.send_flight(true).unwrap();
    assert!(puppet.wire.connection.state().contains(State::HANDSHAKE_DONE));
}

#[test]
fn a_second_hello_is_the_first_with_the_share_that_was_asked_for() {
    let changes: [fn(&mut ClientHello); 15] = [
        |hello| hello.version = 0x0302,
        |hello| hello.extensions.push((ALPN, vec16(&vec8(b"otp")))),
        |hello| hello.extensions.push((0xFE0D, vec![])),
        |hello| hello.extensions.push((STATUS_REQUEST, vec![1, 0, 0, 0, 0])),
        |hello| hello.extensions.swap(1, 2),
        |hello| hello.extensions.swap(3, 4),
        |hello| set(&mut hello.extensions, SUPPORTED_GROUPS, numbers(&[X25519])),
        |hello| set(&mut hello.extensions, SUPPORTED_VERSIONS, vec8(&[3, 4, 3, 3])),
        |hello| hello.extensions.push((PRE_SHARED_KEY, a_psk())),
        |hello| hello.random[0] ^= 1,
        |hello| hello.session_id.clear(),
        |hello| hello.suites.push(AES_256_GCM_SHA384),
        |hello| hello.extensions.push((SERVER_NAME, vec16(&[vec![0], vec16(b"other.example")].concat()))),
        |hello| set(&mut hello.extensions, KEY_SHARE, vec16(b"")),
        |hello| set(&mut hello.extensions, KEY_SHARE, vec16(&share_of(NamedGroup::SECP256R1))),
    ];
    for change in changes {
        let (mut puppet, mut hello) = retried();
        change(&mut hello);
        let result = puppet.wire.message(&hello.encode());
        puppet.wire.refused(result, Alert::ILLEGAL_PARAMETER);
    }
    // What was there must stay, with its content where we know what it is.
    let all = |hello: &mut ClientHello| {
        let alpn = vec16(&[vec8(b"otp"), vec8(b"other")].concat());
        hello.extensions.extend([(ALPN, alpn), (STATUS_REQUEST, vec![1, 0, 0, 0, 0]), (0xFE0D, vec![1])]);
    };
    let changes: [fn(&mut ClientHello); 4] = [
        |hello| set(&mut hello.extensions, ALPN, vec16(&vec8(b"other"))),
        |hello| set(&mut hello.extensions, STATUS_REQUEST, vec![1, 0, 0, 0, 1, 9]),
        |hello| unset(&mut hello.extensions, 0xFE0D),
        |hello| unset(&mut hello.extensions, ALPN),
    ];
    for change in changes {
        let (mut puppet, mut hello) = retried_with(all);
        change(&mut hello);
        let result = puppet.wire.message(&hello.encode());
        puppet.wire.refused(result, Alert::ILLEGAL_PARAMETER);
    }
    // Padding comes and goes, an unknown extension changes what is in it, early data ends, tickets are left out.
    let (mut puppet, mut hello) = retried_with(|hello| {
        all(hello);
        hello.extensions.extend([(PADDING, vec![0; 9]), (EARLY_DATA, vec![]), (PRE_SHARED_KEY, a_psk())]);
    });
    set(&mut hello.extensions, 0xFE0D, vec![2, 3]);
    for extension in [PADDING, EARLY_DATA, PRE_SHARED_KEY] {
        unset(&mut hello.extensions, extension);
    }
    hello.extensions.insert(0, (PADDING, vec![0; 3]));
    puppet.send_hello(&hello).unwrap();
}

/// A pre_shared_key of nobody's.
fn a_psk() -> Vec<u8> {
    [vec16(&[vec16(b"ticket"), vec![0; 4]].concat()), vec16(&vec8(&[7; 32]))].concat()
}
