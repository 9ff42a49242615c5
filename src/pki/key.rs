//! Private and public keys and their files.

use core::fmt;
use std::sync::Arc;

use super::found;
use super::key_format::{self, Encoding, KeyEncryption, KeyFormat};
use super::pem::{self, Kind, Section};
use super::traditional;
use crate::codepoints::SignatureScheme;
use crate::crypto::Random;
use crate::crypto::hash::{HashAlgorithm, HashContext};
use crate::crypto::sign::{KeyAlgorithm, SigningKey, VerifyingKey};
use crate::crypto::{ecdh, oaep};
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
    /// Ed25519.
    Ed25519,
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
            Self::Ed25519 => KeyAlgorithm::Ed25519,
        }
    }
}

/// A private key: signs, and is saved and loaded. Wiped when dropped; no `Clone`; `Debug` shows its kind alone.
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

crate::shown::shown!(PrivateKey, algorithm);

impl PrivateKey {
    /// A new key.
    ///
    /// # Errors
    /// [`crate::Error::Random`].
    pub fn generate(key_type: KeyType, random: &dyn Random) -> Result<Self> {
        Self::of(SigningKey::generate(key_type.algorithm(), random)?)
    }

    /// Loads a private key, its format told by its content: PKCS#8, PKCS#1 or SEC1; PEM or DER; plain
    /// or encrypted. PKCS#8 is decrypted by PBES2 (PBKDF2 with HMAC-SHA-1 or SHA-2, or scrypt, and
    /// AES-CBC or triple DES), traditional PEM by its headers (AES-CBC or triple DES). Text may stand
    /// around a PEM block.
    ///
    /// # Errors
    /// [`crate::Error::Key`]: each cause is its own [`crate::error::KeyError`]. A file with anything beside the
    /// one key is refused; one with the key's certificate too is for [`super::Identity::load`].
    pub fn load(data: &[u8], password: Option<&[u8]>) -> Result<Self> {
        let sections = found::sections(data).map_err(KeyError::from)?;
        Self::of_sections(data, &sections, password)
    }

    /// The one key of these sections of `data`.
    pub(super) fn of_sections(
        data: &[u8],
        sections: &[Section<'_>],
        password: Option<&[u8]>,
    ) -> Result<Self> {
        Self::of_pkcs8(&key_format::read(data, sections, password)?)
    }

    pub(super) fn of_pkcs8(der: &[u8]) -> Result<Self> {
        Self::of(SigningKey::from_pkcs8_der(der)?)
    }

    /// The key in a format of the caller's choice; see [`KeyEncryption`] for what goes with what.
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
    ///
    /// # Errors
    /// [`crate::error::KeyError::UnsupportedFormat`] for PKCS#1 of an EC key and SEC1 of an RSA key;
    /// [`crate::Error::ApiMisuse`] for an encryption that the format does not have, and for an empty
    /// password; [`crate::Error::Random`].
    pub fn export(
        &self,
        format: KeyFormat,
        encoding: Encoding,
        encryption: KeyEncryption<'_>,
        random: &dyn Random,
    ) -> Result<Secret> {
        key_format::write(self.signing.to_pkcs8_der()?.expose(), format, encoding, encryption, random)
    }

    /// PKCS#8 PEM: plain, or encrypted with PBES2 (PBKDF2-HMAC-SHA256 with 600,000 iterations,
    /// AES-256-CBC).
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for an empty password; [`crate::Error::Random`].
    pub fn to_pem(&self, password: Option<&[u8]>, random: &dyn Random) -> Result<Secret> {
        let encryption = password.map_or(KeyEncryption::Plain, KeyEncryption::Pbkdf2);
        self.export(KeyFormat::Pkcs8, Encoding::Pem, encryption, random)
    }

    /// PKCS#8 DER, plain or encrypted as in [`PrivateKey::to_pem`].
    ///
    /// # Errors
    /// As [`PrivateKey::to_pem`].
    pub fn to_der(&self, password: Option<&[u8]>, random: &dyn Random) -> Result<Secret> {
        let encryption = password.map_or(KeyEncryption::Plain, KeyEncryption::Pbkdf2);
        self.export(KeyFormat::Pkcs8, Encoding::Der, encryption, random)
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

    /// Decrypts what [`PublicKey::encrypt`] made with the same `label`: RSAES-OAEP with SHA-256 (RFC 8017
    /// §7.1), blinded.
    ///
    /// # Errors
    /// [`crate::error::KeyError::WrongScheme`] for a key that is not RSA; [`crate::Error::Random`];
    /// [`crate::Error::DecryptFailed`] for everything else, whatever the cause.
    pub fn decrypt(&self, label: &[u8], ciphertext: &[u8], random: &dyn Random) -> Result<Secret> {
        oaep::decrypt(&self.signing, label, ciphertext, random)
    }

    /// The secret shared with whoever made the uncompressed `point` for this key (ECDH).
    ///
    /// # Errors
    /// [`crate::error::KeyError::WrongScheme`] for an RSA key; [`crate::Error::DecryptFailed`] for what is
    /// no point of its curve.
    pub(crate) fn agree(&self, point: &[u8]) -> Result<Secret> {
        ecdh::with_point(&self.signing, point)
    }

    fn of(signing: SigningKey) -> Result<Self> {
        let public = PublicKey::of_der(signing.public_key_der())?;
        Ok(Self { signing, public })
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
    /// Loads SubjectPublicKeyInfo or RSAPublicKey (PKCS#1), PEM or DER.
    ///
    /// # Errors
    /// [`crate::Error::Key`], also for a file with anything beside the one key.
    pub fn load(data: &[u8]) -> Result<Self> {
        let sections = found::sections(data).map_err(KeyError::from)?;
        let is_key = |kind| matches!(kind, Kind::PublicKey | Kind::RsaPublicKey);
        let key = found::the_one(data, &sections, is_key, "and one public key alone is loaded");
        let key = key.map_err(KeyError::from)?;
        let der = key.der().map_err(KeyError::Malformed)?;
        match key.kind == Kind::RsaPublicKey {
            true => Self::of_der(&traditional::spki_of_pkcs1(&der)?),
            false => Self::of_der(&der),
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

    /// RSAPublicKey (PKCS#1, RFC 8017 appendix A.1.1), DER.
    ///
    /// # Errors
    /// [`crate::error::KeyError::UnsupportedFormat`] for a key that is not RSA.
    pub fn to_pkcs1_der(&self) -> Result<Vec<u8>> {
        traditional::pkcs1_of_spki(&self.0.der)
    }

    /// RSAPublicKey, PEM.
    ///
    /// # Errors
    /// As [`PublicKey::to_pkcs1_der`].
    pub fn to_pkcs1_pem(&self) -> Result<String> {
        Ok(pem::encode("RSA PUBLIC KEY", &self.to_pkcs1_der()?))
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

    /// Encrypts a few octets, such as an AEAD key, to the holder of the private key: RSAES-OAEP with
    /// SHA-256 (RFC 8017 §7.1). `label` is often empty.
    ///
    /// ```
    /// use otls::crypto::SystemRandom;
    /// use otls::pki::{KeyType, PrivateKey};
    ///
    /// let key = PrivateKey::generate(KeyType::Rsa2048, &SystemRandom)?;
    /// let sealed = key.public_key().encrypt(b"", b"an AEAD key", &SystemRandom)?;
    /// assert_eq!(key.decrypt(b"", &sealed, &SystemRandom)?.expose(), b"an AEAD key");
    /// # Ok::<(), otls::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::error::KeyError::WrongScheme`] for a key that is not RSA; [`crate::Error::ApiMisuse`] for
    /// more than [`crate::crypto::oaep::max_plaintext_len`] octets; [`crate::Error::Random`].
    pub fn encrypt(&self, label: &[u8], plaintext: &[u8], random: &dyn Random) -> Result<Vec<u8>> {
        oaep::encrypt(&self.0.verifying, &self.0.der, label, plaintext, random)
    }

    /// The point of a key that is made for this one exchange, uncompressed, and the secret that it shares
    /// with the private key (ECDH).
    ///
    /// # Errors
    /// [`crate::error::KeyError::WrongScheme`] for an RSA key; [`crate::Error::Random`].
    pub(crate) fn agree_as_ephemeral(&self, random: &dyn Random) -> Result<(Vec<u8>, Secret)> {
        ecdh::to_holder(&self.0.verifying, &self.0.der, random)
    }

    pub(super) fn of_der(der: &[u8]) -> Result<Self> {
        let verifying = VerifyingKey::from_spki_der(der)?;
        Ok(Self(Arc::new(Inner { verifying, der: der.into() })))
    }

    pub(crate) fn verifying(&self) -> &VerifyingKey {
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
    sha256_with(|context| context.update(data))
}

/// SHA-256 of what `write` puts in.
pub(super) fn sha256_with(write: impl FnOnce(&mut HashContext)) -> [u8; 32] {
    let mut context = HashContext::new(HashAlgorithm::Sha256);
    write(&mut context);
    context.finish().as_ref().try_into().unwrap_or_default()
}
