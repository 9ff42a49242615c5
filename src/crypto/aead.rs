//! Authenticated encryption with associated data, as the record protocol uses it.

use zeroize::Zeroizing;

pub(crate) use super::primitive::aead::AES_BLOCK;
use super::primitive::aead::Cipher;
pub use super::primitive::aead::{AeadAlgorithm, NONCE_LEN};
use super::{Engine, Random, fast, portable};
use crate::error::{Error, Result};
use crate::secret::Secret;

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
    cipher: Keyed,
}

/// A key of either engine; on the heap, so that moving it leaves no copies behind.
enum Keyed {
    /// AWS-LC allocates by itself.
    Fast(fast::aead::Key),
    Portable(Box<dyn Cipher>),
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
            Engine::Fast => fast::aead::key(algorithm, key),
            Engine::Portable => None,
        };
        let cipher = fast
            .map(Keyed::Fast)
            .or_else(|| portable::aead::cipher(algorithm, key).map(Keyed::Portable))
            .ok_or(Error::misuse("an AEAD key of a wrong length", "see the algorithm's key length"))?;
        Ok(Self { algorithm, cipher })
    }

    /// The algorithm.
    pub fn algorithm(&self) -> AeadAlgorithm {
        self.algorithm
    }

    fn cipher(&self) -> &dyn Cipher {
        match &self.cipher {
            Keyed::Fast(key) => key,
            Keyed::Portable(cipher) => cipher.as_ref(),
        }
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
        let tag = self.cipher().seal(nonce, aad, text)?;
        buffer.extend_from_slice(tag.get(..self.algorithm.tag_len()).unwrap_or(&tag));
        Ok(())
    }

    /// Checks the tag in constant time and then decrypts `buffer` in place; returns the number of
    /// octets of plaintext, which are at the front of `buffer`.
    ///
    /// # Errors
    /// [`crate::Error::DecryptFailed`]; `buffer` then holds no plaintext.
    pub fn open(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], buffer: &mut [u8]) -> Result<usize> {
        self.cipher().open(nonce, aad, buffer)
    }
}

#[cfg(test)]
mod tests;
