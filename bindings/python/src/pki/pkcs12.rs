//! PKCS#12 files that are more, or less, than an identity.

use otls::pki;
use pyo3::prelude::*;

use super::certificate::Certificate;
use super::key::PrivateKey;
use crate::convert::Material;
use crate::ending::released;
use crate::failure::Result;

/// A PKCS#12 file, opened: at most one private key, and certificates, as in Java's trust stores.
///
/// `Identity.load` takes one that is a key with its chain and nothing else.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Pkcs12(pki::Pkcs12);

#[pymethods]
impl Pkcs12 {
    /// Opens a file with its password, which may be empty.
    #[staticmethod]
    #[pyo3(signature = (data, *, password))]
    fn load(py: Python<'_>, data: Material, password: Material) -> Result<Self> {
        Ok(Self(released(py, || pki::Pkcs12::load(&data, &password))?))
    }

    /// The private key; None in a trust store.
    #[getter]
    fn key(&self, py: Python<'_>) -> Result<Option<PrivateKey>> {
        let Some(key) = self.0.key() else { return Ok(None) };
        Ok(Some(PrivateKey(released(py, || PrivateKey::copy_of(key))?)))
    }

    /// What the key is called: Java's alias of it.
    #[getter]
    fn friendly_name(&self) -> Option<&str> {
        self.0.friendly_name()
    }

    /// All certificates, each once: those of the key's chain first, leaf first, then the others.
    #[getter]
    fn certificates(&self, py: Python<'_>) -> Result<Vec<Certificate>> {
        Ok(released(py, || self.0.certificates())?.into_iter().map(Certificate).collect())
    }

    /// All certificates as authorities, as `Certificate.load_authorities` has them: those with a key that is not
    /// supported are left out and named.
    fn authorities(&self, py: Python<'_>) -> Result<(Vec<Certificate>, Vec<String>)> {
        let (authorities, left_out) = released(py, || self.0.authorities())?;
        Ok((authorities.into_iter().map(Certificate).collect(), left_out))
    }

    fn __repr__(&self) -> String {
        let name = self.0.friendly_name().map(|name| format!(" {name:?}")).unwrap_or_default();
        format!("<Pkcs12{name}>")
    }
}
