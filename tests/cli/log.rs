//! What the command line says, where nobody reads it: a log holds up neither a server nor a connection.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

fn otls(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otls"));
    command.args(arguments.split_whitespace()).current_dir(folder).env_remove("OTLS_KEY_PASSWORD");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    for line in [
        "ca init --name Root",
        "key new --type p256 --out bank.key",
        "csr new --key bank.key --name bank --san 127.0.0.1 --out bank.csr",
        "ca sign bank.csr --profile server --out bank.pem",
    ] {
        assert!(otls(folder.path(), line).output().unwrap().status.success(), "{line}");
    }
    fs::write(folder.path().join("text"), "hello").unwrap();
    folder
}

/// A port that was free a moment ago: who does not read the log does not learn it from there.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn serve(folder: &TempDir, address: SocketAddr, flags: &str) -> Command {
    let identity = "--cert bank.pem --key bank.key --client-auth none";
    otls(folder.path(), &format!("serve --bind {address} {identity} {flags}"))
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Sockets, files and the rest.
    fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.0.id())).unwrap().count()
    }

    fn stop(&mut self) -> Option<i32> {
        let kill = Command::new("kill").arg(self.0.id().to_string()).status();
        assert!(kill.unwrap().success());
        self.0.wait().unwrap().code()
    }
}

/// A connection that is answered as it should be, once the server listens.
#[track_caller]
fn is_served(folder: &TempDir, address: SocketAddr) {
    let end = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < end, "nobody listens");
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = otls(folder.path(), &format!("connect {address} --root CA/cert.pem --send text")).output();
    let output = output.unwrap();
    assert_eq!(output.stdout, b"hello", "{}", String::from_utf8_lossy(&output.stderr));
}

/// Connections that are refused at once, each with a line in the log.
fn knock(address: SocketAddr, times: usize) {
    for _ in 0..times {
        let mut peer = TcpStream::connect(address).unwrap();
        peer.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        // A reset is an answer too; silence is not.
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        let ended = peer.read_to_end(&mut Vec::new());
        let is_silent = ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!is_silent, "the server has stopped answering");
    }
}

const PATIENCE: Duration = Duration::from_secs(20);
/// More lines than a pipe (64 KiB) and the queue hold.
const MANY: usize = 3_000;

#[test]
fn a_server_whose_log_nobody_reads_keeps_no_sockets_and_serves_on() {
    let folder = folder();
    for flags in ["", "--json"] {
        let address = free();
        let mut server = Running(serve(&folder, address, flags).spawn().unwrap());
        is_served(&folder, address);
        knock(address, MANY);
        is_served(&folder, address);
        let held = server.descriptors();
        assert!(held < 100, "{held} descriptors are held");
        assert_eq!(server.stop(), Some(0));
        // What was dropped is counted, once somebody reads.
        let mut process = serve(&folder, address, flags).spawn().unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let output = process.stdout.take();
        let server = Running(process);
        is_served(&folder, address);
        knock(address, MANY);
        drop(output.filter(|_| flags.is_empty()));
        if flags.is_empty() {
            let mut line = String::new();
            while !line.contains("lines were not written") {
                line.clear();
                assert!(log.read_line(&mut line).unwrap() > 0, "nothing was said of what was dropped");
            }
        }
        drop(server);
    }
}

#[test]
fn a_server_serves_where_standard_error_is_a_broken_pipe_or_closed() {
    let folder = folder();
    for flags in ["", "--json"] {
        let address = free();
        let mut command = serve(&folder, address, flags);
        for stream in [Command::stdout::<Stdio>, Command::stderr] {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            stream(&mut command, writer.into());
        }
        let mut server = Running(command.spawn().unwrap());
        is_served(&folder, address);
        knock(address, 10);
        is_served(&folder, address);
        assert_eq!(server.stop(), Some(0));

        let address = free();
        let line = format!("exec {} \"$@\" >&- 2>&-", env!("CARGO_BIN_EXE_otls"));
        let mut command = Command::new("sh");
        command.current_dir(folder.path()).args(["-c", &line, "sh", "serve", "--bind", &address.to_string()]);
        command.args("--cert bank.pem --key bank.key --client-auth none".split(' '));
        command.args(flags.split_whitespace()).stdin(Stdio::null());
        let mut server = Running(command.spawn().unwrap());
        is_served(&folder, address);
        knock(address, 10);
        is_served(&folder, address);
        assert_eq!(server.stop(), Some(0));
    }
}

#[test]
fn a_client_gets_its_answer_where_standard_error_is_full_or_broken() {
    let folder = folder();
    let address = free();
    let _server = Running(serve(&folder, address, "").stderr(Stdio::null()).spawn().unwrap());
    is_served(&folder, address);
    let connect = || otls(folder.path(), &format!("connect {address} --root CA/cert.pem --send text"));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = connect().stderr(writer).output().unwrap();
    assert_eq!((output.stdout.as_slice(), output.status.code()), (b"hello".as_slice(), Some(0)));

    // Filled by a process that ends once nothing more fits for a while.
    let (reader, writer) = std::io::pipe().unwrap();
    let mut filler =
        Command::new("sh").args(["-c", "yes"]).stdout(writer.try_clone().unwrap()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let output = connect().stderr(writer).output().unwrap();
    assert_eq!((output.stdout.as_slice(), output.status.code()), (b"hello".as_slice(), Some(0)));
    let _ = filler.kill();
    let _ = filler.wait();
    drop(reader);
}

#[test]
fn a_result_that_cannot_be_written_is_no_success() {
    let folder = folder();
    for arguments in ["cert show bank.pem", "key new", "--help"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = otls(folder.path(), arguments).stdout(full).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments}: {error}");
        assert!(error.starts_with("otls: error: standard output"), "{arguments}: {error}");
    }
}
