//! The fast engine: AWS-LC behind the traits of each primitive.
//!
//! A function answers `None` for what AWS-LC lacks or what it refuses; the portable engine then does it, or
//! says why not. AWS-LC asks the CPU itself what it has. Its random source is its own, seeded by the system,
//! and starts anew in a forked process.

pub(super) mod aead;
pub(super) mod kx;
pub(super) mod oaep;
pub(super) mod sign;

/// Whether this process can run the fast engine.
pub(super) fn is_supported() -> bool {
    true
}
