//! What carries octets between a connection and a socket, each step in one call.

use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use otls::{State, UnixTime};
use pyo3::exceptions::PyBlockingIOError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use crate::connection::Connection;
use crate::convert::{Octets, Wiped};
use crate::failure::{Failure, Result};

/// Octets that are asked of the socket at a time: four full records.
const READ_SIZE: usize = 64 * 1024;

/// Octets that are handed to the socket at a time.
const WRITE_SIZE: usize = 64 * 1024;

/// What the connection may hold of a record that has begun: RFC 8446 §5.1.
const FRAGMENT: usize = 16 * 1024;

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
}

#[pymethods]
impl Link {
    #[new]
    const fn new(connection: Py<Connection>, sock: Py<PyAny>) -> Self {
        Self { connection, sock, inbox: Mutex::new(Inbox::new()), stuck: AtomicBool::new(false) }
    }

    /// Feeds what was received, or else receives; whether there was anything, the end of the transport included.
    fn take_in(&self, py: Python<'_>) -> PyResult<bool> {
        let connection = self.connection.get();
        let (now, state) = (connection.now(py)?, connection.with(py, |connection| connection.state())?);
        if !self.fetch(py, state)? {
            return Ok(false);
        }
        let fed = connection.with(py, |connection| {
            let mut inbox = self.inbox();
            while inbox.feed(connection, now)? > 0 {}
            Ok::<_, otls::Error>(())
        })?;
        self.inbox().forget_fed();
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
        if !self.fetch(py, state)? {
            return Ok(None);
        }
        let opened = connection.with(py, |connection| self.inbox().open(connection, limit, now))?;
        self.inbox().forget_fed();
        Ok(Some(PyBytes::new(py, &opened.map_err(Failure::from)?.0)))
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

    /// Octets that were received and not fed.
    #[getter]
    fn kept(&self, py: Python<'_>) -> Result<usize> {
        self.look(py, Inbox::kept)
    }

    /// Octets that were received so far.
    #[getter]
    fn received(&self, py: Python<'_>) -> Result<usize> {
        self.look(py, |inbox| inbox.received)
    }

    /// Whether the transport has ended, and everything before was fed.
    #[getter]
    fn ended(&self, py: Python<'_>) -> Result<bool> {
        self.look(py, |inbox| inbox.ended && inbox.kept() == 0)
    }
}

impl Link {
    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        // It is whole between any two statements.
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look<T>(&self, py: Python<'_>, what: impl FnOnce(&Inbox) -> T) -> Result<T> {
        // The lock of another process may be held for ever.
        self.connection.get().check_process()?;
        let _ = py;
        Ok(what(&self.inbox()))
    }

    /// Sends what is pending, which is something; whether nothing is left.
    fn send_out(&self, py: Python<'_>) -> PyResult<bool> {
        let connection = self.connection.get();
        self.stuck.store(true, Ordering::Relaxed);
        loop {
            let octets = connection.pending(py, WRITE_SIZE)?;
            let sent = match self.sock.call_method1(py, intern!(py, "send"), (octets,)) {
                Ok(sent) => sent.extract(py)?,
                Err(error) if error.is_instance_of::<PyBlockingIOError>(py) => return Ok(false),
                Err(error) => return Err(error),
            };
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

    /// Receives where nothing is left of the last time and the connection wants more; whether there is anything to
    /// go on with.
    fn fetch(&self, py: Python<'_>, state: State) -> PyResult<bool> {
        if !self.inbox().is_empty() || !state.contains(State::WANT_READ) {
            return Ok(true);
        }
        match self.sock.call_method1(py, intern!(py, "recv"), (READ_SIZE,)) {
            Ok(octets) => {
                self.inbox().push(octets.extract(py)?);
                Ok(true)
            }
            Err(error) if error.is_instance_of::<PyBlockingIOError>(py) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What was received and not yet fed.
struct Inbox {
    octets: VecDeque<PyBackedBytes>,
    /// How many of `octets` were fed, and how much of the next.
    fed: (usize, usize),
    ended: bool,
    received: usize,
}

impl Inbox {
    const fn new() -> Self {
        Self { octets: VecDeque::new(), fed: (0, 0), ended: false, received: 0 }
    }

    fn push(&mut self, octets: PyBackedBytes) {
        if octets.is_empty() {
            self.ended = true;
        } else {
            self.received = self.received.saturating_add(octets.len());
            self.octets.push_back(octets);
        }
    }

    fn is_empty(&self) -> bool {
        !self.ended && self.kept() == 0
    }

    fn kept(&self) -> usize {
        let (whole, part) = self.fed;
        let octets: usize = self.octets.iter().skip(whole).map(|octets| octets.len()).sum();
        octets.saturating_sub(part)
    }

    /// Feeds once; how many octets were taken.
    fn feed(&mut self, connection: &mut otls::Connection, now: UnixTime) -> otls::Result<usize> {
        let (whole, part) = self.fed;
        let Some(octets) = self.octets.get(whole) else {
            if self.ended {
                connection.feed_end()?;
            }
            // Of a connection that has failed this is its error.
            return connection.feed(&[], now);
        };
        let taken = connection.feed(octets.get(part..).unwrap_or_default(), now)?;
        let part = part.saturating_add(taken);
        self.fed = if part >= octets.len() { (whole.saturating_add(1), 0) } else { (whole, part) };
        Ok(taken)
    }

    /// Lets go of what was fed: of objects of Python, which is why the connection's work is done by now.
    fn forget_fed(&mut self) {
        self.octets.drain(..self.fed.0);
        self.fed.0 = 0;
    }

    /// Moves data out, and feeds until `limit` is reached or nothing is left to feed.
    fn open(
        &mut self,
        connection: &mut otls::Connection,
        limit: usize,
        now: UnixTime,
    ) -> otls::Result<Wiped> {
        let mut available = connection.available();
        // All of it at once: a vector that grows leaves copies behind.
        let most = available.saturating_add(self.kept()).saturating_add(FRAGMENT).min(limit);
        let mut opened = Wiped(Vec::with_capacity(most));
        loop {
            let begin = opened.0.len();
            if available > 0 {
                opened.0.resize(begin.saturating_add(available).min(most), 0);
                connection.read(opened.0.get_mut(begin..).unwrap_or_default());
            }
            if opened.0.len() == most {
                return Ok(opened);
            }
            if self.is_empty() && !opened.0.is_empty() {
                return Ok(opened);
            }
            match self.feed(connection, now) {
                Ok(0) => return Ok(opened),
                Ok(_) => available = connection.available(),
                Err(error) if opened.0.is_empty() => return Err(error),
                // The connection keeps it for the next call.
                Err(_) => return Ok(opened),
            }
        }
    }
}
