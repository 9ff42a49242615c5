//! A connection over a tokio socket: the whole of what a Rust program adds to [`otls::Connection`].

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use otls::{Connection, Error, State, UnixTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Octets that are read at once: a record and its header.
const READ_LEN: usize = 17 * 1024;

/// Octets that are looked through for the alert of a peer that is gone.
const MAX_LAST_WORDS: u64 = 64 * 1024;
/// How long the end of a connection waits for the peer's. A socket that is closed with something unread
/// is reset, and a reset can overtake the alert or the data that was sent last.
const LINGER: Duration = Duration::from_secs(1);

/// Why a stream cannot go on.
#[derive(Debug)]
pub(crate) enum StreamError {
    /// The transport failed.
    Io(io::Error),
    /// The connection did; its alert has been sent.
    Tls(Error),
}

impl From<io::Error> for StreamError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A TLS connection over TCP.
pub(crate) struct Stream {
    socket: TcpStream,
    connection: Connection,
    /// What arrived and the connection has not taken yet, from `taken` on.
    arrived: Vec<u8>,
    taken: usize,
}

impl Stream {
    pub(crate) fn new(socket: TcpStream, connection: Connection) -> Self {
        Self { socket, connection, arrived: Vec::new(), taken: 0 }
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// The connection, without its socket, which is closed.
    pub(crate) fn into_connection(self) -> Connection {
        self.connection
    }

    /// Carries bytes until all of `wanted` holds, or the handshake pauses. A peer that closes before that,
    /// or whose data has to be read before that, is an error.
    pub(crate) async fn reach(&mut self, wanted: State) -> Result<(), StreamError> {
        loop {
            self.flush().await?;
            let state = self.connection.state();
            let paused = state.contains(State::NEED_CONFIG) || state.contains(State::NEED_CLIENT_CERT);
            if state.contains(wanted) || paused {
                return Ok(());
            }
            if state.contains(State::HAVE_PLAINTEXT) {
                return Err(StreamError::Io(io::Error::other("data came before it was due")));
            }
            if !self.receive().await? {
                return Err(StreamError::Tls(Error::Truncated));
            }
        }
    }

    /// Reads decrypted data; 0 is the peer's close_notify.
    pub(crate) async fn read(&mut self, out: &mut [u8]) -> Result<usize, StreamError> {
        loop {
            self.flush().await?;
            let len = self.connection.open(out);
            if len > 0 || out.is_empty() {
                return Ok(len);
            }
            if !self.receive().await? {
                return Ok(0);
            }
        }
    }

    /// Sends all of `data`.
    pub(crate) async fn write_all(&mut self, data: &[u8]) -> Result<(), StreamError> {
        self.connection.seal(data).map_err(StreamError::Tls)?;
        self.flush().await
    }

    /// Says close_notify and ends our direction of the socket.
    pub(crate) async fn close(&mut self) -> Result<(), StreamError> {
        self.connection.close();
        self.flush().await?;
        self.linger().await;
        Ok(())
    }

    /// Ends our direction and waits a moment for the peer to end its own.
    async fn linger(&mut self) {
        let drain = async {
            self.socket.shutdown().await?;
            let mut rest = vec![0; 4096];
            while self.socket.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        // Whatever happens now changes nothing of what was said before.
        let _ = tokio::time::timeout(LINGER, drain).await;
    }

    /// Writes what is pending.
    pub(crate) async fn flush(&mut self) -> Result<(), StreamError> {
        while !self.connection.pending().is_empty() {
            match self.socket.write(self.connection.pending()).await {
                Ok(0) => return Err(StreamError::Io(io::ErrorKind::WriteZero.into())),
                Ok(written) => self.connection.consume(written),
                Err(error) => return Err(self.last_words().await.unwrap_or(StreamError::Io(error))),
            }
        }
        Ok(())
    }

    /// The alert of a peer that is gone, which says more than a broken pipe.
    async fn last_words(&mut self) -> Option<StreamError> {
        let mut rest = Vec::new();
        // An error of the socket ends what there is to read.
        let mut socket = (&mut self.socket).take(MAX_LAST_WORDS);
        let _ = tokio::time::timeout(LINGER, socket.read_to_end(&mut rest)).await;
        let unread = self.arrived.split_off(self.taken.min(self.arrived.len()));
        self.connection.set_time(now().ok()?);
        [unread, rest].iter().find_map(|bytes| self.connection.feed(bytes).err()).map(StreamError::Tls)
    }

    /// Feeds what has arrived, or waits for more; false where nothing more comes. May be cancelled while
    /// it waits: nothing is lost.
    async fn receive(&mut self) -> Result<bool, StreamError> {
        if self.connection.state().contains(State::CLOSED)
            && !self.connection.state().contains(State::WANT_READ)
        {
            return Ok(false);
        }
        if self.taken == self.arrived.len() {
            self.taken = 0;
            self.arrived.clear();
            self.arrived.reserve(READ_LEN);
            if self.socket.read_buf(&mut self.arrived).await? == 0 {
                self.arrived = Vec::new();
                let ended = self.connection.feed_end();
                return ended.map(|()| false).map_err(StreamError::Tls);
            }
        }
        let rest = self.arrived.get(self.taken..).unwrap_or_default();
        // Certificates are judged as of now, however long it took to come here.
        self.connection.set_time(now()?);
        let fed = self.connection.feed(rest);
        self.taken = self.taken.saturating_add(*fed.as_ref().unwrap_or(&0));
        if self.taken == self.arrived.len() {
            // An idle connection holds no buffer.
            self.arrived = Vec::new();
            self.taken = 0;
        }
        if let Err(error) = fed {
            // The peer is told why, if it still listens.
            while !self.connection.pending().is_empty() {
                match self.socket.write(self.connection.pending()).await {
                    Ok(written) if written > 0 => self.connection.consume(written),
                    _ => break,
                }
            }
            self.linger().await;
            return Err(StreamError::Tls(error));
        }
        Ok(true)
    }
}

fn now() -> io::Result<UnixTime> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    Ok(UnixTime(since.as_secs()))
}
