//! What happened to codes, in an order that cannot be changed afterwards without being noticed.
//!
//! ```text
//! {"seq":1,"time":1800000000,"event":"issue","id":"…","subject":"asha","context":"…","mac":"…"}
//! {"seq":2,"time":1800000000,"event":"issued","of":"1","id":"…","subject":"asha","context":"…","mac":"…"}
//! ```
//!
//! One line of JSON for each event, two for each call that changes something: what is asked, before the store
//! is touched, and what became of it. A call without an outcome may have been carried out or not; it was an
//! error for whoever made it, and a code in it is as good as used.
//!
//! `mac` is HMAC-SHA-256 over the line before its mac and over the
//! mac of the line before, under a key that is kept apart from the log: a line that is changed, moved
//! or removed breaks the chain. What is removed from the end does not; so `FILE.head` names the last
//! line, under the same key. Somebody who puts back old copies of both files is found by a count and
//! mac of [`AuditHead`] that was kept elsewhere. Codes and keys are in no event (docs/PROTOCOL.md).

mod file;
mod line;
mod repair;

use super::{Context, OtpId, Subject, Verdict};
use crate::error::Result;
use crate::time::UnixTime;

pub use file::{AuditHead, AuditLog};
pub use repair::AuditRepair;

/// Where a ledger's events go. What cannot be recorded is not done: the ledger fails.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use otls::otp::{Audit, Event};
///
/// struct ToStandardError(AtomicU64);
/// impl Audit for ToStandardError {
///     fn record(&self, event: &Event<'_>) -> otls::Result<u64> {
///         let number = 1 + self.0.fetch_add(1, Ordering::Relaxed);
///         eprintln!("{number} {} {:?}", event.kind.name(), event.subject);
///         Ok(number)
///     }
/// }
/// ```
pub trait Audit: Send + Sync {
    /// Records an event, durably, and returns its number: an outcome names that of its call.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Audit`].
    fn record(&self, event: &Event<'_>) -> Result<u64>;
}

/// Something that a ledger did.
///
/// ```
/// use otls::otp::{Audit, Event, EventKind};
///
/// /// Counts what was accepted.
/// struct Counter(std::sync::atomic::AtomicU64);
///
/// impl Audit for Counter {
///     fn record(&self, event: &Event<'_>) -> otls::Result<u64> {
///         let accepted = matches!(event.kind, EventKind::Verified(verdict) if verdict.is_accepted());
///         Ok(self.0.fetch_add(u64::from(accepted), std::sync::atomic::Ordering::Relaxed))
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// When.
    pub time: UnixTime,
    /// What.
    pub kind: EventKind,
    /// The number of the event that this is the outcome of.
    pub of: Option<u64>,
    /// Which code; `None` where it is about a subject or about all.
    pub id: Option<OtpId>,
    /// Whom it is about, or who asked; `None` where it is about all.
    pub subject: Option<&'a Subject>,
    /// The transaction.
    pub context: Option<&'a Context>,
    /// SHA-256 of the receipt's file, where there is one.
    pub receipt: Option<[u8; 32]>,
}

impl<'a> Event<'a> {
    pub(super) const fn new(
        kind: EventKind,
        id: Option<OtpId>,
        subject: Option<&'a Subject>,
        time: UnixTime,
    ) -> Self {
        Self { time, kind, of: None, id, subject, context: None, receipt: None }
    }
}

/// A call that changes what a ledger holds.
///
/// ```
/// use otls::otp::{AuditCall, EventKind};
///
/// let is_a_try = |kind: &EventKind| matches!(kind, EventKind::Asked(AuditCall::Verify));
/// assert!(is_a_try(&EventKind::Asked(AuditCall::Verify)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditCall {
    /// [`Ledger::issue`](super::Ledger::issue).
    Issue,
    /// [`Ledger::resend`](super::Ledger::resend), of the code that is to be replaced.
    Resend,
    /// [`Ledger::verify`](super::Ledger::verify), with a receipt or without.
    Verify,
    /// [`Ledger::cancel`](super::Ledger::cancel).
    Cancel,
    /// [`Ledger::decline`](super::Ledger::decline).
    Decline,
    /// [`Ledger::lock`](super::Ledger::lock).
    Lock,
    /// [`Ledger::unlock`](super::Ledger::unlock).
    Unlock,
    /// [`Ledger::expire`](super::Ledger::expire).
    Expire,
    /// [`Ledger::forget_receipts`](super::Ledger::forget_receipts).
    ForgetReceipts,
}

impl AuditCall {
    const fn name(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Resend => "resend",
            Self::Verify => "verify",
            Self::Cancel => "cancel",
            Self::Decline => "decline",
            Self::Lock => "lock",
            Self::Unlock => "unlock",
            Self::Expire => "expire",
            Self::ForgetReceipts => "forget_receipts",
        }
    }
}

/// What a ledger is asked to do, or did.
///
/// ```
/// use otls::otp::{AuditCall, EventKind, Verdict};
///
/// assert_eq!(EventKind::Asked(AuditCall::Verify).name(), "verify");
/// assert_eq!(EventKind::Verified(Verdict::Used).name(), "verified:used");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A call, before anything is done for it. Each of the others but [`EventKind::Repaired`] is the outcome of
    /// one.
    Asked(AuditCall),
    /// The store failed: whether it did what it was asked is not known.
    Failed,
    /// This code was issued.
    Issued(OtpId),
    /// No code was issued: the subject is locked or throttled, or there is nothing to replace.
    Refused,
    /// A code was judged.
    Verified(Verdict),
    /// A code was to be cancelled, with this outcome.
    Cancelled(Verdict),
    /// A subject was locked.
    Locked,
    /// A subject was unlocked.
    Unlocked,
    /// So many expired codes or receipts were forgotten.
    Forgotten(u64),
    /// The log was repaired: what followed could not be read any more and is kept in another file.
    Repaired {
        /// Octets that were dropped.
        dropped: u64,
        /// Lines that the log's head names and that are not in the log any more; 0 where the head is not known.
        missing: u64,
        /// SHA-256 of the log as it was found.
        found: [u8; 32],
    },
}

impl EventKind {
    /// The event's name in a log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked(call) => call.name(),
            Self::Failed => "failed",
            Self::Issued(_) => "issued",
            Self::Refused => "refused",
            Self::Verified(Verdict::Accepted) => "verified:accepted",
            Self::Verified(Verdict::Wrong { .. }) => "verified:wrong",
            Self::Verified(Verdict::Expired) => "verified:expired",
            Self::Verified(Verdict::Used) => "verified:used",
            Self::Verified(Verdict::Locked) => "verified:locked",
            Self::Verified(Verdict::Unknown) => "verified:unknown",
            Self::Verified(Verdict::Cancelled) => "verified:cancelled",
            Self::Verified(Verdict::NotACode) => "verified:not_a_code",
            Self::Cancelled(Verdict::Cancelled) => "cancelled",
            Self::Cancelled(_) => "cancelled:refused",
            Self::Locked => "locked",
            Self::Unlocked => "unlocked",
            Self::Forgotten(_) => "forgotten",
            Self::Repaired { .. } => "repaired",
        }
    }
}
