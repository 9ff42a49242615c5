//! What each store stands on: a file, or a real server that is started for the test.
#![allow(dead_code, reason = "not each test needs all of it")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use otls::Secret;
use otls::otp::{Context, Ledger, MemoryStore, Policy, Store};
use tempfile::TempDir;

/// An empty store, which may be opened several times.
pub(crate) trait Ground {
    /// What stands in the log where there is none.
    const NAME: &'static str;

    /// `None` where the server is not on this machine.
    fn prepare() -> Option<Self>
    where
        Self: Sized;

    fn open(&self) -> Box<dyn Store>;

    /// For other processes; `None` where the store ends with the process.
    fn address(&self) -> Option<String>;
}

/// A ledger that asks nobody to wait.
pub(crate) fn ledger(store: Box<dyn Store>) -> Ledger {
    let mut ledger = Ledger::new(store, Secret::from(vec![7; 32])).unwrap();
    ledger = ledger.with_policy(Policy { issues: u32::MAX, ..Policy::default() }).unwrap();
    ledger
}

pub(crate) fn payment() -> Context {
    Context::new().with("amount", "10000000").unwrap()
}

pub(crate) struct Memory(Arc<MemoryStore>);

impl Ground for Memory {
    const NAME: &'static str = "memory";

    fn prepare() -> Option<Self> {
        Some(Self(Arc::default()))
    }

    fn open(&self) -> Box<dyn Store> {
        Box::new(Arc::clone(&self.0))
    }

    fn address(&self) -> Option<String> {
        None
    }
}

pub(crate) struct Sqlite(TempDir);

impl Ground for Sqlite {
    const NAME: &'static str = "SQLite";

    fn prepare() -> Option<Self> {
        Some(Self(tempfile::tempdir().unwrap()))
    }

    fn open(&self) -> Box<dyn Store> {
        otls_stores::open(&self.address().unwrap()).unwrap()
    }

    fn address(&self) -> Option<String> {
        Some(format!("sqlite:{}", self.0.path().join("otp.sqlite").display()))
    }
}

pub(crate) struct Redis {
    pub(crate) server: RedisServer,
}

impl Ground for Redis {
    const NAME: &'static str = "Redis";

    fn prepare() -> Option<Self> {
        Some(Self { server: RedisServer::start(tempfile::tempdir().unwrap(), free_port())? })
    }

    fn open(&self) -> Box<dyn Store> {
        otls_stores::open(&self.address().unwrap()).unwrap()
    }

    fn address(&self) -> Option<String> {
        Some(format!("redis://127.0.0.1:{}/0", self.server.port))
    }
}

/// Runs until it is dropped; its data stays in its folder.
pub(crate) struct RedisServer {
    process: Child,
    pub(crate) folder: TempDir,
    pub(crate) port: u16,
}

impl RedisServer {
    pub(crate) fn start(folder: TempDir, port: u16) -> Option<Self> {
        let Some(program) = find("redis-server", &[]) else {
            eprintln!("skipped: there is no redis-server on this machine");
            return None;
        };
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
        command.args(["--port", &port.to_string()]).arg("--dir").arg(folder.path());
        let process = command.stdout(Stdio::null()).spawn().unwrap();
        let server = Self { process, folder, port };
        wait_for("redis-server", || {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
            stream.write_all(b"PING\r\n").ok()?;
            let mut answer = [0; 5];
            stream.read_exact(&mut answer).ok()?;
            (&answer == b"+PONG").then_some(())
        });
        Some(server)
    }

    /// STOP or CONT.
    pub(crate) fn signal(&self, name: &str) {
        signal(name, &[self.process.id().to_string()]);
    }

    /// As kill -9 does; returns what it leaves.
    pub(crate) fn kill(mut self) -> (TempDir, u16) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        (std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap()), self.port)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) struct Postgres {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) database: String,
}

impl Ground for Postgres {
    const NAME: &'static str = "PostgreSQL";

    fn prepare() -> Option<Self> {
        static RUNNING: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(|error| error.into_inner());
        let cluster = match running.upgrade() {
            Some(cluster) => cluster,
            None => {
                let cluster = Arc::new(Cluster::start()?);
                *running = Arc::downgrade(&cluster);
                cluster
            }
        };
        drop(running);
        let database = format!("otp{}", free_port());
        cluster.run(&format!("DROP DATABASE IF EXISTS {database}"));
        cluster.run(&format!("CREATE DATABASE {database}"));
        Some(Self { cluster, database })
    }

    fn open(&self) -> Box<dyn Store> {
        otls_stores::open(&self.address().unwrap()).unwrap()
    }

    fn address(&self) -> Option<String> {
        Some(format!("postgresql://bank@127.0.0.1:{}/{}", self.cluster.port, self.database))
    }
}

/// A database cluster of its own, which runs until it is dropped.
pub(crate) struct Cluster {
    process: Child,
    _folder: TempDir,
    pub(crate) port: u16,
}

impl Cluster {
    fn start() -> Option<Self> {
        let (Some(initdb), Some(postgres)) = (find_postgres("initdb"), find_postgres("postgres")) else {
            eprintln!("skipped: there is no PostgreSQL server on this machine");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let owner = owner();
        if let Some((uid, gid)) = owner {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let as_owner = |program: &Path| {
            let mut command = Command::new(program);
            if let Some((uid, gid)) = owner {
                command.uid(uid).gid(gid);
            }
            command.current_dir(folder.path()).stdout(Stdio::null());
            command
        };
        let made = as_owner(&initdb)
            .args(["--username=bank", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "-D"])
            .arg(&data)
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "initdb failed");
        let port = free_port();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let process = as_owner(&postgres)
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories=", "-c", "log_min_messages=fatal"])
            .stderr(log)
            .spawn()
            .unwrap();
        let cluster = Self { process, _folder: folder, port };
        wait_for("postgres", || cluster.connect().ok().map(drop));
        Some(cluster)
    }

    fn connect(&self) -> Result<postgres::Client, postgres::Error> {
        postgres::Client::connect(
            &format!("postgresql://bank@127.0.0.1:{}/postgres", self.port),
            postgres::NoTls,
        )
    }

    /// STOP or CONT, for the server and all that it has started.
    pub(crate) fn signal(&self, name: &str) {
        let server = self.process.id().to_string();
        let found = Command::new("pgrep").args(["-P", &server]).output().unwrap();
        let children = String::from_utf8(found.stdout).unwrap();
        signal(name, &children.split_whitespace().map(str::to_owned).chain([server]).collect::<Vec<_>>());
    }

    /// Runs a statement of the administrator.
    pub(crate) fn run(&self, statement: &str) {
        self.connect().unwrap().batch_execute(statement).unwrap();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn signal(name: &str, processes: &[String]) {
    assert!(Command::new("kill").arg(format!("-{name}")).args(processes).status().unwrap().success());
}

/// postgres does not run as root: whose it is then, as user and group.
fn owner() -> Option<(u32, u32)> {
    let we = fs::metadata("/proc/self").unwrap();
    if std::os::unix::fs::MetadataExt::uid(&we) != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let user = |name: &str| {
        let line = users.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(user("postgres").or_else(|| user("nobody")).expect("a user who is not root"))
}

fn find_postgres(program: &str) -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    find(program, &folders)
}

fn find(program: &str, more: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = more.iter().cloned().chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn wait_for(what: &str, mut ready: impl FnMut() -> Option<()>) {
    let start = Instant::now();
    while ready().is_none() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
}
