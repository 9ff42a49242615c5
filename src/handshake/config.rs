//! What both sides are willing to do.

use std::sync::Arc;

use crate::codepoints::{CipherSuite, NamedGroup, SignatureScheme};
use crate::crypto::Random;
use crate::crypto::SystemRandom;
use crate::crypto::kx::SUPPORTED_GROUPS;
use crate::error::{Error, Result};
use crate::pki::{Identity, TrustStore};

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
    pub(super) random: Arc<dyn Random>,
}

#[derive(Clone)]
pub(super) enum Side {
    Client { trust: TrustStore, identity: ClientIdentity },
    Server { identity: Arc<Identity>, client_auth: ClientAuth },
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
        Self::new(Side::Client { trust, identity: ClientIdentity::AskWhenNeeded })
    }

    /// A server with its identity and what it asks of clients.
    pub fn server(identity: Arc<Identity>, client_auth: ClientAuth) -> Self {
        Self::new(Side::Server { identity, client_auth })
    }

    fn new(side: Side) -> Self {
        Self {
            side,
            suites: SUPPORTED_SUITES.to_vec(),
            groups: SUPPORTED_GROUPS.to_vec(),
            schemes: SUPPORTED_SCHEMES.to_vec(),
            random: Arc::new(SystemRandom),
        }
    }

    /// Whether this is a server's configuration.
    pub fn is_server(&self) -> bool {
        matches!(self.side, Side::Server { .. })
    }

    /// Uses `identity`; for a client or a server.
    #[must_use]
    pub fn with_identity(mut self, identity: Arc<Identity>) -> Self {
        match &mut self.side {
            Side::Client { identity: slot, .. } => *slot = ClientIdentity::Ready(identity),
            Side::Server { identity: slot, .. } => *slot = identity,
        }
        self
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

    /// Takes random octets from `random` instead of the system.
    #[must_use]
    pub fn with_random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }
}

impl Config {
    /// A server's identity and what it asks of clients.
    pub(super) fn server_side(&self) -> Result<(&Arc<Identity>, &ClientAuth)> {
        match &self.side {
            Side::Server { identity, client_auth } => Ok((identity, client_auth)),
            Side::Client { .. } => Err(Error::Internal("a server with a client's configuration")),
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
