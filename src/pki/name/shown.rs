//! Names as text (RFC 4514).

use core::fmt;

use der::Encode as _;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{Name, RelativeDistinguishedName};

use super::super::attribute::{self, is_unprintable, text_of};

/// A name in its own order, as OpenSSL writes it on one line.
pub(in super::super) fn line_of(name: &Name) -> String {
    let mut line = String::new();
    // Writing to a String does not fail.
    let _ = write(&mut line, name.iter_rdn(), ", ");
    line
}

pub(super) fn write<'a>(
    f: &mut dyn fmt::Write,
    rdns: impl Iterator<Item = &'a RelativeDistinguishedName>,
    between: &str,
) -> fmt::Result {
    let mut separator = "";
    for rdn in rdns {
        for attribute in rdn.iter() {
            f.write_str(separator)?;
            write_attribute(f, attribute)?;
            separator = "+";
        }
        separator = between;
    }
    Ok(())
}

/// RFC 4514 §2.4: a type without a short name is a dotted number and its value hexadecimal, as is a value
/// that is no text.
fn write_attribute(f: &mut dyn fmt::Write, attribute: &AttributeTypeAndValue) -> fmt::Result {
    write!(f, "{}=", attribute::shown(attribute.oid))?;
    match attribute::known(attribute.oid).and_then(|_| text_of(&attribute.value)) {
        Some(text) => write_escaped(f, &text),
        None => {
            f.write_char('#')?;
            let der = attribute.value.to_der().unwrap_or_default();
            der.iter().try_for_each(|octet| write!(f, "{octet:02X}"))
        }
    }
}

/// Text with what could mislead a reader escaped.
pub(in super::super) struct Escaped<'a>(pub(in super::super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, self.0)
    }
}

/// RFC 4514 §2.4, and everything that could move a terminal's cursor or reorder a line as hex pairs.
fn write_escaped(f: &mut dyn fmt::Write, value: &str) -> fmt::Result {
    let last = value.chars().count().saturating_sub(1);
    for (index, c) in value.chars().enumerate() {
        let edge_space = c == ' ' && (index == 0 || index == last);
        if is_unprintable(c) {
            for octet in c.encode_utf8(&mut [0; 4]).bytes() {
                write!(f, "\\{octet:02X}")?;
            }
        } else {
            if edge_space || (c == '#' && index == 0) || matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\')
            {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
    }
    Ok(())
}
