//! The transcript hash (RFC 8446 §4.4.1).

use crate::codepoints::HandshakeType;
use crate::crypto::hash::{Digest, HashAlgorithm, HashContext, digest};

/// The first ClientHello, before the suite says which hash to use.
pub(super) struct HelloTranscript(Vec<u8>);

impl HelloTranscript {
    pub(super) fn new(client_hello: &[u8]) -> Self {
        Self(client_hello.to_vec())
    }

    /// A handshake without HelloRetryRequest.
    pub(super) fn start(self, hash: HashAlgorithm) -> Transcript {
        let mut transcript = Transcript(HashContext::new(hash));
        transcript.add(&self.0);
        transcript
    }

    /// A handshake with HelloRetryRequest, which is still to be added.
    pub(super) fn start_with_retry(self, hash: HashAlgorithm) -> Transcript {
        // RFC 8446 §4.4.1: ClientHello1 is replaced by message_hash(Hash(ClientHello1)), so that a
        // server can keep its state in the cookie.
        let first = digest(hash, &self.0);
        let mut transcript = Transcript(HashContext::new(hash));
        transcript.add(&encode_message(HandshakeType::MESSAGE_HASH, first.as_ref()));
        transcript
    }
}

/// The running hash of all handshake messages.
pub(super) struct Transcript(HashContext);

impl Transcript {
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
pub(super) fn encode_message(message_type: HandshakeType, body: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(4 + body.len());
    encoded.push(message_type.0);
    // Bodies that we make are far below 2^24: names, keys and certificates bound them.
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    encoded.extend(length.iter().skip(1));
    encoded.extend_from_slice(body);
    encoded
}
