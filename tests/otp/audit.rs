//! The audit log: every event is in it, no secret is, and what was changed in it is found.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use otls::crypto::SystemRandom;
use otls::error::OtpError;
use otls::otp::{
    Attempt, Audit, AuditHead, AuditLog, CodeRequest, Context, Event, EventKind, Ledger, OtpId, Policy,
    Subject, Verdict,
};
use otls::{Error, Secret, UnixTime};

/// What JSON has to escape, and what some take for JSON.
const ASHA: &str = "asha \"\\ é\u{200B}{}";

const NOW: UnixTime = UnixTime(1_800_000_000);

fn key(octet: u8) -> Secret {
    Secret::from(vec![octet; 32])
}

fn payment() -> Context {
    Context::new().with("amount", "10000000").unwrap()
}

fn ledger(log: &Path) -> Ledger {
    Ledger::new(otls_stores::open("memory:").unwrap(), key(7))
        .unwrap()
        .with_policy(Policy { issues: 1000, ..Policy::default() })
        .unwrap()
        .with_audit(Box::new(AuditLog::open(log, &key(1)).unwrap()))
}

/// A folder with a log of eighteen events, and the codes that were issued.
fn written() -> (tempfile::TempDir, PathBuf, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let ledger = ledger(&path);
    let issue = || ledger.issue(&CodeRequest::new(ASHA, &payment()), NOW, &SystemRandom).unwrap();
    let (one, two) = (issue(), issue());
    let verify = |id, code: &str| {
        ledger.verify(&Attempt::new(id, ASHA, &payment(), code), NOW.plus(Duration::from_secs(1))).unwrap()
    };
    assert_eq!(verify(&one.id, &crate::ledger::wrong(&one)), Verdict::Wrong { attempts_left: 2 });
    assert_eq!(verify(&one.id, one.code.expose()), Verdict::Accepted);
    ledger.cancel(&two.id, ASHA, NOW).unwrap();
    ledger.lock("ravi", NOW).unwrap();
    assert!(ledger.issue(&CodeRequest::new("ravi", &payment()), NOW, &SystemRandom).is_err());
    ledger.unlock("ravi", NOW).unwrap();
    ledger.expire(NOW.plus(Duration::from_secs(100_000))).unwrap();
    (folder, path, vec![one.code.expose().to_owned(), two.code.expose().to_owned()])
}

fn verify(path: &Path) -> Result<u64, String> {
    match AuditLog::verify(path, &key(1)) {
        Ok(head) => Ok(head.count),
        Err(Error::Otp(OtpError::Audit(what))) => Err(what),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn every_event_is_a_line_of_json_without_secrets() {
    let (_folder, path, codes) = written();
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(
        events.chunks(2).collect::<Vec<_>>(),
        [
            ["issue", "issued"],
            ["issue", "issued"],
            ["verify", "verified:wrong"],
            ["verify", "verified:accepted"],
            ["cancel", "cancelled"],
            ["lock", "locked"],
            ["issue", "refused"],
            ["unlock", "unlocked"],
            ["expire", "forgotten"],
        ]
    );
    for (number, call) in lines.chunks(2).enumerate() {
        assert_eq!(call[1]["of"], (2 * number + 1).to_string(), "each outcome names its call");
        assert_eq!((&call[0]["of"], &call[0]["id"]), (&serde_json::Value::Null, &call[1]["id"]));
        assert_eq!(call[0]["subject"], call[1]["subject"]);
    }
    assert_eq!(lines[0]["subject"], ASHA);
    assert_eq!(lines[7]["time"], NOW.0 + 1);
    assert_eq!(lines[7]["id"], lines[0]["id"]);
    assert_eq!(lines[7]["context"].as_str().unwrap().len(), 64);
    assert_eq!(lines[9]["subject"], ASHA);
    assert_eq!(lines[17]["count"], "2");
    for code in codes {
        assert!(!text.contains(&format!("\"{code}\"")) && !text.contains(&format!(" {code}")));
    }
    assert_eq!(verify(&path), Ok(18));
}

#[test]
fn a_code_that_is_sent_again_is_recorded_with_both_identifiers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let ledger = ledger(&path);
    let first = ledger.issue(&CodeRequest::new("asha", &payment()), NOW, &SystemRandom).unwrap();
    let second = ledger.resend(&first.id, &CodeRequest::new("asha", &payment()), NOW, &SystemRandom).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[2].contains("\"resend\"") && lines[2].contains(&first.id.to_string()), "{text}");
    assert!(
        lines[3].contains("\"issued\",\"of\":\"3\"") && lines[3].contains(&second.id.to_string()),
        "{text}"
    );
    assert_eq!(lines.len(), 4);
}

#[test]
fn a_change_of_any_octet_is_found_and_so_is_every_cut() {
    let (_folder, path, _) = written();
    let text = fs::read(&path).unwrap();
    for at in 0..text.len() {
        let mut changed = text.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert!(verify(&path).is_err(), "octet {at}");
        fs::write(&path, &text[..at]).unwrap();
        assert!(verify(&path).is_err(), "cut to {at}");
    }
    fs::write(&path, &text).unwrap();
    assert_eq!(verify(&path), Ok(18));
}

#[test]
fn lines_that_are_removed_moved_repeated_or_added_are_found_by_number() {
    let (_folder, path, _) = written();
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for at in 0..lines.len() {
        let mut less = lines.clone();
        less.remove(at);
        fs::write(&path, less.concat()).unwrap();
        let found = verify(&path).unwrap_err();
        let expected = if at == 17 { "ends after line 17".to_owned() } else { format!("line {}:", at + 1) };
        assert!(found.contains(&expected), "{at}: {found}");
    }
    let mut moved = lines.clone();
    moved.swap(2, 3);
    fs::write(&path, moved.concat()).unwrap();
    assert!(verify(&path).unwrap_err().contains("line 3:"));
    fs::write(&path, [&lines[..], &lines[17..]].concat().concat()).unwrap();
    assert!(verify(&path).unwrap_err().contains("line 19:"));
    fs::write(&path, text + "{\"seq\":19,\"time\":1}\n").unwrap();
    assert!(verify(&path).unwrap_err().contains("line 19: it has no mac"));
}

#[test]
fn a_log_without_its_head_or_with_another_proves_nothing() {
    let (_folder, path, _) = written();
    let head = path.with_file_name("audit.log.head");
    let right = fs::read(&head).unwrap();
    for at in 0..right.len() {
        let mut changed = right.clone();
        changed[at] ^= 1;
        fs::write(&head, changed).unwrap();
        assert!(verify(&path).is_err(), "octet {at}");
    }
    fs::remove_file(&head).unwrap();
    assert!(verify(&path).unwrap_err().contains("without which it proves nothing"));
    assert!(AuditLog::open(&path, &key(1)).is_err(), "and nothing is added to it");
    // The log is gone, and its head is not.
    fs::write(&head, &right).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(AuditLog::open(&path, &key(1)).is_err());
}

#[test]
fn an_older_state_of_both_files_is_told_by_a_head_that_was_kept() {
    let (_folder, path, _) = written();
    let head_path = path.with_file_name("audit.log.head");
    let (log, head) = (fs::read(&path).unwrap(), fs::read(&head_path).unwrap());
    let old = AuditLog::verify(&path, &key(1)).unwrap();
    let later = AuditLog::open(&path, &key(1)).unwrap();
    later.record(&event(&asha())).unwrap();
    let kept: AuditHead = AuditLog::verify(&path, &key(1)).unwrap();
    assert_eq!((old.count, kept.count), (18, 19));
    fs::write(&path, log).unwrap();
    fs::write(&head_path, head).unwrap();
    let now = AuditLog::verify(&path, &key(1)).unwrap();
    assert_ne!(now, kept);
    let since = |head: &AuditHead| AuditLog::verify_since(&path, &key(1), Some(head));
    assert_eq!(since(&old), Ok(old));
    let refused = since(&kept).unwrap_err().to_string();
    assert!(refused.contains("put back to an older state"), "{refused}");
    assert!(since(&AuditHead { mac: [1; 32], ..old }).is_err());
    assert_eq!(kept.to_string().parse(), Ok(kept));
    // A process that had read further notices by itself.
    assert!(matches!(later.record(&event(&asha())), Err(Error::Otp(OtpError::Audit(_)))));
    // Nor does it take another line in the place of the one that it had read.
    AuditLog::open(&path, &key(1)).unwrap().record(&event(&Subject::new("ravi").unwrap())).unwrap();
    assert_eq!(AuditLog::verify(&path, &key(1)).unwrap().count, kept.count);
    let refused = later.record(&event(&asha())).unwrap_err().to_string();
    assert!(refused.contains("its head belongs to another log"), "{refused}");
}

#[test]
fn another_key_does_not_verify_and_a_short_one_is_refused() {
    let (_folder, path, _) = written();
    let other = AuditLog::verify(&path, &key(2));
    assert!(matches!(other, Err(Error::Otp(OtpError::Audit(_)))));
    assert!(AuditLog::open(&path, &key(2)).is_err());
    let short = Secret::from(vec![1; 31]);
    assert!(matches!(AuditLog::verify(&path, &short), Err(Error::ApiMisuse(_))));
    assert!(matches!(AuditLog::open(&path, &short).map(drop), Err(Error::ApiMisuse(_))));
}

fn asha() -> Subject {
    Subject::new("asha").unwrap()
}

fn event(subject: &Subject) -> Event<'_> {
    Event {
        time: NOW,
        kind: EventKind::Locked,
        of: None,
        id: Some(OtpId([1; 16])),
        subject: Some(subject),
        context: None,
        receipt: None,
    }
}

#[test]
fn several_logs_over_one_file_write_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let log = AuditLog::open(path, &key(1)).unwrap();
                for _ in 0..25 {
                    log.record(&event(&Subject::new(&format!("thread {thread}")).unwrap())).unwrap();
                }
            });
        }
    });
    assert_eq!(verify(&path), Ok(200));
}

#[test]
fn what_a_killed_process_left_at_the_end_is_cut_off_and_the_log_goes_on() {
    let (_folder, path, _) = written();
    let text = fs::read(&path).unwrap();
    let head = path.with_file_name("audit.log.head");
    let old_head = fs::read(&head).unwrap();
    // Killed while it wrote another line.
    fs::write(&path, [&text[..], b"{\"seq\":19,\"ti"].concat()).unwrap();
    assert!(verify(&path).unwrap_err().contains("line 19 is cut short"));
    let log = AuditLog::open(&path, &key(1)).unwrap();
    log.record(&event(&asha())).unwrap();
    assert_eq!(verify(&path), Ok(19));
    // Killed between a line and the head.
    fs::write(&head, old_head).unwrap();
    assert_eq!(verify(&path), Ok(19));
    log.record(&event(&asha())).unwrap();
    assert_eq!(verify(&path), Ok(20));
}

#[test]
fn nothing_is_accepted_that_cannot_be_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let ledger = ledger(&path);
    let issued = ledger.issue(&CodeRequest::new("asha", &payment()), NOW, &SystemRandom).unwrap();
    fs::write(&path, "changed\n").unwrap();
    let refused = |error: Option<Error>| assert!(matches!(error, Some(Error::Otp(OtpError::Audit(_)))));
    refused(ledger.verify(&Attempt::new(&issued.id, "asha", &payment(), issued.code.expose()), NOW).err());
    refused(ledger.issue(&CodeRequest::new("asha", &payment()), NOW, &SystemRandom).err());
    refused(ledger.resend(&issued.id, &CodeRequest::new("asha", &payment()), NOW, &SystemRandom).err());
    refused(ledger.cancel(&issued.id, "asha", NOW).err());
    refused(ledger.lock("asha", NOW).err());
    refused(ledger.unlock("asha", NOW).err());
    refused(ledger.expire(NOW).err());
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_folder_in_the_place_of_a_file_is_refused_at_once() {
    for replaced in ["audit.log", "audit.log.head"] {
        for folder in [false, true] {
            let (_folder, path, _) = written();
            let place = path.with_file_name(replaced);
            fs::remove_file(&place).unwrap();
            if folder {
                fs::create_dir(&place).unwrap();
            } else {
                assert!(std::process::Command::new("mkfifo").arg(&place).status().unwrap().success());
            }
            let verified = verify(&path).unwrap_err();
            assert!(verified.contains("is no regular file"), "{replaced}: {verified}");
            assert!(
                AuditLog::open(&path, &key(1)).is_err() && AuditLog::repair(&path, &key(1), NOW).is_err()
            );
        }
    }
}

#[test]
fn the_log_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let (folder, ..) = written();
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
}
