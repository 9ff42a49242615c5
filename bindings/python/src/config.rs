//! What one side is willing to do.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;

use crate::convert::{group, parse_each, scheme, suite};
use crate::failure::{Failure, Result};
use crate::pki::authority::{Identity, TrustStore};
use crate::session::TicketKeys;

/// What a client is willing to do: it trusts servers of `trust` alone. Shared by any number of connections.
///
/// Without an identity it pauses (NEED_CLIENT_CERT) when a server asks for a certificate; with
/// `no_identity=True` it never sends one. `further_identities` are of other authorities or kinds of key: a server
/// gets the one that it can verify.
///
/// `suites`, `groups`, `signing_schemes` (of what our key signs) and `verify_schemes` (of what the server signs)
/// are sequences of names, most preferred first; see `otls.SUITES`, `otls.GROUPS` and `otls.SCHEMES`.
/// `key_shares` are the groups of which a share goes with the first message, none for an empty sequence (RFC
/// 8446 §4.2.8). A server may send at most `max_chain_len` certificates (10).
///
/// Connections keep the newest `sessions` sessions that the server offers to resume; none is resumed
/// later than `session_lifetime` (a day, at most seven) after its last full handshake. With
/// `named_authorities` the server is told whom we trust, to choose its certificate by.
/// `any_server_name=True` takes a certificate for any name, as long as its path is right: for diagnosis
/// alone.
#[pyclass(frozen, module = "otls")]
pub(crate) struct ClientConfig(pub(crate) Arc<otls::ClientConfig>);

#[pymethods]
impl ClientConfig {
    #[new]
    #[pyo3(signature = (
        trust, *, identity=None, further_identities=None, no_identity=false, suites=None, groups=None,
        key_shares=None, signing_schemes=None, verify_schemes=None, alpn=None, sessions=0, session_lifetime=None,
        named_authorities=false, any_server_name=false, max_chain_len=None, record_size_limit=None,
        max_fragment=None, padding=0, key_log=false,
    ))]
    fn new(
        trust: &TrustStore,
        identity: Option<&Identity>,
        further_identities: Option<Vec<Py<Identity>>>,
        no_identity: bool,
        suites: Option<&Bound<'_, PyAny>>,
        groups: Option<&Bound<'_, PyAny>>,
        key_shares: Option<&Bound<'_, PyAny>>,
        signing_schemes: Option<&Bound<'_, PyAny>>,
        verify_schemes: Option<&Bound<'_, PyAny>>,
        alpn: Option<Vec<String>>,
        sessions: usize,
        session_lifetime: Option<Duration>,
        named_authorities: bool,
        any_server_name: bool,
        max_chain_len: Option<usize>,
        record_size_limit: Option<u16>,
        max_fragment: Option<usize>,
        padding: u16,
        key_log: bool,
    ) -> Result<Self> {
        let lists = Lists { suites, groups, signing_schemes, verify_schemes, alpn };
        let numbers =
            Numbers { session_lifetime, max_chain_len, record_size_limit, max_fragment, padding, key_log };
        let mut config = otls::ClientConfig::new(trust.0.clone()).with_sessions(sessions);
        config = numbers.apply(lists.apply(config)?)?;
        if let Some(groups) = parse_each(key_shares, group)? {
            config = config.with_key_shares(&groups)?;
        }
        if named_authorities {
            config = config.with_named_authorities();
        }
        if any_server_name {
            config = config.with_any_server_name();
        }
        let identities = identity.map(|identity| Arc::clone(&identity.0));
        let further = further_identities.unwrap_or_default();
        if no_identity {
            if identities.is_some() || !further.is_empty() {
                return Err(Failure::misuse(
                    "a client with no_identity has no identity",
                    "leave one of the two out",
                ));
            }
            config = config.with_no_identity();
        }
        for identity in identities.into_iter().chain(further.iter().map(|one| Arc::clone(&one.get().0))) {
            config = config.with_further_identity(identity);
        }
        Ok(Self(Arc::new(config)))
    }

    #[expect(clippy::unused_self, reason = "Python calls it on an object")]
    fn __repr__(&self) -> &'static str {
        "<ClientConfig>"
    }
}

/// What a server is willing to do, with its identity and what it asks of clients. Shared by any number of
/// connections.
///
/// `client_auth="require"` or `"request"` asks for a certificate of `trust`; `"server-only"` has to be asked for
/// by name. `"enrolled"` is for enrolment servers: as `"request"`, and a server's certificate will do.
///
/// `further_identities` are for other names or kinds of key: each client gets the one that it can
/// verify. With `tickets` clients may resume: each connection gets `ticket_count` of them, and no session
/// outlives `session_lifetime` (a day, at most seven) after its last full handshake. The others are those of
/// `otls.ClientConfig`.
#[pyclass(frozen, module = "otls")]
pub(crate) struct ServerConfig(pub(crate) Arc<otls::ServerConfig>);

#[pymethods]
impl ServerConfig {
    #[new]
    #[pyo3(signature = (
        identity, *, client_auth="require", trust=None, further_identities=None, suites=None, groups=None,
        signing_schemes=None, verify_schemes=None, alpn=None, tickets=None, ticket_count=2,
        session_lifetime=None, max_chain_len=None, record_size_limit=None, max_fragment=None, padding=0,
        key_log=false,
    ))]
    fn new(
        identity: &Identity,
        client_auth: &str,
        trust: Option<&TrustStore>,
        further_identities: Option<Vec<Py<Identity>>>,
        suites: Option<&Bound<'_, PyAny>>,
        groups: Option<&Bound<'_, PyAny>>,
        signing_schemes: Option<&Bound<'_, PyAny>>,
        verify_schemes: Option<&Bound<'_, PyAny>>,
        alpn: Option<Vec<String>>,
        tickets: Option<&TicketKeys>,
        ticket_count: usize,
        session_lifetime: Option<Duration>,
        max_chain_len: Option<usize>,
        record_size_limit: Option<u16>,
        max_fragment: Option<usize>,
        padding: u16,
        key_log: bool,
    ) -> Result<Self> {
        let lists = Lists { suites, groups, signing_schemes, verify_schemes, alpn };
        let numbers =
            Numbers { session_lifetime, max_chain_len, record_size_limit, max_fragment, padding, key_log };
        let client_auth = client_auth_of(client_auth, trust)?;
        let config = otls::ServerConfig::new(Arc::clone(&identity.0), client_auth);
        let mut config = numbers.apply(lists.apply(config)?)?;
        for further in further_identities.unwrap_or_default() {
            config = config.with_further_identity(Arc::clone(&further.get().0));
        }
        if let Some(tickets) = tickets {
            config = config.with_tickets(Arc::clone(&tickets.0), ticket_count)?;
        }
        Ok(Self(Arc::new(config)))
    }

    #[expect(clippy::unused_self, reason = "Python calls it on an object")]
    fn __repr__(&self) -> &'static str {
        "<ServerConfig>"
    }
}

fn client_auth_of(client_auth: &str, trust: Option<&TrustStore>) -> Result<otls::ClientAuth> {
    Ok(match (client_auth, trust) {
        ("require", Some(trust)) => otls::ClientAuth::Require(trust.0.clone()),
        ("request", Some(trust)) => otls::ClientAuth::Request(trust.0.clone()),
        ("enrolled", Some(trust)) => otls::ClientAuth::Enrolled(trust.0.clone()),
        ("server-only", None) => otls::ClientAuth::ServerOnly,
        ("require" | "request" | "enrolled", None) => {
            return Err(Failure::misuse(
                "a server that asks for client certificates needs to know whom it trusts",
                "pass trust=TrustStore(...), or client_auth=\"server-only\"",
            ));
        }
        ("server-only", Some(_)) => {
            return Err(Failure::misuse(
                "a server without client certificates has no use for trust",
                "leave trust out, or pass client_auth=\"require\"",
            ));
        }
        _ => {
            return Err(Failure::misuse(
                "unknown client_auth",
                "use \"require\", \"request\", \"enrolled\" or \"server-only\"",
            ));
        }
    })
}

/// What both sides choose by name.
struct Lists<'a, 'py> {
    suites: Option<&'a Bound<'py, PyAny>>,
    groups: Option<&'a Bound<'py, PyAny>>,
    signing_schemes: Option<&'a Bound<'py, PyAny>>,
    verify_schemes: Option<&'a Bound<'py, PyAny>>,
    alpn: Option<Vec<String>>,
}

impl Lists<'_, '_> {
    fn apply<S>(self, mut config: otls::Config<S>) -> Result<otls::Config<S>> {
        if let Some(alpn) = self.alpn {
            let protocols: Vec<&[u8]> = alpn.iter().map(String::as_bytes).collect();
            config = config.with_alpn(&protocols)?;
        }
        if let Some(suites) = parse_each(self.suites, suite)? {
            config = config.with_suites(&suites)?;
        }
        if let Some(groups) = parse_each(self.groups, group)? {
            config = config.with_groups(&groups)?;
        }
        if let Some(schemes) = parse_each(self.signing_schemes, scheme)? {
            config = config.with_signing_schemes(&schemes)?;
        }
        if let Some(schemes) = parse_each(self.verify_schemes, scheme)? {
            config = config.with_verify_schemes(&schemes)?;
        }
        Ok(config)
    }
}

/// The limits of both sides, and what their records look like.
struct Numbers {
    session_lifetime: Option<Duration>,
    max_chain_len: Option<usize>,
    record_size_limit: Option<u16>,
    max_fragment: Option<usize>,
    padding: u16,
    key_log: bool,
}

impl Numbers {
    fn apply<S>(self, config: otls::Config<S>) -> Result<otls::Config<S>> {
        let mut config = config.with_padding(self.padding);
        if let Some(lifetime) = self.session_lifetime {
            config = config.with_session_lifetime(lifetime)?;
        }
        if let Some(certificates) = self.max_chain_len {
            config = config.with_max_chain_len(certificates)?;
        }
        if let Some(limit) = self.record_size_limit {
            config = config.with_record_size_limit(limit)?;
        }
        if let Some(octets) = self.max_fragment {
            config = config.with_max_fragment(octets)?;
        }
        Ok(if self.key_log { config.with_key_log() } else { config })
    }
}
