//! PEM and DER, told apart by content (RFC 7468).

use base64ct::{Base64, Encoding as _};
use der::{Decode as _, Header, Reader as _, SliceReader, Tag};
use zeroize::{Zeroize as _, Zeroizing};

/// What a piece of data is, by its PEM label or by the shape of its DER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Certificate,
    Request,
    Crl,
    PrivateKey,
    EncryptedPrivateKey,
    RsaPrivateKey,
    EcPrivateKey,
    EcParameters,
    PublicKey,
    RsaPublicKey,
    Pkcs7,
    Pkcs12,
    Receipt,
    Unknown,
}

/// One PEM block, or all of a DER file.
pub(crate) struct Section<'a> {
    pub(crate) kind: Kind,
    pub(super) label: &'a str,
    /// All of it, BEGIN and END included.
    pub(super) whole: &'a [u8],
    body: Body<'a>,
}

/// DEK-Info (RFC 1421 §4.6.1.3).
pub(super) struct LegacyHeaders<'a> {
    pub(super) algorithm: &'a str,
    pub(super) iv: &'a str,
}

enum Body<'a> {
    Base64(&'a [u8]),
    Der(&'a [u8]),
}

impl<'a> Section<'a> {
    /// The DER; wiped when dropped because it may be a private key.
    pub(crate) fn der(&self) -> Result<Zeroizing<Vec<u8>>, &'static str> {
        match self.body {
            Body::Der(der) => Ok(Zeroizing::new(der.to_vec())),
            Body::Base64(text) => decode_base64(text),
        }
    }

    /// The headers of OpenSSL's legacy encryption (RFC 1421 §4.6), and the data that they are above.
    pub(super) fn legacy_encrypted(&self) -> Result<Option<(LegacyHeaders<'a>, Vec<u8>)>, &'static str> {
        let Body::Base64(text) = self.body else { return Ok(None) };
        if find(text, b"Proc-Type:").is_none() {
            return Ok(None);
        }
        let mut info = None;
        let mut rest = text;
        while let Some(end) = rest.iter().position(|octet| *octet == b'\n') {
            let (line, after) = rest.split_at_checked(end).unwrap_or_default();
            rest = after.get(1..).unwrap_or_default();
            let line = core::str::from_utf8(line).map_err(|_| "its PEM headers are not ASCII")?.trim();
            if let Some(value) = line.strip_prefix("DEK-Info:") {
                info = value.trim().split_once(',');
            } else if line.is_empty() && info.is_some() {
                break;
            }
        }
        let (algorithm, iv) = info.ok_or("its PEM headers have no DEK-Info")?;
        let data = decode_base64(rest)?.to_vec();
        Ok(Some((LegacyHeaders { algorithm: algorithm.trim(), iv: iv.trim() }, data)))
    }

    fn of_der(der: &'a [u8]) -> Self {
        Self { kind: Kind::of_der(der), label: "", whole: der, body: Body::Der(der) }
    }

    pub(super) fn is_der(&self) -> bool {
        matches!(self.body, Body::Der(_))
    }
}

impl Kind {
    fn of_label(label: &str) -> Self {
        match label {
            "CERTIFICATE" | "X509 CERTIFICATE" => Self::Certificate,
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Self::Request,
            "X509 CRL" => Self::Crl,
            "PRIVATE KEY" => Self::PrivateKey,
            "ENCRYPTED PRIVATE KEY" => Self::EncryptedPrivateKey,
            "RSA PRIVATE KEY" => Self::RsaPrivateKey,
            "EC PRIVATE KEY" => Self::EcPrivateKey,
            "EC PARAMETERS" => Self::EcParameters,
            "PUBLIC KEY" => Self::PublicKey,
            "RSA PUBLIC KEY" => Self::RsaPublicKey,
            "PKCS7" | "CMS" => Self::Pkcs7,
            RECEIPT_LABEL => Self::Receipt,
            _ => Self::Unknown,
        }
    }

    /// By the tags of the first elements: enough to say what somebody passed by mistake.
    pub(super) fn of_der(der: &[u8]) -> Self {
        let Some(outer) = tags(der) else { return Self::Unknown };
        let inner = content(der).and_then(tags).unwrap_or_default();
        match (outer.as_slice(), inner.as_slice()) {
            ([Tag::Sequence, Tag::Sequence, Tag::BitString], inner) => match inner {
                [Tag::Integer, Tag::Sequence, Tag::Sequence]
                | [Tag::Integer, Tag::Sequence, Tag::Sequence, Tag::ContextSpecific { .. }] => Self::Request,
                [Tag::ContextSpecific { .. }, Tag::Integer, ..]
                | [Tag::Integer, Tag::Sequence, Tag::Sequence, Tag::Sequence, ..] => Self::Certificate,
                _ => Self::Crl,
            },
            ([Tag::Sequence, Tag::BitString], _) => Self::PublicKey,
            ([Tag::Sequence, Tag::OctetString], _) => Self::EncryptedPrivateKey,
            ([Tag::Integer, Tag::Sequence, Tag::OctetString, ..], _) => Self::PrivateKey,
            ([Tag::Integer, Tag::Integer], _) => Self::RsaPublicKey,
            ([Tag::Integer, Tag::Integer, Tag::Integer, ..], _) => Self::RsaPrivateKey,
            ([Tag::Integer, Tag::OctetString, ..], _) => Self::EcPrivateKey,
            ([Tag::ObjectIdentifier, Tag::ContextSpecific { .. }], _) => Self::Pkcs7,
            ([Tag::Integer, Tag::Sequence, ..], _) => Self::Pkcs12,
            _ => Self::Unknown,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Certificate => "a certificate",
            Self::Request => "a certificate request",
            Self::Crl => "a revocation list",
            Self::PrivateKey => "a private key",
            Self::EncryptedPrivateKey => "an encrypted private key",
            Self::RsaPrivateKey => "an RSA private key in PKCS#1 format",
            Self::EcPrivateKey => "an EC private key in SEC1 format",
            Self::EcParameters => "the parameters of a curve",
            Self::PublicKey => "a public key",
            Self::RsaPublicKey => "an RSA public key in PKCS#1 format",
            Self::Pkcs7 => "a PKCS#7 bundle",
            Self::Pkcs12 => "a PKCS#12 file",
            Self::Receipt => "a receipt",
            Self::Unknown => "something unknown",
        }
    }

    pub(super) const fn plural(self) -> &'static str {
        match self {
            Self::Certificate => "certificates",
            Self::Request => "certificate requests",
            Self::Crl => "revocation lists",
            Self::PrivateKey => "private keys",
            Self::EncryptedPrivateKey => "encrypted private keys",
            Self::RsaPrivateKey => "RSA private keys in PKCS#1 format",
            Self::EcPrivateKey => "EC private keys in SEC1 format",
            Self::EcParameters => "parameters of curves",
            Self::PublicKey => "public keys",
            Self::RsaPublicKey => "RSA public keys in PKCS#1 format",
            Self::Pkcs7 => "PKCS#7 bundles",
            Self::Pkcs12 => "PKCS#12 files",
            Self::Receipt => "receipts",
            Self::Unknown => "unknown things",
        }
    }

    pub(crate) const fn is_private_key(self) -> bool {
        matches!(
            self,
            Self::PrivateKey | Self::EncryptedPrivateKey | Self::RsaPrivateKey | Self::EcPrivateKey
        )
    }
}

/// The sections of `data`, in order; the error says what is wrong with its PEM armour.
pub(super) fn sections(data: &[u8]) -> Result<Vec<Section<'_>>, &'static str> {
    // Text may start with the octet 0x30 ('0') and DER may contain a PEM line: a DER length that is
    // exactly right decides.
    if content(data).is_some_and(|content| data.ends_with(content)) && is_whole(data) {
        return Ok(vec![Section::of_der(data)]);
    }
    let blocks = pem_blocks(data)?;
    if blocks.is_empty() && is_der(data) {
        return Ok(vec![Section::of_der(data)]);
    }
    Ok(blocks)
}

/// Whether `data` starts like DER, so that a parser can say what is wrong with it.
pub(crate) fn is_der(data: &[u8]) -> bool {
    data.first() == Some(&0x30)
}

/// Whether `data` is a SEQUENCE of indefinite length (X.690 §8.1.3.6), which DER does not have.
pub(crate) fn is_ber(data: &[u8]) -> bool {
    data.starts_with(&[0x30, 0x80])
}

/// What stands behind the SEQUENCE that `der` begins with, where that is whole.
pub(super) fn behind_der(der: &[u8]) -> Option<&[u8]> {
    let mut reader = SliceReader::new(der).ok()?;
    let whole = reader.tlv_bytes().ok()?;
    der.get(whole.len()..)
}

/// PEM with lines of 64 characters (RFC 7468 §2).
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    String::from_utf8_lossy(&encode_secret(label, der)).into_owned()
}

/// As [`encode`], leaving no copy behind.
pub(super) fn encode_secret(label: &str, der: &[u8]) -> Zeroizing<Vec<u8>> {
    encode_with_headers(label, "", der)
}

/// As [`encode_secret`], with `headers` (RFC 1421 §4.6) and the empty line that ends them.
pub(super) fn encode_with_headers(label: &str, headers: &str, der: &[u8]) -> Zeroizing<Vec<u8>> {
    let lines = der.len().div_ceil(LINE_OCTETS);
    // Never grows: growing would leave a copy of a private key on the heap.
    let frame = 2 * (label.len() + 20) + headers.len();
    let mut pem = Zeroizing::new(Vec::with_capacity(lines * (LINE_CHARS + 1) + frame));
    pem.extend_from_slice(BEGIN);
    pem.extend_from_slice(label.as_bytes());
    pem.extend_from_slice(b"-----\n");
    pem.extend_from_slice(headers.as_bytes());
    let mut line = [0; LINE_CHARS];
    for chunk in der.chunks(LINE_OCTETS) {
        if let Ok(text) = Base64::encode(chunk, &mut line) {
            pem.extend_from_slice(text.as_bytes());
            pem.push(b'\n');
        }
    }
    line.zeroize();
    pem.extend_from_slice(END);
    pem.extend_from_slice(label.as_bytes());
    pem.extend_from_slice(b"-----\n");
    pem
}

/// A customer's signed receipt (docs/PROTOCOL.md).
pub(crate) const RECEIPT_LABEL: &str = "OTLS RECEIPT";

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
/// RFC 7468 §2: 64 characters a line, which are 48 octets.
const LINE_CHARS: usize = 64;
const LINE_OCTETS: usize = 48;
/// The most blocks that are looked at; bounds the work on a hostile file.
const MAX_BLOCKS: usize = 4096;
/// The longest label that is read; those of RFC 7468 §4 have up to 22 characters.
const MAX_LABEL_LEN: usize = 64;
/// Characters of base64 that are decoded at once.
const PIECE_CHARS: usize = 1024;

fn pem_blocks(data: &[u8]) -> Result<Vec<Section<'_>>, &'static str> {
    let mut blocks = Vec::new();
    let mut rest = data;
    while let Some(begin) = find(rest, BEGIN) {
        let (text, block) = rest.split_at_checked(begin).unwrap_or_default();
        check_text(text)?;
        let after = block.get(BEGIN.len()..).unwrap_or_default();
        let label_len = find(after, b"-----").ok_or("a PEM BEGIN line is cut short")?;
        let (label, body) = after.split_at_checked(label_len).ok_or("a PEM BEGIN line is cut short")?;
        let label = core::str::from_utf8(label).map_err(|_| "a PEM label is not ASCII")?;
        if label.len() > MAX_LABEL_LEN {
            return Err("a PEM label has more than 64 characters");
        }
        let body = body.get(5..).unwrap_or_default();
        let end = find(body, END).ok_or("a PEM block has no END line: it is cut short")?;
        let (body, tail) = body.split_at_checked(end).unwrap_or_default();
        let tail = tail.get(END.len()..).unwrap_or_default();
        let tail = tail
            .strip_prefix(label.as_bytes())
            .and_then(|tail| tail.strip_prefix(b"-----"))
            .ok_or("a PEM block's END line does not match its BEGIN line")?;
        if blocks.len() == MAX_BLOCKS {
            return Err("more PEM blocks than are accepted");
        }
        let whole = block.get(..block.len().saturating_sub(tail.len())).unwrap_or_default();
        blocks.push(Section { kind: Kind::of_label(label), label, whole, body: Body::Base64(body) });
        rest = tail;
    }
    if !blocks.is_empty() {
        check_text(rest)?;
    }
    Ok(blocks)
}

/// RFC 7468 §5.2 lets explanatory text stand outside the blocks. What may have been meant as a block is not
/// text: a list with a damaged BEGIN line would otherwise vanish.
fn check_text(text: &[u8]) -> Result<(), &'static str> {
    // Tabs, ends of lines, escape sequences and the end of file of CP/M are found in text; DER always has others.
    if text.iter().any(|octet| *octet < 0x20 && !matches!(octet, 0x09..=0x0D | 0x1A | 0x1B)) {
        return Err("what stands outside its PEM blocks is no text");
    }
    for line in text.split(|octet| matches!(octet, b'\n' | b'\r')) {
        if is_like_boundary(line) {
            return Err("a PEM BEGIN or END line is damaged, or has no other that belongs to it");
        }
        let line = line.trim_ascii();
        let is_base64 = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'=');
        if line.len() >= LINE_CHARS
            && line.iter().all(is_base64)
            && line.iter().any(|octet| octet.is_ascii_alphanumeric() && !octet.is_ascii_hexdigit())
        {
            return Err("base64 stands outside its PEM blocks: a BEGIN line is missing");
        }
    }
    Ok(())
}

/// Whether a line reads as BEGIN or END of one of the things that PEM is for, whatever stands in front.
fn is_like_boundary(line: &[u8]) -> bool {
    let from = line.iter().position(u8::is_ascii_alphanumeric).unwrap_or(line.len());
    let words = line.get(from..).unwrap_or_default().to_ascii_uppercase();
    let label = words.strip_prefix(b"BEGIN").or_else(|| words.strip_prefix(b"END"));
    label
        .filter(|label| label.first().is_some_and(|next| !next.is_ascii_alphanumeric()))
        .is_some_and(|label| BOUNDARY_WORDS.iter().any(|word| find(label, word).is_some()))
}

/// What the labels of RFC 7468 and those of keys have in common.
const BOUNDARY_WORDS: &[&[u8]] = &[b"CERTIFICATE", b"CRL", b"KEY", b"PKCS", b"CMS", b"RECEIPT"];

fn decode_base64(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    const BAD: &str = "its base64 does not decode";
    // Never grows: growing would leave a copy of a private key on the heap. And a piece at a time: a second
    // copy of a list may be large.
    let mut der = Zeroizing::new(Vec::with_capacity((text.len() / 4).saturating_add(1) * 3));
    let mut characters = text.iter().filter(|octet| !octet.is_ascii_whitespace()).peekable();
    let mut piece = Zeroizing::new([0; PIECE_CHARS]);
    let mut octets = Zeroizing::new([0; PIECE_CHARS / 4 * 3]);
    while characters.peek().is_some() {
        let mut filled = 0_usize;
        for (place, character) in piece.iter_mut().zip(characters.by_ref()) {
            *place = *character;
            filled = filled.saturating_add(1);
        }
        let decoded = Base64::decode(piece.get(..filled).unwrap_or_default(), octets.as_mut_slice());
        let decoded = decoded.map_err(|_| BAD)?;
        // Padding is the end (RFC 4648 §3.2).
        if decoded.len() < PIECE_CHARS / 4 * 3 && characters.peek().is_some() {
            return Err(BAD);
        }
        der.extend_from_slice(decoded);
    }
    Ok(der)
}

pub(super) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The content of a SEQUENCE that `der` starts with.
pub(super) fn content(der: &[u8]) -> Option<&[u8]> {
    let mut reader = SliceReader::new(der).ok()?;
    let header = Header::decode(&mut reader).ok()?;
    (header.tag() == Tag::Sequence).then_some(())?;
    reader.read_slice(header.length()).ok()
}

fn is_whole(der: &[u8]) -> bool {
    SliceReader::new(der).is_ok_and(|mut reader| reader.tlv_bytes().is_ok() && reader.is_finished())
}

/// The tags of the first elements of the SEQUENCE that `der` starts with.
fn tags(der: &[u8]) -> Option<Vec<Tag>> {
    let mut reader = SliceReader::new(content(der)?).ok()?;
    let mut tags = Vec::new();
    while tags.len() < MAX_TAGS && !reader.is_finished() {
        tags.push(Header::peek(&reader).ok()?.tag());
        reader.tlv_bytes().ok()?;
    }
    Some(tags)
}

/// A certificate's TBSCertificate has the most elements to tell apart.
const MAX_TAGS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_found_again_between_text() {
        for len in [0, 1, 47, 48, 49, 500] {
            let der = vec![0xA5; len];
            let text = format!("Subject: x\n{}trailing\n", encode("CERTIFICATE", &der));
            let found = sections(text.as_bytes()).unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].kind, Kind::Certificate);
            assert_eq!(*found[0].der().unwrap(), der);
        }
    }

    #[test]
    fn lines_may_end_in_carriage_return_and_line_feed() {
        let pem = encode("X509 CRL", &[7; 100]).replace('\n', "\r\n");
        assert_eq!(*sections(pem.as_bytes()).unwrap()[0].der().unwrap(), vec![7; 100]);
    }

    #[test]
    fn a_block_that_is_cut_short_is_refused() {
        let pem = encode("CERTIFICATE", &[7; 100]);
        let end = pem.find("-----END").unwrap();
        for len in 12..end {
            assert!(sections(&pem.as_bytes()[..len]).is_err(), "{len}");
        }
        assert!(sections(pem.replace("END CERT", "END KERT").as_bytes()).is_err());
    }

    #[test]
    fn base64_that_does_not_decode_is_refused() {
        for body in ["A", "AAA=A", "AA*A", "AAAA=", "AA=="] {
            let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
            let decodes = sections(pem.as_bytes()).unwrap()[0].der().is_ok();
            assert_eq!(decodes, body == "AA==", "{body}");
        }
    }
}
