//! The AES-CBC-HMAC composites (draft-mcgrew-aead-aes-cbc-hmac-sha2-05; RFC 7518 §5.2), with the IV
//! derived instead of sent.

use aes::cipher::{
    Array, BlockCipherDecrypt, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt,
    BlockModeDecrypt, BlockSizeUser, InnerIvInit, KeyInit, consts::U16,
};
use aes::{Aes128Dec, Aes128Enc, Aes256Dec, Aes256Enc};
use zeroize::Zeroize;

use crate::crypto::aes_cbc::unpadded_len;
use crate::crypto::hash::HashAlgorithm;
use crate::crypto::hmac::{HmacKey, Signing};
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
    turns: Turns,
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
            turns: Turns::of(hash),
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
        if !text.len().is_multiple_of(AES_BLOCK) {
            return Err(Error::Internal("CBC plaintext is not padded"));
        }
        let mut mac = self.mac.start();
        let [a1, a2] = a;
        [a1, a2, iv].into_iter().for_each(|part| mac.update(part));
        let signed = a1.len().saturating_add(a2.len()).saturating_add(iv.len());
        let first = signed.wrapping_neg() % self.turns.hash_block;
        let sealing = Sealing { iv, text, mac: &mut mac, first, turn: self.turns.octets };
        self.encrypt.encrypt_with_backend(sealing);
        mac.update(&bit_length(a));
        let whole = mac.finish();
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

/// How encryption and MAC alternate.
#[derive(Clone, Copy)]
struct Turns {
    hash_block: usize,
    /// Octets in a turn, a multiple of `hash_block`.
    octets: usize,
}

impl Turns {
    /// Measured on x86_64. With SHA extensions a block of SHA-256 takes as long as four blocks of AES, and the
    /// processor sees both at once. SHA-384 has no such instructions and leaves no room beside it: there it
    /// counts that the octets are still in the cache.
    fn of(hash: HashAlgorithm) -> Self {
        match hash {
            HashAlgorithm::Sha256 => Self { hash_block: 64, octets: 64 },
            HashAlgorithm::Sha384 => Self { hash_block: 128, octets: 1024 },
        }
    }
}

/// Encrypts in CBC mode and takes the MAC of the ciphertext, in turns: each waits for its own last result alone,
/// so that the processor works on both.
struct Sealing<'a> {
    iv: &'a [u8; AES_BLOCK],
    /// Whole blocks.
    text: &'a mut [u8],
    mac: &'a mut Signing,
    /// Octets of ciphertext that fill the hash's block.
    first: usize,
    turn: usize,
}

impl BlockSizeUser for Sealing<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Sealing<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, aes: &B) {
        let Self { iv, text, mac, first, turn } = self;
        let mut previous = Array::from(*iv);
        let (mut encrypted, mut signed, mut next) = (0_usize, 0, first);
        while encrypted < text.len() {
            let (done, rest) = text.split_at_mut(encrypted);
            let (ahead, _) = rest.split_at_mut(rest.len().min(turn));
            for block in Array::<u8, U16>::slice_as_chunks_mut(ahead).0 {
                block.iter_mut().zip(&previous).for_each(|(octet, other)| *octet ^= other);
                aes.encrypt_block((&mut *block).into());
                previous = *block;
            }
            if let Some(part) = done.get(signed..next) {
                mac.update(part);
                signed = next;
                next = next.saturating_add(turn);
            }
            encrypted = encrypted.saturating_add(ahead.len());
        }
        mac.update(text.get(signed..).unwrap_or_default());
    }
}

/// AL: the number of bits in the associated data (RFC 7518 §5.2.2.1 step 4).
fn bit_length(a: [&[u8]; 2]) -> [u8; 8] {
    let octets: u64 = a.iter().map(|part| u64::try_from(part.len()).unwrap_or(u64::MAX)).sum();
    octets.wrapping_mul(8).to_be_bytes()
}

#[cfg(test)]
mod tests;
