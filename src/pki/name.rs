//! Subjects and alternative names.

use std::net::IpAddr;

use crate::error::Result;

/// A subject or issuer: the attributes that certificates of this project carry (RFC 5280 §4.1.2.4).
/// An empty string means that the attribute is absent.
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
    /// CN.
    pub common_name: String,
}

impl DistinguishedName {
    /// A name with only CN.
    pub fn with_common_name(common_name: &str) -> Self {
        Self { common_name: common_name.to_owned(), ..Self::default() }
    }

    /// Checks each attribute against RFC 5280 appendix A: country is two letters, the others have
    /// at most 64 (ST and L: 128) characters, none has control characters, and one at least is there.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`] naming the attribute and the reason.
    pub fn check(&self) -> Result<()> {
        todo!()
    }
}

// Display: RFC 4514, e.g. `CN=bank,O=Example,L=Goa,ST=Goa,C=IN`.
impl core::fmt::Display for DistinguishedName {
    fn fmt(&self, _f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        todo!()
    }
}

/// A subject alternative name (RFC 5280 §4.2.1.6).
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
    /// underscore tolerated, at most 253 characters).
    ///
    /// # Errors
    /// [`crate::Error::Certificate`] saying what is wrong with the name.
    pub fn parse(text: &str) -> Result<Self> {
        let _ = text;
        todo!()
    }
}

impl core::fmt::Display for GeneralName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => write!(f, "{address}"),
        }
    }
}
