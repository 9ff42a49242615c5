//! Each "MUST abort" of RFC 8446 that is for a client: the puppet sends the bad message, and the alert is read
//! from the wire. docs/conformance.md has the sentences.

use std::sync::{Arc, LazyLock};

use crate::common::{NOW, World, trust};
use crate::puppet::*;
use otls::codepoints::{AlertDescription as Alert, NamedGroup, SignatureScheme};
use otls::pki::KeyType;
use otls::{ClientConfig, State};

static WORLD: LazyLock<World> = LazyLock::new(|| World::new(KeyType::EcdsaP256));

fn config() -> ClientConfig {
    WORLD.client_config().with_groups(&[NamedGroup::X25519, NamedGroup::SECP256R1]).unwrap()
}

fn puppet() -> ServerPuppet {
    ServerPuppet::new(config(), Arc::clone(&WORLD.server), NOW)
}

fn after_hello() -> ServerPuppet {
    ServerPuppet::after_hello(config(), Arc::clone(&WORLD.server), NOW)
}

fn established() -> ServerPuppet {
    ServerPuppet::established(config(), Arc::clone(&WORLD.server), NOW)
}

/// Sends a ServerHello that `change` has made wrong.
#[track_caller]
fn hello_refused(change: impl FnOnce(&mut ServerHello), alert: Alert) {
    let mut puppet = puppet();
    let mut hello = puppet.hello();
    change(&mut hello);
    let result = puppet.wire.message(&hello.encode());
    puppet.wire.refused(result, alert);
}

/// Sends a HelloRetryRequest that `change` has made wrong.
#[track_caller]
fn retry_refused(change: impl FnOnce(&mut ServerHello), alert: Alert) {
    let mut puppet = puppet();
    let mut retry = puppet.retry(SECP256R1);
    change(&mut retry);
    let result = puppet.wire.message(&retry.encode());
    puppet.wire.refused(result, alert);
}

/// A client that has answered a right HelloRetryRequest, and the ServerHello that fits it.
fn after_retry() -> (ServerPuppet, ServerHello) {
    let mut puppet = puppet();
    let mut hello = puppet.hello();
    let retry = puppet.retry(SECP256R1);
    puppet.send_retry(&retry).unwrap();
    assert!(puppet.offer.share(X25519).is_none());
    let share = puppet.offer.share(SECP256R1).unwrap();
    let (ours, _) =
        otls::crypto::kx::respond(NamedGroup::SECP256R1, &share, &otls::crypto::SystemRandom).unwrap();
    set(&mut hello.extensions, KEY_SHARE, [SECP256R1.to_be_bytes().to_vec(), vec16(&ours)].concat());
    (puppet, hello)
}

/// Sends a right retry, and then a ServerHello in which `change` is all that is wrong.
#[track_caller]
fn hello_after_retry_refused(change: impl FnOnce(&mut ServerHello), alert: Alert) {
    let (mut puppet, mut hello) = after_retry();
    change(&mut hello);
    let result = puppet.wire.message(&hello.encode());
    puppet.wire.refused(result, alert);
}

#[test]
fn the_puppet_shakes_hands() {
    let mut puppet = established();
    assert!(puppet.wire.connection.state().contains(State::HANDSHAKE_DONE));
    puppet.wire.record(APPLICATION_DATA, b"hello").unwrap();
    assert_eq!(puppet.wire.received(), b"hello");
    puppet.wire.connection.seal(b"and back").unwrap();
    assert_eq!(puppet.wire.next_record().unwrap(), (b"and back".to_vec(), APPLICATION_DATA));
}

#[test]
fn the_puppet_shakes_hands_after_a_retry_and_with_a_request() {
    let (mut puppet, hello) = after_retry();
    puppet.wire.message(&hello.encode()).unwrap();

    let mut puppet = after_hello();
    puppet.send_until_finished(true).unwrap();
    puppet.send_finished().unwrap();
    assert!(puppet.wire.connection.state().contains(State::HANDSHAKE_DONE));
}

#[test]
fn messages_out_of_order_are_unexpected() {
    let mut puppet = puppet();
    let result = puppet.wire.message(&handshake(ENCRYPTED_EXTENSIONS, &[0, 0]));
    puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
    for message_type in
        [CLIENT_HELLO, SERVER_HELLO, NEW_SESSION_TICKET, CERTIFICATE, FINISHED, KEY_UPDATE, 77]
    {
        let mut puppet = after_hello();
        let result = puppet.wire.message(&handshake(message_type, &[0, 0, 0]));
        puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
    }
    // After Certificate comes CertificateVerify.
    let mut puppet = after_hello();
    let (extensions, certificate) = (puppet.encrypted_extensions(), puppet.certificate());
    puppet.wire.message(&extensions).unwrap();
    puppet.wire.message(&certificate).unwrap();
    let finished = puppet.finished();
    let result = puppet.wire.message(&finished);
    puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
}

#[test]
fn a_session_id_that_is_not_echoed_is_an_illegal_parameter() {
    hello_refused(|hello| hello.session_id[31] ^= 1, Alert::ILLEGAL_PARAMETER);
    hello_refused(|hello| hello.session_id.clear(), Alert::ILLEGAL_PARAMETER);
    retry_refused(|retry| retry.session_id[0] ^= 1, Alert::ILLEGAL_PARAMETER);
}

#[test]
fn a_suite_that_was_not_offered_is_an_illegal_parameter() {
    hello_refused(|hello| hello.suite = 0x1304, Alert::ILLEGAL_PARAMETER);
    hello_refused(|hello| hello.suite = 0x002F, Alert::ILLEGAL_PARAMETER);
    retry_refused(|retry| retry.suite = 0x1304, Alert::ILLEGAL_PARAMETER);
}

#[test]
fn a_downgrade_is_noticed() {
    for ending in [0, 1] {
        hello_refused(
            |hello| {
                unset(&mut hello.extensions, SUPPORTED_VERSIONS);
                hello.random[24..].copy_from_slice(&[0x44, 0x4F, 0x57, 0x4E, 0x47, 0x52, 0x44, ending]);
            },
            Alert::ILLEGAL_PARAMETER,
        );
    }
}

#[test]
fn another_version_is_refused() {
    hello_refused(|hello| unset(&mut hello.extensions, SUPPORTED_VERSIONS), Alert::PROTOCOL_VERSION);
    for version in [[3, 3], [3, 0], [3, 5], [0x7F, 0x1C]] {
        hello_refused(
            |hello| set(&mut hello.extensions, SUPPORTED_VERSIONS, version.to_vec()),
            Alert::ILLEGAL_PARAMETER,
        );
    }
    hello_refused(|hello| hello.version = 0x0304, Alert::ILLEGAL_PARAMETER);
    // RFC 8446 §D.5.
    for version in [0x0300, 0x0200, 0] {
        hello_refused(|hello| hello.version = version, Alert::PROTOCOL_VERSION);
        retry_refused(|retry| retry.version = version, Alert::PROTOCOL_VERSION);
    }
}

#[test]
fn compression_is_an_illegal_parameter() {
    hello_refused(|hello| hello.compression = 1, Alert::ILLEGAL_PARAMETER);
}

#[test]
fn a_retry_that_changes_nothing_is_an_illegal_parameter() {
    retry_refused(|retry| unset(&mut retry.extensions, KEY_SHARE), Alert::ILLEGAL_PARAMETER);
    // A group of which it has sent a share already.
    retry_refused(
        |retry| set(&mut retry.extensions, KEY_SHARE, X25519.to_be_bytes().to_vec()),
        Alert::ILLEGAL_PARAMETER,
    );
    // A group that it has not offered.
    retry_refused(|retry| set(&mut retry.extensions, KEY_SHARE, vec![0, 0x19]), Alert::ILLEGAL_PARAMETER);
}

#[test]
fn a_second_retry_is_unexpected() {
    let mut puppet = puppet();
    let retry = puppet.retry(SECP256R1);
    puppet.send_retry(&retry).unwrap();
    let result = puppet.wire.message(&retry.encode());
    puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
}

#[test]
fn what_the_retry_said_holds() {
    // Suite, version and group of HelloRetryRequest (RFC 8446 §4.1.4, §4.2.8).
    hello_after_retry_refused(|hello| hello.suite = AES_256_GCM_SHA384, Alert::ILLEGAL_PARAMETER);
    hello_after_retry_refused(
        |hello| set(&mut hello.extensions, SUPPORTED_VERSIONS, vec![3, 5]),
        Alert::ILLEGAL_PARAMETER,
    );
    let x25519 = puppet().hello().extensions;
    hello_after_retry_refused(|hello| hello.extensions = x25519, Alert::ILLEGAL_PARAMETER);
}

#[test]
fn a_cookie_is_sent_back() {
    let mut puppet = puppet();
    let mut retry = puppet.retry(SECP256R1);
    set(&mut retry.extensions, COOKIE, vec16(b"a cookie"));
    puppet.send_retry(&retry).unwrap();
    assert_eq!(find(&puppet.offer.extensions, COOKIE), Some(&vec16(b"a cookie")[..]));
    // An empty one is malformed.
    retry_refused(|retry| set(&mut retry.extensions, COOKIE, vec![0, 0]), Alert::DECODE_ERROR);
}

#[test]
fn an_extension_that_was_not_asked_for_is_unsupported() {
    hello_refused(|hello| hello.extensions.push((PRE_SHARED_KEY, vec![0, 0])), Alert::UNSUPPORTED_EXTENSION);
    hello_refused(|hello| hello.extensions.push((0xFE0D, vec![])), Alert::UNSUPPORTED_EXTENSION);
    for (extension, data) in [(ALPN, vec16(&vec8(b"otp"))), (0xFE0D, vec![])] {
        let mut puppet = after_hello();
        let result = puppet.wire.message(&handshake(ENCRYPTED_EXTENSIONS, &extensions(&[(extension, data)])));
        puppet.wire.refused(result, Alert::UNSUPPORTED_EXTENSION);
    }
    let mut puppet = after_hello();
    let extensions = puppet.encrypted_extensions();
    puppet.wire.message(&extensions).unwrap();
    let of_entry = [(STATUS_REQUEST, vec![1, 0, 0, 0])];
    let result = puppet.wire.message(&certificate(b"", WORLD.server.certificate().to_der(), &of_entry));
    puppet.wire.refused(result, Alert::UNSUPPORTED_EXTENSION);
}

#[test]
fn an_extension_in_the_wrong_message_is_an_illegal_parameter() {
    let groups = vec16(&X25519.to_be_bytes());
    hello_refused(|hello| hello.extensions.push((SUPPORTED_GROUPS, groups)), Alert::ILLEGAL_PARAMETER);
    for extension in [KEY_SHARE, SUPPORTED_VERSIONS, SIGNATURE_ALGORITHMS, COOKIE] {
        let mut puppet = after_hello();
        let result =
            puppet.wire.message(&handshake(ENCRYPTED_EXTENSIONS, &extensions(&[(extension, vec![3, 4])])));
        puppet.wire.refused(result, Alert::ILLEGAL_PARAMETER);
    }
}

#[test]
fn an_extension_that_comes_twice_is_an_illegal_parameter() {
    hello_refused(|hello| hello.extensions.push((SUPPORTED_VERSIONS, vec![3, 4])), Alert::ILLEGAL_PARAMETER);
}

#[test]
fn a_share_of_another_group_is_an_illegal_parameter() {
    hello_refused(
        |hello| {
            let share = [vec![0, 0x19], vec16(&[4; 133])].concat();
            set(&mut hello.extensions, KEY_SHARE, share);
        },
        Alert::ILLEGAL_PARAMETER,
    );
    // Offered, but without a share to answer.
    hello_refused(
        |hello| {
            set(
                &mut hello.extensions,
                KEY_SHARE,
                [SECP256R1.to_be_bytes().to_vec(), vec16(&[4; 65])].concat(),
            )
        },
        Alert::ILLEGAL_PARAMETER,
    );
    // The octets of the right answer, under the name of another group.
    hello_refused(
        |hello| {
            let (_, share) = hello.extensions.iter_mut().find(|(kind, _)| *kind == KEY_SHARE).unwrap();
            share[..2].copy_from_slice(&SECP256R1.to_be_bytes());
        },
        Alert::ILLEGAL_PARAMETER,
    );
    hello_refused(|hello| unset(&mut hello.extensions, KEY_SHARE), Alert::MISSING_EXTENSION);
}

#[test]
fn a_share_that_is_no_point_is_an_illegal_parameter() {
    for share in [vec![0; 32], vec![1; 31], vec![]] {
        hello_refused(
            |hello| {
                set(&mut hello.extensions, KEY_SHARE, [X25519.to_be_bytes().to_vec(), vec16(&share)].concat())
            },
            if share.is_empty() { Alert::DECODE_ERROR } else { Alert::ILLEGAL_PARAMETER },
        );
    }
    let point = [SECP256R1.to_be_bytes().to_vec(), vec16(&[4; 65])].concat();
    hello_after_retry_refused(|hello| set(&mut hello.extensions, KEY_SHARE, point), Alert::ILLEGAL_PARAMETER);
}

#[test]
fn a_server_without_a_certificate_is_a_decode_error() {
    let mut puppet = after_hello();
    let extensions = puppet.encrypted_extensions();
    puppet.wire.message(&extensions).unwrap();
    let result = puppet.wire.message(&handshake(CERTIFICATE, &[0, 0, 0, 0]));
    puppet.wire.refused(result, Alert::DECODE_ERROR);
}

#[test]
fn a_context_in_the_servers_certificate_is_an_illegal_parameter() {
    let mut puppet = after_hello();
    let extensions = puppet.encrypted_extensions();
    puppet.wire.message(&extensions).unwrap();
    let result = puppet.wire.message(&certificate(b"x", WORLD.server.certificate().to_der(), &[]));
    puppet.wire.refused(result, Alert::ILLEGAL_PARAMETER);
}

/// A client that waits for CertificateVerify.
fn before_verify() -> ServerPuppet {
    let mut puppet = after_hello();
    let (extensions, certificate) = (puppet.encrypted_extensions(), puppet.certificate());
    puppet.wire.message(&extensions).unwrap();
    puppet.wire.message(&certificate).unwrap();
    puppet
}

#[test]
fn a_signature_that_does_not_verify_is_a_decrypt_error() {
    let mut puppet = before_verify();
    let verify = broken(puppet.certificate_verify());
    let result = puppet.wire.message(&verify);
    puppet.wire.refused(result, Alert::DECRYPT_ERROR);
    // The client's words in the server's mouth.
    let mut puppet = before_verify();
    let verify = certificate_verify(&WORLD.server, "client", &puppet.wire.transcript);
    let result = puppet.wire.message(&verify);
    puppet.wire.refused(result, Alert::DECRYPT_ERROR);
}

#[test]
fn a_scheme_that_was_not_offered_is_an_illegal_parameter() {
    // ecdsa_sha1, rsa_pkcs1_sha256, and one that nobody knows (RFC 8446 §4.4.3, §4.2.3).
    for scheme in [[2, 3], [4, 1], [0xFE, 0]] {
        let mut puppet = before_verify();
        let mut verify = puppet.certificate_verify();
        verify[4..6].copy_from_slice(&scheme);
        let result = puppet.wire.message(&verify);
        puppet.wire.refused(result, Alert::ILLEGAL_PARAMETER);
    }
    // A right signature of the server's key, by a scheme that this client did not offer.
    let config = config().with_verify_schemes(&[SignatureScheme::ECDSA_SECP384R1_SHA384]).unwrap();
    let mut puppet = ServerPuppet::after_hello(config, Arc::clone(&WORLD.server), NOW);
    let result = puppet.send_until_finished(false);
    puppet.wire.refused(result, Alert::ILLEGAL_PARAMETER);
}

#[test]
fn a_wrong_finished_is_a_decrypt_error() {
    for change in [4, 35] {
        let mut puppet = after_hello();
        puppet.send_until_finished(false).unwrap();
        let mut finished = puppet.finished();
        finished[change] ^= 0x80;
        let result = puppet.wire.message(&finished);
        puppet.wire.refused(result, Alert::DECRYPT_ERROR);
    }
}

#[test]
fn a_finished_of_another_length_is_a_decode_error() {
    for len in [0, 31, 33, 48] {
        let mut puppet = after_hello();
        puppet.send_until_finished(false).unwrap();
        let result = puppet.wire.message(&handshake(FINISHED, &vec![7; len]));
        puppet.wire.refused(result, Alert::DECODE_ERROR);
    }
}

#[test]
fn end_of_early_data_is_unexpected() {
    let mut puppet = established();
    let result = puppet.wire.message(&handshake(END_OF_EARLY_DATA, b""));
    puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
}

#[test]
fn a_key_update_before_finished_is_unexpected() {
    let mut puppet = after_hello();
    let result = puppet.wire.message(&handshake(KEY_UPDATE, &[0]));
    puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
}

#[test]
fn a_key_update_with_another_value_is_an_illegal_parameter() {
    for value in [2, 255] {
        let mut puppet = established();
        let result = puppet.wire.message(&handshake(KEY_UPDATE, &[value]));
        puppet.wire.refused(result, Alert::ILLEGAL_PARAMETER);
    }
    let mut puppet = established();
    puppet.wire.message(&handshake(KEY_UPDATE, &[1])).unwrap();
    puppet.wire.write = Some(puppet.wire.write.take().unwrap().next_generation());
    puppet.wire.record(APPLICATION_DATA, b"under new keys").unwrap();
    assert_eq!(puppet.wire.received(), b"under new keys");
}

#[test]
fn a_certificate_request_after_the_handshake_is_unexpected() {
    // We do not offer post_handshake_auth (RFC 8446 §4.6.2).
    let mut puppet = established();
    let request = puppet.certificate_request();
    let result = puppet.wire.message(&request);
    puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
}

#[test]
fn a_ticket_for_longer_than_a_week_or_without_octets_is_refused() {
    let mut puppet = established();
    puppet.wire.message(&new_session_ticket(604_800, b"ticket")).unwrap();
    let result = puppet.wire.message(&new_session_ticket(604_801, b"ticket"));
    puppet.wire.refused(result, Alert::ILLEGAL_PARAMETER);
    let mut puppet = established();
    let result = puppet.wire.message(&new_session_ticket(60, b""));
    puppet.wire.refused(result, Alert::DECODE_ERROR);
}

#[test]
fn a_certificate_signed_with_md5_or_sha1_is_a_bad_certificate() {
    for (authority, identity) in weak_identities() {
        let mut puppet = ServerPuppet::after_hello(ClientConfig::new(trust(&authority)), identity, NOW);
        let result = puppet.send_until_finished(false);
        puppet.wire.refused(result, Alert::BAD_CERTIFICATE);
    }
}

#[test]
fn messages_that_do_not_parse_are_decode_errors() {
    // Cut short, one octet too many, a length beyond the end.
    let mut puppet = puppet();
    let hello = puppet.hello().encode();
    for body in [&hello[4..hello.len() - 1], &[&hello[4..], &[0]].concat(), &hello[4..40]] {
        let mut puppet = self::puppet();
        let result = puppet.wire.message(&handshake(SERVER_HELLO, body));
        puppet.wire.refused(result, Alert::DECODE_ERROR);
    }
    let mut puppet = after_hello();
    let result = puppet.wire.message(&handshake(ENCRYPTED_EXTENSIONS, &[0, 5, 0, 16, 0, 9, 0]));
    puppet.wire.refused(result, Alert::DECODE_ERROR);
    let mut puppet = before_verify();
    let result = puppet.wire.message(&handshake(CERTIFICATE_VERIFY, &[4, 3, 0, 9, 0]));
    puppet.wire.refused(result, Alert::DECODE_ERROR);
}
