//! The message that carries a code to the customer.

use super::{Context, OtpId};
use crate::secret::Secret;
use crate::time::UnixTime;

/// What the customer gets: the text that is shown, the code in it, and the transaction.
pub struct Envelope {
    /// Which code.
    pub id: OtpId,
    /// The text for the customer, UTF-8; it contains the code, so it is secret.
    pub text: Secret,
    /// The code, ASCII digits.
    pub code: Secret,
    /// The transaction.
    pub context: Context,
    /// When it was issued.
    pub issued_at: UnixTime,
    /// From this second on it is expired.
    pub expires_at: UnixTime,
}
