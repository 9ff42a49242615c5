//! Both ends of enrolment.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otls::est::{EstClient, EstServer, Register};
use otls::pki::Profile;
use otls_fuzz::{Counted, NOW, WORLD};
use std::sync::Arc;

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    let pieces = || data.chunks(usize::from(first) + 1);

    let mut register = Register::default();
    let mut server =
        EstServer::new(Arc::clone(&WORLD.authority), Profile::Client, std::time::Duration::from_secs(3600))
            .with_open_servers();
    for piece in pieces() {
        if server.feed(piece, &mut register, NOW, &Counted::default()).is_err() || server.is_done() {
            break;
        }
    }
    assert_eq!(Register::from_text(&register.to_text()).unwrap().to_text(), register.to_text());

    let (mut client, _) = EstClient::cacerts("ttp.example");
    let ended = pieces().any(|piece| !matches!(client.feed(piece), Ok(None)));
    if !ended {
        let _ = client.feed_end();
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Register::from_text(text);
    }
});
