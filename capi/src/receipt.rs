//! `otls_receipt`: what the customer has signed, and its file.

use libc::size_t;

use super::blob::otls_blob;
use super::certificate::otls_certificate;
use super::connection::otls_connection;
use super::context::{lend_field, otls_otp_context};
use super::error::otls_error;
use super::failure::Failure;
use super::guard::{self, create, required, status};
use super::handle::Shared;
use super::message::{envelope, otls_otp_message};
use super::pointer::{Buffer, Input, Out, Value};
use super::trust::otls_trust_store;
use super::values;
use otls::Secret;
use otls::UnixTime;
use otls::crypto::SystemRandom;
use otls::error::Error;
use otls::otp::{Answer, Message, Receipt, SignedDecision};

/// A customer's signed decision about a transaction, with his certificates: no code is in it, and none can
/// be found from it.
pub struct otls_receipt(pub(super) Shared<Receipt>);

/// The customer's message that returns a code with a signed receipt: he approves what `received`, the bank's
/// message on this connection, asks. The key is the connection's.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for a message that is no envelope, for a server's connection, for one
/// that resumes another (its key is not at hand), and where one side is anonymous; `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_message_approval(
    connection: Option<&otls_connection>,
    received: Option<&otls_otp_message>,
    code: *const u8,
    code_len: size_t,
    now: u64,
    message: *mut *mut otls_otp_message,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (code, message, error) = unsafe { (Input::new(code, code_len), Out::new(message), Out::new(error)) };
    create(message, "message", error, || {
        let code = Secret::from(code.get("code")?.to_vec());
        signed(connection, received, Some(code), UnixTime(now))
    })
}

/// The customer's message that declines what `received` asks, with a signed receipt and without a code; as
/// `otls_otp_message_approval`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_message_refusal(
    connection: Option<&otls_connection>,
    received: Option<&otls_otp_message>,
    now: u64,
    message: *mut *mut otls_otp_message,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (message, error) = unsafe { (Out::new(message), Out::new(error)) };
    create(message, "message", error, || signed(connection, received, None, UnixTime(now)))
}

/// The `OTLS_DECISION_` number of an answer. 0 for other messages, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_otp_message_decision(message: Option<&otls_otp_message>) -> i32 {
    guard::value(0, || answer(message).map_or(0, |answer| values::of_decision(answer.decision())))
}

/// The receipt of an answer that came over this connection; `*receipt` is NULL for an answer without one. The
/// signature, the connection and the identifier were checked when it was received; the transaction is the
/// bank's to compare, `otls_receipt_check_context`.
///
/// Errors: `OTLS_ERROR_OTP_RECEIPT` if it came over another connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_message_receipt(
    message: Option<&otls_otp_message>,
    connection: Option<&otls_connection>,
    receipt: *mut *mut otls_receipt,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (receipt, error) = unsafe { (Out::new(receipt), Out::new(error)) };
    status(error, || {
        let slot = receipt.slot("receipt")?;
        let connection = required(connection, "connection")?.lock()?;
        if let Some(signed) = answer(message).and_then(|answer| answer.receipt.clone()) {
            slot.put(otls_receipt(Shared::new(Receipt::new(signed, &connection)?)));
        }
        Ok(())
    })
}

/// Loads a receipt's file, PEM, exactly as `otls_receipt_to_pem` wrote it. It proves nothing before
/// `otls_receipt_verify`.
///
/// Errors: `OTLS_ERROR_OTP_RECEIPT`, also for any octet that was edited; `OTLS_ERROR_CERTIFICATE_MALFORMED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_receipt_load(
    data: *const u8,
    data_len: size_t,
    receipt: *mut *mut otls_receipt,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (data, receipt, error) = unsafe { (Input::new(data, data_len), Out::new(receipt), Out::new(error)) };
    create(receipt, "receipt", error, || Ok(otls_receipt(Shared::new(Receipt::load(data.get("data")?)?))))
}

/// Frees a receipt. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_receipt_free(receipt: Option<Box<otls_receipt>>) {
    guard::value((), || drop(receipt));
}

/// The receipt with the customer's certificates as PEM, to be kept: all that `otls_receipt_verify` needs, but
/// for the authority.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_receipt_to_pem(
    receipt: Option<&otls_receipt>,
    pem: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (pem, error) = unsafe { (Out::new(pem), Out::new(error)) };
    create(pem, "pem", error, || Ok(otls_blob::copy_of(required(receipt, "receipt")?.0.get()?.to_pem())))
}

/// Judges a receipt without a connection: the certificates as a client's, at the receipt's own time, and the
/// signature. `*certificate` (may be NULL) is the customer's.
///
/// Errors: those of a certificate that is refused; `OTLS_ERROR_OTP_RECEIPT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_receipt_verify(
    receipt: Option<&otls_receipt>,
    trust: Option<&otls_trust_store>,
    certificate: *mut *mut otls_certificate,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (certificate, error) = unsafe { (Out::new(certificate), Out::new(error)) };
    status(error, || {
        let trust = required(trust, "trust")?.0.lock()?;
        let customer = required(receipt, "receipt")?.0.get()?.verify(&trust)?;
        if let Ok(slot) = certificate.slot("certificate") {
            slot.put(otls_certificate::new(customer.certificate()));
        }
        Ok(())
    })
}

/// Whether a receipt is about this transaction.
///
/// Errors: `OTLS_ERROR_OTP_RECEIPT`, whose text names the first value that differs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_receipt_check_context(
    receipt: Option<&otls_receipt>,
    context: Option<&otls_otp_context>,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let error = unsafe { Out::new(error) };
    status(error, || {
        let context = required(context, "context")?.0.lock()?;
        Ok(required(receipt, "receipt")?.0.get()?.signed().check_context(&context)?)
    })
}

/// The identifier of the code that a receipt is about, `OTLS_OTP_ID_LEN` octets, into the caller's buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_receipt_id(
    receipt: Option<&otls_receipt>,
    id: *mut u8,
    id_len: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (id, error) = unsafe { (Buffer::new(id, id_len), Out::new(error)) };
    status(error, || id.fill(&required(receipt, "receipt")?.0.get()?.signed().id().0, "id"))
}

/// The `OTLS_DECISION_` number of a receipt. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_receipt_decision(receipt: Option<&otls_receipt>) -> i32 {
    guard::value(0, || lent(receipt).map_or(0, |receipt| values::of_decision(receipt.decision())))
}

/// When a receipt was signed, by the customer's clock. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_receipt_time(receipt: Option<&otls_receipt>) -> u64 {
    guard::value(0, || lent(receipt).map_or(0, |receipt| receipt.time().0))
}

/// What the customer read, UTF-8, with dots for the code; empty for a transaction without a template.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_receipt_text(
    receipt: Option<&otls_receipt>,
    text: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (text, error) = unsafe { (Out::new(text), Out::new(error)) };
    create(text, "text", error, || {
        let shown = required(receipt, "receipt")?.0.get()?.signed().text();
        Ok(otls_blob::copy_of(shown.unwrap_or_default()))
    })
}

/// One of the named values of a receipt's transaction, as `otls_otp_message_field`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_receipt_field(
    receipt: Option<&otls_receipt>,
    index: size_t,
    name_len: *mut size_t,
    value: *mut *const u8,
    value_len: *mut size_t,
) -> *const u8 {
    // SAFETY: the caller keeps the rules for pointers.
    let (name_len, value, value_len) =
        unsafe { (Value::new(name_len, 0), Value::new(value, core::ptr::null()), Value::new(value_len, 0)) };
    guard::value(core::ptr::null(), || {
        lend_field(lent(receipt).map(SignedDecision::context), index, &name_len, &value, &value_len)
    })
}

fn signed(
    connection: Option<&otls_connection>,
    received: Option<&otls_otp_message>,
    code: Option<Secret>,
    now: UnixTime,
) -> Result<otls_otp_message, Failure> {
    let connection = required(connection, "connection")?.lock()?;
    required(received, "received")?.0.get()?;
    let Some(envelope) = envelope(received) else {
        return Err(Error::misuse("a receipt for a message that is no envelope", "pass the bank's").into());
    };
    let answer = match code {
        Some(code) => Answer::new(envelope.id, code),
        None => Answer::declined(envelope.id),
    };
    let receipt = SignedDecision::of_answer(&connection, envelope, &answer, now, &SystemRandom)?;
    Ok(otls_otp_message(Shared::new(Message::Answer(answer.with_receipt(receipt)))))
}

fn answer(message: Option<&otls_otp_message>) -> Option<&Answer> {
    match message?.0.lend()? {
        Message::Answer(answer) => Some(answer),
        Message::Envelope(_) | Message::Verdict { .. } => None,
    }
}

fn lent(receipt: Option<&otls_receipt>) -> Option<&SignedDecision> {
    receipt.and_then(|receipt| receipt.0.lend()).map(Receipt::signed)
}
