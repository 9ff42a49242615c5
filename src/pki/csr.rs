//! Certificate requests (PKCS#10, RFC 2986).

use super::{DistinguishedName, GeneralName, PrivateKey, PublicKey};
use crate::crypto::Random;
use crate::crypto::hash::HashAlgorithm;
use crate::error::Result;

/// A certificate request whose signature was checked: its sender has the private key.
#[derive(Clone)]
pub struct CertificateRequest(());

impl CertificateRequest {
    /// Makes and signs a request. RSA keys sign with PKCS#1 v1.5, which every CA reads.
    pub fn create(
        key: &PrivateKey,
        subject: &DistinguishedName,
        names: &[GeneralName],
        hash: HashAlgorithm,
        random: &dyn Random,
    ) -> Result<Self> {
        let _ = (key, subject, names, hash, random);
        todo!()
    }

    /// Loads PEM or DER and checks the proof of possession.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`]; a bad signature is [`crate::error::CertificateError::BadSignature`].
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

    /// The subject.
    pub fn subject(&self) -> &DistinguishedName {
        todo!()
    }

    /// The requested alternative names.
    pub fn names(&self) -> &[GeneralName] {
        todo!()
    }

    /// The key whose possession the signature proves.
    pub fn public_key(&self) -> &PublicKey {
        todo!()
    }
}
