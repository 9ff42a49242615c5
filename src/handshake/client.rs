//! The client's handshake, one struct for each message that it waits for.
//!
//! ClientHello → ServerHello (or HelloRetryRequest, once) → EncryptedExtensions →
//! [CertificateRequest] → Certificate → CertificateVerify → Finished, and then our flight.

mod hello;

use std::collections::VecDeque;
use std::sync::Arc;

pub(super) use hello::AwaitServerHello;

use super::authenticate::{Signer, authenticate, received_chain, send_certificate, send_certificate_verify};
use super::choice::Asked;
use super::config::{ClientConfig, ClientIdentity, MAX_RECORD_SIZE_LIMIT};
use super::context::Context;
use super::established::Established;
use super::key_schedule::{HandshakeSecret, MasterSecret, TrafficPair};
use super::offer::RequestedCertificate;
use super::session::{Session, SessionMaker, first_end};
use super::suite::SuiteParameters;
use super::traced::{application_secrets, resumption_secret};
use super::transcript::Transcript;
use super::{expect, unexpected};
use crate::codepoints::{ExtensionType, HandshakeType};
use crate::error::{Error, InvalidMessage, Malformed, PeerIncompatible, PeerMisbehaved, Result};
use crate::pki::{Certificate, GeneralName, Identity, VerifiedPeer};
use crate::record::HandshakeMessage;
use crate::time::UnixTime;
use crate::wire::{
    CertificateMessage, CertificateRequestMessage, CertificateVerify, Codec, EncryptedExtensions, Finished,
};

/// What a client waits for.
pub(crate) enum ClientState {
    ServerHello(Box<AwaitServerHello>),
    EncryptedExtensions(Box<AwaitEncryptedExtensions>),
    CertificateOrRequest(Box<AwaitCertificateOrRequest>),
    Certificate(Box<AwaitCertificate>),
    CertificateVerify(Box<AwaitCertificateVerify>),
    Finished(Box<AwaitFinished>),
    /// Not for the peer: for the caller's identity.
    Identity(Box<NeedIdentity>),
    Established(Box<Established>),
}

impl ClientState {
    /// Queues the ClientHello.
    pub(crate) fn start(
        config: Arc<ClientConfig>,
        server_name: GeneralName,
        session: Option<Session>,
        cx: &mut Context<'_>,
    ) -> Result<Self> {
        AwaitServerHello::start(config, server_name, session, cx)
    }

    /// Takes a message from the peer.
    pub(crate) fn handle(self, message: &HandshakeMessage, cx: &mut Context<'_>) -> Result<Self> {
        match self {
            Self::ServerHello(state) => state.handle(message, cx),
            Self::EncryptedExtensions(state) => state.handle(message, cx),
            Self::CertificateOrRequest(state) => state.handle(message, cx),
            Self::Certificate(state) => state.handle(message),
            Self::CertificateVerify(state) => state.handle(message, cx),
            Self::Finished(state) => state.handle(message, cx),
            Self::Identity(_) => Err(Error::Internal("a message reached a paused handshake")),
            Self::Established(state) => Ok(Self::Established(Box::new(state.handle(message, cx)?))),
        }
    }
}

/// What lives from ServerHello to Finished.
struct InHandshake {
    config: Arc<ClientConfig>,
    server_name: GeneralName,
    suite: SuiteParameters,
    transcript: Transcript,
    secret: HandshakeSecret,
    keys: TrafficPair,
    /// What the server asks of our certificate.
    requested: Option<RequestedCertificate>,
    resumed: Option<Resumed>,
}

/// What a resumed session says of both sides.
struct Resumed {
    server: VerifiedPeer,
    /// The certificate that we showed.
    certificate: Option<Certificate>,
    /// When both last showed theirs.
    authenticated_at: UnixTime,
}

pub(crate) struct AwaitEncryptedExtensions {
    handshake: InHandshake,
    offered: Vec<ExtensionType>,
}

impl AwaitEncryptedExtensions {
    fn handle(mut self, message: &HandshakeMessage, cx: &mut Context<'_>) -> Result<ClientState> {
        expect(message, HandshakeType::ENCRYPTED_EXTENSIONS, "EncryptedExtensions")?;
        let extensions = EncryptedExtensions::decode_all("EncryptedExtensions", message.body())?.extensions;
        // RFC 8446 §4.2: an answer to an extension that was not offered is unsupported_extension.
        if extensions.types.iter().any(|extension| !self.offered.contains(extension)) {
            return Err(PeerMisbehaved::UnsupportedExtension("in EncryptedExtensions").into());
        }
        let config = &self.handshake.config;
        // RFC 7301 §3.1: the server chooses one of ours.
        if extensions.alpn.as_ref().is_some_and(|chosen| !config.alpn.contains(chosen)) {
            return Err(PeerMisbehaved::IllegalParameter("an ALPN protocol that we did not offer").into());
        }
        cx.facts.alpn = extensions.alpn.map(Vec::into_boxed_slice);
        if let Some(limit) = extensions.record_size_limit {
            // RFC 8449 §4: in TLS 1.3 a limit beyond the protocol's is an illegal_parameter.
            if limit > MAX_RECORD_SIZE_LIMIT {
                return Err(PeerMisbehaved::IllegalParameter("record_size_limit").into());
            }
            cx.out.set_shape(config.send.limited_to(limit));
            cx.facts.receive_limit = config.receive_limit;
        }
        self.handshake.transcript.add(&message.encoded);
        if self.handshake.resumed.is_some() {
            return Ok(ClientState::Finished(Box::new(AwaitFinished { handshake: self.handshake })));
        }
        Ok(ClientState::CertificateOrRequest(Box::new(AwaitCertificateOrRequest {
            handshake: self.handshake,
        })))
    }
}

pub(crate) struct AwaitCertificateOrRequest {
    handshake: InHandshake,
}

impl AwaitCertificateOrRequest {
    fn handle(mut self, message: &HandshakeMessage, cx: &mut Context<'_>) -> Result<ClientState> {
        match message.message_type {
            HandshakeType::CERTIFICATE => {
                let next = AwaitCertificate { handshake: self.handshake };
                next.handle(message)
            }
            HandshakeType::CERTIFICATE_REQUEST => {
                let request = CertificateRequestMessage::decode_all("CertificateRequest", message.body())?;
                // RFC 8446 §4.3.2: the context is empty in the handshake proper.
                if !request.certificate_request_context.is_empty() {
                    return Err(PeerMisbehaved::IllegalParameter("certificate_request_context").into());
                }
                let requested = RequestedCertificate::of(request.extensions)
                    .ok_or(PeerMisbehaved::MissingExtension("signature_algorithms in CertificateRequest"))?;
                self.handshake.requested = Some(requested);
                cx.facts.said = Some(message.body().into());
                self.handshake.transcript.add(&message.encoded);
                Ok(ClientState::Certificate(Box::new(AwaitCertificate { handshake: self.handshake })))
            }
            other => Err(unexpected(other, "CertificateRequest or Certificate")),
        }
    }
}

pub(crate) struct AwaitCertificate {
    handshake: InHandshake,
}

impl AwaitCertificate {
    fn handle(mut self, message: &HandshakeMessage) -> Result<ClientState> {
        expect(message, HandshakeType::CERTIFICATE, "Certificate")?;
        let chain = received_chain(
            CertificateMessage::decode_all("Certificate", message.body())?,
            self.handshake.config.max_chain_len,
        )?;
        // RFC 8446 §4.4.2.4: an empty Certificate from a server is a decode_error.
        if chain.is_empty() {
            return Err(
                InvalidMessage { what: "the server's certificate_list", why: Malformed::Empty }.into()
            );
        }
        self.handshake.transcript.add(&message.encoded);
        Ok(ClientState::CertificateVerify(Box::new(AwaitCertificateVerify {
            handshake: self.handshake,
            chain,
        })))
    }
}

pub(crate) struct AwaitCertificateVerify {
    handshake: InHandshake,
    chain: Vec<Vec<u8>>,
}

impl AwaitCertificateVerify {
    fn handle(mut self, message: &HandshakeMessage, cx: &mut Context<'_>) -> Result<ClientState> {
        expect(message, HandshakeType::CERTIFICATE_VERIFY, "CertificateVerify")?;
        let verify = CertificateVerify::decode_all("CertificateVerify", message.body())?;
        let config = &self.handshake.config;
        let role = config.server_role(&self.handshake.server_name);
        let hash = self.handshake.transcript.current();
        authenticate((&self.chain, &verify), (&config.side.trust, &role), config, &hash, cx)?;
        self.handshake.transcript.add(&message.encoded);
        Ok(ClientState::Finished(Box::new(AwaitFinished { handshake: self.handshake })))
    }
}

pub(crate) struct AwaitFinished {
    handshake: InHandshake,
}

impl AwaitFinished {
    fn handle(self, message: &HandshakeMessage, cx: &mut Context<'_>) -> Result<ClientState> {
        expect(message, HandshakeType::FINISHED, "Finished")?;
        let finished = Finished::decode_all("Finished", message.body())?;
        let InHandshake { config, server_name, suite, mut transcript, secret, keys, requested, resumed } =
            self.handshake;
        keys.server.check_finished(&transcript.current(), &finished.verify_data)?;
        cx.out.tell(|trace| trace.compared("Finished", "server_handshake_traffic_secret", "passed"));
        transcript.add(&message.encoded);

        let master: MasterSecret = secret.into_master()?;
        let server_finished = transcript.current();
        let application = master.traffic(suite, &server_finished)?;
        let exporter = master.exporter(&server_finished)?;
        application.log_application(&exporter, cx.facts.key_log.as_deref_mut());
        application_secrets(cx.out.trace.as_deref_mut(), &application, &exporter, &server_finished)?;
        cx.facts.exporter = Some(exporter);
        cx.set_opener(application.server.opener()?);
        let mut authenticated_at = cx.now;
        if let Some(resumed) = resumed {
            cx.facts.peer = Some(Box::new(resumed.server));
            cx.facts.certificate = resumed.certificate;
            cx.facts.resumed = true;
            authenticated_at = resumed.authenticated_at;
        }

        let handshake_keys = keys;
        let next = NeedIdentity {
            config,
            server_name,
            suite,
            transcript,
            handshake_keys,
            application,
            master,
            requested,
            authenticated_at,
        };
        let answer = match (&next.requested, &next.config.side.identity) {
            (None, _) => Answer::NotAsked,
            (Some(_), ClientIdentity::Anonymous) => Answer::Decline,
            (Some(_), ClientIdentity::OneOf(identities)) => next.answer(identities)?,
            (Some(_), ClientIdentity::AskWhenNeeded) => return Ok(ClientState::Identity(Box::new(next))),
        };
        next.finish(answer, cx)
    }
}

/// The server is verified and wants to know who we are.
pub(crate) struct NeedIdentity {
    config: Arc<ClientConfig>,
    server_name: GeneralName,
    suite: SuiteParameters,
    transcript: Transcript,
    handshake_keys: TrafficPair,
    application: TrafficPair,
    master: MasterSecret,
    requested: Option<RequestedCertificate>,
    /// When both sides last showed their certificates.
    authenticated_at: UnixTime,
}

/// What we say to a CertificateRequest.
pub(crate) enum Answer {
    NotAsked,
    Decline,
    Present(Arc<Identity>, crate::codepoints::SignatureScheme),
}

impl NeedIdentity {
    /// The one of `identities` that the server can verify best, before anything is sent; none of none.
    pub(crate) fn answer(&self, identities: &[Arc<Identity>]) -> Result<Answer> {
        let Some(requested) = &self.requested else { return Ok(Answer::NotAsked) };
        if identities.is_empty() {
            return Ok(Answer::Decline);
        }
        let asked = Asked {
            name: None,
            schemes: &requested.schemes,
            certificate_schemes: requested.certificate_schemes.as_deref(),
            authorities: &requested.authorities,
        };
        // RFC 8446 §4.4.2 would have us go on without a certificate; who configured one does not
        // expect to become anonymous, so we stop and say why.
        let (identity, scheme) = asked
            .choose(identities, &self.config.signing_schemes)
            .ok_or(PeerIncompatible::NothingInCommon("signature scheme for our certificate's key"))?;
        Ok(Answer::Present(Arc::clone(identity), scheme))
    }

    /// Queues our flight.
    pub(crate) fn finish(mut self, answer: Answer, cx: &mut Context<'_>) -> Result<ClientState> {
        match answer {
            Answer::NotAsked => {}
            Answer::Decline => send_certificate(None, Vec::new(), &mut self.transcript, cx),
            Answer::Present(identity, scheme) => {
                send_certificate(Some(&identity), Vec::new(), &mut self.transcript, cx);
                let random = self.config.random.as_ref();
                send_certificate_verify(&identity, scheme, Signer::Client, random, &mut self.transcript, cx)?;
                cx.facts.certificate = Some(identity.certificate().clone());
                cx.facts.identity = Some(identity);
            }
        }
        let verify_data = self.handshake_keys.client.verify_data(&self.transcript.current())?;
        let write = |out: &mut Vec<u8>| out.extend_from_slice(verify_data.as_ref());
        self.transcript.add(cx.out.write_message(HandshakeType::FINISHED, write));
        cx.out.set_sealer(self.application.client.sealer()?)?;
        if cx.out.trace.is_some() {
            let finished = self.transcript.current();
            resumption_secret(cx.out.trace.as_deref_mut(), &self.master.resumption(&finished)?, &finished);
        }
        let sessions = self.session_maker(cx)?;
        cx.facts.settle();
        let TrafficPair { client, server } = self.application;
        Ok(ClientState::Established(Box::new(Established::client(server, client, sessions))))
    }

    /// What makes sessions of the tickets that will come, where the caller wants any.
    fn session_maker(&self, cx: &Context<'_>) -> Result<Option<SessionMaker>> {
        let config = &self.config;
        let most @ 1.. = config.side.keep_sessions else { return Ok(None) };
        let Some(server) = cx.facts.peer.as_deref() else { return Ok(None) };
        let ours =
            cx.facts.identity.iter().flat_map(|identity| identity.chain()).chain(&cx.facts.certificate);
        let verdict = config.side.trust.verdict(server, &config.server_role(&self.server_name));
        let session = config.end_of_session(self.authenticated_at);
        let ends_at = first_end(ours.chain(server.path()), cx.now).into_iter().fold(session, UnixTime::min);
        Ok(Some(SessionMaker {
            secret: self.master.resumption(&self.transcript.current())?,
            suite: self.suite,
            server_name: self.server_name.clone(),
            alpn: cx.facts.alpn.as_deref().map(<[u8]>::to_vec),
            protocols: config.alpn.clone(),
            policy: config.policy().to_vec(),
            authenticated_at: self.authenticated_at,
            ends_at,
            server_chain: server.chain().clone(),
            verdict,
            certificate: cx.facts.certificate.clone(),
            most,
            made: VecDeque::new(),
        }))
    }
}
