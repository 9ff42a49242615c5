//! What reading with a private key tells by its time: valgrind follows what is secret.

use pkcs8::pkcs5::pbes2::Parameters;

use super::PrivateKey;
use super::encrypted::open;
use crate::crypto::SystemRandom;
use crate::undefined;

#[test]
fn oaep_paddings_are_judged_in_constant_time() {
    undefined::check(|| {
        let key = PrivateKey::load(include_bytes!("../../tests/vectors/keys/rsa.pem"), None).unwrap();
        let sealed = key.public_key().encrypt(b"label", b"a secret", &SystemRandom).unwrap();
        let cases =
            [(&b"label"[..], 0, true), (b"other", 0, false), (b"label", 1, false), (b"label", 2, false)];
        for (label, changed, opens) in cases {
            // What is encrypted stands for what comes of it, which is as secret as the key.
            let mut sealed = sealed.clone();
            sealed[100] ^= changed;
            undefined::secret(&sealed);
            assert_eq!(key.decrypt(label, &sealed, &SystemRandom).is_ok(), opens);
        }
    });
}

#[test]
fn paddings_of_encrypted_keys_are_judged_in_constant_time() {
    undefined::check(|| {
        let parameters = Parameters::generate_pbkdf2_sha256_aes256cbc(1, &[1; 16], [2; 16]).unwrap();
        let (mut opened, mut refused) = (0, 0);
        for last in 0..=u8::MAX {
            // The octet before a block's last one is XORed into it: any ciphertext will do.
            let mut encrypted = [[3; 16], [5; 16]].concat();
            encrypted[15] = last;
            undefined::secret(&encrypted);
            match open(&parameters, &encrypted, b"password") {
                Ok(_) => opened += 1,
                Err(_) => refused += 1,
            }
        }
        assert_eq!((opened + refused, opened > 0), (256, true));
    });
}

#[test]
fn a_scalar_is_loaded_in_constant_time() {
    undefined::check(|| {
        let key = PrivateKey::generate(super::KeyType::EcdsaP256, &SystemRandom).unwrap();
        let der = key.to_der(None, &SystemRandom).unwrap();
        let (head, rest) = der.expose().split_at(36);
        let (scalar, rest) = rest.split_at(32);
        assert!(head.ends_with(&[4, 32]), "{head:02x?}");
        let copy = [head, scalar, rest].concat();
        undefined::secret(&copy[36..68]);
        assert!(PrivateKey::load(&copy, None).is_ok());
    });
}
