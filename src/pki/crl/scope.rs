//! What a revocation list is about: which certificates and reasons (RFC 5280 §5.2).

use der::Decode as _;
use der::oid::{AssociatedOid, ObjectIdentifier};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::crl::dp::{IssuingDistributionPoint, ReasonFlags, Reasons};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BaseCrlNumber, CrlNumber, CrlReason};

use super::super::certificate::without_leading_zeros;
use super::super::encoded::{MAX_EXTENSION_ELEMENTS, has_at_most};
use super::super::extensions::one_extension;

const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");
pub(super) const CERTIFICATE_ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.29");
const INVALIDITY_DATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.24");

/// RFC 5280 §5.2.3.
const MAX_NUMBER_LEN: usize = 20;

/// Extensions of lists and entries that are processed; another critical one makes a list unusable.
const PROCESSED: &[ObjectIdentifier] = &[
    AuthorityKeyIdentifier::OID,
    BaseCrlNumber::OID,
    CrlNumber::OID,
    CrlReason::OID,
    ISSUING_DISTRIBUTION_POINT,
    CERTIFICATE_ISSUER,
    INVALIDITY_DATE,
];

/// The certificates and reasons that a list covers.
pub(in crate::pki) struct Scope {
    /// The CRL number, without leading zero octets.
    pub(in crate::pki) number: Vec<u8>,
    /// Without one, all certificates of the list's issuer.
    pub(in crate::pki) point: Option<IssuingDistributionPoint>,
    /// The same as it is encoded: a delta list goes with a list of the same point.
    pub(in crate::pki) point_der: Vec<u8>,
    pub(in crate::pki) authority_key_identifier: Vec<u8>,
    /// A delta list's BaseCRLNumber, without leading zero octets.
    pub(in crate::pki) base: Option<Vec<u8>>,
    /// An extension that says what we do not understand (RFC 5280 §5.2 and §5.3: do not use the list).
    pub(in crate::pki) unknown_critical: Option<ObjectIdentifier>,
}

impl Scope {
    /// # Errors
    /// Which extension is malformed, or is not as RFC 5280 §5.2 asks of every issuer.
    pub(super) fn of(extensions: &[Extension]) -> Result<Self, &'static str> {
        const MALFORMED: &str = "the revocation list's extensions do not decode, or one is there twice";
        let find = |id| one(extensions, id).ok_or(MALFORMED);
        let is_critical = |extension: Option<&Extension>| extension.is_some_and(|one| one.critical);
        let (authority, number) = (find(AuthorityKeyIdentifier::OID)?, find(CrlNumber::OID)?);
        let (base, point) = (find(BaseCrlNumber::OID)?, find(ISSUING_DISTRIBUTION_POINT)?);
        // RFC 5280 §5.2.1 to §5.2.5.
        if number.is_none() {
            return Err("the revocation list has no CRL number, which RFC 5280 §5.2.3 asks of every list");
        }
        if is_critical(number) || is_critical(authority) {
            return Err("the revocation list's CRL number or authority key identifier is critical");
        }
        if point.or(base).is_some() && !point.into_iter().chain(base).all(|one| one.critical) {
            return Err(
                "the revocation list is for some certificates or reasons, or a delta list, and does not say so in a critical extension",
            );
        }
        let number = one_extension::<CrlNumber>(extensions).map_err(|()| MALFORMED)?;
        let base = one_extension::<BaseCrlNumber>(extensions).map_err(|()| MALFORMED)?;
        let octets = |extension: Option<&Extension>| {
            extension.map(|extension| extension.extn_value.as_bytes().to_vec()).unwrap_or_default()
        };
        let number = number.map(|number| without_leading_zeros(number.0.as_bytes()).to_vec());
        let number = number.unwrap_or_default();
        if number.len() > MAX_NUMBER_LEN {
            return Err("the revocation list's CRL number has more than 20 octets");
        }
        Ok(Self {
            number,
            point_der: octets(point),
            point: match point.map(|point| point.extn_value.as_bytes()) {
                Some(point) if has_at_most(MAX_EXTENSION_ELEMENTS, point) => {
                    Some(IssuingDistributionPoint::from_der(point).map_err(|_| MALFORMED)?)
                }
                Some(_) => return Err(MALFORMED),
                None => None,
            },
            authority_key_identifier: octets(authority),
            base: base.map(|base| without_leading_zeros(base.0.as_bytes()).to_vec()),
            unknown_critical: unknown_critical(extensions),
        })
    }

    pub(in crate::pki) fn is_indirect(&self) -> bool {
        self.point.as_ref().is_some_and(|point| point.indirect_crl)
    }

    /// onlySomeReasons, or all.
    pub(in crate::pki) fn reasons(&self) -> ReasonFlags {
        self.point.as_ref().and_then(|point| point.only_some_reasons).unwrap_or_else(all_reasons)
    }
}

/// All reasons that a list may be for: the bit of the name "unused" is no reason.
pub(in crate::pki) fn all_reasons() -> ReasonFlags {
    ReasonFlags::full() - Reasons::Unused
}

pub(super) fn one(extensions: &[Extension], id: ObjectIdentifier) -> Option<Option<&Extension>> {
    let mut found = extensions.iter().filter(|extension| extension.extn_id == id);
    match (found.next(), found.next()) {
        (found, None) => Some(found),
        _ => None,
    }
}

pub(super) fn unknown_critical(extensions: &[Extension]) -> Option<ObjectIdentifier> {
    let unknown = |one: &&Extension| one.critical && !PROCESSED.contains(&one.extn_id);
    extensions.iter().find(unknown).map(|extension| extension.extn_id)
}
