//! Messages for somebody who is not connected.

use otls::cms;
use otls::crypto::SystemRandom;
use otls::pki::VerifyOptions;
use otls::{Secret, UnixTime};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert::{Moment, Octets, datetime, moment_or_now};
use crate::ending::released;
use crate::failure::Result;
use crate::pki::authority::{Identity, TrustStore, peer_role};
use crate::pki::certificate::Certificate;

/// A content, and who has signed it.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Verified {
    content: Secret,
    signer: otls::pki::Certificate,
    signed_at: Option<UnixTime>,
}

#[pymethods]
impl Verified {
    /// What was signed.
    #[getter]
    fn content<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.content.expose())
    }

    /// The certificate of who has signed it.
    #[getter]
    fn signer(&self) -> Certificate {
        Certificate(self.signer.clone())
    }

    /// When, as the signer says.
    #[getter]
    fn signed_at<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.signed_at.map(|time| datetime(py, time)).transpose()
    }

    fn __repr__(&self) -> String {
        format!("<Verified by {}>", self.signer.subject())
    }
}

impl From<cms::Verified> for Verified {
    fn from(verified: cms::Verified) -> Self {
        let signer = verified.signer.certificate().clone();
        Self { content: verified.content, signer, signed_at: verified.signed_at }
    }
}

/// Signs `content` and encrypts it to the holder of `recipient`: CMS (RFC 5652, RFC 5083) in DER, which
/// `openssl cms` reads. The recipient's certificate is taken as it is.
#[pyfunction]
#[pyo3(signature = (content, signer, recipient, *, now=None))]
pub(crate) fn cms_seal<'py>(
    py: Python<'py>,
    content: Octets,
    signer: &Identity,
    recipient: &Certificate,
    now: Option<Moment>,
) -> Result<Bound<'py, PyBytes>> {
    let now = moment_or_now(now)?;
    let sealed = released(py, || cms::seal(&content, &signer.0, &recipient.0, now, &SystemRandom))?;
    Ok(PyBytes::new(py, &sealed))
}

/// Opens what `cms_seal` or `openssl cms` has made: signed, then encrypted. The signer's certificate is judged
/// as by `TrustStore.verify`. Nothing comes out unless all of it is right.
#[pyfunction]
#[pyo3(signature = (message, recipient, trust, *, server_name=None, role=None, now=None))]
pub(crate) fn cms_open(
    py: Python<'_>,
    message: Octets,
    recipient: &Identity,
    trust: &TrustStore,
    server_name: Option<&str>,
    role: Option<&str>,
    now: Option<Moment>,
) -> Result<Verified> {
    let (role, now) = (peer_role(server_name, role)?, moment_or_now(now)?);
    let opened = released(py, || {
        cms::open(&message, &recipient.0, &VerifyOptions::new(&trust.0, &role, now), &SystemRandom)
    })?;
    Ok(opened.into())
}

/// Signs `content` for everybody to read: CMS SignedData that has the content and the signer's chain in it.
#[pyfunction]
#[pyo3(signature = (content, signer, *, now=None))]
pub(crate) fn cms_sign<'py>(
    py: Python<'py>,
    content: Octets,
    signer: &Identity,
    now: Option<Moment>,
) -> Result<Bound<'py, PyBytes>> {
    let now = moment_or_now(now)?;
    let signed = released(py, || cms::sign(&content, &signer.0, now, &SystemRandom))?;
    Ok(PyBytes::new(py, &signed))
}

/// Verifies what `cms_sign` or `openssl cms -sign` has made, DER or PEM, as `cms_open` does. `content` is what was
/// signed where it is not in the message (a detached signature).
#[pyfunction]
#[pyo3(signature = (message, trust, *, content=None, server_name=None, role=None, now=None))]
pub(crate) fn cms_verify(
    py: Python<'_>,
    message: Octets,
    trust: &TrustStore,
    content: Option<Octets>,
    server_name: Option<&str>,
    role: Option<&str>,
    now: Option<Moment>,
) -> Result<Verified> {
    let (role, now) = (peer_role(server_name, role)?, moment_or_now(now)?);
    let verified = released(py, || {
        let options = VerifyOptions::new(&trust.0, &role, now);
        match &content {
            Some(content) => cms::verify_detached(&message, content, &options),
            None => cms::verify(&message, &options),
        }
    })?;
    Ok(verified.into())
}
