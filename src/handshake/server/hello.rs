//! ClientHello in; HelloRetryRequest or our whole flight out (RFC 8446 §4.1, §4.3, §4.4).

use std::sync::Arc;

use super::resume::{Resumption, can_resume};
use super::{AwaitCertificate, AwaitFinished, InHandshake, ServerState, required};
use crate::codepoints::{CipherSuite, HandshakeType, NamedGroup, ProtocolVersion, SignatureScheme};
use crate::crypto::hash::Digest;
use crate::crypto::kx::respond;
use crate::error::{Error, PeerIncompatible, PeerMisbehaved, Result};
use crate::handshake::authenticate::{Signer, send, send_certificate, send_certificate_verify};
use crate::handshake::choice::Asked;
use crate::handshake::config::{CERTIFICATE_SCHEMES, ClientAuth, MAX_RECORD_SIZE_LIMIT, ServerConfig};
use crate::handshake::context::Context;
use crate::handshake::key_log::KeyLog;
use crate::handshake::key_schedule::EarlySecret;
use crate::handshake::offer::Offer;
use crate::handshake::suite::SuiteParameters;
use crate::handshake::traced::{application_secrets, handshake_secrets};
use crate::handshake::transcript::Transcript;
use crate::handshake::{SSL3, expect};
use crate::pki::Identity;
use crate::record::HandshakeMessage;
use crate::wire::{
    CertificateRequestExtensions, CertificateRequestMessage, ClientExtensions, ClientHello, Codec,
    EncryptedExtensions, EncryptedExtensionsBody, HelloRetryExtensions, HelloRetryRequest, KeyShareEntry,
    NumberSet, OfferedPsks, PskIdentity, ServerExtensions, ServerHello,
};

/// Octets of early data that are skipped for a client that sends some although we never allow it: a
/// few full records (RFC 8446 §4.2.10).
const MAX_SKIPPED_EARLY_DATA: usize = 64 * 1024;

/// No ClientHello yet, or the second one is awaited.
pub(crate) struct AwaitClientHello {
    config: Option<Arc<ServerConfig>>,
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
    pub(super) const fn first(config: Option<Arc<ServerConfig>>) -> Self {
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
        cx.facts.said = Some(Offer::encode(&hello));
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
    pub(crate) fn configure(self, config: Arc<ServerConfig>, cx: &mut Context<'_>) -> Result<ServerState> {
        let extensions = &self.hello.extensions;
        let groups = required(extensions.supported_groups.as_ref(), "supported_groups")?;
        let shares = required(extensions.key_share.as_ref(), "key_share")?;
        // A share that is there beats a preferred group that would cost a round trip.
        let with_share =
            config.groups.iter().find(|group| shares.known.iter().any(|share| share.group == **group));
        let alpn = choose_alpn(&config.alpn, extensions.alpn.as_deref())?;
        let resumption = Resumption::find(&self.hello, alpn.as_deref(), &config, cx.now)?;
        let (suite, resumption) = choose_suite(&config.suites, &self.hello.cipher_suites, resumption)?;
        if config.key_log {
            cx.facts.key_log = Some(Box::new(KeyLog::new(self.hello.random)));
        }
        // RFC 8446 §4.2.10: early data that we do not take follows the hello, and is skipped.
        cx.facts.skip_early_data = if extensions.early_data { MAX_SKIPPED_EARLY_DATA } else { 0 };
        cx.facts.alpn = alpn.map(Vec::into_boxed_slice);
        if let Some(group) = with_share {
            let flight = Flight { hello: &self.hello, group: *group, suite, config, resumption };
            let mut transcript = Transcript::new(suite.hash);
            let hash = transcript.add_hello(&self.encoded, binders_len(&self.hello));
            return flight.send(&hash, transcript, cx);
        }
        let group = *config
            .groups
            .iter()
            .find(|group| groups.contains(group))
            .ok_or(PeerIncompatible::NothingInCommon("group"))?;
        let mut transcript = Transcript::with_retry(suite.hash, &self.encoded);
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
        cx.facts.retried = true;
        let retried = Some(Retried { first: self.hello, suite, group, transcript });
        Ok(ServerState::ClientHello(Box::new(AwaitClientHello { config: Some(config), retried })))
    }
}

impl Retried {
    /// RFC 8446 §4.1.2: the same hello, but for what it lets a client change.
    fn second_hello(
        mut self,
        hello: &ClientHello,
        message: &HandshakeMessage,
        config: Arc<ServerConfig>,
        cx: &mut Context<'_>,
    ) -> Result<ServerState> {
        if !is_repeated(&self.first, hello) {
            return Err(PeerMisbehaved::IllegalParameter("second ClientHello is another").into());
        }
        // RFC 8446 §4.2.10: early data ends with a HelloRetryRequest.
        if hello.extensions.early_data {
            return Err(PeerMisbehaved::IllegalParameter("early_data in the second ClientHello").into());
        }
        cx.facts.skip_early_data = 0;
        // RFC 8446 §4.2.8: one share, of the group that was asked for.
        let shares = required(hello.extensions.key_share.as_ref(), "key_share")?;
        if shares.groups != [self.group] {
            return Err(
                PeerMisbehaved::IllegalParameter("key_share is not the one that was asked for").into()
            );
        }
        // The suite is fixed; a session of another hash is not resumed.
        let resumption = Resumption::find(hello, cx.facts.alpn.as_deref(), &config, cx.now)?
            .filter(|resumption| resumption.state.suite.hash == self.suite.hash);
        let hash = self.transcript.add_hello(&message.encoded, binders_len(hello));
        let flight = Flight { hello, group: self.group, suite: self.suite, config, resumption };
        flight.send(&hash, self.transcript, cx)
    }
}

/// ServerHello to Finished.
struct Flight<'a> {
    hello: &'a ClientHello,
    group: NamedGroup,
    suite: SuiteParameters,
    config: Arc<ServerConfig>,
    resumption: Option<Resumption>,
}

impl Flight<'_> {
    /// `truncated_hello` is what binders cover; the hello is in `transcript`.
    fn send(
        self,
        truncated_hello: &Digest,
        mut transcript: Transcript,
        cx: &mut Context<'_>,
    ) -> Result<ServerState> {
        let Self { hello, group, suite, config, resumption } = self;
        let offered = &hello.extensions;
        let early = match (&resumption, &offered.pre_shared_key) {
            (Some(resumption), Some(psks)) => resumption.accept(psks, truncated_hello)?,
            _ => EarlySecret::without_psk(suite.hash),
        };
        let identity = match &resumption {
            Some(resumption) => Chosen::Resumed(Arc::clone(&resumption.identity)),
            None => Chosen::of(&config, offered)?,
        };
        let mut shares = offered.key_share.iter().flat_map(|shares| &shares.known);
        let share = shares.find(|share| share.group == group);
        let share = share.ok_or(Error::Internal("a chosen share that is not there"))?;

        let random = config.random.as_ref();
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
                pre_shared_key: resumption.as_ref().map(|resumption| resumption.index),
                ..ServerExtensions::default()
            },
        };
        send(HandshakeType::SERVER_HELLO, &server_hello, &mut transcript, cx);
        compatibility(hello, cx)?;
        cx.facts.suite = Some(suite.suite);
        cx.facts.group = Some(group);
        cx.facts.resumed = resumption.is_some();

        let secret = early.into_handshake(&shared)?;
        let hello_hash = transcript.current();
        let keys = secret.traffic(suite, &hello_hash)?;
        keys.log_handshake(cx.facts.key_log.as_deref_mut());
        let psk = resumption.as_ref().map(|resumption| &resumption.state.psk);
        handshake_secrets(cx.out.trace.as_deref_mut(), suite, (psk, &shared), &keys, &hello_hash)?;
        cx.out.tell(|trace| trace.agreed(suite.suite, Some(group), resumption.is_some()));
        cx.out.set_sealer(keys.server.sealer()?)?;
        cx.set_opener(keys.client.opener()?);

        let extensions = encrypted_extensions(offered, &identity, &config, cx);
        send(HandshakeType::ENCRYPTED_EXTENSIONS, &extensions, &mut transcript, cx);
        let ask = identity.authenticate(&config, &mut transcript, cx)?;
        let verify_data = keys.server.verify_data(&transcript.current())?;
        let write = |out: &mut Vec<u8>| out.extend_from_slice(verify_data.as_ref());
        transcript.add(cx.out.write_message(HandshakeType::FINISHED, write));

        let master = secret.into_master()?;
        let server_finished = transcript.current();
        let application = master.traffic(suite, &server_finished)?;
        let exporter = master.exporter(&server_finished)?;
        application.log_application(&exporter, cx.facts.key_log.as_deref_mut());
        application_secrets(cx.out.trace.as_deref_mut(), &application, &exporter, &server_finished)?;
        cx.facts.exporter = Some(exporter);
        cx.out.set_sealer(application.server.sealer()?)?;

        let handshake = InHandshake {
            config,
            transcript,
            client_handshake: keys.client,
            application,
            master,
            suite,
            server_name: offered.server_name.clone(),
            can_resume: can_resume(hello),
            resumed: resumption.map(|resumption| (resumption.peer, resumption.state.authenticated_at)),
        };
        Ok(if ask {
            ServerState::Certificate(Box::new(AwaitCertificate { handshake }))
        } else {
            ServerState::Finished(Box::new(AwaitFinished { handshake }))
        })
    }
}

/// Who we are to this client.
enum Chosen<'a> {
    /// Who we were; nothing is proven again but the PSK.
    Resumed(Arc<Identity>),
    Fresh(&'a Arc<Identity>, SignatureScheme),
}

impl<'a> Chosen<'a> {
    /// The identity that the client can verify best (RFC 8446 §4.4.2.2); the first among equals.
    fn of(config: &'a ServerConfig, offered: &ClientExtensions) -> Result<Self> {
        let accepted = required(offered.signature_algorithms.as_ref(), "signature_algorithms")?;
        let asked = Asked {
            name: offered.server_name.as_deref(),
            schemes: accepted,
            certificate_schemes: offered.signature_algorithms_cert.as_deref(),
            authorities: offered.certificate_authorities.as_deref().unwrap_or_default(),
        };
        let (identity, scheme) = asked
            .choose(&config.side.identities, &config.signing_schemes)
            .ok_or(PeerIncompatible::NothingInCommon("signature scheme for the server's key"))?;
        Ok(Self::Fresh(identity, scheme))
    }

    /// Queues [CertificateRequest], Certificate and CertificateVerify; whether the client was asked.
    fn authenticate(
        self,
        config: &ServerConfig,
        transcript: &mut Transcript,
        cx: &mut Context<'_>,
    ) -> Result<bool> {
        let (identity, ask) = match self {
            // RFC 8446 §4.3.2: no CertificateRequest with a PSK.
            Self::Resumed(identity) => (identity, false),
            Self::Fresh(identity, scheme) => {
                let request = certificate_request(&config.side.client_auth, &config.verify_schemes);
                if let Some(request) = &request {
                    send(HandshakeType::CERTIFICATE_REQUEST, request, transcript, cx);
                }
                send_certificate(Some(identity), Vec::new(), transcript, cx);
                let random = config.random.as_ref();
                send_certificate_verify(identity, scheme, Signer::Server, random, transcript, cx)?;
                (Arc::clone(identity), request.is_some())
            }
        };
        cx.facts.certificate = Some(identity.certificate().clone());
        cx.facts.identity = Some(identity);
        Ok(ask)
    }
}

/// What the client offered and we take; sets the connection up accordingly.
fn encrypted_extensions(
    offered: &ClientExtensions,
    chosen: &Chosen<'_>,
    config: &ServerConfig,
    cx: &mut Context<'_>,
) -> EncryptedExtensions {
    cx.out.set_shape(offered.record_size_limit.map_or(config.send, |limit| config.send.limited_to(limit)));
    // RFC 8449 §4: each side says its own.
    let receive_limit = config.receive_limit.unwrap_or(MAX_RECORD_SIZE_LIMIT);
    cx.facts.receive_limit = offered.record_size_limit.map(|_| receive_limit);
    // RFC 6066 §3: the answer says that the name was of use; a resumed session has none.
    let named = match chosen {
        Chosen::Fresh(identity, _) => {
            offered.server_name.as_ref().is_some_and(|name| identity.is_named(name))
        }
        Chosen::Resumed(_) => false,
    };
    EncryptedExtensions {
        extensions: EncryptedExtensionsBody {
            server_name: named,
            alpn: cx.facts.alpn.as_deref().map(<[u8]>::to_vec),
            record_size_limit: cx.facts.receive_limit,
            ..EncryptedExtensionsBody::default()
        },
    }
}

/// The first of ours that the client offers (RFC 7301 §3.2).
fn choose_alpn(ours: &[Vec<u8>], theirs: Option<&[Vec<u8>]>) -> Result<Option<Vec<u8>>> {
    let (Some(theirs), [_, ..]) = (theirs, ours) else { return Ok(None) };
    let chosen = ours.iter().find(|protocol| theirs.contains(protocol));
    Ok(Some(chosen.ok_or(PeerIncompatible::NoApplicationProtocol)?.clone()))
}

/// Octets of the binders at its end.
fn binders_len(hello: &ClientHello) -> usize {
    hello.extensions.pre_shared_key.as_ref().map_or(0, OfferedPsks::binders_len)
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

/// The first of ours that the client offers. RFC 8446 §4.2.11: a PSK goes with suites of its hash, so
/// that a resumption prefers those, and is not one where there are none.
fn choose_suite(
    ours: &[CipherSuite],
    theirs: &[CipherSuite],
    resumption: Option<Resumption>,
) -> Result<(SuiteParameters, Option<Resumption>)> {
    let common = ours.iter().filter(|suite| theirs.contains(suite));
    let mut common = common.filter_map(|suite| SuiteParameters::of(*suite));
    let first = common.clone().next().ok_or(PeerIncompatible::NothingInCommon("cipher suite"))?;
    let hash = resumption.as_ref().map(|resumption| resumption.state.suite.hash);
    Ok(match common.find(|suite| Some(suite.hash) == hash) {
        Some(suite) => (suite, resumption),
        None => (first, None),
    })
}

/// Whether `second` changes only what RFC 8446 §4.1.2 lets it: see [`ClientExtensions::repeated`]. Of PSKs
/// it may leave some out.
fn is_repeated(first: &ClientHello, second: &ClientHello) -> bool {
    let mut known = psks_of(first);
    first.legacy_version == second.legacy_version
        && first.random == second.random
        && first.legacy_session_id == second.legacy_session_id
        && first.cipher_suites == second.cipher_suites
        && first.legacy_compression_methods == second.legacy_compression_methods
        && first.extensions.repeated() == second.extensions.repeated()
        && psks_of(second).all(|psk| known.any(|one| one.identity == psk.identity))
}

fn psks_of(hello: &ClientHello) -> impl Iterator<Item = &PskIdentity> {
    hello.extensions.pre_shared_key.iter().flat_map(|psks| &psks.identities)
}

/// What RFC 8446 asks of every ClientHello, whatever the configuration.
fn check_hello(hello: &ClientHello) -> Result<()> {
    let extensions = &hello.extensions;
    // RFC 8446 §4.2.1: supported_versions alone decides.
    let versions = extensions.supported_versions.as_deref().unwrap_or_default();
    // RFC 8446 §D.5: but nobody who speaks it says SSL 3.0 or less.
    let antique = hello.legacy_version.0 <= SSL3;
    if antique || !versions.contains(&ProtocolVersion::TLS1_3) {
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
    // RFC 8446 §9.2: without a PSK the server authenticates with a certificate.
    if extensions.pre_shared_key.is_none() {
        required(extensions.signature_algorithms.as_ref(), "signature_algorithms")?;
    }
    let groups = required(extensions.supported_groups.as_ref(), "supported_groups")?;
    let shares = required(extensions.key_share.as_ref(), "key_share")?;
    // RFC 8446 §4.2.8: each share is of an offered group.
    let offered: NumberSet = groups.iter().map(|group| group.0).collect();
    if shares.groups.iter().any(|group| !offered.contains(group.0)) {
        return Err(PeerMisbehaved::IllegalParameter("key_share of a group that is not offered").into());
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::common::{World, trust};
    use crate::handshake::config::SUPPORTED_SCHEMES;
    use crate::pki::KeyType;

    #[test]
    fn a_client_is_asked_by_the_schemes_of_certificates_and_the_authorities() {
        let world = World::new(KeyType::EcdsaP256);
        let auth = ClientAuth::Require(trust(&world.authority));
        let asked = certificate_request(&auth, SUPPORTED_SCHEMES).unwrap().extensions;
        assert_eq!(asked.signature_algorithms.as_deref(), Some(SUPPORTED_SCHEMES));
        assert_eq!(asked.signature_algorithms_cert.as_deref(), Some(CERTIFICATE_SCHEMES));
        let subject = world.authority.certificate().subject_der().to_vec();
        assert_eq!(asked.certificate_authorities, Some(vec![subject]));
        assert!(certificate_request(&ClientAuth::ServerOnly, SUPPORTED_SCHEMES).is_none());
    }
}
