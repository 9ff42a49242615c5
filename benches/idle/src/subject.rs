//! The servers that are measured, each a process of its own with one worker.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use otls::pki::PrivateKey;
use tempfile::TempDir;

use crate::client::World;

/// Seconds after which a server gives an idle connection up: longer than all of this takes.
const SECONDS: u32 = 3_600;

/// What starts a server in its folder, on a port.
type Start = Box<dyn Fn(&Path, u16) -> Command>;

pub struct Subject {
    pub name: &'static str,
    command: Start,
}

impl Subject {
    /// `otls serve`, the program at this path.
    pub fn otls(program: &Path) -> Self {
        let program = program.to_owned();
        Self::new("otls serve", move |folder, port| {
            let mut command = Command::new(&program);
            command.args([
                "serve",
                "--bind",
                &format!("127.0.0.1:{port}"),
                "--timeout",
                &SECONDS.to_string(),
            ]);
            command.args(["--suite", "TLS_AES_128_GCM_SHA256", "--group", "x25519"]);
            for (flag, file) in
                [("--cert", "server.pem"), ("--key", "server.key.pem"), ("--root", "root.pem")]
            {
                command.arg(flag).arg(folder.join(file));
            }
            command
        })
    }

    /// This program's own server.
    pub fn tokio_rustls() -> Self {
        Self::new("tokio-rustls", |folder, port| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.arg("serve").arg(folder).arg(port.to_string());
            command
        })
    }

    /// nginx, which waits for a request.
    pub fn nginx() -> Self {
        Self::new("nginx", |folder, port| {
            let path = |name: &str| folder.join(name).display().to_string();
            let configuration = format!(
                "daemon off;\nmaster_process off;\nerror_log stderr crit;\npid {};\n\
                 events {{ worker_connections 120000; }}\n\
                 http {{\n  access_log off;\n  client_header_timeout {SECONDS};\n  keepalive_timeout {SECONDS};\n  \
                 server {{\n    listen 127.0.0.1:{port} ssl;\n    ssl_protocols TLSv1.3;\n    \
                 ssl_ecdh_curve X25519;\n    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;\n    \
                 ssl_certificate {};\n    ssl_certificate_key {};\n    ssl_client_certificate {};\n    \
                 ssl_verify_client on;\n    return 204;\n  }}\n}}\n",
                path("nginx.pid"),
                path("server.pem"),
                path("server.key.pem"),
                path("root.pem"),
            );
            std::fs::write(folder.join("nginx.conf"), configuration).unwrap();
            let mut command = Command::new("/usr/sbin/nginx");
            command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf"));
            command
        })
    }

    fn new(name: &'static str, command: impl Fn(&Path, u16) -> Command + 'static) -> Self {
        Self { name, command: Box::new(command) }
    }

    /// A process that is ready.
    pub fn start(&self, world: &World) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, data: &[u8]| std::fs::write(folder.path().join(name), data).unwrap();
        let root = otls::pki::Certificate::load(world.root().as_bytes()).unwrap();
        let certificate = otls::pki::Certificate::load(&world.server.certificate).unwrap();
        let key = PrivateKey::load(&world.server.key, None).unwrap();
        write("root.pem", world.root().as_bytes());
        write("root.der", root.to_der());
        write("server.pem", certificate.to_pem().as_bytes());
        write("server.der", certificate.to_der());
        write("server.key.pem", key.to_pem(None, &otls::crypto::SystemRandom).unwrap().expose());
        write("server.key.der", &world.server.key);
        // Free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = (self.command)(folder.path(), address.port());
        command.env("TOKIO_WORKER_THREADS", "1").stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let server = Server { process, address, _folder: folder };
        let end = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < end, "{} does not listen", self.name);
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }
}

/// A server that runs until this is dropped.
pub struct Server {
    process: Child,
    address: SocketAddr,
    _folder: TempDir,
}

/// In KiB.
pub struct Memory {
    pub resident: f64,
    pub proportional: f64,
}

impl Server {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn memory(&self) -> Memory {
        // What was sent last is dealt with.
        std::thread::sleep(Duration::from_millis(500));
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.process.id())).unwrap();
        let value = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        Memory { resident: value("Rss:"), proportional: value("Pss:") }
    }

    /// CPU time of all its threads, in user and system mode.
    pub fn cpu_seconds(&self) -> f64 {
        std::thread::sleep(Duration::from_millis(100));
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        // proc(5): the fields behind the name, which is in brackets; utime and stime are the 14th and 15th.
        let (_, fields) = text.rsplit_once(") ").unwrap();
        let ticks: Vec<f64> =
            fields.split(' ').skip(11).take(2).map(|field| field.parse().unwrap()).collect();
        ticks.iter().sum::<f64>() / TICKS
    }
}

/// USER_HZ of Linux.
const TICKS: f64 = 100.0;

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
