//! A connection over a socket of tokio.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::clock::Clock;
use super::engine::{End, Engine, Wire};
use super::paused::answer;
use super::timeouts::{Op, Timeouts};
use crate::connection::{Connection, State};
use crate::error::Result;
use crate::process::Owner;
use crate::time::UnixTime;
use crate::trace::TraceLevel;

/// A TLS connection over a socket of tokio; see [the module](super) for what it promises.
///
/// It is [`AsyncRead`] and [`AsyncWrite`], so that `tokio::io::split`, `copy_bidirectional` and HTTP libraries work
/// over it. `shutdown` says close_notify and ends our direction; [`AsyncStream::close`] waits for the peer's end as
/// well. `write` accepts what is sent in the background of further calls, so that `flush` has to follow what is
/// to go now. The deadlines need a runtime with time enabled.
///
/// ```no_run
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use otls::io::{self, AsyncStream, Timeouts};
/// use otls::pki::{Certificate, GeneralName, TrustStore};
/// use otls::{ClientConfig, Connection};
/// use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let mut trust = TrustStore::new();
/// trust.add_authority(&Certificate::load(&std::fs::read("ca.pem")?)?)?;
/// let config = Arc::new(ClientConfig::new(trust).with_no_identity());
/// let connection = Connection::client(config, GeneralName::parse("bank.example")?, io::now())?;
///
/// let socket = tokio::net::TcpStream::connect("bank.example:4433").await?;
/// let mut stream =
///     AsyncStream::new(socket, connection).with_timeouts(Timeouts::all(Duration::from_secs(30)));
/// stream.handshake().await?;
/// stream.write_all(b"hello").await?;
/// stream.shutdown().await?;
/// let mut answer = Vec::new();
/// stream.read_to_end(&mut answer).await?; // an error where the answer is cut short
/// stream.close().await?;
/// # Ok(())
/// # }
/// ```
pub struct AsyncStream<S>(Arc<Shared<S>>);

/// Ends an [`AsyncStream`] from another task. It does not keep the stream alive.
pub struct AsyncHandle<S>(Weak<Shared<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncStream<S> {
    /// The connection over this socket. Nothing is sent yet.
    pub fn new(socket: S, connection: Connection) -> Self {
        let engine = Engine::new(connection, true, Instant::now().into_std());
        let core = Core { socket: Some(socket), engine, timers: Default::default() };
        let wakers = Arc::new(Wakers::default());
        let waker = Waker::from(Arc::clone(&wakers));
        Self(Arc::new(Shared { owner: Owner::new(), core: Mutex::new(core), wakers, waker }))
    }

    /// With these limits; without them every call waits as long as it takes.
    #[must_use]
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        self.0.core().engine.set_timeouts(timeouts);
        self
    }

    /// With `tell` called for what happens, with lines of the trace (docs/trace.md) and their time: see
    /// [`Connection::set_trace`]. It is called while the stream works: it must not use it, nor take long.
    #[must_use]
    pub fn with_trace(self, level: TraceLevel, tell: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        self.0.core().engine.set_trace(level, tell);
        self
    }

    /// With another clock than the system's for the time at which certificates are judged.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
        self.0.core().engine.set_clock(Clock::new(clock));
        self
    }

    /// Sets other limits. A read or write that waits begins its time anew.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.0.set_timeouts(timeouts);
    }

    /// Goes on with the handshake until it is done (HANDSHAKE_DONE), or pauses for its caller: with NEED_CONFIG
    /// or NEED_CLIENT_CERT in the state that is returned, call [`Connection::configure`] or
    /// [`Connection::provide_identity`] on [`AsyncStream::connection`], and then this again.
    ///
    /// # Errors
    /// What ends the handshake; the peer has been told. [`Timeout`](super::Timeout), which is final.
    pub async fn handshake(&mut self) -> io::Result<State> {
        self.reach(State::HANDSHAKE_DONE).await
    }

    /// The whole handshake: where it pauses, `respond` configures the connection or provides an identity. The
    /// time that it takes does not count.
    ///
    /// # Errors
    /// As [`AsyncStream::handshake`], and those of `respond`.
    pub async fn handshake_with(
        &mut self,
        mut respond: impl FnMut(&mut Connection) -> Result<()>,
    ) -> io::Result<()> {
        while !self.handshake().await?.contains(State::HANDSHAKE_DONE) {
            answer(&mut self.connection(), &mut respond)?;
        }
        Ok(())
    }

    /// Waits until the peer has accepted us as well (CONFIRMED), in the time of the handshake.
    ///
    /// # Errors
    /// As [`AsyncStream::handshake`]; data that came first and has to be read; [`crate::Error::Truncated`] where
    /// the server closes before it has said so.
    pub async fn confirm(&mut self) -> io::Result<()> {
        self.reach(State(State::HANDSHAKE_DONE.0 | State::CONFIRMED.0)).await.map(drop)
    }

    async fn reach(&self, wanted: State) -> io::Result<State> {
        let step = |engine: &mut Engine, wire: &mut Polled<'_, S>| engine.poll_handshake(wire, wanted);
        poll_fn(|cx| self.0.poll(Op::Handshake, cx, step)).await
    }

    /// Reads decrypted data; 0 is the peer's close_notify. May be cancelled: nothing is lost, and the next call
    /// has its own time. (That of `AsyncReadExt` goes on with the time of the cancelled one.)
    ///
    /// # Errors
    /// [`crate::Error::Truncated`] where the transport ends without close_notify, and what ends the connection;
    /// [`Timeout`](super::Timeout), after which the next call goes on.
    pub async fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.core().engine.finish(Op::Read, Instant::now().into_std());
        poll_fn(|cx| self.0.poll(Op::Read, cx, |engine, wire| engine.poll_read(wire, out))).await
    }

    /// Waits as a read does until there is data, and leaves it there for [`Connection::read`] on
    /// [`AsyncStream::connection`]; false is the peer's close_notify.
    ///
    /// # Errors
    /// As [`AsyncStream::read`].
    pub async fn readable(&mut self) -> io::Result<bool> {
        self.0.core().engine.finish(Op::Read, Instant::now().into_std());
        poll_fn(|cx| self.0.poll(Op::Read, cx, |engine, wire| engine.poll_readable(wire))).await
    }

    /// The connection. What was sealed on it directly goes out with `flush`. Not to be held over an `await`.
    pub fn connection(&mut self) -> impl DerefMut<Target = Connection> {
        Held(self.0.core())
    }

    /// Octets that can be read without waiting; 1 where it is the end or an error that can be.
    pub fn pending(&mut self) -> usize {
        if self.0.owner.is_here() { self.0.core().engine.readable() } else { 0 }
    }

    /// Whether the peer has ended its direction or is gone, as far as can be told now: what it sent has to be
    /// read first. A peer that has half-closed and waits for the answer looks the same: where that may be, read
    /// to the end instead.
    pub fn peer_is_gone(&mut self) -> bool {
        self.0.poll_gone(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    /// Waits for that, beside whatever else is done meanwhile.
    pub async fn peer_gone(&mut self) {
        poll_fn(|cx| self.0.poll_gone(cx)).await;
    }

    /// Says close_notify, waits at most a second for the peer's end, so that what was sent last is not reset
    /// away, and ends the connection; what the peer still sends is lost. Without it the connection ends as
    /// something that was cut.
    ///
    /// # Errors
    /// Where close_notify cannot be sent, or would be wrong because a write was given up. The connection is over
    /// all the same.
    pub async fn close(&mut self) -> io::Result<()> {
        self.0.close(false).await
    }

    /// Ends the connection at once, without close_notify: the peer sees a truncation.
    pub fn abort(&mut self) {
        self.0.abort();
    }

    /// Something with which another task ends this stream.
    pub fn handle(&self) -> AsyncHandle<S> {
        AsyncHandle(Arc::downgrade(&self.0))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncHandle<S> {
    /// As [`AsyncStream::close`]; whoever waits in a read or write is woken at once and has an error. Where a
    /// write is cut short by this, close_notify would say that all was sent: then it is [`AsyncHandle::abort`].
    ///
    /// # Errors
    /// As [`AsyncStream::close`].
    pub async fn close(&self) -> io::Result<()> {
        match self.0.upgrade() {
            Some(shared) => shared.close(true).await,
            None => Ok(()),
        }
    }

    /// As [`AsyncStream::abort`]; whoever waits is woken at once and has an error.
    pub fn abort(&self) {
        if let Some(shared) = self.0.upgrade() {
            shared.abort();
        }
    }

    /// As [`AsyncStream::set_timeouts`].
    pub fn set_timeouts(&self, timeouts: Timeouts) {
        if let Some(shared) = self.0.upgrade() {
            shared.set_timeouts(timeouts);
        }
    }
}

struct Shared<S> {
    owner: Owner,
    core: Mutex<Core<S>>,
    wakers: Arc<Wakers>,
    /// `wakers`, as the socket sees them.
    waker: Waker,
}

struct Core<S> {
    /// There until the stream is closed or aborted.
    socket: Option<S>,
    engine: Engine,
    /// For each of those that may wait.
    timers: [Option<Pin<Box<Sleep>>>; 3],
}

impl<S: AsyncRead + AsyncWrite + Unpin> Shared<S> {
    fn core(&self) -> MutexGuard<'_, Core<S>> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One attempt of `step`; where it has to wait, `cx` is woken by the socket, by the end of the call's time
    /// and by the end of the stream.
    fn poll<T>(
        &self,
        op: Op,
        cx: &mut Context<'_>,
        mut step: impl FnMut(&mut Engine, &mut Polled<'_, S>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if !self.owner.is_here() {
            return Poll::Ready(Err(super::elsewhere()));
        }
        let mut core = self.core();
        let Core { socket, engine, timers } = &mut *core;
        loop {
            self.wakers.set(op, cx.waker());
            engine.begin(op, Instant::now().into_std())?;
            let mut wire = Polled { socket: socket.as_mut(), cx: &mut Context::from_waker(&self.waker) };
            let done = step(engine, &mut wire);
            let now = Instant::now().into_std();
            if done.is_ready() {
                engine.finish(op, now);
                return done;
            }
            let Some(until) = engine.wait_until(op, now)? else { return Poll::Pending };
            let [reader, writer, closer] = timers;
            let timer = match op {
                Op::Handshake | Op::Read => reader,
                Op::Write => writer,
                Op::Close => closer,
            };
            let until = Instant::from_std(until);
            let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
            if timer.deadline() != until {
                timer.as_mut().reset(until);
            }
            ready!(timer.as_mut().poll(cx));
        }
    }

    fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.owner.is_here() {
            return Poll::Pending;
        }
        let mut core = self.core();
        let Core { socket, engine, .. } = &mut *core;
        self.wakers.set(Op::Read, cx.waker());
        engine.poll_gone(&mut Polled { socket: socket.as_mut(), cx: &mut Context::from_waker(&self.waker) })
    }

    fn set_timeouts(&self, timeouts: Timeouts) {
        self.core().engine.set_timeouts(timeouts);
        self.wakers.wake_by_ref();
    }

    async fn close(&self, elsewhere: bool) -> io::Result<()> {
        if self.owner.is_here() && !self.core().engine.end(End::Closed, elsewhere) {
            return Ok(());
        }
        self.wakers.wake_by_ref();
        let closed = poll_fn(|cx| self.poll(Op::Close, cx, |engine, wire| engine.poll_close(wire))).await;
        if self.owner.is_here() {
            self.core().socket = None;
        }
        closed
    }

    fn abort(&self) {
        if self.owner.is_here() {
            let mut core = self.core();
            core.engine.end(End::Aborted, false);
            core.socket = None;
            drop(core);
            self.wakers.wake_by_ref();
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for AsyncStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let out = buffer.initialize_unfilled();
        let len = ready!(self.0.poll(Op::Read, cx, |engine, wire| engine.poll_read(wire, out)))?;
        buffer.advance(len);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for AsyncStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll(Op::Write, cx, |engine, wire| engine.poll_write(wire, data))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll(Op::Write, cx, |engine, wire| engine.poll_flush(wire))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll(Op::Write, cx, |engine, wire| engine.poll_close_write(wire))
    }
}

/// Those who wait: somebody who reads (or shakes hands), who writes, and who closes. The socket knows one waker
/// for each direction, but reading sends as well and writing may hear last words: whatever happens on it wakes
/// all three, or the last to ask would be the only one.
#[derive(Default)]
struct Wakers(Mutex<[Option<Waker>; 3]>);

impl Wakers {
    fn set(&self, op: Op, waker: &Waker) {
        let mut wakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [reader, writer, closer] = &mut *wakers;
        let slot = match op {
            Op::Handshake | Op::Read => reader,
            Op::Write => writer,
            Op::Close => closer,
        };
        match slot {
            Some(known) => known.clone_from(waker),
            None => *slot = Some(waker.clone()),
        }
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let wakers = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

/// The lock, as the connection in it.
struct Held<'a, S>(MutexGuard<'a, Core<S>>);

impl<S> Deref for Held<'_, S> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0.engine.connection()
    }
}

impl<S> DerefMut for Held<'_, S> {
    fn deref_mut(&mut self) -> &mut Connection {
        self.0.engine.connection_mut()
    }
}

/// The socket, for one attempt. Where it is gone the call fails before it is asked.
struct Polled<'a, S> {
    socket: Option<&'a mut S>,
    cx: &'a mut Context<'a>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire for Polled<'_, S> {
    fn receive(&mut self, room: &mut [u8]) -> Poll<io::Result<usize>> {
        let Some(socket) = &mut self.socket else { return Poll::Ready(Err(super::failure::closed())) };
        let mut room = ReadBuf::new(room);
        ready!(Pin::new(socket).poll_read(self.cx, &mut room))?;
        Poll::Ready(Ok(room.filled().len()))
    }

    fn send(&mut self, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(socket) = &mut self.socket else { return Poll::Ready(Err(super::failure::closed())) };
        Pin::new(socket).poll_write(self.cx, bytes)
    }

    fn end(&mut self) -> Poll<io::Result<()>> {
        let Some(socket) = &mut self.socket else { return Poll::Ready(Err(super::failure::closed())) };
        Pin::new(socket).poll_shutdown(self.cx)
    }
}

impl<S> fmt::Debug for AsyncStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncStream").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for AsyncHandle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncHandle").finish_non_exhaustive()
    }
}
