//! What `otls serve` and `otls connect` have in common: flags, time limits, what is said of a connection.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use otls::codepoints::{CipherSuite, NamedGroup, SignatureScheme};
use otls::crypto::kx::SUPPORTED_GROUPS;
use otls::io::Timeouts;
use otls::pki::{Identity, TrustStore, VerifiedPeer};
use otls::{Config, Connection, SUPPORTED_SCHEMES, SUPPORTED_SUITES};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::failure::{About as _, Failure};
use crate::key::Password;
use crate::target::Target;
use crate::{files, show, verify};

#[derive(Args)]
pub(crate) struct Tls {
    /// Our certificate, with its issuers behind it; may be repeated, each with its --key.
    #[arg(long, value_name = "FILE")]
    cert: Vec<PathBuf>,
    /// The private key of the certificate in the same place.
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    #[command(flatten)]
    password: Password,
    /// An authority whose certificates are accepted; may be repeated.
    #[arg(long, value_name = "FILE")]
    root: Vec<PathBuf>,
    /// Certificates between the peer's and a root, for a peer that does not send them; may be repeated.
    #[arg(long, value_name = "FILE")]
    intermediate: Vec<PathBuf>,
    /// Revocation lists: one, or a bundle; may be repeated.
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// Only this cipher suite, by its registered name; may be repeated, most preferred first.
    #[arg(long, value_name = "NAME")]
    suite: Vec<String>,
    /// Only this group; may be repeated.
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    /// Only this signature scheme for what our own key signs; may be repeated.
    #[arg(long, value_name = "NAME")]
    signing_scheme: Vec<String>,
    /// Only this signature scheme for what the peer signs; may be repeated.
    #[arg(long, value_name = "NAME")]
    verify_scheme: Vec<String>,
    /// An application protocol, such as http/1.1; may be repeated.
    #[arg(long, value_name = "PROTOCOL")]
    alpn: Vec<String>,
    /// Replace the keys of both directions after the handshake.
    #[arg(long)]
    pub(crate) key_update: bool,
    /// Append the secrets of each connection to this file (RFC 9850). For debugging alone.
    #[arg(long, value_name = "FILE")]
    key_log: Option<PathBuf>,
    /// Seconds without progress after which a connection is given up.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

impl Tls {
    /// For the handshake, each read and each write.
    pub(crate) fn timeouts(&self) -> Timeouts {
        Timeouts::all(Duration::from_secs(self.timeout))
    }

    /// A connection to `server`, within the time of a handshake.
    pub(crate) async fn dial(&self, server: &Target) -> io::Result<TcpStream> {
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
        let limit = Duration::from_secs(self.timeout);
        let socket = timeout(limit, TcpStream::connect(server.address())).await.map_err(late)??;
        // Small messages should not wait for others to share a packet with.
        let _ = socket.set_nodelay(true);
        Ok(socket)
    }

    pub(crate) fn identities(&self) -> Result<Vec<Arc<Identity>>, Failure> {
        if self.cert.len() != self.key.len() {
            let what = format!("{} --cert and {} --key are given", self.cert.len(), self.key.len());
            return Err(Failure::usage(what, "give one --key for each --cert"));
        }
        let pairs = self.cert.iter().zip(&self.key);
        pairs
            .map(|(cert, key)| files::identity(cert, key, self.password.password_file.as_ref()).map(Arc::new))
            .collect()
    }

    /// `None` where no authority is given.
    pub(crate) fn trust(&self) -> Result<Option<TrustStore>, Failure> {
        if self.root.is_empty() {
            return if self.crl.is_empty() && self.intermediate.is_empty() {
                Ok(None)
            } else {
                let what = "--crl or --intermediate without --root";
                Err(Failure::usage(what, "give the authority's certificate as well"))
            };
        }
        verify::trust(&self.root, &self.intermediate, &self.crl).map(Some)
    }

    /// Whether a revocation list is given.
    pub(crate) fn has_lists(&self) -> bool {
        !self.crl.is_empty()
    }

    /// Suites, groups, schemes, ALPN and the key log.
    pub(crate) fn apply<S>(&self, mut config: Config<S>) -> Result<Config<S>, Failure> {
        if !self.suite.is_empty() {
            let suites = named(&self.suite, "--suite", CipherSuite::from_name, SUPPORTED_SUITES)?;
            config = config.with_suites(&suites).about("--suite")?;
        }
        if !self.group.is_empty() {
            let groups = named(&self.group, "--group", NamedGroup::from_name, SUPPORTED_GROUPS)?;
            config = config.with_groups(&groups).about("--group")?;
        }
        if !self.signing_scheme.is_empty() {
            let schemes = schemes(&self.signing_scheme, "--signing-scheme")?;
            config = config.with_signing_schemes(&schemes).about("--signing-scheme")?;
        }
        if !self.verify_scheme.is_empty() {
            let schemes = schemes(&self.verify_scheme, "--verify-scheme")?;
            config = config.with_verify_schemes(&schemes).about("--verify-scheme")?;
        }
        if !self.alpn.is_empty() {
            let protocols: Vec<&[u8]> = self.alpn.iter().map(String::as_bytes).collect();
            config = config.with_alpn(&protocols).about("--alpn")?;
        }
        Ok(if self.key_log.is_some() { config.with_key_log() } else { config })
    }

    pub(crate) fn key_log(&self) -> Result<Option<KeyLog>, Failure> {
        self.key_log.as_deref().map(KeyLog::open).transpose()
    }
}

fn schemes(names: &[String], flag: &str) -> Result<Vec<SignatureScheme>, Failure> {
    named(names, flag, SignatureScheme::from_name, SUPPORTED_SCHEMES)
}

fn named<T: Copy + PartialEq + ToString>(
    names: &[String],
    flag: &str,
    find: fn(&str) -> Option<T>,
    supported: &[T],
) -> Result<Vec<T>, Failure> {
    let known = || supported.iter().map(T::to_string).collect::<Vec<_>>().join(", ");
    let lookup = |name: &String| {
        find(name).filter(|value| supported.contains(value)).ok_or_else(|| {
            Failure::usage(format!("{flag} {name}: not supported"), format!("one of {}", known()))
        })
    };
    names.iter().map(lookup).collect()
}

/// A file of secrets, readable by its owner alone.
pub(crate) struct KeyLog(Mutex<File>, PathBuf);

impl KeyLog {
    fn open(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        Ok(Self(Mutex::new(file.map_err(|error| Failure::file(path, error))?), path.to_owned()))
    }

    /// Appends what the connection has recorded.
    pub(crate) fn record(&self, connection: &mut Connection) -> Result<(), Failure> {
        let Some(lines) = connection.take_key_log() else { return Ok(()) };
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(lines.expose()).map_err(|error| Failure::file(&self.1, error))
    }
}

/// What became of a connection.
pub(crate) fn describe(connection: &Connection) -> Value {
    let name = |value: Option<String>| value.map_or(Value::Null, Value::from);
    let peer = connection.peer();
    let chain = peer.iter().flat_map(VerifiedPeer::chain);
    json!({
        "suite": name(connection.suite().map(|suite| suite.to_string())),
        "group": name(connection.group().map(|group| group.to_string())),
        "scheme": name(connection.peer_scheme().map(|scheme| scheme.to_string())),
        "own_scheme": name(connection.scheme().map(|scheme| scheme.to_string())),
        "alpn": name(connection.alpn().map(|alpn| String::from_utf8_lossy(alpn).into_owned())),
        "resumed": connection.resumed(),
        "revocation_checked": peer.as_ref().map(VerifiedPeer::revocation_checked),
        "confirmed": connection.state().contains(otls::State::CONFIRMED),
        "peer": chain.map(|certificate| show::certificate(certificate).0).collect::<Vec<_>>(),
    })
}

/// The same in one line.
pub(crate) fn summary(connection: &Connection) -> String {
    let peer = connection.peer_subject().map(|subject| subject.to_string());
    let parts = [
        connection.suite().map(|suite| suite.to_string()),
        connection.group().map(|group| group.to_string()),
        connection.peer_scheme().map(|scheme| scheme.to_string()),
        connection.alpn().map(|alpn| format!("ALPN {}", String::from_utf8_lossy(alpn).escape_default())),
        connection.resumed().then(|| "resumed".to_owned()),
        Some(peer.map_or_else(|| "anonymous peer".to_owned(), |peer| format!("peer {peer}"))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
