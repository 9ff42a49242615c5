//! Certificates and certificate requests.

use otls::crypto::SystemRandom;
use otls::pki;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::key::{PrivateKey, PublicKey};
use super::name::{self, DistinguishedName};
use crate::convert::{Material, datetime, hash, hex, parse_each};
use crate::failure::Result;

/// A certificate.
#[pyclass(frozen, eq, hash, module = "otls")]
pub(crate) struct Certificate(pub(crate) pki::Certificate);

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_der() == other.0.to_der()
    }
}

impl core::hash::Hash for Certificate {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.0.to_der().hash(state);
    }
}

#[pymethods]
impl Certificate {
    /// Loads one certificate, PEM or DER.
    #[staticmethod]
    fn load(data: Material) -> Result<Self> {
        Ok(Self(pki::Certificate::load(&data)?))
    }

    /// Loads all certificates of a PEM bundle, in order; at least one.
    #[staticmethod]
    fn load_chain(data: Material) -> Result<Vec<Self>> {
        Ok(pki::Certificate::load_chain(&data)?.into_iter().map(Self).collect())
    }

    /// PEM.
    fn to_pem<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.to_pem().as_bytes())
    }

    /// DER.
    fn to_der<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.to_der())
    }

    /// Whom it is for.
    #[getter]
    fn subject(&self) -> DistinguishedName {
        DistinguishedName(self.0.subject().clone())
    }

    /// Who signed it.
    #[getter]
    fn issuer(&self) -> DistinguishedName {
        DistinguishedName(self.0.issuer().clone())
    }

    /// The serial number.
    #[getter]
    fn serial<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        integer(py, self.0.serial())
    }

    /// From when it is valid, in UTC.
    #[getter]
    fn not_before<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.not_before())
    }

    /// Until when it is valid, in UTC.
    #[getter]
    fn not_after<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.not_after())
    }

    /// The alternative names: DNS names and IP addresses.
    #[getter]
    fn names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        names(py, self.0.names())
    }

    /// Whether it is an authority's.
    #[getter]
    fn is_ca(&self) -> bool {
        self.0.is_ca()
    }

    /// The public key.
    #[getter]
    fn public_key(&self) -> PublicKey {
        PublicKey(self.0.public_key().clone())
    }

    /// SHA-256 of the DER, in hexadecimal.
    #[getter]
    fn fingerprint(&self) -> String {
        hex(&self.0.fingerprint())
    }

    fn __repr__(&self) -> String {
        format!("<Certificate {} sha256={}>", self.0.subject(), self.fingerprint())
    }
}

/// A certificate request (PKCS#10): a subject, names and a public key, signed with its private key.
///
/// One that was loaded has a signature that verified: its sender has the private key.
#[pyclass(frozen, module = "otls")]
pub(crate) struct CertificateRequest(pub(crate) pki::CertificateRequest);

#[pymethods]
impl CertificateRequest {
    /// Makes and signs a request, with `hash` or the one that fits the key.
    #[staticmethod]
    #[pyo3(signature = (key, subject, *, names=None, hash=None))]
    fn create(
        py: Python<'_>,
        key: &PrivateKey,
        subject: &DistinguishedName,
        names: Option<&Bound<'_, PyAny>>,
        hash: Option<&str>,
    ) -> Result<Self> {
        let names = parse_each(names, name::parse)?.unwrap_or_default();
        let hash = self::hash(hash, &key.0)?;
        Ok(Self(
            py.detach(|| pki::CertificateRequest::create(&key.0, &subject.0, &names, hash, &SystemRandom))?,
        ))
    }

    /// Loads a request, PEM or DER, and checks its signature.
    #[staticmethod]
    fn load(py: Python<'_>, data: Material) -> Result<Self> {
        Ok(Self(py.detach(|| pki::CertificateRequest::load(&data))?))
    }

    /// PEM.
    fn to_pem<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.to_pem().as_bytes())
    }

    /// DER.
    fn to_der<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.to_der())
    }

    /// Whom the certificate shall be for.
    #[getter]
    fn subject(&self) -> DistinguishedName {
        DistinguishedName(self.0.subject().clone())
    }

    /// The alternative names that are asked for.
    #[getter]
    fn names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        names(py, self.0.names())
    }

    /// The public key.
    #[getter]
    fn public_key(&self) -> PublicKey {
        PublicKey(self.0.public_key().clone())
    }

    fn __repr__(&self) -> String {
        format!("<CertificateRequest {}>", self.0.subject())
    }
}

pub(crate) fn integer<'py>(py: Python<'py>, big_endian: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    py.get_type::<pyo3::types::PyInt>().call_method1("from_bytes", (PyBytes::new(py, big_endian), "big"))
}

fn names<'py>(py: Python<'py>, names: &[pki::GeneralName]) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, names.iter().map(ToString::to_string).collect::<Vec<_>>())
}
