//! What the customer answers.

use super::{Decision, Envelope, OtpId, SignedDecision, Statement};
use crate::connection::Connection;
use crate::crypto::Random;
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::time::UnixTime;

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

impl SignedDecision {
    /// Signs what `answer` says of `envelope`, with the connection's own identity.
    ///
    /// # Errors
    /// As [`SignedDecision::sign`]; [`crate::Error::ApiMisuse`] on a resumed connection, whose key is not at hand.
    pub fn of_answer(
        connection: &Connection,
        envelope: &Envelope,
        answer: &Answer,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Self> {
        let Some(identity) = connection.identity() else {
            return Err(Error::misuse(
                "a receipt on a connection without a key of its own",
                "on a resumed connection sign with the first one's identity",
            ));
        };
        let (id, context, decision) = (envelope.id, envelope.context.clone(), answer.decision());
        Self::sign(connection, identity, Statement { id, context, decision, time: now }, random)
    }
}
