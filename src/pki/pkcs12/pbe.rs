//! What encrypts the parts of a PKCS#12 file: PBES2, and the schemes of RFC 7292 appendix C that old files have.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt as _, InnerIvInit as _, KeyIvInit as _};
use der::asn1::ObjectIdentifier;
use der::{Reader as _, Tag};
use rc2::Rc2;
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::fault::{malformed, not_supported};
use super::kdf::{Budget, Hash, Password, Purpose};
use crate::error::{Error, KeyError, Result};
use crate::pki::encrypted;
use crate::pki::tlv::expect;

/// Decrypts; whoever asks knows that the password is that of the MAC.
pub(super) fn decrypt(
    scheme: AlgorithmIdentifierRef<'_>,
    encrypted: &[u8],
    password: &Password<'_>,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>> {
    if let Some(old) = Old::of(scheme.oid) {
        return old.decrypt(scheme, encrypted, password, budget);
    }
    let parameters = encrypted::pbes2(scheme).map_err(not_supported)?;
    budget.spend(u64::from(encrypted::cost(&parameters.kdf).map_err(not_supported)?), 1)?;
    encrypted::open(&parameters, encrypted, password.utf8)
}

/// The schemes of RFC 7292 appendix C that are read, and never written: all of them derive by SHA-1.
#[derive(Clone, Copy)]
enum Old {
    /// pbeWithSHAAnd3-KeyTripleDES-CBC.
    TripleDes,
    /// pbeWithSHAAnd128BitRC2-CBC.
    Rc2With128Bits,
    /// pbeWithSHAAnd40BitRC2-CBC: what certificates were hidden with, before this was given up.
    Rc2With40Bits,
}

impl Old {
    fn of(oid: ObjectIdentifier) -> Option<Self> {
        Some(match oid {
            TRIPLE_DES => Self::TripleDes,
            RC2_128 => Self::Rc2With128Bits,
            RC2_40 => Self::Rc2With40Bits,
            _ => return None,
        })
    }

    const fn key_len(self) -> usize {
        match self {
            Self::TripleDes => 24,
            Self::Rc2With128Bits => 16,
            Self::Rc2With40Bits => 5,
        }
    }

    fn decrypt(
        self,
        scheme: AlgorithmIdentifierRef<'_>,
        encrypted: &[u8],
        password: &Password<'_>,
        budget: &mut Budget,
    ) -> Result<Zeroizing<Vec<u8>>> {
        let parameters = scheme.parameters.ok_or(NO_PARAMETERS)?;
        let (salt, iterations) = parameters
            .sequence(|reader| {
                let salt = expect(reader, Tag::OctetString)?;
                Ok::<_, der::Error>((salt, reader.decode::<u64>()?))
            })
            .map_err(malformed)?;
        if encrypted.is_empty() || !encrypted.len().is_multiple_of(BLOCK_LEN) {
            return Err(KeyError::Malformed("the encrypted data is cut short").into());
        }
        let hash = Hash::Sha1;
        budget.spend(iterations, hash.blocks(self.key_len()).saturating_add(1))?;
        let iterations = u32::try_from(iterations).map_err(|_| NO_PARAMETERS)?;
        let key = hash.derive(Purpose::Key, password, salt, iterations, self.key_len());
        let iv = hash.derive(Purpose::Iv, password, salt, iterations, BLOCK_LEN);
        let mut buffer = Zeroizing::new(encrypted.to_vec());
        let len = self.decrypt_in_place(&key, &iv, &mut buffer).ok_or(KeyError::WrongPassword)?;
        buffer.truncate(len);
        Ok(buffer)
    }

    /// The plaintext's length, if its padding is good.
    fn decrypt_in_place(self, key: &[u8], iv: &[u8], buffer: &mut [u8]) -> Option<usize> {
        let plaintext = match self {
            Self::TripleDes => {
                let cipher = cbc::Decryptor::<des::TdesEde3>::new_from_slices(key, iv).ok()?;
                cipher.decrypt_padded::<Pkcs7>(buffer)
            }
            Self::Rc2With128Bits | Self::Rc2With40Bits => {
                let cipher = Rc2::new_with_eff_key_len(key, key.len().saturating_mul(8));
                cbc::Decryptor::inner_iv_slice_init(cipher, iv).ok()?.decrypt_padded::<Pkcs7>(buffer)
            }
        };
        plaintext.ok().map(<[u8]>::len)
    }
}

const TRIPLE_DES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");
const RC2_128: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.5");
const RC2_40: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.6");
const BLOCK_LEN: usize = 8;
const NO_PARAMETERS: Error = Error::Key(KeyError::Malformed("its encryption has no parameters"));
