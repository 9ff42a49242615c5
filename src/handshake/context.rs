//! What the handshake hands to the connection.

use super::facts::Facts;
use super::outbox::Outbox;
use crate::time::UnixTime;

/// Everything that a handler may touch besides its own state.
pub(crate) struct Context<'a> {
    pub(crate) out: &'a mut Outbox,
    pub(crate) facts: &'a mut Facts,
    pub(crate) now: UnixTime,
}
