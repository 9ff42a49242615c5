//! The fast engine: graviola behind the traits of each primitive.
//!
//! A function answers `None` for what graviola lacks or what it refuses; the portable engine then
//! does it, or says why not. graviola's functions panic on a CPU that it does not support: nothing
//! here is called before [`is_supported`] has said yes.

pub(super) mod aead;
pub(super) mod kx;
pub(super) mod sign;

pub(super) use self::sign::SIZES as RSA_SIZES;

/// Whether this process can run the fast engine.
pub(super) fn is_supported() -> bool {
    graviola::util::is_cpu_supported()
}
