//! The log as a file that several processes write to.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use super::super::deadline::Deadline;
use super::line::{self, Mac};
use super::{Audit, Event};
use crate::crypto::hash::HashAlgorithm;
use crate::crypto::hmac::HmacKey;
use crate::error::{Error, OtpError, Result};
use crate::process::PerProcess;
use crate::secret::{Secret, ct_eq};

/// An audit log in a file. Any number of threads and processes may write to one at the same time, forked ones
/// too; each waits ten seconds at most for the others.
///
/// ```
/// use otls::Secret;
/// use otls::otp::AuditLog;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("audit.log");
/// let key = || Secret::from(vec![7; 32]); // from a file, 32 random octets
/// let log = AuditLog::open(&path, &key())?;
/// // Ledger::with_audit(Box::new(log)), and later, perhaps elsewhere:
/// assert_eq!(AuditLog::verify(&path, &key())?.count, 0);
/// # Ok::<(), otls::Error>(())
/// ```
pub struct AuditLog {
    path: PathBuf,
    key: HmacKey,
    // What this process has read of the log; another one may have written since.
    read_to: PerProcess<Mutex<Position>>,
}

crate::shown::shown!(AuditLog);

/// The end of a log: keep it elsewhere, and a log that was put back to an older state is noticed.
///
/// ```
/// let head = otls::otp::AuditHead::default();
/// assert_eq!(head.to_string(), format!("0 {}", "0".repeat(64)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditHead {
    /// The number of events.
    pub count: u64,
    /// The mac of the last one.
    pub mac: [u8; 32],
}

impl core::fmt::Display for AuditHead {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} {}", self.count, base16ct::lower::encode_string(&self.mac))
    }
}

impl core::str::FromStr for AuditHead {
    type Err = ();

    /// Reads what `Display` wrote.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (count, mac) = text.split_once(' ').ok_or(())?;
        let mut head = Self { count: count.parse().map_err(|_| ())?, mac: [0; 32] };
        let decoded = base16ct::lower::decode(mac, &mut head.mac).map_err(|_| ())?;
        (decoded.len() == 32).then_some(head).ok_or(())
    }
}

/// How far a log was read.
#[derive(Clone, Copy, Default)]
pub(super) struct Position {
    pub(super) head: AuditHead,
    pub(super) octets: u64,
}

impl AuditLog {
    /// The fewest octets of a key: as strong as the macs that it makes.
    pub const MIN_KEY_LEN: usize = 32;

    /// Opens a log to write to it; makes one (mode 0600) where there is none. What a process that was
    /// killed left unfinished at the end, and never reported, is cut off.
    ///
    /// # Errors
    /// [`OtpError::Audit`] where the log is not as it was written, or cannot be opened;
    /// [`crate::Error::ApiMisuse`] for a short key.
    pub fn open(path: &Path, key: &Secret) -> Result<Self> {
        let log =
            Self { path: path.to_owned(), key: hmac_key(key)?, read_to: PerProcess::new(Mutex::default()) };
        let mut file = open_locked(path, true)?;
        if file.metadata().map_err(cannot("read"))?.len() == 0 && !head_path(path).exists() {
            write_head(path, &log.key, &AuditHead::default())?;
        }
        log.catch_up(&mut file, Position::default())?;
        Ok(log)
    }

    /// Reads a whole log and checks every line; returns its end.
    ///
    /// # Errors
    /// [`OtpError::Audit`] naming the first line that is not as it was written;
    /// [`crate::Error::ApiMisuse`] for a short key.
    pub fn verify(path: &Path, key: &Secret) -> Result<AuditHead> {
        Self::verify_since(path, key, None)
    }

    /// As [`AuditLog::verify`]; the log must also have gone through `earlier`, an end that it had once.
    ///
    /// # Errors
    /// As [`AuditLog::verify`].
    pub fn verify_since(path: &Path, key: &Secret, earlier: Option<&AuditHead>) -> Result<AuditHead> {
        let key = hmac_key(key)?;
        let mut file = open_locked(path, false)?;
        let head = read_head(path, &key)?;
        let (position, rest) = read_lines(&key, &mut file, Position::default(), &head)?;
        if rest {
            return Err(audit(format!("line {} is cut short", position.head.count.saturating_add(1))));
        }
        if let Some(earlier) = earlier {
            read_lines(&key, &mut file, Position::default(), earlier).map_err(|_| {
                audit(format!("it never had the line {earlier}: it was put back to an older state"))
            })?;
        }
        Ok(position.head)
    }

    /// From `position` to the end of the file, which is then where a line ends.
    fn catch_up(&self, file: &mut File, position: Position) -> Result<Position> {
        let head = read_head(&self.path, &self.key)?;
        let (position, rest) = read_lines(&self.key, file, position, &head)?;
        if rest {
            file.set_len(position.octets).map_err(cannot("write"))?;
        }
        Ok(position)
    }
}

pub(super) fn write_head(path: &Path, key: &HmacKey, head: &AuditHead) -> Result<()> {
    let text = format!("{head} {}\n", base16ct::lower::encode_string(&head_mac(key, head)));
    // In place: one block of the same length but for the digits of the count, which only grow.
    let opened = private().write(true).create(true).truncate(false).open(head_path(path));
    let written = opened.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        // After a repair it may have fewer digits.
        file.set_len(u64::try_from(text.len()).unwrap_or(u64::MAX))
    });
    written.map_err(|error| audit(format!("cannot write its head: {error}")))
}

impl Audit for AuditLog {
    fn record(&self, event: &Event<'_>) -> Result<u64> {
        let read_to = self.read_to.get(Mutex::default)?;
        let mut read_to = read_to.lock().map_err(|_| audit("an earlier call panicked".to_owned()))?;
        let mut file = open_locked(&self.path, true)?;
        let position = self.catch_up(&mut file, *read_to)?;
        let position = append(&self.key, &mut file, &position, event)?;
        write_head(&self.path, &self.key, &position.head)?;
        *read_to = position;
        Ok(position.head.count)
    }
}

/// Adds a line behind `position`, on the disk when this returns.
pub(super) fn append(
    key: &HmacKey,
    file: &mut File,
    position: &Position,
    event: &Event<'_>,
) -> Result<Position> {
    let count = position.head.count.saturating_add(1);
    let (line, mac) = line::write(key, count, &position.head.mac, event);
    // Nothing is written that could not be read.
    if line.len() > line::MAX_LEN {
        return Err(Error::Internal("an audit line beyond its bound"));
    }
    file.seek(SeekFrom::Start(position.octets)).map_err(cannot("write"))?;
    if let Err(error) = file.write_all(line.as_bytes()).and_then(|()| file.sync_data()) {
        // Half a line of a full disk; if it stays, the next one who opens the log cuts it off.
        let _ = file.set_len(position.octets);
        return Err(cannot("write")(error));
    }
    let octets = position.octets.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
    Ok(Position { head: AuditHead { count, mac }, octets })
}

/// Checks the lines behind `position`, and that the log reaches as far as `head` says. Also returns
/// whether octets follow that are no whole line.
fn read_lines(
    key: &HmacKey,
    file: &mut File,
    position: Position,
    head: &AuditHead,
) -> Result<(Position, bool)> {
    let scan = scan(key, file, position, head)?;
    Ok((scan.position, scan.judge(head)?))
}

/// What there is of a log.
pub(super) struct Scan {
    /// Up to here each line is as it was written.
    pub(super) position: Position,
    /// The head was met.
    at_head: bool,
    /// Whether octets follow that are no whole line; or what is wrong with the next one.
    end: Result<bool, &'static str>,
}

impl Scan {
    /// Whether octets follow that are no whole line.
    pub(super) fn judge(&self, head: &AuditHead) -> Result<bool> {
        let count = self.position.head.count;
        let rest = self.end.map_err(|what| audit(format!("line {}: {what}", count.saturating_add(1))))?;
        if count < head.count {
            return Err(audit(format!(
                "it ends after line {count}, but had {} lines: lines were removed from its end",
                head.count
            )));
        }
        if !self.at_head {
            return Err(audit("its head belongs to another log".to_owned()));
        }
        Ok(rest)
    }
}

/// Reads lines until one is not as it was written.
pub(super) fn scan(key: &HmacKey, file: &mut File, mut position: Position, head: &AuditHead) -> Result<Scan> {
    if file.metadata().map_err(cannot("read"))?.len() < position.octets {
        return Err(audit("it is shorter than it was: lines were removed from its end".to_owned()));
    }
    file.seek(SeekFrom::Start(position.octets)).map_err(cannot("read"))?;
    let mut lines = BufReader::new(file);
    // A head that lies before `position` was met when that was read.
    let mut at_head = position.head == *head || position.head.count > head.count;
    loop {
        let mut line = Vec::new();
        let limit = u64::try_from(line::MAX_LEN).unwrap_or(u64::MAX);
        let len = lines.by_ref().take(limit).read_until(b'\n', &mut line).map_err(cannot("read"))?;
        let seq = position.head.count.saturating_add(1);
        if line.pop_if(|octet| *octet == b'\n').is_none() {
            let too_long = (len == line::MAX_LEN).then_some("it is longer than any that is written");
            return Ok(Scan { position, at_head, end: too_long.map_or(Ok(len > 0), Err) });
        }
        let line = core::str::from_utf8(&line).map_err(|_| "it is not UTF-8");
        let mac = match line.and_then(|line| line::read(key, seq, &position.head.mac, line)) {
            Ok(mac) => mac,
            Err(what) => return Ok(Scan { position, at_head, end: Err(what) }),
        };
        position.head = AuditHead { count: seq, mac };
        position.octets = position.octets.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        at_head |= position.head == *head;
    }
}

/// The log's head as it was written last. The log may have gone on: a process can be killed between
/// the two.
pub(super) fn read_head(path: &Path, key: &HmacKey) -> Result<AuditHead> {
    check_file(&head_path(path))?;
    let text = fs::read_to_string(head_path(path)).map_err(|error| {
        audit(format!(
            "cannot read its head, {}, without which it proves nothing: {error}",
            head_path(path).display()
        ))
    })?;
    let head = parse_head(&text).filter(|(head, mac)| ct_eq(mac, &head_mac(key, head)));
    head.map(|(head, _)| head)
        .ok_or_else(|| audit("its head was changed, or this is not the log's key".to_owned()))
}

fn parse_head(text: &str) -> Option<(AuditHead, Mac)> {
    let (head, hex) = text.strip_suffix('\n')?.rsplit_once(' ')?;
    let mut mac = [0; 32];
    base16ct::lower::decode(hex, &mut mac).ok().filter(|found| found.len() == 32)?;
    Some((head.parse().ok()?, mac))
}

fn head_mac(key: &HmacKey, head: &AuditHead) -> Mac {
    let tag = key.sign(&[HEAD_LABEL, &head.count.to_be_bytes(), &head.mac]);
    tag.as_ref().first_chunk().copied().unwrap_or_default()
}

pub(super) fn head_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".head");
    name.into()
}

pub(super) fn hmac_key(key: &Secret) -> Result<HmacKey> {
    if key.len() < AuditLog::MIN_KEY_LEN {
        return Err(Error::misuse(
            "an audit log's key has 32 octets or more",
            "draw it from a random source and keep it apart from the log",
        ));
    }
    Ok(HmacKey::new(HashAlgorithm::Sha256, key.expose()))
}

/// The lock is given back, and not only closed: a child that was forked meanwhile has the file open as well,
/// and would keep it locked.
pub(super) struct Locked(File);

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing it is the other way.
        let _ = self.0.unlock();
    }
}

pub(super) fn open_locked(path: &Path, write: bool) -> Result<Locked> {
    let options = if write {
        private().read(true).write(true).create(true).truncate(false).to_owned()
    } else {
        File::options().read(true).to_owned()
    };
    check_file(path)?;
    let file = options.open(path).map_err(cannot("open"))?;
    let deadline = Deadline::start();
    loop {
        match if write { file.try_lock() } else { file.try_lock_shared() } {
            Ok(()) => return Ok(Locked(file)),
            Err(TryLockError::Error(error)) => return Err(cannot("lock")(error)),
            Err(TryLockError::WouldBlock) => {
                if deadline.left().is_err() {
                    return Err(audit("another process has kept it locked for too long".to_owned()));
                }
                std::thread::sleep(RETRY);
            }
        }
    }
}

/// A pipe would have whoever opens or reads it wait for ever.
pub(super) fn check_file(path: &Path) -> Result<()> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(audit(format!("{} is no regular file", path.display())));
    }
    Ok(())
}

/// Files that only their owner reads: subjects are in them.
pub(super) fn private() -> OpenOptions {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

pub(super) fn cannot(what: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |error| audit(format!("cannot {what} it: {error}"))
}

pub(super) fn audit(what: String) -> Error {
    OtpError::Audit(what).into()
}

const HEAD_LABEL: &[u8] = b"otls-otp audit head 1\0";

/// Between two looks whether it is locked: an event takes some milliseconds to reach the disk.
const RETRY: Duration = Duration::from_millis(1);
