//! What the drivers have in common, without a socket: what arrived and was not taken, when to feed and when to
//! send, what is told to a peer and heard of it at the end.

use std::io;
use std::task::{Poll, ready};
use std::time::Instant;

use zeroize::Zeroize;

use super::clock::Clock;
use super::failure::{aborted, closed, cut_short};
use super::paused::is_paused;
use super::timeouts::{Blocked, Op, Timeout, Timeouts, Waits};
use super::told::Listener;
use crate::connection::{Connection, Fed, State};
use crate::error::Error;
use crate::trace::TraceLevel;

/// Octets that are received at first: a record and its header.
const RECORD_LEN: usize = 17 * 1024;
/// Octets that are received at once while more come than fit: the bound of what is held and not fed.
const READ_LEN: usize = 64 * 1024;
/// Octets that are sealed at once. In the smallest records that a peer may ask for (RFC 8449: 64 octets) they
/// become less than 256 KiB.
const SEAL_LEN: usize = 128 * 1024;
/// By how many octets a record is longer than its data, at least: header, content type and tag (RFC 8446 §5.2).
const RECORD_OVERHEAD: usize = 5 + 1 + 16;
/// Octets of a peer that are thrown away while its end is awaited.
const MAX_DRAINED: usize = 4 * 1024 * 1024;

/// A socket that never waits: `Pending` says that it would have to.
pub(super) trait Wire {
    fn receive(&mut self, room: &mut [u8]) -> Poll<io::Result<usize>>;
    fn send(&mut self, bytes: &[u8]) -> Poll<io::Result<usize>>;
    /// Ends our direction.
    fn end(&mut self) -> Poll<io::Result<()>>;
}

/// Who has ended the stream, from this or another thread.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum End {
    Closed,
    Aborted,
}

/// A connection between calls.
pub(super) struct Engine {
    connection: Connection,
    clock: Clock,
    /// What arrived and the connection has not taken yet, from `taken` on.
    arrived: Vec<u8>,
    taken: usize,
    room: usize,
    /// The transport has ended, or failed, in the direction in which we read.
    ended: bool,
    /// Sending has failed: nothing is tried any more where nobody asked for it.
    unsendable: bool,
    /// close_notify is sent, and our direction of the socket ended.
    shut: bool,
    end: Option<End>,
    /// A write or flush of somebody waits for the socket.
    writing: bool,
    /// A write was not done when it was last tried: given up, it leaves a gap.
    gap: bool,
    drained: usize,
    /// Whether the end of the peer can be awaited for a limited time.
    lingers: bool,
    waits: Waits,
    blocked: Blocked,
    listener: Option<Listener>,
}

impl Engine {
    pub(super) fn new(connection: Connection, lingers: bool, now: Instant) -> Self {
        Self {
            connection,
            clock: Clock::default(),
            arrived: Vec::new(),
            taken: 0,
            room: RECORD_LEN,
            ended: false,
            unsendable: false,
            shut: false,
            end: None,
            writing: false,
            gap: false,
            drained: 0,
            lingers,
            waits: Waits::new(now),
            blocked: Blocked::default(),
            listener: None,
        }
    }

    pub(super) fn set_trace(&mut self, level: TraceLevel, tell: impl Fn(&[u8]) + Send + Sync + 'static) {
        self.listener = Some(Listener::start(&mut self.connection, level, tell));
    }

    fn tell(&mut self) {
        self.listener.iter().for_each(|listener| listener.tell(&mut self.connection));
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    pub(super) fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    pub(super) fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.waits.set(timeouts);
    }

    /// Which directions of the socket the last call found not ready.
    pub(super) fn blocked(&self) -> Blocked {
        self.blocked
    }

    /// Our direction is ended as it should be, or the whole stream.
    pub(super) fn is_shut(&self) -> bool {
        self.shut || self.end.is_some()
    }

    /// Ends the stream for everybody; false where it is ended already. Where a write was given up, or is cut
    /// short by this from `elsewhere`, close_notify would say that all was sent: the end is an abort.
    pub(super) fn end(&mut self, end: End, elsewhere: bool) -> bool {
        if self.end.is_some() {
            return false;
        }
        let cut = (self.gap || (elsewhere && self.writing)) && !self.shut;
        self.end = Some(if cut { End::Aborted } else { end });
        true
    }

    pub(super) fn is_aborted(&self) -> bool {
        self.end == Some(End::Aborted)
    }

    /// Starts the time of a call, where it does not run yet.
    pub(super) fn begin(&mut self, op: Op, now: Instant) -> io::Result<()> {
        self.blocked = Blocked::default();
        Listener::stamp(&mut self.connection);
        self.waits.begin(op, now).map_err(|timeout| self.timed_out(op, timeout))
    }

    /// The call is done, or given up.
    pub(super) fn finish(&mut self, op: Op, now: Instant) {
        self.tell();
        self.waits.finish(op, now);
    }

    /// Until when the call may wait; none is for ever.
    ///
    /// # Errors
    /// Its time is over.
    pub(super) fn wait_until(&mut self, op: Op, now: Instant) -> io::Result<Option<Instant>> {
        if self.is_failing() || (op == Op::Close && self.shut) {
            return Ok(Some(self.waits.linger(now)));
        }
        self.waits
            .until(op, now, self.connection.pending().len())
            .map_err(|timeout| self.timed_out(op, timeout))
    }

    fn timed_out(&mut self, op: Op, timeout: Timeout) -> io::Error {
        self.waits.over(op, &timeout);
        timeout.into()
    }

    /// Carries octets until all of `wanted` holds, or the handshake pauses.
    pub(super) fn poll_handshake(&mut self, wire: &mut impl Wire, wanted: State) -> Poll<io::Result<State>> {
        self.check_open()?;
        loop {
            ready!(self.poll_farewell(wire))?;
            let flushed = self.poll_send(wire)?;
            let state = self.connection.state();
            if state.contains(wanted) || is_paused(state) {
                ready!(flushed);
                return Poll::Ready(Ok(state));
            }
            if state.contains(State::HAVE_PLAINTEXT) {
                return Poll::Ready(Err(io::Error::other("data came before it was due: read it first")));
            }
            if self.connection.peer_has_closed() {
                return Poll::Ready(Err(Error::Truncated.into()));
            }
            if !self.feed() && self.connection.error().is_none() {
                ready!(self.poll_receive(wire))?;
            }
        }
    }

    /// Receives until there is decrypted data; false is the peer's close_notify.
    pub(super) fn poll_readable(&mut self, wire: &mut impl Wire) -> Poll<io::Result<bool>> {
        self.poll_data(wire, &mut []).map_ok(|data| data.is_some())
    }

    /// Receives until there is decrypted data, and moves what fits to the front of `out`; none is the peer's
    /// close_notify.
    fn poll_data(&mut self, wire: &mut impl Wire, out: &mut [u8]) -> Poll<io::Result<Option<usize>>> {
        self.check_open()?;
        self.check_established()?;
        loop {
            ready!(self.poll_farewell(wire))?;
            if !self.unsendable && !self.waits.is_broken() {
                // What reading makes us say. Nobody waits for it here, and who writes next finds an error.
                let _ = self.poll_send(wire);
            }
            if self.connection.available() > 0 {
                return Poll::Ready(Ok(Some(self.connection.read(out))));
            }
            if self.connection.peer_has_closed() {
                return Poll::Ready(Ok(None));
            }
            let (fed, len) = self.feed_into(out);
            if len > 0 {
                return Poll::Ready(Ok(Some(len)));
            }
            if !fed && self.connection.error().is_none() {
                ready!(self.poll_receive(wire))?;
            }
        }
    }

    /// Moves decrypted data to the front of `out`; 0 is the peer's close_notify.
    pub(super) fn poll_read(&mut self, wire: &mut impl Wire, out: &mut [u8]) -> Poll<io::Result<usize>> {
        if out.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut len = ready!(self.poll_data(wire, out))?.unwrap_or_default();
        while len > 0 && len < out.len() {
            let (fed, opened) = self.feed_into(out.get_mut(len..).unwrap_or_default());
            len = len.saturating_add(opened);
            len = len.saturating_add(self.connection.read(out.get_mut(len..).unwrap_or_default()));
            // An error behind the data is for the next call.
            if !fed {
                break;
            }
        }
        Poll::Ready(Ok(len))
    }

    /// Seals the front of `data`, once nothing else waits to be sent, and sends what goes.
    pub(super) fn poll_write(&mut self, wire: &mut impl Wire, data: &[u8]) -> Poll<io::Result<usize>> {
        self.gap = true;
        ready!(self.poll_flush(wire))?;
        let part = data.get(..SEAL_LEN).unwrap_or(data);
        if !part.is_empty() {
            self.connection.seal(part).map_err(io::Error::from)?;
        }
        self.gap = false;
        self.waits.begin_piece();
        match self.poll_flush(wire) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(part.len())),
        }
    }

    /// Sends all that waits to be sent.
    pub(super) fn poll_flush(&mut self, wire: &mut impl Wire) -> Poll<io::Result<()>> {
        self.writing = false;
        self.check_open()?;
        self.waits.check_broken()?;
        let sent = self.poll_send(wire)?;
        // A connection that has failed is not waited for longer than its alert.
        self.writing = sent.is_pending() && !self.waits.lingered();
        if self.writing {
            return Poll::Pending;
        }
        Poll::Ready(self.connection.error().cloned().map_or(Ok(()), |error| Err(error.into())))
    }

    /// Says close_notify and ends our direction; the peer may still send.
    pub(super) fn poll_close_write(&mut self, wire: &mut impl Wire) -> Poll<io::Result<()>> {
        self.check_open()?;
        self.poll_shut(wire)
    }

    /// Says close_notify, and waits for the peer's end.
    pub(super) fn poll_close(&mut self, wire: &mut impl Wire) -> Poll<io::Result<()>> {
        if self.is_aborted() {
            return Poll::Ready(Err(cut_short()));
        }
        ready!(self.poll_farewell(wire))?;
        ready!(self.poll_shut(wire))?;
        self.poll_drain(wire).map(Ok)
    }

    /// Ready once the transport has ended, which is found out without losing what came before.
    pub(super) fn poll_gone(&mut self, wire: &mut impl Wire) -> Poll<()> {
        while !self.ended && self.connection.error().is_none() {
            if self.feed() {
                continue;
            }
            if self.taken < self.arrived.len() {
                // The room is full: what came has to be read first.
                return Poll::Pending;
            }
            if ready!(self.poll_receive(wire)).is_err() {
                break;
            }
        }
        Poll::Ready(())
    }

    /// Octets that can be read without the socket; 1 where it is the end or an error that can be.
    pub(super) fn readable(&mut self) -> usize {
        while self.connection.available() == 0 && self.feed() {}
        let over = self.ended || self.connection.peer_has_closed() || self.connection.error().is_some();
        self.connection.available().max(usize::from(over))
    }

    fn check_open(&self) -> io::Result<()> {
        self.waits.check_over()?;
        match self.end {
            None => Ok(()),
            Some(End::Closed) => Err(closed()),
            Some(End::Aborted) => Err(aborted()),
        }
    }

    fn check_established(&self) -> io::Result<()> {
        let established = self.connection.state().contains(State::HANDSHAKE_DONE);
        if established || self.connection.error().is_some() {
            return Ok(());
        }
        Err(Error::misuse("reading before the handshake is done", "call handshake first").into())
    }

    /// Feeds what has arrived; whether anything was taken. An error stays with the connection.
    fn feed(&mut self) -> bool {
        self.feed_into(&mut []).0
    }

    /// Feeds what has arrived: whether anything was taken, and how many octets of data are at the front of `out`
    /// now. What would not fit waits in the connection.
    fn feed_into(&mut self, out: &mut [u8]) -> (bool, usize) {
        let rest = self.arrived.get_mut(self.taken..).unwrap_or_default();
        if rest.is_empty() || self.connection.error().is_some() {
            return (false, 0);
        }
        // Certificates are judged as of now, however long it took to come here.
        let now = self.clock.now();
        Listener::stamp(&mut self.connection);
        let (mut fed, mut len) = (0, 0);
        if !out.is_empty() {
            // No more data than fits is in so many octets.
            let most = rest.len().min(out.len().saturating_add(RECORD_OVERHEAD));
            let lent = rest.get_mut(..most).unwrap_or_default();
            if let Ok(Fed { taken, plaintext }) = self.connection.feed_in_place(lent, now) {
                (fed, len) = (taken, plaintext.len());
                if let Some(out) = out.get_mut(..len) {
                    out.copy_from_slice(plaintext);
                }
                lent.get_mut(..taken).unwrap_or_default().zeroize();
            }
        }
        if fed == 0 {
            // The connection keeps the beginning of a record, so that no buffer is held for it.
            fed = self.connection.feed(rest, now).unwrap_or(0);
        }
        self.taken = self.taken.saturating_add(fed);
        if self.taken == self.arrived.len() {
            // An idle connection holds no buffer.
            self.arrived = Vec::new();
            self.taken = 0;
        }
        (fed > 0, len)
    }

    /// Receives once. Where nothing more comes, and all that came is taken, the connection is told.
    fn poll_receive(&mut self, wire: &mut impl Wire) -> Poll<io::Result<()>> {
        if self.ended {
            // An error is kept by the connection.
            let _ = self.connection.feed_end();
            return Poll::Ready(Ok(()));
        }
        let mut arrived = vec![0; self.room];
        let received = wire.receive(&mut arrived);
        self.blocked.receive |= received.is_pending();
        match ready!(received) {
            Ok(0) => self.ended = true,
            Ok(len) => {
                self.waits.came(len);
                self.room = if len < arrived.len() { RECORD_LEN } else { READ_LEN };
                arrived.truncate(len);
                (self.arrived, self.taken) = (arrived, 0);
            }
            Err(error) => return Poll::Ready(Err(error)),
        }
        Poll::Ready(Ok(()))
    }

    /// Sends all that is pending, whatever became of the connection. The outer result is an error, the
    /// inner poll says whether all went.
    fn poll_send(&mut self, wire: &mut impl Wire) -> io::Result<Poll<()>> {
        self.tell();
        while !self.connection.pending().is_empty() {
            match wire.send(self.connection.pending()) {
                Poll::Pending => {
                    self.blocked.send = true;
                    return Ok(Poll::Pending);
                }
                Poll::Ready(Ok(len)) if len > 0 => {
                    self.connection.consume(len);
                    self.waits.went(len);
                }
                Poll::Ready(sent) => {
                    self.unsendable = true;
                    let error = sent.err().unwrap_or_else(|| io::ErrorKind::WriteZero.into());
                    self.last_words(wire);
                    return Err(self.connection.error().cloned().map_or(error, Into::into));
                }
            }
        }
        self.waits.end_piece();
        Ok(Poll::Ready(()))
    }

    /// The alert of a peer that is gone, which says more than a broken pipe. All that it said is there: what
    /// made sending fail came behind it.
    fn last_words(&mut self, wire: &mut impl Wire) {
        while !self.ended && self.connection.error().is_none() {
            if self.feed() {
                continue;
            }
            let full = self.taken < self.arrived.len();
            if full || !matches!(self.poll_receive(wire), Poll::Ready(Ok(()))) {
                return;
            }
        }
    }

    fn is_failing(&self) -> bool {
        self.connection.error().is_some() && !self.waits.lingered()
    }

    /// Where the connection has failed: tells the peer why, if it still listens, waits for its end, and is
    /// then that error. A socket that is closed with something unread is reset, and a reset can overtake the
    /// alert.
    fn poll_farewell(&mut self, wire: &mut impl Wire) -> Poll<io::Result<()>> {
        let Some(error) = self.connection.error().cloned() else { return Poll::Ready(Ok(())) };
        if self.is_failing() {
            let silent = self.unsendable || self.waits.is_broken();
            if !silent && matches!(self.poll_send(wire), Ok(Poll::Pending)) {
                return Poll::Pending;
            }
            // Whatever happens now changes nothing of what was said before.
            let _ = ready!(wire.end());
            ready!(self.poll_drain(wire));
            self.waits.end_linger();
        }
        Poll::Ready(Err(error.into()))
    }

    fn poll_shut(&mut self, wire: &mut impl Wire) -> Poll<io::Result<()>> {
        if self.shut {
            return Poll::Ready(Ok(()));
        }
        self.waits.check_broken()?;
        if self.gap {
            return Poll::Ready(Err(cut_short()));
        }
        self.connection.close();
        ready!(self.poll_send(wire)?);
        if let Some(error) = self.connection.error() {
            return Poll::Ready(Err(error.clone().into()));
        }
        // A peer that is gone needs no end.
        let _ = ready!(wire.end());
        self.shut = true;
        Poll::Ready(Ok(()))
    }

    /// Throws away what the peer still sends, up to its end.
    fn poll_drain(&mut self, wire: &mut impl Wire) -> Poll<()> {
        let mut room = Vec::new();
        while self.lingers && !self.ended && !self.waits.lingered() && self.drained < MAX_DRAINED {
            room.resize(READ_LEN, 0);
            let received = wire.receive(&mut room);
            self.blocked.receive |= received.is_pending();
            match ready!(received) {
                Ok(len) if len > 0 => self.drained = self.drained.saturating_add(len),
                Ok(_) | Err(_) => self.ended = true,
            }
        }
        Poll::Ready(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.tell();
    }
}
