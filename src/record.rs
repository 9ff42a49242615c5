//! The record protocol (RFC 8446 §5): bytes to records, protection, handshake messages.

mod deframe;
mod fragment;
mod protect;

pub(crate) use deframe::{Deframer, KEPT_CAPACITY, Record};
pub(crate) use fragment::{HandshakeJoiner, HandshakeMessage};
pub(crate) use protect::{Opener, RecordShape, Sealer, write_plaintext_record};

/// Octets in a record header.
pub(crate) const HEADER_LEN: usize = 5;
/// Octets of content in a record (RFC 8446 §5.1).
pub(crate) const MAX_FRAGMENT_LEN: usize = 1 << 14;
/// Octets in a TLSInnerPlaintext: content, content type and padding (RFC 8446 §5.2).
pub(crate) const MAX_INNER_LEN: usize = MAX_FRAGMENT_LEN + 1;
/// Octets in the payload of a protected record (RFC 8446 §5.2).
pub(crate) const MAX_CIPHERTEXT_LEN: usize = MAX_FRAGMENT_LEN + 256;
