use super::*;
use crate::crypto::SystemRandom;
use crate::crypto::engine::available;
use crate::crypto::primitive::kx::{ALL_ZERO, BAD_ENCAPSULATION_KEY};
use crate::crypto::testing::{Given, hex};
use crate::error::Error;

#[test]
fn both_sides_agree_whatever_their_engines() {
    for ours in available() {
        for theirs in available() {
            for &group in SUPPORTED_GROUPS {
                for _ in 0..4 {
                    let client = KeyExchange::start_on(ours, group, &SystemRandom).unwrap();
                    assert_eq!(client.group(), group);
                    let (share, server_secret) =
                        respond_on(theirs, group, client.public_share(), &SystemRandom).unwrap();
                    let client_secret = client.finish(&share).unwrap();
                    assert!(client_secret.ct_eq(server_secret.expose()), "{group} {ours:?} {theirs:?}");
                }
            }
        }
    }
}

#[test]
fn shares_and_secrets_have_the_registered_lengths() {
    for engine in available() {
        for (group, client, server, secret) in [
            (NamedGroup::X25519MLKEM768, 1216, 1120, 64),
            (NamedGroup::X25519, 32, 32, 32),
            (NamedGroup::SECP256R1, 65, 65, 32),
            (NamedGroup::SECP384R1, 97, 97, 48),
        ] {
            let exchange = KeyExchange::start_on(engine, group, &SystemRandom).unwrap();
            let answer = respond_on(engine, group, exchange.public_share(), &SystemRandom).unwrap();
            assert_eq!(
                (exchange.public_share().len(), answer.0.len(), answer.1.len()),
                (client, server, secret)
            );
        }
    }
}

// RFC 7748 §6.1.
#[test]
fn rfc7748_exchange_comes_out() {
    for engine in available() {
        let alice = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
        let bob = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
        let exchange = KeyExchange::start_on(engine, NamedGroup::X25519, &Given::octets(&alice)).unwrap();
        assert_eq!(
            exchange.public_share(),
            hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
        );
        let (share, secret) =
            respond_on(engine, NamedGroup::X25519, exchange.public_share(), &Given::octets(&bob)).unwrap();
        assert_eq!(share, hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
        let expected = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
        assert_eq!(secret.expose(), expected);
        assert_eq!(exchange.finish(&share).unwrap().expose(), expected);
    }
}

fn refusal(group: NamedGroup, peer_share: &[u8]) -> Vec<Error> {
    let mut errors = Vec::new();
    for engine in available() {
        let exchange = KeyExchange::start_on(engine, group, &SystemRandom).unwrap();
        errors.push(exchange.finish(peer_share).err().unwrap());
        errors.push(respond_on(engine, group, peer_share, &SystemRandom).err().unwrap());
    }
    errors
}

fn illegal_parameter(error: &Error) -> bool {
    matches!(error, Error::PeerMisbehaved(PeerMisbehaved::IllegalParameter(_)))
}

#[test]
fn a_share_of_the_wrong_length_is_an_illegal_parameter() {
    for &group in SUPPORTED_GROUPS {
        for len in [0, 1, 31, 33, 64, 66, 96, 98, 1087, 1088, 1119, 1121, 1184, 1215, 1217, 5000] {
            for form in [0, 2, 4] {
                let mut share = vec![9; len];
                if let Some(first) = share.first_mut() {
                    *first = form;
                }
                assert!(refusal(group, &share).iter().all(illegal_parameter), "{group} {len}");
            }
        }
    }
}

#[test]
fn a_point_off_the_curve_or_not_uncompressed_is_an_illegal_parameter() {
    for group in [NamedGroup::SECP256R1, NamedGroup::SECP384R1] {
        let good = KeyExchange::start(group, &SystemRandom).unwrap().share;
        let mut off_the_curve = good.clone();
        *off_the_curve.last_mut().unwrap() ^= 1;
        let mut out_of_range = good.clone();
        out_of_range[1..].fill(0xff);
        let mut origin = good.clone();
        origin[1..].fill(0);
        for share in [off_the_curve, out_of_range, origin] {
            assert!(refusal(group, &share).iter().all(|error| *error == NOT_ON_CURVE.into()));
        }
        for form in (0..=255).filter(|form| *form != 4) {
            let mut share = good.clone();
            share[0] = form;
            assert!(refusal(group, &share).iter().all(illegal_parameter));
        }
    }
}

#[test]
fn a_point_of_small_order_is_an_illegal_parameter() {
    // RFC 7748 §6.1; the points: 0, 1, and the one of order 8, each in 32 octets.
    let order_8 = hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800");
    let mut one = vec![0; 32];
    one[0] = 1;
    for point in [vec![0; 32], one, order_8] {
        assert!(refusal(NamedGroup::X25519, &point).iter().all(|error| *error == ALL_ZERO.into()));

        // The hybrid refuses it as well, though its ML-KEM half is good.
        for engine in available() {
            let client = KeyExchange::start_on(engine, NamedGroup::X25519MLKEM768, &SystemRandom).unwrap();
            let mut share = client.share.clone();
            share.splice(1184.., point.iter().copied());
            let refused = respond_on(engine, NamedGroup::X25519MLKEM768, &share, &SystemRandom);
            assert_eq!(refused.err(), Some(ALL_ZERO.into()));
        }
    }
}

#[test]
fn an_encapsulation_key_that_is_not_reduced_is_an_illegal_parameter() {
    for engine in available() {
        let client = KeyExchange::start_on(engine, NamedGroup::X25519MLKEM768, &SystemRandom).unwrap();
        for at in [0, 600, 1149] {
            // Twelve bits of ones are 4095, above q = 3329 (FIPS 203 §7.2).
            let mut share = client.share.clone();
            let at = at / 3 * 3;
            share[at] = 0xff;
            share[at + 1] |= 0x0f;
            let refused = respond_on(engine, NamedGroup::X25519MLKEM768, &share, &SystemRandom);
            assert_eq!(refused.err(), Some(BAD_ENCAPSULATION_KEY.into()));
        }
    }
}

#[test]
fn a_changed_kem_ciphertext_gives_another_secret() {
    for engine in available() {
        let group = NamedGroup::X25519MLKEM768;
        let client = KeyExchange::start_on(engine, group, &SystemRandom).unwrap();
        let (mut share, secret) = respond_on(engine, group, client.public_share(), &SystemRandom).unwrap();
        share[0] ^= 1;
        let other = client.finish(&share).unwrap();
        assert!(!other.ct_eq(secret.expose()));
        assert_eq!(other.expose()[32..], secret.expose()[32..]);
    }
}

#[test]
fn scalars_out_of_range_are_drawn_again() {
    for engine in available() {
        for (group, len) in [(NamedGroup::SECP256R1, 32), (NamedGroup::SECP384R1, 48)] {
            let mut octets = vec![0xff; len];
            octets.extend(vec![0; len]);
            octets.extend(vec![1; len]);
            octets.push(7);
            let random = Given::octets(&octets);
            let exchange = KeyExchange::start_on(engine, group, &random).unwrap();
            assert_eq!(random.left(), 1);
            let again = KeyExchange::start_on(engine, group, &Given::octets(&vec![1; len])).unwrap();
            assert_eq!(exchange.public_share(), again.public_share());
        }
    }
}

#[test]
fn a_source_that_fails_or_never_gives_a_scalar_is_an_error() {
    for engine in available() {
        for &group in SUPPORTED_GROUPS {
            let failed = KeyExchange::start_on(engine, group, &Given::octets(&[1; 31])).err();
            assert_eq!(failed, Some(Error::Random), "{group} {engine:?}");
            let good = KeyExchange::start_on(engine, group, &SystemRandom).unwrap();
            let failed = respond_on(engine, group, good.public_share(), &Given::octets(&[])).err();
            assert_eq!(failed, Some(Error::Random), "{group} {engine:?}");
        }
        let stuck = Given::octets(&vec![0xff; 100 * 48]);
        let failed = KeyExchange::start_on(engine, NamedGroup::SECP384R1, &stuck).err();
        assert_eq!(failed, Some(Error::Random));
        assert_eq!(stuck.left(), (100 - 16) * 48);
    }
}

#[test]
fn a_group_that_is_not_supported_is_the_callers_mistake() {
    for group in [NamedGroup(0), NamedGroup(0x0019), NamedGroup(0x001e), NamedGroup(0xffff)] {
        assert!(matches!(KeyExchange::start(group, &SystemRandom).err(), Some(Error::ApiMisuse(_))));
        assert!(matches!(respond(group, &[0; 32], &SystemRandom).err(), Some(Error::ApiMisuse(_))));
    }
}
