//! A certificate authority: signs what it is shown, decides extensions by profile.

mod template;

use core::time::Duration;
use std::sync::Arc;

use der::{Decode as _, Encode as _};
use spki::{DynSignatureAlgorithmIdentifier as _, SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use x509_cert::builder::CertificateBuilder;
use x509_cert::crl::CertificateList;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Validity as X509Validity;

use self::template::{Role, Template};
use super::moment::{show, x509_time};
use super::signature::{Signed, Signer};
use super::verify::outside;
use super::{
    Certificate, CertificateRequest, Crl, DistinguishedName, GeneralName, MAX_CHAIN_LEN, NameConstraints,
    PrivateKey, PublicKey, RevocationReason, Validity,
};
use crate::crypto::Random;
use crate::crypto::hash::HashAlgorithm;
use crate::error::{CertificateError, Error, KeyError, Result};
use crate::time::UnixTime;

/// What a certificate is for; decides KeyUsage, ExtendedKeyUsage and BasicConstraints, whatever
/// the request asks. See [`Authority::issue`].
///
/// ```
/// use otls::pki::Profile;
///
/// // The one that a bank asks for, and the one that its customer asks for.
/// assert_ne!(Profile::Server, Profile::Client);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// A TLS server: needs an alternative name.
    Server,
    /// A TLS client: needs a common name or an alternative name. Its KeyUsage also has keyEncipherment (RSA)
    /// or keyAgreement (EC), so that messages can be encrypted to it ([`crate::cms`]).
    Client,
    /// Both, for a program that takes connections and makes them; needs what a server needs.
    Both,
    /// An authority below this one, which may have at most `path_len` further ones below itself; no
    /// alternative names. See [`Authority::issue_authority`].
    Ca {
        /// pathLenConstraint (RFC 5280 §4.2.1.9): 0 is an authority that signs leaves only.
        path_len: u8,
    },
}

/// How much earlier than its first second a certificate starts, for clocks that lag.
pub const BACKDATE: Duration = Duration::from_secs(300);

/// What the certificate of an authority allows it, and for how long. Without more it may sign leaves and
/// revocation lists alone, for any names.
///
/// ```
/// use otls::pki::{AuthorityTerms, Validity};
///
/// let terms = AuthorityTerms::new(Validity::days(otls::UnixTime(1_800_000_000), 365)).with_path_len(1);
/// assert_eq!(terms.path_len(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct AuthorityTerms {
    validity: Validity,
    path_len: u8,
    constraints: Option<NameConstraints>,
}

impl AuthorityTerms {
    /// An authority that signs leaves.
    pub const fn new(validity: Validity) -> Self {
        Self { validity, path_len: 0, constraints: None }
    }

    /// With up to so many authorities below it, one under the other (pathLenConstraint, RFC 5280 §4.2.1.9).
    #[must_use]
    pub const fn with_path_len(mut self, path_len: u8) -> Self {
        self.path_len = path_len;
        self
    }

    /// It issues, and so do those below it, for names within these alone (RFC 5280 §4.2.1.10).
    #[must_use]
    pub fn with_constraints(mut self, constraints: NameConstraints) -> Self {
        self.constraints = Some(constraints);
        self
    }

    /// From when on, and for how long.
    pub const fn validity(&self) -> Validity {
        self.validity
    }

    /// How many authorities may be below it, one under the other.
    pub const fn path_len(&self) -> u8 {
        self.path_len
    }

    /// Its role, as the certificate says it.
    fn role(&self) -> Result<Role> {
        let constraints = self.constraints.as_ref().map(NameConstraints::to_x509).transpose()?;
        Ok(Role::Authority { path_len: self.path_len, constraints })
    }
}

impl From<Validity> for AuthorityTerms {
    fn from(validity: Validity) -> Self {
        Self::new(validity)
    }
}

/// An authority, a root or an intermediate: its certificate and key. Keeps no register; see
/// [`crate::est`] for one.
///
/// ```
/// use otls::crypto::{SystemRandom, hash::HashAlgorithm};
/// use otls::pki::{
///     Authority, CertificateRequest, DistinguishedName, GeneralName, KeyType, PrivateKey, Profile, Validity,
/// };
///
/// let (now, random) = (otls::UnixTime(1_800_000_000), SystemRandom);
/// let ca_key = PrivateKey::generate(KeyType::EcdsaP384, &random)?;
/// let ca_name = DistinguishedName::with_common_name("Private CA");
/// let ca = Authority::create(ca_key, &ca_name, HashAlgorithm::Sha384, Validity::days(now, 365), &random)?;
///
/// let key = PrivateKey::generate(KeyType::EcdsaP256, &random)?;
/// let bank = DistinguishedName::with_common_name("bank");
/// let names = [GeneralName::parse("bank.example")?];
/// let request = CertificateRequest::create(&key, &bank, &names, HashAlgorithm::Sha256, &random)?;
/// let certificate = ca.issue(&request, Profile::Server, Validity::days(now, 30), &random)?;
/// assert_eq!(certificate.public_key(), key.public_key());
/// assert!(!certificate.is_ca());
/// # Ok::<(), otls::Error>(())
/// ```
pub struct Authority {
    certificate: Certificate,
    name: Name,
    key: Arc<PrivateKey>,
    hash: HashAlgorithm,
    /// Its own certificate first.
    chain: Vec<Certificate>,
}

crate::shown::shown!(Authority, certificate);

impl Authority {
    /// A new authority with a self-signed certificate, on these terms; a [`Validity`] alone is one that may
    /// sign leaves and revocation lists, and no further authorities.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`] for a subject that is not acceptable and for constraints without a name,
    /// [`crate::Error::Key`] for a hash that is not the key's, [`crate::Error::ApiMisuse`] for a lifetime of 0.
    pub fn create(
        key: impl Into<Arc<PrivateKey>>,
        subject: &DistinguishedName,
        hash: HashAlgorithm,
        terms: impl Into<AuthorityTerms>,
        random: &dyn Random,
    ) -> Result<Self> {
        let (key, terms) = (key.into(), terms.into());
        subject.check()?;
        let signer = Signer::new(&key, hash)?;
        let template = Template { subject: subject.to_x509()?, role: terms.role()?, issuer: None };
        let validity = validity(terms.validity.from().minus(BACKDATE), terms.validity.end()?)?;
        let builder = builder(template, validity, key.public_key(), random)?;
        let certificate = encode(&signer.sign(builder, random)?)?;
        Self::load(certificate, key, hash)
    }

    /// An authority from its certificate and key; `hash` is what it signs with.
    ///
    /// # Errors
    /// Key mismatch; a certificate that is not a CA's; a hash that is not the key's.
    pub fn load(
        certificate: Certificate,
        key: impl Into<Arc<PrivateKey>>,
        hash: HashAlgorithm,
    ) -> Result<Self> {
        let key = key.into();
        if certificate.public_key() != key.public_key() {
            return Err(KeyError::CertificateMismatch.into());
        }
        if let Some(fault) = certificate.anchor_fault() {
            return Err(CertificateError::NotAuthority(fault.to_owned()).into());
        }
        Signer::new(&key, hash)?;
        let name = Name::from_der(certificate.subject_der()).map_err(|_| NOT_ENCODED)?;
        // The issuer of what it signs has to be its subject, octet for octet (RFC 5280 §7.1).
        if name.to_der().ok().as_deref() != Some(certificate.subject_der()) {
            return Err(CertificateError::NotAuthority("its subject is not encoded as DER".to_owned()).into());
        }
        Ok(Self { chain: vec![certificate.clone()], certificate, name, key, hash })
    }

    /// Gives an intermediate authority the certificates above it, each the issuer of the one before it,
    /// nearest first; the root may be there or not. A certificate of its own at the start is passed over.
    ///
    /// # Errors
    /// [`crate::error::CertificateError::NotAuthority`] for one that has not issued the one before it;
    /// [`crate::Error::ApiMisuse`] for more than [`MAX_CHAIN_LEN`].
    pub fn with_chain(mut self, issuers: Vec<Certificate>) -> Result<Self> {
        let mut chain = vec![self.certificate.clone()];
        for issuer in issuers.into_iter().skip_while(|one| *one == self.certificate) {
            if let Some(below) = chain.last()
                && let Some(fault) = issuing_fault(&issuer, below)
            {
                let (issuer, below) = (issuer.subject(), below.subject());
                return Err(CertificateError::NotAuthority(format!(
                    "{issuer} has not issued {below}: {fault}"
                ))
                .into());
            }
            chain.push(issuer);
        }
        // What it issues goes in front.
        if chain.len() >= MAX_CHAIN_LEN {
            return Err(Error::misuse(
                "a chain of more than 9 authorities",
                "pass the authority's issuers only",
            ));
        }
        self.chain = chain;
        Ok(self)
    }

    /// The authority's certificate and those of [`Authority::with_chain`]: what a holder of a
    /// certificate sends behind it, so that who trusts the root alone can verify it.
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// The authority's certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The authority's key, to be saved.
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// Issues a certificate for the request's key, subject and alternative names. The serial number
    /// is random (127 bits); validity starts a little ([`BACKDATE`]) earlier for clocks that lag, and ends
    /// with the authority's own at the latest.
    ///
    /// The subject and the alternative names are issued as they are asked for, all of them, or the request
    /// is refused; nothing is signed that was not checked. What is not asked for is added with
    /// [`CertificateRequest::with_further_names`]. A request without a subject is issued without one, with its
    /// alternative names critical (RFC 5280 §4.2.1.6). KeyUsage, ExtendedKeyUsage and BasicConstraints
    /// are the profile's: [`CertificateRequest::left_out_of`] tells what was asked for beyond it.
    ///
    /// # Errors
    /// [`crate::error::CertificateError::BadName`] for a subject with an attribute that is not acceptable
    /// ([`DistinguishedName::check`]); [`crate::error::CertificateError::Refused`] for alternative names or
    /// extensions of a kind that is not issued, for what the profile does not allow, or outside
    /// the authority's own validity; [`crate::Error::Random`].
    pub fn issue(
        &self,
        request: &CertificateRequest,
        profile: Profile,
        validity: Validity,
        random: &dyn Random,
    ) -> Result<Certificate> {
        self.check(request, profile, validity.from())?;
        self.issue_as(request, Role::of(profile, request.names())?, validity, random)
    }

    /// Issues the certificate of an authority below this one, on these terms.
    ///
    /// # Errors
    /// As [`Authority::issue`]; [`crate::error::CertificateError::Refused`] also for a path length that
    /// this authority's own does not allow, and for constraints without a name.
    pub fn issue_authority(
        &self,
        request: &CertificateRequest,
        terms: &AuthorityTerms,
        random: &dyn Random,
    ) -> Result<Certificate> {
        let profile = Profile::Ca { path_len: terms.path_len };
        self.check(request, profile, terms.validity.from())?;
        self.issue_as(request, terms.role()?, terms.validity, random)
    }

    fn issue_as(
        &self,
        request: &CertificateRequest,
        role: Role,
        valid: Validity,
        random: &dyn Random,
    ) -> Result<Certificate> {
        let template = Template {
            subject: request.subject().to_x509()?,
            role,
            issuer: Some((self.name.clone(), self.key_identifier()?)),
        };
        let not_before = valid.from().minus(BACKDATE).max(self.certificate.not_before());
        let not_after = valid.end()?.min(self.certificate.not_after());
        let builder = builder(template, validity(not_before, not_after)?, request.public_key(), random)?;
        let certificate = encode(&Signer::new(&self.key, self.hash)?.sign(builder, random)?)?;
        // RFC 5280 §4.2.1.10: nobody would accept it.
        match outside(&certificate, &self.certificate) {
            Some(fault) => Err(CertificateError::Refused(fault).into()),
            None => Ok(certificate),
        }
    }

    /// Signs a revocation list of (serial number, time, reason), of the first second of `validity`.
    /// `number` must grow from list to list (RFC 5280 §5.2.3).
    ///
    /// # Errors
    /// [`crate::Error::Certificate`] for a serial number that is empty or has more than 20 octets, or
    /// an authority that may not sign revocation lists; [`crate::Error::Random`].
    pub fn issue_crl(
        &self,
        revoked: &[(Vec<u8>, UnixTime, RevocationReason)],
        number: u64,
        validity: Validity,
        random: &dyn Random,
    ) -> Result<Crl> {
        self.check_now(validity.from())?;
        let usage = self.certificate.extensions().key_usage.as_ref();
        if usage.is_some_and(|usage| !usage.crl_sign()) {
            return Err(CertificateError::NotAuthority("KeyUsage lacks cRLSign".to_owned()).into());
        }
        let signer = Signer::new(&self.key, self.hash)?;
        let signature_algorithm = signer.signature_algorithm_identifier().map_err(|_| NOT_ENCODED)?;
        let tbs_cert_list = super::crl::tbs_cert_list(
            self.name.clone(),
            signature_algorithm.clone(),
            &self.key_identifier()?,
            revoked,
            number,
            validity.of_list()?,
        )?;
        let message = tbs_cert_list.to_der().map_err(|_| NOT_ENCODED)?;
        let signature = signer.sign_octets(&message, random)?;
        let list = CertificateList { tbs_cert_list, signature_algorithm, signature };
        Crl::of_der(list.to_der().map_err(|_| NOT_ENCODED)?)
    }

    fn check(&self, request: &CertificateRequest, profile: Profile, now: UnixTime) -> Result<()> {
        self.check_now(now)?;
        self.check_request(request, profile)
    }

    fn check_now(&self, now: UnixTime) -> Result<()> {
        let (not_before, not_after) = (self.certificate.not_before(), self.certificate.not_after());
        if now > not_after {
            return Err(refused(format!("its own certificate expired at {}", show(not_after))));
        }
        if now < not_before {
            return Err(refused(format!("its own certificate is not valid before {}", show(not_before))));
        }
        Ok(())
    }

    fn check_request(&self, request: &CertificateRequest, profile: Profile) -> Result<()> {
        // RFC 5280 §4.2.1.6: without a subject, the alternative names, which are critical then, say who it is.
        let is_authority = matches!(profile, Profile::Ca { .. });
        if is_authority || !request.subject().is_empty() || request.names().is_empty() {
            request.subject().check()?;
        }
        if is_authority && request.has_further_names() {
            return Err(refused("an authority's certificate has no alternative names to add".to_owned()));
        }
        // What is left out in silence is believed to be there.
        if let Some(what) = request.unissued() {
            return Err(refused(format!("the request asks for {what}: make one without it")));
        }
        if request.subject().values("CN").len() > 1 {
            return Err(refused("the requested subject has two common names".to_owned()));
        }
        let is_host = |name: &GeneralName| matches!(name, GeneralName::Dns(_) | GeneralName::Ip(_));
        match profile {
            Profile::Server | Profile::Both if !request.names().iter().any(is_host) => {
                return Err(refused(
                    "a server needs an alternative name (DNS name or IP address), and the request has none: \
                     add it when the certificate is issued, or have it asked for"
                        .to_owned(),
                ));
            }
            Profile::Client if request.names().is_empty() && request.subject().common_name().is_empty() => {
                return Err(refused("a client needs a common name".to_owned()));
            }
            Profile::Ca { path_len } => self.check_path_len(path_len)?,
            Profile::Server | Profile::Client | Profile::Both => {}
        }
        // A leaf with the authority's name would pass for self-issued (RFC 5280 §6.1), one with its
        // key would let its holder sign as the authority.
        if request.subject() == self.certificate.subject() {
            return Err(refused("the requested subject is the authority's own".to_owned()));
        }
        if request.public_key() == self.certificate.public_key() {
            return Err(refused("the requested key is the authority's own".to_owned()));
        }
        Ok(())
    }

    /// RFC 5280 §4.2.1.9: what is below this authority counts towards its own path length too.
    fn check_path_len(&self, path_len: u8) -> Result<()> {
        match self.certificate.path_length() {
            Some(0) => Err(refused("its own path length is 0: it signs no authorities".to_owned())),
            Some(own) if path_len >= own => Err(refused(format!(
                "its own path length is {own}, below it is at most {}",
                own.saturating_sub(1)
            ))),
            Some(_) | None => Ok(()),
        }
    }

    /// RFC 5280 §4.2.1.1: the same as the authority's subject key identifier.
    fn key_identifier(&self) -> Result<AuthorityKeyIdentifier> {
        match &self.certificate.extensions().subject_key_identifier {
            Some(own) => {
                Ok(AuthorityKeyIdentifier { key_identifier: Some(own.0.clone()), ..Default::default() })
            }
            None => SubjectPublicKeyInfoRef::try_from(self.certificate.public_key().to_der())
                .map_err(|_| NOT_ENCODED)
                .and_then(|key| AuthorityKeyIdentifier::try_from(key).map_err(|_| NOT_ENCODED)),
        }
    }
}

const NOT_ENCODED: Error = Error::Internal("a certificate or revocation list does not encode");

/// Why `issuer` has not issued `below`.
fn issuing_fault<'a>(issuer: &'a Certificate, below: &Certificate) -> Option<&'a str> {
    if issuer.subject_der() != below.issuer_der() {
        return Some("the issuer's name is another");
    }
    if let Some(fault) = issuer.anchor_fault() {
        return Some(fault);
    }
    let signed = Signed::of(below.to_der()).is_ok_and(|signed| signed.verify(issuer.public_key()).is_ok());
    (!signed).then_some("the signature is another's")
}

fn refused(why: String) -> Error {
    CertificateError::Refused(why).into()
}

fn builder(
    template: Template,
    validity: X509Validity,
    key: &PublicKey,
    random: &dyn Random,
) -> Result<CertificateBuilder<Template>> {
    let key = SubjectPublicKeyInfoOwned::from_der(key.to_der()).map_err(|_| NOT_ENCODED)?;
    CertificateBuilder::new(template, serial_number(random)?, validity, key).map_err(|_| NOT_ENCODED)
}

/// RFC 5280 §4.1.2.2: positive and at most 20 octets; random, so that nobody can predict what will be
/// signed and no counter has to survive a crash.
fn serial_number(random: &dyn Random) -> Result<SerialNumber> {
    let mut octets = [0; 16];
    random.fill(&mut octets)?;
    let [first, ..] = &mut octets;
    *first &= 0x7F;
    if octets == [0; 16] {
        return Err(Error::Random);
    }
    SerialNumber::new(&octets).map_err(|_| NOT_ENCODED)
}

fn validity(not_before: UnixTime, not_after: UnixTime) -> Result<X509Validity> {
    Ok(X509Validity::new(x509_time(not_before)?, x509_time(not_after)?))
}

fn encode(certificate: &x509_cert::Certificate) -> Result<Certificate> {
    Certificate::of_der(&certificate.to_der().map_err(|_| NOT_ENCODED)?)
}
