//! `otls serve`: a server for trying clients out, in the spirit of `openssl s_server`.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use otls::crypto::SystemRandom;
use otls::io::{AsyncStream, Timeouts};
use otls::{ClientAuth, Connection, MAX_TICKETS, ServerConfig, TicketKeys};
use otls_explain::Recorder;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

use crate::explain::{self, Explain};
use crate::failure::{About as _, Failure};
use crate::files::{self, Access};
use crate::log::Log;
use crate::net::{self, KeyLog, Tls};
use crate::now;

/// Octets that are read and sent back at once.
const ECHO_LEN: usize = 16 * 1024;
/// Octets of a request's head that are read.
const MAX_REQUEST_LEN: usize = 8 * 1024;
/// How long to wait when the system has no more sockets to give.
const BREATH: Duration = Duration::from_millis(50);

#[derive(Args)]
pub(crate) struct Arguments {
    /// Address to listen on, as 127.0.0.1:4433 or [::1]:4433; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4433")]
    bind: SocketAddr,
    #[command(flatten)]
    tls: Tls,
    #[command(flatten)]
    explain: Explain,
    /// What is asked of clients; the authorities are those of --root.
    #[arg(long, value_enum, default_value = "require")]
    client_auth: Policy,
    /// Tickets for each connection, to resume it with.
    #[arg(long, value_name = "N", default_value_t = 2)]
    tickets: usize,
    /// File of the keys of tickets, shared by servers that resume each other's sessions; made if absent.
    #[arg(long, value_name = "FILE")]
    ticket_keys: Option<PathBuf>,
    /// Answer `GET /` with a small page, and close.
    #[arg(long, conflicts_with = "echo")]
    http: bool,
    /// Send back what comes; the default.
    #[arg(long)]
    echo: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Policy {
    /// A certificate of --root is required.
    Require,
    /// A client may stay anonymous.
    Request,
    /// Clients are not asked.
    None,
}

/// What all connections share.
struct Service {
    config: Arc<ServerConfig>,
    key_log: Option<KeyLog>,
    recorder: Option<Arc<Recorder>>,
    timeouts: Timeouts,
    http: bool,
    key_update: bool,
    /// Clients are judged without a revocation list.
    is_unaware: bool,
    json: bool,
    log: Log,
}

pub(crate) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let service = Service {
        config: Arc::new(arguments.config()?),
        key_log: arguments.tls.key_log()?,
        recorder: arguments.explain.start("serve")?,
        timeouts: arguments.tls.timeouts(),
        http: arguments.http,
        key_update: arguments.tls.key_update,
        is_unaware: !matches!(arguments.client_auth, Policy::None) && !arguments.tls.has_lists(),
        json,
        log: Log::start(),
    };
    let bind = arguments.bind;
    crate::block_on(async move {
        // The thread that waits here is none of the runtime's workers: each connection that it accepted would wake
        // it, and then a worker.
        let served = tokio::spawn(serve(bind, Arc::new(service))).await;
        served.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    })
}

impl Arguments {
    fn config(&self) -> Result<ServerConfig, Failure> {
        let trust = || {
            let missing =
                || Failure::usage("no --root: whose certificates are accepted?", "or --client-auth none");
            self.tls.trust()?.ok_or_else(missing)
        };
        let client_auth = match self.client_auth {
            Policy::Require => ClientAuth::Require(trust()?),
            Policy::Request => ClientAuth::Request(trust()?),
            Policy::None => ClientAuth::ServerOnly,
        };
        let mut identities = self.tls.identities()?.into_iter();
        let first = identities.next();
        let first =
            first.ok_or_else(|| Failure::usage("a server needs a certificate", "give --cert and --key"))?;
        let config = ServerConfig::new(first, client_auth);
        let config = self.tls.apply(identities.fold(config, ServerConfig::with_further_identity))?;
        if self.tickets > MAX_TICKETS {
            return Err(Failure::usage(
                format!("--tickets {}", self.tickets),
                format!("at most {MAX_TICKETS}"),
            ));
        }
        let keys = match &self.ticket_keys {
            Some(path) => ticket_keys(path)?,
            None => TicketKeys::generate(&SystemRandom, now()?).about("ticket keys")?,
        };
        config.with_tickets(Arc::new(keys), self.tickets).about("--tickets")
    }
}

/// Loads the keys, or makes them where the file is not there.
fn ticket_keys(path: &Path) -> Result<TicketKeys, Failure> {
    let now = now()?;
    if path.symlink_metadata().is_ok() {
        return TicketKeys::from_bytes(&files::read(path)?, now).about(path.display());
    }
    let keys = TicketKeys::generate(&SystemRandom, now).about("ticket keys")?;
    let exported = keys.to_bytes(now).about("ticket keys")?;
    files::write(path, exported.expose(), Access::Private, false)?;
    Ok(keys)
}

async fn serve(bind: SocketAddr, service: Arc<Service>) -> Result<(), Failure> {
    let cannot = |error| Failure::network(&bind.to_string(), &error);
    let listener = TcpListener::bind(bind).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    // A socket for each connection: as many as the system allows, where the shell asks for fewer.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    service.log.error(format!("otls: listening on {address}"));
    if service.is_unaware {
        service
            .log
            .error("otls: whether clients' certificates are revoked is not looked at: no --crl".to_owned());
    }
    let mut signals = Signals::new().map_err(cannot)?;
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = open.join_next() => continue,
            () = signals.stop() => break,
        };
        match accepted {
            Ok((socket, peer)) => {
                let service = Arc::clone(&service);
                open.spawn(async move { service.handle(socket, peer).await });
            }
            // Out of descriptors, or the client is gone already: neither ends the server.
            Err(_) => tokio::time::sleep(BREATH).await,
        }
    }
    drop(listener);
    let ended = signals.wait_for(&mut open, &service.log).await;
    service.log.flush().await;
    explain::finish(service.recorder.as_ref())?;
    ended
}

/// Ctrl-C and `kill`.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }

    /// Serves the connections that are open to their end, or to another signal.
    async fn wait_for(&mut self, open: &mut JoinSet<()>, log: &Log) -> Result<(), Failure> {
        while open.try_join_next().is_some() {}
        if !open.is_empty() {
            log.error(format!("otls: waiting for {} open connections; again to cut them", open.len()));
        }
        loop {
            tokio::select! {
                ended = open.join_next() => if ended.is_none() {
                    return Ok(());
                },
                () = self.stop() => {
                    let cut = io::Error::other(format!("{} connections were cut", open.len()));
                    return Err(Failure::network("serve", &cut));
                }
            }
        }
    }
}

impl Service {
    async fn handle(&self, socket: TcpStream, peer: SocketAddr) {
        // Small answers should not wait for others to share a packet with.
        let _ = socket.set_nodelay(true);
        let connection = Connection::server(Arc::clone(&self.config));
        let stream = AsyncStream::new(socket, connection).with_timeouts(self.timeouts);
        let mut stream = explain::traced(stream, self.recorder.as_ref());
        let done = self.talk(&mut stream).await;
        let kept = self.key_log.as_ref().map_or(Ok(()), |log| log.record(&mut stream.connection()));
        let said = self.outcome(peer, &stream.connection(), done.err());
        // The socket is free before anything is said of what happened on it.
        drop(stream);
        if let Err(failure) = kept {
            self.log.error(format!("otls: error: {failure}"));
        }
        if self.json { self.log.output(said) } else { self.log.error(said) }
    }

    async fn talk(&self, stream: &mut AsyncStream<TcpStream>) -> io::Result<()> {
        stream.handshake().await?;
        if self.key_update {
            stream.connection().update_keys(true)?;
        }
        if self.http {
            let answer = Box::pin(self.request(stream)).await?;
            stream.write_all(answer.as_bytes()).await?;
        } else {
            while stream.readable().await? {
                // Not before there is something to read: a connection waits most of its time.
                let mut buffer = vec![0; ECHO_LEN];
                let len = stream.read(&mut buffer).await?;
                stream.write_all(buffer.get(..len).unwrap_or_default()).await?;
                stream.flush().await?;
            }
        }
        stream.close().await
    }

    /// Reads the head of a request; the answer.
    async fn request(&self, stream: &mut AsyncStream<TcpStream>) -> io::Result<String> {
        let mut head = Vec::new();
        let mut buffer = vec![0; 1024];
        loop {
            let len = stream.read(&mut buffer).await?;
            head.extend_from_slice(buffer.get(..len).unwrap_or_default());
            let mut headers = [httparse::EMPTY_HEADER; 64];
            let mut request = httparse::Request::new(&mut headers);
            match request.parse(&head) {
                Ok(httparse::Status::Complete(_)) => {
                    return Ok(match (request.method, request.path) {
                        (Some("GET"), Some("/")) => response("200 OK", &page(&stream.connection())),
                        (Some("GET"), _) => response("404 Not Found", "There is only /.\n"),
                        _ => response("405 Method Not Allowed", "There is only GET.\n"),
                    });
                }
                Ok(httparse::Status::Partial) if len > 0 && head.len() < MAX_REQUEST_LEN => {}
                Ok(httparse::Status::Partial) | Err(_) => {
                    return Ok(response("400 Bad Request", "This is not a request.\n"));
                }
            }
        }
    }

    /// What is said of a connection that is over.
    fn outcome(&self, peer: SocketAddr, connection: &Connection, error: Option<io::Error>) -> String {
        let error = error.map(|error| Failure::stream(error).to_string());
        if self.json {
            let mut value = net::describe(connection);
            if let Some(fields) = value.as_object_mut() {
                fields.insert("address".to_owned(), peer.to_string().into());
                fields.insert("error".to_owned(), json!(error));
            }
            return value.to_string();
        }
        let said = error.unwrap_or_else(|| net::summary(connection));
        format!("otls: {peer}: {said}")
    }
}

fn page(connection: &Connection) -> String {
    format!("{:#}\n", net::describe(connection))
}

fn response(status: &str, body: &str) -> String {
    let len = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n{body}"
    )
}
