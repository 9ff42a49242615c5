//! X25519, ECDH and ML-KEM-768 of AWS-LC. ML-KEM draws from AWS-LC's random source.

use aws_lc_rs::agreement::{self, Algorithm, ECDH_P256, ECDH_P384, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::kem::{AlgorithmId, DecapsulationKey, EncapsulationKey, ML_KEM_768, SharedSecret};
use zeroize::Zeroizing;

use crate::crypto::Random;
use crate::crypto::primitive::kx::{
    ALL_ZERO, BAD_ENCAPSULATION_KEY, CLIENT_KEM_LEN, Curve, Decapsulator, Ecdh, Encapsulated, KemSecret,
    NOT_ON_CURVE, SERVER_KEM_LEN,
};
use crate::crypto::rng::draw;
use crate::error::{Error, Result};

pub(in crate::crypto) fn ecdh(curve: Curve, random: &dyn Random) -> Option<Result<Box<dyn Ecdh>>> {
    Some(match curve {
        Curve::X25519 => key::<32>(&agreement::X25519, random),
        Curve::P256 => key::<32>(&ECDH_P256, random),
        Curve::P384 => key::<48>(&ECDH_P384, random),
    })
}

/// Scalars that are out of range are drawn again.
fn key<const LEN: usize>(algorithm: &'static Algorithm, random: &dyn Random) -> Result<Box<dyn Ecdh>> {
    let private = draw::<LEN, _>(random, |octets| PrivateKey::from_private_key(algorithm, octets).ok())?;
    let public = private.compute_public_key().map_err(|_| Error::Internal("ECDH public key"))?;
    Ok(Box::new(EcdhKey { private, public }))
}

struct EcdhKey {
    private: PrivateKey,
    public: agreement::PublicKey,
}

impl Ecdh for EcdhKey {
    fn append_public(&self, share: &mut Vec<u8>) {
        share.extend_from_slice(self.public.as_ref());
    }

    fn agree(&self, peer: &[u8], secret: &mut Vec<u8>) -> Result<()> {
        let algorithm = self.private.algorithm();
        let refused = if *algorithm == agreement::X25519 { ALL_ZERO } else { NOT_ON_CURVE };
        agreement::agree(&self.private, UnparsedPublicKey::new(algorithm, peer), refused.into(), |shared| {
            secret.extend_from_slice(shared);
            Ok(())
        })
    }
}

pub(in crate::crypto) fn decapsulator() -> Option<Result<Box<dyn Decapsulator>>> {
    Some(decapsulation_key())
}

fn decapsulation_key() -> Result<Box<dyn Decapsulator>> {
    let private = DecapsulationKey::generate(&ML_KEM_768).map_err(|_| Error::Random)?;
    let public = private.encapsulation_key().and_then(|key| key.key_bytes());
    let public = public.ok().and_then(|octets| octets.as_ref().try_into().ok());
    Ok(Box::new(KemKey { private, public: public.ok_or(Error::Internal("ML-KEM public key"))? }))
}

/// The key of a test, in its expanded form (FIPS 203 §7.1).
#[cfg(test)]
pub(in crate::crypto) fn decapsulator_of(
    expanded: &[u8],
    public: [u8; CLIENT_KEM_LEN],
) -> Box<dyn Decapsulator> {
    let private = DecapsulationKey::new(&ML_KEM_768, expanded).unwrap();
    Box::new(KemKey { private, public })
}

struct KemKey {
    private: DecapsulationKey<AlgorithmId>,
    public: [u8; CLIENT_KEM_LEN],
}

impl Decapsulator for KemKey {
    fn encapsulation_key(&self) -> [u8; CLIENT_KEM_LEN] {
        self.public
    }

    fn decapsulate(self: Box<Self>, ciphertext: &[u8; SERVER_KEM_LEN]) -> Result<KemSecret> {
        let shared = self.private.decapsulate(ciphertext.as_slice().into());
        shared.ok().as_ref().and_then(kem_secret).ok_or(Error::Internal("ML-KEM decapsulation"))
    }
}

pub(in crate::crypto) fn encapsulate(
    encapsulation_key: &[u8; CLIENT_KEM_LEN],
) -> Option<Result<Encapsulated>> {
    // FIPS 203 §7.2: AWS-LC makes the modulus check when it encapsulates.
    let made = EncapsulationKey::new(&ML_KEM_768, encapsulation_key).ok().and_then(|key| {
        let (ciphertext, shared) = key.encapsulate().ok()?;
        let ciphertext = <[u8; SERVER_KEM_LEN]>::try_from(ciphertext.as_ref()).ok()?;
        Some((Box::new(ciphertext), kem_secret(&shared)?))
    });
    Some(made.ok_or(BAD_ENCAPSULATION_KEY.into()))
}

fn kem_secret(shared: &SharedSecret) -> Option<KemSecret> {
    Some(Zeroizing::new(shared.as_ref().try_into().ok()?))
}
