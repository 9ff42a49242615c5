//! One-time passwords: what is sent over the connection, and what the bank remembers.
//!
//! The bank's [`Ledger`] issues a [`Code`] for a transaction ([`Context`]). An [`Envelope`] takes it
//! to the customer over a [`Channel`], which binds it to the connection; the customer returns it, and
//! the ledger accepts it once. docs/PROTOCOL.md has the octets.

mod channel;
mod code;
mod context;
mod envelope;
mod ledger;
mod message;
mod reader;
mod store;

pub use channel::Channel;
pub use code::Code;
pub use context::Context;
pub use envelope::Envelope;
pub use ledger::{Issued, Ledger, OtpId, Verdict};
pub use message::Message;
pub use store::{MemoryStore, Presented, Record, Store, Tag};
