//! The one conversion of errors into the exceptions of `otls._errors`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use otls::ErrorCode;

/// What a function of this module fails with: an error of the core, or an exception that Python
/// raised while arguments were converted.
pub(crate) enum Failure {
    Core(otls::Error),
    Python(PyErr),
}

pub(crate) type Result<T, E = Failure> = core::result::Result<T, E>;

impl Failure {
    /// The caller's mistake, found before the core was asked.
    pub(crate) const fn misuse(what: &'static str, hint: &'static str) -> Self {
        Self::Core(otls::Error::ApiMisuse(otls::error::Misuse { what, hint }))
    }
}

impl From<otls::Error> for Failure {
    fn from(error: otls::Error) -> Self {
        Self::Core(error)
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Python(error) => error,
            Failure::Core(error) => {
                Python::attach(|py| exception(py, &error).unwrap_or_else(core::convert::identity))
            }
        }
    }
}

/// The exception for `error`: class, text, number, hint, alert and report.
pub(crate) fn exception(py: Python<'_>, error: &otls::Error) -> PyResult<PyErr> {
    static EXCEPTION_FOR: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let code = error.code();
    let made = EXCEPTION_FOR.import(py, "otls._errors", "exception_for")?.call1((
        code.number(),
        code.name(),
        error.to_string(),
        hint(error),
        error.alert().map(|alert| alert.to_string()),
        findings(error),
    ))?;
    Ok(PyErr::from_value(made))
}

/// What to do, in Python's words where the core has those of Rust and C.
fn hint(error: &otls::Error) -> String {
    let ours = [
        (ErrorCode::KeyPasswordRequired, "pass the key's password as password="),
        (ErrorCode::KeyWrongPassword, "check what is passed as password="),
        (ErrorCode::KeyPasswordNotNeeded, "leave password= out"),
    ];
    let found = ours.iter().find(|(code, _)| *code == error.code());
    found.map_or_else(|| error.hint(), |(_, hint)| (*hint).to_owned())
}

type Finding = (usize, usize, String, &'static str, String, String);

fn findings(error: &otls::Error) -> Vec<Finding> {
    let otls::Error::BadCertificate(report) = error else {
        return Vec::new();
    };
    report
        .findings()
        .map(|finding| {
            (
                finding.candidate,
                finding.depth,
                finding.subject.clone(),
                finding.check.name(),
                finding.reason.clone(),
                finding.hint.clone(),
            )
        })
        .collect()
}
