//! The register as text, version 2.
//!
//! ```text
//! otls-register 2
//! token SHA-256 PROFILE NAMES
//! SERIAL PROFILE KEY NOT-AFTER REVOKED COMMON-NAME NAMES
//! end COUNT
//! ```
//!
//! Tokens come first, in ascending order. Fields are separated by one space; numbers are hexadecimal (serial, key) or decimal (times, in
//! seconds since 1970); PROFILE is `server`, `client`, `both` or `ca:` with the path length; REVOKED is `-` or `TIME:REASON`; names are percent-encoded and NAMES are
//! separated by commas, `-` if there are none. A text is read only if it is exactly what would be
//! written; the last line tells a text that was cut short.
//!
//! Version 1 is read too: its names are folded as they are today, which leaves unknown what addresses its
//! certificates have, and its tokens, which are for no profile and no names, are no longer good.

use core::fmt::Write;
use std::collections::HashSet;

use super::{Entry, Grant, Register};
use crate::error::{CertificateError, Result};
use crate::pki::fold::folded_host;
use crate::pki::{Profile, RevocationReason};
use crate::time::UnixTime;

pub(super) fn encode(register: &Register) -> String {
    let mut text = format!("{HEADER}\n");
    for (token, grant) in &register.tokens {
        text.push_str(&encode_token(token, grant));
        text.push('\n');
    }
    for entry in &register.entries {
        text.push_str(&encode_entry(entry));
        text.push('\n');
    }
    text.push_str(&end_line(register));
    text.push('\n');
    text
}

pub(super) fn decode(text: &str) -> Result<Register> {
    let damaged = |line: usize, what: &str| {
        CertificateError::Refused(format!("its register is damaged in line {line}: {what}"))
    };
    let mut lines = text.split('\n').zip(1_usize..);
    let version = match lines.next() {
        Some((HEADER, _)) => Version::Current,
        Some((OLD_HEADER, _)) => Version::Old { last_token: None },
        _ => return Err(damaged(1, "it does not begin with \"otls-register 2\"").into()),
    };
    let (mut version, mut register) = (version, Register::default());
    let mut serials = HashSet::new();
    let mut last = 1;
    for (line, number) in &mut lines {
        last = number;
        if line == end_line(&register) {
            return match (lines.next(), lines.next()) {
                (Some(("", _)), None) => Ok(register),
                _ => Err(damaged(number.saturating_add(1), "something is wrong after the end").into()),
            };
        }
        decode_line(line, &mut version, &mut register, &mut serials).map_err(|what| damaged(number, what))?;
    }
    Err(damaged(last, "it is cut short").into())
}

fn decode_line(
    line: &str,
    version: &mut Version,
    register: &mut Register,
    serials: &mut HashSet<Vec<u8>>,
) -> Result<(), &'static str> {
    if let Some(token) = line.strip_prefix(TOKEN) {
        let (token, grant) = decode_token(token, version)?;
        let written = match &grant {
            Some(grant) => encode_token(&token, grant),
            None => format!("{TOKEN}{}", hex(&token)),
        };
        let last = match version {
            Version::Current => register.tokens.last_key_value().map(|(last, _)| *last),
            Version::Old { last_token } => last_token.replace(token),
        };
        if !register.entries.is_empty() || last.is_some_and(|last| last >= token) || written != line {
            return Err("a token is not in its place, or not written in the one way it should be");
        }
        if let Some(grant) = grant {
            register.tokens.insert(token, grant);
        }
        return Ok(());
    }
    let mut entry = decode_entry(line)?;
    if encode_entry(&entry) != line {
        return Err("it is not written in the one way it should be");
    }
    if matches!(version, Version::Old { .. }) {
        let folded: Vec<String> = entry.names.iter().map(|name| folded_host(name)).collect();
        entry.names = folded;
    }
    if !serials.insert(entry.serial.clone()) {
        return Err("the serial number is there already");
    }
    register.entries.push(entry);
    Ok(())
}

/// Which text is read, and the last token of one whose tokens are not kept.
enum Version {
    Current,
    Old { last_token: Option<[u8; 32]> },
}

fn encode_token(token: &[u8; 32], grant: &Grant) -> String {
    format!("{TOKEN}{} {} {}", hex(token), profile_word(grant.profile), encode_names(&grant.names))
}

/// What it is for is not known of an old one.
fn decode_token(text: &str, version: &Version) -> Result<([u8; 32], Option<Grant>), &'static str> {
    let (token, grant) = match version {
        Version::Old { .. } => (text, None),
        Version::Current => {
            let fields: Vec<&str> = text.split(' ').collect();
            let [token, profile, names] =
                fields.try_into().map_err(|_| "a token has a hash, a profile and names")?;
            let profile = profile_of(profile).ok_or(NO_PROFILE)?;
            (token, Some(Grant { profile, names: decode_names(names)? }))
        }
    };
    let token = unhex(token).ok_or("the token's hash is not hexadecimal")?;
    Ok((token.try_into().map_err(|_| "the token's hash does not have 32 octets")?, grant))
}

fn encode_names(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| escape(name)).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(",") }
}

fn decode_names(text: &str) -> Result<Vec<String>, &'static str> {
    if text == "-" { Ok(Vec::new()) } else { text.split(',').map(unescape).collect() }
}

fn encode_entry(entry: &Entry) -> String {
    let profile = profile_word(entry.profile);
    let revoked = match entry.revoked {
        Some((at, why)) => format!("{}:{}", at.0, reason_word(why)),
        None => "-".to_owned(),
    };
    let names = encode_names(&entry.names);
    let common_name = escape(&entry.common_name);
    let serial = hex(&entry.serial);
    let key = hex(&entry.key_fingerprint);
    format!("{serial} {profile} {key} {} {revoked} {common_name} {names}", entry.not_after.0)
}

fn decode_entry(line: &str) -> Result<Entry, &'static str> {
    let fields: Vec<&str> = line.split(' ').collect();
    let [serial, profile, key, not_after, revoked, common_name, names] =
        fields.try_into().map_err(|_| "an entry has seven fields")?;
    let key = unhex(key).ok_or("the key is not hexadecimal")?;
    let revoked = match revoked.split_once(':') {
        None if revoked == "-" => None,
        None => return Err("the revocation is neither \"-\" nor a time and a reason"),
        Some((at, why)) => {
            let why = REASONS.into_iter().find(|reason| reason_word(*reason) == why);
            Some((seconds(at)?, why.ok_or("unknown reason of a revocation")?))
        }
    };
    Ok(Entry {
        serial: unhex(serial)
            .filter(|octets| !octets.is_empty())
            .ok_or("the serial number is not hexadecimal")?,
        profile: profile_of(profile).ok_or(NO_PROFILE)?,
        common_name: unescape(common_name)?,
        names: decode_names(names)?,
        key_fingerprint: key.try_into().map_err(|_| "the key does not have 32 octets")?,
        not_after: seconds(not_after)?,
        revoked,
    })
}

fn profile_word(profile: Profile) -> String {
    match profile {
        Profile::Server => "server".to_owned(),
        Profile::Client => "client".to_owned(),
        Profile::Both => "both".to_owned(),
        Profile::Ca { path_len } => format!("ca:{path_len}"),
    }
}

fn profile_of(word: &str) -> Option<Profile> {
    match word {
        "server" => Some(Profile::Server),
        "client" => Some(Profile::Client),
        "both" => Some(Profile::Both),
        _ => word.strip_prefix("ca:")?.parse().ok().map(|path_len| Profile::Ca { path_len }),
    }
}

const fn reason_word(reason: RevocationReason) -> &'static str {
    match reason {
        RevocationReason::Unspecified => "unspecified",
        RevocationReason::KeyCompromise => "keyCompromise",
        RevocationReason::AffiliationChanged => "affiliationChanged",
        RevocationReason::Superseded => "superseded",
        RevocationReason::CessationOfOperation => "cessationOfOperation",
    }
}

fn end_line(register: &Register) -> String {
    format!("end {}", register.entries.len())
}

fn seconds(text: &str) -> Result<UnixTime, &'static str> {
    text.parse().map(UnixTime).map_err(|_| "a time is not a number of seconds")
}

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // Writing to a String does not fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |octet: u8| char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// Percent-encodes what would be taken for a separator, and a name that would be taken for none.
fn escape(name: &str) -> String {
    if name == "-" {
        return "%2d".to_owned();
    }
    let mut text = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_control() || character.is_whitespace() || matches!(character, '%' | ',') {
            let mut utf8 = [0; 4];
            for octet in character.encode_utf8(&mut utf8).bytes() {
                let _ = write!(text, "%{octet:02x}");
            }
        } else {
            text.push(character);
        }
    }
    text
}

fn unescape(text: &str) -> Result<String, &'static str> {
    let mut pieces = text.split('%');
    let mut octets = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2).ok_or("a name is not encoded rightly")?;
        octets.append(&mut unhex(digits).ok_or("a name is not encoded rightly")?);
        octets.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(octets).map_err(|_| "a name is not UTF-8")
}

const HEADER: &str = "otls-register 2";
const OLD_HEADER: &str = "otls-register 1";

const NO_PROFILE: &str = "the profile is none of server, client, both and ca:N";

const TOKEN: &str = "token ";

const REASONS: [RevocationReason; 5] = [
    RevocationReason::Unspecified,
    RevocationReason::KeyCompromise,
    RevocationReason::AffiliationChanged,
    RevocationReason::Superseded,
    RevocationReason::CessationOfOperation,
];
