//! The ledger and its stores, codes, channel, receipts and the audit log.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod audit;
mod audit_repair;
mod channel;
#[path = "../common/mod.rs"]
mod common;
#[cfg(all(feature = "sqlite", feature = "redis", feature = "postgres"))]
#[path = "stores/ground.rs"]
mod ground;
mod ledger;
#[cfg(all(feature = "sqlite", feature = "redis", feature = "postgres"))]
#[path = "stores/process.rs"]
mod process;
#[cfg(all(feature = "sqlite", feature = "redis", feature = "postgres"))]
#[path = "stores/proxy.rs"]
mod proxy;
mod receipt;
#[cfg(all(feature = "sqlite", feature = "redis", feature = "postgres"))]
mod store_answers;
#[cfg(all(feature = "sqlite", feature = "redis", feature = "postgres"))]
mod store_failures;
#[cfg(all(feature = "sqlite", feature = "redis", feature = "postgres"))]
mod stores;
#[cfg(feature = "sqlite")]
mod traces;
mod weaknesses;
