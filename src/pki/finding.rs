//! Findings of a report.

use crate::error::{Check, Finding};

pub(super) fn finding(
    (depth, subject): (usize, String),
    check: Check,
    reason: impl Into<String>,
    hint: impl Into<String>,
) -> Finding {
    Finding { candidate: 0, depth, subject, check, reason: reason.into(), hint: hint.into() }
}
