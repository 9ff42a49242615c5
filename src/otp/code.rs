//! Numeric codes from the random source.

use crate::crypto::Random;
use crate::error::Result;
use crate::secret::Secret;

/// A code that a customer reads and types: 6 to 12 decimal digits. Wiped when dropped.
pub struct Code(Secret);

impl Code {
    /// A new code of `digits` digits, uniformly distributed (no modulo bias).
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for fewer than 6 or more than 12 digits; [`crate::Error::Random`].
    pub fn generate(digits: usize, random: &dyn Random) -> Result<Self> {
        let _ = (digits, random);
        todo!()
    }

    /// The digits, to be shown to the customer.
    pub fn expose(&self) -> &str {
        core::str::from_utf8(self.0.expose()).unwrap_or_default()
    }
}
