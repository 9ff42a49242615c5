//! The types of attribute that have a short name here, and what each may hold.

use der::asn1::{Any, Ia5StringRef, ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use der::oid::db::{rfc3280, rfc4519};
use der::{Tag, Tagged as _};
use x509_cert::attr::AttributeTypeAndValue;

use super::name_form::{bad_name, check_mailbox};
use crate::error::{Error, Result};

/// A type of attribute whose values are texts that match without case (RFC 4519, X.520: caseIgnoreMatch,
/// caseIgnoreIA5Match).
pub(super) struct Attribute {
    pub(super) oid: ObjectIdentifier,
    /// RFC 4519's or, where that has none, OpenSSL's.
    pub(super) short: &'static str,
    what: &'static str,
    kind: StringKind,
    /// RFC 5280 appendix A, the `ub-` constants; X.520 annex C for what that leaves out.
    max_chars: usize,
}

/// How a value is encoded that is made here (RFC 5280 appendix A).
#[derive(Clone, Copy)]
enum StringKind {
    Printable,
    Utf8,
    Ia5,
}

/// What is known of a type.
pub(super) fn known(oid: ObjectIdentifier) -> Option<&'static Attribute> {
    ATTRIBUTES.iter().find(|known| known.oid == oid)
}

/// The type of a short name, in either case, or of a dotted number.
pub(super) fn oid_of(kind: &str) -> Result<ObjectIdentifier> {
    if let Some(known) = ATTRIBUTES.iter().find(|known| known.short.eq_ignore_ascii_case(kind)) {
        return Ok(known.oid);
    }
    if let Some((_, oid)) = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(kind)) {
        return Ok(*oid);
    }
    kind.parse().map_err(|_| {
        Error::misuse(
            "an unknown type of attribute",
            "pass its short name, such as CN, O, OU, DC or UID, or its dotted number",
        )
    })
}

/// The short name of a type, or its dotted number.
pub(super) fn shown(oid: ObjectIdentifier) -> String {
    known(oid).map_or_else(|| oid.to_string(), |known| known.short.to_owned())
}

/// An attribute that was checked. Types that are not known get a UTF8String.
pub(super) fn encode(oid: ObjectIdentifier, text: &str) -> Result<AttributeTypeAndValue> {
    let kind = known(oid).map_or(StringKind::Utf8, |known| known.kind);
    // RFC 5280 §4.1.2.4: UTF8String or PrintableString; what appendix A fixes is as it says.
    let value = match kind {
        StringKind::Printable => PrintableStringRef::new(text).and_then(|text| Any::encode_from(&text)),
        StringKind::Ia5 => Ia5StringRef::new(text).and_then(|text| Any::encode_from(&text)),
        StringKind::Utf8 => Utf8StringRef::new(text).and_then(|text| Any::encode_from(&text)),
    };
    let what = what(oid);
    let value = value.map_err(|_| match kind {
        StringKind::Printable => {
            bad_name(format!("{what} {text:?} has characters other than A-Z a-z 0-9 '()+,-./:=? and space"))
        }
        StringKind::Ia5 | StringKind::Utf8 => bad_name(format!("{what} {text:?} is not ASCII")),
    })?;
    let attribute = AttributeTypeAndValue { oid, value };
    check(&attribute)?;
    Ok(attribute)
}

/// Whether the value is one that a person can read and that the type may have.
pub(super) fn check(attribute: &AttributeTypeAndValue) -> Result<()> {
    let (oid, what) = (attribute.oid, what(attribute.oid));
    let Some(text) = text_of(&attribute.value) else {
        return Err(bad_name(format!("{what} is not text")));
    };
    if text.is_empty() {
        return Err(bad_name(format!("{what} is empty")));
    }
    if text.chars().any(is_unprintable) {
        return Err(bad_name(format!("{what} {text:?} has control characters")));
    }
    let len = text.chars().count();
    let max = known(oid).map_or(MAX_UNKNOWN_CHARS, |known| known.max_chars);
    if len > max && oid != rfc4519::COUNTRY_NAME {
        return Err(bad_name(format!("{what} has {len} characters, at most {max} are allowed")));
    }
    match oid {
        rfc4519::COUNTRY_NAME if len != 2 || !text.bytes().all(|c| c.is_ascii_alphabetic()) => {
            Err(bad_name(format!("{what} {text:?} is not two letters, as in \"IN\"")))
        }
        rfc4519::SERIAL_NUMBER if PrintableStringRef::new(&text).is_err() => Err(bad_name(format!(
            "{what} {text:?} has characters other than A-Z a-z 0-9 '()+,-./:=? and space"
        ))),
        rfc3280::EMAIL_ADDRESS => check_mailbox(&text),
        _ => Ok(()),
    }
}

/// The text of a DirectoryString or IA5String, whatever charset an old CA chose (RFC 5280 appendix A).
#[allow(clippy::wildcard_enum_match_arm, reason = "all other tags are no text")]
pub(super) fn text_of(value: &Any) -> Option<String> {
    let bytes = value.value();
    match value.tag() {
        Tag::PrintableString | Tag::Utf8String | Tag::Ia5String | Tag::NumericString | Tag::VisibleString => {
            String::from_utf8(bytes.to_vec()).ok()
        }
        // Everybody who still writes a TeletexString means Latin-1.
        Tag::TeletexString => Some(bytes.iter().copied().map(char::from).collect()),
        Tag::BmpString => {
            let units: Vec<u16> = bytes
                .chunks(2)
                .map(|pair| <[u8; 2]>::try_from(pair).map(u16::from_be_bytes).ok())
                .collect::<Option<_>>()?;
            String::from_utf16(&units).ok()
        }
        _ => None,
    }
}

/// Control characters, and those that reorder the text around them (Unicode UAX #9 §2).
pub(super) fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn what(oid: ObjectIdentifier) -> String {
    known(oid).map_or_else(|| format!("attribute {oid}"), |known| known.what.to_owned())
}

/// What an attribute that has no bound of its own may have: that of emailAddress, the largest but for names
/// of people (RFC 5280 appendix A).
const MAX_UNKNOWN_CHARS: usize = 255;

const fn row(
    oid: ObjectIdentifier,
    short: &'static str,
    what: &'static str,
    kind: StringKind,
    max_chars: usize,
) -> Attribute {
    Attribute { oid, short, what, kind, max_chars }
}

const fn oid(dotted: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(dotted)
}

/// The types that [`super::DistinguishedName::set`] puts in this order, first those of a place and an
/// organisation, then the rest.
#[rustfmt::skip]
const ATTRIBUTES: &[Attribute] = &[
    row(rfc4519::COUNTRY_NAME, "C", "country", StringKind::Printable, 2),
    row(rfc4519::ST, "ST", "state or province", StringKind::Utf8, 128),
    row(rfc4519::LOCALITY_NAME, "L", "locality", StringKind::Utf8, 128),
    row(rfc4519::ORGANIZATION_NAME, "O", "organisation", StringKind::Utf8, 64),
    row(rfc4519::ORGANIZATIONAL_UNIT_NAME, "OU", "organisational unit", StringKind::Utf8, 64),
    row(rfc4519::COMMON_NAME, "CN", "common name", StringKind::Utf8, 64),
    row(rfc4519::SERIAL_NUMBER, "serialNumber", "serial number", StringKind::Printable, 64),
    row(rfc3280::EMAIL_ADDRESS, "emailAddress", "e-mail address", StringKind::Ia5, 255),
    // RFC 4519 §2.4: one label of a domain name, each in an attribute of its own.
    row(rfc4519::DC, "DC", "domain component", StringKind::Ia5, 63),
    row(rfc4519::UID, "UID", "user identifier", StringKind::Utf8, 256),
    row(rfc4519::TITLE, "title", "title", StringKind::Utf8, 64),
    row(rfc4519::SN, "surname", "surname", StringKind::Utf8, 255),
    row(rfc4519::GIVEN_NAME, "givenName", "given name", StringKind::Utf8, 255),
    row(rfc4519::INITIALS, "initials", "initials", StringKind::Utf8, 255),
    row(rfc4519::GENERATION_QUALIFIER, "generationQualifier", "generation", StringKind::Utf8, 255),
    row(oid("2.5.4.65"), "pseudonym", "pseudonym", StringKind::Utf8, 128),
    row(rfc4519::NAME, "name", "name", StringKind::Utf8, 255),
    row(rfc4519::DN_QUALIFIER, "dnQualifier", "name qualifier", StringKind::Printable, 64),
    row(rfc4519::STREET, "street", "street", StringKind::Utf8, 128),
    row(rfc4519::POSTAL_CODE, "postalCode", "postal code", StringKind::Utf8, 40),
    row(rfc4519::DESCRIPTION, "description", "description", StringKind::Utf8, 255),
    row(rfc4519::BUSINESS_CATEGORY, "businessCategory", "business category", StringKind::Utf8, 128),
    // ETSI EN 319 412-1 §5.1.4.
    row(oid("2.5.4.97"), "organizationIdentifier", "organisation identifier", StringKind::Utf8, 255),
    // CA/Browser Forum, EV Guidelines §9.2.4.
    row(oid("1.3.6.1.4.1.311.60.2.1.1"), "jurisdictionL", "locality of jurisdiction", StringKind::Utf8, 128),
    row(oid("1.3.6.1.4.1.311.60.2.1.2"), "jurisdictionST", "state of jurisdiction", StringKind::Utf8, 128),
    row(oid("1.3.6.1.4.1.311.60.2.1.3"), "jurisdictionC", "country of jurisdiction", StringKind::Printable, 2),
];

/// What others call some of them (RFC 4519, OpenSSL).
const ALIASES: &[(&str, ObjectIdentifier)] = &[
    ("SN", rfc4519::SN),
    ("GN", rfc4519::GIVEN_NAME),
    ("email", rfc3280::EMAIL_ADDRESS),
    ("E", rfc3280::EMAIL_ADDRESS),
    ("userId", rfc4519::UID),
    ("streetAddress", rfc4519::STREET),
    ("S", rfc4519::ST),
];

/// Where [`super::DistinguishedName::set`] puts a type, if it has a place of its own.
pub(super) fn rank(oid: ObjectIdentifier) -> Option<usize> {
    const PLACES: usize = 8;
    ATTRIBUTES.iter().take(PLACES).position(|known| known.oid == oid)
}
