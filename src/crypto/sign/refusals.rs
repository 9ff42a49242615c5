//! What does not load, and what it is called.

use std::sync::OnceLock;

use der::Encode;
use der::asn1::{Any, AnyRef, BitString, BitStringRef, Null, ObjectIdentifier, OctetStringRef, UintRef};
use pkcs8::PrivateKeyInfoRef;
use rsa::BoxedUint;
use rsa::pkcs1::{RsaPrivateKey as Pkcs1PrivateKey, RsaPublicKey as Pkcs1PublicKey};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use spki::{AlgorithmIdentifierOwned, AlgorithmIdentifierRef, SubjectPublicKeyInfoOwned};

use super::tests::keys;
use super::*;
use crate::crypto::SystemRandom;
use crate::crypto::engine::available;
use crate::crypto::testing::{Given, hex};

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const SECP521R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

fn spki(oid: ObjectIdentifier, parameters: Option<Any>, key: &[u8]) -> Vec<u8> {
    let subject_public_key = BitString::from_bytes(key).unwrap();
    let algorithm = AlgorithmIdentifierOwned { oid, parameters };
    SubjectPublicKeyInfoOwned { algorithm, subject_public_key }.to_der().unwrap()
}

fn null() -> Any {
    Any::from(Null)
}

fn curve(oid: ObjectIdentifier) -> Any {
    Any::from(oid)
}

fn public_refusal(der: &[u8]) -> KeyError {
    let mut refusals =
        available().into_iter().map(|engine| match VerifyingKey::from_spki_der_on(engine, der).err() {
            Some(Error::Key(error)) => error,
            other => panic!("{other:?}"),
        });
    let first = refusals.next().unwrap();
    assert!(refusals.all(|other| other == first));
    first
}

fn private_refusal(der: &[u8]) -> KeyError {
    let mut refusals =
        available().into_iter().map(|engine| match SigningKey::from_pkcs8_der_on(engine, der).err() {
            Some(Error::Key(error)) => error,
            other => panic!("{other:?}"),
        });
    let first = refusals.next().unwrap();
    assert!(refusals.all(|other| other == first));
    first
}

fn pkcs8(oid: ObjectIdentifier, parameters: Option<&Any>, key: &[u8], public: Option<&[u8]>) -> Vec<u8> {
    let algorithm = AlgorithmIdentifierRef { oid, parameters: parameters.map(AnyRef::from) };
    let mut info = PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(key).unwrap());
    info.public_key = public.map(|public| BitStringRef::from_bytes(public).unwrap());
    info.to_der().unwrap()
}

#[test]
fn a_truncated_or_lengthened_file_is_malformed() {
    for (algorithm, der) in keys() {
        let step = der.len() / 60 + 1;
        for len in (0..der.len()).step_by(step) {
            assert!(matches!(private_refusal(&der[..len]), KeyError::Malformed(_)), "{algorithm:?} {len}");
        }
        assert!(matches!(private_refusal(&[&der[..], &[0]].concat()), KeyError::Malformed(_)));
        let key = SigningKey::from_pkcs8_der(der).unwrap();
        let der = key.public_key_der();
        for len in 0..der.len() {
            assert!(matches!(public_refusal(&der[..len]), KeyError::Malformed(_)), "{algorithm:?} {len}");
        }
        assert!(matches!(public_refusal(&[der, &[0]].concat()), KeyError::Malformed(_)));
    }
}

#[test]
fn another_algorithm_or_curve_is_named() {
    for (oid, parameters, expected) in [
        (ObjectIdentifier::new_unwrap("1.3.101.113"), None, "Ed448"),
        (ObjectIdentifier::new_unwrap("1.3.101.110"), None, "X25519"),
        (ObjectIdentifier::new_unwrap("1.2.840.10040.4.1"), Some(null()), "DSA"),
        (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10"), None, "an RSA key restricted to RSASSA-PSS"),
        (EC_PUBLIC_KEY, Some(curve(ObjectIdentifier::new_unwrap("1.3.132.0.10"))), "the curve secp256k1"),
        (EC_PUBLIC_KEY, Some(null()), "an elliptic curve that is not named"),
        (ObjectIdentifier::new_unwrap("1.2.3.4"), None, "1.2.3.4"),
    ] {
        let expected = KeyError::UnsupportedAlgorithm(expected.to_owned());
        assert_eq!(private_refusal(&pkcs8(oid, parameters.as_ref(), &[4, 1, 0], None)), expected);
        assert_eq!(public_refusal(&spki(oid, parameters, &[4; 65])), expected);
    }
    let of_p521 = pkcs8(EC_PUBLIC_KEY, Some(&curve(SECP521R1)), &[4, 1, 0], None);
    let expected = KeyError::UnsupportedAlgorithm("the curve P-521 (for a private key)".to_owned());
    assert_eq!(private_refusal(&of_p521), expected);
}

#[test]
fn wrong_parameters_of_the_algorithm_are_malformed() {
    for (oid, parameters) in [
        (RSA_ENCRYPTION, None),
        (RSA_ENCRYPTION, Some(curve(SECP256R1))),
        (EC_PUBLIC_KEY, None),
        (ED25519, Some(null())),
    ] {
        let der = pkcs8(oid, parameters.as_ref(), &[4, 1, 0], None);
        assert!(matches!(private_refusal(&der), KeyError::Malformed(_)));
        assert!(matches!(public_refusal(&spki(oid, parameters, &[4; 65])), KeyError::Malformed(_)));
    }
}

fn ec_private(scalar: &[u8], public: Option<&[u8]>) -> Vec<u8> {
    sec1::EcPrivateKey { private_key: scalar, parameters: None, public_key: public }.to_der().unwrap()
}

#[test]
fn a_scalar_out_of_range_is_invalid() {
    let order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    for scalar in [&[0; 32][..], &order, &[0xff; 32], &[1; 20], &[1; 33], &[]] {
        let der = pkcs8(EC_PUBLIC_KEY, Some(&curve(SECP256R1)), &ec_private(scalar, None), None);
        assert!(matches!(private_refusal(&der), KeyError::Invalid(_)), "{scalar:?}");
    }
    // A number where octets should be: with a zero in front, or without its own.
    let public = |scalar: &[u8]| {
        let good = pkcs8(EC_PUBLIC_KEY, Some(&curve(SECP256R1)), &ec_private(scalar, None), None);
        SigningKey::from_pkcs8_der(&good).unwrap().public_key_der().to_vec()
    };
    let mut padded = [1; 33];
    padded[0] = 0;
    assert_eq!(public(&padded), public(&[1; 32]));
    let mut short = [1; 32];
    short[..3].fill(0);
    assert_eq!(public(&short[3..]), public(&short));
}

#[test]
fn an_ed25519_key_of_another_length_or_small_order_is_refused() {
    for seed in [&[4, 31, 1][..], &[4, 0], &[]] {
        assert!(matches!(private_refusal(&pkcs8(ED25519, None, seed, None)), KeyError::Malformed(_)));
    }
    for len in [0, 31, 33, 65] {
        assert!(
            matches!(public_refusal(&spki(ED25519, None, &vec![1; len])), KeyError::Malformed(_)),
            "{len}"
        );
    }
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut off_the_curve = [0; 32];
    off_the_curve[0] = 2;
    for point in [identity, [0; 32], off_the_curve] {
        assert!(matches!(public_refusal(&spki(ED25519, None, &point)), KeyError::Invalid(_)), "{point:?}");
    }
}

#[test]
fn a_public_half_of_another_key_is_invalid() {
    let own = p256::SecretKey::from_slice(&[1; 32]).unwrap().public_key().to_sec1_bytes();
    let other = p256::SecretKey::from_slice(&[2; 32]).unwrap().public_key().to_sec1_bytes();
    let load = |inner: &[u8], outer: &[u8]| {
        let inner = ec_private(&[1; 32], Some(inner));
        SigningKey::from_pkcs8_der(&pkcs8(EC_PUBLIC_KEY, Some(&curve(SECP256R1)), &inner, Some(outer)))
    };
    assert!(load(&own, &own).is_ok());
    assert!(matches!(load(&other, &own).err(), Some(Error::Key(KeyError::Invalid(_)))));
    assert!(matches!(load(&own, &other).err(), Some(Error::Key(KeyError::Invalid(_)))));
}

#[test]
fn a_point_off_the_curve_is_invalid_and_one_of_unknown_form_malformed() {
    for (oid, len) in [(SECP256R1, 65), (SECP384R1, 97)] {
        for point in [vec![4; len], vec![4; len - 1], vec![4; len + 1], vec![4], vec![2; 20]] {
            let der = spki(EC_PUBLIC_KEY, Some(curve(oid)), &point);
            assert!(matches!(public_refusal(&der), KeyError::Invalid(_)), "{point:?}");
        }
        for point in [vec![], vec![0], vec![5; len], vec![6; len], vec![7; len]] {
            let der = spki(EC_PUBLIC_KEY, Some(curve(oid)), &point);
            assert!(matches!(public_refusal(&der), KeyError::Malformed(_)), "{point:?}");
        }
    }
}

#[test]
fn a_compressed_point_loads_and_verifies() {
    let (_, der) = &keys()[2];
    let key = SigningKey::from_pkcs8_der(der).unwrap();
    let uncompressed = &key.public_key_der()[key.public_key_der().len() - 65..];
    let form = 2 + uncompressed[64] % 2;
    let compressed = [&[form], &uncompressed[1..33]].concat();
    let scheme = SignatureScheme::ECDSA_SECP256R1_SHA256;
    let signature = key.sign(scheme, b"message", &SystemRandom).unwrap();
    for engine in available() {
        let der = spki(EC_PUBLIC_KEY, Some(curve(SECP256R1)), &compressed);
        let public = VerifyingKey::from_spki_der_on(engine, &der).unwrap();
        assert_eq!(public.verify(scheme, b"message", &signature), Ok(()));
    }
}

/// The numbers of an RSA key, big endian; what a test changes, it changes here.
#[derive(Clone)]
struct Numbers {
    n: Vec<u8>,
    e: Vec<u8>,
    d: Vec<u8>,
    p: Vec<u8>,
    q: Vec<u8>,
}

impl Numbers {
    fn of_2048_bits() -> &'static Self {
        static NUMBERS: OnceLock<Numbers> = OnceLock::new();
        NUMBERS.get_or_init(|| {
            let PrivateParts::Rsa(key) = decode::pkcs8(&keys()[0].1).unwrap() else { panic!() };
            let octets = |number: &BoxedUint| number.to_be_bytes_trimmed_vartime().to_vec();
            Self {
                n: octets(key.n()),
                e: octets(key.e()),
                d: octets(key.d()),
                p: octets(&key.primes()[0]),
                q: octets(&key.primes()[1]),
            }
        })
    }

    fn private(&self) -> Vec<u8> {
        let uint = |octets| UintRef::new(octets).unwrap();
        let key = Pkcs1PrivateKey {
            modulus: uint(&self.n),
            public_exponent: uint(&self.e),
            private_exponent: uint(&self.d),
            prime1: uint(&self.p),
            prime2: uint(&self.q),
            exponent1: uint(&[1]),
            exponent2: uint(&[1]),
            coefficient: uint(&[1]),
            other_prime_infos: None,
        };
        pkcs8(RSA_ENCRYPTION, Some(&null()), &key.to_der().unwrap(), None)
    }

    fn public(&self) -> Vec<u8> {
        let key = Pkcs1PublicKey {
            modulus: UintRef::new(&self.n).unwrap(),
            public_exponent: UintRef::new(&self.e).unwrap(),
        };
        spki(RSA_ENCRYPTION, Some(null()), &key.to_der().unwrap())
    }
}

#[test]
fn an_rsa_key_whose_crt_numbers_are_nonsense_loads_with_its_own() {
    let numbers = Numbers::of_2048_bits();
    for engine in available() {
        let key = SigningKey::from_pkcs8_der_on(engine, &numbers.private()).unwrap();
        let signature = key.sign(SignatureScheme::RSA_PSS_RSAE_SHA256, b"", &SystemRandom).unwrap();
        let public = VerifyingKey::from_spki_der_on(engine, &numbers.public()).unwrap();
        assert_eq!(public.verify(SignatureScheme::RSA_PSS_RSAE_SHA256, b"", &signature), Ok(()));
    }
}

#[test]
fn an_rsa_size_outside_the_bounds_is_refused_by_its_bits() {
    for (bits, octets) in [(512, 64), (2040, 255), (8200, 1025), (100_000, 12500)] {
        let mut numbers = Numbers::of_2048_bits().clone();
        numbers.n = vec![0xff; octets];
        assert_eq!(public_refusal(&numbers.public()), KeyError::RsaSize(bits));
        assert_eq!(private_refusal(&numbers.private()), KeyError::RsaSize(bits));
    }
    let mut numbers = Numbers::of_2048_bits().clone();
    numbers.n[0] = 0x7f;
    assert_eq!(public_refusal(&numbers.public()), KeyError::RsaSize(2047));
    for bits in [0, 1024, 2047, 8193, usize::MAX] {
        let refused = SigningKey::generate(KeyAlgorithm::Rsa(bits), &SystemRandom).err();
        assert_eq!(refused, Some(KeyError::RsaSize(bits).into()));
    }
}

#[test]
fn a_bad_public_exponent_or_an_even_modulus_is_invalid() {
    for e in [&[0][..], &[1], &[2], &[4], &[1, 0, 0], &[1, 0, 0, 0, 1], &[0xff; 256]] {
        let mut numbers = Numbers::of_2048_bits().clone();
        numbers.e = e.to_vec();
        assert!(matches!(public_refusal(&numbers.public()), KeyError::Invalid(_)), "{e:?}");
        assert!(matches!(private_refusal(&numbers.private()), KeyError::Invalid(_)), "{e:?}");
    }
    for e in [&[3][..], &[0xff, 0xff, 0xff, 0xff]] {
        let mut numbers = Numbers::of_2048_bits().clone();
        numbers.e = e.to_vec();
        for engine in available() {
            let key = VerifyingKey::from_spki_der_on(engine, &numbers.public()).unwrap();
            let refused = key.verify(SignatureScheme::RSA_PKCS1_SHA256, b"", &[1; 256]);
            assert_eq!(refused, Err(KeyError::BadSignature.into()));
        }
    }
    let mut numbers = Numbers::of_2048_bits().clone();
    *numbers.n.last_mut().unwrap() &= 0xfe;
    assert!(matches!(public_refusal(&numbers.public()), KeyError::Invalid(_)));
}

#[test]
fn primes_of_very_different_sizes_are_invalid() {
    let mut numbers = Numbers::of_2048_bits().clone();
    (numbers.p, numbers.q) = (numbers.n.clone(), vec![1]);
    let expected = KeyError::Invalid("its primes are of very different sizes");
    assert_eq!(private_refusal(&numbers.private()), expected);
}

#[test]
fn private_numbers_that_do_not_fit_together_are_invalid() {
    let good = Numbers::of_2048_bits();
    let change: [fn(&mut Numbers); 9] = [
        |key| *key.d.last_mut().unwrap() ^= 2,
        |key| key.d = vec![1],
        |key| key.p = key.q.clone(),
        |key| *key.p.last_mut().unwrap() ^= 2,
        |key| *key.q.last_mut().unwrap() &= 0xfe,
        |key| (key.p, key.q) = (key.n.clone(), vec![1]),
        |key| (key.p, key.q) = (vec![0], vec![0]),
        |key| key.e = vec![3],
        |key| key.n[100] ^= 1,
    ];
    for (at, change) in change.into_iter().enumerate() {
        let mut numbers = good.clone();
        change(&mut numbers);
        assert!(matches!(private_refusal(&numbers.private()), KeyError::Invalid(_)), "{at}");
    }
}

#[test]
fn a_key_of_the_square_of_a_prime_is_invalid() {
    let good = Numbers::of_2048_bits();
    let p = BoxedUint::from_be_slice(&good.p, 2048).unwrap();
    let mut numbers = good.clone();
    numbers.q = numbers.p.clone();
    numbers.n = p.wrapping_mul(&p).to_be_bytes_trimmed_vartime().to_vec();
    assert!(matches!(private_refusal(&numbers.private()), KeyError::Invalid(_)));
}

#[test]
fn a_key_whose_primes_are_not_prime_is_invalid() {
    let good = Numbers::of_2048_bits();
    let q = BoxedUint::from_be_slice(&good.q, 1024).unwrap();
    // Everything fits together but primality; d exists for one in a few candidates.
    let composite = (0..=u8::MAX).find_map(|octet| {
        let mut p = good.p.clone();
        p[60] ^= 0x55;
        p[61] = octet;
        let p = BoxedUint::from_be_slice(&p, 1024).unwrap();
        rsa::RsaPrivateKey::from_p_q(p, q.clone(), BoxedUint::from(65537_u64)).ok()
    });
    let der = composite.unwrap().to_pkcs8_der().unwrap();
    assert_eq!(private_refusal(der.as_bytes()), KeyError::Invalid("it does not make valid signatures"));
}

#[test]
fn an_rsassa_pss_signature_with_another_salt_length_is_refused() {
    use sha2::{Digest, Sha256};
    let PrivateParts::Rsa(key) = decode::pkcs8(&keys()[0].1).unwrap() else { panic!() };
    let hash = Sha256::digest(b"message");
    let mut rng = crate::crypto::rng::stream(&SystemRandom).unwrap();
    for salt_len in [0, 20, 31, 32, 33, 64] {
        let signature =
            key.sign_with_rng(&mut rng, rsa::Pss::<Sha256>::new_with_salt(salt_len), &hash).unwrap();
        for engine in available() {
            let public = VerifyingKey::from_spki_der_on(engine, &Numbers::of_2048_bits().public()).unwrap();
            let verified = public.verify(SignatureScheme::RSA_PSS_RSAE_SHA256, b"message", &signature);
            assert_eq!(verified.is_ok(), salt_len == 32, "{engine:?} {salt_len}");
        }
    }
}

#[test]
fn a_scheme_that_does_not_fit_the_key_is_refused() {
    for (algorithm, der) in keys() {
        for engine in available() {
            let key = SigningKey::from_pkcs8_der_on(engine, der).unwrap();
            let public = VerifyingKey::from_spki_der_on(engine, key.public_key_der()).unwrap();
            let mut fitting = 0;
            for scheme in (0..=0x0900).chain([0xffff]).map(SignatureScheme) {
                if algorithm.supports(scheme) {
                    fitting += 1;
                    continue;
                }
                let signed = key.sign(scheme, b"", &SystemRandom).err();
                assert!(matches!(signed, Some(Error::Key(KeyError::WrongScheme(_)))), "{scheme}");
                let verified = public.verify(scheme, b"", &[0; 256]).err();
                assert!(matches!(verified, Some(Error::Key(KeyError::WrongScheme(_)))), "{scheme}");
            }
            match algorithm {
                KeyAlgorithm::Rsa(_) => {
                    assert_eq!(fitting, 6);
                    let verified = public.verify_ecdsa(HashAlgorithm::Sha256, b"", &[]).err();
                    assert!(matches!(verified, Some(Error::Key(KeyError::WrongScheme(_)))));
                }
                KeyAlgorithm::EcdsaP256
                | KeyAlgorithm::EcdsaP384
                | KeyAlgorithm::EcdsaP521
                | KeyAlgorithm::Ed25519 => assert_eq!(fitting, 1),
            }
        }
    }
}

#[test]
fn a_random_source_that_fails_is_an_error() {
    for algorithm in
        [KeyAlgorithm::Rsa(2048), KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Ed25519]
    {
        let failed = SigningKey::generate(algorithm, &Given::octets(&[1; 31])).err();
        assert_eq!(failed, Some(Error::Random));
    }
    // The fast engine asks the system instead.
    for (algorithm, der) in keys() {
        let key = SigningKey::from_pkcs8_der_on(Engine::Portable, der).unwrap();
        let scheme = match algorithm {
            KeyAlgorithm::Rsa(_) => SignatureScheme::RSA_PSS_RSAE_SHA256,
            KeyAlgorithm::EcdsaP256 => SignatureScheme::ECDSA_SECP256R1_SHA256,
            KeyAlgorithm::EcdsaP384 => SignatureScheme::ECDSA_SECP384R1_SHA384,
            // RFC 8032 §5.1.6: what would be random follows from key and message.
            KeyAlgorithm::EcdsaP521 | KeyAlgorithm::Ed25519 => continue,
        };
        assert_eq!(key.sign(scheme, b"", &Given::octets(&[])).err(), Some(Error::Random));
    }
}
