//! HKDF (RFC 5869).

use super::hash::HashAlgorithm;
use crate::error::Result;

/// A pseudorandom key: the output of HKDF-Extract, or a secret of its length. Wiped when dropped;
/// move-only.
pub struct Prk(());

impl Prk {
    /// HKDF-Extract (RFC 5869 §2.2).
    pub fn extract(algorithm: HashAlgorithm, salt: &[u8], ikm: &[u8]) -> Self {
        let _ = (algorithm, salt, ikm);
        todo!()
    }

    /// Uses `secret`, of the hash's output length, as the pseudorandom key.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] if its length is another.
    pub fn from_secret(algorithm: HashAlgorithm, secret: &[u8]) -> Result<Self> {
        let _ = (algorithm, secret);
        todo!()
    }

    /// The algorithm.
    pub fn algorithm(&self) -> HashAlgorithm {
        todo!()
    }

    /// HKDF-Expand (RFC 5869 §2.3) with the concatenation of `info`, into all of `out`.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] if `out` is longer than 255 times the hash's output.
    pub fn expand(&self, info: &[&[u8]], out: &mut [u8]) -> Result<()> {
        let _ = (info, out);
        todo!()
    }

    /// The secret bytes; for the key log and for test vectors.
    pub(crate) fn expose(&self) -> &[u8] {
        todo!()
    }
}
