//! The command line.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod ca;
mod cms;
mod commands;
#[path = "../common/mod.rs"]
mod common;
mod convert;
mod explain;
mod files;
mod formats;
mod inspect;
mod log;
mod manners;
mod network;
mod receipt;
mod requests;
mod stop;
mod support;
mod target;
mod totp;
