//! One-time passwords: what is sent over the connection, and what the bank remembers.

mod code;
mod context;
mod envelope;
mod ledger;
mod message;

pub use code::Code;
pub use context::Context;
pub use envelope::Envelope;
pub use ledger::{Issued, Ledger, MemoryStore, OtpId, Record, Store, Verdict};
pub use message::{Channel, Message};
