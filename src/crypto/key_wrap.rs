//! AES key wrap (RFC 3394, NIST SP 800-38F §6.2), by the `aes-kw` crate on either engine.

use aes_kw::{KeyInit as _, KwAes128, KwAes256};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::secret::Secret;

/// Octets that wrapping adds: RFC 3394 §2.2.3's check value.
pub(crate) const OVERHEAD: usize = 8;

/// Wraps `key`, whose length is a multiple of 8 octets, at least 16, under an AES-128 or AES-256 key.
///
/// # Errors
/// [`Error::Internal`] for a length that is not as said.
pub(crate) fn wrap(kek: &[u8], key: &[u8]) -> Result<Vec<u8>> {
    const BAD_LENGTH: Error = Error::Internal("a key of a length that AES key wrap does not take");
    if !is_wrappable(key.len()) {
        return Err(BAD_LENGTH);
    }
    let mut wrapped = vec![0; key.len().saturating_add(OVERHEAD)];
    let done = match kek.len() {
        16 => KwAes128::new_from_slice(kek).map(|kek| kek.wrap_key(key, &mut wrapped).is_ok()),
        _ => KwAes256::new_from_slice(kek).map(|kek| kek.wrap_key(key, &mut wrapped).is_ok()),
    };
    if done == Ok(true) { Ok(wrapped) } else { Err(BAD_LENGTH) }
}

/// Unwraps what [`wrap`] made.
///
/// # Errors
/// [`Error::DecryptFailed`], whatever the cause.
pub(crate) fn unwrap(kek: &[u8], wrapped: &[u8]) -> Result<Secret> {
    let len = wrapped.len().checked_sub(OVERHEAD).filter(|len| is_wrappable(*len));
    let mut key = Zeroizing::new(vec![0; len.ok_or(Error::DecryptFailed)?]);
    let done = match kek.len() {
        16 => KwAes128::new_from_slice(kek).map(|kek| kek.unwrap_key(wrapped, &mut key).is_ok()),
        _ => KwAes256::new_from_slice(kek).map(|kek| kek.unwrap_key(wrapped, &mut key).is_ok()),
    };
    if done == Ok(true) { Ok(key.into()) } else { Err(Error::DecryptFailed) }
}

/// RFC 3394 §2: two blocks of 64 bits or more.
const fn is_wrappable(len: usize) -> bool {
    len.is_multiple_of(8) && len >= 16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::testing::hex;

    #[test]
    fn the_vectors_of_rfc_3394_for_our_sizes_come_out() {
        let key_128 = hex("00112233445566778899AABBCCDDEEFF");
        let key_256 = hex("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F");
        let kek_256 = hex("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F");
        for (kek, key, wrapped) in [
            // RFC 3394 §4.1, §4.3 and §4.6.
            (&kek_256[..16], &key_128, "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5"),
            (&kek_256[..], &key_128, "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7"),
            (
                &kek_256[..],
                &key_256,
                "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21",
            ),
        ] {
            assert_eq!(wrap(kek, key).unwrap(), hex(wrapped));
            assert_eq!(unwrap(kek, &hex(wrapped)).unwrap().expose(), &key[..]);
        }
    }

    #[test]
    fn other_lengths_are_refused() {
        assert!(matches!(wrap(&[0; 24], &[0; 16]), Err(Error::Internal(_))));
        for len in [0, 8, 15, 17] {
            assert!(wrap(&[0; 16], &vec![0; len]).is_err(), "{len}");
            assert_eq!(unwrap(&[0; 16], &vec![0; len + 8]).err(), Some(Error::DecryptFailed), "{len}");
        }
        assert_eq!(unwrap(&[0; 16], &[0; 7]).err(), Some(Error::DecryptFailed));
    }
}
