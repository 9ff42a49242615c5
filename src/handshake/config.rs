//! What both sides are willing to do.

use std::sync::{Arc, OnceLock};

use super::ticket::TicketKeys;
use crate::codepoints::{CipherSuite, NamedGroup, SignatureScheme};
use crate::crypto::Random;
use crate::crypto::SystemRandom;
use crate::crypto::hash::{HashAlgorithm, digest};
use crate::crypto::kx::SUPPORTED_GROUPS;
use crate::error::{Error, Result};
use crate::pki::{GeneralName, Identity, PeerRole, TrustStore};
use crate::record::{MAX_FRAGMENT_LEN, RecordShape};
use crate::time::UnixTime;

/// The suites, in the order in which we prefer them.
pub const SUPPORTED_SUITES: &[CipherSuite] = &[
    CipherSuite::TLS_AES_128_GCM_SHA256,
    CipherSuite::TLS_AES_256_GCM_SHA384,
    CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
    CipherSuite::OTLS_CHACHA20_POLY1305_SHA384,
    CipherSuite::OTLS_AES_128_CBC_HMAC_SHA256,
    CipherSuite::OTLS_AES_256_CBC_HMAC_SHA384,
];

/// The signature schemes of handshakes, in the order in which we prefer them.
pub const SUPPORTED_SCHEMES: &[SignatureScheme] = &[
    SignatureScheme::ECDSA_SECP256R1_SHA256,
    SignatureScheme::ECDSA_SECP384R1_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
];

/// Signatures in certificates, which are sent as signature_algorithms_cert (RFC 8446 §4.2.3): the
/// key that authenticates and the authority's key may be of different kinds.
pub(super) const CERTIFICATE_SCHEMES: &[SignatureScheme] = &[
    SignatureScheme::ECDSA_SECP256R1_SHA256,
    SignatureScheme::ECDSA_SECP384R1_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// Tickets that a server sends on one connection, and sessions that a client keeps of one.
pub const MAX_TICKETS: usize = 8;
/// Seconds after the last full handshake in which a session may be resumed, where nothing else is asked for:
/// a day, after which a stolen one is worth nothing however often it was renewed.
pub const DEFAULT_SESSION_LIFETIME: u32 = 86_400;
/// RFC 8446 §4.6.1: seven days, in seconds.
pub const MAX_SESSION_LIFETIME: u32 = 604_800;
/// RFC 8449 §4.
const MIN_RECORD_SIZE_LIMIT: u16 = 64;
/// RFC 8449 §4: 2^14 octets and the content type.
pub(super) const MAX_RECORD_SIZE_LIMIT: u16 = 16_385;

/// What a server asks of its clients. There is no default: leaving clients unauthenticated has to
/// be asked for by name.
#[derive(Clone)]
pub enum ClientAuth {
    /// Only clients with a certificate of these authorities are served.
    Require(TrustStore),
    /// A client may stay anonymous, but a certificate that it sends must be of these authorities.
    Request(TrustStore),
    /// As `Request`, and a server's certificate will do as well: for an enrolment server, to whom
    /// clients show the certificate that they renew (RFC 7030 §4.2.2).
    Enrolled(TrustStore),
    /// Clients are not asked for a certificate.
    ServerOnly,
}

/// What one side is willing to do. Shared by any number of connections in an `Arc`.
#[derive(Clone)]
pub struct Config {
    pub(super) side: Side,
    pub(super) suites: Vec<CipherSuite>,
    pub(super) groups: Vec<NamedGroup>,
    pub(super) schemes: Vec<SignatureScheme>,
    /// ALPN protocols, most preferred first; none: the extension is not used.
    pub(super) alpn: Vec<Vec<u8>>,
    /// Our record_size_limit (RFC 8449); `None`: not offered.
    pub(super) receive_limit: Option<u16>,
    pub(super) send: RecordShape,
    pub(super) key_log: bool,
    /// Seconds for which a session may be resumed after its last full handshake.
    pub(super) session_lifetime: u32,
    /// See [`Config::policy`]; what it is made of never changes.
    policy: Arc<OnceLock<Vec<u8>>>,
    pub(super) random: Arc<dyn Random>,
}

#[derive(Clone)]
pub(super) enum Side {
    Client {
        trust: TrustStore,
        identity: ClientIdentity,
        /// Sessions that a connection keeps for its caller.
        keep_sessions: usize,
        name_authorities: bool,
        /// Whether the server's certificate must have the name that we connect to.
        check_name: bool,
    },
    Server {
        /// At least one; the first where nothing speaks for another.
        identities: Vec<Arc<Identity>>,
        client_auth: ClientAuth,
        tickets: Option<Tickets>,
    },
}

/// A server's session tickets.
#[derive(Clone)]
pub(super) struct Tickets {
    pub(super) keys: Arc<TicketKeys>,
    /// Tickets for each connection.
    pub(super) count: usize,
}

#[derive(Clone)]
pub(super) enum ClientIdentity {
    /// Pause with NEED_CLIENT_CERT when the server asks.
    AskWhenNeeded,
    /// Never send one.
    Anonymous,
    Ready(Arc<Identity>),
}

impl Config {
    /// A client that trusts servers of `trust` alone. When the server asks for a certificate and
    /// none was given with [`Config::with_identity`], the connection stops with
    /// [`crate::State::NEED_CLIENT_CERT`].
    pub fn client(trust: TrustStore) -> Self {
        let identity = ClientIdentity::AskWhenNeeded;
        Self::new(Side::Client {
            trust,
            identity,
            keep_sessions: 0,
            name_authorities: false,
            check_name: true,
        })
    }

    /// A server with its identity and what it asks of clients.
    pub fn server(identity: Arc<Identity>, client_auth: ClientAuth) -> Self {
        Self::new(Side::Server { identities: vec![identity], client_auth, tickets: None })
    }

    fn new(side: Side) -> Self {
        Self {
            side,
            suites: SUPPORTED_SUITES.to_vec(),
            groups: SUPPORTED_GROUPS.to_vec(),
            schemes: SUPPORTED_SCHEMES.to_vec(),
            alpn: Vec::new(),
            receive_limit: None,
            send: RecordShape::default(),
            key_log: false,
            session_lifetime: DEFAULT_SESSION_LIFETIME,
            policy: Arc::default(),
            random: Arc::new(SystemRandom),
        }
    }

    /// Whether this is a server's configuration.
    pub fn is_server(&self) -> bool {
        matches!(self.side, Side::Server { .. })
    }

    /// Uses `identity`, in place of what was given before; for a client or a server.
    #[must_use]
    pub fn with_identity(mut self, identity: Arc<Identity>) -> Self {
        match &mut self.side {
            Side::Client { identity: slot, .. } => *slot = ClientIdentity::Ready(identity),
            Side::Server { identities, .. } => *identities = vec![identity],
        }
        self
    }

    /// A further identity of a server, for another name or of another kind of key. Each client gets
    /// the one that it can verify: by its signature schemes, the name that it asks for (SNI), the
    /// signatures in the chain and the authorities that it names (RFC 8446 §4.4.2.2); among equals the
    /// one that was given first. No effect on a client.
    #[must_use]
    pub fn with_further_identity(mut self, identity: Arc<Identity>) -> Self {
        if let Side::Server { identities, .. } = &mut self.side {
            identities.push(identity);
        }
        self
    }

    /// A server that lets clients resume: each connection gets `count` tickets (0 to
    /// [`MAX_TICKETS`]; clients use each once) made with `keys`. A resumed connection has the client's
    /// certificate of the first one, judged again by this configuration. No effect on a client.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] for more than [`MAX_TICKETS`].
    pub fn with_tickets(mut self, keys: Arc<TicketKeys>, count: usize) -> Result<Self> {
        if count > MAX_TICKETS {
            return Err(Error::misuse("more than 8 tickets for each connection", "two are usual"));
        }
        if let Side::Server { tickets, .. } = &mut self.side {
            *tickets = Some(Tickets { keys, count });
        }
        Ok(self)
    }

    /// A client whose connections keep the newest `count` sessions that the server offers (at most
    /// [`MAX_TICKETS`]), for [`crate::Connection::take_session`]. Without it none is kept. No effect on
    /// a server.
    #[must_use]
    pub fn keep_sessions(mut self, count: usize) -> Self {
        if let Side::Client { keep_sessions, .. } = &mut self.side {
            *keep_sessions = count.min(MAX_TICKETS);
        }
        self
    }

    /// Lets sessions be resumed for so many seconds after their last full handshake, in which both sides
    /// showed their certificates, however often they are resumed: [`DEFAULT_SESSION_LIFETIME`] where this is
    /// not called, at most [`MAX_SESSION_LIFETIME`]. A server ends its tickets by then and a client offers
    /// no older session. A certificate that ends earlier, on either side, ends its sessions as well.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] for 0 and for more than seven days (RFC 8446 §4.6.1).
    pub fn with_session_lifetime(mut self, seconds: u32) -> Result<Self> {
        if seconds == 0 || seconds > MAX_SESSION_LIFETIME {
            return Err(Error::misuse(
                "a session lifetime outside 1 second to 7 days",
                "give no tickets, or keep no sessions, where nothing should be resumed",
            ));
        }
        self.session_lifetime = seconds;
        Ok(self)
    }

    /// A client that tells servers which authorities it trusts (certificate_authorities, RFC 8446
    /// §4.2.4), for servers with certificates of several. No effect on a server, which always says so
    /// when it asks for a certificate.
    #[must_use]
    pub fn name_authorities(mut self) -> Self {
        if let Side::Client { name_authorities, .. } = &mut self.side {
            *name_authorities = true;
        }
        self
    }

    /// A client that takes a server's certificate for any name, as long as its path is right: whoever has
    /// a certificate of the same authority can stand in for the server. For diagnosis alone (RFC 9525
    /// §6.6); no effect on a server.
    #[must_use]
    pub fn without_name_check(mut self) -> Self {
        if let Side::Client { check_name, .. } = &mut self.side {
            *check_name = false;
        }
        self
    }

    /// The role that a client's server is judged in.
    pub(super) fn server_role(&self, name: &GeneralName) -> PeerRole {
        match self.side {
            Side::Client { check_name: false, .. } => PeerRole::AnyServer,
            Side::Client { .. } | Side::Server { .. } => PeerRole::Server(name.clone()),
        }
    }

    /// A client that never sends a certificate; no effect on a server.
    #[must_use]
    pub fn anonymous(mut self) -> Self {
        if let Side::Client { identity, .. } = &mut self.side {
            *identity = ClientIdentity::Anonymous;
        }
        self
    }

    /// Only these suites, most preferred first.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] for an empty list, a repetition, or a suite that is not in
    /// [`SUPPORTED_SUITES`].
    pub fn with_suites(mut self, suites: &[CipherSuite]) -> Result<Self> {
        self.suites = checked(suites, SUPPORTED_SUITES, "suites: empty, repeated or unsupported")?;
        Ok(self)
    }

    /// Only these groups, most preferred first.
    ///
    /// # Errors
    /// As [`Config::with_suites`], for [`SUPPORTED_GROUPS`].
    pub fn with_groups(mut self, groups: &[NamedGroup]) -> Result<Self> {
        self.groups = checked(groups, SUPPORTED_GROUPS, "groups: empty, repeated or unsupported")?;
        Ok(self)
    }

    /// Only these signature schemes for handshakes, most preferred first. Signatures in
    /// certificates are not limited by this (signature_algorithms_cert, RFC 8446 §4.2.3).
    ///
    /// # Errors
    /// As [`Config::with_suites`], for [`SUPPORTED_SCHEMES`].
    pub fn with_schemes(mut self, schemes: &[SignatureScheme]) -> Result<Self> {
        self.schemes = checked(schemes, SUPPORTED_SCHEMES, "schemes: empty, repeated or unsupported")?;
        Ok(self)
    }

    /// Application protocols (ALPN, RFC 7301), most preferred first. A server with such a list refuses
    /// a client that offers others only; one that offers none is served without.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] for an empty list, a repetition, or a name that is not of 1 to 255 octets.
    pub fn with_alpn(mut self, protocols: &[&[u8]]) -> Result<Self> {
        const WHAT: &str = "ALPN: empty, repeated, or a name that is not of 1 to 255 octets";
        if protocols.iter().any(|name| name.is_empty() || name.len() > 255) {
            return Err(Error::misuse(WHAT, "use registered names, such as http/1.1"));
        }
        let list = checked(protocols, protocols, WHAT)?;
        self.alpn = list.into_iter().map(<[u8]>::to_vec).collect();
        Ok(self)
    }

    /// The largest record that we want to receive, in octets of plaintext with its content type
    /// (record_size_limit, RFC 8449): 64 to 16,385.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] outside that range.
    pub fn with_record_size_limit(mut self, limit: u16) -> Result<Self> {
        if !(MIN_RECORD_SIZE_LIMIT..=MAX_RECORD_SIZE_LIMIT).contains(&limit) {
            return Err(Error::misuse("a record_size_limit outside 64 to 16385", "see RFC 8449 §4"));
        }
        self.receive_limit = Some(limit);
        Ok(self)
    }

    /// The largest piece of data that we put in a record: 1 to 16,384 octets. A peer's
    /// record_size_limit may make it smaller.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] outside that range.
    pub fn with_max_fragment(mut self, octets: usize) -> Result<Self> {
        if octets == 0 || octets > MAX_FRAGMENT_LEN {
            return Err(Error::misuse("a fragment outside 1 to 16384 octets", "see RFC 8446 §5.1"));
        }
        self.send.fragment = octets;
        Ok(self)
    }

    /// Pads records of data to a multiple of `block` octets, as far as the largest record allows
    /// (RFC 8446 §5.4), so that their length says less about what is in them; 0 and 1: no padding.
    #[must_use]
    pub fn with_padding(mut self, block: u16) -> Self {
        self.send.padding = usize::from(block);
        self
    }

    /// Records the secrets of each connection for [`crate::Connection::take_key_log`] (RFC 9850). Whoever
    /// sees them can read and forge everything on the connection: for debugging alone.
    #[must_use]
    pub fn with_key_log(mut self) -> Self {
        self.key_log = true;
        self
    }

    /// Takes random octets from `random` instead of the system.
    #[must_use]
    pub fn with_random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }
}

impl Config {
    /// A server's identity and what it asks of clients.
    pub(super) fn server_side(&self) -> Result<(&[Arc<Identity>], &ClientAuth)> {
        match &self.side {
            Side::Server { identities, client_auth, .. } => Ok((identities, client_auth)),
            Side::Client { .. } => Err(Error::Internal("a server with a client's configuration")),
        }
    }
}

impl Config {
    /// Whether a session may be resumed whose full handshake was at `authenticated_at`. One of the future may
    /// not: the clock was put back since, and the session would live for longer than it is to.
    pub(super) fn keeps_session_of(&self, authenticated_at: UnixTime, now: UnixTime) -> bool {
        (authenticated_at..authenticated_at.plus(u64::from(self.session_lifetime))).contains(&now)
    }

    /// A digest of whom this side trusts and what it asks of its peer. A session of another policy is not
    /// resumed: a full handshake judges the peer by this one.
    pub(super) fn policy(&self) -> &[u8] {
        self.policy.get_or_init(|| {
            let (kind, trust) = match &self.side {
                Side::Client { trust, .. } => (0, Some(trust)),
                Side::Server { client_auth, .. } => match client_auth {
                    ClientAuth::Require(trust) => (1, Some(trust)),
                    ClientAuth::Request(trust) => (2, Some(trust)),
                    ClientAuth::Enrolled(trust) => (3, Some(trust)),
                    ClientAuth::ServerOnly => (4, None),
                },
            };
            let mut octets = vec![kind];
            octets.extend(trust.map(TrustStore::digest).unwrap_or_default());
            digest(HashAlgorithm::Sha256, &octets).as_ref().to_vec()
        })
    }

    /// A server's tickets, where it gives any.
    pub(super) fn tickets(&self) -> Option<&Tickets> {
        match &self.side {
            Side::Server { tickets, .. } => tickets.as_ref(),
            Side::Client { .. } => None,
        }
    }

    /// certificate_authorities for a ClientHello; RFC 8446 §4.2.4 has no empty list.
    pub(super) fn authorities_to_name(&self) -> Option<Vec<Vec<u8>>> {
        match &self.side {
            Side::Client { trust, name_authorities: true, .. } => {
                Some(trust.authority_names()).filter(|names| !names.is_empty())
            }
            Side::Client { .. } | Side::Server { .. } => None,
        }
    }
}

fn checked<T: Copy + PartialEq>(wanted: &[T], supported: &[T], what: &'static str) -> Result<Vec<T>> {
    let mut list = Vec::with_capacity(wanted.len());
    for item in wanted {
        if !supported.contains(item) || list.contains(item) {
            return Err(Error::misuse(what, "name each supported value at most once"));
        }
        list.push(*item);
    }
    if list.is_empty() {
        return Err(Error::misuse(what, "leave the list at its default or name at least one"));
    }
    Ok(list)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::common::{NOW, World, trust};
    use crate::pki::KeyType;

    #[test]
    fn numbers_have_their_bounds() {
        let server = || World::new(KeyType::EcdsaP256).server_config();
        let keys = || Arc::new(TicketKeys::generate(&SystemRandom, NOW).unwrap());
        for (seconds, fine) in [(0, false), (1, true), (604_800, true), (604_801, false)] {
            assert_eq!(server().with_session_lifetime(seconds).is_ok(), fine, "{seconds}");
        }
        for (count, fine) in [(0, true), (8, true), (9, false), (10, false)] {
            assert_eq!(server().with_tickets(keys(), count).is_ok(), fine, "{count}");
        }
    }

    #[test]
    fn a_policy_is_of_what_is_asked_and_of_the_authorities() {
        let (ours, theirs) = (World::new(KeyType::EcdsaP256), World::new(KeyType::EcdsaP256));
        let ask = |auth: ClientAuth| Config::server(Arc::clone(&ours.server), auth);
        let trust = |world: &World| trust(&world.authority);
        let configs = [
            ours.client_config(),
            theirs.client_config(),
            ask(ClientAuth::Require(trust(&ours))),
            ask(ClientAuth::Require(trust(&theirs))),
            ask(ClientAuth::Request(trust(&ours))),
            ask(ClientAuth::Enrolled(trust(&ours))),
            ask(ClientAuth::ServerOnly),
        ];
        for (index, config) in configs.iter().enumerate() {
            for (other, another) in configs.iter().enumerate() {
                assert_eq!(config.policy() == another.policy(), index == other, "{index} and {other}");
            }
        }
        assert_eq!(ours.client_config().policy(), configs[0].policy());
    }
}
