//! A verdict that is kept with a session: whoever resumes it need not verify the same signatures again.

use core::ops::Range;

use super::digest::number;
use super::{PeerRole, TrustStore, VerifiedPeer};
use crate::crypto::Engine;
use crate::error::{Report, Result};
use crate::pki::key::sha256_with;
use crate::pki::{Certificate, Chain};
use crate::time::UnixTime;

/// That a chain was verified: by what, between which times it is the same, and what came out. It is believed as it
/// stands, so it is kept where nobody but ourselves can have written it.
#[derive(Clone)]
pub(crate) struct Verdict {
    /// See [`TrustStore::basis`].
    basis: [u8; 32],
    holds: Range<UnixTime>,
    /// The authority's place: see [`TrustStore::authority_at`].
    authority: u64,
    revocation_checked: bool,
}

crate::shown::shown!(Verdict);

impl Verdict {
    /// Octets of [`Verdict::to_octets`].
    const LEN: usize = 57;

    pub(crate) fn to_octets(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(Self::LEN);
        octets.extend_from_slice(&self.basis);
        for number in [self.holds.start.0, self.holds.end.0, self.authority] {
            octets.extend_from_slice(&number.to_be_bytes());
        }
        octets.push(self.revocation_checked.into());
        octets
    }

    /// What [`Verdict::to_octets`] made; `None` for anything else.
    pub(crate) fn of_octets(octets: &[u8]) -> Option<Self> {
        let (basis, octets) = octets.split_first_chunk()?;
        let (since, octets) = octets.split_first_chunk()?;
        let (until, octets) = octets.split_first_chunk()?;
        let (authority, octets) = octets.split_first_chunk()?;
        let revocation_checked = match octets {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        Some(Self {
            basis: *basis,
            holds: UnixTime(u64::from_be_bytes(*since))..UnixTime(u64::from_be_bytes(*until)),
            authority: u64::from_be_bytes(*authority),
            revocation_checked,
        })
    }
}

impl TrustStore {
    /// The verdict of [`TrustStore::verify`] about `peer`, in this role.
    pub(crate) fn verdict(&self, peer: &VerifiedPeer, role: &PeerRole) -> Verdict {
        let places = self.0.authorities.iter().chain(peer.chain.iter());
        let place = places.take_while(|one| **one != peer.authority).count();
        Verdict {
            basis: peer.basis.unwrap_or_else(|| self.basis(&peer.chain, role)),
            holds: peer.holds.clone(),
            authority: u64::try_from(place).unwrap_or(u64::MAX),
            revocation_checked: peer.revocation_checked,
        }
    }

    /// As [`TrustStore::verify`]; where `verdict` is what would come out, nothing is verified again.
    pub(crate) fn verify_again(
        &self,
        verdict: &Verdict,
        chain: &Chain,
        role: &PeerRole,
        now: UnixTime,
    ) -> Result<VerifiedPeer, Report> {
        if verdict.holds.contains(&now)
            && verdict.basis == self.basis(chain, role)
            && let Some(authority) = self.authority_at(verdict.authority, chain)
        {
            return Ok(VerifiedPeer {
                authority: authority.clone(),
                chain: chain.clone(),
                revocation_checked: verdict.revocation_checked,
                holds: verdict.holds.clone(),
                basis: Some(verdict.basis),
            });
        }
        self.verify(chain, role, now)
    }

    /// A digest of all that a verdict depends on beside the time: the store, the role with the name that is
    /// expected, the chain, and whose rules and costs they are judged by.
    fn basis(&self, chain: &[Certificate], role: &PeerRole) -> [u8; 32] {
        let (role, name) = match role {
            PeerRole::Server(name) => (0, name.to_string()),
            PeerRole::AnyServer => (1, String::new()),
            PeerRole::Client => (2, String::new()),
            PeerRole::Enrolled => (3, String::new()),
            PeerRole::Any => (4, String::new()),
        };
        sha256_with(|hash| {
            // Of another version, or with another engine, for which the budget reaches farther, it may come out
            // differently.
            hash.update(concat!("otls verdict ", env!("CARGO_PKG_VERSION"), " ").as_bytes());
            hash.update(&[(Engine::detect() == Engine::Fast).into()]);
            hash.update(self.digest_of_all());
            hash.update(&[role]);
            for octets in [name.as_bytes()].into_iter().chain(chain.iter().map(Certificate::to_der)) {
                hash.update(&number(octets.len()));
                hash.update(octets);
            }
        })
    }

    /// Those of the store come first, and then those of the chain, which may be pinned.
    fn authority_at<'a>(&'a self, place: u64, chain: &'a [Certificate]) -> Option<&'a Certificate> {
        self.0.authorities.iter().chain(chain).nth(usize::try_from(place).ok()?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::common::{NOW, World, trust};
    use crate::pki::{GeneralName, KeyType, VERIFIED};

    #[test]
    fn a_verdict_about_a_pinned_authority_is_found_again_in_the_chain() {
        let world = World::new(KeyType::EcdsaP256);
        let (leaf, root) = (world.client.certificate(), world.authority.certificate());
        let chain = Chain::new(vec![leaf.clone(), root.clone()]).unwrap();
        let mut store = TrustStore::new();
        store.add_fingerprint(root.fingerprint());
        let peer = store.verify(&chain, &PeerRole::Client, NOW).unwrap();
        let verdict = store.verdict(&peer, &PeerRole::Client);
        // One that has seen no signature yet.
        let mut store = TrustStore::new();
        store.add_fingerprint(root.fingerprint());
        let before = VERIFIED.get();
        let again = store.verify_again(&verdict, &chain, &PeerRole::Client, NOW).unwrap();
        assert_eq!((VERIFIED.get(), again.authority()), (before, root));
    }

    #[test]
    fn a_verdict_is_of_one_role_name_and_chain() {
        let world = World::new(KeyType::EcdsaP256);
        let store = trust(&world.authority);
        let server = |name| PeerRole::Server(GeneralName::parse(name).unwrap());
        let roles = [
            server("bank.example"),
            server("192.0.2.1"),
            PeerRole::AnyServer,
            PeerRole::Client,
            PeerRole::Enrolled,
            PeerRole::Any,
        ];
        let (leaf, root) = (world.server.certificate().clone(), world.authority.certificate().clone());
        let chains = [vec![leaf.clone()], vec![leaf.clone(), root.clone()], vec![root, leaf]];
        let mut all: Vec<_> =
            roles.iter().flat_map(|role| chains.iter().map(|chain| store.basis(chain, role))).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), roles.len() * chains.len());
    }

    #[test]
    fn octets_that_are_not_a_verdict_are_none() {
        let world = World::new(KeyType::EcdsaP256);
        let (store, chain) = (trust(&world.authority), Chain::from(world.client.certificate().clone()));
        let peer = store.verify(&chain, &PeerRole::Client, NOW).unwrap();
        let octets = store.verdict(&peer, &PeerRole::Client).to_octets();
        assert_eq!(octets.len(), Verdict::LEN);
        assert_eq!(Verdict::of_octets(&octets).unwrap().to_octets(), octets);
        for len in 0..octets.len() {
            assert!(Verdict::of_octets(&octets[..len]).is_none(), "{len}");
        }
        let (flag, rest) = octets.split_last().unwrap();
        assert!(*flag < 2 && Verdict::of_octets(&[rest, &[2]].concat()).is_none());
        assert!(Verdict::of_octets(&[&octets[..], &[0]].concat()).is_none());
    }
}
