//! Path verification: rustls-webpki over our primitives, and the checks that it leaves out.

use super::{Certificate, Crl, GeneralName};
use crate::error::{Report, Result};
use crate::time::UnixTime;

/// What the peer is to us, and so what its certificate must be good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerRole {
    /// A server that must have this name (SAN only, RFC 9525).
    Server(GeneralName),
    /// A client; who it is, its certificate says.
    Client,
}

/// The authorities that are trusted, and their revocation lists. Cheap to clone.
#[derive(Clone, Default)]
pub struct TrustStore(());

impl TrustStore {
    /// Trusts nobody.
    pub fn new() -> Self {
        todo!()
    }

    /// Trusts an authority.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`] if the certificate is not a CA's.
    pub fn add_authority(&mut self, certificate: &Certificate) -> Result<()> {
        let _ = certificate;
        todo!()
    }

    /// Adds a revocation list. Where an authority has one, its certificates are checked against it,
    /// and a stale list refuses.
    pub fn add_crl(&mut self, crl: Crl) {
        let _ = crl;
        todo!()
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        todo!()
    }

    /// The subjects of the authorities, DER, for certificate_authorities (RFC 8446 §4.2.4).
    pub fn authority_names(&self) -> Vec<Vec<u8>> {
        todo!()
    }

    /// Judges a chain as it came on the wire: DER, leaf first, at most [`super::MAX_CHAIN_LEN`].
    ///
    /// # Errors
    /// The report of every candidate that failed.
    pub fn verify(&self, chain: &[Vec<u8>], role: &PeerRole, now: UnixTime) -> Result<VerifiedPeer, Report> {
        let _ = (chain, role, now);
        todo!()
    }
}

/// A peer whose certificate was verified; only [`TrustStore::verify`] makes one.
#[derive(Clone)]
pub struct VerifiedPeer {
    chain: Vec<Certificate>,
}

impl VerifiedPeer {
    /// The leaf.
    pub fn certificate(&self) -> &Certificate {
        todo!()
    }

    /// As the peer sent it, leaf first.
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }
}
