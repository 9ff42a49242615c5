//! otls.

use std::sync::Arc;

use otls::codepoints::{CipherSuite, NamedGroup, SignatureScheme};
use otls::crypto::SystemRandom;
use otls::crypto::aead::{AeadAlgorithm, AeadKey};
use otls::crypto::kx::{self, KeyExchange};
use otls::crypto::sign::KeyAlgorithm;
use otls::pki::{Identity, PrivateKey, Profile};
use otls::{ClientAuth, ClientConfig, Config, Connection, ServerConfig, Session, State, TicketKeys};

use crate::common::{NOW, bank_name, issue, trust};
use crate::{BATCH, Connect, Library, Operation, Setup};

pub const LIBRARY: Library = Library { full, again, resumed, carry, idle };

struct Pair {
    client: Connection,
    server: Connection,
}

impl Pair {
    fn connect(configs: &(Arc<ClientConfig>, Arc<ServerConfig>), session: Option<Session>) -> Self {
        let (client, server) = (Arc::clone(&configs.0), Arc::clone(&configs.1));
        let client = match session {
            Some(session) => Connection::client_resuming(client, bank_name(), session, NOW),
            None => Connection::client(client, bank_name(), NOW),
        };
        let mut pair = Self { client: client.unwrap(), server: Connection::server(server) };
        while !pair.client.state().contains(State::CONFIRMED) {
            transfer(&mut pair.client, &mut pair.server);
            transfer(&mut pair.server, &mut pair.client);
        }
        pair
    }
}

fn transfer(from: &mut Connection, to: &mut Connection) {
    let taken = to.feed(from.pending(), NOW).unwrap();
    from.consume(taken);
}

fn configs(setup: Setup<'_>, tickets: usize) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
    let client = only(setup.suite, setup.group, setup.world.client_config()).with_sessions(tickets);
    let mut server = only(setup.suite, setup.group, setup.world.server_config());
    if tickets > 0 {
        let keys = TicketKeys::generate(&SystemRandom, NOW).unwrap();
        server = server.with_tickets(Arc::new(keys), tickets).unwrap();
    }
    (Arc::new(client), Arc::new(server))
}

/// With the suite and the group that are measured.
fn only<S>(suite: CipherSuite, group: NamedGroup, config: Config<S>) -> Config<S> {
    config.with_suites(&[suite]).unwrap().with_groups(&[group]).unwrap()
}

/// More certificates than a trust store remembers, each shown in its turn.
fn full(setup: Setup<'_>) -> Option<Operation> {
    let (world, key) = (setup.world, setup.world.server.key().to_der(None, &SystemRandom).unwrap());
    let identity = |name: &str, profile| {
        let key = PrivateKey::load(key.expose(), None).unwrap();
        let certificate = issue(&world.authority, &key, name, profile);
        Arc::new(Identity::new(certificate.into(), key).unwrap())
    };
    let trust = trust(&world.authority);
    let mut configs = (0..CERTIFICATES)
        .map(|_| {
            let client =
                ClientConfig::new(trust.clone()).with_identity(identity("customer.example", Profile::Client));
            let server = identity("bank.example", Profile::Server);
            let server = ServerConfig::new(server, ClientAuth::Require(trust.clone()));
            (
                Arc::new(only(setup.suite, setup.group, client)),
                Arc::new(only(setup.suite, setup.group, server)),
            )
        })
        .collect::<Vec<_>>()
        .into_iter()
        .cycle();
    Some(Box::new(move || drop(Pair::connect(&configs.next().unwrap(), None))))
}

/// Of each side; the store of both remembers half as many at most.
const CERTIFICATES: usize = 1024;

fn again(setup: Setup<'_>) -> Option<Operation> {
    let configs = configs(setup, 0);
    Some(Box::new(move || drop(Pair::connect(&configs, None))))
}

fn resumed(setup: Setup<'_>) -> Option<Operation> {
    let configs = configs(setup, 1);
    let mut session = Pair::connect(&configs, None).client.take_session();
    Some(Box::new(move || {
        let mut pair = Pair::connect(&configs, session.take());
        assert!(pair.client.resumed());
        session = pair.client.take_session();
    }))
}

fn carry(setup: Setup<'_>, size: usize) -> Option<Operation> {
    let mut pair = Pair::connect(&configs(setup, 0), None);
    let (data, mut into) = (vec![7; size], vec![0; size]);
    Some(Box::new(move || {
        pair.client.seal(&data).unwrap();
        transfer(&mut pair.client, &mut pair.server);
        assert_eq!(pair.server.read(&mut into), data.len());
    }))
}

/// Sealed into one buffer, opened in it.
pub fn carry_in_place(setup: Setup<'_>, size: usize) -> Operation {
    let mut pair = Pair::connect(&configs(setup, 0), None);
    let (data, mut wire) = (vec![7; size], Vec::new());
    Box::new(move || {
        wire.clear();
        pair.client.seal_into(&data, &mut wire).unwrap();
        assert_eq!(pair.server.feed_in_place(&mut wire, NOW).unwrap().plaintext.len(), data.len());
    })
}

/// Short messages, each in its own record, in one call on each side.
pub fn carry_batch(setup: Setup<'_>) -> Operation {
    let mut pair = Pair::connect(&configs(setup, 0), None);
    let (data, mut wire) = ([7; 72], Vec::new());
    Box::new(move || {
        pair.client.seal_messages([&data[..]; BATCH]).unwrap();
        wire.clear();
        wire.extend_from_slice(pair.client.pending());
        pair.client.consume(wire.len());
        let fed = pair.server.feed_in_place(&mut wire, NOW).unwrap();
        assert_eq!(fed.plaintext.len(), data.len() * BATCH);
    })
}

fn idle(setup: Setup<'_>) -> Option<Connect> {
    let configs = configs(setup, 0);
    Some(Box::new(move || Box::new(Pair::connect(&configs, None))))
}

/// The key exchange of both sides; with `signatures`, those of both and the verification of two by each.
pub fn raw_handshake(setup: Setup<'_>, signatures: bool) -> Operation {
    let identity = Arc::clone(&setup.world.server);
    let key = identity.certificate().public_key();
    let scheme = match key.algorithm() {
        KeyAlgorithm::Rsa { .. } => SignatureScheme::RSA_PSS_RSAE_SHA256,
        _ => SignatureScheme::ECDSA_SECP256R1_SHA256,
    };
    // The authorities of all setups have keys of P-256.
    let authority = setup.world.authority.certificate().public_key().clone();
    let by_authority = setup
        .world
        .authority
        .key()
        .sign(SignatureScheme::ECDSA_SECP256R1_SHA256, b"certificate", &SystemRandom)
        .unwrap();
    let group = setup.group;
    Box::new(move || {
        let client = KeyExchange::start(group, &SystemRandom).unwrap();
        let (share, _) = kx::respond(group, client.public_share(), &SystemRandom).unwrap();
        client.finish(&share).unwrap();
        if !signatures {
            return;
        }
        for _ in 0..2 {
            let signature = identity.key().sign(scheme, b"transcript", &SystemRandom).unwrap();
            identity.certificate().public_key().verify(scheme, b"transcript", &signature).unwrap();
            authority.verify(SignatureScheme::ECDSA_SECP256R1_SHA256, b"certificate", &by_authority).unwrap();
        }
    })
}

/// Seals and opens in place; a `copy` of the data before.
pub fn raw_record(algorithm: AeadAlgorithm, size: usize, copy: bool) -> Operation {
    let key = AeadKey::new(algorithm, &vec![7; algorithm.key_len()]).unwrap();
    let (data, mut buffer) = (vec![7; size], vec![7; size]);
    Box::new(move || {
        buffer.truncate(size);
        if copy {
            buffer.copy_from_slice(&data);
        }
        key.seal(&[1; 12], b"12345", &mut buffer, 0).unwrap();
        key.open(&[1; 12], b"12345", &mut buffer).unwrap();
    })
}

/// Seals alone, and appends the tag; with `copies`, what is sealed is copied first.
pub fn raw_sealing(algorithm: AeadAlgorithm, size: usize, copies: bool) -> Operation {
    let key = AeadKey::new(algorithm, &vec![7; algorithm.key_len()]).unwrap();
    let (data, mut buffer) = (vec![7; size], vec![7; size]);
    Box::new(move || {
        buffer.truncate(size);
        if copies {
            buffer.copy_from_slice(&data);
        }
        key.seal(&[1; 12], b"12345", &mut buffer, 0).unwrap();
    })
}

/// Seals on one side into the caller's buffer, and nobody opens.
pub fn sealing(setup: Setup<'_>, size: usize) -> Operation {
    let mut pair = Pair::connect(&configs(setup, 0), None);
    let (data, mut wire) = (vec![7; size], Vec::new());
    Box::new(move || {
        wire.clear();
        pair.client.seal_into(&data, &mut wire).unwrap();
    })
}
