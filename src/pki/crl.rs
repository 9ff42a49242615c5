//! Certificate revocation lists (RFC 5280 §5).

mod entries;
mod scope;
#[cfg(test)]
mod tests;

use core::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use der::{Decode as _, Tag, TagNumber};
use spki::AlgorithmIdentifierOwned;
use x509_cert::certificate::Version;
use x509_cert::crl::{RevokedCert, TbsCertList};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, CrlNumber, CrlReason};
use x509_cert::ext::{Extension, ToExtension as _};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Time;

pub(super) use scope::{Scope, all_reasons};

use entries::{Cursor, Entries, Entry};

use super::certificate::without_leading_zeros;
use super::encoded::{MAX_ELEMENTS, has_at_most};
use super::found;
use super::key::sha256;
use super::moment::x509_time;
use super::pem::{self, Kind};
use super::signature::{SignatureFault, Signed, Unsupported};
use super::{DistinguishedName, PublicKey};
use crate::error::{CertificateError, Error, Result};
use crate::time::UnixTime;

/// The most octets of a list, DER: a million revoked certificates with 20 octets of serial number and a
/// reason have 53,000,000.
pub const MAX_CRL_LEN: usize = 64 << 20;
/// The most keys of which a list remembers whether they have signed it.
const MAX_KNOWN_SIGNERS: usize = 16;

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

/// A revocation list, decoded; its signature is checked by the verifier, once for each key of an authority.
/// Cheap to clone; takes its DER and 4 octets for each entry in memory.
///
/// ```
/// use core::time::Duration;
/// use otls::crypto::{SystemRandom, hash::HashAlgorithm};
/// use otls::pki::{Validity, Authority, Crl, DistinguishedName, KeyType, PrivateKey, RevocationReason};
///
/// let (now, random) = (otls::UnixTime(1_800_000_000), SystemRandom);
/// let key = PrivateKey::generate(KeyType::EcdsaP256, &random)?;
/// let name = DistinguishedName::with_common_name("Private CA");
/// let ca = Authority::create(key, &name, HashAlgorithm::Sha256, Validity::days(now, 1), &random)?;
///
/// let revoked = [(vec![0x2A], now, RevocationReason::KeyCompromise)];
/// let crl = Crl::load(ca.issue_crl(&revoked, 1, Validity::new(now, Duration::from_secs(3600)), &random)?.to_der())?;
/// assert!(crl.contains(&[0x2A]));
/// assert_eq!(crl.next_update(), now.plus(Duration::from_secs(3600)));
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone)]
pub struct Crl(Arc<Inner>);

crate::shown::shown!(Crl, number);

struct Inner {
    der: Vec<u8>,
    places: Places,
    issuer: DistinguishedName,
    this_update: UnixTime,
    next_update: UnixTime,
    scope: Scope,
    entries: Entries,
    /// Whether these keys have signed the list: that depends on nothing else, whatever else a store trusts.
    signers: Mutex<Vec<(PublicKey, Result<(), SignatureFault>)>>,
    fingerprint: OnceLock<[u8; 32]>,
}

impl Crl {
    /// Loads one list, PEM or DER: version 2 with nextUpdate and a number, as RFC 5280 §5 requires of every
    /// issuer. Lists for some certificates or reasons only, of other issuers, and delta lists load too;
    /// verification takes each for what it is (RFC 5280 §6.3).
    ///
    /// # Errors
    /// [`crate::Error::Certificate`], also for a file with anything beside the one list: see
    /// [`Crl::load_all`].
    pub fn load(data: &[u8]) -> Result<Self> {
        let sections = found::sections(data).map_err(CertificateError::from)?;
        let is_list = |kind| kind == Kind::Crl;
        let list = found::the_one(data, &sections, is_list, "load all lists of a file with load_all");
        Self::of_section(list.map_err(CertificateError::from)?)
    }

    /// Loads all lists of a PEM bundle, or the one of DER; at least one, in order. A bundle loads whole or not
    /// at all.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`], also for a file with anything beside lists.
    ///
    /// ```
    /// use core::time::Duration;
    /// # use otls::crypto::{SystemRandom, hash::HashAlgorithm};
    /// # use otls::pki::{Validity, Authority, DistinguishedName, KeyType, PrivateKey};
    /// use otls::pki::Crl;
    /// # let (now, random) = (otls::UnixTime(1_800_000_000), SystemRandom);
    /// # let key = PrivateKey::generate(KeyType::EcdsaP256, &random)?;
    /// # let name = DistinguishedName::with_common_name("Private CA");
    /// # let ca = Authority::create(key, &name, HashAlgorithm::Sha256, Validity::days(now, 1), &random)?;
    /// # let list = |number| ca.issue_crl(&[], number, Validity::new(now, Duration::from_secs(3600)), &random).map(|list| list.to_pem());
    ///
    /// let bundle = [list(1)?, list(2)?].concat();
    /// assert_eq!(Crl::load_all(bundle.as_bytes())?.len(), 2);
    /// assert!(Crl::load(bundle.as_bytes()).is_err());
    /// # Ok::<(), otls::Error>(())
    /// ```
    pub fn load_all(data: &[u8]) -> Result<Vec<Self>> {
        let sections = found::sections(data).map_err(CertificateError::from)?;
        if sections.len() < 2 || sections.iter().any(|section| section.kind != Kind::Crl) {
            let is_list = |kind| kind == Kind::Crl;
            let list = found::the_one(data, &sections, is_list, "and revocation lists alone are loaded here");
            return Ok(vec![Self::of_section(list.map_err(CertificateError::from)?)?]);
        }
        sections.iter().map(Self::of_section).collect()
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
        self.issuer_name().clone()
    }

    /// The CRL number, big-endian, without leading zero octets.
    pub fn number(&self) -> &[u8] {
        &self.0.scope.number
    }

    /// The entries, in the list's order. Decoded anew at each call.
    pub fn revoked(&self) -> Vec<Revoked> {
        let mut cursor = Cursor::new(&self.0.der, self.0.places.entries.clone());
        let mut revoked = Vec::new();
        while let Some(entry) = Entry::read(&mut cursor).and_then(|entry| Revoked::of(&self.0.der, &entry)) {
            revoked.push(entry);
        }
        revoked
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
        self.revokes(&integer, self.issuer_name()) == Some(true)
    }

    fn of_section(section: &pem::Section<'_>) -> Result<Self> {
        let mut der = section.der().map_err(CertificateError::Malformed)?;
        // Taken, not copied: a list may be large, and is no secret.
        Self::of_der(core::mem::take(&mut *der))
    }

    pub(super) fn of_der(der: Vec<u8>) -> Result<Self> {
        if der.len() > MAX_CRL_LEN {
            return Err(CertificateError::Malformed("the revocation list has more than 64 MiB").into());
        }
        const MALFORMED: CertificateError =
            CertificateError::Malformed("the revocation list is not as in RFC 5280, or cut short");
        let (places, this_update, next_update) =
            Places::of(&der).ok_or_else(|| fault(&der).unwrap_or(MALFORMED))?;
        let name = der.get(places.issuer.clone()).filter(|name| has_at_most(MAX_ELEMENTS, name));
        let name = name.and_then(|name| Name::from_der(name).ok()).ok_or(MALFORMED)?;
        let issuer = DistinguishedName::of_x509(&name)?;
        let extensions = places.extensions(&der).ok_or(MALFORMED)?;
        let mut scope = Scope::of(&extensions).map_err(CertificateError::Malformed)?;
        let entries = Entries::of(&der, places.entries.clone(), &mut scope).ok_or(MALFORMED)?;
        Ok(Self(Arc::new(Inner {
            der,
            places,
            issuer,
            this_update,
            next_update,
            scope,
            entries,
            signers: Mutex::default(),
            fingerprint: OnceLock::new(),
        })))
    }

    /// The list's own extensions.
    pub(super) fn extensions(&self) -> Vec<Extension> {
        self.0.places.extensions(&self.0.der).unwrap_or_default()
    }

    /// DER.
    pub(super) fn issuer_der(&self) -> &[u8] {
        self.0.der.get(self.0.places.issuer.clone()).unwrap_or_default()
    }

    pub(super) fn issuer_name(&self) -> &DistinguishedName {
        &self.0.issuer
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// Whether the certificate with this serial number (content of the INTEGER) and issuer is revoked:
    /// `Some(false)` for what a delta list takes back, `None` where the list does not name it.
    pub(super) fn revokes(&self, serial: &[u8], issuer: &DistinguishedName) -> Option<bool> {
        self.0.entries.revokes(&self.0.der, serial, issuer, self.issuer_name())
    }

    /// What the list is signed with, where nobody accepts that.
    pub(super) fn unsupported_signature(&self) -> Option<Unsupported> {
        Signed::of(&self.0.der).ok()?.unsupported()
    }

    /// SHA-256 of the DER, computed once: a list may be large.
    pub(super) fn fingerprint(&self) -> &[u8; 32] {
        self.0.fingerprint.get_or_init(|| sha256(&self.0.der))
    }

    /// How many certificates it names.
    pub(super) fn entry_count(&self) -> usize {
        self.0.entries.len()
    }

    /// Whether `key` has signed the list, where that is known.
    pub(super) fn known_signed(&self, key: &PublicKey) -> Option<Result<(), SignatureFault>> {
        let known = self.0.signers.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(one, _)| one == key).map(|(_, result)| *result)
    }

    /// The same, found out where it is not: the time is that of hashing the list.
    pub(super) fn signed(&self, key: &PublicKey) -> Result<(), SignatureFault> {
        // Held meanwhile: connections that begin together wait for one verification.
        let mut known = self.0.signers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, result)) = known.iter().find(|(one, _)| one == key) {
            return *result;
        }
        #[cfg(test)]
        CHECKED.set(CHECKED.get().saturating_add(1));
        let signed = Signed::of(&self.0.der).map_err(|_| SignatureFault::Bad);
        let result = signed.and_then(|signed| signed.verify(key));
        if known.len() < MAX_KNOWN_SIGNERS {
            known.push((key.clone(), result));
        }
        result
    }

    /// What makes one list of an authority newer than another: time, then number; the rest makes the order
    /// one that does not depend on which was loaded first.
    pub(super) fn age(&self) -> (UnixTime, usize, &[u8], UnixTime, &[u8]) {
        (self.0.this_update, self.number().len(), self.number(), self.0.next_update, &self.0.der)
    }
}

/// Where the parts of a list are.
struct Places {
    issuer: Range<usize>,
    /// Content of revokedCertificates.
    entries: Range<usize>,
    /// Empty where there are none.
    extensions: Range<usize>,
}

/// What a list is that is well-formed and not as RFC 5280 asks.
fn fault(der: &[u8]) -> Option<CertificateError> {
    let mut whole = Cursor::new(der, 0..der.len());
    let mut signed = Cursor::new(der, whole.content(Tag::Sequence)?);
    let mut tbs = Cursor::new(der, signed.content(Tag::Sequence)?);
    if !tbs.next_is(Tag::Integer) {
        return Some(CertificateError::UnsupportedCrl(
            "it is of version 1, where RFC 5280 §5.1.2.1 asks for 2",
        ));
    }
    // Version, signature, issuer and thisUpdate.
    for _ in 0..4 {
        tbs.whole()?;
    }
    let has_next_update = tbs.next_is(Tag::UtcTime) || tbs.next_is(Tag::GeneralizedTime);
    (!has_next_update).then_some(CertificateError::UnsupportedCrl(
        "it has no nextUpdate, by which RFC 5280 §5.1.2.5 tells when it is out of date",
    ))
}

impl Places {
    /// Reads a CertificateList (RFC 5280 §5.1) but for entries and extensions; with thisUpdate and nextUpdate.
    fn of(der: &[u8]) -> Option<(Self, UnixTime, UnixTime)> {
        const EXTENSIONS: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
        let mut whole = Cursor::new(der, 0..der.len());
        let mut signed = Cursor::new(der, whole.content(Tag::Sequence)?);
        let mut tbs = Cursor::new(der, signed.content(Tag::Sequence)?);
        let algorithm = der.get(signed.content(Tag::Sequence)?)?;
        signed.content(Tag::BitString)?;
        let is_v2 = der.get(tbs.content(Tag::Integer)?)? == [VERSION_2];
        let is_same = der.get(tbs.content(Tag::Sequence)?)? == algorithm;
        let issuer = tbs.whole()?;
        let mut time = || Some(unix_time(Time::from_der(der.get(tbs.whole()?)?).ok()?));
        let (this_update, next_update) = (time()?, time()?);
        let entries = if tbs.next_is(Tag::Sequence) { tbs.content(Tag::Sequence)? } else { 0..0 };
        let extensions = if tbs.is_finished() { 0..0 } else { tbs.content(EXTENSIONS)? };
        let is_whole = whole.is_finished() && signed.is_finished() && tbs.is_finished();
        (is_v2 && is_same && is_whole).then_some(())?;
        Some((Self { issuer, entries, extensions }, this_update, next_update))
    }

    fn extensions(&self, der: &[u8]) -> Option<Vec<Extension>> {
        match der.get(self.extensions.clone())? {
            [] => Some(Vec::new()),
            octets if has_at_most(MAX_ELEMENTS, octets) => Vec::<Extension>::from_der(octets).ok(),
            _ => None,
        }
    }
}

impl Revoked {
    fn of(der: &[u8], entry: &Entry) -> Option<Self> {
        let reason = entry.reason(der).flatten();
        Some(Self {
            serial: without_leading_zeros(der.get(entry.serial.clone())?).to_vec(),
            at: entry.revoked_at(der)?,
            reason: reason.map_or("unspecified", reason_name),
        })
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

#[cfg(test)]
std::thread_local! {
    /// Signatures of lists that this thread has checked.
    static CHECKED: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
}

const NOT_ENCODED: Error = Error::Internal("a revocation list does not encode");
/// RFC 5280 §5.1.2.1.
const VERSION_2: u8 = 1;

fn unix_time(time: Time) -> UnixTime {
    UnixTime(time.to_unix_duration().as_secs())
}
