//! The search for a path from a leaf to a trusted authority.

use core::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use der::oid::ObjectIdentifier;
use der::oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH};

use super::super::canonical::same_name;
use super::super::signature::{SignatureFault, Signed};
use super::super::{Certificate, MAX_CHAIN_LEN};
use super::{Inner, PeerRole};
use crate::time::UnixTime;

/// The most signatures that one verification looks at, and the most steps of its search: a peer may send
/// certificates that all name each other.
const MAX_SIGNATURES: usize = 100;
const MAX_STEPS: usize = 1000;

/// One chain to be judged.
pub(super) struct Case<'a> {
    pub(super) store: &'a Inner,
    pub(super) leaf: &'a Certificate,
    /// Leaf first; behind it what may help, in any order.
    pub(super) chain: &'a [Certificate],
    pub(super) role: &'a PeerRole,
    pub(super) now: UnixTime,
    /// By the addresses of what is signed and of its signer.
    signatures: RefCell<BTreeMap<(usize, usize), Result<(), SignatureFault>>>,
    steps: Cell<usize>,
    /// The certificates whose revocation is being looked up: who signs a list may be looked up itself.
    pub(super) looked_up: RefCell<Vec<Certificate>>,
}

impl<'a> Case<'a> {
    pub(super) const fn new(
        store: &'a Inner,
        leaf: &'a Certificate,
        chain: &'a [Certificate],
        role: &'a PeerRole,
        now: UnixTime,
    ) -> Self {
        Self {
            store,
            leaf,
            chain,
            role,
            now,
            signatures: RefCell::new(BTreeMap::new()),
            steps: Cell::new(0),
            looked_up: RefCell::new(Vec::new()),
        }
    }

    /// The authority at the end of the first path without a fault. The leaf's own, which do not depend on
    /// the path, are found by [`Case::judge_leaf`].
    pub(super) fn find_path(&self) -> Option<&'a Certificate> {
        let leaf = self.chain.first()?;
        self.find(&mut vec![leaf], self.purpose(), &self.store.authorities)
    }

    /// Follows `path` to one of `authorities`.
    pub(super) fn find(
        &self,
        path: &mut Vec<&'a Certificate>,
        purpose: Option<ObjectIdentifier>,
        authorities: &'a [Certificate],
    ) -> Option<&'a Certificate> {
        let head = *path.last()?;
        self.steps.set(self.steps.get().saturating_add(1));
        if self.steps.get() > MAX_STEPS {
            return None;
        }
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
            if !path.contains(&issuer) && self.is_issued_by(head, issuer) {
                path.push(issuer);
                let found = self.find(path, purpose, authorities);
                path.pop();
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }

    /// What may stand between the leaf and an authority. A path ends at a trusted authority, also where
    /// the peer sends that one along.
    pub(super) fn intermediates(&self) -> impl Iterator<Item = &'a Certificate> {
        self.chain.iter().skip(1).filter(|issuer| !self.store.authorities.contains(issuer))
    }

    fn is_issued_by(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        same_name(certificate.issuer_der(), issuer.subject_der())
            && self.signed(certificate.to_der(), issuer).is_ok()
    }

    /// Checks the signature of a certificate or list that the store or the chain holds.
    pub(super) fn signed(&self, der: &[u8], signer: &Certificate) -> Result<(), SignatureFault> {
        let edge = (der.as_ptr().addr(), signer.to_der().as_ptr().addr());
        if let Some(known) = self.signatures.borrow().get(&edge) {
            return *known;
        }
        if self.signatures.borrow().len() >= MAX_SIGNATURES {
            return Err(SignatureFault::TooMany);
        }
        let result = Signed::of(der)
            .map_err(|_| SignatureFault::Bad)
            .and_then(|signed| signed.verify(signer.public_key()));
        self.signatures.borrow_mut().insert(edge, result);
        result
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

/// Whether subject and issuer are the same: such a certificate of an authority counts for no path length
/// and no name constraints (RFC 5280 §6.1).
pub(super) fn is_self_issued(certificate: &Certificate) -> bool {
    same_name(certificate.subject_der(), certificate.issuer_der())
}
