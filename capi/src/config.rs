//! `otls_settings`, `otls_client_config` and `otls_server_config`: what one side of a connection is willing to do.

use std::sync::Arc;

use core::time::Duration;
use libc::size_t;

use super::error::otls_error;
use super::failure::Failure;
use super::guard::{self, create, required, status};
use super::handle::Locked;
use super::identity::otls_identity;
use super::pointer::{Handle, Input, Out};
use super::ticket_keys::otls_ticket_keys;
use super::trust::otls_trust_store;
use otls::codepoints::{CipherSuite, NamedGroup, SignatureScheme};
use otls::error::{Error, Result};
use otls::{ClientAuth, ClientConfig, Config, ServerConfig};

/// What a client and a server choose in the same way: suites, groups, schemes, protocols and the shape of records.
/// A configuration that is made of them has a copy. All zero leaves all of it to the library, and so does each
/// member that is zero; start with `otls_settings settings = { 0 };` and set what is to be otherwise.
///
/// A list that is not NULL and has no elements, a repetition, a number that is not supported and a value out of its
/// range are `OTLS_ERROR_API_MISUSE` of the function that gets the settings.
#[repr(C)]
pub struct otls_settings {
    /// Only these cipher suites, `OTLS_SUITE_` numbers, most preferred first (RFC 8446 appendix B.4).
    pub suites: *const u16,
    /// How many they are.
    pub suite_count: size_t,
    /// Only these key-exchange groups, `OTLS_GROUP_` numbers, most preferred first (RFC 8446 section 4.2.7).
    pub groups: *const u16,
    /// How many they are.
    pub group_count: size_t,
    /// Only these signature schemes, `OTLS_SCHEME_` numbers, for what our own keys sign in handshakes, most
    /// preferred first (RFC 8446 section 4.4.3).
    pub signing_schemes: *const u16,
    /// How many they are.
    pub signing_scheme_count: size_t,
    /// Only these signature schemes for what the peer signs in handshakes, most preferred first (RFC 8446 section
    /// 4.2.3). Signatures in certificates are not limited by it.
    pub verify_schemes: *const u16,
    /// How many they are.
    pub verify_scheme_count: size_t,
    /// The application protocols, most preferred first, in the wire format of RFC 7301: each name after an octet
    /// with its length. A server with such a list refuses clients that offer others only.
    pub alpn: *const u8,
    /// The octets of that list.
    pub alpn_len: size_t,
    /// The most certificates that a peer may send, its own and those that lead to an authority: 1 to 10, which it is
    /// for 0.
    pub max_chain_len: size_t,
    /// The largest piece of data that we put in a record: 1 to 16384 octets, which it is for 0.
    pub max_fragment: size_t,
    /// Sessions can be resumed for so many seconds after their last full handshake, however often they are resumed:
    /// at most 604800, seven days (RFC 8446 section 4.6.1); a day for 0. They end with the certificates of both sides
    /// in any case.
    pub session_lifetime: u32,
    /// The largest record that we want to receive, in octets of plaintext with its content type: 64 to 16385 (RFC
    /// 8449), which it is for 0.
    pub record_size_limit: u16,
    /// Pads records of data to a multiple of so many octets (RFC 8446 section 5.4); 0 and 1: no padding.
    pub padding: u16,
    /// Not 0: records the secrets of each connection for `otls_connection_take_key_log` (RFC 9850). Whoever sees them
    /// can read and forge everything on the connection: for debugging alone.
    pub key_log: i32,
}

/// Settings whose lists are safe to read.
struct Settings<'a> {
    given: &'a otls_settings,
    suites: Input<'a, u16>,
    groups: Input<'a, u16>,
    signing_schemes: Input<'a, u16>,
    verify_schemes: Input<'a, u16>,
    alpn: Input<'a>,
}

/// What a client is willing to do, for any number of connections. A change is for connections that are made after
/// it.
pub struct otls_client_config(Locked<Arc<ClientConfig>>);

/// What a server is willing to do, for any number of connections. A change is for connections that are made after
/// it.
pub struct otls_server_config(Locked<Arc<ServerConfig>>);

impl<'a> Settings<'a> {
    /// # Safety
    /// The caller keeps the rules for pointers, with those in `given` too.
    const unsafe fn new(given: Option<&'a otls_settings>) -> Option<Self> {
        let Some(given) = given else { return None };
        // SAFETY: promised above.
        unsafe {
            Some(Self {
                suites: Input::new(given.suites, given.suite_count),
                groups: Input::new(given.groups, given.group_count),
                signing_schemes: Input::new(given.signing_schemes, given.signing_scheme_count),
                verify_schemes: Input::new(given.verify_schemes, given.verify_scheme_count),
                alpn: Input::new(given.alpn, given.alpn_len),
                given,
            })
        }
    }

    fn apply<S>(&self, mut config: Config<S>) -> Result<Config<S>, Failure> {
        if let Some(suites) = self.suites.optional("suites")? {
            config = config.with_suites(&numbers(suites, CipherSuite))?;
        }
        if let Some(groups) = self.groups.optional("groups")? {
            config = config.with_groups(&numbers(groups, NamedGroup))?;
        }
        if let Some(schemes) = self.signing_schemes.optional("signing_schemes")? {
            config = config.with_signing_schemes(&numbers(schemes, SignatureScheme))?;
        }
        if let Some(schemes) = self.verify_schemes.optional("verify_schemes")? {
            config = config.with_verify_schemes(&numbers(schemes, SignatureScheme))?;
        }
        if let Some(protocols) = self.alpn.optional("alpn")? {
            config = config.with_alpn(&alpn(protocols)?)?;
        }
        let &otls_settings { max_chain_len, max_fragment, session_lifetime, record_size_limit, .. } =
            self.given;
        if max_chain_len != 0 {
            config = config.with_max_chain_len(max_chain_len)?;
        }
        if max_fragment != 0 {
            config = config.with_max_fragment(max_fragment)?;
        }
        if session_lifetime != 0 {
            config = config.with_session_lifetime(Duration::from_secs(session_lifetime.into()))?;
        }
        if record_size_limit != 0 {
            config = config.with_record_size_limit(record_size_limit)?;
        }
        config = config.with_padding(self.given.padding);
        Ok(if self.given.key_log == 0 { config } else { config.with_key_log() })
    }
}

fn numbers<T>(numbers: &[u16], make: fn(u16) -> T) -> Vec<T> {
    numbers.iter().copied().map(make).collect()
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
        settings: Option<&Settings<'_>>,
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

fn with_settings<S>(config: Config<S>, settings: Option<&Settings<'_>>) -> Result<Config<S>, Failure> {
    match settings {
        Some(settings) => settings.apply(config),
        None => Ok(config),
    }
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
    let (settings, config, error) = unsafe { (Settings::new(settings), Out::new(config), Out::new(error)) };
    create(config, "config", error, || {
        let trust = required(trust, "trust")?.0.lock()?.clone();
        let config = with_settings(ClientConfig::new(trust), settings.as_ref())?;
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
        let groups = numbers(groups.get("groups")?, NamedGroup);
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
    let (settings, config, error) = unsafe { (Settings::new(settings), Out::new(config), Out::new(error)) };
    create(config, "config", error, || {
        let trust = required(client_trust, "client_trust")?.0.lock()?.clone();
        otls_server_config::new(identity, ClientAuth::Require(trust), settings.as_ref())
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
    let (settings, config, error) = unsafe { (Settings::new(settings), Out::new(config), Out::new(error)) };
    create(config, "config", error, || {
        let trust = required(client_trust, "client_trust")?.0.lock()?.clone();
        otls_server_config::new(identity, ClientAuth::Request(trust), settings.as_ref())
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
    let (settings, config, error) = unsafe { (Settings::new(settings), Out::new(config), Out::new(error)) };
    create(config, "config", error, || {
        otls_server_config::new(identity, ClientAuth::ServerOnly, settings.as_ref())
    })
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
