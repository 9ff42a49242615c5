//! Certificate revocation lists (RFC 5280 §5).

use crate::error::Result;
use crate::time::UnixTime;

/// Why a certificate was revoked (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationReason {
    /// No reason given.
    Unspecified,
    /// The private key may be known to others.
    KeyCompromise,
    /// The holder is no longer who it was.
    AffiliationChanged,
    /// A newer certificate took its place.
    Superseded,
    /// No longer used.
    CessationOfOperation,
}

/// A revocation list, decoded; its signature is checked by the verifier.
#[derive(Clone)]
pub struct Crl(());

impl Crl {
    /// Loads PEM or DER.
    pub fn load(data: &[u8]) -> Result<Self> {
        let _ = data;
        todo!()
    }

    /// DER.
    pub fn to_der(&self) -> &[u8] {
        todo!()
    }

    /// PEM.
    pub fn to_pem(&self) -> String {
        todo!()
    }

    /// nextUpdate: after it the list is stale and verification refuses.
    pub fn next_update(&self) -> UnixTime {
        todo!()
    }

    /// Whether the list names this serial number.
    pub fn contains(&self, serial: &[u8]) -> bool {
        let _ = serial;
        todo!()
    }
}
