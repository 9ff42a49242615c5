//! What the peer is to get, sealed as it is queued.

use super::transcript::append_message;
use crate::codepoints::{AlertDescription, ContentType, HandshakeType, ProtocolVersion};
use crate::error::{Error, Result};
use crate::record::{KEPT_CAPACITY, RecordShape, Sealer, write_plaintext_record};
use crate::trace::{Direction, Trace};

/// Room for most flights.
const FLIGHT: usize = 1024;

/// Bytes for the peer, sealed as they are queued.
#[derive(Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    /// Octets at the front of `bytes` that were written already.
    written: usize,
    /// Handshake messages that still share a record.
    flight: Vec<u8>,
    sealer: Option<Sealer>,
    shape: RecordShape,
    first_record: bool,
    sent_change_cipher_spec: bool,
    /// close_notify was queued.
    closed: bool,
    /// What happens, where somebody wants to know.
    pub(crate) trace: Option<Box<Trace>>,
    /// Application data was queued: short messages that follow find a buffer.
    has_data: bool,
}

impl Outbox {
    /// Queues a handshake message with its header.
    pub(super) fn message(&mut self, encoded: &[u8]) {
        self.flight.extend_from_slice(encoded);
        self.tell(|trace| trace.message(Direction::Sent, encoded));
    }

    /// Queues a handshake message whose body `write` appends; what it is with its header.
    pub(super) fn write_message(
        &mut self,
        message_type: HandshakeType,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> &[u8] {
        if self.flight.is_empty() {
            self.flight.reserve(FLIGHT);
        }
        let start = self.flight.len();
        append_message(message_type, write, &mut self.flight);
        let message = self.flight.get(start..).unwrap_or_default();
        if let Some(trace) = &mut self.trace {
            trace.message(Direction::Sent, message);
        }
        message
    }

    /// Seals what was queued, so that messages of one flight share records.
    pub(crate) fn flush(&mut self) -> Result<()> {
        if self.flight.is_empty() {
            return Ok(());
        }
        let flight = core::mem::take(&mut self.flight);
        self.write(ContentType::HANDSHAKE, &flight)
    }

    /// Protects all that follows with `sealer`.
    pub(super) fn set_sealer(&mut self, sealer: Sealer) -> Result<()> {
        self.flush()?;
        self.sealer = Some(sealer);
        self.tell(|trace| trace.change_keys(Direction::Sent));
        Ok(())
    }

    /// Cuts and pads the records that follow as `shape` says.
    pub(super) fn set_shape(&mut self, shape: RecordShape) {
        self.shape = shape;
    }

    /// The dummy of middlebox compatibility mode (RFC 8446 §D.4), once.
    pub(super) fn change_cipher_spec(&mut self) -> Result<()> {
        self.flush()?;
        if !self.sent_change_cipher_spec {
            self.sent_change_cipher_spec = true;
            let start = self.bytes.len();
            write_plaintext_record(
                ContentType::CHANGE_CIPHER_SPEC,
                ProtocolVersion::TLS1_2,
                &[1],
                &mut self.bytes,
            )?;
            self.tell(|trace| trace.change_cipher_spec(Direction::Sent));
            self.tell_records(start);
        }
        Ok(())
    }

    /// Queues an alert; what was queued before goes first.
    pub(crate) fn alert(&mut self, description: AlertDescription) -> Result<()> {
        self.flush()?;
        // RFC 8446 §6: the level is implied by the description.
        let level = match description {
            AlertDescription::CLOSE_NOTIFY | AlertDescription::USER_CANCELED => 1,
            _ => 2,
        };
        let content = [level, description.0];
        if !self.closed {
            self.tell(|trace| trace.alert(Direction::Sent, &content));
        }
        self.write(ContentType::ALERT, &content)?;
        self.closed |= description == AlertDescription::CLOSE_NOTIFY;
        Ok(())
    }

    /// Queues application data.
    pub(crate) fn data(&mut self, plaintext: &[u8]) -> Result<()> {
        self.tell(|trace| trace.data(Direction::Sent, plaintext));
        self.has_data = true;
        self.write(ContentType::APPLICATION_DATA, plaintext)
    }

    /// Appends to `out` what is pending, and then application data.
    pub(crate) fn data_into(&mut self, plaintext: &[u8], out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(self.pending());
        self.consume(usize::MAX);
        let Some(sealer) = &mut self.sealer else { return Err(Error::Internal("data without keys")) };
        let start = out.len();
        sealer.seal(ContentType::APPLICATION_DATA, plaintext, self.shape, out)?;
        self.tell(|trace| {
            trace.data(Direction::Sent, plaintext);
            trace.records(Direction::Sent, out.get(start..).unwrap_or_default());
        });
        Ok(())
    }

    /// Whether the write key should be replaced before more is sent (RFC 8446 §5.5).
    pub(crate) fn needs_key_update(&self) -> bool {
        self.sealer.as_ref().is_some_and(Sealer::needs_update)
    }

    /// The sequence number of the next protected record.
    #[cfg(test)]
    pub(crate) fn sequence(&mut self) -> &mut u64 {
        self.sealer.as_mut().map(Sealer::sequence).unwrap()
    }

    /// Octets of buffer.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Bytes to write.
    pub(crate) fn pending(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    /// Forgets `len` octets of [`Outbox::pending`]; once all are gone it gives a large buffer back, and between the
    /// handshake and the first data any.
    pub(crate) fn consume(&mut self, len: usize) {
        self.written = self.written.saturating_add(len).min(self.bytes.len());
        if self.written == self.bytes.len() {
            self.bytes.clear();
            self.written = 0;
            let is_quiet = self.sealer.is_some() && !self.has_data;
            if self.bytes.capacity() > KEPT_CAPACITY || is_quiet {
                self.bytes = Vec::new();
            }
        }
    }

    /// Wipes the key; what is queued stays.
    pub(crate) fn drop_key(&mut self) {
        self.sealer = None;
    }

    /// RFC 8446 §6.1: after close_notify nothing is sent any more, not even the answer to a KeyUpdate.
    fn write(&mut self, content_type: ContentType, content: &[u8]) -> Result<()> {
        if self.closed {
            return Ok(());
        }
        let start = self.bytes.len();
        if let Some(sealer) = &mut self.sealer {
            sealer.seal(content_type, content, self.shape, &mut self.bytes)?;
            self.tell_records(start);
            return Ok(());
        }
        // RFC 8446 §5.1: an initial ClientHello may say TLS 1.0, which old middleboxes want.
        let version = if self.first_record { ProtocolVersion::TLS1_0 } else { ProtocolVersion::TLS1_2 };
        self.first_record = false;
        write_plaintext_record(content_type, version, content, &mut self.bytes)?;
        self.tell_records(start);
        Ok(())
    }

    /// Tells the trace, where there is one.
    pub(crate) fn tell(&mut self, event: impl FnOnce(&mut Trace)) {
        if let Some(trace) = &mut self.trace {
            event(trace);
        }
    }

    /// Tells of the records that were queued from `start` on.
    fn tell_records(&mut self, start: usize) {
        if let Some(trace) = &mut self.trace {
            trace.records(Direction::Sent, self.bytes.get(start..).unwrap_or_default());
        }
    }

    /// An outbox whose first record is an initial ClientHello.
    pub(crate) fn for_client() -> Self {
        Self { first_record: true, ..Self::default() }
    }
}
