//! The formats of private keys that came before PKCS#8: RSAPrivateKey (PKCS#1, RFC 8017 appendix
//! A.1.2), ECPrivateKey (SEC1, RFC 5915), and the encryption of PEM that OpenSSL made of RFC 1421.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef};
use der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _};
use md5::{Digest as _, Md5};
use pkcs8::PrivateKeyInfoRef;
use sec1::{EcParameters, EcPrivateKey};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use zeroize::Zeroizing;

use super::pem::{LegacyHeaders, content};
use crate::crypto::Random;
use crate::error::{Error, KeyError, Result};

/// What OpenSSL takes of a DEK-Info's IV as salt.
const SALT_LEN: usize = 8;
const BLOCK_LEN: usize = 16;

/// PKCS#8 around an RSAPrivateKey.
pub(super) fn pkcs8_of_pkcs1(pkcs1: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    wrap(RSA_ENCRYPTION, AnyRef::NULL, pkcs1)
}

/// Whether the parameters of an ECPrivateKey (RFC 5915 §3) are a SEQUENCE (X9.62 SpecifiedECDomain) and no name.
fn has_explicit_curve(sec1: &[u8]) -> bool {
    let parameters = || {
        let mut reader = SliceReader::new(content(sec1)?).ok()?;
        reader.tlv_bytes().ok()?;
        reader.tlv_bytes().ok()?;
        AnyRef::decode(&mut reader).ok()
    };
    parameters()
        .is_some_and(|parameters| parameters.tag() == CURVE && parameters.value().first() == Some(&0x30))
}

const CURVE: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };

/// PKCS#8 around an ECPrivateKey; `beside` is the curve of an `EC PARAMETERS` block in the same file.
pub(super) fn pkcs8_of_sec1(sec1: &[u8], beside: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>> {
    let key = EcPrivateKey::from_der(sec1);
    let unnamed = || KeyError::UnsupportedAlgorithm("an elliptic curve that is not named".to_owned());
    // sec1 reads named curves alone.
    let key = key.map_err(|_| match has_explicit_curve(sec1) {
        true => unnamed(),
        false => KeyError::Malformed("ECPrivateKey"),
    })?;
    let beside = beside.map(ObjectIdentifier::from_der).transpose();
    let beside = beside.map_err(|_| unnamed())?;
    let curve = match (key.parameters, beside) {
        (Some(EcParameters::NamedCurve(curve)), Some(beside)) if curve != beside => {
            return Err(
                KeyError::Malformed("ECPrivateKey: the parameters beside it are of another curve").into()
            );
        }
        (Some(EcParameters::NamedCurve(curve)), _) => curve,
        (None, Some(curve)) => curve,
        // RFC 5915 §3: the parameters may be left out where they are known otherwise.
        (None, None) => return Err(KeyError::Malformed("ECPrivateKey: it does not name its curve").into()),
    };
    wrap(EC_PUBLIC_KEY, (&curve).into(), sec1)
}

/// The RSAPrivateKey in PKCS#8.
pub(super) fn pkcs1_of_pkcs8(pkcs8: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let info = PrivateKeyInfoRef::from_der(pkcs8).map_err(|_| NOT_ENCODED)?;
    if info.algorithm.oid != RSA_ENCRYPTION {
        return Err(
            KeyError::UnsupportedFormat("PKCS#1 for a key that is not RSA: use PKCS#8".to_owned()).into()
        );
    }
    Ok(Zeroizing::new(info.private_key.as_bytes().to_vec()))
}

/// The ECPrivateKey in PKCS#8, with its curve.
pub(super) fn sec1_of_pkcs8(pkcs8: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let info = PrivateKeyInfoRef::from_der(pkcs8).map_err(|_| NOT_ENCODED)?;
    if info.algorithm.oid != EC_PUBLIC_KEY {
        return Err(
            KeyError::UnsupportedFormat("SEC1 for a key that is not EC: use PKCS#8".to_owned()).into()
        );
    }
    let curve = info.algorithm.parameters_oid().map_err(|_| NOT_ENCODED)?;
    let mut key = EcPrivateKey::from_der(info.private_key.as_bytes()).map_err(|_| NOT_ENCODED)?;
    key.parameters = Some(EcParameters::NamedCurve(curve));
    Ok(Zeroizing::new(key.to_der().map_err(|_| NOT_ENCODED)?))
}

/// SubjectPublicKeyInfo around an RSAPublicKey.
pub(super) fn spki_of_pkcs1(pkcs1: &[u8]) -> Result<Vec<u8>> {
    let algorithm = AlgorithmIdentifierRef { oid: RSA_ENCRYPTION, parameters: Some(AnyRef::NULL) };
    let subject_public_key = BitStringRef::from_bytes(pkcs1).map_err(|_| TOO_LONG)?;
    SubjectPublicKeyInfoRef { algorithm, subject_public_key }.to_der().map_err(|_| TOO_LONG)
}

/// The RSAPublicKey in SubjectPublicKeyInfo.
pub(super) fn pkcs1_of_spki(spki: &[u8]) -> Result<Vec<u8>> {
    let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| NOT_ENCODED)?;
    if info.algorithm.oid != RSA_ENCRYPTION {
        let why = "PKCS#1 for a key that is not RSA: use SubjectPublicKeyInfo";
        return Err(KeyError::UnsupportedFormat(why.to_owned()).into());
    }
    Ok(info.subject_public_key.as_bytes().ok_or(NOT_ENCODED)?.to_vec())
}

/// Decrypts what `headers` stood above.
pub(super) fn decrypt(
    headers: &LegacyHeaders<'_>,
    encrypted: &[u8],
    password: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    let cipher = Cipher::named(headers.algorithm)?;
    let mut iv = [0; BLOCK_LEN];
    let iv = base16ct::mixed::decode(headers.iv, &mut iv)
        .ok()
        .filter(|iv| iv.len() == cipher.block_len())
        .ok_or(KeyError::Malformed("the IV of its DEK-Info"))?;
    if encrypted.is_empty() || !encrypted.len().is_multiple_of(cipher.block_len()) {
        return Err(KeyError::Malformed("the encrypted data is cut short").into());
    }
    let key = derive(password, iv, cipher.key_len())?;
    let mut buffer = Zeroizing::new(encrypted.to_vec());
    let len = cipher.decrypt(&key, iv, &mut buffer).ok_or(KeyError::WrongPassword)?;
    buffer.truncate(len);
    // There is no tag: one wrong password in 256 leaves good padding, and what is inside it tells.
    AnyRef::from_der(&buffer).map_err(|_| KeyError::WrongPassword)?;
    Ok(buffer)
}

/// Encrypts with AES-256-CBC; the headers and the encrypted data.
pub(super) fn encrypt(der: &[u8], password: &[u8], random: &dyn Random) -> Result<(String, Vec<u8>)> {
    let mut iv = [0; BLOCK_LEN];
    random.fill(&mut iv)?;
    let key = derive(password, &iv, 32)?;
    let cipher = cbc::Encryptor::<aes::Aes256>::new_from_slices(&key, &iv).map_err(|_| NOT_ENCODED)?;
    let mut encrypted = Zeroizing::new(Vec::with_capacity(der.len() + BLOCK_LEN));
    encrypted.extend_from_slice(der);
    encrypted.resize(der.len() + BLOCK_LEN, 0);
    let len = cipher.encrypt_padded::<Pkcs7>(&mut encrypted, der.len()).map_err(|_| NOT_ENCODED)?.len();
    let encrypted = encrypted.get(..len).unwrap_or_default().to_vec();
    let iv: String = iv.iter().map(|octet| format!("{octet:02X}")).collect();
    Ok((format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,{iv}\n\n"), encrypted))
}

/// The ciphers of DEK-Info that are read.
#[derive(Clone, Copy)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    DesEde3,
}

impl Cipher {
    fn named(name: &str) -> Result<Self> {
        match name {
            "AES-128-CBC" => Ok(Self::Aes128),
            "AES-192-CBC" => Ok(Self::Aes192),
            "AES-256-CBC" => Ok(Self::Aes256),
            "DES-EDE3-CBC" => Ok(Self::DesEde3),
            other => {
                Err(KeyError::UnsupportedEncryption(format!("legacy PEM with {}", printable(other))).into())
            }
        }
    }

    const fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 | Self::DesEde3 => 24,
            Self::Aes256 => 32,
        }
    }

    const fn block_len(self) -> usize {
        match self {
            Self::Aes128 | Self::Aes192 | Self::Aes256 => BLOCK_LEN,
            Self::DesEde3 => 8,
        }
    }

    /// In place; the plaintext's length, if its padding is good.
    fn decrypt(self, key: &[u8], iv: &[u8], buffer: &mut [u8]) -> Option<usize> {
        macro_rules! cbc {
            ($cipher:ty) => {
                cbc::Decryptor::<$cipher>::new_from_slices(key, iv).ok()?.decrypt_padded::<Pkcs7>(buffer).ok()
            };
        }
        let plaintext = match self {
            Self::Aes128 => cbc!(aes::Aes128),
            Self::Aes192 => cbc!(aes::Aes192),
            Self::Aes256 => cbc!(aes::Aes256),
            Self::DesEde3 => cbc!(des::TdesEde3),
        };
        plaintext.map(<[u8]>::len)
    }
}

/// OpenSSL's EVP_BytesToKey with MD5 and one iteration: all that this encryption ever had. It is weak:
/// PBES2 is what keys should be saved with.
fn derive(password: &[u8], iv: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>> {
    let salt = iv.get(..SALT_LEN).ok_or(NOT_ENCODED)?;
    let mut key = Zeroizing::new(Vec::with_capacity(48));
    let mut last = Zeroizing::new([0; 16]);
    while key.len() < len {
        let mut hash = Md5::new();
        if !key.is_empty() {
            hash.update(last.as_slice());
        }
        hash.update(password);
        hash.update(salt);
        last.copy_from_slice(&hash.finalize());
        key.extend_from_slice(last.as_slice());
    }
    key.truncate(len);
    Ok(key)
}

fn wrap(algorithm: ObjectIdentifier, parameters: AnyRef<'_>, key: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let algorithm = AlgorithmIdentifierRef { oid: algorithm, parameters: Some(parameters) };
    let info = PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(key).map_err(|_| TOO_LONG)?);
    Ok(Zeroizing::new(info.to_der().map_err(|_| TOO_LONG)?))
}

/// A word of a file, for an error text.
fn printable(text: &str) -> String {
    text.chars().take(40).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect()
}

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const TOO_LONG: Error = Error::Key(KeyError::Malformed("it is too long"));
const NOT_ENCODED: Error = Error::Internal("a private key does not encode");
