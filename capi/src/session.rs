//! `otls_session`: what a client resumes.

use libc::size_t;

use super::blob::otls_blob;
use super::error::otls_error;
use super::failure::Failure;
use super::guard::{self, create, required};
use super::handle::Locked;
use super::pointer::{Input, Out};
use otls::Session;
use otls::UnixTime;
use otls::error::Error;

/// A session that a client may resume, once. Whoever has it can pass for the client until it expires.
pub struct otls_session(Locked<Option<Session>>);

impl otls_session {
    pub(super) const fn new(session: Session) -> Self {
        Self(Locked::new(Some(session)))
    }

    /// The session, which nobody has after this.
    pub(super) fn used(&self) -> Result<Session, Failure> {
        Ok(self.0.lock()?.take().ok_or(USED)?)
    }
}

/// A session that `otls_session_export` saved.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_session_load(
    data: *const u8,
    data_len: size_t,
    session: *mut *mut otls_session,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (data, session, error) = unsafe { (Input::new(data, data_len), Out::new(session), Out::new(error)) };
    create(session, "session", error, || {
        let session = Session::from_bytes(data.get("data")?)?;
        Ok(otls_session(Locked::new(Some(session))))
    })
}

/// The session's octets, for `otls_session_load`. Secret.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for a session that was used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_session_export(
    session: Option<&otls_session>,
    data: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (data, error) = unsafe { (Out::new(data), Out::new(error)) };
    create(data, "data", error, || {
        let session = required(session, "session")?.0.lock()?;
        Ok(otls_blob::new(session.as_ref().ok_or(USED)?.to_bytes()))
    })
}

/// From this time on the session is of no use. 0 for one that was used, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_session_expires_at(session: Option<&otls_session>) -> u64 {
    guard::value(0, || time_of(session, Session::expires_at))
}

fn time_of(session: Option<&otls_session>, time: impl FnOnce(&Session) -> UnixTime) -> u64 {
    let session = session.and_then(|session| session.0.lock().ok());
    session.and_then(|session| session.as_ref().map(time)).unwrap_or_default().0
}

/// Frees a session. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_session_free(session: Option<Box<otls_session>>) {
    guard::value((), || drop(session));
}

const USED: Error = Error::misuse("the session was used", "take the next one from the new connection");
