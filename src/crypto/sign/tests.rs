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
