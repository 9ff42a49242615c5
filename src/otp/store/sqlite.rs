//! Records in an SQLite database, for one machine and any number of processes.

use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::super::{OtpId, Verdict};
use super::rules::{Code, Outcome, Subject};
use super::{
    FORGET_AT_ONCE, Insertion, KEEP_EXPIRED, Policy, Presented, Record, Statistics, Store, Tag, failed,
};
use crate::error::{OtpError, Result};
use crate::time::UnixTime;

/// Records in a file. Each call is one transaction, written to the disk before it returns (WAL,
/// `synchronous=FULL`): what was accepted stays accepted and what was issued stays issued, however
/// the process ends. The file is made with mode 0600; do not put it on a network file system.
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
pub struct SqliteStore(Mutex<Connection>);

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
        create_private(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(|error| failed(&error))?;
        prepare(&mut connection)?;
        Ok(Self(Mutex::new(connection)))
    }

    // A panic inside a transaction has rolled it back, but what else happened is unknown.
    fn lock(&self) -> Result<MutexGuard<'_, Connection>> {
        self.0.lock().map_err(|_| OtpError::Store("an earlier call panicked".to_owned()).into())
    }

    /// Runs `work` in a transaction that has the right to write from the start: it never has to be
    /// tried again because another one wrote in between.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T> {
        let mut connection = self.lock()?;
        let done =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|transaction| {
                let done = work(&transaction)?;
                transaction.commit()?;
                Ok(done)
            });
        done.map_err(|error| failed(&error))
    }
}

impl Store for SqliteStore {
    fn insert(&self, record: &Record, replaces: Option<&OtpId>, policy: &Policy) -> Result<Insertion> {
        self.write(|transaction| {
            forget(transaction, record.issued_at.minus(KEEP_EXPIRED), FORGET_AT_ONCE)?;
            let subject = read_subject(transaction, &record.subject)?;
            let old = match replaces {
                None => None,
                Some(id) => {
                    Some(read_code(transaction, id)?.filter(|(subject, _)| *subject == record.subject))
                }
            };
            let old_code = old.as_ref().map(|old| old.as_ref().map(|(_, code)| code));
            let (code, subject) = match Code::admit(record, old_code, &subject, policy) {
                Ok(admitted) => admitted,
                Err(refused) => return Ok(refused),
            };
            if let (Some(id), Some(Some((_, mut old)))) = (replaces, old) {
                old.cancel();
                write_code(transaction, id, &old)?;
            }
            write_subject(transaction, &record.subject, &subject)?;
            transaction.prepare_cached(INSERT)?.execute(params![
                record.id.0,
                record.subject,
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
            let Some((name, mut code)) = read_code(transaction, id)? else { return Ok(Verdict::Unknown) };
            let mut subject = read_subject(transaction, &name)?;
            let verdict = code.judge(&mut subject, presented);
            if matches!(verdict, Verdict::Accepted | Verdict::Wrong { .. }) {
                write_code(transaction, id, &code)?;
                write_subject(transaction, &name, &subject)?;
            }
            Ok(verdict)
        })
    }

    fn cancel(&self, id: &OtpId) -> Result<Verdict> {
        self.write(|transaction| {
            let Some((_, mut code)) = read_code(transaction, id)? else { return Ok(Verdict::Unknown) };
            let verdict = code.cancel();
            write_code(transaction, id, &code)?;
            Ok(verdict)
        })
    }

    fn lock(&self, subject: &str) -> Result<()> {
        self.write(|transaction| {
            let known = read_subject(transaction, subject)?;
            write_subject(transaction, subject, &Subject { locked: true, ..known })
        })
    }

    fn unlock(&self, subject: &str) -> Result<()> {
        self.write(|transaction| {
            let known = read_subject(transaction, subject)?;
            write_subject(transaction, subject, &Subject { locked: false, failures: 0, ..known })
        })
    }

    fn forget(&self, time: UnixTime) -> Result<u64> {
        self.write(|transaction| forget(transaction, time, u32::MAX))
    }

    fn statistics(&self, now: UnixTime) -> Result<Statistics> {
        let connection = self.lock()?;
        let counts = connection.query_row(STATISTICS, [seconds(now)], |row| {
            Ok(Statistics {
                used: unsigned(row, 0)?,
                cancelled: unsigned(row, 1)?,
                locked: unsigned(row, 2)?,
                expired: unsigned(row, 3)?,
                open: unsigned(row, 4)?,
                locked_subjects: unsigned(row, 5)?,
            })
        });
        counts.map_err(|error| failed(&error))
    }
}

fn read_code(transaction: &Transaction<'_>, id: &OtpId) -> rusqlite::Result<Option<(String, Code)>> {
    let mut statement = transaction.prepare_cached(SELECT_CODE)?;
    let row = statement.query_row([id.0], |row| {
        let outcome = match row.get(6)? {
            OPEN => Outcome::Open,
            USED => Outcome::Used,
            // Whatever else stands there accepts nothing.
            _ => Outcome::Cancelled,
        };
        let tag = Tag { pepper_id: row.get(1)?, mac: row.get(2)? };
        let (expires_at, attempts, failures) = (UnixTime(unsigned(row, 3)?), row.get(4)?, row.get(5)?);
        Ok((row.get(0)?, Code { tag, expires_at, attempts, failures, outcome }))
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

fn read_subject(transaction: &Transaction<'_>, subject: &str) -> rusqlite::Result<Subject> {
    let mut statement = transaction.prepare_cached(SELECT_SUBJECT)?;
    let row = statement.query_row([subject], |row| {
        let (failures, locked) = (row.get(0)?, row.get(1)?);
        Ok(Subject { failures, locked, window_start: UnixTime(unsigned(row, 2)?), issues: row.get(3)? })
    });
    Ok(row.optional()?.unwrap_or_default())
}

fn write_subject(transaction: &Transaction<'_>, name: &str, subject: &Subject) -> rusqlite::Result<()> {
    let Subject { failures, locked, window_start, issues } = *subject;
    let mut statement = transaction.prepare_cached(WRITE_SUBJECT)?;
    statement.execute(params![name, failures, locked, seconds(window_start), issues])?;
    Ok(())
}

fn forget(transaction: &Transaction<'_>, time: UnixTime, most: u32) -> rusqlite::Result<u64> {
    let forgotten = transaction.prepare_cached(FORGET)?.execute(params![seconds(time), most])?;
    Ok(u64::try_from(forgotten).unwrap_or(u64::MAX))
}

/// The file with a mode that SQLite does not choose; its WAL takes the same.
fn create_private(path: &Path) -> Result<()> {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut options = std::fs::File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let created = options.write(true).create(true).truncate(false).open(path);
    created.map(drop).map_err(|error| failed(&error))
}

fn prepare(connection: &mut Connection) -> Result<()> {
    let prepared: rusqlite::Result<i64> = (|| {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // Each commit reaches the disk: a code that was accepted is not forgotten with the power.
        connection.pragma_update(None, "synchronous", "FULL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version == 0 {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        }
        transaction.commit()?;
        Ok(if version == 0 { SCHEMA_VERSION } else { version })
    })();
    match prepared {
        Ok(SCHEMA_VERSION) => Ok(()),
        Ok(other) => {
            Err(OtpError::Store(format!("its schema has version {other}, this build knows {SCHEMA_VERSION}"))
                .into())
        }
        Err(error) => Err(failed(&error)),
    }
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(|number: i64| u64::try_from(number).unwrap_or_default())
}

/// As SQLite keeps it: signed. What lies beyond is as good as for ever.
fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

/// How long a call waits for those of other processes; a transaction takes milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);

const OPEN: u8 = 0;
const USED: u8 = 1;
const CANCELLED: u8 = 2;

const SCHEMA_VERSION: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE codes (
    id BLOB NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL,
    pepper_id BLOB NOT NULL,
    mac BLOB NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    outcome INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_by_expiry ON codes (expires_at);
CREATE TABLE subjects (
    subject TEXT NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    locked INTEGER NOT NULL,
    window_start INTEGER NOT NULL,
    issues INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

const INSERT: &str = "
INSERT INTO codes (id, subject, pepper_id, mac, issued_at, expires_at, attempts, failures)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const SELECT_CODE: &str = "
SELECT subject, pepper_id, mac, expires_at, attempts, failures, outcome FROM codes WHERE id = ?1";

const UPDATE_CODE: &str = "UPDATE codes SET failures = ?2, outcome = ?3 WHERE id = ?1";

const SELECT_SUBJECT: &str = "
SELECT failures, locked, window_start, issues FROM subjects WHERE subject = ?1";

const WRITE_SUBJECT: &str = "
INSERT OR REPLACE INTO subjects (subject, failures, locked, window_start, issues) VALUES (?1, ?2, ?3, ?4, ?5)";

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
