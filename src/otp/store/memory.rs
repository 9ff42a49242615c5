//! Records in memory.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard};

use super::super::{OtpId, Subject, Verdict};
use super::rules::{Code, Standing};
use super::{Insertion, KEEP_EXPIRED, Policy, Presented, Record, Statistics, Store, Withdrawal};
use crate::error::{Error, OtpError, Result};
use crate::process::{self, Owner};
use crate::time::UnixTime;

/// Records in memory, for one process. A record is forgotten an hour after it expired, when another
/// is inserted; receipts stay until they are forgotten by name. A child that is forked has a copy, in which each code would be accepted once more: it is
/// refused there. Programs that fork use another store.
///
/// ```
/// let store = otls::otp::MemoryStore::default();
/// let ledger = otls::otp::Ledger::new(Box::new(store), otls::Secret::from(vec![7; 32]))?;
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Default)]
pub struct MemoryStore(Mutex<Memory>, Owner);

crate::shown::shown!(MemoryStore);

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
        let Memory { codes, subjects, by_expiry, .. } = &mut *memory;
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
        let Memory { codes, subjects, receipts, .. } = &mut *memory;
        let Some(code) = code_of(codes, id, presented.subject) else { return Ok(Verdict::Unknown) };
        let standing = subjects.entry(presented.subject.clone()).or_default();
        let verdict = code.judge(standing, presented);
        if verdict.is_accepted() {
            keep(receipts, id, presented.subject, presented.now, presented.receipt);
        }
        Ok(verdict)
    }

    fn cancel(&self, id: &OtpId, withdrawal: &Withdrawal<'_>) -> Result<Verdict> {
        let mut memory = self.lock()?;
        let Memory { codes, receipts, .. } = &mut *memory;
        let Some(code) = code_of(codes, id, withdrawal.subject) else { return Ok(Verdict::Unknown) };
        let verdict = code.cancel();
        if verdict == Verdict::Cancelled {
            keep(receipts, id, withdrawal.subject, withdrawal.now, withdrawal.receipt);
        }
        Ok(verdict)
    }

    fn receipt(&self, id: &OtpId, subject: &Subject) -> Result<Option<Vec<u8>>> {
        let memory = self.lock()?;
        let kept = memory.receipts.get(id).filter(|kept| kept.subject == *subject);
        Ok(kept.map(|kept| kept.octets.clone()))
    }

    fn forget_receipts(&self, time: UnixTime) -> Result<u64> {
        let mut memory = self.lock()?;
        let before = memory.receipts.len();
        memory.receipts.retain(|_, kept| kept.kept_at >= time);
        Ok(before.saturating_sub(memory.receipts.len()).try_into().unwrap_or(u64::MAX))
    }

    fn lock(&self, subject: &Subject) -> Result<()> {
        self.lock()?.subjects.entry(subject.clone()).or_default().locked = true;
        Ok(())
    }

    fn unlock(&self, subject: &Subject) -> Result<()> {
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
            let closed = |kept: &&Kept| kept.code.closed(&Standing::default(), u32::MAX, now) == verdict;
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
    subjects: HashMap<Subject, Standing>,
    receipts: HashMap<OtpId, KeptReceipt>,
}

struct Kept {
    subject: Subject,
    code: Code,
}

struct KeptReceipt {
    subject: Subject,
    kept_at: UnixTime,
    octets: Vec<u8>,
}

fn code_of<'a>(codes: &'a mut HashMap<OtpId, Kept>, id: &OtpId, subject: &Subject) -> Option<&'a mut Code> {
    codes.get_mut(id).filter(|kept| kept.subject == *subject).map(|kept| &mut kept.code)
}

/// The first receipt of a code stays.
fn keep(
    receipts: &mut HashMap<OtpId, KeptReceipt>,
    id: &OtpId,
    subject: &Subject,
    now: UnixTime,
    receipt: Option<&[u8]>,
) {
    if let Some(receipt) = receipt {
        let (subject, octets) = (subject.clone(), receipt.to_vec());
        receipts.entry(*id).or_insert(KeptReceipt { subject, kept_at: now, octets });
    }
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

    fn asha() -> Subject {
        Subject::new("asha").unwrap()
    }

    fn record(id: u8, expires_at: u64) -> Record {
        Record {
            id: OtpId([id; 16]),
            subject: asha(),
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
        let late = Record { issued_at: UnixTime(1002).plus(KEEP_EXPIRED), ..record(3, 9000) };
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
        let (asha, tags) = (asha(), [record(1, 0).tag]);
        let now = UnixTime(1000);
        let presented = Presented { subject: &asha, tags: &tags, now, subject_attempts: 100, receipt: None };
        let verdict = store.verify(&OtpId([1; 16]), &presented);
        assert!(matches!(verdict, Err(Error::Otp(OtpError::Store(_)))));
    }
}
