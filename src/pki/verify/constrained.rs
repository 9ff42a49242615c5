//! Name constraints of the authorities on a path (RFC 5280 §4.2.1.10). Names and subtrees are read once for a
//! verification, and compared as data: somebody may have put thousands of each into one path.

use std::borrow::Cow;

use der::Decode as _;
use der::oid::ObjectIdentifier;
use der::oid::db::rfc3280::EMAIL_ADDRESS;
use x509_cert::ext::pkix::name::GeneralName as X509GeneralName;
use x509_cert::name::Name;

use super::super::Certificate;
use super::super::attribute::text_of;
use super::super::canonical::CanonicalName;
use super::super::encoded::{Constraints, NameRef, SubtreeRef};
use super::super::general_name::is_dns_name;
use super::super::name_form::check_mailbox;
use super::budget::{Budget, COMPARISON, READING};
use super::words::shown;

/// Why the names of `certificate` are not what the authority of `subtrees` may have certificates for. Its subject,
/// its mail address and all alternative names are read one by one: of all of them, there may be too many to hold.
pub(super) fn name_fault(
    certificate: &Certificate,
    subtrees: &Subtrees<'_>,
    budget: &Budget,
) -> Option<String> {
    let unread = || Some("its names are more than can be compared".to_owned());
    if !budget.spend_on_folding(certificate.subject_der()) {
        return unread();
    }
    let subject = Name::from_der(certificate.subject_der()).unwrap_or_default();
    let directory = (!subject.is_empty()).then(|| Constrained::Directory(CanonicalName::of(&subject)));
    // The RFC asks it only of certificates without alternative names; a name that is not one's own is no better
    // for standing beside one that is.
    let mailboxes = subject.iter().filter(|attribute| attribute.oid == EMAIL_ADDRESS).map(|one| {
        let text = text_of(&one.value).unwrap_or_default();
        Constrained::Mailbox(Mailbox::of(Cow::Owned(text)))
    });
    let mut of_subject = directory.into_iter().chain(mailboxes);
    if let Some(fault) = of_subject.find_map(|name| name.fault(subtrees, budget)) {
        return Some(fault);
    }
    certificate.extensions().alternative_names.iter().find_map(|name| {
        let read = if budget.spend(READING) { Constrained::of(name, budget) } else { None };
        match read {
            Some(name) => name.fault(subtrees, budget),
            None => unread(),
        }
    })
}

/// What an authority may have certificates for.
pub(super) struct Subtrees<'a> {
    permitted: Vec<Subtree<'a>>,
    excluded: Vec<Subtree<'a>>,
}

impl<'a> Subtrees<'a> {
    /// `None` where there are more than `budget` allows.
    pub(super) fn of(constraints: &'a Constraints, budget: &Budget) -> Option<Self> {
        let count = constraints.permitted().chain(constraints.excluded()).count();
        if !budget.spend_on(count, READING) {
            return None;
        }
        Some(Self {
            permitted: Subtree::all(|| constraints.permitted(), budget)?,
            excluded: Subtree::all(|| constraints.excluded(), budget)?,
        })
    }
}

/// A name of a certificate, as it is compared.
enum Constrained<'a> {
    Directory(CanonicalName),
    Dns(DnsName<'a>),
    Mailbox(Mailbox<'a>),
    /// The URI, and its host.
    Uri(&'a str, Option<&'a str>),
    Address(&'a [u8]),
    /// A kind that is not processed: nothing may be said of it.
    Other(&'a [u8]),
}

struct Subtree<'a> {
    base: Base<'a>,
    /// RFC 5280: minimum is 0 and maximum absent in every certificate.
    is_plain: bool,
}

/// What a subtree is the beginning of.
enum Base<'a> {
    Directory(CanonicalName),
    Dns(DnsBase<'a>),
    Mailbox(MailboxBase<'a>),
    Uri(HostBase<'a>),
    Network(Network<'a>),
    Other(&'a [u8]),
}

/// What a subtree says of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The subtree is of another kind.
    OtherKind,
    Outside,
    Within,
    /// A name or a subtree that cannot be compared, as one that is malformed: never acceptable.
    Unclear,
}

impl<'a> Constrained<'a> {
    fn of(name: NameRef<'a>, budget: &Budget) -> Option<Self> {
        Some(match name {
            NameRef::Directory(name) => Self::Directory(canonical(name, budget)?),
            NameRef::Dns(name) => Self::Dns(DnsName::of(name)),
            NameRef::Mailbox(name) => Self::Mailbox(Mailbox::of(Cow::Borrowed(name))),
            NameRef::Uri(uri) => Self::Uri(uri, host_of(uri)),
            NameRef::Address(octets) => Self::Address(octets),
            NameRef::Other(name) => Self::Other(name),
        })
    }

    fn fault(&self, subtrees: &Subtrees<'_>, budget: &Budget) -> Option<String> {
        let unclear =
            || Some(format!("{} cannot be compared with its issuer's name constraints", self.shown()));
        for subtree in &subtrees.excluded {
            if !budget.spend(COMPARISON) {
                return unclear();
            }
            match self.compare(subtree, Side::Excluded) {
                Verdict::Within => {
                    return Some(format!("{} is excluded by its issuer's name constraints", self.shown()));
                }
                Verdict::Unclear => return unclear(),
                Verdict::OtherKind | Verdict::Outside => {}
            }
        }
        let mut of_this_kind = false;
        for subtree in &subtrees.permitted {
            if !budget.spend(COMPARISON) {
                return unclear();
            }
            match self.compare(subtree, Side::Permitted) {
                Verdict::Within => return None,
                Verdict::Unclear => return unclear(),
                Verdict::OtherKind => {}
                Verdict::Outside => of_this_kind = true,
            }
        }
        of_this_kind.then(|| format!("{} is outside what its issuer is constrained to", self.shown()))
    }

    fn compare(&self, subtree: &Subtree<'_>, side: Side) -> Verdict {
        let verdict = match (self, &subtree.base) {
            (Self::Directory(name), Base::Directory(base)) => within(name.is_within(base)),
            (Self::Dns(name), Base::Dns(base)) => name.compare(base, side),
            (Self::Mailbox(name), Base::Mailbox(base)) => name.compare(base),
            (Self::Uri(_, host), Base::Uri(base)) => host.map_or(Verdict::Unclear, |host| base.compare(host)),
            (Self::Address(address), Base::Network(network)) => network.compare(address, side),
            // RFC 9598 §6: a mailbox outside ASCII is under the constraints of mailboxes too.
            (Self::Other(name), Base::Mailbox(_)) if is_mailbox(name) => Verdict::Unclear,
            // The identifier octet says the kind.
            (Self::Other(name), Base::Other(base)) if name.first() == base.first() => Verdict::Unclear,
            _ => Verdict::OtherKind,
        };
        if subtree.is_plain || verdict == Verdict::OtherKind { verdict } else { Verdict::Unclear }
    }

    fn shown(&self) -> String {
        match self {
            Self::Directory(_) => "a directory name of it".to_owned(),
            Self::Dns(name) => format!("its name {}", shown(&name.name)),
            Self::Mailbox(mailbox) => format!("its name email:{}", shown(&mailbox.name)),
            Self::Uri(uri, _) => format!("its name URI:{}", shown(uri)),
            Self::Address(_) => "its IP address".to_owned(),
            Self::Other(_) => "a name of a kind that is not supported".to_owned(),
        }
    }
}

impl<'a> Subtree<'a> {
    fn all<I: Iterator<Item = SubtreeRef<'a>>>(list: impl Fn() -> I, budget: &Budget) -> Option<Vec<Self>> {
        // Without growing, which would hold it twice.
        let mut subtrees = Vec::with_capacity(list().count());
        for subtree in list() {
            subtrees.push(Self::of(&subtree, budget)?);
        }
        Some(subtrees)
    }

    fn of(subtree: &SubtreeRef<'a>, budget: &Budget) -> Option<Self> {
        let base = match subtree.base {
            NameRef::Directory(name) => Base::Directory(canonical(name, budget)?),
            NameRef::Dns(base) => Base::Dns(DnsBase::of(base)),
            NameRef::Mailbox(base) => Base::Mailbox(MailboxBase::of(base)),
            NameRef::Uri(base) => Base::Uri(HostBase::of(base)),
            NameRef::Address(base) => Base::Network(Network::of(base)),
            NameRef::Other(base) => Base::Other(base),
        };
        Some(Self { base, is_plain: subtree.is_plain })
    }
}

fn canonical(name: &[u8], budget: &Budget) -> Option<CanonicalName> {
    if budget.spend_on_folding(name) { CanonicalName::of_der(name) } else { None }
}

/// Whether it is an otherName (DER) for a mailbox.
fn is_mailbox(name: &[u8]) -> bool {
    let name = X509GeneralName::from_der(name);
    matches!(name, Ok(X509GeneralName::OtherName(name)) if name.type_id == SMTP_UTF8_MAILBOX)
}

/// id-on-SmtpUTF8Mailbox (RFC 9598 §3).
const SMTP_UTF8_MAILBOX: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.8.9");

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

struct DnsName<'a> {
    name: &'a str,
    is_valid: bool,
}

/// The name itself and every name below it. A dot in front, which RFC 5280 does not know for DNS names but
/// other programs write, permits the names below alone, and excludes the name itself too.
struct DnsBase<'a> {
    parent: &'a str,
    has_dot: bool,
    /// Whether it is for names below nothing, which are all.
    is_empty: bool,
    is_valid: bool,
}

impl<'a> DnsName<'a> {
    fn of(name: &'a str) -> Self {
        Self { name, is_valid: is_dns_name(name) }
    }

    fn compare(&self, base: &DnsBase<'_>, side: Side) -> Verdict {
        if !self.is_valid {
            return Verdict::Unclear;
        }
        if base.is_empty {
            return Verdict::Within;
        }
        if !base.is_valid {
            return Verdict::Unclear;
        }
        let (name, parent) = (self.name, base.parent);
        let itself = name.eq_ignore_ascii_case(parent) && (!base.has_dot || side == Side::Excluded);
        // A wildcard stands for each name that it may be, of which one suffices to be excluded.
        let stands_for = side == Side::Excluded
            && name.strip_prefix("*.").is_some_and(|rest| {
                parent.split_once('.').is_some_and(|(_, above)| above.eq_ignore_ascii_case(rest))
            });
        within(itself || stands_for || is_below(name, parent))
    }
}

impl<'a> DnsBase<'a> {
    fn of(base: &'a str) -> Self {
        let parent = base.strip_prefix('.').unwrap_or(base);
        let has_dot = parent.len() != base.len();
        Self { parent, has_dot, is_empty: base.is_empty(), is_valid: is_dns_name(parent) }
    }
}

struct Mailbox<'a> {
    name: Cow<'a, str>,
    /// Where its host begins; `None` for what is malformed: other readers may find another host in it than we
    /// do (RFC 5280 §4.2.1.6).
    host: Option<usize>,
}

/// A mailbox, all mailboxes of a host, or, with a dot in front, of the hosts below it.
enum MailboxBase<'a> {
    /// And where its host begins.
    One(&'a str, usize),
    Of(HostBase<'a>),
    Malformed,
}

impl<'a> Mailbox<'a> {
    fn of(name: Cow<'a, str>) -> Self {
        let at = name.rfind('@').filter(|_| check_mailbox(&name).is_ok());
        Self { host: at.map(|at| at.saturating_add(1)), name }
    }

    fn compare(&self, base: &MailboxBase<'_>) -> Verdict {
        let Some((local, host)) = self.host.and_then(|host| self.name.split_at_checked(host)) else {
            return Verdict::Unclear;
        };
        match base {
            // RFC 5280 §7.5: the local part as it is written.
            MailboxBase::One(base, at) => {
                within(base.split_at_checked(*at).is_some_and(|(base_local, base_host)| {
                    local == base_local && host.eq_ignore_ascii_case(base_host)
                }))
            }
            MailboxBase::Of(base) => base.compare(host),
            MailboxBase::Malformed => Verdict::Unclear,
        }
    }
}

impl<'a> MailboxBase<'a> {
    fn of(base: &'a str) -> Self {
        match base.rfind('@') {
            Some(_) if check_mailbox(base).is_err() => Self::Malformed,
            Some(at) => Self::One(base, at.saturating_add(1)),
            None => Self::Of(HostBase::of(base)),
        }
    }
}

/// A host, or, with a dot in front, those below it; all where it is empty.
struct HostBase<'a> {
    base: &'a str,
    is_valid: bool,
}

impl<'a> HostBase<'a> {
    fn of(base: &'a str) -> Self {
        let parent = base.strip_prefix('.').unwrap_or(base);
        Self { base, is_valid: base.is_empty() || is_dns_name(parent) }
    }

    fn compare(&self, host: &str) -> Verdict {
        if !self.is_valid {
            return Verdict::Unclear;
        }
        match self.base.strip_prefix('.') {
            Some(parent) => within(is_below(host, parent)),
            None => within(self.base.is_empty() || host.eq_ignore_ascii_case(self.base)),
        }
    }
}

/// RFC 3986 §3.2.2; a URI without a host, or with an address in its place, cannot be compared (RFC 5280
/// §4.2.1.10: refuse).
fn host_of(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    is_dns_name(host).then_some(host)
}

/// What stands before an IPv4 address in its IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2).
const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF];

/// Address and mask behind it; `None` for what is not CIDR: ones, then zeros.
struct Network<'a>(Option<&'a [u8]>);

impl<'a> Network<'a> {
    fn of(base: &'a [u8]) -> Self {
        if !matches!(base.len(), 8 | 32) {
            return Self(None);
        }
        let (_, mask) = base.split_at(base.len() / 2);
        let bits = mask.iter().fold(0_u128, |bits, octet| (bits << 8) | u128::from(*octet));
        let bits = if mask.len() == 4 { bits << 96 } else { bits };
        let is_cidr = bits.leading_ones().saturating_add(bits.trailing_zeros()) >= u128::BITS;
        Self(is_cidr.then_some(base))
    }

    /// A network of the other family is outside, but that whoever may not have certificates for an IPv4 address
    /// may have none for its IPv4-mapped spelling (RFC 4291 §2.5.5.2), which leads to the same host.
    fn compare(&self, address: &[u8], side: Side) -> Verdict {
        let Some(base) = self.0.filter(|_| matches!(address.len(), 4 | 16)) else {
            return Verdict::Unclear;
        };
        let (network, mask) = base.split_at(base.len() / 2);
        let mapped = address.strip_prefix(&MAPPED).filter(|_| side == Side::Excluded && network.len() == 4);
        let address = mapped.unwrap_or(address);
        if network.len() != address.len() {
            return Verdict::Outside;
        }
        within(address.iter().zip(network).zip(mask).all(|((a, n), m)| a & m == n & m))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns(name: &str, base: &str, side: Side) -> Verdict {
        DnsName::of(name).compare(&DnsBase::of(base), side)
    }

    fn mailbox(name: &str, base: &str) -> Verdict {
        Mailbox::of(Cow::Borrowed(name)).compare(&MailboxBase::of(base))
    }

    fn network(address: &[u8], base: &[u8]) -> Verdict {
        Network::of(base).compare(address, Side::Permitted)
    }

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
            ("desk@bank.example.", "bank.example", Verdict::Unclear),
            ("desk@bank.example ", "bank.example", Verdict::Unclear),
            ("desk@other.example@bank.example", "bank.example", Verdict::Unclear),
            ("\"desk\"@bank.example", "bank.example", Verdict::Unclear),
            ("Desk <desk@bank.example>", "bank.example", Verdict::Unclear),
            ("desk@[10.0.0.1]", "", Verdict::Unclear),
            ("@bank.example", "bank.example", Verdict::Unclear),
            ("desk@bank.example", "bank.example.", Verdict::Unclear),
            ("desk@bank.example", "a b@bank.example", Verdict::Unclear),
            ("desk@bank.example", "", Verdict::Within),
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
    #[test]
    fn an_excluded_address_is_excluded_in_its_ipv6_spelling_too() {
        let ten = Network::of(&[10, 0, 0, 0, 255, 0, 0, 0]);
        let mapped = |last: [u8; 4]| [MAPPED.as_slice(), &last].concat();
        assert!(ten.compare(&mapped([10, 1, 2, 3]), Side::Excluded) == Verdict::Within);
        assert!(ten.compare(&mapped([11, 1, 2, 3]), Side::Excluded) == Verdict::Outside);
        assert!(ten.compare(&mapped([10, 1, 2, 3]), Side::Permitted) == Verdict::Outside);
        let mapped_network = [MAPPED.as_slice(), &[10, 0, 0, 0], &[0xFF; 13], &[0; 3]].concat();
        assert!(
            Network::of(&mapped_network).compare(&mapped([10, 1, 2, 3]), Side::Excluded) == Verdict::Within
        );
    }
}
