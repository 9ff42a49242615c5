//! One-time passwords.

pub(crate) mod audit;
pub(crate) mod channel;
pub(crate) mod ledger;
pub(crate) mod mail;
pub(crate) mod message;
pub(crate) mod oath;
pub(crate) mod ocra;
pub(crate) mod receipt;
pub(crate) mod transaction;
