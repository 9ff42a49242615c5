//! What a file turned out to be.

use core::fmt;
use std::borrow::Cow;

/// What a file holds where something else was wanted, and what makes of it what is taken.
///
/// ```
/// use otls::{Error, error::CertificateError, pki::Certificate};
///
/// let Err(Error::Certificate(CertificateError::NotFound(found))) = Certificate::load(b"<html>") else {
///     unreachable!()
/// };
/// assert_eq!(found.what(), "the data is a web page");
/// assert!(found.hint().starts_with("fetch the file itself"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    what: Cow<'static, str>,
    hint: &'static str,
}

impl Found {
    pub(crate) fn new(what: impl Into<Cow<'static, str>>, hint: &'static str) -> Self {
        Self { what: what.into(), hint }
    }

    /// What it is.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do with it, often a command that reads FILE and writes NEW; empty where nothing is known.
    pub fn hint(&self) -> &'static str {
        self.hint
    }

    /// What to do with it, or else `other`.
    pub(super) fn hint_or(&self, other: &'static str) -> &'static str {
        if self.hint.is_empty() { other } else { self.hint }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}
