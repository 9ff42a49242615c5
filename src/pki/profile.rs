//! What RFC 5280 §4 asks of certificates beyond their encoding.

use der::oid::AssociatedOid as _;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, NameConstraints, SubjectAltName, SubjectKeyIdentifier};
use x509_cert::name::Name;

use super::extensions::Extensions;

/// The first thing that is not as it has to be, for path validation to refuse the certificate whoever issued
/// it.
///
/// basicConstraints of an authority that are not critical, which §4.2.1.9 forbids, are accepted: NIST's test
/// suite has such a path among the valid ones.
pub(super) fn fault(
    subject: &Name,
    issuer: &Name,
    list: &[Extension],
    extensions: &Extensions,
) -> Option<String> {
    let find = |id| list.iter().find(|extension| extension.extn_id == id);
    let is_critical = |id| find(id).is_some_and(|extension| extension.critical);
    if let Some(oid) = extensions.unknown_critical {
        return Some(format!("its critical extension {oid} is not supported"));
    }
    let signs_others = extensions.key_usage.as_ref().is_some_and(|usage| usage.key_cert_sign());
    let is_leaf = !extensions.is_ca();
    let names_are_critical = is_critical(SubjectAltName::OID);
    let faults = [
        // §4.2.1.1, §4.2.1.2.
        (
            is_critical(AuthorityKeyIdentifier::OID) || is_critical(SubjectKeyIdentifier::OID),
            "a key identifier of it is critical",
        ),
        // §4.1.2.4, §4.1.2.6.
        (issuer.is_empty(), "its issuer has no name"),
        (!is_leaf && subject.is_empty(), "it is an authority's and has no subject"),
        (
            is_leaf && subject.is_empty() && !names_are_critical,
            "it has no subject, and no alternative names in a critical extension",
        ),
        // §4.2.1.3, §4.2.1.9, §4.2.1.10.
        (is_leaf && signs_others, "KeyUsage has keyCertSign, and BasicConstraints do not say CA"),
        (is_leaf && extensions.path_length().is_some(), "it has a path length, and is no authority's"),
        (is_leaf && find(NameConstraints::OID).is_some(), "it has name constraints, and is no authority's"),
        (
            find(NameConstraints::OID).is_some_and(|extension| !extension.critical),
            "its name constraints are not critical",
        ),
    ];
    faults.iter().find(|(is, _)| *is).map(|(_, why)| (*why).to_owned())
}
