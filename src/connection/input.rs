//! What happens to bytes that arrive: records, then alerts, data and handshake messages.

use core::ops::Range;

use zeroize::Zeroize;

use super::{Connection, Machine};
use crate::codepoints::{AlertDescription, ContentType, HandshakeType};
use crate::error::{Error, InvalidMessage, Malformed, PeerMisbehaved, Result};
use crate::handshake::{ClientState, ServerState};
use crate::record::{HEADER_LEN, KEPT_CAPACITY, MAX_CIPHERTEXT_LEN, Record};
use crate::time::UnixTime;
use crate::trace::Direction;

/// Octets in the payload of a record whose data is moved behind that of the record before it: what moving
/// costs is little beside the AEAD's fixed costs, and a call for each record is saved.
const MAX_MOVED: usize = 1024;

const BEHIND_THE_END: PeerMisbehaved =
    PeerMisbehaved::UnexpectedRecord("octets behind a message that ends its record");

/// What [`Connection::feed_in_place`] did with a buffer.
#[derive(Debug)]
pub struct Fed<'a> {
    /// Octets that were taken from the front of the buffer.
    pub taken: usize,
    /// Data that was decrypted, where it lies in these octets; empty where there is none.
    pub plaintext: &'a mut [u8],
}

impl Connection {
    /// Octets in the longest record: a buffer that is lent to [`Connection::feed_in_place`] has to have room for
    /// as many (RFC 8446 §5.2).
    pub const MAX_RECORD_LEN: usize = HEADER_LEN + MAX_CIPHERTEXT_LEN;

    /// As [`Connection::feed`], in a buffer that the caller lends: records are decrypted where they lie, nothing
    /// is copied or allocated for them, and their data is handed out instead of waiting for [`Connection::read`].
    ///
    /// Whole records are taken, those of the handshake among them. The data of short ones is moved together; a
    /// long one with data before it is left for the next call. What is not taken stays with the caller: lend it
    /// again, and where nothing is taken of it, with what arrives next behind it. What was taken holds data, which
    /// is the caller's to wipe.
    ///
    /// Where [`Connection::feed`] has begun a record, that is completed and waits for [`Connection::read`]; until
    /// that has taken it nothing more is taken.
    ///
    /// ```
    /// # use otls::{Connection, Result, UnixTime};
    /// /// Handles what has arrived at the front of `buffer`, and returns how much of it is left for the next time.
    /// fn arrived(connection: &mut Connection, buffer: &mut [u8], len: usize, now: UnixTime) -> Result<usize> {
    ///     let mut start = 0;
    ///     loop {
    ///         let fed = connection.feed_in_place(&mut buffer[start..len], now)?;
    ///         if fed.taken == 0 {
    ///             break; // with NEED_CONFIG or NEED_CLIENT_CERT, or a record that is not complete
    ///         }
    ///         println!("{} octets of data", fed.plaintext.len());
    ///         start += fed.taken;
    ///     }
    ///     buffer.copy_within(start..len, 0);
    ///     Ok(len - start)
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`Connection::feed`]. Where data came before what is wrong, it is handed out, and the next call has the
    /// error.
    pub fn feed_in_place<'a>(&mut self, bytes: &'a mut [u8], now: UnixTime) -> Result<Fed<'a>> {
        self.check_alive()?;
        self.now = now;
        let (taken, data) = self.take_in_place(bytes).map_err(|error| self.fail(error))?;
        Ok(Fed { taken, plaintext: bytes.get_mut(data).unwrap_or_default() })
    }

    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut taken = 0;
        while self.takes_more() {
            let rest = bytes.get(taken..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            taken = taken.saturating_add(self.deframer.feed(rest, self.may_be_protected())?);
            self.collected()?;
        }
        if self.peer_closed {
            // RFC 8446 §6.1: data after a closure alert is ignored.
            taken = bytes.len();
        }
        Ok(taken)
    }

    /// As [`Connection::take`], for records that are opened where they are. The number of octets that were taken,
    /// and where the data of these records is.
    fn take_in_place(&mut self, bytes: &mut [u8]) -> Result<(usize, Range<usize>)> {
        let (mut taken, mut data) = (0_usize, 0..0);
        while self.takes_more() {
            let rest = bytes.get_mut(taken..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            if !self.deframer.is_empty() {
                // What `feed` began ends as it would there.
                taken = taken.saturating_add(self.deframer.feed(rest, self.may_be_protected())?);
                self.collected()?;
                continue;
            }
            let (len, found) = match self.at_front(rest, data.is_empty()) {
                Ok(Some(taken)) => taken,
                Ok(None) => break,
                Err(error) if data.is_empty() => return Err(error),
                Err(error) => {
                    // The data before it is good. The next call has the error.
                    self.fail(error);
                    break;
                }
            };
            let start = taken.saturating_add(HEADER_LEN);
            let content = start..start.saturating_add(found);
            taken = taken.saturating_add(len);
            if data.is_empty() {
                data = content;
            } else {
                bytes.copy_within(content, data.end);
                data.end = data.end.saturating_add(found);
            }
        }
        Ok((if self.peer_closed { bytes.len() } else { taken }, data))
    }

    /// Handles the record at the front of `bytes`, where it is whole: its length and that of its data. A long one
    /// is left alone where it `may_be_long` not. Nothing is left of one that is refused.
    fn at_front(&mut self, bytes: &mut [u8], may_be_long: bool) -> Result<Option<(usize, usize)>> {
        let Some(record) = Record::at_front(bytes, self.may_be_protected())? else { return Ok(None) };
        let len = record.payload.len();
        if len > MAX_MOVED && !may_be_long {
            return Ok(None);
        }
        let total = HEADER_LEN.saturating_add(len);
        match self.handle(record) {
            Ok(Some(data)) => return Ok(Some((total, data))),
            Ok(None) => {}
            Err(error) => {
                bytes.get_mut(..total).unwrap_or_default().zeroize();
                return Err(error);
            }
        }
        self.drain()?;
        Ok(Some((total, 0)))
    }

    fn takes_more(&self) -> bool {
        !self.peer_closed && self.wants_input()
    }

    fn may_be_protected(&self) -> bool {
        self.opener.is_some() || self.facts.skip_early_data > 0
    }

    /// Whether bytes can be taken now; a paused handshake and undelivered plaintext forbid it.
    pub(super) fn wants_input(&self) -> bool {
        !self.is_paused() && self.plaintext.is_empty()
    }

    /// Handles the messages that are complete, and seals what they had us say.
    pub(super) fn drain(&mut self) -> Result<()> {
        while !self.is_paused() {
            let Some(message) = self.joiner.next()? else { break };
            self.out.tell(|trace| trace.message(Direction::Received, &message.encoded));
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
        }
        self.out.flush()
    }

    fn is_paused(&self) -> bool {
        matches!(
            self.machine,
            Machine::Client(ClientState::Identity(_)) | Machine::Server(ServerState::Config(_))
        )
    }

    /// Handles the record in `deframer`, once it is complete.
    fn collected(&mut self) -> Result<()> {
        // Dropped on an error, which wipes it.
        let mut deframer = core::mem::take(&mut self.deframer);
        let Some(record) = deframer.record() else {
            self.deframer = deframer;
            return Ok(());
        };
        if let Some(len) = self.handle(record)? {
            self.plaintext = 0..len;
            self.deframer = deframer;
            return Ok(());
        }
        deframer.clear();
        // A buffer comes with the first data: until then a connection may have none to come.
        let is_quiet = self.is_established() && !self.facts.has_data;
        deframer.release(if is_quiet { 0 } else { KEPT_CAPACITY });
        self.deframer = deframer;
        self.drain()
    }

    /// Handles one record: where it is application data, the number of octets at the front of the payload. Of
    /// others nothing that is secret is left there.
    fn handle(&mut self, record: Record<'_>) -> Result<Option<usize>> {
        if self.is_traced() { self.handle_traced(record) } else { self.handle_record(record) }
    }

    /// The same, told.
    #[cold]
    fn handle_traced(&mut self, record: Record<'_>) -> Result<Option<usize>> {
        let Record { content_type, header, payload } = record;
        self.out.tell(|trace| trace.record(Direction::Received, &[&header[..], payload].concat()));
        let handled = self.handle_record(Record { content_type, header, payload: &mut *payload });
        if let Ok(Some(len)) = handled {
            let data = payload.get(..len).unwrap_or_default();
            self.out.tell(|trace| trace.data(Direction::Received, data));
        }
        handled
    }

    fn handle_record(&mut self, record: Record<'_>) -> Result<Option<usize>> {
        let established = self.is_established();
        let awaits_first_hello = self.awaits_first_hello();
        let max_inner_len = self.facts.max_inner_len();
        let len = record.payload.len();
        let may_be_early = record.content_type == ContentType::APPLICATION_DATA
            && (1..=self.facts.skip_early_data).contains(&len.max(1));
        let (content_type, content) = match &mut self.opener {
            Some(opener) if record.content_type == ContentType::APPLICATION_DATA => {
                let opened = opener.open(&record.header, record.payload, max_inner_len);
                // RFC 8446 §4.2.10: early data that we did not accept is of keys that we do not have.
                if may_be_early && matches!(opened, Err(Error::DecryptFailed)) {
                    return self.skip_early_data(len).map(|()| None);
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
            None if may_be_early => return self.skip_early_data(len).map(|()| None),
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
                self.facts.has_data = true;
                return Ok(Some(content.len()));
            }
            // RFC 8446 §5.4: only application data may be empty.
            _ if content.is_empty() => return Err(PeerMisbehaved::UnexpectedRecord("empty").into()),
            ContentType::HANDSHAKE => {
                self.joiner.push(content);
                content.zeroize();
            }
            ContentType::ALERT => {
                self.out.tell(|trace| trace.alert(Direction::Received, content));
                self.peer_closed = closes(content)?;
                if !self.peer_closed {
                    self.facts.idle.count()?;
                }
            }
            // RFC 8446 §5: dropped between the first ClientHello and the peer's Finished.
            ContentType::CHANGE_CIPHER_SPEC if *content == [1] && !established && !awaits_first_hello => {
                self.facts.idle.count()?;
                self.out.tell(|trace| trace.change_cipher_spec(Direction::Received));
            }
            ContentType::CHANGE_CIPHER_SPEC => {
                return Err(PeerMisbehaved::UnexpectedRecord("change_cipher_spec").into());
            }
            _ => return Err(PeerMisbehaved::UnexpectedRecord("of an unknown type").into()),
        }
        Ok(None)
    }

    fn skip_early_data(&mut self, len: usize) -> Result<()> {
        self.facts.idle.count()?;
        self.facts.skip_early_data = self.facts.skip_early_data.saturating_sub(len.max(1));
        Ok(())
    }

    fn awaits_first_hello(&self) -> bool {
        self.facts.said.is_none() && matches!(self.machine, Machine::Server(ServerState::ClientHello(_)))
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
