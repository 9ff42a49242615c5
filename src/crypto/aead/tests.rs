use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::*;
use crate::crypto::engine::available;
use crate::crypto::testing::hex;

const ALL: [AeadAlgorithm; 5] = [
    AeadAlgorithm::Aes128Gcm,
    AeadAlgorithm::Aes256Gcm,
    AeadAlgorithm::ChaCha20Poly1305,
    AeadAlgorithm::Aes128CbcHmacSha256,
    AeadAlgorithm::Aes256CbcHmacSha384,
];

fn key(engine: Engine, algorithm: AeadAlgorithm) -> AeadKey {
    let key: Vec<u8> = (0..).take(algorithm.key_len()).collect();
    AeadKey::new_on(engine, algorithm, &key).unwrap()
}

#[test]
fn what_is_sealed_opens_and_has_the_announced_length() {
    for engine in available() {
        for algorithm in ALL {
            let key = key(engine, algorithm);
            for len in (0..=66).chain([255, 1400, 16384, 16385]) {
                let plaintext: Vec<u8> = (0..=255).cycle().take(len).collect();
                let mut buffer = b"header".to_vec();
                buffer.extend_from_slice(&plaintext);
                key.seal(&[1; 12], b"aad", &mut buffer, 6).unwrap();
                assert_eq!(&buffer[..6], b"header");
                assert_eq!(buffer.len() - 6, algorithm.sealed_len(len));
                let opened = key.open(&[1; 12], b"aad", &mut buffer[6..]).unwrap();
                assert_eq!(buffer[6..6 + opened], plaintext, "{engine:?} {algorithm:?} {len}");
            }
        }
    }
}

#[test]
fn any_changed_octet_of_ciphertext_tag_nonce_or_associated_data_is_refused() {
    let plaintext = b"The OTP for transferring Rs 1,00,000";
    for engine in available() {
        for algorithm in ALL {
            let key = key(engine, algorithm);
            let mut sealed = plaintext.to_vec();
            key.seal(&[1; 12], b"aad", &mut sealed, 0).unwrap();
            let refused = |nonce: &[u8; 12], aad: &[u8], mut sealed: Vec<u8>| {
                assert_eq!(key.open(nonce, aad, &mut sealed), Err(Error::DecryptFailed));
                assert!(!sealed.windows(8).any(|part| plaintext.windows(8).any(|plain| plain == part)));
            };
            for at in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[at] ^= 0x80;
                refused(&[1; 12], b"aad", changed);
                refused(&[1; 12], b"aad", sealed[..at].to_vec());
            }
            refused(&[2; 12], b"aad", sealed.clone());
            refused(&[1; 12], b"aae", sealed.clone());
            refused(&[1; 12], b"", sealed.clone());
            sealed.push(0);
            refused(&[1; 12], b"aad", sealed);
        }
    }
}

#[test]
fn keys_of_a_wrong_length_are_refused() {
    for engine in available() {
        for algorithm in ALL {
            for len in (0..64).filter(|len| *len != algorithm.key_len()) {
                assert!(AeadKey::new_on(engine, algorithm, &vec![0; len]).is_err(), "{algorithm:?} {len}");
            }
        }
    }
}

#[test]
fn a_start_past_the_end_is_refused_and_changes_nothing() {
    let mut buffer = b"abc".to_vec();
    for algorithm in ALL {
        assert!(key(Engine::Portable, algorithm).seal(&[0; 12], b"", &mut buffer, 4).is_err());
        assert_eq!(buffer, b"abc");
    }
}

#[test]
fn sealing_into_a_buffer_with_room_does_not_move_it() {
    for engine in available() {
        for algorithm in ALL {
            let mut buffer = Vec::with_capacity(algorithm.sealed_len(100));
            buffer.resize(100, 1);
            let before = buffer.as_ptr();
            key(engine, algorithm).seal(&[0; 12], b"", &mut buffer, 0).unwrap();
            assert_eq!(before, buffer.as_ptr());
        }
    }
}

#[test]
fn a_length_that_does_not_fit_saturates() {
    for algorithm in ALL {
        assert_eq!(algorithm.sealed_len(usize::MAX), usize::MAX);
    }
}

fn reproduces(algorithm: AeadAlgorithm, key: &str, nonce: &str, aad: &str, plaintext: &str, sealed: &str) {
    let nonce: [u8; 12] = hex(nonce).try_into().unwrap();
    for engine in available() {
        let key = AeadKey::new_on(engine, algorithm, &hex(key)).unwrap();
        let mut buffer = hex(plaintext);
        key.seal(&nonce, &hex(aad), &mut buffer, 0).unwrap();
        assert_eq!(buffer, hex(sealed), "{engine:?}");
        let len = key.open(&nonce, &hex(aad), &mut buffer).unwrap();
        assert_eq!(buffer[..len], hex(plaintext), "{engine:?}");
    }
}

// "The Galois/Counter Mode of Operation (GCM)", McGrew and Viega, appendix B, test cases 1, 2, 4.
#[test]
fn gcm_specification_vectors_for_aes_128_come_out() {
    let zero = "00000000000000000000000000000000";
    let nonce = "000000000000000000000000";
    reproduces(AeadAlgorithm::Aes128Gcm, zero, nonce, "", "", "58e2fccefa7e3061367f1d57a4e7455a");
    reproduces(
        AeadAlgorithm::Aes128Gcm,
        zero,
        nonce,
        "",
        zero,
        "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf",
    );
    reproduces(
        AeadAlgorithm::Aes128Gcm,
        "feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e\
         21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091\
         5bc94fbc3221a5db94fae95ae7121a47",
    );
}

// The same, test cases 13, 14 and 16.
#[test]
fn gcm_specification_vectors_for_aes_256_come_out() {
    let zero = "00000000000000000000000000000000";
    let key = zero.repeat(2);
    let nonce = "000000000000000000000000";
    reproduces(AeadAlgorithm::Aes256Gcm, &key, nonce, "", "", "530f8afbc74536b9a963b4f1c4cb738b");
    reproduces(
        AeadAlgorithm::Aes256Gcm,
        &key,
        nonce,
        "",
        zero,
        "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
    );
    reproduces(
        AeadAlgorithm::Aes256Gcm,
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
         8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662\
         76fc6ece0f4e1768cddf8853bb2d551b",
    );
}

// RFC 8439 §2.8.2.
#[test]
fn rfc8439_vector_comes_out() {
    reproduces(
        AeadAlgorithm::ChaCha20Poly1305,
        "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        "070000004041424344454647",
        "50515253c0c1c2c3c4c5c6c7",
        "4c616469657320616e642047656e746c656d656e206f662074686520636c6173\
         73206f66202739393a204966204920636f756c64206f6666657220796f75206f\
         6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73\
         637265656e20776f756c642062652069742e",
        "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6\
         3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36\
         92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc\
         3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691",
    );
}

#[test]
fn what_one_engine_seals_every_engine_opens() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for algorithm in ALL {
        for round in 0..60_usize {
            let mut key = vec![0; algorithm.key_len()];
            let mut nonce = [0; NONCE_LEN];
            let mut aad = vec![0; usize::try_from(rng.next_u32() % 64).unwrap()];
            let len = match round {
                0 => 0,
                1 => 16384,
                _ => usize::try_from(rng.next_u32() % 2000).unwrap(),
            };
            let mut plaintext = vec![0; len];
            for octets in [&mut key[..], &mut nonce, &mut aad, &mut plaintext] {
                rng.fill_bytes(octets);
            }
            let mut sealed_by_all = Vec::new();
            for engine in available() {
                let mut sealed = plaintext.clone();
                let key = AeadKey::new_on(engine, algorithm, &key).unwrap();
                key.seal(&nonce, &aad, &mut sealed, 0).unwrap();
                sealed_by_all.push(sealed);
            }
            for engine in available() {
                let key = AeadKey::new_on(engine, algorithm, &key).unwrap();
                for sealed in &sealed_by_all {
                    assert_eq!(sealed, &sealed_by_all[0], "{engine:?} {algorithm:?} {len}");
                    let mut buffer = sealed.clone();
                    let opened = key.open(&nonce, &aad, &mut buffer).unwrap();
                    assert_eq!(&buffer[..opened], &plaintext, "{engine:?} {algorithm:?} {len}");
                }
            }
        }
    }
}
