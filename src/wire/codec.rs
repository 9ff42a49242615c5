//! The one codec trait, the reader that every decoder uses and the writers that every encoder uses.

use crate::codepoints::{
    CipherSuite, ExtensionType, NamedGroup, ProtocolVersion, PskKeyExchangeMode, SignatureScheme,
};
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

    /// The next `N` octets.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], InvalidMessage> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(self.error(Malformed::Truncated))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, InvalidMessage> {
        let [octet] = self.array()?;
        Ok(octet)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, InvalidMessage> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, InvalidMessage> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// An opaque vector whose length takes `prefix` octets and is at least `min`.
    pub(crate) fn opaque(&mut self, prefix: Prefix, min: usize) -> Result<&'a [u8], InvalidMessage> {
        let len = match prefix {
            Prefix::One => usize::from(self.u8()?),
            Prefix::Two => usize::from(self.u16()?),
            Prefix::Three => {
                let [high, middle, low] = self.array()?;
                let len = u32::from_be_bytes([0, high, middle, low]);
                usize::try_from(len).map_err(|_| self.error(Malformed::TooLong))?
            }
        };
        if len < min {
            return Err(self.error(if len == 0 { Malformed::Empty } else { Malformed::Truncated }));
        }
        self.take(len)
    }

    /// A vector of structures, at least one of them, read as a whole.
    pub(crate) fn list<T: Codec>(&mut self, prefix: Prefix) -> Result<Vec<T>, InvalidMessage> {
        let mut inner = self.nested(prefix)?;
        let mut list = Vec::new();
        while !inner.is_empty() {
            list.push(T::decode(&mut inner)?);
        }
        if list.is_empty() { Err(self.error(Malformed::Empty)) } else { Ok(list) }
    }

    /// A reader over the next opaque vector.
    pub(crate) fn nested(&mut self, prefix: Prefix) -> Result<Self, InvalidMessage> {
        Ok(Self { what: self.what, rest: self.opaque(prefix, 0)? })
    }

    /// The same bytes under another name.
    pub(crate) const fn named(self, what: &'static str) -> Self {
        Self { what, rest: self.rest }
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) const fn error(&self, why: Malformed) -> InvalidMessage {
        InvalidMessage { what: self.what, why }
    }

    pub(crate) fn finish(&self) -> Result<(), InvalidMessage> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.error(Malformed::TrailingData)) }
    }
}

/// A set of 16-bit code points: a peer may send as many as fit its message, and looking for one that comes
/// twice must not cost the square of that. At most 8 KiB.
#[derive(Default)]
pub(crate) struct NumberSet(Vec<u64>);

impl NumberSet {
    /// Whether `number` was not in the set before.
    pub(crate) fn insert(&mut self, number: u16) -> bool {
        let (word, bit) = Self::place(number);
        if self.0.len() <= word {
            self.0.resize(word.saturating_add(1), 0);
        }
        let Some(word) = self.0.get_mut(word) else { return false };
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    pub(crate) fn contains(&self, number: u16) -> bool {
        let (word, bit) = Self::place(number);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    fn place(number: u16) -> (usize, u64) {
        (usize::from(number / 64), 1 << (number % 64))
    }
}

impl FromIterator<u16> for NumberSet {
    fn from_iter<T: IntoIterator<Item = u16>>(numbers: T) -> Self {
        let mut set = Self::default();
        for number in numbers {
            set.insert(number);
        }
        set
    }
}

/// Octets in the length of a vector.
#[derive(Clone, Copy)]
pub(crate) enum Prefix {
    One,
    Two,
    Three,
}

/// Appends a vector: its length, patched once `write` has appended the content.
pub(crate) fn vector(prefix: Prefix, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let (width, at) = (prefix.width(), out.len());
    out.resize(at.saturating_add(width), 0);
    write(out);
    let len = out.len().saturating_sub(at.saturating_add(width));
    // What we encode is far below these maxima: names, keys and certificates bound it.
    let octets = u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
    debug_assert!(len >> (8 * width) == 0, "a vector that its length cannot tell");
    if let Some(slot) = out.get_mut(at..at.saturating_add(width)) {
        slot.copy_from_slice(octets.get(4_usize.saturating_sub(width)..).unwrap_or_default());
    }
}

/// Appends a vector of octets.
pub(crate) fn opaque(prefix: Prefix, bytes: &[u8], out: &mut Vec<u8>) {
    vector(prefix, out, |out| out.extend_from_slice(bytes));
}

/// Appends a vector of structures.
pub(crate) fn list<T: Codec>(prefix: Prefix, items: &[T], out: &mut Vec<u8>) {
    vector(prefix, out, |out| items.iter().for_each(|item| item.encode(out)));
}

impl Prefix {
    const fn width(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
        }
    }
}

macro_rules! number_codecs {
    ($($name:ident: $read:ident),* $(,)?) => {
        $( impl Codec for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.0.to_be_bytes());
            }

            fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
                Ok(Self(reader.$read()?))
            }
        } )*
    };
}

number_codecs! {
    CipherSuite: u16,
    ExtensionType: u16,
    NamedGroup: u16,
    ProtocolVersion: u16,
    PskKeyExchangeMode: u8,
    SignatureScheme: u16,
}
