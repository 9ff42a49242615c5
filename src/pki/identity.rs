//! A private key with the certificate chain that speaks for it.

use std::sync::Arc;

use super::found;
use super::pem::{Kind, Section};
use super::pkcs12::{self, Pkcs12, Pkcs12Options};
use super::{Certificate, Chain, PrivateKey, signature};
use crate::codepoints::SignatureScheme;
use crate::crypto::Random;
use crate::error::{KeyError, Result};

/// Who we are to the peer: leaf first, then its issuers (the root may be left out), and the key.
/// Shared by [`Arc`] among any number of connections.
///
/// ```
/// use core::time::Duration;
/// use otls::crypto::{SystemRandom, hash::HashAlgorithm};
/// use otls::pki::{Validity, Authority, CertificateRequest, DistinguishedName, Identity, KeyType, PrivateKey, Profile};
///
/// let (now, random) = (otls::UnixTime(1_800_000_000), SystemRandom);
/// let ca = Authority::create(
///     PrivateKey::generate(KeyType::EcdsaP256, &random)?,
///     &DistinguishedName::with_common_name("Private CA"),
///     HashAlgorithm::Sha256,
///     Validity::days(now, 1),
///     &random,
/// )?;
/// let key = PrivateKey::generate(KeyType::EcdsaP256, &random)?;
/// let alice = DistinguishedName::with_common_name("Alice");
/// let request = CertificateRequest::create(&key, &alice, &[], HashAlgorithm::Sha256, &random)?;
/// let certificate = ca.issue(&request, Profile::Client, Validity::new(now, Duration::from_secs(3600)), &random)?;
///
/// let identity = Identity::new(certificate.into(), key)?;
/// assert_eq!(identity.certificate().subject(), &alice);
/// # Ok::<(), otls::Error>(())
/// ```
pub struct Identity {
    chain: Chain,
    key: Arc<PrivateKey>,
    /// Of the leaf.
    fingerprint: [u8; 32],
}

crate::shown::shown!(Identity, certificate);

impl Identity {
    /// An identity of a chain and the leaf's key.
    ///
    /// # Errors
    /// [`crate::error::KeyError::CertificateMismatch`] if the key is not the leaf's.
    pub fn new(chain: Chain, key: impl Into<Arc<PrivateKey>>) -> Result<Self> {
        let key = key.into();
        if chain.leaf().public_key() != key.public_key() {
            return Err(KeyError::CertificateMismatch.into());
        }
        Ok(Self { fingerprint: chain.leaf().fingerprint(), chain, key })
    }

    /// An identity of one file that has both. In PEM these are a private key, as [`PrivateKey::load`] takes it,
    /// and the certificates of its chain, the key's first; the key may stand anywhere among them. In PKCS#12 they
    /// are as [`Pkcs12::load`] takes them, in any order, with nothing beside the key and its chain.
    ///
    /// ```
    /// # use otls::crypto::{SystemRandom, hash::HashAlgorithm};
    /// # use otls::pki::{Validity, Authority, DistinguishedName, Identity, KeyType, PrivateKey};
    /// # let (now, random) = (otls::UnixTime(1_800_000_000), SystemRandom);
    /// # let key = PrivateKey::generate(KeyType::EcdsaP256, &random)?;
    /// # let key_pem = key.to_pem(None, &random)?;
    /// # let name = DistinguishedName::with_common_name("Private CA");
    /// # let ca = Authority::create(key, &name, HashAlgorithm::Sha256, Validity::days(now, 1), &random)?;
    /// let file = [ca.certificate().to_pem().as_bytes(), key_pem.expose()].concat();
    /// assert_eq!(Identity::load(&file, None)?.chain().len(), 1);
    /// # Ok::<(), otls::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Identity::new`], [`PrivateKey::load`], [`Certificate::load_chain`] and [`Pkcs12::load`]; a file with
    /// anything else in it is refused.
    pub fn load(data: &[u8], password: Option<&[u8]>) -> Result<Self> {
        if pkcs12::is_like(data) {
            let password = password.ok_or(KeyError::PasswordRequired)?;
            let (key, chain) = Pkcs12::load(data, password)?.into_key_and_chain()?;
            return Self::new(chain, key);
        }
        let sections = found::sections(data).map_err(KeyError::from)?;
        let is_certificate = |section: &Section<'_>| matches!(section.kind, Kind::Certificate | Kind::Pkcs7);
        let (certificates, key): (Vec<_>, Vec<_>) = sections.into_iter().partition(is_certificate);
        if key.is_empty() {
            return Err(KeyError::NotAKey(found::describe(&certificates)).into());
        }
        let key = PrivateKey::of_sections(data, &key, password)?;
        Self::new(Chain::new(Certificate::of_sections(data, &certificates)?)?, key)
    }

    /// A PKCS#12 file (RFC 7292) of key and chain, as OpenSSL 3 writes them: PBES2 with PBKDF2-HMAC-SHA256 and
    /// AES-256-CBC for both, 200,000 iterations for each of them and for the MAC, which .NET still takes. The
    /// password is UTF-8.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for a password that is empty or not UTF-8; [`crate::Error::Random`].
    pub fn to_pkcs12(
        &self,
        password: &[u8],
        options: &Pkcs12Options<'_>,
        random: &dyn Random,
    ) -> Result<Vec<u8>> {
        pkcs12::write(&self.key, &self.chain, password, options, random)
    }

    /// What is shown to peers.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The leaf.
    pub fn certificate(&self) -> &Certificate {
        self.chain.leaf()
    }

    /// SHA-256 of the leaf, computed once.
    pub(crate) fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// Whether the leaf is a certificate for this host (RFC 6125 §6.4): a wildcard stands for one label.
    pub(crate) fn is_named(&self, host: &str) -> bool {
        self.certificate().names().iter().any(|name| name.is_for_host(host))
    }

    /// Whether all signatures in the chain are of these schemes; a root's own is nobody's concern
    /// (RFC 8446 §4.2.3).
    pub(crate) fn is_signed_with(&self, schemes: &[SignatureScheme]) -> bool {
        let mut judged = self.chain.iter().filter(|one| one.subject_der() != one.issuer_der());
        judged.all(|one| signature::schemes(one.to_der()).iter().any(|scheme| schemes.contains(scheme)))
    }

    /// Whether the authority of this name (DER) issued a certificate of the chain.
    pub(crate) fn is_issued_by(&self, authority: &[u8]) -> bool {
        self.chain.iter().any(|one| one.issuer_der() == authority)
    }

    /// The private key.
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }
}
