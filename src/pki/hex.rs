//! Octets as text.

/// Upper-case hexadecimal with colons; 00 for nothing, which is how the number 0 comes.
pub(super) fn colons(octets: &[u8]) -> String {
    let pairs: Vec<String> = octets.iter().map(|octet| format!("{octet:02X}")).collect();
    if pairs.is_empty() { "00".to_owned() } else { pairs.join(":") }
}
