//! How a report writes names, purposes and octets: bounded, whatever a peer's certificate holds.

use der::oid::ObjectIdentifier;

use super::super::{Certificate, DistinguishedName};

/// The most names or authorities that a reason lists.
pub(super) const MAX_LISTED: usize = 5;
/// The most characters of a name.
const MAX_NAME_CHARS: usize = 128;

pub(super) fn purpose_name(purpose: &ObjectIdentifier) -> &'static str {
    const NAMES: &[(&str, &str)] = &[
        ("1.3.6.1.5.5.7.3.1", "serverAuth"),
        ("1.3.6.1.5.5.7.3.2", "clientAuth"),
        ("1.3.6.1.5.5.7.3.3", "codeSigning"),
        ("1.3.6.1.5.5.7.3.4", "emailProtection"),
        ("1.3.6.1.5.5.7.3.8", "timeStamping"),
        ("1.3.6.1.5.5.7.3.9", "OCSPSigning"),
        ("2.5.29.37.0", "anyExtendedKeyUsage"),
    ];
    let purpose = purpose.to_string();
    NAMES.iter().find(|(oid, _)| *oid == purpose).map_or("another purpose", |(_, name)| name)
}

pub(super) fn shown(name: &DistinguishedName) -> String {
    shortened(&name.to_string())
}

pub(super) fn identified(certificate: &Certificate) -> String {
    let fingerprint = certificate.fingerprint();
    format!(
        "{} (fingerprint {})",
        shown(certificate.subject()),
        hex(fingerprint.get(..8).unwrap_or_default())
    )
}

pub(super) fn listed(names: &[String]) -> String {
    let mut list: Vec<String> = names.iter().take(MAX_LISTED).map(|name| shortened(name)).collect();
    if names.len() > MAX_LISTED {
        list.push(format!("and {} more", names.len() - MAX_LISTED));
    }
    list.join(", ")
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_NAME_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
