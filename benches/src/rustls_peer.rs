//! rustls over aws-lc-rs.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use otls::crypto::SystemRandom;
use otls::pki::Identity;
use rustls::client::{ClientSessionMemoryCache, Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, Connection, HandshakeKind, ServerConfig, ServerConnection};

use crate::common::NOW;
use crate::{BATCH, Connect, Library, Operation, Setup};

pub const LIBRARY: Library = Library { full, again: full, resumed, carry, idle };

struct Pair {
    client: Connection,
    server: Connection,
    wire: Vec<u8>,
}

type Configs = (Arc<ClientConfig>, Arc<ServerConfig>);

impl Pair {
    fn connect((client, server): &Configs) -> Self {
        let name = ServerName::try_from("bank.example").unwrap();
        let client = ClientConnection::new(Arc::clone(client), name).unwrap();
        let server = ServerConnection::new(Arc::clone(server)).unwrap();
        let mut pair = Self { client: client.into(), server: server.into(), wire: Vec::new() };
        while pair.client.is_handshaking() || pair.server.is_handshaking() || pair.server.wants_write() {
            transfer(&mut pair.client, &mut pair.server, &mut pair.wire);
            transfer(&mut pair.server, &mut pair.client, &mut pair.wire);
        }
        pair
    }
}

fn transfer(from: &mut Connection, to: &mut Connection, wire: &mut Vec<u8>) {
    wire.clear();
    while from.wants_write() {
        from.write_tls(wire).unwrap();
    }
    let mut rest = wire.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest).unwrap();
        to.process_new_packets().unwrap();
    }
}

fn configs(setup: Setup<'_>, resumes: bool) -> Configs {
    let provider = provider(setup);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from(setup.world.authority.certificate().to_der())).unwrap();
    let roots = Arc::new(roots);
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider));
    let servers = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
    let (chain, key) = credentials(&setup.world.server);
    let mut server = ServerConfig::builder_with_details(Arc::clone(&provider), Arc::new(TestTime))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(chain, key)
        .unwrap();
    // As ours: one ticket, and nothing remembered.
    server.send_tls13_tickets = 1;
    let (chain, key) = credentials(&setup.world.client);
    let mut client = ClientConfig::builder_with_details(provider, Arc::new(TestTime))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_webpki_verifier(servers.build().unwrap())
        .with_client_auth_cert(chain, key)
        .unwrap();
    if resumes {
        server.ticketer = aws_lc_rs::Ticketer::new().unwrap();
        client.resumption = Resumption::store(Arc::new(ClientSessionMemoryCache::new(1)));
    } else {
        client.resumption = Resumption::disabled();
    }
    (Arc::new(client), Arc::new(server))
}

fn full(setup: Setup<'_>) -> Option<Operation> {
    let configs = configs(setup, false);
    Some(Box::new(move || drop(Pair::connect(&configs))))
}

fn resumed(setup: Setup<'_>) -> Option<Operation> {
    let configs = configs(setup, true);
    Pair::connect(&configs);
    Some(Box::new(move || {
        let pair = Pair::connect(&configs);
        assert_eq!(pair.client.handshake_kind(), Some(HandshakeKind::Resumed));
    }))
}

fn carry(setup: Setup<'_>, size: usize) -> Option<Operation> {
    if setup.suite.0 >= 0xFF00 {
        return None;
    }
    let mut pair = Pair::connect(&configs(setup, false));
    let (data, mut into) = (vec![7; size], vec![0; size]);
    Some(Box::new(move || {
        pair.client.writer().write_all(&data).unwrap();
        transfer(&mut pair.client, &mut pair.server, &mut pair.wire);
        pair.server.reader().read_exact(&mut into).unwrap();
    }))
}

/// Short messages, each in its own record, in one turn.
pub fn carry_batch(setup: Setup<'_>) -> Option<Operation> {
    if setup.suite.0 >= 0xFF00 {
        return None;
    }
    let mut pair = Pair::connect(&configs(setup, false));
    let (data, mut into) = ([7; 72], [0; 72 * BATCH]);
    Some(Box::new(move || {
        for _ in 0..BATCH {
            pair.client.writer().write_all(&data).unwrap();
        }
        transfer(&mut pair.client, &mut pair.server, &mut pair.wire);
        pair.server.reader().read_exact(&mut into).unwrap();
    }))
}

fn idle(setup: Setup<'_>) -> Option<Connect> {
    let configs = configs(setup, false);
    Some(Box::new(move || {
        let mut pair = Pair::connect(&configs);
        // The wire is the measurement's, not the connection's.
        pair.wire = Vec::new();
        Box::new(pair)
    }))
}

fn provider(setup: Setup<'_>) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|theirs| u16::from(theirs.suite()) == setup.suite.0);
    let is_group = |theirs: &&dyn SupportedKxGroup| u16::from(theirs.name()) == setup.group.0;
    provider.kx_groups.retain(is_group);
    Arc::new(provider)
}

fn credentials(identity: &Identity) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let chain = identity.chain().iter().map(|certificate| certificate.to_der().to_vec().into()).collect();
    let key = identity.key().to_der(None, &SystemRandom).unwrap();
    (chain, PrivateKeyDer::try_from(key.expose().to_vec()).unwrap())
}

#[derive(Debug)]
struct TestTime;

impl TimeProvider for TestTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(NOW.0)))
    }
}
