//! How DNS names, mailboxes and URIs are written.

use std::net::IpAddr;

use crate::error::{CertificateError, Error, Result};

/// RFC 5280 §4.2.1.6: `local@host`, without a display name, ASCII; quoted local parts are not accepted.
///
/// # Errors
/// [`crate::error::CertificateError::BadName`].
pub(super) fn check_mailbox(text: &str) -> Result<()> {
    let fault = |why: &str| Err(bad_name(format!("{text:?} is not an e-mail address: {why}")));
    let Some((local, host)) = text.rsplit_once('@') else {
        return fault("it has no \"@\"");
    };
    // RFC 5321 §4.5.3.1.1.
    if local.is_empty() || local.len() > MAX_LOCAL_PART_CHARS {
        return fault("before the \"@\" belong 1 to 64 characters");
    }
    // RFC 5322 §3.2.3, atext.
    let is_atext = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&c);
    if local.split('.').any(|atom| atom.is_empty() || !atom.bytes().all(is_atext)) {
        return fault("before the \"@\" may be letters, digits, single dots and !#$%&'*+-/=?^_`{|}~ only");
    }
    if host.starts_with('*') {
        return fault("its host has a wildcard");
    }
    match dns_fault(host) {
        Some(why) => fault(&format!("its host: {why}")),
        None => Ok(()),
    }
}

/// RFC 5280 §4.2.1.6: absolute, with a scheme and something after it.
pub(super) fn check_uri(text: &str) -> Result<()> {
    let fault = |why: &str| Err(bad_name(format!("{text:?} is not a URI: {why}")));
    if text.len() > MAX_URI_CHARS {
        return fault("it has more than 2048 characters");
    }
    let Some((scheme, rest)) = text.split_once(':') else {
        return fault("it has no scheme, as in \"https:\"");
    };
    // RFC 3986 §3.1.
    let is_scheme = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.');
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(is_scheme) {
        return fault("its scheme is not a word, as in \"https:\"");
    }
    if rest.is_empty() {
        return fault("nothing follows its scheme");
    }
    // RFC 3986 §2: everything else is percent-encoded.
    if !rest.bytes().all(|c| c.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&c)) {
        return fault("a space, a quotation mark or a character outside ASCII has to be percent-encoded");
    }
    Ok(())
}

/// A DNS name without the dot of the root at its end, which is the same name (RFC 1034 §3.1); certificates and
/// server_name (RFC 6066 §3) have none.
pub(super) fn without_root(text: &str) -> &str {
    text.strip_suffix('.').filter(|name| !name.is_empty() && !is_address(name)).unwrap_or(text)
}

/// Why what somebody wrote is not the name of a host, by what was probably meant, and what to write instead.
pub(super) fn host_fault(text: &str) -> Option<String> {
    let bare = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}');
    if bare != text && !bare.is_empty() {
        return Some(format!("it has blanks around it: write {bare:?}"));
    }
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        return Some(format!("it is a URL: write its host, {host:?} without a port, or a URI as \"URI:…\""));
    }
    if let Some((_, host)) = text.split_once('@') {
        return Some(format!("write the host alone, {host:?}, or an e-mail address as \"email:…\""));
    }
    if let Some((address, _)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return Some(format!("an IPv6 address is written without brackets and port: {address:?}"));
    }
    if let Some((address, _)) = text.split_once('%').filter(|(address, _)| is_address(address)) {
        return Some(format!("a zone is of one machine, and in no certificate: write {address:?}"));
    }
    let port = |port: &str| !port.is_empty() && port.bytes().all(|c| c.is_ascii_digit());
    if let Some((host, _)) = text.split_once(':').filter(|(_, rest)| port(rest)) {
        return Some(format!("a port is no part of a name: write {host:?}"));
    }
    if let Some(address) = text.strip_suffix('.').filter(|address| is_address(address)) {
        return Some(format!("an address has no dot at its end: write {address:?}"));
    }
    dns_fault(text).map(str::to_owned)
}

fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

pub(super) fn dns_fault(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if !text.is_ascii() {
        return Some("it is not ASCII (write international names as A-labels, \"xn--…\")");
    }
    if text.len() > MAX_DNS_CHARS {
        return Some("it has more than 253 characters");
    }
    let labels = match text.strip_prefix("*.") {
        Some(rest) if !rest.contains('.') => return Some("a wildcard needs two labels after it"),
        Some(rest) => rest,
        None => text,
    };
    if labels.split('.').next_back().is_some_and(|last| last.bytes().all(|c| c.is_ascii_digit())) {
        return Some(match labels.len() > 1 && labels.ends_with('.') {
            true => "it has a dot at its end",
            false => "its last label is empty or a number",
        });
    }
    labels.split('.').find_map(label_fault)
}

fn label_fault(label: &str) -> Option<&'static str> {
    if label.is_empty() {
        return Some("it has an empty label");
    }
    if label.len() > MAX_LABEL_CHARS {
        return Some("it has a label of more than 63 characters");
    }
    if label.contains('*') {
        return Some("a wildcard must be the whole first label");
    }
    if !label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_') {
        return Some("a label may have letters, digits, hyphens and underscores only");
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Some("a label must not start or end with a hyphen");
    }
    None
}

pub(super) fn bad_name(what: String) -> Error {
    CertificateError::BadName(what).into()
}

/// RFC 5321 §4.5.3.1.1.
const MAX_LOCAL_PART_CHARS: usize = 64;
/// None is set by RFC 3986; this is what browsers of all ages take, and bounds a certificate.
const MAX_URI_CHARS: usize = 2048;

/// RFC 1035 §2.3.4 allows 255 octets on the wire: 253 characters of text.
const MAX_DNS_CHARS: usize = 253;
/// RFC 1035 §2.3.4.
const MAX_LABEL_CHARS: usize = 63;
