//! The puppet in front of both roles.

use std::sync::{Arc, LazyLock};

use otls::codepoints::{AlertDescription, NamedGroup};
use otls::pki::KeyType;
use otls::{ClientConfig, Error};

use super::*;
use crate::common::{NOW, World};

pub static WORLD: LazyLock<World> = LazyLock::new(|| World::new(KeyType::EcdsaP256));

pub fn client_config() -> ClientConfig {
    WORLD.client_config().with_groups(&[NamedGroup::X25519]).unwrap()
}

/// A server and a client that have seen nothing of the puppet yet.
pub fn fresh() -> [Wire; 2] {
    let server = ClientPuppet::new(WORLD.server_config(), Arc::clone(&WORLD.client), NOW);
    let client = ServerPuppet::new(client_config(), Arc::clone(&WORLD.server), NOW);
    [server.wire, client.wire]
}

/// In the middle: a server that waits for the client's flight, a client that waits for the server's.
pub fn shaking_hands() -> [Wire; 2] {
    let server = ClientPuppet::after_flight(WORLD.server_config(), Arc::clone(&WORLD.client), NOW);
    let client = ServerPuppet::after_hello(client_config(), Arc::clone(&WORLD.server), NOW);
    [server.wire, client.wire]
}

/// Done with the handshake.
pub fn established() -> [Wire; 2] {
    let server = ClientPuppet::established(WORLD.server_config(), Arc::clone(&WORLD.client), NOW);
    let client = ServerPuppet::established(client_config(), Arc::clone(&WORLD.server), NOW);
    [server.wire, client.wire]
}

/// `send` does something wrong to each, which is refused with `alert`.
#[track_caller]
pub fn each_refuses(
    wires: [Wire; 2],
    alert: AlertDescription,
    send: impl Fn(&mut Wire) -> Result<(), Error>,
) {
    for mut wire in wires {
        let result = send(&mut wire);
        wire.refused(result, alert);
    }
}
