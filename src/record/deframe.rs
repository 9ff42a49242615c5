//! A byte stream cut into records (RFC 8446 §5.1), at most one held at a time.

use crate::codepoints::ContentType;
use crate::error::InvalidMessage;

/// Collects one record. Gives its memory back when it is empty.
#[derive(Default)]
pub(crate) struct Deframer {
    buffer: Vec<u8>,
}

/// A whole record; `payload` is decrypted in place.
pub(crate) struct Record<'a> {
    pub(crate) content_type: ContentType,
    /// The header, which is the associated data of a protected record.
    pub(crate) header: [u8; super::HEADER_LEN],
    pub(crate) payload: &'a mut [u8],
}

impl Deframer {
    /// Takes from the front of `input` what the current record still needs, and returns the number
    /// of octets taken. The header is checked as soon as it is complete, so that a length beyond
    /// `max_len` (MAX_FRAGMENT_LEN before protection, MAX_CIPHERTEXT_LEN after) is refused before
    /// anything is allocated for it.
    pub(crate) fn feed(&mut self, input: &[u8], max_len: usize) -> Result<usize, InvalidMessage> {
        let _ = (input, max_len);
        todo!()
    }

    /// The record, once it is complete.
    pub(crate) fn record(&mut self) -> Option<Record<'_>> {
        todo!()
    }

    /// Forgets the record that was just handled.
    pub(crate) fn clear(&mut self) {
        todo!()
    }

    /// Gives the memory back; call it when the connection becomes idle.
    pub(crate) fn release(&mut self) {
        todo!()
    }

    /// Whether nothing of a record has arrived (the transport may end here).
    pub(crate) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }
}
