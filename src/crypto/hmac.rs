//! HMAC (RFC 2104).

use super::hash::{Digest, HashAlgorithm};
use crate::error::Result;

/// A key that is ready to authenticate. Wiped when dropped.
pub struct HmacKey(());

impl HmacKey {
    /// A key of any length.
    pub fn new(algorithm: HashAlgorithm, key: &[u8]) -> Self {
        let _ = (algorithm, key);
        todo!()
    }

    /// The tag of the concatenation of `parts`. It may be a secret (HKDF): then wipe it.
    pub fn sign(&self, parts: &[&[u8]]) -> Digest {
        let _ = parts;
        todo!()
    }

    /// Compares in constant time.
    ///
    /// # Errors
    /// [`crate::Error::DecryptFailed`] if `tag` is not the whole tag of the concatenation of `parts`.
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<()> {
        let _ = (parts, tag);
        todo!()
    }
}
