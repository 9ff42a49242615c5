//! The message that carries a code to the customer.

use super::{Context, Issued, OtpId, Transaction, transaction};
use crate::error::Result;
use crate::secret::Secret;
use crate::time::UnixTime;

/// What the customer gets: the text that is shown, the code in it, and the transaction.
///
/// ```
/// use otls::crypto::SystemRandom;
/// use otls::otp::{Context, Envelope, Ledger, MemoryStore};
/// use otls::{Secret, UnixTime};
///
/// let ledger = Ledger::new(Box::new(MemoryStore::default()), Secret::from(vec![7; 32]))?;
/// let payment = Context::new().with("amount", "100000.00")?;
/// let issued = ledger.issue("asha", &payment, 120, 3, UnixTime(1_800_000_000), &SystemRandom)?;
/// let text = format!("The OTP for your transfer is {}.", issued.code.expose());
/// let envelope = Envelope::new(&issued, payment, Secret::from(text.into_bytes()));
/// assert_eq!(envelope.expires_at, UnixTime(1_800_000_120));
/// # Ok::<(), otls::Error>(())
/// ```
pub struct Envelope {
    /// Which code.
    pub id: OtpId,
    /// The text for the customer, UTF-8; it contains the code, so it is secret.
    pub text: Secret,
    /// The code, visible ASCII characters.
    pub code: Secret,
    /// The transaction.
    pub context: Context,
    /// When it was issued.
    pub issued_at: UnixTime,
    /// From this second on it is expired.
    pub expires_at: UnixTime,
}

impl Envelope {
    /// An envelope for a code that was just issued for `context`; `text` is shown to the customer.
    pub fn new(issued: &Issued, context: Context, text: Secret) -> Self {
        Self {
            id: issued.id,
            text,
            code: Secret::from(issued.code.expose().as_bytes().to_vec()),
            context,
            issued_at: issued.issued_at,
            expires_at: issued.expires_at,
        }
    }

    /// An envelope for a code that was just issued for the context of `transaction`; the text is what its
    /// template says.
    ///
    /// ```
    /// use otls::Secret;
    /// use otls::crypto::SystemRandom;
    /// use otls::otp::{Envelope, Ledger, MemoryStore, Transaction};
    ///
    /// let ledger = Ledger::new(Box::new(MemoryStore::default()), Secret::from(vec![7; 32]))?;
    /// let login = Transaction {
    ///     purpose: "sign in".to_owned(),
    ///     template: "The code to {purpose} is {code}.".to_owned(),
    ///     ..Transaction::default()
    /// };
    /// let now = otls::UnixTime(1_800_000_000);
    /// let issued = ledger.issue("asha", &login.context()?, 120, 3, now, &SystemRandom)?;
    /// let envelope = Envelope::for_transaction(&issued, &login)?;
    /// assert!(envelope.text.expose().starts_with(b"The code to sign in is "));
    /// # Ok::<(), otls::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Transaction::context`].
    pub fn for_transaction(issued: &Issued, transaction: &Transaction) -> Result<Self> {
        let text = transaction.text(issued.code.expose())?;
        Ok(Self::new(issued, transaction.context()?, text))
    }

    /// Whether the text is what the context's template says. A context without one leaves the text free.
    pub(super) fn shows_its_transaction(&self) -> bool {
        if self.context.get(transaction::TEMPLATE).is_none() {
            return true;
        }
        let code = core::str::from_utf8(self.code.expose()).unwrap_or_default();
        let expected = Transaction::from_context(&self.context).and_then(|known| known.text(code));
        expected.is_ok_and(|expected| expected.ct_eq(self.text.expose()))
    }
}
