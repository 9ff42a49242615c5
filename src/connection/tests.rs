//! What a connection does inside, which nobody outside can see.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use crate::common::{DAY, NOW, Pair, World, bank_name, deliver, transfer, trust};
use crate::crypto::SystemRandom;
use crate::handshake::{Session, TicketKeys};
use crate::pki::{Crl, KeyType, VERIFIED, Validity};
use crate::{ClientAuth, ClientConfig, Connection, ServerConfig};

#[test]
fn no_signature_is_verified_again_while_nothing_has_changed() {
    let world = World::new(KeyType::EcdsaP256);
    let keys = Arc::new(TicketKeys::generate(&SystemRandom, NOW).unwrap());
    // A store of the same settings that has seen no signature yet.
    let fresh = |list: Option<&Crl>| {
        let mut store = trust(&world.authority);
        list.into_iter().for_each(|list| store.add_crl(list.clone()));
        store
    };
    // The signatures of certificates and lists that both sides verify, and the next session.
    let connect = |list: Option<&Crl>, session: Option<Session>, hours: u32| {
        let server = ServerConfig::new(Arc::clone(&world.server), ClientAuth::Require(fresh(list)));
        let server = server.with_tickets(Arc::clone(&keys), 1).unwrap();
        let client = ClientConfig::new(fresh(list)).with_identity(Arc::clone(&world.client));
        let (client, now) = (Arc::new(client.with_sessions(1)), NOW.plus(hours * Duration::from_secs(3_600)));
        let (before, resumes) = (VERIFIED.get(), session.is_some());
        let client = match session {
            Some(session) => Connection::client_resuming(client, bank_name(), session, now).unwrap(),
            None => Connection::client(client, bank_name(), now).unwrap(),
        };
        let mut pair = Pair { now, ..Pair::of(client, server) }.established();
        assert_eq!(pair.server.resumed(), resumes);
        (VERIFIED.get() - before, pair.client.take_session())
    };
    let (signatures, session) = connect(None, None, 0);
    assert_eq!(signatures, 2, "a certificate on each side");
    let (signatures, session) = connect(None, session, 1);
    assert_eq!(signatures, 0);
    let list = world.authority.issue_crl(&[], 1, Validity::new(NOW, DAY), &SystemRandom).unwrap();
    let (signatures, session) = connect(Some(&list), session, 2);
    assert_eq!(signatures, 3, "both certificates, and the list that both share");
    let (signatures, _) = connect(Some(&list), session, 3);
    assert_eq!(signatures, 0);
}

#[test]
fn an_established_connection_has_buffers_from_its_first_data_on() {
    let Pair { mut client, mut server, .. } = World::new(KeyType::EcdsaP256).pair().established();
    let buffers = |connection: &Connection| (connection.deframer.capacity(), connection.out.capacity());
    assert_eq!((buffers(&client), buffers(&server)), ((0, 0), (0, 0)));
    assert_eq!(deliver(&mut client, &mut server, b"256345"), b"256345");
    let ((_, sent), (received, _)) = (buffers(&client), buffers(&server));
    assert!(sent > 0 && received > 0, "messages that follow allocate nothing");
    // And a message that is none of data does not take them away.
    client.update_keys(false).unwrap();
    transfer(&mut client, &mut server).unwrap();
    assert_eq!((buffers(&client).1, buffers(&server).0), (sent, received));
}

#[test]
fn a_connection_is_small() {
    // A server holds one for each client that is connected, most of them idle.
    assert!(size_of::<Connection>() <= 472, "{}", size_of::<Connection>());
}
