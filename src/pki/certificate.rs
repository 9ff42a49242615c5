//! Certificates (RFC 5280).

use super::{DistinguishedName, GeneralName, PublicKey};
use crate::error::Result;
use crate::time::UnixTime;

/// The most certificates that a chain may have: RFC 8446 sets none, this bounds the work of a verifier.
pub const MAX_CHAIN_LEN: usize = 10;

/// A certificate. Cheap to clone.
#[derive(Clone)]
pub struct Certificate(());

impl Certificate {
    /// Loads one certificate, PEM (text around it is skipped) or DER.
    pub fn load(data: &[u8]) -> Result<Self> {
        let _ = data;
        todo!()
    }

    /// Loads all certificates of a PEM bundle, or one DER; at least one, in order.
    pub fn load_chain(data: &[u8]) -> Result<Vec<Self>> {
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

    /// The subject.
    pub fn subject(&self) -> &DistinguishedName {
        todo!()
    }

    /// The issuer.
    pub fn issuer(&self) -> &DistinguishedName {
        todo!()
    }

    /// The subject as it is encoded.
    pub fn subject_der(&self) -> &[u8] {
        todo!()
    }

    /// The serial number, big-endian, without leading zero octets.
    pub fn serial(&self) -> &[u8] {
        todo!()
    }

    /// notBefore.
    pub fn not_before(&self) -> UnixTime {
        todo!()
    }

    /// notAfter.
    pub fn not_after(&self) -> UnixTime {
        todo!()
    }

    /// The alternative names that are DNS names or IP addresses.
    pub fn names(&self) -> &[GeneralName] {
        todo!()
    }

    /// Whether BasicConstraints says CA.
    pub fn is_ca(&self) -> bool {
        todo!()
    }

    /// The public key.
    pub fn public_key(&self) -> &PublicKey {
        todo!()
    }

    /// SHA-256 of the DER.
    pub fn fingerprint(&self) -> [u8; 32] {
        todo!()
    }
}
