//! Records that are opened in the caller's buffer, and sealed into it.

use std::sync::{Arc, LazyLock};

use crate::common::{NOW, Pair, World, read};
use crate::puppet::*;
use otls::codepoints::AlertDescription as Alert;
use otls::pki::KeyType;
use otls::{Connection, Error, SUPPORTED_SUITES, State};

static WORLD: LazyLock<World> = LazyLock::new(|| World::new(KeyType::EcdsaP256));

/// Octets in a record of this suite that is moved behind the one before it, at most.
const SHORT: usize = 1024;

fn pair() -> Pair {
    WORLD.pair().established()
}

/// What `connection` has sealed.
fn pending(connection: &mut Connection) -> Vec<u8> {
    let pending = connection.pending().to_vec();
    connection.consume(pending.len());
    pending
}

/// What was taken of `bytes`, and the data.
fn feed(connection: &mut Connection, bytes: &mut [u8]) -> Result<(usize, Vec<u8>), Error> {
    connection.feed_in_place(bytes, NOW).map(|fed| (fed.taken, fed.plaintext.to_vec()))
}

fn contains(octets: &[u8], part: &[u8]) -> bool {
    octets.windows(part.len()).any(|window| window == part)
}

#[test]
fn in_every_suite_short_records_come_together_and_long_ones_where_they_lie() {
    for suite in SUPPORTED_SUITES {
        let suites = [*suite];
        let mut pair = Pair::new(
            WORLD.client_config().with_suites(&suites).unwrap(),
            WORLD.server_config().with_suites(&suites).unwrap(),
        )
        .established();
        let long = [9; 1 << 14];
        pair.client.seal_messages([&b"one"[..], b"", b"two", &long, b"three"]).unwrap();
        let mut bytes = pending(&mut pair.client);
        let total = bytes.len();

        let (short, data) = feed(&mut pair.server, &mut bytes).unwrap();
        assert_eq!(data, b"onetwo", "{suite}");
        let fed = pair.server.feed_in_place(&mut bytes[short..], NOW).unwrap();
        assert_eq!((fed.taken, &*fed.plaintext), (total - short, &[&long[..], b"three"].concat()[..]));
        assert_eq!(bytes[short + 5..][..long.len()], long);
        assert!(!pair.server.state().contains(State::HAVE_PLAINTEXT));
        assert_eq!(feed(&mut pair.server, &mut []), Ok((0, Vec::new())));
    }
}

#[test]
fn what_is_not_complete_stays_with_the_caller() {
    let mut pair = pair();
    pair.client.seal(b"data").unwrap();
    let mut bytes = pending(&mut pair.client);
    let whole = bytes.clone();
    for len in 0..bytes.len() {
        assert_eq!(feed(&mut pair.server, &mut bytes[..len]), Ok((0, Vec::new())), "{len} octets");
    }
    assert_eq!(bytes, whole);
    assert_eq!(feed(&mut pair.server, &mut bytes), Ok((whole.len(), b"data".to_vec())));
}

#[test]
fn a_record_that_is_moved_is_no_longer_than_that() {
    for (len, together) in [(SHORT - 17, true), (SHORT - 16, false)] {
        let mut pair = pair();
        pair.client.seal_messages([&b"first"[..], &vec![3; len]]).unwrap();
        let (_, data) = feed(&mut pair.server, &mut pending(&mut pair.client)).unwrap();
        assert_eq!(data.len() > 5, together, "{len} octets");
    }
}

#[test]
fn what_a_record_of_another_kind_hid_is_wiped_and_the_longest_fits() {
    for mut wire in established() {
        let mut bytes = wire.sealed(APPLICATION_DATA, &[7; 1 << 14]);
        assert!(bytes.len() <= Connection::MAX_RECORD_LEN);
        assert_eq!(feed(&mut wire.connection, &mut bytes).unwrap().1.len(), 1 << 14);
        // A type that nobody knows: it opens, and is refused then.
        let mut bytes = [wire.sealed(99, b"a secret, or so"), b"behind".to_vec()].concat();
        let record = bytes.len() - 6;
        let error = feed(&mut wire.connection, &mut bytes).unwrap_err();
        assert_eq!(error.alert(), Some(Alert::UNEXPECTED_MESSAGE));
        assert_eq!((bytes[..record].iter().max(), &bytes[record..]), (Some(&0), &b"behind"[..]));
    }
}

#[test]
fn data_before_an_error_is_handed_out_and_the_error_is_final() {
    let mut pair = pair();
    pair.client.seal_messages([&b"good"[..], b"also good", b"forged"]).unwrap();
    let mut bytes = pending(&mut pair.client);
    *bytes.last_mut().unwrap() ^= 1;
    let (taken, data) = feed(&mut pair.server, &mut bytes).unwrap();
    assert_eq!((data.as_slice(), bytes.len() - taken), (&b"goodalso good"[..], 5 + 6 + 1 + 16));
    assert!(pair.server.state().contains(State::FAILED) && !pair.server.state().contains(State::WANT_READ));
    assert!(!pair.server.pending().is_empty(), "the alert");
    let mut rest = bytes[taken..].to_vec();
    assert_eq!(feed(&mut pair.server, &mut rest), Err(Error::BadRecord));
    assert_eq!(pair.server.feed(&rest, NOW), Err(Error::BadRecord));
    assert!(pair.server.peer().is_none());

    // Without data before it, it is the call's own.
    let error = feed(&mut pair.client, &mut [23, 3, 3, 0x41, 1]).unwrap_err();
    assert_eq!(error.alert(), Some(Alert::RECORD_OVERFLOW));
    assert_eq!(feed(&mut pair.client, &mut [23]), Err(error));
}

#[test]
fn a_handshake_goes_through_in_place_and_pauses() {
    let mut pair = WORLD.pair();
    let mut server = Connection::accept();
    let hello = pending(&mut pair.client);
    let mut bytes = [&hello[..], b"later"].concat();
    assert_eq!(feed(&mut server, &mut bytes), Ok((hello.len(), Vec::new())));
    assert_eq!(server.state(), State::NEED_CONFIG);
    assert_eq!(feed(&mut server, &mut bytes[hello.len()..]), Ok((0, Vec::new())));
    server.configure(Arc::new(WORLD.server_config()), NOW).unwrap();
    let name = b"customer.example";
    while !pair.client.state().contains(State::CONFIRMED) {
        let mut bytes = pending(&mut server);
        assert_eq!(feed(&mut pair.client, &mut bytes), Ok((bytes.len(), Vec::new())));
        let mut bytes = pending(&mut pair.client);
        assert_eq!(feed(&mut server, &mut bytes), Ok((bytes.len(), Vec::new())));
        assert!(!contains(&bytes, name), "the certificate of the client is left in the buffer");
    }
    assert!(contains(server.peer().unwrap().certificate().to_der(), name));
}

#[test]
fn octets_behind_the_end_are_ignored_and_data_before_it_is_not() {
    let mut pair = pair();
    pair.client.seal(b"last").unwrap();
    pair.client.close();
    let mut bytes = [pending(&mut pair.client), b"behind".to_vec()].concat();
    assert_eq!(feed(&mut pair.server, &mut bytes), Ok((bytes.len(), b"last".to_vec())));
    assert!(pair.server.state().contains(State::CLOSED));
    assert_eq!(feed(&mut pair.server, &mut [1, 2]), Ok((2, Vec::new())));
}

#[test]
fn a_record_that_feed_has_begun_waits_for_read() {
    let mut pair = pair();
    pair.client.seal_messages([&b"one"[..], b"two"]).unwrap();
    let mut bytes = pending(&mut pair.client);
    let half = bytes.len() / 2;
    assert_eq!(pair.server.feed(&bytes[..7], NOW), Ok(7));
    assert_eq!(feed(&mut pair.server, &mut bytes[7..]), Ok((half - 7, Vec::new())));
    assert!(pair.server.state().contains(State::HAVE_PLAINTEXT));
    assert_eq!(feed(&mut pair.server, &mut bytes[half..]), Ok((0, Vec::new())));
    assert_eq!(read(&mut pair.server), b"one");
    assert_eq!(feed(&mut pair.server, &mut bytes[half..]), Ok((half, b"two".to_vec())));
}

#[test]
fn keys_are_replaced_between_records_in_place() {
    let mut pair = pair();
    pair.client.seal(b"one").unwrap();
    pair.client.update_keys(true).unwrap();
    pair.client.seal(b"two").unwrap();
    assert_eq!(feed(&mut pair.server, &mut pending(&mut pair.client)).unwrap().1, b"onetwo");
    pair.server.seal(b"answer").unwrap();
    assert_eq!(feed(&mut pair.client, &mut pending(&mut pair.server)).unwrap().1, b"answer");
}

#[test]
fn what_is_pending_goes_before_what_is_sealed_into_a_buffer() {
    let mut pair = pair();
    let mut out = b"before".to_vec();
    pair.client.seal(b"pending").unwrap();
    pair.client.update_keys(false).unwrap();
    pair.client.seal_into(b"and then", &mut out).unwrap();
    assert!(pair.client.pending().is_empty());
    assert_eq!(feed(&mut pair.server, &mut out[6..]).unwrap().1, b"pendingand then");
    assert!(out.starts_with(b"before"));

    // Long data is cut as in `seal`.
    out.clear();
    pair.client.seal_into(&vec![1; (1 << 14) + 1], &mut out).unwrap();
    let (taken, data) = feed(&mut pair.server, &mut out).unwrap();
    assert_eq!((taken, data.len()), (out.len(), (1 << 14) + 1));

    let misuse = |sealed| matches!(sealed, Err(Error::ApiMisuse { .. }));
    let mut early = WORLD.pair().client;
    assert!(misuse(early.seal_into(b"x", &mut out)) && misuse(early.seal_messages([&b"x"[..]])));
    pair.client.close();
    let len = out.len();
    assert!(misuse(pair.client.seal_into(b"x", &mut out)) && misuse(pair.client.seal_messages([&b"x"[..]])));
    assert_eq!(out.len(), len);
}
