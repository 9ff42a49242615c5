//! Who is trusted, as a number to compare.

use super::TrustStore;
use crate::crypto::hash::HashContext;
use crate::pki::key::sha256_with;
use crate::pki::{Certificate, Crl};

impl TrustStore {
    /// A digest of who is trusted and how, in whatever order they were added. Revocation lists are not in it:
    /// they change while the trust stays, and a certificate is held against today's in any case. Nor are
    /// intermediates, which are not trusted.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let authorities = self.0.authorities.iter().map(Certificate::fingerprint).collect();
        let lists = [authorities, self.0.pins.clone()].map(|mut list: Vec<_>| {
            list.sort_unstable();
            list.dedup();
            list
        });
        sha256_with(|hash| self.add_settings(&lists, hash))
    }

    /// A digest of all in the store that a verdict depends on, in the order in which it is looked at. Computed
    /// once for each state of the store.
    pub(super) fn digest_of_all(&self) -> &[u8; 32] {
        let inner = &self.0;
        inner.digest.get_or_init(|| {
            let lists = [
                inner.authorities.iter().map(Certificate::fingerprint).collect(),
                inner.pins.clone(),
                inner.intermediates.iter().map(Certificate::fingerprint).collect(),
                inner.crls.iter().map(Crl::fingerprint).copied().collect(),
            ];
            sha256_with(|hash| {
                self.add_settings(&lists, hash);
                hash.update(&[inner.missing_eku_allowed.into()]);
            })
        })
    }

    /// Adds these lists of fingerprints, and how deep and how far the store trusts.
    fn add_settings(&self, lists: &[Vec<[u8; 32]>], hash: &mut HashContext) {
        for list in lists {
            hash.update(&number(list.len()));
            hash.update(list.as_flattened());
        }
        let depth = self.0.max_depth;
        hash.update(&[depth.is_some().into()]);
        hash.update(&number(depth.unwrap_or_default()));
        hash.update(&[self.0.crls_required.into()]);
    }
}

/// The same on every machine.
pub(super) fn number(count: usize) -> [u8; 8] {
    u64::try_from(count).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::common::{DAY, NOW, World};
    use crate::crypto::SystemRandom;
    use crate::pki::{KeyType, Validity};

    #[test]
    fn a_digest_of_all_tells_every_change_and_the_order_and_is_made_anew_for_each() {
        let world = World::new(KeyType::EcdsaP256);
        let (authority, other) = (&world.authority, crate::common::authority("another"));
        let list = |number| authority.issue_crl(&[], number, Validity::new(NOW, DAY), &SystemRandom).unwrap();
        let mut store = TrustStore::new();
        let mut digests = vec![*store.digest_of_all()];
        let changes: [&dyn Fn(&mut TrustStore); 9] = [
            &|store| store.add_authority(authority.certificate()).unwrap(),
            &|store| store.add_fingerprint([1; 32]),
            &|store| store.add_intermediate(world.client.certificate()),
            &|store| store.add_crl(list(1)),
            &|store| store.add_crl(list(2)),
            &|store| store.set_max_depth(0),
            &|store| store.set_max_depth(1),
            &TrustStore::require_crls,
            &TrustStore::allow_missing_eku,
        ];
        for change in changes {
            let before = store.clone();
            change(&mut store);
            digests.push(*store.digest_of_all());
            assert_eq!(before.digest_of_all(), &digests[digests.len() - 2], "a clone keeps its own");
        }
        for order in [[authority, &other], [&other, authority]] {
            let mut store = TrustStore::new();
            order.iter().for_each(|one| store.add_authority(one.certificate()).unwrap());
            digests.push(*store.digest_of_all());
        }
        let count = digests.len();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), count);
    }

    #[test]
    fn the_digest_tells_who_is_trusted_and_how_and_not_in_what_order() {
        let pinned = |pins: &[[u8; 32]]| {
            let mut store = TrustStore::new();
            pins.iter().for_each(|pin| store.add_fingerprint(*pin));
            store
        };
        let both = pinned(&[[1; 32], [2; 32]]);
        assert_eq!(both.digest(), pinned(&[[2; 32], [1; 32], [2; 32]]).digest());
        let mut deep = both.clone();
        deep.set_max_depth(0);
        let mut listed = both.clone();
        listed.require_crls();
        let others = [pinned(&[]), pinned(&[[1; 32]]), deep, listed];
        let mut digests: Vec<_> = others.iter().chain([&both]).map(TrustStore::digest).collect();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), 5);
    }
}
