//! The ledger: each right code is accepted once, wrong ones are counted, nothing of a code is kept.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use otls::crypto::{Random, SystemRandom};
use otls::error::OtpError;
use otls::otp::{
    Amount, Attempt, CodeRequest, Context, Issued, Ledger, MemoryStore, OtpId, Policy, Transaction, Verdict,
};
use otls::{Error, Secret, UnixTime};

pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);
const TTL: u64 = 120;

pub(crate) fn pepper(octet: u8) -> Secret {
    Secret::from(vec![octet; 32])
}

pub(crate) fn ledger() -> Ledger {
    Ledger::new(Box::new(MemoryStore::default()), pepper(7)).unwrap()
}

pub(crate) fn payment() -> Context {
    let context = Context::new().with("amount", "100000.00").unwrap();
    context.with("currency", "INR").unwrap().with("payee", "friend").unwrap()
}

pub(crate) fn issue(ledger: &Ledger, attempts: u32) -> Issued {
    ledger.issue(&CodeRequest::new("asha", &payment()).with_attempts(attempts), NOW, &SystemRandom).unwrap()
}

pub(crate) fn verify(ledger: &Ledger, issued: &Issued, code: &str) -> Verdict {
    ledger.verify(&Attempt::new(&issued.id, "asha", &payment(), code), NOW).unwrap()
}

/// Another code of the same length.
pub(crate) fn wrong(issued: &Issued) -> String {
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
    let issued =
        ledger.issue(&CodeRequest::new("asha", &meant).with_attempts(5), NOW, &SystemRandom).unwrap();
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
    let refused = ledger.issue(&CodeRequest::new("asha", &payment()), NOW, &SystemRandom).map(drop);
    assert_eq!(refused, Err(OtpError::SubjectLocked.into()));
    let other = ledger.issue(&CodeRequest::new("ravi", &payment()), NOW, &SystemRandom).unwrap();
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
            ledger.issue(&CodeRequest::new(bad, &payment()), NOW, &SystemRandom).map(drop),
            ledger.resend(id, &CodeRequest::new(bad, &payment()), NOW, &SystemRandom).map(drop),
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
    let issued = ledger().issue(&CodeRequest::new("asha", &payment()), NOW, &Broken);
    assert_eq!(issued.err(), Some(Error::Random));
}
