//! Certificates (RFC 5280).

use core::ops::Range;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use der::{Decode as _, Header, Reader as _, SliceReader, Tag};
use x509_cert::certificate::Version;
use x509_cert::name::Name;
use zeroize::Zeroizing;

use super::encoded::{MAX_ELEMENTS, has_at_most};
use super::extensions::Extensions;
use super::found;
use super::hex::colons;
use super::key::sha256;
use super::pem::{self, Kind, Section};
use super::signature::algorithm_name;
use super::{DistinguishedName, GeneralName, PublicKey};
use super::{pkcs7, profile};
use crate::error::{CertificateError, Error, Found, KeyError, Result};
use crate::time::UnixTime;

/// The most certificates that a chain may have: RFC 8446 sets none, this bounds the work of a verifier.
pub const MAX_CHAIN_LEN: usize = 10;
/// The most octets of a certificate.
pub const MAX_CERTIFICATE_LEN: usize = 64 << 10;

/// A certificate. Cheap to clone.
///
/// ```
/// use core::time::Duration;
/// use otls::crypto::{SystemRandom, hash::HashAlgorithm};
/// use otls::pki::{Validity, Authority, Certificate, DistinguishedName, KeyType, PrivateKey};
///
/// let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom)?;
/// let now = otls::UnixTime(1_800_000_000);
/// let name = DistinguishedName::with_common_name("Private CA");
/// let ca = Authority::create(key, &name, HashAlgorithm::Sha256, Validity::new(now, Duration::from_secs(3600)), &SystemRandom)?;
///
/// let certificate = Certificate::load(ca.certificate().to_pem().as_bytes())?;
/// assert!(certificate.is_ca());
/// assert_eq!(certificate.subject().common_name(), "Private CA");
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    der: Box<[u8]>,
    ranges: Ranges,
    subject: DistinguishedName,
    issuer: DistinguishedName,
    not_before: UnixTime,
    not_after: UnixTime,
    /// Made when somebody asks for them.
    names: OnceLock<Box<[GeneralName]>>,
    public_key: PublicKey,
    extensions: Extensions,
    format_fault: Option<String>,
}

impl Certificate {
    /// Loads one certificate: PEM, with text around it or without, DER, or certs-only PKCS#7.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`], also for a file with anything beside the one certificate: see
    /// [`Certificate::load_chain`], and [`super::Identity::load`] for a file that has a private key too;
    /// [`crate::Error::Key`] for a public key that is not supported.
    pub fn load(data: &[u8]) -> Result<Self> {
        let mut certificates = Self::load_chain(data)?;
        match (certificates.pop(), certificates.len()) {
            (Some(certificate), 0) => Ok(certificate),
            (_, others) => {
                let count = others.saturating_add(1);
                let why = format!(
                    "the data holds {count} certificates, load all certificates of a file with load_chain"
                );
                Err(CertificateError::Excess(why).into())
            }
        }
    }

    /// Loads all certificates of a PEM bundle, of certs-only PKCS#7 (RFC 5652 §5.1; PEM or DER; its
    /// signatures, if it has any, are not looked at), or one DER; at least one and at most
    /// [`crate::pki::MAX_BUNDLE_LEN`], in order. A bundle loads whole or not at all.
    ///
    /// # Errors
    /// As [`Certificate::load`], but for the number of certificates.
    pub fn load_chain(data: &[u8]) -> Result<Vec<Self>> {
        let sections = found::sections(data).map_err(CertificateError::from)?;
        Self::of_sections(data, &sections)
    }

    /// As [`Certificate::load_chain`], for authorities that are to be trusted, or to stand between them and a
    /// leaf: those with a kind or size of key that is not supported are left out and named, so that a bundle
    /// of many loads for the sake of the others. Nothing is accepted for want of an authority.
    ///
    /// ```
    /// use core::time::Duration;
    /// # use otls::crypto::{SystemRandom, hash::HashAlgorithm};
    /// # use otls::pki::{Validity, Authority, DistinguishedName, KeyType, PrivateKey};
    /// use otls::pki::{Certificate, TrustStore};
    /// # let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom)?;
    /// # let (now, name) = (otls::UnixTime(1_800_000_000), DistinguishedName::with_common_name("Private CA"));
    /// # let ca = Authority::create(key, &name, HashAlgorithm::Sha256, Validity::new(now, Duration::from_secs(3600)), &SystemRandom)?;
    /// # let bundle = ca.certificate().to_pem();
    ///
    /// let (authorities, left_out) = Certificate::load_authorities(bundle.as_bytes())?;
    /// assert!(left_out.is_empty());
    /// let mut trust = TrustStore::new();
    /// authorities.iter().try_for_each(|one| trust.add_authority(one))?;
    /// # Ok::<(), otls::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Certificate::load_chain`]; [`crate::Error::Key`] where none is left.
    pub fn load_authorities(data: &[u8]) -> Result<(Vec<Self>, Vec<String>)> {
        let sections = found::sections(data).map_err(CertificateError::from)?;
        Self::authorities_of(Self::each(data, &sections)?.iter().map(|der| der.as_slice()))
    }

    /// [`Certificate::load_authorities`] of the DER of each.
    pub(super) fn authorities_of<'a>(
        ders: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(Vec<Self>, Vec<String>)> {
        let (mut certificates, mut left_out) = (Vec::new(), Vec::new());
        for der in ders {
            match Self::of_der(der) {
                Ok(certificate) => certificates.push(certificate),
                Err(Error::Key(why @ (KeyError::UnsupportedAlgorithm(_) | KeyError::RsaSize(_)))) => {
                    left_out.push((subject_of(der), why));
                }
                Err(error) => return Err(error),
            }
        }
        if certificates.is_empty()
            && let Some((_, why)) = left_out.pop()
        {
            return Err(why.into());
        }
        Ok((certificates, left_out.iter().map(|(subject, why)| format!("{subject}: {why}")).collect()))
    }

    /// DER.
    pub fn to_der(&self) -> &[u8] {
        &self.0.der
    }

    /// PEM.
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.0.der)
    }

    /// The subject.
    pub fn subject(&self) -> &DistinguishedName {
        &self.0.subject
    }

    /// The issuer.
    pub fn issuer(&self) -> &DistinguishedName {
        &self.0.issuer
    }

    /// The subject as it is encoded.
    pub fn subject_der(&self) -> &[u8] {
        self.slice(&self.0.ranges.subject)
    }

    /// The serial number, big-endian, without leading zero octets.
    pub fn serial(&self) -> &[u8] {
        without_leading_zeros(self.slice(&self.0.ranges.serial))
    }

    /// notBefore; the beginning of 1970 for what is earlier.
    pub fn not_before(&self) -> UnixTime {
        self.0.not_before
    }

    /// notAfter: the last second of validity.
    pub fn not_after(&self) -> UnixTime {
        self.0.not_after
    }

    /// The alternative names that are well-formed and of a kind that [`GeneralName`] has.
    pub fn names(&self) -> &[GeneralName] {
        self.0.names.get_or_init(|| self.each_name().collect())
    }

    /// [`Self::names`], read one by one.
    pub(super) fn each_name(&self) -> impl Iterator<Item = GeneralName> {
        GeneralName::of_encoded(&self.0.extensions.alternative_names).filter_map(Result::ok)
    }

    /// What is wrong with the first alternative name that is not well-formed.
    pub(super) fn first_name_fault(&self) -> Option<String> {
        let error = GeneralName::of_encoded(&self.0.extensions.alternative_names).find_map(Result::err)?;
        Some(if let Error::Certificate(CertificateError::BadName(why)) = error {
            why
        } else {
            error.to_string()
        })
    }

    /// Whether BasicConstraints says CA.
    pub fn is_ca(&self) -> bool {
        self.0.extensions.is_ca()
    }

    /// pathLenConstraint: how many authorities may follow below this one (RFC 5280 §4.2.1.9).
    pub fn path_length(&self) -> Option<u8> {
        self.0.extensions.path_length()
    }

    /// KeyUsage in the words of RFC 5280 §4.2.1.3, for example `digitalSignature`; empty where it is
    /// not there.
    pub fn key_usages(&self) -> Vec<&'static str> {
        self.0.extensions.key_usages()
    }

    /// ExtendedKeyUsage in the words of RFC 5280 §4.2.1.12, for example `serverAuth`, and dotted numbers
    /// for other purposes; empty where it is not there.
    pub fn extended_key_usages(&self) -> Vec<String> {
        self.0.extensions.extended_key_usages()
    }

    /// The subject key identifier.
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.0.extensions.subject_key_identifier.as_ref().map(|identifier| identifier.0.as_bytes())
    }

    /// The keyIdentifier of the authority key identifier.
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.0.extensions.authority_key_identifier.as_deref()
    }

    /// Where its issuer publishes revocation lists: the URIs of cRLDistributionPoints. Nothing here
    /// fetches them.
    pub fn crl_urls(&self) -> &[String] {
        &self.0.extensions.crl_urls
    }

    /// The signature's algorithm as OpenSSL names it, for example `ecdsa-with-SHA256`; a dotted number
    /// for an unknown one.
    pub fn signature_algorithm(&self) -> String {
        algorithm_name(&self.0.der)
    }

    /// The public key.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// SHA-256 of the DER.
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(&self.0.der)
    }

    /// [`Certificate::fingerprint`] as `openssl x509 -fingerprint -sha256` prints it: upper-case
    /// hexadecimal with colons.
    pub fn fingerprint_text(&self) -> String {
        colons(&self.fingerprint())
    }

    pub(crate) fn issuer_der(&self) -> &[u8] {
        self.slice(&self.0.ranges.issuer)
    }

    /// The content of the serial number's INTEGER, which other issuers may have made negative.
    pub(crate) fn serial_integer(&self) -> &[u8] {
        self.slice(&self.0.ranges.serial)
    }

    /// Why path validation cannot use the certificate, whoever issued it.
    pub(super) fn format_fault(&self) -> Option<&str> {
        self.0.format_fault.as_deref()
    }

    pub(super) fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    /// Why this certificate may not issue others, if it may not.
    pub(super) fn authority_fault(&self) -> Option<&'static str> {
        if !self.is_ca() {
            return Some("BasicConstraints does not say CA");
        }
        // RFC 5280 §4.2.1.3: KeyUsage, where present, must allow what the key does.
        if self.0.extensions.key_usage.as_ref().is_some_and(|usage| !usage.key_cert_sign()) {
            return Some("KeyUsage lacks keyCertSign");
        }
        None
    }

    /// Why this certificate may not stand at the end of a path, whoever trusts it.
    pub(super) fn anchor_fault(&self) -> Option<&str> {
        self.authority_fault().or_else(|| self.format_fault())
    }

    /// From DER, which must be one certificate and nothing else.
    pub(crate) fn of_der(der: &[u8]) -> Result<Self> {
        const MALFORMED: CertificateError =
            CertificateError::Malformed("the certificate is not DER as in RFC 5280, or cut short");
        if der.len() > MAX_CERTIFICATE_LEN {
            return Err(CertificateError::Malformed("the certificate has more than 64 KiB").into());
        }
        let ranges = Ranges::of(der).map_err(|_| MALFORMED)?;
        if !has_at_most(MAX_ELEMENTS, der) {
            return Err(CertificateError::Malformed("the certificate has more than 1000 elements").into());
        }
        let parsed = x509_cert::Certificate::from_der(&since_1970(der, &ranges)).map_err(|_| MALFORMED)?;
        let tbs = parsed.tbs_certificate();
        let list = tbs.extensions().map(Vec::as_slice).unwrap_or_default();
        let extensions = Extensions::of(list).map_err(CertificateError::Malformed)?;
        let format_fault = if tbs.version() != Version::V3 {
            Some("it is not an X.509 v3 certificate".to_owned())
        } else if tbs.signature() != parsed.signature_algorithm() {
            Some("its two signature algorithms differ".to_owned())
        } else {
            profile::fault(tbs.subject(), tbs.issuer(), list, &extensions)
        };
        let public_key = PublicKey::of_der(der.get(ranges.public_key.clone()).unwrap_or_default())?;
        Ok(Self(Arc::new(Inner {
            ranges,
            subject: DistinguishedName::of_x509(tbs.subject())?,
            issuer: DistinguishedName::of_x509(tbs.issuer())?,
            not_before: UnixTime(tbs.validity().not_before.to_unix_duration().as_secs()),
            not_after: UnixTime(tbs.validity().not_after.to_unix_duration().as_secs()),
            names: OnceLock::new(),
            public_key,
            extensions,
            format_fault,
            der: der.into(),
        })))
    }

    /// All certificates of these sections of `data`.
    pub(super) fn of_sections(data: &[u8], sections: &[Section<'_>]) -> Result<Vec<Self>> {
        Self::each(data, sections)?.iter().map(|der| Self::of_der(der)).collect()
    }

    /// The DER of each.
    fn each(data: &[u8], sections: &[Section<'_>]) -> Result<Vec<Zeroizing<Vec<u8>>>> {
        let is_taken = |kind| matches!(kind, Kind::Certificate | Kind::Pkcs7);
        if sections.len() < 2 || !sections.iter().all(|section| is_taken(section.kind)) {
            let only = found::the_one(data, sections, is_taken, "and certificates alone are loaded here");
            return Self::of_section(only.map_err(CertificateError::from)?);
        }
        let mut all = Vec::new();
        for section in sections {
            all.extend(Self::of_section(section)?);
            check_count(all.len())?;
        }
        Ok(all)
    }

    fn of_section(section: &Section<'_>) -> Result<Vec<Zeroizing<Vec<u8>>>> {
        let der = section.der().map_err(CertificateError::Malformed)?;
        if section.kind != Kind::Pkcs7 {
            return Ok(vec![der]);
        }
        let packed = pkcs7::decode(&der).map_err(CertificateError::Malformed)?;
        check_count(packed.len())?;
        if packed.is_empty() {
            return Err(
                CertificateError::NotFound(Found::new("a PKCS#7 bundle without certificates", "")).into()
            );
        }
        Ok(packed.into_iter().map(|der| Zeroizing::new(der.to_vec())).collect())
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.0.der.get(range.clone()).unwrap_or_default()
    }
}

fn check_count(count: usize) -> Result<()> {
    if count > pkcs7::MAX_BUNDLE_LEN {
        return Err(CertificateError::Malformed("the bundle has more than 1000 certificates").into());
    }
    Ok(())
}

/// The subject of a certificate that has parsed before, without the rest of it.
pub(super) fn subject_in(der: &[u8]) -> Option<DistinguishedName> {
    let subject = Name::from_der(der.get(Ranges::of(der).ok()?.subject)?).ok()?;
    DistinguishedName::of_x509(&subject).ok()
}

/// Whose certificate it is, for a message about it.
pub(super) fn subject_of(der: &[u8]) -> String {
    let parsed = x509_cert::Certificate::from_der(der).ok();
    let subject = parsed.and_then(|one| DistinguishedName::of_x509(one.tbs_certificate().subject()).ok());
    subject.unwrap_or_default().to_string()
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl core::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Certificate({})", self.0.subject)
    }
}

pub(super) fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// The certificate as x509-cert reads it, which has no times before 1970: there notBefore is put at the
/// beginning of that year. Signatures are verified over what came.
fn since_1970<'a>(der: &'a [u8], ranges: &Ranges) -> Cow<'a, [u8]> {
    const EPOCH: &[u8] = b"19700101000000Z";
    let year = |time: &[u8], digits: usize| -> Option<u32> {
        core::str::from_utf8(time.get(2..)?.get(..digits)?).ok()?.parse().ok()
    };
    let time = der.get(ranges.not_before.clone()).unwrap_or_default();
    let epoch = match time.first().and_then(|_| SliceReader::new(time).ok()).map(|reader| Tag::peek(&reader))
    {
        // RFC 5280 §4.1.2.5.1: from 50 on it is the twentieth century.
        Some(Ok(Tag::UtcTime)) if year(time, 2).is_some_and(|year| (50..70).contains(&year)) => {
            EPOCH.get(2..)
        }
        Some(Ok(Tag::GeneralizedTime)) if year(time, 4).is_some_and(|year| year < 1970) => Some(EPOCH),
        _ => None,
    };
    let Some(epoch) = epoch.filter(|epoch| epoch.len().saturating_add(2) == time.len()) else {
        return Cow::Borrowed(der);
    };
    let mut changed = der.to_vec();
    if let Some(content) = changed.get_mut(ranges.not_before.clone()).and_then(|time| time.get_mut(2..)) {
        content.copy_from_slice(epoch);
    }
    Cow::Owned(changed)
}

/// Where the parts of a certificate lie that are needed as they are encoded (RFC 5280 §4.1).
struct Ranges {
    serial: Range<usize>,
    issuer: Range<usize>,
    not_before: Range<usize>,
    subject: Range<usize>,
    public_key: Range<usize>,
}

impl Ranges {
    fn of(der: &[u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(der)?;
        enter(&mut reader)?;
        enter(&mut reader)?;
        if Header::peek(&reader)?.tag() != Tag::Integer {
            reader.tlv_bytes()?; // version
        }
        let serial_header = Header::decode(&mut reader)?;
        let serial = span(&mut reader, |reader| reader.read_slice(serial_header.length()).map(|_| ()))?;
        reader.tlv_bytes()?; // signature
        let issuer = span(&mut reader, skip)?;
        enter(&mut reader)?; // validity
        let not_before = span(&mut reader, skip)?;
        reader.tlv_bytes()?; // notAfter
        let subject = span(&mut reader, skip)?;
        let public_key = span(&mut reader, skip)?;
        Ok(Self { serial, issuer, not_before, subject, public_key })
    }
}

fn enter(reader: &mut SliceReader<'_>) -> der::Result<()> {
    Header::decode(reader).and_then(|header| header.tag().assert_eq(Tag::Sequence).map(|_| ()))
}

fn skip(reader: &mut SliceReader<'_>) -> der::Result<()> {
    reader.tlv_bytes().map(|_| ())
}

fn span<'a>(
    reader: &mut SliceReader<'a>,
    read: impl FnOnce(&mut SliceReader<'a>) -> der::Result<()>,
) -> der::Result<Range<usize>> {
    let start = usize::try_from(reader.position())?;
    read(reader)?;
    Ok(start..usize::try_from(reader.position())?)
}
