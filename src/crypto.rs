//! One function per primitive, two engines behind each.
//!
//! The portable engine (RustCrypto) is always there; the fast one (AWS-LC) is used where it is
//! compiled in, primitive by primitive as measurement says.

pub mod aead;
pub(crate) mod aes_cbc;
pub(crate) mod ecdh;
mod engine;
#[cfg(all(feature = "aws-lc-rs", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod fast;
pub mod hash;
pub mod hkdf;
pub mod hmac;
pub(crate) mod key_wrap;
pub mod kx;
#[cfg(not(all(feature = "aws-lc-rs", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod no_fast;
pub mod oaep;
pub mod oath;
mod portable;
mod primitive;
mod rng;
pub mod sign;
pub(crate) mod x963;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod vectors;

#[cfg(not(all(feature = "aws-lc-rs", any(target_arch = "x86_64", target_arch = "aarch64"))))]
use no_fast as fast;

pub use engine::Engine;
pub use rng::{Random, SystemRandom};
