//! A chain of certificates, which is parsed once.

use core::fmt;
use core::ops::Deref;
use std::sync::Arc;

use super::{Certificate, MAX_CHAIN_LEN};
use crate::error::{Check, Error, Finding, Report, Result};

/// The certificates of one holder: that of the key, and behind it those of the authorities that vouch for it.
/// Never empty, at most [`MAX_CHAIN_LEN`]. It is parsed once and then shared: a clone costs nothing.
///
/// ```
/// use otls::pki::{Chain, PeerRole, TrustStore};
///
/// # fn judge(file: &[u8], trust: &TrustStore, now: otls::UnixTime) -> otls::Result<()> {
/// let chain = Chain::load(file)?;
/// let peer = trust.verify(&chain, &PeerRole::Client, now)?;
/// println!("{}, {} certificates", peer.certificate().subject(), chain.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Chain(Arc<Inner>);

struct Inner {
    leaf: Certificate,
    /// Leaf first.
    certificates: Vec<Certificate>,
    /// What is wrong with those behind the leaf that path validation cannot use.
    passed_over: Vec<Finding>,
}

impl Chain {
    /// A chain of these certificates, the leaf first.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] for none, and for more than [`MAX_CHAIN_LEN`].
    pub fn new(certificates: Vec<Certificate>) -> Result<Self> {
        if certificates.len() > MAX_CHAIN_LEN {
            return Err(Error::misuse(
                "the certificate chain has more than 10 certificates",
                "pass the key's certificate and its issuers only",
            ));
        }
        Self::of(certificates, Vec::new())
            .ok_or(Error::misuse("the certificate chain is empty", "pass the key's certificate first"))
    }

    /// Refuses a chain of more certificates than `limit`.
    pub(crate) fn check_len(certificates: usize, limit: usize) -> Result<(), Report> {
        if certificates <= limit {
            return Ok(());
        }
        Err(Report::new(finding(
            limit,
            Check::PathLength,
            format!("the chain has {certificates} certificates, at most {limit} are accepted"),
            "send the leaf and its issuers only",
        )))
    }

    /// A chain as a peer sends it: DER, the leaf first. Certificates behind the leaf with a key of another kind
    /// are left out, because RFC 8446 §4.4.2 has extraneous ones tolerated; a report of
    /// [`super::TrustStore::verify`] names them.
    ///
    /// # Errors
    /// The report of what cannot be read, as [`Error::BadCertificate`].
    pub fn from_der<T: AsRef<[u8]>>(certificates: &[T]) -> Result<Self, Report> {
        Self::check_len(certificates.len(), MAX_CHAIN_LEN)?;
        let (mut read, mut passed_over) = (Vec::new(), Vec::new());
        for (depth, der) in certificates.iter().enumerate() {
            match Certificate::of_der(der.as_ref()) {
                Ok(certificate) => read.push(certificate),
                Err(Error::Key(error)) => {
                    let unsupported = finding(
                        depth,
                        Check::Key,
                        format!("its public key is not accepted: {error}"),
                        "use RSA (2048 to 8192 bits), P-256 or P-384",
                    );
                    if depth == 0 {
                        return Err(Report::new(unsupported));
                    }
                    passed_over.push(unsupported);
                }
                Err(error) => {
                    return Err(Report::new(finding(
                        depth,
                        Check::Format,
                        error.to_string(),
                        "the certificate is damaged; request a new one",
                    )));
                }
            }
        }
        Self::of(read, passed_over).ok_or_else(|| {
            Report::new(finding(
                0,
                Check::Presence,
                "the peer sent no certificate".to_owned(),
                "configure a certificate on the other side",
            ))
        })
    }

    /// A chain of a file: a PEM bundle, certs-only PKCS#7 or one DER certificate, the leaf first.
    ///
    /// # Errors
    /// As [`Certificate::load_chain`] and [`Chain::new`].
    pub fn load(data: &[u8]) -> Result<Self> {
        Self::new(Certificate::load_chain(data)?)
    }

    pub(super) fn of(certificates: Vec<Certificate>, passed_over: Vec<Finding>) -> Option<Self> {
        let leaf = certificates.first()?.clone();
        Some(Self(Arc::new(Inner { leaf, certificates, passed_over })))
    }

    /// The first certificate: the holder's own.
    pub fn leaf(&self) -> &Certificate {
        &self.0.leaf
    }

    /// All of it as PEM, the leaf first.
    pub fn to_pem(&self) -> String {
        self.iter().map(Certificate::to_pem).collect()
    }

    pub(super) fn passed_over(&self) -> &[Finding] {
        &self.0.passed_over
    }
}

impl Deref for Chain {
    type Target = [Certificate];

    fn deref(&self) -> &[Certificate] {
        &self.0.certificates
    }
}

impl<'a> IntoIterator for &'a Chain {
    type Item = &'a Certificate;
    type IntoIter = core::slice::Iter<'a, Certificate>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Certificate> for Chain {
    fn from(leaf: Certificate) -> Self {
        Self(Arc::new(Inner { certificates: vec![leaf.clone()], leaf, passed_over: Vec::new() }))
    }
}

impl PartialEq for Chain {
    fn eq(&self, other: &Self) -> bool {
        self.0.certificates == other.0.certificates
    }
}

impl Eq for Chain {}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|one| one.subject().to_string())).finish()
    }
}

/// A finding about a certificate that has no subject yet.
fn finding(depth: usize, check: Check, reason: String, hint: &'static str) -> Finding {
    super::finding::finding((depth, String::new()), check, reason, hint)
}

/// The leaf and the issuers above it that are among `others`, which are taken from there.
pub fn path_of(leaf: Certificate, others: &mut Vec<Certificate>) -> Vec<Certificate> {
    let mut path = vec![leaf];
    while path.len() < MAX_CHAIN_LEN
        && let Some(last) = path.last()
        && let Some(place) = others.iter().position(|issuer| names(last, issuer))
    {
        path.push(others.remove(place));
    }
    path
}

/// Whether `certificate` says that `issuer` has issued it.
fn names(certificate: &Certificate, issuer: &Certificate) -> bool {
    let is_named = certificate.issuer_der() == issuer.subject_der()
        || certificate.issuer().canonical() == issuer.subject().canonical();
    // RFC 5280 §4.2.1.1: of several keys of one name, this one.
    let ids = (certificate.authority_key_identifier(), issuer.subject_key_identifier());
    is_named && !matches!(ids, (Some(named), Some(own)) if named != own)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::common::World;
    use crate::pki::KeyType;

    #[test]
    fn a_chain_is_never_empty_and_bounded() {
        let leaf = World::new(KeyType::EcdsaP256).client.certificate().clone();
        for (len, fine) in [(0, false), (1, true), (MAX_CHAIN_LEN, true), (MAX_CHAIN_LEN + 1, false)] {
            let all = vec![leaf.clone(); len];
            assert_eq!(Chain::new(all.clone()).is_ok(), fine, "{len}");
            let sent: Vec<&[u8]> = all.iter().map(Certificate::to_der).collect();
            assert_eq!(Chain::from_der(&sent).is_ok(), fine, "{len}");
        }
        let chain = Chain::from(leaf.clone());
        assert_eq!((chain.leaf() == &leaf, chain.len()), (true, 1));
        assert_eq!(Chain::load(chain.to_pem().as_bytes()), Ok(chain));
    }
}
