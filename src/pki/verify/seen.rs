//! Signatures that were found good: whether a key has signed something never changes.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::pki::PublicKey;
use crate::pki::key::sha256_with;

/// Good signatures of certificates, as many as [`MOST`]. A customer who comes back, and the bank that he comes
/// back to, have theirs verified once. That is all that is remembered: times, lists, names and purposes are
/// judged each time.
#[derive(Default)]
pub(super) struct Seen(Mutex<Generations>);

/// The older half is forgotten when the newer one is full.
#[derive(Default)]
struct Generations {
    newer: HashSet<Signature>,
    older: HashSet<Signature>,
}

/// SHA-256 of the signer's public key and of what it signed, the signature included.
pub(super) type Signature = [u8; 32];

/// 64 KiB at most.
const MOST: usize = 1024;

impl Seen {
    /// What stands for the signature in `der` by `signer`. The key's DER says where it ends.
    pub(super) fn signature(der: &[u8], signer: &PublicKey) -> Signature {
        sha256_with(|context| {
            context.update(signer.to_der());
            context.update(der);
        })
    }

    pub(super) fn contains(&self, signature: &Signature) -> bool {
        let mut seen = self.lock();
        if seen.newer.contains(signature) {
            return true;
        }
        let is_older = seen.older.contains(signature);
        if is_older {
            seen.add(*signature);
        }
        is_older
    }

    /// Remembers a signature that was verified.
    pub(super) fn add(&self, signature: Signature) {
        self.lock().add(signature);
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn add(&mut self, signature: Signature) {
        if self.newer.len() >= MOST / 2 {
            self.older = core::mem::take(&mut self.newer);
        }
        self.newer.insert(signature);
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::common::{NOW, World, trust as trusting};
    use crate::error::Report;
    use crate::pki::{Certificate, Chain, KeyType, PeerRole, TrustStore, VERIFIED};
    use crate::time::UnixTime;

    /// The verdict, and how many signatures of certificates were verified for it.
    fn judged(trust: &TrustStore, leaf: &Certificate, now: UnixTime) -> (Result<(), Report>, usize) {
        let before = VERIFIED.get();
        let verdict = trust.verify(&Chain::from(leaf.clone()), &PeerRole::Client, now);
        (verdict.map(drop), VERIFIED.get() - before)
    }

    #[test]
    fn a_signature_is_verified_once_and_everything_else_each_time() {
        let world = World::new(KeyType::EcdsaP256);
        let (mut trust, customer) = (trusting(&world.authority), world.client.certificate());
        assert_eq!(judged(&trust, customer, NOW), (Ok(()), 1));
        assert_eq!(judged(&trust, customer, NOW), (Ok(()), 0));
        assert_eq!(judged(&trust.clone(), customer, NOW), (Ok(()), 0));

        let later = NOW.plus(Duration::from_secs(100 * 365 * 86_400));
        let (verdict, verified) = judged(&trust, customer, later);
        assert!(verdict.unwrap_err().to_string().contains("expired"));
        assert_eq!(verified, 0);

        // Another octet, the signature's last; then another key of the same name.
        let mut der = customer.to_der().to_vec();
        *der.last_mut().unwrap() ^= 1;
        let forged = Certificate::load(&der).unwrap();
        for _ in 0..2 {
            let (verdict, verified) = judged(&trust, &forged, NOW);
            assert!(verdict.is_err() && verified == 1, "a wrong signature is not remembered");
        }
        let other = World::new(KeyType::EcdsaP256);
        let (verdict, verified) = judged(&trusting(&other.authority), customer, NOW);
        assert!(verdict.is_err() && verified == 1, "{verified}");

        trust.require_crls();
        assert!(judged(&trust, customer, NOW).0.is_err(), "what is asked for has changed");
    }

    fn numbered(number: usize) -> Signature {
        let mut signature = [0; 32];
        signature[..8].copy_from_slice(&number.to_be_bytes());
        signature
    }

    #[test]
    fn what_is_used_stays_and_no_more_than_the_most_is_kept() {
        let seen = Seen::default();
        for number in 0..10 * MOST {
            assert!(!seen.contains(&numbered(number)));
            seen.add(numbered(number));
            assert!(seen.contains(&numbered(0)), "{number}");
        }
        let kept = (0..10 * MOST).filter(|number| {
            let generations = seen.lock();
            generations.newer.contains(&numbered(*number)) || generations.older.contains(&numbered(*number))
        });
        assert!((MOST / 2..=MOST).contains(&kept.count()));
    }
}
