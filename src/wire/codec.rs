//! The one codec trait and the reader that every decoder uses.

use crate::error::{InvalidMessage, Malformed};

/// Encoding and decoding of one structure.
pub(crate) trait Codec: Sized {
    /// Appends the encoding.
    fn encode(&self, out: &mut Vec<u8>);

    /// Decodes from the front of `reader`.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage>;

    /// Decodes all of `bytes`: a trailing octet is an error.
    fn decode_all(what: &'static str, bytes: &[u8]) -> Result<Self, InvalidMessage> {
        let mut reader = Reader::new(what, bytes);
        let value = Self::decode(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }
}

/// A cursor over untrusted bytes; every error names the structure.
pub(crate) struct Reader<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { what, rest: bytes }
    }

    /// The next `len` octets.
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], InvalidMessage> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(self.error(Malformed::Truncated))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) const fn error(&self, why: Malformed) -> InvalidMessage {
        InvalidMessage { what: self.what, why }
    }

    pub(crate) fn finish(&self) -> Result<(), InvalidMessage> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.error(Malformed::TrailingData)) }
    }
}
