//! What the customer has signed, and its file.

use otls::otp::Statement;
use std::sync::Arc;

use otls::crypto::SystemRandom;
use otls::otp;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::ledger::{Context, OtpId};
use super::message::Envelope;
use crate::connection::Connection;
use crate::convert::{Material, Moment, datetime, hash_of, hex, moment_or_now};
use crate::ending::released;
use crate::failure::{Failure, Result};
use crate::pki::authority::{Identity, TrustStore};
use crate::pki::certificate::Certificate;

/// A customer's signed decision about a transaction, with the certificates that go with it. No code is in
/// it, and none can be found from it.
#[pyclass(frozen, eq, module = "otls")]
pub(crate) struct Receipt(pub(crate) Arc<otp::Receipt>);

impl PartialEq for Receipt {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_pem() == other.0.to_pem()
    }
}

#[pymethods]
impl Receipt {
    fn __hash__(&self) -> u64 {
        hash_of(self.0.to_pem().as_bytes())
    }

    /// Signs a decision, `"approved"` or `"declined"`, about what `envelope` asks, with the connection's own
    /// identity; one that resumes another has none at hand, and needs `identity`.
    #[staticmethod]
    #[pyo3(signature = (connection, envelope, decision, *, identity=None, now=None))]
    fn sign(
        py: Python<'_>,
        connection: &Connection,
        envelope: &Envelope,
        decision: &str,
        identity: Option<&Identity>,
        now: Option<Moment>,
    ) -> Result<Self> {
        let now = moment_or_now(now)?;
        let answer = match decision {
            "approved" => otp::Answer::new(envelope.0.id, otls::Secret::from(Vec::new())),
            "declined" => otp::Answer::declined(envelope.0.id),
            _ => {
                return Err(Failure::misuse("an unknown decision", "pass \"approved\" or \"declined\""));
            }
        };
        let receipt = connection.with(py, |connection| {
            let signed = sign(connection, envelope, &answer, identity, now)?;
            otp::Receipt::new(signed, connection)
        })?;
        Ok(Self(Arc::new(receipt?)))
    }

    /// Reads a file exactly as `to_pem` wrote it. It proves nothing before `verify`.
    #[staticmethod]
    fn from_pem(data: Material) -> Result<Self> {
        Ok(Self(Arc::new(otp::Receipt::load(&data)?)))
    }

    /// The receipt with its certificates, to be kept.
    fn to_pem<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.to_pem().as_bytes())
    }

    /// Judges it without a connection: the certificates as a client's, at the receipt's own time, and the
    /// signature. Returns the customer's certificate.
    fn verify(&self, py: Python<'_>, trust: &TrustStore) -> Result<Certificate> {
        let customer = released(py, || self.0.verify(&trust.0))?;
        Ok(Certificate(customer.certificate().clone()))
    }

    /// Raises `OtpReceiptError`, which names what differs, unless it is about this transaction.
    fn check_context(&self, context: &Context) -> Result<()> {
        Ok(self.0.signed().check_context(&context.0)?)
    }

    /// Which code.
    #[getter]
    fn id(&self) -> OtpId {
        OtpId(self.0.signed().id())
    }

    /// `"approved"` or `"declined"`.
    #[getter]
    fn decision(&self) -> String {
        self.0.signed().decision().to_string()
    }

    /// When it was signed, by the customer's clock.
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.signed().time())
    }

    /// The transaction.
    #[getter]
    fn context(&self) -> Context {
        Context(self.0.signed().context().clone())
    }

    /// What the customer read, with dots for the code; `None` for a transaction without a template.
    #[getter]
    fn text(&self) -> Option<String> {
        self.0.signed().text()
    }

    /// The signature's scheme.
    #[getter]
    fn scheme(&self) -> String {
        self.0.signed().scheme().to_string()
    }

    /// The customer's certificates, leaf first; not judged.
    #[getter]
    fn chain(&self) -> Vec<Certificate> {
        self.0.chain().iter().cloned().map(Certificate).collect()
    }

    fn __repr__(&self) -> String {
        format!("<Receipt {} {}>", self.decision(), hex(&self.0.signed().id().0))
    }
}

/// Signs what `answer` says of `envelope`, with the connection's own identity unless told another.
pub(super) fn sign(
    connection: &otls::Connection,
    envelope: &Envelope,
    answer: &otp::Answer,
    identity: Option<&Identity>,
    now: otls::UnixTime,
) -> otls::Result<otp::SignedDecision> {
    let (envelope, random) = (&envelope.0, &SystemRandom);
    let Some(Identity(identity)) = identity else {
        return otp::SignedDecision::of_answer(connection, envelope, answer, now, random);
    };
    let context = envelope.context.clone();
    otp::SignedDecision::sign(
        connection,
        identity,
        Statement { id: envelope.id, context, decision: answer.decision(), time: now },
        random,
    )
}
