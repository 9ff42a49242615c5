//! Private and public keys.

use otls::crypto::SystemRandom;
use otls::crypto::sign::KeyAlgorithm;
use otls::pki;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert::{Material, Octets, hex};
use crate::ending::released;
use crate::failure::{Failure, Result};

/// A private key.
///
/// It shows nothing of itself: saving it is `to_pem` or `to_der`.
#[pyclass(frozen, module = "otls")]
pub(crate) struct PrivateKey(pub(crate) pki::PrivateKey);

#[pymethods]
impl PrivateKey {
    /// Makes a new key: `generate("rsa", bits=2048)`, `generate("ecdsa", curve="P-256")` or
    /// `generate("ed25519")`.
    #[staticmethod]
    #[pyo3(signature = (kind, *, bits=None, curve=None))]
    fn generate(py: Python<'_>, kind: &str, bits: Option<u32>, curve: Option<&str>) -> Result<Self> {
        let key_type = key_type(kind, bits, curve)?;
        Ok(Self(released(py, || pki::PrivateKey::generate(key_type, &SystemRandom))?))
    }

    /// Loads a private key, PEM or DER; the same as `otls.load_key`.
    #[staticmethod]
    #[pyo3(signature = (data, *, password=None))]
    fn load(py: Python<'_>, data: Material, password: Option<Material>) -> Result<Self> {
        load_key(py, data, password)
    }

    /// PKCS#8 PEM: plain, or encrypted with `password`.
    #[pyo3(signature = (*, password=None))]
    fn to_pem<'py>(&self, py: Python<'py>, password: Option<Material>) -> Result<Bound<'py, PyBytes>> {
        let pem = released(py, || self.0.to_pem(password.as_deref(), &SystemRandom))?;
        Ok(PyBytes::new(py, pem.expose()))
    }

    /// PKCS#8 DER: plain, or encrypted with `password`.
    #[pyo3(signature = (*, password=None))]
    fn to_der<'py>(&self, py: Python<'py>, password: Option<Material>) -> Result<Bound<'py, PyBytes>> {
        let der = released(py, || self.0.to_der(password.as_deref(), &SystemRandom))?;
        Ok(PyBytes::new(py, der.expose()))
    }

    /// The key in a format of choice: `"pkcs8"`, `"pkcs1"` (RSA) or `"sec1"` (EC), as `"pem"` or `"der"`.
    ///
    /// With a password PKCS#8 is encrypted by PBES2 (`encryption="pbkdf2"`, the default, or `"scrypt"`), and
    /// traditional PEM by `encryption="legacy-pem"`, which is weak.
    #[pyo3(signature = (*, format="pkcs8", encoding="pem", password=None, encryption=None))]
    fn export<'py>(
        &self,
        py: Python<'py>,
        format: &str,
        encoding: &str,
        password: Option<Material>,
        encryption: Option<&str>,
    ) -> Result<Bound<'py, PyBytes>> {
        let format = match format {
            "pkcs8" => pki::KeyFormat::Pkcs8,
            "pkcs1" => pki::KeyFormat::Pkcs1,
            "sec1" => pki::KeyFormat::Sec1,
            _ => return Err(Failure::misuse("unknown format of a key", "use pkcs8, pkcs1 or sec1")),
        };
        let encoding = match encoding {
            "pem" => pki::Encoding::Pem,
            "der" => pki::Encoding::Der,
            _ => return Err(Failure::misuse("unknown encoding of a key", "use pem or der")),
        };
        let encryption = match (password.as_deref(), encryption) {
            (None, None) => pki::KeyEncryption::Plain,
            (Some(password), None | Some("pbkdf2")) => pki::KeyEncryption::Pbkdf2(password),
            (Some(password), Some("scrypt")) => pki::KeyEncryption::Scrypt(password),
            (Some(password), Some("legacy-pem")) => pki::KeyEncryption::LegacyPem(password),
            (None, Some(_)) => {
                return Err(Failure::misuse("encryption without a password", "pass a password"));
            }
            (Some(_), Some(_)) => {
                return Err(Failure::misuse("unknown encryption", "use pbkdf2, scrypt or legacy-pem"));
            }
        };
        let data = released(py, || self.0.export(format, encoding, encryption, &SystemRandom))?;
        Ok(PyBytes::new(py, data.expose()))
    }

    /// Decrypts what `PublicKey.encrypt` made with the same `label` (RSA-OAEP with SHA-256).
    #[pyo3(signature = (ciphertext, *, label=None))]
    fn decrypt<'py>(
        &self,
        py: Python<'py>,
        ciphertext: Octets,
        label: Option<Octets>,
    ) -> Result<Bound<'py, PyBytes>> {
        let label = label.as_deref().unwrap_or_default();
        let plaintext = released(py, || self.0.decrypt(label, &ciphertext, &SystemRandom))?;
        Ok(PyBytes::new(py, plaintext.expose()))
    }

    /// `"rsa"` or `"ecdsa"`.
    #[getter]
    fn kind(&self) -> &'static str {
        kind(self.0.algorithm())
    }

    /// The curve of an ECDSA key.
    #[getter]
    fn curve(&self) -> Option<&'static str> {
        curve(self.0.algorithm())
    }

    /// The size of the modulus (RSA) or of the curve (ECDSA) in bits.
    #[getter]
    fn bits(&self) -> usize {
        bits(self.0.algorithm())
    }

    /// The public half.
    #[getter]
    fn public_key(&self) -> PublicKey {
        PublicKey(self.0.public_key().clone())
    }

    /// Signs `message` with a scheme of `otls.SCHEMES`.
    fn sign<'py>(&self, py: Python<'py>, message: Octets, scheme: &str) -> Result<Bound<'py, PyBytes>> {
        let scheme = crate::convert::scheme(scheme)?;
        let signature = released(py, || self.0.sign(scheme, &message, &SystemRandom))?;
        Ok(PyBytes::new(py, &signature))
    }

    fn __repr__(&self) -> String {
        format!("<PrivateKey {}>", describe(self.0.algorithm()))
    }
}

impl PrivateKey {
    /// A second copy of the key, for an owner that takes one over.
    pub(crate) fn duplicate(&self) -> otls::Result<pki::PrivateKey> {
        Self::copy_of(&self.0)
    }

    /// A second copy of a key that somebody else holds.
    pub(crate) fn copy_of(key: &pki::PrivateKey) -> otls::Result<pki::PrivateKey> {
        let der = key.to_der(None, &SystemRandom)?;
        pki::PrivateKey::load(der.expose(), None)
    }
}

/// Loads a private key, PEM or DER, encrypted or not.
#[pyfunction]
#[pyo3(signature = (data, *, password=None))]
pub(crate) fn load_key(py: Python<'_>, data: Material, password: Option<Material>) -> Result<PrivateKey> {
    Ok(PrivateKey(released(py, || pki::PrivateKey::load(&data, password.as_deref()))?))
}

/// A public key.
#[pyclass(frozen, eq, hash, module = "otls")]
pub(crate) struct PublicKey(pub(crate) pki::PublicKey);

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_der() == other.0.to_der()
    }
}

impl core::hash::Hash for PublicKey {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.0.to_der().hash(state);
    }
}

#[pymethods]
impl PublicKey {
    /// Loads a public key, PEM or DER.
    #[staticmethod]
    fn load(data: Material) -> Result<Self> {
        Ok(Self(pki::PublicKey::load(&data)?))
    }

    /// SubjectPublicKeyInfo as PEM.
    fn to_pem<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.to_pem().as_bytes())
    }

    /// SubjectPublicKeyInfo as DER.
    fn to_der<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.to_der())
    }

    /// `"rsa"` or `"ecdsa"`.
    #[getter]
    fn kind(&self) -> &'static str {
        kind(self.0.algorithm())
    }

    /// The curve of an ECDSA key.
    #[getter]
    fn curve(&self) -> Option<&'static str> {
        curve(self.0.algorithm())
    }

    /// The size of the modulus (RSA) or of the curve (ECDSA) in bits.
    #[getter]
    fn bits(&self) -> usize {
        bits(self.0.algorithm())
    }

    /// RSAPublicKey (PKCS#1) as PEM; RSA only.
    fn to_pkcs1_pem<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, self.0.to_pkcs1_pem()?.as_bytes()))
    }

    /// RSAPublicKey (PKCS#1) as DER; RSA only.
    fn to_pkcs1_der<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.0.to_pkcs1_der()?))
    }

    /// Encrypts a few octets, such as an AEAD key, to the holder of the private key (RSA-OAEP with SHA-256).
    #[pyo3(signature = (plaintext, *, label=None))]
    fn encrypt<'py>(
        &self,
        py: Python<'py>,
        plaintext: Material,
        label: Option<Octets>,
    ) -> Result<Bound<'py, PyBytes>> {
        let label = label.as_deref().unwrap_or_default();
        let ciphertext = released(py, || self.0.encrypt(label, &plaintext, &SystemRandom))?;
        Ok(PyBytes::new(py, &ciphertext))
    }

    /// SHA-256 of the SubjectPublicKeyInfo, in hexadecimal.
    #[getter]
    fn fingerprint(&self) -> String {
        hex(&self.0.fingerprint())
    }

    /// Verifies a signature; raises `otls.BadSignature` if it is not one of `message`.
    fn verify(&self, py: Python<'_>, message: Octets, signature: Octets, scheme: &str) -> Result<()> {
        let scheme = crate::convert::scheme(scheme)?;
        Ok(released(py, || self.0.verify(scheme, &message, &signature))?)
    }

    fn __repr__(&self) -> String {
        format!("<PublicKey {} sha256={}>", describe(self.0.algorithm()), self.fingerprint())
    }
}

fn key_type(kind: &str, bits: Option<u32>, curve: Option<&str>) -> Result<pki::KeyType> {
    match (kind, bits, curve) {
        ("rsa", None | Some(2048), None) => Ok(pki::KeyType::Rsa2048),
        ("rsa", Some(3072), None) => Ok(pki::KeyType::Rsa3072),
        ("rsa", Some(4096), None) => Ok(pki::KeyType::Rsa4096),
        ("ecdsa", None, None | Some("P-256")) => Ok(pki::KeyType::EcdsaP256),
        ("ecdsa", None, Some("P-384")) => Ok(pki::KeyType::EcdsaP384),
        ("ed25519", None, None) => Ok(pki::KeyType::Ed25519),
        _ => Err(Failure::misuse(
            "no such kind of key",
            "use \"rsa\" with bits=2048, 3072 or 4096, \"ecdsa\" with curve=\"P-256\" or \"P-384\", or \"ed25519\"",
        )),
    }
}

const fn kind(algorithm: KeyAlgorithm) -> &'static str {
    match algorithm {
        KeyAlgorithm::Rsa(_) => "rsa",
        KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384 | KeyAlgorithm::EcdsaP521 => "ecdsa",
        KeyAlgorithm::Ed25519 => "ed25519",
    }
}

const fn curve(algorithm: KeyAlgorithm) -> Option<&'static str> {
    match algorithm {
        KeyAlgorithm::Rsa(_) | KeyAlgorithm::Ed25519 => None,
        KeyAlgorithm::EcdsaP256 => Some("P-256"),
        KeyAlgorithm::EcdsaP384 => Some("P-384"),
        KeyAlgorithm::EcdsaP521 => Some("P-521"),
    }
}

const fn bits(algorithm: KeyAlgorithm) -> usize {
    match algorithm {
        KeyAlgorithm::Rsa(bits) => bits,
        KeyAlgorithm::EcdsaP256 | KeyAlgorithm::Ed25519 => 256,
        KeyAlgorithm::EcdsaP384 => 384,
        KeyAlgorithm::EcdsaP521 => 521,
    }
}

fn describe(algorithm: KeyAlgorithm) -> String {
    match algorithm {
        KeyAlgorithm::Rsa(bits) => format!("rsa {bits} bits"),
        KeyAlgorithm::EcdsaP256 => "ecdsa P-256".to_owned(),
        KeyAlgorithm::EcdsaP384 => "ecdsa P-384".to_owned(),
        KeyAlgorithm::EcdsaP521 => "ecdsa P-521".to_owned(),
        KeyAlgorithm::Ed25519 => "ed25519".to_owned(),
    }
}
