//! Codes, the transactions that they are for, and the bank's memory of them.

use otls::otp::{Attempt, CodeRequest};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use otls::crypto::SystemRandom;
use otls::otp;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt};
use zeroize::Zeroizing;

use super::receipt::Receipt;
use crate::convert::{Material, Moment, datetime, hash_of, hex, moment_or_now};
use crate::ending::released;
use crate::failure::{Failure, Result};

/// A one-time code. It prints as dots; `expose` returns the digits.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Code(pub(crate) Zeroizing<String>);

#[pymethods]
impl Code {
    /// The digits, to be shown to the customer.
    fn expose(&self) -> &str {
        &self.0
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __repr__(&self) -> &'static str {
        "<Code ••••••>"
    }
}

/// The identifier of an issued code; not secret.
///
/// `OtpId(text)` takes the 32 hexadecimal digits of `str(id)`.
#[pyclass(frozen, eq, hash, module = "otls")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct OtpId(pub(crate) otp::OtpId);

#[pymethods]
impl OtpId {
    #[new]
    fn new(text: &str) -> Result<Self> {
        u128::from_str_radix(text, 16)
            .ok()
            .filter(|_| text.len() == 32 && !text.starts_with('+'))
            .map(|number| Self(otp::OtpId(number.to_be_bytes())))
            .ok_or(Failure::misuse("not an identifier of a code", "pass its 32 hexadecimal digits"))
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.0)
    }

    fn __str__(&self) -> String {
        hex(&self.0.0)
    }

    fn __repr__(&self) -> String {
        format!("<OtpId {}>", hex(&self.0.0))
    }
}

/// The transaction that a code is for, as named fields, for example
/// `Context({"purpose": "transfer", "amount": "100000.00", "currency": "INR"})`. A `Transaction` makes one
/// with a template for the customer's text.
///
/// One changed character is another transaction, for which the code is not good.
#[pyclass(frozen, eq, module = "otls")]
#[derive(PartialEq, Eq)]
pub(crate) struct Context(pub(crate) otp::Context);

#[pymethods]
impl Context {
    fn __hash__(&self) -> u64 {
        hash_of(&self.0.encode())
    }

    #[new]
    fn new(fields: &Bound<'_, PyDict>) -> Result<Self> {
        let mut context = otp::Context::new();
        for (name, value) in fields {
            context = context.with(&name.extract::<String>()?, &value.extract::<String>()?)?;
        }
        Ok(Self(context))
    }

    /// The fields, in canonical order.
    #[getter]
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let fields = PyDict::new(py);
        for (name, value) in self.0.fields() {
            fields.set_item(name, value)?;
        }
        Ok(fields)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Context({})", self.fields(py)?.repr()?))
    }
}

/// A code that was just issued.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Issued(pub(crate) otp::Issued);

#[pymethods]
impl Issued {
    /// Its identifier.
    #[getter]
    fn id(&self) -> OtpId {
        OtpId(self.0.id)
    }

    /// The code; the ledger does not keep it.
    #[getter]
    fn code(&self) -> Code {
        Code(Zeroizing::new(self.0.code.expose().to_owned()))
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
}

/// The ledger's answer to a code: `kind` says which, and a wrong one has `attempts_left`.
#[pyclass(frozen, eq, hash, module = "otls")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Verdict {
    kind: &'static str,
    attempts_left: Option<u32>,
}

#[pymethods]
impl Verdict {
    #[new]
    #[pyo3(signature = (kind, attempts_left=None))]
    fn new(kind: &str, attempts_left: Option<u32>) -> Result<Self> {
        let known = KINDS.into_iter().find(|known| *known == kind);
        match (known, attempts_left) {
            (Some(kind), left) if (kind == "wrong") == left.is_some() => Ok(Self { kind, attempts_left }),
            _ => Err(Failure::misuse(
                "an unknown verdict, or attempts that do not go with it",
                "pass one of the kinds, and attempts_left for \"wrong\" alone",
            )),
        }
    }

    /// `"accepted"`, `"wrong"`, `"expired"`, `"used"`, `"locked"`, `"unknown"`, `"cancelled"` or `"not_a_code"`: what
    /// was typed cannot be a code, was not judged, and is no attempt.
    #[getter]
    fn kind(&self) -> &'static str {
        self.kind
    }

    /// Whether the code was right, in time, and for the first time.
    #[getter]
    fn accepted(&self) -> bool {
        self.kind == "accepted"
    }

    /// How many attempts are left after a wrong code.
    #[getter]
    fn attempts_left(&self) -> Option<u32> {
        self.attempts_left
    }

    fn __str__(&self) -> String {
        let kind = self.kind.replace('_', " ");
        match self.attempts_left {
            Some(1) => format!("{kind} (1 attempt left)"),
            Some(left) => format!("{kind} ({left} attempts left)"),
            None => kind,
        }
    }

    fn __repr__(&self) -> String {
        format!("<Verdict {}>", self.__str__())
    }
}

const KINDS: [&str; 8] =
    ["accepted", "wrong", "expired", "used", "locked", "unknown", "cancelled", "not_a_code"];

impl Verdict {
    pub(crate) fn from_core(verdict: otp::Verdict) -> Result<Self> {
        let (kind, attempts_left) = match verdict {
            otp::Verdict::Accepted => ("accepted", None),
            otp::Verdict::Wrong { attempts_left } => ("wrong", Some(attempts_left)),
            otp::Verdict::Expired => ("expired", None),
            otp::Verdict::Used => ("used", None),
            otp::Verdict::Locked => ("locked", None),
            otp::Verdict::Unknown => ("unknown", None),
            otp::Verdict::Cancelled => ("cancelled", None),
            otp::Verdict::NotACode => ("not_a_code", None),
            _ => return Err(otls::Error::Internal("a verdict that the bindings do not know").into()),
        };
        Ok(Self { kind, attempts_left })
    }

    pub(crate) fn to_core(&self) -> otp::Verdict {
        match self.kind {
            "accepted" => otp::Verdict::Accepted,
            "wrong" => otp::Verdict::Wrong { attempts_left: self.attempts_left.unwrap_or_default() },
            "expired" => otp::Verdict::Expired,
            "used" => otp::Verdict::Used,
            "locked" => otp::Verdict::Locked,
            "cancelled" => otp::Verdict::Cancelled,
            "not_a_code" => otp::Verdict::NotACode,
            _ => otp::Verdict::Unknown,
        }
    }
}

/// Issues codes and verifies each once. It remembers no code, only a keyed hash.
///
/// A ledger over the store that `address` names: `"memory:"`, `"sqlite:PATH"`, `"redis://HOST"` or
/// `"postgresql://HOST/DATABASE"`. `pepper` is a secret of at least 32 octets, kept apart from the
/// store; in memory it may be left out and is random then. A subject gets `issues` codes within a `window`, ten
/// minutes by default, and `subject_attempts` wrong tries in a row. What is no code of `length` characters of
/// `alphabet` is not judged: a ledger that only verifies needs the same.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Ledger(otp::Ledger);

#[pymethods]
impl Ledger {
    #[new]
    #[pyo3(signature = (
        address="memory:", *, pepper=None, former_peppers=None, subject_attempts=100, issues=30,
        window=None, alphabet="0123456789", length=6, audit_log=None, audit_key=None
    ))]
    fn new(
        py: Python<'_>,
        address: &str,
        pepper: Option<Material>,
        former_peppers: Option<Vec<Material>>,
        subject_attempts: u32,
        issues: u32,
        window: Option<Duration>,
        alphabet: &str,
        length: usize,
        audit_log: Option<PathBuf>,
        audit_key: Option<Material>,
    ) -> Result<Self> {
        let pepper = pepper.map(Material::into_secret);
        let former: Vec<_> =
            former_peppers.unwrap_or_default().into_iter().map(Material::into_secret).collect();
        let format = otp::CodeFormat::of(alphabet, length)?;
        let audit = match (audit_log, audit_key) {
            (Some(path), Some(key)) => Some((path, key.into_secret())),
            (None, None) => None,
            _ => {
                return Err(Failure::misuse(
                    "an audit log without its key, or a key without a log",
                    "pass audit_log and audit_key",
                ));
            }
        };
        let ledger = released(py, || {
            let window = window.unwrap_or(otp::Policy::default().window);
            let policy = otp::Policy { subject_attempts, issues, window };
            let ledger = otls_stores::open_ledger(address, pepper)?;
            let mut ledger = ledger.with_policy(policy)?.with_code_format(format);
            for pepper in &former {
                ledger.add_former_pepper(pepper)?;
            }
            if let Some((path, key)) = &audit {
                ledger = ledger.with_audit(Box::new(otp::AuditLog::open(path, key)?));
            }
            Ok::<_, otls::Error>(ledger)
        })?;
        Ok(Self(ledger))
    }

    /// Issues a code to `subject` for `context`, good for `lifetime`, two minutes by default, and `attempts` wrong
    /// tries.
    #[pyo3(signature = (subject, context, *, lifetime=None, attempts=3, now=None))]
    fn issue(
        &self,
        py: Python<'_>,
        subject: &str,
        context: &Context,
        lifetime: Option<Duration>,
        attempts: u32,
        now: Option<Moment>,
    ) -> Result<Issued> {
        let now = moment_or_now(now)?;
        Ok(Issued(released(py, || {
            self.0.issue(&asked(subject, context, lifetime, attempts), now, &SystemRandom)
        })?))
    }

    /// Issues a code in the place of one that did not arrive: that one is cancelled, and the wrong tries
    /// that it has seen count for the new one.
    #[pyo3(signature = (id, subject, context, *, lifetime=None, attempts=3, now=None))]
    fn resend(
        &self,
        py: Python<'_>,
        id: &OtpId,
        subject: &str,
        context: &Context,
        lifetime: Option<Duration>,
        attempts: u32,
        now: Option<Moment>,
    ) -> Result<Issued> {
        let now = moment_or_now(now)?;
        let issued = released(py, || {
            self.0.resend(&id.0, &asked(subject, context, lifetime, attempts), now, &SystemRandom)
        })?;
        Ok(Issued(issued))
    }

    /// Judges a code: one that is right is accepted once. That of another subject is `unknown`. A `receipt` is
    /// kept in the same step in which the code is accepted, and with no other verdict. One that is about another
    /// code or transaction, or declines, is an error, and no code is judged.
    ///
    /// The code is taken as people type it: blanks, hyphens and dashes do not count, full-width characters are
    /// those of ASCII, and a letter may have the other case where the alphabet has it in one. What then has
    /// another length or another character is `not_a_code`, and no attempt. A number is a `TypeError`, since
    /// leading zeros count.
    #[pyo3(signature = (id, subject, context, code, *, receipt=None, now=None))]
    fn verify(
        &self,
        py: Python<'_>,
        id: &OtpId,
        subject: &str,
        context: &Context,
        code: CodeText,
        receipt: Option<&Receipt>,
        now: Option<Moment>,
    ) -> Result<Verdict> {
        let (now, ledger, id, context, code) = (moment_or_now(now)?, &self.0, &id.0, &context.0, &code.0);
        let receipt = receipt.map(|receipt| &*receipt.0);
        let verdict = released(py, || match receipt {
            None => ledger.verify(&Attempt::new(id, subject, context, code), now),
            Some(receipt) => {
                ledger.verify(&Attempt::new(id, subject, context, code).with_receipt(receipt), now)
            }
        })?;
        Verdict::from_core(verdict)
    }

    /// Withdraws a code of `subject`: `cancelled`, or `used` or `unknown` where it is too late.
    #[pyo3(signature = (id, subject, *, now=None))]
    fn cancel(&self, py: Python<'_>, id: &OtpId, subject: &str, now: Option<Moment>) -> Result<Verdict> {
        let now = moment_or_now(now)?;
        Verdict::from_core(released(py, || self.0.cancel(&id.0, subject, now))?)
    }

    /// Withdraws a code that its customer has declined, and keeps in the same step what was signed.
    #[pyo3(signature = (id, subject, context, receipt, *, now=None))]
    fn decline(
        &self,
        py: Python<'_>,
        id: &OtpId,
        subject: &str,
        context: &Context,
        receipt: &Receipt,
        now: Option<Moment>,
    ) -> Result<Verdict> {
        let (now, receipt) = (moment_or_now(now)?, &*receipt.0);
        Verdict::from_core(released(py, || self.0.decline(&id.0, subject, &context.0, receipt, now))?)
    }

    /// What the customer has signed about a code that was issued to `subject`, if something was kept.
    fn receipt(&self, py: Python<'_>, id: &OtpId, subject: &str) -> Result<Option<Receipt>> {
        let kept = released(py, || self.0.receipt(&id.0, subject))?;
        Ok(kept.map(|kept| Receipt(Arc::new(kept))))
    }

    /// Forgets the receipts that were kept before a time, and returns how many. Nothing else forgets them.
    #[pyo3(signature = (before, *, now=None))]
    fn forget_receipts(&self, py: Python<'_>, before: Moment, now: Option<Moment>) -> Result<u64> {
        let (before, now) = (before.0, moment_or_now(now)?);
        Ok(released(py, || self.0.forget_receipts(before, now))?)
    }

    /// Locks a subject: it gets no codes, and none of its codes are accepted, until it is unlocked.
    #[pyo3(signature = (subject, *, now=None))]
    fn lock(&self, py: Python<'_>, subject: &str, now: Option<Moment>) -> Result<()> {
        let now = moment_or_now(now)?;
        Ok(released(py, || self.0.lock(subject, now))?)
    }

    /// Unlocks a subject that was locked or had too many wrong codes in a row.
    #[pyo3(signature = (subject, *, now=None))]
    fn unlock(&self, py: Python<'_>, subject: &str, now: Option<Moment>) -> Result<()> {
        let now = moment_or_now(now)?;
        Ok(released(py, || self.0.unlock(subject, now))?)
    }

    /// Forgets the codes that expired more than an hour ago, and returns how many. Receipts stay.
    #[pyo3(signature = (*, now=None))]
    fn expire(&self, py: Python<'_>, now: Option<Moment>) -> Result<u64> {
        let now = moment_or_now(now)?;
        Ok(released(py, || self.0.expire(now))?)
    }

    /// How many codes are `open`, `used`, `cancelled`, `locked` and `expired`, and how many
    /// `locked_subjects` there are.
    #[pyo3(signature = (*, now=None))]
    fn statistics<'py>(&self, py: Python<'py>, now: Option<Moment>) -> Result<Bound<'py, PyDict>> {
        let now = moment_or_now(now)?;
        let counted = released(py, || self.0.statistics(now))?;
        let counts = PyDict::new(py);
        for (name, count) in [
            ("open", counted.open),
            ("used", counted.used),
            ("cancelled", counted.cancelled),
            ("locked", counted.locked),
            ("expired", counted.expired),
            ("locked_subjects", counted.locked_subjects),
        ] {
            counts.set_item(name, count)?;
        }
        Ok(counts)
    }
}

/// A `Code` or what somebody has typed, copied and wiped.
pub(crate) struct CodeText(pub(crate) Zeroizing<String>);

impl<'a, 'py> FromPyObject<'a, 'py> for CodeText {
    type Error = PyErr;

    fn extract(obj: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(code) = obj.cast::<Code>() {
            return Ok(Self(code.get().0.clone()));
        }
        if obj.is_instance_of::<PyInt>() {
            return Err(PyTypeError::new_err(
                "a code as a number: leading zeros count, so pass it as str, for example \"012345\"",
            ));
        }
        let bytes: Material = obj.extract()?;
        core::str::from_utf8(&bytes)
            .map(|text| Self(Zeroizing::new(text.to_owned())))
            .map_err(|_| Failure::misuse("a code that is not text", "pass its digits").into())
    }
}

fn asked<'a>(
    subject: &'a str,
    context: &'a Context,
    lifetime: Option<Duration>,
    attempts: u32,
) -> CodeRequest<'a> {
    let request = CodeRequest::new(subject, &context.0).with_attempts(attempts);
    lifetime.map_or(request, |lifetime| request.with_lifetime(lifetime))
}
