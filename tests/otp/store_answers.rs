//! Stores whose answers are late, or belong to another call: an error, and soon.
#![allow(clippy::print_stderr, reason = "what is skipped says why")]

use std::time::{Duration, Instant};

use crate::ground::{Ground, Postgres, Redis, Sqlite, ledger, payment};
use crate::ledger::wrong;
use crate::proxy::Proxy;
use otls::crypto::SystemRandom;
use otls::error::OtpError;
use otls::otp::{Attempt, CodeRequest, Issued, Ledger, Verdict};
use otls::{Error, UnixTime};

const NOW: UnixTime = UnixTime(1_800_000_000);

/// The documented ten seconds, and what a busy machine takes.
const SOON: Duration = Duration::from_secs(20);

fn issue(ledger: &Ledger, attempts: u32) -> Issued {
    ledger.issue(&CodeRequest::new("asha", &payment()).with_attempts(attempts), NOW, &SystemRandom).unwrap()
}

fn verify(ledger: &Ledger, issued: &Issued, code: &str) -> Result<Verdict, Error> {
    ledger.verify(&Attempt::new(&issued.id, "asha", &payment(), code), NOW)
}

fn failed<T: std::fmt::Debug>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Otp(OtpError::Store(_))))
}

/// More calls than a pool has connections, on a store that stands still.
fn all_fail_soon(ledger: &Ledger, issued: &Issued) {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for call in 0..20 {
            scope.spawn(move || match call % 5 {
                0 => assert!(failed(&verify(ledger, issued, &wrong(issued)))),
                1 => assert!(failed(&ledger.lock("ravi", NOW))),
                2 => assert!(failed(&ledger.statistics(NOW))),
                3 => assert!(failed(&ledger.expire(NOW))),
                _ => assert!(failed(&ledger.unlock("ravi", NOW))),
            });
        }
    });
    assert!(start.elapsed() < SOON, "it took {:?}", start.elapsed());
}

#[test]
fn a_redis_server_that_stands_still_fails_every_call_soon() {
    let Some(ground) = Redis::prepare() else { return };
    let ledger = ledger(ground.open());
    let (one, other) = (issue(&ledger, 100), issue(&ledger, 3));
    ground.server.signal("STOP");
    all_fail_soon(&ledger, &one);
    ground.server.signal("CONT");
    assert_eq!(verify(&ledger, &other, other.code.expose()), Ok(Verdict::Accepted));
}

#[test]
fn a_database_that_stands_still_fails_every_call_soon() {
    let Some(ground) = Postgres::prepare() else { return };
    let ledger = ledger(ground.open());
    let (one, other) = (issue(&ledger, 100), issue(&ledger, 3));
    ground.cluster.signal("STOP");
    all_fail_soon(&ledger, &one);
    ground.cluster.signal("CONT");
    assert_eq!(verify(&ledger, &other, other.code.expose()), Ok(Verdict::Accepted));
}

#[test]
fn a_file_that_another_program_keeps_locked_fails_every_call_soon() {
    let ground = Sqlite::prepare().unwrap();
    let ledger = ledger(ground.open());
    let (one, other) = (issue(&ledger, 100), issue(&ledger, 3));
    let path = ground.address().unwrap();
    let holder = rusqlite::Connection::open(path.strip_prefix("sqlite:").unwrap()).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(failed(&verify(&ledger, &one, &wrong(&one)))));
        }
    });
    assert!(start.elapsed() < SOON, "it took {:?}", start.elapsed());
    holder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(verify(&ledger, &other, other.code.expose()), Ok(Verdict::Accepted));
}

/// Somebody between store and server gives the answer to an accepted code a second time.
fn another_calls_answer_is_an_error(address: &str, port: u16) {
    let proxy = Proxy::start(port);
    let through =
        ledger(otls_stores::open(&address.replace(&port.to_string(), &proxy.port.to_string())).unwrap());
    let codes: Vec<Issued> = (0..4).map(|_| issue(&through, 3)).collect();
    assert_eq!(verify(&through, &codes[0], codes[0].code.expose()), Ok(Verdict::Accepted));
    proxy.record();
    assert_eq!(verify(&through, &codes[1], codes[1].code.expose()), Ok(Verdict::Accepted));
    proxy.replay();
    let judged = verify(&through, &codes[2], &wrong(&codes[2]));
    assert!(failed(&judged), "{judged:?}");
    assert!(judged.unwrap_err().to_string().contains("another call"));
    assert_eq!(proxy.opened(), 1);
    proxy.pass();
    // On a new connection.
    assert!(matches!(verify(&through, &codes[3], &wrong(&codes[3])), Ok(Verdict::Wrong { .. })));
    assert_eq!(proxy.opened(), 2);
    // The other calls carry a value of their own as well.
    for call in [
        |ledger: &Ledger| ledger.lock("ravi", NOW),
        |ledger: &Ledger| ledger.unlock("ravi", NOW),
        |ledger: &Ledger| ledger.expire(NOW).map(drop),
        |ledger: &Ledger| ledger.statistics(NOW).map(drop),
        |ledger: &Ledger| ledger.issue(&CodeRequest::new("ravi", &payment()), NOW, &SystemRandom).map(drop),
    ] {
        proxy.pass();
        call(&through).unwrap();
        proxy.record();
        call(&through).unwrap();
        proxy.replay();
        let answered = call(&through);
        assert!(failed(&answered), "{answered:?}");
    }
}

#[test]
fn another_calls_answer_from_redis_is_an_error() {
    let Some(ground) = Redis::prepare() else { return };
    another_calls_answer_is_an_error(&ground.address().unwrap(), ground.server.port);
}

#[test]
fn another_calls_answer_from_a_database_is_an_error() {
    let Some(ground) = Postgres::prepare() else { return };
    another_calls_answer_is_an_error(&ground.address().unwrap(), ground.cluster.port);
}

#[test]
fn a_store_works_on_a_thread_that_drives_other_tasks() {
    let Some(ground) = Redis::prepare() else { return };
    let ledger = ledger(ground.open());
    let issued = issue(&ledger, 3);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let verdict = runtime.block_on(async { verify(&ledger, &issued, issued.code.expose()) });
    assert_eq!(verdict, Ok(Verdict::Accepted));
}
