//! What an engine does, for those who choose one, and what both of them return.

pub(super) mod aead;
pub(super) mod kx;
pub(super) mod sign;
