//! Each "MUST abort" of RFC 8446 that is for a server: the puppet sends the bad message, and the alert is read
//! from the wire. docs/conformance.md has the sentences.

use std::sync::{Arc, LazyLock};

use crate::common::{NOW, World, trust};
use crate::puppet::*;
use otls::codepoints::{AlertDescription as Alert, NamedGroup, SignatureScheme};
use otls::crypto::kx::KeyExchange;
use otls::crypto::{Random, SystemRandom};
use otls::pki::KeyType;
use otls::{ClientAuth, Error, ServerConfig, State, TicketKeys};

static WORLD: LazyLock<World> = LazyLock::new(|| World::new(KeyType::EcdsaP256));
static TICKETS: LazyLock<Arc<TicketKeys>> =
    LazyLock::new(|| Arc::new(TicketKeys::generate(&SystemRandom, NOW).unwrap()));

fn config() -> ServerConfig {
    WORLD.server_config().with_tickets(Arc::clone(&TICKETS), 1).unwrap()
}

fn puppet() -> ClientPuppet {
    ClientPuppet::new(config(), Arc::clone(&WORLD.client), NOW)
}

fn after_flight() -> ClientPuppet {
    ClientPuppet::after_flight(config(), Arc::clone(&WORLD.client), NOW)
}

fn established() -> ClientPuppet {
    ClientPuppet::established(config(), Arc::clone(&WORLD.client), NOW)
}

/// Sends a ClientHello that `change` has made wrong.
#[track_caller]
fn hello_refused(change: impl FnOnce(&mut ClientHello), alert: Alert) {
    let mut puppet = puppet();
    let mut hello = puppet.hello();
    change(&mut hello);
    let result = puppet.wire.message(&hello.encode());
    puppet.wire.refused(result, alert);
}

fn numbers(list: &[u16]) -> Vec<u8> {
    vec16(&list.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>())
}

fn share_of(group: NamedGroup) -> Vec<u8> {
    let exchange = KeyExchange::start(group, &SystemRandom).unwrap();
    [group.0.to_be_bytes().to_vec(), vec16(exchange.public_share())].concat()
}

#[test]
fn the_puppet_shakes_hands() {
    let mut puppet = established();
    assert!(puppet.wire.connection.state().contains(State::CONFIRMED));
    puppet.wire.record(APPLICATION_DATA, b"hello").unwrap();
    assert_eq!(puppet.wire.received(), b"hello");
}

#[test]
fn messages_out_of_order_are_unexpected() {
    for message_type in [SERVER_HELLO, ENCRYPTED_EXTENSIONS, CERTIFICATE, FINISHED, KEY_UPDATE, 0, 77] {
        let mut puppet = puppet();
        let result = puppet.wire.message(&handshake(message_type, &[0, 0, 0]));
        puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
        let mut puppet = after_flight();
        if message_type != CERTIFICATE {
            let result = puppet.wire.message(&handshake(message_type, &[0, 0, 0]));
            puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
        }
    }
    // CertificateVerify without Certificate, Finished without CertificateVerify.
    let mut puppet = after_flight();
    let verify = puppet.certificate_verify();
    let result = puppet.wire.message(&verify);
    puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
    let mut puppet = after_flight();
    let certificate = puppet.certificate();
    puppet.wire.message(&certificate).unwrap();
    let finished = puppet.finished();
    let result = puppet.wire.message(&finished);
    puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
}

#[test]
fn a_second_client_hello_is_unexpected() {
    let mut puppet = after_flight();
    let hello = ClientPuppet::new(config(), Arc::clone(&WORLD.client), NOW).hello().encode();
    let result = puppet.wire.message(&hello);
    puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
    let mut puppet = established();
    let result = puppet.wire.message(&hello);
    puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
}

#[test]
fn no_overlap_is_a_handshake_failure() {
    hello_refused(|hello| hello.suites = vec![0xC02F, 0x1305], Alert::HANDSHAKE_FAILURE);
    hello_refused(
        |hello| {
            set(&mut hello.extensions, SUPPORTED_GROUPS, numbers(&[0x0100]));
            set(&mut hello.extensions, KEY_SHARE, vec16(b""));
        },
        Alert::HANDSHAKE_FAILURE,
    );
    hello_refused(
        |hello| set(&mut hello.extensions, SIGNATURE_ALGORITHMS, numbers(&[0x0807, 0x0203])),
        Alert::HANDSHAKE_FAILURE,
    );
}

#[test]
fn older_versions_are_refused() {
    hello_refused(|hello| unset(&mut hello.extensions, SUPPORTED_VERSIONS), Alert::PROTOCOL_VERSION);
    hello_refused(
        |hello| set(&mut hello.extensions, SUPPORTED_VERSIONS, vec8(&[3, 3, 3, 2])),
        Alert::PROTOCOL_VERSION,
    );
    // RFC 8446 §D.5: nobody who speaks TLS 1.3 says SSL 3.0 or less, which ends it whatever else is said.
    for version in [0x0300, 0x0200, 0] {
        hello_refused(|hello| hello.version = version, Alert::PROTOCOL_VERSION);
    }
    // What legacy_version says does not matter otherwise where supported_versions is there (RFC 8446 §4.2.1), and
    // versions that do not exist yet do not either.
    let mut puppet = puppet();
    let mut hello = puppet.hello();
    hello.version = 0x0301;
    set(&mut hello.extensions, SUPPORTED_VERSIONS, vec8(&[0x0A, 0x0A, 3, 5, 3, 4]));
    puppet.send_hello(&hello).unwrap();
}

#[test]
fn compression_is_an_illegal_parameter() {
    for methods in [vec![1, 0], vec![0, 1], vec![1]] {
        hello_refused(|hello| hello.compression = methods, Alert::ILLEGAL_PARAMETER);
    }
    hello_refused(|hello| hello.compression = vec![], Alert::DECODE_ERROR);
}

#[test]
fn extensions_that_belong_together_are_missed() {
    for extension in [SIGNATURE_ALGORITHMS, SUPPORTED_GROUPS, KEY_SHARE] {
        hello_refused(|hello| unset(&mut hello.extensions, extension), Alert::MISSING_EXTENSION);
    }
}

#[test]
fn an_extension_in_the_wrong_message_is_an_illegal_parameter() {
    // Of EncryptedExtensions, of CertificateRequest, of HelloRetryRequest in a first ClientHello.
    hello_refused(|hello| hello.extensions.push((48, numbers(&[1]))), Alert::ILLEGAL_PARAMETER);
    // A certificate has no extensions that were not asked for.
    let mut puppet = after_flight();
    let of_entry = [(STATUS_REQUEST, vec![1, 0, 0, 1, 0])];
    let result = puppet.wire.message(&certificate(b"", WORLD.client.certificate().to_der(), &of_entry));
    puppet.wire.refused(result, Alert::UNSUPPORTED_EXTENSION);
}

#[test]
fn an_extension_that_comes_twice_is_an_illegal_parameter() {
    hello_refused(
        |hello| hello.extensions.push((SUPPORTED_VERSIONS, vec8(&[3, 4]))),
        Alert::ILLEGAL_PARAMETER,
    );
    hello_refused(
        |hello| hello.extensions.extend([(0xFE0D, vec![]), (0xFE0D, vec![])]),
        Alert::ILLEGAL_PARAMETER,
    );
}

/// 3,000 key shares and 6,000 extensions, of groups and types that nobody knows, in front of what counts.
#[test]
fn unknown_extensions_and_shares_are_passed_over_in_any_number() {
    let unknown: Vec<u16> = (0x4000..0x4000 + 3_000).collect();
    let share = |group: &u16| [group.to_be_bytes().to_vec(), vec16(b"x")].concat();
    let fill = |puppet: &ClientPuppet, hello: &mut ClientHello| {
        let groups = [&unknown[..], &[X25519]].concat();
        set(&mut hello.extensions, SUPPORTED_GROUPS, numbers(&groups));
        let mut shares: Vec<u8> = unknown.iter().flat_map(share).collect();
        shares.extend(puppet.share());
        set(&mut hello.extensions, KEY_SHARE, vec16(&shares));
        hello.extensions.splice(..0, (0x1000..0x1000 + 6_000).map(|kind| (kind, vec![])));
    };
    let mut right = puppet();
    let mut hello = right.hello();
    fill(&right, &mut hello);
    right.wire.shape = Box::new(|message| message.chunks(1 << 14).map(<[u8]>::to_vec).collect());
    right.send_hello(&hello).unwrap();
    // One twice is found, wherever it stands.
    for twice in [
        |hello: &mut ClientHello| hello.extensions.push((0x1000, vec![])),
        |hello: &mut ClientHello| {
            let shares = find(&hello.extensions, KEY_SHARE).unwrap()[2..].to_vec();
            let again = [&shares[..], &0x4000_u16.to_be_bytes(), &vec16(b"x")].concat();
            set(&mut hello.extensions, KEY_SHARE, vec16(&again));
        },
    ] {
        let mut puppet = puppet();
        let mut hello = puppet.hello();
        fill(&puppet, &mut hello);
        twice(&mut hello);
        puppet.wire.shape = Box::new(|message| message.chunks(1 << 14).map(<[u8]>::to_vec).collect());
        let result = puppet.wire.message(&hello.encode());
        puppet.wire.refused(result, Alert::ILLEGAL_PARAMETER);
    }
}

#[test]
fn a_bad_share_is_an_illegal_parameter() {
    let illegal = Alert::ILLEGAL_PARAMETER;
    let shares = |list: &[Vec<u8>]| vec16(&list.concat());
    let x25519 = share_of(NamedGroup::X25519);
    // Two of one group, one of a group that is not offered, in another order than the groups.
    let twice = shares(&[x25519.clone(), x25519.clone()]);
    hello_refused(|hello| set(&mut hello.extensions, KEY_SHARE, twice), illegal);
    let other = shares(&[x25519, [vec![1, 1], vec16(&[1; 256])].concat()]);
    hello_refused(|hello| set(&mut hello.extensions, KEY_SHARE, other), illegal);
    // All zeros, too short, too long, no point of the curve, in compressed form.
    for share in [
        [X25519.to_be_bytes().to_vec(), vec16(&[0; 32])].concat(),
        [X25519.to_be_bytes().to_vec(), vec16(&[1; 31])].concat(),
        [X25519.to_be_bytes().to_vec(), vec16(&[1; 33])].concat(),
        [SECP256R1.to_be_bytes().to_vec(), vec16(&[4; 65])].concat(),
        [SECP256R1.to_be_bytes().to_vec(), vec16(&[2; 33])].concat(),
    ] {
        hello_refused(|hello| set(&mut hello.extensions, KEY_SHARE, vec16(&share)), illegal);
    }
    // ML-KEM: a length that is wrong, and an encapsulation key that is not reduced (FIPS 203 §7.2).
    let group = NamedGroup::X25519MLKEM768;
    let mut hybrid = share_of(group);
    hybrid[4..4 + 1184].fill(0xFF);
    let short = [group.0.to_be_bytes().to_vec(), vec16(&[1; 1215])].concat();
    for share in [hybrid, short] {
        hello_refused(
            |hello| {
                set(&mut hello.extensions, SUPPORTED_GROUPS, numbers(&[group.0]));
                set(&mut hello.extensions, KEY_SHARE, vec16(&share));
            },
            illegal,
        );
    }
}

#[test]
fn a_client_without_a_certificate_is_told_that_one_is_required() {
    let mut puppet = after_flight();
    let result = puppet.wire.message(&handshake(CERTIFICATE, &[0, 0, 0, 0]));
    puppet.wire.refused(result, Alert::CERTIFICATE_REQUIRED);
    // Where it is optional, the handshake goes on.
    let config = ServerConfig::new(Arc::clone(&WORLD.server), ClientAuth::Request(trust(&WORLD.authority)));
    let mut puppet = ClientPuppet::after_flight(config, Arc::clone(&WORLD.client), NOW);
    puppet.wire.message(&handshake(CERTIFICATE, &[0, 0, 0, 0])).unwrap();
    let finished = puppet.finished();
    puppet.wire.message(&finished).unwrap();
    assert!(puppet.wire.connection.state().contains(State::HANDSHAKE_DONE));
    assert!(puppet.wire.connection.peer().is_none());
}

#[test]
fn a_certificate_for_another_request_is_an_illegal_parameter() {
    let mut puppet = after_flight();
    let result = puppet.wire.message(&certificate(b"x", WORLD.client.certificate().to_der(), &[]));
    puppet.wire.refused(result, Alert::ILLEGAL_PARAMETER);
}

/// A server that waits for CertificateVerify.
fn before_verify() -> ClientPuppet {
    let mut puppet = after_flight();
    let certificate = puppet.certificate();
    puppet.wire.message(&certificate).unwrap();
    puppet
}

#[test]
fn a_signature_that_does_not_verify_is_a_decrypt_error() {
    let mut puppet = before_verify();
    let verify = broken(puppet.certificate_verify());
    let result = puppet.wire.message(&verify);
    puppet.wire.refused(result, Alert::DECRYPT_ERROR);
    let mut puppet = before_verify();
    let verify = certificate_verify(&WORLD.client, "server", &puppet.wire.transcript);
    let result = puppet.wire.message(&verify);
    puppet.wire.refused(result, Alert::DECRYPT_ERROR);
}

#[test]
fn a_scheme_that_was_not_asked_for_is_an_illegal_parameter() {
    for scheme in [[2, 3], [4, 1], [0xFE, 0]] {
        let mut puppet = before_verify();
        let mut verify = puppet.certificate_verify();
        verify[4..6].copy_from_slice(&scheme);
        let result = puppet.wire.message(&verify);
        puppet.wire.refused(result, Alert::ILLEGAL_PARAMETER);
    }
    // A right signature of the client's key, by a scheme that this server did not ask for.
    let other = World::new(KeyType::EcdsaP384);
    let config = ServerConfig::new(Arc::clone(&WORLD.server), ClientAuth::Require(trust(&other.authority)));
    let config = config.with_verify_schemes(&[SignatureScheme::ECDSA_SECP256R1_SHA256]).unwrap();
    let mut puppet = ClientPuppet::after_flight(config, Arc::clone(&other.client), NOW);
    let result = puppet.send_flight(true);
    puppet.wire.refused(result, Alert::ILLEGAL_PARAMETER);
}

#[test]
fn a_wrong_finished_is_a_decrypt_error() {
    let mut puppet = before_verify();
    let verify = puppet.certificate_verify();
    puppet.wire.message(&verify).unwrap();
    let mut finished = puppet.finished();
    finished[10] ^= 1;
    let result = puppet.wire.message(&finished);
    puppet.wire.refused(result, Alert::DECRYPT_ERROR);
}

#[test]
fn a_finished_of_another_length_is_a_decode_error() {
    for len in [0, 31, 33, 48] {
        let mut puppet = before_verify();
        let verify = puppet.certificate_verify();
        puppet.wire.message(&verify).unwrap();
        let result = puppet.wire.message(&handshake(FINISHED, &vec![7; len]));
        puppet.wire.refused(result, Alert::DECODE_ERROR);
    }
}

/// A source of randomness that is gone.
struct NoRandom;

impl Random for NoRandom {
    fn fill(&self, _: &mut [u8]) -> Result<(), Error> {
        Err(Error::Random)
    }
}

#[test]
fn an_error_of_our_own_side_is_an_internal_error_to_the_peer_and_has_no_alert_here() {
    let config = config().with_random(Arc::new(NoRandom));
    let mut puppet = ClientPuppet::new(config, Arc::clone(&WORLD.client), NOW);
    let hello = puppet.hello();
    let result = puppet.wire.message(&hello.encode());
    assert_eq!(result.as_ref().unwrap_err().alert(), None);
    assert_eq!(puppet.wire.connection.error(), Some(&Error::Random));
    puppet.wire.refused(result, Alert::INTERNAL_ERROR);
}

#[test]
fn a_key_update_before_finished_is_unexpected() {
    let mut puppet = before_verify();
    let result = puppet.wire.message(&handshake(KEY_UPDATE, &[0]));
    puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
}

#[test]
fn a_key_update_with_another_value_is_an_illegal_parameter() {
    let mut puppet = established();
    let result = puppet.wire.message(&handshake(KEY_UPDATE, &[2]));
    puppet.wire.refused(result, Alert::ILLEGAL_PARAMETER);
}

#[test]
fn what_only_servers_send_is_unexpected_after_the_handshake() {
    for message_type in [NEW_SESSION_TICKET, CERTIFICATE_REQUEST, END_OF_EARLY_DATA, CERTIFICATE, FINISHED] {
        let mut puppet = established();
        let result = puppet.wire.message(&handshake(message_type, &[0; 12]));
        puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
    }
}

#[test]
fn a_certificate_signed_with_md5_or_sha1_is_a_bad_certificate() {
    for (authority, identity) in weak_identities() {
        let config = ServerConfig::new(Arc::clone(&WORLD.server), ClientAuth::Require(trust(&authority)));
        let mut puppet = ClientPuppet::after_flight(config, identity, NOW);
        let result = puppet.send_flight(true);
        puppet.wire.refused(result, Alert::BAD_CERTIFICATE);
    }
}

#[test]
fn messages_that_do_not_parse_are_decode_errors() {
    let hello = puppet().hello().encode();
    for body in [&hello[4..hello.len() - 1], &[&hello[4..], &[0]].concat(), &hello[4..30]] {
        let mut puppet = puppet();
        let result = puppet.wire.message(&handshake(CLIENT_HELLO, body));
        puppet.wire.refused(result, Alert::DECODE_ERROR);
    }
    hello_refused(|hello| hello.session_id = vec![1; 33], Alert::DECODE_ERROR);
    hello_refused(|hello| hello.suites.clear(), Alert::DECODE_ERROR);
    for (extension, data) in [
        (SUPPORTED_GROUPS, vec![0, 3, 0, 29, 0]),
        (SUPPORTED_GROUPS, vec![0, 0]),
        (SIGNATURE_ALGORITHMS, vec![0, 0]),
        (KEY_SHARE, vec![0, 4, 0, 29, 0, 9]),
        (SUPPORTED_VERSIONS, vec![0]),
        (SUPPORTED_VERSIONS, vec![3, 3, 4, 3]),
        (PSK_KEY_EXCHANGE_MODES, vec![0]),
        (ALPN, vec![0, 0]),
        (ALPN, vec![0, 1, 0]),
        (SERVER_NAME, vec![0, 1, 0]),
        (RECORD_SIZE_LIMIT, vec![1]),
    ] {
        hello_refused(|hello| set(&mut hello.extensions, extension, data.clone()), Alert::DECODE_ERROR);
    }
}
