//! `make bench`: otls against rustls over aws-lc-rs, both in memory, in one run on one core.
//!
//! The numbers of two machines cannot be compared; the ratio in the last column can. Each row is
//! measured in turns, so that what disturbs the machine disturbs both libraries.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::as_conversions, clippy::indexing_slicing)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{NOW, World, bank_name};
use otls::codepoints::{CipherSuite, NamedGroup};
use otls::crypto::{Engine, SystemRandom};
use otls::pki::{Identity, KeyType};
use otls::{Config, Connection, State};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::time_provider::TimeProvider;

/// How long one library is measured in one turn.
const TURN: Duration = Duration::from_millis(250);
const TURNS: usize = 6;

fn main() {
    println!("engine: {:?}; both sides of each connection on one core", Engine::detect());
    println!("{:<76} {:>12} {:>12} {:>7}", "", "otls", "rustls", "ratio");
    for (name, key_type) in [("ECDSA P-256", KeyType::EcdsaP256), ("RSA 2048", KeyType::Rsa2048)] {
        let world = World::new(key_type);
        for group in [NamedGroup::X25519, NamedGroup::X25519MLKEM768] {
            let ours = Otls::new(&world, CipherSuite::TLS_AES_128_GCM_SHA256, group);
            let theirs = Rustls::new(&world, CipherSuite::TLS_AES_128_GCM_SHA256, group);
            let row = format!("full mutual handshakes per second, {name}, {group}");
            compare(&row, 1.0, || drop(ours.connect()), || drop(theirs.connect()));
        }
    }
    let world = World::new(KeyType::EcdsaP256);
    for suite in [
        CipherSuite::TLS_AES_128_GCM_SHA256,
        CipherSuite::TLS_AES_256_GCM_SHA384,
        CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
    ] {
        for size in [16_384, 72] {
            let mut ours = Otls::new(&world, suite, NamedGroup::X25519).connect();
            let mut theirs = Rustls::new(&world, suite, NamedGroup::X25519).connect();
            let data = vec![7; size];
            let mut into = vec![0; size];
            let mut into_theirs = into.clone();
            let (unit, scale) = if size == 72 { ("thousands", 1e-3) } else { ("MB", size as f64 * 1e-6) };
            let row = format!("{unit} per second, seal and open of {size} octets, {suite}");
            compare(&row, scale, || ours.carry(&data, &mut into), || theirs.carry(&data, &mut into_theirs));
        }
    }
}

/// Prints operations per second times `scale`, the best turn of each.
fn compare(row: &str, scale: f64, mut ours: impl FnMut(), mut theirs: impl FnMut()) {
    let (mut best_ours, mut best_theirs) = (0.0_f64, 0.0_f64);
    for _ in 0..TURNS {
        best_ours = best_ours.max(rate(&mut ours));
        best_theirs = best_theirs.max(rate(&mut theirs));
    }
    let ratio = best_ours / best_theirs;
    println!("{row:<76} {:>12.0} {:>12.0} {ratio:>7.2}", best_ours * scale, best_theirs * scale);
}

fn rate(operation: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut count = 0.0;
    while start.elapsed() < TURN {
        operation();
        count += 1.0;
    }
    count / start.elapsed().as_secs_f64()
}

struct Otls {
    client: Arc<Config>,
    server: Arc<Config>,
}

impl Otls {
    fn new(world: &World, suite: CipherSuite, group: NamedGroup) -> Self {
        let only =
            |config: Config| Arc::new(config.with_suites(&[suite]).unwrap().with_groups(&[group]).unwrap());
        Self { client: only(world.client_config()), server: only(world.server_config()) }
    }

    fn connect(&self) -> OtlsPair {
        let client = Connection::client(Arc::clone(&self.client), bank_name(), NOW).unwrap();
        let server = Connection::server(Arc::clone(&self.server), NOW).unwrap();
        let mut pair = OtlsPair { client, server };
        while !pair.client.state().contains(State::CONFIRMED) {
            OtlsPair::transfer(&mut pair.client, &mut pair.server);
            OtlsPair::transfer(&mut pair.server, &mut pair.client);
        }
        pair
    }
}

struct OtlsPair {
    client: Connection,
    server: Connection,
}

impl OtlsPair {
    fn transfer(from: &mut Connection, to: &mut Connection) {
        let taken = to.feed(from.pending()).unwrap();
        from.consume(taken);
    }

    fn carry(&mut self, data: &[u8], into: &mut [u8]) {
        self.client.seal(data).unwrap();
        Self::transfer(&mut self.client, &mut self.server);
        assert_eq!(self.server.open(into), data.len());
    }
}

struct Rustls {
    client: Arc<rustls::ClientConfig>,
    server: Arc<rustls::ServerConfig>,
}

impl Rustls {
    fn new(world: &World, suite: CipherSuite, group: NamedGroup) -> Self {
        let provider = provider(suite, group);
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(world.authority.certificate().to_der())).unwrap();
        let roots = Arc::new(roots);
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider));
        let servers = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
        let (chain, key) = credentials(&world.server);
        let mut server =
            rustls::ServerConfig::builder_with_details(Arc::clone(&provider), Arc::new(TestTime))
                .with_protocol_versions(&[&rustls::version::TLS13])
                .unwrap()
                .with_client_cert_verifier(clients.build().unwrap())
                .with_single_cert(chain, key)
                .unwrap();
        // As ours: one ticket, and nothing remembered.
        server.send_tls13_tickets = 1;
        let (chain, key) = credentials(&world.client);
        let mut client = rustls::ClientConfig::builder_with_details(provider, Arc::new(TestTime))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_webpki_verifier(servers.build().unwrap())
            .with_client_auth_cert(chain, key)
            .unwrap();
        client.resumption = Resumption::disabled();
        Self { client: Arc::new(client), server: Arc::new(server) }
    }

    fn connect(&self) -> RustlsPair {
        let name = ServerName::try_from("bank.example").unwrap();
        let client = rustls::ClientConnection::new(Arc::clone(&self.client), name).unwrap();
        let server = rustls::ServerConnection::new(Arc::clone(&self.server)).unwrap();
        let mut pair = RustlsPair { client: client.into(), server: server.into(), wire: Vec::new() };
        while pair.client.is_handshaking() || pair.server.is_handshaking() || pair.server.wants_write() {
            RustlsPair::transfer(&mut pair.client, &mut pair.server, &mut pair.wire);
            RustlsPair::transfer(&mut pair.server, &mut pair.client, &mut pair.wire);
        }
        pair
    }
}

struct RustlsPair {
    client: rustls::Connection,
    server: rustls::Connection,
    wire: Vec<u8>,
}

impl RustlsPair {
    fn transfer(from: &mut rustls::Connection, to: &mut rustls::Connection, wire: &mut Vec<u8>) {
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

    fn carry(&mut self, data: &[u8], into: &mut [u8]) {
        self.client.writer().write_all(data).unwrap();
        Self::transfer(&mut self.client, &mut self.server, &mut self.wire);
        self.server.reader().read_exact(into).unwrap();
    }
}

fn provider(suite: CipherSuite, group: NamedGroup) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|theirs| u16::from(theirs.suite()) == suite.0);
    let is_group = |theirs: &&dyn SupportedKxGroup| u16::from(theirs.name()) == group.0;
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
