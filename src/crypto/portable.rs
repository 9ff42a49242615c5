//! The portable engine: RustCrypto's crates behind the traits of each primitive. It has them all.

pub(super) mod aead;
pub(super) mod cbc_hmac;
pub(super) mod kx;
pub(super) mod sign;
