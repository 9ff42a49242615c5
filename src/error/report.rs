//! The report of a failed verification: which candidate chain, which check, why, what to do.

use core::fmt;

use super::ErrorCode;

/// Why no candidate chain was accepted. Never empty.
///
/// ```
/// use otls::error::Check;
/// use otls::pki::{Chain, PeerRole, TrustStore};
///
/// fn explain(trust: &TrustStore, chain: &Chain, now: otls::UnixTime) {
///     if let Err(report) = trust.verify(chain, &PeerRole::Client, now) {
///         let expired = report.check() == Check::NotAfter;
///         println!("{report} ({}), expired: {expired}", report.hint());
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    first: Box<Finding>,
    more: Vec<Finding>,
    /// The chain came over a connection, whose peer is told.
    pub(crate) is_of_a_peer: bool,
}

/// One failed check.
///
/// ```
/// fn depths(report: &otls::error::Report) -> Vec<(usize, String)> {
///     report.findings().map(|finding| (finding.depth, finding.reason.clone())).collect()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which candidate chain, counted from 0.
    pub candidate: usize,
    /// Which certificate: 0 is the leaf, each issuer one more.
    pub depth: usize,
    /// The certificate's subject (RFC 4514 form), or empty when there is none.
    pub subject: String,
    /// The check that failed.
    pub check: Check,
    /// Why it failed, with the values that were compared.
    pub reason: String,
    /// What to do about it.
    pub hint: String,
}

/// The checks that a certificate chain has to pass.
///
/// ```
/// assert_eq!(otls::error::Check::NotAfter.name(), "notAfter");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Check {
    /// A certificate is there at all.
    Presence,
    /// It decodes.
    Format,
    /// Its signature is right and made with an acceptable algorithm.
    Signature,
    /// It leads to a trusted authority.
    Issuer,
    /// notBefore.
    NotBefore,
    /// notAfter.
    NotAfter,
    /// It is for the expected name.
    Name,
    /// KeyUsage (RFC 5280 §4.2.1.3).
    KeyUsage,
    /// ExtendedKeyUsage (RFC 5280 §4.2.1.12).
    ExtendedKeyUsage,
    /// BasicConstraints, and CA or leaf in the right place (RFC 5280 §4.2.1.9).
    BasicConstraints,
    /// Path length.
    PathLength,
    /// Name constraints (RFC 5280 §4.2.1.10).
    NameConstraints,
    /// Revocation by CRL.
    Revocation,
    /// The public key is of a kind and size that is accepted.
    Key,
    /// The work that the chain asks for is within what one verification may cost.
    Budget,
}

impl Report {
    /// A report with one finding.
    pub fn new(first: Finding) -> Self {
        Self { first: Box::new(first), more: Vec::new(), is_of_a_peer: false }
    }

    /// Adds a finding of another candidate or certificate.
    pub fn push(&mut self, finding: Finding) {
        self.more.push(finding);
    }

    /// All findings; the first decides code, alert and hint.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        core::iter::once(self.first.as_ref()).chain(&self.more)
    }

    /// The check that decided.
    pub fn check(&self) -> Check {
        self.first.check
    }

    /// The depth of the certificate that decided.
    pub fn depth(&self) -> usize {
        self.first.depth
    }

    /// What to do about it.
    pub fn hint(&self) -> &str {
        &self.first.hint
    }
}

impl Check {
    /// The stable number of a failure of this check.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Presence => ErrorCode::CertificateRequired,
            Self::Format | Self::Signature | Self::Key | Self::Budget => ErrorCode::CertificateBad,
            Self::Issuer => ErrorCode::CertificateUntrusted,
            Self::NotBefore => ErrorCode::CertificateNotYetValid,
            Self::NotAfter => ErrorCode::CertificateExpired,
            Self::Name | Self::NameConstraints => ErrorCode::CertificateWrongName,
            Self::KeyUsage | Self::ExtendedKeyUsage => ErrorCode::CertificateWrongUsage,
            Self::BasicConstraints | Self::PathLength => ErrorCode::CertificateWrongRole,
            Self::Revocation => ErrorCode::CertificateRevoked,
        }
    }

    /// The check's name as reports print it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Presence => "presence",
            Self::Format => "format",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::NotBefore => "notBefore",
            Self::NotAfter => "notAfter",
            Self::Name => "name",
            Self::KeyUsage => "keyUsage",
            Self::ExtendedKeyUsage => "extendedKeyUsage",
            Self::BasicConstraints => "basicConstraints",
            Self::PathLength => "pathLength",
            Self::NameConstraints => "nameConstraints",
            Self::Revocation => "revocation",
            Self::Key => "key",
            Self::Budget => "budget",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{finding}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} check failed: {}", self.check.name(), self.reason)?;
        if !self.subject.is_empty() {
            write!(f, " (certificate {} at depth {})", self.subject, self.depth)?;
        }
        Ok(())
    }
}
