//! What one side is willing to do.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::convert::{group, parse_each, scheme, suite};
use crate::failure::{Failure, Result};
use crate::pki::authority::{Identity, TrustStore};

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
    #[staticmethod]
    #[pyo3(signature = (trust, *, identity=None, anonymous=false, suites=None, groups=None, schemes=None))]
    fn client(
        trust: &TrustStore,
        identity: Option<&Identity>,
        anonymous: bool,
        suites: Option<&Bound<'_, PyAny>>,
        groups: Option<&Bound<'_, PyAny>>,
        schemes: Option<&Bound<'_, PyAny>>,
    ) -> Result<Self> {
        let config = otls::Config::client(trust.0.clone());
        let config = match (identity, anonymous) {
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
        limited(config, suites, groups, schemes)
    }

    /// A server with its identity and what it asks of clients: `client_auth="require"` or
    /// `"request"` a certificate of `trust`, or `"server-only"`, which has to be asked for by name.
    /// `"enrolled"` is for enrolment servers: as `"request"`, and a server's certificate will do.
    #[staticmethod]
    #[pyo3(signature = (identity, *, client_auth="require", trust=None, suites=None, groups=None, schemes=None))]
    fn server(
        identity: &Identity,
        client_auth: &str,
        trust: Option<&TrustStore>,
        suites: Option<&Bound<'_, PyAny>>,
        groups: Option<&Bound<'_, PyAny>>,
        schemes: Option<&Bound<'_, PyAny>>,
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
        limited(otls::Config::server(Arc::clone(&identity.0), client_auth), suites, groups, schemes)
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

fn limited(
    mut config: otls::Config,
    suites: Option<&Bound<'_, PyAny>>,
    groups: Option<&Bound<'_, PyAny>>,
    schemes: Option<&Bound<'_, PyAny>>,
) -> Result<Config> {
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
