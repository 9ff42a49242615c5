//! `otls_otp_message` and `otls_otp_channel`: OTP messages on a connection.

use libc::{c_char, size_t};

use super::blob::lend;
use super::connection::otls_connection;
use super::error::otls_error;
use super::guard::{self, create, required, status};
use super::handle::{Locked, Shared};
use super::otp::{otls_otp_context, otls_otp_issued, otp_id};
use super::pointer::{Buffer, Handle, Input, Out, Text, Value};
use super::values;
use otls::Secret;
use otls::UnixTime;
use otls::otp::{Answer, Channel, Envelope, Message, OtpId, Transaction};

/// A message of the OTP protocol (docs/PROTOCOL.md), zeroised when it is freed. What it does not have is
/// NULL or 0.
pub struct otls_otp_message(pub(super) Shared<Message>);

/// Sends and receives OTP messages over one connection, of which both sides have certificates.
pub struct otls_otp_channel(Locked<Channel>);

/// The bank's message that takes a code to the customer. `text` is shown to him and has the code in it;
/// `context` is the transaction that the code was issued for. Where it has no template, the customer's side
/// receives the message only after `otls_otp_channel_accept_free_text`; `otls_otp_message_rendered` makes one
/// that it always receives.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_message_envelope(
    issued: Option<&otls_otp_issued>,
    context: Option<&otls_otp_context>,
    text: *const c_char,
    message: *mut *mut otls_otp_message,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (text, message, error) = unsafe { (Text::new(text), Out::new(message), Out::new(error)) };
    create(message, "message", error, || {
        let issued = required(issued, "issued")?.0.get()?;
        let context = required(context, "context")?.0.lock()?.clone();
        let text = Secret::from(text.get("text")?.as_bytes().to_vec());
        let envelope = Envelope::new(&issued, context, text);
        Ok(otls_otp_message(Shared::new(Message::Envelope(envelope))))
    })
}

/// The bank's message for a context that has a template, for example of `otls_otp_context_payment`: the text
/// is what the template says.
///
/// Errors: `OTLS_ERROR_OTP_TRANSACTION` for a context without a template, with one that its values do not fill,
/// or another than the code was issued for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_message_rendered(
    issued: Option<&otls_otp_issued>,
    context: Option<&otls_otp_context>,
    message: *mut *mut otls_otp_message,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (message, error) = unsafe { (Out::new(message), Out::new(error)) };
    create(message, "message", error, || {
        let issued = required(issued, "issued")?.0.get()?;
        let transaction = Transaction::from_context(&*required(context, "context")?.0.lock()?)?;
        let envelope = Envelope::for_transaction(&issued, &transaction)?;
        Ok(otls_otp_message(Shared::new(Message::Envelope(envelope))))
    })
}

/// The customer's message that returns a code, ASCII digits, for the identifier of the bank's message.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for an identifier that has not `OTLS_OTP_ID_LEN` octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_message_answer(
    id: *const u8,
    id_len: size_t,
    code: *const u8,
    code_len: size_t,
    message: *mut *mut otls_otp_message,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (id, code, message, error) =
        unsafe { (Input::new(id, id_len), Input::new(code, code_len), Out::new(message), Out::new(error)) };
    create(message, "message", error, || {
        let code = Secret::from(code.get("code")?.to_vec());
        Ok(otls_otp_message(Shared::new(Message::Answer(Answer::new(otp_id(id)?, code)))))
    })
}

/// The bank's message that tells what the ledger has said: an `OTLS_VERDICT_` number and what it leaves.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for another number, and as `otls_otp_message_answer`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_message_of_verdict(
    id: *const u8,
    id_len: size_t,
    verdict: i32,
    attempts_left: u32,
    message: *mut *mut otls_otp_message,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (id, message, error) = unsafe { (Input::new(id, id_len), Out::new(message), Out::new(error)) };
    create(message, "message", error, || {
        let verdict = values::verdict(verdict, attempts_left)?;
        Ok(otls_otp_message(Shared::new(Message::Verdict { id: otp_id(id)?, verdict })))
    })
}

/// Zeroises and frees a message. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_otp_message_free(message: Option<Box<otls_otp_message>>) {
    guard::value((), || drop(message));
}

/// What a message is: `OTLS_OTP_ENVELOPE`, `OTLS_OTP_ANSWER` or `OTLS_OTP_VERDICT`. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_otp_message_kind(message: Option<&otls_otp_message>) -> i32 {
    guard::value(0, || {
        message.and_then(|message| message.0.lend()).map_or(0, |message| match message {
            Message::Envelope(_) => values::OTLS_OTP_ENVELOPE,
            Message::Answer(_) => values::OTLS_OTP_ANSWER,
            Message::Verdict { .. } => values::OTLS_OTP_VERDICT,
        })
    })
}

/// The identifier of the code that a message is about, `OTLS_OTP_ID_LEN` octets, into the caller's buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_message_id(
    message: Option<&otls_otp_message>,
    id: *mut u8,
    id_len: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (id, error) = unsafe { (Buffer::new(id, id_len), Out::new(error)) };
    status(error, || id.fill(&subject(&*required(message, "message")?.0.get()?).0, "id"))
}

/// The text that an envelope shows the customer, UTF-8 without a NUL at its end, and in `*len` (may be NULL)
/// its octets. It is secret, and belongs to the message. NULL and 0 for other messages.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_message_text(
    message: Option<&otls_otp_message>,
    len: *mut size_t,
) -> *const u8 {
    // SAFETY: the caller keeps the rules for pointers.
    let len = unsafe { Value::new(len, 0) };
    guard::value(core::ptr::null(), || lend(envelope(message).map(|envelope| envelope.text.expose()), &len))
}

/// The code of an envelope or an answer, ASCII digits, as `otls_otp_message_text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_message_code(
    message: Option<&otls_otp_message>,
    len: *mut size_t,
) -> *const u8 {
    // SAFETY: the caller keeps the rules for pointers.
    let len = unsafe { Value::new(len, 0) };
    guard::value(core::ptr::null(), || {
        let code = message.and_then(|message| message.0.lend()).and_then(|message| match message {
            Message::Envelope(envelope) => Some(envelope.code.expose()),
            Message::Answer(answer) => answer.code.as_ref().map(Secret::expose),
            Message::Verdict { .. } => None,
        });
        lend(code, &len)
    })
}

/// The second from which on an envelope's code is expired. 0 for other messages, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_otp_message_expires_at(message: Option<&otls_otp_message>) -> u64 {
    guard::value(0, || envelope(message).map_or(0, |envelope| envelope.expires_at.0))
}

/// The `OTLS_VERDICT_` number of a verdict and, in `*attempts_left` (may be NULL), what it leaves. 0 for
/// other messages, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_message_verdict(
    message: Option<&otls_otp_message>,
    attempts_left: *mut u32,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let attempts_left = unsafe { Value::new(attempts_left, 0) };
    guard::value(0, || match message.and_then(|message| message.0.lend()) {
        Some(Message::Verdict { verdict, .. }) => {
            let (number, left) = values::of_verdict(*verdict);
            attempts_left.put(left);
            number
        }
        Some(Message::Envelope(_) | Message::Answer(_)) | None => 0,
    })
}

/// One of the named values of an envelope's transaction; `index` counts from 0, in the order of names. The
/// name comes back, the value in `*value`, each with its octets; as `otls_otp_message_text`, and NULL for an
/// index that is too high.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_message_field(
    message: Option<&otls_otp_message>,
    index: size_t,
    name_len: *mut size_t,
    value: *mut *const u8,
    value_len: *mut size_t,
) -> *const u8 {
    // SAFETY: the caller keeps the rules for pointers.
    let (name_len, value, value_len) =
        unsafe { (Value::new(name_len, 0), Value::new(value, core::ptr::null()), Value::new(value_len, 0)) };
    guard::value(core::ptr::null(), || {
        let field = envelope(message).and_then(|envelope| envelope.context.fields().nth(index));
        value.put(lend(field.map(|(_, value)| value.as_bytes()), &value_len));
        lend(field.map(|(name, _)| name.as_bytes()), &name_len)
    })
}

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
        *channel = core::mem::take(&mut *channel).accept_free_text();
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

const fn subject(message: &Message) -> OtpId {
    match message {
        Message::Envelope(envelope) => envelope.id,
        Message::Answer(answer) => answer.id,
        Message::Verdict { id, .. } => *id,
    }
}

pub(super) fn envelope(message: Option<&otls_otp_message>) -> Option<&Envelope> {
    match message?.0.lend()? {
        Message::Envelope(envelope) => Some(envelope),
        Message::Answer(_) | Message::Verdict { .. } => None,
    }
}
