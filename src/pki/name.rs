//! Subjects and issuers: distinguished names.

use core::fmt::{self, Write as _};

use der::asn1::{Any, Ia5StringRef, ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use der::oid::db::rfc3280::EMAIL_ADDRESS;
use der::oid::db::rfc4519::{
    COMMON_NAME, COUNTRY_NAME, LOCALITY_NAME, ORGANIZATION_NAME, ORGANIZATIONAL_UNIT_NAME, SERIAL_NUMBER, ST,
};
use der::{Decode as _, Encode as _, Tag, Tagged as _};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

use crate::error::{CertificateError, Error, Result};

/// A subject or issuer: the attributes that certificates of this project carry (RFC 5280 §4.1.2.4).
/// An empty string means that the attribute is absent.
///
/// ```
/// let mut name = otls::pki::DistinguishedName::with_common_name("bank.example");
/// name.country = "IN".to_owned();
/// name.check()?;
/// assert_eq!(name.to_string(), "CN=bank.example,C=IN");
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DistinguishedName {
    /// C: two letters (ISO 3166).
    pub country: String,
    /// ST.
    pub state: String,
    /// L.
    pub locality: String,
    /// O.
    pub organization: String,
    /// OU.
    pub organizational_unit: String,
    /// CN.
    pub common_name: String,
    /// serialNumber: a number of the subject itself (a customer, a device), not of the certificate.
    /// Letters, digits and the punctuation of a PrintableString.
    pub serial_number: String,
    /// emailAddress. RFC 5280 §4.1.2.6 keeps it for old programs; a new certificate has the address as
    /// an alternative name too ([`super::GeneralName::Email`]).
    pub email: String,
}

impl DistinguishedName {
    /// A name with only CN.
    pub fn with_common_name(common_name: &str) -> Self {
        Self { common_name: common_name.to_owned(), ..Self::default() }
    }

    /// Checks each attribute against RFC 5280 appendix A: country is two letters, the others have
    /// at most 64 (ST and L: 128, emailAddress: 255) characters, none has control characters, serialNumber
    /// is printable ASCII, emailAddress is a mailbox, and one attribute at least is there.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`] naming the attribute and the reason.
    pub fn check(&self) -> Result<()> {
        let country = &self.country;
        if !country.is_empty() && (country.len() != 2 || !country.bytes().all(|c| c.is_ascii_alphabetic())) {
            return Err(bad_name(format!("country {country:?} is not two letters, as in \"IN\"")));
        }
        if !self.email.is_empty() {
            super::general_name::check_mailbox(&self.email)?;
        }
        if PrintableStringRef::new(&self.serial_number).is_err() {
            let number = &self.serial_number;
            return Err(bad_name(format!(
                "serial number {number:?} has characters other than A-Z a-z 0-9 '()+,-./:=? and space"
            )));
        }
        for attribute in ATTRIBUTES {
            let value = (attribute.get)(self);
            let len = value.chars().count();
            if len > attribute.max_chars {
                let (what, max) = (attribute.what, attribute.max_chars);
                return Err(bad_name(format!("{what} has {len} characters, at most {max} are allowed")));
            }
            if value.chars().any(is_unprintable) {
                return Err(bad_name(format!("{} {value:?} has control characters", attribute.what)));
            }
        }
        if *self == Self::default() {
            return Err(bad_name("the name is empty: give at least a common name".to_owned()));
        }
        Ok(())
    }

    /// As X.509 has it: C, ST, L, O, OU, CN, serialNumber, emailAddress, one attribute in each
    /// RelativeDistinguishedName.
    pub(super) fn to_x509(&self) -> Result<Name> {
        let mut sequence = RdnSequence::default();
        for attribute in ATTRIBUTES {
            let text = (attribute.get)(self);
            if text.is_empty() {
                continue;
            }
            // RFC 5280 §4.1.2.4: UTF8String or PrintableString; what appendix A fixes is as it says.
            let value = match attribute.kind {
                StringKind::Printable => {
                    PrintableStringRef::new(text).and_then(|text| Any::encode_from(&text))
                }
                StringKind::Ia5 => Ia5StringRef::new(text).and_then(|text| Any::encode_from(&text)),
                StringKind::Utf8 => Utf8StringRef::new(text).and_then(|text| Any::encode_from(&text)),
            };
            let value = value.map_err(|_| bad_name(format!("{} {text:?}", attribute.what)))?;
            let rdn = RelativeDistinguishedName::try_from(vec![AttributeTypeAndValue {
                oid: attribute.oid,
                value,
            }])
            .map_err(|_| Error::Internal("a relative distinguished name"))?;
            sequence.push(rdn);
        }
        sequence
            .to_der()
            .and_then(|der| Name::from_der(&der))
            .map_err(|_| Error::Internal("a distinguished name"))
    }

    /// The attributes that this project knows; others stay in the DER alone, and of an attribute
    /// that comes twice the first counts.
    pub(super) fn of_x509(name: &Name) -> Self {
        let mut found = Self::default();
        for attribute in ATTRIBUTES {
            let mut values = name.iter().filter(|value| value.oid == attribute.oid);
            if let Some(text) = values.find_map(|value| text_of(&value.value)) {
                *(attribute.get_mut)(&mut found) = text;
            }
        }
        found
    }

    /// As [`Self::of_x509`], but every known attribute must be there once and be readable: what an
    /// authority signs must be what it has checked.
    pub(super) fn of_x509_strict(name: &Name) -> Result<Self> {
        for attribute in ATTRIBUTES {
            let mut values = name.iter().filter(|value| value.oid == attribute.oid);
            if let Some(first) = values.next()
                && text_of(&first.value).is_none()
            {
                return Err(bad_name(format!("{} is not text", attribute.what)));
            }
            if values.next().is_some() {
                return Err(bad_name(format!("{} is there twice", attribute.what)));
            }
        }
        Ok(Self::of_x509(name))
    }
}

/// RFC 4514, for example `CN=bank,O=Example,L=Goa,ST=Goa,C=IN`: the most specific attribute first.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for attribute in ATTRIBUTES.iter().rev() {
            let value = (attribute.get)(self);
            if !value.is_empty() {
                write!(f, "{separator}{}=", attribute.short)?;
                write_escaped(f, value)?;
                separator = ",";
            }
        }
        Ok(())
    }
}

/// All attributes of a name in their order, as OpenSSL writes them on one line; those that are not ours
/// by their number, and what is no text as hexadecimal (RFC 4514 §2.4).
pub(super) fn line_of(name: &Name) -> String {
    let mut parts = Vec::new();
    for attribute in name.iter() {
        let known = ATTRIBUTES.iter().find(|known| known.oid == attribute.oid);
        let kind = known.map_or_else(|| attribute.oid.to_string(), |known| known.short.to_owned());
        let value = match text_of(&attribute.value) {
            Some(text) => Escaped(&text).to_string(),
            None => {
                attribute.value.value().iter().fold("#".to_owned(), |hex, octet| format!("{hex}{octet:02X}"))
            }
        };
        parts.push(format!("{kind}={value}"));
    }
    parts.join(", ")
}

/// Text with what could mislead a reader escaped.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, self.0)
    }
}

struct Attribute {
    oid: ObjectIdentifier,
    short: &'static str,
    what: &'static str,
    kind: StringKind,
    /// RFC 5280 appendix A, the `ub-` constants.
    max_chars: usize,
    get: fn(&DistinguishedName) -> &String,
    get_mut: fn(&mut DistinguishedName) -> &mut String,
}

/// How a value is encoded (RFC 5280 appendix A).
#[derive(Clone, Copy)]
enum StringKind {
    Printable,
    Utf8,
    Ia5,
}

/// In the order in which they are encoded.
const ATTRIBUTES: &[Attribute] = &[
    Attribute {
        oid: COUNTRY_NAME,
        short: "C",
        what: "country",
        kind: StringKind::Printable,
        max_chars: 2,
        get: |name| &name.country,
        get_mut: |name| &mut name.country,
    },
    Attribute {
        oid: ST,
        short: "ST",
        what: "state or province",
        kind: StringKind::Utf8,
        max_chars: 128,
        get: |name| &name.state,
        get_mut: |name| &mut name.state,
    },
    Attribute {
        oid: LOCALITY_NAME,
        short: "L",
        what: "locality",
        kind: StringKind::Utf8,
        max_chars: 128,
        get: |name| &name.locality,
        get_mut: |name| &mut name.locality,
    },
    Attribute {
        oid: ORGANIZATION_NAME,
        short: "O",
        what: "organisation",
        kind: StringKind::Utf8,
        max_chars: 64,
        get: |name| &name.organization,
        get_mut: |name| &mut name.organization,
    },
    Attribute {
        oid: ORGANIZATIONAL_UNIT_NAME,
        short: "OU",
        what: "organisational unit",
        kind: StringKind::Utf8,
        max_chars: 64,
        get: |name| &name.organizational_unit,
        get_mut: |name| &mut name.organizational_unit,
    },
    Attribute {
        oid: COMMON_NAME,
        short: "CN",
        what: "common name",
        kind: StringKind::Utf8,
        max_chars: 64,
        get: |name| &name.common_name,
        get_mut: |name| &mut name.common_name,
    },
    Attribute {
        oid: SERIAL_NUMBER,
        short: "serialNumber",
        what: "serial number",
        kind: StringKind::Printable,
        max_chars: 64,
        get: |name| &name.serial_number,
        get_mut: |name| &mut name.serial_number,
    },
    Attribute {
        oid: EMAIL_ADDRESS,
        short: "emailAddress",
        what: "e-mail address",
        kind: StringKind::Ia5,
        max_chars: 255,
        get: |name| &name.email,
        get_mut: |name| &mut name.email,
    },
];

pub(super) fn bad_name(what: String) -> Error {
    CertificateError::BadName(what).into()
}

/// The text of a DirectoryString or IA5String, whatever charset an old CA chose (RFC 5280 appendix A).
#[allow(clippy::wildcard_enum_match_arm, reason = "all other tags are no text")]
pub(super) fn text_of(value: &Any) -> Option<String> {
    let bytes = value.value();
    match value.tag() {
        Tag::PrintableString | Tag::Utf8String | Tag::Ia5String => String::from_utf8(bytes.to_vec()).ok(),
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

/// RFC 4514 §2.4, and everything that could move a terminal's cursor or reorder a line as hex pairs.
fn write_escaped(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    let last = value.chars().count().saturating_sub(1);
    for (index, c) in value.chars().enumerate() {
        let edge_space = c == ' ' && (index == 0 || index == last);
        if is_unprintable(c) {
            for octet in c.encode_utf8(&mut [0; 4]).bytes() {
                write!(f, "\\{octet:02X}")?;
            }
        } else {
            if edge_space || (c == '#' && index == 0) || matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\')
            {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
    }
    Ok(())
}

/// Control characters, and those that reorder the text around them (Unicode UAX #9 §2).
fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> DistinguishedName {
        DistinguishedName {
            country: "IN".into(),
            state: "Goa".into(),
            locality: "Panjim".into(),
            organization: "Bank, \"Ltd\"".into(),
            organizational_unit: "Cards + Loans".into(),
            common_name: "#bank ₹ ".into(),
            serial_number: "A-42".into(),
            email: "desk@bank.example".into(),
        }
    }

    #[test]
    fn a_name_survives_its_encoding() {
        let name = full();
        let x509 = name.to_x509().unwrap();
        assert_eq!(x509.len(), 8);
        assert_eq!(DistinguishedName::of_x509_strict(&x509).unwrap(), name);
    }

    #[test]
    fn display_escapes_as_rfc_4514_says() {
        assert_eq!(
            full().to_string(),
            r#"emailAddress=desk@bank.example,serialNumber=A-42,CN=\#bank ₹\ ,OU=Cards \+ Loans,O=Bank\, \"Ltd\",L=Panjim,ST=Goa,C=IN"#
        );
        let hostile = DistinguishedName::with_common_name("a\x1b[2J\u{202E}b");
        assert_eq!(hostile.to_string(), r"CN=a\1B[2J\E2\80\AEb");
    }

    #[test]
    fn every_limit_of_an_attribute_is_checked() {
        let with = |change: fn(&mut DistinguishedName)| {
            let mut name = full();
            change(&mut name);
            name.check()
        };
        assert!(with(|_| ()).is_ok());
        let changes: [fn(&mut DistinguishedName); 15] = [
            |name| name.country = "IND".into(),
            |name| name.country = "I1".into(),
            |name| name.country = "₹".into(),
            |name| name.state = "x".repeat(129),
            |name| name.locality = "x".repeat(129),
            |name| name.organization = "x".repeat(65),
            |name| name.common_name = "x".repeat(65),
            |name| name.common_name = "a\nb".into(),
            |name| name.common_name = "a\0b".into(),
            |name| name.organizational_unit = "x".repeat(65),
            |name| name.serial_number = "4".repeat(65),
            |name| name.serial_number = "₹".into(),
            |name| name.email = "desk".into(),
            |name| name.email = "desk@b\u{e4}nk.example".into(),
            |name| name.email = format!("{}@bank.example", "x".repeat(65)),
        ];
        for change in changes {
            assert!(matches!(with(change), Err(Error::Certificate(CertificateError::BadName(_)))));
        }
        assert!(with(|name| name.common_name = "₹".repeat(64)).is_ok());
        assert!(DistinguishedName::default().check().is_err());
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

    #[test]
    fn an_attribute_that_comes_twice_is_refused_where_it_would_be_signed() {
        let mut sequence: RdnSequence =
            DistinguishedName::with_common_name("alice").to_x509().unwrap().into();
        let other: RdnSequence = DistinguishedName::with_common_name("bob").to_x509().unwrap().into();
        sequence.push(other.iter().next().unwrap().clone());
        let name = Name::from_der(&sequence.to_der().unwrap()).unwrap();
        assert_eq!(DistinguishedName::of_x509(&name).common_name, "alice");
        assert!(DistinguishedName::of_x509_strict(&name).is_err());
    }
}
