//! Why there is no page.

use core::fmt;

use otls::TRACE_VERSION;

use crate::{MAX_CAPTURE_LEN, MAX_OCTETS};

/// Which trace was refused, at which line, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    file: Option<usize>,
    line: Option<usize>,
    reason: Reason,
}

/// Why a trace was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// No trace was given.
    Nothing,
    /// All together have more than [`MAX_OCTETS`].
    TooLong,
    /// The first line is not the head of a trace.
    NotATrace,
    /// A newer version of the schema.
    Newer(String),
    /// A line that is no object of JSON; what the parser says.
    NotJson(String),
    /// A line without the name of an event.
    NotAnEvent,
    /// A member of an event that has another type than docs/trace.md says.
    Member(&'static str),
    /// A file that is no capture, or damaged.
    NotACapture,
    /// A capture of more than [`MAX_CAPTURE_LEN`] octets.
    LongCapture,
    /// A capture without the beginning of a TLS connection.
    NoConnection,
    /// A line of a key log that is none (RFC 9850); its number.
    NotAKeyLog(usize),
    /// The same side of the same connection is told twice; the file that was first, from 0.
    Twice(usize),
}

impl Refused {
    pub(crate) const fn all(reason: Reason) -> Self {
        Self { file: None, line: None, reason }
    }

    pub(crate) const fn at(file: usize, line: usize, reason: Reason) -> Self {
        Self { file: Some(file), line: Some(line), reason }
    }

    /// Which of the traces, counted from 0; none where it is about all of them.
    pub const fn file(&self) -> Option<usize> {
        self.file
    }

    /// The line in it, counted from 1.
    pub const fn line(&self) -> Option<usize> {
        self.line
    }

    /// Why.
    pub const fn reason(&self) -> &Reason {
        &self.reason
    }

    /// What to do next.
    pub const fn hint(&self) -> &'static str {
        match self.reason {
            Reason::Nothing => "give the text of at least one trace",
            Reason::TooLong => {
                "leave out connections that the page need not tell of, or make one page for each"
            }
            Reason::NotATrace => "give the file of a trace, whose first line has `otls_trace`",
            Reason::Newer(_) => "make the page with the version of otls that wrote the trace, or a newer one",
            Reason::NotJson(_) | Reason::NotAnEvent => {
                "give the file as it was written; if its writer was stopped in the middle of a line, remove that line"
            }
            Reason::Member(_) => "give the file as it was written: docs/trace.md says what each member is",
            Reason::NotACapture => "give a file of tcpdump or Wireshark, pcap or pcapng",
            Reason::LongCapture => "capture one connection: tcpdump -w FILE tcp port PORT",
            Reason::NoConnection => {
                "capture from before the connection begins, on the server's port: tcpdump -i any -w FILE tcp port PORT"
            }
            Reason::NotAKeyLog(_) => "give the file that SSLKEYLOGFILE named, or that --key-log wrote",
            Reason::Twice(_) => "give each trace once, and of one connection the client's and the server's",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("there is no trace"),
            Self::TooLong => write!(f, "the traces have more than {MAX_OCTETS} octets together"),
            Self::NotATrace => f.write_str("this is no trace: its first line has no `otls_trace`"),
            Self::Newer(version) => {
                write!(
                    f,
                    "the trace is of version {version}, and {TRACE_VERSION} is the newest that is known"
                )
            }
            Self::NotJson(why) => write!(f, "the line is no object of JSON: {why}"),
            Self::NotAnEvent => f.write_str("the line has no `event`"),
            Self::Member(name) => write!(f, "`{name}` is not what a trace has there"),
            Self::NotACapture => f.write_str("the file is no capture, or is damaged"),
            Self::LongCapture => write!(f, "the capture has more than {} MiB", MAX_CAPTURE_LEN >> 20),
            Self::NoConnection => f.write_str("there is no beginning of a TLS connection in the capture"),
            Self::NotAKeyLog(line) => {
                write!(f, "line {line} of the key log is not LABEL RANDOM SECRET, in hexadecimal")
            }
            Self::Twice(first) => {
                write!(f, "trace {} has told of the same side of this connection", first.saturating_add(1))
            }
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = self.file {
            write!(f, "trace {}, ", file.saturating_add(1))?;
        }
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        self.reason.fmt(f)
    }
}

impl core::error::Error for Refused {}
