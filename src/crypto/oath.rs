//! The hashes of one-time passwords from a shared secret, and their HMAC (RFC 2104).
//!
//! They are apart from [`super::hash`] so that SHA-1 has no way into TLS or into signatures: nothing there
//! takes an [`OathHash`]. The known attacks on SHA-1 are collisions, on which an HMAC does not rest
//! (RFC 6194 §3.3).

use hmac::digest::Key;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};
use zeroize::Zeroize;

use crate::secret::FixedSecret;

/// A hash function of HOTP (RFC 4226: SHA-1 alone), TOTP (RFC 6238 §1.2) or OCRA (RFC 6287 §6.2).
///
/// ```
/// use otls::crypto::oath::OathHash;
///
/// assert_eq!(OathHash::from_name("SHA256"), Some(OathHash::Sha256));
/// assert_eq!(OathHash::Sha1.output_len(), 20);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OathHash {
    /// SHA-1: what every authenticator app knows.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl OathHash {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// Octets in its output.
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// Its name in OCRA suites and `otpauth` URIs: `SHA1`, `SHA256` or `SHA512`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// The hash of this name, in capitals.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hash| hash.name() == name)
    }

    /// The hash as apps and their settings name it: `SHA1`, `sha256`, `SHA-512`, `HmacSHA1`, `HMAC-SHA-256`.
    ///
    /// ```
    /// use otls::crypto::oath::OathHash;
    ///
    /// assert_eq!(OathHash::from_app_name("HmacSHA1"), Some(OathHash::Sha1));
    /// assert_eq!(OathHash::from_app_name("SHA224"), None);
    /// ```
    pub fn from_app_name(name: &str) -> Option<Self> {
        let plain: String = name.chars().filter(|character| *character != '-').collect();
        let plain = plain.to_ascii_uppercase();
        Self::from_name(plain.strip_prefix("HMAC").unwrap_or(&plain))
    }

    /// Octets in the block that it works on (FIPS 180-4 §1).
    const fn block_len(self) -> usize {
        match self {
            Self::Sha1 | Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// An output of one of the hashes, or an HMAC; wiped when dropped.
pub(crate) type OathOutput = FixedSecret<64>;

/// The hash of `data`.
pub(crate) fn digest(hash: OathHash, data: &[u8]) -> OathOutput {
    match hash {
        OathHash::Sha1 => copy(&mut Sha1::digest(data)),
        OathHash::Sha256 => copy(&mut Sha256::digest(data)),
        OathHash::Sha512 => copy(&mut Sha512::digest(data)),
    }
}

/// The HMAC of the concatenation of `parts` under a key of any length.
pub(crate) fn mac(hash: OathHash, key: &[u8], parts: &[&[u8]]) -> OathOutput {
    // RFC 2104 §2: a key longer than a block is hashed first.
    if key.len() > hash.block_len() {
        return mac(hash, digest(hash, key).expose(), parts);
    }
    match hash {
        OathHash::Sha1 => compute::<Hmac<Sha1>>(key, parts),
        OathHash::Sha256 => compute::<Hmac<Sha256>>(key, parts),
        OathHash::Sha512 => compute::<Hmac<Sha512>>(key, parts),
    }
}

/// For a key of at most one block.
fn compute<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> OathOutput {
    let mut block = Key::<M>::default();
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = M::new(&block);
    block.as_mut_slice().zeroize();
    for part in parts {
        mac.update(part);
    }
    copy(&mut mac.finalize().into_bytes())
}

/// Moves `output` out of its array, which is wiped.
fn copy(output: &mut [u8]) -> OathOutput {
    let copied = FixedSecret::filled_by(output.len(), |out| {
        out.iter_mut().zip(output.iter()).for_each(|(to, from)| *to = *from);
        Ok::<_, core::convert::Infallible>(())
    });
    output.zeroize();
    match copied {
        Ok(copied) => copied,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::testing::hex;

    /// RFC 2202 §3 (SHA-1) and RFC 4231 §4: key, data, and the three tags.
    fn vectors() -> Vec<(Vec<u8>, Vec<u8>, [&'static str; 3])> {
        vec![
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                [
                    "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
                    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
                    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
                     9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
                ],
            ),
            (
                vec![0xaa; 20],
                vec![0xdd; 50],
                [
                    "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
                    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
                    "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39\
                     bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb",
                ],
            ),
        ]
    }

    #[test]
    fn the_vectors_of_rfc_2202_and_rfc_4231_come_out_whole_and_in_pieces() {
        for (key, data, tags) in vectors() {
            let (head, tail) = data.split_at(data.len() / 3);
            for (hash, tag) in OathHash::ALL.into_iter().zip(tags) {
                assert_eq!(mac(hash, &key, &[&data]).expose(), hex(tag));
                assert_eq!(mac(hash, &key, &[head, &[], tail]).expose(), hex(tag));
            }
        }
    }

    #[test]
    fn a_key_longer_than_a_block_is_hashed_first() {
        let data = b"Test Using Larger Than Block-Size Key - Hash Key First";
        let tag = mac(OathHash::Sha1, &[0xaa; 80], &[data]);
        assert_eq!(tag.expose(), hex("aa4ae5e15272d00e95705637ce8a3b55ed402112"), "RFC 2202 §3");
        let tag = mac(OathHash::Sha512, &[0xaa; 131], &[data]);
        assert_eq!(
            tag.expose(),
            hex("80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352\
                 6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"),
            "RFC 4231 §4.7"
        );
        for hash in OathHash::ALL {
            let long = vec![7; hash.block_len() + 1];
            let same = mac(hash, digest(hash, &long).expose(), &[data]);
            assert_eq!(mac(hash, &long, &[data]).expose(), same.expose());
        }
    }

    #[test]
    fn digests_have_the_length_that_is_said() {
        assert_eq!(
            digest(OathHash::Sha1, b"abc").expose(),
            hex("a9993e364706816aba3e25717850c26c9cd0d89d"),
            "FIPS 180-4"
        );
        for hash in OathHash::ALL {
            assert_eq!(digest(hash, b"abc").expose().len(), hash.output_len());
        }
    }
}
