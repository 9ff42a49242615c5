//! What the tests of the drivers share: streams over sockets of this machine, and a relay between them.
#![allow(dead_code)]

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use otls::pki::KeyType;
use otls::{ClientConfig, Connection, Error};

use crate::common::{NOW, World, bank_name};

pub(crate) static WORLD: LazyLock<World> = LazyLock::new(|| World::new(KeyType::EcdsaP256));

/// Longer than anything takes here that is not meant to time out.
pub(crate) const LONG: Duration = Duration::from_secs(60);
/// A time limit that is meant to be reached.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

pub(crate) fn client() -> Connection {
    client_with(WORLD.client_config())
}

pub(crate) fn client_with(config: ClientConfig) -> Connection {
    Connection::client(Arc::new(config), bank_name(), NOW).unwrap()
}

pub(crate) fn server() -> Connection {
    Connection::server(Arc::new(WORLD.server_config()))
}

/// Two ends of a TCP connection.
pub(crate) fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (other, _) = listener.accept().unwrap();
    for socket in [&one, &other] {
        socket.set_nodelay(true).unwrap();
    }
    (one, other)
}

/// Where a relay listens that passes what comes on to `socket`, and back, one octet at a time.
pub(crate) fn by_octets(socket: TcpStream, pause: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (other, _) = listener.accept().unwrap();
        other.set_nodelay(true).unwrap();
        let (from, to) = (socket.try_clone().unwrap(), other.try_clone().unwrap());
        thread::spawn(move || pass(&from, &to, pause));
        pass(&other, &socket, pause);
    });
    address
}

/// Ends where either side does.
fn pass(mut from: &TcpStream, mut to: &TcpStream, pause: Duration) {
    let mut buffer = [0; 4096];
    while let Ok(len @ 1..) = from.read(&mut buffer) {
        for octet in &buffer[..len] {
            if to.write_all(&[*octet]).is_err() {
                return;
            }
            thread::sleep(pause);
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// The octets of a transfer.
pub(crate) fn data(len: usize) -> Vec<u8> {
    (0..=250_u8).cycle().take(len).collect()
}

/// The error of this library inside.
#[track_caller]
pub(crate) fn inner(error: &io::Error) -> &Error {
    error.get_ref().and_then(|error| error.downcast_ref()).unwrap_or_else(|| panic!("{error:?}"))
}

#[track_caller]
pub(crate) fn timeout(error: &io::Error) -> otls::io::Timeout {
    assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
    *error.get_ref().and_then(|error| error.downcast_ref()).unwrap_or_else(|| panic!("{error:?}"))
}

/// That something that began at `begun` took about as long as `limit`.
#[track_caller]
pub(crate) fn took(begun: Instant, limit: Duration) {
    let took = begun.elapsed();
    assert!(took >= limit && took < limit + Duration::from_secs(5), "{took:?} instead of {limit:?}");
}
