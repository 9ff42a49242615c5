//! What the handshake hands to the connection: bytes for the peer, keys, and facts.

use std::collections::VecDeque;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::key_schedule::{ExporterSecret, TrafficSecret};
use super::session::Session;
use crate::codepoints::{
    AlertDescription, CipherSuite, ContentType, NamedGroup, ProtocolVersion, SignatureScheme,
};
use crate::error::{PeerMisbehaved, Result};
use crate::pki::{Certificate, Identity, VerifiedPeer};
use crate::record::{KEPT_CAPACITY, MAX_INNER_LEN, Opener, RecordShape, Sealer, write_plaintext_record};
use crate::secret::Secret;
use crate::time::UnixTime;

/// Everything that a handler may touch besides its own state.
pub(crate) struct Context<'a> {
    pub(crate) out: &'a mut Outbox,
    pub(crate) facts: &'a mut Facts,
    pub(crate) now: UnixTime,
}

/// Bytes for the peer, sealed as they are queued, and the keys to read with from now on.
#[derive(Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    /// Octets at the front of `bytes` that were written already.
    written: usize,
    /// Handshake messages that still share a record.
    flight: Vec<u8>,
    sealer: Option<Sealer>,
    opener: Option<Opener>,
    shape: RecordShape,
    first_record: bool,
    sent_change_cipher_spec: bool,
    /// close_notify was queued.
    closed: bool,
}

impl Outbox {
    /// Queues a handshake message with its header.
    pub(super) fn message(&mut self, encoded: &[u8]) {
        self.flight.extend_from_slice(encoded);
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
        Ok(())
    }

    /// Cuts and pads the records that follow as `shape` says.
    pub(super) fn set_shape(&mut self, shape: RecordShape) {
        self.shape = shape;
    }

    /// Has the connection read with `opener` from the next record on.
    pub(super) fn set_opener(&mut self, opener: Opener) {
        self.opener = Some(opener);
    }

    /// The new read key, if a handler set one.
    pub(crate) fn take_opener(&mut self) -> Option<Opener> {
        self.opener.take()
    }

    /// The dummy of middlebox compatibility mode (RFC 8446 §D.4), once.
    pub(super) fn change_cipher_spec(&mut self) -> Result<()> {
        self.flush()?;
        if !self.sent_change_cipher_spec {
            self.sent_change_cipher_spec = true;
            write_plaintext_record(
                ContentType::CHANGE_CIPHER_SPEC,
                ProtocolVersion::TLS1_2,
                &[1],
                &mut self.bytes,
            )?;
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
        self.write(ContentType::ALERT, &[level, description.0])?;
        self.closed |= description == AlertDescription::CLOSE_NOTIFY;
        Ok(())
    }

    /// Queues application data.
    pub(crate) fn data(&mut self, plaintext: &[u8]) -> Result<()> {
        self.write(ContentType::APPLICATION_DATA, plaintext)
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

    /// Bytes to write.
    pub(crate) fn pending(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    /// Forgets `len` octets of [`Outbox::pending`]; gives a large buffer back once all are gone.
    pub(crate) fn consume(&mut self, len: usize) {
        self.written = self.written.saturating_add(len).min(self.bytes.len());
        if self.written == self.bytes.len() {
            self.bytes.clear();
            self.written = 0;
            if self.bytes.capacity() > KEPT_CAPACITY {
                self.bytes = Vec::new();
            }
        }
    }

    /// Wipes the keys; what is queued stays.
    pub(crate) fn drop_keys(&mut self) {
        self.sealer = None;
        self.opener = None;
    }

    /// RFC 8446 §6.1: after close_notify nothing is sent any more, not even the answer to a KeyUpdate.
    fn write(&mut self, content_type: ContentType, content: &[u8]) -> Result<()> {
        if self.closed {
            return Ok(());
        }
        if let Some(sealer) = &mut self.sealer {
            return sealer.seal(content_type, content, self.shape, &mut self.bytes);
        }
        // RFC 8446 §5.1: an initial ClientHello may say TLS 1.0, which old middleboxes want.
        let version = if self.first_record { ProtocolVersion::TLS1_0 } else { ProtocolVersion::TLS1_2 };
        self.first_record = false;
        write_plaintext_record(content_type, version, content, &mut self.bytes)
    }

    /// An outbox whose first record is an initial ClientHello.
    pub(crate) fn for_client() -> Self {
        Self { first_record: true, ..Self::default() }
    }
}

/// Records without progress that are tolerated until application data comes. RFC 8446 has no bound for any
/// kind of them; without one a peer, or somebody on the way, would keep us busy for nothing.
const MAX_IDLE_RECORDS: u8 = 32;

/// What came since the last application data and brought nothing: one budget for all kinds. They are empty
/// records, change_cipher_spec (RFC 8446 §5), user_canceled, skipped early data, and each message after the
/// handshake but the answers to our own KeyUpdates. The handshake's own messages are bounded by their number
/// and length, and its end counts as progress.
#[derive(Default)]
pub(crate) struct Idle(u8);

impl Idle {
    /// # Errors
    /// One more than is tolerated.
    pub(crate) fn count(&mut self) -> Result<()> {
        self.0 = self.0.saturating_add(1);
        if self.0 > MAX_IDLE_RECORDS {
            Err(PeerMisbehaved::TooMany("records without progress").into())
        } else {
            Ok(())
        }
    }

    pub(crate) fn end(&mut self) {
        self.0 = 0;
    }
}

/// What became known of the connection.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) suite: Option<CipherSuite>,
    pub(crate) group: Option<NamedGroup>,
    pub(crate) scheme: Option<SignatureScheme>,
    pub(crate) peer_scheme: Option<SignatureScheme>,
    pub(crate) peer: Option<VerifiedPeer>,
    pub(crate) identity: Option<Arc<Identity>>,
    /// The certificate that we showed, on this connection or on the one that it resumes.
    pub(crate) certificate: Option<Certificate>,
    pub(crate) resumed: bool,
    /// There was a HelloRetryRequest.
    pub(crate) retried: bool,
    pub(crate) alpn: Option<Vec<u8>>,
    /// Newest last.
    pub(crate) sessions: VecDeque<Session>,
    /// Our record_size_limit, once the peer has to keep to it.
    pub(crate) receive_limit: Option<u16>,
    /// Octets of early data that may still be skipped (RFC 8446 §4.2.10).
    pub(crate) skip_early_data: usize,
    pub(crate) idle: Idle,
    pub(crate) key_log: Option<KeyLog>,
    pub(crate) offer: Option<Offer>,
    pub(crate) requested: Option<RequestedCertificate>,
    pub(crate) exporter: Option<ExporterSecret>,
    /// A ticket came: the server has judged us (see [`crate::State::CONFIRMED`]).
    pub(crate) confirmed: bool,
}

impl Facts {
    /// Octets in the largest TLSInnerPlaintext that the peer may send.
    pub(crate) fn max_inner_len(&self) -> usize {
        self.receive_limit.map_or(MAX_INNER_LEN, usize::from)
    }

    /// Forgets who the peers of a failed connection were, and what could continue it (RFC 8446 §6.2).
    pub(crate) fn forget_peers(&mut self) {
        self.peer = None;
        self.identity = None;
        self.certificate = None;
        self.exporter = None;
        self.sessions.clear();
    }

    /// Adds a line to the key log, where one is kept.
    pub(super) fn log_secret(&mut self, label: &str, secret: &[u8]) {
        if let Some(log) = &mut self.key_log {
            log.line(label, secret);
        }
    }
}

/// The secrets of a connection as text (RFC 9850 §2).
pub(crate) struct KeyLog {
    client_random: [u8; 32],
    text: Zeroizing<String>,
}

impl KeyLog {
    pub(super) fn new(client_random: [u8; 32]) -> Self {
        // Reserved for all lines of a handshake, so that growing leaves no copies behind.
        Self { client_random, text: Zeroizing::new(String::with_capacity(6 * 256)) }
    }

    /// What was recorded since the last call.
    pub(crate) fn take(&mut self) -> Option<Secret> {
        let text = core::mem::take(&mut *self.text);
        (!text.is_empty()).then(|| text.into_bytes().into())
    }

    fn line(&mut self, label: &str, secret: &[u8]) {
        self.text.push_str(label);
        for value in [self.client_random.as_slice(), secret] {
            self.text.push(' ');
            for octet in value {
                for digit in [octet >> 4, octet & 15] {
                    self.text.extend(char::from_digit(u32::from(digit), 16));
                }
            }
        }
        self.text.push('\n');
    }
}

/// The traffic secrets of an established connection; KeyUpdate replaces them one by one.
pub(crate) struct Traffic {
    pub(super) read: TrafficSecret,
    pub(super) write: TrafficSecret,
}

/// What a client offers, for the server to choose its configuration by; values that this library
/// does not know are in the lists too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Cipher suites, most preferred first.
    pub suites: Vec<CipherSuite>,
    /// Groups, most preferred first.
    pub groups: Vec<NamedGroup>,
    /// Signature schemes of handshakes.
    pub schemes: Vec<SignatureScheme>,
    /// server_name (RFC 6066 §3).
    pub server_name: Option<String>,
    /// ALPN protocols (RFC 7301).
    pub alpn: Vec<Vec<u8>>,
}

/// What a server asks a client's certificate to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedCertificate {
    /// Signature schemes of handshakes that the server accepts.
    pub schemes: Vec<SignatureScheme>,
    /// Signature schemes that it accepts in certificates, where it tells them apart (RFC 8446 §4.2.3).
    pub certificate_schemes: Option<Vec<SignatureScheme>>,
    /// Subjects (DER) of the authorities that it trusts; empty if it did not say.
    pub authorities: Vec<Vec<u8>>,
}
