//! The messages of the OTP protocol.

use std::sync::Arc;

use otls::Secret;
use otls::otp;
use pyo3::prelude::*;
use zeroize::Zeroizing;

use super::ledger::{Code, CodeText, Context, Issued, OtpId, Verdict};
use super::receipt::Receipt;
use super::transaction::Transaction;
use crate::convert::{Material, Moment, datetime, hex, moment_or_now};
use crate::failure::Result;

/// Bank to customer: the code and the text that is shown with it.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Envelope(pub(crate) otp::Envelope);

#[pymethods]
impl Envelope {
    #[new]
    #[pyo3(signature = (*, id, text, code, context, expires_at, issued_at=None))]
    fn new(
        id: &OtpId,
        text: Material,
        code: CodeText,
        context: &Context,
        expires_at: Moment,
        issued_at: Option<Moment>,
    ) -> Result<Self> {
        Ok(Self(otp::Envelope {
            id: id.0,
            text: text.into_secret(),
            code: secret(&code.0),
            context: context.0.clone(),
            issued_at: moment_or_now(issued_at)?,
            expires_at: moment_or_now(Some(expires_at))?,
        }))
    }

    /// For a code that was just issued for the context of `transaction`, with the text of its template.
    #[staticmethod]
    fn for_transaction(issued: &Issued, transaction: &Transaction) -> Result<Self> {
        Ok(Self(otp::Envelope::for_transaction(&issued.0, &transaction.transaction)?))
    }

    /// Which code.
    #[getter]
    fn id(&self) -> OtpId {
        OtpId(self.0.id)
    }

    /// The code.
    #[getter]
    fn code(&self) -> Code {
        Code(text(&self.0.code))
    }

    /// The text for the customer; it contains the code, so it is secret.
    fn expose_text(&self) -> String {
        text(&self.0.text).to_string()
    }

    /// The transaction.
    #[getter]
    fn context(&self) -> Context {
        Context(self.0.context.clone())
    }

    /// When it was issued.
    #[getter]
    fn issued_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.issued_at)
    }

    /// From this time on it is expired.
    #[getter]
    fn expires_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.expires_at)
    }

    fn __repr__(&self) -> String {
        format!("<Envelope {}>", hex(&self.0.id.0))
    }
}

/// Customer to bank: the code comes back, or without a code the customer declines.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Answer {
    id: otp::OtpId,
    code: Option<Secret>,
    receipt: Option<Py<Receipt>>,
}

#[pymethods]
impl Answer {
    #[new]
    #[pyo3(signature = (id, code=None, *, receipt=None))]
    fn new(id: &OtpId, code: Option<CodeText>, receipt: Option<Py<Receipt>>) -> Self {
        Self { id: id.0, code: code.map(|code| secret(&code.0)), receipt }
    }

    /// Which code.
    #[getter]
    fn id(&self) -> OtpId {
        OtpId(self.id)
    }

    /// What the customer returned; `None` from one who declines.
    #[getter]
    fn code(&self) -> Option<Code> {
        self.code.as_ref().map(|code| Code(text(code)))
    }

    /// What the customer has signed; on the bank's side it was checked, but for its transaction.
    #[getter]
    fn receipt(&self, py: Python<'_>) -> Option<Py<Receipt>> {
        self.receipt.as_ref().map(|receipt| receipt.clone_ref(py))
    }

    /// `"approved"` or `"declined"`.
    #[getter]
    fn decision(&self) -> &'static str {
        if self.code.is_some() { "approved" } else { "declined" }
    }
}

/// Bank to customer: what the ledger says.
#[pyclass(frozen, module = "otls")]
pub(crate) struct VerdictNotice {
    id: otp::OtpId,
    verdict: otp::Verdict,
}

#[pymethods]
impl VerdictNotice {
    #[new]
    fn new(id: &OtpId, verdict: &Verdict) -> Self {
        Self { id: id.0, verdict: verdict.to_core() }
    }

    /// Which code.
    #[getter]
    fn id(&self) -> OtpId {
        OtpId(self.id)
    }

    /// The outcome.
    #[getter]
    fn verdict(&self) -> Result<Verdict> {
        Verdict::from_core(self.verdict)
    }
}

/// Any of the three messages, as an argument.
#[derive(FromPyObject)]
pub(crate) enum AnyMessage {
    Envelope(Py<Envelope>),
    Answer(Py<Answer>),
    Verdict(Py<VerdictNotice>),
}

impl AnyMessage {
    pub(crate) fn to_core(&self) -> otp::Message {
        match self {
            Self::Envelope(envelope) => otp::Message::Envelope(copy(&envelope.get().0)),
            Self::Answer(answer) => {
                let answer = answer.get();
                otp::Message::Answer(otp::Answer {
                    id: answer.id,
                    code: answer.code.as_ref().map(|code| Secret::from(code.expose().to_vec())),
                    receipt: answer.receipt.as_ref().map(|receipt| receipt.get().0.signed().clone()),
                })
            }
            Self::Verdict(notice) => {
                let notice = notice.get();
                otp::Message::Verdict { id: notice.id, verdict: notice.verdict }
            }
        }
    }
}

/// A message that was received, as an object; with its receipt as it can be kept.
pub(crate) fn from_core(
    py: Python<'_>,
    message: otp::Message,
    receipt: Option<otp::Receipt>,
) -> PyResult<Bound<'_, PyAny>> {
    Ok(match message {
        otp::Message::Envelope(envelope) => Bound::new(py, Envelope(envelope))?.into_any(),
        otp::Message::Answer(otp::Answer { id, code, .. }) => {
            let receipt = receipt.map(|receipt| Py::new(py, Receipt(Arc::new(receipt)))).transpose()?;
            Bound::new(py, Answer { id, code, receipt })?.into_any()
        }
        otp::Message::Verdict { id, verdict } => Bound::new(py, VerdictNotice { id, verdict })?.into_any(),
    })
}

fn copy(envelope: &otp::Envelope) -> otp::Envelope {
    otp::Envelope {
        id: envelope.id,
        text: Secret::from(envelope.text.expose().to_vec()),
        code: Secret::from(envelope.code.expose().to_vec()),
        context: envelope.context.clone(),
        issued_at: envelope.issued_at,
        expires_at: envelope.expires_at,
    }
}

fn secret(text: &str) -> Secret {
    Secret::from(text.as_bytes().to_vec())
}

fn text(secret: &Secret) -> Zeroizing<String> {
    Zeroizing::new(String::from_utf8_lossy(secret.expose()).into_owned())
}
