//! rustls (over aws-lc-rs) as the peer, in memory: the hybrid group, both directions, client
//! certificates, every suite that both have.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use crate::common::{NOW, World, bank_name, read};
use otls::codepoints::{CipherSuite, NamedGroup};
use otls::crypto::SystemRandom;
use otls::pki::{Identity, KeyType};
use otls::{ClientConfig, Connection, SUPPORTED_SUITES, ServerConfig, State};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::time_provider::TimeProvider;

const KEY_TYPES: [KeyType; 4] = [KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::Ed25519, KeyType::Rsa2048];

#[test]
fn our_client_and_rustls_agree_on_the_hybrid_group() {
    for key_type in KEY_TYPES {
        let world = World::new(key_type);
        let mut pair = Pair::with_their_server(&world, world.client_config(), provider());
        pair.establish();
        assert_eq!(pair.ours.group(), Some(NamedGroup::X25519MLKEM768));
        assert_eq!(pair.their_group(), rustls::NamedGroup::X25519MLKEM768);
        pair.talk();
    }
}

#[test]
fn our_server_and_rustls_agree_on_the_hybrid_group() {
    for key_type in KEY_TYPES {
        let world = World::new(key_type);
        let mut pair = Pair::with_their_client(&world, world.server_config(), provider());
        pair.establish();
        assert_eq!(pair.ours.group(), Some(NamedGroup::X25519MLKEM768));
        assert_eq!(pair.their_group(), rustls::NamedGroup::X25519MLKEM768);
        pair.talk();
    }
}

#[test]
fn every_suite_and_group_of_rustls_works_in_both_directions() {
    let world = World::new(KeyType::EcdsaP256);
    for suite in provider().cipher_suites.into_iter().filter(|suite| suite.tls13().is_some()) {
        let expected = CipherSuite(suite.suite().into());
        for group in provider().kx_groups {
            let only = || CryptoProvider { cipher_suites: vec![suite], kx_groups: vec![group], ..provider() };
            let pairs = [
                Pair::with_their_server(&world, world.client_config(), only()),
                Pair::with_their_client(&world, world.server_config(), only()),
            ];
            for mut pair in pairs {
                pair.establish();
                assert_eq!(pair.ours.suite(), Some(expected));
                assert_eq!(pair.ours.group(), Some(NamedGroup(group.name().into())));
                pair.talk();
            }
        }
    }
}

#[test]
fn a_hello_retry_request_for_the_hybrid_group_works_in_both_directions() {
    let world = World::new(KeyType::EcdsaP256);
    let hybrid_last = [NamedGroup::X25519, NamedGroup::X25519MLKEM768];
    let hybrid = rustls::NamedGroup::X25519MLKEM768;

    let only_hybrid = CryptoProvider { kx_groups: vec![aws_lc_rs::kx_group::X25519MLKEM768], ..provider() };
    let config = world.client_config().with_groups(&hybrid_last).unwrap();
    let mut pair = Pair::with_their_server(&world, config, only_hybrid);
    pair.establish();
    assert_eq!(pair.theirs.handshake_kind(), Some(rustls::HandshakeKind::FullWithHelloRetryRequest));
    assert_eq!(pair.their_group(), hybrid);

    let classical_first = CryptoProvider {
        kx_groups: vec![aws_lc_rs::kx_group::X25519, aws_lc_rs::kx_group::X25519MLKEM768],
        ..provider()
    };
    let config = world.server_config().with_groups(&[NamedGroup::X25519MLKEM768]).unwrap();
    let mut pair = Pair::with_their_client(&world, config, classical_first);
    pair.establish();
    assert_eq!(pair.theirs.handshake_kind(), Some(rustls::HandshakeKind::FullWithHelloRetryRequest));
    assert_eq!(pair.their_group(), hybrid);
}

#[test]
fn keys_that_either_side_replaces_are_followed() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = Pair::with_their_client(&world, world.server_config(), provider());
    pair.establish();
    for _ in 0..3 {
        let rustls::Connection::Client(client) = &mut pair.theirs else { panic!("theirs is the client") };
        client.refresh_traffic_keys().unwrap();
        pair.talk();
    }
}

#[test]
fn close_notify_is_understood_in_both_directions() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = Pair::with_their_server(&world, world.client_config(), provider());
    pair.establish();
    pair.ours.close();
    pair.pump();
    assert!(pair.theirs.process_new_packets().unwrap().peer_has_closed());
    pair.theirs.writer().write_all(b"still open this way").unwrap();
    assert_eq!(pair.pump()[0], b"still open this way");

    let mut pair = Pair::with_their_server(&world, world.client_config(), provider());
    pair.establish();
    pair.theirs.send_close_notify();
    pair.pump();
    assert!(pair.ours.state().contains(State::CLOSED));
    assert_eq!(pair.ours.feed_end(), Ok(()));
}

#[test]
fn private_suites_that_are_offered_first_do_not_disturb_a_peer_that_does_not_know_them() {
    let world = World::new(KeyType::EcdsaP256);
    let mut private_first = SUPPORTED_SUITES.to_vec();
    private_first.reverse();
    let config = world.client_config().with_suites(&private_first).unwrap();
    let mut pair = Pair::with_their_server(&world, config, provider());
    pair.establish();
    assert!(pair.ours.suite().is_some_and(|suite| suite.0 < 0xFF00));
    pair.talk();
}

/// One connection of each library, joined in memory.
struct Pair {
    ours: Connection,
    theirs: rustls::Connection,
}

impl Pair {
    fn with_their_server(world: &World, ours: ClientConfig, provider: CryptoProvider) -> Self {
        let provider = Arc::new(provider);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots(world), Arc::clone(&provider));
        let (chain, key) = credentials(&world.server);
        let config = rustls::ServerConfig::builder_with_details(provider, Arc::new(TestTime))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(chain, key)
            .unwrap();
        Self {
            ours: Connection::client(Arc::new(ours), bank_name(), NOW).unwrap(),
            theirs: rustls::ServerConnection::new(Arc::new(config)).unwrap().into(),
        }
    }

    fn with_their_client(world: &World, ours: ServerConfig, provider: CryptoProvider) -> Self {
        let provider = Arc::new(provider);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots(world), Arc::clone(&provider));
        let (chain, key) = credentials(&world.client);
        let config = rustls::ClientConfig::builder_with_details(provider, Arc::new(TestTime))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_webpki_verifier(verifier.build().unwrap())
            .with_client_auth_cert(chain, key)
            .unwrap();
        let name = ServerName::try_from("bank.example").unwrap();
        Self {
            ours: Connection::server(Arc::new(ours)),
            theirs: rustls::ClientConnection::new(Arc::new(config), name).unwrap().into(),
        }
    }

    fn establish(&mut self) {
        self.pump();
        assert!(!self.theirs.is_handshaking());
        assert!(self.ours.state().contains(State::HANDSHAKE_DONE));
        // rustls, too, sends its tickets only after the client's Finished.
        assert!(self.ours.state().contains(State::CONFIRMED));
    }

    /// Several records one way, a short one the other.
    fn talk(&mut self) {
        let question: Vec<u8> = (0..40_000_u32).map(|number| number.to_be_bytes()[3]).collect();
        self.ours.seal(&question).unwrap();
        assert_eq!(self.pump(), [Vec::new(), question.clone()]);
        self.theirs.writer().write_all(b"256345").unwrap();
        assert_eq!(self.pump(), [b"256345".to_vec(), Vec::new()]);
    }

    /// Carries bytes both ways until nothing moves; what our and what their side received.
    fn pump(&mut self) -> [Vec<u8>; 2] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        loop {
            let mut moved = false;
            while !self.ours.pending().is_empty() {
                let taken = self.theirs.read_tls(&mut self.ours.pending()).unwrap();
                self.ours.consume(taken);
                let state = self.theirs.process_new_packets().unwrap();
                let mut plaintext = vec![0; state.plaintext_bytes_to_read()];
                self.theirs.reader().read_exact(&mut plaintext).unwrap();
                theirs.extend(plaintext);
                moved = true;
            }
            let mut bytes = Vec::new();
            while self.theirs.wants_write() {
                self.theirs.write_tls(&mut bytes).unwrap();
            }
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let taken = self.ours.feed(rest, NOW).unwrap();
                rest = &rest[taken..];
                ours.extend(read(&mut self.ours));
                moved = true;
            }
            if !moved {
                return [ours, theirs];
            }
        }
    }

    fn their_group(&self) -> rustls::NamedGroup {
        self.theirs.negotiated_key_exchange_group().unwrap().name()
    }
}

fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

fn roots(world: &World) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(world.authority.certificate().to_der().to_vec())).unwrap();
    Arc::new(roots)
}

fn credentials(identity: &Identity) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let chain = identity.chain().iter().map(|certificate| certificate.to_der().to_vec().into()).collect();
    let key = identity.key().to_der(None, &SystemRandom).unwrap();
    (chain, PrivateKeyDer::try_from(key.expose().to_vec()).unwrap())
}

/// The time of all tests, for rustls.
#[derive(Debug)]
struct TestTime;

impl TimeProvider for TestTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(NOW.0)))
    }
}
