//! Code and receipt, accepted together or not at all.

use super::super::audit::{AuditCall, Event, EventKind};
use super::super::signed_decision::refused;
use super::super::{Attempt, Context, Decision, Ledger, OtpId, Receipt, Subject, Verdict, Withdrawal};
use crate::error::Result;
use crate::time::UnixTime;

impl Ledger {
    /// The most octets of a receipt's file that is kept: a receipt over the largest context has 7 KiB, and a
    /// certificate about one.
    pub const MAX_RECEIPT_LEN: usize = 1 << 16;

    /// Withdraws a code that its customer has declined, and keeps in the same step what was signed; the first
    /// receipt of a code stays. The verdict is that of [`Ledger::cancel`], and only with
    /// [`Verdict::Cancelled`] a receipt is kept.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Receipt`] as [`Ledger::verify`], and for one that approves;
    /// [`crate::error::OtpError::Store`], [`crate::error::OtpError::Audit`]; [`crate::Error::ApiMisuse`] as
    /// [`Subject::new`].
    pub fn decline(
        &self,
        id: &OtpId,
        subject: &str,
        context: &Context,
        receipt: &Receipt,
        now: UnixTime,
    ) -> Result<Verdict> {
        let file = file_of(receipt, id, Decision::Declined, context)?;
        let subject = Subject::new(subject)?;
        let withdrawal = Withdrawal { subject: &subject, now, receipt: Some(file.as_bytes()) };
        let call = EventKind::Asked(AuditCall::Decline);
        let event = Event { context: Some(context), ..Event::new(call, Some(*id), Some(&subject), now) };
        self.withdraw(id, &withdrawal, event)
    }

    /// What the customer has signed about a code that was issued to `subject`, if something was kept.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`]; [`crate::error::OtpError::Receipt`] for one that the store does not
    /// have as it was kept; [`crate::Error::ApiMisuse`] as [`Subject::new`].
    pub fn receipt(&self, id: &OtpId, subject: &str) -> Result<Option<Receipt>> {
        let file = self.store.receipt(id, &Subject::new(subject)?)?;
        let receipt = file.map(|file| Receipt::load(&file)).transpose()?;
        if receipt.as_ref().is_some_and(|receipt| receipt.signed().id() != *id) {
            return Err(refused("the store has that of another code in its place"));
        }
        Ok(receipt)
    }

    /// Forgets the receipts that were kept before `before`, and returns how many. [`Ledger::expire`] leaves
    /// them, and so does everything else: how long the law wants them to be kept, the bank knows.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`], [`crate::error::OtpError::Audit`].
    pub fn forget_receipts(&self, before: UnixTime, now: UnixTime) -> Result<u64> {
        let event = Event::new(EventKind::Asked(AuditCall::ForgetReceipts), None, None, now);
        self.recorded(event, || {
            let forgotten = self.store.forget_receipts(before)?;
            Ok((forgotten, EventKind::Forgotten(forgotten)))
        })
    }
}

/// The file of the receipt that an attempt comes with.
pub(super) fn approval_of(attempt: &Attempt<'_>) -> Result<Option<String>> {
    let approval = |receipt| file_of(receipt, attempt.id, Decision::Approved, attempt.context);
    attempt.receipt.map(approval).transpose()
}

/// The file of a receipt that is about this decision and no other.
fn file_of(receipt: &Receipt, id: &OtpId, decision: Decision, context: &Context) -> Result<String> {
    let signed = receipt.signed();
    if signed.id() != *id || signed.decision() != decision {
        return Err(refused("it is for another code or decision than its answer"));
    }
    signed.check_context(context)?;
    let certificate = receipt.chain().leaf();
    signed.verify(certificate)?;
    let file = receipt.to_pem();
    if file.len() > Ledger::MAX_RECEIPT_LEN {
        return Err(refused("with its certificates it has more than 64 KiB"));
    }
    Ok(file)
}
