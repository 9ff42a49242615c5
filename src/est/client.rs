//! The client's half.

use crate::error::Result;
use crate::pki::{Certificate, CertificateRequest, Profile};

/// One request and its reply.
pub struct EstClient(());

/// What came back.
pub enum EstReply {
    /// The authority's certificates (RFC 7030 §4.1.3).
    CaCertificates(Vec<Certificate>),
    /// The certificate that was issued (RFC 7030 §4.2.3).
    Enrolled(Certificate),
}

impl EstReply {
    /// The authority's certificate with this SHA-256 fingerprint: trust none that was not found by
    /// its fingerprint (RFC 7030 §4.1.1).
    ///
    /// # Errors
    /// [`crate::error::EnrolmentError::FingerprintMismatch`].
    pub fn authority(&self, fingerprint: &[u8; 32]) -> Result<&Certificate> {
        let _ = fingerprint;
        todo!()
    }
}

impl EstClient {
    /// Asks for the authority's certificates. Returns the request's bytes as well.
    pub fn cacerts(host: &str) -> (Self, Vec<u8>) {
        let _ = host;
        todo!()
    }

    /// Asks for a certificate.
    pub fn simpleenroll(host: &str, profile: Profile, request: &CertificateRequest) -> (Self, Vec<u8>) {
        let _ = (host, profile, request);
        todo!()
    }

    /// Takes decrypted bytes; the reply once it is complete.
    ///
    /// # Errors
    /// [`crate::Error::Enrolment`].
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<EstReply>> {
        let _ = bytes;
        todo!()
    }

    /// The connection ended with close_notify, which may be what ends the reply (RFC 9112 §6.3).
    ///
    /// # Errors
    /// [`crate::Error::Enrolment`] if the reply is not complete.
    pub fn feed_end(&mut self) -> Result<Option<EstReply>> {
        todo!()
    }
}
