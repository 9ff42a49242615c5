//! Percent-encoding of text in URIs (RFC 3986 §2.1).

use zeroize::Zeroizing;

/// Appends `text` to `uri`, with all but the unreserved characters (RFC 3986 §2.3) encoded: what is
/// left is the same in every part of a URI, and to those who read `+` as a space.
pub(super) fn encode(text: &str, uri: &mut String) {
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            uri.push(char::from(octet));
        } else {
            uri.push('%');
            for nibble in [octet >> 4, octet & 0x0F] {
                uri.extend(char::from_digit(u32::from(nibble), 16).map(|digit| digit.to_ascii_uppercase()));
            }
        }
    }
}

/// The text that `encoded` stands for; `None` if a `%` has no two digits behind it, or the octets are
/// not UTF-8. It may be a secret.
pub(super) fn decode(encoded: &str) -> Option<Zeroizing<String>> {
    // The capacity is final, so that growing leaves no copy behind.
    let mut octets = Zeroizing::new(Vec::with_capacity(encoded.len()));
    let mut rest = encoded.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => nibble(rest.next()?)? << 4 | nibble(rest.next()?)?,
            octet => octet,
        });
    }
    core::str::from_utf8(&octets).ok().map(|text| Zeroizing::new(text.to_owned()))
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|nibble| u8::try_from(nibble).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_comes_back() {
        let text: String = ('\0'..='\u{17F}').chain(['ठ', '€', '😀']).collect();
        let mut encoded = String::new();
        encode(&text, &mut encoded);
        assert!(encoded.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-._~%".contains(&octet)));
        assert_eq!(decode(&encoded).unwrap().as_str(), text);
        assert_eq!(decode("%c3%A9").unwrap().as_str(), "é", "digits in either case");
    }

    #[test]
    fn what_is_reserved_is_encoded_in_capitals() {
        let mut encoded = String::new();
        encode("a:/?#[]@!$&'()*+,;= %é~", &mut encoded);
        assert_eq!(encoded, "a%3A%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%20%25%C3%A9~");
    }

    #[test]
    fn broken_encodings_are_refused() {
        for wrong in ["%", "%2", "a%", "%G0", "%0G", "%%20", "%+1", "%C3", "%FF", "%C0%80"] {
            assert!(decode(wrong).is_none(), "{wrong}");
        }
        assert_eq!(decode("a+b%2b%2B").unwrap().as_str(), "a+b++");
    }
}
