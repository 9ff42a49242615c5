//! `otls connect`: a client for trying servers out, in the spirit of `openssl s_client`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use otls::io::AsyncStream;
use otls::pki::GeneralName;
use otls::{ClientConfig, Connection, Session, State};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::explain::{self, Explain};
use crate::failure::{About as _, Failure};
use crate::files::{self, Access};
use crate::log::{Log, complain};
use crate::net::{self, Tls};
use crate::target::Target;
use crate::{now, verify};

/// Octets of received data that --json shows.
const MAX_SHOWN: usize = 64 * 1024;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The server, as bank.example:4433 or [::1]:4433.
    #[arg(value_name = "HOST:PORT")]
    server: String,
    #[command(flatten)]
    tls: Tls,
    #[command(flatten)]
    explain: Explain,
    /// The name that the server's certificate must have; by default HOST.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Resume the session in this file, and save the next one there.
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Send this file, and print what comes back until the server closes; without it standard input is
    /// sent.
    #[arg(long, value_name = "FILE")]
    send: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    crate::block_on(connect(arguments, json))
}

async fn connect(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let server = Target::parse(&arguments.server)?;
    let name = match &arguments.name {
        Some(name) => GeneralName::parse(name).about("--name")?,
        None => server.name()?,
    };
    let config = arguments.config()?;
    let key_log = arguments.tls.key_log()?;
    let recorder = arguments.explain.start("connect")?;
    let data = arguments.send.as_deref().map(files::read).transpose()?;
    let session = arguments.resume.as_deref().map(load).transpose()?.flatten();

    let now = now()?;
    let connection = match session {
        Some(session) => Connection::client_resuming(Arc::new(config), name, session, now),
        None => Connection::client(Arc::new(config), name, now),
    };
    let connection = connection.about("connection")?;
    let socket = arguments.tls.dial(&server).await;
    let socket = socket.map_err(|error| Failure::stream(error).with(&arguments.server))?;
    let stream = AsyncStream::new(socket, connection).with_timeouts(arguments.tls.timeouts());
    let mut stream = explain::traced(stream, recorder.as_ref());

    let mut answer = Answer { json, received: Vec::new(), unwritten: None };
    let (data, log) = (data.as_deref().map(Vec::as_slice), Log::start());
    let done = arguments.talk(&mut stream, data, &log, &mut answer).await;
    log.flush().await;
    explain::finish(recorder.as_ref())?;
    if let Some(log) = &key_log {
        log.record(&mut stream.connection())?;
    }
    if json {
        let mut value = net::describe(&stream.connection());
        if let Some(fields) = value.as_object_mut() {
            fields.insert("received".to_owned(), String::from_utf8_lossy(&answer.received).into());
            let connection = stream.connection();
            let failed = connection.error().map(|error| {
                let report = if let otls::Error::BadCertificate(report) = error {
                    crate::show::report(report).0
                } else {
                    json!(null)
                };
                json!({ "code": error.code().name(), "text": error.to_string(), "report": report })
            });
            fields.insert("error".to_owned(), json!(failed));
        }
        crate::print(true, &value, "");
    }
    done.map_err(|error| Failure::stream(error).with(&arguments.server))?;
    if let Some(path) = &arguments.resume {
        save(path, stream.connection().take_session())?;
    }
    answer.unwritten.map_or(Ok(()), |error| Err(Failure::output(error)))
}

impl Arguments {
    fn config(&self) -> Result<ClientConfig, Failure> {
        let missing =
            || Failure::usage("no --root: which servers are trusted?", "give the authority's certificate");
        let mut config = ClientConfig::new(self.tls.trust()?.ok_or_else(missing)?);
        let mut identities = self.tls.identities()?.into_iter();
        config = match (identities.next(), identities.next()) {
            (Some(identity), None) => config.with_identity(identity),
            (None, _) => config.with_no_identity(),
            (Some(_), Some(_)) => {
                return Err(Failure::usage("two --cert", "a client shows one certificate"));
            }
        };
        Ok(self.tls.apply(config)?.with_sessions(usize::from(self.resume.is_some())))
    }

    async fn talk(
        &self,
        stream: &mut AsyncStream<TcpStream>,
        data: Option<&[u8]>,
        log: &Log,
        answer: &mut Answer,
    ) -> io::Result<()> {
        stream.handshake().await?;
        if !answer.json {
            let connection = stream.connection();
            log.error(format!("otls: {}", net::summary(&connection)));
            let unchecked = connection.peer().as_ref().and_then(verify::unchecked);
            unchecked.into_iter().for_each(|line| log.error(format!("otls: {line}")));
        }
        if self.tls.key_update {
            stream.connection().update_keys(true)?;
        }
        // Who types may take any time; a server that was told everything may not.
        let limits = self.tls.timeouts();
        let mut patient = limits;
        patient.read = None;
        stream.set_timeouts(patient);
        let handle = stream.handle();
        let (mut reader, mut writer) = tokio::io::split(&mut *stream);
        let send = async {
            match data {
                Some(data) => writer.write_all(data).await?,
                None => drop(tokio::io::copy(&mut tokio::io::stdin(), &mut writer).await?),
            }
            writer.shutdown().await?;
            handle.set_timeouts(limits);
            // What comes back decides when it is over.
            std::future::pending::<io::Result<()>>().await
        };
        let receive = async {
            let mut buffer = vec![0; 16 * 1024];
            loop {
                let len = reader.read(&mut buffer).await?;
                if len == 0 {
                    return io::Result::Ok(());
                }
                answer.take(buffer.get(..len).unwrap_or_default()).await;
                // A file is sent to its end; who types has nobody to type for any more.
                if answer.unwritten.is_some() && data.is_none() {
                    return Ok(());
                }
            }
        };
        tokio::select! {
            done = receive => done?,
            failed = send => failed?,
        }
        let judged = {
            let connection = stream.connection();
            connection.certificate().is_none() || connection.state().contains(State::CONFIRMED)
        };
        if !judged && answer.unwritten.is_none() {
            // Servers that give no tickets never say it; ours do.
            complain("otls: the server closed without saying that it accepts our certificate");
        }
        stream.close().await
    }
}

/// What comes back.
struct Answer {
    json: bool,
    /// For the report.
    received: Vec<u8>,
    /// Why it is not printed any more.
    unwritten: Option<io::Error>,
}

impl Answer {
    /// Prints what came, or keeps it for the report.
    async fn take(&mut self, data: &[u8]) {
        if self.json {
            let room = MAX_SHOWN.saturating_sub(self.received.len()).min(data.len());
            self.received.extend_from_slice(data.get(..room).unwrap_or_default());
        } else if self.unwritten.is_none() {
            let mut stdout = tokio::io::stdout();
            let written = async {
                stdout.write_all(data).await?;
                stdout.flush().await
            };
            self.unwritten = written.await.err();
        }
    }
}

/// The saved session; none where there is no file yet. A session is used once: the file goes.
fn load(path: &Path) -> Result<Option<Session>, Failure> {
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let session = Session::from_bytes(&files::read(path)?).about(path.display())?;
    std::fs::remove_file(path).map_err(|error| Failure::file(path, error))?;
    Ok(Some(session))
}

fn save(path: &Path, session: Option<Session>) -> Result<(), Failure> {
    let Some(session) = session else {
        complain("otls: the server gave no session to resume");
        return Ok(());
    };
    files::write(path, session.to_bytes().expose(), Access::Private, true)
}
