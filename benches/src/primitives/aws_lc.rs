//! aws-lc-rs. The composites are its AES-CBC and its HMAC, one after the other.

use aws_lc_rs::agreement::{self, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use aws_lc_rs::cipher::{
    AES_128, AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_768};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RsaKeyPair, VerificationAlgorithm,
};
use aws_lc_rs::{aead, digest, hkdf, hmac};
use otls::codepoints::NamedGroup;
use otls::crypto::aead::AeadAlgorithm;
use otls::crypto::hash::HashAlgorithm;

use super::{Key, Primitive, Step, keep};
use crate::Operation;

pub fn operation(primitive: Primitive) -> Option<Operation> {
    Some(match primitive {
        Primitive::Seal(algorithm, size) => match cipher(algorithm) {
            Some(cipher) => seal(cipher, size),
            None => seal_composite(algorithm, size),
        },
        Primitive::Open(algorithm, size) => match cipher(algorithm) {
            Some(cipher) => open(cipher, size),
            None => open_composite(algorithm, size),
        },
        Primitive::Digest(algorithm, size) => {
            let algorithm = match algorithm {
                HashAlgorithm::Sha256 => &digest::SHA256,
                HashAlgorithm::Sha384 => &digest::SHA384,
            };
            let data = vec![7; size];
            Box::new(move || keep(digest::digest(algorithm, &data)))
        }
        Primitive::Hmac(algorithm, size) => {
            let (key, data) = (hmac::Key::new(hmac_of(algorithm), &[7; 32]), vec![7; size]);
            Box::new(move || keep(hmac::sign(&key, &data)))
        }
        Primitive::Expand(algorithm) => {
            let (algorithm, len) = match algorithm {
                HashAlgorithm::Sha256 => (hkdf::HKDF_SHA256, 32),
                _ => (hkdf::HKDF_SHA384, 48),
            };
            let prk = hkdf::Prk::new_less_safe(algorithm, &[7; 48][..len]);
            Box::new(move || {
                let mut out = [0; 32];
                prk.expand(&[b"\0\x20\x09tls13 key\0"], Octets).unwrap().fill(&mut out).unwrap();
                keep(out);
            })
        }
        Primitive::Agree(group) => {
            let algorithm = match group {
                NamedGroup::X25519 => &agreement::X25519,
                NamedGroup::SECP256R1 => &agreement::ECDH_P256,
                _ => &agreement::ECDH_P384,
            };
            let peer = pair(algorithm).1;
            Box::new(move || agree(pair(algorithm).0, algorithm, &peer))
        }
        Primitive::Hybrid(step) => hybrid(step),
        Primitive::Sign(key) => signer(key).1,
        Primitive::Verify(kind) => verify(kind),
    })
}

struct Octets;

impl hkdf::KeyType for Octets {
    fn len(&self) -> usize {
        32
    }
}

fn cipher(algorithm: AeadAlgorithm) -> Option<&'static aead::Algorithm> {
    match algorithm {
        AeadAlgorithm::Aes128Gcm => Some(&aead::AES_128_GCM),
        AeadAlgorithm::Aes256Gcm => Some(&aead::AES_256_GCM),
        AeadAlgorithm::ChaCha20Poly1305 => Some(&aead::CHACHA20_POLY1305),
        _ => None,
    }
}

fn nonce() -> aead::Nonce {
    aead::Nonce::assume_unique_for_key([1; 12])
}

fn key(algorithm: &'static aead::Algorithm) -> aead::LessSafeKey {
    aead::LessSafeKey::new(aead::UnboundKey::new(algorithm, &vec![7; algorithm.key_len()]).unwrap())
}

fn seal(algorithm: &'static aead::Algorithm, size: usize) -> Operation {
    let (key, mut buffer) = (key(algorithm), vec![7; size]);
    Box::new(move || {
        let tag = key.seal_in_place_separate_tag(nonce(), aead::Aad::from(b"12345"), &mut buffer).unwrap();
        keep(tag);
    })
}

fn open(algorithm: &'static aead::Algorithm, size: usize) -> Operation {
    let (key, mut sealed) = (key(algorithm), vec![7; size]);
    key.seal_in_place_append_tag(nonce(), aead::Aad::from(b"12345"), &mut sealed).unwrap();
    let mut buffer = sealed.clone();
    Box::new(move || {
        buffer.copy_from_slice(&sealed);
        key.open_in_place(nonce(), aead::Aad::from(b"12345"), &mut buffer).unwrap();
    })
}

fn hmac_of(algorithm: HashAlgorithm) -> hmac::Algorithm {
    match algorithm {
        HashAlgorithm::Sha256 => hmac::HMAC_SHA256,
        _ => hmac::HMAC_SHA384,
    }
}

/// What a composite is made of.
fn parts(algorithm: AeadAlgorithm) -> (impl Fn() -> UnboundCipherKey, hmac::Key) {
    let is_small = algorithm == AeadAlgorithm::Aes128CbcHmacSha256;
    let (cipher, len, mac) =
        if is_small { (&AES_128, 16, hmac::HMAC_SHA256) } else { (&AES_256, 32, hmac::HMAC_SHA384) };
    (move || UnboundCipherKey::new(cipher, &[7; 32][..len]).unwrap(), hmac::Key::new(mac, &[7; 24]))
}

fn mac(key: &hmac::Key, text: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in [b"12345", &[1; 16][..], text, &40_u64.to_be_bytes()] {
        context.update(part);
    }
    context.sign()
}

fn seal_composite(algorithm: AeadAlgorithm, size: usize) -> Operation {
    let (cipher, mac_key) = parts(algorithm);
    let key = EncryptingKey::cbc(cipher()).unwrap();
    let mut buffer = vec![7; size + 16 - size % 16];
    Box::new(move || {
        let iv = EncryptionContext::Iv128(FixedLength::from([1; 16]));
        key.less_safe_encrypt(&mut buffer, iv).unwrap();
        keep(mac(&mac_key, &buffer));
    })
}

fn open_composite(algorithm: AeadAlgorithm, size: usize) -> Operation {
    let (cipher, mac_key) = parts(algorithm);
    let key = DecryptingKey::cbc(cipher()).unwrap();
    let sealed = vec![7; size + 16 - size % 16];
    let mut buffer = sealed.clone();
    Box::new(move || {
        buffer.copy_from_slice(&sealed);
        keep(mac(&mac_key, &buffer));
        let iv = DecryptionContext::Iv128(FixedLength::from([1; 16]));
        key.decrypt(&mut buffer, iv).unwrap();
    })
}

fn pair(algorithm: &'static agreement::Algorithm) -> (EphemeralPrivateKey, Vec<u8>) {
    let key = EphemeralPrivateKey::generate(algorithm, &SystemRandom::new()).unwrap();
    let public = key.compute_public_key().unwrap().as_ref().to_vec();
    (key, public)
}

fn agree(key: EphemeralPrivateKey, algorithm: &'static agreement::Algorithm, peer: &[u8]) {
    let peer = UnparsedPublicKey::new(algorithm, peer);
    agree_ephemeral(key, peer, Unspecified, |secret| Ok(keep(secret.to_vec()))).unwrap();
}

fn hybrid(step: Step) -> Operation {
    let start = || {
        let kem = DecapsulationKey::generate(&ML_KEM_768).unwrap();
        let public = kem.encapsulation_key().unwrap().key_bytes().unwrap().as_ref().to_vec();
        (kem, public, pair(&agreement::X25519))
    };
    let (_, peer_kem, (_, peer)) = start();
    match step {
        Step::Start => Box::new(move || keep(start())),
        Step::Answer => Box::new(move || {
            let kem = EncapsulationKey::new(&ML_KEM_768, &peer_kem).unwrap();
            keep(kem.encapsulate().unwrap());
            agree(pair(&agreement::X25519).0, &agreement::X25519, &peer);
        }),
        Step::StartAndFinish => {
            let kem = EncapsulationKey::new(&ML_KEM_768, &peer_kem).unwrap();
            let ciphertext = kem.encapsulate().unwrap().0.as_ref().to_vec();
            Box::new(move || {
                let (kem, _, (key, _)) = start();
                keep(kem.decapsulate(Ciphertext::from(ciphertext.as_slice())).unwrap());
                agree(key, &agreement::X25519, &peer);
            })
        }
    }
}

/// The public key, and what signs.
fn signer(kind: Key) -> (Vec<u8>, Operation) {
    match kind {
        Key::P256 | Key::P384 => {
            let algorithm = match kind {
                Key::P256 => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
                _ => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
            };
            let key = EcdsaKeyPair::from_pkcs8(algorithm, kind.pkcs8()).unwrap();
            let public = key.public_key().as_ref().to_vec();
            (public, Box::new(move || keep(key.sign(&SystemRandom::new(), b"transcript").unwrap())))
        }
        Key::Rsa2048 | Key::Rsa3072 => {
            let key = RsaKeyPair::from_pkcs8(kind.pkcs8()).unwrap();
            let public = key.public_key().as_ref().to_vec();
            let mut made = vec![0; key.public_modulus_len()];
            let sign = move || {
                key.sign(&signature::RSA_PSS_SHA256, &SystemRandom::new(), b"transcript", &mut made).unwrap();
            };
            (public, Box::new(sign))
        }
        Key::Ed25519 => {
            let key = Ed25519KeyPair::from_pkcs8(kind.pkcs8()).unwrap();
            let public = key.public_key().as_ref().to_vec();
            (public, Box::new(move || keep(key.sign(b"transcript"))))
        }
    }
}

fn verify(kind: Key) -> Operation {
    let algorithm: &'static dyn VerificationAlgorithm = match kind {
        Key::P256 => &signature::ECDSA_P256_SHA256_ASN1,
        Key::P384 => &signature::ECDSA_P384_SHA384_ASN1,
        Key::Rsa2048 | Key::Rsa3072 => &signature::RSA_PSS_2048_8192_SHA256,
        Key::Ed25519 => &signature::ED25519,
    };
    let signature = super::system::signature(kind);
    let key = ParsedPublicKey::new(algorithm, signer(kind).0).unwrap();
    Box::new(move || key.verify_sig(b"transcript", &signature).unwrap())
}
