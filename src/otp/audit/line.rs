//! One line of the log: written from an event, read for its number and its mac alone.

use core::fmt::Write;

use super::{Event, EventKind, Subject};
use crate::crypto::hash::{HashAlgorithm, digest};
use crate::crypto::hmac::HmacKey;
use crate::secret::ct_eq;

/// What chains a line to the one before it.
pub(super) type Mac = [u8; 32];

/// The line of an event, with its end.
pub(super) fn write(key: &HmacKey, seq: u64, before: &Mac, event: &Event<'_>) -> (String, Mac) {
    let mut line = format!("{{\"seq\":{seq},\"time\":{},\"event\":\"{}\"", event.time.0, event.kind.name());
    if let Some(of) = event.of {
        field(&mut line, "of", &of.to_string());
    }
    match event.kind {
        EventKind::Forgotten(count) => field(&mut line, "count", &count.to_string()),
        EventKind::Repaired { dropped, missing, found } => {
            field(&mut line, "dropped", &dropped.to_string());
            field(&mut line, "missing", &missing.to_string());
            field(&mut line, "found", &base16ct::lower::encode_string(&found));
        }
        EventKind::Asked(_)
        | EventKind::Failed
        | EventKind::Issued(_)
        | EventKind::Refused
        | EventKind::Verified(_)
        | EventKind::Cancelled(_)
        | EventKind::Locked
        | EventKind::Unlocked => {}
    }
    if let Some(id) = event.id {
        field(&mut line, "id", &id.to_string());
    }
    if let Some(subject) = event.subject {
        field(&mut line, "subject", subject.as_str());
    }
    if let Some(context) = event.context {
        let hash = digest(HashAlgorithm::Sha256, &context.encode());
        field(&mut line, "context", &base16ct::lower::encode_string(hash.as_ref()));
    }
    if let Some(receipt) = event.receipt {
        field(&mut line, "receipt", &base16ct::lower::encode_string(&receipt));
    }
    let mac = mac(key, before, &line);
    field(&mut line, MAC, &base16ct::lower::encode_string(&mac));
    line.push_str("}\n");
    (line, mac)
}

/// The mac of a line that has the number `seq` and follows the line with the mac `before`.
pub(super) fn read(key: &HmacKey, seq: u64, before: &Mac, line: &str) -> Result<Mac, &'static str> {
    if !line.starts_with(&format!("{{\"seq\":{seq},")) {
        return Err("it has not the next number: lines were removed, added or moved");
    }
    let end = line.strip_suffix("\"}").and_then(|line| line.split_at_checked(line.len().checked_sub(64)?));
    let (rest, hex) = end.ok_or("it has no mac")?;
    let rest = rest.strip_suffix(&format!(",\"{MAC}\":\"")).ok_or("it has no mac")?;
    let mut found: Mac = [0; 32];
    base16ct::lower::decode(hex, &mut found).map_err(|_| "its mac is not hexadecimal")?;
    if !ct_eq(&found, &mac(key, before, rest)) {
        return Err("it was changed, or the line before it was, or this is not the log's key");
    }
    Ok(found)
}

fn mac(key: &HmacKey, before: &Mac, line: &str) -> Mac {
    let tag = key.sign(&[LINE_LABEL, before, line.as_bytes()]);
    tag.as_ref().first_chunk().copied().unwrap_or_default()
}

/// A member of a JSON object that has others before it (RFC 8259 §7).
fn field(line: &mut String, name: &str, value: &str) {
    line.push_str(",\"");
    line.push_str(name);
    line.push_str("\":\"");
    for character in value.chars() {
        match character {
            '"' | '\\' => line.extend(['\\', character]),
            // Controls of the second block and line separators end a line for some readers.
            '\0'..='\x1F' | '\x7F'..='\u{9F}' | '\u{2028}' | '\u{2029}' => {
                // Writing to a String does not fail.
                let _ = write!(line, "\\u{:04x}", u32::from(character));
            }
            other => line.push(other),
        }
    }
    line.push('"');
}

/// Octets of the longest line with its end: what `write` can put into one at most, each octet of a subject
/// taking six.
pub(super) const MAX_LEN: usize = {
    let numbers = 5 * U64_LEN; // seq, time, of; count, or dropped and missing
    let hexadecimal = 32 + 4 * 64; // id; context, receipt, found, mac
    let names = b"{\"seq\":,\"time\":,\"event\":\"\"".len()
        + b",\"of\":\"\",\"dropped\":\"\",\"missing\":\"\",\"found\":\"\",\"id\":\"\"".len()
        + b",\"subject\":\"\",\"context\":\"\",\"receipt\":\"\",\"mac\":\"\"}\n".len();
    numbers + hexadecimal + names + LONGEST_NAME + 6 * Subject::MAX_LEN
};

/// Digits of the largest number.
const U64_LEN: usize = 20;

/// "verified:cancelled" and "cancelled:refused".
const LONGEST_NAME: usize = 18;

const MAC: &str = "mac";

/// One label for each use of the key; see `file.rs` for the other.
const LINE_LABEL: &[u8] = b"otls-otp audit 1\0";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otp::{Context, OtpId, Verdict};
    use crate::time::UnixTime;

    #[test]
    fn the_longest_line_that_can_be_written_can_be_read() {
        let subject = Subject::new(&"\"".repeat(Subject::MAX_LEN)).unwrap();
        let context = Context::new();
        let event = |kind| Event {
            of: Some(u64::MAX),
            context: Some(&context),
            receipt: Some([1; 32]),
            ..Event::new(kind, Some(OtpId([1; 16])), Some(&subject), UnixTime(u64::MAX))
        };
        let key = HmacKey::new(HashAlgorithm::Sha256, &[1; 32]);
        let repaired = EventKind::Repaired { dropped: u64::MAX, missing: u64::MAX, found: [1; 32] };
        for kind in [repaired, EventKind::Verified(Verdict::Cancelled), EventKind::Forgotten(u64::MAX)] {
            let (line, mac) = write(&key, u64::MAX, &[0; 32], &event(kind));
            assert!(line.len() <= MAX_LEN, "{} octets", line.len());
            assert!(kind.name().len() <= LONGEST_NAME);
            assert_eq!(read(&key, u64::MAX, &[0; 32], line.trim_end()), Ok(mac));
        }
    }
}
