//! Certificate revocation lists (RFC 5280 §5).

mod scope;

use std::sync::Arc;

use der::{Decode as _, Encode as _};
use spki::AlgorithmIdentifierOwned;
use x509_cert::certificate::Version;
use x509_cert::crl::{CertificateList, RevokedCert, TbsCertList};
use x509_cert::ext::ToExtension as _;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, CrlNumber, CrlReason};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Time;

pub(super) use scope::{Entry, Scope, all_reasons};

use scope::Entries;

use super::authority::x509_time;
use super::certificate::without_leading_zeros;
use super::extensions::one_extension;
use super::pem::{self, Kind};
use super::{DistinguishedName, text};
use crate::error::{CertificateError, Error, Result};
use crate::time::UnixTime;

/// The most octets of a list: about half a million revoked certificates.
pub const MAX_CRL_LEN: usize = 32 << 20;

/// Why a certificate was revoked (RFC 5280 §5.3.1). See [`Crl`] for its use.
///
/// ```
/// use otls::pki::RevocationReason;
///
/// let lost_phone = RevocationReason::KeyCompromise;
/// assert_ne!(lost_phone, RevocationReason::Superseded);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationReason {
    /// No reason given.
    Unspecified,
    /// The private key may be known to others.
    KeyCompromise,
    /// The holder is no longer who it was.
    AffiliationChanged,
    /// A newer certificate took its place.
    Superseded,
    /// No longer used.
    CessationOfOperation,
}

/// An entry of a revocation list: see [`Crl::revoked`].
///
/// ```
/// use otls::pki::{Crl, Revoked};
///
/// fn newest(list: &Crl) -> Option<Revoked> {
///     list.revoked().into_iter().max_by_key(|entry| entry.at)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revoked {
    /// The certificate's serial number, big-endian, without leading zero octets.
    pub serial: Vec<u8>,
    /// Since when.
    pub at: UnixTime,
    /// Why, in the words of RFC 5280 §5.3.1, for example `keyCompromise`; `unspecified` where the list
    /// does not say.
    pub reason: &'static str,
}

/// A revocation list, decoded; its signature is checked by the verifier. Cheap to clone.
///
/// ```
/// use otls::crypto::{SystemRandom, hash::HashAlgorithm};
/// use otls::pki::{Authority, Crl, DistinguishedName, KeyType, PrivateKey, RevocationReason};
///
/// let (now, random) = (otls::UnixTime(1_800_000_000), SystemRandom);
/// let key = PrivateKey::generate(KeyType::EcdsaP256, &random)?;
/// let name = DistinguishedName::with_common_name("Private CA");
/// let ca = Authority::create(key, &name, HashAlgorithm::Sha256, 86_400, now, &random)?;
///
/// let revoked = [(vec![0x2A], now, RevocationReason::KeyCompromise)];
/// let crl = Crl::load(ca.issue_crl(&revoked, 1, 3600, now, &random)?.to_der())?;
/// assert!(crl.contains(&[0x2A]));
/// assert_eq!(crl.next_update(), now.plus(3600));
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone)]
pub struct Crl(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    /// DER.
    issuer: Vec<u8>,
    number: Vec<u8>,
    this_update: UnixTime,
    next_update: UnixTime,
    scope: Scope,
    entries: Entries,
}

impl Crl {
    /// Loads PEM or DER: version 2 with nextUpdate, as RFC 5280 §5 requires of every issuer. Lists for
    /// some certificates or reasons only, of other issuers, and delta lists load too; verification takes
    /// each for what it is (RFC 5280 §6.3).
    ///
    /// # Errors
    /// [`crate::Error::Certificate`].
    pub fn load(data: &[u8]) -> Result<Self> {
        let sections = pem::sections(data).map_err(CertificateError::Malformed)?;
        let list = sections.iter().find(|section| section.kind == Kind::Crl);
        match (list, sections.as_slice()) {
            (Some(list), _) => Self::of_der(&list.der().map_err(CertificateError::Malformed)?),
            (None, [only]) if only.kind == Kind::Unknown && pem::is_der(data) => Self::of_der(data),
            _ => Err(CertificateError::NotFound(pem::describe(data, &sections)).into()),
        }
    }

    /// DER.
    pub fn to_der(&self) -> &[u8] {
        &self.0.der
    }

    /// PEM.
    pub fn to_pem(&self) -> String {
        pem::encode("X509 CRL", &self.0.der)
    }

    /// The issuer.
    pub fn issuer(&self) -> DistinguishedName {
        self.parsed().and_then(|list| DistinguishedName::of_x509(&list.issuer).ok()).unwrap_or_default()
    }

    /// The CRL number, big-endian, without leading zero octets.
    pub fn number(&self) -> &[u8] {
        without_leading_zeros(&self.0.number)
    }

    /// The entries, in the list's order. Decoded anew at each call.
    pub fn revoked(&self) -> Vec<Revoked> {
        let entries = self.parsed().and_then(|list| list.revoked_certificates).unwrap_or_default();
        entries.iter().map(Revoked::of).collect()
    }

    /// All of it for a person to read, laid out as by `openssl crl -text`; what could move a terminal's
    /// cursor is escaped.
    pub fn to_text(&self) -> String {
        text::of_crl(self)
    }

    /// thisUpdate: when it was issued.
    pub fn this_update(&self) -> UnixTime {
        self.0.this_update
    }

    /// nextUpdate: from it on the list is stale and verification refuses.
    pub fn next_update(&self) -> UnixTime {
        self.0.next_update
    }

    /// Whether the list names this serial number (big-endian; leading zero octets do not matter) of a
    /// certificate that the list's own issuer has issued.
    pub fn contains(&self, serial: &[u8]) -> bool {
        // The entries have the octets of INTEGERs: a zero octet comes before a high first bit.
        let mut integer = without_leading_zeros(serial).to_vec();
        if integer.first().is_none_or(|first| *first >= 0x80) {
            integer.insert(0, 0);
        }
        self.0.entries.find(&integer, &self.0.issuer).is_some_and(|entry| !entry.is_removed)
    }

    pub(super) fn of_der(der: &[u8]) -> Result<Self> {
        if der.len() > MAX_CRL_LEN {
            return Err(CertificateError::Malformed("the revocation list has more than 32 MiB").into());
        }
        const MALFORMED: CertificateError =
            CertificateError::Malformed("the revocation list is not as in RFC 5280, or cut short");
        let list = <CertificateList>::from_der(der).map_err(|_| MALFORMED)?;
        let parsed = list.tbs_cert_list;
        if parsed.version != Version::V2 || parsed.signature != list.signature_algorithm {
            return Err(MALFORMED.into());
        }
        let extensions = parsed.crl_extensions.unwrap_or_default();
        let number = one_extension::<CrlNumber>(&extensions).map_err(|()| MALFORMED)?;
        let issuer = parsed.issuer.to_der().map_err(|_| MALFORMED)?;
        let mut scope = Scope::of(&extensions).ok_or(MALFORMED)?;
        let revoked = parsed.revoked_certificates.unwrap_or_default();
        let entries = Entries::of(&revoked, &issuer, &mut scope).ok_or(MALFORMED)?;
        Ok(Self(Arc::new(Inner {
            der: der.to_vec(),
            issuer,
            number: number.map(|number| number.0.as_bytes().to_vec()).unwrap_or_default(),
            this_update: unix_time(parsed.this_update),
            next_update: unix_time(parsed.next_update.ok_or(MALFORMED)?),
            scope,
            entries,
        })))
    }

    pub(super) fn parsed(&self) -> Option<TbsCertList> {
        Some(<CertificateList>::from_der(&self.0.der).ok()?.tbs_cert_list)
    }

    /// DER.
    pub(super) fn issuer_der(&self) -> &[u8] {
        &self.0.issuer
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// The entry of a certificate with this serial number (content of the INTEGER) and issuer (DER).
    pub(super) fn entry(&self, serial: &[u8], issuer: &[u8]) -> Option<&Entry> {
        self.0.entries.find(serial, issuer)
    }

    /// What makes one list of an authority newer than another: time, then number.
    pub(super) fn age(&self) -> (UnixTime, usize, &[u8]) {
        let number = without_leading_zeros(&self.0.number);
        (self.0.this_update, number.len(), number)
    }
}

impl Revoked {
    fn of(entry: &RevokedCert) -> Self {
        let extensions = entry.crl_entry_extensions.as_deref().unwrap_or_default();
        let reason = one_extension::<CrlReason>(extensions).ok().flatten();
        Self {
            serial: without_leading_zeros(entry.serial_number.as_bytes()).to_vec(),
            at: unix_time(entry.revocation_date),
            reason: reason.map_or("unspecified", reason_name),
        }
    }
}

const fn reason_name(reason: CrlReason) -> &'static str {
    match reason {
        CrlReason::Unspecified => "unspecified",
        CrlReason::KeyCompromise => "keyCompromise",
        CrlReason::CaCompromise => "cACompromise",
        CrlReason::AffiliationChanged => "affiliationChanged",
        CrlReason::Superseded => "superseded",
        CrlReason::CessationOfOperation => "cessationOfOperation",
        CrlReason::CertificateHold => "certificateHold",
        CrlReason::RemoveFromCRL => "removeFromCRL",
        CrlReason::PrivilegeWithdrawn => "privilegeWithdrawn",
        CrlReason::AaCompromise => "aACompromise",
    }
}

impl RevocationReason {
    /// RFC 5280 §5.3.1: no reason is said by leaving the extension out.
    const fn to_x509(self) -> Option<CrlReason> {
        match self {
            Self::Unspecified => None,
            Self::KeyCompromise => Some(CrlReason::KeyCompromise),
            Self::AffiliationChanged => Some(CrlReason::AffiliationChanged),
            Self::Superseded => Some(CrlReason::Superseded),
            Self::CessationOfOperation => Some(CrlReason::CessationOfOperation),
        }
    }
}

/// The list of these certificates, to be signed. x509-cert's own builder would copy the issuer's
/// authority key identifier, which is the one of *its* issuer.
pub(super) fn tbs_cert_list(
    issuer: Name,
    signature: AlgorithmIdentifierOwned,
    authority_key_identifier: &AuthorityKeyIdentifier,
    revoked: &[(Vec<u8>, UnixTime, RevocationReason)],
    number: u64,
    (this_update, next_update): (Time, Time),
) -> Result<TbsCertList> {
    let number = CrlNumber::try_from(number).map_err(|_| NOT_ENCODED)?;
    let mut extensions = Vec::new();
    for extension in
        [authority_key_identifier.to_extension(&issuer, &[]), (&number).to_extension(&issuer, &[])]
    {
        extensions.push(extension.map_err(|_| NOT_ENCODED)?);
    }
    let revoked = revoked.iter().map(revoked_cert).collect::<Result<Vec<_>>>()?;
    Ok(TbsCertList {
        version: Version::V2,
        signature,
        issuer,
        this_update,
        next_update: Some(next_update),
        // RFC 5280 §5.1.2.6: absent when there are none.
        revoked_certificates: (!revoked.is_empty()).then_some(revoked),
        crl_extensions: Some(extensions),
    })
}

fn revoked_cert((serial, at, reason): &(Vec<u8>, UnixTime, RevocationReason)) -> Result<RevokedCert> {
    let serial = without_leading_zeros(serial);
    if serial.is_empty() {
        return Err(CertificateError::Malformed("a serial number of 0 to revoke").into());
    }
    let serial_number = SerialNumber::new(serial)
        .map_err(|_| CertificateError::Malformed("a serial number of more than 20 octets to revoke"))?;
    let reason = reason
        .to_x509()
        .map(|reason| reason.to_extension(&Name::default(), &[]).map_err(|_| NOT_ENCODED))
        .transpose()?;
    Ok(RevokedCert {
        serial_number,
        revocation_date: x509_time(*at)?,
        crl_entry_extensions: reason.map(|reason| vec![reason]),
    })
}

const NOT_ENCODED: Error = Error::Internal("a revocation list does not encode");

fn unix_time(time: Time) -> UnixTime {
    UnixTime(time.to_unix_duration().as_secs())
}
