//! The secret that bank and customer share.

use std::sync::Arc;

use base32ct::{Base32UpperUnpadded, Encoding as _};
use zeroize::Zeroizing;

use crate::crypto::Random;
use crate::crypto::oath::OathHash;
use crate::error::{OtpError, Result};
use crate::secret::Secret;

/// A secret that bank and customer share. Its clones are the same octets, which are wiped when the last is
/// dropped.
///
/// ```
/// use otls::otp::oath::SharedSecret;
///
/// let secret = SharedSecret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
/// assert_eq!(secret.expose(), b"12345678901234567890");
/// assert!(SharedSecret::from_base32("GEZDGNBVGY3TQOJQ").is_err(), "ten octets can be guessed");
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone)]
pub struct SharedSecret(Arc<Secret>);

crate::shown::shown!(SharedSecret);

impl SharedSecret {
    /// The fewest octets (RFC 4226 §4, R6: at least 128 bits).
    pub const MIN_LEN: usize = 16;

    /// The octets that RFC 4226 §4, R6 recommends: 160 bits.
    pub const RECOMMENDED_LEN: usize = 20;

    /// The most octets: a block of SHA-512. HMAC hashes a longer key, so that more adds nothing
    /// (RFC 2104 §3).
    pub const MAX_LEN: usize = 128;

    /// A secret that was made elsewhere.
    ///
    /// # Errors
    /// [`OtpError::Secret`] for fewer octets than [`SharedSecret::MIN_LEN`] or more than
    /// [`SharedSecret::MAX_LEN`].
    pub fn new(secret: Secret) -> Result<Self> {
        if secret.len() < Self::MIN_LEN {
            return Err(OtpError::Secret("it has fewer than 16 octets, and can be guessed").into());
        }
        if secret.len() > Self::MAX_LEN {
            return Err(OtpError::Secret("it has more than 128 octets").into());
        }
        Ok(Self(Arc::new(secret)))
    }

    /// A new one, as long as the output of `hash` (RFC 6238 §5.1, R5 and R6; RFC 4226 §4, R6 for SHA-1).
    ///
    /// # Errors
    /// [`crate::Error::Random`].
    pub fn generate(hash: OathHash, random: &dyn Random) -> Result<Self> {
        let mut octets = Zeroizing::new(vec![0; hash.output_len()]);
        random.fill(&mut octets)?;
        Self::new(Secret::from(octets))
    }

    /// Reads base32 (RFC 4648 §6) in either case, padded or not.
    ///
    /// # Errors
    /// [`OtpError::Secret`] for anything else, and as [`SharedSecret::new`].
    pub fn from_base32(text: &str) -> Result<Self> {
        let unpadded = text.trim_end_matches('=');
        let padding = text.len().saturating_sub(unpadded.len());
        if text.len() > MAX_BASE32_LEN {
            return Err(OtpError::Secret("it has more than 128 octets").into());
        }
        // RFC 4648 §6: padding, if there is any, completes a group of eight.
        if padding != 0 && (padding >= GROUP_LEN || !text.len().is_multiple_of(GROUP_LEN)) {
            return Err(OtpError::Secret("its base32 is padded wrongly").into());
        }
        let capitals = Zeroizing::new(unpadded.to_ascii_uppercase());
        let octets = Base32UpperUnpadded::decode_vec(&capitals)
            .map_err(|_| OtpError::Secret("it is not base32: the letters and 2 to 7, no spaces"))?;
        Self::new(Secret::from(octets))
    }

    /// Base32 in capitals without padding, as `otpauth` URIs have it.
    pub fn to_base32(&self) -> Secret {
        Secret::from(Base32UpperUnpadded::encode_string(self.0.expose()).into_bytes())
    }

    /// The octets; name the reason for looking at them where you call this.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

/// Characters in a group of base32.
const GROUP_LEN: usize = 8;

/// Characters of the longest secret in base32, with its padding.
const MAX_BASE32_LEN: usize = SharedSecret::MAX_LEN.div_ceil(5) * GROUP_LEN;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;
    use crate::error::Error;

    fn refused(text: &str) -> &'static str {
        match SharedSecret::from_base32(text).err() {
            Some(Error::Otp(OtpError::Secret(why))) => why,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_secret_of_less_than_128_bits_is_refused() {
        for len in [0, 1, 10, 15] {
            assert!(matches!(
                SharedSecret::new(Secret::from(vec![7; len])).err(),
                Some(Error::Otp(OtpError::Secret(_)))
            ));
        }
        assert!(SharedSecret::new(Secret::from(vec![7; SharedSecret::MIN_LEN])).is_ok());
        assert!(SharedSecret::new(Secret::from(vec![7; SharedSecret::MAX_LEN])).is_ok());
        assert!(SharedSecret::new(Secret::from(vec![7; SharedSecret::MAX_LEN + 1])).is_err());
    }

    #[test]
    fn every_length_goes_to_base32_and_back_in_either_case_padded_or_not() {
        for len in SharedSecret::MIN_LEN..=SharedSecret::MAX_LEN {
            let octets: Vec<u8> = (0..len).map(|n| u8::try_from(n * 7 % 256).unwrap()).collect();
            let secret = SharedSecret::new(Secret::from(octets.clone())).unwrap();
            let text = String::from_utf8(secret.to_base32().expose().to_vec()).unwrap();
            let padded = format!("{text}{}", "=".repeat((8 - text.len() % 8) % 8));
            for form in [&text, &text.to_lowercase(), &padded] {
                assert_eq!(SharedSecret::from_base32(form).unwrap().expose(), octets);
            }
        }
    }

    #[test]
    fn what_is_not_base32_is_refused_by_name() {
        let good = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for wrong in ["GEZDGNBV GY3TQOJQGEZDGNBVGY3TQOJQ", "GEZDGNBV1Y3TQOJQGEZDGNBVGY3TQOJQ", "é", "=A"] {
            assert!(refused(wrong).contains("not base32"), "{wrong}");
        }
        // One, three or six characters beyond whole groups are no octets.
        for extra in ["A", "AAA", "AAAAAA"] {
            assert!(refused(&format!("{good}{extra}")).contains("not base32"), "{extra}");
        }
        for padding in ["=", "========", "AA=====", "AA======="] {
            assert!(refused(&format!("{good}{padding}")).contains("padded wrongly"), "{padding}");
        }
        assert!(refused(&"A".repeat(MAX_BASE32_LEN + 1)).contains("more than 128"));
        assert!(refused("").contains("fewer than 16"));
    }

    #[test]
    fn a_new_secret_is_as_long_as_the_hash() {
        for hash in OathHash::ALL {
            let one = SharedSecret::generate(hash, &SystemRandom).unwrap();
            let other = SharedSecret::generate(hash, &SystemRandom).unwrap();
            assert_eq!(one.expose().len(), hash.output_len());
            assert_ne!(one.expose(), other.expose());
        }
    }
}
