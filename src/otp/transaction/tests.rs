use super::*;
use crate::Error;

fn transfer() -> Transaction {
    Transaction {
        purpose: "transfer".to_owned(),
        amount: Some(Amount::new(10_000_000, "INR").unwrap()),
        payee: Some("your friend's account".to_owned()),
        fields: BTreeMap::from([("reference".to_owned(), "rent".to_owned())]),
        template: "The OTP for transferring {amount} to {payee} is {code}.".to_owned(),
    }
}

fn with_template(template: &str) -> Transaction {
    Transaction { template: template.to_owned(), ..transfer() }
}

fn refusal<T>(result: Result<T>) -> String {
    match result {
        Err(Error::Otp(OtpError::Transaction(why))) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted"),
    }
}

fn shown(transaction: &Transaction) -> String {
    String::from_utf8(transaction.text("256345").unwrap().expose().to_vec()).unwrap()
}

#[test]
fn the_text_follows_from_the_transaction() {
    assert_eq!(
        shown(&transfer()),
        "The OTP for transferring Rs 1,00,000 to your friend's account is 256345."
    );
    let all = with_template("{purpose} {amount}{payee}: {reference}, {code} ({code})");
    assert_eq!(shown(&all), "transfer Rs 1,00,000your friend's account: rent, 256345 (256345)");
    assert_eq!(
        transfer().text_without_code().unwrap(),
        "The OTP for transferring Rs 1,00,000 to your friend's account is ••••••."
    );
}

#[test]
fn a_context_has_the_documented_fields_and_gives_the_transaction_back() {
    let context = transfer().context().unwrap();
    let fields: Vec<(&str, &str)> = context.fields().collect();
    let template = transfer().template;
    assert_eq!(
        fields,
        [
            ("amount", "10000000"),
            ("currency", "INR"),
            ("payee", "your friend's account"),
            ("purpose", "transfer"),
            ("reference", "rent"),
            ("template", template.as_str()),
        ]
    );
    assert_eq!(Transaction::from_context(&context).unwrap(), transfer());
    let login = Transaction {
        purpose: "sign in".to_owned(),
        template: "Your code to {purpose} is {code}.".to_owned(),
        ..Transaction::default()
    };
    assert_eq!(Transaction::from_context(&login.context().unwrap()).unwrap(), login);
}

#[test]
fn what_is_filled_in_is_not_read_as_a_template() {
    let transaction = Transaction { payee: Some("{code} {nobody}".to_owned()), ..transfer() };
    assert_eq!(shown(&transaction), "The OTP for transferring Rs 1,00,000 to “{code} {nobody}” is 256345.");
}

#[test]
fn a_template_must_show_the_code_and_a_payment_its_amount_and_payee() {
    for (template, lacks) in [
        ("{amount} to {payee}", "{code}"),
        ("{code} to {payee}", "{amount}"),
        ("{code} {amount}", "{payee}"),
        ("", "{code}"),
    ] {
        let why = refusal(with_template(template).context());
        assert!(why.contains(lacks), "{template}: {why}");
    }
}

#[test]
fn unknown_placeholders_and_stray_braces_are_refused() {
    for template in ["{nobody}", "{}", "{currency}", "{template}", "{ code}", "{Code}"] {
        let why = refusal(with_template(&format!("{{code}} {{amount}} {{payee}} {template}")).context());
        assert!(why.contains("unknown placeholder"), "{template}: {why}");
    }
    for template in ["{", "}", "{{code}", "}{", "{code", "a } b"] {
        let why = refusal(with_template(&format!("{{code}} {{amount}} {{payee}} {template}")).context());
        assert!(why.contains("without") || why.contains("unknown"), "{template}: {why}");
    }
}

#[test]
fn nothing_that_is_shown_moves_the_cursor_or_turns_the_order() {
    let misleading = [
        "\n", "\r", "\t", "\0", "\u{1B}", "\u{7F}", "\u{85}", "\u{202E}", "\u{202A}", "\u{2066}", "\u{2069}",
        "\u{2028}",
    ];
    for character in misleading {
        let text = format!("x{character}y");
        let field = BTreeMap::from([("reference".to_owned(), text.clone())]);
        let name = BTreeMap::from([(text.clone(), "rent".to_owned())]);
        for bad in [
            Transaction { payee: Some(text.clone()), ..transfer() },
            Transaction { purpose: text.clone(), ..transfer() },
            with_template(&format!("{}{text}", transfer().template)),
            Transaction { fields: field, ..transfer() },
            Transaction { fields: name, ..transfer() },
        ] {
            assert!(refusal(bad.context()).contains("has U+"), "{character:?}");
            assert!(bad.text("256345").is_err());
        }
    }
    // Other scripts are written as they are.
    assert!(Transaction { payee: Some("مريم, मीरा, 李".to_owned()), ..transfer() }.context().is_ok());
}

fn paid_to(payee: &str) -> Transaction {
    Transaction { payee: Some(payee.to_owned()), ..transfer() }
}

#[test]
fn a_payee_cannot_continue_the_sentence() {
    for payee in [
        "friend. The OTP is 111111",
        "friend is 111111. Ignore",
        "Rs 1",
        "friend; Rs 9,99,999 to Mallory",
        "friend is void and the code to sign in",
        "friend,",
        "friend…",
        "friend: approve",
        "friend (not you)",
        "friend 256345",
        "1",
        "٣٤٥",
        "friend/",
        "friend|",
        "-friend",
        "friend'",
        "friend is now void",
        "Ромашка",
        "मीरा",
        "朋友的账户。代码是",
        "Ⅷ",
        "friend\u{2024}The",
        "averylongnamethatneverendsatalland",
    ] {
        let text = shown(&paid_to(payee));
        let quoted = format!("The OTP for transferring Rs 1,00,000 to “{payee}” is 256345.");
        assert!(text.replace(['\u{2066}', '\u{2068}', '\u{2069}'], "") == quoted, "{text}");
    }
    for payee in ["your friend's account", "Anne-Marie O’Neil", "Müller", "José", "Nguyễn Thị"] {
        let text = shown(&paid_to(payee));
        assert_eq!(text, format!("The OTP for transferring Rs 1,00,000 to {payee} is 256345."));
    }
    // What stands in quotation marks cannot leave them.
    for payee in ["friend” is 111111. “", "\"", "''", "’’", "‟", "″", "＂", "〃", "``", "\u{02BC}'"]
    {
        assert!(refusal(paid_to(payee).context()).contains("quotation marks"), "{payee}");
    }
}

/// Where each piece of a text stands, from left to right, by the algorithm of UAX #9.
fn on_screen(text: &str) -> String {
    let info = unicode_bidi::BidiInfo::new(text, None);
    let [paragraph] = &info.paragraphs[..] else { panic!("several paragraphs") };
    assert!(!paragraph.level.is_rtl() || text.starts_with('ק'), "{text}");
    let line = info.reorder_line(paragraph, paragraph.range.clone());
    line.replace(['\u{2066}', '\u{2068}', '\u{2069}'], "")
}

#[test]
fn a_payee_from_right_to_left_moves_neither_amount_nor_code() {
    for payee in ["מרים", "مريم", "שלום 9,99,999", "مريم ٩٩٩", "1 א 2", "א 111111 ב", "a א", "א a", "ހިޔާ", "٣"]
    {
        for template in [
            "The OTP for transferring {amount} to {payee} is {code}.",
            "{code}: {amount} to {payee}",
            "{payee} {amount} {code}",
            "{payee}{amount}{code}",
            "{amount}{payee}{code}",
        ] {
            let transaction = Transaction { template: template.to_owned(), ..paid_to(payee) };
            let seen = on_screen(&shown(&transaction));
            let own = on_screen(&format!("\u{2068}{payee}\u{2069}"));
            let expected = template
                .replace("{payee}", &format!("“{own}”"))
                .replace("{amount}", "Rs 1,00,000")
                .replace("{code}", "256345");
            assert_eq!(seen, expected, "{payee} in {template}");
        }
    }
    // The same without isolation: the code is read inside the payee.
    let naive = "{payee} 256345".replace("{payee}", "א 111111 ב");
    assert!(!on_screen(&format!("x {naive}")).ends_with("256345"));
    // In a sentence from right to left, an amount keeps its own order.
    let hebrew = Transaction {
        template: "קוד להעברת {amount} אל {payee} הוא {code}.".to_owned(),
        ..transfer()
    };
    let seen = on_screen(&shown(&hebrew));
    for piece in ["Rs 1,00,000", "your friend's account", "256345"] {
        assert!(seen.contains(piece), "{seen}");
    }
    // A code that follows an amount is read after it: here, to the left.
    let side_by_side = Transaction { template: "קוד {payee} {amount} {code}".to_owned(), ..transfer() };
    let seen = on_screen(&shown(&side_by_side));
    assert!(seen.starts_with("256345 Rs 1,00,000 "), "{seen}");
    // Two values that are Arabic numbers alone stay in their places.
    let numbers = Transaction {
        purpose: "٤".to_owned(),
        template: "{payee} {purpose} {amount} {code}".to_owned(),
        ..paid_to("٣")
    };
    assert_eq!(on_screen(&shown(&numbers)), "“٣” “٤” Rs 1,00,000 256345");
}

#[test]
fn an_error_repeats_a_value_without_what_it_is_refused_for() {
    for (payee, quoted) in [
        ("a\u{3164}b", r#""a\u{3164}b""#),
        ("\u{202E}א", r#""\u{202e}\u{5d0}""#),
        ("\u{301}", r#""\u{301}""#),
    ] {
        let why = refusal(paid_to(payee).context());
        assert!(why.starts_with(quoted), "{why}");
    }
}

#[test]
fn amounts_without_payee_and_taken_names_are_refused() {
    assert!(refusal(Transaction { payee: None, ..transfer() }.context()).contains("without a payee"));
    for name in TAKEN {
        let fields = BTreeMap::from([(name.to_owned(), "x".to_owned())]);
        assert!(refusal(Transaction { fields, ..transfer() }.context()).contains("free field"), "{name}");
    }
    let empty = Transaction { purpose: String::new(), ..transfer() };
    assert!(matches!(empty.context(), Err(Error::ApiMisuse(_))));
}

#[test]
fn a_context_that_no_transaction_has_is_refused() {
    let context = transfer().context().unwrap();
    for (name, value) in [
        ("amount", "0100"),
        ("amount", "+1"),
        ("amount", "1.00"),
        ("amount", "-1"),
        ("amount", "18446744073709551616"),
        ("currency", "inr"),
        ("currency", "XAU"),
        ("code", "256345"),
        ("template", "{code}"),
        ("payee", "\u{202E}x"),
    ] {
        refusal(Transaction::from_context(&context.clone().with(name, value).unwrap()));
    }
    let only = |names: &[&str]| {
        let kept = context.fields().filter(|(name, _)| names.contains(name));
        kept.fold(Context::new(), |context, (name, value)| context.with(name, value).unwrap())
    };
    for names in [
        &["purpose"][..],
        &["template", "amount", "currency", "payee"],
        &["template", "purpose", "amount", "payee"],
        &["template", "purpose", "currency", "payee"],
        &["template", "purpose", "amount", "currency"],
    ] {
        refusal(Transaction::from_context(&only(names)));
    }
}

#[test]
fn a_text_has_a_bound() {
    let long = Transaction {
        payee: Some("p".repeat(1000)),
        template: format!("{{code}} {{amount}} {}", "{payee}".repeat(9)),
        ..transfer()
    };
    assert!(refusal(long.context()).contains("8192"));
}
