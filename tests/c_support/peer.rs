//! The other side of `tests/c/drive_client.c`: a server that plays its part of a scenario with two threads that
//! block, so that the driver in C meets something else than itself.
#![allow(unreachable_pub)]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use otls::{Connection, Error, ServerConfig, State, UnixTime};

const PIECE: usize = 16 * 1024;

/// How a connection ended for the peer, and how much data it got after the first line.
#[derive(Debug, PartialEq)]
pub struct Report {
    pub read: usize,
    pub end: End,
}

/// What came after the data.
#[derive(Debug, PartialEq)]
pub enum End {
    Clean,
    Truncated,
    Unseen,
}

/// Serves one client, whose first line says what to do.
pub fn serve(listener: &TcpListener, config: Arc<ServerConfig>) -> Report {
    let (socket, _) = listener.accept().unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    let connection = Connection::server(config);
    let peer = Peer { socket, connection: Mutex::new(connection), sending: Mutex::new(()) };
    let mut reading = Reading { peer: &peer, arrived: Vec::new(), read: 0 };
    let mut line = String::new();
    while !line.ends_with('\n') {
        let mut octet = [0];
        match reading.take(&mut octet) {
            Ok(1) => line.push(char::from(octet[0])),
            Ok(_) => return Report { read: 0, end: End::Clean },
            Err(_) => return Report { read: 0, end: End::Truncated },
        }
    }
    reading.read = 0;
    let (scenario, size) = line.trim().split_once(' ').unwrap();
    let size = size.parse().unwrap();
    let end = play(&peer, &mut reading, scenario, size);
    Report { read: reading.read, end }
}

fn play(peer: &Peer, reading: &mut Reading<'_>, scenario: &str, size: usize) -> End {
    match scenario {
        "echo" | "octets" | "signals" => {
            let mut data = [0; PIECE];
            loop {
                match reading.take(&mut data) {
                    Ok(0) => break,
                    Ok(len) => peer.write(&data[..len]),
                    Err(_) => return End::Truncated,
                }
            }
            peer.close();
            End::Clean
        }
        "both" => thread::scope(|scope| {
            let writer = scope.spawn(|| peer.write_pattern(size, PIECE));
            let end = reading.take_all(false);
            writer.join().unwrap();
            peer.close();
            end
        }),
        "half-close" | "slow" => {
            let end = reading.take_all(scenario == "slow");
            peer.write(format!("got {}\n", reading.read).as_bytes());
            peer.close();
            end
        }
        "cut" => {
            peer.write_pattern(size, PIECE);
            End::Unseen
        }
        "cancel" => {
            let mut data = [0; PIECE];
            while reading.read < 4 * PIECE {
                reading.read += reading.take(&mut data).unwrap();
            }
            thread::sleep(Duration::from_secs(1));
            reading.take_all(false)
        }
        "select" => {
            peer.write_pattern(size, 1000);
            peer.close();
            End::Unseen
        }
        _ => reading.take_all(false),
    }
}

struct Peer {
    socket: TcpStream,
    connection: Mutex<Connection>,
    /// Held by whoever sends: records go out in the order in which they were sealed.
    sending: Mutex<()>,
}

impl Peer {
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap()
    }

    fn write(&self, data: &[u8]) {
        for piece in data.chunks(PIECE) {
            self.lock().seal(piece).unwrap();
            self.flush();
        }
    }

    fn write_pattern(&self, size: usize, record: usize) {
        for at in (0..size).step_by(record) {
            self.write(&(at..size.min(at + record)).map(pattern).collect::<Vec<_>>());
        }
    }

    fn flush(&self) {
        let _sending = self.sending.lock().unwrap();
        let pending = {
            let mut connection = self.lock();
            let pending = connection.pending().to_vec();
            connection.consume(pending.len());
            pending
        };
        // A client that is gone is seen by who reads.
        let _ = (&self.socket).write_all(&pending);
    }

    fn close(&self) {
        self.lock().close();
        self.flush();
        let _ = self.socket.shutdown(Shutdown::Write);
        let mut rest = [0; PIECE];
        while (&self.socket).read(&mut rest).is_ok_and(|len| len > 0) {}
    }
}

struct Reading<'a> {
    peer: &'a Peer,
    arrived: Vec<u8>,
    read: usize,
}

impl Reading<'_> {
    /// Some data, checked; 0 at the clean end.
    fn take(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        loop {
            let mut connection = self.peer.lock();
            let len = connection.read(out);
            if len > 0 {
                return Ok(len);
            }
            let taken = connection.feed(&self.arrived, now())?;
            self.arrived.drain(..taken);
            let state = connection.state();
            drop(connection);
            self.peer.flush();
            if state.contains(State::HAVE_PLAINTEXT) {
                continue;
            }
            if !state.contains(State::WANT_READ) {
                return Ok(0);
            }
            let mut bytes = [0; PIECE];
            match (&self.peer.socket).read(&mut bytes) {
                Ok(len) if len > 0 => self.arrived.extend_from_slice(&bytes[..len]),
                _ => self.peer.lock().feed_end()?,
            }
        }
    }

    /// To the end; `slowly` is 4 MB in a second at most, by the clock and not by rests, which a busy machine
    /// makes longer.
    fn take_all(&mut self, slowly: bool) -> End {
        let mut data = [0; PIECE];
        let start = Instant::now();
        loop {
            match self.take(&mut data) {
                Ok(0) => return End::Clean,
                Ok(len) => {
                    assert!(
                        data[..len].iter().enumerate().all(|(i, octet)| *octet == pattern(self.read + i))
                    );
                    self.read += len;
                }
                Err(error) => {
                    assert_eq!(error, Error::Truncated);
                    return End::Truncated;
                }
            }
            let due = Duration::from_micros(u64::try_from(self.read).unwrap() / 4);
            if slowly {
                thread::sleep(due.saturating_sub(start.elapsed()));
            }
        }
    }
}

/// Passes what one client says on to `port`, one octet at a time, and back. One that rests in between ends after three
/// seconds, so that nobody has to wait for all that it still holds.
pub fn relay(port: u16, rest: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (near, _) = listener.accept().unwrap();
        let far = TcpStream::connect(("127.0.0.1", port)).unwrap();
        for (mut from, mut to) in
            [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)].into_iter()
        {
            to.set_nodelay(true).unwrap();
            thread::spawn(move || {
                let mut octet = [0];
                let start = Instant::now();
                while rest.is_zero() || start.elapsed() < Duration::from_secs(3) {
                    if !from.read(&mut octet).is_ok_and(|len| len == 1) || to.write_all(&octet).is_err() {
                        break;
                    }
                    thread::sleep(rest);
                }
                let _ = to.shutdown(Shutdown::Write);
            });
        }
    });
    own
}

fn pattern(at: usize) -> u8 {
    u8::try_from(at % 251).unwrap()
}

fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}
