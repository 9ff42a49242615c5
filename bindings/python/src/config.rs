//! What one side is willing to do.
#![expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]

use std::sync::Arc;

use pyo3::prelude::*;

use crate::convert::{group, parse_each, scheme, suite};
use crate::failure::{Failure, Result};
use crate::pki::authority::{Identity, TrustStore};
use crate::session::TicketKeys;

/// What one side of a connection is willing to do; shared by any number of connections.
///
/// `suites`, `groups` and `schemes` are sequences of names, most preferred first; see
/// `otls.SUITES`, `otls.GROUPS` and `otls.SCHEMES`.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Config(pub(crate) Arc<otls::Config>);

#[pymethods]
impl Config {
    /// A client that trusts servers of `trust` alone.
    ///
    /// Without an identity it pauses (NEED_CLIENT_CERT) when a server asks for a certificate;
    /// with `anonymous=True` it never sends one.
    ///
    /// Connections keep the newest `keep_sessions` sessions that the server offers to resume; none is resumed
    /// later than `session_lifetime` seconds (a day, at most seven) after its last full handshake. With
    /// `name_authorities` the server is told whom we trust, to choose its certificate by.
    /// `check_name=False` takes a certificate for any name, as long as its path is right: for diagnosis
    /// alone.
    #[staticmethod]
    #[pyo3(signature = (
        trust, *, identity=None, anonymous=false, suites=None, groups=None, schemes=None, alpn=None,
        keep_sessions=0, session_lifetime=None, name_authorities=false, check_name=true, record_size_limit=None,
        max_fragment=None, padding=0, key_log=false,
    ))]
    fn client(
        trust: &TrustStore,
        identity: Option<&Identity>,
        anonymous: bool,
        suites: Option<&Bound<'_, PyAny>>,
        groups: Option<&Bound<'_, PyAny>>,
        schemes: Option<&Bound<'_, PyAny>>,
        alpn: Option<Vec<String>>,
        keep_sessions: usize,
        session_lifetime: Option<u32>,
        name_authorities: bool,
        check_name: bool,
        record_size_limit: Option<u16>,
        max_fragment: Option<usize>,
        padding: u16,
        key_log: bool,
    ) -> Result<Self> {
        let mut config = otls::Config::client(trust.0.clone()).keep_sessions(keep_sessions);
        if name_authorities {
            config = config.name_authorities();
        }
        if !check_name {
            config = config.without_name_check();
        }
        let mut config = match (identity, anonymous) {
            (Some(identity), false) => config.with_identity(Arc::clone(&identity.0)),
            (None, true) => config.anonymous(),
            (None, false) => config,
            (Some(_), true) => {
                return Err(Failure::misuse(
                    "an anonymous client has no identity",
                    "leave one of the two out",
                ));
            }
        };
        if let Some(seconds) = session_lifetime {
            config = config.with_session_lifetime(seconds)?;
        }
        let records = Records { record_size_limit, max_fragment, padding, key_log };
        limited(records.apply(config)?, suites, groups, schemes, alpn)
    }

    /// A server with its identity and what it asks of clients: `client_auth="require"` or
    /// `"request"` a certificate of `trust`, or `"server-only"`, which has to be asked for by name.
    /// `"enrolled"` is for enrolment servers: as `"request"`, and a server's certificate will do.
    ///
    /// `further_identities` are for other names or kinds of key: each client gets the one that it can
    /// verify. With `tickets` clients may resume: each connection gets `ticket_count` of them, and no session
    /// outlives `session_lifetime` seconds (a day, at most seven) after its last full handshake.
    #[staticmethod]
    #[pyo3(signature = (
        identity, *, client_auth="require", trust=None, further_identities=None, suites=None, groups=None,
        schemes=None, alpn=None, tickets=None, ticket_count=2, session_lifetime=None, record_size_limit=None,
        max_fragment=None, padding=0, key_log=false,
    ))]
    fn server(
        identity: &Identity,
        client_auth: &str,
        trust: Option<&TrustStore>,
        further_identities: Option<Vec<Py<Identity>>>,
        suites: Option<&Bound<'_, PyAny>>,
        groups: Option<&Bound<'_, PyAny>>,
        schemes: Option<&Bound<'_, PyAny>>,
        alpn: Option<Vec<String>>,
        tickets: Option<&TicketKeys>,
        ticket_count: usize,
        session_lifetime: Option<u32>,
        record_size_limit: Option<u16>,
        max_fragment: Option<usize>,
        padding: u16,
        key_log: bool,
    ) -> Result<Self> {
        let client_auth = match (client_auth, trust) {
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
        };
        let mut config = otls::Config::server(Arc::clone(&identity.0), client_auth);
        for further in further_identities.unwrap_or_default() {
            config = config.with_further_identity(Arc::clone(&further.get().0));
        }
        if let Some(tickets) = tickets {
            config = config.with_tickets(Arc::clone(&tickets.0), ticket_count)?;
        }
        if let Some(seconds) = session_lifetime {
            config = config.with_session_lifetime(seconds)?;
        }
        let records = Records { record_size_limit, max_fragment, padding, key_log };
        limited(records.apply(config)?, suites, groups, schemes, alpn)
    }

    /// Whether this is a server's configuration.
    #[getter]
    fn is_server(&self) -> bool {
        self.0.is_server()
    }

    fn __repr__(&self) -> &'static str {
        if self.0.is_server() { "<Config server>" } else { "<Config client>" }
    }
}

/// What a connection's records look like.
struct Records {
    record_size_limit: Option<u16>,
    max_fragment: Option<usize>,
    padding: u16,
    key_log: bool,
}

impl Records {
    fn apply(self, config: otls::Config) -> Result<otls::Config> {
        let mut config = config.with_padding(self.padding);
        if let Some(limit) = self.record_size_limit {
            config = config.with_record_size_limit(limit)?;
        }
        if let Some(octets) = self.max_fragment {
            config = config.with_max_fragment(octets)?;
        }
        Ok(if self.key_log { config.with_key_log() } else { config })
    }
}

fn limited(
    mut config: otls::Config,
    suites: Option<&Bound<'_, PyAny>>,
    groups: Option<&Bound<'_, PyAny>>,
    schemes: Option<&Bound<'_, PyAny>>,
    alpn: Option<Vec<String>>,
) -> Result<Config> {
    if let Some(alpn) = alpn {
        let protocols: Vec<&[u8]> = alpn.iter().map(String::as_bytes).collect();
        config = config.with_alpn(&protocols)?;
    }
    if let Some(suites) = parse_each(suites, suite)? {
        config = config.with_suites(&suites)?;
    }
    if let Some(groups) = parse_each(groups, group)? {
        config = config.with_groups(&groups)?;
    }
    if let Some(schemes) = parse_each(schemes, scheme)? {
        config = config.with_schemes(&schemes)?;
    }
    Ok(Config(Arc::new(config)))
}
