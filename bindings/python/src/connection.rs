//! The sans-I/O connection.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use otls::internal::Owner;
use otls_explain::Recorder;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyString};
use zeroize::Zeroizing;

use crate::config::{ClientConfig, ServerConfig};
use crate::convert::{Octets, Wiped, alert, moment_or_now};
use crate::ending::{inside, released};
use crate::failure::{Failure, Result, exception};
use crate::offer::{Offer, RequestedCertificate, protocol};
use crate::pki::authority::Identity;
use crate::pki::certificate::Certificate;
use crate::pki::name;
use crate::session::Session;
use crate::trace::Trace;

/// A TLS 1.3 connection without I/O: bytes in, bytes out.
///
/// Made by `Connection.client`, `Connection.server` or `Connection.accept`. What `pending` returns
/// goes to the peer, what the peer sends goes to `feed`. The first error is final: it is raised,
/// kept in `error`, and its alert is pending. Calls from several threads are taken one by one; the
/// interpreter lock is released while a call works.
///
/// It belongs to the process that made it: in one that was forked from it every call raises
/// `otls.ApiMisuse`, because both would protect data with the same keys and nonces. Make the connection
/// after `os.fork()`.
///
/// Certificates are judged at the time of the call that judges them (`feed`, `configure`,
/// `provide_identity`): that of `now`, a callable that returns an aware `datetime`, or of the system's clock.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Connection {
    connection: Mutex<otls::Connection>,
    /// Asked before the lock, which another thread may have held when this process was forked.
    owner: Owner,
    clock: Clock,
    trace: OnceLock<Arc<Recorder>>,
}

#[pymethods]
impl Connection {
    /// A client that connects to the server of this name; its first bytes are pending at once.
    ///
    /// `session` is resumed if it can be, which uses it up; see `resumed`.
    #[staticmethod]
    #[pyo3(signature = (config, server_name, *, session=None, now=None))]
    fn client(
        py: Python<'_>,
        config: &ClientConfig,
        server_name: &str,
        session: Option<&Session>,
        now: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let server_name = name::parse(server_name)?;
        let config = Arc::clone(&config.0);
        let clock = Clock::new(py, now)?;
        let now = clock.read(py)?;
        let session = session.map(Session::take).transpose()?;
        let connection = released(py, || match session {
            Some(session) => otls::Connection::client_resuming(config, server_name, session, now),
            None => otls::Connection::client(config, server_name, now),
        });
        Ok(Self::new(connection.map_err(Failure::from)?, clock))
    }

    /// A server.
    #[staticmethod]
    #[pyo3(signature = (config, *, now=None))]
    fn server(py: Python<'_>, config: &ServerConfig, now: Option<Py<PyAny>>) -> Result<Self> {
        Ok(Self::new(otls::Connection::server(Arc::clone(&config.0)), Clock::new(py, now)?))
    }

    /// A server that pauses (NEED_CONFIG) when it has read what the client offers.
    #[staticmethod]
    #[pyo3(signature = (*, now=None))]
    fn accept(py: Python<'_>, now: Option<Py<PyAny>>) -> Result<Self> {
        Ok(Self::new(otls::Connection::accept(), Clock::new(py, now)?))
    }

    /// Has everything that happens from here on recorded in `trace`; to be called once, before anything is fed.
    fn set_trace(&self, py: Python<'_>, trace: &Trace) -> Result<()> {
        let recorder = Arc::clone(&trace.0);
        let level = recorder.level();
        if self.trace.set(recorder).is_err() {
            return Err(Failure::misuse(
                "a connection with a trace has one already",
                "use one trace for all",
            ));
        }
        self.with(py, |connection| connection.set_trace(level))
    }

    /// What the client offers, from NEED_CONFIG on.
    #[getter]
    fn offer(&self, py: Python<'_>) -> Result<Option<Offer>> {
        self.with(py, |connection| connection.offer().map(Offer))
    }

    /// Goes on with this configuration after NEED_CONFIG.
    fn configure(&self, py: Python<'_>, config: &ServerConfig) -> PyResult<()> {
        let (config, now) = (Arc::clone(&config.0), self.clock.read(py)?);
        Ok(self.with(py, |connection| connection.configure(config, now))?.map_err(Failure::from)?)
    }

    /// What the server asks for, from NEED_CLIENT_CERT on.
    #[getter]
    fn certificate_request(&self, py: Python<'_>) -> Result<Option<RequestedCertificate>> {
        self.with(py, |connection| connection.certificate_request().map(RequestedCertificate))
    }

    /// Goes on with this identity, or with none, after NEED_CLIENT_CERT.
    fn provide_identity(&self, py: Python<'_>, identity: Option<&Identity>) -> PyResult<()> {
        let (identity, now) = (identity.map(|identity| Arc::clone(&identity.0)), self.clock.read(py)?);
        Ok(self.with(py, |connection| connection.provide_identity(identity, now))?.map_err(Failure::from)?)
    }

    /// Gives the handshake up where it waits for us (NEED_CONFIG or NEED_CLIENT_CERT), with the alert that says
    /// why, such as `"unrecognized_name"` or `"access_denied"` (RFC 8446 §6.2). The connection has then failed with
    /// `otls.Rejected`, and the alert is pending.
    fn reject(&self, py: Python<'_>, alert: &str) -> Result<()> {
        let alert = self::alert(alert)?;
        Ok(self.with(py, |connection| connection.reject(alert))??)
    }

    /// Takes bytes that arrived; returns how many were taken. Feed the rest again when NEED_CONFIG,
    /// NEED_CLIENT_CERT or undelivered plaintext no longer stand in the way.
    fn feed(&self, py: Python<'_>, data: Octets) -> PyResult<usize> {
        let now = self.clock.read(py)?;
        Ok(self.with(py, |connection| connection.feed(&data, now))?.map_err(Failure::from)?)
    }

    /// The transport ended; raises `otls.TruncatedError` unless the peer said close_notify.
    fn feed_end(&self, py: Python<'_>) -> Result<()> {
        Ok(self.with(py, otls::Connection::feed_end)??)
    }

    /// Bytes for the peer, at most `limit` of them. They stay pending until `consume`.
    #[pyo3(signature = (limit=PENDING_LIMIT))]
    pub(crate) fn pending<'py>(&self, py: Python<'py>, limit: usize) -> Result<Bound<'py, PyBytes>> {
        let connection = self.lock(py)?;
        let pending = connection.pending();
        Ok(PyBytes::new(py, pending.get(..limit).unwrap_or(pending)))
    }

    /// Forgets the first `length` octets of what is pending: they were sent.
    pub(crate) fn consume(&self, py: Python<'_>, length: usize) -> Result<()> {
        self.with(py, |connection| connection.consume(length))
    }

    /// What the connection wants and has.
    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyAny>> {
        static STATE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let bits = self.with(py, |connection| connection.state().0)?;
        Ok(STATE.import(py, "otls._state", "State")?.call1((bits,))?)
    }

    /// Protects application data; it is then pending.
    pub(crate) fn seal(&self, py: Python<'_>, data: Octets) -> Result<()> {
        Ok(self.with(py, |connection| connection.seal(&data))??)
    }

    /// Replaces the key that we seal with (RFC 8446 §4.6.3); with `request` the peer has to replace
    /// its own as well. Done by itself before a key's limit is reached.
    #[pyo3(signature = (*, request=false))]
    fn update_keys(&self, py: Python<'_>, request: bool) -> Result<()> {
        Ok(self.with(py, |connection| connection.update_keys(request))??)
    }

    /// Takes decrypted data, at most `limit` octets; empty where there is none.
    #[pyo3(signature = (limit=READ_LIMIT))]
    fn read<'py>(&self, py: Python<'py>, limit: usize) -> Result<Bound<'py, PyBytes>> {
        let read = self.with(py, |connection| {
            let mut out = Wiped(vec![0; limit.min(connection.available())]);
            let length = connection.read(&mut out.0);
            out.0.truncate(length);
            out
        })?;
        Ok(PyBytes::new(py, &read.0))
    }

    /// How many octets `read` could return now.
    #[getter]
    fn available(&self, py: Python<'_>) -> Result<usize> {
        self.with(py, |connection| connection.available())
    }

    /// Queues close_notify.
    fn close(&self, py: Python<'_>) -> Result<()> {
        self.with(py, otls::Connection::close)
    }

    /// The peer's certificate, once it and the peer's possession of its key are verified; None once the
    /// connection has failed.
    #[getter]
    fn peer(&self, py: Python<'_>) -> Result<Option<Certificate>> {
        self.with(py, |connection| connection.peer().map(|peer| Certificate(peer.certificate().clone())))
    }

    /// The peer's chain as it was sent, leaf first; empty before it is verified.
    #[getter]
    fn peer_chain(&self, py: Python<'_>) -> Result<Vec<Certificate>> {
        self.with(py, |connection| {
            connection.peer().map(|peer| peer.chain().iter().cloned().map(Certificate).collect())
        })
        .map(Option::unwrap_or_default)
    }

    /// The certificate that we showed the peer, on this connection or on the one that it resumes; None once
    /// the connection has failed.
    #[getter]
    fn certificate(&self, py: Python<'_>) -> Result<Option<Certificate>> {
        self.with(py, |connection| connection.certificate().cloned().map(Certificate))
    }

    /// Whether this connection resumes an earlier one (RFC 8446 §2.2).
    #[getter]
    fn resumed(&self, py: Python<'_>) -> Result<bool> {
        self.with(py, |connection| connection.resumed())
    }

    /// Whether the server has asked for another key share (HelloRetryRequest, RFC 8446 §4.1.4), which costs a
    /// round trip: `key_shares` of `otls.ClientConfig` can save it.
    #[getter]
    fn retried(&self, py: Python<'_>) -> Result<bool> {
        self.with(py, |connection| connection.retried())
    }

    /// The application protocol that was agreed on (ALPN, RFC 7301).
    #[getter]
    fn alpn<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyString>>> {
        let agreed = self.with(py, |connection| connection.alpn().map(<[u8]>::to_vec))?;
        agreed.map(|name| protocol(py, &name)).transpose()
    }

    /// The newest session that the server offers to resume, where the configuration keeps any.
    fn take_session(&self, py: Python<'_>) -> Result<Option<Session>> {
        Ok(self.with(py, otls::Connection::take_session)?.map(Session::new))
    }

    /// The secrets since the last call, as lines of an `SSLKEYLOGFILE` (RFC 9850); `None` without any.
    fn take_key_log(&self, py: Python<'_>) -> Result<Option<String>> {
        let log = self.with(py, otls::Connection::take_key_log)?;
        Ok(log.map(|log| String::from_utf8_lossy(log.expose()).into_owned()))
    }

    /// The identity that we authenticated with; none for a client that resumes.
    #[getter]
    fn identity(&self, py: Python<'_>) -> Result<Option<Identity>> {
        self.with(py, |connection| connection.identity().map(|identity| Identity(Arc::clone(identity))))
    }

    /// The name of the negotiated suite.
    #[getter]
    fn suite(&self, py: Python<'_>) -> Result<Option<String>> {
        self.with(py, |connection| connection.suite().map(|suite| suite.to_string()))
    }

    /// The name of the negotiated group.
    #[getter]
    fn group(&self, py: Python<'_>) -> Result<Option<String>> {
        self.with(py, |connection| connection.group().map(|group| group.to_string()))
    }

    /// The name of the scheme with which we signed.
    #[getter]
    fn scheme(&self, py: Python<'_>) -> Result<Option<String>> {
        self.with(py, |connection| connection.scheme().map(|scheme| scheme.to_string()))
    }

    /// The name of the scheme with which the peer signed.
    #[getter]
    fn peer_scheme(&self, py: Python<'_>) -> Result<Option<String>> {
        self.with(py, |connection| connection.peer_scheme().map(|scheme| scheme.to_string()))
    }

    /// Whether we are the server.
    #[getter]
    fn is_server(&self, py: Python<'_>) -> Result<bool> {
        self.with(py, |connection| connection.is_server())
    }

    /// Keying material that both sides have and nobody else (RFC 8446 §7.5).
    #[pyo3(signature = (label, length, *, context=None))]
    fn export<'py>(
        &self,
        py: Python<'py>,
        label: &str,
        length: usize,
        context: Option<Octets>,
    ) -> Result<Bound<'py, PyBytes>> {
        if length > EXPORT_LIMIT {
            return Err(Failure::misuse("more keying material than an exporter gives", "ask for less"));
        }
        let exported = self.with(py, |connection| {
            let mut out = Zeroizing::new(vec![0; length]);
            connection.export(label.as_bytes(), context.as_deref().unwrap_or_default(), &mut out)?;
            Ok::<_, otls::Error>(out)
        })??;
        Ok(PyBytes::new(py, &exported))
    }

    /// The exception for why the connection failed.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> Result<Option<Bound<'py, PyAny>>> {
        match self.with(py, |connection| connection.error().cloned())? {
            Some(error) => Ok(Some(exception(py, &error)?.into_value(py).into_bound(py).into_any())),
            None => Ok(None),
        }
    }

    fn __repr__(&self, py: Python<'_>) -> Result<String> {
        if !self.owner.is_here() {
            return Ok("<Connection of another process>".to_owned());
        }
        self.with(py, |connection| {
            let side = if connection.is_server() { "server" } else { "client" };
            match connection.suite() {
                Some(suite) => format!("<Connection {side} {suite}>"),
                None => format!("<Connection {side}>"),
            }
        })
    }
}

impl Connection {
    fn new(connection: otls::Connection, clock: Clock) -> Self {
        Self { connection: Mutex::new(connection), owner: Owner::new(), clock, trace: OnceLock::new() }
    }

    /// Raises in a process that was forked from the connection's own.
    pub(crate) fn check_process(&self) -> Result<()> {
        if self.owner.is_here() {
            return Ok(());
        }
        Err(Failure::misuse(
            "a connection of the process that this one was forked from",
            "make the connection after os.fork(), in the process that uses it",
        ))
    }

    /// The time as of which what arrives is judged.
    pub(crate) fn now(&self, py: Python<'_>) -> PyResult<otls::UnixTime> {
        self.clock.read(py)
    }

    /// Works on the connection while other Python threads run.
    pub(crate) fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut otls::Connection) -> T + Send,
    ) -> Result<T> {
        self.check_process()?;
        released(py, || {
            let mut connection = self.connection.lock().map_err(|_| poisoned())?;
            let Some(trace) = self.trace.get() else { return Ok(work(&mut connection)) };
            connection.set_trace_time(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
            let result = work(&mut connection);
            if let Some(lines) = connection.take_trace() {
                trace.record(lines.expose());
            }
            Ok(result)
        })
    }

    fn lock<'a>(&'a self, py: Python<'_>) -> Result<std::sync::MutexGuard<'a, otls::Connection>> {
        use pyo3::sync::MutexExt;
        self.check_process()?;
        let _inside = inside(py);
        self.connection.lock_py_attached(py).map_err(|_| poisoned())
    }
}

/// What tells a connection the time: a callable, or nothing for the system's clock.
struct Clock(Option<Py<PyAny>>);

impl Clock {
    fn new(py: Python<'_>, now: Option<Py<PyAny>>) -> Result<Self> {
        // A time that stands still would judge everything that comes later as of then.
        if now.as_ref().is_some_and(|now| !now.bind(py).is_callable()) {
            return Err(Failure::misuse(
                "a connection whose clock stands still",
                "pass a callable, for example now=lambda: datetime.now(timezone.utc)",
            ));
        }
        Ok(Self(now))
    }

    fn read(&self, py: Python<'_>) -> PyResult<otls::UnixTime> {
        let moment = self.0.as_ref().map(|now| now.extract(py)).transpose()?;
        Ok(moment_or_now(moment)?)
    }
}

// A panic while a call worked: what the connection holds is not to be trusted any more.
const fn poisoned() -> Failure {
    Failure::Core(otls::Error::Internal("an earlier call on this object panicked"))
}

/// What `pending` copies at a time unless told otherwise: four full records.
const PENDING_LIMIT: usize = 64 * 1024;

/// What `read` returns at a time unless told otherwise.
const READ_LIMIT: usize = 64 * 1024;

/// RFC 5869 §2.3: HKDF gives at most 255 blocks, here of SHA-256.
const EXPORT_LIMIT: usize = 255 * 32;
