//! A client that any server may answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otls::State;
use otls_fuzz::{WORLD, feed};

fuzz_target!(|data: &[u8]| {
    let mut client = WORLD.client();
    feed(&mut client, data);
    assert!(!client.state().contains(State::HANDSHAKE_DONE), "nobody can guess the keys");
});
