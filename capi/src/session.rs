//! Resumption and the key log.

use std::sync::Arc;

use libc::size_t;

use super::blob::otls_blob;
use super::certificate::otls_certificate;
use super::connection::otls_connection;
use super::error::otls_error;
use super::guard::{self, Failure, create, required};
use super::handle::{Locked, Shared};
use super::pointer::{Handle, Input, Out};
use otls::UnixTime;
use otls::crypto::SystemRandom;
use otls::error::Error;
use otls::{Session, TicketKeys};

/// The keys that a server seals its session tickets with (RFC 8446 section 4.6.1). They change every 12
/// hours by themselves. Servers with the same keys resume each other's sessions.
pub struct otls_ticket_keys(pub(super) Shared<Arc<TicketKeys>>);

/// A session that a client may resume, once. Whoever has it can pass for the client until it expires.
pub struct otls_session(Locked<Option<Session>>);

impl otls_session {
    /// The session, which nobody has after this.
    pub(super) fn used(&self) -> Result<Session, Failure> {
        Ok(self.0.lock()?.take().ok_or(USED)?)
    }
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

fn time_of(session: Option<&otls_session>, time: impl FnOnce(&Session) -> UnixTime) -> u64 {
    let session = session.and_then(|session| session.0.lock().ok());
    session.and_then(|session| session.as_ref().map(time)).unwrap_or_default().0
}

/// Frees a session. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_session_free(session: Option<Box<otls_session>>) {
    guard::value((), || drop(session));
}

/// The newest session that the server offers to resume, where `otls_client_config_set_sessions` keeps any. Sessions
/// come after `OTLS_STATE_HANDSHAKE_DONE`, with what the server sends next.
///
/// Errors: `OTLS_ERROR_API_MISUSE` where there is none, and once the connection has failed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_take_session(
    connection: *mut otls_connection,
    session: *mut *mut otls_session,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, session, error) =
        unsafe { (Handle::new(connection), Out::new(session), Out::new(error)) };
    create(session, "session", error, || {
        let taken = connection.required("connection")?.lock()?.take_session().ok_or(NO_SESSION)?;
        Ok(otls_session(Locked::new(Some(taken))))
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
    connection: *mut otls_connection,
    lines: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, lines, error) = unsafe { (Handle::new(connection), Out::new(lines), Out::new(error)) };
    create(lines, "lines", error, || {
        let lines = connection.required("connection")?.lock()?.take_key_log();
        Ok(otls_blob::new(lines.unwrap_or_else(|| Vec::new().into())))
    })
}

const USED: Error = Error::misuse("the session was used", "take the next one from the new connection");
const NO_SESSION: Error = Error::misuse(
    "there is no session",
    "see otls_client_config_set_sessions, and wait for OTLS_STATE_CONFIRMED",
);
const NO_CERTIFICATE: Error =
    Error::misuse("we have shown no certificate", "see otls_client_config_add_identity");
