//! Enrolment (RFC 7030) without I/O.

use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use otls::Secret;
use otls::crypto::SystemRandom;
use otls::est;
use otls::pki::{Profile, RevocationReason};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::convert::{Material, Moment, Octets, datetime, hex, moment_or_now, profile};
use crate::ending::released;
use crate::failure::{Failure, Result};
use crate::pki::authority::Authority;
use crate::pki::certificate::{Certificate, CertificateRequest, integer};

/// The client's half of one request: send `request`, feed what comes back.
#[pyclass(frozen, module = "otls")]
pub(crate) struct EstClient {
    client: Mutex<est::EstClient>,
    request: Secret,
}

#[pymethods]
impl EstClient {
    /// Asks the server `host` for the authority's certificates.
    #[staticmethod]
    fn cacerts(host: &str) -> Self {
        Self::new(plain(est::EstClient::cacerts(host)))
    }

    /// Asks the server `host` for a certificate of a profile, "server" or "client", with an
    /// enrolment token if it wants one.
    #[staticmethod]
    #[pyo3(signature = (host, profile, request, *, token=None))]
    fn simpleenroll(
        host: &str,
        profile: &str,
        request: &CertificateRequest,
        token: Option<Material>,
    ) -> Result<Self> {
        let profile = self::profile(profile)?;
        Ok(Self::new(match token {
            Some(token) => {
                est::EstClient::simpleenroll_with_token(host, profile, &request.0, &token.into_secret())
            }
            None => plain(est::EstClient::simpleenroll(host, profile, &request.0)),
        }))
    }

    /// The bytes to send.
    #[getter]
    fn request<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.request.expose())
    }

    /// Takes decrypted bytes; returns the certificates once the reply is complete: those of the
    /// authority, or the one that was issued.
    fn feed(&self, py: Python<'_>, data: Octets) -> Result<Option<Vec<Certificate>>> {
        Ok(released(py, || locked(&self.client)?.feed(&data))?.map(certificates))
    }

    /// The connection ended with close_notify, which may be what ends the reply: returns it, or
    /// raises that it is not complete.
    fn feed_end(&self) -> Result<Option<Vec<Certificate>>> {
        Ok(locked(&self.client)?.feed_end()?.map(certificates))
    }
}

impl EstClient {
    fn new((client, request): (est::EstClient, Secret)) -> Self {
        Self { client: Mutex::new(client), request }
    }
}

fn plain((client, request): (est::EstClient, Vec<u8>)) -> (est::EstClient, Secret) {
    (client, Secret::from(request))
}

fn certificates(reply: est::EstReply) -> Vec<Certificate> {
    match reply {
        est::EstReply::CaCertificates(certificates) => certificates.into_iter().map(Certificate).collect(),
        est::EstReply::Enrolled(certificate) => vec![Certificate(certificate)],
    }
}

/// The server's half: answers one client's requests.
///
/// A responder for one connection. `default_profile` is for requests that name none;
/// certificates are valid for `lifetime`, 90 days by default. `peer` is the certificate that the client has
/// authenticated with: it may have a new one for another key.
///
/// Server certificates take a token of the register, or a `peer` that has one for the same names; with
/// `require_token=True` so do those of clients. With `open_to_servers=True` neither does: only where nobody
/// but this machine reaches it. Loopback names then belong to their first key, as others do.
#[pyclass(frozen, module = "otls")]
pub(crate) struct EstServer(Mutex<est::EstServer>);

#[pymethods]
impl EstServer {
    #[new]
    #[pyo3(signature = (
        authority, *, default_profile="client", lifetime=None, peer=None, require_token=false,
        open_to_servers=false,
    ))]
    fn new(
        authority: &Authority,
        default_profile: &str,
        lifetime: Option<Duration>,
        peer: Option<&Certificate>,
        require_token: bool,
        open_to_servers: bool,
    ) -> Result<Self> {
        if require_token && open_to_servers {
            return Err(Failure::misuse(
                "require_token and open_to_servers at once",
                "pass one of them, or neither",
            ));
        }
        let profile = profile(default_profile)?;
        let mut server =
            est::EstServer::new(Arc::clone(&authority.0), profile, lifetime.unwrap_or(NINETY_DAYS));
        if let Some(peer) = peer {
            server = server.with_peer(&peer.0);
        }
        if require_token {
            server = server.with_required_token();
        }
        if open_to_servers {
            server = server.with_open_servers();
        }
        Ok(Self(Mutex::new(server)))
    }

    /// Takes decrypted bytes; returns the responses to the requests that are complete. What was
    /// issued is in `register` then: keep the register before you send.
    #[pyo3(signature = (data, register, *, now=None))]
    fn feed<'py>(
        &self,
        py: Python<'py>,
        data: Octets,
        register: &Register,
        now: Option<Moment>,
    ) -> Result<Bound<'py, PyBytes>> {
        let now = moment_or_now(now)?;
        let response = released(py, || {
            let mut register = locked(&register.0)?;
            locked(&self.0)?.feed(&data, &mut register, now, &SystemRandom)
        })?;
        Ok(PyBytes::new(py, &response))
    }

    /// Whether the last response ends the connection.
    #[getter]
    fn is_done(&self) -> Result<bool> {
        Ok(locked(&self.0)?.is_done())
    }

    /// What was answered since the last call, oldest first: for the operator's log.
    fn take_exchanges(&self) -> Result<Vec<Exchange>> {
        Ok(locked(&self.0)?.take_exchanges().into_iter().map(Exchange).collect())
    }
}

/// One request that was answered.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Exchange(est::Exchange);

#[pymethods]
impl Exchange {
    /// The method and path; empty if the request could not be read.
    #[getter]
    fn request(&self) -> &str {
        &self.0.request
    }

    /// The HTTP status.
    #[getter]
    fn status(&self) -> u16 {
        self.0.status
    }

    /// Why it was refused, or which certificate was issued.
    #[getter]
    fn outcome(&self) -> &str {
        &self.0.outcome
    }
}

/// What an authority has issued. A name or address belongs to its first key until revoked.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Register(Mutex<est::Register>);

#[pymethods]
impl Register {
    #[new]
    fn new() -> Self {
        Self(Mutex::new(est::Register::default()))
    }

    /// Reads what `to_text` wrote.
    #[staticmethod]
    fn from_text(text: &str) -> Result<Self> {
        Ok(Self(Mutex::new(est::Register::from_text(text)?)))
    }

    /// The text to keep, a line for each entry.
    fn to_text(&self) -> Result<String> {
        Ok(locked(&self.0)?.to_text())
    }

    /// All entries, oldest first.
    #[getter]
    fn entries(&self) -> Result<Vec<RegisterEntry>> {
        Ok(locked(&self.0)?.entries().iter().cloned().map(RegisterEntry).collect())
    }

    /// Marks a serial number as revoked, for no stated reason; false if there is none.
    #[pyo3(signature = (serial, *, now=None))]
    fn revoke(&self, serial: &Bound<'_, PyAny>, now: Option<Moment>) -> Result<bool> {
        let length: usize = serial.call_method0("bit_length")?.extract::<usize>()?.div_ceil(8);
        if length > MAX_SERIAL_LEN {
            return Err(Failure::misuse("a serial number of more than 20 octets", "check the number"));
        }
        let bytes: Vec<u8> = serial.call_method1("to_bytes", (length.max(1), "big"))?.extract()?;
        let now = moment_or_now(now)?;
        Ok(locked(&self.0)?.revoke(&bytes, RevocationReason::Unspecified, now))
    }

    /// The certificates in force that hold a name, in whatever spelling.
    #[pyo3(signature = (name, *, now=None))]
    fn holders(&self, name: &str, now: Option<Moment>) -> Result<Vec<RegisterEntry>> {
        let now = moment_or_now(now)?;
        Ok(locked(&self.0)?.holders(name, now).into_iter().cloned().map(RegisterEntry).collect())
    }

    /// A new token for one enrolment, to be given to whom it is for: good for a certificate of `profile`
    /// whose names, its common name among them, are all in `names`. Only its hash is kept.
    fn new_token(&self, profile: &str, names: Vec<String>) -> Result<String> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let token = locked(&self.0)?.new_token(self::profile(profile)?, &names, &SystemRandom)?;
        Ok(String::from_utf8_lossy(token.expose()).into_owned())
    }

    /// How many tokens are unused.
    #[getter]
    fn token_count(&self) -> Result<usize> {
        Ok(locked(&self.0)?.token_count())
    }

    fn __len__(&self) -> Result<usize> {
        Ok(locked(&self.0)?.entries().len())
    }
}

/// One issued certificate.
#[pyclass(frozen, module = "otls")]
pub(crate) struct RegisterEntry(est::Entry);

#[pymethods]
impl RegisterEntry {
    /// The serial number.
    #[getter]
    fn serial<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        integer(py, &self.0.serial)
    }

    /// `"server"`, `"client"`, `"both"` or `"ca"`.
    #[getter]
    fn profile(&self) -> Result<&'static str> {
        match self.0.profile {
            Profile::Server => Ok("server"),
            Profile::Client => Ok("client"),
            Profile::Both => Ok("both"),
            Profile::Ca { .. } => Ok("ca"),
            _ => Err(otls::Error::Internal("a profile that the bindings do not know").into()),
        }
    }

    /// The names that it holds: no other key gets a certificate with one of them.
    #[getter]
    fn names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.0.names)
    }

    /// The common name; empty if there is none.
    #[getter]
    fn common_name(&self) -> &str {
        &self.0.common_name
    }

    /// SHA-256 of the public key, in hexadecimal.
    #[getter]
    fn key_fingerprint(&self) -> String {
        hex(&self.0.key_fingerprint)
    }

    /// Until when it is valid, in UTC.
    #[getter]
    fn not_after<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.not_after)
    }

    /// When it was revoked, if it was.
    #[getter]
    fn revoked_at<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.revoked.map(|(time, _)| datetime(py, time)).transpose()
    }
}

/// Does not wait for ever: a lock that another thread held when this process was forked is never released.
fn locked<T>(mutex: &Mutex<T>) -> otls::Result<MutexGuard<'_, T>> {
    for _ in 0..LOCK_TRIES {
        match mutex.try_lock() {
            Ok(guard) => return Ok(guard),
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
            Err(TryLockError::Poisoned(_)) => {
                return Err(otls::Error::Internal("an earlier call on this object panicked"));
            }
        }
    }
    Err(otls::Error::ApiMisuse(otls::error::Misuse {
        what: "an object that another thread was using, perhaps when this process was forked",
        hint: "fork before other threads use it",
    }))
}

/// Ten seconds: longer than any call holds a lock.
const LOCK_TRIES: u32 = 10_000;

const BETWEEN_TRIES: Duration = Duration::from_millis(1);

const NINETY_DAYS: Duration = Duration::from_secs(90 * 24 * 3600);

/// RFC 5280 §4.1.2.2.
const MAX_SERIAL_LEN: usize = 20;
