//! RFC 8448 §3 to §7, octet for octet: every secret, every binder and Finished, every protected record.

use super::*;
use crate::codepoints::{CipherSuite, ContentType, NamedGroup};
use crate::crypto::Random;
use crate::crypto::kx::KeyExchange;
use crate::handshake::transcript::Transcript;
use crate::record::{MAX_INNER_LEN, RecordShape};
use crate::undefined;
use crate::wire::{Codec, NewSessionTicket};

/// The trace as (role, step, name, value), in its order.
struct Trace(Vec<(&'static str, &'static str, &'static str, Vec<u8>)>);

impl Trace {
    fn load(text: &'static str) -> Self {
        let entry = |line: &'static str| {
            let (path, value) = line.split_once(" = ").unwrap();
            let mut parts = path.split(" | ");
            let octet = |at| u8::from_str_radix(&value[at..at + 2], 16).unwrap();
            let value = (0..value.len()).step_by(2).map(octet).collect();
            (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap(), value)
        };
        Self(text.lines().filter(|line| !line.starts_with('#')).map(entry).collect())
    }

    fn all(&self, role: &str, step: &str, name: &str) -> Vec<&[u8]> {
        let found =
            self.0.iter().filter(|entry| entry.0 == role && entry.1.starts_with(step) && entry.2 == name);
        found.map(|entry| entry.3.as_slice()).collect()
    }

    fn get(&self, role: &str, step: &str, name: &str) -> &[u8] {
        self.all(role, step, name).first().unwrap_or_else(|| panic!("{role} {step} {name}"))
    }

    /// The handshake messages in order: role, name, octets with a PSK's binder.
    fn messages(&self) -> Vec<(&str, &str, &[u8])> {
        let made = self.0.iter().filter(|entry| entry.1.starts_with("construct a"));
        made.map(|(role, _, name, octets)| {
            let sent = self.all(role, "send handshake record", "payload");
            let with_binder =
                sent.into_iter().find(|sent| *name == "ClientHello" && sent.starts_with(octets));
            (*role, *name, with_binder.unwrap_or(octets))
        })
        .collect()
    }
}

/// Gives the octets of the trace instead of random ones.
struct Fixed(Vec<u8>);

impl Random for Fixed {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        out.copy_from_slice(&self.0);
        Ok(())
    }
}

const SIMPLE: &str = include_str!("../../../tests/vectors/rfc8448_section_3.txt");

#[test]
fn the_simple_handshake_of_rfc_8448_is_reproduced_octet_for_octet() {
    replay(&Trace::load(SIMPLE), None);
}

#[test]
fn the_resumed_handshake_of_rfc_8448_is_reproduced_octet_for_octet() {
    // The ticket is the one of the simple handshake.
    let psk = replay(&Trace::load(SIMPLE), None).unwrap();
    let resumed = Trace::load(include_str!("../../../tests/vectors/rfc8448_section_4.txt"));
    replay(&resumed, Some(&psk));
}

#[test]
fn the_hello_retry_request_of_rfc_8448_is_reproduced_octet_for_octet() {
    replay(&Trace::load(include_str!("../../../tests/vectors/rfc8448_section_5.txt")), None);
}

#[test]
fn the_client_authentication_of_rfc_8448_is_reproduced_octet_for_octet() {
    replay(&Trace::load(include_str!("../../../tests/vectors/rfc8448_section_6.txt")), None);
}

#[test]
fn the_compatibility_mode_of_rfc_8448_is_reproduced_octet_for_octet() {
    replay(&Trace::load(include_str!("../../../tests/vectors/rfc8448_section_7.txt")), None);
}

/// Recomputes every value of the trace that is not of early data; the PSK of the ticket in it.
fn replay(trace: &Trace, psk: Option<&Secret>) -> Option<Secret> {
    let suite = SuiteParameters::of(CipherSuite::TLS_AES_128_GCM_SHA256).unwrap();
    let messages = trace.messages();
    let mut messages = messages.iter().copied();
    let mut next = |role, name| {
        let message = messages.next().unwrap();
        assert_eq!((message.0, message.1), (role, name));
        message.2
    };

    let hello = next("client", "ClientHello");
    let mut answer = next("server", "ServerHello");
    // RFC 8446 §4.1.3: a HelloRetryRequest is told by its random.
    let retried = answer[6..].starts_with(&[0xCF, 0x21, 0xAD, 0x74]);
    let mut transcript;
    if retried {
        transcript = Transcript::with_retry(suite.hash, hello);
        transcript.add(answer);
        transcript.add(next("client", "ClientHello"));
        answer = next("server", "ServerHello");
    } else {
        transcript = Transcript::new(suite.hash);
        transcript.add(hello);
    }
    let early = early_secret(trace, suite, psk);
    transcript.add(answer);

    let (group, pair) = match retried {
        true => (NamedGroup::SECP256R1, "create an ephemeral P-256"),
        false => (NamedGroup::X25519, "create an ephemeral x25519"),
    };
    let private = Fixed(trace.get("client", pair, "private key").to_vec());
    let client = KeyExchange::start(group, &private).unwrap();
    assert_eq!(client.public_share(), trace.get("client", pair, "public key"));
    let shared = client.finish(trace.get("server", pair, "public key")).unwrap();
    assert_eq!(shared.expose(), trace.get("server", "extract secret \"handshake\"", "IKM"));
    let handshake = early.into_handshake(&shared).unwrap();
    assert_eq!(handshake.0.expose(), trace.get("server", "extract secret \"handshake\"", "secret"));
    let keys = handshake.traffic(suite, &transcript.current()).unwrap();
    let expanded = |label: &str| trace.get("server", &format!("derive secret \"tls13 {label}\""), "expanded");
    assert_eq!(keys.client.prk.expose(), expanded("c hs traffic"));
    assert_eq!(keys.server.prk.expose(), expanded("s hs traffic"));
    let (_, iv) = keys.server.key_and_iv().unwrap();
    assert_eq!(iv, trace.get("server", "derive write traffic keys for handshake", "iv expanded"));

    // Up to each Finished, which is made of what goes before it.
    let mut flight = |role, secret: &TrafficSecret, transcript: &mut Transcript| {
        for message in messages.by_ref() {
            assert_eq!(message.0, role);
            if message.1 == "Finished" {
                let verify_data = secret.verify_data(&transcript.current()).unwrap();
                assert_eq!(verify_data.as_ref(), trace.get(role, "calculate finished", "finished"));
                assert_eq!(verify_data.as_ref(), &message.2[4..]);
                secret.check_finished(&transcript.current(), verify_data.as_ref()).unwrap();
                transcript.add(message.2);
                return;
            }
            transcript.add(message.2);
        }
    };
    flight("server", &keys.server, &mut transcript);
    let master = handshake.into_master().unwrap();
    assert_eq!(master.0.expose(), trace.get("server", "extract secret \"master\"", "secret"));
    let application = master.traffic(suite, &transcript.current()).unwrap();
    assert_eq!(application.client.prk.expose(), expanded("c ap traffic"));
    assert_eq!(application.server.prk.expose(), expanded("s ap traffic"));
    assert_eq!(master.exporter(&transcript.current()).unwrap().0.expose(), expanded("exp master"));
    flight("client", &keys.client, &mut transcript);
    let resumption = master.resumption(&transcript.current()).unwrap();
    assert_eq!(resumption.0.expose(), trace.get("client", "derive secret \"tls13 res master\"", "expanded"));

    records_are_reproduced(trace, "server", &keys.server, &application.server);
    records_are_reproduced(trace, "client", &keys.client, &application.client);
    let (_, _, ticket) = messages.next()?;
    let ticket = NewSessionTicket::decode_all("NewSessionTicket", &ticket[4..]).unwrap();
    let psk = resumption.psk(&ticket.ticket_nonce).unwrap();
    assert_eq!(psk.expose(), trace.get("server", "generate resumption", "expanded"));
    Some(psk)
}

fn early_secret(trace: &Trace, suite: SuiteParameters, psk: Option<&Secret>) -> EarlySecret {
    let of = if psk.is_some() { "client" } else { "server" };
    let early = psk.map_or_else(
        || EarlySecret::without_psk(suite.hash),
        |psk| {
            let early = EarlySecret::with_psk(suite.hash, psk);
            let truncated = digest(suite.hash, trace.get("client", "calculate PSK", "ClientHello prefix"));
            let binder = early.binder(&truncated).unwrap();
            assert_eq!(binder.as_ref(), trace.get("client", "calculate PSK", "finished"));
            assert!(trace.messages()[0].2.ends_with(binder.as_ref()), "the hello that is sent has it");
            early.check_binder(&truncated, binder.as_ref()).unwrap();
            early
        },
    );
    assert_eq!(early.0.expose(), trace.get(of, "extract secret \"early\"", "secret"));
    early
}

/// Seals the payloads of a role that are under these keys, and opens them again.
fn records_are_reproduced(trace: &Trace, role: &str, handshake: &TrafficSecret, application: &TrafficSecret) {
    use ContentType as T;
    let (mut sealer, mut opener) = (handshake.sealer().unwrap(), handshake.opener().unwrap());
    let mut records: Vec<(T, &[u8], &[u8])> = Vec::new();
    let steps = [
        ("send handshake record", T::HANDSHAKE),
        ("send application_data", T::APPLICATION_DATA),
        ("send alert", T::ALERT),
    ];
    for (step, content_type) in steps {
        let payloads = trace.all(role, step, "payload");
        for (payload, record) in payloads.iter().zip(trace.all(role, step, "complete record")) {
            records.push((content_type, payload, record));
        }
    }
    // Not what goes before the keys, and not early data and its end.
    let mut is_early = !trace.all(role, "construct an EndOfEarlyData", "EndOfEarlyData").is_empty();
    records.retain(|(content_type, payload, record)| {
        let early_data = *content_type == T::APPLICATION_DATA && core::mem::take(&mut is_early);
        record[0] == T::APPLICATION_DATA.0 && **payload != [5, 0, 0, 0] && !early_data
    });
    assert!(records.len() >= 2, "the trace has the flight and an alert of {role}");
    for (index, (content_type, payload, record)) in records.iter().enumerate() {
        if index == 1 {
            (sealer, opener) = (application.sealer().unwrap(), application.opener().unwrap());
        }
        let mut sealed = Vec::new();
        sealer.seal(*content_type, payload, RecordShape::default(), &mut sealed).unwrap();
        assert_eq!(sealed, *record, "record {index} of {role}");
        let (header, body) = sealed.split_at_mut(5);
        let opened = opener.open(&header.try_into().unwrap(), body, MAX_INNER_LEN).unwrap();
        assert_eq!((opened.0, &*opened.1), (*content_type, *payload));
    }
}

#[test]
fn a_finished_that_is_wrong_in_any_octet_is_refused() {
    let suite = SuiteParameters::of(CipherSuite::TLS_AES_256_GCM_SHA384).unwrap();
    let secret = TrafficSecret { suite, prk: Prk::from_secret(suite.hash, &[7; 48]).unwrap() };
    let transcript = digest(suite.hash, b"messages");
    let right = secret.verify_data(&transcript).unwrap();
    for index in 0..right.as_ref().len() {
        let mut wrong = right.as_ref().to_vec();
        wrong[index] ^= 1;
        let refused = secret.check_finished(&transcript, &wrong);
        assert_eq!(refused, Err(PeerMisbehaved::BadFinished.into()));
    }
    assert!(secret.check_finished(&transcript, &right.as_ref()[..47]).is_err());
}

#[test]
fn a_label_or_an_output_that_is_too_long_is_refused() {
    let exporter = ExporterSecret(Prk::from_secret(HashAlgorithm::Sha256, &[1; 32]).unwrap());
    let mut out = [0; 32];
    assert!(exporter.export(&[b'a'; 250], b"", &mut out).is_err());
    assert!(exporter.export(&[b'a'; 249], b"", &mut out).is_ok());
    assert!(exporter.export(b"label", b"", &mut vec![0; 1 << 16]).is_err());
}

#[test]
fn finished_and_binder_are_judged_in_constant_time() {
    undefined::check(|| {
        for suite in [CipherSuite::TLS_AES_128_GCM_SHA256, CipherSuite::TLS_AES_256_GCM_SHA384] {
            let suite = SuiteParameters::of(suite).unwrap();
            let secret = Secret::from(vec![7; suite.hash.output_len()]);
            undefined::secret(secret.expose());
            let hash = digest(suite.hash, b"the messages");

            let traffic =
                TrafficSecret { suite, prk: Prk::from_secret(suite.hash, secret.expose()).unwrap() };
            let right = traffic.verify_data(&hash).unwrap();
            // It is sent.
            undefined::public(right.as_ref());
            traffic.check_finished(&hash, right.as_ref()).unwrap();

            let early = EarlySecret::with_psk(suite.hash, &secret);
            let binder = early.binder(&hash).unwrap();
            undefined::public(binder.as_ref());
            early.check_binder(&hash, binder.as_ref()).unwrap();

            for at in 0..suite.hash.output_len() {
                let mut wrong = right.as_ref().to_vec();
                wrong[at] ^= 1;
                assert!(traffic.check_finished(&hash, &wrong).is_err());
                let mut wrong = binder.as_ref().to_vec();
                wrong[at] ^= 1;
                assert!(early.check_binder(&hash, &wrong).is_err());
            }
        }
    });
}
