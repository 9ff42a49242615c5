//! A database that is open for one call.

use core::sync::atomic::{AtomicU64, Ordering};
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::process;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::super::super::deadline::Deadline;
use crate::error::{Error, OtpError, Result};

/// Closed when it is dropped, and only then counted as closed: the fields are dropped in this order.
pub(super) struct Open {
    connection: Connection,
    _inside: Inside,
}

impl Open {
    pub(super) fn new(path: &Path, deadline: Deadline) -> Result<Self> {
        let inside = Inside::enter()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(path, flags).and_then(|connection| {
            connection.busy_timeout(deadline.left().unwrap_or_default())?;
            // Without it the last one that closes moves the log into the database: at each call.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            // Each commit reaches the disk: a code that was accepted is not forgotten with the power.
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "wal_autocheckpoint", 0)?;
            Ok(connection)
        });
        Ok(Self { connection: opened.map_err(|error| failed(&error))?, _inside: inside })
    }

    /// It waits for others until the deadline.
    pub(super) fn connection(&mut self, deadline: Deadline) -> Result<&mut Connection> {
        self.connection.busy_timeout(deadline.left()?).map_err(|error| failed(&error))?;
        Ok(&mut self.connection)
    }
}

/// Moves a long log into the database and starts it anew. SQLite would do the one by itself, but does not know
/// at the next opening that it was done, and would not do the other.
pub(super) fn shorten_log(connection: &Connection, path: &Path) {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if std::fs::metadata(log).is_ok_and(|log| log.len() > LOG_LEN) {
        // What was committed is safe either way: where others are at work, one of them does it.
        let _ = connection.busy_timeout(Duration::ZERO);
        let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
}

/// Where there is no file, makes one with a mode that SQLite does not choose; its WAL takes the same. A file
/// that is there is not touched: closing it would drop the locks that SQLite has on it in this process
/// (fcntl(2), POSIX record locks).
pub(super) fn create_private(path: &Path) -> Result<()> {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.write(true).create_new(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && !path.is_dir() => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(OtpError::Store("a directory stands in its place".to_owned()).into())
        }
        Err(error) => Err(failed(&error)),
    }
}

/// Makes what is not there yet; returns the version of what is.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // The tables of version 1 stay as they are.
    if version == 0 {
        transaction.execute_batch(SCHEMA)?;
    }
    if version == 0 || version == 1 {
        transaction.execute_batch(SCHEMA_OF_RECEIPTS)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    transaction.commit()?;
    Ok(if version == 0 || version == 1 { SCHEMA_VERSION } else { version })
}

/// Counts the connections that are open in this process.
///
/// SQLite keeps what it has locked in its own globals, which a child inherits while the locks stay with the
/// parent (sqlite.org, "How To Corrupt An SQLite Database File", §2.6): a child that was forked while a
/// connection was open may never use SQLite on that file. One that was forked at another moment may.
struct Inside;

impl Inside {
    fn enter() -> Result<Self> {
        let process = u64::from(process::id()) << 32;
        let entered = OPEN.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |open| {
            let (of, count) = (open & !COUNT, open & COUNT);
            if of == process { open.checked_add(1) } else { (count == 0).then_some(process | 1) }
        });
        entered.map(|_| Self).map_err(|_| {
            Error::misuse(
                "SQLite was at work in another thread when this process was forked",
                "fork while no thread uses the ledger, and start this process again",
            )
        })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The process, and below it how many connections it has open.
static OPEN: AtomicU64 = AtomicU64::new(0);

const COUNT: u64 = 0xFFFF_FFFF;

/// Octets of a long log: 64 pages, which is some twenty calls. Whoever opens the database while no other does
/// reads all of it.
const LOG_LEN: u64 = 64 * 4096;

/// Since version 2 there are receipts.
pub(super) const SCHEMA_VERSION: i64 = 2;

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

const SCHEMA_OF_RECEIPTS: &str = "
CREATE TABLE receipts (
    id BLOB NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL,
    kept_at INTEGER NOT NULL,
    receipt BLOB NOT NULL
) STRICT;
CREATE INDEX receipts_by_time ON receipts (kept_at);
";

/// What SQLite says of a failure; it never has a bound value in it.
pub(super) fn failed<E: core::fmt::Display>(error: &E) -> Error {
    OtpError::Store(error.to_string()).into()
}
