//! The messages of the OTP protocol.

use otls::Secret;
use otls::otp;
use pyo3::prelude::*;
use zeroize::Zeroizing;

use super::ledger::{Code, CodeText, Context, OtpId, Verdict};
use crate::convert::{Moment, datetime, hex, moment_or_now};
use crate::failure::Result;

/// Bank to customer: the code and the text that is shown with it.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Envelope(pub(super) otp::Envelope);

#[pymethods]
impl Envelope {
    #[new]
    #[pyo3(signature = (*, id, text, code, context, expires_at, issued_at=None))]
    fn new(
        id: &OtpId,
        text: CodeText,
        code: CodeText,
        context: &Context,
        expires_at: Moment,
        issued_at: Option<Moment>,
    ) -> Result<Self> {
        Ok(Self(otp::Envelope {
            id: id.0,
            text: secret(&text.0),
            code: secret(&code.0),
            context: context.0.clone(),
            issued_at: moment_or_now(issued_at)?,
            expires_at: moment_or_now(Some(expires_at))?,
        }))
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

/// Customer to bank: the code comes back.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Answer {
    id: otp::OtpId,
    code: Secret,
}

#[pymethods]
impl Answer {
    #[new]
    fn new(id: &OtpId, code: CodeText) -> Self {
        Self { id: id.0, code: secret(&code.0) }
    }

    /// Which code.
    #[getter]
    fn id(&self) -> OtpId {
        OtpId(self.id)
    }

    /// What the customer returned.
    #[getter]
    fn code(&self) -> Code {
        Code(text(&self.code))
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
                otp::Message::Answer { id: answer.id, code: Secret::from(answer.code.expose().to_vec()) }
            }
            Self::Verdict(notice) => {
                let notice = notice.get();
                otp::Message::Verdict { id: notice.id, verdict: notice.verdict }
            }
        }
    }
}

/// A message that was received, as an object.
pub(crate) fn from_core(py: Python<'_>, message: otp::Message) -> PyResult<Bound<'_, PyAny>> {
    Ok(match message {
        otp::Message::Envelope(envelope) => Bound::new(py, Envelope(envelope))?.into_any(),
        otp::Message::Answer { id, code } => Bound::new(py, Answer { id, code })?.into_any(),
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
