//! The message that carries a code to the customer.

use super::{Context, Issued, OtpId, Transaction, shown, transaction};
use crate::error::{OtpError, Result};
use crate::secret::Secret;
use crate::time::UnixTime;

/// What the customer gets: the text that is shown, the code in it, and the transaction.
///
/// ```
/// use otls::crypto::SystemRandom;
/// use otls::otp::{CodeRequest, Context, Envelope, Ledger, MemoryStore};
/// use otls::{Secret, UnixTime};
///
/// let ledger = Ledger::new(Box::new(MemoryStore::default()), Secret::from(vec![7; 32]))?;
/// let payment = Context::new().with("amount", "100000.00")?;
/// let issued = ledger.issue(&CodeRequest::new("asha", &payment), UnixTime(1_800_000_000), &SystemRandom)?;
/// let text = format!("The OTP for your transfer is {}.", issued.code.expose());
/// let envelope = Envelope::new(&issued, payment, Secret::from(text.into_bytes()));
/// assert_eq!(envelope.expires_at, UnixTime(1_800_000_120));
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Debug)]
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
    ///
    /// Where the context has no template, the text is free: whoever receives it has to accept that by name
    /// ([`super::Channel::with_free_text`]). [`Envelope::for_transaction`] is accepted everywhere.
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
    /// use otls::otp::{CodeRequest, Envelope, Ledger, MemoryStore, Transaction};
    ///
    /// let ledger = Ledger::new(Box::new(MemoryStore::default()), Secret::from(vec![7; 32]))?;
    /// let login = Transaction {
    ///     purpose: "sign in".to_owned(),
    ///     template: "The code to {purpose} is {code}.".to_owned(),
    ///     ..Transaction::default()
    /// };
    /// let now = otls::UnixTime(1_800_000_000);
    /// let issued = ledger.issue(&CodeRequest::new("asha", &login.context()?), now, &SystemRandom)?;
    /// let envelope = Envelope::for_transaction(&issued, &login)?;
    /// assert!(envelope.text.expose().starts_with(b"The code to sign in is "));
    /// # Ok::<(), otls::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Transaction::context`], and [`OtpError::Transaction`] for another transaction than the one that the
    /// code was issued for: the customer would read the one and release the other.
    pub fn for_transaction(issued: &Issued, transaction: &Transaction) -> Result<Self> {
        let (text, context) = (transaction.text(issued.code.expose())?, transaction.context()?);
        if context != issued.context {
            return Err(OtpError::Transaction("the code was issued for another one".to_owned()).into());
        }
        Ok(Self::new(issued, context, text))
    }

    /// Whether the text is free: the context has no template that says what it has to be.
    fn is_free_text(&self) -> bool {
        self.context.get(transaction::TEMPLATE).is_none()
    }

    /// What a receiver checks: a text is that of a transaction, which was compared when it was decoded, or it is
    /// free and the receiver has asked for such. Who sends it does not choose.
    pub(super) fn check_shown(&self, accepts_free_text: bool) -> Result<()> {
        if !self.is_free_text() {
            return Ok(());
        }
        if !accepts_free_text {
            return Err(OtpError::FreeText.into());
        }
        let text = core::str::from_utf8(self.text.expose()).unwrap_or_default();
        let refused = |what| OtpError::Transaction(format!("its free text has {what}")).into();
        shown::check_words(text).map_err(refused)
    }

    /// Whether the text is what the context's template says. A context without one leaves the text free.
    pub(super) fn shows_its_transaction(&self) -> bool {
        if self.is_free_text() {
            return true;
        }
        let code = core::str::from_utf8(self.code.expose()).unwrap_or_default();
        let expected = Transaction::from_context(&self.context).and_then(|known| known.text(code));
        expected.is_ok_and(|expected| expected.ct_eq(self.text.expose()))
    }
}
