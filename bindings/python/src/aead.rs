//! Authenticated encryption with a key.

use otls::crypto::aead::{AeadAlgorithm, AeadKey, NONCE_LEN};
use otls::crypto::{Random as _, SystemRandom};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use zeroize::Zeroizing;

use crate::convert::{Material, Octets};
use crate::ending::released;
use crate::failure::{Failure, Result};

/// Authenticated encryption with associated data under one key.
///
/// Algorithms: `"AES-128-GCM"`, `"AES-256-GCM"`, `"CHACHA20-POLY1305"`, and AES-CBC with PKCS#7 padding
/// inside `"AES-128-CBC-HMAC-SHA256"` and `"AES-256-CBC-HMAC-SHA384"`, where the tag is checked first.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Aead(AeadKey);

#[pymethods]
impl Aead {
    #[new]
    fn new(name: &str, key: Material) -> Result<Self> {
        Ok(Self(AeadKey::new(algorithm(name)?, &key)?))
    }

    /// A new random key for an algorithm.
    #[staticmethod]
    fn generate_key<'py>(py: Python<'py>, name: &str) -> Result<Bound<'py, PyBytes>> {
        let mut key = Zeroizing::new(vec![0; algorithm(name)?.key_len()]);
        SystemRandom.fill(&mut key)?;
        Ok(PyBytes::new(py, &key))
    }

    /// Seals one message: nonce, ciphertext and tag, with a random nonce. `aad` is authenticated and not
    /// part of the result.
    #[pyo3(signature = (plaintext, *, aad=None))]
    fn seal<'py>(
        &self,
        py: Python<'py>,
        plaintext: Octets,
        aad: Option<Octets>,
    ) -> Result<Bound<'py, PyBytes>> {
        let aad = aad.as_deref().unwrap_or_default();
        let sealed = released(py, || self.0.seal_message(&plaintext, aad, &SystemRandom))?;
        Ok(PyBytes::new(py, &sealed))
    }

    /// Opens what `seal` made; raises `otls.DecryptError` for anything else.
    #[pyo3(signature = (sealed, *, aad=None))]
    fn open<'py>(&self, py: Python<'py>, sealed: Octets, aad: Option<Octets>) -> Result<Bound<'py, PyBytes>> {
        let aad = aad.as_deref().unwrap_or_default();
        let opened = released(py, || self.0.open_message(&sealed, aad))?;
        Ok(PyBytes::new(py, opened.expose()))
    }

    /// Seals with a nonce of the caller's: ciphertext and tag. The same nonce twice under one key gives
    /// both messages and the key's authenticity away.
    #[pyo3(signature = (nonce, plaintext, *, aad=None))]
    fn seal_with_nonce<'py>(
        &self,
        py: Python<'py>,
        nonce: Octets,
        plaintext: Octets,
        aad: Option<Octets>,
    ) -> Result<Bound<'py, PyBytes>> {
        let (nonce, aad) = (self::nonce(&nonce)?, aad.as_deref().unwrap_or_default());
        let sealed = released(py, || {
            let room = self.0.algorithm().sealed_len(plaintext.len());
            let mut buffer = Zeroizing::new(Vec::with_capacity(room));
            buffer.extend_from_slice(&plaintext);
            self.0.seal(&nonce, aad, &mut buffer, 0).map(|()| buffer)
        })?;
        Ok(PyBytes::new(py, &sealed))
    }

    /// Opens what `seal_with_nonce` made.
    #[pyo3(signature = (nonce, sealed, *, aad=None))]
    fn open_with_nonce<'py>(
        &self,
        py: Python<'py>,
        nonce: Octets,
        sealed: Octets,
        aad: Option<Octets>,
    ) -> Result<Bound<'py, PyBytes>> {
        let (nonce, aad) = (self::nonce(&nonce)?, aad.as_deref().unwrap_or_default());
        let opened = released(py, || {
            let mut buffer = Zeroizing::new(sealed.to_vec());
            let len = self.0.open(&nonce, aad, &mut buffer)?;
            buffer.truncate(len);
            Ok::<_, otls::Error>(buffer)
        })?;
        Ok(PyBytes::new(py, &opened))
    }
}

fn algorithm(name: &str) -> Result<AeadAlgorithm> {
    Ok(match name {
        "AES-128-GCM" => AeadAlgorithm::Aes128Gcm,
        "AES-256-GCM" => AeadAlgorithm::Aes256Gcm,
        "CHACHA20-POLY1305" => AeadAlgorithm::ChaCha20Poly1305,
        "AES-128-CBC-HMAC-SHA256" => AeadAlgorithm::Aes128CbcHmacSha256,
        "AES-256-CBC-HMAC-SHA384" => AeadAlgorithm::Aes256CbcHmacSha384,
        _ => {
            return Err(Failure::misuse(
                "unknown AEAD algorithm",
                "use AES-128-GCM, AES-256-GCM, CHACHA20-POLY1305, AES-128-CBC-HMAC-SHA256 or AES-256-CBC-HMAC-SHA384",
            ));
        }
    })
}

fn nonce(octets: &[u8]) -> Result<[u8; NONCE_LEN]> {
    octets.try_into().map_err(|_| Failure::misuse("a nonce that is not of 12 octets", "pass 12 octets"))
}
