//! Private and public keys and their files.

use core::fmt;
use std::sync::Arc;

use super::encrypted;
use super::pem::{self, Kind, Section};
use crate::codepoints::SignatureScheme;
use crate::crypto::Random;
use crate::crypto::hash::{HashAlgorithm, digest};
use crate::crypto::sign::{KeyAlgorithm, SigningKey, VerifyingKey};
use crate::error::{KeyError, Result};
use crate::secret::Secret;

/// The kinds of key that can be generated.
///
/// ```
/// use otls::crypto::sign::KeyAlgorithm;
/// use otls::pki::KeyType;
///
/// assert_eq!(KeyType::Rsa3072.algorithm(), KeyAlgorithm::Rsa(3072));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// RSA, 2048 bits.
    Rsa2048,
    /// RSA, 3072 bits.
    Rsa3072,
    /// RSA, 4096 bits.
    Rsa4096,
    /// ECDSA on P-256.
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
}

impl KeyType {
    /// The algorithm and size of a key of this type.
    pub const fn algorithm(self) -> KeyAlgorithm {
        match self {
            Self::Rsa2048 => KeyAlgorithm::Rsa(2048),
            Self::Rsa3072 => KeyAlgorithm::Rsa(3072),
            Self::Rsa4096 => KeyAlgorithm::Rsa(4096),
            Self::EcdsaP256 => KeyAlgorithm::EcdsaP256,
            Self::EcdsaP384 => KeyAlgorithm::EcdsaP384,
        }
    }
}

/// A private key: signs, and is saved and loaded. Wiped when dropped; neither `Clone` nor `Debug`.
/// Whoever needs it in two places shares it by [`Arc`].
///
/// ```
/// use otls::crypto::SystemRandom;
/// use otls::pki::{KeyType, PrivateKey};
///
/// let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom)?;
/// let pem = key.to_pem(Some(b"correct horse"), &SystemRandom)?;
/// let again = PrivateKey::load(pem.expose(), Some(b"correct horse"))?;
/// assert_eq!(again.public_key(), key.public_key());
/// # Ok::<(), otls::Error>(())
/// ```
pub struct PrivateKey {
    signing: SigningKey,
    public: PublicKey,
}

impl PrivateKey {
    /// A new key.
    ///
    /// # Errors
    /// [`crate::Error::Random`].
    pub fn generate(key_type: KeyType, random: &dyn Random) -> Result<Self> {
        Self::of(SigningKey::generate(key_type.algorithm(), random)?)
    }

    /// Loads PKCS#8, PEM or DER told apart by content, plain or encrypted (PBES2 with PBKDF2 or
    /// scrypt, and AES-CBC). Text and other blocks around the first key of a PEM file are skipped.
    ///
    /// # Errors
    /// [`crate::Error::Key`]: each cause is its own [`crate::error::KeyError`].
    pub fn load(data: &[u8], password: Option<&[u8]>) -> Result<Self> {
        let sections = pem::sections(data).map_err(KeyError::Malformed)?;
        let key = sections.iter().find(|section| {
            matches!(
                section.kind,
                Kind::PrivateKey | Kind::EncryptedPrivateKey | Kind::RsaPrivateKey | Kind::EcPrivateKey
            )
        });
        let key = match (key, sections.as_slice()) {
            (Some(key), _) => key,
            (None, [only]) if only.kind == Kind::Unknown && pem::is_der(data) => only,
            _ => return Err(KeyError::NotAKey(pem::describe(data, &sections)).into()),
        };
        Self::of_section(key, password)
    }

    /// PKCS#8 PEM: plain, or encrypted with PBES2 (PBKDF2-HMAC-SHA256 with 600,000 iterations,
    /// AES-256-CBC).
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for an empty password; [`crate::Error::Random`].
    pub fn to_pem(&self, password: Option<&[u8]>, random: &dyn Random) -> Result<Secret> {
        let label = if password.is_some() { "ENCRYPTED PRIVATE KEY" } else { "PRIVATE KEY" };
        Ok(pem::encode_secret(label, self.to_der(password, random)?.expose()).into())
    }

    /// PKCS#8 DER, plain or encrypted as in [`PrivateKey::to_pem`].
    ///
    /// # Errors
    /// As [`PrivateKey::to_pem`].
    pub fn to_der(&self, password: Option<&[u8]>, random: &dyn Random) -> Result<Secret> {
        let pkcs8 = self.signing.to_pkcs8_der()?;
        match password {
            None => Ok(pkcs8),
            Some(password) => Ok(encrypted::encrypt(pkcs8.expose(), password, random)?.into()),
        }
    }

    /// The kind of key.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.signing.algorithm()
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs `message` with `scheme`; ECDSA signatures are DER.
    ///
    /// # Errors
    /// [`crate::error::KeyError::WrongScheme`] if the scheme is not of the key's kind;
    /// [`crate::Error::Random`].
    pub fn sign(&self, scheme: SignatureScheme, message: &[u8], random: &dyn Random) -> Result<Vec<u8>> {
        self.signing.sign(scheme, message, random)
    }

    fn of(signing: SigningKey) -> Result<Self> {
        let public = PublicKey::of_der(signing.public_key_der())?;
        Ok(Self { signing, public })
    }

    fn of_section(section: &Section<'_>, password: Option<&[u8]>) -> Result<Self> {
        if section.is_legacy_encrypted() {
            return Err(
                KeyError::UnsupportedFormat("legacy encrypted PEM (Proc-Type: 4,ENCRYPTED)".into()).into()
            );
        }
        match (section.kind, password) {
            (Kind::RsaPrivateKey, _) => {
                return Err(KeyError::UnsupportedFormat("PKCS#1 (RSA PRIVATE KEY)".into()).into());
            }
            (Kind::EcPrivateKey, _) => {
                return Err(KeyError::UnsupportedFormat("SEC1 (EC PRIVATE KEY)".into()).into());
            }
            (Kind::EncryptedPrivateKey, None) => return Err(KeyError::PasswordRequired.into()),
            (Kind::PrivateKey, Some(_)) => return Err(KeyError::PasswordNotNeeded.into()),
            _ => {}
        }
        let der = section.der().map_err(KeyError::Malformed)?;
        match (section.kind, password) {
            (Kind::EncryptedPrivateKey, Some(password)) => {
                let pkcs8 = encrypted::decrypt(&der, password)?;
                Self::of(SigningKey::from_pkcs8_der(&pkcs8)?)
            }
            _ => Self::of(SigningKey::from_pkcs8_der(&der)?),
        }
    }
}

/// A public key. Cheap to clone.
///
/// ```
/// use otls::crypto::SystemRandom;
/// use otls::pki::{KeyType, PrivateKey, PublicKey};
///
/// let key = PrivateKey::generate(KeyType::EcdsaP384, &SystemRandom)?;
/// let public = PublicKey::load(key.public_key().to_pem().as_bytes())?;
/// assert_eq!(public.fingerprint(), key.public_key().fingerprint());
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    verifying: VerifyingKey,
    der: Box<[u8]>,
}

impl PublicKey {
    /// Loads SubjectPublicKeyInfo, PEM or DER.
    ///
    /// # Errors
    /// [`crate::Error::Key`].
    pub fn load(data: &[u8]) -> Result<Self> {
        let sections = pem::sections(data).map_err(KeyError::Malformed)?;
        let key =
            sections.iter().find(|section| matches!(section.kind, Kind::PublicKey | Kind::RsaPublicKey));
        match (key, sections.as_slice()) {
            (Some(key), _) if key.kind == Kind::RsaPublicKey => {
                Err(KeyError::UnsupportedFormat("PKCS#1 (RSA PUBLIC KEY)".into()).into())
            }
            (Some(key), _) => Self::of_der(&key.der().map_err(KeyError::Malformed)?),
            (None, [only]) if only.kind == Kind::Unknown && pem::is_der(data) => Self::of_der(data),
            _ => Err(KeyError::NotAKey(pem::describe(data, &sections)).into()),
        }
    }

    /// SubjectPublicKeyInfo DER.
    pub fn to_der(&self) -> &[u8] {
        &self.0.der
    }

    /// SubjectPublicKeyInfo PEM.
    pub fn to_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.0.der)
    }

    /// The kind of key.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.0.verifying.algorithm()
    }

    /// SHA-256 of the SubjectPublicKeyInfo.
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(&self.0.der)
    }

    /// Verifies a signature.
    ///
    /// # Errors
    /// [`crate::error::KeyError::BadSignature`], or [`crate::error::KeyError::WrongScheme`] for a
    /// scheme that is not of the key's kind.
    pub fn verify(&self, scheme: SignatureScheme, message: &[u8], signature: &[u8]) -> Result<()> {
        self.0.verifying.verify(scheme, message, signature)
    }

    pub(super) fn of_der(der: &[u8]) -> Result<Self> {
        let verifying = VerifyingKey::from_spki_der(der)?;
        Ok(Self(Arc::new(Inner { verifying, der: der.into() })))
    }

    pub(super) fn verifying(&self) -> &VerifyingKey {
        &self.0.verifying
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?})", self.algorithm())
    }
}

/// SHA-256, for fingerprints.
pub(super) fn sha256(data: &[u8]) -> [u8; 32] {
    digest(HashAlgorithm::Sha256, data).as_ref().try_into().unwrap_or_default()
}
