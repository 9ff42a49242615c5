//! The transaction that a code is for, in one canonical encoding.

use crate::error::Result;

/// Named fields of a transaction, for example purpose, amount, currency, payee.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context(Vec<(String, String)>);

impl Context {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a field.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for an empty or too long name or value.
    pub fn with(self, name: &str, value: &str) -> Result<Self> {
        let _ = (name, value);
        todo!()
    }

    /// The fields in canonical order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The canonical encoding (docs/PROTOCOL.md): equal contexts have equal octets and different
    /// ones different octets.
    pub fn encode(&self) -> Vec<u8> {
        todo!()
    }
}
