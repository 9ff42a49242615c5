//! `otls_otp_context`, `otls_otp_ledger` and `otls_otp_issued`: what the bank issues and remembers.

use libc::size_t;

use super::blob::lend;
use super::error::otls_error;
use super::guard::{self, Failure, create, required, status};
use super::handle::{Locked, Shared};
use super::pointer::{Buffer, Input, Out, Value};
use super::values;
use crate::crypto::{Random, SystemRandom};
use crate::error::Error;
use crate::otp::{Context, Issued, Ledger, MemoryStore, OtpId};
use crate::secret::Secret;
use crate::time::UnixTime;

/// The transaction that a code is for: named values such as amount and payee. One changed character is
/// another transaction.
pub struct otls_otp_context(pub(super) Locked<Context>);

/// What the bank remembers of the codes that it has issued; never a code itself.
pub struct otls_otp_ledger(Shared<Ledger>);

/// A code that was just issued.
pub struct otls_otp_issued(pub(super) Shared<Issued>);

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
    context: Option<&otls_otp_context>,
    name: *const u8,
    name_len: size_t,
    value: *const u8,
    value_len: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (name, value, error) =
        unsafe { (Input::new(name, name_len), Input::new(value, value_len), Out::new(error)) };
    status(error, || {
        let mut context = required(context, "context")?.0.lock()?;
        let extended = context.clone().with(name.text("name")?, value.text("value")?)?;
        *context = extended;
        Ok(())
    })
}

/// A ledger that keeps its codes in memory. `pepper` is a secret of 32 octets or more; NULL with a length of
/// 0 draws one at random, which is right for a ledger that ends with the program.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for a short pepper; `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_ledger_new_memory(
    pepper: *const u8,
    pepper_len: size_t,
    ledger: *mut *mut otls_otp_ledger,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (pepper, ledger, error) =
        unsafe { (Input::new(pepper, pepper_len), Out::new(ledger), Out::new(error)) };
    create(ledger, "ledger", error, || {
        let pepper = match pepper.optional("pepper")? {
            Some(pepper) => Secret::from(pepper.to_vec()),
            None => {
                let mut drawn = zeroize::Zeroizing::new(vec![0; Ledger::MIN_PEPPER_LEN]);
                SystemRandom.fill(&mut drawn)?;
                Secret::from(drawn)
            }
        };
        let ledger = Ledger::new(Box::new(MemoryStore::default()), pepper)?;
        Ok(otls_otp_ledger(Shared::new(ledger)))
    })
}

/// Frees a ledger, which forgets its codes. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_otp_ledger_free(ledger: Option<Box<otls_otp_ledger>>) {
    guard::value((), || drop(ledger));
}

/// Issues a code of six digits to a subject, the customer's identifier as text, for one transaction. It
/// is good for `ttl` seconds and until `attempts` wrong codes were tried.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for an empty or too long subject, and if `ttl` or `attempts` is 0;
/// `OTLS_ERROR_RANDOM`; `OTLS_ERROR_OTP_STORE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_ledger_issue(
    ledger: Option<&otls_otp_ledger>,
    subject: *const u8,
    subject_len: size_t,
    context: Option<&otls_otp_context>,
    ttl: u64,
    attempts: u32,
    now: u64,
    issued: *mut *mut otls_otp_issued,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (subject, issued, error) =
        unsafe { (Input::new(subject, subject_len), Out::new(issued), Out::new(error)) };
    create(issued, "issued", error, || {
        let (ledger, subject) = (required(ledger, "ledger")?.0.get()?, subject.text("subject")?);
        let context = required(context, "context")?.0.lock()?;
        let issued = ledger.issue(subject, &context, ttl, attempts, UnixTime(now), &SystemRandom)?;
        Ok(otls_otp_issued(Shared::new(issued)))
    })
}

/// Judges a code, ASCII digits, for the identifier that it was issued with. `*verdict` is one of the
/// `OTLS_VERDICT_` numbers and `*attempts_left` (may be NULL) what `OTLS_VERDICT_WRONG` leaves. A right code
/// is accepted exactly once, among any number of threads. A code that is refused is a verdict, not an
/// error.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for an identifier that has not `OTLS_OTP_ID_LEN` octets;
/// `OTLS_ERROR_OTP_STORE`, and then nothing was accepted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_ledger_verify(
    ledger: Option<&otls_otp_ledger>,
    id: *const u8,
    id_len: size_t,
    subject: *const u8,
    subject_len: size_t,
    context: Option<&otls_otp_context>,
    code: *const u8,
    code_len: size_t,
    now: u64,
    verdict: *mut i32,
    attempts_left: *mut u32,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (id, subject, code) =
        unsafe { (Input::new(id, id_len), Input::new(subject, subject_len), Input::new(code, code_len)) };
    // SAFETY: as above.
    let (verdict, attempts_left, error) =
        unsafe { (Value::new(verdict, 0), Value::new(attempts_left, 0), Out::new(error)) };
    status(error, || {
        verdict.check("verdict")?;
        let ledger = required(ledger, "ledger")?.0.get()?;
        let context = required(context, "context")?.0.lock()?;
        let (id, subject, code) = (otp_id(id)?, subject.text("subject")?, code.text("code")?);
        let judged = ledger.verify(&id, subject, &context, code, UnixTime(now))?;
        let (number, left) = values::of_verdict(judged);
        verdict.put(number);
        attempts_left.put(left);
        Ok(())
    })
}

/// Lets a subject try again that has had too many wrong codes in a row, once the bank knows that it is the
/// customer who asks.
///
/// Errors: `OTLS_ERROR_OTP_STORE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_ledger_unlock(
    ledger: Option<&otls_otp_ledger>,
    subject: *const u8,
    subject_len: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (subject, error) = unsafe { (Input::new(subject, subject_len), Out::new(error)) };
    status(error, || Ok(required(ledger, "ledger")?.0.get()?.unlock(subject.text("subject")?)?))
}

/// Zeroises and frees an issued code; the ledger goes on knowing it. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_otp_issued_free(issued: Option<Box<otls_otp_issued>>) {
    guard::value((), || drop(issued));
}

/// The identifier of an issued code, `OTLS_OTP_ID_LEN` octets, into the caller's buffer. It is not secret.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_issued_id(
    issued: Option<&otls_otp_issued>,
    id: *mut u8,
    id_len: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (id, error) = unsafe { (Buffer::new(id, id_len), Out::new(error)) };
    status(error, || id.fill(&required(issued, "issued")?.0.get()?.id.0, "id"))
}

/// The issued code, ASCII digits, and in `*len` (may be NULL) their number. They are secret, and belong to
/// the issued code. NULL and 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_issued_code(
    issued: Option<&otls_otp_issued>,
    len: *mut size_t,
) -> *const u8 {
    // SAFETY: the caller keeps the rules for pointers.
    let len = unsafe { Value::new(len, 0) };
    guard::value(core::ptr::null(), || {
        let issued = issued.and_then(|issued| issued.0.lend());
        lend(issued.map(|issued| issued.code.expose().as_bytes()), &len)
    })
}

/// The second from which on an issued code is expired. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_otp_issued_expires_at(issued: Option<&otls_otp_issued>) -> u64 {
    guard::value(0, || issued.and_then(|issued| issued.0.lend()).map_or(0, |issued| issued.expires_at.0))
}

pub(super) fn otp_id(octets: Input<'_>) -> Result<OtpId, Failure> {
    let id = octets.get("id")?.try_into().map(OtpId);
    id.map_err(|_| {
        Error::misuse("an identifier that has not 16 octets", "pass that of the message or the issued code")
            .into()
    })
}
