//! AES-GCM and ChaCha20-Poly1305 of RustCrypto.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use chacha20poly1305::ChaCha20Poly1305;

use super::cbc_hmac::{Aes128CbcHmacSha256, Aes256CbcHmacSha384};
use crate::crypto::primitive::aead::{AeadAlgorithm, Cipher, MAX_TAG_LEN, NONCE_LEN, Tag, split_tag};
use crate::error::{Error, Result};

/// `None` if `key` has the wrong length.
pub(in crate::crypto) fn cipher(algorithm: AeadAlgorithm, key: &[u8]) -> Option<Box<dyn Cipher>> {
    Some(match algorithm {
        AeadAlgorithm::Aes128Gcm => Box::new(Detached(Aes128Gcm::new_from_slice(key).ok()?)),
        AeadAlgorithm::Aes256Gcm => Box::new(Detached(Aes256Gcm::new_from_slice(key).ok()?)),
        AeadAlgorithm::ChaCha20Poly1305 => Box::new(Detached(ChaCha20Poly1305::new_from_slice(key).ok()?)),
        AeadAlgorithm::Aes128CbcHmacSha256 => Box::new(Aes128CbcHmacSha256::new(key)?),
        AeadAlgorithm::Aes256CbcHmacSha384 => Box::new(Aes256CbcHmacSha384::new(key)?),
    })
}

/// RustCrypto's ciphers check the tag before they decrypt.
struct Detached<C>(C);

impl<C: AeadInOut + Send + Sync> Cipher for Detached<C> {
    fn seal(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], text: &mut [u8]) -> Result<Tag> {
        let nonce = nonce[..].try_into().map_err(|_| Error::Internal("AEAD nonce length"))?;
        let short = self
            .0
            .encrypt_inout_detached(nonce, aad, InOutBuf::from(text))
            .map_err(|_| Error::Internal("AEAD plaintext too long"))?;
        let mut tag = [0; MAX_TAG_LEN];
        tag.iter_mut().zip(&short).for_each(|(to, from)| *to = *from);
        Ok(tag)
    }

    fn open(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], sealed: &mut [u8]) -> Result<usize> {
        let (text, tag) = split_tag(sealed, TAG_LEN)?;
        let nonce = nonce[..].try_into().map_err(|_| Error::Internal("AEAD nonce length"))?;
        let tag = (*tag).try_into().map_err(|_| Error::DecryptFailed)?;
        let len = text.len();
        self.0
            .decrypt_inout_detached(nonce, aad, InOutBuf::from(text), tag)
            .map_err(|_| Error::DecryptFailed)?;
        Ok(len)
    }
}

const TAG_LEN: usize = 16;
