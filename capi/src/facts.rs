//! What is known of an `otls_connection`: the offer, the request, the outcome.

use libc::{c_char, size_t};

use super::blob::otls_blob;
use super::certificate::otls_certificate;
use super::connection::otls_connection;
use super::error::otls_error;
use super::failure::Failure;
use super::guard::{self, create, required, status};
use super::pointer::Handle;
use super::pointer::{Buffer, Input, Out, Room, Text, Value};
use super::session::otls_session;
use super::values::trace_level;
use core::time::Duration;

use otls::Connection;
use otls::Offer;
use otls::error::Error;
use otls::pki::VerifiedPeer;

/// What a peer offers: its cipher suites.
pub const OTLS_OFFER_SUITES: i32 = 1;
/// What a peer offers: its key-exchange groups.
pub const OTLS_OFFER_GROUPS: i32 = 2;
/// What a peer offers: the signature schemes that it accepts from us in the handshake.
pub const OTLS_OFFER_SCHEMES: i32 = 3;

/// What the handshake has led to; see `otls_connection_negotiated`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct otls_negotiated {
    /// The cipher suite, an `OTLS_SUITE_` number; 0 before it is known.
    pub suite: u16,
    /// The key-exchange group, an `OTLS_GROUP_` number; 0 before it is known.
    pub group: u16,
    /// The scheme that we have signed with, an `OTLS_SCHEME_` number; 0 if we have not.
    pub scheme: u16,
    /// The scheme that the peer has signed with, likewise.
    pub peer_scheme: u16,
    /// 1 for a connection that resumes an earlier one (RFC 8446 section 2.2), otherwise 0.
    pub resumed: u16,
    /// 1 if the server has asked for another key share (HelloRetryRequest, RFC 8446 section 4.1.4), which costs a
    /// round trip: `otls_client_config_set_key_shares` can save it. Otherwise 0.
    pub retried: u16,
}

/// One of the `OTLS_OFFER_` lists of the peer, most preferred first, into the caller's buffer; numbers that this
/// library does not know are among them. A server has them once it has read the ClientHello, and a client that is
/// asked for a certificate has `OTLS_OFFER_SCHEMES`.
///
/// Errors: `OTLS_ERROR_API_MISUSE` before that.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_offered(
    connection: Option<&otls_connection>,
    list: i32,
    numbers: *mut u16,
    count: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (numbers, error) = unsafe { (Buffer::new(numbers, count), Out::new(error)) };
    status(error, || {
        let connection = required(connection, "connection")?.lock()?;
        numbers.fill(&offered(&connection, list)?, "numbers")
    })
}

/// The server name that the client asks for, as text (RFC 6066 section 3); empty if it names none.
///
/// Errors: as `otls_connection_offered`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_offered_server_name(
    connection: Option<&otls_connection>,
    server_name: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (server_name, error) = unsafe { (Out::new(server_name), Out::new(error)) };
    create(server_name, "server_name", error, || {
        let connection = required(connection, "connection")?.lock()?;
        Ok(otls_blob::copy_of(offer(&connection)?.server_name.as_deref().unwrap_or_default()))
    })
}

/// The application protocols that the client offers, most preferred first, each name after an octet with its length
/// (ALPN, RFC 7301); empty if it offers none.
///
/// Errors: as `otls_connection_offered`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_offered_alpn(
    connection: Option<&otls_connection>,
    protocols: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (protocols, error) = unsafe { (Out::new(protocols), Out::new(error)) };
    create(protocols, "protocols", error, || {
        let connection = required(connection, "connection")?.lock()?;
        let mut list = Vec::new();
        for name in &offer(&connection)?.alpn {
            list.push(u8::try_from(name.len()).map_err(|_| LONG_NAME)?);
            list.extend_from_slice(name);
        }
        Ok(otls_blob::copy_of(list))
    })
}

/// What the handshake has led to so far, into `*negotiated`, which may be uninitialised.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_negotiated(
    connection: Option<&otls_connection>,
    negotiated: *mut otls_negotiated,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (negotiated, error) =
        unsafe { (Value::new(negotiated, otls_negotiated::default()), Out::new(error)) };
    status(error, || {
        negotiated.check("negotiated")?;
        let connection = required(connection, "connection")?.lock()?;
        negotiated.put(otls_negotiated {
            suite: connection.suite().map_or(0, |suite| suite.0),
            group: connection.group().map_or(0, |group| group.0),
            scheme: connection.scheme().map_or(0, |scheme| scheme.0),
            peer_scheme: connection.peer_scheme().map_or(0, |scheme| scheme.0),
            resumed: connection.resumed().into(),
            retried: connection.retried().into(),
        });
        Ok(())
    })
}

/// The peer's certificate, once it is verified and the peer has proved to have its key.
///
/// Errors: `OTLS_ERROR_API_MISUSE` before that, once the connection has failed, and for a peer that is anonymous.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_peer(
    connection: Option<&otls_connection>,
    certificate: *mut *mut otls_certificate,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (certificate, error) = unsafe { (Out::new(certificate), Out::new(error)) };
    create(certificate, "certificate", error, || {
        let connection = required(connection, "connection")?.lock()?;
        Ok(otls_certificate::new(connection.peer().as_ref().map(VerifiedPeer::certificate).ok_or(NO_PEER)?))
    })
}

/// Fills the caller's buffer with keying material that both sides have and nobody else, for this label and
/// context (RFC 8446 section 7.5).
///
/// Errors: `OTLS_ERROR_API_MISUSE` before `OTLS_STATE_HANDSHAKE_DONE`, and for too long a label or output.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_export(
    connection: Option<&otls_connection>,
    label: *const c_char,
    context: *const u8,
    context_len: size_t,
    output: *mut u8,
    output_len: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (label, context, output, error) = unsafe {
        let inputs = (Text::new(label), Input::new(context, context_len));
        (inputs.0, inputs.1, Room::new(output, output_len), Out::new(error))
    };
    status(error, || {
        let connection = required(connection, "connection")?.lock()?;
        let (label, context) = (label.get("label")?.as_bytes(), context.get("context")?);
        Ok(connection.export(label, context, output.zeroed(output_len, "output")?)?)
    })
}

/// Why the connection has failed: a new error for `otls_error_free`, or NULL if it has not.
#[unsafe(no_mangle)]
pub extern "C" fn otls_connection_error(connection: Option<&otls_connection>) -> Option<Box<otls_error>> {
    guard::value(None, || {
        let failure = match connection?.lock() {
            Ok(connection) => Failure::from(connection.error()?.clone()),
            Err(failure) => failure,
        };
        Some(Box::new(otls_error::describe(&failure)))
    })
}

fn offered(connection: &Connection, list: i32) -> Result<Vec<u16>, Failure> {
    Ok(match list {
        OTLS_OFFER_SUITES => offer(connection)?.suites.iter().map(|suite| suite.0).collect(),
        OTLS_OFFER_GROUPS => offer(connection)?.groups.iter().map(|group| group.0).collect(),
        OTLS_OFFER_SCHEMES => {
            let schemes = match connection.certificate_request() {
                Some(request) => request.schemes,
                None => offer(connection)?.schemes,
            };
            schemes.iter().map(|scheme| scheme.0).collect()
        }
        _ => return Err(NO_SUCH_LIST.into()),
    })
}

fn offer(connection: &Connection) -> Result<Offer, Failure> {
    Ok(connection.offer().ok_or(NO_OFFER)?)
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
        Ok(otls_session::new(taken))
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

/// Has the connection record what happens to it, for `otls_connection_take_trace`: each record, each message field by
/// field, how each key comes about, what was checked of the peer. `level` is one of the `OTLS_TRACE_` numbers. To be
/// called before anything is fed. A trace has no private key.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for another number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_set_trace(
    connection: *mut otls_connection,
    level: i32,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, error) = unsafe { (Handle::new(connection), Out::new(error)) };
    status(error, || {
        connection.required("connection")?.lock()?.set_trace(trace_level(level)?);
        Ok(())
    })
}

/// The time of the events that follow in a trace, in microseconds since 1970-01-01T00:00:00Z. Without it they have
/// none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_set_trace_time(
    connection: *mut otls_connection,
    microseconds: u64,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, error) = unsafe { (Handle::new(connection), Out::new(error)) };
    status(error, || {
        connection.required("connection")?.lock()?.set_trace_time(Duration::from_micros(microseconds));
        Ok(())
    })
}

/// What has happened since the last call: UTF-8, one line of JSON for each event (docs/trace.md has the schema);
/// empty where nothing has, and without `otls_connection_set_trace`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_take_trace(
    connection: *mut otls_connection,
    lines: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, lines, error) = unsafe { (Handle::new(connection), Out::new(lines), Out::new(error)) };
    create(lines, "lines", error, || {
        let lines = connection.required("connection")?.lock()?.take_trace();
        Ok(otls_blob::new(lines.unwrap_or_else(|| Vec::new().into())))
    })
}

const NO_OFFER: Error = Error::misuse(
    "the peer has offered nothing",
    "ask a server once it has read the ClientHello, a client in OTLS_STATE_NEED_CLIENT_CERT for its schemes",
);
const LONG_NAME: Error = Error::Internal("a name of more than 255 octets");
const NO_SUCH_LIST: Error = Error::misuse("an unknown list", "pass one of the OTLS_OFFER_ numbers");
const NO_PEER: Error =
    Error::misuse("the peer has no verified certificate", "wait for OTLS_STATE_HANDSHAKE_DONE");
const NO_SESSION: Error = Error::misuse(
    "there is no session",
    "see otls_client_config_set_sessions, and wait for OTLS_STATE_CONFIRMED",
);
const NO_CERTIFICATE: Error =
    Error::misuse("we have shown no certificate", "see otls_client_config_add_identity");
