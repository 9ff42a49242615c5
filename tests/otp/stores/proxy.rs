//! Somebody between a store and its server, who passes on what both say, or repeats what was said before.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    mode: Mutex<Mode>,
    recorded: Mutex<VecDeque<Vec<u8>>>,
    opened: AtomicUsize,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Mode {
    #[default]
    Pass,
    Record,
    Replay,
}

impl Proxy {
    /// Before a server on this port of this machine.
    pub(crate) fn start(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::<Shared>::default();
        let ours = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                ours.opened.fetch_add(1, Ordering::SeqCst);
                let (shared, client) = (Arc::clone(&ours), client.unwrap());
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                std::thread::spawn(move || between(client, server, &shared));
            }
        });
        Self { port, shared }
    }

    pub(crate) fn pass(&self) {
        *self.shared.mode.lock().unwrap() = Mode::Pass;
    }

    /// Keeps the answers from now on.
    pub(crate) fn record(&self) {
        self.shared.recorded.lock().unwrap().clear();
        *self.shared.mode.lock().unwrap() = Mode::Record;
    }

    /// Answers with what was recorded, one after the other; the server hears nothing.
    pub(crate) fn replay(&self) {
        *self.shared.mode.lock().unwrap() = Mode::Replay;
    }

    /// Connections so far.
    pub(crate) fn opened(&self) -> usize {
        self.shared.opened.load(Ordering::SeqCst)
    }
}

/// Both sides speak in turn, so that what comes until it is quiet is one question or one answer.
fn between(mut client: TcpStream, mut server: TcpStream, shared: &Shared) {
    loop {
        client.set_read_timeout(None).unwrap();
        let question = heard(&mut client);
        if question.is_empty() {
            return;
        }
        let mode = *shared.mode.lock().unwrap();
        let answer = if mode == Mode::Replay {
            shared.recorded.lock().unwrap().pop_front().unwrap_or_default()
        } else {
            server.write_all(&question).unwrap();
            server.set_read_timeout(None).unwrap();
            heard(&mut server)
        };
        if mode == Mode::Record {
            shared.recorded.lock().unwrap().push_back(answer.clone());
        }
        if client.write_all(&answer).is_err() {
            return;
        }
    }
}

fn heard(stream: &mut TcpStream) -> Vec<u8> {
    let (mut all, mut some) = (Vec::new(), vec![0; 65536]);
    while let Ok(len @ 1..) = stream.read(&mut some) {
        all.extend_from_slice(&some[..len]);
        stream.set_read_timeout(Some(QUIET)).unwrap();
    }
    all
}

const QUIET: Duration = Duration::from_millis(100);
