//! `otls_error`: why a call failed.

use std::ffi::{CStr, CString};

use libc::c_char;

use super::guard::{self, Failure};
use crate::error::{Error, ErrorCode};

/// Why a call failed. Every function that can fail takes an `otls_error **` as its last argument; it
/// may be NULL for a caller who needs no more than the code. Otherwise `*error` is overwritten without
/// being freed: with NULL if the call succeeds, with a new error for `otls_error_free` if it fails.
pub struct otls_error {
    code: ErrorCode,
    alert: i32,
    depth: i32,
    name: CString,
    message: CString,
    check: CString,
    hint: CString,
    findings: Vec<Finding>,
}

/// One failed check of a report, as C gets it.
pub(super) struct Finding {
    pub(super) candidate: i32,
    pub(super) depth: i32,
    pub(super) subject: CString,
    pub(super) check: CString,
    pub(super) reason: CString,
    pub(super) hint: CString,
}

impl otls_error {
    pub(super) fn describe(failure: &Failure) -> Self {
        let own = |code, message: String, hint: &str| Self {
            code,
            alert: NONE,
            depth: NONE,
            name: c_text(code.name()),
            message: c_text(&message),
            check: CString::default(),
            hint: c_text(hint),
            findings: Vec::new(),
        };
        match failure {
            Failure::Library(error) => Self::of_library(error),
            Failure::Null(name) => {
                let message = format!("the argument {name} is NULL");
                own(ErrorCode::NullPointer, message, "pass a pointer; only some may be NULL: see otls.h")
            }
            Failure::BufferTooSmall(name, needed) => {
                let message = format!("the buffer {name} is too small: {needed} elements are needed");
                own(ErrorCode::BufferTooSmall, message, "call again with a buffer of that size")
            }
            Failure::Poisoned => {
                let message = "the handle is out of use: an earlier call on it failed half way".to_owned();
                own(ErrorCode::Poisoned, message, "free it and make a new one")
            }
            Failure::Panicked => {
                let message = "a bug in otls; the handles of this call are out of use".to_owned();
                own(ErrorCode::Internal, message, "please report this as a bug")
            }
        }
    }

    fn of_library(error: &Error) -> Self {
        let report = if let Error::BadCertificate(report) = error { Some(report) } else { None };
        Self {
            code: error.code(),
            alert: error.alert().map_or(NONE, |alert| i32::from(alert.0)),
            depth: report.map_or(NONE, |report| i32::try_from(report.depth()).unwrap_or(i32::MAX)),
            name: c_text(error.code().name()),
            message: c_text(&error.to_string()),
            check: report.map(|report| c_text(report.check().name())).unwrap_or_default(),
            hint: c_text(&error.hint()),
            findings: report.map(|report| report.findings().map(Finding::of).collect()).unwrap_or_default(),
        }
    }

    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    pub(super) const fn number(&self) -> i32 {
        self.code.number()
    }
}

impl Finding {
    fn of(finding: &crate::error::Finding) -> Self {
        let number = |value: usize| i32::try_from(value).unwrap_or(i32::MAX);
        Self {
            candidate: number(finding.candidate),
            depth: number(finding.depth),
            subject: c_text(&finding.subject),
            check: c_text(finding.check.name()),
            reason: c_text(&finding.reason),
            hint: c_text(&finding.hint),
        }
    }
}

/// The code that the call returned: one of the `OTLS_ERROR_` numbers. `OTLS_OK` for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_error_code(error: Option<&otls_error>) -> i32 {
    guard::value(super::codes::OTLS_ERROR_INTERNAL, || {
        error.map_or(super::codes::OTLS_OK, otls_error::number)
    })
}

/// What went wrong: one line of UTF-8 that ends in NUL, without secrets. It belongs to the error. Empty
/// for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_error_message(error: Option<&otls_error>) -> *const c_char {
    guard::value(c"".as_ptr(), || error.map_or(c"", |error| error.message.as_c_str()).as_ptr())
}

/// What to do about it, as `otls_error_message`; empty where the message says all, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_error_hint(error: Option<&otls_error>) -> *const c_char {
    guard::value(c"".as_ptr(), || error.map_or(c"", |error| error.hint.as_c_str()).as_ptr())
}

/// The alert that the peer sent, or that it gets from us: 0 to 255 (RFC 8446 section 6). -1 if there is
/// none, for errors of our own side, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_error_alert(error: Option<&otls_error>) -> i32 {
    guard::value(NONE, || error.map_or(NONE, |error| error.alert))
}

/// The depth of the certificate that was refused: 0 is the peer's own, each issuer one more. -1 if no
/// certificate was refused, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_error_depth(error: Option<&otls_error>) -> i32 {
    guard::value(NONE, || error.map_or(NONE, |error| error.depth))
}

/// The check that a certificate did not pass, for example `notAfter` or `issuer`, as
/// `otls_error_message`. Empty if no certificate was refused, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_error_check(error: Option<&otls_error>) -> *const c_char {
    guard::value(c"".as_ptr(), || error.map_or(c"", |error| error.check.as_c_str()).as_ptr())
}

/// Frees an error. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_error_free(error: Option<Box<otls_error>>) {
    guard::value((), || drop(error));
}

/// The name of the code without its prefix, for example `DECRYPT_FAILED`, as `otls_error_message`. Empty
/// for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_error_name(error: Option<&otls_error>) -> *const c_char {
    guard::value(c"".as_ptr(), || error.map_or(c"", |error| error.name.as_c_str()).as_ptr())
}

/// The library's version, for example `0.1.0`: ASCII that ends in NUL and lives as long as
/// the program.
#[unsafe(no_mangle)]
pub extern "C" fn otls_version() -> *const c_char {
    VERSION.as_ptr()
}

const NONE: i32 = -1;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

fn c_text(text: &str) -> CString {
    // A peer's words may hold a NUL, at which C would stop reading.
    CString::new(text.replace('\0', "\u{FFFD}")).unwrap_or_default()
}
