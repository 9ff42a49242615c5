//! The fields of a message, each with its place in the octets.

use super::json::{Array, Object};

/// The most fields of one message that are listed: a peer may fill 64 KiB with code points of two octets.
const MAX_FIELDS: usize = 1024;

/// A walk through octets that lists what it passes. Where octets end too early, the walk ends with what is left.
pub(super) struct Fields<'a, 'o> {
    pub(super) octets: &'a [u8],
    pub(super) at: usize,
    pub(super) end: usize,
    out: Array<'o>,
    left: &'o mut usize,
}

/// Lists the fields of `octets`; those behind what could be read are one field.
pub(super) fn list(octets: &[u8], out: Array<'_>, walk: impl FnOnce(&mut Fields<'_, '_>) -> Option<()>) {
    let mut left = MAX_FIELDS;
    let mut fields = Fields { octets, at: 0, end: octets.len(), out, left: &mut left };
    walk(&mut fields);
    fields.rest();
}

impl<'a> Fields<'a, '_> {
    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.end
    }

    /// Octets up to the end of this group.
    pub(super) fn left(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    /// A number of `width` octets, and what it means.
    pub(super) fn number(
        &mut self,
        name: &str,
        width: usize,
        meaning: impl FnOnce(u64) -> String,
    ) -> Option<u64> {
        let octets = self.peek(width)?;
        let number = octets.iter().fold(0, |number, octet| number << 8 | u64::from(*octet));
        self.field(name, width, &meaning(number))?;
        Some(number)
    }

    /// `len` octets that mean `value`; an empty one leaves them to speak for themselves.
    pub(super) fn octets(&mut self, name: &str, len: usize, value: &str) -> Option<&'a [u8]> {
        let octets = self.peek(len)?;
        self.field(name, len, value)?;
        Some(octets)
    }

    /// Fields within the next `len` octets.
    pub(super) fn group(
        &mut self,
        name: &str,
        len: usize,
        value: &str,
        walk: impl FnOnce(&mut Fields<'a, '_>) -> Option<()>,
    ) -> Option<()> {
        self.peek(len)?;
        *self.left = self.left.checked_sub(1)?;
        let (start, end) = (self.at, self.at.checked_add(len)?);
        let (octets, left) = (self.octets, &mut *self.left);
        self.out.object(|field| {
            describe(field, name, (start, end), value);
            field.array("fields", |out| {
                let mut inner = Fields { octets, at: start, end, out, left };
                walk(&mut inner);
                inner.rest();
            });
        });
        self.at = end;
        Some(())
    }

    /// A vector whose length comes first, in `width` octets (RFC 8446 §3.4).
    pub(super) fn vector(
        &mut self,
        name: &str,
        width: usize,
        walk: impl FnOnce(&mut Fields<'a, '_>) -> Option<()>,
    ) -> Option<()> {
        let len = self.length(width)?;
        self.group(name, width.checked_add(len)?, "", |inner| {
            inner.number("length", width, |len| len.to_string())?;
            walk(inner)
        })
    }

    /// A vector of octets, its length and all, that means `value`.
    pub(super) fn opaque(
        &mut self,
        name: &str,
        width: usize,
        meaning: impl FnOnce(&[u8]) -> String,
    ) -> Option<()> {
        let len = self.length(width)?;
        let whole = self.peek(width.checked_add(len)?)?;
        let value = meaning(whole.get(width..)?);
        self.group(name, whole.len(), &value, |inner| {
            inner.number("length", width, |len| len.to_string())?;
            if len > 0 {
                inner.octets("octets", len, "")?;
            }
            Some(())
        })
    }

    /// The octets that come next; the walk stays where it is.
    pub(super) fn peek(&self, len: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(len).filter(|end| *end <= self.end)?;
        self.octets.get(self.at..end)
    }

    fn length(&self, width: usize) -> Option<usize> {
        let octets = self.peek(width)?;
        Some(octets.iter().fold(0_usize, |number, octet| number << 8 | usize::from(*octet)))
    }

    fn field(&mut self, name: &str, len: usize, value: &str) -> Option<()> {
        *self.left = self.left.checked_sub(1)?;
        let start = self.at;
        let end = start.checked_add(len)?;
        self.out.object(|field| describe(field, name, (start, end), value));
        self.at = end;
        Some(())
    }

    /// What nobody has read.
    fn rest(&mut self) {
        let (start, end) = (self.at, self.end);
        if start < end {
            let value = if *self.left == 0 { "more fields than are listed" } else { "not understood" };
            self.out.object(|field| describe(field, "rest", (start, end), value));
            self.at = end;
        }
    }
}

fn describe(field: &mut Object<'_>, name: &str, (start, end): (usize, usize), value: &str) {
    field.text("name", name);
    field.number("start", start);
    field.number("end", end);
    if !value.is_empty() {
        field.text("value", value);
    }
}
