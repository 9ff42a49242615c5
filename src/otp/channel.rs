//! OTP messages on a connection: framed, bound to it, in one direction each.

use std::collections::HashMap;

use zeroize::Zeroizing;

use super::exporter::exported;
use super::message::{Binding, Direction, Header};
use super::{Answer, Envelope, Message, OtpId, SignedDecision};
use crate::connection::Connection;
use crate::crypto::Random;
use crate::error::{Error, OtpError, Result};
use crate::secret::Secret;
use crate::time::UnixTime;

/// Sends and receives OTP messages over one connection; keeps what arrived in part and the
/// identifiers that were seen. It borrows the connection call by call.
///
/// ```no_run
/// use otls::otp::{Answer, Channel, Message};
///
/// # fn customer(connection: &mut otls::Connection, now: otls::UnixTime) -> otls::Result<()> {
/// let mut channel = Channel::new();
/// // after Connection::feed
/// if let Some(Message::Envelope(envelope)) = channel.receive(connection, now)? {
///     channel.send(connection, &Message::Answer(Answer::new(envelope.id, envelope.code)))?;
///     // write Connection::pending to the socket
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Channel {
    incoming: Incoming,
    /// Envelopes that were received, with their expiry.
    seen: HashMap<OtpId, UnixTime>,
    /// Codes that an answer may be about, with their expiry.
    asked: HashMap<OtpId, UnixTime>,
    /// Receipts that are still verified: so many for each code that was asked of the customer.
    receipts_left: usize,
    /// After a message that does not decode nothing else can be told apart.
    failed: Option<OtpError>,
    accepts_free_text: bool,
}

crate::shown::shown!(Channel);

impl Channel {
    /// Envelopes that a channel remembers at once, sent or received; expired ones are forgotten to make room.
    pub const MAX_SEEN: usize = 4096;

    /// Receipts that a bank verifies on one connection, for each code that an answer may be about: a customer who
    /// sends more of them only wants it to work. As many as a subject has attempts.
    pub const MAX_RECEIPTS_PER_CODE: usize = 10;

    /// A channel for a connection that is new to OTP messages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Receives envelopes with a text of the bank's own as well, whose context has no template.
    ///
    /// Such a text is bound to nothing: a bank that errs, or is made to, shows words of one transaction with the
    /// code for another. Without this, only transactions are received ([`super::Transaction`]).
    #[must_use]
    pub fn with_free_text(mut self) -> Self {
        self.accepts_free_text = true;
        self
    }

    /// Seals `message`; it is then pending on `connection`. An envelope's code may then be answered.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for a message of the peer's direction, for a field out of bounds,
    /// where one side is anonymous, before the handshake is done, or where more than [`Channel::MAX_SEEN`]
    /// codes are open.
    pub fn send(&mut self, connection: &mut Connection, message: &Message) -> Result<()> {
        let direction = Direction::sent_by(connection.is_server());
        if message.direction() != direction {
            return Err(Error::misuse(
                "an OTP message of the other side",
                "a server sends envelopes and verdicts, a client answers",
            ));
        }
        let frame = message.encode(&binding(connection, direction)?)?;
        if let Message::Envelope(envelope) = message {
            self.expect(envelope.id, envelope.expires_at, envelope.issued_at)?;
        }
        connection.seal(frame.expose())
    }

    /// Takes answers about a code that has gone to this connection's customer by another way, by mail or over
    /// an earlier connection: without it only the codes of envelopes that were sent here may be answered.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] where more than [`Channel::MAX_SEEN`] codes are open.
    pub fn expect(&mut self, id: OtpId, expires_at: UnixTime, now: UnixTime) -> Result<()> {
        if !make_room(&mut self.asked, now) && !self.asked.contains_key(&id) {
            return Err(Error::misuse(
                "more open codes than a channel remembers",
                "wait for some to be answered or to expire, or use another connection",
            ));
        }
        if self.asked.insert(id, expires_at).is_none() {
            self.receipts_left = self.receipts_left.saturating_add(Self::MAX_RECEIPTS_PER_CODE);
        }
        Ok(())
    }

    /// Takes what `connection` has decrypted and returns the next whole message. Call it until it
    /// returns `None`, then feed the connection what it did not take before.
    ///
    /// # Errors
    /// [`OtpError::Malformed`], also for more than [`Channel::MAX_RECEIPTS_PER_CODE`] receipts, and
    /// [`OtpError::WrongBinding`], also for an answer about a code that was not sent on this connection, are final:
    /// close it.
    /// [`OtpError::FreeText`] (see [`Channel::with_free_text`]), [`OtpError::Transaction`] (a free text with
    /// characters that mislead), [`OtpError::Replayed`], [`OtpError::Expired`] and [`OtpError::Receipt`] (a
    /// receipt that does not prove its answer; one that is good may still be for another transaction, see
    /// [`super::SignedDecision::check_context`]) refuse one message.
    /// [`crate::Error::ApiMisuse`] where one side is anonymous.
    pub fn receive(&mut self, connection: &mut Connection, now: UnixTime) -> Result<Option<Message>> {
        if let Some(error) = &self.failed {
            return Err(error.clone().into());
        }
        if connection.available() == 0 {
            return Ok(None);
        }
        let direction = Direction::sent_by(!connection.is_server());
        let binding = binding(connection, direction)?;
        let received = self.incoming.read(direction, &binding, |out| connection.read(out));
        let Some(message) = received.inspect_err(|error| self.failed = Some(error.clone()))? else {
            return Ok(None);
        };
        self.check_asked(&message)?;
        self.check_fresh(&message, now)?;
        self.check_receipt(&message, connection, now)?;
        Ok(Some(message))
    }

    /// Returns a code with a signed receipt: the customer approves what `envelope` asks.
    ///
    /// # Errors
    /// As [`Channel::send`] and [`SignedDecision::sign`]; [`crate::Error::ApiMisuse`] on a resumed connection,
    /// whose key is not at hand: make the receipt with [`SignedDecision::sign`] and send it.
    pub fn approve(
        &mut self,
        connection: &mut Connection,
        envelope: &Envelope,
        code: Secret,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<()> {
        self.answer(connection, envelope, Answer::new(envelope.id, code), now, random)
    }

    /// Sends a signed receipt that the customer declines what `envelope` asks, and no code.
    ///
    /// # Errors
    /// As [`Channel::approve`].
    pub fn decline(
        &mut self,
        connection: &mut Connection,
        envelope: &Envelope,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<()> {
        self.answer(connection, envelope, Answer::declined(envelope.id), now, random)
    }

    fn answer(
        &mut self,
        connection: &mut Connection,
        envelope: &Envelope,
        answer: Answer,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<()> {
        let receipt = SignedDecision::of_answer(connection, envelope, &answer, now, random)?;
        self.send(connection, &Message::Answer(answer.with_receipt(receipt)))
    }

    /// A code that was asked of another customer is none of this one's business: neither can be probed nor
    /// spoilt from here.
    fn check_asked(&mut self, message: &Message) -> Result<()> {
        match message {
            Message::Answer(answer) if !self.asked.contains_key(&answer.id) => {
                self.failed = Some(OtpError::WrongBinding);
                Err(OtpError::WrongBinding.into())
            }
            Message::Answer(_) | Message::Envelope(_) | Message::Verdict { .. } => Ok(()),
        }
    }

    fn check_fresh(&mut self, message: &Message, now: UnixTime) -> Result<()> {
        let envelope = match message {
            Message::Envelope(envelope) => envelope,
            // The ledger judges answers, and a verdict only informs.
            Message::Answer(_) | Message::Verdict { .. } => return Ok(()),
        };
        envelope.check_shown(self.accepts_free_text)?;
        if self.seen.contains_key(&envelope.id) {
            return Err(OtpError::Replayed.into());
        }
        if now >= envelope.expires_at {
            return Err(OtpError::Expired.into());
        }
        if !make_room(&mut self.seen, now) {
            let error = OtpError::Malformed("more envelopes than a channel remembers");
            self.failed = Some(error.clone());
            return Err(error.into());
        }
        self.seen.insert(envelope.id, envelope.expires_at);
        Ok(())
    }

    /// A receipt proves its answer, or the answer is not handed out.
    fn check_receipt(&mut self, message: &Message, connection: &Connection, now: UnixTime) -> Result<()> {
        let answer = match message {
            Message::Answer(answer) => answer,
            Message::Envelope(_) | Message::Verdict { .. } => return Ok(()),
        };
        let Some(receipt) = &answer.receipt else { return Ok(()) };
        let Some(left) = self.receipts_left.checked_sub(1) else {
            let error = OtpError::Malformed("more receipts than the codes that were asked for may have");
            self.failed = Some(error.clone());
            return Err(error.into());
        };
        self.receipts_left = left;
        receipt.check(connection, answer.id, answer.decision(), now)
    }
}

/// Forgets what has expired, if there is no room for one more; whether there is then.
fn make_room(codes: &mut HashMap<OtpId, UnixTime>, now: UnixTime) -> bool {
    if codes.len() >= Channel::MAX_SEEN {
        codes.retain(|_, expires_at| *expires_at > now);
    }
    codes.len() < Channel::MAX_SEEN
}

/// RFC 8446 §7.5: both sides of one connection have the same exporter value and nobody else has it.
/// The certificates are named as well, so that it holds who the two are and not only that they agree.
fn binding(connection: &Connection, direction: Direction) -> Result<Binding> {
    exported(connection, EXPORTER_LABEL, &[direction.octet()])
}

/// What arrived of a message so far. Nothing is kept between messages.
#[derive(Default)]
struct Incoming {
    header: [u8; Header::LEN],
    header_len: usize,
    body: Option<Body>,
}

struct Body {
    header: Header,
    octets: Zeroizing<Vec<u8>>,
    len: usize,
}

impl Incoming {
    /// Takes octets of `open` up to the end of one message.
    fn read(
        &mut self,
        direction: Direction,
        binding: &Binding,
        mut open: impl FnMut(&mut [u8]) -> usize,
    ) -> Result<Option<Message>, OtpError> {
        if self.body.is_none() {
            if !fill(&mut self.header, &mut self.header_len, &mut open) {
                return Ok(None);
            }
            let header = Header::decode(self.header).map_err(OtpError::Malformed)?;
            if header.direction() != direction {
                return Err(OtpError::WrongBinding);
            }
            self.header_len = 0;
            self.body = Some(Body { header, octets: Zeroizing::new(vec![0; header.body_len]), len: 0 });
        }
        let Some(mut body) = self.body.take() else { return Ok(None) };
        if !fill(&mut body.octets, &mut body.len, &mut open) {
            self.body = Some(body);
            return Ok(None);
        }
        let message = Message::decode(body.header, &body.octets, binding).map_err(OtpError::Malformed)?;
        message.map(Some).ok_or(OtpError::WrongBinding)
    }
}

/// Whether `out` is full now.
fn fill(out: &mut [u8], len: &mut usize, open: &mut impl FnMut(&mut [u8]) -> usize) -> bool {
    while let Some(rest) = out.get_mut(*len..).filter(|rest| !rest.is_empty()) {
        match open(rest) {
            0 => return false,
            count => *len = len.saturating_add(count),
        }
    }
    true
}

/// The exporter's label (docs/PROTOCOL.md).
const EXPORTER_LABEL: &[u8] = b"EXPORTER-otls-otp";

#[cfg(test)]
mod tests;
