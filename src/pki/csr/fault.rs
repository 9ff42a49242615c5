//! What is wrong with a request that does not decode, as far as it can be told.

use der::asn1::AnyRef;
use der::{Decode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectAltName;

use der::oid::AssociatedOid as _;

use crate::error::CertificateError;

/// Why `der` is no CertificationRequest (RFC 2986 §4).
pub(super) fn of_structure(der: &[u8]) -> CertificateError {
    let found = information(der);
    found.map_or(
        CertificateError::Malformed("the request is not PKCS#10 (RFC 2986), or cut short"),
        CertificateError::MalformedRequest,
    )
}

fn information(der: &[u8]) -> Option<String> {
    let mut request = SliceReader::new(AnyRef::from_der(der).ok()?.value()).ok()?;
    let mut fields = SliceReader::new(AnyRef::decode(&mut request).ok()?.value()).ok()?;
    let version = AnyRef::decode(&mut fields).ok()?;
    match (version.tag(), version.value()) {
        (Tag::Integer, [0]) => {}
        (Tag::Integer, [number]) => {
            let version = number.saturating_add(1);
            return Some(format!("it says that it is of version {version}, and there is version 1 alone"));
        }
        _ => return None,
    }
    // The subject and the public key.
    for _ in 0..2 {
        AnyRef::decode(&mut fields).ok()?;
    }
    fields
        .is_finished()
        .then(|| "it has no attributes, a field that is there also when it is empty".to_owned())
}

/// Why the extensions that a request asks for, where they are a list, are not accepted; `what` is the one that
/// does not decode.
pub(super) fn of_extensions(list: &[Extension], what: &str) -> CertificateError {
    let names = list.iter().find(|one| one.extn_id == SubjectAltName::OID);
    let foreign = names.and_then(|names| foreign_name(names.extn_value.as_bytes()));
    CertificateError::MalformedRequest(foreign.unwrap_or_else(|| {
        let what = what.strip_prefix("the certificate's ").unwrap_or(what);
        format!("its {what} cannot be read")
    }))
}

/// RFC 5280 §4.2.1.6: DNS names, mailboxes and URIs are IA5Strings.
fn foreign_name(extension: &[u8]) -> Option<String> {
    let names = AnyRef::from_der(extension).ok()?;
    let mut names = SliceReader::new(names.value()).ok()?;
    while !names.is_finished() {
        let name = AnyRef::decode(&mut names).ok()?;
        if name.value().is_ascii() {
            continue;
        }
        let text: String = String::from_utf8_lossy(name.value()).chars().take(MAX_SHOWN).collect();
        let context = |number| Tag::ContextSpecific { constructed: false, number: TagNumber(number) };
        if name.tag() == context(2) {
            return Some(format!(
                "its alternative name {text:?} is not ASCII: write a DNS name in A-labels (RFC 5890), as \
                 {text:?}.encode(\"idna\") does in Python"
            ));
        }
        if name.tag() == context(1) || name.tag() == context(6) {
            return Some(format!("its alternative name {text:?} is not ASCII"));
        }
    }
    None
}

/// The most characters of a name that are shown: a DNS name has no more.
const MAX_SHOWN: usize = 253;
