//! Authenticated encryption with associated data, as the record protocol uses it.

use crate::error::Result;

/// Octets in a nonce, for every algorithm here.
pub const NONCE_LEN: usize = 12;

/// An AEAD algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AeadAlgorithm {
    /// AES-128-GCM (RFC 5116 §5.1).
    Aes128Gcm,
    /// AES-256-GCM (RFC 5116 §5.2).
    Aes256Gcm,
    /// ChaCha20-Poly1305 (RFC 8439 §2.8).
    ChaCha20Poly1305,
    /// AES-128-CBC with HMAC-SHA-256 (RFC 7518 §5.2.3), IV derived as `docs/PROTOCOL.md` says.
    Aes128CbcHmacSha256,
    /// AES-256-CBC with HMAC-SHA-384 (draft-mcgrew-aead-aes-cbc-hmac-sha2-05 §2.6), likewise.
    Aes256CbcHmacSha384,
}

impl AeadAlgorithm {
    /// Octets in a key (the composites: MAC_KEY ‖ ENC_KEY).
    pub const fn key_len(self) -> usize {
        todo!()
    }

    /// Octets in the authentication tag.
    pub const fn tag_len(self) -> usize {
        todo!()
    }

    /// Octets that sealing `plaintext_len` octets gives: padding, where there is any, and the tag.
    pub const fn sealed_len(self, plaintext_len: usize) -> usize {
        let _ = plaintext_len;
        todo!()
    }
}

/// A key that is ready to seal and open. Wiped when dropped.
pub struct AeadKey(());

impl AeadKey {
    /// # Errors
    /// [`crate::Error::Internal`] if `key` is not [`AeadAlgorithm::key_len`] octets.
    pub fn new(algorithm: AeadAlgorithm, key: &[u8]) -> Result<Self> {
        let _ = (algorithm, key);
        todo!()
    }

    /// The algorithm.
    pub fn algorithm(&self) -> AeadAlgorithm {
        todo!()
    }

    /// Encrypts `buffer[start..]` in place and appends padding (composites) and tag. Octets before
    /// `start` stay as they are. Allocates only where `buffer` has no room.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] if the plaintext exceeds the algorithm's limit or `start` is out of range.
    pub fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Result<()> {
        let _ = (nonce, aad, buffer, start);
        todo!()
    }

    /// Checks the tag in constant time and then decrypts `buffer` in place; returns the number of
    /// octets of plaintext, which are at the front of `buffer`.
    ///
    /// # Errors
    /// [`crate::Error::DecryptFailed`]; `buffer` then holds no plaintext.
    pub fn open(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], buffer: &mut [u8]) -> Result<usize> {
        let _ = (nonce, aad, buffer);
        todo!()
    }
}
