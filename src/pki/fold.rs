//! The one fold of names: the verifier compares names of certificates by it, and the register those that
//! it keeps for their holders.

use std::net::IpAddr;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// RFC 4518 §2 with RFC 5280 §7.1: NFKC, without case, what is not seen taken out, white space at the ends
/// taken out and elsewhere taken as one space. Texts that match have equal folds.
///
/// Two things go beyond RFC 4518, whose tables are those of Unicode 3.2: case and normal forms are today's,
/// and every default-ignorable character is mapped to nothing (RFC 4518 §2.2 lists those of its time).
pub(crate) fn folded(text: &str) -> String {
    // RFC 4518 §2 maps before it normalises: what is not seen would keep an accent from its letter.
    let seen = text.chars().filter(|c| c.is_whitespace() || !is_mapped_to_nothing(*c));
    let mapped: String = if text.is_ascii() {
        seen.collect()
    } else {
        // Without case letters may compose anew.
        seen.nfkc().flat_map(without_case).nfkc().collect()
    };
    let mut seen = mapped.chars().peekable();
    let (mut out, mut gap) = (String::with_capacity(mapped.len()), false);
    while let Some(c) = seen.next() {
        // RFC 4518 §2.6.1: a space that carries a combining mark is a character of its own.
        if c.is_whitespace() && !seen.peek().copied().is_some_and(is_combining_mark) {
            gap = true;
            continue;
        }
        if gap && !out.is_empty() {
            out.push(' ');
        }
        gap = false;
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// As [`folded`], for what may be the name of a host: without dots at its end (the root of the DNS, RFC 1034
/// §3.1), and an address as [`folded_address`] writes it.
pub(crate) fn folded_host(text: &str) -> String {
    // RFC 3490 §3.1: these are dots to who types a name.
    let folded = folded(text).replace(['\u{3002}', '\u{FF0E}', '\u{FF61}'], ".");
    let host = folded.trim_end_matches(['.', ' ']);
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse().map_or_else(|_| host.to_owned(), folded_address)
}

/// The one way to write an address: lower case, shortened (RFC 5952), and an IPv4-mapped IPv6 address
/// (RFC 4291 §2.5.5.2) as the IPv4 address that it is.
pub(crate) fn folded_address(address: IpAddr) -> String {
    address.to_canonical().to_string()
}

/// Full case folding (RFC 3454 B.2), by way of upper case, which brings together what has no lower case of
/// its own: ß and ss, the two small sigmas.
fn without_case(c: char) -> impl Iterator<Item = char> {
    // The dotless i is a letter of its own (CaseFolding.txt, status T alone).
    let dotless = (c == 'ı').then_some(c);
    let folded =
        dotless.is_none().then(|| c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase));
    dotless.into_iter().chain(folded.into_iter().flatten())
}

/// RFC 4518 §2.2, and what is default-ignorable today (Unicode, DerivedCoreProperties.txt).
fn is_mapped_to_nothing(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{AD}'
                | '\u{34F}'
                | '\u{61C}'
                | '\u{6DD}'
                | '\u{70F}'
                | '\u{115F}'..='\u{1160}'
                | '\u{17B4}'..='\u{17B5}'
                | '\u{1806}'
                | '\u{180B}'..='\u{180F}'
                | '\u{200B}'..='\u{200F}'
                | '\u{202A}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{3164}'
                | '\u{FE00}'..='\u{FE0F}'
                | '\u{FEFF}'
                | '\u{FFA0}'
                | '\u{FFF0}'..='\u{FFFC}'
                | '\u{1BCA0}'..='\u{1BCA3}'
                | '\u{1D173}'..='\u{1D17A}'
                | '\u{E0000}'..='\u{E0FFF}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_have_one_fold() {
        for (one, other) in [
            ("Good CA", "  gOOd \t\u{A0} ca "),
            ("bank", "\u{FF22}\u{FF21}\u{FF2E}\u{FF2B}"),
            ("bank", "ba\u{AD}n\u{200B}k\u{2060}\u{FE0F}\u{E0020}"),
            ("bank", "b\u{3164}a\u{115F}n\u{FFA0}k"),
            ("müller", "MU\u{308}LLER"),
            ("straße", "STRASSE"),
            ("STRA\u{1E9E}E", "strasse"),
            ("ΟΔΟΣ", "οδος"),
            // What is not seen stands between a letter and its accent.
            ("müller", "mu\u{AD}\u{308}ller"),
            ("Å", "a\u{200B}\u{30A}"),
            ("가", "\u{1100}\u{3164}\u{1161}"),
            ("\u{212A}elvin", "kelvin"),
            ("", " \u{200B} "),
        ] {
            assert_eq!(folded(one), folded(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn names_that_differ_have_other_folds() {
        for (one, other) in [
            ("good ca", "goodca"),
            ("muller", "müller"),
            ("kır", "kir"),
            ("bank", "b\u{430}nk"),
            // A space that carries an accent stays.
            ("a  \u{301}b", "a\u{301}b"),
        ] {
            assert_ne!(folded(one), folded(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_host_has_no_dot_at_its_end_and_an_address_one_spelling() {
        for host in [
            "Bank.Example",
            "bank.example.",
            "bank.example. .",
            "bank\u{3002}example\u{FF61}",
            " BANK.example\u{AD} ",
        ] {
            assert_eq!(folded_host(host), "bank.example", "{host:?}");
        }
        for address in
            ["192.0.2.10", "::ffff:192.0.2.10", "::FFFF:C000:20A", "192.0.2.10.", "[::ffff:192.0.2.10]"]
        {
            assert_eq!(folded_host(address), "192.0.2.10", "{address:?}");
        }
        assert_eq!(folded_host("2001:DB8:0:0::1"), "2001:db8::1");
    }
}
