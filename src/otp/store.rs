//! Where records of codes live: what a store promises, and what it keeps.

mod memory;
mod pool;
mod rules;
#[cfg(feature = "sqlite")]
mod sqlite;

use core::time::Duration;

use super::{OtpId, Subject, Verdict};
use crate::error::Result;
use crate::secret::ct_eq;
use crate::time::UnixTime;

pub use memory::MemoryStore;
pub use pool::Pool;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

/// Where records live. Each call is one atomic step, among any number of threads, processes and
/// machines, and fails closed: on an error nothing was accepted.
///
/// A store keeps, beside each [`Record`], how many wrong codes it saw and what became of it; and for
/// each subject the wrong codes since the last accepted one over all its records, the codes issued in
/// the present window, and whether it is locked. Subjects are the same if their octets are; a record of
/// another subject is none. What the customer has signed is kept apart, and until it is asked for to be
/// forgotten: it is needed when the code is long gone.
///
/// ```
/// use otls::otp::{MemoryStore, OtpId, Presented, Store, Subject, Verdict};
///
/// let (store, asha) = (MemoryStore::default(), Subject::new("asha")?);
/// let now = otls::UnixTime(0);
/// let nothing = Presented { subject: &asha, tags: &[], now, subject_attempts: 100, receipt: None };
/// assert_eq!(store.verify(&OtpId([0; 16]), &nothing)?, Verdict::Unknown);
/// # Ok::<(), otls::Error>(())
/// ```
pub trait Store: Send + Sync {
    /// Keeps a new record, where its subject may have one: not locked, not at
    /// [`Policy::subject_attempts`], fewer than [`Policy::issues`] in the window.
    ///
    /// Where it `replaces` another of the same subject, that one must be open: it is cancelled in the
    /// same step, and the new record starts with the wrong codes that the other one has seen.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`], also for an identifier that is there already.
    fn insert(&self, record: &Record, replaces: Option<&OtpId>, policy: &Policy) -> Result<Insertion>;

    /// Judges what was presented for `id`, and records the outcome: of any number of callers with the
    /// right tag exactly one gets [`Verdict::Accepted`].
    ///
    /// In this order: no record of this subject, [`Verdict::Unknown`]; accepted before, [`Verdict::Used`]; cancelled,
    /// [`Verdict::Cancelled`]; subject locked, or too many wrong codes for the record or its subject,
    /// [`Verdict::Locked`]; `now` at or after `expires_at`, [`Verdict::Expired`]; then the tags are
    /// compared in constant time. Only a wrong tag counts as a failure. A receipt is kept in the same step as
    /// [`Verdict::Accepted`], and with no other verdict.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`].
    fn verify(&self, id: &OtpId, presented: &Presented<'_>) -> Result<Verdict>;

    /// Withdraws a code: [`Verdict::Cancelled`], or [`Verdict::Used`] or [`Verdict::Unknown`], which
    /// it is too late for. A receipt is kept in the same step as [`Verdict::Cancelled`], unless one is there.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`].
    fn cancel(&self, id: &OtpId, withdrawal: &Withdrawal<'_>) -> Result<Verdict>;

    /// The receipt that was kept for a code of this subject.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`].
    fn receipt(&self, id: &OtpId, subject: &Subject) -> Result<Option<Vec<u8>>>;

    /// Forgets the receipts that were kept before `time`, and returns how many. Nothing else does.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`].
    fn forget_receipts(&self, time: UnixTime) -> Result<u64>;

    /// Locks a subject until it is unlocked.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`].
    fn lock(&self, subject: &Subject) -> Result<()>;

    /// Unlocks a subject, and starts the count of its wrong codes again; codes that were locked one by
    /// one stay so.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`].
    fn unlock(&self, subject: &Subject) -> Result<()>;

    /// Forgets the records that expired before `time`, whatever became of them, and returns how many. Receipts
    /// stay.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`].
    fn forget(&self, time: UnixTime) -> Result<u64>;

    /// Counts what is kept.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`].
    fn statistics(&self, now: UnixTime) -> Result<Statistics>;
}

impl<S: Store + ?Sized> Store for std::sync::Arc<S> {
    fn insert(&self, record: &Record, replaces: Option<&OtpId>, policy: &Policy) -> Result<Insertion> {
        (**self).insert(record, replaces, policy)
    }

    fn verify(&self, id: &OtpId, presented: &Presented<'_>) -> Result<Verdict> {
        (**self).verify(id, presented)
    }

    fn cancel(&self, id: &OtpId, withdrawal: &Withdrawal<'_>) -> Result<Verdict> {
        (**self).cancel(id, withdrawal)
    }

    fn receipt(&self, id: &OtpId, subject: &Subject) -> Result<Option<Vec<u8>>> {
        (**self).receipt(id, subject)
    }

    fn forget_receipts(&self, time: UnixTime) -> Result<u64> {
        (**self).forget_receipts(time)
    }

    fn lock(&self, subject: &Subject) -> Result<()> {
        (**self).lock(subject)
    }

    fn unlock(&self, subject: &Subject) -> Result<()> {
        (**self).unlock(subject)
    }

    fn forget(&self, time: UnixTime) -> Result<u64> {
        (**self).forget(time)
    }

    fn statistics(&self, now: UnixTime) -> Result<Statistics> {
        (**self).statistics(now)
    }
}

/// What a store keeps of a code; see [`Ledger`](super::Ledger), which makes it.
///
/// ```
/// use otls::UnixTime;
/// use otls::otp::{Insertion, MemoryStore, OtpId, Policy, Record, Store, Subject, Tag};
///
/// let now = UnixTime(1_800_000_000);
/// let tag = Tag { pepper_id: [1; 8], mac: [7; 32] };
/// let (issued_at, expires_at) = (now, UnixTime(now.0 + 120));
/// let subject = Subject::new("asha")?;
/// let record = Record { id: OtpId([1; 16]), subject, tag, issued_at, expires_at, attempts: 3 };
/// assert_eq!(MemoryStore::default().insert(&record, None, &Policy::default())?, Insertion::Kept);
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which code.
    pub id: OtpId,
    /// Whom it is for.
    pub subject: Subject,
    /// What stands for the code.
    pub tag: Tag,
    /// When it was issued.
    pub issued_at: UnixTime,
    /// From this second on it is expired.
    pub expires_at: UnixTime,
    /// So many wrong codes are tolerated; after them it is locked.
    pub attempts: u32,
}

/// A keyed hash of a code and all that it is for, and the key's identifier; see [`Store`].
///
/// ```
/// use otls::otp::Tag;
///
/// // Of another pepper: another tag, whatever the hash says.
/// assert_ne!(Tag { pepper_id: [1; 8], mac: [7; 32] }, Tag { pepper_id: [2; 8], mac: [7; 32] });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Which pepper: it tells peppers apart and does not reveal them.
    pub pepper_id: [u8; 8],
    /// HMAC-SHA-256(pepper, id ‖ subject ‖ context ‖ code), each with its length (docs/PROTOCOL.md).
    pub mac: [u8; 32],
}

/// What somebody presents for a code; see [`Store`].
///
/// ```
/// use otls::otp::{Presented, Subject, Tag};
///
/// let (right, wrong) = (Tag { pepper_id: [1; 8], mac: [7; 32] }, Tag { pepper_id: [1; 8], mac: [8; 32] });
/// let (subject, tags) = (&Subject::new("asha")?, &[right]);
/// let now = otls::UnixTime(1_800_000_000);
/// let presented = Presented { subject, tags, now, subject_attempts: 100, receipt: None };
/// assert!(presented.matches(&right) && !presented.matches(&wrong));
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// Who presents it.
    pub subject: &'a Subject,
    /// The tag under each pepper that is in use; the record's pepper says which one counts.
    pub tags: &'a [Tag],
    /// The time.
    pub now: UnixTime,
    /// As in [`Policy`].
    pub subject_attempts: u32,
    /// What is to be kept with an accepted code.
    pub receipt: Option<&'a [u8]>,
}

/// How a code is withdrawn; see [`Store`].
///
/// ```
/// use otls::otp::{MemoryStore, OtpId, Store, Subject, Verdict, Withdrawal};
///
/// let subject = Subject::new("asha")?;
/// let withdrawal = Withdrawal { subject: &subject, now: otls::UnixTime(1_800_000_000), receipt: None };
/// assert_eq!(MemoryStore::default().cancel(&OtpId([1; 16]), &withdrawal)?, Verdict::Unknown);
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Withdrawal<'a> {
    /// Whose code it is.
    pub subject: &'a Subject,
    /// The time.
    pub now: UnixTime,
    /// What is to be kept with the code.
    pub receipt: Option<&'a [u8]>,
}

impl Presented<'_> {
    /// Whether the tag under the record's pepper is the record's, compared in constant time.
    pub fn matches(&self, tag: &Tag) -> bool {
        self.tags.iter().any(|other| other.pepper_id == tag.pepper_id && ct_eq(&other.mac, &tag.mac))
    }
}

/// What one subject may have.
///
/// ```
/// let strict = otls::otp::Policy { issues: 3, ..otls::otp::Policy::default() };
/// assert_eq!(strict.subject_attempts, 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// So many wrong codes in a row are tolerated of a subject, over all its codes; then it is locked
    /// (NIST SP 800-63B-4 §3.2.2: no more than 100). A new code does not start the count again
    /// (§3.1.3.2); an accepted one does.
    pub subject_attempts: u32,
    /// So many codes are issued to a subject within one window.
    pub issues: u32,
    /// How long a window is, which starts with the first code that is issued in it.
    pub window: Duration,
}

impl Default for Policy {
    /// 100 wrong codes, 30 new ones in ten minutes.
    fn default() -> Self {
        Self { subject_attempts: 100, issues: 30, window: Duration::from_secs(600) }
    }
}

/// What became of a record that was to be kept.
///
/// ```
/// use otls::otp::{Insertion, Verdict};
///
/// // The code that should be replaced was accepted in the meantime.
/// assert_ne!(Insertion::NotOpen(Verdict::Used), Insertion::Kept);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insertion {
    /// It is kept.
    Kept,
    /// The subject is locked.
    SubjectLocked,
    /// The subject has had as many as it may; the window ends at this time.
    Throttled(UnixTime),
    /// The record that it should replace is not open, for this reason.
    NotOpen(Verdict),
}

/// What a store holds; see [`Ledger::statistics`](super::Ledger::statistics).
///
/// ```
/// use otls::otp::{Ledger, MemoryStore, Statistics};
///
/// let ledger = Ledger::new(Box::new(MemoryStore::default()), otls::Secret::from(vec![7; 32]))?;
/// assert_eq!(ledger.statistics(otls::UnixTime(0))?, Statistics::default());
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Codes that may still be accepted, unless their subject is locked.
    pub open: u64,
    /// Codes that were accepted.
    pub used: u64,
    /// Codes that were withdrawn.
    pub cancelled: u64,
    /// Codes that had too many wrong attempts, and were neither accepted nor withdrawn.
    pub locked: u64,
    /// Codes whose time is over, and that are none of these.
    pub expired: u64,
    /// Subjects that were locked by name.
    pub locked_subjects: u64,
}

/// For how long an expired record is kept at least, so that it answers "expired" or "used" and
/// not "unknown".
pub const KEEP_EXPIRED: Duration = Duration::from_secs(3600);

/// So many records are forgotten with each new one: more than one, so that they do not pile up, and
/// few, so that no call is slow.
pub const FORGET_AT_ONCE: u32 = 16;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::undefined;

    #[test]
    fn tags_are_compared_in_constant_time() {
        undefined::check(|| {
            let kept = Tag { pepper_id: [1; 8], mac: [7; 32] };
            undefined::secret(&kept.mac);
            for at in 0..=32 {
                let mut tags =
                    [Tag { pepper_id: [2; 8], mac: [7; 32] }, Tag { pepper_id: [1; 8], mac: [7; 32] }];
                if let Some(octet) = tags[1].mac.get_mut(at) {
                    *octet ^= 1;
                }
                // What is presented becomes a tag under the secret pepper.
                undefined::secret(&tags[1].mac);
                let presented = Presented {
                    subject: &Subject::new("asha").unwrap(),
                    tags: &tags,
                    receipt: None,
                    now: UnixTime(0),
                    subject_attempts: 1,
                };
                assert_eq!(presented.matches(&kept), at == 32);
            }
        });
    }
}
