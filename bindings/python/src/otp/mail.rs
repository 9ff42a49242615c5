//! The envelope for a customer who is not connected.

use otls::crypto::SystemRandom;
use otls::otp;
use otls::pki::VerifyOptions;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::message::Envelope;
use crate::convert::{Moment, Octets, moment_or_now};
use crate::ending::released;
use crate::failure::{Failure, Result};
use crate::pki::authority::{Identity, TrustStore, peer_role};
use crate::pki::certificate::Certificate;

/// An envelope that came by a push message, a mail box or a file, and the bank that has signed it.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Mail {
    envelope: Py<Envelope>,
    signer: otls::pki::Certificate,
}

#[pymethods]
impl Mail {
    /// Signs `envelope` together with the customer's certificate `recipient`, and encrypts it to it.
    #[staticmethod]
    #[pyo3(signature = (envelope, signer, recipient, *, now=None))]
    fn seal<'py>(
        py: Python<'py>,
        envelope: &Envelope,
        signer: &Identity,
        recipient: &Certificate,
        now: Option<Moment>,
    ) -> Result<Bound<'py, PyBytes>> {
        let now = moment_or_now(now)?;
        let sealed =
            released(py, || otp::Mail::seal(&envelope.0, &signer.0, &recipient.0, now, &SystemRandom))?;
        Ok(PyBytes::new(py, &sealed))
    }

    /// Opens what `seal` has made for `recipient`. The bank's certificate is judged as by
    /// `TrustStore.verify`: pass the bank's name as `server_name`, or a `role` where its signer is no server.
    /// `accept_free_text` as in `Channel`.
    #[staticmethod]
    #[pyo3(signature = (message, recipient, trust, *, server_name=None, role=None, accept_free_text=false, now=None))]
    fn open(
        py: Python<'_>,
        message: Octets,
        recipient: &Identity,
        trust: &TrustStore,
        server_name: Option<&str>,
        role: Option<&str>,
        accept_free_text: bool,
        now: Option<Moment>,
    ) -> Result<Self> {
        if (server_name, role) == (None, None) {
            // Not the clients that are the default elsewhere: any other customer could pass for the bank.
            return Err(Failure::misuse(
                "a mail that anybody may have signed",
                "pass the bank's name as server_name, or role= and look at the signer",
            ));
        }
        let (role, now) = (peer_role(server_name, role)?, moment_or_now(now)?);
        let open = if accept_free_text { otp::Mail::open_free_text } else { otp::Mail::open };
        let options = VerifyOptions::new(&trust.0, &role, now);
        let mail = released(py, || open(&message, &recipient.0, &options, &SystemRandom))?;
        let signer = mail.signer.certificate().clone();
        Ok(Self { envelope: Py::new(py, Envelope(mail.envelope))?, signer })
    }

    /// What the bank has sent.
    #[getter]
    fn envelope(&self, py: Python<'_>) -> Py<Envelope> {
        self.envelope.clone_ref(py)
    }

    /// The bank's certificate.
    #[getter]
    fn signer(&self) -> Certificate {
        Certificate(self.signer.clone())
    }

    fn __repr__(&self) -> String {
        format!("<Mail of {}>", self.signer.subject())
    }
}
