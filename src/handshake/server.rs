//! The server's handshake, one struct for each message that it waits for.
//!
//! ClientHello (twice after a HelloRetryRequest), our flight, and then
//! [Certificate → CertificateVerify] → Finished.

mod hello;
mod resume;

use std::sync::Arc;

pub(crate) use hello::{AwaitClientHello, NeedConfig};

use super::authenticate::{authenticate, received_chain};
use super::config::{ClientAuth, ServerConfig};
use super::context::Context;
use super::established::{Established, TicketFacts, send_tickets};
use super::expect;
use super::key_schedule::{MasterSecret, TrafficPair, TrafficSecret};
use super::suite::SuiteParameters;
use super::traced::resumption_secret;
use super::transcript::Transcript;
use crate::codepoints::HandshakeType;
use crate::error::{Check, Error, Finding, PeerMisbehaved, Report, Result};
use crate::pki::VerifiedPeer;
use crate::record::HandshakeMessage;
use crate::time::UnixTime;
use crate::wire::{CertificateMessage, CertificateVerify, Codec, Finished};

/// What a server waits for.
pub(crate) enum ServerState {
    ClientHello(Box<AwaitClientHello>),
    /// Not for the peer: for the caller's configuration.
    Config(Box<NeedConfig>),
    Certificate(Box<AwaitCertificate>),
    CertificateVerify(Box<AwaitCertificateVerify>),
    Finished(Box<AwaitFinished>),
    Established(Box<Established>),
}

impl ServerState {
    /// Waits for a ClientHello; without a configuration it pauses after it.
    pub(crate) fn start(config: Option<Arc<ServerConfig>>) -> Self {
        Self::ClientHello(Box::new(AwaitClientHello::first(config)))
    }

    /// Takes a message from the peer.
    pub(crate) fn handle(self, message: &HandshakeMessage, cx: &mut Context<'_>) -> Result<Self> {
        match self {
            Self::ClientHello(state) => state.handle(message, cx),
            Self::Config(_) => Err(Error::Internal("a message reached a paused handshake")),
            Self::Certificate(state) => state.handle(message),
            Self::CertificateVerify(state) => state.handle(message, cx),
            Self::Finished(state) => state.handle(message, cx),
            Self::Established(state) => Ok(Self::Established(Box::new(state.handle(message, cx)?))),
        }
    }
}

/// What lives from our flight to the client's Finished.
struct InHandshake {
    config: Arc<ServerConfig>,
    transcript: Transcript,
    /// client_handshake_traffic_secret.
    client_handshake: TrafficSecret,
    application: TrafficPair,
    master: MasterSecret,
    suite: SuiteParameters,
    /// What the client asked for.
    server_name: Option<String>,
    /// The client takes PSKs with a key exchange.
    can_resume: bool,
    /// In a resumed session, the client that it was with, if any, and when it last authenticated.
    resumed: Option<(Option<VerifiedPeer>, UnixTime)>,
}

pub(crate) struct AwaitCertificate {
    handshake: InHandshake,
}

impl AwaitCertificate {
    fn handle(mut self, message: &HandshakeMessage) -> Result<ServerState> {
        expect(message, HandshakeType::CERTIFICATE, "the client's Certificate")?;
        let chain = received_chain(
            CertificateMessage::decode_all("Certificate", message.body())?,
            self.handshake.config.max_chain_len,
        )?;
        self.handshake.transcript.add(&message.encoded);
        if !chain.is_empty() {
            let next = AwaitCertificateVerify { handshake: self.handshake, chain };
            return Ok(ServerState::CertificateVerify(Box::new(next)));
        }
        match self.handshake.config.side.client_auth {
            ClientAuth::Require(_) => Err(no_certificate().into()),
            ClientAuth::Request(_) | ClientAuth::Enrolled(_) => {
                Ok(ServerState::Finished(Box::new(AwaitFinished { handshake: self.handshake })))
            }
            ClientAuth::ServerOnly => Err(Error::Internal("a Certificate that was not requested")),
        }
    }
}

pub(crate) struct AwaitCertificateVerify {
    handshake: InHandshake,
    chain: Vec<Vec<u8>>,
}

impl AwaitCertificateVerify {
    fn handle(mut self, message: &HandshakeMessage, cx: &mut Context<'_>) -> Result<ServerState> {
        expect(message, HandshakeType::CERTIFICATE_VERIFY, "the client's CertificateVerify")?;
        let verify = CertificateVerify::decode_all("CertificateVerify", message.body())?;
        let config = &self.handshake.config;
        let (trust, role) = config.client_trust()?;
        let hash = self.handshake.transcript.current();
        authenticate((&self.chain, &verify), (trust, &role), config, &hash, cx)?;
        self.handshake.transcript.add(&message.encoded);
        Ok(ServerState::Finished(Box::new(AwaitFinished { handshake: self.handshake })))
    }
}

pub(crate) struct AwaitFinished {
    handshake: InHandshake,
}

impl AwaitFinished {
    fn handle(self, message: &HandshakeMessage, cx: &mut Context<'_>) -> Result<ServerState> {
        expect(message, HandshakeType::FINISHED, "the client's Finished")?;
        let finished = Finished::decode_all("Finished", message.body())?;
        let InHandshake { config, mut transcript, client_handshake, application, master, suite, .. } =
            self.handshake;
        client_handshake.check_finished(&transcript.current(), &finished.verify_data)?;
        cx.out.tell(|trace| trace.compared("Finished", "client_handshake_traffic_secret", "passed"));
        transcript.add(&message.encoded);
        let TrafficPair { client, server } = application;
        cx.set_opener(client.opener()?);
        let authenticated_at = match self.handshake.resumed {
            Some((peer, at)) => {
                cx.facts.peer = peer.map(Box::new);
                at
            }
            None => cx.now,
        };
        let client_finished = transcript.current();
        let resumption = master.resumption(&client_finished)?;
        resumption_secret(cx.out.trace.as_deref_mut(), &resumption, &client_finished);
        let facts = TicketFacts {
            resumption,
            suite,
            server_name: self.handshake.server_name,
            authenticated_at,
            can_resume: self.handshake.can_resume,
        };
        send_tickets(&facts, &config, cx)?;
        cx.facts.confirmed = true;
        cx.facts.settle();
        Ok(ServerState::Established(Box::new(Established::server(client, server))))
    }
}

fn no_certificate() -> Report {
    Report::new(Finding {
        candidate: 0,
        depth: 0,
        subject: String::new(),
        check: Check::Presence,
        reason: "the client sent no certificate and this server requires one".to_owned(),
        hint: "configure the client with a certificate of an authority that this server trusts".to_owned(),
    })
}

/// RFC 8446 §9.2 and §4.2: what a ClientHello without PSK must have.
fn required<T>(extension: Option<T>, name: &'static str) -> Result<T> {
    extension.ok_or(PeerMisbehaved::MissingExtension(name).into())
}
