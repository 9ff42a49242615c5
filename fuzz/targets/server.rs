//! A server that any client may talk to; every other input has it choose its configuration late.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otls::{Connection, State};
use otls_fuzz::{NOW, WORLD, feed};

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    let mut server = if first.is_multiple_of(2) {
        Connection::server(WORLD.server_config())
    } else {
        Connection::accept()
    };
    feed(&mut server, data);
    if server.state().contains(State::NEED_CONFIG) {
        assert!(server.offer().is_some());
        let _ = server.configure(WORLD.server_config(), NOW);
    }
    assert!(!server.state().contains(State::HANDSHAKE_DONE), "nobody can guess the keys");
});
