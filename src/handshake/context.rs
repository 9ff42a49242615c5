//! What the handshake hands to the connection.

use super::facts::Facts;
use super::outbox::Outbox;
use crate::record::Opener;
use crate::time::UnixTime;
use crate::trace::Direction;

/// Everything that a handler may touch besides its own state.
pub(crate) struct Context<'a> {
    pub(crate) out: &'a mut Outbox,
    /// What the next record is read with.
    pub(crate) opener: &'a mut Option<Opener>,
    pub(crate) facts: &'a mut Facts,
    pub(crate) now: UnixTime,
}

impl Context<'_> {
    /// Has the connection read with `opener` from the next record on.
    pub(super) fn set_opener(&mut self, opener: Opener) {
        *self.opener = Some(opener);
        self.out.tell(|trace| trace.change_keys(Direction::Received));
    }
}
