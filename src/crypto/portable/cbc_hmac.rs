//! The AES-CBC-HMAC composites (draft-mcgrew-aead-aes-cbc-hmac-sha2-05; RFC 7518 §5.2), with the IV
//! derived instead of sent.

use aes::cipher::{
    Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser,
    InnerIvInit, KeyInit, consts::U16,
};
use aes::{Aes128Dec, Aes128Enc, Aes256Dec, Aes256Enc};
use zeroize::Zeroize;

use crate::crypto::aes_cbc::unpadded_len;
use crate::crypto::hash::HashAlgorithm;
use crate::crypto::hmac::HmacKey;
use crate::crypto::primitive::aead::{AES_BLOCK, Cipher, MAX_TAG_LEN, NONCE_LEN, Tag, split_tag};
use crate::error::{Error, Result};

/// AEAD_AES_128_CBC_HMAC_SHA_256 (RFC 7518 §5.2.3).
pub(super) type Aes128CbcHmacSha256 = CbcHmac<Aes128Enc, Aes128Dec>;

impl Aes128CbcHmacSha256 {
    /// `None` if `key` has the wrong length.
    pub(super) fn new(key: &[u8]) -> Option<Self> {
        Self::with_keys(HashAlgorithm::Sha256, key.split_at_checked(16)?)
    }
}

/// AEAD_AES_256_CBC_HMAC_SHA_384 (draft-mcgrew-aead-aes-cbc-hmac-sha2-05 §2.6).
pub(super) type Aes256CbcHmacSha384 = CbcHmac<Aes256Enc, Aes256Dec>;

impl Aes256CbcHmacSha384 {
    /// `None` if `key` has the wrong length.
    pub(super) fn new(key: &[u8]) -> Option<Self> {
        Self::with_keys(HashAlgorithm::Sha384, key.split_at_checked(24)?)
    }
}

/// AES in CBC mode, then HMAC over associated data, IV and ciphertext.
pub(super) struct CbcHmac<E, D> {
    mac: HmacKey,
    encrypt: E,
    decrypt: D,
    tag_len: usize,
}

impl<E, D> CbcHmac<E, D>
where
    E: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
    D: BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
{
    fn with_keys(hash: HashAlgorithm, (mac_key, enc_key): (&[u8], &[u8])) -> Option<Self> {
        Some(Self {
            mac: HmacKey::new(hash, mac_key),
            encrypt: E::new_from_slice(enc_key).ok()?,
            decrypt: D::new_from_slice(enc_key).ok()?,
            // Draft §2.4 and §2.6: MAC_KEY and tag have the same length, half the hash's output.
            tag_len: mac_key.len(),
        })
    }

    /// NIST SP 800-38A appendix C: a unique nonce, encrypted under the same key, is an unpredictable
    /// IV.
    fn derive_iv(&self, nonce: &[u8; NONCE_LEN]) -> [u8; AES_BLOCK] {
        let mut iv = Array::from([0; AES_BLOCK]);
        iv.iter_mut().zip(nonce).for_each(|(to, from)| *to = *from);
        self.encrypt.encrypt_block(&mut iv);
        iv.into()
    }

    /// Encrypts padded `text` with an explicit IV; the associated data is the concatenation of `a`.
    fn seal_with(&self, iv: &[u8; AES_BLOCK], a: [&[u8]; 2], text: &mut [u8]) -> Result<Tag> {
        let (blocks, rest) = Array::slice_as_chunks_mut(text);
        if !rest.is_empty() {
            return Err(Error::Internal("CBC plaintext is not padded"));
        }
        cbc::Encryptor::inner_iv_init(&self.encrypt, &(*iv).into()).encrypt_blocks(blocks);
        let [a1, a2] = a;
        let whole = self.mac.sign(&[a1, a2, iv, text, &bit_length(a)]);
        let mut tag = [0; MAX_TAG_LEN];
        tag.iter_mut().zip(whole.as_ref().iter().take(self.tag_len)).for_each(|(to, from)| *to = *from);
        Ok(tag)
    }

    /// The reverse; the length of the plaintext.
    fn open_with(&self, iv: &[u8; AES_BLOCK], a: [&[u8]; 2], text: &mut [u8], tag: &[u8]) -> Result<usize> {
        let [a1, a2] = a;
        // Draft §2.2: the tag is checked before anything is decrypted or unpadded, so that the
        // padding tells an attacker nothing.
        self.mac.verify_truncated(&[a1, a2, iv, text, &bit_length(a)], tag, self.tag_len)?;
        let (blocks, rest) = Array::slice_as_chunks_mut(text);
        if !rest.is_empty() {
            return Err(Error::DecryptFailed);
        }
        cbc::Decryptor::inner_iv_init(&self.decrypt, &(*iv).into()).decrypt_blocks(blocks);
        unpadded_len(text).ok_or_else(|| {
            text.zeroize();
            Error::DecryptFailed
        })
    }
}

impl<E, D> Cipher for CbcHmac<E, D>
where
    E: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit + Send + Sync,
    D: BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + KeyInit + Send + Sync,
{
    fn seal(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], text: &mut [u8]) -> Result<Tag> {
        self.seal_with(&self.derive_iv(nonce), [nonce, aad], text)
    }

    fn open(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], sealed: &mut [u8]) -> Result<usize> {
        let (text, tag) = split_tag(sealed, self.tag_len)?;
        self.open_with(&self.derive_iv(nonce), [nonce, aad], text, tag)
    }
}

/// AL: the number of bits in the associated data (RFC 7518 §5.2.2.1 step 4).
fn bit_length(a: [&[u8]; 2]) -> [u8; 8] {
    let octets: u64 = a.iter().map(|part| u64::try_from(part.len()).unwrap_or(u64::MAX)).sum();
    octets.wrapping_mul(8).to_be_bytes()
}

#[cfg(test)]
mod tests;
