//! Path verification (RFC 5280 §6): who is trusted, and what they say of a chain.

mod budget;
mod clock;
mod constrained;
mod digest;
mod explain;
mod issued;
mod judge;
mod kept;
mod passed;
mod revocation;
mod search;
mod seen;
mod verdict;
mod words;

use core::ops::Range;
use std::sync::{Arc, OnceLock};

pub(super) use issued::outside;
pub(crate) use kept::KeptPeer;
pub(crate) use passed::Passed;
use search::Case;
use seen::Seen;
pub(crate) use verdict::Verdict;

use super::{Certificate, Chain, Crl, GeneralName};
use crate::error::{CertificateError, Report, Result};
use crate::time::UnixTime;

/// What the peer is to us, and so what its certificate must be good for.
///
/// ```
/// use otls::pki::{GeneralName, PeerRole};
///
/// let bank = PeerRole::Server(GeneralName::parse("bank.example")?);
/// assert_ne!(bank, PeerRole::Client);
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerRole {
    /// A server that must have this name (SAN only, RFC 9525).
    Server(GeneralName),
    /// A server of any name: for diagnosis, since who it is stays open.
    AnyServer,
    /// A client; who it is, its certificate says.
    Client,
    /// A client of an enrolment server, which shows the certificate that it renews, a client's or a
    /// server's (RFC 7030 §4.2.2).
    Enrolled,
    /// Nobody in particular: the path is judged (RFC 5280 §6), and neither ExtendedKeyUsage nor names are.
    /// For tools; a connection always knows its peer's role.
    Any,
}

/// The authorities that are trusted, and their revocation lists. Cheap to clone.
///
/// ```
/// use core::time::Duration;
/// use otls::crypto::{SystemRandom, hash::HashAlgorithm};
/// use otls::pki::{Validity,
///     Authority, CertificateRequest, Chain, DistinguishedName, KeyType, PeerRole, PrivateKey, Profile, TrustStore,
/// };
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
/// let mut trust = TrustStore::new();
/// trust.add_authority(ca.certificate())?;
/// let chain = Chain::from(certificate);
/// let peer = trust.verify(&chain, &PeerRole::Client, now)?;
/// assert_eq!(peer.certificate().subject(), &alice);
///
/// let report = trust.verify(&chain, &PeerRole::Client, now.plus(Duration::from_secs(7200))).err().unwrap();
/// assert!(report.to_string().contains("expired at 2027-01-15T09:00:00Z"));
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct TrustStore(Arc<Inner>);

crate::shown::shown!(TrustStore);

#[derive(Clone, Default)]
struct Inner {
    authorities: Vec<Certificate>,
    /// Newest first.
    crls: Vec<Crl>,
    /// SHA-256 of authorities' certificates that are to come with the chain.
    pins: Vec<[u8; 32]>,
    /// Not trusted, but of use on the way to an authority.
    intermediates: Vec<Certificate>,
    /// Authorities between a leaf and the trusted one.
    max_depth: Option<usize>,
    crls_required: bool,
    /// A leaf may be without ExtendedKeyUsage.
    missing_eku_allowed: bool,
    /// Shared by clones, whatever else they trust.
    seen: Arc<Seen>,
    /// Of all that a verdict depends on: see [`TrustStore::digest_of_all`].
    digest: OnceLock<[u8; 32]>,
}

impl TrustStore {
    /// Trusts nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts an authority. A second time changes nothing.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`] if the certificate is not a CA's, or has a critical extension that is not
    /// supported or another fault for which a path with it is refused.
    pub fn add_authority(&mut self, certificate: &Certificate) -> Result<()> {
        if let Some(fault) = certificate.anchor_fault() {
            return Err(CertificateError::NotAuthority(fault.to_owned()).into());
        }
        // Read here, and not once for each chain that is compared with it.
        certificate.subject().canonical();
        if !self.0.authorities.contains(certificate) {
            self.change().authorities.push(certificate.clone());
        }
        Ok(())
    }

    /// Trusts the authority whose certificate has this SHA-256 fingerprint, where the peer sends it: a
    /// person who was told the fingerprint needs no file (RFC 7030 §4.1.1).
    pub fn add_fingerprint(&mut self, fingerprint: [u8; 32]) {
        self.change().pins.push(fingerprint);
    }

    /// Adds a certificate that may stand between a leaf and an authority, for peers that do not send it.
    /// It is not trusted by itself. A second time changes nothing.
    pub fn add_intermediate(&mut self, certificate: &Certificate) {
        certificate.subject().canonical();
        certificate.issuer().canonical();
        if !self.0.intermediates.contains(certificate) {
            self.change().intermediates.push(certificate.clone());
        }
    }

    /// Accepts at most `depth` authorities between a leaf and the trusted one; 0 accepts only what the
    /// trusted authorities have issued themselves.
    pub fn set_max_depth(&mut self, depth: usize) {
        self.change().max_depth = Some(depth);
    }

    /// Refuses certificates of authorities without a revocation list. Otherwise such certificates are
    /// not checked against one.
    pub fn require_crls(&mut self) {
        self.change().crls_required = true;
    }

    /// Accepts a leaf without ExtendedKeyUsage in every role, as RFC 5280 §4.2.1.12 has it and as many private
    /// authorities and SPIFFE identities are. Otherwise such a certificate is refused, because it could be
    /// another program's: a server's for a customer.
    pub fn allow_missing_eku(&mut self) {
        self.change().missing_eku_allowed = true;
    }

    /// Adds a revocation list: a complete one, one for some certificates or reasons, one of another issuer,
    /// or a delta list (RFC 5280 §5.2). Where there is a list in an issuer's name, its certificates are
    /// checked against the newest, and refused where their status does not come out: by a stale list, or
    /// by one that neither the issuer has signed nor who it vouches for. Of two lists of one number both
    /// count; a list from the future counts where no other does. A list's signature is checked once for
    /// each key, however many peers are verified and whatever is added later.
    pub fn add_crl(&mut self, crl: Crl) {
        let inner = self.change();
        // Made now, and remembered: it is no part of what a peer's chain costs.
        crl.issuer_name().canonical();
        inner.crls.push(crl);
        inner.crls.sort_by(|a, b| b.age().cmp(&a.age()));
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.authorities.is_empty() && self.0.pins.is_empty()
    }

    /// The subjects of the authorities, DER, for certificate_authorities (RFC 8446 §4.2.4).
    pub fn authority_names(&self) -> Vec<Vec<u8>> {
        let mut names: Vec<Vec<u8>> = Vec::new();
        for authority in &self.0.authorities {
            let name = authority.subject_der();
            if !names.iter().any(|known| known == name) {
                names.push(name.to_vec());
            }
        }
        names
    }

    /// Judges a chain.
    ///
    /// Beyond path validation (RFC 5280 §6, without certificate policies), the leaf must not be an
    /// authority's certificate, its KeyUsage must allow signatures, and its ExtendedKeyUsage must name the
    /// role exactly (see [`TrustStore::allow_missing_eku`]); the trusted authority must be within its own validity and path length.
    ///
    /// # Errors
    /// The report of every candidate that failed.
    pub fn verify(&self, chain: &Chain, role: &PeerRole, now: UnixTime) -> Result<VerifiedPeer, Report> {
        let store = self.with_pinned(chain);
        let at_hand: Vec<Certificate> = chain.iter().chain(&store.0.intermediates).cloned().collect();
        let case = Case::new(&store.0, chain.leaf(), &at_hand, role, now);
        let leaf_findings = case.judge_leaf();
        match case.find_path() {
            Some((path, authority)) if leaf_findings.is_empty() => Ok(VerifiedPeer {
                revocation_checked: case.is_checked(&path, authority),
                authority: authority.clone(),
                chain: chain.clone(),
                holds: case.clock.holds(),
                basis: None,
            }),
            found => Err(case.report(leaf_findings, chain.passed_over(), found.is_some())),
        }
    }
}

impl TrustStore {
    /// The one way to change what is in the store: what was computed of it is forgotten.
    fn change(&mut self) -> &mut Inner {
        let inner = Arc::make_mut(&mut self.0);
        inner.digest = OnceLock::new();
        inner
    }

    /// This store and the pinned authorities of `chain`. One that is pinned but no authority is left
    /// out: the report then says that the issuer is not trusted.
    fn with_pinned(&self, chain: &[Certificate]) -> Self {
        let mut store = self.clone();
        if self.0.pins.is_empty() {
            return store;
        }
        for certificate in chain.iter().filter(|certificate| self.0.pins.contains(&certificate.fingerprint()))
        {
            let _ = store.add_authority(certificate);
        }
        store
    }
}

/// Against what a certificate that came with something signed is judged: whom is trusted, in which role, when.
///
/// ```
/// use otls::pki::{PeerRole, TrustStore, VerifyOptions};
///
/// let (trust, role) = (TrustStore::new(), PeerRole::Client);
/// let options = VerifyOptions::new(&trust, &role, otls::UnixTime(1_800_000_000));
/// assert!(otls::cms::verify(b"no message", &options).is_err());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct VerifyOptions<'a> {
    trust: &'a TrustStore,
    role: &'a PeerRole,
    now: UnixTime,
}

impl<'a> VerifyOptions<'a> {
    /// As a peer of this role, at this time.
    pub const fn new(trust: &'a TrustStore, role: &'a PeerRole, now: UnixTime) -> Self {
        Self { trust, role, now }
    }

    /// The time at which it is judged.
    pub const fn now(&self) -> UnixTime {
        self.now
    }

    /// As [`TrustStore::verify`].
    ///
    /// # Errors
    /// The report.
    pub fn verify(&self, chain: &Chain) -> Result<VerifiedPeer, Report> {
        self.trust.verify(chain, self.role, self.now)
    }
}

/// A peer whose certificate was verified; only [`TrustStore::verify`] makes one.
///
/// ```
/// use otls::pki::VerifiedPeer;
///
/// fn greet(peer: &VerifiedPeer) -> String {
///     format!("{}, vouched for by {}", peer.certificate().subject(), peer.authority().subject())
/// }
/// ```
#[derive(Clone)]
pub struct VerifiedPeer {
    authority: Certificate,
    chain: Chain,
    revocation_checked: bool,
    /// The times at which the verdict is the same.
    holds: Range<UnixTime>,
    /// What it was made of, where that is known: see [`Verdict`].
    basis: Option<[u8; 32]>,
}

crate::shown::shown!(VerifiedPeer, certificate, authority);

impl VerifiedPeer {
    /// The leaf.
    pub fn certificate(&self) -> &Certificate {
        self.chain.leaf()
    }

    /// As the peer sent it, without what [`Chain::from_der`] leaves out.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The chain and the trusted authority.
    pub(crate) fn path(&self) -> impl Iterator<Item = &Certificate> {
        self.chain.iter().chain([&self.authority])
    }

    /// Whether there was a revocation list about each certificate of the path, none of which it revokes. Where
    /// it is not so, [`TrustStore::require_crls`] was not asked for, and a certificate without a list was not
    /// checked against one.
    pub const fn revocation_checked(&self) -> bool {
        self.revocation_checked
    }

    /// The trusted authority that the chain leads to.
    pub fn authority(&self) -> &Certificate {
        &self.authority
    }
}
