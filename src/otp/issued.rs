//! A code that was just issued.

use super::{Code, Context, OtpId};
use crate::time::UnixTime;

/// A code that was just issued; see [`super::Ledger`] for an example.
#[derive(Debug)]
pub struct Issued {
    /// Its identifier.
    pub id: OtpId,
    /// The code itself; the ledger does not keep it.
    pub code: Code,
    /// What it was issued for, and is good for alone.
    pub context: Context,
    /// When it was issued.
    pub issued_at: UnixTime,
    /// From this second on it is expired.
    pub expires_at: UnixTime,
}
