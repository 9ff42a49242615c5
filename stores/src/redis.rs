//! Records in a Redis server, for any number of machines.

mod server;

use std::collections::{BTreeMap, BTreeSet};

use redis::Script;

use otls::error::OtpError;
use otls::internal::{Deadline, KEEP_EXPIRED, Pool};
use otls::otp::{
    Insertion, OtpId, Policy, Presented, Record, Statistics, Store, Subject, Verdict, Withdrawal,
};
use otls::{Result, UnixTime};

use self::server::{Accepted, Connection};
use super::call::{MAX_CONNECTIONS, Nonce, failed, verdict};

/// Records in a Redis server (7 or newer, or one that speaks its protocol). Each call is one script, which
/// ends within ten seconds, and its answer brings back a random value of that call. An expired record is
/// forgotten by the server itself. After a fork the child makes its own connections and leaves alone those
/// that it has inherited: a store may be opened before.
///
/// What the server has lost it accepts again or does not know. So it must have `maxmemory-policy noeviction`,
/// `appendonly yes` and `appendfsync always`, which each new connection asks it; and no replica may take over
/// that has not seen what was accepted, which it cannot be asked. The connection is not encrypted: keep it on
/// the machine or within a tunnel.
///
/// ```no_run
/// use otls::otp::Ledger;
/// use otls_stores::RedisStore;
///
/// let store = RedisStore::open("redis://127.0.0.1:6379/0")?;
/// let ledger = Ledger::new(Box::new(store), otls::Secret::from(vec![7; 32]))?;
/// # Ok::<(), otls::Error>(())
/// ```
pub struct RedisStore {
    pool: Pool<Connection>,
    script: Script,
}

impl core::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RedisStore").finish_non_exhaustive()
    }
}

impl RedisStore {
    /// Connects to a server: `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, or
    /// `redis+unix:///PATH`.
    ///
    /// `?accept=unknown-eviction` behind it accepts a server, run by somebody else, that does not tell its
    /// policy; one that is known to evict is refused all the same. `?accept=less-persistence` accepts one that
    /// may forget its last seconds, or does not tell: what was accepted in them is then accepted again. Both
    /// are joined by `&`.
    ///
    /// # Errors
    /// [`OtpError::Store`] for an address that cannot be used, a server that cannot be reached, and one that
    /// forgets; such a server is also refused when a later call makes a connection.
    pub fn open(address: &str) -> Result<Self> {
        let (client, accepted) = Accepted::parse(address)?;
        let pool = Pool::new(MAX_CONNECTIONS, move |deadline| Connection::open(&client, accepted, deadline));
        // A server that is not there, or forgets, is noticed at once.
        pool.with(Deadline::start(), |_| Ok(()))?;
        Ok(Self { pool, script: Script::new(include_str!("redis.lua")) })
    }

    /// Runs one command of the script; `keys` are the code, and the one that it replaces.
    fn run(&self, keys: &[&str], arguments: &[&[u8]]) -> Result<Vec<String>> {
        self.run_until(Deadline::start(), keys, arguments)
    }

    fn run_until(&self, deadline: Deadline, keys: &[&str], arguments: &[&[u8]]) -> Result<Vec<String>> {
        let answer = self.octets(deadline, keys, arguments)?;
        answer.into_iter().map(|word| String::from_utf8(word).map_err(|error| failed(&error))).collect()
    }

    fn octets(&self, deadline: Deadline, keys: &[&str], arguments: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
        let nonce = Nonce::draw()?;
        let mut invocation = self.script.prepare_invoke();
        for key in keys {
            invocation.key(key);
        }
        invocation.arg(&nonce.0);
        for argument in arguments {
            invocation.arg(argument);
        }
        self.pool.with(deadline, |connection| {
            let answer: Vec<Vec<u8>> = connection.invoke(&invocation, deadline)?;
            let mut words = answer.into_iter();
            nonce.check(&words.next().unwrap_or_default())?;
            Ok(words.collect())
        })
    }

    /// Runs a command that goes through the keys piece by piece, and gives `each` its answers.
    fn scan(&self, command: &str, arguments: &[&[u8]], mut each: impl FnMut(&[String])) -> Result<()> {
        let (deadline, mut cursor) = (Deadline::start(), "0".to_owned());
        loop {
            let arguments = [&[command.as_bytes(), cursor.as_bytes()], arguments].concat();
            let answer = self.run_until(deadline, &[], &arguments)?;
            let Some((next, found)) = answer.split_first() else { return Err(no_answer()) };
            each(found);
            cursor.clone_from(next);
            if cursor == "0" {
                return Ok(());
            }
        }
    }

    /// Runs a command that forgets; how many it has forgotten.
    fn forget_all(&self, command: &str, time: UnixTime) -> Result<u64> {
        let mut forgotten = 0_u64;
        self.scan(command, &[seconds(time).as_bytes()], |found| {
            let count = found.first().and_then(|count| count.parse().ok());
            forgotten = forgotten.saturating_add(count.unwrap_or(0));
        })?;
        Ok(forgotten)
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
            seconds(UnixTime(policy.window.as_secs())),
            open_for.min(LONGEST).saturating_add(KEEP_EXPIRED.as_secs()).to_string(),
        ];
        let mut arguments: Vec<&[u8]> =
            vec![b"insert", record.subject.as_str().as_bytes(), &record.tag.pepper_id, &record.tag.mac];
        arguments.extend(numbers.iter().map(String::as_bytes));
        Ok(match word_and_number(&self.run(&keys, &arguments)?) {
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
        let (subject, count) = (presented.subject.as_str().as_bytes(), presented.tags.len().to_string());
        let mut arguments: Vec<&[u8]> =
            vec![b"verify", subject, now.as_bytes(), subject_attempts.as_bytes(), count.as_bytes()];
        for tag in presented.tags {
            arguments.extend([&tag.pepper_id[..], &tag.mac[..]]);
        }
        arguments.extend(presented.receipt);
        let answer = self.run(&[&code_key(id)], &arguments)?;
        let (word, number) = word_and_number(&answer);
        verdict(word, number)
    }

    fn cancel(&self, id: &OtpId, withdrawal: &Withdrawal<'_>) -> Result<Verdict> {
        let now = seconds(withdrawal.now);
        let mut arguments: Vec<&[u8]> =
            vec![b"cancel", withdrawal.subject.as_str().as_bytes(), now.as_bytes()];
        arguments.extend(withdrawal.receipt);
        let answer = self.run(&[&code_key(id)], &arguments)?;
        let (word, number) = word_and_number(&answer);
        verdict(word, number)
    }

    fn receipt(&self, id: &OtpId, subject: &Subject) -> Result<Option<Vec<u8>>> {
        let arguments: [&[u8]; 2] = [b"receipt", subject.as_str().as_bytes()];
        Ok(self.octets(Deadline::start(), &[&code_key(id)], &arguments)?.into_iter().next())
    }

    fn forget_receipts(&self, time: UnixTime) -> Result<u64> {
        self.forget_all("forget_receipts", time)
    }

    fn lock(&self, subject: &Subject) -> Result<()> {
        self.run(&[], &[b"lock", subject.as_str().as_bytes()]).map(drop)
    }

    fn unlock(&self, subject: &Subject) -> Result<()> {
        self.run(&[], &[b"unlock", subject.as_str().as_bytes()]).map(drop)
    }

    fn forget(&self, time: UnixTime) -> Result<u64> {
        self.forget_all("forget", time)
    }

    fn statistics(&self, now: UnixTime) -> Result<Statistics> {
        // A scan may come by a key twice.
        let mut codes: BTreeMap<String, String> = BTreeMap::new();
        self.scan("states", &[seconds(now).as_bytes()], |found| {
            for pair in found.chunks_exact(2) {
                if let [key, state] = pair {
                    codes.insert(key.clone(), state.clone());
                }
            }
        })?;
        let mut locked: BTreeSet<String> = BTreeSet::new();
        self.scan("locked_subjects", &[], |found| locked.extend(found.iter().cloned()))?;
        let count = |state: &str| {
            let count = codes.values().filter(|found| *found == state).count();
            u64::try_from(count).unwrap_or(u64::MAX)
        };
        Ok(Statistics {
            open: count("open"),
            used: count("used"),
            cancelled: count("cancelled"),
            locked: count("locked"),
            expired: count("expired"),
            locked_subjects: u64::try_from(locked.len()).unwrap_or(u64::MAX),
        })
    }
}

fn word_and_number(answer: &[String]) -> (&str, Option<u64>) {
    let word = answer.first().map(String::as_str).unwrap_or_default();
    (word, answer.get(1).and_then(|number| number.parse().ok()))
}

fn no_answer() -> otls::Error {
    OtpError::Store("an answer that is none".to_owned()).into()
}

fn code_key(id: &OtpId) -> String {
    format!("{CODE_PREFIX}{id}")
}

fn seconds(time: UnixTime) -> String {
    time.0.min(LATEST).to_string()
}

const CODE_PREFIX: &str = "{otls}:code:";

/// The latest second that a number of Lua holds exactly.
const LATEST: u64 = (1 << 53) - 1;

/// Seconds for which the server keeps a code at most: thirty years.
const LONGEST: u64 = 30 * 365 * 86_400;
