//! RFC 8448 §3, octet for octet: every secret, every Finished, every protected record.

use super::*;
use crate::codepoints::{CipherSuite, ContentType, NamedGroup};
use crate::crypto::Random;
use crate::crypto::kx::KeyExchange;
use crate::handshake::transcript::HelloTranscript;
use crate::record::{MAX_INNER_LEN, RecordShape};

/// The trace as (role, step, name, value), in its order.
struct Trace(Vec<(&'static str, &'static str, &'static str, Vec<u8>)>);

impl Trace {
    fn load() -> Self {
        let text = include_str!("../../../tests/vectors/rfc8448_section_3.txt");
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

    fn message(&self, role: &str, name: &str) -> &[u8] {
        self.get(role, "construct a", name)
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

#[test]
fn the_simple_handshake_of_rfc_8448_is_reproduced_octet_for_octet() {
    let trace = Trace::load();
    let suite = SuiteParameters::of(CipherSuite::TLS_AES_128_GCM_SHA256).unwrap();

    let private = Fixed(trace.get("client", "create an ephemeral", "private key").to_vec());
    let client = KeyExchange::start(NamedGroup::X25519, &private).unwrap();
    assert_eq!(client.public_share(), trace.get("client", "create an ephemeral", "public key"));
    let shared = client.finish(trace.get("server", "create an ephemeral", "public key")).unwrap();
    assert_eq!(shared.expose(), trace.get("server", "extract secret \"handshake\"", "IKM"));

    let mut transcript = HelloTranscript::new(trace.message("client", "ClientHello")).start(suite.hash);
    transcript.add(trace.message("server", "ServerHello"));
    let early = EarlySecret::without_psk(suite.hash);
    assert_eq!(early.0.expose(), trace.get("server", "extract secret \"early\"", "secret"));
    let handshake = early.into_handshake(&shared).unwrap();
    assert_eq!(handshake.0.expose(), trace.get("server", "extract secret \"handshake\"", "secret"));
    let keys = handshake.traffic(suite, &transcript.current()).unwrap();
    let expanded = |label: &str| trace.get("server", &format!("derive secret \"tls13 {label}\""), "expanded");
    assert_eq!(keys.client.prk.expose(), expanded("c hs traffic"));
    assert_eq!(keys.server.prk.expose(), expanded("s hs traffic"));
    let (_, iv) = keys.server.key_and_iv().unwrap();
    assert_eq!(iv, trace.get("server", "derive write traffic keys for handshake", "iv expanded"));

    for name in ["EncryptedExtensions", "Certificate", "CertificateVerify"] {
        transcript.add(trace.message("server", name));
    }
    let verify_data = keys.server.verify_data(&transcript.current()).unwrap();
    assert_eq!(verify_data.as_ref(), trace.get("server", "calculate finished", "finished"));
    transcript.add(trace.message("server", "Finished"));

    let master = handshake.into_master().unwrap();
    assert_eq!(master.0.expose(), trace.get("server", "extract secret \"master\"", "secret"));
    let application = master.traffic(suite, &transcript.current()).unwrap();
    assert_eq!(application.client.prk.expose(), expanded("c ap traffic"));
    assert_eq!(application.server.prk.expose(), expanded("s ap traffic"));
    assert_eq!(master.exporter(&transcript.current()).unwrap().0.expose(), expanded("exp master"));

    let verify_data = keys.client.verify_data(&transcript.current()).unwrap();
    assert_eq!(verify_data.as_ref(), trace.get("client", "calculate finished", "finished"));
    keys.client.check_finished(&transcript.current(), verify_data.as_ref()).unwrap();

    records_are_reproduced(&trace, "server", &keys.server, &application.server, 1);
    records_are_reproduced(&trace, "client", &keys.client, &application.client, 1);
}

/// Seals the payloads of a role after its unprotected ones, and opens them again.
fn records_are_reproduced(
    trace: &Trace,
    role: &str,
    handshake: &TrafficSecret,
    application: &TrafficSecret,
    unprotected: usize,
) {
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
    let protected = &records[unprotected..];
    assert!(protected.len() >= 3, "the trace has the flight, data and an alert of {role}");
    for (index, (content_type, payload, record)) in protected.iter().enumerate() {
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
