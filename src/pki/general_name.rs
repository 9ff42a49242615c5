//! Subject alternative names.

use core::fmt;
use std::net::IpAddr;

use der::asn1::{Ia5String, ObjectIdentifier};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName as X509GeneralName;

use super::encoded::{GeneralNames, NameRef};
use super::name_form::{bad_name, check_mailbox, check_uri, dns_fault, host_fault, without_root};
use crate::error::{Error, Result};

/// A subject alternative name (RFC 5280 §4.2.1.6).
///
/// ```
/// use otls::pki::GeneralName;
///
/// assert_eq!(GeneralName::parse("Bank.Example")?, GeneralName::Dns("bank.example".to_owned()));
/// assert_eq!(GeneralName::parse("bank.example.")?, GeneralName::Dns("bank.example".to_owned()));
/// assert_eq!(GeneralName::parse("127.0.0.1")?, GeneralName::Ip([127, 0, 0, 1].into()));
/// assert!(GeneralName::parse("bank example").is_err());
/// let desk = GeneralName::parse("email:desk@bank.example")?;
/// assert_eq!(desk, GeneralName::Email("desk@bank.example".to_owned()));
/// assert_eq!(GeneralName::parse("URI:https://bank.example/")?.to_string(), "URI:https://bank.example/");
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GeneralName {
    /// A DNS name (A-labels), perhaps with a wildcard as its whole first label.
    Dns(String),
    /// An IP address.
    Ip(IpAddr),
    /// A mailbox, `local@host`, ASCII (RFC 5280 calls it rfc822Name).
    Email(String),
    /// An absolute URI (RFC 3986), ASCII.
    Uri(String),
}

impl GeneralName {
    /// Reads what OpenSSL's `subjectAltName` option takes: `DNS:…`, `IP:…`, `email:…` or `URI:…`, the
    /// prefix in either case.
    ///
    /// Without a prefix it is an IP address if it reads as one, otherwise a checked DNS name (RFC 1034
    /// preferred syntax, underscore tolerated, at most 253 characters) in lower case. A wildcard may be
    /// the whole first label where two labels at least follow it, as path verification wants it. A dot at the
    /// end is the same name (RFC 1034 §3.1), and left out, as certificates and server_name (RFC 6066 §3) have
    /// none. [`GeneralName`]'s `Display` writes what this reads.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`] saying what is wrong with the name, and what to write instead of a URL, a
    /// host with a port, an address in brackets or with a zone, and so on.
    pub fn parse(text: &str) -> Result<Self> {
        let (prefix, value) = text.split_once(':').unwrap_or(("", text));
        match prefix.to_ascii_lowercase().as_str() {
            "dns" => Self::parse_dns(without_root(value)),
            "ip" => {
                value.parse().map(Self::Ip).map_err(|_| bad_name(format!("{value:?} is not an IP address")))
            }
            "email" => check_mailbox(value).map(|()| Self::Email(value.to_owned())),
            "uri" => check_uri(value).map(|()| Self::Uri(value.to_owned())),
            _ => match text.parse() {
                Ok(address) => Ok(Self::Ip(address)),
                Err(_) => Self::parse_dns(without_root(text)),
            },
        }
    }

    fn parse_dns(text: &str) -> Result<Self> {
        if text.parse::<IpAddr>().is_ok() {
            return Err(bad_name(format!("{text:?} is an IP address, not a DNS name")));
        }
        match dns_fault(text) {
            None => Ok(Self::Dns(text.to_ascii_lowercase())),
            Some(fault) => {
                let fault = host_fault(text).unwrap_or_else(|| fault.to_owned());
                Err(bad_name(format!("{text:?} is not a DNS name or IP address: {fault}")))
            }
        }
    }

    /// Whether it is what a client may ask a server for: one host.
    ///
    /// # Errors
    /// [`crate::error::CertificateError::BadName`].
    pub(crate) fn check_server(&self) -> Result<()> {
        match self {
            Self::Dns(name) if name.starts_with('*') => {
                Err(bad_name(format!("{self} stands for many servers: write the name of one")))
            }
            Self::Email(_) | Self::Uri(_) => {
                Err(bad_name(format!("{self} is no server: write a DNS name or an IP address")))
            }
            Self::Dns(_) | Self::Ip(_) => self.check(),
        }
    }

    /// Whether this name of a certificate is one for a host (RFC 9525 §6.3): a wildcard stands for one label.
    pub(super) fn is_for_host(&self, host: &str) -> bool {
        let Self::Dns(name) = self else { return false };
        match (name.strip_prefix("*."), host.split_once('.')) {
            (Some(parent), Some((_, rest))) => parent.eq_ignore_ascii_case(rest),
            _ => name.eq_ignore_ascii_case(host),
        }
    }

    /// Checks what somebody put together by hand.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::Ip(_) => Ok(()),
            Self::Dns(name) => Self::parse_dns(name).map(|_| ()),
            Self::Email(mailbox) => check_mailbox(mailbox),
            Self::Uri(uri) => check_uri(uri),
        }
    }

    /// The extension with these names.
    pub(super) fn to_x509(names: &[Self]) -> Result<SubjectAltName> {
        let ascii = |text: &str| {
            Ia5String::new(text).map_err(|_| Error::Internal("an alternative name that is not ASCII"))
        };
        let names = names.iter().map(|name| match name {
            Self::Ip(address) => Ok(X509GeneralName::from(*address)),
            Self::Dns(dns) => ascii(dns).map(X509GeneralName::DnsName),
            Self::Email(mailbox) => ascii(mailbox).map(X509GeneralName::Rfc822Name),
            Self::Uri(uri) => ascii(uri).map(X509GeneralName::UniformResourceIdentifier),
        });
        Ok(SubjectAltName(names.collect::<Result<_>>()?))
    }

    /// What a name is, where it is of a kind that we do not know.
    pub(super) fn unknown_kind(name: &X509GeneralName) -> Option<String> {
        match name {
            X509GeneralName::OtherName(other) if other.type_id == UPN => {
                Some(format!("otherName {UPN} (user principal name)"))
            }
            X509GeneralName::OtherName(other) => Some(format!("otherName {}", other.type_id)),
            X509GeneralName::DirectoryName(_) => Some("directoryName".to_owned()),
            X509GeneralName::EdiPartyName(_) => Some("ediPartyName".to_owned()),
            X509GeneralName::RegisteredId(oid) => Some(format!("registeredID {oid}")),
            X509GeneralName::DnsName(_)
            | X509GeneralName::IpAddress(_)
            | X509GeneralName::Rfc822Name(_)
            | X509GeneralName::UniformResourceIdentifier(_) => None,
        }
    }

    /// The names of an extension that are of a kind that we know; `Err` in place of each of those that
    /// is not well-formed.
    pub(super) fn of_encoded(names: &GeneralNames) -> impl Iterator<Item = Result<Self>> {
        names.iter().filter_map(|name| match name {
            NameRef::Dns(dns) => Some(Self::parse_dns(dns)),
            NameRef::Address(octets) => Some(address_of(octets)),
            NameRef::Mailbox(mailbox) => {
                Some(check_mailbox(mailbox).map(|()| Self::Email(mailbox.to_owned())))
            }
            NameRef::Uri(uri) => Some(check_uri(uri).map(|()| Self::Uri(uri.to_owned()))),
            NameRef::Directory(_) | NameRef::Other(_) => None,
        })
    }
}

/// What [`GeneralName::parse`] reads.
impl fmt::Display for GeneralName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => write!(f, "{address}"),
            Self::Email(mailbox) => write!(f, "email:{mailbox}"),
            Self::Uri(uri) => write!(f, "URI:{uri}"),
        }
    }
}

/// Microsoft's user principal name.
pub(super) const UPN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");

/// RFC 5280 §4.2.1.6: four octets for IPv4, sixteen for IPv6.
fn address_of(octets: &[u8]) -> Result<GeneralName> {
    let address = <[u8; 4]>::try_from(octets)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from));
    address.map(GeneralName::Ip).map_err(|_| bad_name(format!("an IP address of {} octets", octets.len())))
}

/// Whether `text` is a DNS name that [`GeneralName::parse`] takes, without making one of it.
pub(super) fn is_dns_name(text: &str) -> bool {
    dns_fault(text).is_none() && text.parse::<IpAddr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::Encode as _;
    use x509_cert::der::asn1::OctetString;

    /// The first name of an extension.
    fn first(names: &SubjectAltName) -> Result<GeneralName> {
        let names = GeneralNames::of(&names.to_der().unwrap()).unwrap();
        GeneralName::of_encoded(&names).next().unwrap()
    }

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
            "a..",
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
    fn a_dot_at_the_end_is_the_same_name_but_not_in_a_certificate() {
        for (text, name) in
            [("localhost.", "localhost"), ("Bank.Example.", "bank.example"), ("DNS:a.b.", "a.b")]
        {
            assert_eq!(GeneralName::parse(text).unwrap(), GeneralName::Dns(name.to_owned()));
        }
        assert!(GeneralName::Dns("bank.example.".to_owned()).check().is_err());
        let dotted = X509GeneralName::DnsName(Ia5String::new("bank.example.").unwrap());
        assert!(first(&SubjectAltName(vec![dotted])).is_err());
    }

    #[test]
    fn what_is_no_host_is_refused_with_what_to_write_instead() {
        for (text, why) in [
            (" bank.example", "blanks around it: write \"bank.example\""),
            ("bank.example\n", "blanks around it: write \"bank.example\""),
            ("\u{FEFF}bank.example", "blanks around it: write \"bank.example\""),
            ("::1 ", "blanks around it: write \"::1\""),
            ("http://bank.example/", "it is a URL: write its host, \"bank.example\""),
            ("https://[::1]:443/x?y", "it is a URL: write its host, \"[::1]:443\" without a port"),
            ("asha@bank.example", "write the host alone, \"bank.example\""),
            ("[::1]", "without brackets and port: \"::1\""),
            ("[::1]:443", "without brackets and port: \"::1\""),
            ("fe80::1%eth0", "a zone is of one machine, and in no certificate: write \"fe80::1\""),
            ("bank.example:443", "a port is no part of a name: write \"bank.example\""),
            ("127.0.0.1:443", "a port is no part of a name: write \"127.0.0.1\""),
            ("127.0.0.1.", "no dot at its end: write \"127.0.0.1\""),
            ("b\u{fc}cher.example", "A-labels"),
            ("two words", "letters, digits, hyphens and underscores only"),
            (" ", "letters, digits, hyphens and underscores only"),
            (".", "empty"),
            ("", "empty"),
        ] {
            let said = GeneralName::parse(text).unwrap_err().to_string();
            assert!(said.contains(why), "{text:?}: {said}");
        }
        assert!(GeneralName::parse("_service._tcp.bank.example").is_ok());
    }

    #[test]
    fn a_client_asks_for_one_host() {
        for (text, why) in [
            ("*.bank.example", "stands for many servers"),
            ("email:asha@bank.example", "is no server"),
            ("URI:https://bank.example/", "is no server"),
        ] {
            let said = GeneralName::parse(text).unwrap().check_server().unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
        }
        assert!(GeneralName::Dns("bank.example.".to_owned()).check_server().is_err());
        for text in ["bank.example", "a_b.example", "localhost", "::1", "127.0.0.1"] {
            GeneralName::parse(text).unwrap().check_server().unwrap();
        }
    }

    #[test]
    fn an_address_of_another_length_is_refused() {
        for len in [0, 3, 5, 8, 15, 17, 32] {
            let octets = OctetString::new(vec![1; len]).unwrap();
            let names = SubjectAltName(vec![X509GeneralName::IpAddress(octets)]);
            assert!(first(&names).is_err(), "{len}");
        }
    }

    #[test]
    fn an_address_written_as_a_dns_name_is_refused() {
        assert!(GeneralName::Dns("127.0.0.1".to_owned()).check().is_err());
        assert!(GeneralName::Dns("a b".to_owned()).check().is_err());
        assert!(GeneralName::Dns("a.b".to_owned()).check().is_ok());
    }

    #[test]
    fn names_with_a_prefix_are_of_that_kind_and_survive_their_text() {
        for text in [
            "email:asha@bank.example",
            "email:a.b+c@localhost",
            "URI:https://bank.example/a?b=%20",
            "URI:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "bank.example",
            "10.0.0.1",
            "2001:db8::1",
        ] {
            let name = GeneralName::parse(text).unwrap();
            assert_eq!(name.to_string(), text);
            name.check().unwrap();
            let x509 = GeneralName::to_x509(std::slice::from_ref(&name)).unwrap();
            assert_eq!(first(&x509).unwrap(), name);
        }
        assert_eq!(GeneralName::parse("dns:A.example").unwrap().to_string(), "a.example");
        assert_eq!(GeneralName::parse("IP:::1").unwrap().to_string(), "::1");
    }

    #[test]
    fn mailboxes_and_uris_that_are_wrong_are_refused() {
        let long_local = format!("email:{}@bank.example", "a".repeat(65));
        let long_uri = format!("URI:https://bank.example/{}", "a".repeat(2048));
        for text in [
            "asha@bank.example",
            "https://bank.example",
            "email:",
            "email:asha",
            "email:@bank.example",
            "email:a..b@bank.example",
            "email:Asha <asha@bank.example>",
            "email:asha@bank..example",
            "email:asha@*.bank.example",
            "email:\u{e4}sha@bank.example",
            "email:a\u{0}@bank.example",
            "URI:",
            "URI:bank.example",
            "URI:https:",
            "URI:1https://bank.example",
            "URI:https://bank.example/a b",
            "URI:https://b\u{e4}nk.example",
            "DNS:127.0.0.1",
            "IP:bank.example",
            &long_local,
            &long_uri,
        ] {
            assert!(GeneralName::parse(text).is_err(), "{text}");
        }
        assert!(GeneralName::Email("a b@c.example".to_owned()).check().is_err());
        assert!(GeneralName::Uri("x".to_owned()).check().is_err());
    }
}
