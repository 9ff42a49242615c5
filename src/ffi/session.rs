//! Resumption, ALPN, further identities, the shape of records and the key log.

use std::sync::Arc;

use libc::size_t;

use super::blob::otls_blob;
use super::certificate::otls_certificate;
use super::config::otls_config;
use super::connection::otls_connection;
use super::error::otls_error;
use super::guard::{self, create, required, status};
use super::handle::{Locked, Shared};
use super::pointer::{Input, Out};
use super::trust::otls_identity;
use crate::connection::Connection;
use crate::crypto::SystemRandom;
use crate::error::{Error, Result};
use crate::handshake::{Session, TicketKeys};
use crate::pki::GeneralName;
use crate::time::UnixTime;

/// The keys that a server seals its session tickets with (RFC 8446 section 4.6.1). They change every 12
/// hours by themselves. Servers with the same keys resume each other's sessions.
pub struct otls_ticket_keys(Shared<Arc<TicketKeys>>);

/// A session that a client may resume, once. Whoever has it can pass for the client until it expires.
pub struct otls_session(Locked<Option<Session>>);

/// The application protocols, most preferred first, in the wire format of RFC 7301: each name after an octet
/// with its length. A server with such a list refuses clients that offer others only.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for a list that is empty, has a repetition, or is not of that format.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_set_alpn(
    config: Option<&otls_config>,
    protocols: *const u8,
    protocols_len: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (protocols, error) = unsafe { (Input::new(protocols, protocols_len), Out::new(error)) };
    status(error, || {
        let protocols = alpn(protocols.get("protocols")?)?;
        required(config, "config")?.change(|config| config.with_alpn(&protocols))
    })
}

/// A further identity of a server, for another name or of another kind of key: each client gets the one that it
/// can verify (RFC 8446 section 4.4.2.2). No effect on a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_add_identity(
    config: Option<&otls_config>,
    identity: Option<&otls_identity>,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let error = unsafe { Out::new(error) };
    status(error, || {
        let identity = Arc::clone(&*required(identity, "identity")?.0.get()?);
        required(config, "config")?.change(|config| Ok(config.with_further_identity(identity)))
    })
}

/// A server that lets clients resume: each connection gets `count` tickets, at most 8. A resumed connection has
/// the client's certificate of the first one, judged again by this configuration. No effect on a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_set_tickets(
    config: Option<&otls_config>,
    keys: Option<&otls_ticket_keys>,
    count: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let error = unsafe { Out::new(error) };
    status(error, || {
        let keys = Arc::clone(&*required(keys, "keys")?.0.get()?);
        required(config, "config")?.change(|config| config.with_tickets(keys, count))
    })
}

/// Lets sessions be resumed for so many seconds after their last full handshake, however often they are resumed:
/// a day (86400) where this is not called. Sessions end with the certificates of both sides in any case.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for 0 and for more than 604800, seven days (RFC 8446 section 4.6.1).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_set_session_lifetime(
    config: Option<&otls_config>,
    seconds: u32,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let error = unsafe { Out::new(error) };
    status(error, || required(config, "config")?.change(|config| config.with_session_lifetime(seconds)))
}

/// A client whose connections keep the newest `count` sessions, at most 8, for `otls_connection_take_session`.
/// No effect on a server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_keep_sessions(
    config: Option<&otls_config>,
    count: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let error = unsafe { Out::new(error) };
    status(error, || required(config, "config")?.change(|config| Ok(config.keep_sessions(count))))
}

/// A client that tells servers which authorities it trusts (RFC 8446 section 4.2.4). No effect on a server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_name_authorities(
    config: Option<&otls_config>,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let error = unsafe { Out::new(error) };
    status(error, || required(config, "config")?.change(|config| Ok(config.name_authorities())))
}

/// The largest record that we want to receive, in octets of plaintext with its content type: 64 to 16385
/// (RFC 8449).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_set_record_size_limit(
    config: Option<&otls_config>,
    limit: u16,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let error = unsafe { Out::new(error) };
    status(error, || required(config, "config")?.change(|config| config.with_record_size_limit(limit)))
}

/// The largest piece of data that we put in a record: 1 to 16384 octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_set_max_fragment(
    config: Option<&otls_config>,
    octets: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let error = unsafe { Out::new(error) };
    status(error, || required(config, "config")?.change(|config| config.with_max_fragment(octets)))
}

/// Pads records of data to a multiple of `block` octets (RFC 8446 section 5.4); 0 and 1: no padding.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_set_padding(
    config: Option<&otls_config>,
    block: u16,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let error = unsafe { Out::new(error) };
    status(error, || required(config, "config")?.change(|config| Ok(config.with_padding(block))))
}

/// Records the secrets of each connection for `otls_connection_take_key_log` (RFC 9850). Whoever sees them can
/// read and forge everything on the connection: for debugging alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_config_set_key_log(
    config: Option<&otls_config>,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let error = unsafe { Out::new(error) };
    status(error, || required(config, "config")?.change(|config| Ok(config.with_key_log())))
}

/// New ticket keys.
///
/// Errors: `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_ticket_keys_generate(
    now: u64,
    keys: *mut *mut otls_ticket_keys,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (keys, error) = unsafe { (Out::new(keys), Out::new(error)) };
    create(keys, "keys", error, || {
        let keys = TicketKeys::generate(&SystemRandom, UnixTime(now))?;
        Ok(otls_ticket_keys(Shared::new(Arc::new(keys))))
    })
}

/// Ticket keys that `otls_ticket_keys_export` made, here or on another server.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for anything else, and for keys of the future.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_ticket_keys_load(
    data: *const u8,
    data_len: size_t,
    now: u64,
    keys: *mut *mut otls_ticket_keys,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (data, keys, error) = unsafe { (Input::new(data, data_len), Out::new(keys), Out::new(error)) };
    create(keys, "keys", error, || {
        let keys = TicketKeys::load(data.get("data")?, UnixTime(now))?;
        Ok(otls_ticket_keys(Shared::new(Arc::new(keys))))
    })
}

/// The ticket keys as of `now`. Secret: whoever has them can pass for clients that may resume.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_ticket_keys_export(
    keys: Option<&otls_ticket_keys>,
    now: u64,
    data: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (data, error) = unsafe { (Out::new(data), Out::new(error)) };
    create(data, "data", error, || {
        Ok(otls_blob::new(required(keys, "keys")?.0.get()?.export(UnixTime(now))?))
    })
}

/// Frees ticket keys. NULL is fine. Configurations that use them keep them.
#[unsafe(no_mangle)]
pub extern "C" fn otls_ticket_keys_free(keys: Option<Box<otls_ticket_keys>>) {
    guard::value((), || drop(keys));
}

/// A session that `otls_session_save` saved.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_session_load(
    data: *const u8,
    data_len: size_t,
    session: *mut *mut otls_session,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (data, session, error) = unsafe { (Input::new(data, data_len), Out::new(session), Out::new(error)) };
    create(session, "session", error, || {
        let session = Session::from_bytes(data.get("data")?)?;
        Ok(otls_session(Locked::new(Some(session))))
    })
}

/// The session's octets, for `otls_session_load`. Secret.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for a session that was used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_session_save(
    session: Option<&otls_session>,
    data: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (data, error) = unsafe { (Out::new(data), Out::new(error)) };
    create(data, "data", error, || {
        let session = required(session, "session")?.0.lock()?;
        Ok(otls_blob::new(session.as_ref().ok_or(USED)?.to_bytes()))
    })
}

/// From this time on the session is of no use. 0 for one that was used, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_session_expires_at(session: Option<&otls_session>) -> u64 {
    guard::value(0, || time_of(session, Session::expires_at))
}

/// When both sides last showed their certificates: the time of the full handshake, and not of one that resumed
/// it. 0 for a session that was used, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_session_authenticated_at(session: Option<&otls_session>) -> u64 {
    guard::value(0, || time_of(session, Session::authenticated_at))
}

fn time_of(session: Option<&otls_session>, time: impl FnOnce(&Session) -> UnixTime) -> u64 {
    let session = session.and_then(|session| session.0.lock().ok());
    session.and_then(|session| session.as_ref().map(time)).unwrap_or_default().0
}

/// Frees a session. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_session_free(session: Option<Box<otls_session>>) {
    guard::value((), || drop(session));
}

/// As `otls_connection_client`, for a client that offers to resume `session`, which is used up by it and still to
/// be freed. Where it cannot be resumed the handshake is a full one: `otls_connection_resumed` tells.
///
/// Errors: as `otls_connection_client`; `OTLS_ERROR_API_MISUSE` for a session that was used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_client_resuming(
    config: Option<&otls_config>,
    server_name: *const u8,
    server_name_len: size_t,
    session: Option<&otls_session>,
    now: u64,
    connection: *mut *mut otls_connection,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (server_name, connection, error) =
        unsafe { (Input::new(server_name, server_name_len), Out::new(connection), Out::new(error)) };
    create(connection, "connection", error, || {
        let config = required(config, "config")?.get()?;
        let server_name = GeneralName::parse(server_name.text("server_name")?)?;
        let session = required(session, "session")?.0.lock()?.take().ok_or(USED)?;
        let made = Connection::client_resuming(config, server_name, session, UnixTime(now))?;
        Ok(otls_connection::new(made))
    })
}

/// The newest session that the server offers to resume, where `otls_config_keep_sessions` keeps any. Sessions
/// come after `OTLS_STATE_HANDSHAKE_DONE`, with what the server sends next.
///
/// Errors: `OTLS_ERROR_API_MISUSE` where there is none, and once the connection has failed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_take_session(
    connection: Option<&otls_connection>,
    session: *mut *mut otls_session,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (session, error) = unsafe { (Out::new(session), Out::new(error)) };
    create(session, "session", error, || {
        let taken = required(connection, "connection")?.lock()?.take_session().ok_or(NO_SESSION)?;
        Ok(otls_session(Locked::new(Some(taken))))
    })
}

/// 1 for a connection that resumes an earlier one (RFC 8446 section 2.2), otherwise 0; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_connection_resumed(connection: Option<&otls_connection>) -> i32 {
    guard::value(0, || {
        i32::from(connection.and_then(|c| c.lock().ok()).is_some_and(|connection| connection.resumed()))
    })
}

/// The application protocol that was agreed on (ALPN, RFC 7301); empty without one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_alpn(
    connection: Option<&otls_connection>,
    protocol: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (protocol, error) = unsafe { (Out::new(protocol), Out::new(error)) };
    create(protocol, "protocol", error, || {
        let connection = required(connection, "connection")?.lock()?;
        Ok(otls_blob::copy_of(connection.alpn().unwrap_or_default()))
    })
}

/// The certificate that we showed the peer, on this connection or on the one that it resumes.
///
/// Errors: `OTLS_ERROR_API_MISUSE` where we have shown none, and once the connection has failed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_certificate(
    connection: Option<&otls_connection>,
    certificate: *mut *mut otls_certificate,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (certificate, error) = unsafe { (Out::new(certificate), Out::new(error)) };
    create(certificate, "certificate", error, || {
        let connection = required(connection, "connection")?.lock()?;
        Ok(otls_certificate::new(connection.certificate().ok_or(NO_CERTIFICATE)?))
    })
}

/// The secrets since the last call as lines of an `SSLKEYLOGFILE` (RFC 9850); empty without any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_take_key_log(
    connection: Option<&otls_connection>,
    lines: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (lines, error) = unsafe { (Out::new(lines), Out::new(error)) };
    create(lines, "lines", error, || {
        let lines = required(connection, "connection")?.lock()?.take_key_log();
        Ok(otls_blob::new(lines.unwrap_or_else(|| Vec::new().into())))
    })
}

const USED: Error = Error::misuse("the session was used", "take the next one from the new connection");
const NO_SESSION: Error =
    Error::misuse("there is no session", "see otls_config_keep_sessions, and wait for OTLS_STATE_CONFIRMED");
const NO_CERTIFICATE: Error = Error::misuse("we have shown no certificate", "see otls_config_set_identity");

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
