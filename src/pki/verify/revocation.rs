//! The status of a certificate by revocation lists (RFC 5280 §6.3).

use x509_cert::ext::pkix::crl::dp::{DistributionPoint, ReasonFlags};
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName as X509GeneralName};

use der::Encode as _;

use super::super::canonical::{CanonicalName, directory_name};
use super::super::crl::all_reasons;
use super::super::moment::show;
use super::super::{Certificate, Crl, DistinguishedName};
use super::budget::READING;
use super::judge::Fault;
use super::search::Case;
use super::words::hex;
use crate::error::Check;

const CURRENT_LIST: &str = "get the authority's current revocation list";

impl<'a> Case<'a> {
    /// Why a certificate may not be used on a path to `authority`: it is revoked, or a list that would say
    /// is missing or is not one.
    pub(super) fn revocation_fault(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        authority: &'a Certificate,
    ) -> Option<Fault> {
        let fault = |reason: String| Some((Check::Revocation, reason, CURRENT_LIST));
        let lists = self.lists_about(certificate, issuer, authority);
        if lists.is_empty() {
            return if self.store.crls_required {
                fault("there is no revocation list of its issuer, and one is required".to_owned())
            } else {
                None
            };
        }
        // Who signs the list that covers its own certificate (NIST PKITS 4.14.30): whether that list revokes
        // it is what is being looked up.
        if self.looked_up.borrow().contains(certificate) {
            return None;
        }
        self.looked_up.borrow_mut().push(certificate.clone());
        let status = self.status(certificate, issuer, authority, &lists);
        self.looked_up.borrow_mut().pop();
        match status {
            Status::Good => None,
            Status::Revoked => {
                let serial = hex(certificate.serial());
                let reason = format!("its issuer has revoked it (serial number {serial})");
                Some((Check::Revocation, reason, "request a new certificate with a new key"))
            }
            Status::Undetermined(reason) => fault(reason),
        }
    }

    /// Whether there is a list about each certificate of a path without a fault: then it is not revoked.
    pub(super) fn is_checked(&self, path: &[&'a Certificate], authority: &'a Certificate) -> bool {
        let issuers = path.iter().skip(1).copied().chain([authority]);
        path.iter().zip(issuers).all(|(one, issuer)| !self.lists_about(one, issuer, authority).is_empty())
    }

    /// The lists in the name of the certificate's issuer, or of one that it names for its lists. Those of
    /// another trusted authority of the same name are that one's own.
    fn lists_about(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        authority: &Certificate,
    ) -> Vec<&'a Crl> {
        let named = |list: &&Crl| {
            self.is_in_name_of(list, certificate.issuer(), certificate.issuer_der())
                || list.scope().is_indirect()
                    && certificate.extensions().distribution_points.iter().any(|point| {
                        self.spend_on_point(point, certificate)
                            && point.crl_issuer.as_deref().is_some_and(|names| is_among(list, names))
                    })
        };
        let of_another = |list: &Crl| {
            let mut others = self.store.authorities.iter().filter(|other| *other != authority);
            self.list_signed(list, issuer).is_err()
                && others.any(|other| {
                    self.is_in_subjects_name(list, other) && self.list_signed(list, other).is_ok()
                })
        };
        self.store.crls.iter().filter(named).filter(|list| !of_another(list)).collect()
    }

    fn is_in_subjects_name(&self, list: &Crl, signer: &Certificate) -> bool {
        self.is_in_name_of(list, signer.subject(), signer.subject_der())
    }

    fn is_in_name_of(&self, list: &Crl, name: &DistinguishedName, der: &[u8]) -> bool {
        self.same_name((list.issuer_name(), list.issuer_der()), (name, der))
    }

    /// Takes from the budget what it costs to compare the names of a certificate's point with those of one list.
    fn spend_on_point(&self, point: &DistributionPoint, certificate: &Certificate) -> bool {
        let spend_on = |der: &[u8]| self.budget.spend(READING) && self.budget.spend_on_folding(der);
        let spend_on_all = |names: &[X509GeneralName]| {
            names.iter().all(|name| {
                spend_on(&directory_name(name).and_then(|name| name.to_der().ok()).unwrap_or_default())
            })
        };
        spend_on_all(point.crl_issuer.as_deref().unwrap_or_default())
            && match &point.distribution_point {
                Some(DistributionPointName::FullName(names)) => spend_on_all(names),
                Some(DistributionPointName::NameRelativeToCRLIssuer(rdn)) => {
                    spend_on(certificate.issuer_der()) && spend_on(&rdn.to_der().unwrap_or_default())
                }
                None => true,
            }
    }

    fn status(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        authority: &'a Certificate,
        lists: &[&'a Crl],
    ) -> Status {
        let lists = self.in_order(lists);
        let mut covered = ReasonFlags::default();
        let mut why = None;
        for point in Point::all_of(certificate) {
            // For these the newest list is stale, and no older one speaks in its place.
            let mut stale = ReasonFlags::default();
            let mut counted: Vec<&Crl> = Vec::new();
            for list in lists.iter().copied().filter(|list| list.scope().base.is_none()) {
                if let Point::Named(point) = point
                    && !self.spend_on_point(point, certificate)
                {
                    break;
                }
                let Some(reasons) = point.covered_by(list, certificate) else { continue };
                let reasons = if self.is_of_the_future(list) { reasons } else { reasons - stale };
                // RFC 5280 §5.2.3 gives no two lists one number: where there are two all the same, both count.
                let again = counted.iter().any(|other| are_one(other, list));
                if !again && (reasons - covered).is_empty() {
                    continue;
                }
                let signer = match self.signer_of(list, issuer, authority) {
                    Ok(signer) => signer,
                    Err(reason) => {
                        why.get_or_insert(reason);
                        continue;
                    }
                };
                if self.is_revoked_by(certificate, list, &lists, &signer) {
                    return Status::Revoked;
                }
                counted.push(list);
                if !self.clock.has_reached(list.next_update()) {
                    covered |= reasons;
                    continue;
                }
                let (at, now) = (show(list.next_update()), show(self.clock.now()));
                why.get_or_insert(format!(
                    "its issuer's revocation list is stale: a new one was due at {at}, now is {now}"
                ));
                if !self.is_of_the_future(list) {
                    stale |= reasons;
                }
            }
        }
        if covered.contains(all_reasons()) {
            return Status::Good;
        }
        Status::Undetermined(why.unwrap_or_else(|| {
            "the revocation lists in its issuer's name do not cover it, or not all reasons".to_owned()
        }))
    }

    /// The newest first, but behind all others those of the future: they do not go before what counts today.
    fn in_order(&self, lists: &[&'a Crl]) -> Vec<&'a Crl> {
        let (future, today): (Vec<&Crl>, Vec<&Crl>) =
            lists.iter().copied().partition(|list| self.is_of_the_future(list));
        [today, future].concat()
    }

    fn is_of_the_future(&self, list: &Crl) -> bool {
        !self.clock.has_reached(list.this_update())
    }

    /// RFC 5280 §6.3.3 (i) to (k): what delta lists say goes before what the complete list says.
    fn is_revoked_by(
        &self,
        certificate: &Certificate,
        list: &Crl,
        lists: &[&Crl],
        signer: &Certificate,
    ) -> bool {
        let revokes = |list: &Crl| list.revokes(certificate.serial_integer(), certificate.issuer());
        let deltas = || lists.iter().filter(|delta| self.is_delta_of(delta, list, signer));
        let Some(newest) = deltas().next() else { return revokes(list) == Some(true) };
        // A stale one takes nothing back, but what it revokes is revoked.
        let counts = |delta: &Crl, revoked: bool| revoked || !self.clock.has_reached(delta.next_update());
        let said: Vec<bool> = deltas()
            .filter(|delta| delta.number() == newest.number())
            .filter_map(|delta| revokes(delta).filter(|revoked| counts(delta, *revoked)))
            .collect();
        match said.as_slice() {
            [] => revokes(list) == Some(true),
            said => said.contains(&true),
        }
    }

    /// Who has signed the list, where it counts (RFC 5280 §6.3.3 (a), (f), (g)): the certificate's issuer,
    /// or another certificate in the list's issuer's name that leads to the same trusted authority.
    fn signer_of(
        &self,
        list: &Crl,
        issuer: &Certificate,
        authority: &'a Certificate,
    ) -> Result<Certificate, String> {
        if let Some(oid) = list.scope().unknown_critical {
            return Err(format!(
                "its issuer's revocation list has a critical extension that is not supported ({oid})"
            ));
        }
        if let Some(algorithm) = list.unsupported_signature() {
            return Err(format!(
                "the revocation list in its issuer's name is signed with {algorithm}, which is not accepted"
            ));
        }
        let has_signed = |signer: &Certificate| {
            self.is_in_subjects_name(list, signer) && self.list_signed(list, signer).is_ok()
        };
        let mut why = "the revocation list in its issuer's name is not signed with its key, or that of one whom the trusted authority vouches for";
        if has_signed(issuer) {
            if may_sign_lists(issuer) {
                return Ok(issuer.clone());
            }
            why = "its issuer has a revocation list, but its KeyUsage lacks cRLSign";
        }
        let mut others = core::iter::once(authority).chain(self.intermediates());
        // The signature last: hashing a large list costs more than all the rest, and what a stranger sends has
        // to lead to the authority first.
        let other = others.find(|signer| {
            self.is_in_subjects_name(list, signer)
                && may_sign_lists(signer)
                && (*signer == authority
                    || self.find(&mut vec![*signer], None, core::slice::from_ref(authority)).is_some())
                && has_signed(signer)
        });
        other.cloned().ok_or_else(|| why.to_owned())
    }

    /// RFC 5280 §6.3.3 (c), (h).
    fn is_delta_of(&self, delta: &Crl, list: &Crl, signer: &Certificate) -> bool {
        let order = |number: &[u8]| (number.len(), number.to_vec());
        let (scope, whole) = (delta.scope(), list.scope());
        scope.base.as_ref().is_some_and(|base| order(base) <= order(list.number()))
            && order(delta.number()) > order(list.number())
            && delta.issuer_name() == list.issuer_name()
            && scope.point_der == whole.point_der
            && scope.authority_key_identifier == whole.authority_key_identifier
            && scope.unknown_critical.is_none()
            && (!self.is_of_the_future(delta) || self.is_of_the_future(list))
            && self.list_signed(delta, signer).is_ok()
    }
}

/// Whether two complete lists have the number that one list should have: of one issuer and one scope.
fn are_one(one: &Crl, other: &Crl) -> bool {
    one.number() == other.number()
        && one.scope().point_der == other.scope().point_der
        && one.issuer_name() == other.issuer_name()
}

enum Status {
    Good,
    Revoked,
    Undetermined(String),
}

/// RFC 5280 §4.2.1.3.
fn may_sign_lists(signer: &Certificate) -> bool {
    signer.extensions().key_usage.as_ref().is_none_or(|usage| usage.crl_sign())
}

/// Whether the list's issuer is one of these.
fn is_among(list: &Crl, names: &[X509GeneralName]) -> bool {
    let name = list.issuer_name().canonical();
    names.iter().filter_map(directory_name).any(|one| *name == CanonicalName::of(one))
}

/// Where lists about a certificate are to be found (RFC 5280 §4.2.1.13).
enum Point<'a> {
    Named(&'a DistributionPoint),
    /// Any list of the certificate's issuer.
    Implied,
}

impl<'a> Point<'a> {
    fn all_of(certificate: &'a Certificate) -> impl Iterator<Item = Self> {
        let named = certificate.extensions().distribution_points.iter().map(Self::Named);
        named.chain([Self::Implied])
    }

    /// The reasons for which `list` covers what `certificate` has this point for (RFC 5280 §6.3.3 (b), (d));
    /// `None` where it does not.
    fn covered_by(&self, list: &Crl, certificate: &Certificate) -> Option<ReasonFlags> {
        let (issuers, reasons) = match self {
            Self::Named(point) => (point.crl_issuer.as_deref(), point.reasons.unwrap_or_else(all_reasons)),
            Self::Implied => (None, all_reasons()),
        };
        let is_issuer = match issuers {
            Some(issuers) => list.scope().is_indirect() && is_among(list, issuers),
            None => list.issuer_name() == certificate.issuer(),
        };
        if !is_issuer {
            return None;
        }
        let Some(scope) = &list.scope().point else { return Some(reasons) };
        if let Some(of_list) = &scope.distribution_point {
            let of_list = full_names(of_list, list.issuer_der());
            if !self.names(certificate).iter().any(|name| of_list.contains(name)) {
                return None;
            }
        }
        if scope.only_contains_attribute_certs
            || scope.only_contains_user_certs && certificate.is_ca()
            || scope.only_contains_ca_certs && !certificate.is_ca()
        {
            return None;
        }
        Some(reasons & list.scope().reasons())
    }

    /// The names by which a list may say that it is for this point.
    fn names(&self, certificate: &Certificate) -> Vec<PointName> {
        match self {
            Self::Implied => vec![PointName::Directory(certificate.issuer().canonical().clone())],
            Self::Named(point) => match (&point.distribution_point, &point.crl_issuer) {
                (Some(name), None) => full_names(name, certificate.issuer_der()),
                (Some(name), Some(issuers)) => {
                    let directory =
                        issuers.iter().find_map(directory_name).and_then(|name| name.to_der().ok());
                    full_names(name, directory.as_deref().unwrap_or_default())
                }
                (None, Some(issuers)) => issuers.iter().map(PointName::of).collect(),
                (None, None) => Vec::new(),
            },
        }
    }
}

#[derive(PartialEq)]
enum PointName {
    Directory(CanonicalName),
    Other(X509GeneralName),
}

impl PointName {
    fn of(name: &X509GeneralName) -> Self {
        match directory_name(name) {
            Some(name) => Self::Directory(CanonicalName::of(name)),
            None => Self::Other(name.clone()),
        }
    }
}

/// The names of a point; one relative to the issuer is put behind the issuer's (DER).
fn full_names(name: &DistributionPointName, issuer: &[u8]) -> Vec<PointName> {
    match name {
        DistributionPointName::FullName(names) => names.iter().map(PointName::of).collect(),
        DistributionPointName::NameRelativeToCRLIssuer(rdn) => {
            let issuer = CanonicalName::of_der(issuer);
            issuer.map(|issuer| PointName::Directory(issuer.with(rdn))).into_iter().collect()
        }
    }
}
