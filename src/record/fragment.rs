//! Handshake messages out of record payloads: fragmented, coalesced, or both (RFC 8446 §5.1).

use crate::codepoints::HandshakeType;
use crate::error::{Error, InvalidMessage};

/// Octets in the largest handshake message that we take: room for ten certificates of usual size.
/// RFC 8446 §4 allows 2^24-1.
pub(crate) const MAX_HANDSHAKE_LEN: usize = 64 * 1024;

/// A whole handshake message.
pub(crate) struct HandshakeMessage {
    pub(crate) message_type: HandshakeType,
    /// Header and body, as they enter the transcript.
    pub(crate) encoded: Vec<u8>,
}

impl HandshakeMessage {
    /// The body, without the four octets of the header.
    pub(crate) fn body(&self) -> &[u8] {
        self.encoded.get(4..).unwrap_or_default()
    }
}

/// Joins fragments. Gives its memory back when it is empty.
#[derive(Default)]
pub(crate) struct HandshakeJoiner {
    buffer: Vec<u8>,
}

impl HandshakeJoiner {
    /// Adds the payload of one handshake record; an empty one is refused (RFC 8446 §5.1).
    pub(crate) fn push(&mut self, payload: &[u8]) -> Result<(), Error> {
        let _ = payload;
        todo!()
    }

    /// The next whole message. A length beyond [`MAX_HANDSHAKE_LEN`] is refused as soon as the
    /// header is there.
    pub(crate) fn next(&mut self) -> Result<Option<HandshakeMessage>, InvalidMessage> {
        todo!()
    }

    /// Whether no fragment is waiting: required at every key change (RFC 8446 §5.1) and between
    /// records of other types.
    pub(crate) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }
}
