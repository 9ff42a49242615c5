//! Key exchange.

use zeroize::Zeroizing;

use crate::error::{PeerMisbehaved, Result};

/// A curve of the exchange.
#[derive(Clone, Copy)]
pub(in crate::crypto) enum Curve {
    X25519,
    P256,
    P384,
}

/// A private key on a curve.
pub(in crate::crypto) trait Ecdh: Send + Sync {
    /// Appends our share.
    fn append_public(&self, share: &mut Vec<u8>);

    /// Appends the shared secret with a peer's share that [`crate::crypto::kx`] has seen. RFC 8446 §7.4.2: the
    /// coordinate keeps its leading zeros.
    fn agree(&self, peer: &[u8], secret: &mut Vec<u8>) -> Result<()>;
}

/// A private key of ML-KEM-768 (FIPS 203).
pub(in crate::crypto) trait Decapsulator: Send + Sync {
    fn encapsulation_key(&self) -> [u8; CLIENT_KEM_LEN];

    /// A ciphertext that was not made for this key gives another secret, never an error (FIPS 203
    /// §6.3, implicit rejection).
    fn decapsulate(self: Box<Self>, ciphertext: &[u8; SERVER_KEM_LEN]) -> Result<KemSecret>;
}

/// Ciphertext and secret.
pub(in crate::crypto) type Encapsulated = (Box<[u8; SERVER_KEM_LEN]>, KemSecret);

/// The shared secret of ML-KEM.
pub(in crate::crypto) type KemSecret = Zeroizing<[u8; KEM_SECRET_LEN]>;

// FIPS 203 §8, table 3: sizes of ML-KEM-768.
pub(in crate::crypto) const CLIENT_KEM_LEN: usize = 1184;
pub(in crate::crypto) const SERVER_KEM_LEN: usize = 1088;
pub(in crate::crypto) const KEM_SECRET_LEN: usize = 32;

/// Octets in the longest coordinate of a curve, P-384's.
pub(in crate::crypto) const MAX_COORDINATE_LEN: usize = 48;

// RFC 8446 §4.2.8.2, §7.4.2 and draft-ietf-tls-ecdhe-mlkem §4.1: each is an illegal_parameter.
pub(in crate::crypto) const NOT_ON_CURVE: PeerMisbehaved =
    PeerMisbehaved::IllegalParameter("key_share: not a point on the curve");
pub(in crate::crypto) const ALL_ZERO: PeerMisbehaved =
    PeerMisbehaved::IllegalParameter("key_share: the X25519 shared secret is zero");
pub(in crate::crypto) const BAD_ENCAPSULATION_KEY: PeerMisbehaved =
    PeerMisbehaved::IllegalParameter("key_share: not an ML-KEM-768 encapsulation key");
