//! Where a handshake waits for the caller.

use std::io;

use crate::connection::{Connection, State};
use crate::error::{Error, Result};

pub(super) fn is_paused(state: State) -> bool {
    state.contains(State::NEED_CONFIG) || state.contains(State::NEED_CLIENT_CERT)
}

/// Runs what a server or a client was asked to do where its handshake paused.
pub(super) fn answer(
    connection: &mut Connection,
    answer: &mut impl FnMut(&mut Connection) -> Result<()>,
) -> io::Result<()> {
    match answer(connection) {
        // The handshake goes on, to tell the peer what became of it.
        Err(_) if connection.error().is_some() => Ok(()),
        Err(error) => Err(error.into()),
        Ok(()) if is_paused(connection.state()) => Err(Error::misuse(
            "a paused handshake that was not answered",
            "call configure or provide_identity",
        )
        .into()),
        Ok(()) => Ok(()),
    }
}
