//! What a message comes in: DER, PEM, or what is to be made one of them first.

use super::asn1::{Octets, malformed};
use crate::error::{CmsError, Result};
use crate::pki::found;
use crate::pki::pem::{self, Kind};

/// The DER of a message in PEM (`CMS` or `PKCS7`) or DER.
pub(super) fn der_of(message: &[u8]) -> Result<Octets> {
    if pem::is_ber(message) {
        return Err(CmsError::Ber.into());
    }
    if pem::is_der(message) {
        return Ok(Octets::new(message.to_vec()));
    }
    if let Some(is_detached) = mail(message) {
        return Err(CmsError::Mail { is_detached }.into());
    }
    let sections = found::sections(message).map_err(CmsError::from)?;
    match sections.as_slice() {
        [one] if one.kind == Kind::Pkcs7 => {
            let der = one.der().map_err(malformed)?;
            if pem::is_ber(&der) { Err(CmsError::Ber.into()) } else { Ok(der) }
        }
        _ => Err(CmsError::NotFound(found::describe(&sections)).into()),
    }
}

/// Why what was encrypted is not a signed message in DER.
pub(super) fn unsigned(content: &[u8]) -> CmsError {
    if pem::is_ber(content) {
        CmsError::Malformed("the signed message within, which is BER of indefinite length")
    } else if mail(content).is_some() {
        CmsError::Malformed("the signed message within, which is a mail (S/MIME)")
    } else {
        CmsError::NotSigned
    }
}

/// Whether it is a mail with a message in it (RFC 8551 §3): where it is, whether what was signed stands beside
/// the signature.
fn mail(message: &[u8]) -> Option<bool> {
    let head = message.get(..message.len().min(MAX_HEAD_LEN)).unwrap_or_default();
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    // RFC 5322 §2.1: an empty line ends the header, §2.2.3: a line that begins with a blank goes on.
    let lines = head.lines().take_while(|line| !line.trim_end().is_empty());
    let header = lines.fold(String::new(), |header, line| match line.starts_with([' ', '\t']) {
        true => header + line,
        false => header + "\n" + line,
    });
    let kind = header.lines().find_map(|line| line.strip_prefix("content-type:"))?.trim_start();
    if kind.starts_with("multipart/signed") {
        return Some(true);
    }
    let is_message =
        kind.starts_with("application/pkcs7-mime") || kind.starts_with("application/x-pkcs7-mime");
    is_message.then_some(false)
}

/// The most octets of a mail's header that are looked at.
const MAX_HEAD_LEN: usize = 64 << 10;
