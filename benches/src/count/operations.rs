//! The handshakes and the records that are counted, each side apart. Keys, random octets and the time are the same
//! in each run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use otls::codepoints::{CipherSuite, NamedGroup};
use otls::crypto::Random;
use otls::crypto::hash::HashAlgorithm;
use otls::pki::{
    Authority, CertificateRequest, DistinguishedName, GeneralName, Identity, KeyType, PrivateKey, Profile,
    Validity,
};
use otls::{ClientConfig, Config, Connection, ServerConfig, Session, State, TicketKeys};

use crate::common::{DAY, NOW, World, bank_name};
use crate::measured::{Side, row};

pub fn all() {
    let [ecdsa, rsa] = [KeyType::EcdsaP256, KeyType::Rsa2048].map(world);
    let (classic, hybrid) = (NamedGroup::X25519, NamedGroup::X25519MLKEM768);
    for (name, world) in [("ECDSA P-256", &ecdsa), ("RSA 2048", &rsa)] {
        for group in [classic, hybrid] {
            let configs = configs(world, SUITES[0], &[group], &[group]);
            let full = |side| drop(connect(&configs, None, side));
            both(&format!("full handshake, {name}, {group}"), full);
        }
        let configs = configs(world, SUITES[0], &[classic], &[classic]);
        let mut session = connect(&configs, None, Side::Nobody).client.take_session();
        both(&format!("resumed handshake, {name}, {classic}"), |side| {
            let mut pair = connect(&configs, session.take(), side);
            assert!(pair.client.resumed());
            session = side.on(Side::Client, || pair.client.take_session());
        });
    }
    let retried = configs(&ecdsa, SUITES[0], &[classic, NamedGroup::SECP256R1], &[NamedGroup::SECP256R1]);
    both("full handshake with HelloRetryRequest, ECDSA P-256, secp256r1", |side| {
        assert!(connect(&retried, None, side).client.retried());
    });
    for suite in SUITES {
        let configs = configs(&ecdsa, suite, &[classic], &[classic]);
        for size in [16_384, 72] {
            records(&configs, &format!("{size} octets, {suite}"), size);
        }
    }
}

const SUITES: [CipherSuite; 6] = [
    CipherSuite::TLS_AES_128_GCM_SHA256,
    CipherSuite::TLS_AES_256_GCM_SHA384,
    CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
    CipherSuite::OTLS_AES_128_CBC_HMAC_SHA256,
    CipherSuite::OTLS_AES_256_CBC_HMAC_SHA384,
    CipherSuite::OTLS_CHACHA20_POLY1305_SHA384,
];

fn both(name: &str, mut operation: impl FnMut(Side)) {
    row(&format!("{name}: client"), Side::Client, &mut operation);
    row(&format!("{name}: server"), Side::Server, &mut operation);
}

/// The client seals and the server opens.
fn records(configs: &Configs, name: &str, size: usize) {
    let mut pair = connect(configs, None, Side::Nobody);
    let (data, mut into) = (vec![7; size], vec![0; size]);
    let mut carry = |side: Side| {
        side.on(Side::Client, || pair.client.seal(&data).unwrap());
        let taken = side.on(Side::Server, || pair.server.feed(pair.client.pending(), NOW).unwrap());
        side.on(Side::Client, || pair.client.consume(taken));
        assert_eq!(side.on(Side::Server, || pair.server.read(&mut into)), size);
    };
    row(&format!("record sealed, {name}"), Side::Client, &mut carry);
    row(&format!("record opened, {name}"), Side::Server, &mut carry);
}

struct Pair {
    client: Connection,
    server: Connection,
}

type Configs = (Arc<ClientConfig>, Arc<ServerConfig>);

/// A handshake, and the end of its connections where `side` does all of it.
fn connect(configs: &Configs, session: Option<Session>, side: Side) -> Pair {
    let (client, server) = (Arc::clone(&configs.0), Arc::clone(&configs.1));
    let name = bank_name();
    let client = side.on(Side::Client, || match session {
        Some(session) => Connection::client_resuming(client, name, session, NOW).unwrap(),
        None => Connection::client(client, name, NOW).unwrap(),
    });
    let server = side.on(Side::Server, || Connection::server(server));
    let mut pair = Pair { client, server };
    while !pair.client.state().contains(State::CONFIRMED) {
        let taken = side.on(Side::Server, || pair.server.feed(pair.client.pending(), NOW).unwrap());
        side.on(Side::Client, || pair.client.consume(taken));
        let taken = side.on(Side::Client, || pair.client.feed(pair.server.pending(), NOW).unwrap());
        side.on(Side::Server, || pair.server.consume(taken));
    }
    pair
}

fn configs(
    world: &World,
    suite: CipherSuite,
    client_groups: &[NamedGroup],
    server_groups: &[NamedGroup],
) -> Configs {
    let client = only(world.client_config(), suite, client_groups).with_sessions(1);
    let keys = TicketKeys::generate(&Fixed::new(), NOW).unwrap();
    let server = only(world.server_config(), suite, server_groups).with_tickets(Arc::new(keys), 1).unwrap();
    (Arc::new(client), Arc::new(server))
}

fn only<S>(config: Config<S>, suite: CipherSuite, groups: &[NamedGroup]) -> Config<S> {
    let config = config.with_suites(&[suite]).unwrap().with_groups(groups).unwrap();
    config.with_random(Arc::new(Fixed::new()))
}

/// As the tests' world, of the same keys each time. RSA keys take long to make: both sides have the one of the
/// tests' vectors.
fn world(key_type: KeyType) -> World {
    let random = Fixed::new();
    let key = |key_type| match key_type {
        KeyType::Rsa2048 => PrivateKey::load(RSA.as_bytes(), None).unwrap(),
        _ => PrivateKey::generate(key_type, &random).unwrap(),
    };
    let subject = DistinguishedName::with_common_name("otls test root");
    let validity = Validity::new(NOW, 365 * DAY);
    let hash = HashAlgorithm::Sha256;
    let authority = Authority::create(key(KeyType::EcdsaP256), &subject, hash, validity, &random).unwrap();
    let identity = |name: &str, profile| {
        let (key, subject) = (key(key_type), DistinguishedName::with_common_name(name));
        let names = [GeneralName::parse(name).unwrap()];
        let request = CertificateRequest::create(&key, &subject, &names, hash, &random).unwrap();
        let certificate = authority.issue(&request, profile, Validity::new(NOW, DAY), &random).unwrap();
        Arc::new(Identity::new(certificate.into(), key).unwrap())
    };
    let server = identity("bank.example", Profile::Server);
    let client = identity("customer.example", Profile::Client);
    World { authority, server, client }
}

const RSA: &str = include_str!("../../../tests/vectors/keys/rsa.pem");

/// SplitMix64 from the same start: the same octets in each run. Not for anything else.
struct Fixed(AtomicU64);

impl Fixed {
    fn new() -> Self {
        Self(AtomicU64::new(0))
    }
}

impl Random for Fixed {
    fn fill(&self, out: &mut [u8]) -> otls::Result<()> {
        for chunk in out.chunks_mut(8) {
            let state = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Relaxed);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}
