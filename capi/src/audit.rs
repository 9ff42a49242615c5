//! The audit log as a file: whether it is as it was written, and what to do where it is not.

use libc::{c_char, size_t};

use super::blob::otls_blob;
use super::error::otls_error;
use super::guard::status;
use super::pointer::{Buffer, Input, Out, Text, Value};
use otls::Secret;
use otls::UnixTime;
use otls::otp::AuditLog;

/// Checks a whole audit log. `*count` (may be NULL) is then the number of events, and `mac`, `OTLS_AUDIT_MAC_LEN`
/// octets, the end of the chain: kept elsewhere, it shows later whether the log was put back to an older state.
///
/// Errors: `OTLS_ERROR_OTP_AUDIT` with the first line that was changed, or where lines are missing;
/// `OTLS_ERROR_API_MISUSE` for a short key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_audit_verify(
    path: *const c_char,
    key: *const u8,
    key_len: size_t,
    count: *mut u64,
    mac: *mut u8,
    mac_len: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (path, key, mac) = unsafe { (Text::new(path), Input::new(key, key_len), Buffer::new(mac, mac_len)) };
    // SAFETY: as above.
    let (count, error) = unsafe { (Value::new(count, 0), Out::new(error)) };
    status(error, || {
        let head = AuditLog::verify(path.get("path")?.as_ref(), &Secret::from(key.get("key")?.to_vec()))?;
        mac.fill(&head.mac, "mac")?;
        count.put(head.count);
        Ok(())
    })
}

/// What an audit log has lost.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct otls_audit_loss {
    /// So many octets were dropped.
    pub dropped: u64,
    /// So many lines, which the log's end names, were in it no more.
    pub missing: u64,
}

/// Makes an audit log that can be opened of one that is refused: the lines up to the first that is not as it was
/// written stay, and an event "repaired" says what was dropped. The log as it was found is kept beside it: `*old` is
/// then its path, UTF-8 where the path is, and NULL for a log in which nothing is wrong, which is left alone.
/// `*lost` (may be NULL) says how much is gone. Look at the old file before the new log is trusted; programs
/// that have the log open have to open it again.
///
/// Errors: `OTLS_ERROR_OTP_AUDIT` where neither its head nor its first line was made with this key, and where a file
/// cannot be read or written, and then the log is as it was; `OTLS_ERROR_API_MISUSE` for a short key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_audit_repair(
    path: *const c_char,
    key: *const u8,
    key_len: size_t,
    now: u64,
    old: *mut *mut otls_blob,
    lost: *mut otls_audit_loss,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (path, key, old) = unsafe { (Text::new(path), Input::new(key, key_len), Out::new(old)) };
    // SAFETY: as above.
    let (lost, error) =
        unsafe { (Value::new(lost, otls_audit_loss { dropped: 0, missing: 0 }), Out::new(error)) };
    status(error, || {
        let slot = old.slot("old")?;
        let key = Secret::from(key.get("key")?.to_vec());
        if let Some(repaired) = AuditLog::repair(path.get("path")?.as_ref(), &key, UnixTime(now))? {
            lost.put(otls_audit_loss { dropped: repaired.dropped, missing: repaired.missing });
            slot.put(otls_blob::copy_of(repaired.old.to_string_lossy().into_owned()));
        }
        Ok(())
    })
}
