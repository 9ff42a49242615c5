//! RSAES-OAEP of AWS-LC, for decrypting: its exponentiation and its look at the padding take the same time
//! whatever is secret.

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::secret::Secret;

/// `None` for a key that AWS-LC does not load.
pub(in crate::crypto) fn decrypt(pkcs8: &[u8], label: &[u8], ciphertext: &[u8]) -> Option<Result<Secret>> {
    let key = OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(pkcs8).ok()?).ok()?;
    let mut text = Zeroizing::new(vec![0; key.min_output_size()]);
    let decrypted = key.decrypt(&OAEP_SHA256_MGF1SHA256, ciphertext, &mut text, Some(label));
    let Ok(len) = decrypted.map(|text| text.len()) else { return Some(Err(Error::DecryptFailed)) };
    text.truncate(len);
    Some(Ok(text.into()))
}
