//! HMAC (RFC 2104). Computed by the portable engine alone, as [`super::hash`] says.

use hmac::digest::Key;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384};
use zeroize::Zeroize;

use super::hash::{Digest, HashAlgorithm, digest};
use crate::error::{Error, Result};
use crate::secret::ct_eq;

/// A key that is ready to authenticate. Wiped when dropped.
///
/// ```
/// use otls::crypto::{hash::HashAlgorithm, hmac::HmacKey};
///
/// let key = HmacKey::new(HashAlgorithm::Sha256, b"pepper");
/// let tag = key.sign(&[b"id", b"256345"]);
/// key.verify(&[b"id256345"], tag.as_ref())?;
/// assert!(key.verify(&[b"id256346"], tag.as_ref()).is_err());
/// # Ok::<(), otls::Error>(())
/// ```
pub struct HmacKey(State);

crate::shown::shown!(HmacKey);

#[derive(Clone)]
enum State {
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
}

impl HmacKey {
    /// A key of any length.
    pub fn new(algorithm: HashAlgorithm, key: &[u8]) -> Self {
        Self(match algorithm {
            HashAlgorithm::Sha256 => State::Sha256(keyed(algorithm, key)),
            HashAlgorithm::Sha384 => State::Sha384(keyed(algorithm, key)),
        })
    }

    /// The tag of the concatenation of `parts`. It may be a secret (HKDF): then wipe it.
    pub fn sign(&self, parts: &[&[u8]]) -> Digest {
        self.sign_all(parts.iter().copied())
    }

    /// As [`HmacKey::sign`], for parts that are not in one slice.
    pub(super) fn sign_all<'a>(&self, parts: impl Iterator<Item = &'a [u8]>) -> Digest {
        match &self.0 {
            State::Sha256(mac) => tag_of(mac.clone(), parts),
            State::Sha384(mac) => tag_of(mac.clone(), parts),
        }
    }

    /// As [`HmacKey::sign`], for parts that come one after the other.
    pub(super) fn start(&self) -> Signing {
        Signing(self.0.clone())
    }

    /// Compares in constant time.
    ///
    /// # Errors
    /// [`crate::Error::DecryptFailed`] if `tag` is not the whole tag of the concatenation of `parts`.
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<()> {
        self.verify_truncated(parts, tag, usize::MAX)
    }

    /// As [`HmacKey::verify`], where `tag` must be the first `len` octets of the whole tag.
    pub(super) fn verify_truncated(&self, parts: &[&[u8]], tag: &[u8], len: usize) -> Result<()> {
        let mut expected = self.sign(parts);
        let whole = expected.as_ref();
        let equal = ct_eq(whole.get(..len).unwrap_or(whole), tag);
        expected.zeroize();
        if equal { Ok(()) } else { Err(Error::DecryptFailed) }
    }
}

/// A tag that is not complete. Wiped when dropped.
pub(super) struct Signing(State);

impl Signing {
    #[inline]
    pub(super) fn update(&mut self, part: &[u8]) {
        match &mut self.0 {
            State::Sha256(mac) => mac.update(part),
            State::Sha384(mac) => mac.update(part),
        }
    }

    /// The tag of the concatenation of all parts.
    pub(super) fn finish(self) -> Digest {
        match self.0 {
            State::Sha256(mac) => tag_of(mac, core::iter::empty()),
            State::Sha384(mac) => tag_of(mac, core::iter::empty()),
        }
    }
}

fn keyed<M: Mac + KeyInit>(algorithm: HashAlgorithm, key: &[u8]) -> M {
    // RFC 2104 §2: a key longer than a block is hashed first, a shorter one is padded with zeros.
    let mut block = Key::<M>::default();
    if key.len() > block.len() {
        let mut hashed = digest(algorithm, key);
        block.iter_mut().zip(hashed.as_ref()).for_each(|(to, from)| *to = *from);
        hashed.zeroize();
    } else {
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    }
    let mac = M::new(&block);
    block.as_mut_slice().zeroize();
    mac
}

fn tag_of<'a>(mut mac: impl Mac, parts: impl Iterator<Item = &'a [u8]>) -> Digest {
    for part in parts {
        mac.update(part);
    }
    let mut output = mac.finalize().into_bytes();
    let digest = Digest::copy_of(&output);
    output.as_mut_slice().zeroize();
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::testing::hex;

    /// RFC 4231 §4.2 to §4.8: key, data, HMAC-SHA-256, HMAC-SHA-384.
    fn rfc4231() -> Vec<(Vec<u8>, Vec<u8>, &'static str, &'static str)> {
        vec![
            (
                vec![0x0b; 20],
                b"Hi There".to_vec(),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
                "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c\
                 faea9ea9076ede7f4af152e8b2fa9cb6",
            ),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e\
                 8e2240ca5e69e2c78b3239ecfab21649",
            ),
            (
                vec![0xaa; 20],
                vec![0xdd; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
                "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b\
                 2a5ab39dc13814b94e3ab6e101a34f27",
            ),
            (
                (1..=25).collect(),
                vec![0xcd; 50],
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
                "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e\
                 6801dd23c4a7d679ccf8a386c674cffb",
            ),
            (
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
                "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6\
                 0c2ef6ab4030fe8296248df163f44952",
            ),
            (
                vec![0xaa; 131],
                b"This is a test using a larger than block-size key and a larger than \
                  block-size data. The key needs to be hashed before being used by the HMAC algorithm."
                    .to_vec(),
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
                "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5\
                 a678cc31e799176d3860e6110c46523e",
            ),
        ]
    }

    #[test]
    fn rfc4231_vectors_come_out_whole_and_in_pieces() {
        for (key, data, sha256, sha384) in rfc4231() {
            for (algorithm, expected) in [(HashAlgorithm::Sha256, sha256), (HashAlgorithm::Sha384, sha384)] {
                let key = HmacKey::new(algorithm, &key);
                let (head, tail) = data.split_at(data.len() / 3);
                assert_eq!(key.sign(&[&data]).as_ref(), hex(expected));
                assert_eq!(key.sign(&[head, &[], tail]).as_ref(), hex(expected));
                assert_eq!(key.verify(&[head, tail], &hex(expected)), Ok(()));
            }
        }
    }

    #[test]
    fn a_changed_shortened_or_lengthened_tag_does_not_verify() {
        let key = HmacKey::new(HashAlgorithm::Sha256, b"key");
        let tag = key.sign(&[b"data"]).as_ref().to_vec();
        let mut changed = tag.clone();
        changed[31] ^= 1;
        let mut longer = tag.clone();
        longer.push(0);
        for wrong in [&changed[..], &tag[..31], &longer, &[]] {
            assert_eq!(key.verify(&[b"data"], wrong), Err(Error::DecryptFailed));
        }
        assert_eq!(key.verify(&[b"datA"], &tag), Err(Error::DecryptFailed));
    }

    #[test]
    fn a_truncated_tag_verifies_only_at_its_length() {
        let key = HmacKey::new(HashAlgorithm::Sha384, b"key");
        let tag = key.sign(&[b"data"]).as_ref().to_vec();
        assert_eq!(key.verify_truncated(&[b"data"], &tag[..24], 24), Ok(()));
        assert_eq!(key.verify_truncated(&[b"data"], &tag[..23], 24), Err(Error::DecryptFailed));
        assert_eq!(key.verify_truncated(&[b"data"], &tag, 24), Err(Error::DecryptFailed));
    }
}
