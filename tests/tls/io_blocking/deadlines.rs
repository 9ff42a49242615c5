//! Time limits, which no trickle extends.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use otls::io::{Timeouts, Waiting};
use otls::{Connection, Error};

use super::{MIB, pair, stream};
use crate::common::NOW;
use crate::io_support::*;

#[test]
fn a_trickle_does_not_extend_the_time_of_the_handshake() {
    let (one, other) = sockets();
    let address = by_octets(one, Duration::from_millis(20));
    // A record that never ends.
    let feeding = thread::spawn(move || (&other).write_all(&[22, 3, 3, 64, 0]).map(|()| other));
    let socket = TcpStream::connect(address).unwrap();
    let limits = Timeouts::default().with_handshake(SHORT);
    let mut client = stream(socket, client()).with_timeouts(limits);
    let begun = Instant::now();
    let error = client.handshake().unwrap_err();
    took(begun, SHORT);
    let said = timeout(&error);
    assert_eq!((said.waiting, said.limit), (Waiting::Handshake, SHORT));
    assert!(said.went > 100 && (1..=5).contains(&said.came), "{said:?}");
    assert!(error.to_string().contains("handshake was not done within 300ms; "), "{error}");
    // It is over.
    assert_eq!(timeout(&client.handshake().unwrap_err()), said);
    drop(feeding.join().unwrap().unwrap());
}

#[test]
fn the_time_in_which_a_configuration_is_chosen_does_not_count() {
    let (one, other) = sockets();
    let limits = Timeouts::all(LONG).with_handshake(SHORT);
    let accepting = Connection::accept();
    let mut server = stream(other, accepting).with_timeouts(limits);
    let mut client = stream(one, client()).with_timeouts(Timeouts::all(LONG));
    thread::scope(|scope| {
        let shaking = scope.spawn(|| client.handshake());
        server
            .handshake_with(|connection| {
                thread::sleep(2 * SHORT);
                assert_eq!(connection.offer().unwrap().server_name.as_deref(), Some("bank.example"));
                connection.configure(Arc::new(WORLD.server_config()), NOW)
            })
            .unwrap();
        shaking.join().unwrap().unwrap();
    });
}

#[test]
fn a_read_that_timed_out_is_followed_by_one_that_does_not() {
    let (mut client, mut server) = pair();
    client.set_timeouts(Timeouts::default().with_read(SHORT));
    // Most of a record, octet by octet: data is what counts.
    server.connection().seal(b"late").unwrap();
    let record = server.connection().pending().to_vec();
    let len = record.len();
    server.connection().consume(len);
    let trickling = thread::spawn(move || {
        for octet in &record[..len - 1] {
            server.get_ref().write_all(&[*octet]).unwrap();
            thread::sleep(SHORT / 10);
        }
        thread::sleep(SHORT);
        server.get_ref().write_all(&record[len - 1..]).unwrap();
        server
    });
    let begun = Instant::now();
    let error = client.read(&mut [0; 10]).unwrap_err();
    took(begun, SHORT);
    let said = timeout(&error);
    assert_eq!((said.waiting, said.limit, said.went), (Waiting::Read, SHORT, 0));
    assert!((1..12).contains(&said.came), "{said:?}");
    let mut late = [0; 10];
    let len = loop {
        match client.read(&mut late) {
            Ok(len) => break len,
            Err(error) => assert_eq!(timeout(&error).waiting, Waiting::Read),
        }
    };
    assert_eq!(&late[..len], b"late");
    drop(trickling.join().unwrap());
}

#[test]
fn a_write_that_timed_out_says_what_went_and_is_the_last() {
    let (mut client, server) = pair();
    client.set_timeouts(Timeouts::default().with_write(SHORT));
    let begun = Instant::now();
    let error = client.write_all(&vec![0; 64 * MIB]).unwrap_err();
    assert!(begun.elapsed() >= SHORT);
    let said = timeout(&error);
    assert_eq!((said.waiting, said.limit), (Waiting::Write, SHORT));
    assert!(said.left > 0 && said.went + said.left <= 256 * 1024, "{said:?}");
    assert!(error.to_string().contains(&format!(" of {} sealed octets", said.went + said.left)), "{error}");
    let again = client.write(b"more").unwrap_err();
    assert!(again.kind() == ErrorKind::BrokenPipe && again.to_string().contains("timed out"), "{again}");
    assert_eq!(client.close_write().unwrap_err().kind(), ErrorKind::BrokenPipe);
    // And the peer does not take it for an end.
    client.close().unwrap_err();
    let mut server = server;
    assert_eq!(inner(&server.read_to_end(&mut Vec::new()).unwrap_err()), &Error::Truncated);
}

#[test]
fn a_slow_and_steady_reader_gets_all() {
    // The system tells of room in steps of a sixteenth of its buffer.
    let limit = Duration::from_secs(1);
    let (mut client, mut server) = pair();
    client.set_timeouts(Timeouts::all(LONG).with_write(limit));
    let serving = thread::spawn(move || {
        let (mut all, mut buffer) = (0, vec![0; 16 * 1024]);
        loop {
            match server.read(&mut buffer).unwrap() {
                0 => return all,
                len => all += len,
            }
            thread::sleep(Duration::from_millis(1));
        }
    });
    let begun = Instant::now();
    client.write_all(&data(24 * MIB)).unwrap();
    client.close_write().unwrap();
    assert_eq!(serving.join().unwrap(), 24 * MIB);
    assert!(begun.elapsed() > limit);
}

#[test]
fn a_lifetime_ends_every_call_but_the_close() {
    let (mut client, mut server) = pair();
    let opened = Instant::now();
    client.set_timeouts(Timeouts::all(LONG).with_lifetime(SHORT));
    // It counts from the beginning, so it may be over already.
    let error = client.read(&mut [0]).unwrap_err();
    assert!(opened.elapsed() < LONG);
    assert_eq!(timeout(&error).waiting, Waiting::Lifetime);
    assert!(error.to_string().contains("300ms of the whole connection are over"), "{error}");
    assert_eq!(timeout(&client.write(b"x").unwrap_err()).waiting, Waiting::Lifetime);
    let serving = thread::spawn(move || server.read(&mut [0]).and_then(|len| server.close().map(|()| len)));
    client.close().unwrap();
    assert_eq!(serving.join().unwrap().unwrap(), 0);
}
