use std::sync::OnceLock;

use super::*;
use crate::crypto::SystemRandom;
use crate::crypto::engine::available;

const RSA: [SignatureScheme; 5] = [
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];
const ALL: [SignatureScheme; 7] = [
    RSA[0],
    RSA[1],
    RSA[2],
    RSA[3],
    RSA[4],
    SignatureScheme::ECDSA_SECP256R1_SHA256,
    SignatureScheme::ECDSA_SECP384R1_SHA384,
];

/// PKCS#8 of one key of each kind; generating RSA is slow.
pub(super) fn keys() -> &'static [(KeyAlgorithm, Vec<u8>)] {
    static KEYS: OnceLock<Vec<(KeyAlgorithm, Vec<u8>)>> = OnceLock::new();
    KEYS.get_or_init(|| {
        [KeyAlgorithm::Rsa(2048), KeyAlgorithm::Rsa(3072), KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384]
            .into_iter()
            .map(|algorithm| {
                let key = SigningKey::generate(algorithm, &SystemRandom).unwrap();
                (algorithm, key.to_pkcs8_der().unwrap().expose().to_vec())
            })
            .collect()
    })
}

#[test]
fn what_one_engine_signs_every_engine_verifies() {
    for (algorithm, pkcs8) in keys() {
        for engine in available() {
            let key = SigningKey::from_pkcs8_der_on(engine, pkcs8).unwrap();
            assert_eq!(key.algorithm(), *algorithm);
            for scheme in ALL.into_iter().filter(|scheme| algorithm.supports(*scheme)) {
                for len in [0, 1, 63, 130, 4000] {
                    let message = vec![7; len];
                    let signature = key.sign(scheme, &message, &SystemRandom).unwrap();
                    for other in available() {
                        let public = VerifyingKey::from_spki_der_on(other, key.public_key_der()).unwrap();
                        assert_eq!(public.algorithm(), *algorithm);
                        assert_eq!(
                            public.verify(scheme, &message, &signature),
                            Ok(()),
                            "{engine:?} {other:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_changed_signature_or_message_does_not_verify() {
    for (algorithm, pkcs8) in keys() {
        for engine in available() {
            let key = SigningKey::from_pkcs8_der_on(engine, pkcs8).unwrap();
            let public = VerifyingKey::from_spki_der_on(engine, key.public_key_der()).unwrap();
            for scheme in ALL.into_iter().filter(|scheme| algorithm.supports(*scheme)) {
                let signature = key.sign(scheme, b"message", &SystemRandom).unwrap();
                let refused = |message: &[u8], signature: &[u8]| {
                    let result = public.verify(scheme, message, signature);
                    assert_eq!(result, Err(KeyError::BadSignature.into()), "{engine:?} {scheme}");
                };
                refused(b"messagf", &signature);
                refused(b"", &signature);
                refused(b"message", &[]);
                refused(b"message", &[&signature[..], &[0]].concat());
                refused(b"message", &vec![0; signature.len()]);
                refused(b"message", &vec![0xff; signature.len()]);
                for at in (0..signature.len()).step_by(signature.len() / 24) {
                    let mut changed = signature.clone();
                    changed[at] ^= 0x10;
                    refused(b"message", &changed);
                    refused(b"message", &signature[..at]);
                }
            }
        }
    }
}

#[test]
fn an_rsa_key_signs_every_message_whichever_of_its_primes_comes_first() {
    // Far apart, so that m_1 - m_2 (RFC 8017 §5.2.1) is often below -p where p is the smaller.
    let smaller = prime_of_1024_bits("90", "02ab");
    let larger = prime_of_1024_bits("ff", "02ed");
    for (p, q) in [(&smaller, &larger), (&larger, &smaller)] {
        let key = rsa::RsaPrivateKey::from_p_q(p.clone(), q.clone(), 65_537_u32.into()).unwrap();
        let pkcs8 = key.to_pkcs8_der().unwrap();
        for engine in available() {
            let key = SigningKey::from_pkcs8_der_on(engine, pkcs8.as_bytes()).unwrap();
            let public = VerifyingKey::from_spki_der_on(engine, key.public_key_der()).unwrap();
            for message in 0..60_u8 {
                let signature = key.sign(RSA[0], &[message], &SystemRandom).unwrap();
                assert_eq!(public.verify(RSA[0], &[message], &signature), Ok(()), "{engine:?}");
            }
        }
    }
}

/// `first`, 125 zero octets, `last`.
fn prime_of_1024_bits(first: &str, last: &str) -> rsa::BoxedUint {
    rsa::BoxedUint::from_be_hex(&format!("{first}{}{last}", "00".repeat(125)), 1024).unwrap()
}
