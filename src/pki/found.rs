//! What a file is that a loader does not take: told before anything is called malformed, with the command that
//! makes of it what is taken.

use core::fmt;

use base64ct::{Base64, Encoding as _};

use super::pem::{self, Kind, Section};
use crate::error::{CertificateError, CmsError, Found, KeyError};

/// Why a file is not one for a loader.
pub(crate) enum Unfit {
    /// What it holds instead.
    Missing(Found),
    /// What it holds beside what is wanted.
    Excess(String),
    /// What is wrong with its armour.
    Malformed(&'static str),
}

impl Unfit {
    pub(crate) fn what(&self) -> &str {
        match self {
            Self::Missing(found) => found.what(),
            Self::Excess(what) => what,
            Self::Malformed(what) => what,
        }
    }
}

impl From<Unfit> for CertificateError {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Missing(found) => Self::NotFound(found),
            Unfit::Excess(found) => Self::Excess(found),
            Unfit::Malformed(what) => Self::Malformed(what),
        }
    }
}

impl From<Unfit> for CmsError {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Missing(found) => Self::NotFound(found),
            Unfit::Excess(found) => Self::NotFound(Found::new(found, "")),
            Unfit::Malformed(what) => Self::Malformed(what),
        }
    }
}

impl From<Unfit> for KeyError {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Missing(found) => Self::NotAKey(found),
            Unfit::Excess(found) => Self::Excess(found),
            Unfit::Malformed(what) => Self::Malformed(what),
        }
    }
}

/// The sections of `data`, in order: at least one.
///
/// # Errors
/// What the data is where it is neither PEM nor DER, and what is wrong with its armour.
pub(crate) fn sections(data: &[u8]) -> Result<Vec<Section<'_>>, Unfit> {
    let sections = pem::sections(data);
    // DER may be a private key: once it is whole, nothing else looks into it.
    if let Ok([only]) = sections.as_deref()
        && only.is_der()
    {
        return match of_der(data) {
            Some(found) => Err(Unfit::Missing(found)),
            None => sections.map_err(Unfit::Malformed),
        };
    }
    if has(data, b"-----\\n") {
        return Err(Unfit::Missing(data_is(
            "PEM whose ends of lines are the two characters \\n",
            r#"put real ends of lines there: umask 077 && printf '%b' "$(cat FILE)" > NEW"#,
        )));
    }
    match sections {
        Ok(sections) if sections.is_empty() => {
            Err(Unfit::Missing(of_no_armour(data).unwrap_or_else(neither)))
        }
        Ok(sections) => Ok(sections),
        // A message in BER may have PEM inside of it.
        Err(_) if pem::is_ber(data) => Err(Unfit::Missing(ber(data))),
        Err(why) => Err(of_no_armour(data).map_or(Unfit::Malformed(why), Unfit::Missing)),
    }
}

/// The one section of `data` that `takes` wants; `instead` says what to call for a file with more. A file
/// with anything else in it is refused: what a loader leaves out in silence may be what mattered.
///
/// # Errors
/// What is there instead, or beside it.
pub(super) fn the_one<'s, 'a>(
    data: &[u8],
    sections: &'s [Section<'a>],
    takes: impl Fn(Kind) -> bool,
    instead: &str,
) -> Result<&'s Section<'a>, Unfit> {
    let mut fit = sections.iter().filter(|section| takes(section.kind));
    match (fit.next(), sections) {
        (Some(one), [_]) => Ok(one),
        (Some(_), _) => Err(Unfit::Excess(format!("{}, {instead}", describe(sections).what()))),
        // A parser says better what is wrong with it.
        (None, [only]) if only.kind == Kind::Unknown && pem::is_der(data) => Ok(only),
        (None, _) => Err(Unfit::Missing(describe(sections))),
    }
}

/// What `data` is, where something else than PEM and DER is wanted.
pub(super) fn instead(data: &[u8]) -> Found {
    match sections(data) {
        Ok(sections) => describe(&sections),
        Err(Unfit::Missing(found)) => found,
        Err(unfit) => data_is(unfit.what(), ""),
    }
}

/// What `sections` are, for the error that says what was found instead.
pub(crate) fn describe(sections: &[Section<'_>]) -> Found {
    let mut kinds: Vec<(&Section<'_>, usize)> = Vec::new();
    for section in sections {
        let is_known =
            |(one, _): &&mut (&Section<'_>, usize)| (one.kind, one.label) == (section.kind, section.label);
        if let Some((_, count)) = kinds.iter_mut().find(is_known) {
            *count = count.saturating_add(1);
        } else if kinds.len() < MAX_DESCRIBED {
            kinds.push((section, 1));
        }
    }
    let hint = kinds.iter().find_map(|(section, _)| {
        let labelled = || known(section).map(|(_, hint)| hint);
        if section.kind == Kind::Pkcs12 { Some(PKCS12) } else { labelled() }
    });
    let names: Vec<String> = kinds.iter().map(|(section, count)| named(section, *count)).collect();
    Found::new(format!("the data holds {}", names.join(" and ")), hint.unwrap_or_default())
}

/// What `section` is, and what to do with it where nothing here takes it.
pub(super) fn of_section(section: &Section<'_>) -> (String, &'static str) {
    let known = known(section).filter(|_| section.kind == Kind::Unknown);
    (named(section, 1), known.map(|(_, hint)| hint).unwrap_or_default())
}

fn named(section: &Section<'_>, count: usize) -> String {
    match (section.kind, section.label, count) {
        (Kind::Unknown, "", _) => "DER of an unknown kind".to_owned(),
        (Kind::Unknown, label, 1) => {
            known(section).map_or_else(|| format!("a PEM block {label:?}"), |(what, _)| what.to_owned())
        }
        (Kind::Unknown, label, _) => format!("{count} PEM blocks {label:?}"),
        (kind, _, 1) => kind.name().to_owned(),
        (kind, _, _) => format!("{count} {}", kind.plural()),
    }
}

/// As [`labelled`]; an OpenSSH key of Ed25519 is told by its public half, which is never encrypted.
fn known(section: &Section<'_>) -> Option<(&'static str, &'static str)> {
    let is_ed25519 = || section.der().is_ok_and(|der| has(&der, b"ssh-ed25519"));
    if section.label == "OPENSSH PRIVATE KEY" && is_ed25519() {
        return Some(("an OpenSSH private key of Ed25519", SSH_ED25519));
    }
    labelled(section.label)
}

/// What PEM's other labels stand for, and what makes of it what is taken.
fn labelled(label: &str) -> Option<(&'static str, &'static str)> {
    Some(match label {
        "OPENSSH PRIVATE KEY" => {
            ("an OpenSSH private key", "make PKCS#8 of a copy: cp FILE NEW && ssh-keygen -p -m PKCS8 -f NEW")
        }
        "TRUSTED CERTIFICATE" => (
            "a certificate with OpenSSL's own trust settings",
            "make a plain one of it: openssl x509 -in FILE -out NEW",
        ),
        "DSA PRIVATE KEY" | "DSA PUBLIC KEY" | "DSA PARAMETERS" => {
            ("DSA", "make a new key: DSA is not used in TLS 1.3")
        }
        "DH PARAMETERS" | "X9.42 DH PARAMETERS" => {
            ("parameters for Diffie-Hellman", "leave them out: TLS 1.3 has groups of its own")
        }
        "PGP PRIVATE KEY BLOCK" | "PGP PUBLIC KEY BLOCK" | "PGP MESSAGE" | "PGP SIGNATURE" => (
            "something of OpenPGP",
            "OpenPGP has keys of its own: make a new one, and a certificate request with it",
        ),
        "SSH2 PUBLIC KEY" => ("an SSH public key", SSH_PUBLIC_KEY),
        "PKCS12" => (
            "a PKCS#12 file in PEM",
            "make DER of it: umask 077 && openssl asn1parse -noout -in FILE -out NEW",
        ),
        "TSS2 PRIVATE KEY" => {
            ("a key that a TPM keeps", "make a key outside of the TPM: this one cannot leave it")
        }
        "ATTRIBUTE CERTIFICATE" => {
            ("an attribute certificate", "ask for a public key certificate (RFC 5280)")
        }
        _ => return None,
    })
}

/// DER that is not all of the file, or not DER.
fn of_der(data: &[u8]) -> Option<Found> {
    if pem::is_ber(data) {
        return Some(ber(data));
    }
    let behind = pem::behind_der(data);
    if behind.is_some_and(<[u8]>::is_empty) {
        return None;
    }
    // What a text editor, or a copy that was not binary, makes of octets that are no UTF-8.
    if has(data, "\u{FFFD}\u{FFFD}".as_bytes()) {
        return Some(data_is(
            "DER that was taken for text, and is lost",
            "copy it once more, as a binary file",
        ));
    }
    let behind = behind?;
    // What a command would leave out here may be what mattered.
    if pem::is_der(behind) {
        return Some(data_is(
            "DER with more DER behind it",
            "make PEM of each, one file for each of them: PEM alone may hold several",
        ));
    }
    let whole = data.get(..data.len().saturating_sub(behind.len())).unwrap_or_default();
    let kind = Kind::of_der(whole);
    let hint = match MENDED.iter().find(|(one, _)| *one == kind) {
        Some((_, hint)) => hint,
        None if kind == Kind::EncryptedPrivateKey => {
            "leave out what is behind it: openssl pkcs8 -topk8 -v2 aes-256-cbc -inform DER -in FILE -out NEW"
        }
        None if kind.is_private_key() => {
            "leave out what is behind it: openssl pkey -inform DER -in FILE -out NEW"
        }
        None => "take the file from its source again",
    };
    let octets = if behind.len() == 1 { "octet" } else { "octets" };
    Some(data_is(format_args!("DER with {} {octets} behind it", behind.len()), hint))
}

/// What is neither PEM nor DER, by how it begins.
fn of_no_armour(data: &[u8]) -> Option<Found> {
    let found = |what: &'static str, hint: &'static str| Some(data_is(what, hint));
    if data.iter().all(u8::is_ascii_whitespace) {
        return found("empty", "look whether the file is the right one, and was written whole");
    }
    for (magic, what, hint) in MAGIC {
        if data.starts_with(magic) {
            return found(what, hint);
        }
    }
    if data.starts_with(b"\xFF\xFE") || data.starts_with(b"\xFE\xFF") {
        return found("text in UTF-16", "make UTF-8 of it: umask 077 && iconv -f UTF-16 -t UTF-8 FILE > NEW");
    }
    if data.starts_with(b"-\0-\0") {
        return found(
            "text in UTF-16",
            "make UTF-8 of it: umask 077 && iconv -f UTF-16LE -t UTF-8 FILE > NEW",
        );
    }
    let text = core::str::from_utf8(data).ok()?;
    of_text(text.trim_start_matches('\u{FEFF}').trim())
}

fn of_text(text: &str) -> Option<Found> {
    let found = |what: &'static str, hint: &'static str| Some(data_is(what, hint));
    let begins = |with: &str| text.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with));
    for (begin, what, hint) in BEGINNINGS {
        if begins(begin) {
            return found(what, hint);
        }
    }
    if begins("{") {
        return match (text.contains("\"keys\""), text.contains("\"kty\"")) {
            (true, _) => {
                found("a set of JSON Web Keys", "take one key out of it, and put that in a file of its own")
            }
            (false, true) => found("a JSON Web Key", JWK),
            (false, false) => found("JSON", "take the certificate or key out of it, as PEM"),
        };
    }
    let before = |at: usize| text.get(..at).unwrap_or_default().chars().rev();
    let dashed = |at: usize| before(at).take(MAX_DASHES).any(|one| DASHES.contains(&one));
    if text.match_indices("BEGIN ").any(|(at, _)| dashed(at)) {
        return found(
            "PEM whose hyphens have become typographic dashes",
            r"put hyphens there again: umask 077 && sed -E 's/^[^A-Z]*(BEGIN|END) ([A-Z0-9 ]*[A-Z0-9])[^A-Z0-9]*$/-----\1 \2-----/' FILE > NEW",
        );
    }
    if text.len() >= 16 && text.bytes().all(|octet| octet.is_ascii_hexdigit() || octet.is_ascii_whitespace())
    {
        return found(
            "hexadecimal digits",
            "make octets of them: umask 077 && perl -ne 's/[^0-9A-Fa-f]//g; print pack \"H*\", $_' FILE > NEW",
        );
    }
    of_base64(text).or_else(|| {
        let is_rooted = PATHS.iter().any(|begin| text.starts_with(begin)) || text.get(1..3) == Some(":\\");
        let has_ending = ENDINGS.iter().any(|ending| text.ends_with(ending));
        if text.len() <= 4096 && !text.contains('\n') && (is_rooted || has_ending) {
            return found(
                "the name of a file, where its content has to be",
                "read the file, and pass what is in it",
            );
        }
        None
    })
}

fn of_base64(text: &str) -> Option<Found> {
    let digits: Vec<u8> =
        text.bytes().filter(|octet| !octet.is_ascii_whitespace()).take(BASE64_CHARS).collect();
    let whole = digits.get(..digits.len() / 4 * 4).filter(|whole| whole.len() >= 16)?;
    let mut octets = [0; BASE64_CHARS / 4 * 3];
    let octets = Base64::decode(whole, &mut octets).ok()?;
    let what = match octets {
        octets if octets.starts_with(b"-----BEGIN ") => "base64 of PEM",
        [0x30, ..] => "base64 without the BEGIN and END lines of PEM",
        octets if MAGIC.iter().any(|(magic, _, _)| octets.starts_with(magic)) => "base64 of a key store",
        _ => return None,
    };
    Some(data_is(what, "decode it: umask 077 && base64 -d FILE > NEW"))
}

fn data_is(what: impl fmt::Display, hint: &'static str) -> Found {
    Found::new(format!("the data is {what}"), hint)
}

fn ber(data: &[u8]) -> Found {
    // PFX begins with its version (RFC 7292 §4).
    if data.get(2..).is_some_and(|content| content.starts_with(&[2, 1, 3])) {
        return data_is("a PKCS#12 file", PKCS12);
    }
    data_is(
        "BER whose lengths are left open, where DER has to be",
        "take the certificates out of it: openssl pkcs7 -inform DER -in FILE -print_certs -out NEW",
    )
}

fn neither() -> Found {
    data_is("neither PEM nor DER", "")
}

fn has(haystack: &[u8], needle: &[u8]) -> bool {
    pem::find(haystack, needle).is_some()
}

/// What leaves out of DER what stands behind it.
const MENDED: [(Kind, &str); 5] = [
    (Kind::Certificate, "leave out what is behind it: openssl x509 -inform DER -in FILE -out NEW"),
    (Kind::Request, "leave out what is behind it: openssl req -inform DER -in FILE -out NEW"),
    (Kind::Crl, "leave out what is behind it: openssl crl -inform DER -in FILE -out NEW"),
    (Kind::Pkcs7, "leave out what is behind it: openssl pkcs7 -inform DER -in FILE -out NEW"),
    (
        Kind::PublicKey,
        "leave out what is behind it: openssl pkey -pubin -inform DER -in FILE -pubout -out NEW",
    ),
];

/// What binary files begin with.
const MAGIC: [(&[u8], &str, &str); 7] = [
    (
        b"\xFE\xED\xFE\xED",
        "a Java key store (JKS)",
        "make PKCS#12 of it: keytool -importkeystore -srckeystore FILE -destkeystore NEW -deststoretype PKCS12",
    ),
    (
        b"\xCE\xCE\xCE\xCE",
        "a Java key store (JCEKS)",
        "make PKCS#12 of it: keytool -importkeystore -srckeystore FILE -srcstoretype JCEKS -destkeystore NEW -deststoretype PKCS12",
    ),
    (
        b"\x07\x02\x00\x00\x00",
        "a private key of Windows (PRIVATEKEYBLOB)",
        "make PEM of it: openssl rsa -inform MSBLOB -in FILE -out NEW",
    ),
    (
        b"\x1E\xF1\xB5\xB0",
        "a private key of Windows (PVK)",
        "make PEM of it: openssl rsa -inform PVK -in FILE -out NEW",
    ),
    (b"\x1F\x8B", "a gzip archive", "unpack it: umask 077 && gzip -dc FILE > NEW"),
    (b"PK\x03\x04", "a zip archive", "unpack it: unzip FILE"),
    (b"\x7FELF", "a program", "pass the file that the certificate or key is in"),
];

/// What text begins with, in any case.
const BEGINNINGS: [(&str, &str, &str); 19] = [
    ("<!DOCTYPE html", "a web page", WEB_PAGE),
    ("<html", "a web page", WEB_PAGE),
    ("<", "XML or a web page", "take the certificate or key out of it, as PEM"),
    ("PuTTY-User-Key-File-3: ssh-ed25519", "a PuTTY private key of Ed25519", PUTTY_ED25519),
    ("PuTTY-User-Key-File-2: ssh-ed25519", "a PuTTY private key of Ed25519", PUTTY_ED25519),
    (
        "PuTTY-User-Key-File-",
        "a PuTTY private key",
        "make PEM of it: puttygen FILE -O private-openssh -o NEW",
    ),
    (
        "---- BEGIN SSH2 ",
        "an SSH key (RFC 4716)",
        "make PEM of it: ssh-keygen -i -f FILE > SSH && ssh-keygen -e -m PKCS8 -f SSH > NEW",
    ),
    ("ssh-ed25519 ", "an SSH public key of Ed25519", SSH_ED25519_PUBLIC_KEY),
    ("ssh-", "an SSH public key", SSH_PUBLIC_KEY),
    ("ecdsa-sha2-", "an SSH public key", SSH_PUBLIC_KEY),
    ("sk-ssh-", "an SSH public key of a security key", "make a new key: this one signs for SSH alone"),
    (
        "pkcs11:",
        "the address of a key in a token",
        "make a key outside of the token: this one cannot leave it",
    ),
    ("MIME-Version:", "a mail", MAIL),
    ("Content-Type:", "a mail", MAIL),
    ("From:", "a mail", MAIL),
    ("Received:", "a mail", MAIL),
    ("Return-Path:", "a mail", MAIL),
    (
        "HTTP/1",
        "an answer of a web server",
        "leave out its head: what is behind the first empty line is the file",
    ),
    ("AGE-SECRET-KEY-", "a key of age", "make a new key: age encrypts files with this one alone"),
];

const PKCS12: &str = "load it with its password, as an identity or as PKCS#12";
const WEB_PAGE: &str = "fetch the file itself: this is the page about it, or an error of the server";
const MAIL: &str = "take the certificates out of it: openssl smime -pk7out -in FILE -out NEW";
// ssh-keygen and puttygen write no other format of Ed25519 than OpenSSH's.
const SSH_ED25519: &str = "make PKCS#8 of it: umask 077 && python3 -c \"import sys; from cryptography.hazmat.primitives.serialization import *; key = load_ssh_private_key(sys.stdin.buffer.read(), None); sys.stdout.buffer.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))\" < FILE > NEW";
const SSH_ED25519_PUBLIC_KEY: &str = "make PEM of it: python3 -c \"import sys; from cryptography.hazmat.primitives.serialization import *; key = load_ssh_public_key(sys.stdin.buffer.read()); sys.stdout.buffer.write(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))\" < FILE > NEW";
const PUTTY_ED25519: &str =
    "make an OpenSSH key of it, and ask again what to do with that: puttygen FILE -O private-openssh -o NEW";
const SSH_PUBLIC_KEY: &str = "make PEM of it: ssh-keygen -e -m PKCS8 -f FILE > NEW";
const JWK: &str = "make PEM of it: umask 077 && python3 -c \"import sys; from jwcrypto.jwk import JWK; key = JWK.from_json(sys.stdin.read()); sys.stdout.buffer.write(key.export_to_pem(key.has_private, None))\" < FILE > NEW";

/// What editors and word processors make of hyphens.
const DASHES: [char; 6] = ['\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2212}'];

/// Characters before BEGIN that are looked at.
const MAX_DASHES: usize = 6;

/// What paths begin with, and files end with.
const PATHS: [&str; 5] = ["/", "./", "../", "~/", ".\\"];
const ENDINGS: [&str; 8] = [".pem", ".crt", ".cer", ".der", ".key", ".csr", ".p12", ".pfx"];

/// The most kinds that an error text lists.
const MAX_DESCRIBED: usize = 4;
/// Characters of base64 that are enough to know what is behind them.
const BASE64_CHARS: usize = 64;
