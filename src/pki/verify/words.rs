//! How a report writes names, purposes and octets: bounded, whatever a peer's certificate holds.

use core::fmt::{self, Write as _};

use der::oid::ObjectIdentifier;

use super::super::Certificate;

/// The most names or authorities that a reason lists.
pub(super) const MAX_LISTED: usize = 5;
/// The most characters of a name.
const MAX_NAME_CHARS: usize = 128;

pub(super) fn purpose_name(purpose: &ObjectIdentifier) -> &'static str {
    super::super::extensions::purpose_name(purpose).unwrap_or("another purpose")
}

/// The beginning of a name; no more of it is written than is shown.
pub(super) fn shown(name: &impl fmt::Display) -> String {
    let mut text = Shortened { text: String::new(), left: MAX_NAME_CHARS };
    if write!(text, "{name}").is_err() {
        text.text.push('…');
    }
    text.text
}

pub(super) fn identified(certificate: &Certificate) -> String {
    let fingerprint = certificate.fingerprint();
    format!(
        "{} (fingerprint {})",
        shown(certificate.subject()),
        hex(fingerprint.get(..8).unwrap_or_default())
    )
}

/// The first of `count` things in words, and how many more there are.
pub(super) fn listed<T>(things: &[T], count: usize, word: impl Fn(&T) -> String) -> String {
    let mut list: Vec<String> = things.iter().take(MAX_LISTED).map(word).collect();
    if let Some(more @ 1..) = count.checked_sub(MAX_LISTED) {
        list.push(format!("and {more} more"));
    }
    list.join(", ")
}

/// The end of a serial number or the like, of which a peer may have made thousands of octets.
pub(super) fn hex(octets: &[u8]) -> String {
    let (dots, octets) = match octets.len().checked_sub(MAX_HEX_OCTETS) {
        Some(from @ 1..) => ("…", octets.get(from..).unwrap_or_default()),
        _ => ("", octets),
    };
    octets.iter().fold(dots.to_owned(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// RFC 5280 §4.1.2.2: a serial number has at most 20; a hash may have 64.
const MAX_HEX_OCTETS: usize = 64;

/// Takes so many characters and then ends the writing.
struct Shortened {
    text: String,
    left: usize,
}

impl fmt::Write for Shortened {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match text.char_indices().nth(self.left) {
            Some((end, _)) => {
                self.text.push_str(text.get(..end).unwrap_or_default());
                self.left = 0;
                Err(fmt::Error)
            }
            None => {
                self.text.push_str(text);
                self.left = self.left.saturating_sub(text.chars().count());
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_where_it_is_written() {
        assert_eq!(shown(&"short"), "short");
        assert_eq!(shown(&"ä".repeat(128)), "ä".repeat(128));
        assert_eq!(shown(&"ä".repeat(129)), format!("{}…", "ä".repeat(128)));
        /// Never ends.
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("ab")?;
                }
            }
        }
        assert_eq!(shown(&Endless), format!("{}…", "ab".repeat(64)));
    }

    #[test]
    fn octets_and_lists_are_bounded() {
        assert_eq!(hex(&[0, 0xAB]), "00ab");
        assert_eq!(hex(&[1; 65]), format!("…{}", "01".repeat(64)));
        assert_eq!(listed(&[1, 2], 2, i32::to_string), "1, 2");
        assert_eq!(listed(&[1, 2, 3, 4, 5, 6], 7, i32::to_string), "1, 2, 3, 4, 5, and 2 more");
    }
}
