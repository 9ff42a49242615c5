//! What the handshake hands to the connection: bytes for the peer, keys, and facts.

use std::sync::Arc;

use super::key_schedule::{ExporterSecret, TrafficSecret};
use crate::codepoints::{
    AlertDescription, CipherSuite, ContentType, NamedGroup, ProtocolVersion, SignatureScheme,
};
use crate::error::Result;
use crate::pki::{Identity, VerifiedPeer};
use crate::record::{Opener, Sealer, write_plaintext_record};
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
    first_record: bool,
    sent_change_cipher_spec: bool,
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
        self.write(ContentType::ALERT, &[level, description.0])
    }

    /// Queues application data.
    pub(crate) fn data(&mut self, plaintext: &[u8]) -> Result<()> {
        self.write(ContentType::APPLICATION_DATA, plaintext)
    }

    /// Whether the write key should be replaced before more is sent (RFC 8446 §5.5).
    pub(crate) fn needs_key_update(&self) -> bool {
        self.sealer.as_ref().is_some_and(Sealer::needs_update)
    }

    /// Bytes to write.
    pub(crate) fn pending(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    /// Forgets `len` octets of [`Outbox::pending`]; gives the memory back once all are gone.
    pub(crate) fn consume(&mut self, len: usize) {
        self.written = self.written.saturating_add(len).min(self.bytes.len());
        if self.written == self.bytes.len() {
            self.bytes = Vec::new();
            self.written = 0;
        }
    }

    /// Wipes the keys; what is queued stays.
    pub(crate) fn drop_keys(&mut self) {
        self.sealer = None;
        self.opener = None;
    }

    fn write(&mut self, content_type: ContentType, content: &[u8]) -> Result<()> {
        if let Some(sealer) = &mut self.sealer {
            return sealer.seal(content_type, content, &mut self.bytes);
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

/// What became known of the connection.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) suite: Option<CipherSuite>,
    pub(crate) group: Option<NamedGroup>,
    pub(crate) scheme: Option<SignatureScheme>,
    pub(crate) peer_scheme: Option<SignatureScheme>,
    pub(crate) peer: Option<VerifiedPeer>,
    pub(crate) identity: Option<Arc<Identity>>,
    pub(crate) offer: Option<Offer>,
    pub(crate) requested: Option<RequestedCertificate>,
    pub(crate) exporter: Option<ExporterSecret>,
    /// A ticket came: the server has judged us (see [`crate::State::CONFIRMED`]).
    pub(crate) confirmed: bool,
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
    /// Subjects (DER) of the authorities that it trusts; empty if it did not say.
    pub authorities: Vec<Vec<u8>>,
}
