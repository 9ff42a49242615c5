//! Keys out of passwords: the derivation of RFC 7292 appendix B, and PBKDF2 for PBMAC1.

use der::asn1::ObjectIdentifier;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use zeroize::{Zeroize as _, Zeroizing};

use super::fault::unsupported;
use crate::error::{Error, KeyError, Result};
use crate::pki::encrypted::MAX_ITERATIONS;

/// What a file may still cost: its layers share [`MAX_ITERATIONS`].
pub(super) struct Budget(u64);

impl Budget {
    pub(super) const fn new() -> Self {
        // No `From` in a constant; nothing is lost.
        #[allow(clippy::as_conversions)]
        Self(MAX_ITERATIONS as u64)
    }

    /// Takes `iterations`, each of which is done `times` times.
    pub(super) fn spend(&mut self, iterations: u64, times: usize) -> Result<()> {
        if iterations == 0 {
            return Err(KeyError::Malformed("no iterations of key derivation").into());
        }
        let wanted = iterations.saturating_mul(u64::try_from(times).unwrap_or(u64::MAX));
        self.0 = self.0.checked_sub(wanted).ok_or_else(|| {
            unsupported(format!("its iterations of key derivation are more than {MAX_ITERATIONS} in all"))
        })?;
        Ok(())
    }
}

/// A password in the two forms that a file has it in.
pub(super) struct Password<'a> {
    /// UTF-8: PBKDF2 (RFC 8018 §3, RFC 9579 §6).
    pub(super) utf8: &'a [u8],
    /// UTF-16, big-endian, and two zero octets (RFC 7292 appendix B.1).
    pub(super) bmp: Zeroizing<Vec<u8>>,
}

impl<'a> Password<'a> {
    /// # Errors
    /// [`Error::ApiMisuse`] for what is not UTF-8: it has no second form.
    pub(super) fn new(password: &'a [u8]) -> Result<Self> {
        let text = core::str::from_utf8(password).map_err(|_| {
            Error::misuse("the password of a PKCS#12 file is not UTF-8", "pass the password as text in UTF-8")
        })?;
        // Never grows: growing would leave a copy of the password on the heap.
        let mut bmp = Zeroizing::new(Vec::with_capacity(password.len().saturating_mul(2).saturating_add(2)));
        text.encode_utf16().for_each(|unit| bmp.extend_from_slice(&unit.to_be_bytes()));
        bmp.extend_from_slice(&[0, 0]);
        Ok(Self { utf8: password, bmp })
    }

    /// The other encoding of the empty password, which some programs use: nothing at all.
    pub(super) fn without_terminator(&self) -> Option<Self> {
        self.utf8.is_empty().then(|| Self { utf8: self.utf8, bmp: Zeroizing::default() })
    }
}

/// A hash function of a MAC or of a key derivation.
#[derive(Clone, Copy)]
pub(super) enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// What a derived key is for: the ID of RFC 7292 appendix B.3.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Key,
    Iv,
    Mac,
}

macro_rules! with_digest {
    ($hash:expr, $digest:ident => $work:expr) => {
        match $hash {
            Hash::Sha1 => {
                type $digest = Sha1;
                $work
            }
            Hash::Sha224 => {
                type $digest = Sha224;
                $work
            }
            Hash::Sha256 => {
                type $digest = Sha256;
                $work
            }
            Hash::Sha384 => {
                type $digest = Sha384;
                $work
            }
            Hash::Sha512 => {
                type $digest = Sha512;
                $work
            }
        }
    };
}

impl Hash {
    /// By its own identifier (RFC 8017 appendix B.1).
    pub(super) fn of_digest(oid: ObjectIdentifier) -> Option<Self> {
        ALL.into_iter().find(|hash| hash.digest_oid() == oid)
    }

    /// By that of HMAC with it (RFC 8018 appendix B.1).
    pub(super) fn of_hmac(oid: ObjectIdentifier) -> Option<Self> {
        ALL.into_iter().find(|hash| hash.hmac_oid() == oid)
    }

    pub(super) const fn digest_oid(self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(match self {
            Self::Sha1 => "1.3.14.3.2.26",
            Self::Sha224 => "2.16.840.1.101.3.4.2.4",
            Self::Sha256 => "2.16.840.1.101.3.4.2.1",
            Self::Sha384 => "2.16.840.1.101.3.4.2.2",
            Self::Sha512 => "2.16.840.1.101.3.4.2.3",
        })
    }

    pub(super) const fn hmac_oid(self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(match self {
            Self::Sha1 => "1.2.840.113549.2.7",
            Self::Sha224 => "1.2.840.113549.2.8",
            Self::Sha256 => "1.2.840.113549.2.9",
            Self::Sha384 => "1.2.840.113549.2.10",
            Self::Sha512 => "1.2.840.113549.2.11",
        })
    }

    pub(super) const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    const fn block_len(self) -> usize {
        match self {
            Self::Sha1 | Self::Sha224 | Self::Sha256 => 64,
            Self::Sha384 | Self::Sha512 => 128,
        }
    }

    /// How often the iterations are done for a key of `len` octets.
    pub(super) const fn blocks(self, len: usize) -> usize {
        len.div_ceil(self.output_len())
    }

    /// RFC 7292 appendix B.2: `len` octets for one purpose.
    pub(super) fn derive(
        self,
        purpose: Purpose,
        password: &Password<'_>,
        salt: &[u8],
        iterations: u32,
        len: usize,
    ) -> Zeroizing<Vec<u8>> {
        let purpose = match purpose {
            Purpose::Key => 1,
            Purpose::Iv => 2,
            Purpose::Mac => 3,
        };
        let diversifier = [purpose; MAX_BLOCK_LEN];
        let diversifier = diversifier.get(..self.block_len()).unwrap_or_default();
        let mut input = self.input(salt, &password.bmp);
        with_digest!(self, D => derive::<D>(diversifier, &mut input, iterations, len))
    }

    /// S and P of RFC 7292 appendix B.2: salt and password, each repeated up to whole blocks.
    fn input(self, salt: &[u8], password: &[u8]) -> Zeroizing<Vec<u8>> {
        let padded = |len: usize| len.next_multiple_of(self.block_len());
        let mut input = Zeroizing::new(Vec::with_capacity(padded(salt.len()) + padded(password.len())));
        for part in [salt, password] {
            input.extend(part.iter().cycle().take(padded(part.len())));
        }
        input
    }

    /// PBKDF2 with HMAC of this hash (RFC 8018 §5.2).
    pub(super) fn pbkdf2(
        self,
        password: &Password<'_>,
        salt: &[u8],
        iterations: u32,
        len: usize,
    ) -> Zeroizing<Vec<u8>> {
        let mut key = Zeroizing::new(vec![0; len]);
        with_digest!(self, D => pbkdf2::pbkdf2_hmac::<D>(password.utf8, salt, iterations, &mut key));
        key
    }

    /// HMAC of `message`.
    pub(super) fn hmac(self, key: &[u8], message: &[u8]) -> Result<Vec<u8>> {
        with_digest!(self, D => hmac::<Hmac<D>>(key, message))
    }
}

fn derive<D: Digest>(
    diversifier: &[u8],
    input: &mut [u8],
    iterations: u32,
    len: usize,
) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(len));
    loop {
        let mut hashed = D::new().chain_update(diversifier).chain_update(&*input).finalize();
        for _ in 1..iterations {
            hashed = D::digest(&hashed);
        }
        let missing = len.saturating_sub(key.len());
        key.extend(hashed.iter().take(missing));
        if key.len() < len {
            // Each block of I becomes itself, and B, and one more.
            for block in input.chunks_mut(diversifier.len()) {
                let mut carry = 1_u16;
                let repeated = (0..block.len()).rev().map(|place| hashed.get(place % hashed.len()));
                for (octet, added) in block.iter_mut().rev().zip(repeated) {
                    carry =
                        carry.wrapping_add(u16::from(*octet)).wrapping_add(u16::from(*added.unwrap_or(&0)));
                    let [high, low] = carry.to_be_bytes();
                    (*octet, carry) = (low, u16::from(high));
                }
            }
        }
        hashed.as_mut_slice().zeroize();
        if key.len() >= len {
            return key;
        }
    }
}

fn hmac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Result<Vec<u8>> {
    let mut mac =
        <M as KeyInit>::new_from_slice(key).map_err(|_| Error::Internal("a key that HMAC does not take"))?;
    mac.update(message);
    Ok(mac.finalize().into_bytes().to_vec())
}

const ALL: [Hash; 5] = [Hash::Sha1, Hash::Sha224, Hash::Sha256, Hash::Sha384, Hash::Sha512];
/// That of SHA-384 and SHA-512.
const MAX_BLOCK_LEN: usize = 128;
