//! What binds a message to its connection.

use crate::connection::{Connection, State};
use crate::error::{Error, Result};

pub(super) fn exported(connection: &Connection, label: &[u8], purpose: &[u8]) -> Result<[u8; 32]> {
    if !connection.state().contains(State::HANDSHAKE_DONE) {
        return Err(Error::misuse("OTP messages before the handshake is done", "wait for HANDSHAKE_DONE"));
    }
    let (Some(certificate), Some(theirs)) = (connection.certificate(), connection.peer_fingerprint()) else {
        return Err(Error::misuse(
            "OTP messages on a connection with an anonymous side",
            "require client certificates: ClientAuth::Require, and an identity for the client",
        ));
    };
    let ours = certificate.fingerprint();
    let (server, client) = if connection.is_server() { (&ours, &theirs) } else { (&theirs, &ours) };
    let context = [purpose, server, client].concat();
    let mut exported = [0; 32];
    connection.export(label, &context, &mut exported)?;
    Ok(exported)
}
