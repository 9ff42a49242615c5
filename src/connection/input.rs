//! What happens to bytes that arrive: records, then alerts, data and handshake messages.

use zeroize::Zeroize;

use super::{Connection, Machine};
use crate::codepoints::{AlertDescription, ContentType, HandshakeType};
use crate::error::{Error, InvalidMessage, Malformed, PeerMisbehaved, Result};
use crate::handshake::{ClientState, ServerState};

const BEHIND_THE_END: PeerMisbehaved =
    PeerMisbehaved::UnexpectedRecord("octets behind a message that ends its record");

impl Connection {
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut taken = 0;
        while !self.peer_closed && self.wants_input() {
            let rest = bytes.get(taken..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let protected = self.opener.is_some() || self.facts.skip_early_data > 0;
            taken = taken.saturating_add(self.deframer.feed(rest, protected)?);
            self.record()?;
        }
        if self.peer_closed {
            // RFC 8446 §6.1: data after a closure alert is ignored.
            taken = bytes.len();
        }
        Ok(taken)
    }

    /// Whether bytes can be taken now; a paused handshake and undelivered plaintext forbid it.
    pub(super) fn wants_input(&self) -> bool {
        !self.is_paused() && self.plaintext.is_none()
    }

    /// Handles the messages that are complete, and seals what they had us say.
    pub(super) fn drain(&mut self) -> Result<()> {
        self.change_read_key();
        while !self.is_paused() {
            let Some(message) = self.joiner.next()? else { break };
            let misaligned = message.ends_its_record() && !self.joiner.is_empty();
            // A server of an older version may send its whole flight in one record, and is better told that
            // its version is wrong.
            if misaligned && message.message_type != HandshakeType::SERVER_HELLO {
                return Err(BEHIND_THE_END.into());
            }
            self.step(|machine, cx| match machine {
                Machine::Client(state) => Ok(Machine::Client(state.handle(&message, cx)?)),
                Machine::Server(state) => Ok(Machine::Server(state.handle(&message, cx)?)),
                Machine::Gone => Err(Error::Internal("a message without a state")),
            })?;
            if misaligned {
                return Err(BEHIND_THE_END.into());
            }
            self.change_read_key();
        }
        self.out.flush()
    }

    fn is_paused(&self) -> bool {
        matches!(
            self.machine,
            Machine::Client(ClientState::Identity(_)) | Machine::Server(ServerState::Config(_))
        )
    }

    fn change_read_key(&mut self) {
        if let Some(opener) = self.out.take_opener() {
            self.opener = Some(opener);
        }
    }

    /// Handles the record, once it is complete.
    fn record(&mut self) -> Result<()> {
        let established = self.is_established();
        let awaits_first_hello = self.awaits_first_hello();
        let max_inner_len = self.facts.max_inner_len();
        let Some(record) = self.deframer.record() else { return Ok(()) };
        let len = record.payload.len();
        let may_be_early = record.content_type == ContentType::APPLICATION_DATA
            && (1..=self.facts.skip_early_data).contains(&len.max(1));
        let (content_type, content) = match &mut self.opener {
            Some(opener) if record.content_type == ContentType::APPLICATION_DATA => {
                let opened = opener.open(&record.header, record.payload, max_inner_len);
                // RFC 8446 §4.2.10: early data that we did not accept is of keys that we do not have.
                if may_be_early && matches!(opened, Err(Error::DecryptFailed)) {
                    return self.skip_early_data(len);
                }
                let (content_type, content) = opened?;
                self.opened_any = true;
                self.facts.skip_early_data = 0;
                if content_type == ContentType::CHANGE_CIPHER_SPEC {
                    // RFC 8446 §5: a protected one is never right.
                    return Err(PeerMisbehaved::UnexpectedRecord("protected change_cipher_spec").into());
                }
                (content_type, content)
            }
            // A client that cannot read our ServerHello has no keys to protect its alert with.
            Some(_) if record.content_type == ContentType::ALERT && !self.opened_any => {
                (record.content_type, record.payload)
            }
            Some(_) if record.content_type != ContentType::CHANGE_CIPHER_SPEC => {
                return Err(PeerMisbehaved::UnexpectedRecord("unprotected after the keys were agreed").into());
            }
            // RFC 8446 §4.2.10: after a HelloRetryRequest it is told apart by its type alone.
            None if may_be_early => return self.skip_early_data(len),
            Some(_) | None => (record.content_type, record.payload),
        };
        // RFC 8446 §5.1: fragments of a handshake message follow each other.
        if content_type != ContentType::HANDSHAKE && !self.joiner.is_empty() {
            return Err(PeerMisbehaved::UnexpectedRecord("between fragments of a handshake message").into());
        }
        match content_type {
            ContentType::APPLICATION_DATA if !established => {
                return Err(PeerMisbehaved::UnexpectedRecord("data before the handshake is done").into());
            }
            ContentType::APPLICATION_DATA if content.is_empty() => self.facts.idle.count()?,
            ContentType::APPLICATION_DATA => {
                self.facts.idle.end();
                self.plaintext = Some((0, content.len()));
                return Ok(());
            }
            // RFC 8446 §5.4: only application data may be empty.
            _ if content.is_empty() => return Err(PeerMisbehaved::UnexpectedRecord("empty").into()),
            ContentType::HANDSHAKE => {
                self.joiner.push(content);
                content.zeroize();
            }
            ContentType::ALERT => {
                self.peer_closed = closes(content)?;
                if !self.peer_closed {
                    self.facts.idle.count()?;
                }
            }
            // RFC 8446 §5: dropped between the first ClientHello and the peer's Finished.
            ContentType::CHANGE_CIPHER_SPEC if *content == [1] && !established && !awaits_first_hello => {
                self.facts.idle.count()?;
            }
            ContentType::CHANGE_CIPHER_SPEC => {
                return Err(PeerMisbehaved::UnexpectedRecord("change_cipher_spec").into());
            }
            _ => return Err(PeerMisbehaved::UnexpectedRecord("of an unknown type").into()),
        }
        self.deframer.clear();
        self.deframer.release();
        self.drain()
    }

    fn skip_early_data(&mut self, len: usize) -> Result<()> {
        self.facts.idle.count()?;
        self.facts.skip_early_data = self.facts.skip_early_data.saturating_sub(len.max(1));
        self.deframer.clear();
        self.deframer.release();
        Ok(())
    }

    fn awaits_first_hello(&self) -> bool {
        self.facts.offer.is_none() && matches!(self.machine, Machine::Server(ServerState::ClientHello(_)))
    }
}

/// Judges an alert: true for close_notify, false for one that says nothing yet.
fn closes(content: &[u8]) -> Result<bool> {
    // RFC 8446 §6: the level is ignored, the description decides.
    let &[_, description] = content else {
        return Err(InvalidMessage { what: "alert", why: Malformed::Truncated }.into());
    };
    match AlertDescription(description) {
        AlertDescription::CLOSE_NOTIFY => Ok(true),
        // RFC 8446 §6.1: a close_notify follows.
        AlertDescription::USER_CANCELED => Ok(false),
        other => Err(Error::AlertReceived(other)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use crate::codepoints::AlertDescription;
    use crate::common::{NOW, World, deliver, transfer};
    use crate::pki::KeyType;
    use crate::{Connection, State};

    #[test]
    fn a_paused_connection_takes_nothing() {
        let world = World::new(KeyType::EcdsaP256);
        let hello = world.pair().client.pending().to_vec();
        let mut server = Connection::accept();
        assert_eq!(server.feed(&[&hello[..], b"later"].concat(), NOW), Ok(hello.len()));
        assert_eq!(server.state(), State::NEED_CONFIG);
        assert_eq!(server.feed(b"later", NOW), Ok(0));
        server.configure(Arc::new(world.server_config()), NOW).unwrap();
        assert!(server.state().contains(State::WANT_READ));
    }

    #[test]
    fn a_record_that_nobody_has_protected_is_not_as_long_as_one_that_is() {
        let mut server = World::new(KeyType::EcdsaP256).pair().server;
        // 2^14 and 1 octets, of which the header says so.
        let error = server.feed(&[23, 3, 3, 0x40, 1], NOW).unwrap_err();
        assert_eq!(error.alert(), Some(AlertDescription::RECORD_OVERFLOW));
    }

    #[test]
    fn a_peer_has_closed_with_its_close_notify() {
        let mut pair = World::new(KeyType::EcdsaP256).pair().established();
        pair.client.close();
        assert!(!pair.client.peer_has_closed() && !pair.server.peer_has_closed());
        // Its direction alone is closed.
        assert_eq!(deliver(&mut pair.server, &mut pair.client, b"last"), b"last");
        transfer(&mut pair.client, &mut pair.server).unwrap();
        assert!(pair.server.peer_has_closed());
    }
}
