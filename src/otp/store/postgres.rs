//! Records in a PostgreSQL database, for any number of machines.

use postgres::types::ToSql;
use postgres::{Client, Config, NoTls};

use super::super::{OtpId, Verdict};
use super::pool::Pool;
use super::{
    FORGET_AT_ONCE, Insertion, KEEP_EXPIRED, Policy, Presented, Record, Statistics, Store, failed, verdict,
};
use crate::error::{OtpError, Result};
use crate::time::UnixTime;

/// Records in a PostgreSQL database (12 or newer), in the schema `otls`, which is made at the first
/// use. Each call is one statement.
///
/// The connection is not encrypted: keep it on the machine or within a tunnel; an address with
/// `sslmode=require` is refused.
///
/// ```no_run
/// use otls::otp::{Ledger, PostgresStore};
///
/// let store = PostgresStore::open("postgresql://bank@127.0.0.1/otp")?;
/// let ledger = Ledger::new(Box::new(store), otls::Secret::from(vec![7; 32]))?;
/// # Ok::<(), otls::Error>(())
/// ```
pub struct PostgresStore(Pool<Client>);

impl PostgresStore {
    /// Connects to a database: `postgresql://[USER[:PASSWORD]@]HOST[:PORT]/DATABASE[?…]`, as libpq
    /// reads it.
    ///
    /// # Errors
    /// [`OtpError::Store`] for an address that cannot be used, a server that cannot be reached, and a
    /// user who may not make the schema.
    pub fn open(address: &str) -> Result<Self> {
        let mut config: Config = address.parse().map_err(|error| database(&error))?;
        config.connect_timeout(TIMEOUT).application_name("otls");
        // A server that vanishes without a word is noticed, whichever side would speak next.
        config.tcp_user_timeout(TIMEOUT).keepalives_idle(TIMEOUT).keepalives_interval(KEEPALIVE);
        config.keepalives_retries(2);
        let pool = Pool::new(move || {
            let mut client = config.connect(NoTls).map_err(|error| database(&error))?;
            client.batch_execute(SESSION).map_err(|error| database(&error))?;
            Ok(client)
        })?;
        let schema = ["BEGIN; ", ONE_AT_A_TIME, include_str!("postgres.sql"), "COMMIT;"].concat();
        pool.with(|client| client.batch_execute(&schema).map_err(|error| database(&error)))?;
        Ok(Self(pool))
    }

    /// One statement that answers with a word and perhaps a number.
    fn call(
        &self,
        statement: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<(Option<String>, Option<u64>)> {
        self.0.with(|client| {
            let row = client.query_one(statement, arguments).map_err(|error| database(&error))?;
            let number: Option<i64> = row.get(1);
            Ok((row.get(0), number.and_then(|number| u64::try_from(number).ok())))
        })
    }

    fn execute(&self, statement: &str, arguments: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        self.0.with(|client| client.execute(statement, arguments).map_err(|error| database(&error)))
    }
}

impl Store for PostgresStore {
    fn insert(&self, record: &Record, replaces: Option<&OtpId>, policy: &Policy) -> Result<Insertion> {
        let (word, number) = self.call(
            "SELECT * FROM otls.insert($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            &[
                &record.id.0.as_slice(),
                &record.subject,
                &record.tag.pepper_id.as_slice(),
                &record.tag.mac.as_slice(),
                &seconds(record.issued_at),
                &seconds(record.expires_at),
                &i64::from(record.attempts),
                &replaces.map(|id| id.0.as_slice()),
                &i64::from(policy.subject_attempts),
                &i64::from(policy.issues),
                &seconds(UnixTime(policy.window)),
                &seconds(UnixTime(KEEP_EXPIRED)),
                &i64::from(FORGET_AT_ONCE),
            ],
        )?;
        Ok(match (word.as_deref().unwrap_or_default(), number) {
            ("kept", _) => Insertion::Kept,
            ("subject locked", _) => Insertion::SubjectLocked,
            ("throttled", Some(until)) => Insertion::Throttled(UnixTime(until)),
            (word, number) => Insertion::NotOpen(verdict(word, number)?),
        })
    }

    fn verify(&self, id: &OtpId, presented: &Presented<'_>) -> Result<Verdict> {
        let pepper_ids: Vec<&[u8]> = presented.tags.iter().map(|tag| tag.pepper_id.as_slice()).collect();
        let macs: Vec<&[u8]> = presented.tags.iter().map(|tag| tag.mac.as_slice()).collect();
        let (now, subject_attempts) = (seconds(presented.now), i64::from(presented.subject_attempts));
        let (word, number) = self.call(
            "SELECT * FROM otls.verify($1, $2, $3, $4, $5)",
            &[&id.0.as_slice(), &now, &subject_attempts, &pepper_ids, &macs],
        )?;
        verdict(word.as_deref().unwrap_or_default(), number)
    }

    fn cancel(&self, id: &OtpId) -> Result<Verdict> {
        let (word, number) = self.call("SELECT * FROM otls.cancel($1)", &[&id.0.as_slice()])?;
        verdict(word.as_deref().unwrap_or_default(), number)
    }

    fn lock(&self, subject: &str) -> Result<()> {
        let statement = "INSERT INTO otls.subjects (subject, locked) VALUES ($1, true) \
                         ON CONFLICT (subject) DO UPDATE SET locked = true";
        self.execute(statement, &[&subject]).map(drop)
    }

    fn unlock(&self, subject: &str) -> Result<()> {
        let statement = "UPDATE otls.subjects SET locked = false, failures = 0 WHERE subject = $1";
        self.execute(statement, &[&subject]).map(drop)
    }

    fn forget(&self, time: UnixTime) -> Result<u64> {
        self.execute("DELETE FROM otls.codes WHERE expires_at < $1", &[&seconds(time)])
    }

    fn statistics(&self, now: UnixTime) -> Result<Statistics> {
        self.0.with(|client| {
            let row = client.query_one(STATISTICS, &[&seconds(now)]).map_err(|error| database(&error))?;
            let count = |column: usize| u64::try_from(row.get::<_, i64>(column)).unwrap_or_default();
            Ok(Statistics {
                used: count(0),
                cancelled: count(1),
                locked: count(2),
                expired: count(3),
                open: count(4),
                locked_subjects: count(5),
            })
        })
    }
}

/// The server's own words where there are some: the library's say "db error" alone.
fn database(error: &postgres::Error) -> crate::error::Error {
    match (error.as_db_error(), core::error::Error::source(error)) {
        (Some(error), _) => failed(error),
        (None, Some(source)) => OtpError::Store(format!("{error}: {source}")).into(),
        (None, None) => failed(error),
    }
}

/// As PostgreSQL keeps it: signed. What lies beyond is as good as for ever.
fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

/// How long a call waits for the server before it fails; for statements it stands in `SESSION` too.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// Between two questions whether the server is still there.
const KEEPALIVE: std::time::Duration = std::time::Duration::from_secs(5);

/// Whatever the server's defaults are: a commit is on the disk, rows are read as they are when their
/// lock is had, and no call waits for ever.
const SESSION: &str = "
SET synchronous_commit = on;
SET default_transaction_isolation = 'read committed';
SET statement_timeout = '10s';
";

/// Programs that start together make the schema one after the other.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(7310608213); ";

const STATISTICS: &str = "
SELECT count(*) FILTER (WHERE outcome = 1),
       count(*) FILTER (WHERE outcome = 2),
       count(*) FILTER (WHERE outcome = 0 AND failures >= attempts),
       count(*) FILTER (WHERE outcome = 0 AND failures < attempts AND expires_at <= $1),
       count(*) FILTER (WHERE outcome = 0 AND failures < attempts AND expires_at > $1),
       (SELECT count(*) FROM otls.subjects WHERE locked)
FROM otls.codes";
