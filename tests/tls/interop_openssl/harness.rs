//! What the tests with OpenSSL share: a connection's socket, and the two programs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use otls::crypto::SystemRandom;
use otls::pki::Identity;
use otls::{Connection, Result, State};

use crate::common::{NOW, World, read};

/// A connection's socket.
pub(crate) struct Link {
    pub(crate) stream: TcpStream,
    pub(crate) sent: Vec<u8>,
    pub(crate) received: Vec<u8>,
    /// Plaintext after the line that was asked for.
    plaintext: Vec<u8>,
    /// Bytes that the connection did not take yet.
    waiting: Vec<u8>,
}

impl Link {
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, sent: Vec::new(), received: Vec::new(), plaintext: Vec::new(), waiting: Vec::new() }
    }

    pub(crate) fn flush(&mut self, connection: &mut Connection) {
        while connection.state().contains(State::WANT_WRITE) {
            // A peer that refused us may be gone: what it said is read next.
            let written = self.stream.write(connection.pending()).unwrap_or(connection.pending().len());
            self.sent.extend_from_slice(&connection.pending()[..written]);
            connection.consume(written);
        }
    }

    /// Writes, reads once and lets the connection take what came.
    pub(crate) fn step(&mut self, connection: &mut Connection, patience: Duration) -> Result<bool> {
        self.flush(connection);
        self.stream.set_read_timeout(Some(patience)).unwrap();
        let mut buffer = [0; 4096];
        let len = match self.stream.read(&mut buffer) {
            Ok(0) => return connection.feed_end().map(|()| false),
            Ok(len) => len,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                assert!(patience < PATIENCE, "the peer says nothing");
                return Ok(true);
            }
            Err(_) => return connection.feed_end().map(|()| false),
        };
        self.received.extend_from_slice(&buffer[..len]);
        self.waiting.extend_from_slice(&buffer[..len]);
        while !self.waiting.is_empty() {
            let taken = connection.feed(&self.waiting, NOW);
            self.flush(connection);
            self.waiting.drain(..taken?);
            self.plaintext.extend(read(connection));
        }
        self.flush(connection);
        Ok(true)
    }

    pub(crate) fn drive(
        &mut self,
        connection: &mut Connection,
        until: impl Fn(&Connection) -> bool,
    ) -> Result<()> {
        while !until(connection) {
            assert!(self.step(connection, PATIENCE)?, "the peer ended the connection");
        }
        self.flush(connection);
        Ok(())
    }

    /// Plaintext up to and with `last`.
    pub(crate) fn receive(&mut self, connection: &mut Connection, last: u8) -> Result<Vec<u8>> {
        loop {
            if let Some(at) = self.plaintext.iter().position(|octet| *octet == last) {
                return Ok(self.plaintext.drain(..=at).collect());
            }
            assert!(self.step(connection, PATIENCE)?, "the peer ended the connection");
        }
    }

    /// Reads on until the transport ends, which it may only do after close_notify.
    pub(crate) fn until_end(&mut self, connection: &mut Connection) -> Result<()> {
        while self.step(connection, PATIENCE)? {}
        Ok(())
    }
}

/// More than a loaded machine needs, less than a hanging test may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The authority's certificate, and a certificate and key, as files for openssl.
struct Files {
    _folder: tempfile::TempDir,
    ca: PathBuf,
    identity: Option<(PathBuf, PathBuf)>,
}

impl Files {
    fn new(world: &World, identity: Option<&Identity>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, data: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, data).unwrap();
            path
        };
        let ca = write("ca.pem", world.authority.certificate().to_pem().as_bytes());
        let identity = identity.map(|identity| {
            let key = identity.key().to_pem(None, &SystemRandom).unwrap();
            (write("cert.pem", identity.certificate().to_pem().as_bytes()), write("key.pem", key.expose()))
        });
        Self { _folder: folder, ca, identity }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("openssl");
        command.args([program, "-tls1_3", "-verify_return_error", "-attime", &NOW.0.to_string()]);
        command.arg("-CAfile").arg(&self.ca);
        if let Some((certificate, key)) = &self.identity {
            command.arg("-cert").arg(certificate).arg("-key").arg(key);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// `openssl s_server` for one connection; requires a client certificate.
pub(crate) struct OpensslServer {
    _process: Process,
    port: u16,
}

impl OpensslServer {
    pub(crate) fn start(world: &World, arguments: &[&str]) -> Self {
        let files = Files::new(world, Some(&world.server));
        let mut command = files.command("s_server");
        command.args(["-accept", "127.0.0.1:0", "-naccept", "1", "-Verify", "5", "-rev"]).args(arguments);
        let mut process = Process::start(command, files);
        let line = process.wait_for("ACCEPT ", |_| {});
        let port = line.rsplit_once(':').and_then(|(_, port)| port.trim().parse().ok());
        Self { _process: process, port: port.unwrap_or_else(|| panic!("no port in {line}")) }
    }

    pub(crate) fn connect(&self) -> Link {
        Link::new(TcpStream::connect(("127.0.0.1", self.port)).unwrap())
    }
}

/// `openssl s_client`; presents the world's client unless told otherwise.
pub(crate) struct OpensslClient {
    process: Process,
    input: Option<ChildStdin>,
}

impl OpensslClient {
    pub(crate) fn start(world: &World, listener: &TcpListener, arguments: &[&str]) -> Self {
        Self::start_as(world, Some(&world.client), listener, arguments)
    }

    pub(crate) fn start_as(
        world: &World,
        identity: Option<&Identity>,
        listener: &TcpListener,
        arguments: &[&str],
    ) -> Self {
        let files = Files::new(world, identity);
        let mut command = files.command("s_client");
        command.arg("-connect").arg(listener.local_addr().unwrap().to_string());
        command.args(["-servername", "bank.example", "-verify_hostname", "bank.example"]).args(arguments);
        let mut process = Process::start(command, files);
        let input = process.child.stdin.take();
        Self { process, input }
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.input.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn end_of_input(&mut self) {
        self.input = None;
    }

    pub(crate) fn wait_for(&mut self, text: &str, meanwhile: impl FnMut(Duration)) -> String {
        self.process.wait_for(text, meanwhile)
    }

    pub(crate) fn finish(mut self) -> String {
        self.input = None;
        self.process.output()
    }
}

/// A child whose output is collected by line; killed when it is dropped.
struct Process {
    child: Child,
    lines: Receiver<String>,
    seen: String,
    _files: Files,
}

impl Process {
    fn start(mut command: Command, files: Files) -> Self {
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("openssl is needed, see scripts/deps.sh: {error}"));
        let (sender, lines) = channel();
        let streams: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).split(b'\n').map_while(std::io::Result::ok) {
                    if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                        return;
                    }
                }
            });
        }
        Self { child, lines, seen: String::new(), _files: files }
    }

    /// The next line with `text` in it; `meanwhile` is called between looks and told how long it
    /// may take.
    pub(crate) fn wait_for(&mut self, text: &str, mut meanwhile: impl FnMut(Duration)) -> String {
        let moment = Duration::from_millis(20);
        let mut patience = PATIENCE;
        while let Some(left) = patience.checked_sub(moment) {
            patience = left;
            while let Ok(line) = self.lines.recv_timeout(moment) {
                self.note(&line);
                if line.contains(text) {
                    return line;
                }
            }
            meanwhile(moment);
        }
        panic!("openssl did not say {text:?} but:\n{}", self.seen)
    }

    /// All that it said, once it has ended.
    fn output(&mut self) -> String {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.note(&line);
        }
        self.child.wait().unwrap();
        self.seen.clone()
    }

    fn note(&mut self, line: &str) {
        self.seen.push_str(line);
        self.seen.push('\n');
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
