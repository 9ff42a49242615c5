//! Handshake messages out of record payloads: fragmented, coalesced, or both (RFC 8446 §5.1).

use zeroize::Zeroizing;

use crate::codepoints::HandshakeType;
use crate::error::{InvalidMessage, Malformed};

/// Octets in the body of the largest handshake message that we take: room for ten certificates of
/// usual size. RFC 8446 §4 allows 2^24-1.
const MAX_HANDSHAKE_LEN: usize = 64 * 1024;
/// Octets in a handshake header.
const HEADER_LEN: usize = 4;

/// A whole handshake message.
pub(crate) struct HandshakeMessage {
    pub(crate) message_type: HandshakeType,
    /// Header and body, as they enter the transcript.
    pub(crate) encoded: Vec<u8>,
}

impl HandshakeMessage {
    /// Whether nothing may stand behind it in its record (RFC 8446 §5.1): it precedes a change of keys, or
    /// its sender has to wait for our answer.
    pub(crate) fn ends_its_record(&self) -> bool {
        matches!(
            self.message_type,
            HandshakeType::CLIENT_HELLO
                | HandshakeType::SERVER_HELLO
                | HandshakeType::END_OF_EARLY_DATA
                | HandshakeType::FINISHED
                | HandshakeType::KEY_UPDATE
        )
    }

    /// The body, without the four octets of the header.
    pub(crate) fn body(&self) -> &[u8] {
        self.encoded.get(HEADER_LEN..).unwrap_or_default()
    }
}

/// Joins fragments. Gives its memory back when it is empty.
#[derive(Default)]
pub(crate) struct HandshakeJoiner {
    buffer: Zeroizing<Vec<u8>>,
    /// Octets at the front of `buffer` that were handed out already.
    taken: usize,
}

impl HandshakeJoiner {
    /// Adds the payload of one handshake record.
    pub(crate) fn push(&mut self, payload: &[u8]) {
        self.buffer.extend_from_slice(payload);
    }

    /// The next whole message. A length beyond [`MAX_HANDSHAKE_LEN`] is refused as soon as the
    /// header is there, so at most that and one record are ever held.
    pub(crate) fn next(&mut self) -> Result<Option<HandshakeMessage>, InvalidMessage> {
        let waiting = self.buffer.get(self.taken..).unwrap_or_default();
        let Some(&[message_type, high, middle, low]) = waiting.first_chunk() else { return Ok(None) };
        let message_type = HandshakeType(message_type);
        if message_type.name().is_none() || message_type == HandshakeType::MESSAGE_HASH {
            return Err(InvalidMessage { what: "handshake message", why: Malformed::UnknownType });
        }
        let what = message_type.name().unwrap_or("handshake message");
        let len = usize::try_from(u32::from_be_bytes([0, high, middle, low]))
            .ok()
            .filter(|len| *len <= MAX_HANDSHAKE_LEN)
            .ok_or(InvalidMessage { what, why: Malformed::TooLong })?;
        let total = HEADER_LEN.saturating_add(len);
        let Some(encoded) = waiting.get(..total) else { return Ok(None) };
        let message = HandshakeMessage { message_type, encoded: encoded.to_vec() };
        self.taken = self.taken.saturating_add(total);
        if self.taken == self.buffer.len() {
            *self = Self::default();
        }
        Ok(Some(message))
    }

    /// Whether nothing is waiting: required between records of other types, and behind a message that
    /// [ends its record](HandshakeMessage::ends_its_record).
    pub(crate) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = &[1, 0, 0, 3, 10, 11, 12, 20, 0, 0, 0, 8, 0, 0, 1, 13];

    fn collect(joiner: &mut HandshakeJoiner) -> Vec<(HandshakeType, Vec<u8>)> {
        let mut messages = Vec::new();
        while let Some(message) = joiner.next().unwrap() {
            messages.push((message.message_type, message.body().to_vec()));
        }
        messages
    }

    #[test]
    fn messages_come_out_whole_however_they_are_fragmented_and_coalesced() {
        for cut in 1..STREAM.len() {
            let mut joiner = HandshakeJoiner::default();
            let mut messages = Vec::new();
            for part in [&STREAM[..cut], &STREAM[cut..]] {
                joiner.push(part);
                messages.extend(collect(&mut joiner));
            }
            let bodies: Vec<_> = messages.iter().map(|(_, body)| body.as_slice()).collect();
            assert_eq!(bodies, [&[10, 11, 12][..], &[], &[13]], "cut at {cut}");
            assert!(joiner.is_empty() && joiner.buffer.capacity() == 0);
        }
    }

    #[test]
    fn a_message_beyond_the_limit_is_refused_with_its_header() {
        let mut joiner = HandshakeJoiner::default();
        joiner.push(&[11, 1, 0, 1]);
        assert_eq!(joiner.next().err().unwrap().why, Malformed::TooLong);
        let mut joiner = HandshakeJoiner::default();
        joiner.push(&[11, 1, 0, 0]);
        assert!(joiner.next().unwrap().is_none());
    }

    #[test]
    fn what_precedes_a_change_of_keys_or_an_answer_ends_its_record() {
        for (message_type, ends) in
            [(1, true), (2, true), (5, true), (20, true), (24, true), (8, false), (11, false)]
        {
            let mut joiner = HandshakeJoiner::default();
            joiner.push(&[message_type, 0, 0, 0]);
            assert_eq!(joiner.next().unwrap().unwrap().ends_its_record(), ends, "{message_type}");
        }
    }

    #[test]
    fn unknown_messages_are_refused() {
        for message_type in [0, 3, 254] {
            let mut joiner = HandshakeJoiner::default();
            joiner.push(&[message_type, 0, 0, 0]);
            assert_eq!(joiner.next().err().unwrap().why, Malformed::UnknownType);
        }
    }
}
