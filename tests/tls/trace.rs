//! The trace of a connection: it says what was sent, what was derived and what was checked, and no more than was
//! asked for.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use otls::codepoints::{CipherSuite, NamedGroup};
use otls::crypto::SystemRandom;
use otls::pki::KeyType;
use otls::{
    ClientConfig, Connection, MAX_TICKETS, SUPPORTED_SUITES, ServerConfig, TicketKeys, TraceLevel, UnixTime,
};
use serde_json::Value;

use crate::common::{NOW, Pair, World, bank_name, deliver, transfer};

/// A pair whose sides are both traced.
fn traced(level: TraceLevel, client: ClientConfig, server: ServerConfig) -> Pair {
    let mut pair = Pair::new(client, server);
    for side in [&mut pair.client, &mut pair.server] {
        side.set_trace(level);
        side.set_trace_time(Duration::from_millis(1_500));
    }
    pair
}

fn events(connection: &mut Connection) -> Vec<Value> {
    let lines = connection.take_trace().unwrap();
    let text = std::str::from_utf8(lines.expose()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == name).collect()
}

/// Direction and name of each message.
fn messages(events: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    of(events, "message").iter().map(|one| (text(&one["direction"]), text(&one["name"]))).collect()
}

fn octets(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Fields of a group follow each other and leave nothing out.
fn assert_tiled(fields: &[Value], start: u64, end: u64) {
    let mut at = start;
    for field in fields {
        assert_eq!(field["start"], at, "{field}");
        let until = field["end"].as_u64().unwrap();
        assert!(until > at, "{field}");
        assert_ne!(field["name"], "rest", "{field}");
        if let Some(inner) = field["fields"].as_array() {
            assert_tiled(inner, at, until);
        }
        at = until;
    }
    assert_eq!(at, end, "{fields:?}");
}

/// The value of the first field of this name, wherever it lies.
fn field<'a>(fields: &'a [Value], name: &str) -> Option<&'a Value> {
    fields.iter().find_map(|one| {
        let inner = one["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
        if one["name"] == name { Some(one) } else { field(inner, name) }
    })
}

const FULL: &[(&str, &str)] = &[
    ("sent", "ClientHello"),
    ("received", "ServerHello"),
    ("received", "EncryptedExtensions"),
    ("received", "CertificateRequest"),
    ("received", "Certificate"),
    ("received", "CertificateVerify"),
    ("received", "Finished"),
    ("sent", "Certificate"),
    ("sent", "CertificateVerify"),
    ("sent", "Finished"),
];

#[test]
fn both_sides_tell_of_the_same_messages_field_by_field() {
    for key_type in [KeyType::EcdsaP256, KeyType::Rsa2048, KeyType::Ed25519] {
        let world = World::new(key_type);
        let mut pair = traced(TraceLevel::Secrets, world.client_config(), world.server_config());
        pair.pump().unwrap();
        let (client, server) = (events(&mut pair.client), events(&mut pair.server));
        let expected: Vec<_> =
            FULL.iter().map(|(way, name)| ((*way).to_owned(), (*name).to_owned())).collect();
        assert_eq!(messages(&client)[..expected.len()], expected);

        let sent_by = |events: &[Value], direction: &str| -> Vec<(Value, Value, Value)> {
            let mine = of(events, "message").into_iter().filter(|one| one["direction"] == direction);
            mine.map(|one| (one["octets"].clone(), one["fields"].clone(), one["secret"].clone())).collect()
        };
        assert_eq!(sent_by(&client, "sent"), sent_by(&server, "received"));
        assert_eq!(sent_by(&client, "received"), sent_by(&server, "sent"));
        for message in of(&client, "message") {
            let octets = octets(&message["octets"]);
            assert_eq!(message["length"], octets.len());
            assert_tiled(message["fields"].as_array().unwrap(), 0, u64::try_from(octets.len()).unwrap());
        }
        let random = &client[0]["connection"];
        assert!(
            client.iter().chain(&server).skip(1).all(|one| one["connection"] == *random || server[0] == *one)
        );
        assert!(client.iter().skip(2).all(|one| one["role"] == "client" && one["time"] == 1.5));
    }
}

#[test]
fn fields_say_what_the_connection_agreed_on() {
    let world = World::new(KeyType::EcdsaP256);
    let client = world.client_config().with_suites(&[CipherSuite::OTLS_AES_256_CBC_HMAC_SHA384]).unwrap();
    let client = client.with_groups(&[NamedGroup::X25519]).unwrap();
    let mut pair = traced(TraceLevel::Messages, client, world.server_config());
    pair.pump().unwrap();
    let events = events(&mut pair.server);
    let message = |name: &str| {
        let message = of(&events, "message").into_iter().find(|one| one["name"] == name).unwrap();
        message["fields"].as_array().unwrap().clone()
    };
    let value =
        |name: &str, of: &str| field(&message(name), of).unwrap()["value"].as_str().unwrap().to_owned();
    assert_eq!(value("ClientHello", "cipher_suite"), "OTLS_AES_256_CBC_HMAC_SHA384 (0xff02)");
    assert_eq!(value("ClientHello", "host_name"), "bank.example");
    assert_eq!(value("ServerHello", "group"), "x25519 (0x001d)");
    assert_eq!(value("ServerHello", "selected_version"), "TLSv1.3 (0x0304)");
    assert_eq!(value("Certificate", "subject"), "CN=bank.example");
    assert_eq!(value("Certificate", "subjectPublicKeyInfo"), "ECDSA on P-256");
    assert_eq!(value("CertificateVerify", "algorithm"), "ecdsa_secp256r1_sha256 (0x0403)");

    let agreed = of(&events, "agreed");
    assert_eq!(agreed[0]["suite_code"], 0xFF02);
    assert_eq!(agreed[0]["suite_is_private"], true);
    assert_eq!(agreed[0]["resumed"], false);
    let results: BTreeSet<_> =
        of(&events, "signature").iter().map(|one| one["result"].as_str().unwrap().to_owned()).collect();
    assert_eq!(results, BTreeSet::from(["made".to_owned(), "passed".to_owned()]));
    let checks: BTreeSet<_> = of(&events, "check")
        .iter()
        .map(|one| (one["check"].as_str().unwrap(), one["result"].as_str().unwrap()))
        .collect();
    for check in ["signature", "notBefore", "notAfter", "extendedKeyUsage", "basicConstraints", "issuer"] {
        assert!(checks.contains(&(check, "passed")), "{check} of {checks:?}");
    }
    assert!(checks.contains(&("revocation", "not checked")) && checks.contains(&("Finished", "passed")));
    let states: Vec<_> = of(&events, "state").iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["HANDSHAKE_DONE", "CONFIRMED"]);
}

/// The names that a trace and a key log (RFC 9850 §3) have for the same secret.
const LOGGED: &[(&str, &str)] = &[
    ("client_handshake_traffic_secret", "CLIENT_HANDSHAKE_TRAFFIC_SECRET"),
    ("server_handshake_traffic_secret", "SERVER_HANDSHAKE_TRAFFIC_SECRET"),
    ("client_application_traffic_secret_0", "CLIENT_TRAFFIC_SECRET_0"),
    ("server_application_traffic_secret_0", "SERVER_TRAFFIC_SECRET_0"),
    ("exporter_master_secret", "EXPORTER_SECRET"),
];

#[test]
fn secrets_are_those_of_the_key_log_and_each_comes_from_one_before_it() {
    for suite in SUPPORTED_SUITES {
        let world = World::new(KeyType::EcdsaP256);
        let client = world.client_config().with_suites(&[*suite]).unwrap().with_key_log();
        let mut pair = traced(TraceLevel::Secrets, client, world.server_config());
        pair.pump().unwrap();
        let log = pair.client.take_key_log().unwrap();
        let log = std::str::from_utf8(log.expose()).unwrap().to_owned();
        let (client, server) = (events(&mut pair.client), events(&mut pair.server));
        let secrets = |events: &[Value]| -> BTreeMap<String, Value> {
            let named = |one: &&Value| (one["name"].as_str().unwrap().to_owned(), one["value"].clone());
            of(events, "secret").iter().map(named).collect()
        };
        assert_eq!(secrets(&client), secrets(&server));
        for (name, label) in LOGGED {
            let line = log.lines().find(|line| line.starts_with(&format!("{label} "))).unwrap();
            assert_eq!(secrets(&client)[*name].as_str(), line.split(' ').nth(2), "{name}");
        }
        let mut known = BTreeSet::from(["zeros".to_owned()]);
        for secret in of(&client, "secret") {
            let derivation = &secret["derivation"];
            for source in ["from", "salt", "input"].into_iter().filter_map(|one| derivation[one].as_str()) {
                assert!(known.contains(source), "{source} of {secret}");
            }
            assert_eq!(secret["length"], octets(&secret["value"]).len());
            known.insert(secret["name"].as_str().unwrap().to_owned());
        }
        // What protects a record was derived.
        for record in of(&client, "record") {
            let secret = record["protection"]["secret"].as_str();
            assert!(secret.is_none_or(|secret| known.contains(secret)), "{record}");
        }
    }
}

#[test]
fn a_trace_of_messages_has_no_secret_and_no_data() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = traced(TraceLevel::Messages, world.client_config().with_key_log(), world.server_config());
    pair.pump().unwrap();
    assert_eq!(deliver(&mut pair.client, &mut pair.server, b"the code is 256345"), b"the code is 256345");
    let log = pair.client.take_key_log().unwrap();
    let log = std::str::from_utf8(log.expose()).unwrap().to_owned();
    for side in [&mut pair.client, &mut pair.server] {
        let events = events(side);
        assert!(of(&events, "secret").iter().all(|one| one["value"].is_null() && one["length"].is_u64()));
        assert!(!of(&events, "secret").is_empty());
        let [data] = of(&events, "data")[..] else { panic!("one event of data: {events:?}") };
        assert_eq!((&data["length"], &data["octets"]), (&Value::from(18), &Value::Null));
        let text = format!("{events:?}");
        assert!(log.lines().all(|line| !text.contains(line.split(' ').nth(2).unwrap())));
    }
}

#[test]
fn nothing_is_recorded_unless_it_is_asked_for() {
    let mut pair = World::new(KeyType::EcdsaP256).pair().established();
    assert!(!pair.client.is_traced());
    assert!(pair.client.take_trace().is_none());
    pair.client.set_trace_time(Duration::ZERO);
    assert!(pair.server.take_trace().is_none());
}

#[test]
fn a_server_that_chooses_its_configuration_later_is_traced_from_the_hello_on() {
    let world = World::new(KeyType::EcdsaP256);
    let mut client = Connection::client(Arc::new(world.client_config()), bank_name(), NOW).unwrap();
    let mut server = Connection::accept();
    server.set_trace(TraceLevel::Messages);
    transfer(&mut client, &mut server).unwrap();
    let events_before = events(&mut server);
    assert_eq!(messages(&events_before), [("received".to_owned(), "ClientHello".to_owned())]);
    assert_eq!(of(&events_before, "state")[0]["state"], "NEED_CONFIG");
    server.configure(Arc::new(world.server_config()), NOW).unwrap();
    assert_eq!(messages(&events(&mut server))[0].1, "ServerHello");
}

#[test]
fn a_retry_a_resumption_and_a_key_update_are_told() {
    let world = World::new(KeyType::EcdsaP256);
    let keys = Arc::new(TicketKeys::generate(&SystemRandom, NOW).unwrap());
    let server = || {
        let server = world.server_config().with_groups(&[NamedGroup::SECP384R1]).unwrap();
        server.with_tickets(Arc::clone(&keys), MAX_TICKETS).unwrap()
    };
    let client = || world.client_config().with_sessions(1);
    let mut pair = traced(TraceLevel::Secrets, client(), server());
    pair.pump().unwrap();
    let first = events(&mut pair.client);
    let names: Vec<_> = messages(&first).into_iter().map(|(_, name)| name).take(4).collect();
    assert_eq!(names, ["ClientHello", "HelloRetryRequest", "ClientHello", "ServerHello"]);
    assert_eq!(messages(&first).iter().filter(|(_, name)| name == "NewSessionTicket").count(), MAX_TICKETS);

    let session = pair.client.take_session().unwrap();
    let config = Arc::new(client());
    let resuming = Connection::client_resuming(config, bank_name(), session, NOW).unwrap();
    let mut pair = Pair::of(resuming, server());
    pair.client.set_trace(TraceLevel::Secrets);
    pair.server.set_trace(TraceLevel::Secrets);
    pair.pump().unwrap();
    let (client, server) = (events(&mut pair.client), events(&mut pair.server));
    assert_eq!(of(&client, "agreed")[0]["resumed"], true);
    let psk = |events: &[Value]| {
        of(events, "secret").into_iter().find(|one| one["name"] == "psk").map(|one| one["value"].clone())
    };
    assert!(psk(&client).is_some() && psk(&client) == psk(&server));
    for hello in of(&client, "message") {
        let end = u64::try_from(octets(&hello["octets"]).len()).unwrap();
        assert_tiled(hello["fields"].as_array().unwrap(), 0, end);
    }

    pair.client.update_keys(true).unwrap();
    pair.pump().unwrap();
    let (client, server) = (events(&mut pair.client), events(&mut pair.server));
    for events in [&client, &server] {
        let updated: BTreeSet<_> =
            of(events, "keys").iter().map(|one| one["secret"].as_str().unwrap().to_owned()).collect();
        let expected = ["client", "server"].map(|side| format!("{side}_application_traffic_secret_1"));
        assert_eq!(updated, BTreeSet::from(expected));
    }
    let values = |events: &[Value]| -> BTreeMap<String, String> {
        of(events, "secret").iter().map(|one| (one["name"].to_string(), one["value"].to_string())).collect()
    };
    assert_eq!(values(&client), values(&server));
}

#[test]
fn a_refused_peer_is_told_with_the_reason_and_the_alert() {
    let (world, other) = (World::new(KeyType::EcdsaP256), World::new(KeyType::EcdsaP256));
    let mut pair = traced(TraceLevel::Messages, other.client_config(), world.server_config());
    pair.pump().unwrap_err();
    let events = events(&mut pair.client);
    let failed: Vec<_> = of(&events, "check").into_iter().filter(|one| one["result"] == "failed").collect();
    // Another authority of the same name.
    assert_eq!((&failed[0]["check"], &failed[0]["depth"]), (&"signature".into(), &0.into()));
    assert!(failed[0]["hint"].as_str().is_some_and(|hint| !hint.is_empty()));
    let [alert] = of(&events, "alert")[..] else { panic!("one alert: {events:?}") };
    assert_eq!((&alert["direction"], &alert["name"]), (&"sent".into(), &"bad_certificate".into()));
    let error = of(&events, "error")[0];
    assert_eq!(error["code"], pair.client.error().unwrap().code().name());
}

#[test]
fn a_record_that_does_not_open_is_there_and_so_is_the_error() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = traced(TraceLevel::Secrets, world.client_config(), world.server_config());
    pair.pump().unwrap();
    events(&mut pair.server);
    pair.client.seal(b"256345").unwrap();
    let mut wire = pair.client.pending().to_vec();
    let last = wire.len() - 1;
    wire[last] ^= 1;
    pair.server.feed(&wire, NOW).unwrap_err();
    let events = events(&mut pair.server);
    assert_eq!(octets(&of(&events, "record")[0]["octets"]), wire);
    assert!(of(&events, "data").is_empty());
    assert_eq!(of(&events, "alert")[0]["name"], "bad_record_mac");
}

#[test]
fn long_data_is_folded_and_nothing_of_its_length_is_lost() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = traced(TraceLevel::Secrets, world.client_config(), world.server_config());
    pair.pump().unwrap();
    let (megabyte, mut lines) = (vec![7; 1 << 20], 0);
    for _ in 0..10 {
        assert_eq!(deliver(&mut pair.client, &mut pair.server, &megabyte).len(), megabyte.len());
    }
    pair.client.close();
    transfer(&mut pair.client, &mut pair.server).unwrap();
    for (side, direction) in [(&mut pair.client, "sent"), (&mut pair.server, "received")] {
        let trace = side.take_trace().unwrap();
        assert!(trace.len() < 1 << 20, "{} octets", trace.len());
        let text = std::str::from_utf8(trace.expose()).unwrap();
        let all: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told = all.iter().filter(|one| {
            (one["event"] == "data" || one["event"] == "folded") && one["direction"] == direction
        });
        let total: u64 = told.map(|one| one["length"].as_u64().unwrap()).sum();
        assert_eq!(total, 10 << 20);
        lines += all.len();
    }
    assert!(lines > 0);
}

#[test]
fn whatever_a_stranger_sends_the_lines_stay_json_and_bounded() {
    // A hello of 64 KiB of unknown code points, quotes in names, lengths that lie.
    let mut body = vec![3, 3];
    body.extend([0x22; 32]);
    body.push(0);
    let suites = vec![0x5C; 60_000];
    body.extend(u16::try_from(suites.len()).unwrap().to_be_bytes());
    body.extend(&suites);
    for cut in [0, 1, 5, 40, 1_000, body.len()] {
        let mut message = vec![1];
        message.extend(&u32::try_from(cut).unwrap().to_be_bytes()[1..]);
        message.extend(&body[..cut]);
        let mut server = Connection::accept();
        server.set_trace(TraceLevel::Secrets);
        for part in message.chunks(16_000) {
            let mut record = vec![22, 3, 3];
            record.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
            record.extend(part);
            if server.feed(&record, UnixTime(0)).is_err() {
                break;
            }
        }
        assert!(server.error().is_some());
        let events = events(&mut server);
        assert!(format!("{events:?}").len() < 1_000_000);
        assert_eq!(of(&events, "message").len(), 1);
    }
}
