//! README.md shows the heart of `examples/c/readme.c`, and that program receives an OTP from a bank. The C of
//! docs/keys.md runs. (The Python is in `bindings/python/tests/test_readme.py`.)
#![cfg(target_os = "linux")]

use crate::common;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::c_support::{compile, driver, library, root, scratch, shared, succeed, tool};
use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::otp::{Channel, Envelope, Message, OtpId};
use otls::pki::{
    Authority, CertificateRequest, DistinguishedName, GeneralName, Identity, KeyType, PrivateKey, Profile,
    Validity,
};
use otls::{ClientAuth, Connection, Secret, ServerConfig, State, UnixTime};

const MESSAGE: &str = "The OTP for transferring Rs 1,00,000 to your friend's account is 256345.";

#[test]
fn the_readme_shows_the_program_word_for_word() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let program = fs::read_to_string(root().join("examples/c/readme.c")).unwrap();
    let shown = between(&readme, "```c\n", "```");
    let heart = between(&program, "/* README.md: from here */\n", "/* README.md: to here */");
    assert_eq!(shown, heart);
    let program = fs::read_to_string(root().join("examples/readme.rs")).unwrap();
    let heart = between(&program, "// README.md: from here\n", "    // README.md: to here");
    let shown = between(&readme, "```rust\n", "```");
    // A function's body, there.
    assert_eq!(shown.lines().collect::<Vec<_>>(), heart.lines().map(|line| &line[4..]).collect::<Vec<_>>());
}

#[test]
fn the_program_shows_the_message_of_a_bank_that_it_trusts() {
    let world = World::new();
    for program in [world.compile(), in_rust()] {
        let output = world.run_customer(&program, &world.authority);
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{MESSAGE}\n"));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert!(output.status.success());
    }
}

#[test]
fn the_program_says_why_it_does_not_trust_a_bank() {
    let world = World::new();
    for program in [world.compile(), in_rust()] {
        let output = world.run_customer(&program, &authority("another authority"));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("issuer check failed"), "{text}");
        assert!(!output.status.success());
    }
}

#[test]
fn the_c_of_the_document_about_keys_runs() {
    let document = fs::read_to_string(root().join("docs/keys.md")).unwrap();
    let folder = scratch();
    let (source, program) = (folder.path().join("keys.c"), folder.path().join("keys"));
    fs::write(&source, between(&document, "```c\n", "```")).unwrap();
    compile("gcc", "c99", shared, &[source], &program);
    let output = Command::new(&program).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("at depth 0: issuer CN=Root"), "{said}");
}

/// A bank, its customer and their authority, valid now: the program reads the clock.
struct World {
    folder: tempfile::TempDir,
    authority: Authority,
    bank: Arc<Identity>,
    customer: Arc<Identity>,
}

impl World {
    fn new() -> Self {
        let authority = authority("TTP");
        let bank = identity(&authority, "localhost", Profile::Server);
        let customer = identity(&authority, "customer.example", Profile::Client);
        Self { folder: scratch(), authority, bank, customer }
    }

    /// Runs the customer's program, which trusts `trusted`, against our bank.
    fn run_customer(&self, program: &Path, trusted: &Authority) -> Output {
        let key = self.customer.key().to_pem(None, &SystemRandom).unwrap();
        let ca = self.write("ca.pem", trusted.certificate().to_pem().as_bytes());
        let certificate = self.write("certificate.pem", self.customer.certificate().to_pem().as_bytes());
        let key = self.write("key.pem", key.expose());

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let config =
            ServerConfig::new(Arc::clone(&self.bank), ClientAuth::Require(common::trust(&self.authority)));
        let bank = std::thread::spawn(move || serve(&listener, config));
        let output = Command::new(program)
            .arg(port)
            .args([ca, certificate, key])
            .env("LD_LIBRARY_PATH", &library().folder)
            .output()
            .unwrap();
        bank.join().unwrap();
        output
    }

    fn compile(&self) -> PathBuf {
        let program = self.folder.path().join("readme");
        let mut compiler = tool("gcc");
        compiler.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
        compiler.arg("-I").arg(root().join("include")).arg(root().join("examples/c/readme.c")).arg(driver());
        compiler.arg("-L").arg(&library().folder).arg("-lotls").arg("-o").arg(&program);
        succeed(&mut compiler);
        program
    }

    fn write(&self, name: &str, data: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, data).unwrap();
        path
    }
}

/// The program in Rust, which cargo builds with the tests.
fn in_rust() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.parent().unwrap().parent().unwrap().join("examples/readme")
}

/// Sends one message to one customer, or ends when the customer does.
fn serve(listener: &TcpListener, config: ServerConfig) {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut connection = Connection::server(Arc::new(config));
    let mut buffer = [0; 4096];
    while !connection.state().contains(State::CONFIRMED) {
        let len = stream.read(&mut buffer).unwrap();
        if len == 0 || connection.feed(&buffer[..len], now()).is_err() {
            return;
        }
        flush(&mut connection, &mut stream);
    }
    Channel::new().send(&mut connection, &envelope()).unwrap();
    flush(&mut connection, &mut stream);
    // Until the customer ends: what it has not read must not be cut off.
    while stream.read(&mut buffer).is_ok_and(|len| len > 0) {}
}

fn flush(connection: &mut Connection, stream: &mut impl Write) {
    stream.write_all(connection.pending()).unwrap();
    connection.consume(connection.pending().len());
}

fn envelope() -> Message {
    let transfer = common::payment();
    Message::Envelope(Envelope {
        id: OtpId([7; 16]),
        text: Secret::from(MESSAGE.as_bytes().to_vec()),
        code: Secret::from(b"256345".to_vec()),
        context: transfer.context().unwrap(),
        issued_at: now(),
        expires_at: UnixTime(now().0 + 120),
    })
}

fn authority(name: &str) -> Authority {
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
    let subject = DistinguishedName::with_common_name(name);
    Authority::create(key, &subject, HashAlgorithm::Sha256, Validity::days(now(), 365), &SystemRandom)
        .unwrap()
}

fn identity(authority: &Authority, name: &str, profile: Profile) -> Arc<Identity> {
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
    let subject = DistinguishedName::with_common_name(name);
    let names = [GeneralName::parse(name).unwrap()];
    let request =
        CertificateRequest::create(&key, &subject, &names, HashAlgorithm::Sha256, &SystemRandom).unwrap();
    let certificate = authority.issue(&request, profile, Validity::days(now(), 1), &SystemRandom).unwrap();
    Arc::new(Identity::new(certificate.into(), key).unwrap())
}

fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start:?}"));
    rest.split_once(end).unwrap_or_else(|| panic!("no {end:?} after {start:?}")).0
}
