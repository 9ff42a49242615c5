//! The driver in C: programs that test both of its ends, the scenarios of docs/interop.md against a server that is
//! not in C, and the bank, which serves many customers in one thread.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::c_support::{Linking, asan, compile, driver, root, scratch, shared, succeed, tsan};
use crate::peer::{End, Report, relay, serve};
use crate::programs::{Programs, World};
use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::pki::{
    Authority, CertificateRequest, DistinguishedName, GeneralName, Identity, KeyType, PrivateKey, Profile,
    TrustStore, Validity,
};
use otls::{ClientAuth, ServerConfig, UnixTime};
use tempfile::TempDir;

#[test]
fn the_driver_keeps_its_promises() {
    run_all("gcc", "c99", shared);
}

#[test]
fn the_driver_is_clean_under_the_sanitizers() {
    run_all("clang", "c17", asan);
}

#[test]
fn the_threads_of_the_driver_do_not_race() {
    run_all("clang", "c17", tsan);
}

fn run_all(compiler: &str, standard: &str, linking: Linking) {
    for source in ["drive_data.c", "drive_ends.c"] {
        let (_folder, program) = build(compiler, standard, linking, source);
        succeed(&mut Command::new(program));
    }
}

fn build(compiler: &str, standard: &str, linking: Linking, source: &str) -> (TempDir, PathBuf) {
    let folder = scratch();
    let program = folder.path().join("program");
    compile(compiler, standard, linking, &[root().join("tests/c").join(source), driver()], &program);
    (folder, program)
}

const SIZE: usize = 4 << 20;
const ALL: Report = Report { read: SIZE, end: End::Clean };
const UNREAD: Report = Report { read: 0, end: End::Unseen };

#[test]
fn data_goes_both_ways_at_once() {
    let client = Client::new();
    for scenario in ["echo", "signals"] {
        assert_eq!(client.plays(scenario, SIZE, None), Report { read: 0, end: End::Clean });
    }
    assert_eq!(client.plays("both", SIZE, None), ALL);
    assert_eq!(client.plays("octets", 2000, Some(Duration::ZERO)), Report { read: 0, end: End::Clean });
}

#[test]
fn a_client_ends_its_own_direction_alone() {
    let client = Client::new();
    for scenario in ["half-close", "slow"] {
        assert_eq!(client.plays(scenario, SIZE, None), ALL);
    }
}

#[test]
fn an_end_that_was_cut_is_told_on_both_sides() {
    let client = Client::new();
    assert_eq!(client.plays("cut", SIZE, None), UNREAD);
    // More than lies in the kernel.
    let cancelled = client.plays("cancel", 16 * SIZE, None);
    assert!(cancelled.end == End::Truncated && cancelled.read < 16 * SIZE, "{cancelled:?}");
}

#[test]
fn a_handshake_that_trickles_is_late() {
    let report = Client::new().plays("trickle", 0, Some(Duration::from_millis(50)));
    assert_eq!(report, Report { read: 0, end: End::Truncated });
}

#[test]
fn a_reader_is_woken_by_another_thread() {
    assert_eq!(Client::new().plays("close", 0, None), Report { read: 0, end: End::Clean });
}

#[test]
fn what_was_received_does_not_hide_from_poll() {
    assert_eq!(Client::new().plays("select", 100_000, None), UNREAD);
}

/// What feeds a connection that has a socket is the driver alone.
#[test]
fn there_is_one_loop() {
    let mut feeding = Vec::new();
    for folder in ["examples/c", "tests/c", "benches"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let is_c = path.extension().is_some_and(|extension| extension == "c" || extension == "h");
            let feeds = |text: &str| {
                text.contains("otls_connection_feed(") || text.contains("otls_connection_feed_in_place(")
            };
            if is_c && feeds(&fs::read_to_string(&path).unwrap()) {
                feeding.push(path.strip_prefix(root()).unwrap().display().to_string());
            }
        }
    }
    feeding.sort_unstable();
    let without_a_socket = ["tests/c/check.h", "tests/c/connection.c", "tests/c/fork.c"];
    let driver = ["examples/c/drive.c", "examples/c/drive_inner.h"];
    assert_eq!(feeding, [&driver[..], &without_a_socket].concat());
}

/// The loop in the header is a program, too.
#[test]
fn the_loop_of_the_header_runs() {
    let header = fs::read_to_string(root().join("include/otls.h")).unwrap();
    let code: String = header
        .lines()
        .skip_while(|line| !line.starts_with(" *     struct inbox"))
        .take_while(|line| *line == " *" || line.starts_with(" *     "))
        .map(|line| line.strip_prefix(" *     ").unwrap_or_default().to_owned() + "\n")
        .collect();
    assert!(code.lines().filter(|line| !line.is_empty()).count() <= 35, "{code}");
    let program = fs::read_to_string(root().join("tests/c/header_loop.c")).unwrap();
    let folder = scratch();
    let (source, built) = (folder.path().join("loop.c"), folder.path().join("loop"));
    fs::write(&source, program.replace("#include \"the loop of otls.h\"\n", &code)).unwrap();
    compile("clang", "c99", asan, &[source, driver()], &built);
    let client = Client { program: built, ..Client::new() };
    assert_eq!(client.plays("select", 100_000, None), UNREAD);
}

/// 50 clients say nothing, or begin and say no more. The customer who comes after them is served meanwhile, and they
/// are dropped; then SIGTERM ends the bank, after the one whom it still waits for.
#[test]
fn fifty_silent_clients_keep_nobody_waiting() {
    let programs = Programs::build("clang", "c17", asan);
    let world = World::new(KeyType::EcdsaP256);
    let plain = |program: &Path| Command::new(program);
    let bank = programs.bank(&world, &plain, &["--count", "0", "--patience", "3"]);
    let connect = || TcpStream::connect(("127.0.0.1", bank.port.parse().unwrap())).unwrap();
    let start = Instant::now();
    let mut silent: Vec<TcpStream> = (0..50).map(|_| connect()).collect();
    for client in silent.iter_mut().step_by(2) {
        client.write_all(&[22, 3, 1, 1, 0, 1]).unwrap();
    }
    succeed(&mut programs.customer(&world, &plain, &[&bank.port]));
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    for client in &mut silent {
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, [0_u8; 0]);
    }
    assert!(start.elapsed() > Duration::from_secs(2), "{:?}", start.elapsed());

    let late = connect();
    thread::sleep(Duration::from_millis(200));
    let asked = Instant::now();
    bank.terminate();
    thread::sleep(Duration::from_millis(300));
    assert!(TcpStream::connect(("127.0.0.1", bank.port.parse().unwrap())).is_err());
    let (code, says) = bank.end();
    assert_eq!(code, Some(0), "{says}");
    assert!(asked.elapsed() > Duration::from_secs(2), "{:?}", asked.elapsed());
    assert_eq!(says.matches("was verified: accepted").count(), 1, "{says}");
    assert_eq!(says.matches("timed out in the handshake").count(), 51, "{says}");
    drop(late);
}

/// The client's program and files, and what its server has.
struct Client {
    program: PathBuf,
    folder: TempDir,
    server: Arc<ServerConfig>,
    /// Where the program is.
    _built: TempDir,
}

impl Client {
    fn new() -> Self {
        let (built, program) = build("clang", "c99", asan, "drive_client.c");
        let folder = scratch();
        let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
        let name = DistinguishedName::with_common_name("Root");
        let authority =
            Authority::create(key, &name, HashAlgorithm::Sha256, Validity::days(now(), 1), &SystemRandom)
                .unwrap();
        let bank = identity(&authority, "bank.example", Profile::Server);
        let client = identity(&authority, "client.example", Profile::Client);
        let key = client.key().to_pem(None, &SystemRandom).unwrap();
        fs::write(folder.path().join("ca.pem"), authority.certificate().to_pem()).unwrap();
        fs::write(folder.path().join("client.pem"), client.certificate().to_pem()).unwrap();
        fs::write(folder.path().join("client.key"), key.expose()).unwrap();
        let mut trust = TrustStore::new();
        trust.add_authority(authority.certificate()).unwrap();
        let server = Arc::new(ServerConfig::new(Arc::new(bank), ClientAuth::Require(trust)));
        Self { program, folder, server, _built: built }
    }

    /// What the server saw of a scenario that the client is content with. A relay passes one octet at a time.
    fn plays(&self, scenario: &str, size: usize, rest_of_relay: Option<Duration>) -> Report {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = Arc::clone(&self.server);
        let server = thread::spawn(move || serve(&listener, config));
        let port = rest_of_relay.map_or(port, |rest| relay(port, rest));
        let mut command = Command::new(&self.program);
        command.args([scenario, "127.0.0.1", &port.to_string()]).arg(self.folder.path());
        let output = command.arg(size.to_string()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(said.starts_with(&format!("ok {scenario} ")) && complaint.is_empty(), "{said}{complaint}");
        assert_eq!(output.status.code(), Some(0));
        server.join().unwrap()
    }
}

fn identity(authority: &Authority, name: &str, profile: Profile) -> Identity {
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
    let subject = DistinguishedName::with_common_name(name);
    let names = [GeneralName::parse(name).unwrap()];
    let request =
        CertificateRequest::create(&key, &subject, &names, HashAlgorithm::Sha256, &SystemRandom).unwrap();
    let certificate = authority
        .issue(&request, profile, Validity::new(now(), Duration::from_secs(3600)), &SystemRandom)
        .unwrap();
    Identity::new(certificate.into(), key).unwrap()
}

fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}
