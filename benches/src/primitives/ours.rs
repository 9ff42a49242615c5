//! otls, on the engine of this process.

use otls::codepoints::{NamedGroup, SignatureScheme};
use otls::crypto::SystemRandom;
use otls::crypto::aead::AeadKey;
use otls::crypto::hash::digest;
use otls::crypto::hkdf::Prk;
use otls::crypto::hmac::HmacKey;
use otls::crypto::kx::{KeyExchange, respond};
use otls::crypto::sign::{SigningKey, VerifyingKey};

use super::{Key, Primitive, Step, keep};
use crate::Operation;

pub fn operation(primitive: Primitive) -> Option<Operation> {
    Some(match primitive {
        Primitive::Seal(algorithm, size) => {
            let key = AeadKey::new(algorithm, &vec![7; algorithm.key_len()]).unwrap();
            let mut buffer = Vec::with_capacity(algorithm.sealed_len(size));
            buffer.resize(size, 7);
            Box::new(move || {
                buffer.truncate(size);
                key.seal(&[1; 12], b"12345", &mut buffer, 0).unwrap();
            })
        }
        Primitive::Open(algorithm, size) => {
            let key = AeadKey::new(algorithm, &vec![7; algorithm.key_len()]).unwrap();
            let mut sealed = vec![7; size];
            key.seal(&[1; 12], b"12345", &mut sealed, 0).unwrap();
            let mut buffer = sealed.clone();
            Box::new(move || {
                buffer.copy_from_slice(&sealed);
                assert_eq!(key.open(&[1; 12], b"12345", &mut buffer).unwrap(), size);
            })
        }
        Primitive::Digest(algorithm, size) => {
            let data = vec![7; size];
            Box::new(move || keep(digest(algorithm, &data)))
        }
        Primitive::Hmac(algorithm, size) => {
            let (key, data) = (HmacKey::new(algorithm, &[7; 32]), vec![7; size]);
            Box::new(move || keep(key.sign(&[&data])))
        }
        Primitive::Expand(algorithm) => {
            let prk = Prk::from_secret(algorithm, &[7; 48][..digest(algorithm, b"").as_ref().len()]).unwrap();
            Box::new(move || {
                let mut out = [0; 32];
                prk.expand(&[b"\0\x20\x09tls13 key\0"], &mut out).unwrap();
                keep(out);
            })
        }
        Primitive::Agree(group) => {
            let peer = KeyExchange::start(group, &SystemRandom).unwrap().public_share().to_vec();
            Box::new(move || {
                let exchange = KeyExchange::start(group, &SystemRandom).unwrap();
                keep(exchange.public_share());
                exchange.finish(&peer).unwrap();
            })
        }
        Primitive::Hybrid(Step::Start) => {
            Box::new(|| drop(KeyExchange::start(NamedGroup::X25519MLKEM768, &SystemRandom).unwrap()))
        }
        Primitive::Hybrid(Step::Answer) => {
            let group = NamedGroup::X25519MLKEM768;
            let peer = KeyExchange::start(group, &SystemRandom).unwrap().public_share().to_vec();
            Box::new(move || drop(respond(group, &peer, &SystemRandom).unwrap()))
        }
        Primitive::Hybrid(Step::StartAndFinish) => {
            let group = NamedGroup::X25519MLKEM768;
            let peer = KeyExchange::start(group, &SystemRandom).unwrap().public_share().to_vec();
            let (answer, _) = respond(group, &peer, &SystemRandom).unwrap();
            // Another key pair's ciphertext takes as long: FIPS 203 rejects it implicitly.
            Box::new(move || {
                drop(KeyExchange::start(group, &SystemRandom).unwrap().finish(&answer).unwrap());
            })
        }
        Primitive::Sign(kind) => {
            let key = SigningKey::from_pkcs8_der(kind.pkcs8()).unwrap();
            Box::new(move || drop(key.sign(scheme(kind), b"transcript", &SystemRandom).unwrap()))
        }
        Primitive::Verify(kind) => {
            let key = SigningKey::from_pkcs8_der(kind.pkcs8()).unwrap();
            let signature = key.sign(scheme(kind), b"transcript", &SystemRandom).unwrap();
            let key = VerifyingKey::from_spki_der(key.public_key_der()).unwrap();
            Box::new(move || key.verify(scheme(kind), b"transcript", &signature).unwrap())
        }
    })
}

fn scheme(key: Key) -> SignatureScheme {
    match key {
        Key::P256 => SignatureScheme::ECDSA_SECP256R1_SHA256,
        Key::P384 => SignatureScheme::ECDSA_SECP384R1_SHA384,
        Key::Rsa2048 | Key::Rsa3072 => SignatureScheme::RSA_PSS_RSAE_SHA256,
        Key::Ed25519 => SignatureScheme::ED25519,
    }
}
