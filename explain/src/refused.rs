//! Why something cannot be explained.

use std::fmt;

/// What was given is not what can be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    what: String,
    hint: &'static str,
    file: Option<usize>,
}

impl Refused {
    pub(crate) fn new(what: &str, hint: &'static str) -> Self {
        Self { what: what.to_owned(), hint, file: None }
    }

    /// Which of the files that were given, counted from 0, where it is one of several.
    pub const fn file(&self) -> Option<usize> {
        self.file
    }

    /// What to do about it.
    pub const fn hint(&self) -> &'static str {
        self.hint
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Refused {}
