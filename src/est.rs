//! Enrolment over Secure Transport (RFC 7030, RFC 8951): HTTP in, HTTP out, no I/O.

mod client;
mod http;
mod register;
mod server;

pub use client::{EstClient, EstReply};
pub use register::{Entry, Register};
pub use server::{EstServer, Exchange};
