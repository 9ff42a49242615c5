//! How `otls serve` ends, and transfers that go both ways at once.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::Shell;

struct Server {
    process: Child,
    log: BufReader<ChildStderr>,
    address: String,
}

fn run(shell: &Shell, arguments: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otls"));
    command.args(arguments.split_whitespace()).current_dir(shell.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn serve(shell: &Shell) -> Server {
    let flags = "--bind 127.0.0.1:0 --cert bank.pem --key key.pem --client-auth none";
    let mut process = run(shell, &format!("serve {flags}"));
    let mut log = BufReader::new(process.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("otls: listening on ").unwrap().to_owned();
    Server { process, log, address }
}

impl Server {
    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    fn says(&mut self) -> String {
        let mut line = String::new();
        self.log.read_line(&mut line).unwrap();
        line
    }

    /// A client that has had one answer.
    fn client(&self, shell: &Shell) -> Child {
        let flags = "--root CA/cert.pem --name bank.example";
        let mut client = run(shell, &format!("connect {} {flags}", self.address));
        client.stdin.as_mut().unwrap().write_all(b"one").unwrap();
        client.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
        client
    }
}

#[test]
fn a_server_that_is_told_to_stop_serves_its_connections_to_their_end() {
    let shell = Shell::with_certificate();
    for name in ["TERM", "INT"] {
        let mut server = serve(&shell);
        let mut client = server.client(&shell);
        server.signal(name);
        assert!(server.says().contains("waiting for 1 open connections"));
        assert!(TcpStream::connect(&server.address).is_err(), "nobody else is served");
        let mut input = client.stdin.take().unwrap();
        input.write_all(b"two").unwrap();
        drop(input);
        let output = client.wait_with_output().unwrap();
        assert!(output.status.success() && output.stdout == b"two", "{output:?}");
        assert_eq!(server.process.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_second_signal_cuts_what_is_open_and_is_no_success() {
    let shell = Shell::with_certificate();
    let mut server = serve(&shell);
    let client = server.client(&shell);
    server.signal("TERM");
    assert!(server.says().contains("again to cut them"));
    server.signal("TERM");
    assert!(server.says().contains("1 connections were cut"));
    assert_eq!(server.process.wait().unwrap().code(), Some(5));
    let output = client.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(5) && said.contains("without close_notify"), "{said}");
}

#[test]
fn more_than_any_buffer_holds_is_sent_and_comes_back() {
    let shell = Shell::with_certificate();
    let mut server = serve(&shell);
    let sent: Vec<u8> = (0..=250).cycle().take(12 * 1024 * 1024).collect();
    fs::write(shell.path().join("sent"), &sent).unwrap();
    let flags = "--root CA/cert.pem --name bank.example --send sent";
    let mut client = run(&shell, &format!("connect {} {flags}", server.address));
    // Nobody reads for a while, and everything is full.
    thread::sleep(Duration::from_millis(500));
    let (begun, mut received) = (Instant::now(), Vec::new());
    client.stdout.take().unwrap().read_to_end(&mut received).unwrap();
    assert!(received == sent, "{} octets after {:?}", received.len(), begun.elapsed());
    assert!(client.wait().unwrap().success());
    server.signal("TERM");
    assert_eq!(server.process.wait().unwrap().code(), Some(0));
}
