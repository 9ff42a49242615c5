//! Path verification: rustls-webpki over our primitives, and the checks that it leaves out.

mod explain;
mod words;

use core::time::Duration;
use std::sync::Arc;

use der::oid::db::rfc5280::ID_KP_SERVER_AUTH;
use rustls_pki_types::{CertificateDer, DnsName, ServerName, TrustAnchor, UnixTime as PkiTime};
use webpki::{
    CertRevocationList, EndEntityCert, Error as PathError, ExpirationPolicy, ExtendedKeyUsageValidator,
    KeyPurposeIdIter, KeyUsage, RevocationOptionsBuilder, UnknownStatusPolicy, VerifiedPath,
};

use super::signature::{Signed, VERIFIERS};
use super::{Certificate, Crl, GeneralName, PublicKey};
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
/// use otls::crypto::{SystemRandom, hash::HashAlgorithm};
/// use otls::pki::{
///     Authority, CertificateRequest, DistinguishedName, KeyType, PeerRole, PrivateKey, Profile, TrustStore,
/// };
///
/// let (now, random) = (otls::UnixTime(1_800_000_000), SystemRandom);
/// let ca = Authority::create(
///     PrivateKey::generate(KeyType::EcdsaP256, &random)?,
///     &DistinguishedName::with_common_name("Private CA"),
///     HashAlgorithm::Sha256, 86_400, now, &random,
/// )?;
/// let key = PrivateKey::generate(KeyType::EcdsaP256, &random)?;
/// let alice = DistinguishedName::with_common_name("Alice");
/// let request = CertificateRequest::create(&key, &alice, &[], HashAlgorithm::Sha256, &random)?;
/// let certificate = ca.issue(&request, Profile::Client, 3600, now, &random)?;
///
/// let mut trust = TrustStore::new();
/// trust.add_authority(ca.certificate())?;
/// let chain = [certificate.to_der().to_vec()];
/// let peer = trust.verify(&chain, &PeerRole::Client, now)?;
/// assert_eq!(peer.certificate().subject(), &alice);
///
/// let report = trust.verify(&chain, &PeerRole::Client, now.plus(7200)).err().unwrap();
/// assert!(report.to_string().contains("expired at 2027-01-15T09:00:00Z"));
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct TrustStore(Arc<Inner>);

#[derive(Clone, Default)]
struct Inner {
    authorities: Vec<Trusted>,
    crls: Vec<Crl>,
    /// SHA-256 of authorities' certificates that are to come with the chain.
    pins: Vec<[u8; 32]>,
    /// Not trusted, but of use on the way to an authority.
    intermediates: Vec<Certificate>,
    /// Authorities between a leaf and the trusted one.
    max_depth: Option<usize>,
    lists_required: bool,
}

#[derive(Clone)]
struct Trusted {
    certificate: Certificate,
    anchor: TrustAnchor<'static>,
    revocation: Revocation,
}

/// What the store knows of an authority's revocations.
#[derive(Clone)]
enum Revocation {
    /// No list: its certificates are not checked against one.
    Unchecked,
    /// Its newest list.
    List(Crl),
    /// There is a list in its name, but not one that its key may have signed and has: refuse.
    Unusable(&'static str),
}

impl TrustStore {
    /// Trusts nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts an authority. A second time changes nothing.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`] if the certificate is not a CA's.
    pub fn add_authority(&mut self, certificate: &Certificate) -> Result<()> {
        if let Some(fault) = certificate.authority_fault() {
            return Err(CertificateError::NotAuthority(fault.to_owned()).into());
        }
        if self.0.authorities.iter().any(|trusted| trusted.certificate == *certificate) {
            return Ok(());
        }
        let der = CertificateDer::from(certificate.to_der());
        let anchor = webpki::anchor_from_trusted_cert(&der)
            .map_err(|_| CertificateError::Malformed("the authority's certificate"))?
            .to_owned();
        let inner = Arc::make_mut(&mut self.0);
        inner.authorities.push(Trusted {
            certificate: certificate.clone(),
            anchor,
            revocation: Revocation::Unchecked,
        });
        inner.assign_lists();
        Ok(())
    }

    /// Trusts the authority whose certificate has this SHA-256 fingerprint, where the peer sends it: a
    /// person who was told the fingerprint needs no file (RFC 7030 §4.1.1).
    pub fn add_fingerprint(&mut self, fingerprint: [u8; 32]) {
        Arc::make_mut(&mut self.0).pins.push(fingerprint);
    }

    /// Adds a certificate that may stand between a leaf and an authority, for peers that do not send it.
    /// It is not trusted by itself. A second time changes nothing.
    pub fn add_intermediate(&mut self, certificate: &Certificate) {
        if !self.0.intermediates.contains(certificate) {
            Arc::make_mut(&mut self.0).intermediates.push(certificate.clone());
        }
    }

    /// Accepts at most `depth` authorities between a leaf and the trusted one; 0 accepts only what the
    /// trusted authorities have issued themselves.
    pub fn set_max_depth(&mut self, depth: usize) {
        Arc::make_mut(&mut self.0).max_depth = Some(depth);
    }

    /// Refuses certificates of authorities without a revocation list. Otherwise such certificates are
    /// not checked against one.
    pub fn require_lists(&mut self) {
        Arc::make_mut(&mut self.0).lists_required = true;
    }

    /// Adds a revocation list. Where an authority has one, its certificates are checked against its
    /// newest, and a stale list refuses; so does one in its name that it has not signed.
    pub fn add_crl(&mut self, crl: Crl) {
        let inner = Arc::make_mut(&mut self.0);
        inner.crls.push(crl);
        // Newest first: rustls-webpki takes the first list that fits.
        inner.crls.sort_by(|a, b| b.age().cmp(&a.age()));
        inner.assign_lists();
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.authorities.is_empty() && self.0.pins.is_empty()
    }

    /// The subjects of the authorities, DER, for certificate_authorities (RFC 8446 §4.2.4).
    pub fn authority_names(&self) -> Vec<Vec<u8>> {
        let mut names: Vec<Vec<u8>> = Vec::new();
        for trusted in &self.0.authorities {
            let name = trusted.certificate.subject_der();
            if !names.iter().any(|known| known == name) {
                names.push(name.to_vec());
            }
        }
        names
    }

    /// Judges a chain as it came on the wire: DER, leaf first, at most [`super::MAX_CHAIN_LEN`].
    ///
    /// Beyond path validation (RFC 5280 §6), the leaf must not be an authority's certificate, its
    /// KeyUsage must allow signatures, and its ExtendedKeyUsage must name the role exactly; the
    /// trusted authority must be within its own validity and path length. A certificate behind the
    /// leaf with a key of another kind is left out of the result.
    ///
    /// # Errors
    /// The report of every candidate that failed.
    pub fn verify(&self, chain: &[Vec<u8>], role: &PeerRole, now: UnixTime) -> Result<VerifiedPeer, Report> {
        let decoded = explain::decode(chain)?;
        let store = self.with_pinned(&decoded.chain);
        let at_hand: Vec<Certificate> = decoded.chain.iter().chain(&store.0.intermediates).cloned().collect();
        let case = Case { store: &store.0, leaf: &decoded.leaf, chain: &at_hand, role, now };
        let leaf_findings = case.judge_leaf();
        match case.find_path() {
            Ok(authority) if leaf_findings.is_empty() => {
                Ok(VerifiedPeer { authority: authority.clone(), leaf: decoded.leaf, chain: decoded.chain })
            }
            Ok(_) => Err(case.report(leaf_findings, decoded.passed_over, None)),
            Err(error) => Err(case.report(leaf_findings, decoded.passed_over, Some(error))),
        }
    }
}

impl TrustStore {
    /// This store and the pinned authorities of `chain`. One that is pinned but no authority is left
    /// out: the report then says that the issuer is not trusted.
    fn with_pinned(&self, chain: &[Certificate]) -> Self {
        let mut store = self.clone();
        for certificate in chain.iter().filter(|certificate| self.0.pins.contains(&certificate.fingerprint()))
        {
            let _ = store.add_authority(certificate);
        }
        store
    }
}

impl Inner {
    /// Gives each authority its list. Authorities may share a name (a CA that changed its key), so
    /// the signature decides.
    fn assign_lists(&mut self) {
        let assigned: Vec<Revocation> =
            self.authorities.iter().map(|trusted| self.list_of(&trusted.certificate)).collect();
        for (trusted, revocation) in self.authorities.iter_mut().zip(assigned) {
            trusted.revocation = revocation;
        }
    }

    fn list_of(&self, authority: &Certificate) -> Revocation {
        let signed_by = |crl: &&Crl, by: &Certificate| crl.verify(by.public_key()).is_ok();
        let mut lists = self.crls.iter().filter(|crl| crl.is_issued_by(authority)).peekable();
        if lists.peek().is_none() {
            return Revocation::Unchecked;
        }
        let Some(crl) = lists.clone().find(|crl| signed_by(crl, authority)) else {
            let others = |crl: &&Crl| self.authorities.iter().any(|other| signed_by(crl, &other.certificate));
            return if lists.all(|crl| others(&crl)) {
                Revocation::Unchecked
            } else {
                Revocation::Unusable("the revocation list in its name is not signed with its key")
            };
        };
        // RFC 5280 §6.3.3 (f): the issuer must be allowed to sign lists.
        if authority.extensions().key_usage.as_ref().is_some_and(|usage| !usage.crl_sign()) {
            return Revocation::Unusable("it has a revocation list, but its KeyUsage lacks cRLSign");
        }
        Revocation::List(crl.clone())
    }
}

/// One chain to be judged.
struct Case<'a> {
    store: &'a Inner,
    leaf: &'a Certificate,
    /// Leaf first; behind it what may help, in any order.
    chain: &'a [Certificate],
    role: &'a PeerRole,
    now: UnixTime,
}

impl<'a> Case<'a> {
    /// A path to an authority: RFC 5280 §6 by rustls-webpki, and [`Case::check_path`].
    fn find_path(&self) -> Result<&'a Certificate, PathError> {
        let ders: Vec<CertificateDer<'_>> =
            self.chain.iter().map(|certificate| CertificateDer::from(certificate.to_der())).collect();
        let (leaf, intermediates) = ders.split_first().ok_or(PathError::BadDer)?;
        let end_entity = EndEntityCert::try_from(leaf)?;
        let mut failure = PathError::UnknownIssuer;
        for trusted in self.candidates() {
            let lists: Vec<&CertRevocationList<'_>> = self.lists(trusted).map(Crl::list).collect();
            if lists.is_empty() && self.store.lists_required {
                failure = PathError::UnknownRevocationStatus;
                continue;
            }
            let unknown = match self.store.lists_required {
                true => UnknownStatusPolicy::Deny,
                false => UnknownStatusPolicy::Allow,
            };
            let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|builder| {
                builder.with_status_policy(unknown).with_expiration_policy(ExpirationPolicy::Enforce).build()
            });
            let verified = end_entity.verify_for_usage(
                VERIFIERS,
                core::slice::from_ref(&trusted.anchor),
                intermediates,
                pki_time(self.now),
                self.usage(),
                revocation,
                Some(&|path| self.check_path(path, trusted)),
            );
            match verified {
                Ok(_) => return Ok(&trusted.certificate),
                // A candidate that is not the issuer tells less than one that is.
                Err(PathError::UnknownIssuer) => {}
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// The authorities that the leaf or an intermediate names as its issuer.
    fn candidates(&self) -> impl Iterator<Item = &'a Trusted> {
        self.store.authorities.iter().filter(|trusted| {
            let name = trusted.certificate.subject_der();
            self.chain.iter().any(|certificate| certificate.issuer_der() == name)
        })
    }

    /// The revocation lists for a path to `trusted`: its own, and those of the intermediates, of which
    /// some may be trusted authorities too. rustls-webpki finds a list by its issuer's name.
    fn lists(&self, trusted: &'a Trusted) -> impl Iterator<Item = &'a Crl> {
        let name = trusted.certificate.subject_der();
        let intermediates = self.chain.iter().skip(1).filter(move |issuer| issuer.subject_der() != name);
        self.list_of(&trusted.certificate, trusted)
            .into_iter()
            .chain(intermediates.filter_map(|issuer| self.list_of(issuer, trusted)))
    }

    /// The list that what `issuer` has issued is checked against on a path to `trusted`. Where no list
    /// in an intermediate's name is signed with its key, one of them still counts, and so refuses.
    fn list_of(&self, issuer: &Certificate, trusted: &'a Trusted) -> Option<&'a Crl> {
        if *issuer == trusted.certificate {
            return match &trusted.revocation {
                Revocation::List(crl) => Some(crl),
                Revocation::Unchecked | Revocation::Unusable(_) => None,
            };
        }
        let mut named = self.store.crls.iter().filter(|crl| crl.is_issued_by(issuer));
        named.clone().find(|crl| crl.verify(issuer.public_key()).is_ok()).or_else(|| named.next())
    }

    /// What rustls-webpki leaves out: it takes an anchor for a name and a key, and does not read
    /// KeyUsage. The errors only say "not this one"; [`explain`] finds the reason.
    fn check_path(&self, path: &VerifiedPath<'_>, trusted: &Trusted) -> Result<(), PathError> {
        if self.authority_fault(trusted, path.intermediate_certificates().count()).is_some() {
            return Err(PathError::UnknownIssuer);
        }
        for issuer in path.intermediate_certificates() {
            let sent = self.chain.iter().find(|sent| *sent.to_der() == *issuer.der());
            if sent.is_none_or(|sent| sent.authority_fault().is_some()) {
                return Err(PathError::EndEntityUsedAsCa);
            }
            if sent.is_some_and(|sent| self.is_listed_elsewhere(sent)) {
                return Err(PathError::CertRevoked);
            }
        }
        if self.is_listed_elsewhere(self.leaf) { Err(PathError::CertRevoked) } else { Ok(()) }
    }

    /// Whether a list in the name of the certificate's issuer names it that the issuer's key has not
    /// signed: an authority may have another key for its lists (RFC 5280 §6.3.3), which we do not look
    /// for, and a revocation that cannot be attributed is still no reason to go on. The lists of another
    /// trusted authority of the same name are its own.
    fn is_listed_elsewhere(&self, certificate: &Certificate) -> bool {
        let of_issuer =
            |key: &PublicKey| Signed::of(certificate.to_der()).is_ok_and(|signed| signed.verify(key).is_ok());
        self.store.crls.iter().filter(|crl| crl.is_named_by_issuer_of(certificate)).any(|crl| {
            let attributed = self.chain.iter().any(|issuer| {
                issuer.subject_der() == certificate.issuer_der()
                    && crl.verify(issuer.public_key()).is_ok()
                    && of_issuer(issuer.public_key())
            });
            let trusted = || {
                let mut authorities = self.store.authorities.iter();
                authorities.any(|trusted| crl.verify(trusted.certificate.public_key()).is_ok())
            };
            crl.contains(certificate.serial()) && !attributed && !trusted()
        })
    }

    /// rustls-webpki asks it of intermediates too, where the extension is there; that the leaf must
    /// have it is checked by [`Case::judge_leaf`].
    fn usage(&self) -> Usage {
        Usage(self.purpose().map(|purpose| match purpose {
            Purpose::ServerAuth => KeyUsage::server_auth(),
            Purpose::ClientAuth => KeyUsage::client_auth(),
        }))
    }

    /// `None` where any will do.
    fn purpose(&self) -> Option<Purpose> {
        Some(match self.role {
            PeerRole::Any => return None,
            PeerRole::Server(_) => Purpose::ServerAuth,
            PeerRole::Client => Purpose::ClientAuth,
            PeerRole::Enrolled => {
                let usage = self.chain.first().and_then(|leaf| leaf.extensions().extended_key_usage.as_ref());
                match usage.is_some_and(|usage| usage.0.contains(&ID_KP_SERVER_AUTH)) {
                    true => Purpose::ServerAuth,
                    false => Purpose::ClientAuth,
                }
            }
        })
    }
}

/// rustls-webpki's check of ExtendedKeyUsage, or none.
struct Usage(Option<KeyUsage>);

impl ExtendedKeyUsageValidator for Usage {
    fn validate(&self, usages: KeyPurposeIdIter<'_, '_>) -> Result<(), PathError> {
        match &self.0 {
            Some(usage) => usage.validate(usages),
            // RFC 5280 §4.2.1.12 leaves it to the application, but what is there must be well-formed.
            None => usages.into_iter().try_for_each(|usage| usage.map(|_| ())),
        }
    }
}

/// What the leaf's ExtendedKeyUsage must name (RFC 5280 §4.2.1.12).
#[derive(Clone, Copy)]
enum Purpose {
    ServerAuth,
    ClientAuth,
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
    leaf: Certificate,
    chain: Vec<Certificate>,
}

impl VerifiedPeer {
    /// The leaf.
    pub fn certificate(&self) -> &Certificate {
        &self.leaf
    }

    /// As the peer sent it, leaf first.
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// The trusted authority that the chain leads to.
    pub fn authority(&self) -> &Certificate {
        &self.authority
    }
}

fn pki_time(time: UnixTime) -> PkiTime {
    PkiTime::since_unix_epoch(Duration::from_secs(time.0))
}

/// The name as rustls-webpki compares it; `None` for what no host has as its name: a wildcard, a mailbox,
/// a URI.
fn server_name(name: &GeneralName) -> Option<ServerName<'_>> {
    match name {
        GeneralName::Dns(dns) => DnsName::try_from(dns.as_str()).ok().map(ServerName::DnsName),
        GeneralName::Ip(address) => Some(ServerName::IpAddress((*address).into())),
        GeneralName::Email(_) | GeneralName::Uri(_) => None,
    }
}
