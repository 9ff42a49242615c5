//! Whom a code is for.

use crate::error::{Error, Result};

/// A customer's identifier, as the bank has it: 1 to 255 octets of UTF-8 without control characters and
/// line separators. Two are the same if their octets are.
///
/// The ledger's calls take text and make one of it before anything else happens, so that stores and audit
/// logs never see what they cannot hold.
///
/// ```
/// use otls::otp::Subject;
///
/// assert_eq!(Subject::new("asha")?.as_str(), "asha");
/// assert!(Subject::new("").is_err() && Subject::new("two\nlines").is_err());
/// assert!(Subject::new(&"x".repeat(256)).is_err());
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(String);

impl Subject {
    /// The most octets, in UTF-8.
    pub const MAX_LEN: usize = 255;

    /// An identifier.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for one that is empty or longer than [`Subject::MAX_LEN`], and for one with
    /// a control character or a line or paragraph separator: PostgreSQL has no text with a NUL, and a name
    /// that ends a line of a log can pass for another line.
    pub fn new(text: &str) -> Result<Self> {
        let breaks = |character: char| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}');
        if text.is_empty() || text.len() > Self::MAX_LEN || text.contains(breaks) {
            return Err(Error::misuse(
                "a subject has 1 to 255 octets of UTF-8, without control characters and line separators",
                "pass the customer's identifier",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::fmt::Display for Subject {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_has_the_length_that_every_store_and_log_can_hold() {
        for good in ["a", "Ä'\";\\--{otls}:subject:* $1 \u{10FFFF}", &"x".repeat(255), &"é".repeat(127)] {
            assert_eq!(Subject::new(good).unwrap().as_str(), good);
        }
        for bad in ["", &"x".repeat(256), &"é".repeat(128), &"x".repeat(5000)] {
            assert!(matches!(Subject::new(bad), Err(Error::ApiMisuse(_))), "{} octets", bad.len());
        }
    }

    #[test]
    fn what_ends_a_line_for_some_reader_is_in_no_subject() {
        for bad in ["\0", "\n", "\r", "\t", "\u{1B}", "\u{7F}", "\u{85}", "\u{2028}", "\u{2029}"] {
            assert!(Subject::new(&format!("as{bad}ha")).is_err(), "{bad:?}");
        }
    }
}
