//! What a client is willing to do.

use std::sync::Arc;

use super::{Config, MAX_TICKETS, checked};
use crate::codepoints::NamedGroup;
use crate::error::Result;
use crate::pki::{GeneralName, Identity, PeerRole, TrustStore};

/// What a client is willing to do. Shared by any number of connections in an `Arc`.
///
/// ```
/// use otls::pki::TrustStore;
/// use otls::{ClientConfig, codepoints::NamedGroup};
///
/// let config = ClientConfig::new(TrustStore::new())
///     .with_alpn(&[b"http/1.1"])?
///     .with_groups(&[NamedGroup::X25519, NamedGroup::SECP256R1])?;
/// # Ok::<(), otls::Error>(())
/// ```
pub type ClientConfig = Config<ClientSide>;

/// What a [`ClientConfig`] has of its own; its methods are there.
///
/// ```
/// use otls::{ClientConfig, ClientSide, Config, pki::TrustStore};
///
/// // An otls::ClientConfig, by its long name.
/// let config: Config<ClientSide> = ClientConfig::new(TrustStore::new());
/// ```
#[derive(Clone)]
pub struct ClientSide {
    pub(in crate::handshake) trust: TrustStore,
    pub(in crate::handshake) identity: ClientIdentity,
    /// Sessions that a connection keeps for its caller.
    pub(in crate::handshake) keep_sessions: usize,
    name_authorities: bool,
    /// Whether the server's certificate must have the name that we connect to.
    check_name: bool,
    /// Groups of which a share is sent with the first ClientHello; `None`: see [`ClientConfig::first_shares`].
    key_shares: Option<Vec<NamedGroup>>,
}

crate::shown::shown!(ClientSide);

#[derive(Clone)]
pub(in crate::handshake) enum ClientIdentity {
    /// Pause with NEED_CLIENT_CERT when the server asks.
    AskWhenNeeded,
    /// Never send one.
    Anonymous,
    /// The one that the server can verify best; at least one.
    OneOf(Vec<Arc<Identity>>),
}

impl ClientConfig {
    /// A client that trusts servers of `trust` alone. When the server asks for a certificate and
    /// none was given with [`ClientConfig::with_identity`], the connection stops with
    /// [`crate::State::NEED_CLIENT_CERT`].
    pub fn new(trust: TrustStore) -> Self {
        Self::of(ClientSide {
            trust,
            identity: ClientIdentity::AskWhenNeeded,
            keep_sessions: 0,
            name_authorities: false,
            check_name: true,
            key_shares: None,
        })
    }

    /// Authenticates with `identity`, in place of what was given before.
    #[must_use]
    pub fn with_identity(mut self, identity: Arc<Identity>) -> Self {
        self.side.identity = ClientIdentity::OneOf(vec![identity]);
        self
    }

    /// A further identity, of another authority or with another kind of key. A server that asks gets the one
    /// that it can verify: by its signature schemes, the signatures in the chain and the authorities that it
    /// names (RFC 8446 §4.3.2, §4.4.2.3); among equals the one that was given first.
    #[must_use]
    pub fn with_further_identity(mut self, identity: Arc<Identity>) -> Self {
        match &mut self.side.identity {
            ClientIdentity::OneOf(identities) => identities.push(identity),
            none @ (ClientIdentity::AskWhenNeeded | ClientIdentity::Anonymous) => {
                *none = ClientIdentity::OneOf(vec![identity]);
            }
        }
        self
    }

    /// Never sends a certificate, and takes back those that were given.
    #[must_use]
    pub fn with_no_identity(mut self) -> Self {
        self.side.identity = ClientIdentity::Anonymous;
        self
    }

    /// Sends key shares of these groups with the first ClientHello, in place of the one or two that are sent
    /// else; of none where the list is empty, for a server that is to choose (RFC 8446 §4.2.8). A share that the
    /// server does not take costs its computation, and one that is missing a round trip.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for a group that is repeated or not among the configuration's:
    /// [`ClientConfig::with_groups`] goes first.
    pub fn with_key_shares(mut self, groups: &[NamedGroup]) -> Result<Self> {
        let chosen = if groups.is_empty() {
            Vec::new()
        } else {
            checked(groups, &self.groups, "key shares: repeated, or of a group that is not offered")?
        };
        self.side.key_shares = Some(chosen);
        Ok(self)
    }

    /// Has connections keep the newest `count` sessions that the server offers (at most [`MAX_TICKETS`]), for
    /// [`crate::Connection::take_session`]. Without it none is kept.
    #[must_use]
    pub fn with_sessions(mut self, count: usize) -> Self {
        self.side.keep_sessions = count.min(MAX_TICKETS);
        self
    }

    /// Tells servers which authorities we trust (certificate_authorities, RFC 8446 §4.2.4), for servers with
    /// certificates of several.
    #[must_use]
    pub fn with_named_authorities(mut self) -> Self {
        self.side.name_authorities = true;
        self
    }

    /// Takes a server's certificate for any name, as long as its path is right: whoever has a certificate of
    /// the same authority can stand in for the server. For diagnosis alone (RFC 9525 §6.6).
    #[must_use]
    pub fn with_any_server_name(mut self) -> Self {
        self.side.check_name = false;
        self
    }
}

impl ClientConfig {
    /// The role that the server is judged in.
    pub(in crate::handshake) fn server_role(&self, name: &GeneralName) -> PeerRole {
        if self.side.check_name { PeerRole::Server(name.clone()) } else { PeerRole::AnyServer }
    }

    /// See [`Config::policy_of`].
    pub(in crate::handshake) fn policy(&self) -> &[u8] {
        self.policy_of(0, Some(&self.side.trust))
    }

    /// certificate_authorities for a ClientHello; RFC 8446 §4.2.4 has no empty list.
    pub(in crate::handshake) fn authorities_to_name(&self) -> Option<Vec<Vec<u8>>> {
        let named = self.side.name_authorities.then(|| self.side.trust.authority_names());
        named.filter(|names| !names.is_empty())
    }

    /// The groups of which a share goes with the first ClientHello, in the order of `groups` (RFC 8446 §4.2.8).
    pub(in crate::handshake) fn first_shares(&self) -> impl Iterator<Item = NamedGroup> {
        // The most preferred one; where that is the hybrid, the next one as well, because most servers know only
        // classical groups and a round trip costs more than a key pair.
        let count = match self.groups.first() {
            Some(&NamedGroup::X25519MLKEM768) => 2,
            _ => 1,
        };
        let is_sent = move |(index, group): &(usize, NamedGroup)| match &self.side.key_shares {
            Some(chosen) => chosen.contains(group),
            None => *index < count,
        };
        self.groups.iter().copied().enumerate().filter(is_sent).map(|(_, group)| group)
    }
}
