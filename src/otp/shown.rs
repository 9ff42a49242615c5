//! What may stand in a text that a customer reads, and how a value is set apart from the words around it.
//!
//! The classes of characters are those of the Unicode Character Database, by way of `icu_properties`.

use icu_properties::props::{
    BidiClass, BinaryProperty as _, DefaultIgnorableCodePoint, EnumeratedProperty as _, GeneralCategory,
    GeneralCategoryGroup, JoiningType, Script,
};
use icu_properties::script::ScriptWithExtensions;
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::is_nfc;

/// Checks the words of a template, a free text or the name of a field: nothing in them is invisible, moves a
/// terminal's cursor, turns the order of what is read, or covers what stands beside it.
///
/// The error says what is wrong, to follow "it has".
pub(super) fn check_words(text: &str) -> Result<(), String> {
    if !is_nfc(text) {
        return Err("characters that are not in Unicode's normalization form C".to_owned());
    }
    if text.starts_with(' ') || text.ends_with(' ') || text.contains("  ") {
        return Err("a blank at its beginning or end, or two in a row".to_owned());
    }
    let characters: Vec<char> = text.chars().collect();
    let mut before: Option<char> = None;
    let mut marks = 0_usize;
    for (at, &character) in characters.iter().enumerate() {
        let (earlier, later) = characters.split_at(at);
        let belongs = match character {
            JOINER => follows_virama(earlier),
            NON_JOINER => follows_virama(earlier) || joins(earlier, later.get(1..).unwrap_or_default()),
            // RFC 5892 appendix A.6: the double quotation mark of Hebrew stands in a word of Hebrew.
            GERSHAYIM => before.is_some_and(|before| script_of(before) == Script::Hebrew),
            _ => unfit(character).map_or(Ok(true), |what| Err(named(character, what)))?,
        };
        if !belongs {
            return Err(named(character, "where its script has no use for it"));
        }
        if matches!(character, JOINER | NON_JOINER) {
            continue;
        }
        if GeneralCategoryGroup::Mark.contains(GeneralCategory::for_char(character)) {
            check_mark(character, before, &mut marks)?;
        } else {
            marks = 0;
        }
        before = Some(character);
    }
    Ok(())
}

/// Checks a value that is filled into a template: the words in it, that it cannot leave its quotation marks, and
/// that no word and no number is put together from look-alikes of several scripts.
pub(super) fn check_value(value: &str) -> Result<(), String> {
    check_words(value)?;
    if let Some(mark) = value.chars().find(|character| DOUBLE_QUOTES.contains(character)) {
        return Err(named(mark, "which looks like the quotation marks around a value"));
    }
    let mut after_single = false;
    for character in value.chars() {
        let single = SINGLE_QUOTES.contains(&character);
        if single && after_single {
            return Err(named(character, "twice, which looks like the quotation marks around a value"));
        }
        after_single = single;
    }
    // UTS #39 §5.3: mixed-number detection.
    let mut zeros = value.chars().filter_map(zero_of);
    if let Some(zero) = zeros.next()
        && zeros.any(|other| other != zero)
    {
        return Err("digits of more than one kind".to_owned());
    }
    let is_inside = |character: char| {
        matches!(character, JOINER | NON_JOINER) || {
            let category = GeneralCategory::for_char(character);
            GeneralCategoryGroup::Letter.contains(category)
                || GeneralCategoryGroup::Mark.contains(category)
                || GeneralCategoryGroup::Number.contains(category)
        }
    };
    match value.split(|character| !is_inside(character)).find(|word| !is_of_one_script(word)) {
        Some(word) => Err(format!("letters of several scripts in one word, {}", word.escape_unicode())),
        None => Ok(()),
    }
}

/// Whether a text has characters that are read from right to left, or numbers that are (UAX #9 §3.2): only such
/// ones, beside the formatting that [`check_words`] refuses, move anything.
pub(super) fn turns(text: &str) -> bool {
    let class = |character| BidiClass::for_char(character);
    text.chars().any(|character| {
        [BidiClass::RightToLeft, BidiClass::ArabicLetter, BidiClass::ArabicNumber].contains(&class(character))
    })
}

/// A value as it stands in the text: in quotation marks, unless it is plain, and in a text that `turns` isolated,
/// in the direction of its first letter (UAX #9 §2.4).
pub(super) fn set_apart(value: &str, turns: bool) -> String {
    let shown = if turns { isolated(FIRST_STRONG_ISOLATE, value) } else { value.to_owned() };
    if is_plain(value) { shown } else { format!("“{shown}”") }
}

/// An amount or a code, which the library itself has written: as it is, and in a text that `turns` isolated, from
/// left to right.
pub(super) fn number(number: &str, turns: bool) -> String {
    if turns { isolated(LEFT_TO_RIGHT_ISOLATE, number) } else { number.to_owned() }
}

/// Allocated once, so that growing leaves no copy of a code behind.
fn isolated(initiator: char, text: &str) -> String {
    let around = initiator.len_utf8().saturating_add(POP_ISOLATE.len_utf8());
    let mut isolated = String::with_capacity(text.len().saturating_add(around));
    isolated.push(initiator);
    isolated.push_str(text);
    isolated.push(POP_ISOLATE);
    isolated
}

/// Whether a value needs no quotation marks: a few words of Latin letters, which end no sentence and have no
/// number that could be taken for an amount or a code.
fn is_plain(value: &str) -> bool {
    let is_letter = |character: char| {
        GeneralCategoryGroup::CasedLetter.contains(GeneralCategory::for_char(character))
            && script_of(character) == Script::Latin
    };
    let is_word =
        |word: &str| word.split(['\'', '’', '-']).all(|part| !part.is_empty() && part.chars().all(is_letter));
    value.chars().count() <= MAX_PLAIN_LEN
        && value.split(' ').count() <= MAX_PLAIN_WORDS
        && value.split(' ').all(is_word)
}

/// Why a character is in no text, wherever it stands.
fn unfit(character: char) -> Option<&'static str> {
    if character == ' ' {
        return None;
    }
    let category = GeneralCategory::for_char(character);
    if category == GeneralCategory::Control {
        Some("a control character")
    } else if DefaultIgnorableCodePoint::for_char(character) || category == GeneralCategory::Format {
        Some("which is invisible or changes how others are shown")
    } else if GeneralCategoryGroup::Separator.contains(category) {
        Some("a blank that is not U+0020")
    } else if GeneralCategoryGroup::Other.contains(category) {
        Some("which has no meaning that is known here")
    } else if BLANK.contains(&character) {
        Some("which looks like nothing")
    } else if category == GeneralCategory::EnclosingMark || canonical_combining_class(character) == OVERLAY {
        Some("which is drawn over a letter")
    } else {
        None
    }
}

/// A mark stands on a letter or a number, and few stand on one (UTS #39 §5.4).
fn check_mark(mark: char, before: Option<char>, marks: &mut usize) -> Result<(), String> {
    let carries = before.is_some_and(|before| {
        let category = GeneralCategory::for_char(before);
        GeneralCategoryGroup::Letter.contains(category)
            || GeneralCategoryGroup::Mark.contains(category)
            || GeneralCategoryGroup::Number.contains(category)
    });
    if !carries {
        return Err(named(mark, "a mark without the letter that it belongs to"));
    }
    if GeneralCategory::for_char(mark) != GeneralCategory::NonspacingMark {
        *marks = 0;
        return Ok(());
    }
    *marks = marks.saturating_add(1);
    if before == Some(mark) || *marks > MAX_MARKS {
        return Err(named(mark, "in a pile of marks"));
    }
    Ok(())
}

/// RFC 5892 appendix A.1 and A.2: both joiners may follow a virama.
fn follows_virama(earlier: &[char]) -> bool {
    earlier.last().is_some_and(|before| canonical_combining_class(*before) == VIRAMA)
}

/// RFC 5892 appendix A.1: the non-joiner stands between two letters that would join.
fn joins(earlier: &[char], later: &[char]) -> bool {
    let kind = |character: &&char| JoiningType::for_char(**character);
    let beyond = |character: &&char| kind(character) != JoiningType::Transparent;
    let left = earlier.iter().rev().find(beyond);
    let right = later.iter().find(beyond);
    let left = left.is_some_and(|character| {
        [JoiningType::LeftJoining, JoiningType::DualJoining].contains(&kind(&character))
    });
    let right = right.is_some_and(|character| {
        [JoiningType::RightJoining, JoiningType::DualJoining].contains(&kind(&character))
    });
    left && right
}

/// Whether a word is of one script, or of those that are written together: Latin with Chinese, Japanese or Korean
/// (UTS #39 §5.2, "Highly Restrictive").
fn is_of_one_script(word: &str) -> bool {
    let scripts = ScriptWithExtensions::new();
    let is_of = |character: char, script: Script| {
        let own = scripts.get_script_extensions_val(character);
        own.contains(&Script::Common) || own.contains(&Script::Inherited) || own.contains(&script)
    };
    let is_within = |together: &[Script]| {
        word.chars().all(|character| together.iter().any(|script| is_of(character, *script)))
    };
    // One script that all have is one that the first of them has.
    let first = word.chars().find(|character| {
        let own = scripts.get_script_extensions_val(*character);
        !own.contains(&Script::Common) && !own.contains(&Script::Inherited)
    });
    let candidates = first.into_iter().flat_map(|first| scripts.get_script_extensions_val(first).iter());
    first.is_none()
        || candidates.into_iter().any(|script| is_within(&[script]))
        || WRITTEN_TOGETHER.iter().any(|together| is_within(together))
}

fn script_of(character: char) -> Script {
    ScriptWithExtensions::new().get_script_val(character)
}

/// The zero of the decimal digits that a digit is one of: each kind has ten code points in a row.
fn zero_of(digit: char) -> Option<u32> {
    let is_digit = |point: u32| {
        char::from_u32(point)
            .is_some_and(|character| GeneralCategory::for_char(character) == GeneralCategory::DecimalNumber)
    };
    let point = u32::from(digit);
    if !is_digit(point) {
        return None;
    }
    let first = (0..=point).rev().take_while(|point| is_digit(*point)).last()?;
    // Mathematical digits are five kinds in a row (U+1D7CE to U+1D7FF).
    Some(point.saturating_sub(point.saturating_sub(first) % 10))
}

fn named(character: char, what: &str) -> String {
    format!("U+{:04X}, {what}", u32::from(character))
}

const NON_JOINER: char = '\u{200C}';
const JOINER: char = '\u{200D}';
const LEFT_TO_RIGHT_ISOLATE: char = '\u{2066}';
const FIRST_STRONG_ISOLATE: char = '\u{2068}';
const POP_ISOLATE: char = '\u{2069}';
const GERSHAYIM: char = '\u{05F4}';

/// Values of Canonical_Combining_Class (UAX #44 §5.7.4).
const OVERLAY: u8 = 1;
const VIRAMA: u8 = 9;

/// Characters that are neither blanks nor ignorable to Unicode and show nothing all the same, or stand for what
/// is not there: Braille without a dot, a musical note without its head, blanks of hieroglyphs, the filler of
/// Khitan, and the two replacement characters.
const BLANK: [char; 7] =
    ['\u{2800}', '\u{1D159}', '\u{13441}', '\u{13442}', '\u{16FE4}', '\u{FFFC}', '\u{FFFD}'];

/// What is taken for a double quotation mark (confusables.txt of UTS #39, and the ornaments).
const DOUBLE_QUOTES: [char; 26] = [
    '"',
    '“',
    '”',
    '„',
    '‟',
    '\u{02BA}',
    '\u{02DD}',
    '\u{02EE}',
    '\u{02F6}',
    '\u{1CD3}',
    '″',
    '‴',
    '‶',
    '‷',
    '⁗',
    '〃',
    '❝',
    '❞',
    '❠',
    '〝',
    '〞',
    '〟',
    '\u{1F676}',
    '\u{1F677}',
    '\u{1F678}',
    '＂',
];

/// What two of are taken for one.
const SINGLE_QUOTES: [char; 22] = [
    '\'', '`', '´', '‘', '’', '‚', '‛', '′', '‵', '\u{02B9}', '\u{02BB}', '\u{02BC}', '\u{02BD}', '\u{02C8}',
    '\u{02CA}', '\u{02CB}', '\u{02F4}', '\u{05F3}', '\u{07F4}', '\u{07F5}', '＇', '｀',
];

const WRITTEN_TOGETHER: [&[Script]; 3] = [
    &[Script::Latin, Script::Han, Script::Hiragana, Script::Katakana],
    &[Script::Latin, Script::Han, Script::Bopomofo],
    &[Script::Latin, Script::Han, Script::Hangul],
];

/// Nonspacing marks in a row (UTS #39 §5.4).
const MAX_MARKS: usize = 4;

/// A plain value is as short as "your friend's account": what is longer can be a sentence.
const MAX_PLAIN_WORDS: usize = 3;
const MAX_PLAIN_LEN: usize = 32;

#[cfg(test)]
mod tests;
