//! What a connection does inside, which nobody outside can see.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use crate::common::{DAY, NOW, Pair, World, bank_name, trust};
use crate::crypto::SystemRandom;
use crate::handshake::{Session, TicketKeys};
use crate::pki::{KeyType, TrustStore, VERIFIED, Validity};
use crate::{ClientAuth, ClientConfig, Connection, ServerConfig};

#[test]
fn no_signature_is_verified_again_while_nothing_has_changed() {
    let world = World::new(KeyType::EcdsaP256);
    let keys = Arc::new(TicketKeys::generate(&SystemRandom, NOW).unwrap());
    // The signatures of certificates and lists that both sides verify, and the next session.
    let connect = |trust: &TrustStore, session: Option<Session>, hours: u32| {
        let server = ServerConfig::new(Arc::clone(&world.server), ClientAuth::Require(trust.clone()));
        let server = server.with_tickets(Arc::clone(&keys), 1).unwrap();
        let client = ClientConfig::new(trust.clone()).with_identity(Arc::clone(&world.client));
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
    let store = trust(&world.authority);
    let (signatures, session) = connect(&store, None, 0);
    assert_eq!(signatures, 2, "a certificate on each side");
    let (signatures, session) = connect(&store, session, 1);
    assert_eq!(signatures, 0);
    // Somewhere else, with the same settings.
    let (signatures, session) = connect(&trust(&world.authority), session, 2);
    assert_eq!(signatures, 0);
    let mut store = store;
    let validity = Validity::new(NOW, DAY);
    store.add_crl(world.authority.issue_crl(&[], 1, validity, &SystemRandom).unwrap());
    let (signatures, session) = connect(&store, session, 3);
    assert_eq!(signatures, 3, "both certificates, and the list that both share");
    let (signatures, _) = connect(&store, session, 4);
    assert_eq!(signatures, 0);
}
