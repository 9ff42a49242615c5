//! X25519, ECDH and ML-KEM-768 of RustCrypto and dalek.

use ml_kem::ml_kem_768::{DecapsulationKey, EncapsulationKey};
use ml_kem::{Decapsulate, KeyExport, Seed};
use p256::elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use p256::elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytesSize, PublicKey, SecretKey};
use p256::{NistP256, elliptic_curve};
use p384::NistP384;
use x25519_dalek::StaticSecret;
use zeroize::{Zeroize, Zeroizing};

use crate::crypto::Random;
use crate::crypto::primitive::kx::{
    ALL_ZERO, BAD_ENCAPSULATION_KEY, CLIENT_KEM_LEN, Curve, Decapsulator, Ecdh, Encapsulated, KemSecret,
    NOT_ON_CURVE, SERVER_KEM_LEN,
};
use crate::crypto::rng::draw;
use crate::error::Result;

pub(in crate::crypto) fn ecdh(curve: Curve, random: &dyn Random) -> Result<Box<dyn Ecdh>> {
    Ok(match curve {
        Curve::X25519 => Box::new(draw(random, |octets| Some(StaticSecret::from(*octets)))?),
        Curve::P256 => {
            Box::new(draw::<32, _>(random, |octets| SecretKey::<NistP256>::from_slice(octets).ok())?)
        }
        Curve::P384 => {
            Box::new(draw::<48, _>(random, |octets| SecretKey::<NistP384>::from_slice(octets).ok())?)
        }
    })
}

impl Ecdh for StaticSecret {
    fn append_public(&self, share: &mut Vec<u8>) {
        share.extend_from_slice(x25519_dalek::PublicKey::from(self).as_bytes());
    }

    fn agree(&self, peer: &[u8], secret: &mut Vec<u8>) -> Result<()> {
        let peer: [u8; 32] = peer.try_into().map_err(|_| NOT_ON_CURVE)?;
        let shared = self.diffie_hellman(&peer.into());
        // RFC 8446 §7.4.2 and RFC 7748 §6.1: a point of small order gives zero, whatever our key is.
        if !shared.was_contributory() {
            return Err(ALL_ZERO.into());
        }
        secret.extend_from_slice(shared.as_bytes());
        Ok(())
    }
}

impl<C> Ecdh for SecretKey<C>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    elliptic_curve::ScalarValue<C>: Send + Sync,
{
    fn append_public(&self, share: &mut Vec<u8>) {
        share.extend_from_slice(self.public_key().to_sec1_point(false).as_bytes());
    }

    fn agree(&self, peer: &[u8], secret: &mut Vec<u8>) -> Result<()> {
        let peer = PublicKey::<C>::from_sec1_bytes(peer).map_err(|_| NOT_ON_CURVE)?;
        secret.extend_from_slice(self.diffie_hellman(&peer).raw_secret_bytes());
        Ok(())
    }
}

pub(in crate::crypto) fn decapsulator(random: &dyn Random) -> Result<Box<dyn Decapsulator>> {
    // FIPS 203 §3.3: the seed d ‖ z.
    let mut seed = Seed::default();
    random.fill(&mut seed)?;
    let key = DecapsulationKey::from_seed(seed);
    seed.zeroize();
    Ok(Box::new(key))
}

impl Decapsulator for DecapsulationKey {
    fn encapsulation_key(&self) -> [u8; CLIENT_KEM_LEN] {
        self.encapsulation_key().to_bytes().into()
    }

    fn decapsulate(self: Box<Self>, ciphertext: &[u8; SERVER_KEM_LEN]) -> Result<KemSecret> {
        Ok(Zeroizing::new(Decapsulate::decapsulate(&*self, &(*ciphertext).into()).into()))
    }
}

pub(in crate::crypto) fn encapsulate(
    encapsulation_key: &[u8; CLIENT_KEM_LEN],
    random: &dyn Random,
) -> Result<Encapsulated> {
    // FIPS 203 §7.2: `new` makes the modulus check.
    let key = EncapsulationKey::new(&(*encapsulation_key).into()).map_err(|_| BAD_ENCAPSULATION_KEY)?;
    draw(random, |m| {
        let (ciphertext, secret) = key.encapsulate_deterministic(&(*m).into());
        Some((Box::new(ciphertext.into()), Zeroizing::new(secret.into())))
    })
}
