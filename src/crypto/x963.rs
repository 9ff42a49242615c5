//! The key derivation function of ANSI X9.63 (SEC 1 §3.6.1), as CMS uses it after ECDH (RFC 5753 §7.1).

use sha1::Sha1;
use sha2::digest::{Digest, Output};
use sha2::{Sha256, Sha384, Sha512};
use zeroize::{Zeroize as _, Zeroizing};

use crate::error::{Error, Result};
use crate::secret::Secret;

/// The hash function of a derivation. SHA-1 is here to read what others send: what the function needs of
/// its hash is not what is broken in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KdfHash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// `len` octets from a shared secret: the hashes of `secret ‖ counter ‖ shared_info`, the counter of 32 bits
/// beginning with 1.
///
/// # Errors
/// [`Error::Internal`] for more than 2^32 - 1 hashes.
pub(crate) fn derive(hash: KdfHash, secret: &Secret, shared_info: &[u8], len: usize) -> Result<Secret> {
    match hash {
        KdfHash::Sha1 => expand::<Sha1>(secret.expose(), shared_info, len),
        KdfHash::Sha256 => expand::<Sha256>(secret.expose(), shared_info, len),
        KdfHash::Sha384 => expand::<Sha384>(secret.expose(), shared_info, len),
        KdfHash::Sha512 => expand::<Sha512>(secret.expose(), shared_info, len),
    }
}

fn expand<D: Digest>(secret: &[u8], shared_info: &[u8], len: usize) -> Result<Secret> {
    let mut key = Zeroizing::new(vec![0; len]);
    for (index, part) in key.chunks_mut(<D as Digest>::output_size()).enumerate() {
        let counter = index.checked_add(1).and_then(|counter| u32::try_from(counter).ok());
        let counter = counter.ok_or(Error::Internal("a key that is too long to derive"))?;
        let hash = D::new().chain_update(secret).chain_update(counter.to_be_bytes());
        let mut block: Output<D> = hash.chain_update(shared_info).finalize();
        part.iter_mut().zip(&block).for_each(|(to, from)| *to = *from);
        block.as_mut_slice().zeroize();
    }
    Ok(key.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::testing::hex;

    // NIST's Cryptographic Algorithm Validation Program, ansx963_2001.
    #[test]
    fn vectors_of_nist_come_out() {
        for (hash, secret, info, key) in [
            (
                KdfHash::Sha1,
                "1c7d7b5f0597b03d06a018466ed1a93e30ed4b04dc64ccdd",
                "",
                "bf71dffd8f4d99223936beb46fee8ccc",
            ),
            (
                KdfHash::Sha256,
                "96c05619d56c328ab95fe84b18264b08725b85e33fd34f08",
                "",
                "443024c3dae66b95e6f5670601558f71",
            ),
            (
                KdfHash::Sha256,
                "22518b10e70f2a3f243810ae3254139efbee04aa57c7af7d",
                "75eef81aa3041e33b80971203d2c0c52",
                "c498af77161cc59f2962b9a713e2b215152d139766ce34a776df11866a69bf2e52a13d9c7c6fc878c50c5ea0bc7b00e0\
                 da2447cfd874f6cf92f30d0097111485500c90c3af8b487872d04685d14c8d1dc8d7fa08beb0ce0ababc11f0bd496269\
                 142d43525a78e5bc79a17f59676a5706dc54d54d4d1f0bd7e386128ec26afc21",
            ),
        ] {
            let (key, secret) = (hex(key), Secret::from(hex(secret)));
            let derived = derive(hash, &secret, &hex(info), key.len()).unwrap();
            assert_eq!(derived.expose(), &key[..], "{hash:?} {info}");
        }
    }

    #[test]
    fn a_longer_key_begins_with_the_shorter_one() {
        let secret = Secret::from(vec![7; 32]);
        for hash in [KdfHash::Sha1, KdfHash::Sha256, KdfHash::Sha384, KdfHash::Sha512] {
            let long = derive(hash, &secret, b"info", 200).unwrap();
            for len in [0, 1, 20, 31, 32, 33, 64, 65] {
                let short = derive(hash, &secret, b"info", len).unwrap();
                assert_eq!(short.expose(), &long.expose()[..len], "{hash:?} {len}");
            }
        }
    }
}
