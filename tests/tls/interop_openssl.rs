//! OpenSSL as the peer: both directions, client certificates, every suite and group that it has.
//!
//! The certificates come from our authority, and openssl judges them at the tests' time
//! (`-attime`).

mod harness;

use std::net::TcpListener;
use std::sync::Arc;

use crate::common::{NOW, World, authority, bank_name, identity, trust};
use harness::{Link, OpensslClient, OpensslServer};
use otls::codepoints::{AlertDescription, CipherSuite, NamedGroup, SignatureScheme};
use otls::error::Check;
use otls::pki::{Identity, KeyType, Profile};
use otls::{ClientConfig, Connection, Error, Result, ServerConfig, State};

const SUITES: [CipherSuite; 3] = [
    CipherSuite::TLS_AES_128_GCM_SHA256,
    CipherSuite::TLS_AES_256_GCM_SHA384,
    CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
];

const GROUPS: [(NamedGroup, &str); 3] =
    [(NamedGroup::X25519, "X25519"), (NamedGroup::SECP256R1, "P-256"), (NamedGroup::SECP384R1, "P-384")];

#[test]
fn our_client_and_s_server_agree_on_every_suite_and_group_with_ecdsa() {
    client_matrix(KeyType::EcdsaP256);
}

#[test]
fn our_client_and_s_server_agree_on_every_suite_and_group_with_rsa() {
    client_matrix(KeyType::Rsa2048);
}

#[test]
fn our_server_and_s_client_agree_on_every_suite_and_group_with_ecdsa() {
    server_matrix(KeyType::EcdsaP384);
}

#[test]
fn our_server_and_s_client_agree_on_every_suite_and_group_with_rsa() {
    server_matrix(KeyType::Rsa2048);
}

#[test]
fn both_sides_authenticate_with_ed25519_to_openssl() {
    let world = World::new(KeyType::Ed25519);
    let server = OpensslServer::start(&world, &[]);
    let (connection, _) = exchange_as_client(&server, world.client_config()).unwrap();
    assert_eq!(connection.peer_scheme(), Some(SignatureScheme::ED25519));
    let (connection, _) = exchange_as_server(&world, world.server_config(), &[]);
    assert_eq!(connection.peer_scheme(), Some(SignatureScheme::ED25519));
}

#[test]
fn our_client_with_its_default_offer_is_understood() {
    let world = World::new(KeyType::EcdsaP256);
    let server = OpensslServer::start(&world, &[]);
    let (connection, _) = exchange_as_client(&server, world.client_config()).unwrap();
    assert!(connection.suite().is_some_and(|suite| SUITES.contains(&suite)));
    assert_eq!(connection.group(), Some(NamedGroup::X25519));
}

#[test]
fn our_client_follows_a_hello_retry_request_of_s_server() {
    for key_type in [KeyType::EcdsaP256, KeyType::Rsa2048] {
        let world = World::new(key_type);
        let server = OpensslServer::start(&world, &["-groups", "P-384"]);
        let config = world.client_config().with_groups(&[NamedGroup::X25519, NamedGroup::SECP384R1]).unwrap();
        let (connection, received) = exchange_as_client(&server, config).unwrap();
        assert_eq!(connection.group(), Some(NamedGroup::SECP384R1));
        assert_eq!(count_hello_retry_requests(&received), 1);
    }
}

#[test]
fn s_client_follows_a_hello_retry_request_of_our_server() {
    for key_type in [KeyType::EcdsaP256, KeyType::Rsa2048] {
        let world = World::new(key_type);
        let config = world.server_config().with_groups(&[NamedGroup::SECP384R1]).unwrap();
        let (connection, sent) = exchange_as_server(&world, config, &["-groups", "X25519:P-384"]);
        assert_eq!(connection.group(), Some(NamedGroup::SECP384R1));
        assert_eq!(count_hello_retry_requests(&sent), 1);
    }
}

#[test]
fn our_server_answers_a_key_update_of_s_client() {
    let world = World::new(KeyType::EcdsaP256);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = OpensslClient::start(&world, &listener, &["-msg"]);
    let mut link = Link::new(listener.accept().unwrap().0);
    let mut server = Connection::server(Arc::new(world.server_config()));
    link.drive(&mut server, |server| server.state().contains(State::CONFIRMED)).unwrap();

    // `K` alone on a line has s_client update its key and ask for ours.
    client.say("K\n");
    client.wait_for("<<< TLS 1.3, Handshake [length 0005], KeyUpdate", |link_step| {
        link.step(&mut server, link_step).unwrap();
    });
    client.say("under the new keys\n");
    let question = link.receive(&mut server, b'\n').unwrap();
    assert_eq!(question, b"under the new keys\n");
    server.seal(b"the answer too\n").unwrap();
    link.flush(&mut server);
    client.wait_for("the answer too", |_| {});
}

#[test]
fn our_server_refuses_s_client_without_a_certificate() {
    let world = World::new(KeyType::EcdsaP256);
    let (error, output) = refused_by_our_server(&world, None);
    assert!(matches!(&error, Error::BadCertificate(report) if report.check() == Check::Presence), "{error}");
    assert!(output.contains("certificate required"), "{output}");
}

#[test]
fn our_server_refuses_s_client_with_a_certificate_of_another_authority() {
    let world = World::new(KeyType::EcdsaP256);
    let stranger =
        identity(&authority("another root"), KeyType::EcdsaP256, "customer.example", Profile::Client);
    let (error, output) = refused_by_our_server(&world, Some(&stranger));
    assert!(matches!(&error, Error::BadCertificate(report) if report.check() == Check::Issuer), "{error}");
    assert!(output.contains("unknown ca"), "{output}");
}

#[test]
fn our_client_refuses_s_server_of_another_authority() {
    let world = World::new(KeyType::EcdsaP256);
    let server = OpensslServer::start(&world, &[]);
    let config =
        ClientConfig::new(trust(&authority("another root"))).with_identity(Arc::clone(&world.client));
    let Err(error) = exchange_as_client(&server, config) else {
        panic!("a server of another authority was accepted")
    };
    assert!(matches!(&error, Error::BadCertificate(report) if report.check() == Check::Issuer), "{error}");
}

#[test]
fn our_client_that_s_server_refuses_is_done_but_never_confirmed() {
    let world = World::new(KeyType::EcdsaP256);
    let stranger =
        identity(&authority("another root"), KeyType::EcdsaP256, "customer.example", Profile::Client);
    let server = OpensslServer::start(&world, &[]);
    let config = world.client_config().with_identity(stranger);
    let mut link = server.connect();
    let mut client = Connection::client(Arc::new(config), bank_name(), NOW).unwrap();
    link.drive(&mut client, |client| client.state().contains(State::HANDSHAKE_DONE)).unwrap();
    assert!(!client.state().contains(State::CONFIRMED));
    let error = link.drive(&mut client, |client| client.state().contains(State::CONFIRMED)).unwrap_err();
    assert_eq!(error, Error::AlertReceived(AlertDescription::UNKNOWN_CA));
    assert!(!client.state().contains(State::CONFIRMED));
}

fn client_matrix(key_type: KeyType) {
    let world = World::new(key_type);
    for suite in SUITES {
        for (group, group_name) in GROUPS {
            let server = OpensslServer::start(
                &world,
                &["-ciphersuites", suite.name().unwrap(), "-groups", group_name],
            );
            let config = world.client_config().with_groups(&[group]).unwrap();
            let (connection, received) = exchange_as_client(&server, config).unwrap();
            assert_eq!((connection.suite(), connection.group()), (Some(suite), Some(group)));
            assert_eq!(count_hello_retry_requests(&received), 0);
            let peer = connection.peer().unwrap();
            assert_eq!(peer.certificate().to_der(), world.server.certificate().to_der());
        }
    }
}

fn server_matrix(key_type: KeyType) {
    let world = World::new(key_type);
    for suite in SUITES {
        for (group, group_name) in GROUPS {
            let arguments = ["-ciphersuites", suite.name().unwrap(), "-groups", group_name];
            let (connection, sent) = exchange_as_server(&world, world.server_config(), &arguments);
            assert_eq!((connection.suite(), connection.group()), (Some(suite), Some(group)));
            assert_eq!(count_hello_retry_requests(&sent), 0);
            let peer = connection.peer().unwrap();
            assert_eq!(peer.certificate().to_der(), world.client.certificate().to_der());
        }
    }
}

/// Handshake, a line each way, close_notify both ways; the connection and all that it received.
fn exchange_as_client(server: &OpensslServer, config: ClientConfig) -> Result<(Connection, Vec<u8>)> {
    let mut link = server.connect();
    let mut client = Connection::client(Arc::new(config), bank_name(), NOW)?;
    link.drive(&mut client, |client| client.state().contains(State::CONFIRMED))?;
    client.seal(b"256345\n")?;
    link.flush(&mut client);
    // s_server -rev answers each line reversed.
    assert_eq!(link.receive(&mut client, b'\n')?, b"543652\n");
    client.close();
    link.drive(&mut client, |client| client.state().contains(State::CLOSED))?;
    link.until_end(&mut client)?;
    Ok((client, link.received))
}

/// The same with our server; the connection and all that it sent.
fn exchange_as_server(world: &World, config: ServerConfig, arguments: &[&str]) -> (Connection, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = OpensslClient::start(world, &listener, arguments);
    let mut link = Link::new(listener.accept().unwrap().0);
    let mut server = Connection::server(Arc::new(config));
    link.drive(&mut server, |server| server.state().contains(State::CONFIRMED)).unwrap();

    client.say("what is the code?\n");
    assert_eq!(link.receive(&mut server, b'\n').unwrap(), b"what is the code?\n");
    server.seal(b"the code is 256345\n").unwrap();
    link.flush(&mut server);
    client.wait_for("the code is 256345", |_| {});

    // At the end of its input s_client sends close_notify.
    client.end_of_input();
    link.drive(&mut server, |server| server.state().contains(State::CLOSED)).unwrap();
    server.close();
    link.flush(&mut server);
    drop(link.stream);
    let output = client.finish();
    assert!(output.contains("Verify return code: 0 (ok)"), "{output}");
    assert!(output.contains("Verification: OK"), "{output}");
    (server, link.sent)
}

fn refused_by_our_server(world: &World, identity: Option<&Identity>) -> (Error, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = OpensslClient::start_as(world, identity, &listener, &[]);
    let mut link = Link::new(listener.accept().unwrap().0);
    let mut server = Connection::server(Arc::new(world.server_config()));
    let error = link.drive(&mut server, |server| server.state().contains(State::CONFIRMED)).unwrap_err();
    drop(link.stream);
    (error, client.finish())
}

/// HelloRetryRequests among whole records: a handshake record, ServerHello, the special random.
fn count_hello_retry_requests(bytes: &[u8]) -> usize {
    // RFC 8446 §4.1.3: SHA-256 of "HelloRetryRequest".
    let random = [0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02];
    bytes.windows(random.len()).filter(|window| *window == random).count()
}
