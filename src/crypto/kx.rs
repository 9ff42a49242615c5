//! Ephemeral key exchange: X25519, P-256, P-384 and the hybrid X25519MLKEM768.

use zeroize::Zeroizing;

use super::primitive::kx::{
    CLIENT_KEM_LEN, Curve, Decapsulator, Ecdh, Encapsulated, KEM_SECRET_LEN, MAX_COORDINATE_LEN,
    NOT_ON_CURVE, SERVER_KEM_LEN,
};
use super::{Engine, Random, fast, portable};
use crate::codepoints::NamedGroup;
use crate::error::{Misuse, PeerMisbehaved, Result};
use crate::secret::Secret;

/// The groups, in the order in which we prefer them.
pub const SUPPORTED_GROUPS: &[NamedGroup] =
    &[NamedGroup::X25519MLKEM768, NamedGroup::X25519, NamedGroup::SECP256R1, NamedGroup::SECP384R1];

/// The private half of an exchange that we started. Used once; wiped when dropped.
///
/// ```
/// use otls::codepoints::NamedGroup;
/// use otls::crypto::{SystemRandom, kx};
///
/// let client = kx::KeyExchange::start(NamedGroup::X25519, &SystemRandom)?;
/// let (server_share, server_secret) =
///     kx::respond(NamedGroup::X25519, client.public_share(), &SystemRandom)?;
/// let client_secret = client.finish(&server_share)?;
/// assert!(client_secret.ct_eq(server_secret.expose()));
/// # Ok::<(), otls::Error>(())
/// ```
pub struct KeyExchange {
    group: NamedGroup,
    share: Vec<u8>,
    kem: Option<Box<dyn Decapsulator>>,
    ecdh: Box<dyn Ecdh>,
}

crate::shown::shown!(KeyExchange, group);

impl KeyExchange {
    /// Makes a key pair.
    ///
    /// # Errors
    /// [`crate::Error::Random`]; [`crate::Error::ApiMisuse`] for a group that is not in [`SUPPORTED_GROUPS`].
    pub fn start(group: NamedGroup, random: &dyn Random) -> Result<Self> {
        Self::start_on(Engine::detect(), group, random)
    }

    pub(super) fn start_on(engine: Engine, group: NamedGroup, random: &dyn Random) -> Result<Self> {
        let (curve, is_hybrid) = parts(group)?;
        let ecdh = ecdh(engine, curve, random)?;
        let kem = if is_hybrid { Some(decapsulator(engine, random)?) } else { None };
        let mut share = Vec::with_capacity(CLIENT_KEM_LEN + MAX_POINT_LEN);
        if let Some(kem) = &kem {
            share.extend_from_slice(&kem.encapsulation_key());
        }
        ecdh.append_public(&mut share);
        Ok(Self { group, share, kem, ecdh })
    }

    /// The group.
    pub fn group(&self) -> NamedGroup {
        self.group
    }

    /// What goes into `KeyShareEntry.key_exchange` (RFC 8446 §4.2.8.2).
    pub fn public_share(&self) -> &[u8] {
        &self.share
    }

    /// The shared secret with the peer's answer.
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] (illegal_parameter) for a share of the wrong length, a point that is not on the
    /// curve, or an all-zero X25519 result (RFC 8446 §7.4.2).
    pub fn finish(self, peer_share: &[u8]) -> Result<Secret> {
        let mut secret = empty_secret();
        let point = match self.kem {
            // draft-ietf-tls-ecdhe-mlkem §4.1: ciphertext ‖ X25519 share; the secrets are joined in
            // the same order.
            Some(kem) => {
                let (ciphertext, point) = peer_share.split_first_chunk().ok_or(WRONG_LENGTH)?;
                secret.extend_from_slice(&*kem.decapsulate(ciphertext)?);
                point
            }
            None => peer_share,
        };
        self.ecdh.agree(checked(parts(self.group)?.0, point)?, &mut secret)?;
        Ok(secret.into())
    }
}

/// Answers a peer's share: our share and the shared secret.
///
/// # Errors
/// As [`KeyExchange::start`] and [`KeyExchange::finish`].
pub fn respond(group: NamedGroup, peer_share: &[u8], random: &dyn Random) -> Result<(Vec<u8>, Secret)> {
    respond_on(Engine::detect(), group, peer_share, random)
}

pub(super) fn respond_on(
    engine: Engine,
    group: NamedGroup,
    peer_share: &[u8],
    random: &dyn Random,
) -> Result<(Vec<u8>, Secret)> {
    let (curve, is_hybrid) = parts(group)?;
    let mut share = Vec::with_capacity(SERVER_KEM_LEN + MAX_POINT_LEN);
    let mut secret = empty_secret();
    let point = if is_hybrid {
        let (encapsulation_key, point) = peer_share.split_first_chunk().ok_or(WRONG_LENGTH)?;
        let point = checked(curve, point)?;
        let (ciphertext, kem_secret) = encapsulate(engine, encapsulation_key, random)?;
        share.extend_from_slice(&*ciphertext);
        secret.extend_from_slice(&*kem_secret);
        point
    } else {
        checked(curve, peer_share)?
    };
    let ecdh = ecdh(engine, curve, random)?;
    ecdh.append_public(&mut share);
    ecdh.agree(point, &mut secret)?;
    Ok((share, secret.into()))
}

/// The curve of a group, and whether ML-KEM-768 goes with it.
fn parts(group: NamedGroup) -> Result<(Curve, bool)> {
    match group {
        NamedGroup::X25519MLKEM768 => Ok((Curve::X25519, true)),
        NamedGroup::X25519 => Ok((Curve::X25519, false)),
        NamedGroup::SECP256R1 => Ok((Curve::P256, false)),
        NamedGroup::SECP384R1 => Ok((Curve::P384, false)),
        _ => Err(Misuse {
            what: "the key-exchange group is not supported",
            hint: "choose one of X25519MLKEM768, x25519, secp256r1 and secp384r1",
        }
        .into()),
    }
}

/// A share of the right length and form. RFC 8446 §4.2.8.2: points of P-256 and P-384 are
/// uncompressed, which a first octet of 4 says.
fn checked(curve: Curve, point: &[u8]) -> Result<&[u8]> {
    let (len, form) = match curve {
        Curve::X25519 => (32, None),
        Curve::P256 => (65, Some(4)),
        Curve::P384 => (97, Some(4)),
    };
    if point.len() != len {
        return Err(WRONG_LENGTH.into());
    }
    if form.is_some() && point.first() != form.as_ref() {
        return Err(NOT_ON_CURVE.into());
    }
    Ok(point)
}

fn ecdh(engine: Engine, curve: Curve, random: &dyn Random) -> Result<Box<dyn Ecdh>> {
    match engine {
        Engine::Fast => fast::kx::ecdh(curve, random),
        Engine::Portable => None,
    }
    .unwrap_or_else(|| portable::kx::ecdh(curve, random))
}

pub(super) fn decapsulator(engine: Engine, random: &dyn Random) -> Result<Box<dyn Decapsulator>> {
    match engine {
        Engine::Fast => fast::kx::decapsulator(),
        Engine::Portable => None,
    }
    .unwrap_or_else(|| portable::kx::decapsulator(random))
}

pub(super) fn encapsulate(
    engine: Engine,
    encapsulation_key: &[u8; CLIENT_KEM_LEN],
    random: &dyn Random,
) -> Result<Encapsulated> {
    match engine {
        Engine::Fast => fast::kx::encapsulate(encapsulation_key),
        Engine::Portable => None,
    }
    .unwrap_or_else(|| portable::kx::encapsulate(encapsulation_key, random))
}

/// With room for the longest secret, so that growing leaves no copy of it behind.
fn empty_secret() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(KEM_SECRET_LEN + MAX_COORDINATE_LEN))
}

/// Octets in the longest share of a curve, P-384's.
const MAX_POINT_LEN: usize = 97;

// RFC 8446 §4.2.8.2: an illegal_parameter, as those of `primitive`.
const WRONG_LENGTH: PeerMisbehaved =
    PeerMisbehaved::IllegalParameter("key_share: wrong length for the group");

#[cfg(test)]
mod tests;
