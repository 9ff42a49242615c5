//! A log that is not as it was written, made one that a bank can go on with.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::file::{self, Position, audit, cannot, head_path};
use super::{AuditHead, AuditLog, Event, EventKind};
use crate::crypto::hash::{HashAlgorithm, HashContext};
use crate::error::Result;
use crate::secret::Secret;
use crate::time::UnixTime;

/// What a repair has found and done; see [`AuditLog::repair`].
///
/// ```
/// # fn repair(path: &std::path::Path, key: &otls::Secret, now: otls::UnixTime) -> otls::Result<()> {
/// if let Some(repair) = otls::otp::AuditLog::repair(path, key, now)? {
///     println!("{} octets are in {} alone", repair.dropped, repair.old.display());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRepair {
    /// What was wrong, as [`AuditLog::verify`] says it.
    pub reason: String,
    /// The log's end now: the event `repaired`.
    pub head: AuditHead,
    /// Octets behind the last good line, which are no longer in the log.
    pub dropped: u64,
    /// Lines that the log's head names and that were in it no more; 0 where the head could not be read.
    pub missing: u64,
    /// The log as it was found; with `.head` behind the name, its head.
    pub old: PathBuf,
}

impl AuditLog {
    /// Makes a log that [`AuditLog::open`] takes of one that it refuses: all lines up to the first that is not
    /// as it was written stay, and an event `repaired` follows that says what was dropped. The log as it was
    /// found is kept beside it, in `NAME.damaged` (with a number, where there is one already). `None` for a log
    /// in which nothing is wrong: it is left alone.
    ///
    /// It is never done by itself: what is damaged may be what somebody wants forgotten. Look at the old file
    /// before the new log is trusted. Programs that have the log open have to open it again.
    ///
    /// ```
    /// use otls::otp::AuditLog;
    /// use otls::{Secret, UnixTime};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("audit.log");
    /// let key = || Secret::from(vec![7; 32]);
    /// AuditLog::open(&path, &key())?;
    /// std::fs::write(&path, "what nobody has recorded\n").unwrap();
    /// assert!(AuditLog::open(&path, &key()).is_err());
    /// let repaired = AuditLog::repair(&path, &key(), UnixTime(1_800_000_000))?.unwrap();
    /// assert!(repaired.reason.contains("line 1") && repaired.old.ends_with("audit.log.damaged"));
    /// AuditLog::open(&path, &key())?;
    /// # Ok::<(), otls::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::error::OtpError::Audit`] where neither the head nor a line was made with this key, and where
    /// a file cannot be read or written: then the log is as it was. [`crate::Error::ApiMisuse`] for a short key.
    pub fn repair(path: &Path, key: &Secret, now: UnixTime) -> Result<Option<AuditRepair>> {
        let key = file::hmac_key(key)?;
        if !path.exists() && !head_path(path).exists() {
            return Err(audit(format!("there is none at {}", path.display())));
        }
        file::check_file(&head_path(path))?;
        let mut log = file::open_locked(path, true)?;
        let read = file::read_head(path, &key);
        let head = read.clone().unwrap_or_default();
        let scan = file::scan(&key, &mut log, Position::default(), &head)?;
        let (position, len) = (scan.position, log.metadata().map_err(cannot("read"))?.len());
        let reason = match read.clone().and_then(|head| scan.judge(&head)) {
            Ok(false) => return Ok(None),
            Ok(true) => format!("line {} is cut short", position.head.count.saturating_add(1)),
            Err(error) => error.to_string(),
        };
        // Of a log without a good line only the head shows that this is its key.
        let empty = len == 0 && fs::metadata(head_path(path)).is_ok_and(|head| head.len() == 0);
        if read.is_err() && position.head.count == 0 && !empty {
            return Err(audit(
                "neither its head nor its first line was made with this key, so nothing in it can be kept"
                    .to_owned(),
            ));
        }
        let (old, found) = keep(path, &mut log)?;
        let (dropped, missing) =
            (len.saturating_sub(position.octets), head.count.saturating_sub(position.head.count));
        log.set_len(position.octets).map_err(cannot("write"))?;
        let repaired = Event::new(EventKind::Repaired { dropped, missing, found }, None, None, now);
        let position = file::append(&key, &mut log, &position, &repaired)?;
        file::write_head(path, &key, &position.head)?;
        Ok(Some(AuditRepair { reason, head: position.head, dropped, missing, old }))
    }
}

/// Copies log and head; the log stays the same file, whose lock others wait for. Also returns the copy's SHA-256.
fn keep(path: &Path, log: &mut File) -> Result<(PathBuf, [u8; 32])> {
    let names = (1..=MAX_KEPT).map(|number| {
        let mut name = path.as_os_str().to_owned();
        name.push(if number == 1 { ".damaged".to_owned() } else { format!(".damaged.{number}") });
        PathBuf::from(name)
    });
    let free = names.into_iter().find(|name| !name.exists() && !head_path(name).exists());
    let old = free.ok_or_else(|| audit(format!("{MAX_KEPT} damaged ones lie beside it already")))?;
    let copied = copy(log, &old).and_then(|found| {
        if head_path(path).exists() {
            fs::copy(head_path(path), head_path(&old))?;
        }
        Ok(found)
    });
    copied.map(|found| (old.clone(), found)).map_err(|error| {
        let _ = fs::remove_file(&old);
        audit(format!("cannot keep it as {}: {error}", old.display()))
    })
}

fn copy(log: &mut File, old: &Path) -> std::io::Result<[u8; 32]> {
    log.rewind()?;
    let mut copy = file::private().write(true).create_new(true).open(old)?;
    let (mut hash, mut buffer) = (HashContext::new(HashAlgorithm::Sha256), vec![0; COPY_LEN]);
    loop {
        let len = log.read(&mut buffer)?;
        let Some(chunk) = buffer.get(..len).filter(|chunk| !chunk.is_empty()) else { break };
        hash.update(chunk);
        copy.write_all(chunk)?;
    }
    copy.sync_all()?;
    Ok(hash.finish().as_ref().first_chunk().copied().unwrap_or_default())
}

/// Damaged logs that are kept beside one: more than anybody repairs without looking why.
const MAX_KEPT: u32 = 100;

const COPY_LEN: usize = 1 << 16;
