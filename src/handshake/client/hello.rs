//! ClientHello out; ServerHello or HelloRetryRequest in (RFC 8446 §4.1).

use std::sync::Arc;

use super::{AwaitEncryptedExtensions, ClientState, InHandshake, Resumed};
use crate::codepoints::{ExtensionType, HandshakeType, NamedGroup, ProtocolVersion, PskKeyExchangeMode};
use crate::crypto::hash::{Digest, HashAlgorithm, digest};
use crate::crypto::kx::KeyExchange;
use crate::error::{Error, PeerIncompatible, PeerMisbehaved, Result};
use crate::handshake::config::{CERTIFICATE_SCHEMES, ClientConfig, ClientIdentity};
use crate::handshake::context::Context;
use crate::handshake::key_log::KeyLog;
use crate::handshake::key_schedule::EarlySecret;
use crate::handshake::session::Session;
use crate::handshake::suite::SuiteParameters;
use crate::handshake::traced::handshake_secrets;
use crate::handshake::transcript::{Transcript, encode_message};
use crate::handshake::{SSL3, expect};
use crate::pki::{GeneralName, VerifiedPeer};
use crate::record::HandshakeMessage;
use crate::time::UnixTime;
use crate::wire::{
    ClientExtensions, ClientHello, Codec, HelloRetryRequest, KeyShareEntry, KeyShares, OfferedPsks, Prefix,
    PskIdentity, ServerHello, ServerHelloOrRetry, SessionId, opaque, vector,
};

/// Our ClientHello is out.
pub(crate) struct AwaitServerHello {
    config: Arc<ClientConfig>,
    server_name: GeneralName,
    hello: ClientHello,
    shares: Vec<KeyExchange>,
    /// The session whose PSK is in the hello.
    offered: Option<OfferedSession>,
    progress: Progress,
}

/// A session, and the server that it is with, as it would be judged now.
struct OfferedSession {
    session: Session,
    server: VerifiedPeer,
}

#[expect(clippy::large_enum_variant, reason = "the state that holds it is boxed as a whole")]
enum Progress {
    /// The first ClientHello, before the suite says with which hash it goes into the transcript.
    First(Vec<u8>),
    /// After a HelloRetryRequest, which may not come twice and binds the suite.
    Retried(Transcript, SuiteParameters),
}

impl AwaitServerHello {
    pub(super) fn start(
        config: Arc<ClientConfig>,
        server_name: GeneralName,
        session: Option<Session>,
        cx: &mut Context<'_>,
    ) -> Result<ClientState> {
        let offered = session.and_then(|session| OfferedSession::new(session, &config, &server_name, cx.now));
        let mut shares = Vec::new();
        for group in config.first_shares() {
            shares.push(KeyExchange::start(group, config.random.as_ref())?);
        }
        let mut random = [0; 32];
        config.random.fill(&mut random)?;
        let mut session_id = [0; 32];
        config.random.fill(&mut session_id)?;
        cx.out.set_shape(config.send);
        if config.key_log {
            cx.facts.key_log = Some(Box::new(KeyLog::new(random)));
        }
        let hello = ClientHello {
            legacy_version: ProtocolVersion::TLS1_2,
            random,
            // RFC 8446 §D.4: a session identifier makes middleboxes take us for a resumption.
            legacy_session_id: SessionId::full(session_id),
            cipher_suites: config.suites.clone(),
            legacy_compression_methods: vec![0],
            extensions: ClientExtensions {
                // RFC 6066 §3: host names only, never addresses.
                server_name: match &server_name {
                    GeneralName::Dns(name) => Some(name.clone()),
                    GeneralName::Ip(_) | GeneralName::Email(_) | GeneralName::Uri(_) => None,
                },
                supported_groups: Some(config.groups.clone()),
                signature_algorithms: Some(config.verify_schemes.clone()),
                signature_algorithms_cert: Some(CERTIFICATE_SCHEMES.to_vec()),
                supported_versions: Some(vec![ProtocolVersion::TLS1_3]),
                // Servers send tickets, and so confirm, only to clients that name a mode.
                psk_key_exchange_modes: Some(vec![PskKeyExchangeMode::PSK_DHE_KE]),
                key_share: Some(shares_of(&shares)),
                alpn: (!config.alpn.is_empty()).then(|| config.alpn.clone()),
                record_size_limit: config.receive_limit,
                certificate_authorities: config.authorities_to_name(),
                pre_shared_key: offered.as_ref().map(|offered| offered.psks(cx.now)),
                ..ClientExtensions::default()
            },
        };
        let encoded = encode_hello(&hello, offered.as_ref(), digest)?;
        cx.out.message(&encoded);
        let progress = Progress::First(encoded);
        let state = Self { config, server_name, hello, shares, offered, progress };
        Ok(ClientState::ServerHello(Box::new(state)))
    }

    pub(super) fn handle(self, message: &HandshakeMessage, cx: &mut Context<'_>) -> Result<ClientState> {
        expect(message, HandshakeType::SERVER_HELLO, "ServerHello")?;
        match ServerHelloOrRetry::decode_all("ServerHello", message.body())? {
            ServerHelloOrRetry::ServerHello(hello) => self.server_hello(&hello, message, cx),
            ServerHelloOrRetry::HelloRetryRequest(retry) => self.retry(retry, message, cx),
        }
    }

    fn server_hello(
        self,
        hello: &ServerHello,
        message: &HandshakeMessage,
        cx: &mut Context<'_>,
    ) -> Result<ClientState> {
        let extensions = &hello.extensions;
        check_legacy_version(hello.legacy_version)?;
        if extensions.supported_versions.is_none() && DOWNGRADES.iter().any(|end| hello.random.ends_with(end))
        {
            return Err(PeerMisbehaved::IllegalParameter("the random of a downgrade from TLS 1.3").into());
        }
        self.check_version(hello.legacy_version, extensions.supported_versions)?;
        self.check_legacy(&hello.legacy_session_id_echo, hello.legacy_compression_method)?;
        let known =
            [ExtensionType::SUPPORTED_VERSIONS, ExtensionType::KEY_SHARE, ExtensionType::PRE_SHARED_KEY];
        let known = if self.offered.is_some() { known.as_slice() } else { known.split_at(2).0 };
        check_extensions(&extensions.types, known, "in ServerHello")?;
        let suite = self.chosen_suite(hello.cipher_suite)?;
        let mut transcript = match self.progress {
            Progress::First(first) => {
                let mut transcript = Transcript::new(suite.hash);
                transcript.add(&first);
                transcript
            }
            Progress::Retried(transcript, retried) if retried == suite => transcript,
            Progress::Retried(..) => {
                return Err(
                    PeerMisbehaved::IllegalParameter("cipher_suite is not HelloRetryRequest's").into()
                );
            }
        };
        transcript.add(&message.encoded);

        let share = extensions.key_share.as_ref().ok_or(match extensions.pre_shared_key {
            None => PeerMisbehaved::MissingExtension("key_share in ServerHello"),
            // RFC 8446 §4.2.11: we only offer a PSK with a key exchange.
            Some(_) => PeerMisbehaved::IllegalParameter("pre_shared_key without key_share"),
        })?;
        let ours = self
            .shares
            .into_iter()
            .find(|ours| ours.group() == share.group)
            .ok_or(PeerMisbehaved::IllegalParameter("key_share of a group that we sent none for"))?;
        let shared = ours.finish(&share.key_exchange)?;
        let resumed = accepted_session(self.offered, extensions.pre_shared_key, suite)?;
        let early = match &resumed {
            Some(resumed) => EarlySecret::with_psk(suite.hash, &resumed.session.psk),
            None => EarlySecret::without_psk(suite.hash),
        };
        let secret = early.into_handshake(&shared)?;
        let hello_hash = transcript.current();
        let keys = secret.traffic(suite, &hello_hash)?;
        keys.log_handshake(cx.facts.key_log.as_deref_mut());
        let psk = resumed.as_ref().map(|resumed| &resumed.session.psk);
        handshake_secrets(cx.out.trace.as_deref_mut(), suite, (psk, &shared), &keys, &hello_hash)?;
        cx.out.tell(|trace| trace.agreed(suite.suite, Some(share.group), resumed.is_some()));
        cx.set_opener(keys.server.opener()?);
        // RFC 8446 §D.4: the dummy goes before our first encrypted record.
        cx.out.change_cipher_spec()?;
        cx.out.set_sealer(keys.client.sealer()?)?;
        cx.facts.suite = Some(suite.suite);
        cx.facts.group = Some(share.group);

        let offered = offered_extensions(&self.hello.extensions);
        let (config, server_name) = (self.config, self.server_name);
        let resumed = resumed.map(|OfferedSession { session, server }| Resumed {
            server,
            certificate: session.certificate,
            authenticated_at: session.authenticated_at,
        });
        let handshake =
            InHandshake { config, server_name, suite, transcript, secret, keys, requested: None, resumed };
        Ok(ClientState::EncryptedExtensions(Box::new(AwaitEncryptedExtensions { handshake, offered })))
    }

    /// RFC 8446 §4.1.4.
    fn retry(
        mut self,
        retry: HelloRetryRequest,
        message: &HandshakeMessage,
        cx: &mut Context<'_>,
    ) -> Result<ClientState> {
        check_legacy_version(retry.legacy_version)?;
        self.check_version(retry.legacy_version, retry.extensions.supported_versions)?;
        self.check_legacy(&retry.legacy_session_id_echo, retry.legacy_compression_method)?;
        let known = [ExtensionType::SUPPORTED_VERSIONS, ExtensionType::KEY_SHARE, ExtensionType::COOKIE];
        check_extensions(&retry.extensions.types, &known, "in HelloRetryRequest")?;
        let suite = self.chosen_suite(retry.cipher_suite)?;
        let Progress::First(first) = self.progress else {
            return Err(super::unexpected(
                HandshakeType::SERVER_HELLO,
                "ServerHello: HelloRetryRequest came before",
            ));
        };
        match retry.extensions.key_share {
            Some(group) => self.shares = retry_share(group, &self.config, &self.shares)?,
            // RFC 8446 §4.1.4: a request that changes nothing would loop.
            None if retry.extensions.cookie.is_none() => {
                return Err(PeerMisbehaved::IllegalParameter("HelloRetryRequest that changes nothing").into());
            }
            None => {}
        }
        let mut transcript = Transcript::with_retry(suite.hash, &first);
        transcript.add(&message.encoded);
        if retry.extensions.key_share.is_some() {
            self.hello.extensions.key_share = Some(shares_of(&self.shares));
        }
        self.hello.extensions.cookie = retry.extensions.cookie;
        // RFC 8446 §4.1.4: a PSK of another hash than the suite's is not offered again.
        self.offered = self.offered.filter(|offered| offered.session.suite.hash == suite.hash);
        self.hello.extensions.pre_shared_key = self.offered.as_ref().map(|offered| offered.psks(cx.now));
        let encoded =
            encode_hello(&self.hello, self.offered.as_ref(), |_, truncated| transcript.with(truncated))?;
        transcript.add(&encoded);
        cx.out.change_cipher_spec()?;
        cx.out.message(&encoded);
        cx.facts.retried = true;
        self.progress = Progress::Retried(transcript, suite);
        Ok(ClientState::ServerHello(Box::new(self)))
    }

    fn check_version(&self, legacy: ProtocolVersion, selected: Option<ProtocolVersion>) -> Result<()> {
        // RFC 8446 §4.1.3: without supported_versions the server has chosen an older version.
        let selected = selected.ok_or(PeerIncompatible::NoTls13)?;
        if selected != ProtocolVersion::TLS1_3 || legacy != ProtocolVersion::TLS1_2 {
            return Err(PeerMisbehaved::IllegalParameter("selected_version or legacy_version").into());
        }
        Ok(())
    }

    fn check_legacy(&self, session_id_echo: &SessionId, compression_method: u8) -> Result<()> {
        if *session_id_echo != self.hello.legacy_session_id {
            return Err(PeerMisbehaved::IllegalParameter("legacy_session_id_echo").into());
        }
        if compression_method != 0 {
            return Err(PeerMisbehaved::IllegalParameter("legacy_compression_method").into());
        }
        Ok(())
    }

    fn chosen_suite(&self, suite: crate::codepoints::CipherSuite) -> Result<SuiteParameters> {
        if !self.config.suites.contains(&suite) {
            return Err(PeerMisbehaved::IllegalParameter("cipher_suite was not offered").into());
        }
        SuiteParameters::of(suite).ok_or(Error::Internal("an offered suite without parameters"))
    }
}

fn retry_share(group: NamedGroup, config: &ClientConfig, sent: &[KeyExchange]) -> Result<Vec<KeyExchange>> {
    // RFC 8446 §4.2.8: the group must be one that we support and sent no share of.
    if !config.groups.contains(&group) {
        return Err(PeerMisbehaved::IllegalParameter("selected_group was not offered").into());
    }
    if sent.iter().any(|share| share.group() == group) {
        return Err(PeerMisbehaved::IllegalParameter("selected_group that we sent a share of").into());
    }
    Ok(vec![KeyExchange::start(group, config.random.as_ref())?])
}

fn shares_of(exchanges: &[KeyExchange]) -> KeyShares {
    let entry = |exchange: &KeyExchange| KeyShareEntry {
        group: exchange.group(),
        key_exchange: exchange.public_share().to_vec(),
    };
    KeyShares::of(exchanges.iter().map(entry).collect())
}

/// The ClientHello with its binder, which covers all that comes before it (RFC 8446 §4.2.11.2);
/// `hash` completes the transcript with what it is given.
fn encode_hello(
    hello: &ClientHello,
    offered: Option<&OfferedSession>,
    hash: impl FnOnce(HashAlgorithm, &[u8]) -> Digest,
) -> Result<Vec<u8>> {
    let mut encoded = encode_message(HandshakeType::CLIENT_HELLO, |out| hello.encode(out));
    let (Some(offered), Some(psks)) = (offered, &hello.extensions.pre_shared_key) else {
        return Ok(encoded);
    };
    encoded.truncate(encoded.len().saturating_sub(psks.binders_len()));
    let SuiteParameters { hash: algorithm, .. } = offered.session.suite;
    let early = EarlySecret::with_psk(algorithm, &offered.session.psk);
    let binder = early.binder(&hash(algorithm, &encoded))?;
    vector(Prefix::Two, &mut encoded, |out| opaque(Prefix::One, binder.as_ref(), out));
    Ok(encoded)
}

impl OfferedSession {
    /// `None` for a session that cannot be resumed here: of another server, expired, of a hash that is not
    /// offered, of other protocols, of another trust, of another certificate than the configured one, or
    /// whose server would be refused today.
    fn new(
        session: Session,
        config: &ClientConfig,
        server_name: &GeneralName,
        now: UnixTime,
    ) -> Option<Self> {
        let same_us = match &config.side.identity {
            ClientIdentity::AskWhenNeeded => true,
            ClientIdentity::Anonymous => session.certificate.is_none(),
            ClientIdentity::OneOf(identities) => {
                let mut ours = identities.iter().map(|identity| identity.certificate());
                ours.any(|certificate| session.certificate.as_ref() == Some(certificate))
            }
        };
        let hash = session.suite.hash;
        let same_hash = config
            .suites
            .iter()
            .any(|suite| SuiteParameters::of(*suite).is_some_and(|ours| ours.hash == hash));
        let same_question = session.server_name == *server_name
            && session.protocols == config.alpn
            && session.policy == config.policy();
        let is_current = now < session.expires_at && config.keeps_session_of(session.authenticated_at, now);
        if !(same_us && same_hash && same_question && is_current) {
            return None;
        }
        let (trust, role) = (&config.side.trust, config.server_role(server_name));
        let server = trust.verify_again(&session.verdict, &session.server_chain, &role, now).ok()?;
        Some(Self { session, server })
    }

    /// pre_shared_key, with room for the binder.
    fn psks(&self, now: UnixTime) -> OfferedPsks {
        OfferedPsks {
            identities: vec![PskIdentity {
                identity: self.session.ticket.clone(),
                obfuscated_ticket_age: self.session.obfuscated_age(now),
            }],
            binders: vec![vec![0; self.session.suite.hash.output_len()]],
        }
    }
}

/// The session that the server resumes, if it does (RFC 8446 §4.2.11).
fn accepted_session(
    offered: Option<OfferedSession>,
    selected: Option<u16>,
    suite: SuiteParameters,
) -> Result<Option<OfferedSession>> {
    match (offered, selected) {
        (_, None) => Ok(None),
        (Some(offered), Some(0)) if offered.session.suite.hash == suite.hash => Ok(Some(offered)),
        (Some(_), Some(0)) => {
            Err(PeerMisbehaved::IllegalParameter("cipher_suite of another hash than the PSK's").into())
        }
        (_, Some(_)) => Err(PeerMisbehaved::IllegalParameter("selected_identity").into()),
    }
}

/// RFC 8446 §D.5.
fn check_legacy_version(version: ProtocolVersion) -> Result<()> {
    if version.0 <= SSL3 { Err(PeerIncompatible::NoTls13.into()) } else { Ok(()) }
}

fn check_extensions(types: &[ExtensionType], known: &[ExtensionType], place: &'static str) -> Result<()> {
    if types.iter().any(|extension| !known.contains(extension)) {
        return Err(PeerMisbehaved::UnsupportedExtension(place).into());
    }
    Ok(())
}

/// What EncryptedExtensions may answer.
fn offered_extensions(extensions: &ClientExtensions) -> Vec<ExtensionType> {
    let mut offered = vec![ExtensionType::SUPPORTED_GROUPS];
    let mut answered = |offered_it: bool, extension| {
        if offered_it {
            offered.push(extension);
        }
    };
    answered(extensions.server_name.is_some(), ExtensionType::SERVER_NAME);
    answered(extensions.alpn.is_some(), ExtensionType::ALPN);
    answered(extensions.record_size_limit.is_some(), ExtensionType::RECORD_SIZE_LIMIT);
    offered
}

/// RFC 8446 §4.1.3: how the random ends of a server that speaks TLS 1.3 and has chosen 1.2, 1.1 or below.
const DOWNGRADES: [&[u8]; 2] = [b"DOWNGRD\x01", b"DOWNGRD\x00"];
