//! The handshake between our two roles, through the public connection alone.

mod facts;

use crate::common;
use std::sync::Arc;

use crate::common::{
    NOW, Pair, World, authority, bank_name, deliver, identity, read, transfer, transfer_at, trust,
};
use otls::codepoints::{AlertDescription, CipherSuite, NamedGroup, SignatureScheme};
use otls::crypto::kx::SUPPORTED_GROUPS;
use otls::error::{Check, PeerIncompatible, PeerMisbehaved};
use otls::pki::{GeneralName, KeyType, Profile};
use otls::{ClientAuth, ClientConfig, Connection, Error, SUPPORTED_SUITES, ServerConfig, State};

#[test]
fn every_suite_and_group_agrees_with_every_kind_of_key() {
    for key_type in [KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::Ed25519, KeyType::Rsa2048] {
        let world = World::new(key_type);
        for (index, suite) in SUPPORTED_SUITES.iter().enumerate() {
            let group = SUPPORTED_GROUPS[index % SUPPORTED_GROUPS.len()];
            let server = world.server_config().with_suites(&[*suite]).unwrap().with_groups(&[group]).unwrap();
            let mut pair = Pair::new(world.client_config(), server).established();
            for side in [&pair.client, &pair.server] {
                assert_eq!(side.suite(), Some(*suite));
                assert_eq!(side.group(), Some(group));
                assert!(side.peer_scheme().is_some() && side.scheme().is_some());
            }
            assert_eq!(deliver(&mut pair.client, &mut pair.server, b"question"), b"question");
            assert_eq!(deliver(&mut pair.server, &mut pair.client, b"answer"), b"answer");
        }
    }
}

#[test]
fn each_side_knows_who_the_other_is() {
    let world = World::new(KeyType::EcdsaP256);
    let pair = world.pair().established();
    let (client, server) = (pair.client.peer().unwrap(), pair.server.peer().unwrap());
    assert_eq!(pair.server.peer_subject().as_ref(), Some(world.client.certificate().subject()));
    assert_eq!(client.certificate().to_der(), world.server.certificate().to_der());
    assert_eq!(server.certificate().to_der(), world.client.certificate().to_der());
    // And what it has shown itself.
    let (client, server) = (pair.client.certificate().unwrap(), pair.server.certificate().unwrap());
    assert_eq!(client.to_der(), world.client.certificate().to_der());
    assert_eq!(server.to_der(), world.server.certificate().to_der());
}

#[test]
fn a_scheme_that_was_chosen_is_the_one_that_both_sign_with() {
    let cases = [
        (KeyType::Rsa2048, SignatureScheme::RSA_PSS_RSAE_SHA256),
        (KeyType::Rsa2048, SignatureScheme::RSA_PSS_RSAE_SHA384),
        (KeyType::EcdsaP256, SignatureScheme::ECDSA_SECP256R1_SHA256),
        (KeyType::EcdsaP384, SignatureScheme::ECDSA_SECP384R1_SHA384),
    ];
    for (key_type, scheme) in cases {
        let world = World::new(key_type);
        let server = world.server_config().with_signing_schemes(&[scheme]).unwrap();
        let server = server.with_verify_schemes(&[scheme]).unwrap();
        let pair = Pair::new(world.client_config(), server).established();
        assert_eq!(pair.client.peer_scheme(), Some(scheme));
        assert_eq!(pair.server.peer_scheme(), Some(scheme));
    }
}

#[test]
fn a_group_that_the_client_sent_no_share_of_costs_a_hello_retry_request() {
    let world = World::new(KeyType::EcdsaP256);
    for group in [NamedGroup::SECP256R1, NamedGroup::SECP384R1] {
        let server = world.server_config().with_groups(&[group]).unwrap();
        let mut pair = Pair::new(world.client_config(), server);
        transfer(&mut pair.client, &mut pair.server).unwrap();
        // RFC 8446 §4.1.3: the random of a HelloRetryRequest, after the record and message headers.
        assert_eq!(pair.server.pending()[11..15], [0xCF, 0x21, 0xAD, 0x74]);
        assert_eq!(pair.established().client.group(), Some(group));
    }
}

#[test]
fn the_hybrid_group_is_preferred() {
    let pair = World::new(KeyType::EcdsaP256).pair().established();
    assert_eq!(pair.client.group(), Some(NamedGroup::X25519MLKEM768));
}

#[test]
fn any_split_of_the_byte_stream_works() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = world.pair();
    loop {
        let mut moved = 0;
        for octet in pair.client.pending().to_vec() {
            moved += pair.server.feed(&[octet], NOW).unwrap();
        }
        pair.client.consume(pair.client.pending().len());
        for octet in pair.server.pending().to_vec() {
            moved += pair.client.feed(&[octet], NOW).unwrap();
        }
        pair.server.consume(pair.server.pending().len());
        if moved == 0 {
            break;
        }
    }
    assert!(pair.client.state().contains(State::CONFIRMED));
    assert_eq!(deliver(&mut pair.client, &mut pair.server, b"still exact"), b"still exact");
}

#[test]
fn messages_of_all_sizes_arrive_exactly() {
    let world = World::new(KeyType::EcdsaP256);
    for suite in SUPPORTED_SUITES {
        let config = world.server_config().with_suites(&[*suite]).unwrap();
        let mut pair = Pair::new(world.client_config(), config).established();
        for len in (0..70).chain([16_383, 16_384, 16_385, 100_000]) {
            let data: Vec<u8> = (0..len).map(|i: usize| u8::try_from(i % 251).unwrap()).collect();
            assert_eq!(deliver(&mut pair.server, &mut pair.client, &data), data, "{suite} {len}");
        }
    }
}

#[test]
fn the_server_confirms_the_client_only_after_it_has_judged_it() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = world.pair();
    transfer(&mut pair.client, &mut pair.server).unwrap();
    transfer(&mut pair.server, &mut pair.client).unwrap();
    assert!(pair.client.state().contains(State::HANDSHAKE_DONE));
    assert!(!pair.client.state().contains(State::CONFIRMED), "the server has not seen our certificate");
    pair.pump().unwrap();
    assert!(pair.client.state().contains(State::CONFIRMED));
}

#[test]
fn a_server_chooses_its_configuration_after_it_has_seen_the_offer() {
    let world = World::new(KeyType::EcdsaP384);
    let mut client = Connection::client(Arc::new(world.client_config()), bank_name(), NOW).unwrap();
    let mut server = Connection::accept();
    assert!(server.offer().is_none());
    assert!(server.configure(Arc::new(world.server_config()), NOW).is_err(), "before the ClientHello");
    transfer(&mut client, &mut server).unwrap();
    assert!(server.state().contains(State::NEED_CONFIG));
    let offer = server.offer().unwrap();
    assert_eq!(offer.suites, SUPPORTED_SUITES);
    assert_eq!(offer.server_name.as_deref(), Some("bank.example"));
    assert_eq!(server.feed(b"later", NOW).unwrap(), 0, "nothing is taken while the configuration is missing");
    let suite = CipherSuite::OTLS_AES_256_CBC_HMAC_SHA384;
    server.configure(Arc::new(world.server_config().with_suites(&[suite]).unwrap()), NOW).unwrap();
    let pair = Pair { client, server, now: NOW }.established();
    assert_eq!(pair.client.suite(), Some(suite));
}

#[test]
fn a_client_can_obtain_its_certificate_when_it_is_asked_for_one() {
    let world = World::new(KeyType::EcdsaP256);
    let server =
        world.server_config().with_verify_schemes(&[SignatureScheme::ECDSA_SECP256R1_SHA256]).unwrap();
    let mut pair = Pair::new(ClientConfig::new(trust(&world.authority)), server);
    assert!(pair.client.provide_identity(None, NOW).is_err(), "nothing was asked for yet");
    pair.pump().unwrap();
    assert!(pair.client.state().contains(State::NEED_CLIENT_CERT));
    assert!(pair.client.peer().is_some(), "the server is verified before we show who we are");
    let requested = pair.client.certificate_request().unwrap();
    assert_eq!(requested.schemes, [SignatureScheme::ECDSA_SECP256R1_SHA256]);
    assert_eq!(requested.authorities, [world.authority.certificate().subject_der().to_vec()]);
    let unfit = identity(&world.authority, KeyType::EcdsaP384, "customer.example", Profile::Client);
    let refused = pair.client.provide_identity(Some(unfit), NOW).unwrap_err();
    assert!(matches!(refused, Error::PeerIncompatible(PeerIncompatible::NothingInCommon(_))));
    pair.client.provide_identity(Some(Arc::clone(&world.client)), NOW).unwrap();
    assert!(pair.established().server.peer().is_some());
}

#[test]
fn a_server_refuses_a_client_without_certificate() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair =
        Pair::new(ClientConfig::new(trust(&world.authority)).with_no_identity(), world.server_config());
    let error = pair.pump().unwrap_err();
    assert!(matches!(&error, Error::BadCertificate(report) if report.check() == Check::Presence));
    assert!(pair.server.state().contains(State::FAILED));
    let error = transfer(&mut pair.server, &mut pair.client).unwrap_err();
    assert_eq!(error, Error::AlertReceived(AlertDescription::CERTIFICATE_REQUIRED));
    assert!(!pair.client.state().contains(State::CONFIRMED));
}

#[test]
fn a_server_that_only_requests_serves_anonymous_clients() {
    let world = World::new(KeyType::EcdsaP256);
    let server = ServerConfig::new(Arc::clone(&world.server), ClientAuth::Request(trust(&world.authority)));
    let pair = Pair::new(ClientConfig::new(trust(&world.authority)).with_no_identity(), server).established();
    assert!(pair.server.peer().is_none());
    let server = ServerConfig::new(Arc::clone(&world.server), ClientAuth::ServerOnly);
    let pair = Pair::new(world.client_config(), server).established();
    assert!(pair.server.peer().is_none() && pair.client.certificate_request().is_none());
}

#[test]
fn an_enrolment_server_takes_the_certificate_that_a_server_renews_and_others_do_not() {
    let world = World::new(KeyType::EcdsaP256);
    let config = |auth| ServerConfig::new(Arc::clone(&world.server), auth);
    let as_client =
        |identity: &Arc<_>| ClientConfig::new(trust(&world.authority)).with_identity(Arc::clone(identity));
    for identity in [&world.client, &world.server] {
        let enrolled = config(ClientAuth::Enrolled(trust(&world.authority)));
        let pair = Pair::new(as_client(identity), enrolled).established();
        assert!(pair.server.peer().unwrap().certificate() == identity.certificate());
    }
    let anonymous = ClientConfig::new(trust(&world.authority)).with_no_identity();
    let pair = Pair::new(anonymous, config(ClientAuth::Enrolled(trust(&world.authority)))).established();
    assert!(pair.server.peer().is_none());

    let requested = config(ClientAuth::Request(trust(&world.authority)));
    let error = Pair::new(as_client(&world.server), requested).pump().unwrap_err();
    assert!(matches!(&error, Error::BadCertificate(report) if report.check() == Check::ExtendedKeyUsage));
    let stranger = config(ClientAuth::Enrolled(trust(&authority("another root"))));
    let error = Pair::new(as_client(&world.server), stranger).pump().unwrap_err();
    assert!(matches!(&error, Error::BadCertificate(report) if report.check() == Check::Issuer));
}

#[test]
fn a_client_refuses_a_server_of_another_authority_or_name() {
    let world = World::new(KeyType::EcdsaP256);
    let stranger = trust(&authority("another root"));
    let mut pair = Pair::new(ClientConfig::new(stranger), world.server_config());
    let error = pair.pump().unwrap_err();
    assert!(matches!(&error, Error::BadCertificate(report) if report.check() == Check::Issuer), "{error}");
    let error = transfer(&mut pair.client, &mut pair.server).unwrap_err();
    assert_eq!(error, Error::AlertReceived(AlertDescription::UNKNOWN_CA));

    let mut pair = world.pair();
    let other = GeneralName::parse("other.example").unwrap();
    pair.client = Connection::client(Arc::new(world.client_config()), other, NOW).unwrap();
    let error = pair.pump().unwrap_err();
    assert!(matches!(&error, Error::BadCertificate(report) if report.check() == Check::Name), "{error}");
}

#[test]
fn a_server_refuses_a_client_of_another_authority() {
    let world = World::new(KeyType::EcdsaP256);
    let stranger =
        identity(&authority("another root"), KeyType::EcdsaP256, "customer.example", Profile::Client);
    let client = ClientConfig::new(trust(&world.authority)).with_identity(stranger);
    let mut pair = Pair::new(client, world.server_config());
    let error = pair.pump().unwrap_err();
    assert!(matches!(&error, Error::BadCertificate(report) if report.check() == Check::Issuer), "{error}");
}

#[test]
fn certificates_are_judged_at_the_time_at_which_they_are_fed() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = world.pair();
    transfer(&mut pair.client, &mut pair.server).unwrap();
    let error = transfer_at(&mut pair.server, &mut pair.client, NOW.plus(2 * common::DAY)).unwrap_err();
    assert!(matches!(&error, Error::BadCertificate(report) if report.check() == Check::NotAfter), "{error}");
    let error = transfer(&mut pair.client, &mut pair.server).unwrap_err();
    assert_eq!(error, Error::AlertReceived(AlertDescription::CERTIFICATE_EXPIRED));
}

#[test]
fn nothing_in_common_is_a_handshake_failure_that_says_what() {
    let world = World::new(KeyType::EcdsaP256);
    let gcm = [CipherSuite::TLS_AES_128_GCM_SHA256];
    let cbc = [CipherSuite::OTLS_AES_128_CBC_HMAC_SHA256];
    let rsa = [SignatureScheme::RSA_PSS_RSAE_SHA256];
    let cases = [
        (world.client_config().with_suites(&gcm), world.server_config().with_suites(&cbc), "cipher suite"),
        (
            world.client_config().with_groups(&[NamedGroup::X25519]),
            world.server_config().with_groups(&[NamedGroup::SECP384R1]),
            "group",
        ),
        (
            world.client_config().with_verify_schemes(&rsa),
            Ok(world.server_config()),
            "signature scheme for the server's key",
        ),
    ];
    for (client, server, what) in cases {
        let mut pair = Pair::new(client.unwrap(), server.unwrap());
        let error = pair.pump().unwrap_err();
        assert_eq!(error, PeerIncompatible::NothingInCommon(what).into());
        let error = transfer(&mut pair.server, &mut pair.client).unwrap_err();
        assert_eq!(error, Error::AlertReceived(AlertDescription::HANDSHAKE_FAILURE));
    }
}

#[test]
fn a_changed_octet_in_any_handshake_record_ends_the_handshake() {
    let world = World::new(KeyType::EcdsaP256);
    let flight = |mutate: &dyn Fn(&mut Vec<u8>), to_server: bool, round: usize| -> bool {
        let mut pair = world.pair();
        for turn in 0.. {
            let (from, to) = if turn % 2 == 0 {
                (&mut pair.client, &mut pair.server)
            } else {
                (&mut pair.server, &mut pair.client)
            };
            let mut bytes = from.pending().to_vec();
            from.consume(bytes.len());
            if turn / 2 == round && (turn % 2 == 0) == to_server {
                mutate(&mut bytes);
            }
            if to.feed(&bytes, NOW).is_err() {
                return true;
            }
            if turn > 6 {
                break;
            }
        }
        !(pair.client.state().contains(State::CONFIRMED) && pair.server.state().contains(State::CONFIRMED))
    };
    for (to_server, round) in [(true, 0), (false, 0), (true, 1)] {
        for at in (0..3000).step_by(7) {
            let mutate = |bytes: &mut Vec<u8>| {
                // Records' legacy version is not protected and ignored (RFC 8446 §5.1).
                let version = [1, 2].contains(&at) && bytes.first() == Some(&22);
                if let (Some(octet), false) = (bytes.get_mut(at), version) {
                    *octet ^= 0x01;
                }
            };
            let mut probe = vec![0; 3000];
            mutate(&mut probe);
            let broke = flight(&mutate, to_server, round);
            let length = flight_length(&world, to_server, round);
            assert!(
                broke || at >= length || [1, 2].contains(&at),
                "octet {at} of flight {round} to server {to_server}"
            );
        }
    }
}

fn flight_length(world: &World, to_server: bool, round: usize) -> usize {
    let mut pair = world.pair();
    if (to_server, round) == (true, 0) {
        return pair.client.pending().len();
    }
    transfer(&mut pair.client, &mut pair.server).unwrap();
    if !to_server {
        // Signatures vary in length, so the last octets are left out.
        return pair.server.pending().len() - 80;
    }
    transfer(&mut pair.server, &mut pair.client).unwrap();
    pair.client.pending().len() - 80
}

#[test]
fn the_first_error_is_final_and_keeps_its_alert() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = world.pair().established();
    pair.client.seal(b"message").unwrap();
    let mut record = pair.client.pending().to_vec();
    record[9] ^= 1;
    let error = pair.server.feed(&record, NOW).unwrap_err();
    assert_eq!(error, Error::BadRecord);
    assert_eq!(pair.server.available(), 0);
    assert_eq!(pair.server.error(), Some(&error));
    assert_eq!(pair.server.feed(b"", NOW).unwrap_err(), error);
    assert_eq!(pair.server.seal(b"x").unwrap_err(), error);
    let mut out = [0; 32];
    assert!(pair.server.export(b"label", b"", &mut out).is_err());
    let alert = transfer(&mut pair.server, &mut pair.client).unwrap_err();
    assert_eq!(alert, Error::AlertReceived(AlertDescription::BAD_RECORD_MAC));
    assert!(pair.client.pending().is_empty() || pair.client.state().contains(State::FAILED));
}

#[test]
fn both_sides_export_the_same_keying_material_and_nobody_else() {
    let world = World::new(KeyType::EcdsaP256);
    let pair = world.pair().established();
    let other = world.pair().established();
    let export = |connection: &Connection, label: &[u8], context: &[u8]| {
        let mut out = [0; 48];
        connection.export(label, context, &mut out).unwrap();
        out
    };
    let ours = export(&pair.client, b"EXPORTER-test", b"context");
    assert_eq!(ours, export(&pair.server, b"EXPORTER-test", b"context"));
    assert_ne!(ours, export(&pair.server, b"EXPORTER-test", b"other"));
    assert_ne!(ours, export(&pair.server, b"EXPORTER-other", b"context"));
    assert_ne!(ours, export(&other.server, b"EXPORTER-test", b"context"));
}

#[test]
fn close_notify_ends_one_direction_and_a_cut_is_told_apart() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = world.pair().established();
    pair.client.seal(b"last words").unwrap();
    pair.client.close();
    pair.client.close();
    assert!(matches!(pair.client.seal(b"more"), Err(Error::ApiMisuse(_))));
    transfer(&mut pair.client, &mut pair.server).unwrap();
    assert_eq!(read(&mut pair.server), b"last words");
    transfer(&mut pair.client, &mut pair.server).unwrap();
    assert!(pair.server.state().contains(State::CLOSED));
    assert!(!pair.server.state().contains(State::WANT_READ));
    assert_eq!(pair.server.feed(b"ignored", NOW).unwrap(), 7);
    pair.server.feed_end().unwrap();
    assert_eq!(deliver(&mut pair.server, &mut pair.client, b"goodbye"), b"goodbye");
    assert_eq!(pair.client.feed_end().unwrap_err(), Error::Truncated);
}

#[test]
fn a_configuration_takes_only_what_is_supported_and_data_waits_for_the_handshake() {
    let world = World::new(KeyType::EcdsaP256);
    assert!(world.client_config().with_suites(&[]).is_err());
    assert!(world.client_config().with_suites(&[CipherSuite(0xC02F)]).is_err());
    let twice = [NamedGroup::X25519, NamedGroup::X25519];
    assert!(world.client_config().with_groups(&twice).is_err());
    let mut pair = world.pair();
    assert!(matches!(pair.client.seal(b"early"), Err(Error::ApiMisuse(_))));
    assert!(pair.server.export(b"label", b"", &mut [0; 8]).is_err());
}

#[test]
fn garbage_from_the_network_is_refused_with_an_alert() {
    let world = World::new(KeyType::EcdsaP256);
    let inputs: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\n\r\n",
        &[22, 3, 1, 0x40, 0x01],
        &[23, 3, 3, 0, 1, 0],
        &[20, 3, 3, 0, 1, 1],
        &[22, 3, 1, 0, 4, 20, 0, 0, 0],
    ];
    for input in inputs {
        let mut server = Connection::server(Arc::new(world.server_config()));
        assert!(server.feed(input, NOW).is_err(), "{input:?}");
        // RFC 8446 §6: an alert record of two octets.
        assert_eq!(server.pending()[..5], [21, 3, 3, 0, 2], "{input:?}");
    }
}

#[test]
fn a_message_out_of_order_is_named() {
    let world = World::new(KeyType::EcdsaP256);
    let mut server = Connection::server(Arc::new(world.server_config()));
    let error = server.feed(&[22, 3, 1, 0, 4, 20, 0, 0, 0], NOW).unwrap_err();
    assert!(matches!(error, Error::PeerMisbehaved(PeerMisbehaved::UnexpectedMessage { .. })));
    assert_eq!(error.to_string(), "the peer broke the protocol: got Finished while waiting for ClientHello");
}

#[test]
fn keys_are_replaced_on_request_of_either_side() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = world.pair();
    assert!(matches!(pair.client.update_keys(true), Err(Error::ApiMisuse(_))));
    let mut pair = pair.established();
    for round in 0..5 {
        pair.client.update_keys(round % 2 == 0).unwrap();
        pair.pump().unwrap();
        assert_eq!(deliver(&mut pair.client, &mut pair.server, b"with a new key"), b"with a new key");
        pair.server.update_keys(true).unwrap();
        assert_eq!(deliver(&mut pair.server, &mut pair.client, b"and back"), b"and back");
        assert_eq!(deliver(&mut pair.client, &mut pair.server, b"and forth"), b"and forth");
    }
}

#[test]
fn a_flood_of_key_update_requests_is_answered_once_until_it_is_sent() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = world.pair().established();
    for _ in 0..32 {
        pair.client.update_keys(true).unwrap();
        transfer(&mut pair.client, &mut pair.server).unwrap();
    }
    assert!(pair.server.pending().len() < 64, "{} octets are queued", pair.server.pending().len());
    assert_eq!(deliver(&mut pair.server, &mut pair.client, b"alive"), b"alive");
    assert_eq!(deliver(&mut pair.client, &mut pair.server, b"alive"), b"alive");
    pair.client.update_keys(true).unwrap();
    transfer(&mut pair.client, &mut pair.server).unwrap();
    assert!(!pair.server.pending().is_empty());
}

#[test]
fn closing_is_said_once_and_gives_up_a_handshake_by_name() {
    let world = World::new(KeyType::EcdsaP256);
    let mut client = world.pair().client;
    client.consume(client.pending().len());
    assert_eq!(client.state(), State::WANT_READ);
    for _ in 0..2 {
        client.close();
        // RFC 8446 §6.1: user_canceled (90), and close_notify (0) behind it.
        assert_eq!(client.pending(), [[21, 3, 3, 0, 2, 1, 90], [21, 3, 3, 0, 2, 1, 0]].concat());
    }
    let mut client = world.pair().established().client;
    assert!(!client.state().contains(State::WANT_WRITE));
    for _ in 0..2 {
        client.close();
        // One record: its header, level, description and type, and the tag.
        assert_eq!(client.pending().len(), 5 + 3 + 16);
    }
    // A connection that failed has sent its alert, and says nothing more.
    let mut failed = world.pair().client;
    failed.consume(failed.pending().len());
    failed.feed(&[23, 3, 3, 0, 1, 0], NOW).unwrap_err();
    let alert = failed.pending().to_vec();
    failed.close();
    assert_eq!(failed.pending(), alert);
    assert!(!failed.state().contains(State::CLOSED) && !failed.state().contains(State::WANT_READ));
}
