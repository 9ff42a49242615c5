//! The register as text, version 1.
//!
//! ```text
//! otls-register 1
//! token SHA-256
//! SERIAL PROFILE KEY NOT-AFTER REVOKED COMMON-NAME NAMES
//! end COUNT
//! ```
//!
//! Tokens come first, in ascending order. Fields are separated by one space; numbers are hexadecimal (serial, key) or decimal (times, in
//! seconds since 1970); PROFILE is `server`, `client`, `both` or `ca:` with the path length; REVOKED is `-` or `TIME:REASON`; names are percent-encoded and NAMES are
//! separated by commas, `-` if there are none. A text is read only if it is exactly what would be
//! written; the last line tells a text that was cut short.

use core::fmt::Write;
use std::collections::HashSet;

use super::{Entry, Register};
use crate::error::{CertificateError, Result};
use crate::pki::{Profile, RevocationReason};
use crate::time::UnixTime;

pub(super) fn encode(register: &Register) -> String {
    let mut text = format!("{HEADER}\n");
    for token in &register.tokens {
        text.push_str(&encode_token(token));
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
    if lines.next().is_none_or(|(line, _)| line != HEADER) {
        return Err(damaged(1, "it does not begin with \"otls-register 1\"").into());
    }
    let mut register = Register::default();
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
        decode_line(line, &mut register, &mut serials).map_err(|what| damaged(number, what))?;
    }
    Err(damaged(last, "it is cut short").into())
}

fn decode_line(
    line: &str,
    register: &mut Register,
    serials: &mut HashSet<Vec<u8>>,
) -> Result<(), &'static str> {
    if let Some(token) = line.strip_prefix(TOKEN) {
        let token = unhex(token).ok_or("the token's hash is not hexadecimal")?;
        let token = token.try_into().map_err(|_| "the token's hash does not have 32 octets")?;
        let in_order = register.entries.is_empty() && register.tokens.last().is_none_or(|last| *last < token);
        if !in_order || encode_token(&token) != line {
            return Err("a token is not in its place, or not written in the one way it should be");
        }
        register.tokens.insert(token);
        return Ok(());
    }
    let entry = decode_entry(line)?;
    if encode_entry(&entry) != line {
        return Err("it is not written in the one way it should be");
    }
    if !serials.insert(entry.serial.clone()) {
        return Err("the serial number is there already");
    }
    register.entries.push(entry);
    Ok(())
}

fn encode_token(token: &[u8; 32]) -> String {
    format!("{TOKEN}{}", hex(token))
}

fn encode_entry(entry: &Entry) -> String {
    let profile = profile_word(entry.profile);
    let revoked = match entry.revoked {
        Some((at, why)) => format!("{}:{}", at.0, reason_word(why)),
        None => "-".to_owned(),
    };
    let names: Vec<String> = entry.names.iter().map(|name| escape(name)).collect();
    let names = if names.is_empty() { "-".to_owned() } else { names.join(",") };
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
    let names =
        if names == "-" { Vec::new() } else { names.split(',').map(unescape).collect::<Result<_, _>>()? };
    Ok(Entry {
        serial: unhex(serial)
            .filter(|octets| !octets.is_empty())
            .ok_or("the serial number is not hexadecimal")?,
        profile: profile_of(profile).ok_or("the profile is none of server, client, both and ca:N")?,
        common_name: unescape(common_name)?,
        names,
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

const HEADER: &str = "otls-register 1";

const TOKEN: &str = "token ";

const REASONS: [RevocationReason; 5] = [
    RevocationReason::Unspecified,
    RevocationReason::KeyCompromise,
    RevocationReason::AffiliationChanged,
    RevocationReason::Superseded,
    RevocationReason::CessationOfOperation,
];
