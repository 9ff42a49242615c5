//! Codes as people type them, and as phones change them on the way.

use zeroize::Zeroizing;

/// The characters of a code of `len` characters of `alphabet`, which is ASCII without hyphens; `None` for what
/// cannot be one, whatever the right code is.
///
/// Left out is what stands between characters and is none of them: blanks, hyphens and dashes, and the
/// invisible marks that come along when a code is copied out of a text. A full-width character counts as the
/// one of ASCII that it is a form of, and a letter in the other case where the alphabet has it in one alone.
/// Digits of other scripts do not count: some look like another digit (U+09EA is a four and looks like 8).
pub(super) fn read(typed: &str, alphabet: &[u8], len: usize) -> Option<Zeroizing<String>> {
    // The capacity is final, so that growing leaves no copy behind.
    let mut code = Zeroizing::new(String::with_capacity(len));
    for character in typed.chars().filter(|character| !is_between(*character)) {
        if code.len() == len {
            return None;
        }
        let octet = u8::try_from(half_width(character)).ok()?;
        let known = [octet, other_case(octet)].into_iter().find(|octet| alphabet.contains(octet))?;
        code.push(char::from(known));
    }
    (code.len() == len).then_some(code)
}

/// What separates groups of characters, or shows nothing.
fn is_between(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            // Hyphens, dashes and the minus sign, some of which phones insert for the first.
            '-' | '\u{AD}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}'
            // Zero-width blanks and joiners, marks of direction (a text isolates its code with them), and the
            // byte order mark.
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
        )
}

/// The visible ASCII of which a character is the full-width form (U+FF01 to U+FF5E, one by one).
fn half_width(character: char) -> char {
    match character {
        '\u{FF01}'..='\u{FF5E}' => {
            u32::from(character).checked_sub(FULL_WIDTH).and_then(char::from_u32).unwrap_or(character)
        }
        _ => character,
    }
}

const fn other_case(octet: u8) -> u8 {
    if octet.is_ascii_lowercase() { octet.to_ascii_uppercase() } else { octet.to_ascii_lowercase() }
}

/// From a character of ASCII to its full-width form.
const FULL_WIDTH: u32 = 0xFEE0;

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(typed: &str) -> Option<String> {
        read(typed, b"0123456789", 6).map(|code| code.to_string())
    }

    #[test]
    fn what_stands_between_the_characters_is_left_out() {
        for typed in [
            "123456",
            " 123456 ",
            "123 456",
            "123-456\r\n",
            "1 2\t3\n4-5-6",
            "123\u{A0}456",
            "123\u{202F}456",
            "\u{3000}123456",
            "123\u{2010}456",
            "123\u{2011}456",
            "123\u{2013}456",
            "123\u{2014}456",
            "123 \u{2212} 456",
            "123\u{FF0D}456",
            "123\u{AD}456",
            "\u{2066}123456\u{2069}",
            "\u{FEFF}123\u{200B}456",
        ] {
            assert_eq!(digits(typed).as_deref(), Some("123456"), "{typed:?}");
        }
    }

    #[test]
    fn full_width_digits_are_digits_and_those_of_other_scripts_are_not() {
        assert_eq!(digits("１２３４５６").as_deref(), Some("123456"));
        assert_eq!(digits("１２３－456").as_deref(), Some("123456"));
        assert_eq!(digits("０９０９０９").as_deref(), Some("090909"));
        for typed in ["१२३४५६", "١٢٣٤٥٦", "12345৪", "𝟏𝟐𝟑𝟒𝟓𝟔", "①②③④⑤⑥", "12345²"]
        {
            assert_eq!(digits(typed), None, "{typed}");
        }
    }

    #[test]
    fn what_has_another_length_or_another_character_cannot_be_a_code() {
        for typed in [
            "",
            " ",
            "-",
            "12345",
            "1234567",
            "12345x",
            "12345+",
            "12345.",
            "12345\0",
            "+12345",
            "１２３４５",
        ] {
            assert_eq!(digits(typed), None, "{typed:?}");
        }
        assert_eq!(digits(&"1".repeat(1 << 20)), None);
    }

    #[test]
    fn a_letter_counts_in_either_case_where_the_alphabet_has_one() {
        let read = |typed, alphabet| read(typed, alphabet, 6).map(|code| code.to_string());
        assert_eq!(read("abc-d2Ｆ", b"ABCDEF2345").as_deref(), Some("ABCD2F"));
        assert_eq!(read("ABCD12", b"0123456789abcdef").as_deref(), Some("abcd12"));
        assert_eq!(read("abcdEF", b"ABCDEFabcdef").as_deref(), Some("abcdEF"));
        assert_eq!(read("abcdeg", b"ABCDEF2345"), None);
        // '[' and '{' are as far apart as letters of two cases.
        assert_eq!(read("[[[[[[", b"{}|~012345"), None);
    }
}
