//! `otls_connection`: bytes in, bytes out.

use std::sync::{Arc, MutexGuard};

use libc::{c_char, size_t};

use super::blob::lend;
use super::config::{otls_client_config, otls_server_config};
use super::error::otls_error;
use super::failure::Failure;
use super::guard::{self, create, required, status};
use super::handle::Locked;
use super::identity::otls_identity;
use super::pointer::{Handle, Input, Lent, Out, Room, Text, Value};
use super::session::otls_session;
use super::values::OTLS_STATE_FAILED;
use otls::Connection;
use otls::UnixTime;
use otls::codepoints::AlertDescription;
use otls::pki::GeneralName;

/// A TLS 1.3 connection (RFC 8446) without I/O: octets that arrive go in with `otls_connection_feed`,
/// octets to be sent come out with `otls_connection_pending`, and `otls_connection_state` says what to do
/// next. The first error of the protocol is final; its alert is then pending and may still be sent.
///
/// A connection belongs to the process that made it. In a child that is forked it has failed with
/// `OTLS_ERROR_API_MISUSE` and nothing is pending, because both would protect data with the same keys and nonces;
/// there it may only be freed.
pub struct otls_connection(Locked<Connection>);

impl otls_connection {
    pub(super) const fn new(connection: Connection) -> Self {
        Self(Locked::new(connection))
    }

    pub(super) fn lock(&self) -> Result<MutexGuard<'_, Connection>, Failure> {
        self.0.lock()
    }
}

/// A client that connects to the server of this name, a DNS name (a dot at its end is the same name) or an IP address
/// without brackets, port and zone. Its ClientHello is pending at once. `session` is NULL, or one that it offers to resume: that is used up by it and still to be freed,
/// and `now`, in seconds since 1970 (UTC), says how old it is. Where it cannot be resumed the handshake is a full
/// one: `otls_connection_negotiated` tells.
///
/// Errors: `OTLS_ERROR_BAD_NAME`; `OTLS_ERROR_RANDOM`; `OTLS_ERROR_API_MISUSE` for a session that was used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_client(
    config: Option<&otls_client_config>,
    server_name: *const c_char,
    session: *mut otls_session,
    now: u64,
    connection: *mut *mut otls_connection,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (server_name, session, connection, error) =
        unsafe { (Text::new(server_name), Handle::new(session), Out::new(connection), Out::new(error)) };
    create(connection, "connection", error, || {
        let config = required(config, "config")?.get()?;
        let server_name = GeneralName::parse(server_name.get("server_name")?)?;
        Ok(otls_connection::new(match session.optional() {
            Some(session) => {
                Connection::client_resuming(config, server_name, session.used()?, UnixTime(now))?
            }
            None => Connection::client(config, server_name, UnixTime(now))?,
        }))
    })
}

/// A server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_server(
    config: Option<&otls_server_config>,
    connection: *mut *mut otls_connection,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, error) = unsafe { (Out::new(connection), Out::new(error)) };
    create(connection, "connection", error, || {
        let config = required(config, "config")?.get()?;
        Ok(otls_connection::new(Connection::server(config)))
    })
}

/// A server that chooses its configuration once it has read the ClientHello: it then waits with
/// `OTLS_STATE_NEED_CONFIG` for `otls_connection_configure`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_accept(
    connection: *mut *mut otls_connection,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, error) = unsafe { (Out::new(connection), Out::new(error)) };
    create(connection, "connection", error, || Ok(otls_connection::new(Connection::accept())))
}

/// Frees a connection, which sends nothing: `otls_connection_close` first. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_connection_free(connection: Option<Box<otls_connection>>) {
    guard::value((), || drop(connection));
}

/// The `OTLS_STATE_` bits of the connection. `OTLS_STATE_FAILED` for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_connection_state(connection: Option<&otls_connection>) -> u32 {
    guard::value(OTLS_STATE_FAILED, || {
        connection.and_then(|c| c.lock().ok()).map_or(OTLS_STATE_FAILED, |c| c.state().0)
    })
}

/// Takes octets that arrived; `*consumed` is how many. Certificates, tickets and sessions among them are judged as
/// of `now`, the time at which they are fed, in seconds since 1970 (UTC). It takes fewer than all while
/// `OTLS_STATE_NEED_CONFIG`, `OTLS_STATE_NEED_CLIENT_CERT` or `OTLS_STATE_HAVE_PLAINTEXT` stand in the way:
/// feed the rest again after that.
///
/// Errors: what the handshake says; it is final, and its alert is pending.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_feed(
    connection: *mut otls_connection,
    data: *const u8,
    data_len: size_t,
    now: u64,
    consumed: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, data, consumed, error) = unsafe {
        (Handle::new(connection), Input::new(data, data_len), Value::new(consumed, 0), Out::new(error))
    };
    status(error, || {
        consumed.check("consumed")?;
        let mut connection = connection.required("connection")?.lock()?;
        consumed.put(connection.feed(data.get("data")?, UnixTime(now))?);
        Ok(())
    })
}

/// As `otls_connection_feed`, in the caller's own buffer: whole records are decrypted where they lie, and their data
/// is at `*plaintext`, `*plaintext_len` octets somewhere among the first `*consumed` of `data`, instead of waiting for
/// `otls_connection_read`. NULL and 0 if there is none. The data of short records is moved together; a long one with
/// data before it is left for the next call.
///
/// What is not consumed stays with the caller: give it again, and where nothing is consumed of it, with what arrives
/// next behind it, in a buffer of at least `OTLS_MAX_RECORD_LEN` octets. Where `otls_connection_feed` has begun a
/// record, that is completed and waits for `otls_connection_read`, and nothing more is consumed until that has
/// taken it.
///
/// Errors: as `otls_connection_feed`. Where data came before what is wrong, it is given, and the next call has the
/// error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_feed_in_place(
    connection: *mut otls_connection,
    data: *mut u8,
    data_len: size_t,
    now: u64,
    consumed: *mut size_t,
    plaintext: *mut *mut u8,
    plaintext_len: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, data, consumed, error) = unsafe {
        (Handle::new(connection), Lent::new(data, data_len), Value::new(consumed, 0), Out::new(error))
    };
    // SAFETY: as above.
    let (plaintext, plaintext_len) =
        unsafe { (Value::new(plaintext, core::ptr::null_mut()), Value::new(plaintext_len, 0)) };
    status(error, || {
        consumed.check("consumed")?;
        plaintext.check("plaintext")?;
        plaintext_len.check("plaintext_len")?;
        let mut connection = connection.required("connection")?.lock()?;
        let fed = connection.feed_in_place(data.get("data")?, UnixTime(now))?;
        consumed.put(fed.taken);
        if !fed.plaintext.is_empty() {
            plaintext_len.put(fed.plaintext.len());
            plaintext.put(fed.plaintext.as_mut_ptr());
        }
        Ok(())
    })
}

/// The transport has ended.
///
/// Errors: `OTLS_ERROR_TRUNCATED` unless the peer has sent close_notify (RFC 8446 section 6.1).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_feed_end(
    connection: *mut otls_connection,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, error) = unsafe { (Handle::new(connection), Out::new(error)) };
    status(error, || Ok(connection.required("connection")?.lock()?.feed_end()?))
}

/// The octets to be sent and, in `*len`, their number. They belong to the connection and are valid until
/// another function is called with it. NULL and 0 if there are none, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_pending(
    connection: Option<&otls_connection>,
    len: *mut size_t,
) -> *const u8 {
    // SAFETY: the caller keeps the rules for pointers.
    let len = unsafe { Value::new(len, 0) };
    guard::value(core::ptr::null(), || {
        let connection = connection.and_then(|connection| connection.lock().ok());
        lend(connection.as_ref().map(|connection| connection.pending()), &len)
    })
}

/// Forgets the first `len` octets that are pending: they were sent. A number that is too high forgets all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_consume(
    connection: *mut otls_connection,
    len: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, error) = unsafe { (Handle::new(connection), Out::new(error)) };
    status(error, || {
        connection.required("connection")?.lock()?.consume(len);
        Ok(())
    })
}

/// Protects application data of any length; it is then pending (RFC 8446 section 5.2).
///
/// Errors: `OTLS_ERROR_API_MISUSE` before `OTLS_STATE_HANDSHAKE_DONE` and after `otls_connection_close`; the
/// first error again if the connection has failed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_seal(
    connection: *mut otls_connection,
    plaintext: *const u8,
    plaintext_len: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, plaintext, error) =
        unsafe { (Handle::new(connection), Input::new(plaintext, plaintext_len), Out::new(error)) };
    status(error, || {
        let mut connection = connection.required("connection")?.lock()?;
        Ok(connection.seal(plaintext.get("plaintext")?)?)
    })
}

/// How many octets `otls_connection_read` could give now. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_connection_available(connection: Option<&otls_connection>) -> size_t {
    guard::value(0, || connection.and_then(|c| c.lock().ok()).map_or(0, |c| c.available()))
}

/// Moves decrypted data to the caller's buffer, as much as there is and fits; `*read` is how much, 0 if
/// there is none. Feed on once all is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_read(
    connection: *mut otls_connection,
    plaintext: *mut u8,
    plaintext_len: size_t,
    read: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, plaintext, read, error) = unsafe {
        (Handle::new(connection), Room::new(plaintext, plaintext_len), Value::new(read, 0), Out::new(error))
    };
    status(error, || {
        read.check("read")?;
        let mut connection = connection.required("connection")?.lock()?;
        let available = connection.available();
        read.put(connection.read(plaintext.zeroed(available, "plaintext")?));
        Ok(())
    })
}

/// Queues close_notify (RFC 8446 section 6.1): nothing can be sealed any more, the peer may still send.
/// Before `OTLS_STATE_HANDSHAKE_DONE` it gives the handshake up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_close(
    connection: *mut otls_connection,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, error) = unsafe { (Handle::new(connection), Out::new(error)) };
    status(error, || {
        connection.required("connection")?.lock()?.close();
        Ok(())
    })
}

/// Goes on with this configuration, in `OTLS_STATE_NEED_CONFIG`.
///
/// Errors: `OTLS_ERROR_API_MISUSE` in another state; otherwise what the handshake says, and it is final.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_configure(
    connection: *mut otls_connection,
    config: Option<&otls_server_config>,
    now: u64,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, error) = unsafe { (Handle::new(connection), Out::new(error)) };
    status(error, || {
        let config = required(config, "config")?.get()?;
        Ok(connection.required("connection")?.lock()?.configure(config, UnixTime(now))?)
    })
}

/// Goes on with this identity, in `OTLS_STATE_NEED_CLIENT_CERT`; NULL sends no certificate.
///
/// Errors: `OTLS_ERROR_API_MISUSE` in another state, `OTLS_ERROR_PEER_INCOMPATIBLE` for a key of no use to
/// the server: another identity may be given then. Otherwise what the handshake says, and it is final.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_provide_identity(
    connection: *mut otls_connection,
    identity: Option<&otls_identity>,
    now: u64,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, error) = unsafe { (Handle::new(connection), Out::new(error)) };
    status(error, || {
        let identity = identity.map(|identity| identity.0.get()).transpose()?;
        let identity = identity.map(|identity| Arc::clone(&identity));
        Ok(connection.required("connection")?.lock()?.provide_identity(identity, UnixTime(now))?)
    })
}

/// Gives the handshake up, in `OTLS_STATE_NEED_CONFIG` or `OTLS_STATE_NEED_CLIENT_CERT`, with the alert that says why
/// (RFC 8446 section 6.2), such as 112, unrecognized_name, or 49, access_denied. The connection has then failed with
/// `OTLS_ERROR_REJECTED`, and the alert is pending.
///
/// Errors: `OTLS_ERROR_API_MISUSE` in another state and for an alert that ends no handshake: nothing is changed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_reject(
    connection: *mut otls_connection,
    alert: u8,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, error) = unsafe { (Handle::new(connection), Out::new(error)) };
    status(error, || Ok(connection.required("connection")?.lock()?.reject(AlertDescription(alert))?))
}

/// Replaces the key that we seal with (RFC 8446 section 4.6.3); if `request_peer` is not 0, the peer has to
/// replace its own as well. It is done by itself before a key's limit is reached.
///
/// Errors: as `otls_connection_seal`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_connection_update_keys(
    connection: *mut otls_connection,
    request_peer: i32,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (connection, error) = unsafe { (Handle::new(connection), Out::new(error)) };
    status(error, || Ok(connection.required("connection")?.lock()?.update_keys(request_peer != 0)?))
}
