//! The formats that private keys are read from and written in.

use zeroize::Zeroizing;

use super::found;
use super::pem::{self, Kind, Section};
use super::{encrypted, traditional};
use crate::crypto::Random;
use crate::error::{Error, KeyError, Result};
use crate::secret::Secret;

/// The structure that a private key is written in.
///
/// ```
/// use otls::crypto::SystemRandom;
/// use otls::pki::{Encoding, KeyEncryption, KeyFormat, KeyType, PrivateKey};
///
/// let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom)?;
/// let pem = key.export(KeyFormat::Sec1, Encoding::Pem, KeyEncryption::Plain, &SystemRandom)?;
/// assert!(pem.expose().starts_with(b"-----BEGIN EC PRIVATE KEY-----"));
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeyFormat {
    /// PrivateKeyInfo (RFC 5208, RFC 5958), for every kind of key; what everybody reads.
    #[default]
    Pkcs8,
    /// RSAPrivateKey (RFC 8017 appendix A.1.2), for RSA.
    Pkcs1,
    /// ECPrivateKey (SEC1, RFC 5915), for ECDSA.
    Sec1,
}

/// How a structure becomes octets.
///
/// ```
/// use otls::crypto::SystemRandom;
/// use otls::pki::{Encoding, KeyEncryption, KeyFormat, KeyType, PrivateKey};
///
/// let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom)?;
/// let der = key.export(KeyFormat::Pkcs8, Encoding::Der, KeyEncryption::Plain, &SystemRandom)?;
/// assert_eq!(der.expose().first(), Some(&0x30));
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Text (RFC 7468).
    #[default]
    Pem,
    /// Binary.
    Der,
}

/// How a private key is encrypted; each with the password, which is used as it is: octets, UTF-8 if it
/// came from a person.
///
/// ```
/// use otls::crypto::SystemRandom;
/// use otls::pki::{Encoding, KeyEncryption, KeyFormat, KeyType, PrivateKey};
///
/// let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom)?;
/// let encryption = KeyEncryption::Pbkdf2(b"a password");
/// let pem = key.export(KeyFormat::Pkcs8, Encoding::Pem, encryption, &SystemRandom)?;
/// assert!(PrivateKey::load(pem.expose(), Some(b"a password")).is_ok());
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Copy)]
pub enum KeyEncryption<'a> {
    /// Not at all.
    Plain,
    /// PBES2 with PBKDF2-HMAC-SHA256 (600,000 iterations) and AES-256-CBC (RFC 8018 §6.2): PKCS#8.
    Pbkdf2(&'a [u8]),
    /// PBES2 with scrypt (N = 2^14, r = 8, p = 5; RFC 7914 §7) and AES-256-CBC: PKCS#8. Not every
    /// reader knows it: Java's does not.
    Scrypt(&'a [u8]),
    /// The headers that OpenSSL's traditional PEM has, with AES-256-CBC: PKCS#1 and SEC1 in PEM. Its key
    /// derivation is one MD5: for old readers alone, where a file is safe without it.
    LegacyPem(&'a [u8]),
}

impl core::fmt::Debug for KeyEncryption<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("KeyEncryption").finish_non_exhaustive()
    }
}

/// The unencrypted PKCS#8 of the one private key among `sections` of `data`.
pub(super) fn read(
    data: &[u8],
    sections: &[Section<'_>],
    password: Option<&[u8]>,
) -> Result<Zeroizing<Vec<u8>>> {
    // OpenSSL writes the curve of a SEC1 key in a block of its own too.
    let (key, curve) = match sections {
        [curve, key] | [key, curve] if key.kind == Kind::EcPrivateKey && curve.kind == Kind::EcParameters => {
            (key, Some(curve))
        }
        _ => {
            let instead =
                "and one private key alone is loaded: load a key with its certificate as an identity";
            (found::the_one(data, sections, Kind::is_private_key, instead).map_err(KeyError::from)?, None)
        }
    };
    let legacy = key.legacy_encrypted().map_err(KeyError::Malformed)?;
    let is_legacy = legacy.is_some();
    let der = match (legacy, password) {
        (Some((headers, encrypted)), Some(password)) => traditional::decrypt(&headers, &encrypted, password)?,
        (Some(_), None) => return Err(KeyError::PasswordRequired.into()),
        (None, _) => key.der().map_err(KeyError::Malformed)?,
    };
    match (key_kind(key.kind, &der), password) {
        (Kind::EncryptedPrivateKey, Some(password)) => encrypted::decrypt(&der, password),
        (Kind::EncryptedPrivateKey, None) => Err(KeyError::PasswordRequired.into()),
        (_, Some(_)) if !is_legacy => Err(KeyError::PasswordNotNeeded.into()),
        (Kind::RsaPrivateKey, _) => traditional::pkcs8_of_pkcs1(&der),
        (Kind::EcPrivateKey, _) => {
            let curve = curve.map(Section::der).transpose().map_err(KeyError::Malformed)?;
            traditional::pkcs8_of_sec1(&der, curve.as_ref().map(|der| der.as_slice()))
        }
        _ => Ok(der),
    }
}

/// What the DER is where its label says otherwise: exporters put PKCS#8 under the labels of PKCS#1 and SEC1, and
/// the reverse.
fn key_kind(label: Kind, der: &[u8]) -> Kind {
    Some(Kind::of_der(der)).filter(|kind| kind.is_private_key()).unwrap_or(label)
}

/// The unencrypted PKCS#8 in another format.
pub(super) fn write(
    pkcs8: &[u8],
    format: KeyFormat,
    encoding: Encoding,
    encryption: KeyEncryption<'_>,
    random: &dyn Random,
) -> Result<Secret> {
    let traditional = match format {
        KeyFormat::Pkcs8 => None,
        KeyFormat::Pkcs1 => Some(("RSA PRIVATE KEY", traditional::pkcs1_of_pkcs8(pkcs8)?)),
        KeyFormat::Sec1 => Some(("EC PRIVATE KEY", traditional::sec1_of_pkcs8(pkcs8)?)),
    };
    let (label, der, headers) = match (traditional, encryption) {
        (None, KeyEncryption::Plain) => ("PRIVATE KEY", Zeroizing::new(pkcs8.to_vec()), String::new()),
        (None, KeyEncryption::Pbkdf2(password)) => {
            let der = encrypted::encrypt(pkcs8, some(password)?, encrypted::Derivation::Pbkdf2, random)?;
            ("ENCRYPTED PRIVATE KEY", Zeroizing::new(der), String::new())
        }
        (None, KeyEncryption::Scrypt(password)) => {
            let der = encrypted::encrypt(pkcs8, some(password)?, encrypted::Derivation::Scrypt, random)?;
            ("ENCRYPTED PRIVATE KEY", Zeroizing::new(der), String::new())
        }
        (None, KeyEncryption::LegacyPem(_)) => {
            return Err(Error::misuse(
                "the legacy encryption of PEM with PKCS#8",
                "use PBES2, or write PKCS#1 or SEC1",
            ));
        }
        (Some((label, der)), KeyEncryption::Plain) => (label, der, String::new()),
        (Some((label, der)), KeyEncryption::LegacyPem(password)) if encoding == Encoding::Pem => {
            let (headers, encrypted) = traditional::encrypt(&der, some(password)?, random)?;
            (label, Zeroizing::new(encrypted), headers)
        }
        (Some(_), KeyEncryption::LegacyPem(_)) => {
            return Err(Error::misuse(
                "the legacy encryption of PEM with DER",
                "write PEM, or use PKCS#8 with PBES2",
            ));
        }
        (Some(_), KeyEncryption::Pbkdf2(_) | KeyEncryption::Scrypt(_)) => {
            return Err(Error::misuse("PBES2 with PKCS#1 or SEC1", "write PKCS#8"));
        }
    };
    Ok(match encoding {
        Encoding::Pem => pem::encode_with_headers(label, &headers, &der).into(),
        Encoding::Der => der.into(),
    })
}

fn some(password: &[u8]) -> Result<&[u8]> {
    if password.is_empty() {
        return Err(Error::misuse(
            "the password is empty",
            "pass a password, or none to save without encryption",
        ));
    }
    Ok(password)
}
