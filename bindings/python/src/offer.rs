//! What the other side says before it is chosen.

use otls::codepoints::{CipherSuite, NamedGroup, SignatureScheme};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use crate::failure::{Failure, Result};

/// What a client offers. A server gets one; those of your own are for trying what chooses a configuration.
#[pyclass(frozen, eq, hash, module = "otls")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Offer(pub(crate) otls::Offer);

#[pymethods]
impl Offer {
    #[new]
    #[pyo3(signature = (suites, groups, schemes, server_name=None, alpn=None))]
    fn new(
        suites: Vec<String>,
        groups: Vec<String>,
        schemes: Vec<String>,
        server_name: Option<String>,
        alpn: Option<Vec<Bound<'_, PyString>>>,
    ) -> Result<Self> {
        let octets = |name: Bound<'_, PyString>| -> PyResult<Vec<u8>> {
            name.call_method1("encode", ("utf-8", "surrogateescape"))?.extract()
        };
        Ok(Self(otls::Offer {
            suites: numbers(&suites, CipherSuite::from_name, CipherSuite)?,
            groups: numbers(&groups, NamedGroup::from_name, NamedGroup)?,
            schemes: numbers(&schemes, SignatureScheme::from_name, SignatureScheme)?,
            server_name,
            alpn: alpn.unwrap_or_default().into_iter().map(octets).collect::<PyResult<_>>()?,
        }))
    }

    /// Names of cipher suites, most preferred first.
    #[getter]
    fn suites<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        names(py, &self.0.suites)
    }

    /// Names of groups, most preferred first.
    #[getter]
    fn groups<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        names(py, &self.0.groups)
    }

    /// Names of signature schemes.
    #[getter]
    fn schemes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        names(py, &self.0.schemes)
    }

    /// The server's name that the client asked for.
    #[getter]
    fn server_name(&self) -> Option<&str> {
        self.0.server_name.as_deref()
    }

    /// ALPN protocols, most preferred first. Octets that are no UTF-8 are escaped as in `os.fsdecode` (PEP 383).
    #[getter]
    fn alpn<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let names = self.0.alpn.iter().map(|name| protocol(py, name)).collect::<PyResult<Vec<_>>>()?;
        PyTuple::new(py, names)
    }
}

/// What a server asks a client's certificate to be. A client gets one; those of your own are for trying what
/// provides an identity.
#[pyclass(frozen, eq, hash, module = "otls")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct RequestedCertificate(pub(crate) otls::RequestedCertificate);

#[pymethods]
impl RequestedCertificate {
    #[new]
    #[pyo3(signature = (schemes, certificate_schemes=None, authorities=None))]
    fn new(
        schemes: Vec<String>,
        certificate_schemes: Option<Vec<String>>,
        authorities: Option<Vec<Vec<u8>>>,
    ) -> Result<Self> {
        let numbers = |names: Vec<String>| numbers(&names, SignatureScheme::from_name, SignatureScheme);
        Ok(Self(otls::RequestedCertificate {
            schemes: numbers(schemes)?,
            certificate_schemes: certificate_schemes.map(numbers).transpose()?,
            authorities: authorities.unwrap_or_default(),
        }))
    }

    /// Names of the signature schemes that the server accepts.
    #[getter]
    fn schemes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        names(py, &self.0.schemes)
    }

    /// Names of the signature schemes that it accepts in certificates; `None` where it does not tell them apart.
    #[getter]
    fn certificate_schemes<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        self.0.certificate_schemes.as_ref().map(|schemes| names(py, schemes)).transpose()
    }

    /// Subjects (DER) of the authorities that the server trusts; empty if it did not say.
    #[getter]
    fn authorities<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.authorities.iter().map(|name| PyBytes::new(py, name)).collect::<Vec<_>>())
    }
}

/// The name of an application protocol, which is any octets (RFC 7301 §3.1).
pub(crate) fn protocol<'py>(py: Python<'py>, name: &[u8]) -> PyResult<Bound<'py, PyString>> {
    PyString::from_encoded_object(&PyBytes::new(py, name), Some(c"utf-8"), Some(c"surrogateescape"))
}

/// What names stand for: registered ones, or numbers as those that nobody knows are shown, "0x1A1A".
fn numbers<T>(names: &[String], known: fn(&str) -> Option<T>, number: fn(u16) -> T) -> Result<Vec<T>> {
    let one = |name: &String| {
        let unknown = || u16::from_str_radix(name.strip_prefix("0x")?, 16).ok().map(number);
        known(name).or_else(unknown).ok_or_else(|| {
            Failure::misuse("a name that is not registered", "pass a registered name, or a number as 0x1A1A")
        })
    };
    names.iter().map(one).collect()
}

pub(crate) fn names<'py, T: ToString>(py: Python<'py>, list: &[T]) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, list.iter().map(ToString::to_string).collect::<Vec<_>>())
}
