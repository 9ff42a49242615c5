//! What the customer answers.

use super::{OtpId, SignedDecision};
use crate::secret::Secret;

/// Customer to bank: the code comes back, or the customer declines; with a signed [`SignedDecision`] or without.
///
/// ```
/// use otls::Secret;
/// use otls::otp::{Answer, Decision, OtpId};
///
/// let answer = Answer::new(OtpId([1; 16]), Secret::from(b"256345".to_vec()));
/// assert_eq!(answer.decision(), Decision::Approved);
/// assert_eq!(Answer::declined(OtpId([1; 16])).decision(), Decision::Declined);
/// ```
#[derive(Debug)]
pub struct Answer {
    /// Which code.
    pub id: OtpId,
    /// What the customer returns; none from one who declines.
    pub code: Option<Secret>,
    /// The customer's signature under the decision.
    pub receipt: Option<SignedDecision>,
}

impl Answer {
    /// The code comes back.
    pub const fn new(id: OtpId, code: Secret) -> Self {
        Self { id, code: Some(code), receipt: None }
    }

    /// No code comes back.
    pub const fn declined(id: OtpId) -> Self {
        Self { id, code: None, receipt: None }
    }

    /// The answer with a receipt.
    pub fn with_receipt(mut self, receipt: SignedDecision) -> Self {
        self.receipt = Some(receipt);
        self
    }

    /// What the customer decided.
    pub const fn decision(&self) -> Decision {
        if self.code.is_some() { Decision::Approved } else { Decision::Declined }
    }
}

/// What a customer decides about a transaction.
///
/// ```
/// use otls::otp::Decision;
///
/// assert_eq!(Decision::Approved.to_string(), "approved");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It shall happen.
    Approved,
    /// It shall not.
    Declined,
}

impl Decision {
    pub(super) const fn octet(self) -> u8 {
        match self {
            Self::Approved => 1,
            Self::Declined => 2,
        }
    }

    pub(super) fn of(octet: u8) -> Result<Self, &'static str> {
        [Self::Approved, Self::Declined]
            .into_iter()
            .find(|known| known.octet() == octet)
            .ok_or("an unknown decision")
    }
}

impl core::fmt::Display for Decision {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
        })
    }
}
