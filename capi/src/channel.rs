//! `otls_otp_channel`: OTP messages on a connection.

use libc::size_t;

use super::connection::otls_connection;
use super::error::otls_error;
use super::guard::{self, create, required, status};
use super::handle::{Locked, Shared};
use super::issued::otp_id;
use super::message::otls_otp_message;
use super::pointer::{Handle, Input, Out};
use otls::UnixTime;
use otls::otp::Channel;

/// Sends and receives OTP messages over one connection, of which both sides have certificates.
pub struct otls_otp_channel(Locked<Channel>);

/// A channel for a connection that is new to OTP messages. It receives transactions alone; see
/// `otls_otp_channel_accept_free_text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_channel_new(
    channel: *mut *mut otls_otp_channel,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (channel, error) = unsafe { (Out::new(channel), Out::new(error)) };
    create(channel, "channel", error, || Ok(otls_otp_channel(Locked::new(Channel::new()))))
}

/// From now on the channel receives envelopes with a text of the bank's own as well, whose context has no
/// template. Such a text is bound to nothing: a bank that errs, or is made to, shows words of one transaction
/// with the code for another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_channel_accept_free_text(
    channel: *mut otls_otp_channel,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (channel, error) = unsafe { (Handle::new(channel), Out::new(error)) };
    status(error, || {
        let mut channel = channel.required("channel")?.0.lock()?;
        *channel = core::mem::take(&mut *channel).with_free_text();
        Ok(())
    })
}

/// Frees a channel. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_otp_channel_free(channel: Option<Box<otls_otp_channel>>) {
    guard::value((), || drop(channel));
}

/// Seals a message; it is then pending on the connection, to which it is bound.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for a message of the other side, where one side is anonymous, and
/// before `OTLS_STATE_HANDSHAKE_DONE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_channel_send(
    channel: *mut otls_otp_channel,
    connection: *mut otls_connection,
    message: Option<&otls_otp_message>,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (channel, connection, error) =
        unsafe { (Handle::new(channel), Handle::new(connection), Out::new(error)) };
    status(error, || {
        let mut channel = channel.required("channel")?.0.lock()?;
        let mut connection = connection.required("connection")?.lock()?;
        Ok(channel.send(&mut connection, &*required(message, "message")?.0.get()?)?)
    })
}

/// Takes answers about a code that has gone to this connection's customer by another way, by mail or over an earlier
/// connection: without it only the codes of envelopes that were sent here may be answered. `expires_at` is the
/// code's.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for an identifier that has not `OTLS_OTP_ID_LEN` octets, and where more than 4,096
/// codes are open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_channel_expect(
    channel: *mut otls_otp_channel,
    id: *const u8,
    id_len: size_t,
    expires_at: u64,
    now: u64,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (channel, id, error) = unsafe { (Handle::new(channel), Input::new(id, id_len), Out::new(error)) };
    status(error, || {
        let mut channel = channel.required("channel")?.0.lock()?;
        Ok(channel.expect(otp_id(id)?, UnixTime(expires_at), UnixTime(now))?)
    })
}

/// Takes what the connection has decrypted; `*message` is the next whole message, NULL while there is
/// none. Call it after `otls_connection_feed` until it is NULL.
///
/// Errors: `OTLS_ERROR_OTP_MALFORMED` and `OTLS_ERROR_OTP_WRONG_BINDING`, also for an answer about a code that was not
/// sent on this connection, are final, close it;
/// `OTLS_ERROR_OTP_FREE_TEXT`, `OTLS_ERROR_OTP_TRANSACTION` (a free text with characters that mislead),
/// `OTLS_ERROR_OTP_REPLAYED`, `OTLS_ERROR_OTP_EXPIRED` and `OTLS_ERROR_OTP_RECEIPT` refuse one message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_channel_receive(
    channel: *mut otls_otp_channel,
    connection: *mut otls_connection,
    now: u64,
    message: *mut *mut otls_otp_message,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (channel, connection, message, error) =
        unsafe { (Handle::new(channel), Handle::new(connection), Out::new(message), Out::new(error)) };
    status(error, || {
        let slot = message.slot("message")?;
        let mut channel = channel.required("channel")?.0.lock()?;
        let mut connection = connection.required("connection")?.lock()?;
        if let Some(received) = channel.receive(&mut connection, UnixTime(now))? {
            slot.put(otls_otp_message(Shared::new(received)));
        }
        Ok(())
    })
}
