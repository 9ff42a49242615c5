//! Private and public keys and their files.

use crate::codepoints::SignatureScheme;
use crate::crypto::Random;
use crate::crypto::sign::KeyAlgorithm;
use crate::error::Result;
use crate::secret::Secret;

/// The kinds of key that can be generated.
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

/// A private key: signs, and is saved and loaded. Wiped when dropped.
pub struct PrivateKey(());

impl PrivateKey {
    /// A new key.
    pub fn generate(key_type: KeyType, random: &dyn Random) -> Result<Self> {
        let _ = (key_type, random);
        todo!()
    }

    /// Loads PKCS#8, PEM or DER told apart by content, plain or encrypted (PBES2).
    ///
    /// # Errors
    /// [`crate::Error::Key`]: each cause is its own [`crate::error::KeyError`].
    pub fn load(data: &[u8], password: Option<&[u8]>) -> Result<Self> {
        let _ = (data, password);
        todo!()
    }

    /// PKCS#8 PEM: plain, or encrypted with PBES2 (PBKDF2-HMAC-SHA256, AES-256-CBC).
    pub fn to_pem(&self, password: Option<&[u8]>, random: &dyn Random) -> Result<Secret> {
        let _ = (password, random);
        todo!()
    }

    /// PKCS#8 DER, plain or encrypted as in [`PrivateKey::to_pem`].
    pub fn to_der(&self, password: Option<&[u8]>, random: &dyn Random) -> Result<Secret> {
        let _ = (password, random);
        todo!()
    }

    /// The kind of key.
    pub fn algorithm(&self) -> KeyAlgorithm {
        todo!()
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        todo!()
    }

    /// Signs `message` with `scheme`.
    pub fn sign(&self, scheme: SignatureScheme, message: &[u8], random: &dyn Random) -> Result<Vec<u8>> {
        let _ = (scheme, message, random);
        todo!()
    }
}

/// A public key.
#[derive(Clone)]
pub struct PublicKey(());

impl PublicKey {
    /// Loads SubjectPublicKeyInfo, PEM or DER.
    pub fn load(data: &[u8]) -> Result<Self> {
        let _ = data;
        todo!()
    }

    /// SubjectPublicKeyInfo DER.
    pub fn to_der(&self) -> &[u8] {
        todo!()
    }

    /// SubjectPublicKeyInfo PEM.
    pub fn to_pem(&self) -> String {
        todo!()
    }

    /// The kind of key.
    pub fn algorithm(&self) -> KeyAlgorithm {
        todo!()
    }

    /// SHA-256 of the SubjectPublicKeyInfo.
    pub fn fingerprint(&self) -> [u8; 32] {
        todo!()
    }

    /// Verifies a signature.
    pub fn verify(&self, scheme: SignatureScheme, message: &[u8], signature: &[u8]) -> Result<()> {
        let _ = (scheme, message, signature);
        todo!()
    }
}
