//! The system's OpenSSL. The composites are its AES-CBC and its HMAC, one after the other.

use std::ptr::{null, null_mut};

use openssl::cipher::{Cipher, CipherRef};
use openssl::cipher_ctx::CipherCtx;
use openssl::derive::Deriver;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::md::Md;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private, Public};
use openssl::pkey_ctx::{HkdfMode, PkeyCtx};
use openssl::rsa::Padding;
use openssl::sha;
use openssl::sign::{RsaPssSaltlen, Signer, Verifier};
use otls::codepoints::NamedGroup;
use otls::crypto::aead::AeadAlgorithm;
use otls::crypto::hash::HashAlgorithm;

use super::{Key, Primitive, keep};
use crate::Operation;

pub fn operation(primitive: Primitive) -> Option<Operation> {
    Some(match primitive {
        Primitive::Seal(algorithm, size) => seal(algorithm, size),
        Primitive::Open(algorithm, size) => open(algorithm, size),
        Primitive::Digest(algorithm, size) => {
            let data = vec![7; size];
            match algorithm {
                HashAlgorithm::Sha256 => Box::new(move || keep(sha::sha256(&data))),
                HashAlgorithm::Sha384 => Box::new(move || keep(sha::sha384(&data))),
            }
        }
        Primitive::Hmac(algorithm, size) => {
            let (mut key, data) = (Hmac::new(algorithm, &[7; 32]), vec![7; size]);
            Box::new(move || keep(key.sign(&[&data])))
        }
        Primitive::Expand(algorithm) => expand(algorithm),
        Primitive::Agree(group) => {
            let peer = public(&pair(group));
            Box::new(move || {
                let key = pair(group);
                let mut deriver = Deriver::new(&key).unwrap();
                deriver.set_peer(&peer).unwrap();
                keep(deriver.derive_to_vec().unwrap());
            })
        }
        // OpenSSL has ML-KEM since 3.5, and the crate not yet.
        Primitive::Hybrid(_) => return None,
        Primitive::Sign(kind) => {
            let key = PKey::private_key_from_der(kind.pkcs8()).unwrap();
            Box::new(move || drop(sign(kind, &key)))
        }
        Primitive::Verify(kind) => {
            let key = public(&PKey::private_key_from_der(kind.pkcs8()).unwrap());
            let signature = signature(kind);
            Box::new(move || verify(kind, &key, &signature))
        }
    })
}

fn cipher(algorithm: AeadAlgorithm) -> &'static CipherRef {
    match algorithm {
        AeadAlgorithm::Aes128Gcm => Cipher::aes_128_gcm(),
        AeadAlgorithm::Aes256Gcm => Cipher::aes_256_gcm(),
        AeadAlgorithm::ChaCha20Poly1305 => Cipher::chacha20_poly1305(),
        AeadAlgorithm::Aes128CbcHmacSha256 => Cipher::aes_128_cbc(),
        AeadAlgorithm::Aes256CbcHmacSha384 => Cipher::aes_256_cbc(),
    }
}

/// The HMAC of a composite.
fn mac(algorithm: AeadAlgorithm) -> Option<Hmac> {
    match algorithm {
        AeadAlgorithm::Aes128CbcHmacSha256 => Some(Hmac::new(HashAlgorithm::Sha256, &[7; 24])),
        AeadAlgorithm::Aes256CbcHmacSha384 => Some(Hmac::new(HashAlgorithm::Sha384, &[7; 24])),
        _ => None,
    }
}

fn mac_of(mac: &mut Hmac, text: &[u8]) -> [u8; 64] {
    mac.sign(&[b"12345", &[1; 16], text, &40_u64.to_be_bytes()])
}

/// A key that is set up, and the IV of each message.
fn prepared(algorithm: AeadAlgorithm, seals: bool) -> (CipherCtx, &'static [u8]) {
    let (cipher, mut context) = (cipher(algorithm), CipherCtx::new().unwrap());
    let key = vec![7; cipher.key_length()];
    if seals {
        context.encrypt_init(Some(cipher), Some(&key), None).unwrap();
    } else {
        context.decrypt_init(Some(cipher), Some(&key), None).unwrap();
    }
    context.set_padding(false);
    (context, &[1; 16][..cipher.iv_length()])
}

fn seal(algorithm: AeadAlgorithm, size: usize) -> Operation {
    let (mut context, iv) = prepared(algorithm, true);
    let mut mac = mac(algorithm);
    let size = if mac.is_some() { size + 16 - size % 16 } else { size };
    let mut buffer = vec![7; size + ROOM];
    Box::new(move || {
        context.encrypt_init(None, None, Some(iv)).unwrap();
        let mut tag = [0; 16];
        if let Some(mac) = &mut mac {
            context.cipher_update_inplace(&mut buffer, size).unwrap();
            keep(mac_of(mac, &buffer[..size]));
        } else {
            context.cipher_update(b"12345", None).unwrap();
            context.cipher_update_inplace(&mut buffer, size).unwrap();
            context.cipher_final(&mut []).unwrap();
            context.tag(&mut tag).unwrap();
        }
        keep(tag);
    })
}

fn open(algorithm: AeadAlgorithm, size: usize) -> Operation {
    let (mut context, iv) = prepared(algorithm, true);
    let mut mac = mac(algorithm);
    let size = if mac.is_some() { size + 16 - size % 16 } else { size };
    let mut sealed = vec![7; size + ROOM];
    let mut tag = [0; 16];
    if mac.is_none() {
        context.encrypt_init(None, None, Some(iv)).unwrap();
        context.cipher_update(b"12345", None).unwrap();
        context.cipher_update_inplace(&mut sealed, size).unwrap();
        context.cipher_final(&mut []).unwrap();
        context.tag(&mut tag).unwrap();
    }
    let (mut context, iv) = prepared(algorithm, false);
    let mut buffer = sealed.clone();
    Box::new(move || {
        buffer[..size].copy_from_slice(&sealed[..size]);
        context.decrypt_init(None, None, Some(iv)).unwrap();
        if let Some(mac) = &mut mac {
            keep(mac_of(mac, &buffer[..size]));
            context.cipher_update_inplace(&mut buffer, size).unwrap();
        } else {
            context.set_tag(&tag).unwrap();
            context.cipher_update(b"12345", None).unwrap();
            context.cipher_update_inplace(&mut buffer, size).unwrap();
            context.cipher_final(&mut []).unwrap();
        }
    })
}

/// What the crate asks for behind a block cipher's text.
const ROOM: usize = 16;

/// A key of HMAC that is set up once; the crate sets it up for each message.
struct Hmac(*mut openssl_sys::HMAC_CTX);

impl Hmac {
    fn new(algorithm: HashAlgorithm, key: &[u8]) -> Self {
        // SAFETY: the digest lives for ever, the key's length is that of the slice, and the context is ours
        // until it is dropped.
        unsafe {
            let digest = match algorithm {
                HashAlgorithm::Sha256 => openssl_sys::EVP_sha256(),
                _ => openssl_sys::EVP_sha384(),
            };
            let context = openssl_sys::HMAC_CTX_new();
            let len = i32::try_from(key.len()).unwrap();
            assert_eq!(openssl_sys::HMAC_Init_ex(context, key.as_ptr().cast(), len, digest, null_mut()), 1);
            Self(context)
        }
    }

    fn sign(&mut self, parts: &[&[u8]]) -> [u8; 64] {
        let (mut tag, mut len) = ([0; 64], 0);
        // SAFETY: no key means the one that was set; the tag has room for every digest.
        unsafe {
            openssl_sys::HMAC_Init_ex(self.0, null(), 0, null(), null_mut());
            for part in parts {
                openssl_sys::HMAC_Update(self.0, part.as_ptr(), part.len());
            }
            assert_eq!(openssl_sys::HMAC_Final(self.0, tag.as_mut_ptr(), &mut len), 1);
        }
        tag
    }
}

impl Drop for Hmac {
    fn drop(&mut self) {
        // SAFETY: it is ours, and used no more.
        unsafe { openssl_sys::HMAC_CTX_free(self.0) }
    }
}

fn expand(algorithm: HashAlgorithm) -> Operation {
    let (md, len) = match algorithm {
        HashAlgorithm::Sha256 => (Md::sha256(), 32),
        _ => (Md::sha384(), 48),
    };
    Box::new(move || {
        let mut context = PkeyCtx::new_id(Id::HKDF).unwrap();
        context.derive_init().unwrap();
        context.set_hkdf_mode(HkdfMode::EXPAND_ONLY).unwrap();
        context.set_hkdf_md(md).unwrap();
        context.set_hkdf_key(&[7; 48][..len]).unwrap();
        context.add_hkdf_info(b"\0\x20\x09tls13 key\0").unwrap();
        let mut out = [0; 32];
        context.derive(Some(&mut out)).unwrap();
        keep(out);
    })
}

fn pair(group: NamedGroup) -> PKey<Private> {
    let curve = match group {
        NamedGroup::X25519 => return PKey::generate_x25519().unwrap(),
        NamedGroup::SECP256R1 => Nid::X9_62_PRIME256V1,
        _ => Nid::SECP384R1,
    };
    let group = EcGroup::from_curve_name(curve).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn public(key: &PKey<Private>) -> PKey<Public> {
    PKey::public_key_from_der(&key.public_key_to_der().unwrap()).unwrap()
}

fn digest(kind: Key) -> Option<MessageDigest> {
    match kind {
        Key::P256 | Key::Rsa2048 | Key::Rsa3072 => Some(MessageDigest::sha256()),
        Key::P384 => Some(MessageDigest::sha384()),
        Key::Ed25519 => None,
    }
}

fn sign(kind: Key, key: &PKey<Private>) -> Vec<u8> {
    let mut signer = match digest(kind) {
        Some(digest) => Signer::new(digest, key).unwrap(),
        None => Signer::new_without_digest(key).unwrap(),
    };
    if matches!(kind, Key::Rsa2048 | Key::Rsa3072) {
        signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
    }
    signer.sign_oneshot_to_vec(b"transcript").unwrap()
}

/// A signature of the process's key of that kind.
pub fn signature(kind: Key) -> Vec<u8> {
    sign(kind, &PKey::private_key_from_der(kind.pkcs8()).unwrap())
}

fn verify(kind: Key, key: &PKey<Public>, signature: &[u8]) {
    let mut verifier = match digest(kind) {
        Some(digest) => Verifier::new(digest, key).unwrap(),
        None => Verifier::new_without_digest(key).unwrap(),
    };
    if matches!(kind, Key::Rsa2048 | Key::Rsa3072) {
        verifier.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
    }
    assert!(verifier.verify_oneshot(signature, b"transcript").unwrap());
}
