//! The beginning of a text, for an error.

use super::shown;

/// The beginning of a text for an error, escaped: what is refused must not do what it is refused for.
pub(super) fn quoted(text: &str) -> String {
    let mut beginning: String = text.chars().take(MAX_QUOTED).collect();
    if beginning.len() < text.len() {
        beginning.push('…');
    }
    if shown::check_words(&beginning).is_ok() && !shown::turns(&beginning) {
        return format!("{beginning:?}");
    }
    format!("\"{}\"", beginning.escape_default())
}

/// Characters of a text that an error repeats.
const MAX_QUOTED: usize = 64;
