//! What both sides are willing to do.

mod client;
mod server;

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, OnceLock};

pub(super) use client::ClientIdentity;
pub use client::{ClientConfig, ClientSide};
pub(super) use server::Tickets;
pub use server::{ClientAuth, ServerConfig, ServerSide};

use crate::codepoints::{CipherSuite, NamedGroup, SignatureScheme};
use crate::crypto::Random;
use crate::crypto::SystemRandom;
use crate::crypto::hash::{HashAlgorithm, digest};
use crate::crypto::kx::SUPPORTED_GROUPS;
use crate::error::{Error, Result};
use crate::pki::{MAX_CHAIN_LEN, TrustStore};
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
    SignatureScheme::ED25519,
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
    SignatureScheme::ED25519,
    SignatureScheme::ECDSA_SECP521R1_SHA512,
    SignatureScheme::RSA_PSS_RSAE_SHA512,
];

/// Tickets that a server sends on one connection, and sessions that a client keeps of one.
pub const MAX_TICKETS: usize = 8;
/// How long after the last full handshake a session may be resumed, where nothing else is asked for: a day,
/// after which a stolen one is worth nothing however often it was renewed.
pub const DEFAULT_SESSION_LIFETIME: Duration = Duration::from_secs(86_400);
/// RFC 8446 §4.6.1: seven days.
pub const MAX_SESSION_LIFETIME: Duration = Duration::from_secs(604_800);
/// RFC 8449 §4.
const MIN_RECORD_SIZE_LIMIT: u16 = 64;
/// RFC 8449 §4: 2^14 octets and the content type.
pub(super) const MAX_RECORD_SIZE_LIMIT: u16 = 16_385;

/// What one side is willing to do: a [`ClientConfig`] or a [`ServerConfig`]. The methods here are those that
/// both have. It is shared by any number of connections in an `Arc`.
///
/// ```
/// use otls::{ClientConfig, codepoints::NamedGroup, pki::TrustStore};
///
/// let config = ClientConfig::new(TrustStore::new()).with_groups(&[NamedGroup::X25519])?;
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone)]
pub struct Config<S> {
    pub(super) side: S,
    pub(super) suites: Vec<CipherSuite>,
    pub(super) groups: Vec<NamedGroup>,
    /// Of what our keys sign, most preferred first.
    pub(super) signing_schemes: Vec<SignatureScheme>,
    /// Of what our peers may sign, most preferred first.
    pub(super) verify_schemes: Vec<SignatureScheme>,
    /// ALPN protocols, most preferred first; none: the extension is not used.
    pub(super) alpn: Vec<Vec<u8>>,
    /// The certificates that a peer may send.
    pub(super) max_chain_len: usize,
    /// Our record_size_limit (RFC 8449); `None`: not offered.
    pub(super) receive_limit: Option<u16>,
    pub(super) send: RecordShape,
    pub(super) key_log: bool,
    /// For which a session may be resumed after its last full handshake.
    pub(super) session_lifetime: Duration,
    /// See [`Config::policy_of`]; made anew where what it is made of changes.
    policy: Arc<OnceLock<Vec<u8>>>,
    pub(super) random: Arc<dyn Random>,
}

impl<S> fmt::Debug for Config<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("suites", &self.suites)
            .field("groups", &self.groups)
            .field("signing_schemes", &self.signing_schemes)
            .field("verify_schemes", &self.verify_schemes)
            .field("alpn", &self.alpn)
            .field("session_lifetime", &self.session_lifetime)
            .finish_non_exhaustive()
    }
}

impl<S> Config<S> {
    fn of(side: S) -> Self {
        Self {
            side,
            suites: SUPPORTED_SUITES.to_vec(),
            groups: SUPPORTED_GROUPS.to_vec(),
            signing_schemes: SUPPORTED_SCHEMES.to_vec(),
            verify_schemes: SUPPORTED_SCHEMES.to_vec(),
            alpn: Vec::new(),
            max_chain_len: MAX_CHAIN_LEN,
            receive_limit: None,
            send: RecordShape::default(),
            key_log: false,
            session_lifetime: DEFAULT_SESSION_LIFETIME,
            policy: Arc::default(),
            random: Arc::new(SystemRandom),
        }
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

    /// Only these signature schemes for what our own keys sign in handshakes, most preferred first (RFC 8446
    /// §4.4.3). A key that can make none of them is not used.
    ///
    /// # Errors
    /// As [`Config::with_suites`], for [`SUPPORTED_SCHEMES`].
    pub fn with_signing_schemes(mut self, schemes: &[SignatureScheme]) -> Result<Self> {
        self.signing_schemes =
            checked(schemes, SUPPORTED_SCHEMES, "signing schemes: empty, repeated or unsupported")?;
        Ok(self)
    }

    /// Only these signature schemes for what the peer signs in handshakes, most preferred first: sent as
    /// signature_algorithms (RFC 8446 §4.2.3). Signatures in certificates are not limited by this
    /// (signature_algorithms_cert).
    ///
    /// # Errors
    /// As [`Config::with_suites`], for [`SUPPORTED_SCHEMES`].
    pub fn with_verify_schemes(mut self, schemes: &[SignatureScheme]) -> Result<Self> {
        self.verify_schemes =
            checked(schemes, SUPPORTED_SCHEMES, "verify schemes: empty, repeated or unsupported")?;
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

    /// The most certificates that a peer may send, its own and those that lead to an authority: 1 to
    /// [`MAX_CHAIN_LEN`], which it is where this is not called. A longer chain is refused
    /// before anything of it is looked at.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] outside that range.
    pub fn with_max_chain_len(mut self, certificates: usize) -> Result<Self> {
        if !(1..=MAX_CHAIN_LEN).contains(&certificates) {
            return Err(Error::misuse(
                "a chain limit outside 1 to 10 certificates",
                "leave it at its default, or count the peer's certificate and its intermediates",
            ));
        }
        self.max_chain_len = certificates;
        self.policy = Arc::default();
        Ok(self)
    }

    /// Lets sessions be resumed for so long after their last full handshake, in which both sides showed their
    /// certificates, however often they are resumed: [`DEFAULT_SESSION_LIFETIME`] where this is not called, at
    /// most [`MAX_SESSION_LIFETIME`]; the protocol counts whole seconds. A server ends its tickets by then and a
    /// client offers no older session. A certificate that ends earlier, on either side, ends its sessions as
    /// well.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] for less than a second and for more than seven days (RFC 8446 §4.6.1).
    pub fn with_session_lifetime(mut self, lifetime: Duration) -> Result<Self> {
        if lifetime < Duration::from_secs(1) || lifetime > MAX_SESSION_LIFETIME {
            return Err(Error::misuse(
                "a session lifetime outside 1 second to 7 days",
                "give no tickets, or keep no sessions, where nothing should be resumed",
            ));
        }
        self.session_lifetime = lifetime;
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
        let fits = u16::try_from(octets).ok().filter(|_| (1..=MAX_FRAGMENT_LEN).contains(&octets));
        self.send.fragment =
            fits.ok_or(Error::misuse("a fragment outside 1 to 16384 octets", "see RFC 8446 §5.1"))?;
        Ok(self)
    }

    /// Pads records of data to a multiple of `block` octets, as far as the largest record allows
    /// (RFC 8446 §5.4), so that their length says less about what is in them; 0 and 1: no padding.
    #[must_use]
    pub fn with_padding(mut self, block: u16) -> Self {
        self.send.padding = block;
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

impl<S> Config<S> {
    /// Whether a session may be resumed whose full handshake was at `authenticated_at`. One of the future may
    /// not: the clock was put back since, and the session would live for longer than it is to.
    pub(super) fn keeps_session_of(&self, authenticated_at: UnixTime, now: UnixTime) -> bool {
        (authenticated_at..self.end_of_session(authenticated_at)).contains(&now)
    }

    /// When a session ends whose full handshake was at `authenticated_at`.
    pub(super) fn end_of_session(&self, authenticated_at: UnixTime) -> UnixTime {
        authenticated_at.plus(Duration::from_secs(self.session_lifetime.as_secs()))
    }

    /// A digest of whom this side trusts, what it asks of its peer and how long a chain may be. A session of another policy is not
    /// resumed: a full handshake judges the peer by this one.
    fn policy_of(&self, kind: u8, trust: Option<&TrustStore>) -> &[u8] {
        self.policy.get_or_init(|| {
            let mut octets = vec![kind, u8::try_from(self.max_chain_len).unwrap_or(u8::MAX)];
            octets.extend(trust.into_iter().flat_map(TrustStore::digest));
            digest(HashAlgorithm::Sha256, &octets).as_ref().to_vec()
        })
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
    use crate::handshake::TicketKeys;
    use crate::pki::KeyType;

    #[test]
    fn numbers_have_their_bounds() {
        let server = || World::new(KeyType::EcdsaP256).server_config();
        let keys = || Arc::new(TicketKeys::generate(&SystemRandom, NOW).unwrap());
        for (seconds, fine) in [(0, false), (1, true), (604_800, true), (604_801, false)] {
            let lifetime = Duration::from_secs(seconds);
            assert_eq!(server().with_session_lifetime(lifetime).is_ok(), fine, "{seconds}");
        }
        for (count, fine) in [(0, true), (8, true), (9, false), (10, false)] {
            assert_eq!(server().with_tickets(keys(), count).is_ok(), fine, "{count}");
        }
        for (count, fine) in [(0, false), (1, true), (MAX_CHAIN_LEN, true), (MAX_CHAIN_LEN + 1, false)] {
            assert_eq!(server().with_max_chain_len(count).is_ok(), fine, "{count}");
        }
    }

    #[test]
    fn a_policy_is_of_what_is_asked_and_of_the_authorities() {
        let (ours, theirs) = (World::new(KeyType::EcdsaP256), World::new(KeyType::EcdsaP256));
        let ask = |auth: ClientAuth| ServerConfig::new(Arc::clone(&ours.server), auth);
        let trust = |world: &World| trust(&world.authority);
        let clients = [ours.client_config(), theirs.client_config()];
        let servers = [
            ask(ClientAuth::Require(trust(&ours))),
            ask(ClientAuth::Require(trust(&theirs))),
            ask(ClientAuth::Request(trust(&ours))),
            ask(ClientAuth::Enrolled(trust(&ours))),
            ask(ClientAuth::ServerOnly),
        ];
        let policies =
            clients.iter().map(ClientConfig::policy).chain(servers.iter().map(ServerConfig::policy));
        let policies: Vec<_> = policies.collect();
        for (index, policy) in policies.iter().enumerate() {
            for (other, another) in policies.iter().enumerate() {
                assert_eq!(policy == another, index == other, "{index} and {other}");
            }
        }
        assert_eq!(ours.client_config().policy(), policies[0]);
        let shorter = clients[0].clone().with_max_chain_len(1).unwrap();
        assert_ne!(shorter.policy(), policies[0]);
    }
}
