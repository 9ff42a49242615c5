//! `otls_settings`, `otls_client_config` and `otls_server_config`: what one side of a connection is willing to do.

use std::sync::Arc;

use core::time::Duration;
use libc::size_t;

use super::error::otls_error;
use super::guard::{self, Failure, create, required, status};
use super::handle::Locked;
use super::pointer::{Handle, Input, Out};
use super::session::otls_ticket_keys;
use super::trust::{otls_identity, otls_trust_store};
use crate::codepoints::{CipherSuite, NamedGroup, SignatureScheme};
use crate::error::{Error, Result};
use crate::handshake::{ClientAuth, ClientConfig, Config, ServerConfig};

/// What a client and a server choose in the same way: suites, groups, schemes, protocols and the shape of records.
/// A configuration that is made of them has a copy.
pub struct otls_settings(Locked<Config<()>>);

/// What a client is willing to do, for any number of connections. A change is for connections that are made after
/// it.
pub struct otls_client_config(Locked<Arc<ClientConfig>>);

/// What a server is willing to do, for any number of connections. A change is for connections that are made after
/// it.
pub struct otls_server_config(Locked<Arc<ServerConfig>>);

impl otls_settings {
    fn change(&self, change: impl FnOnce(Config<()>) -> Result<Config<()>>) -> Result<(), Failure> {
        changed(&mut *self.0.lock()?, change)
    }
}

impl otls_client_config {
    pub(super) fn get(&self) -> Result<Arc<ClientConfig>, Failure> {
        Ok(Arc::clone(&*self.0.lock()?))
    }

    fn change(&self, change: impl FnOnce(ClientConfig) -> Result<ClientConfig>) -> Result<(), Failure> {
        changed(Arc::make_mut(&mut *self.0.lock()?), change)
    }
}

impl otls_server_config {
    pub(super) fn get(&self) -> Result<Arc<ServerConfig>, Failure> {
        Ok(Arc::clone(&*self.0.lock()?))
    }

    fn change(&self, change: impl FnOnce(ServerConfig) -> Result<ServerConfig>) -> Result<(), Failure> {
        changed(Arc::make_mut(&mut *self.0.lock()?), change)
    }

    fn new(
        identity: Option<&otls_identity>,
        client_auth: ClientAuth,
        settings: Option<&otls_settings>,
    ) -> Result<Self, Failure> {
        let identity = Arc::clone(&*required(identity, "identity")?.0.get()?);
        let config = with_settings(ServerConfig::new(identity, client_auth), settings)?;
        Ok(Self(Locked::new(Arc::new(config))))
    }
}

/// Nothing is changed where `change` fails.
fn changed<S: Clone>(
    config: &mut Config<S>,
    change: impl FnOnce(Config<S>) -> Result<Config<S>>,
) -> Result<(), Failure> {
    *config = change(config.clone())?;
    Ok(())
}

fn with_settings<S>(config: Config<S>, settings: Option<&otls_settings>) -> Result<Config<S>, Failure> {
    Ok(match settings {
        Some(settings) => config.with_settings(&*settings.0.lock()?),
        None => config,
    })
}

/// Settings with the library's defaults.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_settings_new(
    settings: *mut *mut otls_settings,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (settings, error) = unsafe { (Out::new(settings), Out::new(error)) };
    create(settings, "settings", error, || Ok(otls_settings(Locked::new(Config::unsided()))))
}

/// Frees settings. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_settings_free(settings: Option<Box<otls_settings>>) {
    guard::value((), || drop(settings));
}

/// Only these cipher suites, `OTLS_SUITE_` numbers, most preferred first (RFC 8446 appendix B.4).
///
/// Errors: `OTLS_ERROR_API_MISUSE` for an empty list, a repetition or a number that is not supported.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_settings_set_suites(
    settings: *mut otls_settings,
    suites: *const u16,
    count: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (settings, suites, error) =
        unsafe { (Handle::new(settings), Input::new(suites, count), Out::new(error)) };
    status(error, || {
        let suites: Vec<_> = suites.get("suites")?.iter().copied().map(CipherSuite).collect();
        settings.required("settings")?.change(|settings| settings.with_suites(&suites))
    })
}

/// Only these key-exchange groups, `OTLS_GROUP_` numbers, most preferred first (RFC 8446 section 4.2.7).
///
/// Errors: as `otls_settings_set_suites`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_settings_set_groups(
    settings: *mut otls_settings,
    groups: *const u16,
    count: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (settings, groups, error) =
        unsafe { (Handle::new(settings), Input::new(groups, count), Out::new(error)) };
    status(error, || {
        let groups: Vec<_> = groups.get("groups")?.iter().copied().map(NamedGroup).collect();
        settings.required("settings")?.change(|settings| settings.with_groups(&groups))
    })
}

/// Only these signature schemes, `OTLS_SCHEME_` numbers, for what our own keys sign in handshakes, most
/// preferred first (RFC 8446 section 4.4.3).
///
/// Errors: as `otls_settings_set_suites`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_settings_set_signing_schemes(
    settings: *mut otls_settings,
    schemes: *const u16,
    count: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (settings, schemes, error) =
        unsafe { (Handle::new(settings), Input::new(schemes, count), Out::new(error)) };
    status(error, || {
        let schemes: Vec<_> = schemes.get("schemes")?.iter().copied().map(SignatureScheme).collect();
        settings.required("settings")?.change(|settings| settings.with_signing_schemes(&schemes))
    })
}

/// Only these signature schemes for what the peer signs in handshakes, most preferred first (RFC 8446 section
/// 4.2.3). Signatures in certificates are not limited by it.
///
/// Errors: as `otls_settings_set_suites`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_settings_set_verify_schemes(
    settings: *mut otls_settings,
    schemes: *const u16,
    count: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (settings, schemes, error) =
        unsafe { (Handle::new(settings), Input::new(schemes, count), Out::new(error)) };
    status(error, || {
        let schemes: Vec<_> = schemes.get("schemes")?.iter().copied().map(SignatureScheme).collect();
        settings.required("settings")?.change(|settings| settings.with_verify_schemes(&schemes))
    })
}

/// The application protocols, most preferred first, in the wire format of RFC 7301: each name after an octet
/// with its length. A server with such a list refuses clients that offer others only.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for a list that is empty, has a repetition, or is not of that format.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_settings_set_alpn(
    settings: *mut otls_settings,
    protocols: *const u8,
    protocols_len: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (settings, protocols, error) =
        unsafe { (Handle::new(settings), Input::new(protocols, protocols_len), Out::new(error)) };
    status(error, || {
        let protocols = alpn(protocols.get("protocols")?)?;
        settings.required("settings")?.change(|settings| settings.with_alpn(&protocols))
    })
}

/// The most certificates that a peer may send, its own and those that lead to an authority: 1 to 10, which it
/// is where this is not called.
///
/// Errors: `OTLS_ERROR_API_MISUSE` outside that range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_settings_set_max_chain_len(
    settings: *mut otls_settings,
    certificates: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (settings, error) = unsafe { (Handle::new(settings), Out::new(error)) };
    status(error, || {
        settings.required("settings")?.change(|settings| settings.with_max_chain_len(certificates))
    })
}

/// Lets sessions be resumed for so many seconds after their last full handshake, however often they are
/// resumed: a day (86400) where this is not called. Sessions end with the certificates of both sides in any
/// case.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for 0 and for more than 604800, seven days (RFC 8446 section 4.6.1).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_settings_set_session_lifetime(
    settings: *mut otls_settings,
    seconds: u32,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (settings, error) = unsafe { (Handle::new(settings), Out::new(error)) };
    status(error, || {
        settings
            .required("settings")?
            .change(|settings| settings.with_session_lifetime(Duration::from_secs(seconds.into())))
    })
}

/// The largest record that we want to receive, in octets of plaintext with its content type: 64 to 16385 (RFC
/// 8449).
///
/// Errors: `OTLS_ERROR_API_MISUSE` outside that range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_settings_set_record_size_limit(
    settings: *mut otls_settings,
    limit: u16,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (settings, error) = unsafe { (Handle::new(settings), Out::new(error)) };
    status(error, || settings.required("settings")?.change(|settings| settings.with_record_size_limit(limit)))
}

/// The largest piece of data that we put in a record: 1 to 16384 octets.
///
/// Errors: `OTLS_ERROR_API_MISUSE` outside that range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_settings_set_max_fragment(
    settings: *mut otls_settings,
    octets: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (settings, error) = unsafe { (Handle::new(settings), Out::new(error)) };
    status(error, || settings.required("settings")?.change(|settings| settings.with_max_fragment(octets)))
}

/// Pads records of data to a multiple of `block` octets (RFC 8446 section 5.4); 0 and 1: no padding.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_settings_set_padding(
    settings: *mut otls_settings,
    block: u16,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (settings, error) = unsafe { (Handle::new(settings), Out::new(error)) };
    status(error, || settings.required("settings")?.change(|settings| Ok(settings.with_padding(block))))
}

/// Records the secrets of each connection for `otls_connection_take_key_log` (RFC 9850). Whoever sees them can
/// read and forge everything on the connection: for debugging alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_settings_set_key_log(
    settings: *mut otls_settings,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (settings, error) = unsafe { (Handle::new(settings), Out::new(error)) };
    status(error, || settings.required("settings")?.change(|settings| Ok(settings.with_key_log())))
}

/// A client that trusts the servers of `trust` alone; `settings` may be NULL. When a server asks for a certificate,
/// the connection waits with `OTLS_STATE_NEED_CLIENT_CERT`, unless `otls_client_config_add_identity` or
/// `otls_client_config_set_no_identity` has answered before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_client_config_new(
    trust: Option<&otls_trust_store>,
    settings: Option<&otls_settings>,
    config: *mut *mut otls_client_config,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (config, error) = unsafe { (Out::new(config), Out::new(error)) };
    create(config, "config", error, || {
        let trust = required(trust, "trust")?.0.lock()?.clone();
        let config = with_settings(ClientConfig::new(trust), settings)?;
        Ok(otls_client_config(Locked::new(Arc::new(config))))
    })
}

/// Frees a client's configuration. NULL is fine. Connections that use it keep it.
#[unsafe(no_mangle)]
pub extern "C" fn otls_client_config_free(config: Option<Box<otls_client_config>>) {
    guard::value((), || drop(config));
}

/// An identity to authenticate with. Where there are several, a server that asks gets the one that it can
/// verify: by its signature schemes, the signatures in the chain and the authorities that it names (RFC 8446
/// section 4.3.2); among equals the one that was added first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_client_config_add_identity(
    config: *mut otls_client_config,
    identity: Option<&otls_identity>,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (config, error) = unsafe { (Handle::new(config), Out::new(error)) };
    status(error, || {
        let identity = Arc::clone(&*required(identity, "identity")?.0.get()?);
        config.required("config")?.change(|config| Ok(config.with_further_identity(identity)))
    })
}

/// Never sends a certificate, and takes back the identities that were added.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_client_config_set_no_identity(
    config: *mut otls_client_config,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (config, error) = unsafe { (Handle::new(config), Out::new(error)) };
    status(error, || config.required("config")?.change(|config| Ok(config.with_no_identity())))
}

/// Sends key shares of these groups with the first ClientHello, `OTLS_GROUP_` numbers; of none for a `count` of
/// 0 (RFC 8446 section 4.2.8). Where it is not called one share is sent, or two.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for a group that is repeated or not among those of the settings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_client_config_set_key_shares(
    config: *mut otls_client_config,
    groups: *const u16,
    count: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (config, groups, error) =
        unsafe { (Handle::new(config), Input::new(groups, count), Out::new(error)) };
    status(error, || {
        let groups: Vec<_> = groups.get("groups")?.iter().copied().map(NamedGroup).collect();
        config.required("config")?.change(|config| config.with_key_shares(&groups))
    })
}

/// Has connections keep the newest `count` sessions, at most 8, for `otls_connection_take_session`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_client_config_set_sessions(
    config: *mut otls_client_config,
    count: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (config, error) = unsafe { (Handle::new(config), Out::new(error)) };
    status(error, || config.required("config")?.change(|config| Ok(config.with_sessions(count))))
}

/// Tells servers which authorities we trust (RFC 8446 section 4.2.4).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_client_config_set_named_authorities(
    config: *mut otls_client_config,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (config, error) = unsafe { (Handle::new(config), Out::new(error)) };
    status(error, || config.required("config")?.change(|config| Ok(config.with_named_authorities())))
}

/// A server that serves clients with a certificate of an authority in `client_trust`, and no others; `settings`
/// may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_server_config_require(
    identity: Option<&otls_identity>,
    client_trust: Option<&otls_trust_store>,
    settings: Option<&otls_settings>,
    config: *mut *mut otls_server_config,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (config, error) = unsafe { (Out::new(config), Out::new(error)) };
    create(config, "config", error, || {
        let trust = required(client_trust, "client_trust")?.0.lock()?.clone();
        otls_server_config::new(identity, ClientAuth::Require(trust), settings)
    })
}

/// A server whose clients may stay anonymous; a certificate that one does send must be of an authority in
/// `client_trust`. `settings` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_server_config_request(
    identity: Option<&otls_identity>,
    client_trust: Option<&otls_trust_store>,
    settings: Option<&otls_settings>,
    config: *mut *mut otls_server_config,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (config, error) = unsafe { (Out::new(config), Out::new(error)) };
    create(config, "config", error, || {
        let trust = required(client_trust, "client_trust")?.0.lock()?.clone();
        otls_server_config::new(identity, ClientAuth::Request(trust), settings)
    })
}

/// A server that does not ask its clients for a certificate. It cannot send OTP messages. `settings` may be
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_server_config_only(
    identity: Option<&otls_identity>,
    settings: Option<&otls_settings>,
    config: *mut *mut otls_server_config,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (config, error) = unsafe { (Out::new(config), Out::new(error)) };
    create(config, "config", error, || otls_server_config::new(identity, ClientAuth::ServerOnly, settings))
}

/// Frees a server's configuration. NULL is fine. Connections that use it keep it.
#[unsafe(no_mangle)]
pub extern "C" fn otls_server_config_free(config: Option<Box<otls_server_config>>) {
    guard::value((), || drop(config));
}

/// A further identity, for another name or of another kind of key: each client gets the one that it can verify
/// (RFC 8446 section 4.4.2.2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_server_config_add_identity(
    config: *mut otls_server_config,
    identity: Option<&otls_identity>,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (config, error) = unsafe { (Handle::new(config), Out::new(error)) };
    status(error, || {
        let identity = Arc::clone(&*required(identity, "identity")?.0.get()?);
        config.required("config")?.change(|config| Ok(config.with_further_identity(identity)))
    })
}

/// Lets clients resume: each connection gets `count` tickets, at most 8. A resumed connection has the client's
/// certificate of the first one, judged again by this configuration.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_server_config_set_tickets(
    config: *mut otls_server_config,
    keys: Option<&otls_ticket_keys>,
    count: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (config, error) = unsafe { (Handle::new(config), Out::new(error)) };
    status(error, || {
        let keys = Arc::clone(&*required(keys, "keys")?.0.get()?);
        config.required("config")?.change(|config| config.with_tickets(keys, count))
    })
}

/// The names of a ProtocolNameList (RFC 7301 §3.1), without its own length.
fn alpn(mut list: &[u8]) -> Result<Vec<&[u8]>> {
    const WRONG: Error =
        Error::misuse("ALPN that is not in the wire format", "put the length of each name before it");
    let mut names = Vec::new();
    while let Some((len, rest)) = list.split_first() {
        let (name, rest) = rest.split_at_checked(usize::from(*len)).ok_or(WRONG)?;
        names.push(name);
        list = rest;
    }
    Ok(names)
}
