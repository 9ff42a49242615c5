//! A client that plays one scenario over one of the two drivers, for the table of streams in docs/interop.md:
//!
//! `drive blocking|tokio SCENARIO HOST PORT FOLDER SIZE`
//!
//! FOLDER has `ca.pem`, `client.pem` and `client.key`. It prints one line: `ok …` and exits with 0, or `wrong: …`
//! and exits with 1.
#![allow(clippy::print_stdout, missing_docs, reason = "an example prints")]

mod blocking;
mod tasks;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use otls::io::{Timeouts, now};
use otls::pki::{Certificate, GeneralName, Identity, TrustStore};
use otls::{ClientConfig, Connection};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const LIMIT: Duration = Duration::from_secs(30);
/// Of the scenarios with a deadline of their own.
const SHORT: Duration = Duration::from_secs(1);

/// What is played, and with whom.
#[derive(Clone)]
struct Plan {
    scenario: String,
    address: String,
    folder: PathBuf,
    size: u64,
}

fn main() -> ExitCode {
    let done = plan().and_then(|(driver, plan)| match driver.as_str() {
        "blocking" => blocking::play(&plan),
        "tokio" => tasks::play(&plan),
        other => Err(format!("{other}: blocking or tokio").into()),
    });
    match done {
        Ok(what) => {
            println!("ok {what}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("wrong: {error}");
            ExitCode::FAILURE
        }
    }
}

fn plan() -> Outcome<(String, Plan)> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [driver, scenario, host, port, folder, size] = arguments.as_slice() else {
        return Err("drive blocking|tokio SCENARIO HOST PORT FOLDER SIZE".into());
    };
    let plan = Plan {
        scenario: scenario.clone(),
        address: format!("{host}:{port}"),
        folder: folder.into(),
        size: size.parse()?,
    };
    Ok((driver.clone(), plan))
}

impl Plan {
    fn connection(&self) -> Outcome<Connection> {
        let read = |name: &str| std::fs::read(Path::new(&self.folder).join(name));
        let mut trust = TrustStore::new();
        trust.add_authority(&Certificate::load(&read("ca.pem")?)?)?;
        let identity = Identity::load(&[read("client.pem")?, read("client.key")?].concat(), None)?;
        let config = ClientConfig::new(trust).with_identity(Arc::new(identity));
        Ok(Connection::client(Arc::new(config), GeneralName::parse("bank.example")?, now())?)
    }

    fn timeouts(&self) -> Timeouts {
        match self.scenario.as_str() {
            "trickle" => Timeouts::all(LIMIT).with_handshake(SHORT),
            "slow" => Timeouts::all(LIMIT).with_write(SHORT),
            _ => Timeouts::all(LIMIT),
        }
    }

    /// The line with which a client begins.
    fn line(&self) -> String {
        format!("{} {}\n", self.scenario, self.size)
    }

    /// All the data, in parts.
    fn parts(&self) -> impl Iterator<Item = Vec<u8>> + use<> {
        let size = self.size;
        // A multiple of the period, so that each part is the same.
        let part: Vec<u8> = (0..=250_u8).cycle().take(251 * 1024).collect();
        let len = part.len();
        let starts = (0..size).step_by(len);
        starts.map(move |start| {
            let left = usize::try_from(size.saturating_sub(start)).unwrap_or(len);
            part.get(..left.min(len)).unwrap_or_default().to_vec()
        })
    }
}

/// Data that came, held against what should have.
#[derive(Default)]
struct Checked(u64);

impl Checked {
    fn take(&mut self, data: &[u8]) -> Outcome<()> {
        for octet in data {
            if u64::from(*octet) != self.0 % 251 {
                return Err(format!("octet {} is {octet}", self.0).into());
            }
            self.0 = self.0.saturating_add(1);
        }
        Ok(())
    }

    fn all(&self, size: u64) -> Outcome<String> {
        if self.0 == size {
            Ok(format!("{size} octets"))
        } else {
            Err(format!("{} octets came", self.0).into())
        }
    }
}

/// Whether the answer to a half-close is right.
fn check_answer(answer: &str, size: u64) -> Outcome<String> {
    if answer == format!("got {size}\n") { Ok(answer.trim_end().to_owned()) } else { Err(answer.into()) }
}

/// Whether `error` is an end without close_notify behind all the data.
fn check_cut(error: &std::io::Error, checked: &Checked, size: u64) -> Outcome<String> {
    let inner = error.get_ref().and_then(|error| error.downcast_ref::<otls::Error>());
    if inner != Some(&otls::Error::Truncated) {
        return Err(format!("not a truncation: {error}").into());
    }
    checked.all(size)
}

/// Whether a handshake that began at `begun` timed out when it should.
fn check_timeout(error: &std::io::Error, begun: Instant) -> Outcome<String> {
    let (took, limits) = (begun.elapsed(), Duration::from_millis(800)..Duration::from_secs(2));
    if error.kind() != std::io::ErrorKind::TimedOut || !limits.contains(&took) {
        return Err(format!("after {took:?}: {error}").into());
    }
    Ok(format!("after {took:?}: {error}"))
}

/// Has SIGALRM come every 5 ms, with a handler that returns; to be called on a runtime. What waits in `poll` is
/// interrupted whatever flags the handler has.
fn alarms() -> Outcome<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let handler = signal(SignalKind::alarm())?;
    std::thread::spawn(move || {
        let _handler = handler;
        let this = rustix::process::getpid();
        while rustix::process::kill_process(this, rustix::process::Signal::ALARM).is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    Ok(())
}
