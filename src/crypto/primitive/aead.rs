//! Authenticated encryption.

use crate::error::{Error, Result};

/// Octets in a nonce, for every algorithm here.
pub const NONCE_LEN: usize = 12;

/// An AEAD algorithm.
///
/// ```
/// use otls::crypto::aead::AeadAlgorithm;
///
/// // 72 octets, 8 of padding, and a tag of 16.
/// assert_eq!(AeadAlgorithm::Aes128CbcHmacSha256.sealed_len(72), 96);
/// assert_eq!(AeadAlgorithm::Aes128Gcm.sealed_len(72), 88);
/// ```
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
        match self {
            Self::Aes128Gcm => 16,
            Self::Aes256Gcm | Self::ChaCha20Poly1305 | Self::Aes128CbcHmacSha256 => 32,
            Self::Aes256CbcHmacSha384 => 56,
        }
    }

    /// Octets in the authentication tag.
    pub const fn tag_len(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm | Self::ChaCha20Poly1305 | Self::Aes128CbcHmacSha256 => 16,
            Self::Aes256CbcHmacSha384 => 24,
        }
    }

    /// Octets that sealing `plaintext_len` octets gives: padding, where there is any, and the tag.
    /// `usize::MAX` where that does not fit.
    pub const fn sealed_len(self, plaintext_len: usize) -> usize {
        plaintext_len.saturating_add(self.padding_len(plaintext_len)).saturating_add(self.tag_len())
    }

    /// Octets of padding: RFC 5652 §6.3 adds 1 to 16, never none.
    pub(in crate::crypto) const fn padding_len(self, plaintext_len: usize) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm | Self::ChaCha20Poly1305 => 0,
            Self::Aes128CbcHmacSha256 | Self::Aes256CbcHmacSha384 => AES_BLOCK - plaintext_len % AES_BLOCK,
        }
    }

    /// The longest plaintext, in octets.
    pub(in crate::crypto) const fn max_plaintext_len(self) -> u64 {
        match self {
            // RFC 5116 §5.1 and §5.2: P_MAX is 2^36 - 31.
            Self::Aes128Gcm | Self::Aes256Gcm => (1 << 36) - 31,
            // RFC 8439 §2.8: P_MAX is 2^38 - 64.
            Self::ChaCha20Poly1305 => (1 << 38) - 64,
            // draft-mcgrew-aead-aes-cbc-hmac-sha2-05 §2.5: P_MAX is 2^64.
            Self::Aes128CbcHmacSha256 | Self::Aes256CbcHmacSha384 => u64::MAX,
        }
    }
}

/// What an engine does for an algorithm.
pub(in crate::crypto) trait Cipher: Send + Sync {
    /// Encrypts `text`, padded if need be, in place; the tag is at the front of the result.
    fn seal(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], text: &mut [u8]) -> Result<Tag>;

    /// Checks the whole of the tag at the end of `sealed`, then decrypts what is before it in place; the
    /// plaintext's length. `sealed` holds no plaintext after an error.
    fn open(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], sealed: &mut [u8]) -> Result<usize>;
}

/// Room for the longest tag.
pub(in crate::crypto) type Tag = [u8; MAX_TAG_LEN];

pub(in crate::crypto) const MAX_TAG_LEN: usize = 24;

pub(crate) const AES_BLOCK: usize = 16;

/// What is sealed, and the tag behind it.
///
/// # Errors
/// [`Error::DecryptFailed`] if there is no room for the tag.
pub(in crate::crypto) fn split_tag(sealed: &mut [u8], tag_len: usize) -> Result<(&mut [u8], &mut [u8])> {
    let len = sealed.len().checked_sub(tag_len).ok_or(Error::DecryptFailed)?;
    sealed.split_at_mut_checked(len).ok_or(Error::DecryptFailed)
}
