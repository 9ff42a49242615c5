use super::*;

fn refused(value: &str) -> String {
    check_value(value).err().unwrap_or_else(|| panic!("accepted: {}", value.escape_unicode()))
}

#[test]
fn names_of_the_world_are_accepted() {
    for value in [
        "your friend's account",
        "Müller & Söhne GmbH",
        "A.B. Traders (Pvt.) Ltd., No. 5/7",
        "ООО «Ромашка»",
        "Ελένη",
        "Հայկ",
        "שלום בע״מ",
        "ל-VISA",
        "شركة النور ١٢٣",
        "می\u{200C}خواهم",
        "मीरा शर्मा",
        "क\u{94D}\u{200D}ष",
        "ශ\u{DCA}\u{200D}රී",
        "ক্ষমা ৪৫",
        "நன்றி",
        "สมชาย ใจดี",
        "ကျွန်ုပ်",
        "បញ្ជី",
        "བཀྲ་ཤིས",
        "Nguyễn Thị Ánh",
        "SBI銀行",
        "三菱UFJ銀行",
        "ヤマダ タロウ",
        "東京スカイツリー",
        "삼성전자",
        "LG전자",
        "🏦 Bank",
        "ẹ\u{300}kọ\u{301}",
    ] {
        assert_eq!(check_value(value), Ok(()), "{value}");
    }
}

#[test]
fn what_nobody_sees_and_what_changes_the_rest_is_refused() {
    let invisible = [
        // Controls, and blanks that are not U+0020.
        "\0",
        "\t",
        "\n",
        "\r",
        "\u{1B}",
        "\u{7F}",
        "\u{85}",
        "\u{A0}",
        "\u{1680}",
        "\u{2003}",
        "\u{2028}",
        "\u{2029}",
        "\u{202F}",
        "\u{205F}",
        "\u{3000}",
        // UAX #9 and "Trojan Source": marks, embeddings, overrides, isolates.
        "\u{61C}",
        "\u{200E}",
        "\u{200F}",
        "\u{202A}",
        "\u{202B}",
        "\u{202C}",
        "\u{202D}",
        "\u{202E}",
        "\u{2066}",
        "\u{2067}",
        "\u{2068}",
        "\u{2069}",
        // Default-ignorable: hyphens, joiners of nothing, selectors, tags, fillers.
        "\u{AD}",
        "\u{34F}",
        "\u{115F}",
        "\u{1160}",
        "\u{17B4}",
        "\u{180B}",
        "\u{180E}",
        "\u{200B}",
        "\u{200C}",
        "\u{200D}",
        "\u{2060}",
        "\u{2061}",
        "\u{206A}",
        "\u{3164}",
        "\u{FE00}",
        "\u{FE0F}",
        "\u{FEFF}",
        "\u{FFA0}",
        "\u{FFF0}",
        "\u{1BCA0}",
        "\u{1D173}",
        "\u{E0001}",
        "\u{E0041}",
        "\u{E0100}",
        "\u{E0FFF}",
        // Format characters that Unicode does not ignore.
        "\u{600}",
        "\u{6DD}",
        "\u{70F}",
        "\u{FFF9}",
        "\u{110BD}",
        "\u{13430}",
        // Blank all the same, and replacements of what is not there.
        "\u{2800}",
        "\u{1D159}",
        "\u{13441}",
        "\u{16FE4}",
        "\u{FFFC}",
        "\u{FFFD}",
        // Without a meaning: private, unassigned, no character.
        "\u{E000}",
        "\u{F8FF}",
        "\u{378}",
        "\u{FDD0}",
        "\u{FFFE}",
        "\u{10FFFF}",
        "\u{F0000}",
        // Drawn over letters.
        "\u{20DD}",
        "\u{20E0}",
        "\u{20E3}",
        "\u{336}",
        "\u{338}",
        "\u{489}",
    ];
    for character in invisible {
        for value in [format!("fri{character}end"), character.to_owned(), format!("friend{character}")] {
            assert!(check_words(&value).is_err(), "{}", value.escape_unicode());
            assert!(refused(&value).starts_with("U+") || character.contains('\u{338}'));
        }
    }
    for (character, what) in
        [("\t", "control character"), ("\u{600}", "invisible"), ("\u{E000}", "no meaning")]
    {
        assert!(refused(&format!("a{character}b")).contains(what), "{}", character.escape_unicode());
    }
    // No other character is a blank to Rust's own table, or a control character.
    for character in (0..=0x0010_FFFF).filter_map(char::from_u32) {
        if character != ' ' && (character.is_whitespace() || character.is_control()) {
            assert!(check_words(&format!("a{character}b")).is_err(), "{:04X}", u32::from(character));
        }
    }
}

#[test]
fn blanks_alone_and_blanks_that_push_are_refused() {
    for value in [" ", "  ", " friend", "friend ", "my  friend"] {
        assert!(refused(value).contains("blank"), "{value:?}");
    }
}

#[test]
fn joiners_stand_where_their_script_needs_them() {
    for value in [
        "fri\u{200D}end",
        "fri\u{200C}end",
        "\u{200C}می",
        "می\u{200C}",
        "می\u{200D}خواهم",
        "مد\u{200C}یر",
        "मी\u{200D}रा",
        "क\u{94D}\u{200D}\u{200D}ष",
        "👩\u{200D}💻",
        "می\u{200C}\u{200C}خواهم",
    ] {
        assert!(refused(value).starts_with("U+200"), "{}", value.escape_unicode());
    }
}

#[test]
fn a_quotation_mark_of_hebrew_stands_in_a_word_of_hebrew_alone() {
    for value in ["a״b", "״", "5״", "שלום ״ב", "ش״ב"] {
        assert!(refused(value).starts_with("U+05F4"), "{value}");
    }
}

#[test]
fn whatever_looks_like_a_quotation_mark_is_refused() {
    let double =
        "\"“”„‟\u{02BA}\u{02DD}\u{02EE}\u{02F6}\u{1CD3}″‴‶‷⁗〃❝❞❠〝〞〟\u{1F676}\u{1F677}\u{1F678}＂";
    for mark in double.chars() {
        assert!(refused(&format!("a{mark}b")).contains("quotation marks"), "{mark}");
    }
    let single = "'`´‘’‚‛′‵\u{02B9}\u{02BB}\u{02BC}\u{02BD}\u{02C8}\u{02CA}\u{02CB}\u{02F4}\u{05F3}\u{07F4}\u{07F5}＇｀";
    for mark in single.chars() {
        assert!(refused(&format!("a{mark}{mark}b")).contains("quotation marks"), "{mark}");
        assert!(refused(&format!("a'{mark}b")).contains("quotation marks"), "{mark}");
    }
}

#[test]
fn marks_stand_on_letters_and_few_on_one() {
    for (value, what) in [
        ("\u{301}friend", "without the letter"),
        ("my \u{301}friend", "without the letter"),
        ("(\u{301})", "without the letter"),
        ("\u{93E}", "without the letter"),
        ("q\u{301}\u{301}", "pile"),
        ("q\u{302}\u{301}\u{303}\u{304}\u{305}", "pile"),
        ("e\u{301}", "normalization form C"),
        ("\u{212B}", "normalization form C"),
        ("q\u{301}\u{323}", "normalization form C"),
    ] {
        assert!(refused(value).contains(what), "{}: {}", value.escape_unicode(), refused(value));
    }
    assert_eq!(check_value("q\u{302}\u{301}\u{303}\u{304}"), Ok(()));
}

/// Cases of UTS #39 and UTS #55: one letter of another script in a word, and digits that look like others.
#[test]
fn a_word_or_number_of_several_scripts_is_refused() {
    for value in [
        "p\u{430}ypal",
        "\u{41C}allory",
        "Mall\u{3BF}ry",
        "s\u{4CF}ope",
        "C\u{456}rcle",
        "\u{13DA}ank",
        "ab\u{5D0}",
        "ア\u{430}",
        "한ア",
        "my B\u{430}nk",
        "A\u{301}\u{5D0}",
        "a\u{94D}",
    ] {
        assert!(check_value(value).is_err(), "{}", value.escape_unicode());
        assert!(
            refused(value).contains("scripts") || value.contains('\u{301}'),
            "{}",
            value.escape_unicode()
        );
    }
    for value in ["৪5", "5\u{FF15}", "٤۵", "1 \u{1D7D0}", "\u{1D7D8}\u{1D7CE}", "5 ৪"] {
        assert!(refused(value).contains("digits"), "{}", value.escape_unicode());
    }
    // The words of a template are the bank's own.
    assert_eq!(check_words("رمز الـOTP هو {code}"), Ok(()));
}
