//! What a ledger is set up with: its store, peppers, audit, policy and format.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::crypto::hmac::HmacKey;
use otls::error::OtpError;
use otls::otp::{
    Attempt, Audit, CodeFormat, CodeRequest, Event, Insertion, Ledger, MemoryStore, OtpId, Policy, Presented,
    Record, Statistics, Store, Subject, Verdict, Withdrawal,
};
use otls::{Error, Secret, UnixTime};

use crate::ledger::{NOW, issue, ledger, payment, pepper, verify};

/// Shares a store, and remembers what was inserted.
#[derive(Default)]
struct Shared {
    store: MemoryStore,
    records: Mutex<Vec<Record>>,
}

impl Store for Shared {
    fn insert(&self, record: &Record, replaces: Option<&OtpId>, policy: &Policy) -> otls::Result<Insertion> {
        self.records.lock().unwrap().push(record.clone());
        self.store.insert(record, replaces, policy)
    }

    fn verify(&self, id: &OtpId, presented: &Presented<'_>) -> otls::Result<Verdict> {
        self.store.verify(id, presented)
    }

    fn cancel(&self, id: &OtpId, withdrawal: &Withdrawal<'_>) -> otls::Result<Verdict> {
        self.store.cancel(id, withdrawal)
    }

    fn receipt(&self, id: &OtpId, subject: &Subject) -> otls::Result<Option<Vec<u8>>> {
        self.store.receipt(id, subject)
    }

    fn forget_receipts(&self, time: UnixTime) -> otls::Result<u64> {
        self.store.forget_receipts(time)
    }

    fn lock(&self, subject: &Subject) -> otls::Result<()> {
        self.store.lock(subject)
    }

    fn unlock(&self, subject: &Subject) -> otls::Result<()> {
        self.store.unlock(subject)
    }

    fn forget(&self, time: UnixTime) -> otls::Result<u64> {
        self.store.forget(time)
    }

    fn statistics(&self, now: UnixTime) -> otls::Result<Statistics> {
        self.store.statistics(now)
    }
}

#[test]
fn the_store_gets_a_keyed_hash_as_documented_and_no_code() {
    let shared = Arc::new(Shared::default());
    let ledger = Ledger::new(Box::new(Arc::clone(&shared)), pepper(7)).unwrap();
    let issued = issue(&ledger, 3);
    let record = shared.records.lock().unwrap()[0].clone();

    let key = HmacKey::new(HashAlgorithm::Sha256, &[7; 32]);
    let field = |octets: &[u8]| [&u64::try_from(octets.len()).unwrap().to_be_bytes()[..], octets].concat();
    let fields = [
        b"otls-otp code 1\0".to_vec(),
        field(&issued.id.0),
        field(b"asha"),
        field(&payment().encode()),
        field(issued.code.expose().as_bytes()),
    ];
    assert_eq!(record.tag.mac, key.sign(&[&fields.concat()]).as_ref());
    assert_eq!(record.tag.pepper_id, key.sign(&[b"otls-otp pepper 1\0"]).as_ref()[..8]);
    assert!(!format!("{record:?}").contains(issued.code.expose()));
}

#[test]
fn a_replaced_pepper_still_verifies_and_an_unknown_one_does_not() {
    let shared = Arc::new(Shared::default());
    let handle = || Box::new(Arc::clone(&shared));
    let issued = issue(&Ledger::new(handle(), pepper(1)).unwrap(), 3);
    let code = issued.code.expose();

    let other = Ledger::new(handle(), pepper(2)).unwrap();
    assert_eq!(verify(&other, &issued, code), Verdict::Wrong { attempts_left: 2 });
    let mut rotated = Ledger::new(handle(), pepper(2)).unwrap();
    rotated.add_former_pepper(&pepper(1)).unwrap();
    assert!(matches!(rotated.add_former_pepper(&Secret::from(vec![1; 31])), Err(Error::ApiMisuse(_))));
    let new = issue(&rotated, 3);
    assert_eq!(verify(&rotated, &issued, code), Verdict::Accepted);
    assert_eq!(verify(&rotated, &new, new.code.expose()), Verdict::Accepted);
}

/// The names of events.
struct Names(Arc<Mutex<Vec<&'static str>>>);

impl Audit for Names {
    fn record(&self, event: &Event<'_>) -> otls::Result<u64> {
        let mut names = self.0.lock().unwrap();
        names.push(event.kind.name());
        Ok(u64::try_from(names.len()).unwrap())
    }
}

#[test]
fn an_auditor_reads_whether_a_code_was_issued() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let ledger = ledger().with_audit(Box::new(Names(Arc::clone(&events))));
    issue(&ledger, 3);
    ledger.lock("asha", NOW).unwrap();
    assert!(ledger.issue(&CodeRequest::new("asha", &payment()), NOW, &SystemRandom).is_err());
    assert_eq!(*events.lock().unwrap(), ["issue", "issued", "lock", "locked", "issue", "refused"]);
}

#[test]
fn only_a_store_that_ends_with_the_program_draws_its_own_pepper() {
    let memory = otls_stores::open_ledger("memory:", None).unwrap();
    let issued = issue(&memory, 1);
    assert_eq!(verify(&memory, &issued, issued.code.expose()), Verdict::Accepted);
    for address in ["sqlite:///nowhere/otp.db", "redis://127.0.0.1/0", "postgresql://127.0.0.1/otp"] {
        let refused = otls_stores::open_ledger(address, None).err();
        let Some(Error::ApiMisuse(misuse)) = refused else { panic!("{address}: {refused:?}") };
        assert!(misuse.what.contains("without a pepper"), "{address}: {misuse:?}");
    }
}

#[test]
fn a_store_that_fails_accepts_nothing() {
    struct Down;
    fn down<T>() -> otls::Result<T> {
        Err(OtpError::Store("down".to_owned()).into())
    }
    impl Store for Down {
        fn insert(&self, _: &Record, _: Option<&OtpId>, _: &Policy) -> otls::Result<Insertion> {
            down()
        }
        fn verify(&self, _: &OtpId, _: &Presented<'_>) -> otls::Result<Verdict> {
            down()
        }
        fn cancel(&self, _: &OtpId, _: &Withdrawal<'_>) -> otls::Result<Verdict> {
            down()
        }
        fn receipt(&self, _: &OtpId, _: &Subject) -> otls::Result<Option<Vec<u8>>> {
            down()
        }
        fn forget_receipts(&self, _: UnixTime) -> otls::Result<u64> {
            down()
        }
        fn lock(&self, _: &Subject) -> otls::Result<()> {
            down()
        }
        fn unlock(&self, _: &Subject) -> otls::Result<()> {
            down()
        }
        fn forget(&self, _: UnixTime) -> otls::Result<u64> {
            down()
        }
        fn statistics(&self, _: UnixTime) -> otls::Result<Statistics> {
            down()
        }
    }
    let events = Arc::new(Mutex::new(Vec::new()));
    let ledger =
        Ledger::new(Box::new(Down), pepper(7)).unwrap().with_audit(Box::new(Names(Arc::clone(&events))));
    let id = OtpId([0; 16]);
    assert_eq!(ledger.issue(&CodeRequest::new("asha", &payment()), NOW, &SystemRandom).map(drop), down());
    assert_eq!(
        ledger.resend(&id, &CodeRequest::new("asha", &payment()), NOW, &SystemRandom).map(drop),
        down()
    );
    assert_eq!(ledger.verify(&Attempt::new(&id, "asha", &payment(), "256345"), NOW).map(drop), down());
    assert_eq!(ledger.cancel(&id, "asha", NOW).map(drop), down());
    assert_eq!(ledger.receipt(&id, "asha").map(drop), down());
    assert_eq!(ledger.forget_receipts(NOW, NOW), down());
    assert_eq!((ledger.lock("asha", NOW), ledger.unlock("asha", NOW)), (down(), down()));
    assert_eq!((ledger.expire(NOW), ledger.statistics(NOW).map(|_| 0)), (down(), down()));
    // What was asked is recorded, and that nobody knows whether it was done.
    let events = events.lock().unwrap();
    assert_eq!(events[..4], ["issue", "failed", "resend", "failed"]);
    assert!(events.chunks(2).all(|call| call[1] == "failed"), "{events:?}");
}

#[test]
fn what_a_subject_may_not_have_is_an_error_of_its_own() {
    let ledger = ledger().with_policy(Policy { issues: 1, ..Policy::default() }).unwrap();
    let issue = |subject: &str| {
        ledger.issue(&CodeRequest::new(subject, &payment()), NOW, &SystemRandom).map(|issued| issued.id)
    };
    let first = issue("asha").unwrap();
    assert_eq!(issue("asha"), Err(OtpError::Throttled(NOW.0 + 600).into()));
    ledger.lock("ravi", NOW).unwrap();
    assert_eq!(issue("ravi"), Err(OtpError::SubjectLocked.into()));
    let resend = |id: &OtpId, now| {
        ledger.resend(id, &CodeRequest::new("asha", &payment()), now, &SystemRandom).map(|issued| issued.id)
    };
    assert_eq!(
        resend(&first, NOW.plus(Duration::from_secs(600))),
        Err(OtpError::NotOpen("has expired").into())
    );
    assert_eq!(
        resend(&OtpId([9; 16]), NOW.plus(Duration::from_secs(600))),
        Err(OtpError::NotOpen("is unknown").into())
    );
    assert_eq!(ledger.cancel(&first, "ravi", NOW), Ok(Verdict::Unknown));
    assert_eq!(ledger.cancel(&first, "asha", NOW), Ok(Verdict::Cancelled));
    assert_eq!(
        resend(&first, NOW.plus(Duration::from_secs(600))),
        Err(OtpError::NotOpen("was cancelled").into())
    );
}

#[test]
fn policies_that_mean_nothing_are_refused() {
    let policy = Policy::default();
    for policy in [
        Policy { subject_attempts: 0, ..policy },
        Policy { subject_attempts: 101, ..policy },
        Policy { issues: 0, ..policy },
        Policy { window: Duration::ZERO, ..policy },
    ] {
        assert!(matches!(ledger().with_policy(policy), Err(Error::ApiMisuse(_))), "{policy:?}");
    }
}

#[test]
fn codes_of_another_alphabet_are_issued_and_verified() {
    let ledger = ledger().with_code_format(CodeFormat::of("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 8).unwrap());
    let issued = issue(&ledger, 3);
    assert_eq!(issued.code.expose().len(), 8);
    assert_eq!(verify(&ledger, &issued, issued.code.expose()), Verdict::Accepted);
}
