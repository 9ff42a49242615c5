//! What the two configurations let each side choose: key shares, schemes, identities, chains, and to say no.

use std::sync::Arc;

use crate::common::*;
use otls::codepoints::{AlertDescription, NamedGroup, SignatureScheme};
use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::error::{Check, PeerIncompatible};
use otls::pki::{
    Authority, AuthorityTerms, CertificateRequest, Chain, DistinguishedName, Identity, KeyType, PrivateKey,
    Profile, Validity,
};
use otls::{ClientAuth, ClientConfig, Connection, Error, ErrorCode, ServerConfig, State};

const ECDSA: SignatureScheme = SignatureScheme::ECDSA_SECP256R1_SHA256;
const RSA: SignatureScheme = SignatureScheme::RSA_PSS_RSAE_SHA256;

/// An EC and an RSA key on each side.
fn two_kinds() -> (World, Arc<Identity>, Arc<Identity>) {
    let world = World::new(KeyType::EcdsaP256);
    let bank = identity(&world.authority, KeyType::Rsa2048, "bank.example", Profile::Server);
    let customer = identity(&world.authority, KeyType::Rsa2048, "customer.example", Profile::Client);
    (world, bank, customer)
}

/// A root, and an authority below it.
fn authorities() -> (Authority, Authority) {
    let key = || PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
    let name = DistinguishedName::with_common_name;
    let (hash, random) = (HashAlgorithm::Sha256, &SystemRandom);
    let root = Authority::create(
        key(),
        &name("root"),
        hash,
        AuthorityTerms::new(Validity::new(NOW, 10 * DAY)).with_path_len(1),
        random,
    )
    .unwrap();
    let middle = key();
    let request = CertificateRequest::create(&middle, &name("middle"), &[], hash, random).unwrap();
    let certificate =
        root.issue(&request, Profile::Ca { path_len: 0 }, Validity::new(NOW, 5 * DAY), random).unwrap();
    (root, Authority::load(certificate, middle, hash).unwrap())
}

fn below(issuer: &Authority, name: &str, profile: Profile) -> Arc<Identity> {
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
    let chain = vec![issue(issuer, &key, name, profile), issuer.certificate().clone()];
    Arc::new(Identity::new(Chain::new(chain).unwrap(), key).unwrap())
}

#[test]
fn a_side_signs_by_one_list_and_verifies_by_another() {
    let (world, bank, _) = two_kinds();
    let server = || world.server_config().with_identity(Arc::clone(&bank));
    // The server signs with RSA and takes ECDSA of the client.
    let server = server().with_signing_schemes(&[RSA]).unwrap().with_verify_schemes(&[ECDSA]).unwrap();
    let client = || world.client_config().with_signing_schemes(&[ECDSA]).unwrap();
    let pair = Pair::new(client().with_verify_schemes(&[RSA]).unwrap(), server.clone()).established();
    assert_eq!((pair.server.scheme(), pair.server.peer_scheme()), (Some(RSA), Some(ECDSA)));
    assert_eq!((pair.client.scheme(), pair.client.peer_scheme()), (Some(ECDSA), Some(RSA)));
    let error =
        Pair::new(client().with_verify_schemes(&[ECDSA]).unwrap(), server.clone()).pump().unwrap_err();
    assert_eq!(error, PeerIncompatible::NothingInCommon("signature scheme for the server's key").into());
    let other = world.client_config().with_signing_schemes(&[RSA]).unwrap();
    let error = Pair::new(other, server).pump().unwrap_err();
    assert_eq!(error, PeerIncompatible::NothingInCommon("signature scheme for our certificate's key").into());
}

#[test]
fn a_client_shows_the_certificate_that_the_server_can_verify() {
    let (world, _, rsa) = two_kinds();
    let second = authority("second root");
    let other = identity(&second, KeyType::EcdsaP256, "customer.example", Profile::Client);
    let client = || {
        let client = world.client_config().with_further_identity(Arc::clone(&rsa));
        client.with_further_identity(Arc::clone(&other))
    };
    let shown = |server: ServerConfig| {
        let pair = Pair::new(client(), server).established();
        pair.server.peer().unwrap().certificate().clone()
    };
    let asking = |auth: ClientAuth| ServerConfig::new(Arc::clone(&world.server), auth);
    assert_eq!(shown(world.server_config()), *world.client.certificate(), "the first among equals");
    assert_eq!(shown(world.server_config().with_verify_schemes(&[RSA]).unwrap()), *rsa.certificate());
    assert_eq!(shown(asking(ClientAuth::Require(trust(&second)))), *other.certificate());
    let replaced = client().with_identity(Arc::clone(&world.client));
    let mut pair = Pair::new(replaced, asking(ClientAuth::Require(trust(&second))));
    assert_eq!(pair.pump().unwrap_err().code(), ErrorCode::CertificateUntrusted, "the others are taken back");
    let nobody = client().with_no_identity();
    let mut pair = Pair::new(nobody, world.server_config());
    assert_eq!(pair.pump().unwrap_err().code(), ErrorCode::CertificateRequired);
}

#[test]
fn key_shares_are_chosen_apart_from_groups_and_a_retry_shows() {
    let world = World::new(KeyType::EcdsaP256);
    let groups = [NamedGroup::X25519, NamedGroup::SECP256R1, NamedGroup::SECP384R1];
    for (shares, server, retried) in [
        (None, NamedGroup::X25519, false),
        (None, NamedGroup::SECP384R1, true),
        (Some(vec![]), NamedGroup::X25519, true),
        (Some(vec![NamedGroup::SECP384R1, NamedGroup::SECP256R1]), NamedGroup::SECP384R1, false),
        (Some(vec![NamedGroup::SECP384R1, NamedGroup::SECP256R1]), NamedGroup::X25519, true),
    ] {
        let mut client = world.client_config().with_groups(&groups).unwrap();
        if let Some(shares) = &shares {
            client = client.with_key_shares(shares).unwrap();
        }
        let pair = Pair::new(client, world.server_config().with_groups(&[server]).unwrap());
        assert!(!pair.client.retried() && !pair.server.retried());
        let pair = pair.established();
        assert_eq!(pair.client.group(), Some(server));
        assert_eq!((pair.client.retried(), pair.server.retried()), (retried, retried), "{shares:?} {server}");
    }
    let client = || world.client_config().with_groups(&groups).unwrap();
    assert!(client().with_key_shares(&[NamedGroup::X25519MLKEM768]).is_err(), "not offered");
    assert!(client().with_key_shares(&[NamedGroup::X25519, NamedGroup::X25519]).is_err());
    // Shares of groups that are taken out of the list later are not sent.
    let late = client().with_key_shares(&groups).unwrap().with_groups(&[NamedGroup::SECP384R1]).unwrap();
    assert_eq!(
        Pair::new(late, world.server_config()).established().client.group(),
        Some(NamedGroup::SECP384R1)
    );
}

#[test]
fn a_chain_that_is_longer_than_we_want_is_refused() {
    let (root, issuer) = authorities();
    let bank = below(&issuer, "bank.example", Profile::Server);
    let customer = below(&issuer, "customer.example", Profile::Client);
    assert_eq!(bank.chain().len(), 2);
    let client = |limit| {
        let client = ClientConfig::new(trust(&root)).with_identity(Arc::clone(&customer));
        client.with_max_chain_len(limit).unwrap()
    };
    let server = |limit| {
        let server = ServerConfig::new(Arc::clone(&bank), ClientAuth::Require(trust(&root)));
        server.with_max_chain_len(limit).unwrap()
    };
    Pair::new(client(2), server(2)).established();
    for (client, server) in [(client(1), server(2)), (client(2), server(1))] {
        let error = Pair::new(client, server).pump().unwrap_err();
        let Error::BadCertificate(report) = error else { panic!("{error}") };
        assert_eq!(report.check(), Check::PathLength);
        assert!(report.to_string().contains("at most 1 are accepted"), "{report}");
    }
}

#[test]
fn a_paused_handshake_can_be_rejected_with_an_alert() {
    let world = World::new(KeyType::EcdsaP256);
    for by_client in [false, true] {
        let client = ClientConfig::new(trust(&world.authority));
        let mut pair = Pair::new(client, world.server_config());
        if !by_client {
            pair.server = Connection::accept();
        }
        let misuse = |connection: &mut Connection, alert| {
            let error = connection.reject(alert).unwrap_err();
            assert_eq!(error.code(), ErrorCode::ApiMisuse);
            assert!(!connection.state().contains(State::FAILED));
        };
        misuse(&mut pair.client, AlertDescription::ACCESS_DENIED);
        misuse(&mut pair.server, AlertDescription::ACCESS_DENIED);
        pair.pump().unwrap();
        let (whose, other) = if by_client {
            (&mut pair.client, &mut pair.server)
        } else {
            (&mut pair.server, &mut pair.client)
        };
        misuse(whose, AlertDescription::CLOSE_NOTIFY);
        misuse(whose, AlertDescription::USER_CANCELED);
        whose.reject(AlertDescription::UNRECOGNIZED_NAME).unwrap();
        assert!(whose.state().contains(State::FAILED) && whose.state().contains(State::WANT_WRITE));
        let rejected = Error::Rejected(AlertDescription::UNRECOGNIZED_NAME);
        assert_eq!(whose.error(), Some(&rejected));
        assert_eq!(
            (rejected.code(), rejected.alert()),
            (ErrorCode::Rejected, Some(AlertDescription::UNRECOGNIZED_NAME))
        );
        assert_eq!(whose.reject(AlertDescription::ACCESS_DENIED), Err(rejected));
        let error = transfer(whose, other).unwrap_err();
        assert_eq!(error, Error::AlertReceived(AlertDescription::UNRECOGNIZED_NAME));
    }
}

#[test]
fn a_servers_subject_is_known_from_its_verification_to_the_end() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = Pair::new(ClientConfig::new(trust(&world.authority)), world.server_config());
    assert_eq!(pair.client.peer_subject(), None);
    pair.pump().unwrap();
    assert!(pair.client.state().contains(State::NEED_CLIENT_CERT));
    assert_eq!(pair.client.peer_subject().as_ref(), Some(world.server.certificate().subject()));
    pair.client.reject(AlertDescription::ACCESS_DENIED).unwrap();
    assert_eq!(pair.client.peer_subject(), None);
}
