//! The transaction that a code is for, in one canonical encoding.

use super::reader::Reader;
use crate::error::{Error, OtpError, Result};

/// Named fields of a transaction, for example purpose, amount, currency, payee.
///
/// ```
/// use otls::otp::Context;
///
/// let asked = Context::new().with("amount", "100000.00")?.with("payee", "friend")?;
/// let paid = Context::new().with("payee", "friend")?.with("amount", "100000.01")?;
/// assert_ne!(asked.encode(), paid.encode());
/// assert_eq!(Context::decode(&asked.encode())?, asked);
/// # Ok::<(), otls::Error>(())
/// ```
// Always sorted by name, without repetition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context(Vec<(String, String)>);

impl Context {
    /// The most fields.
    pub const MAX_FIELDS: usize = 32;

    /// The most octets of a field's name, in UTF-8.
    pub const MAX_NAME_LEN: usize = 64;

    /// The most octets of a field's value, in UTF-8.
    pub const MAX_VALUE_LEN: usize = 1024;

    /// The most octets of an encoding: it has to fit into a message with the text.
    pub const MAX_ENCODED_LEN: usize = 4096;

    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a field.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for an empty or too long name or value, one field too many, or a
    /// context that encodes to more than [`Context::MAX_ENCODED_LEN`] octets.
    pub fn with(mut self, name: &str, value: &str) -> Result<Self> {
        check(name, value).map_err(|what| Error::misuse(what, "shorten it or leave the field out"))?;
        let field = (name.to_owned(), value.to_owned());
        match self.0.binary_search_by(|(other, _)| other.as_str().cmp(name)) {
            Ok(at) => {
                self.0.remove(at);
                self.0.insert(at, field);
            }
            Err(at) => self.0.insert(at, field),
        }
        if self.0.len() > Self::MAX_FIELDS || self.encode().len() > Self::MAX_ENCODED_LEN {
            return Err(Error::misuse(
                "the context of a code is too large",
                "keep to what identifies the transaction: 32 fields, 4096 octets in all",
            ));
        }
        Ok(self)
    }

    /// The fields in canonical order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields().find_map(|(known, value)| (known == name).then_some(value))
    }

    /// The canonical encoding (docs/PROTOCOL.md): equal contexts have equal octets and different
    /// ones different octets.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION, u8::try_from(self.0.len()).unwrap_or(u8::MAX)];
        for (name, value) in &self.0 {
            out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
            out.extend_from_slice(value.as_bytes());
        }
        out
    }

    /// Reads an encoding; there is exactly one for each context.
    ///
    /// # Errors
    /// [`OtpError::Malformed`] for another version, a wrong order, a repeated name, a length out of
    /// bounds, text that is not UTF-8, or octets that follow.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Self::read(bytes).map_err(|what| OtpError::Malformed(what).into())
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() > Self::MAX_ENCODED_LEN {
            return Err("context too long");
        }
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return Err("unknown version of the context");
        }
        let count = usize::from(reader.u8()?);
        if count > Self::MAX_FIELDS {
            return Err("too many fields in the context");
        }
        let mut fields: Vec<(String, String)> = Vec::with_capacity(count);
        for _ in 0..count {
            let name_len = usize::from(reader.u8()?);
            let name = reader.text(name_len)?;
            let value_len = usize::from(reader.u16()?);
            let value = reader.text(value_len)?;
            check(name, value)?;
            if fields.last().is_some_and(|(before, _)| before.as_str() >= name) {
                return Err("fields of the context out of order or repeated");
            }
            fields.push((name.to_owned(), value.to_owned()));
        }
        reader.finish()?;
        Ok(Self(fields))
    }
}

fn check(name: &str, value: &str) -> Result<(), &'static str> {
    if name.is_empty() || name.len() > Context::MAX_NAME_LEN {
        return Err("the name of a context field is empty or longer than 64 octets");
    }
    if value.is_empty() || value.len() > Context::MAX_VALUE_LEN {
        return Err("the value of a context field is empty or longer than 1024 octets");
    }
    Ok(())
}

/// The version of the encoding; other fields would be another context.
const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn payment() -> Context {
        let context = Context::new().with("payee", "friend").unwrap();
        context.with("amount", "100000.00").unwrap().with("currency", "INR").unwrap()
    }

    #[test]
    fn the_encoding_is_the_one_in_the_protocol_document() {
        let context = Context::new().with("b", "xyz").unwrap().with("a", "é").unwrap();
        assert_eq!(context.encode(), b"\x01\x02\x01a\x00\x02\xC3\xA9\x01b\x00\x03xyz");
        assert_eq!(Context::new().encode(), [1, 0]);
    }

    #[test]
    fn the_order_of_calls_does_not_matter_and_a_field_is_replaced() {
        let other = Context::new().with("currency", "INR").unwrap().with("amount", "1").unwrap();
        let other = other.with("payee", "friend").unwrap().with("amount", "100000.00").unwrap();
        assert_eq!(other, payment());
        assert_eq!(other.encode(), payment().encode());
        assert_eq!(other.fields().next(), Some(("amount", "100000.00")));
    }

    #[test]
    fn fields_that_run_together_encode_differently() {
        let one = Context::new().with("a", "bc").unwrap();
        let other = Context::new().with("ab", "c").unwrap();
        assert_ne!(one.encode(), other.encode());
    }

    #[test]
    fn every_truncation_and_a_trailing_octet_are_refused() {
        let encoded = payment().encode();
        assert_eq!(Context::decode(&encoded).unwrap(), payment());
        for len in 0..encoded.len() {
            assert!(Context::decode(&encoded[..len]).is_err(), "{len}");
        }
        assert!(Context::decode(&[&encoded[..], &[0]].concat()).is_err());
    }

    #[test]
    fn only_the_canonical_encoding_is_read() {
        let cases: [&[u8]; 8] = [
            b"\x02\x00",
            b"\x01\x02\x01b\x00\x01x\x01a\x00\x01x",
            b"\x01\x02\x01a\x00\x01x\x01a\x00\x01y",
            b"\x01\x01\x00\x00\x01x",
            b"\x01\x01\x01a\x00\x00",
            b"\x01\x01\x01\xFF\x00\x01x",
            b"\x01\x01\x01a\xFF\xFFx",
            b"\x01\xFF",
        ];
        for case in cases {
            assert!(matches!(Context::decode(case), Err(Error::Otp(OtpError::Malformed(_)))), "{case:?}");
        }
    }

    #[test]
    fn a_context_that_would_not_fit_is_refused_when_it_is_made() {
        let long = "x".repeat(Context::MAX_VALUE_LEN);
        assert!(Context::new().with("a", &(long.clone() + "x")).is_err());
        assert!(Context::new().with("", "x").is_err());
        assert!(Context::new().with(&"n".repeat(65), "x").is_err());
        let mut context = Context::new();
        for name in ["a", "b", "c"] {
            context = context.with(name, &long).unwrap();
        }
        assert!(context.clone().with("d", &long).is_err());
        assert!(Context::decode(&context.encode()).is_ok());

        let mut many = Context::new();
        for n in 0..Context::MAX_FIELDS {
            many = many.with(&n.to_string(), "x").unwrap();
        }
        assert!(many.with("one more", "x").is_err());
    }
}
