//! Records in a Redis server, for any number of machines.

use redis::{Client, Commands, Connection, Script};

use super::super::{OtpId, Verdict};
use super::pool::Pool;
use super::{Insertion, KEEP_EXPIRED, Policy, Presented, Record, Statistics, Store, failed, verdict};
use crate::error::{OtpError, Result};
use crate::time::UnixTime;

/// Records in a Redis server (7 or newer, or one that speaks its protocol). Each call is one script.
/// An expired record is forgotten by the server itself.
///
/// What the server has lost it accepts again or does not know: have it write each command to the disk
/// (`appendonly yes`, `appendfsync always`), and no replica take over that has not seen it. The
/// connection is not encrypted: keep it on the machine or within a tunnel.
///
/// ```no_run
/// use otls::otp::{Ledger, RedisStore};
///
/// let store = RedisStore::open("redis://127.0.0.1:6379/0")?;
/// let ledger = Ledger::new(Box::new(store), otls::Secret::from(vec![7; 32]))?;
/// # Ok::<(), otls::Error>(())
/// ```
pub struct RedisStore {
    pool: Pool<Connection>,
    script: Script,
}

impl RedisStore {
    /// Connects to a server: `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, or
    /// `redis+unix:///PATH`.
    ///
    /// # Errors
    /// [`OtpError::Store`] for an address that cannot be used and a server that cannot be reached.
    pub fn open(address: &str) -> Result<Self> {
        let client = Client::open(address).map_err(|error| failed(&error))?;
        let open = move || {
            let connection = client.get_connection_with_timeout(TIMEOUT).map_err(|error| failed(&error))?;
            for set in [Connection::set_read_timeout, Connection::set_write_timeout] {
                set(&connection, Some(TIMEOUT)).map_err(|error| failed(&error))?;
            }
            Ok(connection)
        };
        Ok(Self { pool: Pool::new(open)?, script: Script::new(include_str!("redis.lua")) })
    }

    /// Runs one command of the script on a code, and on the one that it replaces.
    fn run(&self, keys: &[&str], arguments: &[&[u8]]) -> Result<(String, Option<u64>)> {
        let mut invocation = self.script.prepare_invoke();
        for key in keys {
            invocation.key(key);
        }
        for argument in arguments {
            invocation.arg(argument);
        }
        let answer = self.pool.with(|connection| {
            invocation.invoke::<Vec<String>>(connection).map_err(|error| failed(&error))
        })?;
        let mut words = answer.into_iter();
        let word = words.next().unwrap_or_default();
        Ok((word, words.next().and_then(|number| number.parse().ok())))
    }

    /// Calls `each` with every key that fits the pattern.
    fn scan(&self, pattern: &str, mut each: impl FnMut(&str) -> Result<()>) -> Result<()> {
        let keys: Vec<String> = self.pool.with(|connection| {
            let keys = connection.scan_match(pattern).map_err(|error| failed(&error))?;
            keys.collect::<redis::RedisResult<_>>().map_err(|error| failed(&error))
        })?;
        // SCAN may return a key twice.
        let keys: std::collections::BTreeSet<String> = keys.into_iter().collect();
        keys.iter().try_for_each(|key| each(key))
    }
}

impl Store for RedisStore {
    fn insert(&self, record: &Record, replaces: Option<&OtpId>, policy: &Policy) -> Result<Insertion> {
        let keys: Vec<String> = core::iter::once(&record.id).chain(replaces).map(code_key).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let open_for = record.expires_at.0.saturating_sub(record.issued_at.0);
        let numbers = [
            seconds(record.issued_at),
            seconds(record.expires_at),
            record.attempts.to_string(),
            policy.subject_attempts.to_string(),
            policy.issues.to_string(),
            seconds(UnixTime(policy.window)),
            open_for.min(LONGEST).saturating_add(KEEP_EXPIRED).to_string(),
        ];
        let mut arguments: Vec<&[u8]> =
            vec![b"insert", record.subject.as_bytes(), &record.tag.pepper_id, &record.tag.mac];
        arguments.extend(numbers.iter().map(String::as_bytes));
        let (word, number) = self.run(&keys, &arguments)?;
        Ok(match (word.as_str(), number) {
            ("kept", _) => Insertion::Kept,
            ("subject locked", _) => Insertion::SubjectLocked,
            ("throttled", Some(until)) => Insertion::Throttled(UnixTime(until)),
            ("there", _) => {
                return Err(OtpError::Store("the identifier is there already".to_owned()).into());
            }
            (word, number) => Insertion::NotOpen(verdict(word, number)?),
        })
    }

    fn verify(&self, id: &OtpId, presented: &Presented<'_>) -> Result<Verdict> {
        let (now, subject_attempts) = (seconds(presented.now), presented.subject_attempts.to_string());
        let mut arguments: Vec<&[u8]> = vec![b"verify", now.as_bytes(), subject_attempts.as_bytes()];
        for tag in presented.tags {
            arguments.extend([&tag.pepper_id[..], &tag.mac[..]]);
        }
        let (word, number) = self.run(&[&code_key(id)], &arguments)?;
        verdict(&word, number)
    }

    fn cancel(&self, id: &OtpId) -> Result<Verdict> {
        let (word, number) = self.run(&[&code_key(id)], &[b"cancel"])?;
        verdict(&word, number)
    }

    fn lock(&self, subject: &str) -> Result<()> {
        let key = subject_key(subject);
        self.pool.with(|connection| connection.hset(key, "locked", 1).map_err(|error| failed(&error)))
    }

    fn unlock(&self, subject: &str) -> Result<()> {
        let key = subject_key(subject);
        let fields = [("locked", 0), ("failures", 0)];
        self.pool.with(|connection| connection.hset_multiple(key, &fields).map_err(|error| failed(&error)))
    }

    fn forget(&self, time: UnixTime) -> Result<u64> {
        let (time, mut forgotten) = (seconds(time), 0_u64);
        self.scan(&format!("{CODE_PREFIX}*"), |key| {
            let (_, count) = self.run(&[key], &[b"forget", time.as_bytes()])?;
            forgotten = forgotten.saturating_add(count.unwrap_or_default());
            Ok(())
        })?;
        Ok(forgotten)
    }

    fn statistics(&self, now: UnixTime) -> Result<Statistics> {
        let (now, mut statistics) = (seconds(now), Statistics::default());
        self.scan(&format!("{CODE_PREFIX}*"), |key| {
            let (word, _) = self.run(&[key], &[b"state", now.as_bytes()])?;
            let count = match word.as_str() {
                "open" => &mut statistics.open,
                "used" => &mut statistics.used,
                "cancelled" => &mut statistics.cancelled,
                "locked" => &mut statistics.locked,
                "expired" => &mut statistics.expired,
                // The server has forgotten it in the meantime.
                _ => return Ok(()),
            };
            *count = count.saturating_add(1);
            Ok(())
        })?;
        self.scan(&format!("{SUBJECT_PREFIX}*"), |key| {
            let locked: Option<u8> = self
                .pool
                .with(|connection| connection.hget(key, "locked").map_err(|error| failed(&error)))?;
            let more = u64::from(locked == Some(1));
            statistics.locked_subjects = statistics.locked_subjects.saturating_add(more);
            Ok(())
        })?;
        Ok(statistics)
    }
}

fn code_key(id: &OtpId) -> String {
    format!("{CODE_PREFIX}{id}")
}

fn subject_key(subject: &str) -> String {
    format!("{SUBJECT_PREFIX}{subject}")
}

fn seconds(time: UnixTime) -> String {
    time.0.min(LATEST).to_string()
}

const CODE_PREFIX: &str = "{otls}:code:";
const SUBJECT_PREFIX: &str = "{otls}:subject:";

/// The latest second that a number of Lua holds exactly.
const LATEST: u64 = (1 << 53) - 1;

/// Seconds for which the server keeps a code at most: thirty years.
const LONGEST: u64 = 30 * 365 * 86_400;

/// How long a call waits for the server before it fails.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);
