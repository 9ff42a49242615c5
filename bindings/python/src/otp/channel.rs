//! OTP messages on a connection.

use std::sync::Mutex;

use otls::otp;
use pyo3::prelude::*;

use super::message::{AnyMessage, from_core};
use crate::connection::Connection;
use crate::convert::{Moment, moment_or_now};
use crate::failure::Result;

/// Sends and receives OTP messages over one connection, which it then has to itself.
///
/// Each message is bound to the connection, to both sides' identities and to its direction.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Channel {
    connection: Py<Connection>,
    channel: Mutex<otp::Channel>,
}

#[pymethods]
impl Channel {
    #[new]
    fn new(connection: Py<Connection>) -> Self {
        Self { connection, channel: Mutex::new(otp::Channel::new()) }
    }

    /// Seals a message; it is then pending on the connection.
    fn send(&self, py: Python<'_>, message: AnyMessage) -> Result<()> {
        let message = message.to_core();
        self.with(py, |channel, connection| channel.send(connection, &message))
    }

    /// The next whole message of those that the connection has decrypted, or `None`.
    #[pyo3(signature = (*, now=None))]
    fn receive<'py>(&self, py: Python<'py>, now: Option<Moment>) -> Result<Option<Bound<'py, PyAny>>> {
        let now = moment_or_now(now)?;
        match self.with(py, |channel, connection| channel.receive(connection, now))? {
            Some(message) => Ok(Some(from_core(py, message)?)),
            None => Ok(None),
        }
    }

    /// The connection that the messages go over.
    #[getter]
    fn connection(&self, py: Python<'_>) -> Py<Connection> {
        self.connection.clone_ref(py)
    }
}

impl Channel {
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut otp::Channel, &mut otls::Connection) -> otls::Result<T> + Send,
    ) -> Result<T> {
        let done = self.connection.get().with(py, |connection| {
            let mut channel = self
                .channel
                .lock()
                .map_err(|_| otls::Error::Internal("an earlier call on this object panicked"))?;
            work(&mut channel, connection)
        })?;
        Ok(done?)
    }
}
