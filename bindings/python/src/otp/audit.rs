//! The audit log as a file: whether it is as it was written, and what to do where it is not.

use std::path::PathBuf;

use otls::otp;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert::{Material, Moment, moment_or_now};
use crate::ending::released;
use crate::failure::Result;

/// Checks a whole audit log: returns the number of events and the end of the chain, which shows later,
/// kept elsewhere, whether the log was put back to an older state.
#[pyfunction]
pub(crate) fn verify_audit_log<'py>(
    py: Python<'py>,
    path: PathBuf,
    key: Material,
) -> Result<(u64, Bound<'py, PyBytes>)> {
    let key = key.into_secret();
    let head = released(py, || otp::AuditLog::verify(&path, &key))?;
    Ok((head.count, PyBytes::new(py, &head.mac)))
}

/// What a repair of an audit log has found and done.
#[pyclass(frozen, get_all, module = "otls")]
pub(crate) struct AuditRepair {
    /// What was wrong, as `verify_audit_log` says it.
    reason: String,
    /// The number of events now, that of the repair included.
    count: u64,
    /// Octets behind the last good line, which are no longer in the log.
    dropped: u64,
    /// Lines that the log's head names and that were in it no more.
    missing: u64,
    /// The log as it was found.
    old: PathBuf,
}

#[pymethods]
impl AuditRepair {
    fn __repr__(&self) -> String {
        format!("<AuditRepair {}>", self.reason)
    }
}

/// Makes an audit log that can be opened of one that is refused: the lines up to the first that is not as it was
/// written stay, and an event says what was dropped. The log as it was found is kept beside it. `None` for one in
/// which nothing is wrong.
#[pyfunction]
#[pyo3(signature = (path, key, *, now=None))]
pub(crate) fn repair_audit_log(
    py: Python<'_>,
    path: PathBuf,
    key: Material,
    now: Option<Moment>,
) -> Result<Option<AuditRepair>> {
    let (key, now) = (key.into_secret(), moment_or_now(now)?);
    let repaired = released(py, || otp::AuditLog::repair(&path, &key, now))?;
    Ok(repaired.map(|repaired| {
        let otp::AuditRepair { reason, head, dropped, missing, old } = repaired;
        AuditRepair { reason, count: head.count, dropped, missing, old }
    }))
}
