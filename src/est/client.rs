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
}
