//! What customers have signed, kept by the ledger with its verdict.

use libc::{c_char, size_t};

use super::error::otls_error;
use super::failure::Failure;
use super::guard::{required, status};
use super::handle::Shared;
use super::issued::otp_id;
use super::ledger::{Attempt, in_use, otls_otp_attempt, otls_otp_ledger};
use super::pointer::{Handle, Input, Out, Text, Value};
use super::receipt::otls_receipt;
use super::values;
use otls::UnixTime;

/// Withdraws a code that its customer has declined, and keeps in the same step what was signed; the first receipt of
/// a code stays. `*verdict` as in `otls_otp_ledger_cancel`; a receipt is kept with `OTLS_VERDICT_CANCELLED` alone.
///
/// Errors: `OTLS_ERROR_OTP_RECEIPT` for a receipt of another code or transaction, one that approves, does not verify
/// or has more than 65,536 octets as PEM; otherwise as `otls_otp_ledger_cancel`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_ledger_decline(
    ledger: *mut otls_otp_ledger,
    attempt: Option<&otls_otp_attempt>,
    now: u64,
    verdict: *mut i32,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (ledger, attempt, verdict, error) =
        unsafe { (Handle::new(ledger), Attempt::new(attempt), Value::new(verdict, 0), Out::new(error)) };
    status(error, || {
        verdict.check("verdict")?;
        let ledger = in_use(ledger.required("ledger")?)?;
        let attempt = attempt.ok_or(Failure::Null("attempt"))?;
        let (id, subject) = (otp_id(attempt.id)?, attempt.subject.get("subject")?);
        let context = attempt.context.required("context")?.0.lock()?;
        let receipt = attempt.receipt.required("receipt")?.0.get()?;
        let declined = ledger.get()?.decline(&id, subject, &context, &receipt, UnixTime(now))?;
        verdict.put(values::of_verdict(declined).0);
        Ok(())
    })
}

/// What the customer has signed about a code that was issued to this subject; `*receipt` is NULL where nothing was
/// kept.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for an identifier that has not `OTLS_OTP_ID_LEN` octets and for a subject that is
/// none; `OTLS_ERROR_OTP_STORE`; `OTLS_ERROR_OTP_RECEIPT` for one that is not as it was kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_ledger_receipt(
    ledger: Option<&otls_otp_ledger>,
    id: *const u8,
    id_len: size_t,
    subject: *const c_char,
    receipt: *mut *mut otls_receipt,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (id, subject) = unsafe { (Input::new(id, id_len), Text::new(subject)) };
    // SAFETY: as above.
    let (receipt, error) = unsafe { (Out::new(receipt), Out::new(error)) };
    status(error, || {
        let slot = receipt.slot("receipt")?;
        let kept =
            in_use(required(ledger, "ledger")?)?.get()?.receipt(&otp_id(id)?, subject.get("subject")?)?;
        if let Some(kept) = kept {
            slot.put(otls_receipt(Shared::new(kept)));
        }
        Ok(())
    })
}

/// Forgets the receipts that were kept before `before`, seconds since 1970; `*count` (may be NULL) is their number.
/// Nothing else forgets them.
///
/// Errors: `OTLS_ERROR_OTP_STORE`, `OTLS_ERROR_OTP_AUDIT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_ledger_forget_receipts(
    ledger: *mut otls_otp_ledger,
    before: u64,
    now: u64,
    count: *mut u64,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (ledger, count, error) = unsafe { (Handle::new(ledger), Value::new(count, 0), Out::new(error)) };
    status(error, || {
        count.put(
            in_use(ledger.required("ledger")?)?.get()?.forget_receipts(UnixTime(before), UnixTime(now))?,
        );
        Ok(())
    })
}
