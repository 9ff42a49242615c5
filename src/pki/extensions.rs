//! The extensions of certificates and requests (RFC 5280 §4.2).

use super::encoded::{Constraints, GeneralNames, MAX_EXTENSION_ELEMENTS, has_at_most};
use der::oid::{AssociatedOid, ObjectIdentifier};
use der::{Decode, ErrorKind, Tag};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName as X509GeneralName};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, CrlDistributionPoints, ExtendedKeyUsage,
    KeyUsage, KeyUsages, NameConstraints, SubjectAltName, SubjectKeyIdentifier,
};

/// The extensions that verification and views ask about.
pub(super) struct Extensions {
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<ExtendedKeyUsage>,
    pub(super) subject_key_identifier: Option<SubjectKeyIdentifier>,
    /// keyIdentifier of the authority key identifier.
    pub(super) authority_key_identifier: Option<Vec<u8>>,
    /// Every alternative name, of whatever kind.
    pub(super) alternative_names: GeneralNames,
    pub(super) name_constraints: Option<Constraints>,
    pub(super) distribution_points: Vec<DistributionPoint>,
    /// The URIs of the distribution points.
    pub(super) crl_urls: Vec<String>,
    /// A critical extension that path validation does not process (RFC 5280 §4.2: refuse).
    pub(super) unknown_critical: Option<ObjectIdentifier>,
}

/// What verification processes, or what, as certificatePolicies, asks nothing of it where the initial
/// policy set is any-policy and no policy is required (RFC 5280 §6.1.1).
const PROCESSED: &[ObjectIdentifier] = &[
    AuthorityKeyIdentifier::OID,
    BasicConstraints::OID,
    CertificatePolicies::OID,
    CrlDistributionPoints::OID,
    ExtendedKeyUsage::OID,
    KeyUsage::OID,
    NameConstraints::OID,
    SubjectAltName::OID,
    SubjectKeyIdentifier::OID,
];

impl Extensions {
    /// The error names the extension that is there twice or does not decode.
    pub(super) fn of(list: &[Extension]) -> Result<Self, &'static str> {
        let authority = one_extension::<AuthorityKeyIdentifier>(list)
            .map_err(|()| "the certificate's authorityKeyIdentifier")?;
        let points = one_extension::<CrlDistributionPoints>(list)
            .map_err(|()| "the certificate's cRLDistributionPoints")?;
        let mut ids: Vec<ObjectIdentifier> = list.iter().map(|one| one.extn_id).collect();
        ids.sort_unstable();
        if ids.windows(2).any(|pair| matches!(pair, [one, next] if one == next)) {
            return Err("the certificate's extensions, of which one is there twice");
        }
        let names = octets::<SubjectAltName>(list).map(GeneralNames::of).transpose();
        let constraints = octets::<NameConstraints>(list).map(Constraints::of).transpose();
        let unknown = |one: &&Extension| one.critical && !PROCESSED.contains(&one.extn_id);
        Ok(Self {
            basic_constraints: one_extension(list).map_err(|()| "the certificate's basicConstraints")?,
            key_usage: one_extension(list).map_err(|()| "the certificate's keyUsage")?,
            extended_key_usage: one_extension(list).map_err(|()| "the certificate's extKeyUsage")?,
            subject_key_identifier: one_extension(list)
                .map_err(|()| "the certificate's subjectKeyIdentifier")?,
            authority_key_identifier: authority
                .and_then(|authority| authority.key_identifier)
                .map(|identifier| identifier.as_bytes().to_vec()),
            alternative_names: names
                .map_err(|error| match matches!(error.kind(), ErrorKind::Value { tag: Tag::ContextSpecific { .. } }) {
                    true => {
                        "the certificate's subjectAltName: a name in it is not ASCII, where RFC 5280 §7.2 has A-labels"
                    }
                    false => "the certificate's subjectAltName",
                })?
                .unwrap_or_default(),
            name_constraints: constraints.map_err(|_| "the certificate's nameConstraints")?,
            crl_urls: points.as_ref().map(urls).unwrap_or_default(),
            distribution_points: points.map(|points| points.0).unwrap_or_default(),
            unknown_critical: list.iter().find(unknown).map(|one| one.extn_id),
        })
    }

    pub(super) fn is_ca(&self) -> bool {
        self.basic_constraints.as_ref().is_some_and(|constraints| constraints.ca)
    }

    pub(super) fn path_length(&self) -> Option<u8> {
        self.basic_constraints.as_ref().and_then(|constraints| constraints.path_len_constraint)
    }

    pub(super) fn key_usages(&self) -> Vec<&'static str> {
        let Some(usage) = &self.key_usage else { return Vec::new() };
        KEY_USAGES.iter().filter(|(bit, ..)| usage.0.contains(*bit)).map(|(_, name, _)| *name).collect()
    }

    pub(super) fn extended_key_usages(&self) -> Vec<String> {
        let Some(usage) = &self.extended_key_usage else { return Vec::new() };
        usage
            .0
            .iter()
            .map(|purpose| purpose_name(purpose).map_or_else(|| purpose.to_string(), str::to_owned))
            .collect()
    }
}

/// Each bit of KeyUsage: RFC 5280 §4.2.1.3's word and that of OpenSSL's text form.
pub(super) const KEY_USAGES: &[(KeyUsages, &str, &str)] = &[
    (KeyUsages::DigitalSignature, "digitalSignature", "Digital Signature"),
    (KeyUsages::NonRepudiation, "nonRepudiation", "Non Repudiation"),
    (KeyUsages::KeyEncipherment, "keyEncipherment", "Key Encipherment"),
    (KeyUsages::DataEncipherment, "dataEncipherment", "Data Encipherment"),
    (KeyUsages::KeyAgreement, "keyAgreement", "Key Agreement"),
    (KeyUsages::KeyCertSign, "keyCertSign", "Certificate Sign"),
    (KeyUsages::CRLSign, "cRLSign", "CRL Sign"),
    (KeyUsages::EncipherOnly, "encipherOnly", "Encipher Only"),
    (KeyUsages::DecipherOnly, "decipherOnly", "Decipher Only"),
];

/// RFC 5280's word for a purpose.
pub(super) fn purpose_name(purpose: &ObjectIdentifier) -> Option<&'static str> {
    PURPOSES.iter().find(|(oid, ..)| oid == purpose).map(|(_, name, _)| *name)
}

/// Purposes (RFC 5280 §4.2.1.12): identifier, its word there, and that of OpenSSL's text form.
pub(super) const PURPOSES: &[(ObjectIdentifier, &str, &str)] = &[
    (ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1"), "serverAuth", "TLS Web Server Authentication"),
    (ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2"), "clientAuth", "TLS Web Client Authentication"),
    (ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3"), "codeSigning", "Code Signing"),
    (ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4"), "emailProtection", "E-mail Protection"),
    (ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8"), "timeStamping", "Time Stamping"),
    (ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9"), "OCSPSigning", "OCSP Signing"),
    (ObjectIdentifier::new_unwrap("2.5.29.37.0"), "anyExtendedKeyUsage", "Any Extended Key Usage"),
];

/// The extension of type `T`, if it is there. RFC 5280 §4.2: never twice.
pub(super) fn one_extension<'a, T>(list: &'a [Extension]) -> Result<Option<T>, ()>
where
    T: Decode<'a> + AssociatedOid,
{
    let mut found = list.iter().filter(|extension| extension.extn_id == T::OID);
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(one), None) if has_at_most(MAX_EXTENSION_ELEMENTS, one.extn_value.as_bytes()) => {
            T::from_der(one.extn_value.as_bytes()).map(Some).map_err(|_| ())
        }
        (Some(_), None) => Err(()),
        (Some(_), Some(_)) => Err(()),
    }
}

/// The value of the extension of this type, if it is there.
fn octets<T: AssociatedOid>(list: &[Extension]) -> Option<&[u8]> {
    list.iter().find(|extension| extension.extn_id == T::OID).map(|one| one.extn_value.as_bytes())
}

/// The URIs of all full names; those of other forms are not for fetching.
fn urls(points: &CrlDistributionPoints) -> Vec<String> {
    let mut urls = Vec::new();
    for point in &points.0 {
        let Some(DistributionPointName::FullName(names)) = &point.distribution_point else { continue };
        for name in names {
            if let X509GeneralName::UniformResourceIdentifier(uri) = name {
                urls.push(uri.as_str().to_owned());
            }
        }
    }
    urls
}
