//! Certificates (RFC 5280).

use core::ops::Range;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use der::{Decode as _, Header, Reader as _, SliceReader, Tag};
use x509_cert::certificate::Version;

use super::encoded::{MAX_ELEMENTS, has_at_most};
use super::extensions::Extensions;
use super::key::sha256;
use super::pem::{self, Kind};
use super::signature::algorithm_name;
use super::{DistinguishedName, GeneralName, PublicKey};
use super::{pkcs7, text};
use crate::error::{CertificateError, Error, Result};
use crate::time::UnixTime;

/// The most certificates that a chain may have: RFC 8446 sets none, this bounds the work of a verifier.
pub const MAX_CHAIN_LEN: usize = 10;
/// The most certificates of a bundle: the largest public root stores have about 150.
pub const MAX_BUNDLE_LEN: usize = 1000;
/// The most octets of a certificate.
pub const MAX_CERTIFICATE_LEN: usize = 64 << 10;

/// A certificate. Cheap to clone.
///
/// ```
/// use otls::crypto::{SystemRandom, hash::HashAlgorithm};
/// use otls::pki::{Authority, Certificate, DistinguishedName, KeyType, PrivateKey};
///
/// let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom)?;
/// let now = otls::UnixTime(1_800_000_000);
/// let name = DistinguishedName::with_common_name("Private CA");
/// let ca = Authority::create(key, &name, HashAlgorithm::Sha256, 3600, now, &SystemRandom)?;
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
    /// Loads one certificate, PEM (text and other blocks around it are skipped) or DER; from a bundle, or
    /// from certs-only PKCS#7, the first.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`]; [`crate::Error::Key`] for a public key that is not supported.
    pub fn load(data: &[u8]) -> Result<Self> {
        match Self::load_some(data, 1)?.pop() {
            Some(certificate) => Ok(certificate),
            None => Err(Error::Internal("no certificate loaded")),
        }
    }

    /// Loads all certificates of a PEM bundle, of certs-only PKCS#7 (RFC 5652 §5.1; PEM or DER; its
    /// signatures, if it has any, are not looked at), or one DER; at least one and at most
    /// [`MAX_BUNDLE_LEN`], in order.
    ///
    /// # Errors
    /// As [`Certificate::load`].
    pub fn load_chain(data: &[u8]) -> Result<Vec<Self>> {
        Self::load_some(data, MAX_BUNDLE_LEN.saturating_add(1)).and_then(|certificates| {
            if certificates.len() > MAX_BUNDLE_LEN {
                return Err(CertificateError::Malformed("the bundle has more than 1000 certificates").into());
            }
            Ok(certificates)
        })
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
        text::colons(&self.fingerprint())
    }

    /// All of it for a person to read, laid out as by `openssl x509 -text`, for the most part in the same
    /// words; what could move a terminal's cursor is escaped. Not for programs.
    pub fn to_text(&self) -> String {
        text::of_certificate(self)
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
            let unknown = extensions.unknown_critical;
            unknown.map(|oid| format!("its critical extension {oid} is not supported"))
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

    fn load_some(data: &[u8], most: usize) -> Result<Vec<Self>> {
        let sections = pem::sections(data).map_err(CertificateError::Malformed)?;
        if let [only] = sections.as_slice()
            && only.kind == Kind::Unknown
            && pem::is_der(data)
        {
            return Ok(vec![Self::of_der(data)?]);
        }
        let mut certificates = Vec::new();
        for section in &sections {
            if !matches!(section.kind, Kind::Certificate | Kind::Pkcs7) || certificates.len() >= most {
                continue;
            }
            let der = section.der().map_err(CertificateError::Malformed)?;
            if section.kind == Kind::Certificate {
                certificates.push(Self::of_der(&der)?);
                continue;
            }
            let packed = pkcs7::decode(&der).ok_or(NOT_CERTS_ONLY)?;
            for der in packed.into_iter().take(most.saturating_sub(certificates.len())) {
                certificates.push(Self::of_der(der)?);
            }
        }
        if certificates.is_empty() {
            return Err(CertificateError::NotFound(pem::describe(data, &sections)).into());
        }
        Ok(certificates)
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.0.der.get(range.clone()).unwrap_or_default()
    }
}

const NOT_CERTS_ONLY: CertificateError =
    CertificateError::Malformed("the PKCS#7 bundle is not SignedData in DER with certificates, or cut short");

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
