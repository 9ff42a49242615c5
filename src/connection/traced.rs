//! The trace of a connection, for its owner.

use core::time::Duration;

use super::{Connection, State};
use crate::secret::Secret;
use crate::trace::{Direction, Trace, TraceLevel};

impl Connection {
    /// Has the connection record what happens to it, for [`Connection::take_trace`]: each record, each message field
    /// by field, how each key comes about, what was checked of the peer and why it was refused. To be called before
    /// anything is fed; a ClientHello that is pending is recorded. Without it nothing is recorded.
    ///
    /// With [`TraceLevel::Secrets`] whoever sees the trace reads the connection, as with
    /// [`crate::Config::with_key_log`]; it has no private key. See docs/trace.md for the schema.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use otls::pki::{GeneralName, TrustStore};
    /// # use otls::{ClientConfig, Connection, TraceLevel, UnixTime};
    /// # let config = Arc::new(ClientConfig::new(TrustStore::new()));
    /// # let name = GeneralName::parse("bank.example")?;
    /// let mut client = Connection::client(config, name, UnixTime(1_800_000_000))?;
    /// client.set_trace(TraceLevel::Messages);
    /// let lines = client.take_trace().ok_or("nothing has happened")?;
    /// let first = lines.expose().split(|octet| *octet == b'\n').next().unwrap_or_default();
    /// assert!(first.starts_with(b"{\"event\":\"message\""));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_trace(&mut self, level: TraceLevel) {
        let mut trace = Box::new(Trace::new(level, self.is_server));
        let pending = self.out.pending();
        // A client's first record holds its ClientHello; the header has five octets.
        if let Some((_, hello)) = pending.split_at_checked(5).filter(|(_, hello)| !hello.is_empty()) {
            trace.message(Direction::Sent, hello);
            trace.records(Direction::Sent, pending);
        }
        self.out.trace = Some(trace);
    }

    /// The time of the events that follow, since 1970-01-01T00:00:00Z: the caller's clock, as with `now`. Without it
    /// events have no time.
    pub fn set_trace_time(&mut self, since_epoch: Duration) {
        self.out.tell(|trace| trace.set_time(since_epoch));
    }

    /// Whether [`Connection::set_trace`] was called.
    pub fn is_traced(&self) -> bool {
        self.out.trace.is_some()
    }

    /// The state, where somebody wants to know of its changes.
    pub(super) fn traced_state(&self) -> Option<State> {
        self.is_traced().then(|| self.state())
    }

    /// Tells of what came about since `before`.
    pub(super) fn tell_state(&mut self, before: Option<State>) {
        let (Some(before), now) = (before, self.state()) else { return };
        for (state, name) in [
            (State::NEED_CONFIG, "NEED_CONFIG"),
            (State::NEED_CLIENT_CERT, "NEED_CLIENT_CERT"),
            (State::HANDSHAKE_DONE, "HANDSHAKE_DONE"),
            (State::CONFIRMED, "CONFIRMED"),
        ] {
            if now.contains(state) && !before.contains(state) {
                self.out.tell(|trace| trace.state(name));
            }
        }
    }

    /// What has happened since the last call, one line of JSON for each event; `None` where nothing has.
    pub fn take_trace(&mut self) -> Option<Secret> {
        let owned = self.owner.is_here();
        self.out.trace.as_mut().filter(|_| owned)?.take()
    }
}
