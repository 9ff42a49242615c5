//! HKDF (RFC 5869) over our HMAC, so that every intermediate block is wiped and nothing is allocated.

use core::convert::Infallible;
use core::{iter, mem};

use zeroize::Zeroize;

use super::hash::{Digest, HashAlgorithm, MAX_OUTPUT_LEN};
use super::hmac::HmacKey;
use crate::error::{Error, Result};
use crate::secret::FixedSecret;

/// A pseudorandom key: the output of HKDF-Extract, or a secret of its length. Wiped when dropped;
/// move-only.
///
/// ```
/// use otls::crypto::{hash::HashAlgorithm, hkdf::Prk};
///
/// let prk = Prk::extract(HashAlgorithm::Sha256, b"salt", b"input keying material");
/// let mut key = [0; 16];
/// prk.expand(&[b"a label", b"a context"], &mut key)?;
/// assert_ne!(key, [0; 16]);
/// # Ok::<(), otls::Error>(())
/// ```
pub struct Prk {
    algorithm: HashAlgorithm,
    secret: FixedSecret<MAX_OUTPUT_LEN>,
}

crate::shown::shown!(Prk, algorithm);

impl Prk {
    /// HKDF-Extract (RFC 5869 §2.2). An empty `salt` and one of zeros are the same to HMAC.
    pub fn extract(algorithm: HashAlgorithm, salt: &[u8], ikm: &[u8]) -> Self {
        let mut output = HmacKey::new(algorithm, salt).sign(&[ikm]);
        let prk = Self { algorithm, secret: copy_of(output.as_ref()) };
        output.zeroize();
        prk
    }

    /// Uses `secret`, of the hash's output length, as the pseudorandom key.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] if its length is another.
    pub fn from_secret(algorithm: HashAlgorithm, secret: &[u8]) -> Result<Self> {
        if secret.len() != algorithm.output_len() {
            return Err(Error::Internal("a pseudorandom key that is not of the hash's length"));
        }
        Ok(Self { algorithm, secret: copy_of(secret) })
    }

    /// The algorithm.
    pub fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// HKDF-Expand (RFC 5869 §2.3) with the concatenation of `info`, into all of `out`. Allocates
    /// nothing.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] if `out` is longer than 255 times the hash's output.
    pub fn expand(&self, info: &[&[u8]], out: &mut [u8]) -> Result<()> {
        self.keyed().expand(info, out)
    }

    /// Ready for several expansions.
    pub(crate) fn keyed(&self) -> KeyedPrk {
        KeyedPrk { algorithm: self.algorithm, key: HmacKey::new(self.algorithm, self.secret.expose()) }
    }

    /// The secret bytes; for the key log and for test vectors.
    pub(crate) fn expose(&self) -> &[u8] {
        self.secret.expose()
    }
}

/// A pseudorandom key that was put into its HMAC once.
pub(crate) struct KeyedPrk {
    algorithm: HashAlgorithm,
    key: HmacKey,
}

impl KeyedPrk {
    /// The hash function.
    pub(crate) fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// As [`Prk::expand`].
    pub(crate) fn expand(&self, info: &[&[u8]], out: &mut [u8]) -> Result<()> {
        if out.len() > MAX_BLOCKS * self.algorithm.output_len() {
            return Err(Error::Internal("HKDF-Expand asked for more than 255 blocks"));
        }
        let mut block = Digest::copy_of(&[]);
        for (counter, chunk) in (1_u8..=u8::MAX).zip(out.chunks_mut(self.algorithm.output_len())) {
            // RFC 5869 §2.3: T(n) = HMAC(PRK, T(n-1) | info | n).
            let mut next = self.key.sign_all(
                iter::once(block.as_ref()).chain(info.iter().copied()).chain(iter::once(&[counter][..])),
            );
            chunk.iter_mut().zip(next.as_ref()).for_each(|(to, from)| *to = *from);
            mem::swap(&mut block, &mut next);
            next.zeroize();
        }
        block.zeroize();
        Ok(())
    }
}

fn copy_of(secret: &[u8]) -> FixedSecret<MAX_OUTPUT_LEN> {
    let Ok(copy) = FixedSecret::filled_by(secret.len(), |out| {
        out.iter_mut().zip(secret).for_each(|(to, from)| *to = *from);
        Ok::<(), Infallible>(())
    });
    copy
}

/// RFC 5869 §2.3: the counter is one octet and starts at 1.
const MAX_BLOCKS: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::testing::hex;

    // RFC 5869 appendix A.1 to A.3, SHA-256.
    #[test]
    fn rfc5869_vectors_come_out() {
        let a2 = |from: u8, to: u8| (from..=to).collect::<Vec<u8>>();
        for (ikm, salt, info, expected_prk, okm) in [
            (
                vec![0x0b; 22],
                a2(0x00, 0x0c),
                a2(0xf0, 0xf9),
                "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf\
                 34007208d5b887185865",
            ),
            (
                a2(0x00, 0x4f),
                a2(0x60, 0xaf),
                a2(0xb0, 0xff),
                "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c\
                 59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71\
                 cc30c58179ec3e87c14c01d5c1f3434f1d87",
            ),
            (
                vec![0x0b; 22],
                vec![],
                vec![],
                "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d\
                 9d201395faa4b61a96c8",
            ),
        ] {
            let prk = Prk::extract(HashAlgorithm::Sha256, &salt, &ikm);
            assert_eq!(prk.expose(), hex(expected_prk));
            let expected = hex(okm);
            let mut out = vec![0; expected.len()];
            let (head, tail) = info.split_at(info.len() / 2);
            prk.expand(&[head, tail], &mut out).unwrap();
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn a_secret_of_another_length_than_the_hash_is_refused() {
        assert!(Prk::from_secret(HashAlgorithm::Sha384, &[1; 32]).is_err());
        assert!(Prk::from_secret(HashAlgorithm::Sha256, &[1; 33]).is_err());
        let prk = Prk::from_secret(HashAlgorithm::Sha384, &[1; 48]).unwrap();
        assert_eq!((prk.algorithm(), prk.expose()), (HashAlgorithm::Sha384, &[1; 48][..]));
    }

    #[test]
    fn expand_stops_at_255_blocks() {
        let prk = Prk::from_secret(HashAlgorithm::Sha256, &[1; 32]).unwrap();
        let mut out = vec![0; 255 * 32];
        prk.expand(&[b"info"], &mut out).unwrap();
        assert!(out.chunks(32).last().unwrap() != [0; 32]);
        assert!(prk.expand(&[b"info"], &mut vec![0; 255 * 32 + 1]).is_err());
    }
}
