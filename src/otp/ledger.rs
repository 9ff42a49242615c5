//! What the bank remembers of its codes: never a code, and each right one is accepted once.

mod pepper;
mod receipts;

use core::time::Duration;

use super::audit::{Audit, AuditCall, Event, EventKind};
use super::store::KEEP_EXPIRED;
use super::{
    Code, CodeFormat, Context, Insertion, Issued, OtpId, Policy, Presented, Receipt, Record, Statistics,
    Store, Subject, Tag, Verdict, Withdrawal,
};
use crate::crypto::Random;
use crate::crypto::hash::{HashAlgorithm, digest};
use crate::error::{Error, OtpError, Result};
use crate::secret::Secret;
use crate::time::UnixTime;
use pepper::Pepper;

#[cfg(test)]
pub(super) use pepper::tag;

/// Issues and verifies codes.
///
/// A ledger may be opened before a fork; what that means for each store stands there. Every call ends within
/// ten seconds.
///
/// ```
/// use otls::crypto::SystemRandom;
/// use otls::otp::{Attempt, CodeRequest, Context, Ledger, MemoryStore, Verdict};
/// use otls::{Secret, UnixTime};
///
/// let pepper = Secret::from(vec![7; 32]); // from a file, 32 random octets
/// let ledger = Ledger::new(Box::new(MemoryStore::default()), pepper)?;
/// let payment = Context::new().with("amount", "100000.00")?.with("payee", "friend")?;
///
/// let now = UnixTime(1_800_000_000);
/// let issued = ledger.issue(&CodeRequest::new("asha", &payment), now, &SystemRandom)?;
/// let attempt = Attempt::new(&issued.id, "asha", &payment, issued.code.expose());
/// assert_eq!(ledger.verify(&attempt, now)?, Verdict::Accepted);
/// assert_eq!(ledger.verify(&attempt, now)?, Verdict::Used);
/// # Ok::<(), otls::Error>(())
/// ```
///
/// With an audit log each call that changes something is recorded before the store is touched, and its outcome
/// after. Where the first cannot be recorded nothing is done. Where the second cannot, the call is an error and
/// the store has done what it did: a code may be used up that was not accepted, never the reverse.
pub struct Ledger {
    store: Box<dyn Store>,
    // The first tags new codes; the others still verify those of before a rotation. Never empty.
    peppers: Vec<Pepper>,
    policy: Policy,
    format: CodeFormat,
    audit: Option<Box<dyn Audit>>,
}

crate::shown::shown!(Ledger);

/// What a code is asked for: whose, for what, and how long and how often it may be tried. See [`Ledger`] for an
/// example.
#[derive(Clone, Copy, Debug)]
pub struct CodeRequest<'a> {
    subject: &'a str,
    context: &'a Context,
    lifetime: Duration,
    attempts: u32,
}

impl<'a> CodeRequest<'a> {
    /// A code to `subject` for `context`, good for two minutes and until three wrong ones were tried.
    pub const fn new(subject: &'a str, context: &'a Context) -> Self {
        Self { subject, context, lifetime: Duration::from_secs(120), attempts: 3 }
    }

    /// Good for so long.
    #[must_use]
    pub const fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Good until so many wrong codes were tried.
    #[must_use]
    pub const fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }
}

/// What came back from a customer, to be judged. See [`Ledger`] for an example.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    id: &'a OtpId,
    subject: &'a str,
    context: &'a Context,
    code: &'a str,
    receipt: Option<&'a Receipt>,
}

impl core::fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Attempt")
            .field("id", &self.id)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

impl<'a> Attempt<'a> {
    /// The code that `subject` has sent back for `id`, and the transaction that the bank means.
    pub const fn new(id: &'a OtpId, subject: &'a str, context: &'a Context, code: &'a str) -> Self {
        Self { id, subject, context, code, receipt: None }
    }

    /// With what the customer has signed, which is kept with the code that it comes with.
    #[must_use]
    pub const fn with_receipt(mut self, receipt: &'a Receipt) -> Self {
        self.receipt = Some(receipt);
        self
    }
}

impl Ledger {
    /// The fewest octets of a pepper: as strong as the tag that it keys.
    pub const MIN_PEPPER_LEN: usize = 32;

    /// A ledger over `store`. `pepper` is a secret of at least 32 octets that is kept apart from the
    /// store: without it, whoever reads the store could try all codes against a tag.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for a short pepper.
    pub fn new(store: Box<dyn Store>, pepper: Secret) -> Result<Self> {
        Ok(Self {
            store,
            peppers: vec![Pepper::new(&pepper)?],
            policy: Policy::default(),
            format: CodeFormat::default(),
            audit: None,
        })
    }

    /// Still verifies codes that were issued with `pepper`, so that it can be replaced.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for a short pepper.
    pub fn add_former_pepper(&mut self, pepper: &Secret) -> Result<()> {
        self.peppers.push(Pepper::new(pepper)?);
        Ok(())
    }

    /// Other limits for each subject than [`Policy::default`].
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for a limit of 0, and for more than 100 wrong codes of one subject.
    pub fn with_policy(mut self, policy: Policy) -> Result<Self> {
        let most = Policy::default().subject_attempts;
        if !(1..=most).contains(&policy.subject_attempts)
            || policy.issues == 0
            || policy.window.as_secs() == 0
        {
            return Err(Error::misuse(
                "a policy that lets nobody in, or everybody",
                "tolerate 1 to 100 wrong codes of a subject, and one new code in one second at least",
            ));
        }
        self.policy = policy;
        Ok(self)
    }

    /// Issues other codes than six digits. What is not of this format is not judged ([`Verdict::NotACode`]), so
    /// that a ledger which only verifies needs the format too, and codes of a former one are not accepted any more.
    #[must_use]
    pub fn with_code_format(mut self, format: CodeFormat) -> Self {
        self.format = format;
        self
    }

    /// Records every call and its outcome in `audit`; where that fails, nothing is issued or accepted.
    #[must_use]
    pub fn with_audit(mut self, audit: Box<dyn Audit>) -> Self {
        self.audit = Some(audit);
        self
    }

    /// Issues a code.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for a subject that is none ([`Subject::new`]), or for a lifetime or attempts
    /// of 0; [`OtpError::Throttled`] and [`OtpError::SubjectLocked`]; [`crate::Error::Random`];
    /// [`OtpError::Store`]; [`OtpError::Audit`].
    pub fn issue(&self, request: &CodeRequest<'_>, now: UnixTime, random: &dyn Random) -> Result<Issued> {
        self.insert(request, None, now, random)
    }

    /// Issues a code in the place of one that did not arrive, for the same subject and transaction: the
    /// other one is cancelled, and the wrong codes that it has seen count for the new one.
    ///
    /// # Errors
    /// [`OtpError::NotOpen`] where the other one was accepted, cancelled, locked, or is expired or
    /// unknown, as those of other subjects are; otherwise as [`Ledger::issue`].
    pub fn resend(
        &self,
        id: &OtpId,
        request: &CodeRequest<'_>,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Issued> {
        self.insert(request, Some(id), now, random)
    }

    fn insert(
        &self,
        asked: &CodeRequest<'_>,
        replaces: Option<&OtpId>,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Issued> {
        let (subject, context) = (&Subject::new(asked.subject)?, asked.context);
        if asked.lifetime.as_secs() == 0 || asked.attempts == 0 {
            return Err(Error::misuse(
                "a code that can never be accepted",
                "give it one second and one attempt at least",
            ));
        }
        let mut id = OtpId([0; 16]);
        random.fill(&mut id.0)?;
        let code = Code::generate(&self.format, random)?;
        let expires_at = now.plus(asked.lifetime);
        let pepper = self.peppers.first().ok_or(Error::Internal("a ledger without a pepper"))?;
        let record = Record {
            id,
            subject: subject.clone(),
            tag: pepper.tag(&id, subject, context, code.expose())?,
            issued_at: now,
            expires_at,
            attempts: asked.attempts,
        };
        let call = if replaces.is_some() { AuditCall::Resend } else { AuditCall::Issue };
        let call = Event::new(EventKind::Asked(call), Some(*replaces.unwrap_or(&id)), Some(subject), now);
        let inserted = self.recorded(Event { context: Some(context), ..call }, || {
            let inserted = self.store.insert(&record, replaces, &self.policy)?;
            let kept = inserted == Insertion::Kept;
            Ok((inserted, if kept { EventKind::Issued(id) } else { EventKind::Refused }))
        })?;
        match inserted {
            Insertion::Kept => Ok(Issued { id, code, context: context.clone(), issued_at: now, expires_at }),
            Insertion::SubjectLocked => Err(OtpError::SubjectLocked.into()),
            Insertion::Throttled(until) => Err(OtpError::Throttled(until.0).into()),
            Insertion::NotOpen(verdict) => Err(OtpError::NotOpen(verdict.words()).into()),
        }
    }

    /// Judges a code, once. A wrong code or context counts as a wrong attempt. The code of another subject is
    /// [`Verdict::Unknown`] and counts nothing, against nobody.
    ///
    /// The code is taken as people type it: blanks, hyphens and dashes in and around it do not count, full-width
    /// characters are those of ASCII, and a letter may have the other case where the alphabet has it in one. What
    /// then has another length or another character is [`Verdict::NotACode`], before the store is asked:
    /// whatever could be right costs an attempt.
    ///
    /// A receipt's file is kept in the same step in which the code is accepted, and with no other verdict;
    /// [`Ledger::receipt`] returns it. Whose certificate it is, the connection has said
    /// ([`super::Channel::receive`]); here it has to be about this code and this transaction, and to verify with
    /// the certificate in its file.
    ///
    /// # Errors
    /// [`OtpError::Receipt`] for one that is about another code or transaction, declines, does not verify, or is
    /// longer than [`Ledger::MAX_RECEIPT_LEN`]; then no code was judged. [`OtpError::Store`] and
    /// [`OtpError::Audit`]; then nothing was accepted, and the code may be used up. [`crate::Error::ApiMisuse`]
    /// for a subject that is none.
    pub fn verify(&self, attempt: &Attempt<'_>, now: UnixTime) -> Result<Verdict> {
        let Attempt { id, context, code, .. } = *attempt;
        let file = receipts::approval_of(attempt)?;
        let receipt = file.as_deref().map(str::as_bytes);
        let subject = &Subject::new(attempt.subject)?;
        let call = Event::new(EventKind::Asked(AuditCall::Verify), Some(*id), Some(subject), now);
        let call = Event { context: Some(context), receipt: receipt.map(sha256), ..call };
        let Some(code) = self.format.read(code) else {
            let verdict = Verdict::NotACode;
            return self.recorded(call, || Ok((verdict, EventKind::Verified(verdict))));
        };
        let tags: Result<Vec<Tag>> =
            self.peppers.iter().map(|pepper| pepper.tag(id, subject, context, &code)).collect();
        let (tags, subject_attempts) = (tags?, self.policy.subject_attempts);
        let presented = Presented { subject, tags: &tags, now, subject_attempts, receipt };
        self.recorded(call, || {
            let verdict = self.store.verify(id, &presented)?;
            Ok((verdict, EventKind::Verified(verdict)))
        })
    }

    /// Withdraws a code of this subject: [`Verdict::Cancelled`], or [`Verdict::Used`] or [`Verdict::Unknown`]
    /// where it is too late.
    ///
    /// # Errors
    /// [`OtpError::Store`], [`OtpError::Audit`]; [`crate::Error::ApiMisuse`] for a subject that is none.
    pub fn cancel(&self, id: &OtpId, subject: &str, now: UnixTime) -> Result<Verdict> {
        let subject = Subject::new(subject)?;
        let withdrawal = Withdrawal { subject: &subject, now, receipt: None };
        let call = Event::new(EventKind::Asked(AuditCall::Cancel), Some(*id), Some(&subject), now);
        self.withdraw(id, &withdrawal, call)
    }

    fn withdraw(&self, id: &OtpId, withdrawal: &Withdrawal<'_>, call: Event<'_>) -> Result<Verdict> {
        self.recorded(Event { receipt: withdrawal.receipt.map(sha256), ..call }, || {
            let verdict = self.store.cancel(id, withdrawal)?;
            Ok((verdict, EventKind::Cancelled(verdict)))
        })
    }

    /// Locks a subject: it gets no codes, and none of its codes are accepted, until it is unlocked.
    ///
    /// # Errors
    /// [`OtpError::Store`], [`OtpError::Audit`]; [`crate::Error::ApiMisuse`] for a subject that is none.
    pub fn lock(&self, subject: &str, now: UnixTime) -> Result<()> {
        let subject = Subject::new(subject)?;
        let call = Event::new(EventKind::Asked(AuditCall::Lock), None, Some(&subject), now);
        self.recorded(call, || Ok((self.store.lock(&subject)?, EventKind::Locked)))
    }

    /// Unlocks a subject that was locked or reached [`Policy::subject_attempts`], once the bank knows
    /// that it is the customer who asks.
    ///
    /// # Errors
    /// [`OtpError::Store`], [`OtpError::Audit`]; [`crate::Error::ApiMisuse`] for a subject that is none.
    pub fn unlock(&self, subject: &str, now: UnixTime) -> Result<()> {
        let subject = Subject::new(subject)?;
        let call = Event::new(EventKind::Asked(AuditCall::Unlock), None, Some(&subject), now);
        self.recorded(call, || Ok((self.store.unlock(&subject)?, EventKind::Unlocked)))
    }

    /// Forgets the codes that expired more than an hour ago, and returns how many. Stores do so by
    /// themselves too, a few with each new code. Receipts stay, see [`Ledger::forget_receipts`].
    ///
    /// # Errors
    /// [`OtpError::Store`], [`OtpError::Audit`].
    pub fn expire(&self, now: UnixTime) -> Result<u64> {
        self.recorded(Event::new(EventKind::Asked(AuditCall::Expire), None, None, now), || {
            let forgotten = self.store.forget(now.minus(KEEP_EXPIRED))?;
            Ok((forgotten, EventKind::Forgotten(forgotten)))
        })
    }

    /// Counts what is kept.
    ///
    /// # Errors
    /// [`OtpError::Store`].
    pub fn statistics(&self, now: UnixTime) -> Result<Statistics> {
        self.store.statistics(now)
    }

    /// The call is recorded, then done, and its outcome recorded.
    fn recorded<T>(&self, call: Event<'_>, work: impl FnOnce() -> Result<(T, EventKind)>) -> Result<T> {
        let Some(audit) = &self.audit else { return work().map(|(done, _)| done) };
        let of = Some(audit.record(&call)?);
        let (done, kind) = match work() {
            Ok((done, kind)) => (Ok(done), kind),
            Err(error) => (Err(error), EventKind::Failed),
        };
        // A code that replaces another has an identifier of its own.
        let id = if let EventKind::Issued(id) = kind { Some(id) } else { call.id };
        let recorded = audit.record(&Event { kind, of, id, ..call });
        // The store's error says more than that of the log.
        let done = done?;
        recorded?;
        Ok(done)
    }
}

/// Names the file of a receipt in the log.
fn sha256(file: &[u8]) -> [u8; 32] {
    digest(HashAlgorithm::Sha256, file).as_ref().first_chunk().copied().unwrap_or_default()
}
