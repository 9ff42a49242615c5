//! ALPN, the choice among certificates, record sizes, padding, the key log and skipped early data.

use std::sync::Arc;

use crate::common::{NOW, Pair, World, authority, bank_name, deliver, identity, read, transfer, trust};
use otls::codepoints::{AlertDescription, CipherSuite, NamedGroup, SignatureScheme};
use otls::error::PeerIncompatible;
use otls::pki::{GeneralName, Identity, KeyType, Profile};
use otls::{ClientAuth, ClientConfig, Connection, Error, ServerConfig, State};

#[test]
fn the_servers_first_protocol_that_the_client_offers_is_agreed_on() {
    let world = World::new(KeyType::EcdsaP256);
    let agreed = |client: &[&[u8]], server: &[&[u8]]| {
        let client = world.client_config().with_alpn(client);
        let server = world.server_config().with_alpn(server);
        let pair = Pair::new(client.unwrap(), server.unwrap()).established();
        assert_eq!(pair.client.alpn(), pair.server.alpn());
        pair.client.alpn().map(<[u8]>::to_vec)
    };
    assert_eq!(agreed(&[b"h2", b"http/1.1"], &[b"http/1.1", b"h2"]), Some(b"http/1.1".to_vec()));
    let without = Pair::new(world.client_config(), world.server_config().with_alpn(&[b"h2"]).unwrap());
    assert_eq!(without.established().server.alpn(), None);
    let ignored = Pair::new(world.client_config().with_alpn(&[b"h2"]).unwrap(), world.server_config());
    assert_eq!(ignored.established().client.alpn(), None);
}

#[test]
fn no_protocol_in_common_is_its_own_alert() {
    let world = World::new(KeyType::EcdsaP256);
    let client = world.client_config().with_alpn(&[b"h2"]).unwrap();
    let server = world.server_config().with_alpn(&[b"otp"]).unwrap();
    let error = Pair::new(client, server).pump().unwrap_err();
    assert_eq!(error, PeerIncompatible::NoApplicationProtocol.into());
    assert_eq!(error.alert(), Some(AlertDescription::NO_APPLICATION_PROTOCOL));
}

#[test]
fn protocol_names_that_cannot_be_are_refused() {
    let config = || World::new(KeyType::EcdsaP256).client_config();
    let long = [b'a'; 256];
    for list in [&[][..], &[&b""[..]], &[&long[..]], &[&b"h2"[..], &b"h2"[..]]] {
        assert!(matches!(config().with_alpn(list), Err(Error::ApiMisuse(_))));
    }
}

/// A server of several identities and what a client with these settings gets.
struct Choice {
    world: World,
    others: Vec<Arc<Identity>>,
}

impl Choice {
    fn served(&self, client: ClientConfig, name: &str) -> Result<Vec<u8>, Error> {
        let mut server = self.world.server_config();
        for other in &self.others {
            server = server.with_further_identity(Arc::clone(other));
        }
        let name = GeneralName::parse(name).unwrap();
        let mut pair = Pair::of(Connection::client(Arc::new(client), name, NOW).unwrap(), server);
        pair.pump()?;
        Ok(pair.client.peer().unwrap().certificate().to_der().to_vec())
    }
}

#[test]
fn a_server_shows_the_certificate_of_the_name_that_is_asked_for() {
    let world = World::new(KeyType::EcdsaP256);
    let shop = identity(&world.authority, KeyType::EcdsaP256, "shop.example", Profile::Server);
    let wild = identity(&world.authority, KeyType::EcdsaP256, "*.wild.example", Profile::Server);
    let choice = Choice { others: vec![Arc::clone(&shop), Arc::clone(&wild)], world };
    let client = || choice.world.client_config();
    let of = |identity: &Identity| identity.certificate().to_der().to_vec();
    assert_eq!(choice.served(client(), "bank.example").unwrap(), of(&choice.world.server));
    assert_eq!(choice.served(client(), "SHOP.example").unwrap(), of(&shop));
    assert_eq!(choice.served(client(), "a.wild.example").unwrap(), of(&wild));
    // One label only; the first identity is shown, and the client refuses it.
    let error = choice.served(client(), "a.b.wild.example").unwrap_err();
    assert_eq!(error.alert(), Some(AlertDescription::BAD_CERTIFICATE));
}

#[test]
fn a_server_shows_the_certificate_whose_key_the_client_can_verify() {
    let world = World::new(KeyType::EcdsaP256);
    let rsa = identity(&world.authority, KeyType::Rsa2048, "bank.example", Profile::Server);
    let choice = Choice { others: vec![Arc::clone(&rsa)], world };
    let only =
        |scheme| choice.world.client_config().with_verify_schemes(&[scheme]).unwrap().with_no_identity();
    let mut server = ServerConfig::new(Arc::clone(&choice.world.server), ClientAuth::ServerOnly);
    server = server.with_further_identity(rsa);
    for (scheme, expected) in [
        (SignatureScheme::ECDSA_SECP256R1_SHA256, &choice.world.server),
        (SignatureScheme::RSA_PSS_RSAE_SHA384, &choice.others[0]),
    ] {
        let pair = Pair::new(only(scheme), server.clone()).established();
        assert_eq!(pair.client.peer().unwrap().certificate(), expected.certificate());
    }
    let mut none = Pair::new(only(SignatureScheme::ECDSA_SECP384R1_SHA384), server);
    assert_eq!(none.pump().unwrap_err().alert(), Some(AlertDescription::HANDSHAKE_FAILURE));
}

#[test]
fn a_server_shows_the_certificate_of_an_authority_that_the_client_names() {
    let world = World::new(KeyType::EcdsaP256);
    let second = authority("second root");
    let other = identity(&second, KeyType::EcdsaP256, "bank.example", Profile::Server);
    let choice = Choice { others: vec![Arc::clone(&other)], world };
    let client = || ClientConfig::new(trust(&second)).with_identity(Arc::clone(&choice.world.client));
    let served = choice.served(client().with_named_authorities(), "bank.example").unwrap();
    assert_eq!(served, other.certificate().to_der());
    // Who does not name its authorities gets the first, and cannot verify it.
    assert!(choice.served(client(), "bank.example").is_err());
}

#[test]
fn neither_side_sends_records_beyond_the_others_limit() {
    let world = World::new(KeyType::EcdsaP256);
    for suite in [CipherSuite::TLS_AES_128_GCM_SHA256, CipherSuite::OTLS_AES_128_CBC_HMAC_SHA256] {
        let client = world.client_config().with_record_size_limit(64).unwrap();
        let server = world.server_config().with_record_size_limit(1_000).unwrap();
        let server = server.with_suites(&[suite]).unwrap();
        let mut pair = Pair::new(client, server).established();
        let data = vec![7; 5_000];
        pair.server.seal(&data).unwrap();
        assert!(record_lengths(pair.server.pending()).iter().all(|len| *len <= 64 + 48), "{suite}");
        pair.client.seal(&data).unwrap();
        let lengths = record_lengths(pair.client.pending());
        assert_eq!(lengths.len(), 6);
        assert!(lengths.iter().all(|len| *len <= 1_000 + 48));
        assert_eq!(deliver(&mut pair.server, &mut pair.client, b""), data);
        assert_eq!(deliver(&mut pair.client, &mut pair.server, b""), data);
    }
    for wrong in [0, 63, 16_386] {
        assert!(matches!(world.client_config().with_record_size_limit(wrong), Err(Error::ApiMisuse(_))));
    }
}

#[test]
fn data_is_cut_into_the_fragments_that_were_asked_for() {
    let world = World::new(KeyType::EcdsaP256);
    let client = world.client_config().with_max_fragment(100).unwrap();
    let mut pair = Pair::new(client, world.server_config()).established();
    pair.client.seal(&[1; 250]).unwrap();
    assert_eq!(record_lengths(pair.client.pending()).len(), 3);
    assert_eq!(deliver(&mut pair.client, &mut pair.server, b"").len(), 250);
    for wrong in [0, 16_385] {
        assert!(matches!(world.client_config().with_max_fragment(wrong), Err(Error::ApiMisuse(_))));
    }
}

#[test]
fn padded_records_say_only_how_many_blocks_they_have() {
    let world = World::new(KeyType::EcdsaP256);
    let client = || world.client_config().with_padding(256);
    let mut pair = Pair::new(client(), world.server_config()).established();
    let mut lengths = Vec::new();
    for len in [0, 1, 72, 255, 256] {
        pair.client.seal(&vec![9; len]).unwrap();
        lengths.extend(record_lengths(pair.client.pending()));
        transfer(&mut pair.client, &mut pair.server).unwrap();
        assert_eq!(read(&mut pair.server), vec![9; len]);
    }
    assert!(lengths.iter().all(|len| *len == lengths[0]), "{lengths:?}");
    pair.client.seal(&[9; 257]).unwrap();
    assert_eq!(record_lengths(pair.client.pending())[0], lengths[0] + 256);
    transfer(&mut pair.client, &mut pair.server).unwrap();
    assert_eq!(read(&mut pair.server).len(), 257);
    // A full record has no room for padding, and a limit of the peer's is kept.
    assert_eq!(deliver(&mut pair.client, &mut pair.server, &[3; 16_384]).len(), 16_384);
    let server = world.server_config().with_record_size_limit(100).unwrap();
    let mut pair = Pair::new(client(), server).established();
    assert_eq!(deliver(&mut pair.client, &mut pair.server, b"short"), b"short");
}

#[test]
fn the_key_log_has_the_five_secrets_of_a_connection_once_and_only_if_asked_for() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = Pair::new(world.client_config().with_key_log(), world.server_config().with_key_log());
    pair.pump().unwrap();
    let ours = String::from_utf8(pair.client.take_key_log().unwrap().expose().to_vec()).unwrap();
    let theirs = pair.server.take_key_log().unwrap();
    assert_eq!(ours.as_bytes(), theirs.expose(), "both sides have the same secrets");
    let lines: Vec<Vec<&str>> = ours.lines().map(|line| line.split(' ').collect()).collect();
    let labels: Vec<&str> = lines.iter().map(|line| line[0]).collect();
    let expected = [
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        "CLIENT_TRAFFIC_SECRET_0",
        "SERVER_TRAFFIC_SECRET_0",
        "EXPORTER_SECRET",
    ];
    assert_eq!(labels, expected);
    assert!(lines.iter().all(|line| line[1] == lines[0][1] && line[1].len() == 64 && line[2].len() == 64));
    assert!(pair.client.take_key_log().is_none());
    assert!(world.pair().established().client.take_key_log().is_none());
}

/// The lengths of the records in `bytes`.
fn record_lengths(mut bytes: &[u8]) -> Vec<usize> {
    let mut lengths = Vec::new();
    while let [_, _, _, high, low, rest @ ..] = bytes {
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        lengths.push(len);
        bytes = &rest[len..];
    }
    lengths
}

/// A ClientHello that offers early data: the extension is put in front of the others.
fn with_early_data(hello: &[u8]) -> Vec<u8> {
    let (header, body) = hello.split_at(9);
    let session_id = 2 + 32;
    let suites = session_id + 1 + usize::from(body[session_id]);
    let methods = suites + 2 + usize::from(u16::from_be_bytes([body[suites], body[suites + 1]]));
    let extensions = methods + 1 + usize::from(body[methods]);
    let mut changed = [&body[..extensions], &[0, 0, 0, 42, 0, 0], &body[extensions + 2..]].concat();
    let block = u16::try_from(changed.len() - extensions - 2).unwrap().to_be_bytes();
    changed[extensions..extensions + 2].copy_from_slice(&block);
    let len = u32::try_from(changed.len()).unwrap().to_be_bytes();
    let record = u16::try_from(changed.len() + 4).unwrap().to_be_bytes();
    [&header[..3], &record, &header[5..6], &len[1..], &changed].concat()
}

/// A record of application data that nobody has the key of.
fn early_record(len: u16) -> Vec<u8> {
    let mut record = vec![23, 3, 3];
    record.extend(len.to_be_bytes());
    record.resize(5 + usize::from(len), 0xEA);
    record
}

#[test]
fn early_data_is_skipped_up_to_its_limit_and_the_handshake_goes_on() {
    let world = World::new(KeyType::EcdsaP256);
    for groups in [&[NamedGroup::X25519][..], &[NamedGroup::SECP384R1]] {
        let server = Arc::new(world.server_config().with_groups(groups).unwrap());
        let client = Connection::client(Arc::new(world.client_config()), bank_name(), NOW).unwrap();
        let hello = with_early_data(client.pending());
        for (records, len, fits) in [(3, 16_640, true), (4, 16_640, false), (1, 1, true), (1, 16_641, false)]
        {
            let mut server = Connection::server(Arc::clone(&server));
            server.feed(&hello, NOW).unwrap();
            let fed = (0..records).try_for_each(|_| server.feed(&early_record(len), NOW).map(|_| ()));
            assert_eq!(fed.is_ok(), fits, "{records} of {len} with {groups:?}");
            assert_eq!(server.state().contains(State::FAILED), !fits);
        }
    }
}

#[test]
fn data_that_nobody_announced_is_not_skipped() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = world.pair();
    transfer(&mut pair.client, &mut pair.server).unwrap();
    let error = pair.server.feed(&early_record(100), NOW).unwrap_err();
    assert_eq!(error.alert(), Some(AlertDescription::BAD_RECORD_MAC));
}
