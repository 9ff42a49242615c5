//! What happens to bytes that arrive: records, then alerts, data and handshake messages.

use super::{Connection, Machine};
use crate::codepoints::{AlertDescription, ContentType};
use crate::error::{Error, InvalidMessage, Malformed, PeerMisbehaved, Result};
use crate::handshake::{ClientState, ServerState};
use crate::record::{MAX_CIPHERTEXT_LEN, MAX_FRAGMENT_LEN};

/// Records without content in a row that are tolerated: RFC 8446 §5.1 allows them as a defence
/// against traffic analysis, and no bound would let a peer keep us busy for nothing.
const MAX_EMPTY_RECORDS: u8 = 32;

impl Connection {
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut taken = 0;
        while !self.peer_closed && self.wants_input() {
            let rest = bytes.get(taken..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let protected = self.opener.is_some() || self.facts.skip_early_data > 0;
            let limit = if protected { MAX_CIPHERTEXT_LEN } else { MAX_FRAGMENT_LEN };
            taken = taken.saturating_add(self.deframer.feed(rest, limit)?);
            self.record()?;
        }
        if self.peer_closed {
            // RFC 8446 §6.1: data after a closure alert is ignored.
            taken = bytes.len();
        }
        Ok(taken)
    }

    /// Whether bytes can be taken now; a paused handshake and undelivered plaintext forbid it.
    pub(super) fn wants_input(&self) -> bool {
        !self.is_paused() && self.plaintext.is_none()
    }

    /// Handles the messages that are complete, and seals what they had us say.
    pub(super) fn drain(&mut self) -> Result<()> {
        self.change_read_key()?;
        while !self.is_paused() {
            let Some(message) = self.joiner.next()? else { break };
            self.step(|machine, cx| match machine {
                Machine::Client(state) => Ok(Machine::Client(state.handle(&message, cx)?)),
                Machine::Server(state) => Ok(Machine::Server(state.handle(&message, cx)?)),
                Machine::Gone => Err(Error::Internal("a message without a state")),
            })?;
            self.change_read_key()?;
        }
        self.out.flush()
    }

    fn is_paused(&self) -> bool {
        matches!(
            self.machine,
            Machine::Client(ClientState::Identity(_)) | Machine::Server(ServerState::Config(_))
        )
    }

    fn change_read_key(&mut self) -> Result<()> {
        let Some(opener) = self.out.take_opener() else { return Ok(()) };
        // RFC 8446 §5.1: handshake messages must not span a change of keys.
        if !self.joiner.is_empty() {
            return Err(PeerMisbehaved::UnexpectedRecord("handshake data across a key change").into());
        }
        self.opener = Some(opener);
        Ok(())
    }

    /// Handles the record, once it is complete.
    fn record(&mut self) -> Result<()> {
        let established = self.is_established();
        let awaits_first_hello = self.awaits_first_hello();
        let max_inner_len = self.facts.max_inner_len();
        let Some(record) = self.deframer.record() else { return Ok(()) };
        let early_len = match record.content_type {
            ContentType::APPLICATION_DATA => record.payload.len(),
            _ => usize::MAX,
        };
        let may_be_early = early_len <= self.facts.skip_early_data;
        let (content_type, content): (ContentType, &[u8]) = match &mut self.opener {
            Some(opener) if record.content_type == ContentType::APPLICATION_DATA => {
                let opened = opener.open(&record.header, record.payload, max_inner_len);
                // RFC 8446 §4.2.10: early data that we did not accept is of keys that we do not have.
                if may_be_early && matches!(opened, Err(Error::DecryptFailed)) {
                    return self.skip_early_data(early_len);
                }
                let (content_type, content) = opened?;
                self.opened_any = true;
                self.facts.skip_early_data = 0;
                if content_type == ContentType::CHANGE_CIPHER_SPEC {
                    // RFC 8446 §5: a protected one is never right.
                    return Err(PeerMisbehaved::UnexpectedRecord("protected change_cipher_spec").into());
                }
                (content_type, content)
            }
            // A client that cannot read our ServerHello has no keys to protect its alert with.
            Some(_) if record.content_type == ContentType::ALERT && !self.opened_any => {
                (record.content_type, record.payload)
            }
            Some(_) if record.content_type != ContentType::CHANGE_CIPHER_SPEC => {
                return Err(PeerMisbehaved::UnexpectedRecord("unprotected after the keys were agreed").into());
            }
            // RFC 8446 §4.2.10: after a HelloRetryRequest it is told apart by its type alone.
            None if may_be_early => return self.skip_early_data(early_len),
            Some(_) | None => (record.content_type, record.payload),
        };
        // RFC 8446 §5.1: fragments of a handshake message follow each other.
        if content_type != ContentType::HANDSHAKE && !self.joiner.is_empty() {
            return Err(PeerMisbehaved::UnexpectedRecord("between fragments of a handshake message").into());
        }
        if content.is_empty() {
            // RFC 8446 §5.4: only application data may be empty.
            if content_type != ContentType::APPLICATION_DATA {
                return Err(PeerMisbehaved::UnexpectedRecord("empty").into());
            }
            self.empty_records = self.empty_records.saturating_add(1);
            if self.empty_records > MAX_EMPTY_RECORDS {
                return Err(PeerMisbehaved::TooMany("empty records").into());
            }
        } else {
            self.empty_records = 0;
        }
        match content_type {
            ContentType::HANDSHAKE => self.joiner.push(content),
            ContentType::ALERT => self.peer_closed = closes(content)?,
            ContentType::CHANGE_CIPHER_SPEC => {
                // RFC 8446 §5: dropped between the first ClientHello and the peer's Finished.
                if content != [1] || established || awaits_first_hello {
                    return Err(PeerMisbehaved::UnexpectedRecord("change_cipher_spec").into());
                }
            }
            ContentType::APPLICATION_DATA if established => {
                if !content.is_empty() {
                    self.plaintext = Some((0, content.len()));
                    return Ok(());
                }
            }
            _ => return Err(PeerMisbehaved::UnexpectedRecord("data before the handshake is done").into()),
        }
        self.deframer.clear();
        self.deframer.release();
        self.drain()
    }

    fn skip_early_data(&mut self, len: usize) -> Result<()> {
        self.facts.skip_early_data = self.facts.skip_early_data.saturating_sub(len.max(1));
        self.deframer.clear();
        self.deframer.release();
        Ok(())
    }

    fn awaits_first_hello(&self) -> bool {
        self.facts.offer.is_none() && matches!(self.machine, Machine::Server(ServerState::ClientHello(_)))
    }
}

/// Judges an alert: true for close_notify, false for one that says nothing yet.
fn closes(content: &[u8]) -> Result<bool> {
    // RFC 8446 §6: the level is ignored, the description decides.
    let &[_, description] = content else {
        return Err(InvalidMessage { what: "alert", why: Malformed::Truncated }.into());
    };
    match AlertDescription(description) {
        AlertDescription::CLOSE_NOTIFY => Ok(true),
        // RFC 8446 §6.1: a close_notify follows.
        AlertDescription::USER_CANCELED => Ok(false),
        other => Err(Error::AlertReceived(other)),
    }
}
