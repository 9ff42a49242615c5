//! `otls serve` and `otls connect` as a person runs them, with each other and with others.
#![allow(clippy::print_stderr, reason = "a skipped test says why")]

use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::pki::{
    Authority, BACKDATE, Certificate, CertificateRequest, DistinguishedName, GeneralName, Identity, KeyType,
    PrivateKey, Profile, TrustStore, Validity,
};
use otls::{ClientAuth, ClientConfig, Connection, ServerConfig, State, UnixTime};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with an authority, a bank (ECDSA and RSA) and a customer.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        folder.run("ca init --name Root");
        folder.issue("bank", "p256", "server");
        folder.issue("customer", "p256", "client");
        fs::write(folder.path().join("request"), "GET / HTTP/1.1\r\nHost: bank\r\n\r\n").unwrap();
        folder
    }

    fn issue(&self, name: &str, kind: &str, profile: &str) {
        self.run(&format!("key new --type {kind} --out {name}.key"));
        let names = format!("--name {name} --san {name}.example --san 127.0.0.1 --san ::1");
        self.run(&format!("csr new --key {name}.key {names} --out {name}.csr"));
        self.run(&format!("ca sign {name}.csr --profile {profile} --out {name}.pem"));
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    fn output(&self, arguments: &str) -> Output {
        otls(self.path(), arguments).stdin(Stdio::null()).output().unwrap()
    }

    pub(crate) fn run(&self, arguments: &str) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The exit code and standard error of a command that fails.
    pub(crate) fn fails(&self, arguments: &str) -> (i32, String) {
        let output = self.output(arguments);
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    fn trust(&self) -> TrustStore {
        let mut trust = TrustStore::new();
        let root = fs::read(self.path().join("CA/cert.pem")).unwrap();
        trust.add_authority(&Certificate::load(&root).unwrap()).unwrap();
        trust
    }

    fn serve(&self, flags: &str) -> Server {
        Server::start(self, &format!("--cert bank.pem --key bank.key --root CA/cert.pem {flags}"))
    }
}

pub(crate) const CUSTOMER: &str = "--root CA/cert.pem --cert customer.pem --key customer.key";

pub(crate) fn otls(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otls"));
    command.args(arguments.split_whitespace()).current_dir(folder).env_remove("OTLS_KEY_PASSWORD");
    command
}

pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    log: BufReader<std::process::ChildStderr>,
}

impl Server {
    pub(crate) fn start(folder: &Folder, flags: &str) -> Self {
        let bind = if flags.contains("--bind") { "" } else { "--bind 127.0.0.1:0" };
        Self::spawn(otls(folder.path(), &format!("serve {bind} {flags}")))
    }

    fn spawn(mut command: Command) -> Self {
        let mut process =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("otls: listening on ").unwrap_or_else(|| panic!("{line}"));
        Self { process, address: address.parse().unwrap(), log }
    }

    /// The next line of its log, but for the one that says that it has no revocation list.
    fn says(&mut self) -> String {
        let mut line = String::new();
        self.log.read_line(&mut line).unwrap();
        if line.contains("not looked at") { self.says() } else { line }
    }

    fn connect(&self, folder: &Folder, flags: &str) -> Value {
        let text = folder.run(&format!("connect {} --json {flags}", self.address));
        serde_json::from_str(&text).unwrap()
    }

    /// Ends it as `kill` does; its exit code.
    pub(crate) fn stop(mut self) -> i32 {
        let kill = Command::new("kill").arg(self.process.id().to_string()).status();
        assert!(kill.unwrap().success());
        self.process.wait().unwrap().code().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn what_is_sent_comes_back_and_both_sides_say_what_was_agreed_on() {
    let folder = Folder::new();
    let mut server = folder.serve("--alpn otp --suite TLS_CHACHA20_POLY1305_SHA256 --group x25519");
    fs::write(folder.path().join("data"), "to and fro").unwrap();
    let said = server.connect(&folder, &format!("{CUSTOMER} --alpn otp --send data --key-update"));
    assert_eq!(said["received"], "to and fro");
    assert_eq!(said["suite"], "TLS_CHACHA20_POLY1305_SHA256");
    assert_eq!((&said["group"], &said["alpn"]), (&"x25519".into(), &"otp".into()));
    assert_eq!(said["scheme"], "ecdsa_secp256r1_sha256");
    assert_eq!(
        (&said["resumed"], &said["confirmed"], &said["error"]),
        (&false.into(), &true.into(), &Value::Null)
    );
    assert_eq!(said["peer"][0]["subject"], "CN=bank");
    let line = server.says();
    assert!(
        line.contains("CHACHA20") && line.contains("ALPN otp") && line.contains("peer CN=customer"),
        "{line}"
    );
    assert_eq!(server.stop(), 0);
}

#[test]
fn standard_input_is_sent_and_the_answer_printed() {
    let folder = Folder::new();
    let server = folder.serve("");
    let mut client = otls(folder.path(), &format!("connect {} {CUSTOMER}", server.address))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = client.stdin.take().unwrap();
    input.write_all(b"typed\n").unwrap();
    let mut output = BufReader::new(client.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "typed\n");
    drop(input);
    assert!(client.wait().unwrap().success());
}

#[test]
fn a_session_is_resumed_once_and_by_servers_that_share_their_keys() {
    let folder = Folder::new();
    let (first, second) = (folder.serve("--ticket-keys keys"), folder.serve("--ticket-keys keys"));
    let flags = format!("{CUSTOMER} --send request --resume session");
    assert_eq!(first.connect(&folder, &flags)["resumed"], false);
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("session"), mode("keys")), (0o600, 0o600));
    assert_eq!(second.connect(&folder, &flags)["resumed"], true);
    assert_eq!(first.connect(&folder, &flags)["resumed"], true);
    // A server with other keys serves in full, and one without tickets leaves none behind.
    assert_eq!(folder.serve("").connect(&folder, &flags)["resumed"], false);
    assert_eq!(folder.serve("--tickets 0").connect(&folder, &flags)["resumed"], false);
    assert!(!folder.path().join("session").exists());
    fs::write(folder.path().join("session"), "not one").unwrap();
    let (code, line) = folder.fails(&format!("connect {} {flags}", first.address));
    assert!(code == 2 && line.contains("not a saved session"), "{line}");
}

#[test]
fn each_refusal_is_one_line_with_its_exit_code() {
    let folder = Folder::new();
    let mut server = folder.serve("");
    let address = server.address;
    let fails = |flags: &str| folder.fails(&format!("connect {address} --send request {flags}"));
    let (code, line) = fails("--root CA/cert.pem");
    assert!(code == 5 && line.contains("certificate_required"), "{line}");
    assert!(server.says().contains("presence"));
    let (code, line) = fails(&format!("{CUSTOMER} --name other.example"));
    assert!(code == 6 && line.contains("expected other.example"), "{line}");
    let (code, line) = fails(&format!("{CUSTOMER} --suite TLS_AES_128_CCM_SHA256"));
    assert!(code == 2 && line.contains("not supported") && line.contains("TLS_AES_128_GCM_SHA256"), "{line}");
    assert_eq!(fails("--root CA/cert.pem --cert customer.pem").0, 2);
    assert_eq!(fails("").0, 2);
    assert_eq!(folder.fails("connect 127.0.0.1 --root CA/cert.pem").0, 2);
    let (code, line) = folder.fails("serve --cert bank.pem --key bank.key");
    assert!(code == 2 && line.contains("--root"), "{line}");
    let (code, line) = folder.fails("serve --cert bank.pem --key customer.key --root CA/cert.pem");
    assert!(code == 3 && line.contains("does not belong"), "{line}");
    let taken = format!("serve --bind {address} --cert bank.pem --key bank.key --client-auth none");
    let (code, line) = folder.fails(&taken);
    assert!(code == 5 && line.contains("another program listens"), "{line}");
    drop(server);
    let (code, line) = folder.fails(&format!("connect {address} {CUSTOMER} --send request"));
    assert!(code == 5 && line.contains("is the server running"), "{line}");
}

#[test]
fn a_refused_server_is_reported_as_json() {
    let folder = Folder::new();
    let server = folder.serve("--client-auth none");
    let arguments =
        format!("connect {} --json --root CA/cert.pem --name other.example --send request", server.address);
    let output = folder.output(&arguments);
    assert_eq!(output.status.code(), Some(6));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["error"]["code"], "CERTIFICATE_WRONG_NAME");
    assert_eq!(said["error"]["report"]["findings"][0]["check"], "name");
}

#[test]
fn the_page_is_served_to_curl_and_to_us() {
    let folder = Folder::new();
    let mut server = folder.serve("--http --alpn http/1.1");
    let curl = |path: &str| {
        let url = format!("https://{}{path}", server.address);
        let arguments = ["--silent", "--show-error", "--tlsv1.3", "--cacert", "CA/cert.pem", "--cert"];
        let output = Command::new("curl")
            .args(arguments)
            .args(["customer.pem", "--key", "customer.key", "--write-out", "%{http_code}", url.as_str()])
            .current_dir(folder.path())
            .output()
            .expect("curl, which scripts/deps.sh installs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let page = curl("/");
    assert!(page.ends_with("200") && page.contains("CN=customer") && page.contains("http/1.1"), "{page}");
    assert!(curl("/other").ends_with("404"));
    assert!(server.says().contains("ALPN http/1.1"));
    let said = server.connect(&folder, &format!("{CUSTOMER} --alpn http/1.1 --send request"));
    assert!(said["received"].as_str().unwrap().starts_with("HTTP/1.1 200 OK"));
    fs::write(folder.path().join("garbage"), [0xFF; 100]).unwrap();
    let said = server.connect(&folder, &format!("{CUSTOMER} --send garbage"));
    assert!(said["received"].as_str().unwrap().starts_with("HTTP/1.1 400"));
}

#[test]
fn ipv6_is_served_where_the_machine_has_it() {
    let folder = Folder::new();
    let probe = std::net::TcpListener::bind("[::1]:0");
    if let Err(error) = probe {
        eprintln!("skipped: this machine has no IPv6 loopback: {error}");
        return;
    }
    let server = folder.serve("--bind [::1]:0");
    assert_eq!(server.connect(&folder, &format!("{CUSTOMER} --send request"))["confirmed"], true);
}

#[test]
fn of_two_certificates_a_client_gets_the_one_that_it_can_verify() {
    let folder = Folder::new();
    folder.issue("rsa", "rsa2048", "server");
    let server = folder.serve("--cert rsa.pem --key rsa.key --client-auth none");
    for (scheme, subject) in [("rsa_pss_rsae_sha256", "CN=rsa"), ("ecdsa_secp256r1_sha256", "CN=bank")] {
        let said =
            server.connect(&folder, &format!("--root CA/cert.pem --verify-scheme {scheme} --send request"));
        assert_eq!((&said["peer"][0]["subject"], &said["scheme"]), (&subject.into(), &scheme.into()));
    }
}

#[test]
fn a_revoked_client_is_refused() {
    let folder = Folder::new();
    folder.run("ca revoke customer.pem");
    folder.run("ca crl --out list.crl");
    let mut server = folder.serve("--crl list.crl");
    let (code, line) = folder.fails(&format!("connect {} {CUSTOMER} --send request", server.address));
    assert!(code == 5 && line.contains("certificate_revoked"), "{line}");
    assert!(server.says().contains("revocation"));
}

#[test]
fn silent_peers_are_given_up_and_hundreds_of_them_are_in_nobodys_way() {
    let folder = Folder::new();
    let mut server = folder.serve("--timeout 2");
    let begun = Instant::now();
    let silent: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    let said = server.connect(&folder, &format!("{CUSTOMER} --send request"));
    assert_eq!(said["confirmed"], true, "others are served meanwhile");
    for mut peer in silent {
        peer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut rest = Vec::new();
        // An end or a reset: the server has let go of us.
        let _ = peer.read_to_end(&mut rest);
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!((0..301).any(|_| server.says().contains("no answer in time")));
}

#[test]
fn two_thousand_connections_are_served_at_once() {
    const COUNT: usize = 2_000;
    let room = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    if room < 2_200 {
        eprintln!("skipped: this system allows only {room} open files");
        return;
    }
    let folder = Folder::new();
    // Started where few files are allowed, as many shells do: it raises that itself.
    let mut shell = Command::new("sh");
    let flags = "--bind 127.0.0.1:0 --cert bank.pem --key bank.key --client-auth none";
    let serve = format!("ulimit -Sn 256 && exec {} serve {flags}", env!("CARGO_BIN_EXE_otls"));
    let server = Server::spawn({
        shell.args(["-c", &serve]).current_dir(folder.path());
        shell
    });
    let config = Arc::new(ClientConfig::new(folder.trust()).with_no_identity());
    let now = clock().0;
    let connect = |_| {
        let name = GeneralName::parse("bank.example").unwrap();
        let connection = Connection::client(Arc::clone(&config), name, UnixTime(now)).unwrap();
        let mut peer = Open { socket: TcpStream::connect(server.address).unwrap(), connection };
        peer.socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        peer.until(|connection| connection.state().contains(State::HANDSHAKE_DONE));
        peer
    };
    let mut peers: Vec<Open> = (0..COUNT).map(connect).collect();
    for (number, peer) in peers.iter_mut().enumerate() {
        peer.connection.seal(number.to_string().as_bytes()).unwrap();
    }
    for (number, peer) in peers.iter_mut().enumerate() {
        peer.until(|connection| connection.available() > 0);
        let mut answer = [0; 16];
        let len = peer.connection.read(&mut answer);
        assert_eq!(answer[..len], *number.to_string().as_bytes());
    }
    drop(peers);
    assert_eq!(server.stop(), 0);
}

/// A connection and its socket.
struct Open {
    socket: TcpStream,
    connection: Connection,
}

impl Open {
    fn until(&mut self, done: impl Fn(&Connection) -> bool) {
        let mut buffer = [0; 4096];
        while !done(&self.connection) {
            self.socket.write_all(self.connection.pending()).unwrap();
            self.connection.consume(self.connection.pending().len());
            let len = match self.socket.read(&mut buffer) {
                // The end of another test's program is a signal here.
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read.unwrap(),
            };
            assert!(len > 0, "the server has closed");
            assert_eq!(self.connection.feed(&buffer[..len], clock()).unwrap(), len);
        }
        self.socket.write_all(self.connection.pending()).unwrap();
        self.connection.consume(self.connection.pending().len());
    }
}

fn clock() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
}

fn key() -> PrivateKey {
    PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap()
}

fn authority() -> Authority {
    let name = DistinguishedName::with_common_name("CA");
    Authority::create(
        key(),
        &name,
        HashAlgorithm::Sha256,
        Validity::new(clock(), Duration::from_secs(3600)),
        &SystemRandom,
    )
    .unwrap()
}

/// Somebody whom `authority` has certified as of `now`.
fn somebody(authority: &Authority, profile: Profile, now: UnixTime) -> Arc<Identity> {
    let (key, names) = (key(), [GeneralName::parse("127.0.0.1").unwrap()]);
    let name = DistinguishedName::with_common_name("somebody");
    let request = CertificateRequest::create(&key, &name, &names, HashAlgorithm::Sha256, &SystemRandom);
    let certificate = authority
        .issue(&request.unwrap(), profile, Validity::new(now, Duration::from_secs(600)), &SystemRandom)
        .unwrap();
    Arc::new(Identity::new(certificate.into(), key).unwrap())
}

#[test]
fn a_connection_that_waits_is_judged_at_the_time_at_which_it_goes_on() {
    let (folder, authority) = (Folder::new(), authority());
    fs::write(folder.path().join("soon.pem"), authority.certificate().to_pem()).unwrap();
    let server = folder.serve("--root soon.pem");
    let soon = UnixTime(clock().0 + 3);
    let customer = somebody(&authority, Profile::Client, soon.plus(BACKDATE));
    assert_eq!(customer.certificate().not_before(), soon);
    let socket = TcpStream::connect(server.address).unwrap();
    while clock() < soon {
        std::thread::sleep(Duration::from_millis(50));
    }
    let config = ClientConfig::new(folder.trust()).with_identity(customer);
    let name = GeneralName::parse("bank.example").unwrap();
    let connection = Connection::client(Arc::new(config), name, clock()).unwrap();
    Open { socket, connection }.until(|connection| connection.state().contains(State::CONFIRMED));
}

#[test]
fn a_server_that_closes_before_it_has_judged_us_is_named() {
    let (folder, authority) = (Folder::new(), authority());
    let bank = somebody(&authority, Profile::Server, clock());
    fs::write(folder.path().join("bank.ca"), authority.certificate().to_pem()).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let config = ServerConfig::new(bank, ClientAuth::Require(TrustStore::new()));
        let mut connection = Connection::server(Arc::new(config));
        let (mut socket, _) = listener.accept().unwrap();
        let mut hello = [0; 16 * 1024];
        let len = socket.read(&mut hello).unwrap();
        connection.feed(&hello[..len], clock()).unwrap();
        connection.close();
        socket.write_all(connection.pending()).unwrap();
        // Until the client ends: what it has not read must not be cut off.
        while socket.read(&mut hello).is_ok_and(|len| len > 0) {}
    });
    let own = "--root bank.ca --cert customer.pem --key customer.key --send request";
    let output = folder.output(&format!("connect {address} {own}"));
    server.join().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("without saying that it accepts our certificate"), "{said}");
}

#[test]
fn no_garbage_ends_the_server() {
    let folder = Folder::new();
    let server = folder.serve("");
    for garbage in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xFF; 5_000], &[22, 3, 1, 0, 0], &[22, 3, 1, 0x40, 0], &[]]
    {
        let mut peer = TcpStream::connect(server.address).unwrap();
        peer.write_all(garbage).unwrap();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = peer.read_to_end(&mut answer);
    }
    assert_eq!(server.connect(&folder, &format!("{CUSTOMER} --send request"))["confirmed"], true);
    assert_eq!(server.stop(), 0);
}

#[test]
fn the_key_log_is_for_its_owner_alone_and_has_every_connection() {
    let folder = Folder::new();
    let server = folder.serve("--key-log server.keys");
    for _ in 0..2 {
        server.connect(&folder, &format!("{CUSTOMER} --send request --key-log client.keys"));
    }
    assert_eq!(server.stop(), 0);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let sorted = |text: String| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let lines = sorted(read("client.keys"));
    assert_eq!(lines.len(), 10);
    assert_eq!(lines, sorted(read("server.keys")));
    let mode = fs::metadata(folder.path().join("client.keys")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
