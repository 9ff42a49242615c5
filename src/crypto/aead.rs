//! Authenticated encryption with associated data, as the record protocol uses it.

use zeroize::Zeroizing;

use super::{Engine, Random, fast, portable};
use crate::error::{Error, Result};
use crate::secret::Secret;

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
    const fn padding_len(self, plaintext_len: usize) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm | Self::ChaCha20Poly1305 => 0,
            Self::Aes128CbcHmacSha256 | Self::Aes256CbcHmacSha384 => AES_BLOCK - plaintext_len % AES_BLOCK,
        }
    }

    /// The longest plaintext, in octets.
    const fn max_plaintext_len(self) -> u64 {
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

/// A key that is ready to seal and open. Wiped when dropped.
///
/// ```
/// use otls::crypto::aead::{AeadAlgorithm, AeadKey};
///
/// let key = AeadKey::new(AeadAlgorithm::Aes128Gcm, &[7; 16])?;
/// let mut buffer = b"headerthe OTP".to_vec();
/// key.seal(&[0; 12], b"header", &mut buffer, 6)?;
///
/// let length = key.open(&[0; 12], b"header", &mut buffer[6..])?;
/// assert_eq!(&buffer[6..6 + length], b"the OTP");
/// # Ok::<(), otls::Error>(())
/// ```
pub struct AeadKey {
    algorithm: AeadAlgorithm,
    // On the heap, so that moving the key leaves no copies of it behind.
    cipher: Box<dyn Cipher>,
}

crate::shown::shown!(AeadKey, algorithm);

impl AeadKey {
    /// # Errors
    /// [`crate::Error::ApiMisuse`] if `key` is not [`AeadAlgorithm::key_len`] octets.
    pub fn new(algorithm: AeadAlgorithm, key: &[u8]) -> Result<Self> {
        Self::new_on(Engine::detect(), algorithm, key)
    }

    pub(super) fn new_on(engine: Engine, algorithm: AeadAlgorithm, key: &[u8]) -> Result<Self> {
        let fast = match engine {
            Engine::Fast => fast::aead::cipher(algorithm, key),
            Engine::Portable => None,
        };
        let cipher = fast
            .or_else(|| portable::aead::cipher(algorithm, key))
            .ok_or(Error::misuse("an AEAD key of a wrong length", "see the algorithm's key length"))?;
        Ok(Self { algorithm, cipher })
    }

    /// The algorithm.
    pub fn algorithm(&self) -> AeadAlgorithm {
        self.algorithm
    }

    /// Seals one message for whoever has the key: `nonce ‖ ciphertext ‖ tag`, with a random nonce. `aad`
    /// is authenticated and not part of the result. One key seals at most 2^32 messages like this: beyond
    /// that, random nonces may repeat (NIST SP 800-38D §8.3).
    ///
    /// ```
    /// use otls::crypto::SystemRandom;
    /// use otls::crypto::aead::{AeadAlgorithm, AeadKey};
    ///
    /// let key = AeadKey::new(AeadAlgorithm::Aes256Gcm, &[7; 32])?;
    /// let sealed = key.seal_message(b"the OTP", b"for Asha", &SystemRandom)?;
    /// assert_eq!(key.open_message(&sealed, b"for Asha")?.expose(), b"the OTP");
    /// assert!(key.open_message(&sealed, b"for Ravi").is_err());
    /// # Ok::<(), otls::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::Random`].
    pub fn seal_message(&self, plaintext: &[u8], aad: &[u8], random: &dyn Random) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce)?;
        // Reserved, so that no copy of the plaintext is left behind by growing.
        let room = self.algorithm.sealed_len(plaintext.len());
        let mut sealed = Vec::with_capacity(NONCE_LEN.saturating_add(room));
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        self.seal(&nonce, aad, &mut sealed, NONCE_LEN)?;
        Ok(sealed)
    }

    /// Opens what [`AeadKey::seal_message`] made.
    ///
    /// # Errors
    /// [`crate::Error::DecryptFailed`], whatever the cause.
    pub fn open_message(&self, sealed: &[u8], aad: &[u8]) -> Result<Secret> {
        let (nonce, sealed) = sealed.split_first_chunk().ok_or(Error::DecryptFailed)?;
        let mut text = Zeroizing::new(sealed.to_vec());
        let len = self.open(nonce, aad, &mut text)?;
        text.truncate(len);
        Ok(text.into())
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
        let len = buffer.len().checked_sub(start).ok_or(Error::Internal("AEAD start out of range"))?;
        if u64::try_from(len).is_ok_and(|len| len > self.algorithm.max_plaintext_len()) {
            return Err(Error::Internal("AEAD plaintext too long"));
        }
        let padding = self.algorithm.padding_len(len);
        buffer.reserve(padding + self.algorithm.tag_len());
        let octet = u8::try_from(padding).map_err(|_| Error::Internal("AEAD padding length"))?;
        buffer.resize(buffer.len() + padding, octet);
        let text = buffer.get_mut(start..).ok_or(Error::Internal("AEAD start out of range"))?;
        let tag = self.cipher.seal(nonce, aad, text)?;
        buffer.extend_from_slice(tag.get(..self.algorithm.tag_len()).unwrap_or(&tag));
        Ok(())
    }

    /// Checks the tag in constant time and then decrypts `buffer` in place; returns the number of
    /// octets of plaintext, which are at the front of `buffer`.
    ///
    /// # Errors
    /// [`crate::Error::DecryptFailed`]; `buffer` then holds no plaintext.
    pub fn open(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], buffer: &mut [u8]) -> Result<usize> {
        let len = buffer.len().checked_sub(self.algorithm.tag_len()).ok_or(Error::DecryptFailed)?;
        let (text, tag) = buffer.split_at_mut_checked(len).ok_or(Error::DecryptFailed)?;
        self.cipher.open(nonce, aad, text, tag)
    }
}

/// What an engine does for an algorithm.
pub(super) trait Cipher: Send + Sync {
    /// Encrypts `text`, padded if need be, in place; the tag is at the front of the result.
    fn seal(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], text: &mut [u8]) -> Result<Tag>;

    /// Checks the whole of `tag`, then decrypts; the plaintext's length. `text` holds no plaintext
    /// after an error.
    fn open(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], text: &mut [u8], tag: &[u8]) -> Result<usize>;
}

/// Room for the longest tag.
pub(super) type Tag = [u8; MAX_TAG_LEN];

pub(super) const MAX_TAG_LEN: usize = 24;

pub(crate) const AES_BLOCK: usize = 16;

#[cfg(test)]
mod tests;
