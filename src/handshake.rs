//! The handshake (RFC 8446 §4): messages in; messages and keys out.

mod config;

pub use config::{ClientAuth, Config, SUPPORTED_SCHEMES, SUPPORTED_SUITES};
