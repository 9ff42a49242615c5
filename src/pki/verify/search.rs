//! The search for a path from a leaf to a trusted authority.

use core::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use der::oid::ObjectIdentifier;
use der::oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH};

use super::super::signature::{SignatureFault, Signed};
use super::super::{Certificate, Crl, DistinguishedName, MAX_CHAIN_LEN};
use super::budget::{Budget, COMPARISON};
use super::clock::Clock;
use super::constrained::{Subtrees, name_fault};
use super::seen::Seen;
use super::{Inner, PeerRole};
use crate::time::UnixTime;

/// One chain to be judged.
pub(super) struct Case<'a> {
    pub(super) store: &'a Inner,
    pub(super) leaf: &'a Certificate,
    pub(super) role: &'a PeerRole,
    pub(super) clock: Clock,
    pub(super) budget: Budget,
    /// What may stand between the leaf and an authority, each once.
    intermediates: Vec<&'a Certificate>,
    /// By the addresses of what is signed and of its signer.
    signatures: RefCell<BTreeMap<(usize, usize), Result<(), SignatureFault>>>,
    /// By the address of the authority.
    subtrees: RefCell<BTreeMap<usize, Option<Rc<Subtrees<'a>>>>>,
    /// What is wrong with a certificate's names below an authority.
    name_faults: RefCell<BTreeMap<(usize, usize), Option<String>>>,
    /// The certificates whose revocation is being looked up: who signs a list may be looked up itself.
    pub(super) looked_up: RefCell<Vec<Certificate>>,
}

impl<'a> Case<'a> {
    /// Behind the leaf, `chain` has what may help, in any order.
    pub(super) fn new(
        store: &'a Inner,
        leaf: &'a Certificate,
        chain: &'a [Certificate],
        role: &'a PeerRole,
        now: UnixTime,
    ) -> Self {
        let mut intermediates: Vec<&Certificate> = Vec::new();
        // A path ends at a trusted authority, also where the peer sends that one along.
        for issuer in chain.iter().skip(1).chain(&store.intermediates) {
            // Those of the store are there once: only those of the peer, which come first, may repeat.
            let is_known = intermediates.iter().take(MAX_CHAIN_LEN).any(|known| *known == issuer);
            if issuer != leaf && !is_known && !store.authorities.contains(issuer) {
                intermediates.push(issuer);
            }
        }
        Self {
            store,
            leaf,
            role,
            clock: Clock::new(now),
            budget: Budget::new(),
            intermediates,
            signatures: RefCell::default(),
            subtrees: RefCell::default(),
            name_faults: RefCell::default(),
            looked_up: RefCell::default(),
        }
    }

    /// The first path without a fault, and the authority at its end. The leaf's own faults, which do not depend
    /// on the path, are found by [`Case::judge_leaf`].
    pub(super) fn find_path(&self) -> Option<(Vec<&'a Certificate>, &'a Certificate)> {
        let mut path = vec![self.leaf];
        let authority = self.find(&mut path, self.purpose(), &self.store.authorities)?;
        Some((path, authority))
    }

    /// Follows `path` to one of `authorities`, and leaves in it what leads there. Where the budget ends, so does
    /// the search.
    pub(super) fn find(
        &self,
        path: &mut Vec<&'a Certificate>,
        purpose: Option<ObjectIdentifier>,
        authorities: &'a [Certificate],
    ) -> Option<&'a Certificate> {
        let head = *path.last()?;
        for authority in authorities {
            if self.is_issued_by(head, authority)
                && self.judge_path(path, authority, purpose).findings.is_empty()
            {
                return Some(authority);
            }
        }
        if path.len() >= MAX_CHAIN_LEN {
            return None;
        }
        for issuer in self.intermediates() {
            if !is_among(issuer, path) && self.is_issued_by(head, issuer) {
                path.push(issuer);
                let found = self.find(path, purpose, authorities);
                if found.is_some() {
                    return found;
                }
                path.pop();
            }
        }
        None
    }

    /// What may stand between the leaf and an authority.
    pub(super) fn intermediates(&self) -> impl Iterator<Item = &'a Certificate> {
        self.intermediates.iter().copied()
    }

    fn is_issued_by(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.names_issuer(certificate, issuer) && self.signed(certificate.to_der(), issuer).is_ok()
    }

    /// Whether `certificate` says that somebody of the name of `issuer` has issued it.
    pub(super) fn names_issuer(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let (name, subject) = (certificate.issuer(), issuer.subject());
        self.same_name((name, certificate.issuer_der()), (subject, issuer.subject_der()))
    }

    /// Whether two names match, each with its DER, and the budget lasts for finding out.
    pub(super) fn same_name(
        &self,
        (name, der): (&DistinguishedName, &[u8]),
        (other, other_der): (&DistinguishedName, &[u8]),
    ) -> bool {
        let octets = u32::try_from(other_der.len()).unwrap_or(u32::MAX);
        if !self.budget.spend(COMPARISON.saturating_add(octets / OCTETS_OF_A_UNIT)) {
            return false;
        }
        if der == other_der {
            return true;
        }
        for (name, der) in [(name, der), (other, other_der)] {
            if !name.is_canonical() && !self.budget.spend_on_folding(der) {
                return false;
            }
        }
        name.canonical() == other.canonical()
    }

    /// Whether subject and issuer are the same: such a certificate of an authority counts for no path length
    /// and no name constraints (RFC 5280 §6.1).
    pub(super) fn is_self_issued(&self, certificate: &Certificate) -> bool {
        self.names_issuer(certificate, certificate)
    }

    /// Checks the signature of a certificate that the store or the chain holds.
    pub(super) fn signed(&self, der: &[u8], signer: &Certificate) -> Result<(), SignatureFault> {
        let edge = (der.as_ptr().addr(), address(signer));
        if let Some(known) = self.signatures.borrow().get(&edge) {
            return *known;
        }
        if !self.spend_on_signature(der.len(), signer) {
            return Err(SignatureFault::TooMany);
        }
        let result = Signed::of(der).map_err(|_| SignatureFault::Bad).and_then(|signed| {
            let signature = Seen::signature(der, signer.public_key());
            if self.store.seen.contains(&signature) {
                return Ok(());
            }
            signed.verify(signer.public_key())?;
            self.store.seen.add(signature);
            Ok(())
        });
        self.signatures.borrow_mut().insert(edge, result);
        result
    }

    /// Checks the signature of a list, which the list remembers. Whoever loaded the list wanted it hashed: that
    /// is done once for each key, and is no part of what a peer's chain costs.
    pub(super) fn list_signed(&self, list: &Crl, signer: &Certificate) -> Result<(), SignatureFault> {
        let key = signer.public_key();
        if let Some(known) = list.known_signed(key) {
            return known;
        }
        if !self.budget.spend_microseconds(key.verifying().cost()) {
            return Err(SignatureFault::TooMany);
        }
        list.signed(key)
    }

    /// Takes from the budget what it costs to check a signature over `len` octets.
    fn spend_on_signature(&self, len: usize, signer: &Certificate) -> bool {
        let hashing = u32::try_from(len / OCTETS_HASHED_IN_A_MICROSECOND).unwrap_or(u32::MAX);
        self.budget.spend_microseconds(signer.public_key().verifying().cost().saturating_add(hashing))
    }

    /// Why the names of `certificate` are not what `authority`, somewhere above it, may have certificates for.
    pub(super) fn name_fault(
        &self,
        certificate: &'a Certificate,
        authority: &'a Certificate,
    ) -> Option<String> {
        let constraints = authority.extensions().name_constraints.as_ref()?;
        let pair = (address(certificate), address(authority));
        if let Some(known) = self.name_faults.borrow().get(&pair) {
            return known.clone();
        }
        let known = self.subtrees.borrow().get(&address(authority)).cloned();
        let subtrees = known.unwrap_or_else(|| {
            let read = Subtrees::of(constraints, &self.budget).map(Rc::new);
            self.subtrees.borrow_mut().insert(address(authority), read.clone());
            read
        });
        let fault = match subtrees {
            Some(subtrees) => name_fault(certificate, &subtrees, &self.budget),
            None => Some("its issuer's name constraints are more than can be compared".to_owned()),
        };
        self.name_faults.borrow_mut().insert(pair, fault.clone());
        fault
    }

    /// What ExtendedKeyUsage must name (RFC 5280 §4.2.1.12); `None` where any will do.
    pub(super) fn purpose(&self) -> Option<ObjectIdentifier> {
        Some(match self.role {
            PeerRole::Any => return None,
            PeerRole::Server(_) | PeerRole::AnyServer => ID_KP_SERVER_AUTH,
            PeerRole::Client => ID_KP_CLIENT_AUTH,
            PeerRole::Enrolled => {
                let usage = self.leaf.extensions().extended_key_usage.as_ref();
                match usage.is_some_and(|usage| usage.0.contains(&ID_KP_SERVER_AUTH)) {
                    true => ID_KP_SERVER_AUTH,
                    false => ID_KP_CLIENT_AUTH,
                }
            }
        })
    }
}

/// Whether the certificate itself, not one like it, stands in the path.
pub(super) fn is_among(certificate: &Certificate, path: &[&Certificate]) -> bool {
    path.iter().any(|one| address(one) == address(certificate))
}

/// Where a certificate lies: its clones share one place.
fn address(certificate: &Certificate) -> usize {
    certificate.to_der().as_ptr().addr()
}

/// Octets of two distinguished names that are compared in one unit of work.
const OCTETS_OF_A_UNIT: u32 = 32;
/// SHA-256 and SHA-512 take about a nanosecond for an octet, or less.
const OCTETS_HASHED_IN_A_MICROSECOND: usize = 1000;
