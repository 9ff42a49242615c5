//! One function per primitive, two engines behind each.
//!
//! The portable engine (RustCrypto) is always there; the fast one (graviola) is used where it is
//! compiled in and the CPU supports it, primitive by primitive as measurement says.

pub mod aead;
mod engine;
mod fast;
pub mod hash;
pub mod hkdf;
pub mod hmac;
pub mod kx;
mod portable;
mod rng;
pub mod sign;

#[cfg(test)]
mod testing;

pub use engine::Engine;
pub use rng::{Random, SystemRandom};
