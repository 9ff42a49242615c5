//! Distinguished names as RFC 5280 §7.1 compares them: whatever string type an attribute has, in whatever
//! case, with however many spaces. An attribute whose matching rule we do not know is compared by its octets.

use der::asn1::{Any, ObjectIdentifier};
use der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::{Name, RelativeDistinguishedName};

use super::attribute::{self, text_of};
use super::fold::folded;

/// A name's RelativeDistinguishedNames, in order. Equal for names that match.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct CanonicalName(Vec<Rdn>);

/// The attributes in an order of our own: their order in a SET says nothing.
type Rdn = Vec<(ObjectIdentifier, Value)>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Value {
    Text(String),
    /// What is no text that we can read, or not known to be compared as one, as it is encoded.
    Encoded(Vec<u8>),
}

impl CanonicalName {
    /// `None` for what is not a name.
    pub(super) fn of_der(der: &[u8]) -> Option<Self> {
        Name::from_der(der).ok().map(|name| Self::of(&name))
    }

    pub(super) fn of(name: &Name) -> Self {
        Self::of_rdns(name.iter_rdn())
    }

    pub(super) fn of_rdns<'a>(rdns: impl Iterator<Item = &'a RelativeDistinguishedName>) -> Self {
        Self(rdns.map(rdn_of).collect())
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

fn rdn_of(rdn: &RelativeDistinguishedName) -> Rdn {
    let value = |kind: ObjectIdentifier, any: &Any| match attribute::known(kind).and_then(|_| text_of(any)) {
        Some(text) => Value::Text(folded(&text)),
        None => Value::Encoded(any.to_der().unwrap_or_default()),
    };
    let mut attributes: Rdn =
        rdn.iter().map(|attribute| (attribute.oid, value(attribute.oid, &attribute.value))).collect();
    attributes.sort();
    attributes
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

    fn same_name(one: &[u8], other: &[u8]) -> bool {
        CanonicalName::of_der(one).is_some_and(|one| Some(one) == CanonicalName::of_der(other))
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
    fn an_attribute_whose_matching_rule_is_not_known_is_compared_by_its_octets() {
        let unknown = name(&[("1.2.3.4", Tag::Utf8String, b"a")]);
        assert!(same_name(&unknown, &unknown));
        assert!(!same_name(&unknown, &name(&[("1.2.3.4", Tag::Utf8String, b"A")])));
        assert!(!same_name(&unknown, &name(&[("1.2.3.4", Tag::PrintableString, b"a")])));
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
