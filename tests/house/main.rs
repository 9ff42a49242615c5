//! What holds for the whole project: who may use whom, what documents name, what a stranger may cost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod architecture;
#[path = "../c_support/mod.rs"]
mod c_support;
mod circles;
#[path = "../common/mod.rs"]
mod common;
mod conformance_table;
mod cost;
mod debug;
mod readme;
mod words;
#[path = "../worst/mod.rs"]
mod worst;
