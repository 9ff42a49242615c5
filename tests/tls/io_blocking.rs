//! `otls::io::Stream`: what src/io.rs promises, with threads.

mod deadlines;

use crate::common;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::NOW;
use crate::io_support::*;
use allocation_counter::measure;
use otls::codepoints::AlertDescription;
use otls::io::{Plain, Stream, Timeouts, Transport};
use otls::{Connection, Error, State};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

const MIB: usize = 1024 * 1024;

fn stream<S: Transport>(socket: S, connection: Connection) -> Stream<S> {
    Stream::new(socket, connection).with_clock(|| NOW)
}

/// Two streams whose handshake is done and confirmed.
fn pair() -> (Stream<TcpStream>, Stream<TcpStream>) {
    let (one, other) = sockets();
    over(one, other)
}

fn over(one: TcpStream, other: TcpStream) -> (Stream<TcpStream>, Stream<TcpStream>) {
    let limits = Timeouts::all(LONG);
    let (mut client, mut server) =
        (stream(one, client()).with_timeouts(limits), stream(other, server()).with_timeouts(limits));
    thread::scope(|scope| {
        let served = scope.spawn(|| server.handshake().unwrap());
        assert!(client.handshake().unwrap().contains(State::HANDSHAKE_DONE));
        assert!(served.join().unwrap().contains(State::HANDSHAKE_DONE));
    });
    client.confirm().unwrap();
    (client, server)
}

/// A plain loop, as many servers have it.
fn echo(mut stream: Stream<TcpStream>) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match stream.read(&mut buffer)? {
            0 => return stream.close(),
            len => stream.write_all(&buffer[..len])?,
        }
    }
}

/// Writes all of `sent` and half-closes, in one thread, and reads to the end in another.
fn exchange(stream: Stream<TcpStream>, sent: Vec<u8>) -> Vec<u8> {
    let (mut reader, mut writer) = stream.split().unwrap();
    let writing = thread::spawn(move || {
        writer.write_all(&sent).unwrap();
        writer.close_write().unwrap();
    });
    let mut received = Vec::new();
    reader.read_to_end(&mut received).unwrap();
    writing.join().unwrap();
    received
}

#[test]
fn an_echo_of_more_than_any_buffer_holds_comes_back() {
    let (client, server) = pair();
    let echoing = thread::spawn(move || echo(server));
    let sent = data(8 * MIB);
    assert!(exchange(client, sent.clone()) == sent);
    echoing.join().unwrap().unwrap();
}

#[test]
fn both_sides_may_write_first() {
    let (client, server) = pair();
    let serving = thread::spawn(move || exchange(server, data(8 * MIB)));
    assert!(exchange(client, data(8 * MIB)) == data(8 * MIB));
    assert!(serving.join().unwrap() == data(8 * MIB));
}

#[test]
fn one_octet_at_a_time_is_enough() {
    let (one, other) = sockets();
    let address = by_octets(one, Duration::ZERO);
    let (client, server) = over(TcpStream::connect(address).unwrap(), other);
    let echoing = thread::spawn(move || echo(server));
    assert!(exchange(client, data(3_000)) == data(3_000));
    echoing.join().unwrap().unwrap();
}

#[test]
fn a_writer_that_is_blocked_keeps_no_reader_from_reading() {
    let (client, mut server) = pair();
    let (mut reader, mut writer) = client.split().unwrap();
    let handle = writer.handle();
    let writing = thread::spawn(move || writer.write_all(&vec![0; 64 * MIB]));
    thread::sleep(SHORT);
    for _ in 0..3 {
        server.write_all(b"news").unwrap();
        let mut news = [0; 4];
        reader.read_exact(&mut news).unwrap();
        assert_eq!(&news, b"news");
    }
    assert!(!writing.is_finished());
    handle.abort();
    assert_eq!(writing.join().unwrap().unwrap_err().kind(), ErrorKind::ConnectionAborted);
}

#[test]
fn what_reading_causes_to_be_sent_goes_out_without_a_write() {
    let (mut client, mut server) = pair();
    client.connection().update_keys(true).unwrap();
    client.write_all(b"x").unwrap();
    server.read_exact(&mut [0]).unwrap();
    // The answer to the KeyUpdate.
    assert!(server.connection().pending().is_empty());
    assert!(client.get_ref().peek(&mut [0]).unwrap() > 0);
}

#[test]
fn half_a_close_leaves_the_other_half() {
    let (mut client, mut server) = pair();
    client.write_all(b"request").unwrap();
    client.close_write().unwrap();
    let error = client.write(b"more").unwrap_err();
    assert!(matches!(inner(&error), Error::ApiMisuse(_)), "{error}");
    let mut request = String::new();
    server.read_to_string(&mut request).unwrap();
    assert_eq!(request, "request");
    // Our direction of TCP has ended too.
    assert_eq!(server.get_ref().peek(&mut [0]).unwrap(), 0);
    server.write_all(b"answer").unwrap();
    server.close().unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!((request.as_str(), answer.as_str()), ("request", "answer"));
    assert_eq!(client.read(&mut [0]).unwrap(), 0, "the end stays the end");
}

/// What the peer sees behind `front` of a stream that ends as `end` ends it.
fn seen(end: impl FnOnce(Stream<TcpStream>) + Send + 'static) -> io::Error {
    let (mut client, server) = pair();
    let ending = thread::spawn(move || end(server));
    let (mut front, begun) = (Vec::new(), Instant::now());
    let error = client.read_to_end(&mut front).unwrap_err();
    assert_eq!(front, b"front");
    assert!(begun.elapsed() < LONG / 2, "the peer sees it only when somebody's time is over");
    drop(client);
    ending.join().unwrap();
    error
}

#[test]
fn what_was_not_closed_is_a_truncation_and_no_end() {
    let dropped = seen(|mut stream| stream.write_all(b"front").unwrap());
    let aborted = seen(|mut stream| {
        stream.write_all(b"front").unwrap();
        stream.abort();
        assert_eq!(stream.write(b"more").unwrap_err().kind(), ErrorKind::ConnectionAborted);
        thread::sleep(SHORT);
    });
    let half_dropped = seen(|stream| {
        let (mut reader, mut writer) = stream.split().unwrap();
        writer.write_all(b"front").unwrap();
        drop(writer);
        // Nothing more comes from us; what comes from the peer may be read.
        assert!(reader.read(&mut [0]).is_err());
    });
    let cut = seen(|mut stream| {
        stream.write_all(b"front").unwrap();
        stream.get_ref().shutdown(Shutdown::Write).unwrap();
        thread::sleep(SHORT);
    });
    for error in [dropped, aborted, half_dropped, cut] {
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert_eq!(inner(&error), &Error::Truncated);
    }
}

#[test]
fn close_waits_a_moment_for_the_peers_end_and_no_longer() {
    let (mut client, mut server) = pair();
    let serving = thread::spawn(move || {
        for _ in 0..10 {
            // A socket that was closed meanwhile would reset this.
            server.write_all(&data(100_000)).unwrap();
            thread::sleep(Duration::from_millis(20));
        }
        server.close()
    });
    client.close().unwrap();
    serving.join().unwrap().unwrap();
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::NotConnected);

    let (mut client, _server) = pair();
    let begun = Instant::now();
    client.close().unwrap();
    took(begun, Duration::from_secs(1));
}

#[test]
fn a_handshake_stops_for_its_caller_and_goes_on() {
    let (one, other) = sockets();
    let mut server = stream(other, Connection::accept()).with_timeouts(Timeouts::all(LONG));
    let anonymous = otls::ClientConfig::new(common::trust(&WORLD.authority));
    let mut client = stream(one, client_with(anonymous)).with_timeouts(Timeouts::all(LONG));
    thread::scope(|scope| {
        let serving = scope.spawn(|| {
            assert!(server.handshake().unwrap().contains(State::NEED_CONFIG));
            assert!(server.handshake().unwrap().contains(State::NEED_CONFIG), "still");
            server.connection().configure(Arc::new(WORLD.server_config()), NOW).unwrap();
            assert!(server.handshake().unwrap().contains(State::HANDSHAKE_DONE));
        });
        assert!(client.handshake().unwrap().contains(State::NEED_CLIENT_CERT));
        // Nothing was answered.
        let error = client.handshake_with(|_| Ok(())).unwrap_err();
        assert!(matches!(inner(&error), Error::ApiMisuse(_)), "{error}");
        let read = client.read(&mut [0]).unwrap_err();
        assert!(matches!(inner(&read), Error::ApiMisuse(_)), "{read}");
        let identity = Arc::clone(&WORLD.client);
        client.handshake_with(|connection| connection.provide_identity(Some(identity.clone()), NOW)).unwrap();
        client.confirm().unwrap();
        serving.join().unwrap();
    });
    let peer = server.connection().peer().map(|peer| peer.certificate().subject().common_name());
    assert_eq!(peer.as_deref(), Some("customer.example"));
}

#[test]
fn close_from_another_thread_wakes_a_reader_at_once() {
    let (mut client, mut server) = pair();
    let handle = client.handle().unwrap();
    let reading = thread::spawn(move || (client.read(&mut [0]).unwrap_err(), Instant::now(), client));
    thread::sleep(SHORT);
    let begun = Instant::now();
    // The peer does not end: the close takes its second, and the reader does not wait for it.
    handle.close().unwrap();
    let (error, awake, mut client) = reading.join().unwrap();
    assert!(awake - begun < Duration::from_millis(900), "{:?}", awake - begun);
    assert_eq!(error.kind(), ErrorKind::NotConnected);
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!(server.read(&mut [0]).unwrap(), 0, "the close was clean");
    drop(client);
    handle.close().unwrap();
}

#[test]
fn a_write_that_is_cut_short_by_a_close_is_no_clean_end() {
    let (mut client, mut server) = pair();
    let handle = client.handle().unwrap();
    let writing = thread::spawn(move || client.write_all(&vec![0; 64 * MIB]).unwrap_err().kind());
    // The write has begun, and waits for room.
    server.read_exact(&mut [0]).unwrap();
    thread::sleep(SHORT);
    let begun = Instant::now();
    assert_eq!(handle.close().unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(writing.join().unwrap(), ErrorKind::ConnectionAborted);
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(server.read_to_end(&mut Vec::new()).is_err());
}

#[test]
fn a_peer_that_hangs_up_is_noticed_while_nobody_reads() {
    // The last is more than a stream reads ahead, and less than the system holds.
    for unread in [&b""[..], b"unread", &data(60_000)] {
        let (mut client, mut server) = pair();
        server.write_all(unread).unwrap();
        thread::sleep(Duration::from_millis(20));
        assert!(!client.peer_is_gone());
        drop(server);
        let end = Instant::now() + LONG;
        while !client.peer_is_gone() {
            assert!(Instant::now() < end);
            thread::sleep(Duration::from_millis(5));
        }
        let mut read = Vec::new();
        assert_eq!(inner(&client.read_to_end(&mut read).unwrap_err()), &Error::Truncated);
        assert!(read == unread, "nothing is lost by asking");
    }
}

#[test]
fn nothing_that_was_received_hides_from_poll() {
    let (mut client, mut server) = pair();
    let serving = thread::spawn(move || {
        for part in data(20_000).chunks(1_000) {
            server.write_all(part).unwrap();
        }
        // No end of TCP behind the close_notify.
        server.connection().close();
        server.flush().unwrap();
        server
    });
    let _server = serving.join().unwrap();
    let (mut received, mut buffer) = (Vec::new(), [0; 10]);
    loop {
        if client.pending() == 0 {
            let limit = Timespec { tv_sec: 5, tv_nsec: 0 };
            let ready = poll(&mut [PollFd::new(&client, PollFlags::IN)], Some(&limit)).unwrap();
            assert_eq!(ready, 1, "after {} octets", received.len());
        }
        match client.read(&mut buffer).unwrap() {
            0 => break,
            len => received.extend_from_slice(&buffer[..len]),
        }
    }
    assert!(received == data(20_000));
    assert_eq!(client.pending(), 1, "the end can be read again");
}

#[test]
fn the_alert_of_a_refusal_comes_before_the_reset() {
    let (one, other) = sockets();
    let anonymous = otls::ClientConfig::new(common::trust(&WORLD.authority)).with_no_identity();
    let limits = Timeouts::all(LONG);
    let mut client = stream(one, client_with(anonymous)).with_timeouts(limits);
    let mut server = stream(other, server()).with_timeouts(limits);
    let serving = thread::spawn(move || {
        let error = server.handshake().unwrap_err();
        // The socket is gone with this.
        drop(server);
        error
    });
    client.handshake().unwrap();
    // More than the server reads: its socket is closed with it, and reset.
    let mut written = Ok(());
    while written.is_ok() {
        written = client.write_all(&data(100_000));
    }
    let error = written.unwrap_err();
    let refused = Error::AlertReceived(AlertDescription::CERTIFICATE_REQUIRED);
    assert_eq!(inner(&error), &refused);
    assert_eq!(inner(&client.read(&mut [0]).unwrap_err()), &refused);
    assert!(matches!(inner(&serving.join().unwrap()), Error::BadCertificate(_)));
}

#[test]
fn a_connection_that_fails_says_why() {
    let (mut client, mut server) = pair();
    server.get_ref().write_all(&[23, 3, 3, 0, 20]).unwrap();
    server.get_ref().write_all(&[0; 20]).unwrap();
    let reading = thread::spawn(move || client.read(&mut [0]).unwrap_err());
    let error = server.read(&mut [0]).unwrap_err();
    assert_eq!(inner(&error), &Error::AlertReceived(AlertDescription::BAD_RECORD_MAC));
    drop(server);
    assert_eq!(inner(&reading.join().unwrap()), &Error::BadRecord);
}

#[test]
#[allow(unsafe_code)]
fn signals_interrupt_nothing() {
    use std::os::unix::thread::JoinHandleExt;
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _handler = runtime.block_on(async { signal(SignalKind::alarm()).unwrap() });
    let (mut client, server) = pair();
    let echoing = thread::spawn(move || {
        // The other side waits, and signals come.
        thread::sleep(Duration::from_millis(100));
        echo(server)
    });
    let exchanging = thread::spawn(move || {
        // What reads and writes all of something calls again by itself, this does not.
        client.handshake().unwrap();
        exchange(client, data(4 * MIB))
    });
    while !exchanging.is_finished() {
        // A signal for the process goes to whichever thread; these two are meant.
        for thread in [exchanging.as_pthread_t(), echoing.as_pthread_t()] {
            // SAFETY: a thread's id is valid until it is joined, and the signal has a handler.
            unsafe { libc::pthread_kill(thread, libc::SIGALRM) };
        }
        thread::sleep(Duration::from_millis(1));
    }
    assert!(exchanging.join().unwrap() == data(4 * MIB));
    echoing.join().unwrap().unwrap();
}

#[test]
#[allow(unsafe_code)]
fn a_forked_child_is_refused_and_takes_nothing_from_its_parent() {
    let (mut client, mut server) = pair();
    server.write_all(b"for the parent").unwrap();
    // SAFETY: the child only calls a stream that refuses, and leaves by _exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let is_refused = |done: io::Result<usize>| {
            matches!(done.map_err(io::Error::downcast::<Error>), Err(Ok(Error::ApiMisuse(_))))
        };
        let mut wrong = i32::from(!is_refused(client.read(&mut [0; 8])));
        wrong |= i32::from(!is_refused(client.write(b"twice"))) << 1;
        wrong |= i32::from(!is_refused(client.handshake().map(|_| 0))) << 2;
        wrong |= i32::from(!is_refused(client.close_write().map(|()| 0))) << 3;
        wrong |= i32::from(client.pending() != 0 || client.peer_is_gone()) << 4;
        client.abort();
        wrong |= i32::from(!is_refused(client.close().map(|()| 0))) << 5;
        drop(server);
        // SAFETY: as above.
        unsafe { libc::_exit(wrong) };
    }
    let mut status = -1;
    // SAFETY: a child of our own, and a place for its status.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "what was not refused, as bits of the second octet");
    let mut read = [0; 14];
    client.read_exact(&mut read).unwrap();
    assert_eq!(&read, b"for the parent");
    client.write_all(b"both ways").unwrap();
    server.read_exact(&mut read[..9]).unwrap();
    assert_eq!(&read[..9], b"both ways");
}

#[test]
fn a_busy_stream_is_bounded_and_an_idle_one_keeps_little() {
    let (mut client, mut server) = pair();
    let serving = thread::spawn(move || {
        let mut received = vec![0; 8 * MIB];
        server.read_exact(&mut received).unwrap();
        server.write_all(&received).unwrap();
        server
    });
    let mut buffer = vec![0; 8 * MIB];
    // A buffer that grows is there twice for a moment.
    let held = measure(|| client.write_all(&buffer).unwrap());
    assert!(held.bytes_max < 512 * 1024, "{} octets", held.bytes_max);
    assert!(held.bytes_current < 1024, "{} octets", held.bytes_current);
    let held = measure(|| client.read_exact(&mut buffer).unwrap());
    assert!(held.bytes_max < 128 * 1024, "{} octets", held.bytes_max);
    assert!(held.bytes_current < 1024, "{} octets", held.bytes_current);
    drop(serving.join().unwrap());
}

#[test]
fn other_transports_are_streams_without_deadlines() {
    let (one, other) = UnixStream::pair().unwrap();
    let mut client = stream(Plain::new(one), client());
    let mut server = stream(other, server()).with_timeouts(Timeouts::all(LONG));
    let serving = thread::spawn(move || {
        server.handshake().unwrap();
        let mut request = String::new();
        server.read_to_string(&mut request).unwrap();
        server.write_all(request.as_bytes()).unwrap();
        server.close().unwrap();
    });
    client.handshake().unwrap();
    client.confirm().unwrap();
    client.write_all(b"to and fro").unwrap();
    client.close_write().unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "to and fro");
    client.close().unwrap();
    drop(client);
    serving.join().unwrap();
}
