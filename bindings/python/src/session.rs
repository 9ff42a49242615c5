//! Resumption: a server's ticket keys and a client's sessions.

use std::sync::{Arc, Mutex};

use otls::crypto::SystemRandom;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert::{Moment, Octets, datetime, moment_or_now};
use crate::failure::{Failure, Result};

/// The keys that a server seals its session tickets with. They change every 12 hours by themselves.
///
/// Servers that hold the same keys resume each other's sessions: `export` on one, `load` on the others.
#[pyclass(frozen, module = "otls")]
pub(crate) struct TicketKeys(pub(crate) Arc<otls::TicketKeys>);

#[pymethods]
impl TicketKeys {
    /// New keys.
    #[staticmethod]
    #[pyo3(signature = (*, now=None))]
    fn generate(now: Option<Moment>) -> Result<Self> {
        Ok(Self(Arc::new(otls::TicketKeys::generate(&SystemRandom, moment_or_now(now)?)?)))
    }

    /// Keys that `to_bytes` made, on this server or another.
    #[staticmethod]
    #[pyo3(signature = (data, *, now=None))]
    fn from_bytes(data: Octets, now: Option<Moment>) -> Result<Self> {
        Ok(Self(Arc::new(otls::TicketKeys::from_bytes(&data, moment_or_now(now)?)?)))
    }

    /// The keys as of now. Secret: whoever has them can pass for any client.
    #[pyo3(signature = (*, now=None))]
    fn to_bytes<'py>(&self, py: Python<'py>, now: Option<Moment>) -> Result<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, self.0.to_bytes(moment_or_now(now)?)?.expose()))
    }
}

/// A session that a client may resume, once: `Connection.take_session` gives it, and
/// `Connection.client(session=...)` uses it up. Whoever has it can pass for the client until it expires.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Session(Mutex<Option<otls::Session>>);

impl Session {
    pub(crate) const fn new(session: otls::Session) -> Self {
        Self(Mutex::new(Some(session)))
    }

    /// The session, which is used up by it.
    pub(crate) fn take(&self) -> Result<otls::Session> {
        let taken = self.0.lock().ok().and_then(|mut session| session.take());
        taken.ok_or_else(used_up)
    }

    fn with<T>(&self, work: impl FnOnce(&otls::Session) -> T) -> Result<T> {
        let session = self.0.lock().ok();
        session.as_ref().and_then(|session| session.as_ref()).map(work).ok_or_else(used_up)
    }
}

#[pymethods]
impl Session {
    /// A session that `to_bytes` saved.
    #[staticmethod]
    fn from_bytes(data: Octets) -> Result<Self> {
        Ok(Self::new(otls::Session::from_bytes(&data)?))
    }

    /// For `from_bytes`. Secret.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyBytes>> {
        let bytes = self.with(otls::Session::to_bytes)?;
        Ok(PyBytes::new(py, bytes.expose()))
    }

    /// The server that it is with.
    #[getter]
    fn server_name(&self) -> Result<String> {
        self.with(|session| session.server_name().to_string())
    }

    /// From then on it is of no use.
    #[getter]
    fn expires_at<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyAny>> {
        let at = self.with(otls::Session::expires_at)?;
        Ok(datetime(py, at)?)
    }

    /// When both sides last showed their certificates: the time of the full handshake, and not of one that
    /// resumed it.
    #[getter]
    fn authenticated_at<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyAny>> {
        let at = self.with(otls::Session::authenticated_at)?;
        Ok(datetime(py, at)?)
    }
}

fn used_up() -> Failure {
    Failure::misuse("this session was used", "take the next one from the new connection")
}
