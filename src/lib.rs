//! `otls`: a private, certificate-authenticated TLS 1.3 channel and the one-time passwords that a
//! bank sends its customer over it.
//!
//! The rooms, ground floor first; a room imports only those above it in this list:
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`codepoints`], [`error`], `alert`, `secret`, `time` | numbers, errors and their alerts, secrets, time |
//! | [`crypto`] | one function per primitive, two engines behind it |
//! | `wire` | bytes to structs and back; no keys, no policy |
//! | `record`; [`pki`] | record protection; keys, certificates, authority, verification |
//! | `handshake` | messages in; messages and keys out |
//! | `connection`; [`cms`] | the sans-I/O connection; messages for who is not connected |
//! | [`otp`]; [`est`]; [`io`] | what is sent over it: one-time passwords; enrolment. Its drivers over sockets |
//!
//! | feature | what it brings |
//! | --- | --- |
//! | `aws-lc-rs` (default) | the fast engine, AWS-LC; building it takes a C compiler |
//! | `tokio` | [`io`]'s driver for tasks |
//! | `sqlite` | a ledger's store in a file |
//! | `qr` | `otpauth` URIs as QR codes in text |
//!
//! AWS-LC measures the jitter of the processor in the first operation of each process, some 60 ms, unless it is
//! built with `AWS_LC_SYS_NO_JITTER_ENTROPY=1` in the environment; the system's random source seeds it either way.

#![cfg_attr(not(test), forbid(unsafe_code))]

mod alert;
pub mod codepoints;
pub mod error;
mod process;
mod secret;
mod shown;
mod time;
#[cfg(test)]
mod undefined;

// What the tests in tests/ share serves unit tests of a whole connection as well, under the same name.
#[cfg(test)]
extern crate self as otls;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "../tests/common/mod.rs"]
mod common;

pub mod crypto;

mod record;
mod wire;

pub mod pki;

pub mod cms;
mod connection;
mod handshake;
mod trace;

pub mod est;
pub mod io;
pub mod otp;

/// What the other packages of this workspace need and nobody else does: no part of the API.
#[doc(hidden)]
pub mod internal {
    pub use crate::cms::outline::{MessageKind, Outline, Party};
    pub use crate::handshake::{Observer, Side};
    pub use crate::otp::{Deadline, FORGET_AT_ONCE, KEEP_EXPIRED, Pool};
    pub use crate::pki::chain::path_of;
    pub use crate::pki::parts::{Part, PartKind, bundle, certificate_subject, list_facts, parts, pem};
    pub use crate::process::{Owner, lock};
}

pub use connection::{Connection, Fed, State};
pub use error::{Error, ErrorCode, Result};
pub use handshake::{
    ClientAuth, ClientConfig, ClientSide, Config, DEFAULT_SESSION_LIFETIME, MAX_SESSION_LIFETIME,
    MAX_TICKETS, Offer, RequestedCertificate, SUPPORTED_SCHEMES, SUPPORTED_SUITES, ServerConfig, ServerSide,
    Session, TicketKeys,
};
pub use secret::Secret;
pub use time::UnixTime;
pub use trace::{TRACE_VERSION, TraceLevel};

/// The Rust of docs/keys.md, as a test.
#[cfg(doctest)]
#[doc = include_str!("../docs/keys.md")]
mod keys {}
