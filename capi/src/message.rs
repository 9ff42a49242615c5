//! `otls_otp_message`: what goes over a channel.

use libc::{c_char, size_t};

use super::blob::lend;
use super::context::{lend_field, otls_otp_context};
use super::error::otls_error;
use super::guard::{self, create, required, status};
use super::handle::Shared;
use super::issued::{otls_otp_issued, otp_id};
use super::pointer::{Buffer, Input, Out, Text, Value};
use super::values;
use otls::Secret;
use otls::otp::{Answer, Envelope, Message, OtpId, Transaction};

/// A message of the OTP protocol (docs/PROTOCOL.md), zeroised when it is freed. What it does not have is
/// NULL or 0.
pub struct otls_otp_message(pub(super) Shared<Message>);

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
        let context = envelope(message).map(|envelope| &envelope.context);
        lend_field(context, index, &name_len, &value, &value_len)
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
