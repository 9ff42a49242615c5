//! What a server is willing to do.

use std::sync::Arc;

use super::{Config, MAX_TICKETS};
use crate::error::{Error, Result};
use crate::handshake::ticket::TicketKeys;
use crate::pki::{Identity, PeerRole, TrustStore};

/// What a server is willing to do. Shared by any number of connections in an `Arc`.
///
/// ```
/// use std::sync::Arc;
/// use otls::pki::Identity;
/// use otls::{ClientAuth, ServerConfig};
///
/// fn config(identity: Arc<Identity>, clients: otls::pki::TrustStore) -> otls::Result<ServerConfig> {
///     ServerConfig::new(identity, ClientAuth::Require(clients)).with_alpn(&[b"http/1.1"])
/// }
/// ```
pub type ServerConfig = Config<ServerSide>;

/// What a [`ServerConfig`] has of its own; its methods are there.
///
/// ```
/// use otls::{Config, ServerSide};
///
/// /// Any setting that both sides have works for a Config<ServerSide>, an otls::ServerConfig.
/// fn padded(config: Config<ServerSide>) -> otls::Result<Config<ServerSide>> {
///     config.with_alpn(&[b"otp/1"])
/// }
/// ```
#[derive(Clone)]
pub struct ServerSide {
    /// At least one; the first where nothing speaks for another.
    pub(in crate::handshake) identities: Vec<Arc<Identity>>,
    pub(in crate::handshake) client_auth: ClientAuth,
    pub(in crate::handshake) tickets: Option<Tickets>,
}

crate::shown::shown!(ServerSide);

/// What a server asks of its clients. There is no default: leaving clients unauthenticated has to
/// be asked for by name.
///
/// ```
/// use otls::{ClientAuth, pki::TrustStore};
///
/// // A client without a certificate of these authorities gets certificate_required.
/// let auth = ClientAuth::Require(TrustStore::new());
/// ```
#[derive(Debug, Clone)]
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

/// A server's session tickets.
#[derive(Clone)]
pub(in crate::handshake) struct Tickets {
    pub(in crate::handshake) keys: Arc<TicketKeys>,
    /// Tickets for each connection.
    pub(in crate::handshake) count: usize,
}

impl ServerConfig {
    /// A server with its identity and what it asks of clients.
    pub fn new(identity: Arc<Identity>, client_auth: ClientAuth) -> Self {
        Self::of(ServerSide { identities: vec![identity], client_auth, tickets: None })
    }

    /// Uses `identity`, in place of what was given before.
    #[must_use]
    pub fn with_identity(mut self, identity: Arc<Identity>) -> Self {
        self.side.identities = vec![identity];
        self
    }

    /// A further identity, for another name or of another kind of key. Each client gets the one that it can
    /// verify: by its signature schemes, the name that it asks for (SNI), the signatures in the chain and the
    /// authorities that it names (RFC 8446 §4.4.2.2); among equals the one that was given first.
    #[must_use]
    pub fn with_further_identity(mut self, identity: Arc<Identity>) -> Self {
        self.side.identities.push(identity);
        self
    }

    /// Lets clients resume: each connection gets `count` tickets (0 to [`MAX_TICKETS`]; clients use each once)
    /// made with `keys`. A resumed connection has the client's certificate of the first one, as this configuration
    /// judges it at the present time; its signatures are verified again where anything that the verdict was made
    /// of has changed since.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] for more than [`MAX_TICKETS`].
    pub fn with_tickets(mut self, keys: Arc<TicketKeys>, count: usize) -> Result<Self> {
        if count > MAX_TICKETS {
            return Err(Error::misuse("more than 8 tickets for each connection", "two are usual"));
        }
        self.side.tickets = Some(Tickets { keys, count });
        Ok(self)
    }
}

impl ServerConfig {
    /// See [`Config::policy_of`].
    pub(in crate::handshake) fn policy(&self) -> &[u8] {
        match &self.side.client_auth {
            ClientAuth::Require(trust) => self.policy_of(1, Some(trust)),
            ClientAuth::Request(trust) => self.policy_of(2, Some(trust)),
            ClientAuth::Enrolled(trust) => self.policy_of(3, Some(trust)),
            ClientAuth::ServerOnly => self.policy_of(4, None),
        }
    }

    /// Whom clients are judged by, and in which role.
    pub(in crate::handshake) fn client_trust(&self) -> Result<(&TrustStore, PeerRole)> {
        match &self.side.client_auth {
            ClientAuth::Require(trust) | ClientAuth::Request(trust) => Ok((trust, PeerRole::Client)),
            ClientAuth::Enrolled(trust) => Ok((trust, PeerRole::Enrolled)),
            ClientAuth::ServerOnly => Err(Error::Internal("a certificate that was not requested")),
        }
    }
}
