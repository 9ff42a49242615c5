//! What went wrong, in one line, and the exit code of its kind.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use otls::{Error, ErrorCode};

/// Exit code of wrong arguments; clap's own.
const USAGE: u8 = 2;
const FILE_OR_KEY: u8 = 3;
const AUTHORITY: u8 = 4;
const CERTIFICATE: u8 = 6;

/// Why a command did not do what it was asked to.
pub(crate) enum Failure {
    /// The arguments make no sense together.
    Usage { what: String, hint: String },
    /// A file cannot be read or written.
    File { path: PathBuf, error: io::Error, hint: String },
    /// The library refuses; `about` names the file or thing.
    Otls { about: String, error: Error },
}

impl Failure {
    pub(crate) fn usage(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { what: what.into(), hint: hint.into() }
    }

    pub(crate) fn file(path: &Path, error: io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "check the path",
            io::ErrorKind::AlreadyExists => "choose another name, or --force to replace it",
            io::ErrorKind::PermissionDenied => "check the owner and mode of the file and its folder",
            _ => "",
        };
        Self::File { path: path.to_owned(), error, hint: hint.to_owned() }
    }

    /// Prints the line and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        let (line, hint, code) = match self {
            Self::Usage { what, hint } => (what.clone(), hint.clone(), USAGE),
            Self::File { path, error, hint } => {
                (format!("{}: {}", path.display(), plain(error)), hint.clone(), FILE_OR_KEY)
            }
            Self::Otls { about, error } => (format!("{about}: {error}"), error.hint(), exit_code(error)),
        };
        let hint = if hint.is_empty() { hint } else { format!(" ({hint})") };
        eprintln!("otls: error: {line}{hint}");
        ExitCode::from(code)
    }
}

/// Names the file or thing that an error of the library is about.
pub(crate) trait About<T> {
    fn about(self, about: impl std::fmt::Display) -> Result<T, Failure>;
}

impl<T> About<T> for otls::Result<T> {
    fn about(self, about: impl std::fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::Otls { about: about.to_string(), error })
    }
}

fn exit_code(error: &Error) -> u8 {
    match error.code() {
        ErrorCode::ApiMisuse => USAGE,
        ErrorCode::Internal | ErrorCode::Random => 1,
        ErrorCode::NameTaken | ErrorCode::AuthorityRefused | ErrorCode::BadName => AUTHORITY,
        _ if matches!(error, Error::BadCertificate(_)) => CERTIFICATE,
        _ => FILE_OR_KEY,
    }
}

/// The operating system's words, without Rust's error number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(words, _)| words.to_owned())
}
