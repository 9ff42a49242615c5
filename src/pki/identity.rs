//! A private key with the certificate chain that speaks for it.

use super::{Certificate, PrivateKey};
use crate::error::Result;

/// Who we are to the peer: leaf first, then its issuers (the root may be left out), and the key.
pub struct Identity {
    chain: Vec<Certificate>,
    key: PrivateKey,
}

impl Identity {
    /// # Errors
    /// [`crate::error::KeyError::CertificateMismatch`] if the key is not the leaf's;
    /// [`crate::Error::ApiMisuse`] for an empty or too long chain.
    pub fn new(chain: Vec<Certificate>, key: PrivateKey) -> Result<Self> {
        let _ = (chain, key);
        todo!()
    }

    /// Leaf first; never empty.
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// The leaf.
    pub fn certificate(&self) -> &Certificate {
        todo!()
    }

    /// The private key.
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }
}
