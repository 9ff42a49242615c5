//! `otls::io::AsyncStream`: what src/io.rs promises, with tasks.

use crate::common;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::NOW;
use crate::io_support::*;
use otls::codepoints::AlertDescription;
use otls::io::{AsyncStream, Timeouts, Waiting};
use otls::{Connection, Error, State};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex, split};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout as within};

const MIB: usize = 1024 * 1024;

fn stream<S: AsyncRead + AsyncWrite + Unpin>(socket: S, connection: Connection) -> AsyncStream<S> {
    AsyncStream::new(socket, connection).with_clock(|| NOW).with_timeouts(Timeouts::all(LONG))
}

fn tcp() -> (TcpStream, TcpStream) {
    let (one, other) = sockets();
    for socket in [&one, &other] {
        socket.set_nonblocking(true).unwrap();
    }
    (TcpStream::from_std(one).unwrap(), TcpStream::from_std(other).unwrap())
}

async fn over<S: AsyncRead + AsyncWrite + Unpin>(one: S, other: S) -> (AsyncStream<S>, AsyncStream<S>) {
    let (mut client, mut server) = (stream(one, client()), stream(other, server()));
    let shaking = async {
        assert!(client.handshake().await.unwrap().contains(State::HANDSHAKE_DONE));
        client.confirm().await.unwrap();
    };
    let ((), served) = tokio::join!(shaking, server.handshake());
    assert!(served.unwrap().contains(State::HANDSHAKE_DONE));
    (client, server)
}

async fn pair() -> (AsyncStream<TcpStream>, AsyncStream<TcpStream>) {
    let (one, other) = tcp();
    over(one, other).await
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut stream: AsyncStream<S>) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return stream.close().await,
            len => stream.write_all(&buffer[..len]).await?,
        }
    }
}

/// Writes all of `sent` and half-closes, in one task, and reads to the end in another.
async fn exchange<S>(stream: AsyncStream<S>, sent: Vec<u8>) -> Vec<u8>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut reader, mut writer) = split(stream);
    let writing = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut received = Vec::new();
    reader.read_to_end(&mut received).await.unwrap();
    writing.await.unwrap();
    received
}

/// Fails instead of waiting for a wake-up that is lost.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    within(LONG, future).await.expect("a wake-up was lost")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_echo_of_more_than_any_buffer_holds_comes_back() {
    let (client, server) = pair().await;
    let echoing = tokio::spawn(echo(server));
    assert!(soon(exchange(client, data(8 * MIB))).await == data(8 * MIB));
    echoing.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_may_write_first() {
    let (client, server) = pair().await;
    let serving = tokio::spawn(exchange(server, data(8 * MIB)));
    assert!(soon(exchange(client, data(8 * MIB))).await == data(8 * MIB));
    assert!(serving.await.unwrap() == data(8 * MIB));
}

/// Sockets of a few octets, so that every call has to wait, with reading and writing in tasks of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_wake_up_is_lost_between_two_tasks() {
    for len in [1, 7, 600] {
        let (one, other): (DuplexStream, DuplexStream) = duplex(len);
        let (client, server) = soon(over(one, other)).await;
        let sent = data(len * 2_000);
        let serving = tokio::spawn(exchange(server, sent.clone()));
        assert!(soon(exchange(client, sent.clone())).await == sent);
        assert!(soon(serving).await.unwrap() == sent);
    }
}

#[tokio::test]
async fn a_task_that_reads_does_not_take_the_wake_up_of_one_that_writes() {
    let (client, mut server) = pair().await;
    let (mut reader, mut writer) = split(client);
    let writing = tokio::spawn(async move { writer.write_all(&data(8 * MIB)).await });
    sleep(SHORT).await;
    // The writer waits for room; the reader polls the same direction, and waits for data.
    server.write_all(b"news").await.unwrap();
    server.flush().await.unwrap();
    let reading = tokio::spawn(async move {
        let mut news = Vec::new();
        reader.read_to_end(&mut news).await.map(|_| news)
    });
    sleep(SHORT).await;
    let mut all = vec![0; 8 * MIB];
    soon(server.read_exact(&mut all)).await.unwrap();
    soon(writing).await.unwrap().unwrap();
    server.close().await.unwrap();
    assert_eq!(soon(reading).await.unwrap().unwrap(), b"news");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copy_bidirectional_runs_between_two_streams() {
    let ((client, mut inner), (mut outer, server)) = (pair().await, pair().await);
    let proxy = tokio::spawn(async move {
        let copied = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
        inner.close().await.unwrap();
        outer.close().await.unwrap();
        copied
    });
    let echoing = tokio::spawn(echo(server));
    assert!(soon(exchange(client, data(4 * MIB))).await == data(4 * MIB));
    let len = u64::try_from(4 * MIB).unwrap();
    assert_eq!(proxy.await.unwrap().unwrap(), (len, len));
    echoing.await.unwrap().unwrap();
}

#[tokio::test]
async fn half_a_close_leaves_the_other_half() {
    let (mut client, mut server) = pair().await;
    client.write_all(b"request").await.unwrap();
    client.shutdown().await.unwrap();
    let error = client.write(b"more").await.unwrap_err();
    assert!(matches!(inner(&error), Error::ApiMisuse(_)), "{error}");
    let mut request = String::new();
    server.read_to_string(&mut request).await.unwrap();
    server.write_all(b"answer").await.unwrap();
    server.close().await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert_eq!((request.as_str(), answer.as_str()), ("request", "answer"));
}

#[tokio::test]
async fn what_was_not_closed_is_a_truncation_and_no_end() {
    for how in ["dropped", "cancelled", "aborted"] {
        let (mut client, mut server) = pair().await;
        server.write_all(b"front").await.unwrap();
        server.flush().await.unwrap();
        match how {
            "dropped" => drop(server),
            "aborted" => server.abort(),
            _ => {
                let sending = tokio::spawn(async move { server.write_all(&vec![0; 64 * MIB]).await });
                sleep(SHORT).await;
                sending.abort();
                assert!(sending.await.unwrap_err().is_cancelled());
            }
        }
        let mut front = Vec::new();
        let error = soon(client.read_to_end(&mut front)).await.unwrap_err();
        assert!(front.starts_with(b"front"));
        assert_eq!((error.kind(), inner(&error)), (ErrorKind::UnexpectedEof, &Error::Truncated), "{how}");
    }
}

#[tokio::test]
async fn a_write_that_was_given_up_is_not_followed_by_a_clean_end() {
    let (mut client, mut server) = pair().await;
    assert!(within(SHORT, client.write_all(&vec![0; 64 * MIB])).await.is_err());
    assert_eq!(client.shutdown().await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(client.close().await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(inner(&server.read_to_end(&mut Vec::new()).await.unwrap_err()), &Error::Truncated);
}

#[tokio::test]
async fn a_read_that_is_cancelled_loses_nothing_and_has_its_own_time() {
    let (mut client, mut server) = pair().await;
    client.set_timeouts(Timeouts::default().with_read(2 * SHORT));
    let mut buffer = [0; 10];
    for _ in 0..4 {
        assert!(within(SHORT, client.read(&mut buffer)).await.is_err(), "each call has its own time");
    }
    server.write_all(b"late").await.unwrap();
    server.flush().await.unwrap();
    assert_eq!(client.read(&mut buffer).await.unwrap(), 4);
    let begun = Instant::now();
    let error = client.read(&mut buffer).await.unwrap_err();
    took(begun, 2 * SHORT);
    assert_eq!(timeout(&error).waiting, Waiting::Read);
    server.write_all(b"later").await.unwrap();
    server.flush().await.unwrap();
    assert_eq!(client.read(&mut buffer).await.unwrap(), 5, "it goes on");
}

#[tokio::test]
async fn a_trickle_does_not_extend_the_time_of_the_handshake() {
    let (one, mut other) = duplex(1024);
    let limits = Timeouts::all(LONG).with_handshake(SHORT);
    let mut shaking = stream(one, client());
    shaking.set_timeouts(limits);
    let trickle = async {
        for octet in [22, 3, 3, 64].into_iter().chain([0; 1000]) {
            other.write_all(&[octet]).await.unwrap();
            sleep(SHORT / 20).await;
        }
    };
    let begun = Instant::now();
    let error = tokio::select! {
        error = shaking.handshake() => error.unwrap_err(),
        () = trickle => panic!("the handshake waits on"),
    };
    took(begun, SHORT);
    let said = timeout(&error);
    assert!(said.waiting == Waiting::Handshake && said.came > 2, "{said:?}");
    assert_eq!(timeout(&shaking.handshake().await.unwrap_err()), said);
}

#[tokio::test]
async fn a_write_that_timed_out_says_what_went_and_is_the_last() {
    let (mut client, mut server) = pair().await;
    client.set_timeouts(Timeouts::all(LONG).with_write(SHORT));
    // Now and then a little room: a piece is whole or late.
    let reading = tokio::spawn(async move {
        for _ in 0..1_000 {
            sleep(SHORT / 20).await;
            if server.read(&mut [0; 1]).await.is_err() {
                break;
            }
        }
        server
    });
    let error = soon(client.write_all(&vec![0; 64 * MIB])).await.unwrap_err();
    let said = timeout(&error);
    assert!(said.waiting == Waiting::Write && said.left > 0, "{said:?}");
    let again = client.write(b"more").await.unwrap_err();
    assert!(again.kind() == ErrorKind::BrokenPipe && again.to_string().contains("timed out"), "{again}");
    client.close().await.unwrap_err();
    reading.abort();
}

#[tokio::test]
async fn a_slow_and_steady_reader_gets_all() {
    // The system tells of room in steps of a sixteenth of its buffer.
    let limit = Duration::from_secs(1);
    let (mut client, mut server) = pair().await;
    client.set_timeouts(Timeouts::all(LONG).with_write(limit));
    let serving = tokio::spawn(async move {
        let (mut all, mut buffer) = (0, vec![0; 16 * 1024]);
        loop {
            match server.read(&mut buffer).await.unwrap() {
                0 => return all,
                len => all += len,
            }
            sleep(Duration::from_millis(1)).await;
        }
    });
    let begun = Instant::now();
    client.write_all(&data(24 * MIB)).await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(serving.await.unwrap(), 24 * MIB);
    assert!(begun.elapsed() > limit);
}

#[tokio::test]
async fn a_lifetime_ends_every_call_but_the_close() {
    let (mut client, mut server) = pair().await;
    client.set_timeouts(Timeouts::all(LONG).with_lifetime(SHORT));
    assert_eq!(timeout(&client.read(&mut [0]).await.unwrap_err()).waiting, Waiting::Lifetime);
    assert_eq!(timeout(&client.write(b"x").await.unwrap_err()).waiting, Waiting::Lifetime);
    let serving = tokio::spawn(async move {
        let len = server.read(&mut [0]).await?;
        server.close().await.map(|()| len)
    });
    client.close().await.unwrap();
    assert_eq!(serving.await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn close_and_abort_from_another_task_wake_whoever_waits() {
    let (mut client, mut server) = pair().await;
    let handle = client.handle();
    let reading = tokio::spawn(async move { (client.read(&mut [0]).await.unwrap_err(), Instant::now()) });
    sleep(SHORT).await;
    let begun = Instant::now();
    handle.close().await.unwrap();
    let (error, awake) = reading.await.unwrap();
    assert!(awake - begun < Duration::from_millis(900));
    assert_eq!(error.kind(), ErrorKind::NotConnected);
    assert_eq!(server.read(&mut [0]).await.unwrap(), 0, "the close was clean");
    handle.close().await.unwrap();

    let (mut client, mut server) = pair().await;
    let handle = client.handle();
    let writing = tokio::spawn(async move { client.write_all(&vec![0; 64 * MIB]).await.unwrap_err().kind() });
    sleep(SHORT).await;
    // A write that is cut short is no clean end.
    assert_eq!(handle.close().await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(soon(writing).await.unwrap(), ErrorKind::ConnectionAborted);
    assert_eq!(inner(&server.read_to_end(&mut Vec::new()).await.unwrap_err()), &Error::Truncated);

    let (mut client, _server) = pair().await;
    let handle = client.handle();
    let reading = tokio::spawn(async move { client.read(&mut [0]).await.unwrap_err().kind() });
    sleep(SHORT).await;
    handle.abort();
    assert_eq!(soon(reading).await.unwrap(), ErrorKind::ConnectionAborted);
}

#[tokio::test]
async fn a_peer_that_hangs_up_is_noticed_while_nobody_reads() {
    let (mut client, server) = pair().await;
    assert!(!client.peer_is_gone());
    let thinking = async {
        sleep(SHORT).await;
        drop(server);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = client.peer_gone() => {}
        () = thinking => {}
        () = sleep(LONG) => panic!("not noticed"),
    }
    assert!(client.peer_is_gone());
    assert_eq!(inner(&client.read(&mut [0]).await.unwrap_err()), &Error::Truncated);
}

#[tokio::test]
async fn pending_counts_what_was_received_and_is_not_taken() {
    let (mut client, mut server) = pair().await;
    for part in [&b"one"[..], b"three"] {
        server.write_all(part).await.unwrap();
    }
    server.shutdown().await.unwrap();
    assert!(client.readable().await.unwrap());
    sleep(SHORT).await;
    assert_eq!(client.pending(), 3);
    let mut buffer = [0; 3];
    client.read_exact(&mut buffer).await.unwrap();
    assert!(client.readable().await.unwrap());
    assert_eq!(client.pending(), 5);
    assert_eq!(client.read(&mut [0; 10]).await.unwrap(), 5);
    assert!(!client.readable().await.unwrap());
    assert_eq!(client.pending(), 1, "the end");
}

#[tokio::test]
async fn a_handshake_stops_for_its_caller_and_goes_on() {
    let (one, other) = tcp();
    let mut server = stream(other, Connection::accept());
    let anonymous = otls::ClientConfig::new(common::trust(&WORLD.authority));
    let mut client = stream(one, client_with(anonymous));
    let serving = async {
        assert!(server.handshake().await.unwrap().contains(State::NEED_CONFIG));
        server.connection().configure(Arc::new(WORLD.server_config()), NOW).unwrap();
        server.handshake().await.unwrap();
    };
    let shaking = async {
        let identity = Arc::clone(&WORLD.client);
        let respond = |connection: &mut Connection| connection.provide_identity(Some(identity.clone()), NOW);
        client.handshake_with(respond).await.unwrap();
        client.confirm().await.unwrap();
    };
    tokio::join!(serving, shaking);
}

#[tokio::test]
async fn a_refusal_is_told_before_the_socket_closes() {
    let (one, other) = tcp();
    let anonymous = otls::ClientConfig::new(common::trust(&WORLD.authority)).with_no_identity();
    let (mut client, mut server) = (stream(one, client_with(anonymous)), stream(other, server()));
    let serving = tokio::spawn(async move { server.handshake().await.unwrap_err() });
    client.handshake().await.unwrap();
    let mut written = Ok(());
    while written.is_ok() {
        written = client.write_all(&data(100_000)).await;
    }
    let refused = Error::AlertReceived(AlertDescription::CERTIFICATE_REQUIRED);
    assert_eq!(inner(&written.unwrap_err()), &refused);
    assert_eq!(inner(&client.read(&mut [0]).await.unwrap_err()), &refused);
    assert!(matches!(inner(&serving.await.unwrap()), Error::BadCertificate(_)));
}
