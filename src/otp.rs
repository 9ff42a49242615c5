//! One-time passwords: what is sent over the connection, and what the bank remembers.
//!
//! The bank's [`Ledger`] issues a [`Code`] for a transaction ([`Context`]). An [`Envelope`] takes it
//! to the customer over a [`Channel`], which binds it to the connection; the customer returns it, and
//! the ledger accepts it once. A [`Mail`] takes it to a customer who is not connected. docs/PROTOCOL.md has
//! the octets.

mod amount;
mod answer;
mod audit;
mod channel;
mod code;
mod context;
mod deadline;
mod decision;
mod envelope;
mod exporter;
mod id;
mod issued;
mod ledger;
mod mail;
mod message;
pub mod oath;
mod quoted;
mod reader;
mod receipt;
mod shown;
mod signed_decision;
mod store;
mod subject;
mod transaction;
mod typed;
mod verdict;

pub use amount::Amount;
pub use answer::Answer;
pub use audit::{Audit, AuditCall, AuditHead, AuditLog, AuditRepair, Event, EventKind};
pub use channel::Channel;
pub use code::{Code, CodeFormat};
pub use context::Context;
pub use decision::Decision;
pub use envelope::Envelope;
pub use id::OtpId;
pub use issued::Issued;
pub use ledger::{Attempt, CodeRequest, Ledger};
pub use mail::Mail;
pub use message::Message;
pub use receipt::Receipt;
pub use signed_decision::{SignedDecision, Statement};
#[cfg(feature = "sqlite")]
pub use store::SqliteStore;
pub use store::{Insertion, MemoryStore, Policy, Presented, Record, Statistics, Store, Tag, Withdrawal};
pub use subject::Subject;
pub use transaction::Transaction;
pub use verdict::Verdict;
#[doc(hidden)]
pub use {
    deadline::Deadline,
    store::{FORGET_AT_ONCE, KEEP_EXPIRED, Pool},
};
