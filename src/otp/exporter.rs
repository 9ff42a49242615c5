//! What binds a message to its connection.

use crate::connection::{Connection, State};
use crate::crypto::hash::{HashAlgorithm, digest};
use crate::error::{Error, Result};

pub(super) fn exported(connection: &Connection, label: &[u8], purpose: &[u8]) -> Result<[u8; 32]> {
    if !connection.state().contains(State::HANDSHAKE_DONE) {
        return Err(Error::misuse("OTP messages before the handshake is done", "wait for HANDSHAKE_DONE"));
    }
    let (Some(certificate), Some(peer)) = (connection.certificate(), connection.peer()) else {
        return Err(Error::misuse(
            "OTP messages on a connection with an anonymous side",
            "require client certificates: ClientAuth::Require, and an identity for the client",
        ));
    };
    let ours = digest(HashAlgorithm::Sha256, certificate.to_der());
    let theirs = digest(HashAlgorithm::Sha256, peer.certificate().to_der());
    let (server, client) = if connection.is_server() { (&ours, &theirs) } else { (&theirs, &ours) };
    let context = [purpose, server.as_ref(), client.as_ref()].concat();
    let mut exported = [0; 32];
    connection.export(label, &context, &mut exported)?;
    Ok(exported)
}
