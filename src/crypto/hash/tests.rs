use super::*;
use crate::crypto::testing::hex;

// FIPS 180-4's examples, as NIST publishes them: "abc", the two-block message, and nothing.
#[test]
fn sha256_gives_the_published_examples() {
    for (message, expected) in [
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ] {
        assert_eq!(digest(HashAlgorithm::Sha256, message.as_bytes()).as_ref(), hex(expected));
    }
}

#[test]
fn sha384_gives_the_published_examples() {
    for (message, expected) in [
        (
            "abc",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
             8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn\
             hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712\
             fcc7c71a557e2db966c3e9fa91746039",
        ),
        (
            "",
            "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da\
             274edebfe76f65fbd51ad2f14898b95b",
        ),
    ] {
        assert_eq!(digest(HashAlgorithm::Sha384, message.as_bytes()).as_ref(), hex(expected));
    }
}

#[test]
fn a_million_letters_in_uneven_pieces_hash_as_published() {
    let mut context = HashContext::new(HashAlgorithm::Sha256);
    let mut left = 1_000_000;
    for piece in (1..).map(|n| n * 37 % 1000) {
        let piece = usize::min(piece, left);
        context.update(&vec![b'a'; piece]);
        left -= piece;
        if left == 0 {
            break;
        }
    }
    assert_eq!(
        context.finish().as_ref(),
        hex("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    );
}

#[test]
fn a_clone_forks_the_hash() {
    for algorithm in [HashAlgorithm::Sha256, HashAlgorithm::Sha384] {
        let mut first = HashContext::new(algorithm);
        first.update(b"ab");
        let mut second = first.clone();
        first.update(b"c");
        second.update(b"d");
        assert_eq!(first.algorithm(), algorithm);
        assert_eq!(first.finish().as_ref(), digest(algorithm, b"abc").as_ref());
        assert_eq!(second.finish().as_ref(), digest(algorithm, b"abd").as_ref());
    }
}

#[test]
fn a_zeroized_digest_is_zero() {
    let mut output = digest(HashAlgorithm::Sha256, b"abc");
    output.zeroize();
    assert_eq!(output.as_ref(), [0; 32]);
}

/// The other engine's hashes are not used, for want of speed; they still have to agree.
#[cfg(all(feature = "aws-lc-rs", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[test]
fn the_fast_engines_hashes_and_hmacs_agree() {
    use aws_lc_rs::{digest as other, hmac};

    use crate::crypto::hmac::HmacKey;

    fn agrees(algorithm: HashAlgorithm, data: &[u8], split: usize) {
        let (hash, mac) = match algorithm {
            HashAlgorithm::Sha256 => (&other::SHA256, hmac::HMAC_SHA256),
            HashAlgorithm::Sha384 => (&other::SHA384, hmac::HMAC_SHA384),
        };
        assert_eq!(digest(algorithm, data).as_ref(), other::digest(hash, data).as_ref());

        let (head, tail) = data.split_at(split);
        let tag = hmac::sign(&hmac::Key::new(mac, head), tail);
        assert_eq!(HmacKey::new(algorithm, head).sign(&[tail]).as_ref(), tag.as_ref());
    }

    let data: Vec<u8> = (0..=u8::MAX).cycle().take(16384).collect();
    for len in (0..300).chain([1000, 16384]) {
        for split in [0, len / 3, len] {
            agrees(HashAlgorithm::Sha256, &data[..len], split);
            agrees(HashAlgorithm::Sha384, &data[..len], split);
        }
    }
}
