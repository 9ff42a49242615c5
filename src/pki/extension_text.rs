//! One extension in words.

use der::oid::{AssociatedOid, ObjectIdentifier};
use der::{Decode, Encode as _};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CrlDistributionPoints, CrlNumber, ExtendedKeyUsage, KeyUsage,
    NameConstraints, SubjectAltName, SubjectKeyIdentifier,
};

use super::encoded::{Constraints, GeneralNames, NameRef};
use super::extensions::{KEY_USAGES, PURPOSES};
use super::hex::colons;
use super::name::{Escaped, line_of};

/// What it is, in OpenSSL's words, or its number.
pub(super) fn name(extension: &Extension) -> String {
    let known = NAMES.iter().find(|(oid, _)| *oid == extension.extn_id);
    known.map_or_else(|| extension.extn_id.to_string(), |(_, name)| (*name).to_owned())
}

/// What it says; the octets where it does not decode or is not known here.
pub(super) fn lines(extension: &Extension) -> Vec<String> {
    decoded(extension).unwrap_or_else(|| {
        let octets = extension.extn_value.as_bytes();
        octets.chunks(OCTETS_PER_LINE).map(colons).collect()
    })
}

const OCTETS_PER_LINE: usize = 18;

const NAMES: &[(ObjectIdentifier, &str)] = &[
    (BasicConstraints::OID, "X509v3 Basic Constraints"),
    (KeyUsage::OID, "X509v3 Key Usage"),
    (ExtendedKeyUsage::OID, "X509v3 Extended Key Usage"),
    (SubjectKeyIdentifier::OID, "X509v3 Subject Key Identifier"),
    (AuthorityKeyIdentifier::OID, "X509v3 Authority Key Identifier"),
    (SubjectAltName::OID, "X509v3 Subject Alternative Name"),
    (NameConstraints::OID, "X509v3 Name Constraints"),
    (CrlDistributionPoints::OID, "X509v3 CRL Distribution Points"),
    (CrlNumber::OID, "X509v3 CRL Number"),
    (ObjectIdentifier::new_unwrap("2.5.29.18"), "X509v3 Issuer Alternative Name"),
    (ObjectIdentifier::new_unwrap("2.5.29.28"), "X509v3 Issuing Distribution Point"),
    (ObjectIdentifier::new_unwrap("2.5.29.32"), "X509v3 Certificate Policies"),
    (ObjectIdentifier::new_unwrap("2.5.29.33"), "X509v3 Policy Mappings"),
    (ObjectIdentifier::new_unwrap("2.5.29.36"), "X509v3 Policy Constraints"),
    (ObjectIdentifier::new_unwrap("2.5.29.54"), "X509v3 Inhibit Any Policy"),
    (ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1"), "Authority Information Access"),
];

fn decoded(extension: &Extension) -> Option<Vec<String>> {
    let oid = extension.extn_id;
    if oid == BasicConstraints::OID {
        let value: BasicConstraints = read(extension)?;
        let ca = if value.ca { "CA:TRUE" } else { "CA:FALSE" };
        let length = value.path_len_constraint.map(|length| format!(", pathlen:{length}"));
        return Some(vec![format!("{ca}{}", length.unwrap_or_default())]);
    }
    if oid == KeyUsage::OID {
        let value: KeyUsage = read(extension)?;
        let bits = KEY_USAGES.iter().filter(|(bit, ..)| value.0.contains(*bit));
        return Some(vec![bits.map(|(.., words)| *words).collect::<Vec<_>>().join(", ")]);
    }
    if oid == ExtendedKeyUsage::OID {
        let value: ExtendedKeyUsage = read(extension)?;
        return Some(vec![value.0.iter().map(purpose).collect::<Vec<_>>().join(", ")]);
    }
    if oid == SubjectKeyIdentifier::OID {
        return Some(vec![colons(read::<SubjectKeyIdentifier>(extension)?.0.as_bytes())]);
    }
    if oid == AuthorityKeyIdentifier::OID {
        return authority_key_identifier(&read(extension)?);
    }
    if oid == SubjectAltName::OID {
        let names = GeneralNames::of(extension.extn_value.as_bytes()).ok()?;
        return Some(vec![listed(
            names.iter().map(|name| name.to_x509().map_or_else(String::new, |name| one(&name))),
            ", ",
        )]);
    }
    if oid == NameConstraints::OID {
        return Some(name_constraints(&Constraints::of(extension.extn_value.as_bytes()).ok()?));
    }
    if oid == CrlDistributionPoints::OID {
        let value: CrlDistributionPoints = read(extension)?;
        let names = value.0.iter().filter_map(|point| match &point.distribution_point {
            Some(DistributionPointName::FullName(names)) => Some(joined(names)),
            Some(DistributionPointName::NameRelativeToCRLIssuer(_)) => {
                Some("a name relative to the issuer".to_owned())
            }
            None => None,
        });
        return Some(names.map(|names| format!("Full Name: {names}")).collect());
    }
    if oid == CrlNumber::OID {
        return Some(vec![format!(
            "0x{}",
            colons(read::<CrlNumber>(extension)?.0.as_bytes()).replace(':', "")
        )]);
    }
    None
}

fn read<'a, T: Decode<'a>>(extension: &'a Extension) -> Option<T> {
    T::from_der(extension.extn_value.as_bytes()).ok()
}

fn purpose(oid: &ObjectIdentifier) -> String {
    let known = PURPOSES.iter().find(|(known, ..)| known == oid);
    known.map_or_else(|| oid.to_string(), |(.., words)| (*words).to_owned())
}

fn authority_key_identifier(value: &AuthorityKeyIdentifier) -> Option<Vec<String>> {
    let mut lines: Vec<String> =
        value.key_identifier.iter().map(|identifier| colons(identifier.as_bytes())).collect();
    if let Some(names) = &value.authority_cert_issuer {
        lines.push(joined(names));
    }
    if let Some(serial) = &value.authority_cert_serial_number {
        lines.push(format!("serial:{}", colons(serial.as_bytes())));
    }
    (!lines.is_empty()).then_some(lines)
}

fn name_constraints(value: &Constraints) -> Vec<String> {
    let mut lines = Vec::new();
    let mut add = |heading: &str, bases: &mut dyn Iterator<Item = String>| {
        let mut bases = bases.peekable();
        if bases.peek().is_some() {
            lines.push(heading.to_owned());
            let shown = bases.by_ref().take(MAX_SHOWN).map(|base| format!("  {base}"));
            lines.extend(shown);
            lines.extend(more(bases.count()).map(|more| format!("  {more}")));
        }
    };
    add("Permitted:", &mut value.permitted().map(|subtree| base(subtree.base)));
    add("Excluded:", &mut value.excluded().map(|subtree| base(subtree.base)));
    lines
}

/// RFC 5280 §4.2.1.10: an address of a constraint has its mask behind it.
fn base(base: NameRef<'_>) -> String {
    if let NameRef::Address(octets) = base {
        let (address, mask) = octets.split_at_checked(octets.len() / 2).unwrap_or_default();
        if let (Some(address), Some(mask)) = (address_text(address), address_text(mask)) {
            return format!("IP:{address}/{mask}");
        }
    }
    base.to_x509().map_or_else(String::new, |base| one(&base))
}

/// The most names of an extension that are written out: nobody reads more.
const MAX_SHOWN: usize = 1000;

fn listed(mut names: impl Iterator<Item = String>, separator: &str) -> String {
    let mut list: Vec<String> = names.by_ref().take(MAX_SHOWN).collect();
    list.extend(more(names.count()));
    list.join(separator)
}

fn more(count: usize) -> Option<String> {
    (count > 0).then(|| format!("and {count} more"))
}

fn joined(names: &[GeneralName]) -> String {
    names.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn one(name: &GeneralName) -> String {
    match name {
        GeneralName::DnsName(text) => format!("DNS:{}", Escaped(text.as_str())),
        GeneralName::Rfc822Name(text) => format!("email:{}", Escaped(text.as_str())),
        GeneralName::UniformResourceIdentifier(text) => format!("URI:{}", Escaped(text.as_str())),
        GeneralName::IpAddress(octets) => match address_text(octets.as_bytes()) {
            Some(address) => format!("IP Address:{address}"),
            None => format!("IP Address:<{}>", colons(octets.as_bytes())),
        },
        GeneralName::DirectoryName(name) => format!("DirName:{}", line_of(name)),
        GeneralName::RegisteredId(oid) => format!("Registered ID:{oid}"),
        // Microsoft's user principal name, which is a text.
        GeneralName::OtherName(other)
            if other.type_id == super::general_name::UPN
                && let Some(text) = super::attribute::text_of(&other.value) =>
        {
            format!("othername: UPN::{}", Escaped(&text))
        }
        GeneralName::OtherName(other) => {
            let value = other.value.to_der().unwrap_or_default();
            format!("othername:{}:<{}>", other.type_id, colons(&value))
        }
        GeneralName::EdiPartyName(_) => "EdiPartyName:<unsupported>".to_owned(),
    }
}

fn address_text(octets: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(octets).map(core::net::IpAddr::from);
    let address = four.or_else(|_| <[u8; 16]>::try_from(octets).map(core::net::IpAddr::from));
    address.ok().map(|address| address.to_string())
}
