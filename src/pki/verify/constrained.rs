//! Name constraints of the authorities on a path (RFC 5280 §4.2.1.10).

use der::Decode as _;
use der::oid::db::rfc3280::EMAIL_ADDRESS;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::name::GeneralName as X509GeneralName;
use x509_cert::name::Name;

use super::super::canonical::CanonicalName;
use super::super::name::text_of;
use super::super::{Certificate, GeneralName};
use super::words::shortened;

/// Why the names of `certificate` are not what `authority`, somewhere above it, may have certificates for.
pub(super) fn name_fault(certificate: &Certificate, authority: &Certificate) -> Option<String> {
    let constraints = authority.extensions().name_constraints.as_ref()?;
    let permitted = constraints.permitted_subtrees.as_deref().unwrap_or_default();
    let excluded = constraints.excluded_subtrees.as_deref().unwrap_or_default();
    names_of(certificate).into_iter().find_map(|name| name.fault(permitted, excluded))
}

/// A name of a certificate, as it is compared.
enum Constrained<'a> {
    Directory(CanonicalName),
    Dns(&'a str),
    Mailbox(String),
    Uri(&'a str),
    Address(&'a [u8]),
    /// A kind that is not processed: nothing may be said of it.
    Other(&'a X509GeneralName),
}

/// The subject, its mail address, and all alternative names.
fn names_of(certificate: &Certificate) -> Vec<Constrained<'_>> {
    let mut names = Vec::new();
    if let Ok(subject) = Name::from_der(certificate.subject_der()) {
        if !subject.is_empty() {
            names.push(Constrained::Directory(CanonicalName::of(&subject)));
        }
        // The RFC asks it only of certificates without alternative names; a name that is not one's own is
        // no better for standing beside one that is.
        let mailboxes = subject.iter().filter(|attribute| attribute.oid == EMAIL_ADDRESS);
        names.extend(mailboxes.map(|one| Constrained::Mailbox(text_of(&one.value).unwrap_or_default())));
    }
    names.extend(certificate.extensions().alternative_names.iter().map(|name| match name {
        X509GeneralName::DirectoryName(name) => Constrained::Directory(CanonicalName::of(name)),
        X509GeneralName::DnsName(name) => Constrained::Dns(name.as_str()),
        X509GeneralName::Rfc822Name(name) => Constrained::Mailbox(name.as_str().to_owned()),
        X509GeneralName::UniformResourceIdentifier(uri) => Constrained::Uri(uri.as_str()),
        X509GeneralName::IpAddress(octets) => Constrained::Address(octets.as_bytes()),
        X509GeneralName::OtherName(_)
        | X509GeneralName::EdiPartyName(_)
        | X509GeneralName::RegisteredId(_) => Constrained::Other(name),
    }));
    names
}

/// What a subtree says of a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The subtree is of another kind.
    OtherKind,
    Outside,
    Within,
    /// A name or a subtree that cannot be compared, as one that is malformed: never acceptable.
    Unclear,
}

impl Constrained<'_> {
    fn fault(&self, permitted: &[GeneralSubtree], excluded: &[GeneralSubtree]) -> Option<String> {
        let unclear = || format!("{} cannot be compared with its issuer's name constraints", self.shown());
        for subtree in excluded {
            match self.compare(subtree, Side::Excluded) {
                Verdict::Within => {
                    return Some(format!("{} is excluded by its issuer's name constraints", self.shown()));
                }
                Verdict::Unclear => return Some(unclear()),
                Verdict::OtherKind | Verdict::Outside => {}
            }
        }
        let mut of_this_kind = false;
        for subtree in permitted {
            match self.compare(subtree, Side::Permitted) {
                Verdict::Within => return None,
                Verdict::Unclear => return Some(unclear()),
                Verdict::OtherKind => {}
                Verdict::Outside => of_this_kind = true,
            }
        }
        of_this_kind.then(|| format!("{} is outside what its issuer is constrained to", self.shown()))
    }

    fn compare(&self, subtree: &GeneralSubtree, side: Side) -> Verdict {
        let verdict = match (self, &subtree.base) {
            (Self::Directory(name), X509GeneralName::DirectoryName(base)) => {
                within(name.is_within(&CanonicalName::of(base)))
            }
            (Self::Dns(name), X509GeneralName::DnsName(base)) => dns(name, base.as_str(), side),
            (Self::Mailbox(name), X509GeneralName::Rfc822Name(base)) => mailbox(name, base.as_str()),
            (Self::Uri(uri), X509GeneralName::UniformResourceIdentifier(base)) => {
                host_of(uri).map_or(Verdict::Unclear, |host| host_within(host, base.as_str()))
            }
            (Self::Address(address), X509GeneralName::IpAddress(base)) => network(address, base.as_bytes()),
            (Self::Other(name), base) if core::mem::discriminant(*name) == core::mem::discriminant(base) => {
                Verdict::Unclear
            }
            _ => Verdict::OtherKind,
        };
        // RFC 5280: minimum is 0 and maximum absent in every certificate.
        let is_plain = subtree.minimum == 0 && subtree.maximum.is_none();
        if is_plain || verdict == Verdict::OtherKind { verdict } else { Verdict::Unclear }
    }

    fn shown(&self) -> String {
        match self {
            Self::Directory(_) => "a directory name of it".to_owned(),
            Self::Dns(name) => format!("its name {}", shortened(name)),
            Self::Mailbox(name) => format!("its name email:{}", shortened(name)),
            Self::Uri(uri) => format!("its name URI:{}", shortened(uri)),
            Self::Address(_) => "its IP address".to_owned(),
            Self::Other(_) => "a name of a kind that is not supported".to_owned(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Permitted,
    Excluded,
}

const fn within(is: bool) -> Verdict {
    if is { Verdict::Within } else { Verdict::Outside }
}

/// Whether `host` has labels in front of `parent`.
fn is_below(host: &str, parent: &str) -> bool {
    let (host, parent) = (host.as_bytes(), parent.as_bytes());
    let Some(at) = host.len().checked_sub(parent.len()) else { return false };
    let (front, back) = host.split_at(at);
    front.len() > 1 && front.ends_with(b".") && back.eq_ignore_ascii_case(parent)
}

/// The name itself and every name below it. A dot in front, which RFC 5280 does not know for DNS names but
/// other programs write, permits the names below alone, and excludes the name itself too.
fn dns(name: &str, base: &str, side: Side) -> Verdict {
    if !matches!(GeneralName::parse(&format!("DNS:{name}")), Ok(GeneralName::Dns(_))) {
        return Verdict::Unclear;
    }
    if base.is_empty() {
        return Verdict::Within;
    }
    let parent = base.strip_prefix('.').unwrap_or(base);
    if !matches!(GeneralName::parse(&format!("DNS:{parent}")), Ok(GeneralName::Dns(_))) {
        return Verdict::Unclear;
    }
    let itself = name.eq_ignore_ascii_case(parent) && (parent == base || side == Side::Excluded);
    // A wildcard stands for each name that it may be, of which one suffices to be excluded.
    let stands_for = side == Side::Excluded
        && name.strip_prefix("*.").is_some_and(|rest| {
            parent.split_once('.').is_some_and(|(_, above)| above.eq_ignore_ascii_case(rest))
        });
    within(itself || stands_for || is_below(name, parent))
}

/// A mailbox, all mailboxes of a host, or, with a dot in front, of the hosts below it.
fn mailbox(name: &str, base: &str) -> Verdict {
    let Some((local, host)) = name.rsplit_once('@') else { return Verdict::Unclear };
    match base.rsplit_once('@') {
        // RFC 5280 §7.5: the local part as it is written.
        Some((base_local, base_host)) => within(local == base_local && host.eq_ignore_ascii_case(base_host)),
        None => host_within(host, base),
    }
}

/// A host, or, with a dot in front, those below it.
fn host_within(host: &str, base: &str) -> Verdict {
    match base.strip_prefix('.') {
        Some(parent) => within(is_below(host, parent)),
        None => within(base.is_empty() || host.eq_ignore_ascii_case(base)),
    }
}

/// RFC 3986 §3.2.2; a URI without a host, or with an address in its place, cannot be compared (RFC 5280
/// §4.2.1.10: refuse).
fn host_of(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    match GeneralName::parse(host) {
        Ok(GeneralName::Dns(_)) => Some(host),
        _ => None,
    }
}

/// Address and mask behind it. A network of the other family is outside.
fn network(address: &[u8], base: &[u8]) -> Verdict {
    if !matches!(address.len(), 4 | 16) || !matches!(base.len(), 8 | 32) {
        return Verdict::Unclear;
    }
    let (network, mask) = base.split_at(base.len() / 2);
    if network.len() != address.len() {
        return Verdict::Outside;
    }
    // CIDR: ones, then zeros.
    let bits = mask.iter().fold(0_u128, |bits, octet| (bits << 8) | u128::from(*octet));
    let bits = if mask.len() == 4 { bits << 96 } else { bits };
    if bits.leading_ones().saturating_add(bits.trailing_zeros()) < u128::BITS {
        return Verdict::Unclear;
    }
    let same = address.iter().zip(network).zip(mask).all(|((a, n), m)| a & m == n & m);
    within(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dns_subtree_is_a_name_and_those_below() {
        for (name, base, permitted, excluded) in [
            ("bank.example", "bank.example", true, true),
            ("a.BANK.example", "bank.Example", true, true),
            ("notbank.example", "bank.example", false, false),
            ("bank.example", ".bank.example", false, true),
            ("a.bank.example", ".bank.example", true, true),
            ("example", "bank.example", false, false),
            ("anything.example", "", true, true),
            ("*.bank.example", "bank.example", true, true),
            ("*.bank.example", "desk.bank.example", false, true),
            ("*.bank.example", "a.desk.bank.example", false, false),
        ] {
            assert!(dns(name, base, Side::Permitted) == within(permitted), "{name} {base}");
            assert!(dns(name, base, Side::Excluded) == within(excluded), "{name} {base}");
        }
        assert!(dns("bank example", "bank.example", Side::Permitted) == Verdict::Unclear);
        assert!(dns("bank.example.", "bank.example", Side::Excluded) == Verdict::Unclear);
        assert!(dns("bank.example", "bank.example.", Side::Excluded) == Verdict::Unclear);
    }

    #[test]
    fn a_mail_subtree_is_a_mailbox_a_host_or_the_hosts_below() {
        for (name, base, expected) in [
            ("desk@bank.example", "desk@Bank.example", Verdict::Within),
            ("Desk@bank.example", "desk@bank.example", Verdict::Outside),
            ("desk@bank.example", "bank.example", Verdict::Within),
            ("desk@a.bank.example", "bank.example", Verdict::Outside),
            ("desk@a.bank.example", ".bank.example", Verdict::Within),
            ("desk@bank.example", ".bank.example", Verdict::Outside),
            ("desk", "bank.example", Verdict::Unclear),
        ] {
            assert!(mailbox(name, base) == expected, "{name} {base}");
        }
    }

    #[test]
    fn a_uri_is_judged_by_its_host() {
        assert_eq!(host_of("https://u:p@bank.example:8443/x@y"), Some("bank.example"));
        assert_eq!(host_of("ldap://a.bank.example?x"), Some("a.bank.example"));
        for uri in ["urn:isbn:1", "https://10.0.0.1/", "https://[::1]/", "file:///x", "https://"] {
            assert_eq!(host_of(uri), None, "{uri}");
        }
    }

    #[test]
    fn a_network_has_a_mask_of_ones_and_zeros() {
        let ten = [10, 0, 0, 0, 255, 0, 0, 0];
        assert!(network(&[10, 1, 2, 3], &ten) == Verdict::Within);
        assert!(network(&[11, 1, 2, 3], &ten) == Verdict::Outside);
        assert!(network(&[0; 16], &ten) == Verdict::Outside);
        assert!(network(&[9; 4], &[0; 8]) == Verdict::Within);
        assert!(network(&[9; 16], &[0xFF; 32]) == Verdict::Outside);
        assert!(network(&[10, 1, 2, 3], &[10, 0, 0, 0, 255, 0, 255, 0]) == Verdict::Unclear);
        assert!(network(&[10, 1, 2], &ten) == Verdict::Unclear);
        assert!(network(&[10, 1, 2, 3], &ten[..7]) == Verdict::Unclear);
    }
}
