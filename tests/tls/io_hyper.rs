//! hyper over `otls::io::AsyncStream`: both sides of HTTP/1.1.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::common::NOW;
use crate::io_support::*;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1 as client_side;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1 as server_side;
use hyper::service::service_fn;
use hyper::{Request, Response};
use otls::io::{AsyncStream, Timeouts};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A stream of tokio, as hyper wants it.
struct Io(AsyncStream<TcpStream>);

impl Read for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut out: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut buffer = vec![0; out.remaining().min(16 * 1024)];
        let mut buffer = ReadBuf::new(&mut buffer);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer))?;
        out.put_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }
}

impl Write for Io {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

async fn text(mut body: Incoming) -> String {
    let mut text = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        text.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    String::from_utf8(text).unwrap()
}

async fn answer(request: Request<Incoming>) -> hyper::Result<Response<String>> {
    let path = request.uri().path().to_owned();
    Ok(Response::new(format!("{path}: {}", text(request.into_body()).await)))
}

#[tokio::test]
async fn several_requests_go_over_one_connection_that_ends_cleanly() {
    let (one, other) = sockets();
    let stream = |socket: std::net::TcpStream, connection| {
        socket.set_nonblocking(true).unwrap();
        let socket = TcpStream::from_std(socket).unwrap();
        AsyncStream::new(socket, connection).with_clock(|| NOW).with_timeouts(Timeouts::all(LONG))
    };
    let (mut near, mut far) = (stream(one, client()), stream(other, server()));
    let (shaken, served) = tokio::join!(near.handshake(), far.handshake());
    shaken.and(served).unwrap();

    let serving = tokio::spawn(server_side::Builder::new().serve_connection(Io(far), service_fn(answer)));
    let (mut sender, connection) = client_side::handshake::<_, String>(Io(near)).await.unwrap();
    let driving = tokio::spawn(connection);
    // More than a stream holds.
    for len in [0, 10, 3_000_000] {
        let sent = "x".repeat(len);
        let request = Request::post(format!("/{len}")).header("host", "bank.example").body(sent.clone());
        sender.ready().await.unwrap();
        let response = sender.send_request(request.unwrap()).await.unwrap();
        assert!(text(response.into_body()).await == format!("/{len}: {sent}"));
    }
    drop(sender);
    driving.await.unwrap().unwrap();
    serving.await.unwrap().expect("no truncation");
}
