//! A certificate authority: signs what it is shown, decides extensions by profile.

use super::{Certificate, CertificateRequest, Crl, DistinguishedName, PrivateKey, RevocationReason};
use crate::crypto::Random;
use crate::crypto::hash::HashAlgorithm;
use crate::error::Result;
use crate::time::UnixTime;

/// What a certificate is for; decides KeyUsage, ExtendedKeyUsage and BasicConstraints, whatever
/// the request asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// A TLS server: needs an alternative name.
    Server,
    /// A TLS client.
    Client,
}

/// An authority: its certificate and key. Keeps no register; see [`crate::est`] for one.
pub struct Authority(());

impl Authority {
    /// A new authority with a self-signed certificate for `lifetime` seconds from `now`.
    pub fn create(
        key: PrivateKey,
        subject: &DistinguishedName,
        hash: HashAlgorithm,
        lifetime: u64,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Self> {
        let _ = (key, subject, hash, lifetime, now, random);
        todo!()
    }

    /// An authority from its certificate and key; `hash` is what it signs with.
    ///
    /// # Errors
    /// Key mismatch; a certificate that is not a CA's.
    pub fn load(certificate: Certificate, key: PrivateKey, hash: HashAlgorithm) -> Result<Self> {
        let _ = (certificate, key, hash);
        todo!()
    }

    /// The authority's certificate.
    pub fn certificate(&self) -> &Certificate {
        todo!()
    }

    /// The authority's key, to be saved.
    pub fn key(&self) -> &PrivateKey {
        todo!()
    }

    /// Issues a certificate for the request's key, subject and alternative names. The serial number
    /// is random (127 bits); validity starts a little before `now` for clocks that lag, and ends
    /// `lifetime` seconds after it or with the authority's own.
    pub fn issue(
        &self,
        request: &CertificateRequest,
        profile: Profile,
        lifetime: u64,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Certificate> {
        let _ = (request, profile, lifetime, now, random);
        todo!()
    }

    /// Signs a revocation list of (serial number, time, reason), valid until `now` + `lifetime`.
    pub fn issue_crl(
        &self,
        revoked: &[(Vec<u8>, UnixTime, RevocationReason)],
        number: u64,
        lifetime: u64,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Crl> {
        let _ = (revoked, number, lifetime, now, random);
        todo!()
    }
}
