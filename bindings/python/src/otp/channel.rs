//! OTP messages on a connection.

use std::sync::{Arc, Mutex};

use otls::{Secret, otp};
use pyo3::prelude::*;

use super::ledger::{CodeText, OtpId};
use super::message::{AnyMessage, Envelope, from_core};
use super::receipt::{self, Receipt};
use crate::connection::Connection;
use crate::convert::{Moment, moment_or_now};
use crate::failure::Result;
use crate::pki::authority::Identity;

/// Sends and receives OTP messages over one connection, which it then has to itself.
///
/// Each message is bound to the connection, to both sides' identities and to its direction. It receives
/// envelopes that show a transaction; with `accept_free_text=True` also those with a text of the bank's own.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Channel {
    connection: Py<Connection>,
    channel: Mutex<otp::Channel>,
}

#[pymethods]
impl Channel {
    #[new]
    #[pyo3(signature = (connection, *, accept_free_text=false))]
    fn new(connection: Py<Connection>, accept_free_text: bool) -> Self {
        let channel = otp::Channel::new();
        let channel = if accept_free_text { channel.with_free_text() } else { channel };
        Self { connection, channel: Mutex::new(channel) }
    }

    /// Seals a message; it is then pending on the connection.
    fn send(&self, py: Python<'_>, message: AnyMessage) -> Result<()> {
        let message = message.to_core();
        self.with(py, |channel, connection| channel.send(connection, &message))
    }

    /// Takes answers about a code that has gone to this connection's customer by another way, by mail or over an
    /// earlier connection: without it only the codes of envelopes that were sent here may be answered.
    #[pyo3(signature = (id, expires_at, *, now=None))]
    fn expect(&self, py: Python<'_>, id: &OtpId, expires_at: Moment, now: Option<Moment>) -> Result<()> {
        let (id, expires_at, now) = (id.0, expires_at.0, moment_or_now(now)?);
        self.with(py, |channel, _| channel.expect(id, expires_at, now))
    }

    /// The next whole message of those that the connection has decrypted, or `None`.
    #[pyo3(signature = (*, now=None))]
    fn receive<'py>(&self, py: Python<'py>, now: Option<Moment>) -> Result<Option<Bound<'py, PyAny>>> {
        let now = moment_or_now(now)?;
        let received = self.with(py, |channel, connection| {
            let Some(message) = channel.receive(connection, now)? else { return Ok(None) };
            let signed = match &message {
                otp::Message::Answer(answer) => answer.receipt.clone(),
                otp::Message::Envelope(_) | otp::Message::Verdict { .. } => None,
            };
            let receipt = signed.map(|signed| otp::Receipt::new(signed, connection));
            Ok(Some((message, receipt.transpose()?)))
        })?;
        match received {
            Some((message, receipt)) => Ok(Some(from_core(py, message, receipt)?)),
            None => Ok(None),
        }
    }

    /// Returns a code, by default that of `envelope`, with a signed receipt: the customer approves what
    /// `envelope` asks. `identity` as in `Receipt.sign`. Returns what was signed.
    #[pyo3(signature = (envelope, code=None, *, identity=None, now=None))]
    fn approve(
        &self,
        py: Python<'_>,
        envelope: &Envelope,
        code: Option<CodeText>,
        identity: Option<&Identity>,
        now: Option<Moment>,
    ) -> Result<Receipt> {
        let code = code.map_or_else(|| envelope.0.code.expose().to_vec(), |code| code.0.as_bytes().to_vec());
        let answer = otp::Answer::new(envelope.0.id, Secret::from(code));
        self.answer(py, envelope, answer, identity, now)
    }

    /// Declines what `envelope` asks, with a signed receipt and without a code; as `approve`.
    #[pyo3(signature = (envelope, *, identity=None, now=None))]
    fn decline(
        &self,
        py: Python<'_>,
        envelope: &Envelope,
        identity: Option<&Identity>,
        now: Option<Moment>,
    ) -> Result<Receipt> {
        self.answer(py, envelope, otp::Answer::declined(envelope.0.id), identity, now)
    }

    /// The connection that the messages go over.
    #[getter]
    fn connection(&self, py: Python<'_>) -> Py<Connection> {
        self.connection.clone_ref(py)
    }
}

impl Channel {
    fn answer(
        &self,
        py: Python<'_>,
        envelope: &Envelope,
        answer: otp::Answer,
        identity: Option<&Identity>,
        now: Option<Moment>,
    ) -> Result<Receipt> {
        let now = moment_or_now(now)?;
        let kept = self.with(py, |channel, connection| {
            let signed = receipt::sign(connection, envelope, &answer, identity, now)?;
            let kept = otp::Receipt::new(signed.clone(), connection)?;
            channel.send(connection, &otp::Message::Answer(answer.with_receipt(signed)))?;
            Ok(kept)
        })?;
        Ok(Receipt(Arc::new(kept)))
    }

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
