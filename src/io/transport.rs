//! What a blocking stream needs of its socket.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, SendFlags, recv, send};

/// A peer that has ended its direction, where the system tells that before what came is read.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const HUNG_UP: PollFlags = PollFlags::RDHUP.union(PollFlags::HUP).union(PollFlags::ERR);
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
const HUNG_UP: PollFlags = PollFlags::HUP.union(PollFlags::ERR);

/// A socket that a [`Stream`](super::Stream) drives: implemented for [`TcpStream`] and [`UnixStream`], whose
/// own time limits and mode (blocking or not) play no part and are not changed. Anything else that reads and
/// writes is wrapped in [`Plain`].
pub trait Transport {
    /// Whether [`Transport::wait`] can wait for a time and for one direction alone. Without that a stream has
    /// no deadlines and cannot be split.
    const WAITS: bool = true;

    /// Receives what is there; 0 is the end.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where nothing is, and what the system says.
    fn receive(&self, room: &mut [u8]) -> io::Result<usize>;

    /// Sends as much as goes.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where nothing does, and what the system says.
    fn send(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Waits for what was not ready, and no longer than to `until` or until `waker` is readable. May come back
    /// early.
    ///
    /// # Errors
    /// What the system says.
    fn wait(
        &self,
        readiness: Readiness,
        until: Option<Instant>,
        waker: Option<BorrowedFd<'_>>,
    ) -> io::Result<()>;

    /// Ends one direction, or both.
    ///
    /// # Errors
    /// What the system says.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;

    /// Whether the peer has ended its direction or the connection, as far as can be told without reading.
    fn is_hung_up(&self) -> bool;
}

/// What is waited for; see [`Transport::wait`].
///
/// ```
/// use otls::io::Readiness;
///
/// /// What a transport of one's own has to wait for.
/// fn words(readiness: Readiness) -> &'static str {
///     if readiness.send { "room to send" } else { "something to receive" }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Readiness {
    /// Something to receive.
    pub receive: bool,
    /// Room to send.
    pub send: bool,
}

macro_rules! transport {
    ($($socket:ty),*) => {
        $(impl Transport for $socket {
            fn receive(&self, room: &mut [u8]) -> io::Result<usize> {
                again(|| recv(self, &mut *room, RecvFlags::DONTWAIT)).map(|(len, _)| len)
            }

            fn send(&self, bytes: &[u8]) -> io::Result<usize> {
                // A peer that is gone is an error and not a signal.
                again(|| send(self, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL))
            }

            fn wait(
                &self,
                readiness: Readiness,
                until: Option<Instant>,
                waker: Option<BorrowedFd<'_>>,
            ) -> io::Result<()> {
                wait(self.as_fd(), readiness, until, waker)
            }

            fn shutdown(&self, how: Shutdown) -> io::Result<()> {
                <$socket>::shutdown(self, how)
            }

            fn is_hung_up(&self) -> bool {
                let mut socket = [PollFd::new(self, HUNG_UP)];
                let found = again(|| poll(&mut socket, Some(&Timespec::default())));
                found.is_err() || socket.iter().any(|socket| socket.revents().intersects(HUNG_UP))
            }
        })*
    };
}

transport!(TcpStream, UnixStream);

fn wait(
    socket: BorrowedFd<'_>,
    readiness: Readiness,
    until: Option<Instant>,
    waker: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::IN, readiness.receive);
    flags.set(PollFlags::OUT, readiness.send);
    let mut waited = [PollFd::from_borrowed_fd(socket, flags)].to_vec();
    waited.extend(waker.map(|waker| PollFd::from_borrowed_fd(waker, PollFlags::IN)));
    // A signal's handler has run: what remains of the time is waited for.
    again(|| {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let left =
            left.map(|left| Timespec::try_from(left).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 }));
        poll(&mut waited, left.as_ref())
    })
    .map(drop)
}

/// Calls again what a signal has interrupted.
fn again<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(rustix::io::Errno::INTR) => {}
            done => return done.map_err(Into::into),
        }
    }
}

/// Anything that reads and writes: pipes, a serial line, another stream. Its calls may wait, which nobody can
/// limit or interrupt: a stream over it has no deadlines, cannot be split and does not wait for the peer's end.
///
/// ```
/// use std::io::Cursor;
/// use otls::io::{Plain, Stream};
/// # use std::sync::Arc;
/// # use otls::pki::{GeneralName, TrustStore};
/// # let config = Arc::new(otls::ClientConfig::new(TrustStore::new()));
/// # let connection = otls::Connection::client(config, GeneralName::parse("bank.example")?, otls::io::now())?;
///
/// let mut stream = Stream::new(Plain::new(Cursor::new(Vec::new())), connection);
/// let error = stream.handshake().unwrap_err(); // nobody is there
/// assert_eq!(error.downcast::<otls::Error>()?, otls::Error::Truncated);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Plain<S>(Mutex<S>);

impl<S: Read + Write> Plain<S> {
    /// Wraps it.
    pub fn new(inner: S) -> Self {
        Self(Mutex::new(inner))
    }

    /// What was wrapped.
    pub fn into_inner(self) -> S {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Read + Write> Transport for Plain<S> {
    const WAITS: bool = false;

    fn receive(&self, room: &mut [u8]) -> io::Result<usize> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match inner.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.write_all(bytes)?;
        inner.flush()?;
        Ok(bytes.len())
    }

    /// What does not wait by itself is its caller's to wait for.
    fn wait(&self, _: Readiness, _: Option<Instant>, _: Option<BorrowedFd<'_>>) -> io::Result<()> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn shutdown(&self, _: Shutdown) -> io::Result<()> {
        Ok(())
    }

    fn is_hung_up(&self) -> bool {
        false
    }
}
