//! Who is told what happens on a stream.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::connection::Connection;
use crate::trace::TraceLevel;

/// Takes lines of a trace.
#[derive(Clone)]
pub(super) struct Listener(Arc<Tell>);

type Tell = dyn Fn(&[u8]) + Send + Sync;

impl Listener {
    /// From here on `tell` has what happens on the connection.
    pub(super) fn start(
        connection: &mut Connection,
        level: TraceLevel,
        tell: impl Fn(&[u8]) + Send + Sync + 'static,
    ) -> Self {
        connection.set_trace(level);
        let listener = Self(Arc::new(tell));
        listener.tell(connection);
        listener
    }

    /// What comes next happens now.
    pub(super) fn stamp(connection: &mut Connection) {
        if connection.is_traced() {
            connection.set_trace_time(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        }
    }

    pub(super) fn tell(&self, connection: &mut Connection) {
        if let Some(lines) = connection.take_trace() {
            (self.0)(lines.expose());
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}
