//! Records in an SQLite database, for one machine and any number of processes.

mod connection;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use self::connection::{Open, SCHEMA_VERSION, failed};
use super::super::deadline::Deadline;
use super::super::{OtpId, Subject, Verdict};
use super::pool::Pool;
use super::rules::{Code, Outcome, Standing};
use super::{
    FORGET_AT_ONCE, Insertion, KEEP_EXPIRED, Policy, Presented, Record, Statistics, Store, Tag, Withdrawal,
};
use crate::error::{OtpError, Result};
use crate::time::UnixTime;

/// Records in a file. Each call is one transaction, written to the disk before it returns (WAL,
/// `synchronous=FULL`): what was accepted stays accepted and what was issued stays issued, however
/// the process ends. It waits ten seconds at most for others. The file is made with mode 0600; do not put
/// it on a network file system.
///
/// Between calls the file is closed, because SQLite in a child knows nothing of the locks of a connection
/// that was open at the fork. So a store may be opened before; only a child that was forked in the middle of
/// another thread's call is refused.
///
/// ```
/// use otls::otp::{Ledger, SqliteStore};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("otp.sqlite");
/// let store = SqliteStore::open(&path)?;
/// let ledger = Ledger::new(Box::new(store), otls::Secret::from(vec![7; 32]))?;
/// # Ok::<(), otls::Error>(())
/// ```
pub struct SqliteStore {
    path: PathBuf,
    /// One call at a time: threads that wait here are not kept waiting by chance.
    turns: Pool<()>,
}

crate::shown::shown!(SqliteStore);

impl SqliteStore {
    /// Opens a database, or makes one.
    ///
    /// # Errors
    /// [`OtpError::Store`] for a file that is not such a database or cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        // SQLite's own name for a database that is no file, and is gone with the connection.
        if path.as_os_str() == ":memory:" {
            return Err(
                OtpError::Store(":memory: is not a file; the store in memory is memory:".to_owned()).into()
            );
        }
        let absolute = std::path::absolute(path).map_err(|error| failed(&error))?;
        let store = Self { path: absolute, turns: Pool::new(1, |_| Ok(())) };
        connection::create_private(&store.path)?;
        match store.with(connection::prepare)? {
            SCHEMA_VERSION => Ok(store),
            other => Err(OtpError::Store(format!(
                "its schema has version {other}, this build knows {SCHEMA_VERSION}"
            ))
            .into()),
        }
    }

    /// Lends a connection that is open for this call alone.
    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T> {
        let deadline = Deadline::start();
        self.turns.with(deadline, |()| {
            let mut open = Open::new(&self.path, deadline)?;
            work(open.connection(deadline)?).map_err(|error| failed(&error))
        })
    }

    /// Runs `work` in a transaction that has the right to write from the start: it never has to be
    /// tried again because another one wrote in between.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            connection::shorten_log(connection, &self.path);
            Ok(done)
        })
    }
}

impl Store for SqliteStore {
    fn insert(&self, record: &Record, replaces: Option<&OtpId>, policy: &Policy) -> Result<Insertion> {
        self.write(|transaction| {
            forget(transaction, record.issued_at.minus(KEEP_EXPIRED), FORGET_AT_ONCE)?;
            let subject = read_subject(transaction, &record.subject)?;
            let old = match replaces {
                None => None,
                Some(id) => Some(read_code(transaction, id, &record.subject)?),
            };
            let old_code = old.as_ref().map(Option::as_ref);
            let (code, subject) = match Code::admit(record, old_code, &subject, policy) {
                Ok(admitted) => admitted,
                Err(refused) => return Ok(refused),
            };
            if let (Some(id), Some(Some(mut old))) = (replaces, old) {
                old.cancel();
                write_code(transaction, id, &old)?;
            }
            write_subject(transaction, &record.subject, &subject)?;
            transaction.prepare_cached(INSERT)?.execute(params![
                record.id.0,
                record.subject.as_str(),
                code.tag.pepper_id,
                code.tag.mac,
                seconds(record.issued_at),
                seconds(code.expires_at),
                code.attempts,
                code.failures,
            ])?;
            Ok(Insertion::Kept)
        })
    }

    fn verify(&self, id: &OtpId, presented: &Presented<'_>) -> Result<Verdict> {
        self.write(|transaction| {
            let name = presented.subject;
            let Some(mut code) = read_code(transaction, id, name)? else { return Ok(Verdict::Unknown) };
            let mut subject = read_subject(transaction, name)?;
            let verdict = code.judge(&mut subject, presented);
            if matches!(verdict, Verdict::Accepted | Verdict::Wrong { .. }) {
                write_code(transaction, id, &code)?;
                write_subject(transaction, name, &subject)?;
            }
            if verdict.is_accepted() {
                keep(transaction, id, name, presented.now, presented.receipt)?;
            }
            Ok(verdict)
        })
    }

    fn cancel(&self, id: &OtpId, withdrawal: &Withdrawal<'_>) -> Result<Verdict> {
        self.write(|transaction| {
            let name = withdrawal.subject;
            let Some(mut code) = read_code(transaction, id, name)? else { return Ok(Verdict::Unknown) };
            let verdict = code.cancel();
            write_code(transaction, id, &code)?;
            if verdict == Verdict::Cancelled {
                keep(transaction, id, name, withdrawal.now, withdrawal.receipt)?;
            }
            Ok(verdict)
        })
    }

    fn receipt(&self, id: &OtpId, subject: &Subject) -> Result<Option<Vec<u8>>> {
        self.with(|connection| {
            let row = params![id.0, subject.as_str()];
            connection.query_row(SELECT_RECEIPT, row, |row| row.get(0)).optional()
        })
    }

    fn forget_receipts(&self, time: UnixTime) -> Result<u64> {
        self.write(|transaction| {
            let forgotten = transaction.prepare_cached(FORGET_RECEIPTS)?.execute([seconds(time)])?;
            Ok(u64::try_from(forgotten).unwrap_or(u64::MAX))
        })
    }

    fn lock(&self, subject: &Subject) -> Result<()> {
        self.write(|transaction| {
            let known = read_subject(transaction, subject)?;
            write_subject(transaction, subject, &Standing { locked: true, ..known })
        })
    }

    fn unlock(&self, subject: &Subject) -> Result<()> {
        self.write(|transaction| {
            let known = read_subject(transaction, subject)?;
            write_subject(transaction, subject, &Standing { locked: false, failures: 0, ..known })
        })
    }

    fn forget(&self, time: UnixTime) -> Result<u64> {
        self.write(|transaction| forget(transaction, time, u32::MAX))
    }

    fn statistics(&self, now: UnixTime) -> Result<Statistics> {
        self.with(|connection| {
            connection.query_row(STATISTICS, [seconds(now)], |row| {
                Ok(Statistics {
                    used: unsigned(row, 0)?,
                    cancelled: unsigned(row, 1)?,
                    locked: unsigned(row, 2)?,
                    expired: unsigned(row, 3)?,
                    open: unsigned(row, 4)?,
                    locked_subjects: unsigned(row, 5)?,
                })
            })
        })
    }
}

fn read_code(transaction: &Transaction<'_>, id: &OtpId, subject: &Subject) -> rusqlite::Result<Option<Code>> {
    let mut statement = transaction.prepare_cached(SELECT_CODE)?;
    let row = statement.query_row(params![id.0, subject.as_str()], |row| {
        let outcome = match row.get(5)? {
            OPEN => Outcome::Open,
            USED => Outcome::Used,
            // Whatever else stands there accepts nothing.
            _ => Outcome::Cancelled,
        };
        let tag = Tag { pepper_id: row.get(0)?, mac: row.get(1)? };
        let (expires_at, attempts, failures) = (UnixTime(unsigned(row, 2)?), row.get(3)?, row.get(4)?);
        Ok(Code { tag, expires_at, attempts, failures, outcome })
    });
    row.optional()
}

/// What changes of a code.
fn write_code(transaction: &Transaction<'_>, id: &OtpId, code: &Code) -> rusqlite::Result<()> {
    let outcome = match code.outcome {
        Outcome::Open => OPEN,
        Outcome::Used => USED,
        Outcome::Cancelled => CANCELLED,
    };
    transaction.prepare_cached(UPDATE_CODE)?.execute(params![id.0, code.failures, outcome])?;
    Ok(())
}

fn read_subject(transaction: &Transaction<'_>, subject: &Subject) -> rusqlite::Result<Standing> {
    let mut statement = transaction.prepare_cached(SELECT_SUBJECT)?;
    let row = statement.query_row([subject.as_str()], |row| {
        let (failures, locked) = (row.get(0)?, row.get(1)?);
        Ok(Standing { failures, locked, window_start: UnixTime(unsigned(row, 2)?), issues: row.get(3)? })
    });
    Ok(row.optional()?.unwrap_or_default())
}

fn write_subject(transaction: &Transaction<'_>, name: &Subject, subject: &Standing) -> rusqlite::Result<()> {
    let Standing { failures, locked, window_start, issues } = *subject;
    let mut statement = transaction.prepare_cached(WRITE_SUBJECT)?;
    statement.execute(params![name.as_str(), failures, locked, seconds(window_start), issues])?;
    Ok(())
}

/// The first receipt of a code stays.
fn keep(
    transaction: &Transaction<'_>,
    id: &OtpId,
    subject: &Subject,
    now: UnixTime,
    receipt: Option<&[u8]>,
) -> rusqlite::Result<()> {
    if let Some(receipt) = receipt {
        let row = params![id.0, subject.as_str(), seconds(now), receipt];
        transaction.prepare_cached(INSERT_RECEIPT)?.execute(row)?;
    }
    Ok(())
}

fn forget(transaction: &Transaction<'_>, time: UnixTime, most: u32) -> rusqlite::Result<u64> {
    let forgotten = transaction.prepare_cached(FORGET)?.execute(params![seconds(time), most])?;
    Ok(u64::try_from(forgotten).unwrap_or(u64::MAX))
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(|number: i64| u64::try_from(number).unwrap_or_default())
}

/// As SQLite keeps it: signed. What lies beyond is as good as for ever.
fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

const OPEN: u8 = 0;
const USED: u8 = 1;
const CANCELLED: u8 = 2;

const INSERT: &str = "
INSERT INTO codes (id, subject, pepper_id, mac, issued_at, expires_at, attempts, failures)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const SELECT_CODE: &str = "
SELECT pepper_id, mac, expires_at, attempts, failures, outcome FROM codes WHERE id = ?1 AND subject = ?2";

const UPDATE_CODE: &str = "UPDATE codes SET failures = ?2, outcome = ?3 WHERE id = ?1";

const SELECT_SUBJECT: &str = "
SELECT failures, locked, window_start, issues FROM subjects WHERE subject = ?1";

const WRITE_SUBJECT: &str = "
INSERT OR REPLACE INTO subjects (subject, failures, locked, window_start, issues) VALUES (?1, ?2, ?3, ?4, ?5)";

const INSERT_RECEIPT: &str = "
INSERT INTO receipts (id, subject, kept_at, receipt) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING";

const SELECT_RECEIPT: &str = "SELECT receipt FROM receipts WHERE id = ?1 AND subject = ?2";

const FORGET_RECEIPTS: &str = "DELETE FROM receipts WHERE kept_at < ?1";

const FORGET: &str = "
DELETE FROM codes WHERE id IN (SELECT id FROM codes WHERE expires_at < ?1 LIMIT ?2)";

const STATISTICS: &str = "
SELECT count(*) FILTER (WHERE outcome = 1),
       count(*) FILTER (WHERE outcome = 2),
       count(*) FILTER (WHERE outcome = 0 AND failures >= attempts),
       count(*) FILTER (WHERE outcome = 0 AND failures < attempts AND expires_at <= ?1),
       count(*) FILTER (WHERE outcome = 0 AND failures < attempts AND expires_at > ?1),
       (SELECT count(*) FROM subjects WHERE locked)
FROM codes";
