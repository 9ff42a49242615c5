//! Subject alternative names.

use core::fmt;
use std::net::IpAddr;

use der::asn1::Ia5String;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName as X509GeneralName;

use super::name::bad_name;
use crate::error::{Error, Result};

/// A subject alternative name (RFC 5280 §4.2.1.6).
///
/// ```
/// use otls::pki::GeneralName;
///
/// assert_eq!(GeneralName::parse("Bank.Example")?, GeneralName::Dns("bank.example".to_owned()));
/// assert_eq!(GeneralName::parse("127.0.0.1")?, GeneralName::Ip([127, 0, 0, 1].into()));
/// assert!(GeneralName::parse("bank example").is_err());
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GeneralName {
    /// A DNS name (A-labels), perhaps with a wildcard as its whole first label.
    Dns(String),
    /// An IP address.
    Ip(IpAddr),
}

impl GeneralName {
    /// An IP address if it reads as one, otherwise a checked DNS name (RFC 1034 preferred syntax,
    /// underscore tolerated, at most 253 characters) in lower case. A wildcard may be the whole
    /// first label where two labels at least follow it, as path verification wants it.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`] saying what is wrong with the name.
    pub fn parse(text: &str) -> Result<Self> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        match dns_fault(text) {
            None => Ok(Self::Dns(text.to_ascii_lowercase())),
            Some(fault) => Err(bad_name(format!("{text:?} is not a DNS name or IP address: {fault}"))),
        }
    }

    /// Checks what somebody put together by hand.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::Ip(_) => Ok(()),
            Self::Dns(name) => Self::parse(name).and_then(|parsed| match parsed {
                Self::Dns(_) => Ok(()),
                Self::Ip(_) => Err(bad_name(format!("{name:?} is an IP address, not a DNS name"))),
            }),
        }
    }

    /// The extension with these names.
    pub(super) fn to_x509(names: &[Self]) -> Result<SubjectAltName> {
        let names = names.iter().map(|name| match name {
            Self::Ip(address) => Ok(X509GeneralName::from(*address)),
            Self::Dns(dns) => Ia5String::new(dns)
                .map(X509GeneralName::DnsName)
                .map_err(|_| Error::Internal("a DNS name that is not ASCII")),
        });
        Ok(SubjectAltName(names.collect::<Result<_>>()?))
    }

    /// The DNS names and IP addresses of an extension; `Err` in place of each that is not well-formed.
    pub(super) fn of_x509(names: &SubjectAltName) -> impl Iterator<Item = Result<Self>> {
        names.0.iter().filter_map(|name| match name {
            X509GeneralName::DnsName(dns) => {
                Some(Self::parse(dns.as_str()).and_then(|parsed| match parsed {
                    Self::Dns(_) => Ok(parsed),
                    Self::Ip(_) => {
                        Err(bad_name(format!("{:?} is an IP address, not a DNS name", dns.as_str())))
                    }
                }))
            }
            X509GeneralName::IpAddress(octets) => Some(address_of(octets.as_bytes())),
            X509GeneralName::OtherName(_)
            | X509GeneralName::Rfc822Name(_)
            | X509GeneralName::DirectoryName(_)
            | X509GeneralName::EdiPartyName(_)
            | X509GeneralName::UniformResourceIdentifier(_)
            | X509GeneralName::RegisteredId(_) => None,
        })
    }
}

impl fmt::Display for GeneralName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => write!(f, "{address}"),
        }
    }
}

/// RFC 1035 §2.3.4 allows 255 octets on the wire: 253 characters of text.
const MAX_DNS_CHARS: usize = 253;
/// RFC 1035 §2.3.4.
const MAX_LABEL_CHARS: usize = 63;

/// RFC 5280 §4.2.1.6: four octets for IPv4, sixteen for IPv6.
fn address_of(octets: &[u8]) -> Result<GeneralName> {
    let address = <[u8; 4]>::try_from(octets)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from));
    address.map(GeneralName::Ip).map_err(|_| bad_name(format!("an IP address of {} octets", octets.len())))
}

fn dns_fault(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if !text.is_ascii() {
        return Some("it is not ASCII (write international names as A-labels, \"xn--…\")");
    }
    if text.len() > MAX_DNS_CHARS {
        return Some("it has more than 253 characters");
    }
    let labels = match text.strip_prefix("*.") {
        Some(rest) if !rest.contains('.') => return Some("a wildcard needs two labels after it"),
        Some(rest) => rest,
        None => text,
    };
    if labels.split('.').next_back().is_some_and(|last| last.bytes().all(|c| c.is_ascii_digit())) {
        return Some("its last label is empty or a number");
    }
    labels.split('.').find_map(label_fault)
}

fn label_fault(label: &str) -> Option<&'static str> {
    if label.is_empty() {
        return Some("it has an empty label");
    }
    if label.len() > MAX_LABEL_CHARS {
        return Some("it has a label of more than 63 characters");
    }
    if label.contains('*') {
        return Some("a wildcard must be the whole first label");
    }
    if !label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_') {
        return Some("a label may have letters, digits and hyphens only");
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Some("a label must not start or end with a hyphen");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_cert::der::asn1::OctetString;

    #[test]
    fn names_that_are_right_parse() {
        let long = format!("{}.{}", "a".repeat(63), "b.c".repeat(20));
        for name in ["localhost", "bank.example", "a-b.c_d.example", "*.bank.example", "xn--p1ai.x", &long] {
            assert_eq!(GeneralName::parse(name).unwrap(), GeneralName::Dns(name.to_owned()), "{name}");
        }
        assert_eq!(GeneralName::parse("::1").unwrap().to_string(), "::1");
    }

    #[test]
    fn names_that_are_wrong_do_not() {
        let long_label = format!("{}.example", "a".repeat(64));
        let long = format!("{}x", "a.".repeat(127));
        for name in [
            "",
            ".",
            "a..b",
            ".a",
            "a.",
            "-a.example",
            "a-.example",
            "a b",
            "a/b",
            "*",
            "*.example",
            "a.*.example",
            "*a.bank.example",
            "1.2.3.4.5",
            "1.2.3.999",
            "bänk.example",
            "a\0b",
            "127.0.0.1:5000",
            &long_label,
            &long,
        ] {
            assert!(GeneralName::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_address_of_another_length_is_refused() {
        for len in [0, 3, 5, 8, 15, 17, 32] {
            let octets = OctetString::new(vec![1; len]).unwrap();
            let names = SubjectAltName(vec![X509GeneralName::IpAddress(octets)]);
            assert!(GeneralName::of_x509(&names).next().unwrap().is_err(), "{len}");
        }
    }

    #[test]
    fn an_address_written_as_a_dns_name_is_refused() {
        assert!(GeneralName::Dns("127.0.0.1".to_owned()).check().is_err());
        assert!(GeneralName::Dns("a b".to_owned()).check().is_err());
        assert!(GeneralName::Dns("a.b".to_owned()).check().is_ok());
    }
}
