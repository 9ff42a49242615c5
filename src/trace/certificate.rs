//! A certificate, field by field (RFC 5280 §4.1).

use super::fields::Fields;
use crate::pki::{Certificate, show};

/// Tags of DER (X.690 §8.1.2).
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xA0;
const EXTENSIONS: u8 = 0xA3;
const OBJECT_IDENTIFIER: u8 = 0x06;
const BOOLEAN: u8 = 0x01;

/// The next `len` octets, which are a certificate. What it says is said in words where it can be read as one.
pub(super) fn certificate(fields: &mut Fields<'_, '_>, len: usize) -> Option<()> {
    let read = Certificate::of_der(fields.peek(len)?).ok();
    let words = |of: &dyn Fn(&Certificate) -> String| read.as_ref().map(of).unwrap_or_default();
    let subject = words(&|read| read.subject().to_string());
    fields.group("Certificate", len, &subject, |fields| {
        sequence_header(fields)?;
        element(fields, "tbsCertificate", "", |tbs| {
            sequence_header(tbs)?;
            if tbs.peek(1)? == [VERSION] {
                leaf(tbs, "version", &words(&|_| "v3 (2)".to_owned()))?;
            }
            leaf(tbs, "serialNumber", "")?;
            leaf(tbs, "signature", &words(&Certificate::signature_algorithm))?;
            leaf(tbs, "issuer", &words(&|read| read.issuer().to_string()))?;
            element(tbs, "validity", "", |validity| {
                sequence_header(validity)?;
                leaf(validity, "notBefore", &words(&|read| show(read.not_before())))?;
                leaf(validity, "notAfter", &words(&|read| show(read.not_after())))
            })?;
            leaf(tbs, "subject", &subject)?;
            let key = words(&|read| read.public_key().algorithm().describe());
            leaf(tbs, "subjectPublicKeyInfo", &key)?;
            while !tbs.is_at_end() {
                if tbs.peek(1)? == [EXTENSIONS] {
                    extensions(tbs, read.as_ref())?;
                } else {
                    leaf(tbs, "uniqueIdentifier", "")?;
                }
            }
            Some(())
        })?;
        leaf(fields, "signatureAlgorithm", &words(&Certificate::signature_algorithm))?;
        leaf(fields, "signatureValue", "")
    })
}

fn extensions(fields: &mut Fields<'_, '_>, read: Option<&Certificate>) -> Option<()> {
    let texts = read.map(Certificate::extension_texts).unwrap_or_default();
    let mut texts = texts.into_iter();
    element(fields, "extensions", "", |outer| {
        let (header, _) = header(outer)?;
        outer.octets("tag and length", header, "")?;
        sequence_header(outer)?;
        while !outer.is_at_end() {
            let (name, value) = texts.next().unwrap_or_default();
            element(outer, "extension", &name, |extension| {
                sequence_header(extension)?;
                if extension.peek(1)? == [OBJECT_IDENTIFIER] {
                    leaf(extension, "extnID", &name)?;
                }
                if extension.peek(1)? == [BOOLEAN] {
                    leaf(extension, "critical", "TRUE")?;
                }
                leaf(extension, "extnValue", &value)
            })?;
        }
        Some(())
    })
}

/// An element with what is in it.
fn element<'a>(
    fields: &mut Fields<'a, '_>,
    name: &str,
    value: &str,
    walk: impl FnOnce(&mut Fields<'a, '_>) -> Option<()>,
) -> Option<()> {
    let (header, len) = header(fields)?;
    fields.group(name, header.checked_add(len)?, value, walk)
}

/// An element as a whole.
fn leaf(fields: &mut Fields<'_, '_>, name: &str, value: &str) -> Option<()> {
    let (header, len) = header(fields)?;
    fields.octets(name, header.checked_add(len)?, value).map(|_| ())
}

fn sequence_header(fields: &mut Fields<'_, '_>) -> Option<()> {
    let (header, _) = header(fields)?;
    let is_sequence = fields.peek(1)? == [SEQUENCE];
    is_sequence.then(|| fields.octets("tag and length", header, "")).flatten().map(|_| ())
}

/// Octets of the tag and the length of the element that comes next, and of its content (X.690 §8.1.3).
fn header(fields: &Fields<'_, '_>) -> Option<(usize, usize)> {
    let [_, first] = *fields.peek(2)?.first_chunk()?;
    if first < 0x80 {
        return Some((2, usize::from(first)));
    }
    // A certificate in a message has less than 2^24 octets.
    let more = usize::from(first & 0x7F);
    let octets = fields.peek(more.checked_add(2)?)?.get(2..).filter(|octets| octets.len() <= 3)?;
    Some((more.checked_add(2)?, octets.iter().fold(0, |len, octet| len << 8 | usize::from(*octet))))
}
