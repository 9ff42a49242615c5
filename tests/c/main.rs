//! The C library: its header, its programs, its installation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod api;
#[path = "../c_support/mod.rs"]
mod c_support;
mod drive;
mod examples;
mod generated;
mod header;
mod install;
#[path = "../c_support/peer.rs"]
mod peer;
#[path = "../c_support/programs.rs"]
mod programs;
mod symbols;
