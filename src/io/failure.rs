//! Errors of this library, inside those of `std::io`.

use std::io::{self, ErrorKind};

use crate::error::Error;

/// The error inside, for what speaks `std::io`: `error.get_ref()` gives it back, and `downcast` moves it out. An
/// end without close_notify is [`ErrorKind::UnexpectedEof`], an alert [`ErrorKind::ConnectionAborted`], a
/// caller's mistake [`ErrorKind::InvalidInput`], and what the peer did wrong [`ErrorKind::InvalidData`].
///
/// ```
/// let error = std::io::Error::from(otls::Error::Truncated);
/// assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
/// assert_eq!(error.downcast::<otls::Error>()?, otls::Error::Truncated);
/// # Ok::<(), std::io::Error>(())
/// ```
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Truncated => ErrorKind::UnexpectedEof,
            Error::AlertReceived(_) => ErrorKind::ConnectionAborted,
            Error::ApiMisuse(_) => ErrorKind::InvalidInput,
            Error::InvalidMessage(_)
            | Error::PeerMisbehaved(_)
            | Error::PeerIncompatible(_)
            | Error::BadCertificate(_)
            | Error::Rejected(_)
            | Error::BadRecord
            | Error::DecryptFailed => ErrorKind::InvalidData,
            Error::Key(_)
            | Error::Certificate(_)
            | Error::Otp(_)
            | Error::Enrolment(_)
            | Error::Cms(_)
            | Error::Random
            | Error::Internal(_) => ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

pub(super) fn closed() -> io::Error {
    io::Error::new(ErrorKind::NotConnected, "this stream was closed, by this or another thread or task")
}

pub(super) fn aborted() -> io::Error {
    io::Error::new(ErrorKind::ConnectionAborted, "this stream was aborted, by this or another thread or task")
}

pub(super) fn cut_short() -> io::Error {
    let why = "a write was given up before it was done: close_notify would say that all was sent";
    io::Error::new(ErrorKind::BrokenPipe, why)
}
