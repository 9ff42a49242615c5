use std::collections::HashSet;

use der::Tag;

use super::*;

fn full() -> DistinguishedName {
    let mut name = DistinguishedName::with_common_name("#bank ₹ ");
    for (kind, value) in [
        ("emailAddress", "desk@bank.example"),
        ("OU", "Cards + Loans"),
        ("C", "IN"),
        ("serialNumber", "A-42"),
        ("L", "Panjim"),
        ("O", "Bank, \"Ltd\""),
        ("ST", "Goa"),
    ] {
        name.set(kind, value).unwrap();
    }
    name
}

fn of(attributes: &[(&str, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::default();
    for (kind, value) in attributes {
        name.add(kind, value).unwrap();
    }
    name
}

/// A name of these types, tags and contents, which no builder here makes.
fn raw(attributes: &[(&str, Tag, &[u8])]) -> DistinguishedName {
    let rdns = attributes.iter().map(|(oid, tag, content)| {
        let value = Any::new(*tag, *content).unwrap();
        rdn_of(vec![AttributeTypeAndValue { oid: oid.parse().unwrap(), value }]).unwrap()
    });
    DistinguishedName { rdns: rdns.collect(), ..Default::default() }
}

#[test]
fn what_is_set_stands_in_the_usual_order_and_survives_its_encoding() {
    let name = full();
    assert_eq!(name.rdns().len(), 8);
    let again = DistinguishedName::from_der(&name.to_der()).unwrap();
    assert_eq!(again.to_der(), name.to_der());
    assert_eq!(again, name);
    assert_eq!(again.country(), "IN");
    assert_eq!(again.state(), "Goa");
    assert_eq!(again.locality(), "Panjim");
    assert_eq!(again.organization(), "Bank, \"Ltd\"");
    assert_eq!(again.organizational_unit(), "Cards + Loans");
    assert_eq!(again.common_name(), "#bank ₹ ");
    assert_eq!(again.serial_number(), "A-42");
    assert_eq!(again.email(), "desk@bank.example");
    let mut name = again;
    name.set("OU", "Loans").unwrap();
    name.set("L", "").unwrap();
    assert_eq!((name.organizational_unit().as_str(), name.locality().as_str()), ("Loans", ""));
    assert_eq!(name.rdns().len(), 7);
}

#[test]
fn display_escapes_as_rfc_4514_says() {
    assert_eq!(
        full().to_string(),
        r#"emailAddress=desk@bank.example,serialNumber=A-42,CN=\#bank ₹\ ,OU=Cards \+ Loans,O=Bank\, \"Ltd\",L=Panjim,ST=Goa,C=IN"#
    );
    let hostile = DistinguishedName::with_common_name("a\x1b[2J\u{202E}b");
    assert_eq!(hostile.to_string(), r"CN=a\1B[2J\E2\80\AEb");
    let mut several = of(&[("DC", "example"), ("DC", "corp"), ("1.2.3.4", "ab")]);
    several.add("CN", "Asha").unwrap();
    several.add_to_last("UID", "1001").unwrap();
    assert_eq!(several.to_string(), "CN=Asha+UID=1001,1.2.3.4=#0C026162,DC=corp,DC=example");
    assert_eq!(raw(&[("2.5.4.3", Tag::OctetString, b"ab")]).to_string(), "CN=#04026162");
}

#[test]
fn no_attribute_is_lost_whatever_its_type_number_and_place() {
    let mut name = of(&[
        ("O", "Example"),
        ("OU", "A"),
        ("OU", "B"),
        ("title", "Dr"),
        ("givenName", "Asha"),
        ("1.2.3.4", "x"),
        ("CN", "Asha"),
    ]);
    name.add_to_last("UID", "1001").unwrap();
    let kinds: Vec<String> = name.attributes().iter().map(|one| one.kind.clone()).collect();
    assert_eq!(kinds, ["O", "OU", "OU", "title", "givenName", "1.2.3.4", "CN", "UID"]);
    assert_eq!(name.rdns().len(), 7);
    assert_eq!(name.values("ou"), ["A", "B"]);
    assert_eq!(name.organizational_unit(), "", "none of several is the one");
    assert_eq!(DistinguishedName::from_der(&name.to_der()).unwrap().attributes(), name.attributes());
    assert!(name.set("OU", "C").is_err() && name.set("UID", "1").is_err());
    assert!(name.add_to_last("UID", "1002").is_err());
    assert!(DistinguishedName::default().add_to_last("UID", "1").is_err());
}

#[test]
fn names_are_equal_as_rfc_5280_says_and_equal_names_have_one_hash() {
    let asha = of(&[("CN", "Asha"), ("UID", "1001")]);
    for other in [
        of(&[("CN", "Asha"), ("UID", "2002")]),
        of(&[("CN", "Asha")]),
        of(&[("UID", "1001"), ("CN", "Asha")]),
        of(&[("CN", "Asha"), ("UID", "1001"), ("OU", "x")]),
        of(&[("CN", "Asha"), ("serialNumber", "1001")]),
        raw(&[
            ("2.5.4.3", Tag::Utf8String, b"Asha"),
            ("0.9.2342.19200300.100.1.1", Tag::OctetString, b"1001"),
        ]),
        {
            let mut joined = of(&[("CN", "Asha")]);
            joined.add_to_last("UID", "1001").unwrap();
            joined
        },
    ] {
        assert_ne!(asha, other);
    }
    assert_ne!(of(&[("OU", "A"), ("OU", "B")]), of(&[("OU", "A")]));
    assert_ne!(of(&[("OU", "A"), ("OU", "B")]), of(&[("OU", "B"), ("OU", "A")]));
    let same = [
        of(&[("C", "IN"), ("CN", "M\u{fc}ller & Co")]),
        of(&[("C", "in"), ("CN", " mu\u{308}LLER  &\u{a0}\u{ff23}o\u{ad} ")]),
        raw(&[("2.5.4.6", Tag::Utf8String, b"In"), ("2.5.4.3", Tag::TeletexString, b"M\xFCller & co")]),
    ];
    for one in &same {
        assert_eq!(one, &same[0]);
    }
    assert_eq!(HashSet::from(same).len(), 1);
    let (mut one, mut other) = (of(&[("CN", "a")]), of(&[("UID", "b")]));
    one.add_to_last("UID", "B").unwrap();
    other.add_to_last("CN", "A").unwrap();
    assert_eq!(one, other, "a set has no order");
}

#[test]
fn every_limit_of_an_attribute_is_checked() {
    let long = |count: usize| "x".repeat(count);
    for (kind, value) in [
        ("C", "IND"),
        ("C", "I1"),
        ("C", "₹"),
        ("ST", &long(129)),
        ("L", &long(129)),
        ("O", &long(65)),
        ("CN", &long(65)),
        ("CN", "a\nb"),
        ("CN", "a\0b"),
        ("OU", &long(65)),
        ("serialNumber", &"4".repeat(65)),
        ("serialNumber", "₹"),
        ("emailAddress", "desk"),
        ("emailAddress", "desk@b\u{e4}nk.example"),
        ("emailAddress", &format!("{}@bank.example", long(65))),
        ("DC", &long(64)),
        ("DC", "b\u{e4}nk"),
        ("1.2.3.4", &long(256)),
        ("1.2.3.4", "a\u{202E}b"),
    ] {
        let refused = full().add(kind, value);
        assert!(matches!(refused, Err(Error::Certificate(CertificateError::BadName(_)))), "{kind}={value}");
        assert!(full().set(kind, value).is_err(), "{kind}={value}");
    }
    assert!(matches!(full().add("nothing", "x"), Err(Error::ApiMisuse(_))));
    assert!(matches!(full().set("", "x"), Err(Error::ApiMisuse(_))));
    full().check().unwrap();
    DistinguishedName::with_common_name(&"₹".repeat(64)).check().unwrap();
    for refused in [
        DistinguishedName::default(),
        DistinguishedName::with_common_name("a\nb"),
        DistinguishedName::with_common_name(&long(65)),
        raw(&[("2.5.4.3", Tag::OctetString, b"bank")]),
        raw(&[("2.5.4.3", Tag::Utf8String, b"")]),
        raw(&[("1.2.3.4", Tag::OctetString, b"bank")]),
        raw(&[("2.5.4.6", Tag::Utf8String, b"IND")]),
    ] {
        assert!(refused.check().is_err(), "{refused}");
    }
}

#[test]
fn a_name_is_bounded() {
    let mut many = of(&[("OU", "x"); MAX_NAME_ATTRIBUTES]);
    assert!(many.add("OU", "x").is_err());
    let content = vec![b'x'; 500];
    let long = [("2.5.4.3", Tag::Utf8String, content.as_slice()); 17];
    assert!(DistinguishedName::from_der(&raw(&long).to_der()).is_err());
    assert!(DistinguishedName::from_der(&raw(&long[2..]).to_der()).is_ok());
    assert!(DistinguishedName::from_der(b"\x30\x01").is_err());
}

#[test]
fn old_string_types_are_read() {
    let teletex = Any::new(Tag::TeletexString, b"Z\xFCrich".to_vec()).unwrap();
    assert_eq!(text_of(&teletex).unwrap(), "Zürich");
    let bmp = Any::new(Tag::BmpString, vec![0x20, 0xB9, 0, b'1']).unwrap();
    assert_eq!(text_of(&bmp).unwrap(), "₹1");
    assert_eq!(text_of(&Any::new(Tag::BmpString, vec![0x20]).unwrap()), None);
    assert_eq!(text_of(&Any::new(Tag::Utf8String, vec![0xFF]).unwrap()), None);
    let ampersand = Any::new(Tag::PrintableString, b"AT&T".to_vec()).unwrap();
    assert_eq!(text_of(&ampersand).unwrap(), "AT&T");
}
