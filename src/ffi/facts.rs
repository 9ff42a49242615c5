//! What is known of an `otls_connection`: the offer, the request, the outcome.

use libc::size_t;

use super::blob::otls_blob;
use super::certificate::otls_certificate;
use super::connection::otls_connection;
use super::error::otls_error;
use super::guard::{self, Failure, create, required, status};
use super::pointer::{Buffer, Input, Out, Room};
use crate::connection::Connection;
use crate::error::Error;
use crate::handshake::Offer;
use crate::pki::VerifiedPeer;

/// The cipher suites that the client offers, most preferred first, into the caller's buffer; numbers that
/// this library does not know are among them. For a server that has read the ClientHello.
///
/// Errors: `OTLS_ERROR_API_MISUSE` before that.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_offered_suites(
    connection: Option<&otls_connection>,
    suites: *mut u16,
    count: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (suites, error) = unsafe { (Buffer::new(suites, count), Out::new(error)) };
    list(connection, suites, "suites", error, |c| Ok(offer(c)?.suites.iter().map(|suite| suite.0).collect()))
}

/// The key-exchange groups that the client offers, as `otls_connection_offered_suites`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_offered_groups(
    connection: Option<&otls_connection>,
    groups: *mut u16,
    count: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (groups, error) = unsafe { (Buffer::new(groups, count), Out::new(error)) };
    list(connection, groups, "groups", error, |c| Ok(offer(c)?.groups.iter().map(|group| group.0).collect()))
}

/// The signature schemes that the client accepts in handshakes, as `otls_connection_offered_suites`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_offered_schemes(
    connection: Option<&otls_connection>,
    schemes: *mut u16,
    count: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (schemes, error) = unsafe { (Buffer::new(schemes, count), Out::new(error)) };
    list(connection, schemes, "schemes", error, |c| Ok(offer(c)?.schemes.iter().map(|s| s.0).collect()))
}

/// The server name that the client asks for, as text (RFC 6066 section 3); empty if it names none.
///
/// Errors: as `otls_connection_offered_suites`.
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

/// How many application protocols the client offers (ALPN, RFC 7301). 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_connection_offered_alpn_count(connection: Option<&otls_connection>) -> size_t {
    guard::value(0, || {
        let connection = connection.and_then(|connection| connection.lock().ok());
        connection.and_then(|c| c.offer().map(|offer| offer.alpn.len())).unwrap_or_default()
    })
}

/// One of the application protocols that the client offers. `index` counts from 0.
///
/// Errors: as `otls_connection_offered_suites`, and for an index that is too high.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_offered_alpn(
    connection: Option<&otls_connection>,
    index: size_t,
    protocol: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (protocol, error) = unsafe { (Out::new(protocol), Out::new(error)) };
    create(protocol, "protocol", error, || {
        let connection = required(connection, "connection")?.lock()?;
        Ok(otls_blob::copy_of(offer(&connection)?.alpn.get(index).ok_or(NO_SUCH_PROTOCOL)?))
    })
}

/// The signature schemes of which the server accepts one from our certificate, into the caller's buffer.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for a connection that was not asked for a certificate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_requested_schemes(
    connection: Option<&otls_connection>,
    schemes: *mut u16,
    count: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (schemes, error) = unsafe { (Buffer::new(schemes, count), Out::new(error)) };
    list(connection, schemes, "schemes", error, |connection| {
        let request = connection.certificate_request().ok_or(NOT_ASKED)?;
        Ok(request.schemes.iter().map(|scheme| scheme.0).collect())
    })
}

/// The negotiated cipher suite, an `OTLS_SUITE_` number. 0 before it is known, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_connection_suite(connection: Option<&otls_connection>) -> u16 {
    number(connection, |connection| connection.suite().map(|suite| suite.0))
}

/// The negotiated key-exchange group, an `OTLS_GROUP_` number. 0 before it is known, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_connection_group(connection: Option<&otls_connection>) -> u16 {
    number(connection, |connection| connection.group().map(|group| group.0))
}

/// The scheme that we have signed with, an `OTLS_SCHEME_` number. 0 if we have not, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_connection_scheme(connection: Option<&otls_connection>) -> u16 {
    number(connection, |connection| connection.scheme().map(|scheme| scheme.0))
}

/// The scheme that the peer has signed with, as `otls_connection_scheme`.
#[unsafe(no_mangle)]
pub extern "C" fn otls_connection_peer_scheme(connection: Option<&otls_connection>) -> u16 {
    number(connection, |connection| connection.peer_scheme().map(|scheme| scheme.0))
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
        Ok(otls_certificate::new(connection.peer().map(VerifiedPeer::certificate).ok_or(NO_PEER)?))
    })
}

/// Fills the caller's buffer with keying material that both sides have and nobody else, for this label and
/// context (RFC 8446 section 7.5).
///
/// Errors: `OTLS_ERROR_API_MISUSE` before `OTLS_STATE_HANDSHAKE_DONE`, and for too long a label or output.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_export(
    connection: Option<&otls_connection>,
    label: *const u8,
    label_len: size_t,
    context: *const u8,
    context_len: size_t,
    output: *mut u8,
    output_len: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (label, context, output, error) = unsafe {
        let inputs = (Input::new(label, label_len), Input::new(context, context_len));
        (inputs.0, inputs.1, Room::new(output, output_len), Out::new(error))
    };
    status(error, || {
        let connection = required(connection, "connection")?.lock()?;
        let (label, context) = (label.get("label")?, context.get("context")?);
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

fn list(
    connection: Option<&otls_connection>,
    buffer: Buffer<u16>,
    name: &'static str,
    error: Out<otls_error>,
    read: impl FnOnce(&Connection) -> Result<Vec<u16>, Failure>,
) -> i32 {
    status(error, || {
        let connection = required(connection, "connection")?.lock()?;
        buffer.fill(&read(&connection)?, name)
    })
}

fn number(connection: Option<&otls_connection>, read: impl FnOnce(&Connection) -> Option<u16>) -> u16 {
    guard::value(0, || connection.and_then(|c| read(&*c.lock().ok()?)).unwrap_or_default())
}

fn offer(connection: &Connection) -> Result<&Offer, Failure> {
    Ok(connection.offer().ok_or(NO_OFFER)?)
}

const NO_OFFER: Error =
    Error::misuse("there is no ClientHello", "ask a server, once it has read the ClientHello");
const NO_SUCH_PROTOCOL: Error = Error::misuse("no protocol of this index", "count them first");
const NOT_ASKED: Error =
    Error::misuse("no certificate was asked for", "ask a client in OTLS_STATE_NEED_CLIENT_CERT");
const NO_PEER: Error =
    Error::misuse("the peer has no verified certificate", "wait for OTLS_STATE_HANDSHAKE_DONE");
