//! ClientHello in; HelloRetryRequest or our whole flight out (RFC 8446 §4.1, §4.3, §4.4).

use std::sync::Arc;

use super::{AwaitCertificate, AwaitFinished, InHandshake, ServerState, required};
use crate::codepoints::{CipherSuite, HandshakeType, NamedGroup, ProtocolVersion, SignatureScheme};
use crate::crypto::kx::respond;
use crate::error::{Error, PeerIncompatible, PeerMisbehaved, Result};
use crate::handshake::authenticate::{
    Signer, choose_scheme, send, send_certificate, send_certificate_verify,
};
use crate::handshake::config::{CERTIFICATE_SCHEMES, ClientAuth, Config};
use crate::handshake::expect;
use crate::handshake::key_schedule::EarlySecret;
use crate::handshake::output::{Context, Offer};
use crate::handshake::suite::SuiteParameters;
use crate::handshake::transcript::{HelloTranscript, Transcript, encode_message};
use crate::record::HandshakeMessage;
use crate::wire::{
    CertificateRequestExtensions, CertificateRequestMessage, ClientHello, Codec, EncryptedExtensions,
    HelloRetryExtensions, HelloRetryRequest, KeyShareEntry, ServerExtensions, ServerHello,
};

/// No ClientHello yet, or the second one is awaited.
pub(crate) struct AwaitClientHello {
    config: Option<Arc<Config>>,
    retried: Option<Retried>,
}

/// What a HelloRetryRequest fixed.
struct Retried {
    first: ClientHello,
    suite: SuiteParameters,
    group: NamedGroup,
    transcript: Transcript,
}

impl AwaitClientHello {
    pub(super) const fn first(config: Option<Arc<Config>>) -> Self {
        Self { config, retried: None }
    }

    pub(super) fn handle(self, message: &HandshakeMessage, cx: &mut Context<'_>) -> Result<ServerState> {
        expect(message, HandshakeType::CLIENT_HELLO, "ClientHello")?;
        let hello = ClientHello::decode_all("ClientHello", message.body())?;
        check_hello(&hello)?;
        if let Some(retried) = self.retried {
            let config = self.config.ok_or(Error::Internal("a retry without a configuration"))?;
            return retried.second_hello(&hello, message, config, cx);
        }
        cx.facts.offer = Some(offer_of(&hello));
        let paused = NeedConfig { hello, encoded: message.encoded.clone() };
        match self.config {
            Some(config) => paused.configure(config, cx),
            None => Ok(ServerState::Config(Box::new(paused))),
        }
    }
}

/// The ClientHello is read and the caller may look at the offer.
pub(crate) struct NeedConfig {
    hello: ClientHello,
    encoded: Vec<u8>,
}

impl NeedConfig {
    /// Goes on with a server's configuration.
    pub(crate) fn configure(self, config: Arc<Config>, cx: &mut Context<'_>) -> Result<ServerState> {
        let suite = choose_suite(&config.suites, &self.hello.cipher_suites)?;
        let groups = required(self.hello.extensions.supported_groups.as_ref(), "supported_groups")?;
        let shares = required(self.hello.extensions.key_share.as_ref(), "key_share")?;
        // A share that is there beats a preferred group that would cost a round trip.
        let with_share = config.groups.iter().find(|group| shares.iter().any(|share| share.group == **group));
        let first = HelloTranscript::new(&self.encoded);
        if let Some(group) = with_share {
            let transcript = first.start(suite.hash);
            return flight(&self.hello, *group, suite, transcript, config, cx);
        }
        let group = *config
            .groups
            .iter()
            .find(|group| groups.contains(group))
            .ok_or(PeerIncompatible::NothingInCommon("group"))?;
        let mut transcript = first.start_with_retry(suite.hash);
        let retry = HelloRetryRequest {
            legacy_version: ProtocolVersion::TLS1_2,
            legacy_session_id_echo: self.hello.legacy_session_id,
            cipher_suite: suite.suite,
            legacy_compression_method: 0,
            extensions: HelloRetryExtensions {
                supported_versions: Some(ProtocolVersion::TLS1_3),
                key_share: Some(group),
                ..HelloRetryExtensions::default()
            },
        };
        send(HandshakeType::SERVER_HELLO, &retry, &mut transcript, cx);
        compatibility(&self.hello, cx)?;
        let retried = Some(Retried { first: self.hello, suite, group, transcript });
        Ok(ServerState::ClientHello(Box::new(AwaitClientHello { config: Some(config), retried })))
    }
}

impl Retried {
    /// RFC 8446 §4.1.2: only key_share, cookie, early_data, PSKs and padding may differ.
    fn second_hello(
        mut self,
        hello: &ClientHello,
        message: &HandshakeMessage,
        config: Arc<Config>,
        cx: &mut Context<'_>,
    ) -> Result<ServerState> {
        let first = &self.first;
        let same = hello.random == first.random
            && hello.legacy_session_id == first.legacy_session_id
            && hello.cipher_suites == first.cipher_suites
            && hello.extensions.server_name == first.extensions.server_name
            && hello.extensions.supported_groups == first.extensions.supported_groups
            && hello.extensions.signature_algorithms == first.extensions.signature_algorithms
            && hello.extensions.supported_versions == first.extensions.supported_versions
            && hello.extensions.alpn == first.extensions.alpn;
        if !same {
            return Err(PeerMisbehaved::IllegalParameter("second ClientHello is another").into());
        }
        // RFC 8446 §4.2.8: one share, of the group that was asked for.
        let shares = required(hello.extensions.key_share.as_ref(), "key_share")?;
        if shares.len() != 1 || shares.iter().any(|share| share.group != self.group) {
            return Err(
                PeerMisbehaved::IllegalParameter("key_share is not the one that was asked for").into()
            );
        }
        self.transcript.add(&message.encoded);
        flight(hello, self.group, self.suite, self.transcript, config, cx)
    }
}

/// ServerHello to Finished.
fn flight(
    hello: &ClientHello,
    group: NamedGroup,
    suite: SuiteParameters,
    mut transcript: Transcript,
    config: Arc<Config>,
    cx: &mut Context<'_>,
) -> Result<ServerState> {
    let (identity, client_auth) = config.server_side()?;
    let random = config.random.as_ref();
    let accepted = required(hello.extensions.signature_algorithms.as_ref(), "signature_algorithms")?;
    let scheme = choose_scheme(&config.schemes, accepted, identity)
        .ok_or(PeerIncompatible::NothingInCommon("signature scheme for the server's key"))?;
    let share = hello.extensions.key_share.iter().flatten().find(|share| share.group == group);
    let share = share.ok_or(Error::Internal("a chosen share that is not there"))?;

    let (key_exchange, shared) = respond(group, &share.key_exchange, random)?;
    let mut server_random = [0; 32];
    random.fill(&mut server_random)?;
    let server_hello = ServerHello {
        legacy_version: ProtocolVersion::TLS1_2,
        random: server_random,
        legacy_session_id_echo: hello.legacy_session_id,
        cipher_suite: suite.suite,
        legacy_compression_method: 0,
        extensions: ServerExtensions {
            supported_versions: Some(ProtocolVersion::TLS1_3),
            key_share: Some(KeyShareEntry { group, key_exchange }),
            ..ServerExtensions::default()
        },
    };
    send(HandshakeType::SERVER_HELLO, &server_hello, &mut transcript, cx);
    compatibility(hello, cx)?;
    cx.facts.suite = Some(suite.suite);
    cx.facts.group = Some(group);

    let secret = EarlySecret::without_psk(suite.hash).into_handshake(&shared)?;
    let keys = secret.traffic(suite, &transcript.current())?;
    cx.out.set_sealer(keys.server.sealer()?)?;
    cx.out.set_opener(keys.client.opener()?);

    send(HandshakeType::ENCRYPTED_EXTENSIONS, &EncryptedExtensions::default(), &mut transcript, cx);
    if let Some(request) = certificate_request(client_auth, &config.schemes) {
        send(HandshakeType::CERTIFICATE_REQUEST, &request, &mut transcript, cx);
    }
    send_certificate(Some(identity), Vec::new(), &mut transcript, cx);
    send_certificate_verify(identity, scheme, Signer::Server, random, &mut transcript, cx)?;
    cx.facts.identity = Some(Arc::clone(identity));
    let verify_data = keys.server.verify_data(&transcript.current())?;
    let finished = encode_message(HandshakeType::FINISHED, verify_data.as_ref());
    transcript.add(&finished);
    cx.out.message(&finished);

    let master = secret.into_master()?;
    let server_finished = transcript.current();
    let application = master.traffic(suite, &server_finished)?;
    cx.facts.exporter = Some(master.exporter(&server_finished)?);
    cx.out.set_sealer(application.server.sealer()?)?;

    let ask = !matches!(client_auth, ClientAuth::ServerOnly);
    let handshake = InHandshake { config, transcript, client_handshake: keys.client, application };
    Ok(if ask {
        ServerState::Certificate(Box::new(AwaitCertificate { handshake }))
    } else {
        ServerState::Finished(Box::new(AwaitFinished { handshake }))
    })
}

fn certificate_request(auth: &ClientAuth, schemes: &[SignatureScheme]) -> Option<CertificateRequestMessage> {
    let trust = match auth {
        ClientAuth::Require(trust) | ClientAuth::Request(trust) | ClientAuth::Enrolled(trust) => trust,
        ClientAuth::ServerOnly => return None,
    };
    let authorities = trust.authority_names();
    Some(CertificateRequestMessage {
        certificate_request_context: Vec::new(),
        extensions: CertificateRequestExtensions {
            signature_algorithms: Some(schemes.to_vec()),
            // The authority's own key may be of another kind than the one asked of the client.
            signature_algorithms_cert: Some(CERTIFICATE_SCHEMES.to_vec()),
            // RFC 8446 §4.2.4: the list may not be empty.
            certificate_authorities: (!authorities.is_empty()).then_some(authorities),
            ..CertificateRequestExtensions::default()
        },
    })
}

/// RFC 8446 §D.4: the dummy, for a client that asks for compatibility mode.
fn compatibility(hello: &ClientHello, cx: &mut Context<'_>) -> Result<()> {
    if hello.legacy_session_id.as_ref().is_empty() { Ok(()) } else { cx.out.change_cipher_spec() }
}

fn choose_suite(ours: &[CipherSuite], theirs: &[CipherSuite]) -> Result<SuiteParameters> {
    ours.iter()
        .filter(|suite| theirs.contains(suite))
        .find_map(|suite| SuiteParameters::of(*suite))
        .ok_or(PeerIncompatible::NothingInCommon("cipher suite").into())
}

/// What RFC 8446 asks of every ClientHello, whatever the configuration.
fn check_hello(hello: &ClientHello) -> Result<()> {
    let extensions = &hello.extensions;
    // RFC 8446 §4.2.1: supported_versions alone decides.
    let versions = extensions.supported_versions.as_deref().unwrap_or_default();
    if !versions.contains(&ProtocolVersion::TLS1_3) {
        return Err(PeerIncompatible::NoTls13.into());
    }
    // RFC 8446 §4.1.2: exactly one octet, zero.
    if hello.legacy_compression_methods != [0] {
        return Err(PeerMisbehaved::IllegalParameter("legacy_compression_methods").into());
    }
    // RFC 8446 §4.2.9: PSKs need their modes.
    if extensions.pre_shared_key.is_some() && extensions.psk_key_exchange_modes.is_none() {
        return Err(PeerMisbehaved::MissingExtension("psk_key_exchange_modes").into());
    }
    // RFC 8446 §9.2.
    required(extensions.signature_algorithms.as_ref(), "signature_algorithms")?;
    let groups = required(extensions.supported_groups.as_ref(), "supported_groups")?;
    let shares = required(extensions.key_share.as_ref(), "key_share")?;
    // RFC 8446 §4.2.8: each share of an offered group, and one of each.
    for (index, share) in shares.iter().enumerate() {
        if !groups.contains(&share.group) {
            return Err(PeerMisbehaved::IllegalParameter("key_share of a group that is not offered").into());
        }
        if shares.iter().skip(index + 1).any(|other| other.group == share.group) {
            return Err(PeerMisbehaved::IllegalParameter("two key_shares of one group").into());
        }
    }
    Ok(())
}

fn offer_of(hello: &ClientHello) -> Offer {
    let extensions = &hello.extensions;
    Offer {
        suites: hello.cipher_suites.clone(),
        groups: extensions.supported_groups.clone().unwrap_or_default(),
        schemes: extensions.signature_algorithms.clone().unwrap_or_default(),
        server_name: extensions.server_name.clone(),
        alpn: extensions.alpn.clone().unwrap_or_default(),
    }
}
