//! Where records of codes live: what a store promises, and the one in memory.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard};

use super::{OtpId, Verdict};
use crate::error::{OtpError, Result};
use crate::secret::ct_eq;
use crate::time::UnixTime;

/// Where records live. All calls are atomic and fail closed: on an error nothing was accepted.
///
/// A store keeps, beside each [`Record`], how many wrong codes it saw and whether it was accepted,
/// and for each subject the wrong codes since the last accepted one, over all its records.
///
/// ```
/// use otls::otp::{MemoryStore, OtpId, Presented, Store, Verdict};
///
/// let store = MemoryStore::default();
/// let nothing = Presented { tags: &[], now: otls::UnixTime(0), subject_attempts: 100 };
/// assert_eq!(store.verify(&OtpId([0; 16]), &nothing)?, Verdict::Unknown);
/// # Ok::<(), otls::Error>(())
/// ```
pub trait Store: Send + Sync {
    /// Keeps a new record.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`], also for an identifier that is there already.
    fn insert(&self, record: Record) -> Result<()>;

    /// Judges what was presented for `id` in one atomic step, and records the outcome: of any number
    /// of callers with the right tag exactly one gets [`Verdict::Accepted`].
    ///
    /// In this order: no record, [`Verdict::Unknown`]; accepted before, [`Verdict::Used`]; too many
    /// wrong codes for the record or its subject, [`Verdict::Locked`]; `now` at or after
    /// `expires_at`, [`Verdict::Expired`]; then the tags are compared in constant time. Only a wrong
    /// tag counts as a failure.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`].
    fn verify(&self, id: &OtpId, presented: &Presented<'_>) -> Result<Verdict>;

    /// Starts the count of a subject's wrong codes again; codes that are locked stay so.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`].
    fn unlock(&self, subject: &str) -> Result<()>;
}

/// What a store keeps of a code; see [`Ledger`](super::Ledger), which makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which code.
    pub id: OtpId,
    /// Whom it is for.
    pub subject: String,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Which pepper: it tells peppers apart and does not reveal them.
    pub pepper_id: [u8; 8],
    /// HMAC-SHA-256(pepper, id ‖ subject ‖ context ‖ code), each with its length (docs/PROTOCOL.md).
    pub mac: [u8; 32],
}

/// What somebody presents for a code; see [`Store`].
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// The tag under each pepper that is in use; the record's pepper says which one counts.
    pub tags: &'a [Tag],
    /// The time.
    pub now: UnixTime,
    /// So many wrong codes in a row are tolerated of the record's subject, over all its codes.
    pub subject_attempts: u32,
}

impl Presented<'_> {
    fn matches(&self, tag: &Tag) -> bool {
        self.tags.iter().any(|other| other.pepper_id == tag.pepper_id && ct_eq(&other.mac, &tag.mac))
    }
}

/// Records in memory, for one process. A record is forgotten [`MemoryStore::KEEP_EXPIRED`] seconds
/// after it expired, when another is inserted.
///
/// ```
/// let store = otls::otp::MemoryStore::default();
/// let ledger = otls::otp::Ledger::new(Box::new(store), otls::Secret::from(vec![7; 32]))?;
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Default)]
pub struct MemoryStore(Mutex<Memory>);

impl MemoryStore {
    /// Seconds for which an expired record still answers "expired" or "used" and not "unknown".
    pub const KEEP_EXPIRED: u64 = 3600;

    // A thread that panicked while it held the lock may have left half an outcome: fail closed.
    fn lock(&self) -> Result<MutexGuard<'_, Memory>> {
        self.0.lock().map_err(|_| OtpError::Store("an earlier call panicked".to_owned()).into())
    }
}

impl Store for MemoryStore {
    fn insert(&self, record: Record) -> Result<()> {
        let mut memory = self.lock()?;
        memory.forget_expired_before(record.issued_at.minus(Self::KEEP_EXPIRED));
        if memory.kept.contains_key(&record.id) {
            return Err(OtpError::Store("the identifier is there already".to_owned()).into());
        }
        memory.by_expiry.insert((record.expires_at, record.id));
        memory.kept.insert(record.id, Kept { record, failures: 0, used: false });
        Ok(())
    }

    fn verify(&self, id: &OtpId, presented: &Presented<'_>) -> Result<Verdict> {
        let mut memory = self.lock()?;
        let Memory { kept, failures: subjects, .. } = &mut *memory;
        let Some(kept) = kept.get_mut(id) else { return Ok(Verdict::Unknown) };
        let subject_failures = subjects.get(&kept.record.subject).copied().unwrap_or_default();
        if kept.used {
            return Ok(Verdict::Used);
        }
        if kept.failures >= kept.record.attempts || subject_failures >= presented.subject_attempts {
            return Ok(Verdict::Locked);
        }
        if presented.now >= kept.record.expires_at {
            return Ok(Verdict::Expired);
        }
        if presented.matches(&kept.record.tag) {
            kept.used = true;
            subjects.remove(&kept.record.subject);
            return Ok(Verdict::Accepted);
        }
        kept.failures = kept.failures.saturating_add(1);
        let subject_failures = subject_failures.saturating_add(1);
        subjects.insert(kept.record.subject.clone(), subject_failures);
        let left = kept.record.attempts.saturating_sub(kept.failures);
        let attempts_left = left.min(presented.subject_attempts.saturating_sub(subject_failures));
        Ok(Verdict::Wrong { attempts_left })
    }

    fn unlock(&self, subject: &str) -> Result<()> {
        self.lock()?.failures.remove(subject);
        Ok(())
    }
}

#[derive(Default)]
struct Memory {
    kept: HashMap<OtpId, Kept>,
    by_expiry: BTreeSet<(UnixTime, OtpId)>,
    /// Wrong codes in a row, by subject; those without are left out.
    failures: HashMap<String, u32>,
}

struct Kept {
    record: Record,
    failures: u32,
    used: bool,
}

impl Memory {
    fn forget_expired_before(&mut self, time: UnixTime) {
        while let Some((_, id)) = self.by_expiry.first().copied().filter(|(expiry, _)| *expiry < time) {
            self.by_expiry.pop_first();
            self.kept.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: u8, expires_at: u64) -> Record {
        Record {
            id: OtpId([id; 16]),
            subject: "asha".to_owned(),
            tag: Tag { pepper_id: [1; 8], mac: [id; 32] },
            issued_at: UnixTime(1000),
            expires_at: UnixTime(expires_at),
            attempts: 3,
        }
    }

    fn present(store: &MemoryStore, id: u8, tag: Tag, subject_attempts: u32) -> Verdict {
        let presented = Presented { tags: &[tag], now: UnixTime(1000), subject_attempts };
        store.verify(&OtpId([id; 16]), &presented).unwrap()
    }

    #[test]
    fn a_tag_of_another_pepper_is_wrong_even_if_its_mac_is_right() {
        let store = MemoryStore::default();
        store.insert(record(1, 2000)).unwrap();
        let tag = Tag { pepper_id: [2; 8], mac: [1; 32] };
        assert_eq!(present(&store, 1, tag, 100), Verdict::Wrong { attempts_left: 2 });
    }

    #[test]
    fn an_identifier_is_taken_once() {
        let store = MemoryStore::default();
        store.insert(record(1, 2000)).unwrap();
        assert!(matches!(store.insert(record(1, 2000)), Err(crate::Error::Otp(OtpError::Store(_)))));
    }

    #[test]
    fn failures_of_a_subject_outlive_a_code_and_end_with_an_accepted_one() {
        let store = MemoryStore::default();
        for id in 1..=3 {
            store.insert(record(id, 2000)).unwrap();
        }
        let wrong = Tag { pepper_id: [1; 8], mac: [99; 32] };
        assert_eq!(present(&store, 1, wrong, 4), Verdict::Wrong { attempts_left: 2 });
        assert_eq!(present(&store, 1, wrong, 4), Verdict::Wrong { attempts_left: 1 });
        // A new code of the same subject: two of four are gone already.
        assert_eq!(present(&store, 2, wrong, 4), Verdict::Wrong { attempts_left: 1 });
        assert_eq!(present(&store, 2, record(2, 0).tag, 4), Verdict::Accepted);
        assert_eq!(present(&store, 3, wrong, 1), Verdict::Wrong { attempts_left: 0 });
        assert_eq!(present(&store, 3, record(3, 0).tag, 1), Verdict::Locked);
        store.unlock("asha").unwrap();
        assert_eq!(present(&store, 3, record(3, 0).tag, 1), Verdict::Accepted);
    }

    #[test]
    fn long_expired_records_are_forgotten_and_others_kept() {
        let store = MemoryStore::default();
        store.insert(record(1, 1001)).unwrap();
        store.insert(record(2, 9000)).unwrap();
        let late = Record { issued_at: UnixTime(1002 + MemoryStore::KEEP_EXPIRED), ..record(3, 9000) };
        store.insert(late).unwrap();
        assert_eq!(present(&store, 1, record(1, 0).tag, 100), Verdict::Unknown);
        assert_eq!(present(&store, 2, record(2, 0).tag, 100), Verdict::Accepted);
        assert_eq!(store.0.lock().unwrap().by_expiry.len(), 2);
    }

    #[test]
    fn a_store_that_saw_a_panic_accepts_nothing() {
        let store = MemoryStore::default();
        store.insert(record(1, 2000)).unwrap();
        std::thread::scope(|scope| {
            let panicked = scope.spawn(|| {
                let _guard = store.0.lock();
                panic!("on purpose");
            });
            assert!(panicked.join().is_err());
        });
        let presented = Presented { tags: &[record(1, 0).tag], now: UnixTime(1000), subject_attempts: 100 };
        let verdict = store.verify(&OtpId([1; 16]), &presented);
        assert!(matches!(verdict, Err(crate::Error::Otp(OtpError::Store(_)))));
    }
}
