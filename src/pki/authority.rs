//! A certificate authority: signs what it is shown, decides extensions by profile.

mod template;

use core::time::Duration;
use std::sync::Arc;

use der::{DateTime, Decode as _, Encode as _};
use spki::{DynSignatureAlgorithmIdentifier as _, SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use x509_cert::builder::CertificateBuilder;
use x509_cert::crl::CertificateList;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::{Time, Validity};

use self::template::{Role, Template};
use super::signature::{Signed, Signer};
use super::{
    Certificate, CertificateRequest, Crl, DistinguishedName, GeneralName, MAX_CHAIN_LEN, NameConstraints,
    PrivateKey, PublicKey, RevocationReason,
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

/// How much earlier than `now` a certificate starts, in seconds, for clocks that lag.
pub const BACKDATE_SECONDS: u64 = 300;

/// An authority, a root or an intermediate: its certificate and key. Keeps no register; see
/// [`crate::est`] for one.
///
/// ```
/// use otls::crypto::{SystemRandom, hash::HashAlgorithm};
/// use otls::pki::{Authority, CertificateRequest, DistinguishedName, GeneralName, KeyType, PrivateKey, Profile};
///
/// let (now, random) = (otls::UnixTime(1_800_000_000), SystemRandom);
/// let ca_key = PrivateKey::generate(KeyType::EcdsaP384, &random)?;
/// let ca_name = DistinguishedName::with_common_name("Private CA");
/// let ca = Authority::create(ca_key, &ca_name, HashAlgorithm::Sha384, 365 * 86_400, now, &random)?;
///
/// let key = PrivateKey::generate(KeyType::EcdsaP256, &random)?;
/// let bank = DistinguishedName::with_common_name("bank");
/// let names = [GeneralName::parse("bank.example")?];
/// let request = CertificateRequest::create(&key, &bank, &names, HashAlgorithm::Sha256, &random)?;
/// let certificate = ca.issue(&request, Profile::Server, 30 * 86_400, now, &random)?;
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
    /// A new authority with a self-signed certificate for `lifetime` seconds from `now`; it may sign
    /// leaves and revocation lists, and no further authorities (pathLenConstraint is 0).
    ///
    /// # Errors
    /// [`crate::Error::Certificate`] for a subject that is not acceptable, [`crate::Error::Key`] for
    /// a hash that is not the key's, [`crate::Error::ApiMisuse`] for a lifetime of 0.
    pub fn create(
        key: impl Into<Arc<PrivateKey>>,
        subject: &DistinguishedName,
        hash: HashAlgorithm,
        lifetime: u64,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Self> {
        Self::create_root(key, subject, hash, 0, lifetime, now, random)
    }

    /// As [`Authority::create`], for an authority with up to `path_len` authorities below it, one under
    /// the other.
    ///
    /// # Errors
    /// As [`Authority::create`].
    pub fn create_root(
        key: impl Into<Arc<PrivateKey>>,
        subject: &DistinguishedName,
        hash: HashAlgorithm,
        path_len: u8,
        lifetime: u64,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Self> {
        let key = key.into();
        subject.check()?;
        let signer = Signer::new(&key, hash)?;
        let role = Role::Authority { path_len, constraints: None };
        let template = Template { subject: subject.to_x509()?, role, issuer: None };
        let validity = validity(now.minus(BACKDATE_SECONDS), end(lifetime, now)?)?;
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
    /// is random (127 bits); validity starts a little before `now` for clocks that lag, and ends
    /// `lifetime` seconds after it or with the authority's own.
    ///
    /// The subject and the alternative names are issued as they are asked for, all of them, or the request
    /// is refused; nothing is signed that was not checked. KeyUsage, ExtendedKeyUsage and BasicConstraints
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
        lifetime: u64,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Certificate> {
        self.issue_as(request, profile, None, lifetime, now, random)
    }

    /// Issues the certificate of an authority below this one, which may have `path_len` further ones
    /// below itself and issue for names within `constraints` only (RFC 5280 §4.2.1.10).
    ///
    /// # Errors
    /// As [`Authority::issue`]; [`crate::error::CertificateError::Refused`] also for a path length that
    /// this authority's own does not allow, and for constraints without a name.
    pub fn issue_authority(
        &self,
        request: &CertificateRequest,
        path_len: u8,
        constraints: &NameConstraints,
        lifetime: u64,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Certificate> {
        self.issue_as(request, Profile::Ca { path_len }, Some(constraints), lifetime, now, random)
    }

    fn issue_as(
        &self,
        request: &CertificateRequest,
        profile: Profile,
        constraints: Option<&NameConstraints>,
        lifetime: u64,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Certificate> {
        self.check_now(now)?;
        self.check_request(request, profile)?;
        let constraints = constraints.map(NameConstraints::to_x509).transpose()?;
        let template = Template {
            subject: request.subject().to_x509()?,
            role: Role::of(profile, request.names(), constraints)?,
            issuer: Some((self.name.clone(), self.key_identifier()?)),
        };
        let not_before = now.minus(BACKDATE_SECONDS).max(self.certificate.not_before());
        let not_after = end(lifetime, now)?.min(self.certificate.not_after());
        let builder = builder(template, validity(not_before, not_after)?, request.public_key(), random)?;
        encode(&Signer::new(&self.key, self.hash)?.sign(builder, random)?)
    }

    /// Signs a revocation list of (serial number, time, reason), valid until `now` + `lifetime`.
    /// `number` must grow from list to list (RFC 5280 §5.2.3).
    ///
    /// # Errors
    /// [`crate::Error::Certificate`] for a serial number that is empty or has more than 20 octets, or
    /// an authority that may not sign revocation lists; [`crate::Error::Random`].
    pub fn issue_crl(
        &self,
        revoked: &[(Vec<u8>, UnixTime, RevocationReason)],
        number: u64,
        lifetime: u64,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Crl> {
        self.check_now(now)?;
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
            (x509_time(now)?, x509_time(end(lifetime, now)?)?),
        )?;
        let message = tbs_cert_list.to_der().map_err(|_| NOT_ENCODED)?;
        let signature = signer.sign_octets(&message, random)?;
        let list = CertificateList { tbs_cert_list, signature_algorithm, signature };
        Crl::of_der(list.to_der().map_err(|_| NOT_ENCODED)?)
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
        request.subject().check()?;
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
                    "a server needs an alternative name (DNS name or IP address)".to_owned(),
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
/// RFC 5280 §4.1.2.5: 99991231235959Z, the last time that there is.
const LAST_TIME: UnixTime = UnixTime(253_402_300_799);

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
    validity: Validity,
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

fn end(lifetime: u64, now: UnixTime) -> Result<UnixTime> {
    if lifetime == 0 {
        return Err(Error::misuse("a lifetime of 0 seconds", "pass how long it shall be valid"));
    }
    Ok(now.plus(lifetime).min(LAST_TIME))
}

fn validity(not_before: UnixTime, not_after: UnixTime) -> Result<Validity> {
    Ok(Validity::new(x509_time(not_before)?, x509_time(not_after)?))
}

/// RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime after.
pub(super) fn x509_time(time: UnixTime) -> Result<Time> {
    let date = DateTime::from_unix_duration(Duration::from_secs(time.0));
    date.map(Time::from).map_err(|_| Error::misuse("a time after the year 9999", "pass the time now"))
}

/// A time as RFC 3339 has it.
pub(super) fn show(time: UnixTime) -> String {
    match DateTime::from_unix_duration(Duration::from_secs(time.0)) {
        Ok(date) => date.to_string(),
        Err(_) => format!("second {}", time.0),
    }
}

fn encode(certificate: &x509_cert::Certificate) -> Result<Certificate> {
    Certificate::of_der(&certificate.to_der().map_err(|_| NOT_ENCODED)?)
}
