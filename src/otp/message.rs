//! OTP messages on a connection: framed, bound to it, in one direction each.

use super::{Envelope, OtpId, Verdict};
use crate::connection::Connection;
use crate::error::Result;
use crate::secret::Secret;
use crate::time::UnixTime;

/// A message of the OTP protocol (docs/PROTOCOL.md).
pub enum Message {
    /// Bank to customer: the code.
    Envelope(Envelope),
    /// Customer to bank: the code comes back.
    Answer {
        /// Which code.
        id: OtpId,
        /// What the customer returns.
        code: Secret,
    },
    /// Bank to customer: what the ledger says.
    Verdict {
        /// Which code.
        id: OtpId,
        /// The outcome.
        verdict: Verdict,
    },
}

/// Sends and receives OTP messages over one connection; keeps what arrived in part and the
/// identifiers that were seen. It borrows the connection call by call.
#[derive(Default)]
pub struct Channel(());

impl Channel {
    /// A channel for a connection that is new to OTP messages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Seals `message`; it is then pending on `connection`.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for a message of the peer's direction, an anonymous peer, or before the handshake
    /// is done.
    pub fn send(&mut self, connection: &mut Connection, message: &Message) -> Result<()> {
        let _ = (connection, message);
        todo!()
    }

    /// Takes what `connection` has decrypted and returns the next whole message.
    ///
    /// # Errors
    /// [`crate::Error::Otp`]: malformed, wrong binding, replayed, expired at `now`.
    pub fn receive(&mut self, connection: &mut Connection, now: UnixTime) -> Result<Option<Message>> {
        let _ = (connection, now);
        todo!()
    }
}
