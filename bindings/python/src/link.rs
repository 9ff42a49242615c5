//! What carries octets between a connection and a socket, each step in one call.

use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use otls::{State, UnixTime};
use pyo3::exceptions::PyBlockingIOError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use zeroize::Zeroize;

use crate::connection::Connection;
use crate::convert::{Octets, Wiped};
use crate::ending::inside;
use crate::failure::{Failure, Result};

/// Octets that are asked of the socket at a time: four full records.
const READ_SIZE: usize = 64 * 1024;

/// Octets that are handed to the socket at a time.
const WRITE_SIZE: usize = 64 * 1024;

/// The type of every protected record (RFC 8446 §5.2).
const APPLICATION_DATA: u8 = 23;

/// Type, legacy_record_version and length (RFC 8446 §5.1).
const HEADER_LEN: usize = 5;

/// Carries octets between a connection and `recv` and `send` of a socket that does not wait.
///
/// A handler of a signal (Ctrl-C) may raise between any two steps of Python, and what a call has returned is lost
/// then. Here octets go from the socket into the connection, and from the connection into the socket, within one
/// call. For one caller at a time.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Link {
    connection: Py<Connection>,
    sock: Py<PyAny>,
    /// Never held while Python runs: a handler of a signal may come back here out of `recv`.
    inbox: Mutex<Inbox>,
    stuck: AtomicBool,
    dry: AtomicBool,
    received: AtomicUsize,
}

#[pymethods]
impl Link {
    #[new]
    const fn new(connection: Py<Connection>, sock: Py<PyAny>) -> Self {
        Self {
            connection,
            sock,
            inbox: Mutex::new(Inbox::new()),
            stuck: AtomicBool::new(false),
            dry: AtomicBool::new(true),
            received: AtomicUsize::new(0),
        }
    }

    /// Feeds what was received, or else receives; whether there was anything, the end of the transport included.
    fn take_in(&self, py: Python<'_>) -> PyResult<bool> {
        let connection = self.connection.get();
        let (now, state) = (connection.now(py)?, connection.with(py, |connection| connection.state())?);
        let wants_more = state.contains(State::WANT_READ) && self.inbox().is_empty();
        if wants_more && !self.receive(py)? {
            return Ok(false);
        }
        let fed = connection.with(py, |connection| {
            let mut inbox = self.inbox();
            while inbox.feed(connection, now)? > 0 {}
            inbox.forget();
            inbox.release();
            Ok::<_, otls::Error>(())
        })?;
        fed.map_err(Failure::from)?;
        Ok(true)
    }

    /// The next data, of as many records as have come, at most `limit` octets; empty where something came that is
    /// no data, or nothing more will; `None` where nothing came.
    fn read<'py>(&self, py: Python<'py>, limit: usize) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let connection = self.connection.get();
        let (now, state) = (connection.now(py)?, connection.with(py, |connection| connection.state())?);
        // What the peer has made us say goes out where there is room.
        if state.contains(State::WANT_WRITE) {
            self.send_out(py)?;
        }
        let wants_more = state.contains(State::WANT_READ) && self.inbox().is_waiting();
        if wants_more && !self.receive(py)? {
            return Ok(None);
        }
        let opened = connection.with(py, |connection| self.inbox().open(connection, limit, now))?;
        let opened = opened.map_err(Failure::from)?;
        let mut inbox = self.inbox();
        let data = PyBytes::new_with(py, opened.len, |out| Ok(opened.write(&inbox.octets.0, out)?))?;
        inbox.forget();
        Ok(Some(data))
    }

    /// Sends what is pending; whether nothing is left.
    fn flush(&self, py: Python<'_>) -> PyResult<bool> {
        if self.connection.get().with(py, |connection| connection.pending().is_empty())? {
            self.stuck.store(false, Ordering::Relaxed);
            return Ok(true);
        }
        self.send_out(py)
    }

    /// Protects application data and sends it; whether nothing is left.
    fn send(&self, py: Python<'_>, data: Octets) -> PyResult<bool> {
        self.connection.get().seal(py, data)?;
        self.send_out(py)
    }

    /// Whether the last call that sent has left something for want of room.
    #[getter]
    fn stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }

    /// Whether nothing can be done before something comes, and the socket had no more than was received last: the
    /// next call of `read` is likely to find nothing.
    #[getter]
    fn dry(&self, py: Python<'_>) -> Result<bool> {
        if !self.dry.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let state = self.connection.get().with(py, |connection| connection.state())?;
        let is_quiet = state.contains(State::WANT_READ) && !state.contains(State::WANT_WRITE);
        Ok(is_quiet && self.inbox().is_waiting())
    }

    /// Octets that were received and not fed.
    #[getter]
    fn kept(&self) -> Result<usize> {
        self.look(|inbox| inbox.rest().len())
    }

    /// Octets that were received so far.
    #[getter]
    fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }

    /// Whether the transport has ended, and everything before was fed.
    #[getter]
    fn ended(&self) -> Result<bool> {
        self.look(|inbox| inbox.ended && inbox.rest().is_empty())
    }
}

impl Link {
    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        // It is whole between any two statements.
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look<T>(&self, what: impl FnOnce(&Inbox) -> T) -> Result<T> {
        // The lock of another process may be held for ever.
        self.connection.get().check_process()?;
        Ok(what(&self.inbox()))
    }

    /// Sends what is pending, which is something; whether nothing is left.
    fn send_out(&self, py: Python<'_>) -> PyResult<bool> {
        let connection = self.connection.get();
        self.stuck.store(true, Ordering::Relaxed);
        loop {
            let octets = connection.pending(py, WRITE_SIZE)?;
            let inside = inside(py);
            let sent = match self.sock.call_method1(py, intern!(py, "send"), (octets,)) {
                Ok(sent) => sent.extract(py)?,
                Err(error) if error.is_instance_of::<PyBlockingIOError>(py) => return Ok(false),
                Err(error) => return Err(error),
            };
            drop(inside);
            let is_flushed = connection.with(py, |connection| {
                connection.consume(sent);
                connection.pending().is_empty()
            })?;
            if is_flushed {
                self.stuck.store(false, Ordering::Relaxed);
                return Ok(true);
            }
        }
    }

    /// Receives once; whether anything came.
    fn receive(&self, py: Python<'_>) -> PyResult<bool> {
        let _inside = inside(py);
        match self.sock.call_method1(py, intern!(py, "recv"), (READ_SIZE,)) {
            Ok(octets) => {
                let octets = octets.cast_bound::<PyBytes>(py)?.as_bytes();
                self.dry.store((1..READ_SIZE).contains(&octets.len()), Ordering::Relaxed);
                self.received.fetch_add(octets.len(), Ordering::Relaxed);
                self.inbox().push(octets);
                Ok(true)
            }
            Err(error) if error.is_instance_of::<PyBlockingIOError>(py) => {
                self.inbox().release();
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// Octets by which a protected record is longer than its data, at least: content type and tag (RFC 8446 §5.2).
const MIN_OVERHEAD: usize = 1 + 16;

/// What was received and not yet fed.
struct Inbox {
    /// Data that was opened here as well, until it is handed out: wiped.
    octets: Wiped,
    /// How many of `octets` were fed.
    fed: usize,
    /// Whether a record begins at `fed`: not where the connection was fed a part of one.
    is_aligned: bool,
    ended: bool,
}

impl Inbox {
    const fn new() -> Self {
        Self { octets: Wiped(Vec::new()), fed: 0, is_aligned: false, ended: false }
    }

    /// Whether nothing can be opened before more has come.
    fn is_waiting(&self) -> bool {
        if self.ended || !self.is_aligned {
            return self.is_empty();
        }
        match self.rest() {
            // What is no protected record is for the connection to refuse at once.
            [APPLICATION_DATA, _, _, high, low, content @ ..] => {
                let len = usize::from(u16::from_be_bytes([*high, *low]));
                content.len() < len && len.saturating_add(HEADER_LEN) <= otls::Connection::MAX_RECORD_LEN
            }
            rest => rest.len() < HEADER_LEN,
        }
    }

    fn push(&mut self, octets: &[u8]) {
        if octets.is_empty() {
            self.ended = true;
            return;
        }
        if self.octets.0.capacity().saturating_sub(self.octets.0.len()) < octets.len() {
            // A vector that grows leaves copies behind.
            let most = READ_SIZE.saturating_add(otls::Connection::MAX_RECORD_LEN);
            self.move_to(most.max(self.rest().len().saturating_add(octets.len())));
        }
        self.octets.0.extend_from_slice(octets);
    }

    fn move_to(&mut self, capacity: usize) {
        let mut all = Vec::with_capacity(capacity);
        all.extend_from_slice(self.rest());
        self.octets = Wiped(all);
        self.fed = 0;
    }

    fn rest(&self) -> &[u8] {
        self.octets.0.get(self.fed..).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        !self.ended && self.rest().is_empty()
    }

    /// Keeps what was not fed, and of the data nothing.
    fn forget(&mut self) {
        if self.fed > 0 {
            let left = self.rest().len();
            self.octets.0.copy_within(self.fed.., 0);
            self.octets.0.get_mut(left..).unwrap_or_default().zeroize();
            self.octets.0.truncate(left);
            self.fed = 0;
        }
    }

    /// Keeps no more memory than it needs while nothing comes.
    fn release(&mut self) {
        if self.octets.0.capacity() > self.rest().len() {
            self.move_to(self.rest().len());
        }
    }

    /// Feeds once; how many octets were taken.
    fn feed(&mut self, connection: &mut otls::Connection, now: UnixTime) -> otls::Result<usize> {
        let rest = self.octets.0.get(self.fed..).unwrap_or_default();
        if rest.is_empty() && self.ended {
            connection.feed_end()?;
        }
        // Of a connection that has failed this is its error.
        let taken = connection.feed(rest, now)?;
        self.fed = self.fed.saturating_add(taken);
        // What is taken ends with the record of its data.
        self.is_aligned = connection.available() > 0;
        Ok(taken)
    }

    /// Opens the record at the front where it lies, if it is whole and its data is within `limit`: where the data
    /// is, and nothing where the record has to be fed.
    fn open_in_place(
        &mut self,
        connection: &mut otls::Connection,
        limit: usize,
        now: UnixTime,
    ) -> otls::Result<Option<Range<usize>>> {
        let Some(&[_, _, _, high, low]) = self.rest().first_chunk().filter(|_| self.is_aligned) else {
            return Ok(None);
        };
        let len = usize::from(u16::from_be_bytes([high, low]));
        let end = self.fed.saturating_add(HEADER_LEN).saturating_add(len);
        if len.saturating_sub(MIN_OVERHEAD) > limit {
            return Ok(None);
        }
        let Some(record) = self.octets.0.get_mut(self.fed..end) else { return Ok(None) };
        let begin = record.as_ptr().addr();
        let fed = connection.feed_in_place(record, now)?;
        let start = self.fed.saturating_add(fed.plaintext.as_ptr().addr().saturating_sub(begin));
        let data =
            if fed.plaintext.is_empty() { 0..0 } else { start..start.saturating_add(fed.plaintext.len()) };
        self.fed = self.fed.saturating_add(fed.taken);
        Ok(if fed.taken == 0 { None } else { Some(data) })
    }

    /// Opens what there is, until `limit` is reached.
    fn open(
        &mut self,
        connection: &mut otls::Connection,
        limit: usize,
        now: UnixTime,
    ) -> otls::Result<Opened> {
        let mut opened = Opened { copied: Wiped(Vec::new()), in_place: Vec::new(), len: 0 };
        opened.take(connection, limit);
        while opened.len < limit {
            let left = limit.saturating_sub(opened.len);
            let step = match self.open_in_place(connection, left, now) {
                Ok(Some(data)) => {
                    opened.len = opened.len.saturating_add(data.len());
                    opened.in_place.push(data);
                    continue;
                }
                // What is behind the data of the connection's own has to wait for it.
                Ok(None) if opened.len > 0 => break,
                Ok(None) => self.feed(connection, now),
                Err(error) => Err(error),
            };
            match step {
                Ok(0) => break,
                Ok(_) => opened.take(connection, limit),
                Err(error) if opened.len == 0 => return Err(error),
                // The connection keeps it for the next call.
                Err(_) => break,
            }
        }
        Ok(opened)
    }
}

/// Data for one call: what the connection had, and behind it what lies where it was received.
struct Opened {
    copied: Wiped,
    in_place: Vec<Range<usize>>,
    len: usize,
}

impl Opened {
    /// Takes what the connection has.
    fn take(&mut self, connection: &mut otls::Connection, limit: usize) {
        let len = connection.available().min(limit.saturating_sub(self.len));
        if len > 0 {
            self.copied = Wiped(vec![0; len]);
            connection.read(&mut self.copied.0);
            self.len = self.len.saturating_add(len);
        }
    }

    fn write(&self, octets: &[u8], mut out: &mut [u8]) -> std::io::Result<()> {
        out.write_all(&self.copied.0)?;
        self.in_place.iter().try_for_each(|data| out.write_all(octets.get(data.clone()).unwrap_or_default()))
    }
}
