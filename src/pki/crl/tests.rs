use super::super::{
    Authority, Certificate, CertificateRequest, Chain, KeyType, PeerRole, PrivateKey, Profile, TrustStore,
};
use super::*;
use crate::crypto::SystemRandom;
use crate::crypto::hash::HashAlgorithm;
use crate::pki::Validity;
use core::time::Duration;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn key() -> PrivateKey {
    PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap()
}

fn authority(name: &str) -> Authority {
    let name = DistinguishedName::with_common_name(name);
    Authority::create(key(), &name, HashAlgorithm::Sha256, Validity::days(NOW, 1), &SystemRandom).unwrap()
}

fn customer(of: &Authority) -> Certificate {
    let name = DistinguishedName::with_common_name("Alice");
    let hash = HashAlgorithm::Sha256;
    let request = CertificateRequest::create(&key(), &name, &[], hash, &SystemRandom).unwrap();
    of.issue(&request, Profile::Client, Validity::new(NOW, Duration::from_secs(3600)), &SystemRandom).unwrap()
}

#[test]
fn a_signature_is_checked_once_for_all_connections_and_stores_that_share_a_list() {
    let (ours, other) = (authority("Ours"), authority("Other"));
    let list = ours.issue_crl(&[], 1, Validity::new(NOW, Duration::from_secs(3600)), &SystemRandom).unwrap();
    let mut store = TrustStore::new();
    store.add_authority(ours.certificate()).unwrap();
    store.add_crl(list.clone());
    let before = CHECKED.get();
    for round in 0..5 {
        assert!(
            store
                .clone()
                .verify(&customer(&ours).into(), &PeerRole::Client, NOW.plus(Duration::from_secs(round)))
                .is_ok()
        );
        store.add_authority(other.certificate()).unwrap();
        assert!(
            store
                .verify(&customer(&ours).into(), &PeerRole::Client, NOW.plus(Duration::from_secs(round)))
                .is_ok()
        );
    }
    assert_eq!(CHECKED.get() - before, 1);
}

#[test]
fn strangers_do_not_have_lists_hashed_and_leave_nothing_behind() {
    let (ours, list) = (authority("Ours"), |ca: &Authority| {
        ca.issue_crl(&[], 1, Validity::new(NOW, Duration::from_secs(3600)), &SystemRandom)
    });
    let list = list(&ours).unwrap();
    let mut store = TrustStore::new();
    store.add_authority(ours.certificate()).unwrap();
    store.add_crl(list.clone());
    let before = CHECKED.get();
    for _ in 0..5 {
        // Each has a key of its own and the authority's name.
        let impostor = authority("Ours");
        let chain = Chain::new(vec![customer(&impostor), impostor.certificate().clone()]).unwrap();
        assert!(store.verify(&chain, &PeerRole::Client, NOW).is_err());
    }
    assert_eq!(CHECKED.get() - before, 0);
    assert!(list.0.signers.lock().unwrap().is_empty());
}

#[test]
fn no_more_keys_are_remembered_than_a_list_has_room_for() {
    let list = authority("Ours")
        .issue_crl(&[], 1, Validity::new(NOW, Duration::from_secs(3600)), &SystemRandom)
        .unwrap();
    for _ in 0..2 * MAX_KNOWN_SIGNERS {
        let key = key();
        assert_eq!(list.signed(key.public_key()), Err(SignatureFault::Bad));
    }
    assert_eq!(list.0.signers.lock().unwrap().len(), MAX_KNOWN_SIGNERS);
}
