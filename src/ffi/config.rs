//! `otls_config`: what one side of a connection is willing to do.

use std::sync::Arc;

use libc::size_t;

use super::error::otls_error;
use super::guard::{self, Failure, create, required, status};
use super::handle::Locked;
use super::pointer::{Input, Out};
use super::trust::{otls_identity, otls_trust_store};
use crate::codepoints::{CipherSuite, NamedGroup, SignatureScheme};
use crate::error::Result;
use crate::handshake::{ClientAuth, Config};

/// What one side of a connection is willing to do, for any number of connections. A change is for
/// connections that are made after it.
pub struct otls_config(Locked<Arc<Config>>);

impl otls_config {
    fn new(config: Config) -> Self {
        Self(Locked::new(Arc::new(config)))
    }

    pub(super) fn get(&self) -> Result<Arc<Config>, Failure> {
        Ok(Arc::clone(&*self.0.lock()?))
    }

    pub(super) fn change(&self, change: impl FnOnce(Config) -> Result<Config>) -> Result<(), Failure> {
        let mut config = self.0.lock()?;
        *config = Arc::new(change(Config::clone(&config))?);
        Ok(())
    }
}

/// A client that trusts the servers of `trust` alone. When a server asks for a certificate, the connection
/// waits with `OTLS_STATE_NEED_CLIENT_CERT`, unless `otls_config_set_identity` or
/// `otls_config_set_anonymous` has answered before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_client(
    trust: Option<&otls_trust_store>,
    config: *mut *mut otls_config,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (config, error) = unsafe { (Out::new(config), Out::new(error)) };
    create(config, "config", error, || {
        let trust = required(trust, "trust")?.0.lock()?.clone();
        Ok(otls_config::new(Config::client(trust)))
    })
}

/// A server that serves clients with a certificate of an authority in `client_trust`, and no others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_server_require(
    identity: Option<&otls_identity>,
    client_trust: Option<&otls_trust_store>,
    config: *mut *mut otls_config,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (config, error) = unsafe { (Out::new(config), Out::new(error)) };
    create(config, "config", error, || {
        let trust = required(client_trust, "client_trust")?.0.lock()?.clone();
        server(identity, ClientAuth::Require(trust))
    })
}

/// A server whose clients may stay anonymous; a certificate that one does send must be of an authority in
/// `client_trust`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_server_request(
    identity: Option<&otls_identity>,
    client_trust: Option<&otls_trust_store>,
    config: *mut *mut otls_config,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (config, error) = unsafe { (Out::new(config), Out::new(error)) };
    create(config, "config", error, || {
        let trust = required(client_trust, "client_trust")?.0.lock()?.clone();
        server(identity, ClientAuth::Request(trust))
    })
}

/// A server that does not ask its clients for a certificate. It cannot send OTP messages.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_server_only(
    identity: Option<&otls_identity>,
    config: *mut *mut otls_config,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (config, error) = unsafe { (Out::new(config), Out::new(error)) };
    create(config, "config", error, || server(identity, ClientAuth::ServerOnly))
}

/// Frees a configuration. NULL is fine. Connections that use it keep it.
#[unsafe(no_mangle)]
pub extern "C" fn otls_config_free(config: Option<Box<otls_config>>) {
    guard::value((), || drop(config));
}

/// Authenticates with this identity.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_set_identity(
    config: Option<&otls_config>,
    identity: Option<&otls_identity>,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let error = unsafe { Out::new(error) };
    status(error, || {
        let identity = Arc::clone(&*required(identity, "identity")?.0.get()?);
        required(config, "config")?.change(|config| Ok(config.with_identity(identity)))
    })
}

/// A client that never sends a certificate. No effect on a server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_set_anonymous(
    config: Option<&otls_config>,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let error = unsafe { Out::new(error) };
    status(error, || required(config, "config")?.change(|config| Ok(config.anonymous())))
}

/// Only these cipher suites, `OTLS_SUITE_` numbers, most preferred first (RFC 8446 appendix B.4).
///
/// Errors: `OTLS_ERROR_API_MISUSE` for an empty list, a repetition or a number that is not supported.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_set_suites(
    config: Option<&otls_config>,
    suites: *const u16,
    count: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (suites, error) = unsafe { (Input::new(suites, count), Out::new(error)) };
    status(error, || {
        let suites: Vec<_> = suites.get("suites")?.iter().copied().map(CipherSuite).collect();
        required(config, "config")?.change(|config| config.with_suites(&suites))
    })
}

/// Only these key-exchange groups, `OTLS_GROUP_` numbers, most preferred first (RFC 8446 section 4.2.7).
///
/// Errors: as `otls_config_set_suites`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_set_groups(
    config: Option<&otls_config>,
    groups: *const u16,
    count: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (groups, error) = unsafe { (Input::new(groups, count), Out::new(error)) };
    status(error, || {
        let groups: Vec<_> = groups.get("groups")?.iter().copied().map(NamedGroup).collect();
        required(config, "config")?.change(|config| config.with_groups(&groups))
    })
}

/// Only these signature schemes of handshakes, `OTLS_SCHEME_` numbers, most preferred first (RFC 8446
/// section 4.2.3). Signatures in certificates are not limited by it.
///
/// Errors: as `otls_config_set_suites`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_set_schemes(
    config: Option<&otls_config>,
    schemes: *const u16,
    count: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (schemes, error) = unsafe { (Input::new(schemes, count), Out::new(error)) };
    status(error, || {
        let schemes: Vec<_> = schemes.get("schemes")?.iter().copied().map(SignatureScheme).collect();
        required(config, "config")?.change(|config| config.with_schemes(&schemes))
    })
}

fn server(identity: Option<&otls_identity>, client_auth: ClientAuth) -> Result<otls_config, Failure> {
    let identity = Arc::clone(&*required(identity, "identity")?.0.get()?);
    Ok(otls_config::new(Config::server(identity, client_auth)))
}
