//! The sans-I/O connection: bytes in, bytes out, events. One type for both roles.

mod input;
mod paused;
mod state;
#[cfg(test)]
mod tests;
mod traced;
mod update;

use core::ops::Range;
use std::sync::Arc;

pub use input::Fed;
use state::ELSEWHERE;
pub use state::State;
use zeroize::Zeroize;

use crate::alert::ending;
use crate::codepoints::{AlertDescription, CipherSuite, NamedGroup, SignatureScheme};
use crate::error::{Error, Result};
use crate::handshake::{
    ClientConfig, ClientState, Context, Facts, Outbox, ServerConfig, ServerState, Session,
};
use crate::pki::{Certificate, DistinguishedName, GeneralName, Identity, VerifiedPeer};
use crate::process::Owner;
use crate::record::{Deframer, HandshakeJoiner, KEPT_CAPACITY, Opener};
use crate::secret::Secret;
use crate::time::UnixTime;

/// A TLS 1.3 connection without I/O.
///
/// Bytes that arrive go in with [`feed`](Self::feed), bytes to be sent come out with
/// [`pending`](Self::pending), and [`state`](Self::state) says what to do next. Nothing is called
/// back, no clock is read, no socket is known.
///
/// A connection belongs to the process that made it. A child that is forked has a copy, and would protect
/// other data with the same keys and nonces (RFC 8446 §5.3): there it has failed with
/// [`Error::ApiMisuse`], and nothing is pending. A server that forks accepts first and makes the connection
/// in the child.
///
/// ```
/// use std::sync::Arc;
/// use otls::pki::{GeneralName, TrustStore};
/// use otls::{ClientConfig, Connection, State, UnixTime};
///
/// let config = Arc::new(ClientConfig::new(TrustStore::new()));
/// let name = GeneralName::parse("bank.example")?;
/// let client = Connection::client(config, name, UnixTime(1_800_000_000))?;
/// assert!(client.state().contains(State::WANT_WRITE));
/// assert_eq!(client.pending().first(), Some(&22)); // a handshake record: the ClientHello
/// # Ok::<(), otls::Error>(())
/// ```
pub struct Connection {
    machine: Machine,
    is_server: bool,
    /// Of the call that goes on, or of the last one.
    now: UnixTime,
    deframer: Deframer,
    joiner: HandshakeJoiner,
    opener: Option<Opener>,
    /// A protected record was opened: from here on nothing unprotected is believed.
    opened_any: bool,
    /// Undelivered plaintext, as a range of the payload of the record in `deframer`; empty where there is none.
    plaintext: Range<usize>,
    out: Outbox,
    facts: Facts,
    peer_closed: bool,
    closed: bool,
    error: Option<Box<Error>>,
    owner: Owner,
}

crate::shown::shown!(Connection, is_server, state, error);

enum Machine {
    Client(ClientState),
    Server(ServerState),
    /// The connection failed; or, for the length of a call, its state is with a handler.
    Gone,
}

impl Connection {
    /// A client that connects to the server of this name; its ClientHello is pending at once, and says how old
    /// a session is `now`.
    ///
    /// # Errors
    /// [`crate::error::CertificateError::BadName`] for a name that no server has: an e-mail address, a URI, or one
    /// with a wildcard. [`Error::Random`].
    pub fn client(config: Arc<ClientConfig>, server_name: GeneralName, now: UnixTime) -> Result<Self> {
        Self::new_client(config, server_name, None, now)
    }

    /// A client that offers to resume `session`, which is used up: offered twice it would tell who
    /// listens that both connections are of one client (RFC 8446 §C.4). Where the session cannot be
    /// resumed, because it is of another server, another certificate of ours, expired, or no longer
    /// good by `config`, and where the server does not want to, the handshake is a full one;
    /// [`Connection::resumed`] tells.
    ///
    /// # Errors
    /// As [`Connection::client`].
    pub fn client_resuming(
        config: Arc<ClientConfig>,
        server_name: GeneralName,
        session: Session,
        now: UnixTime,
    ) -> Result<Self> {
        Self::new_client(config, server_name, Some(session), now)
    }

    fn new_client(
        config: Arc<ClientConfig>,
        server_name: GeneralName,
        session: Option<Session>,
        now: UnixTime,
    ) -> Result<Self> {
        server_name.check_server()?;
        let mut connection = Self::new(Machine::Gone, false, Outbox::for_client(), now);
        connection
            .step(|_, cx| Ok(Machine::Client(ClientState::start(config, server_name, session, cx)?)))?;
        connection.out.flush()?;
        Ok(connection)
    }

    /// A server.
    pub fn server(config: Arc<ServerConfig>) -> Self {
        Self::new_server(Some(config))
    }

    /// A server that chooses its configuration after it has read the ClientHello
    /// ([`State::NEED_CONFIG`]).
    pub fn accept() -> Self {
        Self::new_server(None)
    }

    fn new_server(config: Option<Arc<ServerConfig>>) -> Self {
        Self::new(Machine::Server(ServerState::start(config)), true, Outbox::default(), UnixTime(0))
    }

    fn new(machine: Machine, is_server: bool, out: Outbox, now: UnixTime) -> Self {
        Self {
            machine,
            is_server,
            now,
            deframer: Deframer::default(),
            joiner: HandshakeJoiner::default(),
            opener: None,
            opened_any: false,
            plaintext: 0..0,
            out,
            facts: Facts::default(),
            peer_closed: false,
            closed: false,
            error: None,
            owner: Owner::new(),
        }
    }

    /// Takes bytes that arrived and returns how many were taken; certificates, tickets and sessions among them are
    /// judged as of `now`, the time at which the bytes are fed. It takes fewer while
    /// NEED_CONFIG, NEED_CLIENT_CERT or HAVE_PLAINTEXT stand in the way: feed the rest again after
    /// that. Octets after close_notify are ignored (RFC 8446 §6.1).
    ///
    /// # Errors
    /// The first error is final; its alert is pending.
    pub fn feed(&mut self, bytes: &[u8], now: UnixTime) -> Result<usize> {
        self.check_alive()?;
        self.now = now;
        self.take(bytes).map_err(|error| self.fail(error))
    }

    /// The transport ended.
    ///
    /// # Errors
    /// [`Error::Truncated`] unless the peer sent close_notify.
    pub fn feed_end(&mut self) -> Result<()> {
        self.check_alive()?;
        if self.peer_closed { Ok(()) } else { Err(self.fail(Error::Truncated)) }
    }

    /// Whether the peer has sent close_notify.
    pub(crate) fn peer_has_closed(&self) -> bool {
        self.peer_closed
    }

    /// Bytes for the peer.
    pub fn pending(&self) -> &[u8] {
        // A child would send once more what its parent sends.
        if self.owner.is_here() { self.out.pending() } else { &[] }
    }

    /// Forgets the first `len` octets of [`Connection::pending`]: they were written.
    pub fn consume(&mut self, len: usize) {
        self.out.consume(len);
        if self.out.pending().is_empty() {
            match &mut self.machine {
                Machine::Client(ClientState::Established(state))
                | Machine::Server(ServerState::Established(state)) => state.sent(),
                Machine::Client(_) | Machine::Server(_) | Machine::Gone => {}
            }
        }
    }

    /// What the connection wants and has.
    pub fn state(&self) -> State {
        if !self.owner.is_here() {
            return State::FAILED;
        }
        let mut bits = 0;
        let mut set = |condition: bool, state: State| bits |= if condition { state.0 } else { 0 };
        let failed = self.error.is_some();
        set(!failed && !self.peer_closed && self.wants_input(), State::WANT_READ);
        set(!self.out.pending().is_empty(), State::WANT_WRITE);
        set(matches!(self.machine, Machine::Server(ServerState::Config(_))), State::NEED_CONFIG);
        set(matches!(self.machine, Machine::Client(ClientState::Identity(_))), State::NEED_CLIENT_CERT);
        set(!self.plaintext.is_empty(), State::HAVE_PLAINTEXT);
        set(self.is_established(), State::HANDSHAKE_DONE);
        set(self.is_established() && self.facts.confirmed, State::CONFIRMED);
        set(self.peer_closed || self.closed, State::CLOSED);
        set(failed, State::FAILED);
        State(bits)
    }

    /// Protects application data of any length; it is then pending. An empty `plaintext` makes an
    /// empty record. Nothing is sealed on an error.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] before HANDSHAKE_DONE or after [`Connection::close`]; the stored error
    /// of a failed connection.
    pub fn seal(&mut self, plaintext: &[u8]) -> Result<()> {
        self.seal_messages([plaintext])
    }

    /// Protects each of these messages in a record of its own, where it is not too long for one: as many calls of
    /// [`Connection::seal`], and faster.
    ///
    /// # Errors
    /// As [`Connection::seal`].
    pub fn seal_messages<'a>(&mut self, messages: impl IntoIterator<Item = &'a [u8]>) -> Result<()> {
        self.check_writable()?;
        let sealed = messages
            .into_iter()
            .try_for_each(|message| self.renew_write_key().and_then(|()| self.out.data(message)));
        sealed.map_err(|error| self.fail(error))
    }

    /// As [`Connection::seal`], into a buffer of the caller, which is not given back as the connection's own is:
    /// appends to `out` what is pending, and then the records. Nothing is pending afterwards. Allocates only
    /// where `out` has no room.
    ///
    /// # Errors
    /// As [`Connection::seal`].
    pub fn seal_into(&mut self, plaintext: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.check_writable()?;
        let sealed = self.renew_write_key().and_then(|()| self.out.data_into(plaintext, out));
        self.consume(0);
        sealed.map_err(|error| self.fail(error))
    }

    /// Replaces the key that we seal with (RFC 8446 §4.6.3); with `request` the peer has to replace
    /// its own as well. Done by itself before a key's limit is reached (RFC 8446 §5.5).
    ///
    /// # Errors
    /// As [`Connection::seal`].
    pub fn update_keys(&mut self, request: bool) -> Result<()> {
        self.check_writable()?;
        self.replace_write_key(request).map_err(|error| self.fail(error))
    }

    /// Moves decrypted data to the front of `out` and returns the number of octets; 0 where there
    /// is none. The connection's own copy is wiped.
    pub fn read(&mut self, out: &mut [u8]) -> usize {
        let available = self.available();
        if available == 0 {
            return 0;
        }
        let moved = out.len().min(available);
        let start = self.plaintext.start;
        self.plaintext.start = start.saturating_add(moved);
        let moving = start..self.plaintext.start;
        let source = self.deframer.record().and_then(|record| record.payload.get_mut(moving));
        if let (Some(source), Some(target)) = (source, out.get_mut(..moved)) {
            target.copy_from_slice(source);
            source.zeroize();
        }
        if self.plaintext.is_empty() {
            self.deframer.clear();
            self.deframer.release(KEPT_CAPACITY);
        }
        moved
    }

    /// The number of octets that [`Connection::read`] could move now.
    pub fn available(&self) -> usize {
        if self.owner.is_here() { self.plaintext.len() } else { 0 }
    }

    /// Queues close_notify; the peer may still send (RFC 8446 §6.1). Before HANDSHAKE_DONE it gives
    /// the handshake up.
    pub fn close(&mut self) {
        if self.closed || self.error().is_some() {
            return;
        }
        self.closed = true;
        if !self.is_established() && self.out.alert(AlertDescription::USER_CANCELED).is_err() {
            return;
        }
        if let Err(error) = self.out.alert(AlertDescription::CLOSE_NOTIFY) {
            self.fail(error);
        }
    }

    /// The peer, once its certificate and its possession of the key are verified; nobody once the connection
    /// has failed. From HANDSHAKE_DONE on a connection keeps its certificates' octets alone, and each call parses
    /// them again: keep what is returned where it is needed often.
    pub fn peer(&self) -> Option<VerifiedPeer> {
        self.facts.verified_peer()
    }

    /// The subject of the peer's certificate, as [`Connection::peer`] has it, at less cost.
    pub fn peer_subject(&self) -> Option<DistinguishedName> {
        self.facts.peer_subject()
    }

    /// SHA-256 of the peer's certificate, from HANDSHAKE_DONE on: without parsing it.
    pub(crate) fn peer_fingerprint(&self) -> Option<[u8; 32]> {
        self.facts.peer_fingerprint()
    }

    /// The certificate that we showed the peer, on this connection or on the one that it resumes; none once
    /// the connection has failed.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.facts.certificate.as_ref()
    }

    /// Whether this connection resumes an earlier one (RFC 8446 §2.2): the peers are those of that one.
    pub fn resumed(&self) -> bool {
        self.facts.resumed
    }

    /// Whether the server has asked for another key share (HelloRetryRequest, RFC 8446 §4.1.4), which costs a
    /// round trip: [`ClientConfig::with_key_shares`] can save it.
    pub fn retried(&self) -> bool {
        self.facts.retried
    }

    /// The application protocol that was agreed on (ALPN, RFC 7301).
    pub fn alpn(&self) -> Option<&[u8]> {
        self.facts.alpn.as_deref()
    }

    /// The newest session that the server offers to resume, where [`ClientConfig::with_sessions`] keeps any.
    /// Sessions come after HANDSHAKE_DONE, with what the server sends next. A failed connection has none
    /// (RFC 8446 §6.2).
    pub fn take_session(&mut self) -> Option<Session> {
        // Offered by two processes it would tell who listens that both are one client (RFC 8446 §C.4).
        match &mut self.machine {
            Machine::Client(ClientState::Established(state)) if self.owner.is_here() => state.take_session(),
            Machine::Client(_) | Machine::Server(_) | Machine::Gone => None,
        }
    }

    /// The secrets since the last call, in the format of `SSLKEYLOGFILE` (RFC 9850), where
    /// [`crate::Config::with_key_log`] asks for them.
    pub fn take_key_log(&mut self) -> Option<Secret> {
        self.facts.key_log.as_mut()?.take()
    }

    /// The identity that we authenticated with; none for a client that resumes, which proves nothing
    /// anew: see [`Connection::certificate`]. None once the connection has failed.
    pub fn identity(&self) -> Option<&Arc<Identity>> {
        self.facts.identity.as_ref()
    }

    /// The negotiated suite.
    pub fn suite(&self) -> Option<CipherSuite> {
        self.facts.suite
    }

    /// The negotiated group.
    pub fn group(&self) -> Option<NamedGroup> {
        self.facts.group
    }

    /// The scheme with which the peer signed.
    pub fn peer_scheme(&self) -> Option<SignatureScheme> {
        self.facts.peer_scheme
    }

    /// The scheme with which we signed.
    pub fn scheme(&self) -> Option<SignatureScheme> {
        self.facts.scheme
    }

    /// Whether we are the server.
    pub fn is_server(&self) -> bool {
        self.is_server
    }

    /// Keying material that both sides have and nobody else (RFC 8446 §7.5).
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] before HANDSHAKE_DONE or for a label or output that is too long.
    pub fn export(&self, label: &[u8], context: &[u8], out: &mut [u8]) -> Result<()> {
        if !self.owner.is_here() {
            return Err(ELSEWHERE.clone());
        }
        match &self.facts.exporter {
            Some(exporter) if self.is_established() => exporter.export(label, context, out),
            _ => Err(Error::misuse("the exporter is not ready", "wait for HANDSHAKE_DONE")),
        }
    }

    /// Why the connection failed.
    pub fn error(&self) -> Option<&Error> {
        if self.owner.is_here() { self.error.as_deref() } else { Some(&ELSEWHERE) }
    }

    fn is_established(&self) -> bool {
        matches!(
            self.machine,
            Machine::Client(ClientState::Established(_)) | Machine::Server(ServerState::Established(_))
        )
    }

    fn check_alive(&self) -> Result<()> {
        self.error().cloned().map_or(Ok(()), Err)
    }

    fn check_writable(&self) -> Result<()> {
        self.check_alive()?;
        if !self.is_established() {
            return Err(Error::misuse("data before the handshake is done", "wait for HANDSHAKE_DONE"));
        }
        if self.closed {
            return Err(Error::misuse("data after close", "seal everything before close"));
        }
        Ok(())
    }

    /// Runs one transition; the state is consumed by it, so a failed one leaves none.
    fn step(&mut self, transition: impl FnOnce(Machine, &mut Context<'_>) -> Result<Machine>) -> Result<()> {
        let before = self.traced_state();
        let machine = core::mem::replace(&mut self.machine, Machine::Gone);
        let Self { out, opener, facts, .. } = self;
        let mut cx = Context { out, opener, facts, now: self.now };
        self.machine = transition(machine, &mut cx)?;
        self.tell_state(before);
        Ok(())
    }

    /// The first error is final: it is stored, its alert is queued, keys and plaintext are wiped, and the peer
    /// is nobody any more.
    fn fail(&mut self, error: Error) -> Error {
        let error = error.of_a_connection();
        self.out.tell(|trace| trace.error(&error));
        if let Some(alert) = ending(&error) {
            // An alert that cannot be sealed is not worth another error.
            let _ = self.out.alert(alert);
        }
        self.out.drop_key();
        self.opener = None;
        self.machine = Machine::Gone;
        self.facts.forget_peers();
        self.plaintext = 0..0;
        self.deframer = Deframer::default();
        self.joiner = HandshakeJoiner::default();
        self.error = Some(Box::new(error.clone()));
        error
    }
}
