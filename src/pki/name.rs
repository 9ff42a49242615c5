//! Subjects and issuers: distinguished names.

mod shown;

use core::fmt;
use core::hash::{Hash, Hasher};
use std::sync::OnceLock;

use der::asn1::{Any, ObjectIdentifier, SetOfVec, Utf8StringRef};
use der::oid::db::rfc4519::COMMON_NAME;
use der::{Decode as _, Encode as _};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

pub(super) use self::shown::{Escaped, line_of};
use super::attribute::{self, text_of};
use super::canonical::CanonicalName;
use super::name_form::bad_name;
use crate::error::{CertificateError, Error, Result};

/// The most octets of a name's DER: fifty times what names of certificates have. It bounds what is folded
/// to compare one.
pub const MAX_NAME_LEN: usize = 8 << 10;
/// The most attributes of a name, all RelativeDistinguishedNames together.
pub const MAX_NAME_ATTRIBUTES: usize = 64;

/// A subject or issuer: all of its RelativeDistinguishedNames in their order, with every attribute as it is
/// encoded (RFC 5280 §4.1.2.4).
///
/// Two names are equal when RFC 5280 §7.1 says that they match: whatever string type, case and spaces their
/// attributes have, the attributes of one RelativeDistinguishedName in any order. Attributes whose matching
/// rule is not known are compared by their octets.
///
/// Types of attribute are written as in RFC 4519 (`CN`, `C`, `ST`, `L`, `O`, `OU`, `DC`, `UID`, `title`,
/// `givenName` …) or as a dotted number.
///
/// ```
/// use otls::pki::DistinguishedName;
///
/// let mut name = DistinguishedName::with_common_name("bank.example");
/// name.set("C", "IN")?;
/// name.add("UID", "1001")?;
/// assert_eq!(name.to_string(), "UID=1001,CN=bank.example,C=IN");
/// assert_eq!(name.common_name(), "bank.example");
///
/// let mut other = DistinguishedName::with_common_name("Bank.Example");
/// other.set("C", "in")?;
/// assert_ne!(other, name);
/// other.add("UID", "1001")?;
/// assert_eq!(other, name);
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct DistinguishedName {
    rdns: Vec<RelativeDistinguishedName>,
    /// Made when it is first compared.
    canonical: OnceLock<CanonicalName>,
}

/// One attribute of a [`DistinguishedName`]; see [`DistinguishedName::rdns`].
///
/// ```
/// let name = otls::pki::DistinguishedName::with_common_name("bank");
/// let attribute = &name.attributes()[0];
/// assert_eq!((attribute.kind.as_str(), attribute.text.as_deref()), ("CN", Some("bank")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NameAttribute {
    /// The type: its short name, or a dotted number.
    pub kind: String,
    /// The value, where it is text.
    pub text: Option<String>,
    /// The value as it is encoded (DER).
    pub der: Vec<u8>,
}

impl DistinguishedName {
    /// A name with only CN; without any attribute for an empty text.
    pub fn with_common_name(common_name: &str) -> Self {
        let mut name = Self::default();
        if !common_name.is_empty()
            && let Ok(value) = Utf8StringRef::new(common_name).and_then(|text| Any::encode_from(&text))
            && let Ok(rdn) = rdn_of(vec![AttributeTypeAndValue { oid: COMMON_NAME, value }])
        {
            name.rdns.push(rdn);
        }
        name
    }

    /// Reads the DER of a Name.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`] for what is no Name, or has more than [`MAX_NAME_LEN`] octets or
    /// [`MAX_NAME_ATTRIBUTES`] attributes.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        if der.len() > MAX_NAME_LEN {
            return Err(TOO_LARGE.into());
        }
        let name = Name::from_der(der)
            .map_err(|_| CertificateError::Malformed("the name is not a distinguished name in DER"))?;
        Self::of_x509(&name)
    }

    /// The name as it is encoded, octet for octet as it came.
    pub fn to_der(&self) -> Vec<u8> {
        self.sequence().to_der().unwrap_or_default()
    }

    /// Gives the name one attribute of a type: in the place of the one that it has or, in the usual order
    /// (C, ST, L, O, OU, CN, serialNumber, emailAddress), where that type belongs; other types go to the end.
    /// An empty value takes the attributes of the type away.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for an unknown type; [`crate::error::CertificateError::BadName`] for a
    /// value that the type may not have, and where there are several attributes of the type.
    pub fn set(&mut self, kind: &str, value: &str) -> Result<()> {
        let oid = attribute::oid_of(kind)?;
        let has = |rdn: &RelativeDistinguishedName| rdn.iter().any(|one| one.oid == oid);
        let mut rdns = self.rdns.clone();
        if value.is_empty() {
            rdns.retain(|rdn| !has(rdn));
            return self.replace(rdns);
        }
        let rdn = rdn_of(vec![attribute::encode(oid, value)?])?;
        let rank = attribute::rank(oid);
        let first = |rdn: &RelativeDistinguishedName| rdn.iter().next().map(|first| first.oid);
        let comes_after =
            |rdn: &RelativeDistinguishedName| rank.is_some() && first(rdn).and_then(attribute::rank) > rank;
        match (rdns.iter().position(has), rdns.iter().filter(|rdn| has(rdn)).count()) {
            (Some(at), 1) => {
                if let Some(there) = rdns.get_mut(at).filter(|there| there.len() == 1) {
                    *there = rdn;
                } else {
                    return Err(bad_name(format!("{kind} stands beside others in the name")));
                }
            }
            (Some(_), _) => return Err(bad_name(format!("{kind} is there several times"))),
            (None, _) => {
                let at = rdns.iter().position(comes_after).unwrap_or(rdns.len());
                rdns.insert(at, rdn);
            }
        }
        self.replace(rdns)
    }

    /// Adds a RelativeDistinguishedName of one attribute behind the others; a type may come more than once.
    ///
    /// # Errors
    /// As [`DistinguishedName::set`]; for more than [`MAX_NAME_ATTRIBUTES`] attributes or [`MAX_NAME_LEN`]
    /// octets.
    pub fn add(&mut self, kind: &str, value: &str) -> Result<()> {
        let mut rdns = self.rdns.clone();
        rdns.push(rdn_of(vec![attribute::encode(attribute::oid_of(kind)?, value)?])?);
        self.replace(rdns)
    }

    /// Adds an attribute to the last RelativeDistinguishedName, which then has several: `CN=Asha+UID=1001`.
    ///
    /// # Errors
    /// As [`DistinguishedName::add`]; for a name without any, and for a type that is there already.
    pub fn add_to_last(&mut self, kind: &str, value: &str) -> Result<()> {
        let mut rdns = self.rdns.clone();
        let Some(last) = rdns.pop() else {
            return Err(bad_name(format!("{kind} has nothing to stand beside: the name is empty")));
        };
        let mut attributes: Vec<_> = last.iter().cloned().collect();
        attributes.push(attribute::encode(attribute::oid_of(kind)?, value)?);
        rdns.push(rdn_of(attributes)?);
        self.replace(rdns)
    }

    /// Checks each attribute against RFC 5280 appendix A, as an authority does before it signs: values are
    /// text, not empty and without control characters; country is two letters, the others have
    /// at most 64 (ST and L: 128, emailAddress: 255) characters, serialNumber
    /// is printable ASCII, emailAddress is a mailbox, and one attribute at least is there.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`] naming the attribute and the reason.
    pub fn check(&self) -> Result<()> {
        if self.rdns.is_empty() {
            return Err(bad_name("the name is empty: give at least a common name".to_owned()));
        }
        self.iter().try_for_each(attribute::check)
    }

    /// Whether there is no attribute.
    pub fn is_empty(&self) -> bool {
        self.rdns.is_empty()
    }

    /// The RelativeDistinguishedNames in their order, each with its attributes; more than one seldom.
    pub fn rdns(&self) -> Vec<Vec<NameAttribute>> {
        self.rdns.iter().map(|rdn| rdn.iter().map(NameAttribute::of).collect()).collect()
    }

    /// All attributes in their order, whichever RelativeDistinguishedName they are in.
    pub fn attributes(&self) -> Vec<NameAttribute> {
        self.iter().map(NameAttribute::of).collect()
    }

    /// The texts of all attributes of a type, in their order.
    pub fn values(&self, kind: &str) -> Vec<String> {
        let Ok(oid) = attribute::oid_of(kind) else { return Vec::new() };
        self.iter().filter(|one| one.oid == oid).filter_map(|one| text_of(&one.value)).collect()
    }

    /// CN. As with each of these: empty where there is none, and also where there are several, because
    /// none of them is then the one; [`DistinguishedName::values`] has them all.
    pub fn common_name(&self) -> String {
        self.only("CN")
    }

    /// C: two letters (ISO 3166).
    pub fn country(&self) -> String {
        self.only("C")
    }

    /// ST.
    pub fn state(&self) -> String {
        self.only("ST")
    }

    /// L.
    pub fn locality(&self) -> String {
        self.only("L")
    }

    /// O.
    pub fn organization(&self) -> String {
        self.only("O")
    }

    /// OU.
    pub fn organizational_unit(&self) -> String {
        self.only("OU")
    }

    /// serialNumber: a number of the subject itself (a customer, a device), not of the certificate.
    pub fn serial_number(&self) -> String {
        self.only("serialNumber")
    }

    /// emailAddress. RFC 5280 §4.1.2.6 keeps it for old programs; a new certificate has the address as
    /// an alternative name too ([`super::GeneralName::Email`]).
    pub fn email(&self) -> String {
        self.only("emailAddress")
    }

    pub(super) fn of_x509(name: &Name) -> Result<Self> {
        let mut made = Self::default();
        made.replace(name.iter_rdn().cloned().collect()).map_err(|_| TOO_LARGE)?;
        Ok(made)
    }

    pub(super) fn to_x509(&self) -> Result<Name> {
        Name::from_der(&self.to_der()).map_err(|_| Error::Internal("a distinguished name"))
    }

    fn only(&self, kind: &str) -> String {
        match <[String; 1]>::try_from(self.values(kind)) {
            Ok([only]) => only,
            Err(_) => String::new(),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &AttributeTypeAndValue> {
        self.rdns.iter().flat_map(RelativeDistinguishedName::iter)
    }

    fn sequence(&self) -> RdnSequence {
        RdnSequence::from(self.rdns.clone())
    }

    fn replace(&mut self, rdns: Vec<RelativeDistinguishedName>) -> Result<()> {
        let made = Self { rdns, canonical: OnceLock::new() };
        let len = made.rdns.encoded_len().ok().and_then(|len| usize::try_from(len).ok());
        if made.iter().count() > MAX_NAME_ATTRIBUTES || len.is_none_or(|len| len > MAX_NAME_LEN) {
            let most = format!("{MAX_NAME_ATTRIBUTES} attributes or {MAX_NAME_LEN} octets");
            return Err(bad_name(format!("the name has more than {most}")));
        }
        *self = made;
        Ok(())
    }

    /// Whether [`Self::canonical`] has been made.
    pub(super) fn is_canonical(&self) -> bool {
        self.canonical.get().is_some()
    }

    pub(super) fn canonical(&self) -> &CanonicalName {
        self.canonical.get_or_init(|| CanonicalName::of_rdns(self.rdns.iter()))
    }
}

impl PartialEq for DistinguishedName {
    fn eq(&self, other: &Self) -> bool {
        self.rdns == other.rdns || self.canonical() == other.canonical()
    }
}

impl Eq for DistinguishedName {}

impl Hash for DistinguishedName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DistinguishedName({self})")
    }
}

/// RFC 4514, for example `CN=bank,O=Example,L=Goa,ST=Goa,C=IN`: the most specific attribute first.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        shown::write(f, self.rdns.iter().rev(), ",")
    }
}

impl NameAttribute {
    fn of(attribute: &AttributeTypeAndValue) -> Self {
        Self {
            kind: attribute::shown(attribute.oid),
            text: text_of(&attribute.value),
            der: attribute.value.to_der().unwrap_or_default(),
        }
    }
}

const TOO_LARGE: CertificateError =
    CertificateError::Malformed("a name of more than 64 attributes or 8192 octets");

fn rdn_of(attributes: Vec<AttributeTypeAndValue>) -> Result<RelativeDistinguishedName> {
    let twice = |kind: ObjectIdentifier| attributes.iter().filter(|one| one.oid == kind).count() > 1;
    // X.501 §9.3: the types of a RelativeDistinguishedName are distinct.
    if let Some(one) = attributes.iter().find(|one| twice(one.oid)) {
        return Err(bad_name(format!("{} stands beside itself", attribute::shown(one.oid))));
    }
    let set = SetOfVec::try_from(attributes).map_err(|_| Error::Internal("a relative distinguished name"))?;
    Ok(RelativeDistinguishedName::from(set))
}

#[cfg(test)]
mod tests;
