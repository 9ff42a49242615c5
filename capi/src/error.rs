//! `otls_error`: why a call failed.

use std::ffi::{CStr, CString};

use libc::{c_char, size_t};

use super::failure::{Failure, value};
use super::pointer::Value;
use otls::error::{Error, ErrorCode};

/// Why a call failed. Every function that can fail takes an `otls_error **` as its last argument; it
/// may be NULL for a caller who needs no more than the code. Otherwise `*error` is overwritten without
/// being freed: with NULL if the call succeeds, with a new error for `otls_error_free` if it fails.
pub struct otls_error {
    code: ErrorCode,
    alert: i32,
    name: CString,
    message: CString,
    hint: CString,
    findings: Vec<Finding>,
}

/// One check that a certificate did not pass. The texts are UTF-8, end in NUL and belong to the error.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct otls_finding {
    /// The number of the candidate chain, from 0.
    pub candidate: i32,
    /// The depth of the certificate: 0 is the peer's own, each issuer one more.
    pub depth: i32,
    /// The subject of the certificate.
    pub subject: *const c_char,
    /// The check, for example `notAfter` or `issuer`.
    pub check: *const c_char,
    /// Why it was not passed, with the values that were compared.
    pub reason: *const c_char,
    /// What to do about it.
    pub hint: *const c_char,
}

/// The texts of an [`otls_finding`].
struct Finding {
    candidate: i32,
    depth: i32,
    subject: CString,
    check: CString,
    reason: CString,
    hint: CString,
}

impl otls_error {
    pub(super) fn describe(failure: &Failure) -> Self {
        let own = |code, message: String, hint: &str| Self {
            code,
            alert: NONE,
            name: c_text(code.name()),
            message: c_text(&message),
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
            name: c_text(error.code().name()),
            message: c_text(&error.to_string()),
            hint: c_text(&error.hint()),
            findings: report.map(|report| report.findings().map(Finding::of).collect()).unwrap_or_default(),
        }
    }

    pub(super) const fn number(&self) -> i32 {
        self.code.number()
    }
}

impl Finding {
    fn of(finding: &otls::error::Finding) -> Self {
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

    fn lend(&self) -> otls_finding {
        otls_finding {
            candidate: self.candidate,
            depth: self.depth,
            subject: self.subject.as_ptr(),
            check: self.check.as_ptr(),
            reason: self.reason.as_ptr(),
            hint: self.hint.as_ptr(),
        }
    }
}

/// The code that the call returned: one of the `OTLS_ERROR_` numbers. `OTLS_OK` for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_error_code(error: Option<&otls_error>) -> i32 {
    value(super::codes::OTLS_ERROR_INTERNAL, || error.map_or(super::codes::OTLS_OK, otls_error::number))
}

/// What went wrong: one line of UTF-8 that ends in NUL, without secrets. It belongs to the error. Empty
/// for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_error_message(error: Option<&otls_error>) -> *const c_char {
    value(c"".as_ptr(), || error.map_or(c"", |error| error.message.as_c_str()).as_ptr())
}

/// What to do about it, as `otls_error_message`; empty for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_error_hint(error: Option<&otls_error>) -> *const c_char {
    value(c"".as_ptr(), || error.map_or(c"", |error| error.hint.as_c_str()).as_ptr())
}

/// The alert that the peer sent, or that it gets from us: 0 to 255 (RFC 8446 section 6). -1 if there is
/// none, for errors of our own side, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_error_alert(error: Option<&otls_error>) -> i32 {
    value(NONE, || error.map_or(NONE, |error| error.alert))
}

/// One finding of the report that a refused certificate comes with: each candidate chain, and each check that it
/// did not pass; the first decides the code. 1 and `*finding`, or 0 behind the last, where no certificate was
/// refused, and for NULL: then its numbers are -1 and its texts empty. `index` counts from 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_error_finding(
    error: Option<&otls_error>,
    index: size_t,
    finding: *mut otls_finding,
) -> i32 {
    let empty = c"".as_ptr();
    let none = otls_finding {
        candidate: NONE,
        depth: NONE,
        subject: empty,
        check: empty,
        reason: empty,
        hint: empty,
    };
    // SAFETY: the caller keeps the rules for pointers.
    let finding = unsafe { Value::new(finding, none) };
    value(0, || {
        let found = error.and_then(|error| error.findings.get(index)).map(Finding::lend);
        found.into_iter().for_each(|one| finding.put(one));
        i32::from(found.is_some())
    })
}

/// Frees an error. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_error_free(error: Option<Box<otls_error>>) {
    value((), || drop(error));
}

/// The name of the code without its prefix, for example `DECRYPT_FAILED`, as `otls_error_message`. Empty
/// for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn otls_error_name(error: Option<&otls_error>) -> *const c_char {
    value(c"".as_ptr(), || error.map_or(c"", |error| error.name.as_c_str()).as_ptr())
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
