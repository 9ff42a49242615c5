//! What a connection tells of itself.

use std::sync::Arc;

use otls::TicketKeys;
use otls::crypto::SystemRandom;
use otls::pki::KeyType;

use crate::common::{NOW, Pair, World, bank_name, transfer};
use otls::{Connection, Error};

#[test]
fn a_connection_tells_its_side_identity_protocol_and_keys() {
    let world = World::new(KeyType::EcdsaP256);
    let client = world.client_config().with_alpn(&[b"otp/1"]).unwrap().with_key_log();
    let server = world.server_config().with_alpn(&[b"other", b"otp/1"]).unwrap();
    let mut pair = Pair::new(client, server).established();
    assert!(pair.server.is_server() && !pair.client.is_server());
    for side in [&pair.client, &pair.server] {
        assert_eq!(side.alpn(), Some(b"otp/1".as_slice()));
    }
    assert!(Arc::ptr_eq(pair.client.identity().unwrap(), &world.client));
    assert!(Arc::ptr_eq(pair.server.identity().unwrap(), &world.server));
    assert!(pair.client.take_key_log().unwrap().expose().starts_with(b"CLIENT_HANDSHAKE_TRAFFIC_SECRET "));
    assert!(pair.client.take_key_log().is_none() && pair.server.take_key_log().is_none());
}

#[test]
fn a_connection_tells_whether_it_resumes_and_gives_each_session_once() {
    let world = World::new(KeyType::EcdsaP256);
    let keys = Arc::new(TicketKeys::generate(&SystemRandom, NOW).unwrap());
    let server = || world.server_config().with_tickets(Arc::clone(&keys), 1).unwrap();
    let client = || world.client_config().with_sessions(1);
    let mut first = Pair::new(client(), server()).established();
    assert!(!first.client.resumed() && !first.server.resumed());
    let session = first.client.take_session().unwrap();
    assert!(first.client.take_session().is_none());
    let client = Connection::client_resuming(Arc::new(client()), bank_name(), session, NOW).unwrap();
    let second = Pair::of(client, server()).established();
    assert!(second.client.resumed() && second.server.resumed());
}

#[test]
fn a_server_exports_nothing_before_the_client_has_finished() {
    let mut pair = World::new(KeyType::EcdsaP256).pair();
    transfer(&mut pair.client, &mut pair.server).unwrap();
    let mut out = [0; 32];
    assert!(matches!(pair.server.export(b"EXPORTER-test", b"", &mut out), Err(Error::ApiMisuse(_))));
    let pair = pair.established();
    pair.server.export(b"EXPORTER-test", b"", &mut out).unwrap();
    assert_ne!(out, [0; 32]);
}

#[test]
fn a_new_key_is_announced_to_the_peer() {
    let mut pair = World::new(KeyType::EcdsaP256).pair().established();
    pair.client.update_keys(false).unwrap();
    // One record: header, a KeyUpdate of five octets, its type, and the tag (RFC 8446 §4.6.3).
    assert_eq!(pair.client.pending().len(), 5 + 5 + 1 + 16);
}
