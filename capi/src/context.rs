//! `otls_otp_context`: what a code is good for.

use libc::{c_char, size_t};

use super::blob::lend;
use super::error::otls_error;
use super::failure::Failure;
use super::guard::{self, create, status};
use super::handle::Locked;
use super::pointer::{Handle, Out, Text, Value};
use otls::otp::{Amount, Context, Transaction};

/// The transaction that a code is for: named values such as amount and payee. One changed character is
/// another transaction.
pub struct otls_otp_context(pub(super) Locked<Context>);

/// A context with nothing in it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_context_new(
    context: *mut *mut otls_otp_context,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (context, error) = unsafe { (Out::new(context), Out::new(error)) };
    create(context, "context", error, || Ok(otls_otp_context(Locked::new(Context::new()))))
}

/// Frees a context. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_otp_context_free(context: Option<Box<otls_otp_context>>) {
    guard::value((), || drop(context));
}

/// Sets a named value, both as text; one of the same name is replaced. The order does not matter.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for an empty name or value, and beyond the limits of docs/PROTOCOL.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_context_set(
    context: *mut otls_otp_context,
    name: *const c_char,
    value: *const c_char,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (context, name, value, error) =
        unsafe { (Handle::new(context), Text::new(name), Text::new(value), Out::new(error)) };
    status(error, || {
        let mut context = context.required("context")?.0.lock()?;
        let extended = context.clone().with(name.get("name")?, value.get("value")?)?;
        *context = extended;
        Ok(())
    })
}

/// A payment, see `otls_otp_context_payment`.
#[repr(C)]
pub struct otls_otp_payment {
    /// What it is for.
    pub purpose: *const c_char,
    /// The amount in minor units (paise, cents).
    pub minor: u64,
    /// An ISO 4217 currency, three capital letters.
    pub currency: *const c_char,
    /// Who gets it.
    pub payee: *const c_char,
    /// The text that the customer reads, with `{code}`, `{amount}` and `{payee}` in it, and `{purpose}` if wanted
    /// (docs/PROTOCOL.md): a part of the context like the rest, which `otls_otp_message_rendered` fills in.
    pub text_template: *const c_char,
}

/// A context of a payment. More values are set with `otls_otp_context_set`.
///
/// Errors: `OTLS_ERROR_OTP_TRANSACTION` for an unknown currency, a template that lacks one of the three or
/// has an unknown one, and characters that mislead (docs/PROTOCOL.md); `OTLS_ERROR_API_MISUSE` as
/// `otls_otp_context_set`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_context_payment(
    payment: Option<&otls_otp_payment>,
    context: *mut *mut otls_otp_context,
    error: *mut *mut otls_error,
) -> i32 {
    let texts = payment.map(|given| {
        let texts = [given.purpose, given.currency, given.payee, given.text_template];
        // SAFETY: the caller keeps the rules for pointers, with those in `payment` too.
        (given.minor, texts.map(|text| unsafe { Text::new(text) }))
    });
    // SAFETY: the caller keeps the rules for pointers.
    let (context, error) = unsafe { (Out::new(context), Out::new(error)) };
    create(context, "context", error, || {
        let (minor, [purpose, currency, payee, text_template]) = texts.ok_or(Failure::Null("payment"))?;
        let payment = Transaction {
            purpose: purpose.get("purpose")?.to_owned(),
            amount: Some(Amount::new(minor, currency.get("currency")?)?),
            payee: Some(payee.get("payee")?.to_owned()),
            template: text_template.get("text_template")?.to_owned(),
            ..Transaction::default()
        };
        Ok(otls_otp_context(Locked::new(payment.context()?)))
    })
}

/// One of a context's named values as C borrows it: the name comes back.
pub(super) fn lend_field(
    context: Option<&Context>,
    index: usize,
    name_len: &Value<size_t>,
    value: &Value<*const u8>,
    value_len: &Value<size_t>,
) -> *const u8 {
    let field = context.and_then(|context| context.fields().nth(index));
    value.put(lend(field.map(|(_, value)| value.as_bytes()), value_len));
    lend(field.map(|(name, _)| name.as_bytes()), name_len)
}
