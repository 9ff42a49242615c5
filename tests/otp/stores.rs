//! Every store keeps the same promises: memory, SQLite, Redis and PostgreSQL, the latter two as real
//! servers, each case on an empty store.

use std::io::Write;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::ground::{Ground, Memory, Postgres, Redis, Sqlite, ledger, payment};
use crate::process::Peer;
use otls::crypto::SystemRandom;
use otls::error::OtpError;
use otls::otp::{
    Attempt, CodeRequest, Insertion, Issued, Ledger, OtpId, Policy, Presented, Record, Statistics, Store,
    Subject, Tag, Verdict, Withdrawal,
};
use otls::{Error, UnixTime};

const NOW: UnixTime = UnixTime(1_800_000_000);

/// So many times the same right code is presented at once.
const ROUNDS: usize = 200;

macro_rules! on_every_store {
    ($($case:ident),* $(,)?) => {
        mod memory { $( #[test] fn $case() { super::on::<super::Memory>(super::$case); } )* }
        mod sqlite { $( #[test] fn $case() { super::on::<super::Sqlite>(super::$case); } )* }
        mod redis { $( #[test] fn $case() { super::on::<super::Redis>(super::$case); } )* }
        mod postgres { $( #[test] fn $case() { super::on::<super::Postgres>(super::$case); } )* }
    };
}

fn on<G: Ground>(case: fn(&G)) {
    match G::prepare() {
        Some(ground) => case(&ground),
        None => eprintln!("nothing was tested on {}", G::NAME),
    }
}

on_every_store! {
    a_right_code_is_accepted_once,
    wrong_codes_are_counted_and_then_even_the_right_one_is_locked_out,
    wrong_codes_of_a_subject_count_over_all_its_codes_until_one_is_accepted,
    a_code_expires_with_the_second_that_it_names,
    the_first_reason_counts,
    a_cancelled_code_is_not_accepted,
    a_code_that_is_sent_again_replaces_the_other_and_keeps_its_count,
    a_locked_subject_gets_and_spends_nothing,
    a_subject_gets_so_many_codes_in_a_window,
    a_tag_of_another_pepper_is_wrong_even_if_its_mac_is_right,
    an_identifier_is_taken_once,
    a_code_of_another_subject_is_unknown_and_counts_against_nobody,
    a_receipt_is_kept_with_the_accepted_code_and_with_no_other_verdict,
    a_receipt_of_who_declines_is_kept_with_the_withdrawn_code,
    receipts_outlive_their_codes_until_they_are_forgotten_by_name,
    long_expired_records_are_forgotten_when_asked,
    what_is_kept_is_counted,
    numbers_and_names_at_their_limits_are_kept,
    of_64_threads_with_the_right_code_exactly_one_is_accepted,
    of_8_processes_with_the_right_code_exactly_one_is_accepted,
    what_was_kept_is_there_when_the_store_is_opened_again,
}

fn record(id: u8) -> Record {
    Record {
        id: OtpId([id; 16]),
        subject: subject("asha"),
        tag: tag(id),
        issued_at: NOW,
        expires_at: NOW.plus(Duration::from_secs(120)),
        attempts: 3,
    }
}

fn subject(name: &str) -> Subject {
    Subject::new(name).unwrap()
}

fn tag(id: u8) -> Tag {
    Tag { pepper_id: [1; 8], mac: [id; 32] }
}

const WRONG: Tag = Tag { pepper_id: [1; 8], mac: [99; 32] };

fn insert(store: &dyn Store, record: &Record) -> Insertion {
    store.insert(record, None, &Policy::default()).unwrap()
}

fn present(store: &dyn Store, id: u8, tag: Tag) -> Verdict {
    present_at(store, id, tag, NOW, 100)
}

fn present_at(store: &dyn Store, id: u8, tag: Tag, now: UnixTime, subject_attempts: u32) -> Verdict {
    present_as(store, "asha", id, tag, now, subject_attempts)
}

fn present_as(
    store: &dyn Store,
    name: &str,
    id: u8,
    tag: Tag,
    now: UnixTime,
    subject_attempts: u32,
) -> Verdict {
    let (subject, tags) = (subject(name), [tag]);
    let presented = Presented { subject: &subject, tags: &tags, now, subject_attempts, receipt: None };
    store.verify(&OtpId([id; 16]), &presented).unwrap()
}

fn cancel(store: &dyn Store, name: &str, id: u8) -> Verdict {
    let withdrawal = Withdrawal { subject: &subject(name), now: NOW, receipt: None };
    store.cancel(&OtpId([id; 16]), &withdrawal).unwrap()
}

fn a_right_code_is_accepted_once(ground: &impl Ground) {
    let store = ground.open();
    assert_eq!(present(&*store, 1, tag(1)), Verdict::Unknown);
    assert_eq!(insert(&*store, &record(1)), Insertion::Kept);
    assert_eq!(present(&*store, 2, tag(1)), Verdict::Unknown);
    assert_eq!(present(&*store, 1, tag(1)), Verdict::Accepted);
    assert_eq!(present(&*store, 1, tag(1)), Verdict::Used);
    assert_eq!(present(&*store, 1, WRONG), Verdict::Used);
}

fn wrong_codes_are_counted_and_then_even_the_right_one_is_locked_out(ground: &impl Ground) {
    let store = ground.open();
    insert(&*store, &record(1));
    insert(&*store, &record(2));
    for attempts_left in [2, 1, 0] {
        assert_eq!(present(&*store, 1, WRONG), Verdict::Wrong { attempts_left });
    }
    assert_eq!(present(&*store, 1, WRONG), Verdict::Locked);
    assert_eq!(present(&*store, 1, tag(1)), Verdict::Locked);
    assert_eq!(present(&*store, 2, tag(2)), Verdict::Accepted, "another code is not concerned");
    store.unlock(&subject("asha")).unwrap();
    assert_eq!(present(&*store, 1, tag(1)), Verdict::Locked, "a code that is locked stays so");
}

fn wrong_codes_of_a_subject_count_over_all_its_codes_until_one_is_accepted(ground: &impl Ground) {
    let store = ground.open();
    for id in 1..=4 {
        insert(&*store, &record(id));
    }
    let other = Record { subject: subject("ravi"), ..record(5) };
    insert(&*store, &other);
    let present = |id, tag, subject_attempts| present_at(&*store, id, tag, NOW, subject_attempts);
    assert_eq!(present(1, WRONG, 4), Verdict::Wrong { attempts_left: 2 });
    assert_eq!(present(1, WRONG, 4), Verdict::Wrong { attempts_left: 1 });
    // Two of four are gone, of another code.
    assert_eq!(present(2, WRONG, 4), Verdict::Wrong { attempts_left: 1 });
    assert_eq!(present(2, tag(2), 4), Verdict::Accepted);
    assert_eq!(present(3, WRONG, 2), Verdict::Wrong { attempts_left: 1 }, "it starts again");
    assert_eq!(present(4, WRONG, 2), Verdict::Wrong { attempts_left: 0 });
    assert_eq!(present(3, tag(3), 2), Verdict::Locked);
    let of_ravi = present_as(&*store, "ravi", 5, tag(5), NOW, 2);
    assert_eq!(of_ravi, Verdict::Accepted, "another subject is not concerned");
    let strict = Policy { subject_attempts: 2, ..Policy::default() };
    assert_eq!(store.insert(&record(6), None, &strict).unwrap(), Insertion::SubjectLocked);
    store.unlock(&subject("asha")).unwrap();
    assert_eq!(present(3, tag(3), 2), Verdict::Accepted);
}

fn a_code_expires_with_the_second_that_it_names(ground: &impl Ground) {
    let store = ground.open();
    insert(&*store, &record(1));
    insert(&*store, &record(2));
    assert_eq!(present_at(&*store, 1, tag(1), NOW.plus(Duration::from_secs(120)), 100), Verdict::Expired);
    assert_eq!(present_at(&*store, 1, WRONG, UnixTime(u64::MAX), 100), Verdict::Expired);
    assert_eq!(present_at(&*store, 2, tag(2), NOW.plus(Duration::from_secs(119)), 100), Verdict::Accepted);
    assert_eq!(present_at(&*store, 1, WRONG, NOW, 100), Verdict::Wrong { attempts_left: 2 }, "not counted");
}

fn the_first_reason_counts(ground: &impl Ground) {
    let store = ground.open();
    for id in 1..=3 {
        insert(&*store, &record(id));
    }
    assert_eq!(present(&*store, 1, tag(1)), Verdict::Accepted);
    assert_eq!(cancel(&*store, "asha", 2), Verdict::Cancelled);
    store.lock(&subject("asha")).unwrap();
    let late = NOW.plus(Duration::from_secs(500));
    assert_eq!(present_at(&*store, 1, tag(1), late, 100), Verdict::Used);
    assert_eq!(present_at(&*store, 2, tag(2), late, 100), Verdict::Cancelled);
    assert_eq!(present_at(&*store, 3, tag(3), late, 100), Verdict::Locked);
    store.unlock(&subject("asha")).unwrap();
    assert_eq!(present_at(&*store, 3, tag(3), late, 100), Verdict::Expired);
}

fn a_cancelled_code_is_not_accepted(ground: &impl Ground) {
    let store = ground.open();
    insert(&*store, &record(1));
    insert(&*store, &record(2));
    assert_eq!(cancel(&*store, "asha", 1), Verdict::Cancelled);
    assert_eq!(cancel(&*store, "asha", 1), Verdict::Cancelled);
    assert_eq!(present(&*store, 1, tag(1)), Verdict::Cancelled);
    assert_eq!(present(&*store, 2, tag(2)), Verdict::Accepted);
    assert_eq!(cancel(&*store, "asha", 2), Verdict::Used);
    assert_eq!(present(&*store, 2, tag(2)), Verdict::Used);
    assert_eq!(cancel(&*store, "asha", 3), Verdict::Unknown);
}

fn a_code_that_is_sent_again_replaces_the_other_and_keeps_its_count(ground: &impl Ground) {
    let store = ground.open();
    insert(&*store, &record(1));
    assert_eq!(present(&*store, 1, WRONG), Verdict::Wrong { attempts_left: 2 });
    let again = |id: u8, old: u8, now: UnixTime| {
        let new = Record { issued_at: now, expires_at: now.plus(Duration::from_secs(120)), ..record(id) };
        store.insert(&new, Some(&OtpId([old; 16])), &Policy::default()).unwrap()
    };
    assert_eq!(again(2, 1, NOW), Insertion::Kept);
    assert_eq!(present(&*store, 1, tag(1)), Verdict::Cancelled);
    assert_eq!(present(&*store, 2, WRONG), Verdict::Wrong { attempts_left: 1 });
    assert_eq!(again(3, 1, NOW), Insertion::NotOpen(Verdict::Cancelled));
    assert_eq!(again(3, 77, NOW), Insertion::NotOpen(Verdict::Unknown));
    assert_eq!(again(3, 2, NOW.plus(Duration::from_secs(120))), Insertion::NotOpen(Verdict::Expired));
    let others = Record { subject: subject("ravi"), ..record(3) };
    let of_another = store.insert(&others, Some(&OtpId([2; 16])), &Policy::default()).unwrap();
    assert_eq!(of_another, Insertion::NotOpen(Verdict::Unknown), "it is another subject's");
    assert_eq!(again(3, 2, NOW), Insertion::Kept);
    assert_eq!(present(&*store, 3, WRONG), Verdict::Wrong { attempts_left: 0 });
    assert_eq!(again(4, 3, NOW), Insertion::NotOpen(Verdict::Locked));
    assert_eq!(present(&*store, 4, tag(4)), Verdict::Unknown, "what was refused is not kept");
    insert(&*store, &record(5));
    assert_eq!(present(&*store, 5, tag(5)), Verdict::Accepted);
    assert_eq!(again(6, 5, NOW), Insertion::NotOpen(Verdict::Used));
}

fn a_locked_subject_gets_and_spends_nothing(ground: &impl Ground) {
    let store = ground.open();
    insert(&*store, &record(1));
    for _ in 0..2 {
        store.lock(&subject("asha")).unwrap();
        store.lock(&subject("nobody has heard of her")).unwrap();
    }
    assert_eq!(present(&*store, 1, tag(1)), Verdict::Locked);
    assert_eq!(present(&*store, 1, WRONG), Verdict::Locked);
    assert_eq!(insert(&*store, &record(2)), Insertion::SubjectLocked);
    assert_eq!(insert(&*store, &Record { subject: subject("ravi"), ..record(3) }), Insertion::Kept);
    store.unlock(&subject("asha")).unwrap();
    store.unlock(&subject("nobody")).unwrap();
    assert_eq!(present(&*store, 1, tag(1)), Verdict::Accepted);
    assert_eq!(insert(&*store, &record(2)), Insertion::Kept);
}

fn a_subject_gets_so_many_codes_in_a_window(ground: &impl Ground) {
    let store = ground.open();
    let policy = Policy { issues: 2, window: Duration::from_secs(60), ..Policy::default() };
    let at = |id: u8, now: UnixTime| {
        store.insert(&Record { issued_at: now, ..record(id) }, None, &policy).unwrap()
    };
    assert_eq!(at(1, NOW), Insertion::Kept);
    assert_eq!(at(2, NOW.plus(Duration::from_secs(30))), Insertion::Kept);
    assert_eq!(
        at(3, NOW.plus(Duration::from_secs(59))),
        Insertion::Throttled(NOW.plus(Duration::from_secs(60)))
    );
    assert_eq!(present(&*store, 3, tag(3)), Verdict::Unknown);
    let replacing = store.insert(&record(3), Some(&OtpId([2; 16])), &policy).unwrap();
    assert_eq!(
        replacing,
        Insertion::Throttled(NOW.plus(Duration::from_secs(60))),
        "a code that is sent again is a code"
    );
    assert_eq!(present(&*store, 2, WRONG), Verdict::Wrong { attempts_left: 2 }, "and the other stays");
    let other = Record { subject: subject("ravi"), ..record(4) };
    assert_eq!(store.insert(&other, None, &policy).unwrap(), Insertion::Kept);
    assert_eq!(at(5, NOW.plus(Duration::from_secs(60))), Insertion::Kept);
    assert_eq!(at(6, NOW.plus(Duration::from_secs(60))), Insertion::Kept);
    assert_eq!(
        at(7, NOW.plus(Duration::from_secs(61))),
        Insertion::Throttled(NOW.plus(Duration::from_secs(120)))
    );
    // A clock that is set back starts a window, and does not wait for years.
    assert_eq!(at(7, NOW.minus(Duration::from_secs(1_000_000))), Insertion::Kept);
}

fn a_tag_of_another_pepper_is_wrong_even_if_its_mac_is_right(ground: &impl Ground) {
    let store = ground.open();
    insert(&*store, &record(1));
    let other = Tag { pepper_id: [2; 8], ..tag(1) };
    assert_eq!(present(&*store, 1, other), Verdict::Wrong { attempts_left: 2 });
    let asha = subject("asha");
    let nothing = Presented { subject: &asha, tags: &[], now: NOW, subject_attempts: 100, receipt: None };
    assert_eq!(store.verify(&OtpId([1; 16]), &nothing).unwrap(), Verdict::Wrong { attempts_left: 1 });
    let both = Presented { tags: &[other, tag(1)], ..nothing };
    assert_eq!(store.verify(&OtpId([1; 16]), &both).unwrap(), Verdict::Accepted);
}

fn a_code_of_another_subject_is_unknown_and_counts_against_nobody(ground: &impl Ground) {
    let store = ground.open();
    insert(&*store, &Record { attempts: 1, ..record(1) });
    for other in ["mallory", "ASHA", "asha ", "ash"] {
        let judged = |tag| present_as(&*store, other, 1, tag, NOW, 1);
        assert_eq!((judged(WRONG), judged(tag(1))), (Verdict::Unknown, Verdict::Unknown), "{other}");
        assert_eq!(cancel(&*store, other, 1), Verdict::Unknown, "{other}");
        let theirs = Record { subject: subject(other), ..record(9) };
        let strict = Policy { subject_attempts: 1, ..Policy::default() };
        let replaced = store.insert(&theirs, Some(&OtpId([1; 16])), &strict).unwrap();
        assert_eq!(replaced, Insertion::NotOpen(Verdict::Unknown), "{other}");
        assert_eq!(
            store.insert(&theirs, None, &strict).unwrap(),
            Insertion::Kept,
            "{other} has lost nothing"
        );
        store.forget(UnixTime(u64::MAX >> 1)).map(drop).unwrap();
        insert(&*store, &Record { attempts: 1, ..record(1) });
    }
    assert_eq!(present_at(&*store, 1, tag(1), NOW, 1), Verdict::Accepted, "asha has lost nothing");
}

fn with_receipt(store: &dyn Store, id: u8, tag: Tag, receipt: &[u8]) -> Verdict {
    let (asha, tags) = (subject("asha"), [tag]);
    let receipt = Some(receipt);
    let presented = Presented { subject: &asha, tags: &tags, now: NOW, subject_attempts: 100, receipt };
    store.verify(&OtpId([id; 16]), &presented).unwrap()
}

fn kept(store: &dyn Store, name: &str, id: u8) -> Option<Vec<u8>> {
    store.receipt(&OtpId([id; 16]), &subject(name)).unwrap()
}

fn a_receipt_is_kept_with_the_accepted_code_and_with_no_other_verdict(ground: &impl Ground) {
    let store = ground.open();
    // Any octets, and as many as a ledger keeps.
    let receipt: Vec<u8> = (0..=255).cycle().take(Ledger::MAX_RECEIPT_LEN).collect();
    assert_eq!(with_receipt(&*store, 1, tag(1), &receipt), Verdict::Unknown);
    insert(&*store, &record(1));
    assert_eq!(with_receipt(&*store, 1, WRONG, b"of a wrong code"), Verdict::Wrong { attempts_left: 2 });
    assert_eq!(kept(&*store, "asha", 1), None);
    assert_eq!(with_receipt(&*store, 1, tag(1), &receipt), Verdict::Accepted);
    assert_eq!(kept(&*store, "asha", 1), Some(receipt.clone()));
    assert_eq!(with_receipt(&*store, 1, tag(1), b"a second time"), Verdict::Used);
    assert_eq!(kept(&*store, "asha", 1), Some(receipt));
    assert_eq!(kept(&*store, "ravi", 1), None, "it is another subject's");
    insert(&*store, &record(2));
    assert_eq!(present(&*store, 2, tag(2)), Verdict::Accepted);
    assert_eq!(kept(&*store, "asha", 2), None, "nothing was signed");
}

fn a_receipt_of_who_declines_is_kept_with_the_withdrawn_code(ground: &impl Ground) {
    let store = ground.open();
    insert(&*store, &record(1));
    let decline = |name: &str, id: u8, receipt: &[u8]| {
        let withdrawal = Withdrawal { subject: &subject(name), now: NOW, receipt: Some(receipt) };
        store.cancel(&OtpId([id; 16]), &withdrawal).unwrap()
    };
    assert_eq!(decline("ravi", 1, b"of another"), Verdict::Unknown);
    assert_eq!(kept(&*store, "ravi", 1), None);
    assert_eq!(decline("asha", 1, b"no"), Verdict::Cancelled);
    assert_eq!(present(&*store, 1, tag(1)), Verdict::Cancelled);
    assert_eq!(decline("asha", 1, b"and again"), Verdict::Cancelled);
    assert_eq!(kept(&*store, "asha", 1), Some(b"no".to_vec()), "the first stays");
    insert(&*store, &record(2));
    assert_eq!(present(&*store, 2, tag(2)), Verdict::Accepted);
    assert_eq!(decline("asha", 2, b"too late"), Verdict::Used);
    assert_eq!(kept(&*store, "asha", 2), None);
}

fn receipts_outlive_their_codes_until_they_are_forgotten_by_name(ground: &impl Ground) {
    let store = ground.open();
    for id in [1, 2] {
        insert(&*store, &record(id));
    }
    assert_eq!(with_receipt(&*store, 1, tag(1), b"first"), Verdict::Accepted);
    let withdrawal = Withdrawal {
        subject: &subject("asha"),
        now: NOW.plus(Duration::from_secs(10)),
        receipt: Some(b"second"),
    };
    assert_eq!(store.cancel(&OtpId([2; 16]), &withdrawal).unwrap(), Verdict::Cancelled);
    assert_eq!(store.forget(NOW.plus(Duration::from_secs(100_000))).unwrap(), 2);
    assert_eq!(present(&*store, 1, tag(1)), Verdict::Unknown);
    assert_eq!(kept(&*store, "asha", 1), Some(b"first".to_vec()));
    assert_eq!(store.forget_receipts(NOW).unwrap(), 0);
    assert_eq!(store.forget_receipts(NOW.plus(Duration::from_secs(10))).unwrap(), 1);
    assert_eq!((kept(&*store, "asha", 1), kept(&*store, "asha", 2)), (None, Some(b"second".to_vec())));
}

fn an_identifier_is_taken_once(ground: &impl Ground) {
    let store = ground.open();
    insert(&*store, &record(1));
    let again = store.insert(&Record { tag: tag(2), ..record(1) }, None, &Policy::default());
    assert!(matches!(again, Err(Error::Otp(OtpError::Store(_)))), "{again:?}");
    assert_eq!(present(&*store, 1, tag(1)), Verdict::Accepted);
}

fn long_expired_records_are_forgotten_when_asked(ground: &impl Ground) {
    let store = ground.open();
    for (id, expires_at) in [(1, 10), (2, 20), (3, 30)] {
        insert(&*store, &Record { expires_at: NOW.plus(Duration::from_secs(expires_at)), ..record(id) });
    }
    assert_eq!(store.forget(NOW.plus(Duration::from_secs(10))).unwrap(), 0);
    assert_eq!(store.forget(NOW.plus(Duration::from_secs(21))).unwrap(), 2);
    assert_eq!(present(&*store, 2, tag(2)), Verdict::Unknown);
    assert_eq!(present(&*store, 3, tag(3)), Verdict::Accepted);
}

fn what_is_kept_is_counted(ground: &impl Ground) {
    let store = ground.open();
    assert_eq!(store.statistics(NOW).unwrap(), Statistics::default());
    for id in 1..=8 {
        let attempts = if id == 5 { 1 } else { 3 };
        let expires_at = NOW.plus(Duration::from_secs(if id > 5 { 1000 } else { 10 }));
        insert(&*store, &Record { attempts, expires_at, ..record(id) });
    }
    assert_eq!(present(&*store, 1, tag(1)), Verdict::Accepted);
    assert_eq!(present(&*store, 2, tag(2)), Verdict::Accepted);
    cancel(&*store, "asha", 3);
    assert_eq!(present(&*store, 5, WRONG), Verdict::Wrong { attempts_left: 0 });
    store.lock(&subject("ravi")).unwrap();
    store.lock(&subject("asha")).unwrap();
    store.unlock(&subject("asha")).unwrap();
    let counted = Statistics { open: 3, used: 2, cancelled: 1, locked: 1, expired: 1, locked_subjects: 1 };
    assert_eq!(store.statistics(NOW.plus(Duration::from_secs(10))).unwrap(), counted);
    assert_eq!(store.statistics(NOW).unwrap(), Statistics { open: 4, expired: 0, ..counted });
}

fn numbers_and_names_at_their_limits_are_kept(ground: &impl Ground) {
    let store = ground.open();
    let text = "Ä'\";\\--{otls}:subject:* $1 \u{10FFFF}";
    let name = subject(text);
    let end = UnixTime(u64::MAX);
    let extreme = Record { subject: name.clone(), expires_at: end, attempts: u32::MAX, ..record(1) };
    let most = Policy { subject_attempts: u32::MAX, issues: u32::MAX, window: Duration::MAX };
    assert_eq!(store.insert(&extreme, None, &most).unwrap(), Insertion::Kept);
    let present = |tag| present_as(&*store, text, 1, tag, NOW, u32::MAX);
    let left = present(WRONG);
    assert_eq!(left, Verdict::Wrong { attempts_left: u32::MAX - 1 });
    store.lock(&name).unwrap();
    assert_eq!(present(tag(1)), Verdict::Locked);
    store.unlock(&name).unwrap();
    assert_eq!(present(tag(1)), Verdict::Accepted);
    let first = Record { issued_at: UnixTime(0), expires_at: UnixTime(1), ..record(2) };
    assert_eq!(insert(&*store, &first), Insertion::Kept);
    assert_eq!(present_at(&*store, 2, tag(2), UnixTime(0), 100), Verdict::Accepted);
}

fn issue(ledger: &Ledger) -> Issued {
    ledger.issue(&CodeRequest::new("asha", &payment()), NOW, &SystemRandom).unwrap()
}

fn of_64_threads_with_the_right_code_exactly_one_is_accepted(ground: &impl Ground) {
    const THREADS: usize = 64;
    let (ledger, paid) = (ledger(ground.open()), payment());
    let rounds: Vec<Issued> = (0..ROUNDS).map(|_| issue(&ledger)).collect();
    let counts: Vec<[AtomicUsize; 2]> = (0..ROUNDS).map(|_| Default::default()).collect();
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for (issued, [accepted, used]) in rounds.iter().zip(&counts) {
                    start.wait();
                    let attempt = Attempt::new(&issued.id, "asha", &paid, issued.code.expose());
                    let verdict = ledger.verify(&attempt, NOW).unwrap();
                    accepted.fetch_add(usize::from(verdict == Verdict::Accepted), Ordering::Relaxed);
                    used.fetch_add(usize::from(verdict == Verdict::Used), Ordering::Relaxed);
                }
            });
        }
    });
    for [accepted, used] in counts {
        assert_eq!((accepted.into_inner(), used.into_inner()), (1, THREADS - 1));
    }
}

fn of_8_processes_with_the_right_code_exactly_one_is_accepted(ground: &impl Ground) {
    let Some(address) = ground.address() else { return }; // Memory is one process's.
    let ledger = ledger(ground.open());
    let mut peers: Vec<Peer> = (0..8).map(|_| Peer::start("present", &address)).collect();
    for peer in &mut peers {
        assert_eq!(peer.read(), "ready");
    }
    for _ in 0..ROUNDS {
        let issued = issue(&ledger);
        // Soon, so that all have read their line.
        let at = SystemTime::now() + Duration::from_millis(3);
        let at = at.duration_since(UNIX_EPOCH).unwrap().as_nanos();
        for peer in &mut peers {
            writeln!(peer.input, "{} {} {at}", issued.id, issued.code.expose()).unwrap();
        }
        let mut verdicts: Vec<String> = peers.iter_mut().map(Peer::read).collect();
        verdicts.sort();
        assert_eq!(verdicts, [&["Accepted"][..], &["Used"; 7]].concat());
    }
}

fn what_was_kept_is_there_when_the_store_is_opened_again(ground: &impl Ground) {
    let first = ledger(ground.open());
    let (open, used) = (issue(&first), issue(&first));
    let verify = |ledger: &Ledger, issued: &Issued| {
        ledger.verify(&Attempt::new(&issued.id, "asha", &payment(), issued.code.expose()), NOW).unwrap()
    };
    assert_eq!(verify(&first, &used), Verdict::Accepted);
    first.lock("ravi", NOW).unwrap();
    drop(first);
    let second = ledger(ground.open());
    assert_eq!(verify(&second, &used), Verdict::Used);
    assert_eq!(verify(&second, &open), Verdict::Accepted);
    assert_eq!(second.statistics(NOW).unwrap().locked_subjects, 1);
}
