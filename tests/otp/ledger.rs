//! The ledger: each right code is accepted once, wrong ones are counted, nothing of a code is kept.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use otls::crypto::hash::HashAlgorithm;
use otls::crypto::hmac::HmacKey;
use otls::crypto::{Random, SystemRandom};
use otls::error::OtpError;
use otls::otp::{
    Amount, Attempt, Audit, CodeFormat, CodeRequest, Context, Event, Insertion, Issued, Ledger, MemoryStore,
    OtpId, Policy, Presented, Record, Statistics, Store, Subject, Transaction, Verdict, Withdrawal,
};
use otls::{Error, Secret, UnixTime};

const NOW: UnixTime = UnixTime(1_800_000_000);
const TTL: u64 = 120;

fn pepper(octet: u8) -> Secret {
    Secret::from(vec![octet; 32])
}

fn ledger() -> Ledger {
    Ledger::new(Box::new(MemoryStore::default()), pepper(7)).unwrap()
}

fn payment() -> Context {
    let context = Context::new().with("amount", "100000.00").unwrap();
    context.with("currency", "INR").unwrap().with("payee", "friend").unwrap()
}

fn issue(ledger: &Ledger, attempts: u32) -> Issued {
    ledger
        .issue(
            &CodeRequest::new("asha", &payment())
                .with_lifetime(Duration::from_secs(TTL))
                .with_attempts(attempts),
            NOW,
            &SystemRandom,
        )
        .unwrap()
}

fn verify(ledger: &Ledger, issued: &Issued, code: &str) -> Verdict {
    ledger.verify(&Attempt::new(&issued.id, "asha", &payment(), code), NOW).unwrap()
}

/// Another code of the same length.
fn wrong(issued: &Issued) -> String {
    issued.code.expose().chars().map(|digit| if digit == '0' { '1' } else { '0' }).collect()
}

#[test]
fn a_right_code_is_accepted_once() {
    let ledger = ledger();
    let issued = issue(&ledger, 3);
    assert_eq!(issued.code.expose().len(), 6);
    assert_eq!((issued.issued_at, issued.expires_at), (NOW, NOW.plus(Duration::from_secs(TTL))));
    assert_eq!(verify(&ledger, &issued, issued.code.expose()), Verdict::Accepted);
    assert_eq!(verify(&ledger, &issued, issued.code.expose()), Verdict::Used);
    assert_eq!(verify(&ledger, &issued, &wrong(&issued)), Verdict::Used);
}

#[test]
fn of_64_threads_with_the_right_code_exactly_one_is_accepted() {
    for _ in 0..20 {
        let ledger = ledger();
        let issued = issue(&ledger, 3);
        let (start, accepted, used) = (Barrier::new(64), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    start.wait();
                    let verdict = verify(&ledger, &issued, issued.code.expose());
                    accepted.fetch_add(usize::from(verdict == Verdict::Accepted), Ordering::Relaxed);
                    used.fetch_add(usize::from(verdict == Verdict::Used), Ordering::Relaxed);
                });
            }
        });
        assert_eq!((accepted.into_inner(), used.into_inner()), (1, 63));
    }
}

#[test]
fn wrong_codes_are_counted_and_then_even_the_right_one_is_locked_out() {
    let ledger = ledger();
    let issued = issue(&ledger, 3);
    for attempts_left in [2, 1, 0] {
        assert_eq!(verify(&ledger, &issued, &wrong(&issued)), Verdict::Wrong { attempts_left });
    }
    assert_eq!(verify(&ledger, &issued, &wrong(&issued)), Verdict::Locked);
    assert_eq!(verify(&ledger, &issued, issued.code.expose()), Verdict::Locked);
}

#[test]
fn the_last_attempt_may_be_right() {
    let ledger = ledger();
    let issued = issue(&ledger, 3);
    verify(&ledger, &issued, &wrong(&issued));
    verify(&ledger, &issued, &wrong(&issued));
    assert_eq!(verify(&ledger, &issued, issued.code.expose()), Verdict::Accepted);
}

#[test]
fn a_code_expires_with_the_second_that_it_names() {
    let ledger = ledger();
    let (early, late) = (issue(&ledger, 3), issue(&ledger, 3));
    let at = |issued: &Issued, now| {
        ledger.verify(&Attempt::new(&issued.id, "asha", &payment(), issued.code.expose()), now)
    };
    assert_eq!(at(&late, late.expires_at).unwrap(), Verdict::Expired);
    assert_eq!(at(&late, UnixTime(u64::MAX)).unwrap(), Verdict::Expired);
    assert_eq!(at(&early, early.expires_at.minus(Duration::from_secs(1))).unwrap(), Verdict::Accepted);
    assert_eq!(at(&early, early.expires_at).unwrap(), Verdict::Used);
}

#[test]
fn a_code_is_for_one_subject_and_one_transaction() {
    let ledger = ledger();
    let issued = issue(&ledger, 9);
    let code = issued.code.expose();
    let wrong = |left| Verdict::Wrong { attempts_left: left };
    let one_paisa_more = payment().with("amount", "100000.01").unwrap();
    let one_field_more = payment().with("note", "x").unwrap();
    assert_eq!(
        ledger.verify(&Attempt::new(&issued.id, "asha", &one_paisa_more, code), NOW).unwrap(),
        wrong(8)
    );
    assert_eq!(
        ledger.verify(&Attempt::new(&issued.id, "asha", &one_field_more, code), NOW).unwrap(),
        wrong(7)
    );
    assert_eq!(
        ledger.verify(&Attempt::new(&issued.id, "asha", &Context::new(), code), NOW).unwrap(),
        wrong(6)
    );
    // That is no wrong try of hers, and none of his.
    assert_eq!(
        ledger.verify(&Attempt::new(&issued.id, "ravi", &payment(), code), NOW).unwrap(),
        Verdict::Unknown
    );
    assert_eq!(
        ledger.verify(&Attempt::new(&issued.id, "asha", &Context::new(), code), NOW).unwrap(),
        wrong(5)
    );
    assert_eq!(
        ledger.verify(&Attempt::new(&OtpId([0; 16]), "asha", &payment(), code), NOW).unwrap(),
        Verdict::Unknown
    );
    assert_eq!(verify(&ledger, &issued, code), Verdict::Accepted);
}

#[test]
fn one_changed_paisa_payee_currency_or_purpose_is_refused_and_five_wrong_tries_lock() {
    let ledger = ledger();
    let transfer = |amount, currency, payee, purpose: &str| Transaction {
        purpose: purpose.to_owned(),
        amount: Some(Amount::new(amount, currency).unwrap()),
        payee: Some(payee),
        template: "The code to transfer {amount} to {payee} is {code}.".to_owned(),
        ..Transaction::default()
    };
    let context = |amount, currency, payee: &str, purpose| {
        transfer(amount, currency, payee.to_owned(), purpose).context().unwrap()
    };
    let meant = context(10_000_000, "INR", "friend", "transfer");
    let issued = ledger
        .issue(
            &CodeRequest::new("asha", &meant).with_lifetime(Duration::from_secs(TTL)).with_attempts(5),
            NOW,
            &SystemRandom,
        )
        .unwrap();
    let present = |subject, context: &Context| {
        ledger.verify(&Attempt::new(&issued.id, subject, context, issued.code.expose()), NOW).unwrap()
    };
    let others = [
        ("asha", context(10_000_001, "INR", "friend", "transfer")),
        ("asha", context(10_000_000, "NPR", "friend", "transfer")),
        ("asha", context(10_000_000, "INR", "fiend", "transfer")),
        ("asha", context(10_000_000, "INR", "friend", "gift")),
        ("asha", context(10_000_000, "INR", "friend", "transfer.")),
    ];
    assert_eq!(present("ravi", &meant), Verdict::Unknown, "and no wrong try");
    for ((subject, context), attempts_left) in others.iter().zip([4, 3, 2, 1, 0]) {
        assert_eq!(present(subject, context), Verdict::Wrong { attempts_left });
    }
    assert_eq!(present("asha", &meant), Verdict::Locked);
}

#[test]
fn a_code_of_one_transaction_is_not_good_for_another() {
    let ledger = ledger();
    let (one, other) = (issue(&ledger, 3), issue(&ledger, 3));
    if one.code.expose() != other.code.expose() {
        assert_eq!(verify(&ledger, &one, other.code.expose()), Verdict::Wrong { attempts_left: 2 });
    }
    assert_ne!(one.id, other.id);
}

#[test]
fn any_text_is_only_a_wrong_code() {
    let ledger = ledger();
    let issued = issue(&ledger, 1000);
    let long = "9".repeat(1 << 20);
    let padded = format!(" {}", issued.code.expose());
    let longer = format!("{}0", issued.code.expose());
    for code in ["", "0", "é", "\0\0\0\0\0\0", "-00001", &issued.code.expose()[..5], &padded, &longer, &long]
    {
        assert!(matches!(verify(&ledger, &issued, code), Verdict::Wrong { .. }), "{code:.20}");
    }
}

#[test]
fn a_new_code_does_not_start_the_subjects_count_again() {
    let ledger = ledger();
    let last = issue(&ledger, 3);
    for round in 0..Policy::default().subject_attempts / 2 {
        // Each in a window of its own.
        let now = NOW.minus(Duration::from_secs(u64::from(round + 1) * 600));
        let issued = ledger
            .issue(
                &CodeRequest::new("asha", &payment())
                    .with_lifetime(Duration::from_secs(1 << 20))
                    .with_attempts(2),
                now,
                &SystemRandom,
            )
            .unwrap();
        verify(&ledger, &issued, &wrong(&issued));
        verify(&ledger, &issued, &wrong(&issued));
    }
    assert_eq!(verify(&ledger, &last, last.code.expose()), Verdict::Locked);
    let refused = ledger
        .issue(
            &CodeRequest::new("asha", &payment()).with_lifetime(Duration::from_secs(TTL)),
            NOW,
            &SystemRandom,
        )
        .map(drop);
    assert_eq!(refused, Err(OtpError::SubjectLocked.into()));
    let other = ledger
        .issue(
            &CodeRequest::new("ravi", &payment()).with_lifetime(Duration::from_secs(TTL)),
            NOW,
            &SystemRandom,
        )
        .unwrap();
    let verdict =
        ledger.verify(&Attempt::new(&other.id, "ravi", &payment(), other.code.expose()), NOW).unwrap();
    assert_eq!(verdict, Verdict::Accepted, "another subject is not concerned");

    ledger.unlock("asha", NOW).unwrap();
    assert_eq!(verify(&ledger, &last, last.code.expose()), Verdict::Accepted);
}

#[test]
fn what_cannot_be_issued_is_refused() {
    let ledger = ledger();
    let issue = |subject: &str, ttl, attempts| {
        ledger
            .issue(
                &CodeRequest::new(subject, &payment())
                    .with_lifetime(Duration::from_secs(ttl))
                    .with_attempts(attempts),
                NOW,
                &SystemRandom,
            )
            .map(|_| ())
    };
    for refused in [
        issue("", TTL, 3),
        issue(&"x".repeat(256), TTL, 3),
        issue("as\0ha", TTL, 3),
        issue("asha", 0, 3),
        issue("asha", TTL, 0),
    ] {
        assert!(matches!(refused, Err(Error::ApiMisuse(_))));
    }
    assert!(issue("asha", u64::MAX, u32::MAX).is_ok());
    for len in [0, 31] {
        let short = Ledger::new(Box::new(MemoryStore::default()), Secret::from(vec![1; len]));
        assert!(matches!(short, Err(Error::ApiMisuse(_))));
    }
}

/// One bound for all: what one call took and another could not hold has stopped a bank.
#[test]
fn a_subject_that_is_none_is_refused_by_every_call_alike() {
    let ledger = ledger();
    let issued = issue(&ledger, 3);
    let (id, code) = (&issued.id, issued.code.expose());
    for bad in ["", &"x".repeat(256), &"x".repeat(5000), "as\0ha", "as\nha", "as\u{85}ha", "as\u{2028}ha"] {
        let calls = [
            ledger
                .issue(
                    &CodeRequest::new(bad, &payment()).with_lifetime(Duration::from_secs(TTL)),
                    NOW,
                    &SystemRandom,
                )
                .map(drop),
            ledger
                .resend(
                    id,
                    &CodeRequest::new(bad, &payment()).with_lifetime(Duration::from_secs(TTL)),
                    NOW,
                    &SystemRandom,
                )
                .map(drop),
            ledger.verify(&Attempt::new(id, bad, &payment(), code), NOW).map(drop),
            ledger.cancel(id, bad, NOW).map(drop),
            ledger.receipt(id, bad).map(drop),
            ledger.lock(bad, NOW),
            ledger.unlock(bad, NOW),
        ];
        for (at, refused) in calls.into_iter().enumerate() {
            assert!(
                matches!(refused, Err(Error::ApiMisuse(_))),
                "call {at}, {} octets: {refused:?}",
                bad.len()
            );
        }
    }
    let longest = "x".repeat(255);
    ledger.lock(&longest, NOW).unwrap();
    ledger.unlock(&longest, NOW).unwrap();
    assert_eq!(verify(&ledger, &issued, code), Verdict::Accepted);
}

#[test]
fn a_random_source_that_fails_issues_nothing() {
    struct Broken;
    impl Random for Broken {
        fn fill(&self, _out: &mut [u8]) -> otls::Result<()> {
            Err(Error::Random)
        }
    }
    let issued = ledger().issue(
        &CodeRequest::new("asha", &payment()).with_lifetime(Duration::from_secs(TTL)),
        NOW,
        &Broken,
    );
    assert_eq!(issued.err(), Some(Error::Random));
}

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
    assert!(
        ledger
            .issue(
                &CodeRequest::new("asha", &payment()).with_lifetime(Duration::from_secs(TTL)),
                NOW,
                &SystemRandom
            )
            .is_err()
    );
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
    assert_eq!(
        ledger
            .issue(
                &CodeRequest::new("asha", &payment()).with_lifetime(Duration::from_secs(TTL)),
                NOW,
                &SystemRandom
            )
            .map(drop),
        down()
    );
    assert_eq!(
        ledger
            .resend(
                &id,
                &CodeRequest::new("asha", &payment()).with_lifetime(Duration::from_secs(TTL)),
                NOW,
                &SystemRandom
            )
            .map(drop),
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
        ledger
            .issue(
                &CodeRequest::new(subject, &payment()).with_lifetime(Duration::from_secs(TTL)),
                NOW,
                &SystemRandom,
            )
            .map(|issued| issued.id)
    };
    let first = issue("asha").unwrap();
    assert_eq!(issue("asha"), Err(OtpError::Throttled(NOW.0 + 600).into()));
    ledger.lock("ravi", NOW).unwrap();
    assert_eq!(issue("ravi"), Err(OtpError::SubjectLocked.into()));
    let resend = |id: &OtpId, now| {
        ledger
            .resend(
                id,
                &CodeRequest::new("asha", &payment()).with_lifetime(Duration::from_secs(TTL)),
                now,
                &SystemRandom,
            )
            .map(|issued| issued.id)
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
    let lower = issued.code.expose().to_lowercase();
    if lower != issued.code.expose() {
        assert_eq!(verify(&ledger, &issued, &lower), Verdict::Wrong { attempts_left: 2 });
    }
    assert_eq!(verify(&ledger, &issued, issued.code.expose()), Verdict::Accepted);
}
