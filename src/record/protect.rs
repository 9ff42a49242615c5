//! Record protection (RFC 8446 §5.2): the only place that knows nonces and sequence numbers.

use crate::codepoints::{ContentType, ProtocolVersion};
use crate::crypto::aead::AeadKey;
use crate::error::Result;

/// Protects records in one direction. The sequence number never wraps: sealing stops before.
pub(crate) struct Sealer {
    key: AeadKey,
    iv: [u8; 12],
    sequence: u64,
}

impl Sealer {
    /// From a traffic key and its write_iv.
    pub(crate) fn new(key: AeadKey, iv: [u8; 12]) -> Self {
        Self { key, iv, sequence: 0 }
    }

    /// Appends to `out` the records that carry `content`, cut into fragments of at most
    /// MAX_FRAGMENT_LEN; an empty `content` makes one record only if it is application data.
    pub(crate) fn seal(
        &mut self,
        content_type: ContentType,
        content: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let _ = (content_type, content, out);
        todo!()
    }

    /// Whether the AEAD's limit is near (RFC 8446 §5.5): update the key now.
    pub(crate) fn needs_update(&self) -> bool {
        todo!()
    }
}

/// Opens records in one direction.
pub(crate) struct Opener {
    key: AeadKey,
    iv: [u8; 12],
    sequence: u64,
}

impl Opener {
    /// From a traffic key and its write_iv.
    pub(crate) fn new(key: AeadKey, iv: [u8; 12]) -> Self {
        Self { key, iv, sequence: 0 }
    }

    /// Opens `payload` in place; returns the inner content type and the content, padding removed
    /// (RFC 8446 §5.4: all zeros is unexpected_message; content beyond 2^14 octets is record_overflow).
    pub(crate) fn open<'a>(
        &mut self,
        header: &[u8; super::HEADER_LEN],
        payload: &'a mut [u8],
    ) -> Result<(ContentType, &'a mut [u8])> {
        let _ = (header, payload);
        todo!()
    }
}

/// Appends unprotected records that carry `content` with this legacy_record_version.
pub(crate) fn write_plaintext_record(
    content_type: ContentType,
    version: ProtocolVersion,
    content: &[u8],
    out: &mut Vec<u8>,
) {
    let _ = (content_type, version, content, out);
    todo!()
}
