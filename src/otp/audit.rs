//! What happened to codes, in an order that cannot be changed afterwards without being noticed.
//!
//! ```text
//! {"seq":1,"time":1800000000,"event":"issued","id":"…","subject":"asha","context":"…","mac":"…"}
//! ```
//!
//! One line of JSON for each event. `mac` is HMAC-SHA-256 over the line before its mac and over the
//! mac of the line before, under a key that is kept apart from the log: a line that is changed, moved
//! or removed breaks the chain. What is removed from the end does not; so `FILE.head` names the last
//! line, under the same key. Somebody who puts back old copies of both files is found by a count and
//! mac of [`AuditHead`] that was kept elsewhere. Codes and keys are in no event (docs/PROTOCOL.md).

mod file;
mod line;

use super::{Context, OtpId, Verdict};
use crate::error::Result;
use crate::time::UnixTime;

pub use file::{AuditHead, AuditLog};

/// Where a ledger's events go. An event that is not recorded did not happen: the ledger fails.
///
/// ```
/// use otls::otp::{Audit, Event};
///
/// struct ToStandardError;
/// impl Audit for ToStandardError {
///     fn record(&self, event: &Event<'_>) -> otls::Result<()> {
///         eprintln!("{} {}", event.kind.name(), event.subject);
///         Ok(())
///     }
/// }
/// ```
pub trait Audit: Send + Sync {
    /// Records an event, durably.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Audit`].
    fn record(&self, event: &Event<'_>) -> Result<()>;
}

/// Something that a ledger did.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// When.
    pub time: UnixTime,
    /// What.
    pub kind: EventKind,
    /// Which code; `None` where it is about a subject or about all.
    pub id: Option<OtpId>,
    /// Whom it is about, or who asked; empty where that is not known.
    pub subject: &'a str,
    /// The transaction.
    pub context: Option<&'a Context>,
}

impl<'a> Event<'a> {
    pub(super) const fn new(kind: EventKind, id: Option<OtpId>, subject: &'a str, time: UnixTime) -> Self {
        Self { time, kind, id, subject, context: None }
    }
}

/// What a ledger did.
///
/// ```
/// use otls::otp::{EventKind, Verdict};
///
/// assert_eq!(EventKind::Verified(Verdict::Used).name(), "verified:used");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A code was issued.
    Issued,
    /// A code was cancelled because another was sent in its place.
    Replaced,
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
    /// So many expired codes were forgotten.
    Forgotten(u64),
}

impl EventKind {
    /// The event's name in a log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Replaced => "replaced",
            Self::Refused => "refused",
            Self::Verified(Verdict::Accepted) => "verified:accepted",
            Self::Verified(Verdict::Wrong { .. }) => "verified:wrong",
            Self::Verified(Verdict::Expired) => "verified:expired",
            Self::Verified(Verdict::Used) => "verified:used",
            Self::Verified(Verdict::Locked) => "verified:locked",
            Self::Verified(Verdict::Unknown) => "verified:unknown",
            Self::Verified(Verdict::Cancelled) => "verified:cancelled",
            Self::Cancelled(Verdict::Cancelled) => "cancelled",
            Self::Cancelled(_) => "cancelled:refused",
            Self::Locked => "locked",
            Self::Unlocked => "unlocked",
            Self::Forgotten(_) => "forgotten",
        }
    }
}
