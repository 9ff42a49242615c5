//! Stores when something fails: the process is killed, the server goes away, the file is not one of ours.
#![allow(clippy::print_stderr, reason = "what is skipped says why")]

use crate::ground;
use std::io::{BufRead, Read};
use std::time::Duration;

use crate::ground::{Ground, Postgres, Redis, RedisServer, ledger, payment};
use crate::process::Peer;
use otls::crypto::SystemRandom;
use otls::error::OtpError;
use otls::otp::{
    Attempt, CodeRequest, Issued, Ledger, OtpId, Policy, Presented, Record, Subject, Tag, Verdict, Withdrawal,
};
use otls::{Error, UnixTime};

const NOW: UnixTime = UnixTime(1_800_000_000);

fn issue(ledger: &Ledger) -> Issued {
    ledger.issue(&CodeRequest::new("asha", &payment()), NOW, &SystemRandom).unwrap()
}

#[test]
fn nothing_is_lost_when_the_bank_is_killed_at_any_moment() {
    const KILLS: u32 = 200;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otp.sqlite");
    let address = format!("sqlite:{}", path.display());
    let mut issued = 0;
    for kill in 0..KILLS {
        let mut peer = Peer::start("issue", &address);
        // Every other time from when it is at work; the others may fall before the database is open.
        let mut lines: Vec<String> = if kill % 2 == 0 { vec![peer.read()] } else { Vec::new() };
        std::thread::sleep(Duration::from_micros(u64::from(kill * 7919 % 40_000)));
        peer.process.kill().unwrap();
        peer.process.wait().unwrap();
        lines.extend(peer.output.by_ref().lines().map(Result::unwrap));

        let ledger = ledger(otls_stores::open(&address).unwrap());
        let accepted: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("accepted ")).collect();
        for reported in lines.iter().filter_map(|line| line.strip_prefix("issued ")) {
            issued += 1;
            let (id, code) = reported.split_once(' ').unwrap();
            let id = OtpId(u128::from_str_radix(id, 16).unwrap().to_be_bytes());
            let verdict = ledger.verify(&Attempt::new(&id, "asha", &payment(), code), NOW).unwrap();
            match accepted.contains(&reported) {
                true => assert_eq!(verdict, Verdict::Used, "kill {kill}: accepted again"),
                // It may have been accepted without having been reported.
                false => assert!(matches!(verdict, Verdict::Accepted | Verdict::Used), "{kill}: {verdict:?}"),
            }
        }
        let database = rusqlite::Connection::open(&path).unwrap();
        let check: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
    }
    assert!(issued >= KILLS / 2, "only {issued} codes were issued: the kills mean nothing");
}

#[test]
fn a_redis_server_that_is_killed_accepts_nothing_and_remembers_when_it_is_back() {
    let Some(ground) = Redis::prepare() else { return };
    let ledger = ledger(ground.open());
    let (one, other) = (issue(&ledger), issue(&ledger));
    let verify = |issued: &Issued| {
        ledger.verify(&Attempt::new(&issued.id, "asha", &payment(), issued.code.expose()), NOW)
    };
    assert_eq!(verify(&one), Ok(Verdict::Accepted));
    let (folder, port) = ground.server.kill();
    assert!(matches!(verify(&other), Err(Error::Otp(OtpError::Store(_)))));
    let issued = ledger.issue(&CodeRequest::new("asha", &payment()), NOW, &SystemRandom);
    assert!(matches!(issued.err(), Some(Error::Otp(OtpError::Store(_)))));
    let server = RedisServer::start(folder, port);
    assert!(server.is_some());
    assert_eq!(verify(&one), Ok(Verdict::Used));
    assert_eq!(verify(&other), Ok(Verdict::Accepted));
}

#[test]
fn a_database_that_drops_connections_accepts_nothing_on_them_and_is_found_again() {
    let Some(ground) = Postgres::prepare() else { return };
    let ledger = ledger(ground.open());
    let issued = issue(&ledger);
    let verify = || ledger.verify(&Attempt::new(&issued.id, "asha", &payment(), issued.code.expose()), NOW);
    let others = "application_name = 'otls' AND datname = ";
    ground.cluster.run(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}'{}'",
        ground.database
    ));
    let failed = verify();
    assert!(matches!(failed, Err(Error::Otp(OtpError::Store(_)))), "{failed:?}");
    assert_eq!(verify(), Ok(Verdict::Accepted));
}

#[test]
fn stores_that_cannot_be_opened_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        format!("sqlite:{}", path.display())
    };
    let newer = folder.path().join("newer.sqlite");
    rusqlite::Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let dead = ground::free_port();
    let cases = [
        (
            file("text", b"this is not a database, and long enough to be told apart from one"),
            "not a database",
        ),
        (format!("sqlite:{}", newer.display()), "version 99"),
        (format!("sqlite:{}", folder.path().join("no/such/folder").display()), "No such file"),
        (format!("sqlite:{}", folder.path().display()), "directory"),
        ("sqlite::memory:".to_owned(), "memory:"),
        (format!("redis://127.0.0.1:{dead}"), "refused"),
        ("redis://".to_owned(), ""),
        (format!("postgresql://bank@127.0.0.1:{dead}/otp"), "refused"),
        ("postgresql://bank@127.0.0.1:port/otp".to_owned(), "port"),
    ];
    for (address, text) in cases {
        match otls_stores::open(&address).map(drop) {
            Err(error @ Error::Otp(OtpError::Store(_))) => {
                assert!(error.to_string().contains(text), "{address}: {error}");
            }
            other => panic!("{address}: {other:?}"),
        }
    }
    for address in ["", "memory", "memory:x", "sqlite:", "mysql://host/otp", "otp.sqlite"] {
        let refused = otls_stores::open(address).map(drop);
        assert!(matches!(refused, Err(Error::ApiMisuse(_))), "{address}");
    }
}

#[cfg(unix)]
#[test]
fn a_database_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otp.sqlite");
    let ledger = ledger(otls_stores::open(&format!("sqlite:{}", path.display())).unwrap());
    issue(&ledger);
    let mut files = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
        files += 1;
    }
    assert!(files >= 2, "there is a write-ahead log beside the database");
}

#[test]
fn the_log_beside_a_database_stays_short() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otp.sqlite");
    let ledger = ledger(otls_stores::open(&format!("sqlite:{}", path.display())).unwrap());
    let longest = (0..300).map(|_| {
        issue(&ledger);
        std::fs::metadata(folder.path().join("otp.sqlite-wal")).map_or(0, |log| log.len())
    });
    let longest = longest.max().unwrap();
    // It is read whenever the database is opened.
    assert!(longest < 512 * 1024, "{longest} octets");
}

#[test]
fn a_database_from_before_there_were_receipts_gets_their_table_and_keeps_its_codes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otp.sqlite");
    let open = || ledger(otls_stores::open(&format!("sqlite:{}", path.display())).unwrap());
    let issued = open().issue(&CodeRequest::new("asha", &payment()), NOW, &SystemRandom).unwrap();
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch("DROP TABLE receipts; PRAGMA user_version = 1;").unwrap();
    drop(old);
    let bank = open();
    assert!(bank.receipt(&issued.id, "asha").unwrap().is_none());
    let verdict =
        bank.verify(&Attempt::new(&issued.id, "asha", &payment(), issued.code.expose()), NOW).unwrap();
    assert_eq!(verdict, Verdict::Accepted);
}

#[test]
fn a_code_whose_receipt_cannot_be_kept_is_neither_accepted_nor_withdrawn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otp.sqlite");
    let store = otls_stores::open(&format!("sqlite:{}", path.display())).unwrap();
    let (asha, tag) = (Subject::new("asha").unwrap(), Tag { pepper_id: [1; 8], mac: [1; 32] });
    for id in [1, 2] {
        let record = Record {
            id: OtpId([id; 16]),
            subject: asha.clone(),
            tag,
            issued_at: NOW,
            expires_at: NOW.plus(Duration::from_secs(120)),
            attempts: 3,
        };
        store.insert(&record, None, &Policy::default()).unwrap();
    }
    let presented =
        Presented { subject: &asha, tags: &[tag], now: NOW, subject_attempts: 100, receipt: Some(b"yes") };
    let withdrawal = Withdrawal { subject: &asha, now: NOW, receipt: Some(b"no") };
    let fault = rusqlite::Connection::open(&path).unwrap();
    let trigger = "CREATE TRIGGER full BEFORE INSERT ON receipts BEGIN SELECT RAISE(ABORT, 'full'); END;";
    fault.execute_batch(trigger).unwrap();
    assert!(store.verify(&OtpId([1; 16]), &presented).is_err());
    assert!(store.cancel(&OtpId([2; 16]), &withdrawal).is_err());
    fault.execute_batch("DROP TRIGGER full;").unwrap();
    // Both codes are as they were, so that the right answer counts now.
    let without = Presented { receipt: None, ..presented };
    assert_eq!(store.verify(&OtpId([2; 16]), &without).unwrap(), Verdict::Accepted);
    assert_eq!(store.verify(&OtpId([1; 16]), &presented).unwrap(), Verdict::Accepted);
    assert_eq!(store.receipt(&OtpId([1; 16]), &asha).unwrap(), Some(b"yes".to_vec()));
}
