//! The handshake (RFC 8446 §4): messages in; messages and keys out.

mod authenticate;
mod choice;
mod client;
mod config;
mod context;
mod established;
mod facts;
mod key_log;
mod key_schedule;
mod observer;
mod offer;
mod outbox;
mod server;
mod session;
mod suite;
mod ticket;
mod traced;
mod transcript;

pub(crate) use client::ClientState;
pub use config::{
    ClientAuth, ClientConfig, ClientSide, Config, DEFAULT_SESSION_LIFETIME, MAX_SESSION_LIFETIME,
    MAX_TICKETS, SUPPORTED_SCHEMES, SUPPORTED_SUITES, ServerConfig, ServerSide,
};
pub(crate) use context::Context;
pub(crate) use facts::Facts;
pub use observer::{Observer, Side};
pub use offer::{Offer, RequestedCertificate};
pub(crate) use outbox::Outbox;
pub(crate) use server::ServerState;
pub use session::Session;
pub use ticket::TicketKeys;

use crate::codepoints::HandshakeType;
use crate::error::{Error, PeerMisbehaved, Result};
use crate::record::HandshakeMessage;

/// SSL 3.0 in a hello's legacy_version; RFC 8446 §D.5 has us refuse it, and what is below it.
const SSL3: u16 = 0x0300;

/// Refuses a message of another type than `wanted`.
fn expect(message: &HandshakeMessage, wanted: HandshakeType, expected: &'static str) -> Result<()> {
    if message.message_type == wanted { Ok(()) } else { Err(unexpected(message.message_type, expected)) }
}

/// "Got X while waiting for Y".
fn unexpected(got: HandshakeType, expected: &'static str) -> Error {
    PeerMisbehaved::UnexpectedMessage { got, expected }.into()
}
