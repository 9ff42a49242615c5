//! AES-GCM and ChaCha20-Poly1305 of AWS-LC. The composites are the portable engine's.

use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey,
};

use crate::crypto::primitive::aead::{AeadAlgorithm, Cipher, MAX_TAG_LEN, NONCE_LEN, Tag};
use crate::error::{Error, Result};

pub(in crate::crypto) type Key = LessSafeKey;

/// `None` for the composites, and if `key` has the wrong length: then the portable engine says so.
pub(in crate::crypto) fn key(algorithm: AeadAlgorithm, key: &[u8]) -> Option<Key> {
    let algorithm: &Algorithm = match algorithm {
        AeadAlgorithm::Aes128Gcm => &AES_128_GCM,
        AeadAlgorithm::Aes256Gcm => &AES_256_GCM,
        AeadAlgorithm::ChaCha20Poly1305 => &CHACHA20_POLY1305,
        AeadAlgorithm::Aes128CbcHmacSha256 | AeadAlgorithm::Aes256CbcHmacSha384 => return None,
    };
    Some(LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?))
}

impl Cipher for LessSafeKey {
    fn seal(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], text: &mut [u8]) -> Result<Tag> {
        let short = self
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), text)
            .map_err(|_| Error::Internal("AEAD plaintext too long"))?;
        let mut tag = [0; MAX_TAG_LEN];
        tag.iter_mut().zip(short.as_ref()).for_each(|(to, from)| *to = *from);
        Ok(tag)
    }

    /// AWS-LC clears what it decrypted if the tags differ.
    fn open(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], sealed: &mut [u8]) -> Result<usize> {
        let opened = self.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), sealed);
        opened.map(|text| text.len()).map_err(|_| Error::DecryptFailed)
    }
}
