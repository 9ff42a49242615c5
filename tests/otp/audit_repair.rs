//! An audit log that is refused: what a repair by name makes of it, and what the log shows of calls that failed
//! half-way.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use otls::crypto::SystemRandom;
use otls::error::OtpError;
use otls::otp::{
    Attempt, Audit, AuditLog, AuditRepair, CodeRequest, Context, Event, Issued, Ledger, MemoryStore, Verdict,
};
use otls::{Error, Secret, UnixTime};

const NOW: UnixTime = UnixTime(1_800_000_000);

fn key(octet: u8) -> Secret {
    Secret::from(vec![octet; 32])
}

fn payment() -> Context {
    Context::new().with("amount", "10000000").unwrap()
}

fn issue(ledger: &Ledger, subject: &str) -> Issued {
    ledger.issue(&CodeRequest::new(subject, &payment()), NOW, &SystemRandom).unwrap()
}

fn open(path: &Path) -> Result<Ledger, Error> {
    let ledger = Ledger::new(Box::new(MemoryStore::default()), key(7))
        .unwrap()
        .with_audit(Box::new(AuditLog::open(path, &key(1))?));
    Ok(ledger)
}

/// A folder with a log of eight lines.
fn written() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let ledger = open(&path).unwrap();
    for subject in ["asha", "ravi", "mira", "kiran"] {
        issue(&ledger, subject);
    }
    (folder, path)
}

fn head_of(path: &Path) -> PathBuf {
    path.with_file_name("audit.log.head")
}

fn repair(path: &Path) -> AuditRepair {
    assert!(open(path).is_err(), "the bank cannot start");
    let found = fs::read(path).unwrap_or_default();
    let repaired = AuditLog::repair(path, &key(1), NOW.plus(Duration::from_secs(9))).unwrap().unwrap();
    assert_eq!(fs::read(&repaired.old).unwrap(), found, "what was found is kept");
    assert_eq!(AuditLog::verify(path, &key(1)), Ok(repaired.head));
    let text = fs::read_to_string(path).unwrap();
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "repaired");
    assert_eq!(
        (&last["dropped"], &last["missing"]),
        (&repaired.dropped.to_string().into(), &repaired.missing.to_string().into())
    );
    issue(&open(path).unwrap(), "asha");
    assert_eq!(AuditLog::verify(path, &key(1)).unwrap().count, repaired.head.count + 2, "the bank goes on");
    assert_eq!(AuditLog::repair(path, &key(1), NOW), Ok(None), "and there is nothing more to repair");
    repaired
}

#[test]
fn a_line_that_is_too_long_changed_or_no_text_costs_the_lines_from_it_on_and_no_other() {
    let bad: [fn(&mut Vec<u8>); 3] = [
        |line| *line = [&vec![b'x'; 5000][..], b"\n"].concat(),
        |line| line[30] ^= 1,
        |line| line[30] = 0xFF,
    ];
    for (at, spoil) in (1..8).flat_map(|at| bad.iter().map(move |spoil| (at, spoil))) {
        let (_folder, path) = written();
        let text = fs::read(&path).unwrap();
        let mut lines: Vec<Vec<u8>> =
            text.split_inclusive(|octet| *octet == b'\n').map(<[u8]>::to_vec).collect();
        spoil(&mut lines[at]);
        let rest = lines[at..].concat().len();
        fs::write(&path, lines.concat()).unwrap();
        let repaired = repair(&path);
        assert!(repaired.reason.contains(&format!("line {}:", at + 1)), "{}", repaired.reason);
        assert_eq!(repaired.head.count, u64::try_from(at).unwrap() + 1);
        assert_eq!(repaired.dropped, u64::try_from(rest).unwrap());
        assert_eq!(repaired.missing, u64::try_from(8 - at).unwrap());
    }
}

#[test]
fn a_head_that_is_gone_damaged_or_ahead_is_made_anew() {
    for spoil in [
        |head: &Path, _: &Path| fs::remove_file(head).unwrap(),
        |head: &Path, _: &Path| fs::write(head, "8 no\n").unwrap(),
        |head: &Path, _: &Path| fs::write(head, "").unwrap(),
    ] {
        let (_folder, path) = written();
        spoil(&head_of(&path), &path);
        let repaired = repair(&path);
        assert_eq!((repaired.head.count, repaired.dropped, repaired.missing), (9, 0, 0));
    }
    // The last line is lost, and the head names it.
    let (_folder, path) = written();
    let text = fs::read_to_string(&path).unwrap();
    let end = text.trim_end().rfind('\n').unwrap() + 1;
    fs::write(&path, &text[..end]).unwrap();
    let repaired = repair(&path);
    assert!(repaired.reason.contains("ends after line 7"), "{}", repaired.reason);
    assert_eq!((repaired.head.count, repaired.dropped, repaired.missing), (8, 0, 1));
    // All of it is.
    let (_folder, path) = written();
    fs::remove_file(&path).unwrap();
    assert_eq!(repair(&path).missing, 8);
}

#[test]
fn a_second_repair_does_not_lose_what_the_first_has_kept() {
    let (folder, path) = written();
    fs::write(&path, "first\n").unwrap();
    let first = repair(&path);
    fs::write(&path, "second\n").unwrap();
    let second = repair(&path);
    assert_eq!(first.old, folder.path().join("audit.log.damaged"));
    assert_eq!(second.old, folder.path().join("audit.log.damaged.2"));
    assert_eq!(fs::read(&first.old).unwrap(), b"first\n");
    assert!(folder.path().join("audit.log.damaged.head").exists());
}

#[test]
fn what_needs_no_repair_and_what_is_not_this_keys_is_left_alone() {
    let (folder, path) = written();
    let files = || {
        let mut files: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|file| file.unwrap().path())
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect();
        files.sort();
        files
    };
    let before = files();
    assert_eq!(AuditLog::repair(&path, &key(1), NOW), Ok(None));
    let refused = AuditLog::repair(&path, &key(2), NOW);
    assert!(matches!(refused, Err(Error::Otp(OtpError::Audit(_)))), "{refused:?}");
    let short = AuditLog::repair(&path, &Secret::from(vec![1; 31]), NOW);
    assert!(matches!(short, Err(Error::ApiMisuse(_))));
    assert!(AuditLog::repair(&folder.path().join("none"), &key(1), NOW).is_err());
    assert_eq!(files(), before);
    // Where nothing was made with the key, only two empty files are a log that has not begun.
    for (log, head) in [("", "no head\n"), ("no line\n", "")] {
        fs::write(&path, log).unwrap();
        fs::write(head_of(&path), head).unwrap();
        let refused = AuditLog::repair(&path, &key(1), NOW).unwrap_err().to_string();
        assert!(refused.contains("nothing in it can be kept"), "{refused}");
    }
}

/// Fails at the event that it counts down to.
struct Full(AtomicU32, AuditLog);

impl Audit for Full {
    fn record(&self, event: &Event<'_>) -> otls::Result<u64> {
        if self.0.fetch_sub(1, Ordering::Relaxed) == 0 {
            return Err(OtpError::Audit("the disk is full".to_owned()).into());
        }
        self.1.record(event)
    }
}

type Call<'a> = dyn Fn(&Ledger) -> Result<(), Error> + 'a;

/// Two ledgers over one store, of which the first has a log that takes `events` more.
fn full_after(events: u32, path: &Path, store: &Arc<MemoryStore>) -> Ledger {
    let mut ledger = Ledger::new(Box::new(Arc::clone(store)), key(7)).unwrap();
    ledger =
        ledger.with_audit(Box::new(Full(AtomicU32::new(events), AuditLog::open(path, &key(1)).unwrap())));
    ledger
}

#[test]
fn a_call_that_cannot_be_recorded_does_not_touch_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let (path, store) = (folder.path().join("audit.log"), Arc::new(MemoryStore::default()));
    let quiet = Ledger::new(Box::new(Arc::clone(&store)), key(7)).unwrap();
    let issued = issue(&quiet, "asha");
    let (id, code) = (&issued.id, issued.code.expose());
    quiet.lock("ravi", NOW).unwrap();
    let before = quiet.statistics(NOW).unwrap();
    let calls: [&Call<'_>; 8] = [
        &|ledger| ledger.unlock("ravi", NOW),
        &|ledger| ledger.lock("asha", NOW),
        &|ledger| ledger.cancel(id, "asha", NOW).map(drop),
        &|ledger| ledger.verify(&Attempt::new(id, "asha", &payment(), code), NOW).map(drop),
        &|ledger| ledger.issue(&CodeRequest::new("asha", &payment()), NOW, &SystemRandom).map(drop),
        &|ledger| ledger.resend(id, &CodeRequest::new("asha", &payment()), NOW, &SystemRandom).map(drop),
        &|ledger| ledger.expire(NOW.plus(Duration::from_secs(100_000))).map(drop),
        &|ledger| ledger.forget_receipts(NOW.plus(Duration::from_secs(100_000)), NOW).map(drop),
    ];
    for (at, call) in calls.iter().enumerate() {
        let refused = call(&full_after(0, &path, &store));
        assert!(matches!(refused, Err(Error::Otp(OtpError::Audit(_)))), "call {at}");
        assert_eq!(quiet.statistics(NOW), Ok(before), "call {at}");
    }
    assert_eq!(quiet.verify(&Attempt::new(id, "asha", &payment(), code), NOW), Ok(Verdict::Accepted));
}

#[test]
fn a_code_whose_outcome_cannot_be_recorded_is_used_up_and_the_log_shows_the_call() {
    let folder = tempfile::tempdir().unwrap();
    let (path, store) = (folder.path().join("audit.log"), Arc::new(MemoryStore::default()));
    let quiet = Ledger::new(Box::new(Arc::clone(&store)), key(7)).unwrap();
    let issued = issue(&quiet, "asha");
    let verify = |ledger: &Ledger| {
        ledger.verify(&Attempt::new(&issued.id, "asha", &payment(), issued.code.expose()), NOW)
    };
    let refused = verify(&full_after(1, &path, &store));
    assert!(matches!(refused, Err(Error::Otp(OtpError::Audit(_)))), "{refused:?}");
    assert_eq!(verify(&quiet), Ok(Verdict::Used));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.lines().count() == 1 && text.contains("\"verify\""), "{text}");
    assert!(text.contains(&issued.id.to_string()) && text.contains("asha"), "{text}");
}
