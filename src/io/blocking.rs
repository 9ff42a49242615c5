//! A connection over a blocking socket.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::ops::DerefMut;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Poll;
use std::time::Instant;

use super::clock::Clock;
use super::engine::{End, Engine, Wire};
use super::paused::answer;
use super::timeouts::{Op, Timeouts};
use super::transport::{Readiness, Transport};
use crate::connection::{Connection, State};
use crate::error::Result;
use crate::process::Owner;
use crate::time::UnixTime;
use crate::trace::TraceLevel;

/// A TLS connection over a blocking socket; see [the module](super) for what it promises.
///
/// ```no_run
/// use std::io::{Read as _, Write as _};
/// use std::net::TcpStream;
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use otls::io::{self, Stream, Timeouts};
/// use otls::pki::{Certificate, GeneralName, TrustStore};
/// use otls::{ClientConfig, Connection};
///
/// let mut trust = TrustStore::new();
/// trust.add_authority(&Certificate::load(&std::fs::read("ca.pem")?)?)?;
/// let config = Arc::new(ClientConfig::new(trust).with_no_identity());
/// let connection = Connection::client(config, GeneralName::parse("bank.example")?, io::now())?;
///
/// let mut stream = Stream::new(TcpStream::connect("bank.example:4433")?, connection)
///     .with_timeouts(Timeouts::all(Duration::from_secs(30)));
/// stream.handshake()?;
/// stream.write_all(b"hello")?;
/// stream.close_write()?;
/// let mut answer = Vec::new();
/// stream.read_to_end(&mut answer)?; // an error where the answer is cut short
/// stream.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Stream<S>(Arc<Shared<S>>);

/// The half of a [`Stream`] that reads.
pub struct ReadHalf<S>(Arc<Shared<S>>);

/// The half of a [`Stream`] that writes. Dropped without [`WriteHalf::close_write`] it ends our direction of the
/// socket without close_notify: the peer sees a truncation, and our reading goes on.
pub struct WriteHalf<S: Transport>(Arc<Shared<S>>);

/// Ends a [`Stream`] from another thread. It does not keep the stream alive.
pub struct Handle<S>(Weak<Shared<S>>);

impl<S: Transport> Stream<S> {
    /// The connection over this socket. Nothing is sent yet.
    pub fn new(socket: S, connection: Connection) -> Self {
        let engine = Mutex::new(Engine::new(connection, S::WAITS, Instant::now()));
        Self(Arc::new(Shared { owner: Owner::new(), socket, engine, waker: OnceLock::new() }))
    }

    /// With these limits; without them every call waits as long as it takes.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.set_timeouts(timeouts);
        self
    }

    /// With `tell` called for what happens, with lines of the trace (docs/trace.md) and their time: see
    /// [`Connection::set_trace`]. It is called while the stream works: it must not use it, nor take long.
    #[must_use]
    pub fn with_trace(self, level: TraceLevel, tell: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        self.0.engine().set_trace(level, tell);
        self
    }

    /// With another clock than the system's for the time at which certificates are judged.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
        self.0.engine().set_clock(Clock::new(clock));
        self
    }

    /// Sets other limits, for the calls that follow.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        const { assert!(S::WAITS, "this transport cannot wait for a limited time") };
        self.0.engine().set_timeouts(timeouts);
    }

    /// Goes on with the handshake until it is done (HANDSHAKE_DONE), or pauses for its caller: with NEED_CONFIG
    /// or NEED_CLIENT_CERT in the state that is returned, call [`Connection::configure`] or
    /// [`Connection::provide_identity`] on [`Stream::connection`], and then this again.
    ///
    /// # Errors
    /// What ends the handshake; the peer has been told. [`Timeout`](super::Timeout), which is final.
    pub fn handshake(&mut self) -> io::Result<State> {
        self.0.drive(Op::Handshake, |engine, wire| engine.poll_handshake(wire, State::HANDSHAKE_DONE))
    }

    /// The whole handshake: where it pauses, `respond` configures the connection or provides an identity. The
    /// time that it takes does not count.
    ///
    /// # Errors
    /// As [`Stream::handshake`], and those of `respond`.
    pub fn handshake_with(
        &mut self,
        mut respond: impl FnMut(&mut Connection) -> Result<()>,
    ) -> io::Result<()> {
        while !self.handshake()?.contains(State::HANDSHAKE_DONE) {
            answer(&mut self.connection(), &mut respond)?;
        }
        Ok(())
    }

    /// Waits until the peer has accepted us as well (CONFIRMED), in the time of the handshake.
    ///
    /// # Errors
    /// As [`Stream::handshake`]; data that came first and has to be read; [`crate::Error::Truncated`] where the
    /// server closes before it has said so.
    pub fn confirm(&mut self) -> io::Result<()> {
        let wanted = State(State::HANDSHAKE_DONE.0 | State::CONFIRMED.0);
        self.0.drive(Op::Handshake, |engine, wire| engine.poll_handshake(wire, wanted)).map(drop)
    }

    /// Waits as a read does until there is data, and leaves it there for [`Connection::read`] on
    /// [`Stream::connection`]; false is the peer's close_notify.
    ///
    /// # Errors
    /// As reading.
    pub fn readable(&mut self) -> io::Result<bool> {
        self.0.drive(Op::Read, |engine, wire| engine.poll_readable(wire))
    }

    /// The connection. What was sealed on it directly goes out with [`Write::flush`].
    pub fn connection(&mut self) -> impl DerefMut<Target = Connection> {
        Held(self.0.engine())
    }

    /// The socket.
    pub fn get_ref(&self) -> &S {
        &self.0.socket
    }

    /// Octets that can be read without waiting; 1 where it is the end or an error that can be. Whoever waits
    /// with `poll` or `select` asks this first, and waits only where it is 0.
    pub fn pending(&mut self) -> usize {
        self.0.pending()
    }

    /// Whether the peer has ended its direction or is gone, for somebody who thinks for long and reads nothing
    /// meanwhile. It is noticed behind data that nobody has read, as long as the system had room for all of it.
    /// A peer that has half-closed and waits for the answer looks the same: where that may be, read to the end
    /// instead.
    pub fn peer_is_gone(&mut self) -> bool {
        self.0.peer_is_gone()
    }

    /// Says close_notify and ends our direction. The peer may still send, and reading goes on.
    ///
    /// # Errors
    /// As writing.
    pub fn close_write(&mut self) -> io::Result<()> {
        self.0.close_write()
    }

    /// Says close_notify, waits at most a second for the peer's end, so that what was sent last is not reset
    /// away, and ends the connection; what the peer still sends is lost. Without it the connection ends as
    /// something that was cut.
    ///
    /// # Errors
    /// Where close_notify cannot be sent, or would be wrong because a write was given up. The connection is over
    /// all the same.
    pub fn close(&mut self) -> io::Result<()> {
        self.0.close(false)
    }

    /// Ends the connection at once, without close_notify: the peer sees a truncation.
    pub fn abort(&mut self) {
        self.0.abort();
    }

    /// Something with which another thread ends this stream.
    ///
    /// # Errors
    /// No more descriptors: two are needed to wake whoever waits.
    pub fn handle(&self) -> io::Result<Handle<S>> {
        self.0.make_waker()?;
        Ok(Handle(Arc::downgrade(&self.0)))
    }

    /// Two halves, for two threads. Neither waits for the other.
    ///
    /// # Errors
    /// As [`Stream::handle`].
    pub fn split(self) -> io::Result<(ReadHalf<S>, WriteHalf<S>)> {
        self.0.make_waker()?;
        Ok((ReadHalf(Arc::clone(&self.0)), WriteHalf(self.0)))
    }
}

impl<S: Transport> ReadHalf<S> {
    /// As [`Stream::connection`]. The other half waits while it is held.
    pub fn connection(&mut self) -> impl DerefMut<Target = Connection> {
        Held(self.0.engine())
    }

    /// As [`Stream::pending`].
    pub fn pending(&mut self) -> usize {
        self.0.pending()
    }

    /// As [`Stream::peer_is_gone`].
    pub fn peer_is_gone(&mut self) -> bool {
        self.0.peer_is_gone()
    }

    /// As [`Stream::handle`].
    pub fn handle(&self) -> Handle<S> {
        Handle(Arc::downgrade(&self.0))
    }
}

impl<S: Transport> WriteHalf<S> {
    /// As [`Stream::connection`]. The other half waits while it is held.
    pub fn connection(&mut self) -> impl DerefMut<Target = Connection> {
        Held(self.0.engine())
    }

    /// As [`Stream::close_write`].
    ///
    /// # Errors
    /// As writing.
    pub fn close_write(&mut self) -> io::Result<()> {
        self.0.close_write()
    }

    /// As [`Stream::handle`].
    pub fn handle(&self) -> Handle<S> {
        Handle(Arc::downgrade(&self.0))
    }
}

impl<S: Transport> Drop for WriteHalf<S> {
    fn drop(&mut self) {
        // In a child the socket is its parent's.
        if self.0.owner.is_here() && !self.0.engine().is_shut() {
            let _ = self.0.socket.shutdown(Shutdown::Write);
        }
    }
}

impl<S: Transport> Handle<S> {
    /// As [`Stream::close`]; whoever waits in a read or write is woken at once and has an error. Where a write is
    /// cut short by this, close_notify would say that all was sent: then it is [`Handle::abort`].
    ///
    /// # Errors
    /// As [`Stream::close`].
    pub fn close(&self) -> io::Result<()> {
        self.0.upgrade().map_or(Ok(()), |shared| shared.close(true))
    }

    /// As [`Stream::abort`]; whoever waits is woken at once and has an error.
    pub fn abort(&self) {
        if let Some(shared) = self.0.upgrade() {
            shared.abort();
        }
    }
}

struct Shared<S> {
    owner: Owner,
    socket: S,
    /// Never held while somebody waits.
    engine: Mutex<Engine>,
    /// Readable once the stream is closed; there where somebody else can close it.
    waker: OnceLock<(UnixStream, UnixStream)>,
}

impl<S: Transport> Shared<S> {
    fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `step` until it is ready, and waits in between.
    fn drive<T>(
        &self,
        op: Op,
        mut step: impl FnMut(&mut Engine, &mut Nonblocking<'_, S>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        loop {
            self.check_here()?;
            let mut engine = self.engine();
            engine.begin(op, Instant::now())?;
            let done = step(&mut engine, &mut Nonblocking(&self.socket));
            let now = Instant::now();
            if let Poll::Ready(done) = done {
                engine.finish(op, now);
                return done;
            }
            let until = engine.wait_until(op, now)?;
            let blocked = engine.blocked();
            drop(engine);
            let waker = self.waker.get().map(|(_, woken)| woken.as_fd());
            self.socket.wait(
                Readiness { receive: blocked.receive, send: blocked.send },
                until,
                waker.filter(|_| op != Op::Close),
            )?;
        }
    }

    /// A child that is forked leaves socket and lock alone: both are its parent's.
    fn check_here(&self) -> io::Result<()> {
        if self.owner.is_here() { Ok(()) } else { Err(super::elsewhere()) }
    }

    fn read(&self, out: &mut [u8]) -> io::Result<usize> {
        self.drive(Op::Read, |engine, wire| engine.poll_read(wire, out))
    }

    fn write(&self, data: &[u8]) -> io::Result<usize> {
        let len = self.drive(Op::Write, |engine, wire| engine.poll_write(wire, data))?;
        self.flush()?;
        Ok(len)
    }

    fn flush(&self) -> io::Result<()> {
        self.drive(Op::Write, |engine, wire| engine.poll_flush(wire))
    }

    fn close_write(&self) -> io::Result<()> {
        self.drive(Op::Write, |engine, wire| engine.poll_close_write(wire))
    }

    fn pending(&self) -> usize {
        if self.owner.is_here() { self.engine().readable() } else { 0 }
    }

    fn peer_is_gone(&self) -> bool {
        self.owner.is_here()
            && (self.engine().poll_gone(&mut Nonblocking(&self.socket)).is_ready()
                || self.socket.is_hung_up())
    }

    fn close(&self, elsewhere: bool) -> io::Result<()> {
        self.check_here()?;
        if !self.engine().end(End::Closed, elsewhere) {
            return Ok(());
        }
        self.wake();
        let closed = self.drive(Op::Close, |engine, wire| engine.poll_close(wire));
        // The peer may have done so, or be gone.
        let _ = self.socket.shutdown(Shutdown::Both);
        closed
    }

    fn abort(&self) {
        if self.owner.is_here() && self.engine().end(End::Aborted, false) {
            let _ = self.socket.shutdown(Shutdown::Both);
            self.wake();
        }
    }

    fn make_waker(&self) -> io::Result<()> {
        const { assert!(S::WAITS, "this transport has one user at a time") };
        if self.waker.get().is_none() {
            // Somebody else may have been faster; then this pair goes.
            let _ = self.waker.set(UnixStream::pair()?);
        }
        Ok(())
    }

    fn wake(&self) {
        if let Some((waker, _)) = self.waker.get() {
            // The one octet stays there: everybody who waits from now on is woken.
            let _ = (&mut &*waker).write(&[0]);
        }
    }
}

/// The lock, as the connection in it.
struct Held<'a>(MutexGuard<'a, Engine>);

impl std::ops::Deref for Held<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0.connection()
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        self.0.connection_mut()
    }
}

struct Nonblocking<'a, S>(&'a S);

impl<S: Transport> Wire for Nonblocking<'_, S> {
    fn receive(&mut self, room: &mut [u8]) -> Poll<io::Result<usize>> {
        poll(self.0.receive(room))
    }

    fn send(&mut self, bytes: &[u8]) -> Poll<io::Result<usize>> {
        poll(self.0.send(bytes))
    }

    fn end(&mut self) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.shutdown(Shutdown::Write))
    }
}

fn poll(done: io::Result<usize>) -> Poll<io::Result<usize>> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        done => Poll::Ready(done),
    }
}

macro_rules! readers_and_writers {
    (read: $($reader:ident)*; write: $($writer:ident)*) => {
        $(impl<S: Transport> Read for $reader<S> {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                self.0.read(out)
            }
        })*
        $(impl<S: Transport> Write for $writer<S> {
            /// Sends the front of `data`, 128 KiB at most.
            fn write(&mut self, data: &[u8]) -> io::Result<usize> {
                self.0.write(data)
            }

            fn flush(&mut self) -> io::Result<()> {
                self.0.flush()
            }
        })*
    };
}

readers_and_writers!(read: Stream ReadHalf; write: Stream WriteHalf);

/// For `poll` and `select`: [`Stream::pending`] says first whether there is anything to wait for.
impl<S: AsFd> AsFd for Stream<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.socket.as_fd()
    }
}

/// For `poll` and `select`: [`Stream::pending`] says first whether there is anything to wait for.
impl<S: AsRawFd> AsRawFd for Stream<S> {
    fn as_raw_fd(&self) -> RawFd {
        self.0.socket.as_raw_fd()
    }
}

macro_rules! debug {
    ($($name:ident $(: $bound:ident)?),*) => {
        $(impl<S $(: $bound)?> fmt::Debug for $name<S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        })*
    };
}

debug!(Stream, ReadHalf, WriteHalf: Transport, Handle);
