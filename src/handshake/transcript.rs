//! The transcript hash (RFC 8446 §4.4.1).

use crate::codepoints::HandshakeType;
use crate::crypto::hash::{Digest, HashAlgorithm, HashContext, digest};
use crate::wire::{Prefix, vector};

/// The running hash of all handshake messages.
pub(super) struct Transcript(HashContext);

impl Transcript {
    /// Of nothing so far.
    pub(super) fn new(hash: HashAlgorithm) -> Self {
        Self(HashContext::new(hash))
    }

    /// Of a handshake with HelloRetryRequest, which is still to be added.
    pub(super) fn with_retry(hash: HashAlgorithm, client_hello: &[u8]) -> Self {
        // RFC 8446 §4.4.1: ClientHello1 is replaced by message_hash(Hash(ClientHello1)), so that a
        // server can keep its state in the cookie.
        let first = digest(hash, client_hello);
        let mut transcript = Self::new(hash);
        transcript
            .add(&encode_message(HandshakeType::MESSAGE_HASH, |out| out.extend_from_slice(first.as_ref())));
        transcript
    }

    /// Adds a ClientHello, of which the last octets are its binders; the hash up to them.
    pub(super) fn add_hello(&mut self, encoded: &[u8], binders: usize) -> Digest {
        let (truncated, binders) = encoded.split_at(encoded.len().saturating_sub(binders));
        self.add(truncated);
        let hash = self.current();
        self.add(binders);
        hash
    }

    /// Adds a message with its header.
    pub(super) fn add(&mut self, encoded: &[u8]) {
        self.0.update(encoded);
    }

    /// The hash up to here.
    pub(super) fn current(&self) -> Digest {
        self.0.clone().finish()
    }

    /// The hash up to here and `more`, which is not added.
    pub(super) fn with(&self, more: &[u8]) -> Digest {
        let mut context = self.0.clone();
        context.update(more);
        context.finish()
    }
}

/// Header and body of a handshake message (RFC 8446 §4).
pub(super) fn encode_message(message_type: HandshakeType, body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(MESSAGE);
    append_message(message_type, body, &mut encoded);
    encoded
}

/// The same, behind what is in `out`.
pub(super) fn append_message(
    message_type: HandshakeType,
    body: impl FnOnce(&mut Vec<u8>),
    out: &mut Vec<u8>,
) {
    out.push(message_type.0);
    // Bodies that we make are far below 2^24: names, keys and certificates bound them.
    vector(Prefix::Three, out, body);
}

/// Room for most messages.
const MESSAGE: usize = 512;
