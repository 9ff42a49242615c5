//! The channel: handshake, records, resumption, conformance, other implementations, streams.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
mod configs;
mod conformance_client;
mod conformance_records;
mod conformance_resumption;
mod conformance_retry;
mod conformance_server;
mod conformance_tickets;
mod extensions;
mod handshake;
mod in_place;
mod interop_openssl;
mod interop_rustls;
mod io_blocking;
#[cfg(feature = "tokio")]
mod io_hyper;
mod io_support;
#[cfg(feature = "tokio")]
mod io_tokio;
mod memory;
mod protocol_vectors;
mod puppet;
mod resumption;
mod session_life;
mod state_machine;
mod trace;
mod verdicts;
mod weaknesses;
