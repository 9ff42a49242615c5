//! Distinguished names as RFC 5280 §7.1 compares them: whatever string type an attribute has, in whatever
//! case, with however many spaces.

use der::asn1::{Any, ObjectIdentifier};
use der::{Decode as _, Encode as _};
use unicode_normalization::UnicodeNormalization as _;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::{Name, RelativeDistinguishedName};

use super::name::text_of;

/// A name's RelativeDistinguishedNames, in order. Equal for names that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CanonicalName(Vec<Rdn>);

/// The attributes in an order of our own: their order in a SET says nothing.
type Rdn = Vec<(ObjectIdentifier, Value)>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Text(String),
    /// What is no text that we can read, as it is encoded.
    Encoded(Vec<u8>),
}

impl CanonicalName {
    /// `None` for what is not a name.
    pub(super) fn of_der(der: &[u8]) -> Option<Self> {
        Name::from_der(der).ok().map(|name| Self::of(&name))
    }

    pub(super) fn of(name: &Name) -> Self {
        Self(name.iter_rdn().map(rdn_of).collect())
    }

    /// This name with one RelativeDistinguishedName more (RFC 5280 §4.2.1.13, nameRelativeToCRLIssuer).
    pub(super) fn with(mut self, rdn: &RelativeDistinguishedName) -> Self {
        self.0.push(rdn_of(rdn));
        self
    }

    /// Whether the name is `subtree` or below it (RFC 5280 §7.1).
    pub(super) fn is_within(&self, subtree: &Self) -> bool {
        self.0.starts_with(&subtree.0)
    }
}

/// The name of a directoryName.
pub(super) const fn directory_name(name: &GeneralName) -> Option<&Name> {
    if let GeneralName::DirectoryName(name) = name { Some(name) } else { None }
}

/// Whether two names (DER) match.
pub(super) fn same_name(one: &[u8], other: &[u8]) -> bool {
    one == other || CanonicalName::of_der(one).is_some_and(|one| Some(one) == CanonicalName::of_der(other))
}

fn rdn_of(rdn: &RelativeDistinguishedName) -> Rdn {
    let value = |any: &Any| match text_of(any) {
        Some(text) => Value::Text(folded(&text)),
        None => Value::Encoded(any.to_der().unwrap_or_default()),
    };
    let mut attributes: Rdn = rdn.iter().map(|attribute| (attribute.oid, value(&attribute.value))).collect();
    attributes.sort();
    attributes
}

/// RFC 4518 §2, as far as names of certificates need it: NFKC, without case, white space and what is not
/// seen taken as one space or none.
fn folded(text: &str) -> String {
    // Lower case may compose anew.
    let lower: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    let seen = lower.chars().filter(|c| c.is_whitespace() || !is_mapped_to_nothing(*c));
    let seen: String = seen.collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// RFC 4518 §2.2.
fn is_mapped_to_nothing(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{AD}'
                | '\u{34F}'
                | '\u{180B}'..='\u{180E}'
                | '\u{200B}'..='\u{200F}'
                | '\u{202A}'..='\u{202E}'
                | '\u{2060}'..='\u{2063}'
                | '\u{206A}'..='\u{206F}'
                | '\u{FE00}'..='\u{FE0F}'
                | '\u{FEFF}'
                | '\u{FFF9}'..='\u{FFFC}'
        )
}

#[cfg(test)]
mod tests {
    use der::Tag;
    use der::asn1::{Any, SetOfVec};
    use x509_cert::attr::AttributeTypeAndValue;
    use x509_cert::name::RdnSequence;

    use super::*;

    fn name(parts: &[(&str, Tag, &[u8])]) -> Vec<u8> {
        let mut sequence = RdnSequence::default();
        for (oid, tag, value) in parts {
            let value = Any::new(*tag, *value).unwrap();
            let attribute = AttributeTypeAndValue { oid: oid.parse().unwrap(), value };
            let mut set = SetOfVec::new();
            set.insert(attribute).unwrap();
            sequence.push(RelativeDistinguishedName::try_from(set.into_vec()).unwrap());
        }
        sequence.to_der().unwrap()
    }

    const CN: &str = "2.5.4.3";
    const O: &str = "2.5.4.10";

    #[test]
    fn names_match_in_any_string_type_case_and_spacing() {
        let reference = name(&[(CN, Tag::PrintableString, b"Good CA")]);
        for same in [
            name(&[(CN, Tag::Utf8String, b"Good CA")]),
            name(&[(CN, Tag::Utf8String, b"  gOOd   cA ")]),
            name(&[(CN, Tag::TeletexString, b"GOOD\tCA")]),
            name(&[(CN, Tag::BmpString, b"\0g\0o\0o\0d\0 \0c\0a")]),
            name(&[(CN, Tag::Utf8String, "Good\u{AD} \u{FF23}A".as_bytes())]),
        ] {
            assert!(same_name(&reference, &same), "{same:02x?}");
        }
        for other in [
            name(&[(CN, Tag::Utf8String, b"GoodCA")]),
            name(&[(O, Tag::Utf8String, b"Good CA")]),
            name(&[(CN, Tag::Utf8String, b"Good CA"), (O, Tag::Utf8String, b"x")]),
            name(&[(CN, Tag::OctetString, b"Good CA")]),
            name(&[]),
            b"not a name".to_vec(),
        ] {
            assert!(!same_name(&reference, &other), "{other:02x?}");
        }
    }

    #[test]
    fn composed_and_decomposed_letters_are_the_same() {
        let composed = name(&[(CN, Tag::Utf8String, "Müller".as_bytes())]);
        let decomposed = name(&[(CN, Tag::Utf8String, "mu\u{308}ller".as_bytes())]);
        assert!(same_name(&composed, &decomposed));
        assert!(same_name(&composed, &name(&[(CN, Tag::TeletexString, b"M\xFCller")])));
    }

    #[test]
    fn a_subtree_is_a_beginning() {
        let canonical = |der: Vec<u8>| CanonicalName::of_der(&der).unwrap();
        let branch = canonical(name(&[(O, Tag::Utf8String, b"Bank")]));
        let desk = canonical(name(&[(O, Tag::PrintableString, b"BANK"), (CN, Tag::Utf8String, b"desk")]));
        assert!(desk.is_within(&branch) && branch.is_within(&branch));
        assert!(desk.is_within(&canonical(name(&[]))));
        assert!(!branch.is_within(&desk));
        assert!(!canonical(name(&[(CN, Tag::Utf8String, b"desk")])).is_within(&branch));
    }
}
