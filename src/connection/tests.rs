//! Hellos that break the protocol, each with the alert that RFC 8446 asks for; through the whole
//! connection, with messages made by the codec.

use super::*;
use crate::codepoints::{ContentType, HandshakeType, ProtocolVersion};
use crate::crypto::SystemRandom;
use crate::crypto::hash::HashAlgorithm;
use crate::handshake::ClientAuth;
use crate::pki::{
    Authority, CertificateRequest, DistinguishedName, KeyType, PrivateKey, Profile, TrustStore,
};
use crate::record::write_plaintext_record;
use crate::wire::{
    ClientHello, Codec, HelloRetryExtensions, HelloRetryRequest, KeyShareEntry, ServerExtensions,
    ServerHello, SessionId,
};

type Alert = AlertDescription;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn server() -> Connection {
    let key = |key_type| PrivateKey::generate(key_type, &SystemRandom).unwrap();
    let root = DistinguishedName::with_common_name("root");
    let hash = HashAlgorithm::Sha256;
    let authority =
        Authority::create(key(KeyType::EcdsaP256), &root, hash, 86_400, NOW, &SystemRandom).unwrap();
    let own = key(KeyType::EcdsaP256);
    let names = [GeneralName::parse("bank.example").unwrap()];
    let bank = DistinguishedName::with_common_name("bank.example");
    let request = CertificateRequest::create(&own, &bank, &names, hash, &SystemRandom).unwrap();
    let leaf = authority.issue(&request, Profile::Server, 3600, NOW, &SystemRandom).unwrap();
    let identity = Arc::new(Identity::new(vec![leaf], own).unwrap());
    Connection::server(Arc::new(Config::server(identity, ClientAuth::ServerOnly)), NOW).unwrap()
}

fn client() -> Connection {
    let name = GeneralName::parse("bank.example").unwrap();
    Connection::client(Arc::new(Config::client(TrustStore::new())), name, NOW).unwrap()
}

fn hello_of(client: &Connection) -> ClientHello {
    ClientHello::decode_all("ClientHello", &client.pending()[9..]).unwrap()
}

fn record(message_type: HandshakeType, body: &impl Codec) -> Vec<u8> {
    let mut encoded = Vec::new();
    body.encode(&mut encoded);
    let length = u32::try_from(encoded.len()).unwrap().to_be_bytes();
    let message = [&[message_type.0][..], &length[1..], &encoded].concat();
    let mut out = Vec::new();
    write_plaintext_record(ContentType::HANDSHAKE, ProtocolVersion::TLS1_2, &message, &mut out).unwrap();
    out
}

/// Feeds `bytes`, which must fail, and returns the alert that goes out in the clear.
fn alert_of(connection: &mut Connection, bytes: &[u8]) -> (Alert, Error) {
    connection.consume(connection.pending().len());
    let error = connection.feed(bytes).unwrap_err();
    let &[21, 3, 3, 0, 2, 2, description] = connection.pending() else {
        panic!("not one fatal alert: {:?} after {error}", connection.pending());
    };
    assert!(connection.state().contains(State::FAILED));
    (AlertDescription(description), error)
}

fn server_answers(change: impl FnOnce(&mut ClientHello)) -> Alert {
    let mut hello = hello_of(&client());
    change(&mut hello);
    alert_of(&mut server(), &record(HandshakeType::CLIENT_HELLO, &hello)).0
}

fn server_hello(client: &Connection) -> ServerHello {
    let hello = hello_of(client);
    let share = crate::crypto::kx::KeyExchange::start(NamedGroup::X25519, &SystemRandom).unwrap();
    ServerHello {
        legacy_version: ProtocolVersion::TLS1_2,
        random: [7; 32],
        legacy_session_id_echo: hello.legacy_session_id,
        cipher_suite: CipherSuite::TLS_AES_128_GCM_SHA256,
        legacy_compression_method: 0,
        extensions: ServerExtensions {
            supported_versions: Some(ProtocolVersion::TLS1_3),
            key_share: Some(KeyShareEntry {
                group: NamedGroup::X25519,
                key_exchange: share.public_share().to_vec(),
            }),
            ..ServerExtensions::default()
        },
    }
}

fn client_answers(change: impl FnOnce(&mut ServerHello)) -> Alert {
    let mut client = client();
    let mut hello = server_hello(&client);
    change(&mut hello);
    alert_of(&mut client, &record(HandshakeType::SERVER_HELLO, &hello)).0
}

fn retry(client: &Connection) -> HelloRetryRequest {
    HelloRetryRequest {
        legacy_version: ProtocolVersion::TLS1_2,
        legacy_session_id_echo: hello_of(client).legacy_session_id,
        cipher_suite: CipherSuite::TLS_AES_128_GCM_SHA256,
        legacy_compression_method: 0,
        extensions: HelloRetryExtensions {
            supported_versions: Some(ProtocolVersion::TLS1_3),
            key_share: Some(NamedGroup::SECP384R1),
            ..HelloRetryExtensions::default()
        },
    }
}

fn client_answers_retry(change: impl FnOnce(&mut HelloRetryRequest)) -> Alert {
    let mut client = client();
    let mut retry = retry(&client);
    change(&mut retry);
    alert_of(&mut client, &record(HandshakeType::SERVER_HELLO, &retry)).0
}

#[test]
fn a_hello_that_was_not_changed_is_accepted() {
    let mut server = server();
    server.feed(&record(HandshakeType::CLIENT_HELLO, &hello_of(&client()))).unwrap();
    let mut client = client();
    let answer = record(HandshakeType::SERVER_HELLO, &server_hello(&client));
    client.feed(&answer).unwrap();
}

#[test]
fn a_server_refuses_every_malformed_offer_with_its_alert() {
    let illegal = Alert::ILLEGAL_PARAMETER;
    assert_eq!(server_answers(|hello| hello.extensions.supported_versions = None), Alert::PROTOCOL_VERSION);
    let old = Some(vec![ProtocolVersion::TLS1_2]);
    assert_eq!(server_answers(|hello| hello.extensions.supported_versions = old), Alert::PROTOCOL_VERSION);
    assert_eq!(server_answers(|hello| hello.legacy_compression_methods = vec![1, 0]), illegal);
    assert_eq!(
        server_answers(|hello| hello.cipher_suites = vec![CipherSuite(0xC02F)]),
        Alert::HANDSHAKE_FAILURE
    );
    let missing = Alert::MISSING_EXTENSION;
    assert_eq!(server_answers(|hello| hello.extensions.signature_algorithms = None), missing);
    assert_eq!(server_answers(|hello| hello.extensions.supported_groups = None), missing);
    assert_eq!(server_answers(|hello| hello.extensions.key_share = None), missing);
    let psk = |hello: &mut ClientHello| {
        hello.extensions.psk_key_exchange_modes = None;
        hello.extensions.pre_shared_key = Some(crate::wire::OfferedPsks {
            identities: vec![crate::wire::PskIdentity { identity: vec![1], obfuscated_ticket_age: 0 }],
            binders: vec![vec![0; 32]],
        });
    };
    assert_eq!(server_answers(psk), missing);
}

#[test]
fn a_server_refuses_every_bad_key_share_with_its_alert() {
    let illegal = Alert::ILLEGAL_PARAMETER;
    let change = |change: fn(&mut Vec<KeyShareEntry>)| {
        server_answers(|hello| change(hello.extensions.key_share.as_mut().unwrap()))
    };
    assert_eq!(change(|shares| shares.extend(shares.clone())), illegal);
    assert_eq!(change(|shares| shares[0].group = NamedGroup(0x0101)), illegal);
    assert_eq!(change(|shares| shares[0].key_exchange.truncate(31)), illegal);
    assert_eq!(change(|shares| shares[0].key_exchange[1184..].fill(0)), illegal);
    let unknown = |hello: &mut ClientHello| {
        hello.extensions.supported_groups = Some(vec![NamedGroup(0x0100)]);
        hello.extensions.key_share = Some(Vec::new());
    };
    assert_eq!(server_answers(unknown), Alert::HANDSHAKE_FAILURE);
}

#[test]
fn a_second_hello_must_be_the_first_with_the_share_that_was_asked_for() {
    let first = || {
        let mut hello = hello_of(&client());
        hello.extensions.key_share = Some(Vec::new());
        let mut server = server();
        server.feed(&record(HandshakeType::CLIENT_HELLO, &hello)).unwrap();
        let retry = crate::wire::ServerHelloOrRetry::decode_all("retry", {
            let length = usize::from(u16::from_be_bytes([server.pending()[3], server.pending()[4]]));
            &server.pending()[9..5 + length]
        });
        assert!(matches!(retry, Ok(crate::wire::ServerHelloOrRetry::HelloRetryRequest(_))));
        (server, hello)
    };
    let share = |group| {
        let share = crate::crypto::kx::KeyExchange::start(group, &SystemRandom).unwrap();
        KeyShareEntry { group, key_exchange: share.public_share().to_vec() }
    };
    let (mut honest, mut hello) = first();
    hello.extensions.key_share = Some(vec![share(NamedGroup::X25519MLKEM768)]);
    honest.feed(&record(HandshakeType::CLIENT_HELLO, &hello)).unwrap();

    let changes: [fn(&mut ClientHello); 5] = [
        |hello| hello.random[0] ^= 1,
        |hello| hello.legacy_session_id = SessionId::default(),
        |hello| hello.cipher_suites.truncate(1),
        |hello| hello.extensions.server_name = Some("other.example".to_owned()),
        |hello| hello.extensions.key_share = Some(Vec::new()),
    ];
    for change in changes {
        let (mut server, mut hello) = first();
        hello.extensions.key_share = Some(vec![share(NamedGroup::X25519MLKEM768)]);
        change(&mut hello);
        let (alert, _) = alert_of(&mut server, &record(HandshakeType::CLIENT_HELLO, &hello));
        assert_eq!(alert, Alert::ILLEGAL_PARAMETER);
    }
    let (mut server, mut hello) = first();
    hello.extensions.key_share = Some(vec![share(NamedGroup::X25519)]);
    let (alert, _) = alert_of(&mut server, &record(HandshakeType::CLIENT_HELLO, &hello));
    assert_eq!(alert, Alert::ILLEGAL_PARAMETER, "a share of another group than was asked for");
}

#[test]
fn a_client_refuses_every_bad_server_hello_with_its_alert() {
    let illegal = Alert::ILLEGAL_PARAMETER;
    assert_eq!(client_answers(|hello| hello.extensions.supported_versions = None), Alert::PROTOCOL_VERSION);
    let old = Some(ProtocolVersion::TLS1_2);
    assert_eq!(client_answers(|hello| hello.extensions.supported_versions = old), illegal);
    assert_eq!(client_answers(|hello| hello.legacy_version = ProtocolVersion::TLS1_3), illegal);
    assert_eq!(client_answers(|hello| hello.legacy_session_id_echo = SessionId::default()), illegal);
    assert_eq!(client_answers(|hello| hello.legacy_compression_method = 1), illegal);
    assert_eq!(client_answers(|hello| hello.cipher_suite = CipherSuite(0x1304)), illegal);
    assert_eq!(client_answers(|hello| hello.extensions.key_share = None), Alert::MISSING_EXTENSION);
    let psk = |hello: &mut ServerHello| hello.extensions.pre_shared_key = Some(0);
    assert_eq!(client_answers(psk), Alert::UNSUPPORTED_EXTENSION);
    let share = |change: fn(&mut KeyShareEntry)| {
        client_answers(|hello| change(hello.extensions.key_share.as_mut().unwrap()))
    };
    assert_eq!(share(|share| share.group = NamedGroup::SECP256R1), illegal);
    assert_eq!(share(|share| share.key_exchange.fill(0)), illegal);
    assert_eq!(share(|share| share.key_exchange.truncate(31)), illegal);
}

#[test]
fn a_client_refuses_every_bad_hello_retry_request_with_its_alert() {
    let illegal = Alert::ILLEGAL_PARAMETER;
    assert_eq!(client_answers_retry(|retry| retry.extensions.key_share = None), illegal);
    let offered = Some(NamedGroup::X25519);
    assert_eq!(client_answers_retry(|retry| retry.extensions.key_share = offered), illegal);
    let unknown = Some(NamedGroup(0x0102));
    assert_eq!(client_answers_retry(|retry| retry.extensions.key_share = unknown), illegal);
    assert_eq!(client_answers_retry(|retry| retry.cipher_suite = CipherSuite(0x1305)), illegal);
    assert_eq!(
        client_answers_retry(|retry| retry.extensions.supported_versions = None),
        Alert::PROTOCOL_VERSION
    );
    assert_eq!(client_answers_retry(|retry| retry.legacy_session_id_echo = SessionId::default()), illegal);
}

#[test]
fn a_second_retry_and_another_suite_after_a_retry_are_refused() {
    let retried = || {
        let mut client = client();
        let retry = retry(&client);
        client.consume(client.pending().len());
        client.feed(&record(HandshakeType::SERVER_HELLO, &retry)).unwrap();
        (client, retry)
    };
    let (mut client, retry) = retried();
    // The dummy change_cipher_spec, and the second ClientHello with the one share (RFC 8446 §D.4).
    assert_eq!(client.pending()[..6], [20, 3, 3, 0, 1, 1]);
    let second = ClientHello::decode_all("ClientHello", &client.pending()[15..]).unwrap();
    assert_eq!(second.extensions.key_share.unwrap()[0].group, NamedGroup::SECP384R1);
    let (alert, error) = alert_of(&mut client, &record(HandshakeType::SERVER_HELLO, &retry));
    assert_eq!(alert, Alert::UNEXPECTED_MESSAGE, "{error}");

    let (mut client, retry) = retried();
    let share = crate::crypto::kx::KeyExchange::start(NamedGroup::SECP384R1, &SystemRandom).unwrap();
    let hello = ServerHello {
        legacy_version: ProtocolVersion::TLS1_2,
        random: [7; 32],
        legacy_session_id_echo: retry.legacy_session_id_echo,
        cipher_suite: CipherSuite::TLS_AES_256_GCM_SHA384,
        legacy_compression_method: 0,
        extensions: ServerExtensions {
            supported_versions: Some(ProtocolVersion::TLS1_3),
            key_share: Some(KeyShareEntry {
                group: NamedGroup::SECP384R1,
                key_exchange: share.public_share().to_vec(),
            }),
            ..ServerExtensions::default()
        },
    };
    let (alert, _) = alert_of(&mut client, &record(HandshakeType::SERVER_HELLO, &hello));
    assert_eq!(alert, Alert::ILLEGAL_PARAMETER);
}

#[test]
fn a_cookie_comes_back() {
    let mut client = client();
    let mut retry = retry(&client);
    retry.extensions.key_share = None;
    retry.extensions.cookie = Some(vec![1, 2, 3]);
    client.consume(client.pending().len());
    client.feed(&record(HandshakeType::SERVER_HELLO, &retry)).unwrap();
    let second = ClientHello::decode_all("ClientHello", &client.pending()[15..]).unwrap();
    assert_eq!(second.extensions.cookie, Some(vec![1, 2, 3]));
}

#[test]
fn records_that_belong_nowhere_are_refused_with_their_alert() {
    let unexpected = Alert::UNEXPECTED_MESSAGE;
    let cases: [(&[u8], Alert); 7] = [
        (&[20, 3, 3, 0, 1, 1], unexpected),
        (&[23, 3, 3, 0, 1, 0], unexpected),
        (&[22, 3, 3, 0, 0], unexpected),
        (&[99, 3, 3, 0, 1, 0], unexpected),
        (&[22, 3, 3, 0x40, 0x01], Alert::RECORD_OVERFLOW),
        (&[21, 3, 3, 0, 1, 1], Alert::DECODE_ERROR),
        (&[22, 3, 3, 0, 4, 1, 1, 0, 1], Alert::DECODE_ERROR),
    ];
    for (bytes, alert) in cases {
        assert_eq!(alert_of(&mut server(), bytes).0, alert, "{bytes:?}");
    }
    // RFC 8446 §5.1: nothing may come between the fragments of a message.
    let fragments = [22, 3, 3, 0, 2, 1, 0, 21, 3, 3, 0, 2, 1, 0];
    assert_eq!(alert_of(&mut server(), &fragments).0, unexpected);
    // A wrong dummy, where a right one is dropped.
    let mut client = client();
    client.consume(client.pending().len());
    client.feed(&[20, 3, 3, 0, 1, 1]).unwrap();
    assert_eq!(alert_of(&mut client, &[20, 3, 3, 0, 1, 2]).0, unexpected);
}

#[test]
fn an_alert_of_the_peer_is_final_and_is_not_answered() {
    let mut client = client();
    client.consume(client.pending().len());
    let error = client.feed(&[21, 3, 3, 0, 2, 2, 40]).unwrap_err();
    assert_eq!(error, Error::AlertReceived(AlertDescription::HANDSHAKE_FAILURE));
    assert!(client.pending().is_empty());
}

#[test]
fn giving_up_in_the_handshake_says_so() {
    let mut client = client();
    client.consume(client.pending().len());
    client.close();
    // RFC 8446 §6.1: user_canceled, and then close_notify.
    assert_eq!(client.pending(), [21, 3, 3, 0, 2, 1, 90, 21, 3, 3, 0, 2, 1, 0]);
}
