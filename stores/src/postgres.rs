//! Records in a PostgreSQL database, for any number of machines.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row};

use otls::error::OtpError;
use otls::internal::{Deadline, FORGET_AT_ONCE, KEEP_EXPIRED, Pool};
use otls::otp::{
    Insertion, OtpId, Policy, Presented, Record, Statistics, Store, Subject, Verdict, Withdrawal,
};
use otls::{Result, UnixTime};

use super::call::{Driver, MAX_CONNECTIONS, Nonce, failed, verdict};

/// Records in a PostgreSQL database (12 or newer), in the schema `otls`, which is made at the first
/// use. Each call is one statement, which ends within ten seconds, and its answer brings back a random
/// value of that call. After a fork the child makes its own connections and leaves alone those that it has
/// inherited: a store may be opened before.
///
/// The connection is not encrypted: keep it on the machine or within a tunnel; an address with
/// `sslmode=require` is refused.
///
/// ```no_run
/// use otls::otp::Ledger;
/// use otls_stores::PostgresStore;
///
/// let store = PostgresStore::open("postgresql://bank@127.0.0.1/otp")?;
/// let ledger = Ledger::new(Box::new(store), otls::Secret::from(vec![7; 32]))?;
/// # Ok::<(), otls::Error>(())
/// ```
pub struct PostgresStore(Pool<Connection>);

impl core::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

/// One that is dropped says nothing more to the server.
struct Connection {
    client: Client,
    driver: Driver,
}

impl PostgresStore {
    /// Connects to a database: `postgresql://[USER[:PASSWORD]@]HOST[:PORT]/DATABASE[?…]`, as libpq
    /// reads it.
    ///
    /// # Errors
    /// [`OtpError::Store`] for an address that cannot be used, a server that cannot be reached, and a
    /// user who may not make the schema.
    pub fn open(address: &str) -> Result<Self> {
        let mut config: Config = address.parse().map_err(|error| database(&error))?;
        config.application_name("otls");
        // A server that vanishes without a word is noticed between calls too.
        config.tcp_user_timeout(UNHEARD).keepalives_idle(UNHEARD).keepalives_interval(KEEPALIVE);
        config.keepalives_retries(2);
        let pool = Pool::new(MAX_CONNECTIONS, move |deadline| Connection::open(&config, deadline));
        let schema = ["BEGIN; ", ONE_AT_A_TIME, include_str!("postgres.sql"), "COMMIT;"].concat();
        let deadline = Deadline::start();
        pool.with(deadline, |connection| connection.batch(&schema, deadline))?;
        Ok(Self(pool))
    }

    /// One statement that answers with one row. Its first column is the last parameter, `$1` behind the
    /// others: `statement` has the place of it as `NONCE`.
    fn row(&self, statement: &str, arguments: &[&(dyn ToSql + Sync)]) -> Result<Row> {
        let (deadline, nonce) = (Deadline::start(), Nonce::draw()?);
        let (octets, number) = (nonce.0.as_slice(), arguments.len().saturating_add(1));
        let statement = statement.replace("NONCE", &format!("${number}::bytea"));
        let arguments = [arguments, &[&octets]].concat();
        self.0.with(deadline, |connection| {
            let Connection { client, driver } = connection;
            let asked = client.query_one(&statement, &arguments);
            let row = driver.run(deadline, async { asked.await.map_err(|error| database(&error)) })?;
            nonce.check(cell(&row, 0)?)?;
            Ok(row)
        })
    }

    /// A function that answers with a word and perhaps a number.
    fn call(
        &self,
        function: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<(Option<String>, Option<u64>)> {
        let row = self.row(&format!("SELECT NONCE, word, number FROM {function}"), arguments)?;
        let number: Option<i64> = cell(&row, 2)?;
        Ok((cell(&row, 1)?, number.and_then(|number| u64::try_from(number).ok())))
    }

    /// A statement that returns each row that it has changed; how many they are.
    fn execute(&self, statement: &str, arguments: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        let counting = format!("WITH changed AS ({statement}) SELECT NONCE, count(*) FROM changed");
        count(&self.row(&counting, arguments)?, 1)
    }
}

impl Connection {
    fn open(config: &Config, deadline: Deadline) -> Result<Self> {
        let driver = Driver::new()?;
        let client = driver.run(deadline, async {
            let (client, connection) = config.connect(NoTls).await.map_err(|error| database(&error))?;
            // Works whenever the driver does.
            tokio::spawn(connection);
            Ok(client)
        })?;
        let mut connection = Self { client, driver };
        connection.batch(SESSION, deadline)?;
        Ok(connection)
    }

    fn batch(&mut self, statements: &str, deadline: Deadline) -> Result<()> {
        let done = self.client.batch_execute(statements);
        self.driver.run(deadline, async { done.await.map_err(|error| database(&error)) })
    }
}

fn cell<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, column: usize) -> Result<T> {
    row.try_get(column).map_err(|error| database(&error))
}

fn count(row: &Row, column: usize) -> Result<u64> {
    Ok(u64::try_from(cell::<i64>(row, column)?).unwrap_or_default())
}

impl Store for PostgresStore {
    fn insert(&self, record: &Record, replaces: Option<&OtpId>, policy: &Policy) -> Result<Insertion> {
        let (word, number) = self.call(
            "otls.insert($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            &[
                &record.id.0.as_slice(),
                &record.subject.as_str(),
                &record.tag.pepper_id.as_slice(),
                &record.tag.mac.as_slice(),
                &seconds(record.issued_at),
                &seconds(record.expires_at),
                &i64::from(record.attempts),
                &replaces.map(|id| id.0.as_slice()),
                &i64::from(policy.subject_attempts),
                &i64::from(policy.issues),
                &seconds(UnixTime(policy.window.as_secs())),
                &seconds(UnixTime(KEEP_EXPIRED.as_secs())),
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
            "otls.verify($1, $2, $3, $4, $5, $6, $7)",
            &[
                &id.0.as_slice(),
                &presented.subject.as_str(),
                &now,
                &subject_attempts,
                &pepper_ids,
                &macs,
                &presented.receipt,
            ],
        )?;
        verdict(word.as_deref().unwrap_or_default(), number)
    }

    fn cancel(&self, id: &OtpId, withdrawal: &Withdrawal<'_>) -> Result<Verdict> {
        let Withdrawal { subject, now, receipt } = *withdrawal;
        let (word, number) = self.call(
            "otls.cancel($1, $2, $3, $4)",
            &[&id.0.as_slice(), &subject.as_str(), &seconds(now), &receipt],
        )?;
        verdict(word.as_deref().unwrap_or_default(), number)
    }

    fn receipt(&self, id: &OtpId, subject: &Subject) -> Result<Option<Vec<u8>>> {
        let statement = "SELECT NONCE, (SELECT receipt FROM otls.receipts WHERE id = $1 AND subject = $2)";
        cell(&self.row(statement, &[&id.0.as_slice(), &subject.as_str()])?, 1)
    }

    fn forget_receipts(&self, time: UnixTime) -> Result<u64> {
        self.execute("DELETE FROM otls.receipts WHERE kept_at < $1 RETURNING 1", &[&seconds(time)])
    }

    fn lock(&self, subject: &Subject) -> Result<()> {
        let statement = "INSERT INTO otls.subjects (subject, locked) VALUES ($1, true) \
                         ON CONFLICT (subject) DO UPDATE SET locked = true RETURNING 1";
        self.execute(statement, &[&subject.as_str()]).map(drop)
    }

    fn unlock(&self, subject: &Subject) -> Result<()> {
        let statement =
            "UPDATE otls.subjects SET locked = false, failures = 0 WHERE subject = $1 RETURNING 1";
        self.execute(statement, &[&subject.as_str()]).map(drop)
    }

    fn forget(&self, time: UnixTime) -> Result<u64> {
        self.execute("DELETE FROM otls.codes WHERE expires_at < $1 RETURNING 1", &[&seconds(time)])
    }

    fn statistics(&self, now: UnixTime) -> Result<Statistics> {
        let row = self.row(STATISTICS, &[&seconds(now)])?;
        Ok(Statistics {
            used: count(&row, 1)?,
            cancelled: count(&row, 2)?,
            locked: count(&row, 3)?,
            expired: count(&row, 4)?,
            open: count(&row, 5)?,
            locked_subjects: count(&row, 6)?,
        })
    }
}

/// The server's own words where there are some: the library's say "db error" alone.
fn database(error: &tokio_postgres::Error) -> otls::Error {
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

/// How long a server that says nothing is believed to be there.
const UNHEARD: std::time::Duration = std::time::Duration::from_secs(10);

/// Between two questions whether the server is still there.
const KEEPALIVE: std::time::Duration = std::time::Duration::from_secs(5);

/// Whatever the server's defaults are: a commit is on the disk, rows are read as they are when their
/// lock is had, and no statement goes on for ever after its call has given it up.
const SESSION: &str = "
SET synchronous_commit = on;
SET default_transaction_isolation = 'read committed';
SET statement_timeout = '10s';
";

/// Programs that start together make the schema one after the other.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(7310608213); ";

const STATISTICS: &str = "
SELECT NONCE,
       count(*) FILTER (WHERE outcome = 1),
       count(*) FILTER (WHERE outcome = 2),
       count(*) FILTER (WHERE outcome = 0 AND failures >= attempts),
       count(*) FILTER (WHERE outcome = 0 AND failures < attempts AND expires_at <= $1),
       count(*) FILTER (WHERE outcome = 0 AND failures < attempts AND expires_at > $1),
       (SELECT count(*) FROM otls.subjects WHERE locked)
FROM otls.codes";
