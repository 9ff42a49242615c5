//! The ledger and its stores, codes, channel, receipts and the audit log.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(clippy::print_stderr, reason = "a skipped test says why")]

mod audit;
mod audit_repair;
mod channel;
#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "sqlite")]
#[path = "stores/ground.rs"]
mod ground;
mod ledger;
mod ledger_setup;
#[cfg(feature = "sqlite")]
#[path = "stores/process.rs"]
mod process;
#[cfg(feature = "sqlite")]
#[path = "stores/proxy.rs"]
mod proxy;
mod receipt;
#[cfg(feature = "sqlite")]
mod store_answers;
#[cfg(feature = "sqlite")]
mod store_failures;
#[cfg(feature = "sqlite")]
mod stores;
#[cfg(feature = "sqlite")]
mod traces;
mod typed;
mod weaknesses;
