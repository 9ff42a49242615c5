//! Why something cannot be explained.

use std::fmt;

/// What was given is not what can be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    what: String,
    hint: &'static str,
    file: Option<usize>,
    line: Option<usize>,
}

impl Refused {
    pub(crate) fn new(what: &str, hint: &'static str) -> Self {
        Self { what: what.to_owned(), hint, file: None, line: None }
    }

    /// As it is about this file, counted from 0, and this line, counted from 1.
    pub(crate) const fn at(mut self, file: usize, line: usize) -> Self {
        self.file = Some(file);
        self.line = Some(line);
        self
    }

    /// Which of the files that were given, counted from 0, where it is one of several.
    pub const fn file(&self) -> Option<usize> {
        self.file
    }

    /// The line of that file, counted from 1, where it is about one.
    pub const fn line(&self) -> Option<usize> {
        self.line
    }

    /// What to do about it.
    pub const fn hint(&self) -> &'static str {
        self.hint
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.what)
    }
}

impl std::error::Error for Refused {}
