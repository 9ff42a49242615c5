//! What went wrong, in one line, and the exit code of its kind.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use otls::{Error, ErrorCode};

use crate::log::complain;

/// Exit code of wrong arguments; clap's own.
pub(crate) const USAGE: u8 = 2;
const FILE_OR_KEY: u8 = 3;
const AUTHORITY: u8 = 4;
const NETWORK: u8 = 5;
const CERTIFICATE: u8 = 6;
const RECORD: u8 = 7;
/// What a shell says of a program that SIGPIPE has ended: 128 and the signal's number.
const UNREAD: u8 = 141;

/// Why a command did not do what it was asked to.
pub(crate) enum Failure {
    /// The arguments make no sense together.
    Usage { what: String, hint: String },
    /// A file cannot be read or written.
    File { path: PathBuf, error: io::Error, hint: String },
    /// The network, or the peer's side of it.
    Network { about: String, error: io::Error, hint: String },
    /// Nobody reads standard output any more, as behind `| head -1`: no line is worth saying.
    Unread,
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

    /// What a file holds is not what is wanted.
    pub(crate) fn content(path: &Path, what: impl Into<String>, hint: impl Into<String>) -> Self {
        let error = io::Error::new(io::ErrorKind::InvalidData, what.into());
        Self::File { path: path.to_owned(), error, hint: hint.into() }
    }

    pub(crate) fn network(about: &str, error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => "another program listens there: stop it, or choose another port",
            io::ErrorKind::AddrNotAvailable => "this machine has no such address",
            io::ErrorKind::ConnectionRefused => "nobody listens there: is the server running?",
            io::ErrorKind::PermissionDenied => "ports below 1024 need a right to them",
            io::ErrorKind::TimedOut => "see --timeout",
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "the peer is gone: see its log",
            _ => "",
        };
        let error = io::Error::new(error.kind(), plain(error));
        Self::Network { about: about.to_owned(), error, hint: hint.to_owned() }
    }

    /// What ended a stream.
    pub(crate) fn stream(error: io::Error) -> Self {
        match error.downcast::<Error>() {
            Ok(error) => Self::Otls { about: "connection".to_owned(), error },
            Err(error) => Self::network("connection", &error),
        }
    }

    /// The same about another thing.
    pub(crate) fn with(mut self, name: &str) -> Self {
        if let Self::Network { about, .. } | Self::Otls { about, .. } = &mut self {
            name.clone_into(about);
        }
        self
    }

    /// Prints the line.
    pub(crate) fn print(&self) {
        if !matches!(self, Self::Unread) {
            complain(format_args!("otls: error: {self}"));
        }
    }

    /// Prints the line and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        self.print();
        ExitCode::from(self.code())
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        self.parts().2
    }

    /// What was found does not reach whom it is for.
    pub(crate) fn output(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unread,
            _ => Self::file(Path::new("standard output"), error),
        }
    }

    fn parts(&self) -> (String, String, u8) {
        match self {
            Self::Usage { what, hint } => (what.clone(), hint.clone(), USAGE),
            Self::File { path, error, hint } => {
                (format!("{}: {}", path.display(), plain(error)), hint.clone(), FILE_OR_KEY)
            }
            Self::Network { about, error, hint } => (format!("{about}: {error}"), hint.clone(), NETWORK),
            Self::Unread => ("standard output: nobody reads it".to_owned(), String::new(), UNREAD),
            Self::Otls { about, error } => {
                let what = error.to_string();
                (format!("{about}: {what}"), hint(error.code(), &what, &error.hint()), exit_code(error))
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, hint, _) = self.parts();
        if hint.is_empty() { write!(f, "{line}") } else { write!(f, "{line} ({hint})") }
    }
}

/// Names the file or thing that an error of the library is about.
pub(crate) trait About<T> {
    fn about(self, about: impl fmt::Display) -> Result<T, Failure>;
}

impl<T> About<T> for otls::Result<T> {
    fn about(self, about: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::Otls { about: about.to_string(), error })
    }
}

/// What to do about `what`, in the words of the command line: the library, whose `own` words it has otherwise, knows
/// no flags.
pub(crate) fn hint(code: ErrorCode, what: &str, own: &str) -> String {
    let better = match code {
        ErrorCode::KeyPasswordRequired => {
            "put its password on the first line of a file and name that with --password-file, or set OTLS_KEY_PASSWORD"
        }
        ErrorCode::KeyWrongPassword => "check the first line of --password-file, or OTLS_KEY_PASSWORD",
        ErrorCode::KeyPasswordNotNeeded => "leave --password-file out, and unset OTLS_KEY_PASSWORD",
        ErrorCode::CertificateUntrusted => {
            "if you trust that authority, give its certificate with --root; what stands between it and the root \
             comes behind the certificate in its file, or with --intermediate"
        }
        ErrorCode::CertificateWrongName if own.starts_with("connect by a name") => {
            "give a name that it has with --name, or request one with this name"
        }
        ErrorCode::CertificateRevoked if own == "get the authority's current revocation list" => {
            "get the authority's current revocation list, and give it with --crl"
        }
        ErrorCode::CertificateWrongRole if own.starts_with("accept a longer chain") => {
            "accept a longer chain with --max-depth, or issue the certificate nearer to it"
        }
        ErrorCode::AuthorityRefused if what.contains("a server needs an alternative name") => {
            "add it with --san, or have the request made with one"
        }
        ErrorCode::CmsUnsupported if what.contains("signed and not encrypted") => {
            "verify it with `otls cms verify`"
        }
        ErrorCode::CmsUnsupported if what.contains("its signature is within") => {
            "open it with `otls cms open`"
        }
        ErrorCode::CmsUnsupported if what.contains("(it is detached)") => {
            "give the file that was signed with --content"
        }
        ErrorCode::CmsUnsupported if what.contains("was given beside it") => "leave --content out",
        _ if own.starts_with("load it with its password") => {
            "see what is in it with `otls show`, and take it out with `otls convert FILE --to pem --key-only` or `--certificates-only`"
        }
        ErrorCode::NameTaken => {
            "use the key that has the name, take another name, or revoke its certificate with `otls ca revoke`"
        }
        _ => own,
    };
    better.to_owned()
}

fn exit_code(error: &Error) -> u8 {
    match error.code() {
        ErrorCode::ApiMisuse | ErrorCode::OtpNotACode => USAGE,
        ErrorCode::Internal | ErrorCode::Random => 1,
        ErrorCode::NameTaken | ErrorCode::AuthorityRefused | ErrorCode::BadName => AUTHORITY,
        ErrorCode::OtpAudit => RECORD,
        ErrorCode::BadSignature => CERTIFICATE,
        _ if matches!(error, Error::BadCertificate(_)) => CERTIFICATE,
        _ if is_the_peers(error) => NETWORK,
        _ => FILE_OR_KEY,
    }
}

/// Whether the other side of a connection is the cause.
fn is_the_peers(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidMessage(_)
            | Error::PeerMisbehaved(_)
            | Error::PeerIncompatible(_)
            | Error::AlertReceived(_)
            | Error::Rejected(_)
            | Error::BadRecord
            | Error::Truncated
    )
}

/// The operating system's words, without Rust's error number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(words, _)| words.to_owned())
}
