//! A listener: both directions of somebody else's connection, and what a key log says of it, told as a trace.

use core::time::Duration;

use super::authenticate::{Signer, signed_content};
use super::key_schedule::TrafficSecret;
use super::suite::SuiteParameters;
use super::traced::{listened_secrets, updated_secret};
use super::transcript::Transcript;
use crate::codepoints::{ContentType, HandshakeType, ProtocolVersion};
use crate::error::{Error, PeerIncompatible, Result};
use crate::pki::Certificate;
use crate::record::{Deframer, HandshakeJoiner, HandshakeMessage, MAX_INNER_LEN, Opener};
use crate::secret::Secret;
use crate::trace::{Direction, Trace, TraceLevel};
use crate::wire::{CertificateMessage, CertificateVerify, Codec, ServerHelloOrRetry};

/// Who sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that sends the ClientHello.
    Client,
    /// The one that answers it.
    Server,
}

/// The secret of a label of RFC 9850 for the client's random, where it is known.
type Lookup<'a> = dyn Fn(&str, &[u8; 32]) -> Option<Secret> + 'a;

/// Takes the octets of one connection as they were captured, in their order, and tells them as the client's trace
/// would. Its keys are those of a key log; what no key log has is said to be unknown, and what has no key stays
/// as it is on the wire. Certificates are not judged.
pub struct Observer<'a> {
    trace: Trace,
    lookup: &'a Lookup<'a>,
    client: Stream,
    server: Stream,
    client_random: Option<[u8; 32]>,
    /// The hello that came before there is a hash.
    hello: Vec<u8>,
    suite: Option<SuiteParameters>,
    transcript: Option<Transcript>,
    /// That of the server's Finished is over.
    has_application_secrets: bool,
    failed: bool,
}

crate::shown::shown!(Observer<'a>);

#[derive(Default)]
struct Stream {
    deframer: Deframer,
    joiner: HandshakeJoiner,
    opener: Option<Opener>,
    secret: Option<TrafficSecret>,
    /// That of the certificate that this side has shown.
    certificate: Option<Certificate>,
    /// Its records cannot be read any more.
    is_dark: bool,
}

impl<'a> Observer<'a> {
    /// `lookup` answers with a secret of the key log, by its label and the client's random.
    pub fn new(level: TraceLevel, lookup: &'a Lookup<'a>) -> Self {
        Self {
            trace: Trace::new(level, false),
            lookup,
            client: Stream::default(),
            server: Stream::default(),
            client_random: None,
            hello: Vec::new(),
            suite: None,
            transcript: None,
            has_application_secrets: false,
            failed: false,
        }
    }

    /// Octets of one side, captured at this time since 1970. What cannot be understood is told as an error, and
    /// nothing after it is looked at.
    pub fn feed(&mut self, side: Side, mut bytes: &[u8], since_epoch: Duration) {
        self.trace.set_time(since_epoch);
        while !bytes.is_empty() && !self.failed {
            let taken = self.stream(side).deframer.feed(bytes, true).map_err(Error::from);
            let handled = taken.and_then(|taken| {
                bytes = bytes.get(taken..).unwrap_or_default();
                self.record(side)
            });
            if let Err(error) = handled {
                self.failed = true;
                self.trace.error(&error);
            }
        }
    }

    /// The trace so far.
    pub fn take(&mut self) -> Option<Secret> {
        self.trace.take()
    }

    /// What identifies the connection, once its ClientHello was seen.
    pub fn client_random(&self) -> Option<[u8; 32]> {
        self.client_random
    }

    fn stream(&mut self, side: Side) -> &mut Stream {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// Handles the record that is complete, if one is.
    fn record(&mut self, side: Side) -> Result<()> {
        let mut deframer = core::mem::take(&mut self.stream(side).deframer);
        let direction = direction(side);
        if let Some(record) = deframer.record() {
            self.trace.record(direction, &[&record.header[..], record.payload].concat());
            let stream = match side {
                Side::Client => &mut self.client,
                Side::Server => &mut self.server,
            };
            let len = record.payload.len();
            let is_protected = record.content_type == ContentType::APPLICATION_DATA;
            let opened = match &mut stream.opener {
                Some(opener) if is_protected && !stream.is_dark => {
                    opener.open(&record.header, record.payload, MAX_INNER_LEN).ok()
                }
                Some(_) | None if is_protected => None,
                Some(_) | None => Some((record.content_type, record.payload)),
            };
            match opened {
                Some((ContentType::HANDSHAKE, content)) => stream.joiner.push(content),
                Some((ContentType::ALERT, content)) => self.trace.alert(direction, content),
                Some((ContentType::CHANGE_CIPHER_SPEC, _)) => self.trace.change_cipher_spec(direction),
                Some((ContentType::APPLICATION_DATA, content)) => self.trace.data(direction, content),
                Some(_) => {}
                // Early data is of keys that we do not look for; after anything else that does not open, nothing will.
                None => {
                    stream.is_dark |= stream.opener.is_some() && self.has_application_secrets;
                    self.trace.unreadable(direction, len);
                }
            }
            deframer.clear();
        }
        self.stream(side).deframer = deframer;
        while let Some(message) = self.stream(side).joiner.next()? {
            self.trace.message(direction, &message.encoded);
            self.message(side, &message)?;
        }
        Ok(())
    }

    fn message(&mut self, side: Side, message: &HandshakeMessage) -> Result<()> {
        let before = self.transcript.as_ref().map(Transcript::current);
        match (message.message_type, side) {
            (HandshakeType::CLIENT_HELLO, Side::Client) => {
                self.client_random = message.encoded.get(6..38).and_then(|random| random.try_into().ok());
                match &mut self.transcript {
                    Some(transcript) => transcript.add(&message.encoded),
                    None => message.encoded.clone_into(&mut self.hello),
                }
                return Ok(());
            }
            (HandshakeType::SERVER_HELLO, Side::Server) => return self.server_hello(message),
            (HandshakeType::KEY_UPDATE, _) => return self.key_update(side),
            (HandshakeType::NEW_SESSION_TICKET, _) => return Ok(()),
            (HandshakeType::CERTIFICATE, _) => {
                let list = CertificateMessage::decode_all("Certificate", message.body())?.certificate_list;
                let leaf = list.first().and_then(|entry| Certificate::of_der(&entry.cert_data).ok());
                self.stream(side).certificate = leaf;
            }
            (HandshakeType::CERTIFICATE_VERIFY, _) => {
                let verify = CertificateVerify::decode_all("CertificateVerify", message.body())?;
                let signer = if side == Side::Server { Signer::Server } else { Signer::Client };
                let certificate = self.stream(side).certificate.take();
                if let (Some(certificate), Some(hash)) = (certificate, before) {
                    let content = signed_content(signer, &hash);
                    let checked =
                        certificate.public_key().verify(verify.algorithm, &content, &verify.signature);
                    let result = if checked.is_ok() { "passed" } else { "failed" };
                    let scheme = verify.algorithm;
                    self.trace.signature(direction(side), &certificate, scheme, &content, result);
                }
            }
            (HandshakeType::FINISHED, _) => {
                let stream = if side == Side::Server { &self.server } else { &self.client };
                if let (Some(secret), Some(hash)) = (&stream.secret, before) {
                    let checked = secret.check_finished(&hash, message.body());
                    let name = match side {
                        Side::Client => "client_handshake_traffic_secret",
                        Side::Server => "server_handshake_traffic_secret",
                    };
                    let result = if checked.is_ok() { "passed" } else { "failed" };
                    self.trace.compared("Finished", name, result);
                }
            }
            _ => {}
        }
        if let Some(transcript) = &mut self.transcript {
            transcript.add(&message.encoded);
        }
        if message.message_type == HandshakeType::FINISHED {
            self.finished(side)?;
        }
        Ok(())
    }

    fn server_hello(&mut self, message: &HandshakeMessage) -> Result<()> {
        let hello = match ServerHelloOrRetry::decode_all("ServerHello", message.body())? {
            ServerHelloOrRetry::HelloRetryRequest(retry) => {
                if let Some(suite) = SuiteParameters::of(retry.cipher_suite) {
                    let mut transcript = Transcript::with_retry(suite.hash, &self.hello);
                    transcript.add(&message.encoded);
                    self.transcript = Some(transcript);
                }
                return Ok(());
            }
            ServerHelloOrRetry::ServerHello(hello) => hello,
        };
        if hello.extensions.supported_versions != Some(ProtocolVersion::TLS1_3) {
            return Err(PeerIncompatible::NoTls13.into());
        }
        let is_resumed = hello.extensions.pre_shared_key.is_some();
        let group = hello.extensions.key_share.map(|share| share.group);
        self.trace.agreed(hello.cipher_suite, group, is_resumed);
        let suite = hello.cipher_suite;
        let Some(suite) = SuiteParameters::of(suite) else { return Ok(()) };
        self.suite = Some(suite);
        let hello = core::mem::take(&mut self.hello);
        let transcript = self.transcript.get_or_insert_with(|| {
            let mut transcript = Transcript::new(suite.hash);
            transcript.add(&hello);
            transcript
        });
        transcript.add(&message.encoded);
        self.client.secret = self.secret("CLIENT_HANDSHAKE_TRAFFIC_SECRET")?;
        self.server.secret = self.secret("SERVER_HANDSHAKE_TRAFFIC_SECRET")?;
        for name in ["early_secret", "shared_secret"] {
            self.trace.unknown(name, "a key log does not have it");
        }
        let secrets = [
            ("client_handshake_traffic_secret", &self.client.secret),
            ("server_handshake_traffic_secret", &self.server.secret),
        ];
        listened_secrets(&mut self.trace, "handshake_secret", secrets)?;
        for side in [Side::Client, Side::Server] {
            self.change_keys(side)?;
        }
        Ok(())
    }

    fn finished(&mut self, side: Side) -> Result<()> {
        if !self.has_application_secrets {
            self.has_application_secrets = true;
            let client = self.secret("CLIENT_TRAFFIC_SECRET_0")?;
            let server = self.secret("SERVER_TRAFFIC_SECRET_0")?;
            let secrets = [
                ("client_application_traffic_secret_0", &client),
                ("server_application_traffic_secret_0", &server),
            ];
            listened_secrets(&mut self.trace, "master_secret", secrets)?;
        }
        let label = match side {
            Side::Client => "CLIENT_TRAFFIC_SECRET_0",
            Side::Server => "SERVER_TRAFFIC_SECRET_0",
        };
        let secret = self.secret(label)?;
        self.stream(side).secret = secret;
        self.change_keys(side)
    }

    fn key_update(&mut self, side: Side) -> Result<()> {
        let Some(secret) = &self.stream(side).secret else { return Ok(()) };
        let next = secret.next()?;
        updated_secret(Some(&mut self.trace), direction(side), &next)?;
        self.stream(side).secret = Some(next);
        self.change_keys(side)
    }

    /// From here on this side's records are of its newest secret.
    fn change_keys(&mut self, side: Side) -> Result<()> {
        let stream = self.stream(side);
        stream.opener = stream.secret.as_ref().map(TrafficSecret::opener).transpose()?;
        self.trace.change_keys(direction(side));
        Ok(())
    }

    fn secret(&self, label: &str) -> Result<Option<TrafficSecret>> {
        let (Some(random), Some(suite)) = (&self.client_random, self.suite) else { return Ok(None) };
        let found = (self.lookup)(label, random);
        found.map(|secret| TrafficSecret::of_log(suite, secret.expose())).transpose()
    }
}

/// As the client sees it.
const fn direction(side: Side) -> Direction {
    match side {
        Side::Client => Direction::Sent,
        Side::Server => Direction::Received,
    }
}
