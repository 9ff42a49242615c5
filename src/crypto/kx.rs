//! Ephemeral key exchange: X25519, P-256, P-384 and the hybrid X25519MLKEM768.

use super::Random;
use crate::codepoints::NamedGroup;
use crate::error::Result;
use crate::secret::Secret;

/// The groups, in the order in which we prefer them.
pub const SUPPORTED_GROUPS: &[NamedGroup] =
    &[NamedGroup::X25519MLKEM768, NamedGroup::X25519, NamedGroup::SECP256R1, NamedGroup::SECP384R1];

/// The private half of an exchange that we started. Used once; wiped when dropped.
pub struct KeyExchange(());

impl KeyExchange {
    /// Makes a key pair.
    ///
    /// # Errors
    /// [`crate::Error::Random`]; [`crate::Error::ApiMisuse`] for a group that is not in [`SUPPORTED_GROUPS`].
    pub fn start(group: NamedGroup, random: &dyn Random) -> Result<Self> {
        let _ = (group, random);
        todo!()
    }

    /// The group.
    pub fn group(&self) -> NamedGroup {
        todo!()
    }

    /// What goes into `KeyShareEntry.key_exchange` (RFC 8446 §4.2.8.2).
    pub fn public_share(&self) -> &[u8] {
        todo!()
    }

    /// The shared secret with the peer's answer.
    ///
    /// # Errors
    /// [`crate::Error::PeerMisbehaved`] (illegal_parameter) for a share of the wrong length, a point that is not on the
    /// curve, or an all-zero X25519 result (RFC 8446 §7.4.2).
    pub fn finish(self, peer_share: &[u8]) -> Result<Secret> {
        let _ = peer_share;
        todo!()
    }
}

/// Answers a peer's share: our share and the shared secret.
///
/// # Errors
/// As [`KeyExchange::start`] and [`KeyExchange::finish`].
pub fn respond(group: NamedGroup, peer_share: &[u8], random: &dyn Random) -> Result<(Vec<u8>, Secret)> {
    let _ = (group, peer_share, random);
    todo!()
}
