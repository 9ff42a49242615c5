//! JSON as it is written to a trace: objects in one pass, wiped where they are dropped.

use core::fmt::Write as _;

use zeroize::Zeroizing;

/// Text that holds secrets: what it grows out of is wiped.
#[derive(Default)]
pub(super) struct Text(Zeroizing<Vec<u8>>);

impl Text {
    /// What was written since the last call.
    pub(super) fn take(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        let text = core::mem::take(&mut self.0);
        (!text.is_empty()).then_some(text)
    }

    /// One line: an object.
    pub(super) fn line(&mut self, write: impl FnOnce(&mut Object<'_>)) {
        self.push(b"{");
        write(&mut Object { out: self, is_first: true });
        self.push(b"}\n");
    }

    fn push(&mut self, octets: &[u8]) {
        let len = self.0.len().saturating_add(octets.len());
        if len > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(len.saturating_mul(2).max(FIRST)));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(octets);
    }

    fn quoted(&mut self, text: &str) {
        self.push(b"\"");
        for character in text.chars() {
            let mut octets = [0; 4];
            match character {
                '"' => self.push(b"\\\""),
                '\\' => self.push(b"\\\\"),
                '\n' => self.push(b"\\n"),
                control if control.is_control() => {
                    let mut escaped = String::new();
                    for unit in control.encode_utf16(&mut [0; 2]) {
                        let _ = write!(escaped, "\\u{unit:04x}");
                    }
                    self.push(escaped.as_bytes());
                }
                other => self.push(other.encode_utf8(&mut octets).as_bytes()),
            }
        }
        self.push(b"\"");
    }
}

/// Room for the first lines.
const FIRST: usize = 4096;

/// An object that is being written.
pub(super) struct Object<'a> {
    out: &'a mut Text,
    is_first: bool,
}

impl Object<'_> {
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.out.quoted(value);
    }

    pub(super) fn number(&mut self, name: &str, value: impl core::fmt::Display) {
        self.name(name);
        self.out.push(value.to_string().as_bytes());
    }

    pub(super) fn boolean(&mut self, name: &str, value: bool) {
        self.name(name);
        self.out.push(if value { b"true" } else { b"false" });
    }

    pub(super) fn null(&mut self, name: &str) {
        self.name(name);
        self.out.push(b"null");
    }

    /// Octets in hexadecimal.
    pub(super) fn hex(&mut self, name: &str, octets: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.name(name);
        self.out.push(b"\"");
        for octet in octets {
            let digit = |of: u8| DIGITS.get(usize::from(of)).copied().unwrap_or_default();
            self.out.push(&[digit(octet >> 4), digit(octet & 15)]);
        }
        self.out.push(b"\"");
    }

    pub(super) fn object(&mut self, name: &str, write: impl FnOnce(&mut Object<'_>)) {
        self.name(name);
        self.out.push(b"{");
        write(&mut Object { out: self.out, is_first: true });
        self.out.push(b"}");
    }

    pub(super) fn array(&mut self, name: &str, write: impl FnOnce(Array<'_>)) {
        self.name(name);
        self.out.push(b"[");
        write(Array { out: self.out, is_first: true });
        self.out.push(b"]");
    }

    fn name(&mut self, name: &str) {
        if !core::mem::take(&mut self.is_first) {
            self.out.push(b",");
        }
        self.out.quoted(name);
        self.out.push(b":");
    }
}

/// An array of objects that is being written.
pub(super) struct Array<'a> {
    out: &'a mut Text,
    is_first: bool,
}

impl Array<'_> {
    pub(super) fn object(&mut self, write: impl FnOnce(&mut Object<'_>)) {
        if !core::mem::take(&mut self.is_first) {
            self.out.push(b",");
        }
        self.out.push(b"{");
        write(&mut Object { out: self.out, is_first: true });
        self.out.push(b"}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_json_whatever_is_in_it() {
        let mut text = Text::default();
        text.line(|line| {
            line.text("a", "\"\\\n\u{0}\u{7f}\u{85}é");
            line.number("b", 7);
            line.boolean("c", true);
            line.null("d");
            line.hex("e", &[0, 0xAF]);
            line.object("f", |_| {});
            line.array("g", |mut array| {
                array.object(|one| one.number("h", -1));
                array.object(|_| {});
            });
        });
        let written = text.take().map(|octets| String::from_utf8_lossy(&octets).into_owned());
        let expected = r#"{"a":"\"\\\n\u0000\u007f\u0085é","b":7,"c":true,"d":null,"e":"00af","f":{},"g":[{"h":-1},{}]}"#;
        assert_eq!(written, Some(format!("{expected}\n")));
        assert!(text.take().is_none());
    }
}
