//! Certificates and certificate requests.

use otls::crypto::SystemRandom;
use otls::pki;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::key::{PrivateKey, PublicKey};
use super::name::{self, DistinguishedName};
use crate::convert::{Material, datetime, hash, hash_of, hex, parse_each};
use crate::ending::released;
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
    /// Loads one certificate, PEM or DER; a file with anything beside it is refused.
    #[staticmethod]
    fn load(data: Material) -> Result<Self> {
        Ok(Self(pki::Certificate::load(&data)?))
    }

    /// Loads all certificates of a PEM bundle, in order; at least one. A file with anything else in it is
    /// refused.
    #[staticmethod]
    fn load_chain(data: Material) -> Result<Vec<Self>> {
        Ok(pki::Certificate::load_chain(&data)?.into_iter().map(Self).collect())
    }

    /// Loads the authorities of a bundle; those with a kind or size of key that is not supported are left
    /// out, and named in the second list.
    #[staticmethod]
    fn load_authorities(data: Material) -> Result<(Vec<Self>, Vec<String>)> {
        let (authorities, left_out) = pki::Certificate::load_authorities(&data)?;
        Ok((authorities.into_iter().map(Self).collect(), left_out))
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

    /// pathLenConstraint: how many authorities may stand below; `None` without one.
    #[getter]
    fn path_length(&self) -> Option<u8> {
        self.0.path_length()
    }

    /// KeyUsage, in the words of RFC 5280.
    #[getter]
    fn key_usages(&self) -> Vec<&'static str> {
        self.0.key_usages()
    }

    /// ExtendedKeyUsage: names, or dotted numbers.
    #[getter]
    fn extended_key_usages(&self) -> Vec<String> {
        self.0.extended_key_usages()
    }

    /// What it is signed with, as OpenSSL names it.
    #[getter]
    fn signature_algorithm(&self) -> String {
        self.0.signature_algorithm()
    }

    /// All of it for a person to read.
    fn to_text(&self) -> String {
        self.0.to_text()
    }

    /// SubjectKeyIdentifier.
    #[getter]
    fn subject_key_identifier(&self) -> Option<Vec<u8>> {
        self.0.subject_key_identifier().map(<[u8]>::to_vec)
    }

    /// AuthorityKeyIdentifier.
    #[getter]
    fn authority_key_identifier(&self) -> Option<Vec<u8>> {
        self.0.authority_key_identifier().map(<[u8]>::to_vec)
    }

    /// Where its issuer publishes revocation lists.
    #[getter]
    fn crl_urls(&self) -> Vec<String> {
        self.0.crl_urls().to_vec()
    }

    fn __repr__(&self) -> String {
        format!("<Certificate {} sha256={}>", self.0.subject(), self.fingerprint())
    }
}

/// A certificate request (PKCS#10): a subject, names and a public key, signed with its private key.
///
/// One that was loaded has a signature that verified: its sender has the private key.
#[pyclass(frozen, eq, module = "otls")]
pub(crate) struct CertificateRequest(pub(crate) pki::CertificateRequest);

impl PartialEq for CertificateRequest {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_der() == other.0.to_der()
    }
}

#[pymethods]
impl CertificateRequest {
    fn __hash__(&self) -> u64 {
        hash_of(self.0.to_der())
    }

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
        Ok(Self(released(py, || {
            pki::CertificateRequest::create(&key.0, &subject.0, &names, hash, &SystemRandom)
        })?))
    }

    /// Loads a request, PEM or DER, and checks its signature.
    #[staticmethod]
    fn load(py: Python<'_>, data: Material) -> Result<Self> {
        Ok(Self(released(py, || pki::CertificateRequest::load(&data))?))
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

    /// Whether it asks for an authority's certificate.
    #[getter]
    fn is_ca(&self) -> bool {
        self.0.is_ca()
    }

    /// What it is signed with, as OpenSSL names it.
    #[getter]
    fn signature_algorithm(&self) -> String {
        self.0.signature_algorithm()
    }

    /// ExtendedKeyUsage: names, or dotted numbers.
    #[getter]
    fn extended_key_usages(&self) -> Vec<String> {
        self.0.extended_key_usages()
    }

    /// pathLenConstraint: how many authorities may stand below; `None` without one.
    #[getter]
    fn path_length(&self) -> Option<u8> {
        self.0.path_length()
    }

    /// KeyUsage, in the words of RFC 5280.
    #[getter]
    fn key_usages(&self) -> Vec<&'static str> {
        self.0.key_usages()
    }

    /// What it asks for and `certificate`, which was issued for it, does not have: usages, constraints and
    /// attributes, and names where it is an authority's. What else is not issued of its subject and names is
    /// refused.
    fn left_out_of(&self, certificate: &Certificate) -> Vec<String> {
        self.0.left_out_of(&certificate.0)
    }

    /// All of it for a person to read.
    fn to_text(&self) -> String {
        self.0.to_text()
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

/// A list of revoked certificates.
#[pyclass(frozen, eq, module = "otls")]
pub(crate) struct Crl(pub(crate) pki::Crl);

impl PartialEq for Crl {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_der() == other.0.to_der()
    }
}

#[pymethods]
impl Crl {
    fn __hash__(&self) -> u64 {
        hash_of(self.0.to_der())
    }

    /// Loads one list, PEM or DER; a file with anything beside it is refused. Its signature is checked by
    /// whoever verifies with it.
    #[staticmethod]
    fn load(py: Python<'_>, data: Material) -> Result<Self> {
        Ok(Self(released(py, || pki::Crl::load(&data))?))
    }

    /// Loads all lists of a file, in order; at least one. A file with anything else in it is refused.
    #[staticmethod]
    fn load_all(py: Python<'_>, data: Material) -> Result<Vec<Self>> {
        Ok(released(py, || pki::Crl::load_all(&data))?.into_iter().map(Self).collect())
    }

    /// PEM.
    fn to_pem<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.to_pem().as_bytes())
    }

    /// DER.
    fn to_der<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.to_der())
    }

    /// Who signed it.
    #[getter]
    fn issuer(&self) -> DistinguishedName {
        DistinguishedName(self.0.issuer())
    }

    /// Its number, which grows from list to list.
    #[getter]
    fn number<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        integer(py, self.0.number())
    }

    /// When it was issued, in UTC.
    #[getter]
    fn this_update<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.this_update())
    }

    /// From then on it is stale, in UTC.
    #[getter]
    fn next_update<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.next_update())
    }

    /// The entries: serial number, time and reason of each.
    #[getter]
    fn revoked<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let entries: PyResult<Vec<_>> = self
            .0
            .revoked()
            .iter()
            .map(|entry| Ok((integer(py, &entry.serial)?, datetime(py, entry.at)?, entry.reason)))
            .collect();
        PyTuple::new(py, entries?)
    }

    /// All of it for a person to read.
    fn to_text(&self) -> String {
        self.0.to_text()
    }

    fn __contains__(&self, certificate: &Certificate) -> bool {
        self.0.issuer() == *certificate.0.issuer() && self.0.contains(certificate.0.serial())
    }

    fn __repr__(&self) -> String {
        format!("<Crl {}>", self.0.issuer())
    }
}
