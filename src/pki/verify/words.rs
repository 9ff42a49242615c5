//! How a report writes names, purposes and octets: bounded, whatever a peer's certificate holds.

use der::oid::ObjectIdentifier;

use super::super::{Certificate, DistinguishedName};

/// The most names or authorities that a reason lists.
pub(super) const MAX_LISTED: usize = 5;
/// The most characters of a name.
const MAX_NAME_CHARS: usize = 128;

pub(super) fn purpose_name(purpose: &ObjectIdentifier) -> &'static str {
    super::super::extensions::purpose_name(purpose).unwrap_or("another purpose")
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

pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_NAME_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
