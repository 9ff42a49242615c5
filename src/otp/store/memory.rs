//! Records in memory.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard};

use super::super::{OtpId, Verdict};
use super::rules::{Code, Subject};
use super::{Insertion, KEEP_EXPIRED, Policy, Presented, Record, Statistics, Store};
use crate::error::{Error, OtpError, Result};
use crate::process::{self, Owner};
use crate::time::UnixTime;

/// Records in memory, for one process. A record is forgotten an hour after it expired, when another
/// is inserted. A child that is forked has a copy, in which each code would be accepted once more: it is
/// refused there. Programs that fork use another store.
///
/// ```
/// let store = otls::otp::MemoryStore::default();
/// let ledger = otls::otp::Ledger::new(Box::new(store), otls::Secret::from(vec![7; 32]))?;
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Default)]
pub struct MemoryStore(Mutex<Memory>, Owner);

impl MemoryStore {
    // A thread that panicked while it held the lock may have left half an outcome: fail closed.
    fn lock(&self) -> Result<MutexGuard<'_, Memory>> {
        if !self.1.is_here() {
            return Err(Error::misuse(
                "codes in memory, in a process that was forked from theirs",
                "open the ledger after fork(), or one on sqlite:, redis: or postgresql:",
            ));
        }
        process::lock(&self.0)?.map_err(|_| OtpError::Store("an earlier call panicked".to_owned()).into())
    }
}

impl Store for MemoryStore {
    fn insert(&self, record: &Record, replaces: Option<&OtpId>, policy: &Policy) -> Result<Insertion> {
        let mut memory = self.lock()?;
        memory.forget_expired_before(record.issued_at.minus(KEEP_EXPIRED));
        if memory.codes.contains_key(&record.id) {
            return Err(OtpError::Store("the identifier is there already".to_owned()).into());
        }
        let Memory { codes, subjects, by_expiry } = &mut *memory;
        let subject = subjects.get(&record.subject).copied().unwrap_or_default();
        let replaced = replaces.map(|id| codes.get_mut(id).filter(|old| old.subject == record.subject));
        let old = replaced.as_ref().map(|old| old.as_ref().map(|old| &old.code));
        let (code, subject) = match Code::admit(record, old, &subject, policy) {
            Ok(admitted) => admitted,
            Err(refused) => return Ok(refused),
        };
        if let Some(Some(old)) = replaced {
            old.code.cancel();
        }
        subjects.insert(record.subject.clone(), subject);
        by_expiry.insert((record.expires_at, record.id));
        codes.insert(record.id, Kept { subject: record.subject.clone(), code });
        Ok(Insertion::Kept)
    }

    fn verify(&self, id: &OtpId, presented: &Presented<'_>) -> Result<Verdict> {
        let mut memory = self.lock()?;
        let Memory { codes, subjects, .. } = &mut *memory;
        let Some(kept) = codes.get_mut(id) else { return Ok(Verdict::Unknown) };
        let subject = subjects.entry(kept.subject.clone()).or_default();
        Ok(kept.code.judge(subject, presented))
    }

    fn cancel(&self, id: &OtpId) -> Result<Verdict> {
        let mut memory = self.lock()?;
        Ok(memory.codes.get_mut(id).map_or(Verdict::Unknown, |kept| kept.code.cancel()))
    }

    fn lock(&self, subject: &str) -> Result<()> {
        self.lock()?.subjects.entry(subject.to_owned()).or_default().locked = true;
        Ok(())
    }

    fn unlock(&self, subject: &str) -> Result<()> {
        if let Some(subject) = self.lock()?.subjects.get_mut(subject) {
            (subject.locked, subject.failures) = (false, 0);
        }
        Ok(())
    }

    fn forget(&self, time: UnixTime) -> Result<u64> {
        Ok(self.lock()?.forget_expired_before(time))
    }

    fn statistics(&self, now: UnixTime) -> Result<Statistics> {
        let memory = self.lock()?;
        let count = |verdict| {
            // What a subject may do is not asked here: 0 wrong codes of as many as there are.
            let closed = |kept: &&Kept| kept.code.closed(&Subject::default(), u32::MAX, now) == verdict;
            memory.codes.values().filter(closed).count().try_into().unwrap_or(u64::MAX)
        };
        let locked_subjects = memory.subjects.values().filter(|subject| subject.locked).count();
        Ok(Statistics {
            open: count(None),
            used: count(Some(Verdict::Used)),
            cancelled: count(Some(Verdict::Cancelled)),
            locked: count(Some(Verdict::Locked)),
            expired: count(Some(Verdict::Expired)),
            locked_subjects: locked_subjects.try_into().unwrap_or(u64::MAX),
        })
    }
}

#[derive(Default)]
struct Memory {
    codes: HashMap<OtpId, Kept>,
    by_expiry: BTreeSet<(UnixTime, OtpId)>,
    subjects: HashMap<String, Subject>,
}

struct Kept {
    subject: String,
    code: Code,
}

impl Memory {
    fn forget_expired_before(&mut self, time: UnixTime) -> u64 {
        let mut forgotten: u64 = 0;
        while let Some((_, id)) = self.by_expiry.first().copied().filter(|(expiry, _)| *expiry < time) {
            self.by_expiry.pop_first();
            self.codes.remove(&id);
            forgotten = forgotten.saturating_add(1);
        }
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tag;
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

    #[test]
    fn long_expired_records_are_forgotten_and_others_kept() {
        let (store, policy) = (MemoryStore::default(), Policy::default());
        store.insert(&record(1, 1001), None, &policy).unwrap();
        store.insert(&record(2, 9000), None, &policy).unwrap();
        let late = Record { issued_at: UnixTime(1002 + KEEP_EXPIRED), ..record(3, 9000) };
        store.insert(&late, None, &policy).unwrap();
        let memory = store.0.lock().unwrap();
        assert_eq!((memory.codes.len(), memory.by_expiry.len()), (2, 2));
        assert!(!memory.codes.contains_key(&OtpId([1; 16])));
    }

    #[test]
    fn a_store_that_saw_a_panic_accepts_nothing() {
        let store = MemoryStore::default();
        store.insert(&record(1, 2000), None, &Policy::default()).unwrap();
        std::thread::scope(|scope| {
            let panicked = scope.spawn(|| {
                let _guard = store.0.lock();
                panic!("on purpose");
            });
            assert!(panicked.join().is_err());
        });
        let presented = Presented { tags: &[record(1, 0).tag], now: UnixTime(1000), subject_attempts: 100 };
        let verdict = store.verify(&OtpId([1; 16]), &presented);
        assert!(matches!(verdict, Err(Error::Otp(OtpError::Store(_)))));
    }
}
