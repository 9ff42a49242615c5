//! Codes as people type them: what does not count in them is left out, what cannot be a code is no attempt, and
//! nothing that could be right is free.

use std::sync::Arc;

use otls::crypto::SystemRandom;
use otls::otp::{
    Attempt, AuditLog, CodeFormat, CodeRequest, Insertion, Issued, Ledger, MemoryStore, OtpId, Policy,
    Presented, Record, Statistics, Store, Subject, Verdict, Withdrawal,
};
use otls::{Result, UnixTime};

use crate::ledger::{NOW, issue, ledger, payment, pepper, verify, wrong};

#[test]
fn a_code_is_accepted_as_it_is_typed() {
    let ledger = ledger();
    let forms: [fn(&str, &str) -> String; 8] = [
        |front, back| format!("{front} {back}"),
        |front, back| format!(" {front}-{back}\r\n"),
        |front, back| format!("{front}\u{a0}{back}"),
        |front, back| format!("{front}\u{2011}{back}"),
        |front, back| format!("{front} \u{2014} {back}"),
        |front, back| format!("\u{2066}{front}{back}\u{2069}"),
        |front, back| format!("\u{feff}\t{front}\u{2212}{back}"),
        |front, back| {
            let wide = |digit| char::from_u32(u32::from(digit) + 0xFEE0).unwrap();
            front.chars().chain(back.chars()).map(wide).collect()
        },
    ];
    for form in forms {
        let issued = issue(&ledger, 1);
        let (front, back) = issued.code.expose().split_at(3);
        assert_eq!(
            verify(&ledger, &issued, &form(front, back)),
            Verdict::Accepted,
            "{:?}",
            form("123", "456")
        );
    }
}

#[test]
fn what_cannot_be_a_code_is_no_attempt() {
    let ledger = ledger();
    let issued = issue(&ledger, 1);
    let (long, longer) = ("9".repeat(1 << 20), format!("{}0", issued.code.expose()));
    let shorter = &issued.code.expose()[..5];
    for _ in 0..200 {
        for typed in [
            "",
            " ",
            "-",
            "0",
            "é",
            "\0\0\0\0\0\0",
            "-00001",
            "12345o",
            "१२३४५६",
            "12345৪",
            shorter,
            &longer,
            &long,
        ] {
            assert_eq!(verify(&ledger, &issued, typed), Verdict::NotACode, "{typed:.20}");
        }
    }
    assert_eq!(verify(&ledger, &issued, issued.code.expose()), Verdict::Accepted);
}

/// An attacker who has all forms at hand has no more tries than one who has digits.
#[test]
fn every_code_of_the_alphabet_costs_an_attempt_however_it_is_typed() {
    let ledger = ledger();
    let issued = issue(&ledger, 5);
    let guess = wrong(&issued);
    let wide: String =
        guess.chars().map(|digit| char::from_u32(u32::from(digit) + 0xFEE0).unwrap()).collect();
    let spaced: String = guess.chars().flat_map(|digit| [' ', digit, '\u{2013}']).collect();
    let hidden = guess.replace(&guess[..1], &format!("{}\u{200b}", &guess[..1]));
    for (typed, attempts_left) in [&guess, &wide, &spaced, &hidden, &guess].into_iter().zip([4, 3, 2, 1, 0]) {
        assert_eq!(verify(&ledger, &issued, typed), Verdict::Wrong { attempts_left }, "{typed}");
    }
    assert_eq!(verify(&ledger, &issued, issued.code.expose()), Verdict::Locked);
}

#[test]
fn letters_count_in_either_case_where_the_alphabet_has_one() {
    let ledger = ledger().with_code_format(CodeFormat::of("ABCDEFGHJKMNPQRSTUVWXYZ23456789", 8).unwrap());
    let issued = issue(&ledger, 2);
    let lower = issued.code.expose().to_ascii_lowercase();
    assert_eq!(verify(&ledger, &issued, "ABCDEFG1"), Verdict::NotACode, "1 is not of the alphabet");
    assert_eq!(verify(&ledger, &issued, "ABCDEF"), Verdict::NotACode, "of another length");
    assert_eq!(verify(&ledger, &issued, &wrong_letters(&lower)), Verdict::Wrong { attempts_left: 1 });
    assert_eq!(verify(&ledger, &issued, &format!("{}-{}", &lower[..4], &lower[4..])), Verdict::Accepted);

    let both = ledger.with_code_format(CodeFormat::of("ABCDEFGHJKabcdefghjk", 8).unwrap());
    let issued = issue(&both, 2);
    let swapped: String = issued
        .code
        .expose()
        .chars()
        .map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect();
    assert_eq!(verify(&both, &issued, &swapped), Verdict::Wrong { attempts_left: 1 });
}

/// Another code, in small letters.
fn wrong_letters(code: &str) -> String {
    code.chars().map(|letter| if letter == 'a' { 'b' } else { 'a' }).collect()
}

/// A store that nobody may ask.
struct Untouched(Arc<MemoryStore>);

impl Store for Untouched {
    fn insert(&self, record: &Record, replaces: Option<&OtpId>, policy: &Policy) -> Result<Insertion> {
        self.0.insert(record, replaces, policy)
    }

    fn verify(&self, _: &OtpId, _: &Presented<'_>) -> Result<Verdict> {
        panic!("the store was asked")
    }

    fn cancel(&self, _: &OtpId, _: &Withdrawal<'_>) -> Result<Verdict> {
        panic!("the store was asked")
    }

    fn receipt(&self, _: &OtpId, _: &Subject) -> Result<Option<Vec<u8>>> {
        panic!("the store was asked")
    }

    fn forget_receipts(&self, _: UnixTime) -> Result<u64> {
        panic!("the store was asked")
    }

    fn lock(&self, _: &Subject) -> Result<()> {
        panic!("the store was asked")
    }

    fn unlock(&self, _: &Subject) -> Result<()> {
        panic!("the store was asked")
    }

    fn forget(&self, _: UnixTime) -> Result<u64> {
        panic!("the store was asked")
    }

    fn statistics(&self, _: UnixTime) -> Result<Statistics> {
        panic!("the store was asked")
    }
}

/// The answer is the same for a code that is open, used, expired or none, and for whoever asks: it comes before
/// any store, so that it holds for all of them.
#[test]
fn what_cannot_be_a_code_does_not_tell_whether_there_is_one() {
    let ledger = Ledger::new(Box::new(Untouched(Arc::default())), pepper(7)).unwrap();
    let issued: Issued = issue(&ledger, 3);
    let late = issued.expires_at;
    for (id, subject, now) in [
        (issued.id, "asha", NOW),
        (issued.id, "asha", late),
        (issued.id, "ravi", NOW),
        (OtpId([0; 16]), "asha", NOW),
    ] {
        let verdict = ledger.verify(&Attempt::new(&id, subject, &payment(), "12345"), now).unwrap();
        assert_eq!(verdict, Verdict::NotACode, "{subject}");
    }
}

#[test]
fn a_ledger_that_only_verifies_needs_the_format() {
    let store = Arc::new(MemoryStore::default());
    let open = || Ledger::new(Box::new(Arc::clone(&store)), pepper(7)).unwrap();
    let long = || open().with_code_format(CodeFormat::digits(8).unwrap());
    let issued = long().issue(&CodeRequest::new("asha", &payment()), NOW, &SystemRandom).unwrap();
    assert_eq!(verify(&open(), &issued, issued.code.expose()), Verdict::NotACode);
    assert_eq!(verify(&long(), &issued, issued.code.expose()), Verdict::Accepted);
}

#[test]
fn what_cannot_be_a_code_is_in_the_audit_log_like_every_call() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let log = AuditLog::open(&path, &pepper(1)).unwrap();
    let ledger = ledger().with_audit(Box::new(log));
    let issued = issue(&ledger, 3);
    assert_eq!(verify(&ledger, &issued, "where is it?"), Verdict::NotACode);
    let text = std::fs::read_to_string(&path).unwrap();
    let last = text.lines().last().unwrap();
    assert!(last.contains("\"verified:not_a_code\"") && !text.contains("where is it"), "{last}");
    assert_eq!(AuditLog::verify(&path, &pepper(1)).unwrap().count, 4);
}
