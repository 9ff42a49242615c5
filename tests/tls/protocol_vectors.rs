//! The worked examples of `docs/PROTOCOL.md`, computed again from what the text says.

use std::collections::BTreeMap;

use otls::codepoints::CipherSuite;
use otls::crypto::aead::{AeadAlgorithm, AeadKey};
use otls::crypto::hash::HashAlgorithm;
use otls::crypto::hkdf::Prk;
use otls::crypto::hmac::HmacKey;

const CONTENT: &[u8] = b"The OTP for transferring Rs 1,00,000 to your friend's account is 256345.";
const SEQUENCE_NUMBER: u64 = 1;
const APPLICATION_DATA: u8 = 23;

#[test]
fn there_is_an_example_for_each_private_suite() {
    let suites: Vec<String> = examples().into_iter().map(|example| example.suite).collect();
    let private = [
        CipherSuite::OTLS_AES_128_CBC_HMAC_SHA256,
        CipherSuite::OTLS_AES_256_CBC_HMAC_SHA384,
        CipherSuite::OTLS_CHACHA20_POLY1305_SHA384,
    ];
    assert_eq!(suites, private.map(|suite| suite.to_string()));
}

#[test]
fn key_and_iv_come_from_the_traffic_secret() {
    for example in examples() {
        let secret = example.get("traffic_secret");
        assert_eq!(secret.len(), example.hash.output_len());
        assert_eq!(expand_label(example.hash, secret, b"key", example.aead.key_len()), example.get("key"));
        assert_eq!(expand_label(example.hash, secret, b"iv", 12), example.get("iv"));
    }
}

#[test]
fn the_sequence_number_makes_the_nonce() {
    for example in examples() {
        let mut nonce = example.get("iv").to_vec();
        for (octet, sequence) in nonce.iter_mut().skip(4).zip(SEQUENCE_NUMBER.to_be_bytes()) {
            *octet ^= sequence;
        }
        assert_eq!(nonce, example.get("nonce"));
    }
}

#[test]
fn sealing_gives_the_record_and_opening_the_content() {
    for example in examples() {
        let key = AeadKey::new(example.aead, example.get("key")).unwrap();
        let nonce: [u8; 12] = example.get("nonce").try_into().unwrap();
        let inner = [CONTENT, &[APPLICATION_DATA]].concat();
        let length = u16::try_from(example.aead.sealed_len(inner.len())).unwrap();
        let header = [&[APPLICATION_DATA, 3, 3][..], &length.to_be_bytes()].concat();

        let mut record = [header.clone(), inner.clone()].concat();
        key.seal(&nonce, &header, &mut record, header.len()).unwrap();
        assert_eq!(record, example.get("record"), "{}", example.suite);

        let payload = &mut record[header.len()..];
        let opened = key.open(&nonce, &header, payload).unwrap();
        assert_eq!(payload[..opened], inner);
    }
}

#[test]
fn the_composites_tag_covers_associated_data_iv_ciphertext_and_length() {
    for example in examples() {
        if example.aead == AeadAlgorithm::ChaCha20Poly1305 {
            continue; // No composite: the AEAD makes the tag.
        }
        let [mac_key, enc_key] = [example.get("MAC_KEY"), example.get("ENC_KEY")];
        let [a, iv, ciphertext, tag] = ["A", "IV", "ciphertext", "tag"].map(|name| example.get(name));
        let [record, al] = [example.get("record"), example.get("AL")];

        assert_eq!([mac_key, enc_key].concat(), example.get("key"));
        assert_eq!(a, [example.get("nonce"), &record[..5]].concat());
        assert_eq!(al, (8 * u64::try_from(a.len()).unwrap()).to_be_bytes());
        assert_eq!(record[5..], [ciphertext, tag].concat());
        let whole = HmacKey::new(example.hash, mac_key).sign(&[a, iv, ciphertext, al]);
        assert_eq!(whole.as_ref()[..example.aead.tag_len()], *tag);
    }
}

/// A block of the document: `name = hex`, continued on indented lines.
struct Example {
    suite: String,
    aead: AeadAlgorithm,
    hash: HashAlgorithm,
    values: BTreeMap<String, Vec<u8>>,
}

impl Example {
    fn get(&self, name: &str) -> &[u8] {
        self.values.get(name).unwrap_or_else(|| panic!("{} has no {name}", self.suite))
    }

    fn parse(block: &str) -> Self {
        let mut texts: Vec<(String, String)> = Vec::new();
        for line in block.lines() {
            match line.split_once('=') {
                Some((name, value)) => texts.push((name.trim().to_owned(), value.trim().to_owned())),
                None => texts.last_mut().unwrap().1.push_str(line.trim()),
            }
        }
        let (_, suite) = texts.remove(0);
        let (aead, hash) = match CipherSuite::from_name(&suite).unwrap() {
            CipherSuite::OTLS_AES_128_CBC_HMAC_SHA256 => {
                (AeadAlgorithm::Aes128CbcHmacSha256, HashAlgorithm::Sha256)
            }
            CipherSuite::OTLS_AES_256_CBC_HMAC_SHA384 => {
                (AeadAlgorithm::Aes256CbcHmacSha384, HashAlgorithm::Sha384)
            }
            CipherSuite::OTLS_CHACHA20_POLY1305_SHA384 => {
                (AeadAlgorithm::ChaCha20Poly1305, HashAlgorithm::Sha384)
            }
            other => panic!("{other} is not a private suite"),
        };
        let values = texts.into_iter().map(|(name, text)| (name, unhex(&text))).collect();
        Self { suite, aead, hash, values }
    }
}

fn examples() -> Vec<Example> {
    let document = include_str!("../../docs/PROTOCOL.md");
    let blocks = document.split("```text\n").skip(1).filter(|block| block.starts_with("suite "));
    blocks.map(|block| Example::parse(block.split("```").next().unwrap())).collect()
}

/// HKDF-Expand-Label without a context (RFC 8446 §7.1).
fn expand_label(hash: HashAlgorithm, secret: &[u8], label: &[u8], length: usize) -> Vec<u8> {
    let label = [b"tls13 ", label].concat();
    let length_field = u16::try_from(length).unwrap().to_be_bytes();
    let info: [&[u8]; 4] = [&length_field, &[u8::try_from(label.len()).unwrap()], &label, &[0]];
    let mut out = vec![0; length];
    Prk::from_secret(hash, secret).unwrap().expand(&info, &mut out).unwrap();
    out
}

fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "odd number of digits in {text}");
    let pair = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(pair).collect()
}
