//! What a revocation list is about: which certificates and reasons (RFC 5280 §5.2), and its entries.

use der::oid::{AssociatedOid, ObjectIdentifier};
use der::{Decode as _, Encode as _};
use x509_cert::crl::RevokedCert;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::crl::dp::{IssuingDistributionPoint, ReasonFlags, Reasons};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BaseCrlNumber, CrlNumber, CrlReason};

use super::super::canonical::{directory_name, same_name};
use super::super::certificate::without_leading_zeros;
use super::super::extensions::one_extension;

const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");
const CERTIFICATE_ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.29");
const INVALIDITY_DATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.24");

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
    /// `None` for extensions that are malformed.
    pub(super) fn of(extensions: &[Extension]) -> Option<Self> {
        let point = one(extensions, ISSUING_DISTRIBUTION_POINT)?;
        let base = one_extension::<BaseCrlNumber>(extensions).ok()?;
        let authority = one(extensions, AuthorityKeyIdentifier::OID)?;
        let octets = |extension: Option<&Extension>| {
            extension.map(|extension| extension.extn_value.as_bytes().to_vec()).unwrap_or_default()
        };
        Some(Self {
            point_der: octets(point),
            point: match point {
                Some(point) => Some(IssuingDistributionPoint::from_der(point.extn_value.as_bytes()).ok()?),
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

/// What a list says of one certificate.
pub(in crate::pki) struct Entry {
    /// Content of the INTEGER.
    serial: Vec<u8>,
    /// DER; shared by the entries of one issuer.
    issuer: usize,
    /// removeFromCRL: of a delta list, no longer revoked.
    pub(in crate::pki) is_removed: bool,
}

/// The entries by serial number.
pub(super) struct Entries {
    sorted: Vec<Entry>,
    issuers: Vec<Vec<u8>>,
}

impl Entries {
    pub(super) fn of(revoked: &[RevokedCert], issuer: &[u8], scope: &mut Scope) -> Option<Self> {
        let mut issuers = vec![issuer.to_vec()];
        let mut sorted = Vec::with_capacity(revoked.len());
        for entry in revoked {
            let extensions = entry.crl_entry_extensions.as_deref().unwrap_or_default();
            // RFC 5280 §5.3.3: as that of the entry before, until another is named.
            if let Some(names) = one(extensions, CERTIFICATE_ISSUER)? {
                let names = Vec::<GeneralName>::from_der(names.extn_value.as_bytes()).ok()?;
                let name = names.iter().find_map(directory_name)?;
                issuers.push(name.to_der().ok()?);
            }
            scope.unknown_critical = scope.unknown_critical.or_else(|| unknown_critical(extensions));
            let reason = one_extension::<CrlReason>(extensions).ok()?;
            sorted.push(Entry {
                serial: entry.serial_number.to_der().ok()?.get(2..)?.to_vec(),
                issuer: issuers.len().saturating_sub(1),
                is_removed: reason == Some(CrlReason::RemoveFromCRL),
            });
        }
        // Stable: an entry that comes later in the list is looked at first.
        sorted.reverse();
        sorted.sort_by(|a: &Entry, b: &Entry| a.serial.cmp(&b.serial));
        Some(Self { sorted, issuers })
    }

    pub(super) fn find(&self, serial: &[u8], issuer: &[u8]) -> Option<&Entry> {
        let from = self.sorted.partition_point(|entry| entry.serial.as_slice() < serial);
        let same = self.sorted.get(from..)?.iter().take_while(|entry| entry.serial == serial);
        same.into_iter().find(|entry| self.issuers.get(entry.issuer).is_some_and(|of| same_name(of, issuer)))
    }
}

fn one(extensions: &[Extension], id: ObjectIdentifier) -> Option<Option<&Extension>> {
    let mut found = extensions.iter().filter(|extension| extension.extn_id == id);
    match (found.next(), found.next()) {
        (found, None) => Some(found),
        _ => None,
    }
}

fn unknown_critical(extensions: &[Extension]) -> Option<ObjectIdentifier> {
    let unknown = |one: &&Extension| one.critical && !PROCESSED.contains(&one.extn_id);
    extensions.iter().find(unknown).map(|extension| extension.extn_id)
}
