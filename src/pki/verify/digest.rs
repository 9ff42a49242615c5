//! Who is trusted, as a number to compare.

use super::TrustStore;
use crate::crypto::hash::{HashAlgorithm, digest};
use crate::pki::Certificate;

impl TrustStore {
    /// A digest of who is trusted and how, in whatever order they were added. Revocation lists are not in it:
    /// they change while the trust stays, and a certificate is held against today's in any case. Nor are
    /// intermediates, which are not trusted.
    pub(crate) fn digest(&self) -> Vec<u8> {
        let inner = &self.0;
        let authorities = inner.authorities.iter().map(Certificate::fingerprint).collect();
        let mut octets = Vec::new();
        for mut list in [authorities, inner.pins.clone()] {
            list.sort_unstable();
            list.dedup();
            octets.extend_from_slice(&number(list.len()));
            octets.extend_from_slice(list.as_flattened());
        }
        octets.push(inner.max_depth.is_some().into());
        octets.extend_from_slice(&number(inner.max_depth.unwrap_or_default()));
        octets.push(inner.crls_required.into());
        digest(HashAlgorithm::Sha256, &octets).as_ref().to_vec()
    }
}

/// The same on every machine.
fn number(count: usize) -> [u8; 8] {
    u64::try_from(count).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

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
