//! What a client accepts of a server that resumes a session (RFC 8446 §4.2.11). docs/conformance.md has the
//! sentences.

use std::sync::Arc;

use crate::common::{NOW, bank_name};
use crate::puppet::*;
use otls::Connection;
use otls::codepoints::AlertDescription as Alert;

/// A client that offers the session of an earlier connection.
fn resuming() -> ServerPuppet {
    let config = || client_config().with_no_identity().with_sessions(1);
    let mut first = ServerPuppet::established(config(), Arc::clone(&WORLD.server), NOW);
    let psk = first.send_ticket(b"ticket");
    let session = first.wire.connection.take_session().unwrap();
    let second = Connection::client_resuming(Arc::new(config()), bank_name(), session, NOW).unwrap();
    let mut puppet = ServerPuppet::facing(second, Arc::clone(&WORLD.server));
    assert!(find(&puppet.offer.extensions, PRE_SHARED_KEY).is_some());
    puppet.psk = psk;
    puppet
}

#[test]
fn the_puppet_resumes() {
    let mut puppet = resuming();
    let mut hello = puppet.hello();
    hello.extensions.push((PRE_SHARED_KEY, vec![0, 0]));
    puppet.send_hello(&hello).unwrap();
    let extensions = puppet.encrypted_extensions();
    puppet.wire.message(&extensions).unwrap();
    puppet.send_finished().unwrap();
    assert!(puppet.wire.connection.resumed());
    // Or the server goes on without it.
    let mut puppet = resuming();
    puppet.psk = vec![0; 32];
    let hello = puppet.hello();
    puppet.send_hello(&hello).unwrap();
    puppet.send_until_finished(false).unwrap();
    puppet.send_finished().unwrap();
    assert!(!puppet.wire.connection.resumed());
}

#[test]
fn a_psk_that_does_not_fit_is_an_illegal_parameter() {
    let changes: [fn(&mut ServerHello); 3] = [
        |hello| set(&mut hello.extensions, PRE_SHARED_KEY, vec![0, 1]),
        |hello| hello.suite = AES_256_GCM_SHA384,
        |hello| unset(&mut hello.extensions, KEY_SHARE),
    ];
    for change in changes {
        let mut puppet = resuming();
        let mut hello = puppet.hello();
        hello.extensions.push((PRE_SHARED_KEY, vec![0, 0]));
        change(&mut hello);
        let result = puppet.wire.message(&hello.encode());
        puppet.wire.refused(result, Alert::ILLEGAL_PARAMETER);
    }
}

#[test]
fn a_resumed_server_shows_no_certificate_and_takes_no_early_data() {
    let start = || {
        let mut puppet = resuming();
        let mut hello = puppet.hello();
        hello.extensions.push((PRE_SHARED_KEY, vec![0, 0]));
        puppet.send_hello(&hello).unwrap();
        puppet
    };
    let mut puppet = start();
    let result = puppet.send_until_finished(false);
    puppet.wire.refused(result, Alert::UNEXPECTED_MESSAGE);
    let mut puppet = start();
    let result = puppet.wire.message(&handshake(ENCRYPTED_EXTENSIONS, &extensions(&[(EARLY_DATA, vec![])])));
    puppet.wire.refused(result, Alert::UNSUPPORTED_EXTENSION);
}
