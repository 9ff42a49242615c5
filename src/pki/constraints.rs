//! The names that an authority may issue for (RFC 5280 §4.2.1.10).

use std::net::IpAddr;

use der::asn1::{Ia5String, OctetString};
use x509_cert::ext::pkix::NameConstraints as X509NameConstraints;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::name::GeneralName as X509GeneralName;

use super::GeneralName;
use super::name_form::bad_name;
use crate::error::{CertificateError, Error, Result};

/// The host names and networks that an authority may issue for; see
/// [`super::Authority::issue_authority`].
///
/// Where a DNS name or a network is permitted, the other kind is excluded as a whole unless one of it is
/// permitted too: a certificate for an address must not slip past a constraint on names.
///
/// ```
/// use otls::pki::NameConstraints;
///
/// let constraints = NameConstraints::new().permit("branch.example")?.permit("10.1.0.0/16")?;
/// assert!(NameConstraints::new().permit("10.1.0.0/33").is_err());
/// # let _ = constraints;
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameConstraints {
    permitted: Vec<Subtree>,
    excluded: Vec<Subtree>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Subtree {
    /// The name and everything below it.
    Dns(String),
    Network(IpAddr, u8),
}

impl NameConstraints {
    /// Without any.
    pub fn new() -> Self {
        Self::default()
    }

    /// Permits a DNS name with all names below it, or a network: `10.0.0.0/8`, `2001:db8::/32`, or one
    /// address.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`] saying what is wrong with the name.
    pub fn permit(mut self, subtree: &str) -> Result<Self> {
        self.permitted.push(Subtree::parse(subtree)?);
        Ok(self)
    }

    /// Excludes a DNS name with all names below it, or a network; goes before what is permitted.
    ///
    /// # Errors
    /// As [`NameConstraints::permit`].
    pub fn exclude(mut self, subtree: &str) -> Result<Self> {
        self.excluded.push(Subtree::parse(subtree)?);
        Ok(self)
    }

    pub(super) fn to_x509(&self) -> Result<X509NameConstraints> {
        // RFC 5280 §4.2.1.10: never empty.
        if self.permitted.is_empty() && self.excluded.is_empty() {
            return Err(CertificateError::Refused("name constraints without a name".to_owned()).into());
        }
        let mut excluded = self.excluded.clone();
        let is_dns = |subtree: &Subtree| matches!(subtree, Subtree::Dns(_));
        match (self.permitted.iter().any(is_dns), self.permitted.iter().any(|subtree| !is_dns(subtree))) {
            (true, false) => {
                excluded.push(Subtree::Network([0; 4].into(), 0));
                excluded.push(Subtree::Network([0; 16].into(), 0));
            }
            // The name above all names (RFC 5280 §4.2.1.10: any name that adds labels on the left).
            (false, true) => excluded.push(Subtree::Dns(String::new())),
            (true, true) | (false, false) => {}
        }
        Ok(X509NameConstraints {
            permitted_subtrees: subtrees(&self.permitted)?,
            excluded_subtrees: subtrees(&excluded)?,
        })
    }
}

impl Subtree {
    fn parse(text: &str) -> Result<Self> {
        let fault = |why: &str| bad_name(format!("{text:?} is not a DNS name or network: {why}"));
        if let Some((address, bits)) = text.split_once('/') {
            let address: IpAddr =
                address.parse().map_err(|_| fault("what is before the \"/\" is no address"))?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits: u8 = bits.parse().map_err(|_| fault("what is behind the \"/\" is no number"))?;
            if bits > most {
                return Err(fault("there are not so many bits in an address"));
            }
            let network = Self::Network(address, bits);
            if network.octets().is_none() {
                return Err(fault("it has bits behind its prefix"));
            }
            return Ok(network);
        }
        match GeneralName::parse(text)? {
            GeneralName::Dns(name) if name.starts_with('*') => {
                Err(fault("a name stands for those below it too"))
            }
            GeneralName::Dns(name) => Ok(Self::Dns(name)),
            GeneralName::Ip(address) => Ok(Self::Network(address, if address.is_ipv4() { 32 } else { 128 })),
            GeneralName::Email(_) | GeneralName::Uri(_) => Err(fault("other kinds are not constrained")),
        }
    }

    /// RFC 5280 §4.2.1.10: the address with its mask behind it; nothing for an address that has bits
    /// outside its mask.
    fn octets(&self) -> Option<Vec<u8>> {
        let Self::Network(address, bits) = self else { return None };
        let address = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let bits = usize::from(*bits);
        let mask = (0..address.len()).map(|index| match bits.saturating_sub(8 * index) {
            0 => 0,
            count @ 1..8 => !(0xFF_u8 >> count),
            _ => 0xFF,
        });
        let mask: Vec<u8> = mask.collect();
        let inside = address.iter().zip(&mask).all(|(octet, mask)| octet & !mask == 0);
        inside.then(|| [address, mask].concat())
    }

    fn to_x509(&self) -> Result<GeneralSubtree> {
        const NOT_ENCODED: Error = Error::Internal("name constraints do not encode");
        let base = match self {
            Self::Dns(name) => X509GeneralName::DnsName(Ia5String::new(name).map_err(|_| NOT_ENCODED)?),
            Self::Network(..) => {
                let octets = self.octets().ok_or(NOT_ENCODED)?;
                X509GeneralName::IpAddress(OctetString::new(octets).map_err(|_| NOT_ENCODED)?)
            }
        };
        Ok(GeneralSubtree { base, minimum: 0, maximum: None })
    }
}

fn subtrees(list: &[Subtree]) -> Result<Option<Vec<GeneralSubtree>>> {
    if list.is_empty() {
        return Ok(None);
    }
    list.iter().map(Subtree::to_x509).collect::<Result<_>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_its_address_and_mask() {
        let octets = |text: &str| Subtree::parse(text).unwrap().octets().unwrap();
        assert_eq!(octets("10.0.0.0/8"), [10, 0, 0, 0, 255, 0, 0, 0]);
        assert_eq!(octets("10.64.0.0/11"), [10, 64, 0, 0, 255, 224, 0, 0]);
        assert_eq!(octets("10.1.2.3"), [10, 1, 2, 3, 255, 255, 255, 255]);
        assert_eq!(octets("0.0.0.0/0"), [0; 8]);
        assert_eq!(octets("2001:db8::/32").len(), 32);
    }

    #[test]
    fn what_is_no_subtree_is_refused() {
        for text in
            ["", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/x", "a/8", "*.a.example", "email:a@b.example", "a b"]
        {
            assert!(NameConstraints::new().permit(text).is_err(), "{text}");
            assert!(NameConstraints::new().exclude(text).is_err(), "{text}");
        }
        assert!(NameConstraints::new().to_x509().is_err());
    }
}
