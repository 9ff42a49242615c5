//! `otls explain`, and `--explain` of `serve` and `connect`: what connections did, for people.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use otls::io::AsyncStream;
use otls_explain::{Narrator, Party, Recorder, Refused};
use tokio::io::{AsyncRead, AsyncWrite};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::files::{self, Access};
use crate::log::complain;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Traces, as `--explain FILE` of the programs writes them: those of one run are joined.
    #[arg(required_unless_present = "pcap", conflicts_with = "pcap")]
    traces: Vec<PathBuf>,
    /// A capture of connections, pcap or pcapng, instead of traces.
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// The secrets of the connections in the capture (RFC 9850), as SSLKEYLOGFILE or --key-log has them.
    #[arg(long, value_name = "FILE", requires = "pcap")]
    keylog: Option<PathBuf>,
    /// Write a page that any browser shows. It has the keys of the connections. Without it one line for each
    /// message is printed, without any key.
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file of --out.
    #[arg(long, requires = "out")]
    force: bool,
}

pub(crate) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let mut texts = Vec::new();
    match &arguments.pcap {
        Some(path) => {
            let log = arguments.keylog.as_deref().map(text).transpose()?.unwrap_or_default();
            let capture = files::read_capture(path)?;
            let trace = otls_explain::capture(&capture, &log).map_err(|refused| about(path, &refused))?;
            texts.push(trace);
        }
        None => {
            for path in &arguments.traces {
                texts.push(text(path)?);
            }
        }
    }
    let Some(out) = &arguments.out else {
        if json {
            let mut each = texts.iter();
            return each.try_for_each(|text| files::deliver(None, text.as_bytes(), Access::Private, false));
        }
        return narrate(&texts);
    };
    let borrowed: Vec<&str> = texts.iter().map(|text| text.as_str()).collect();
    let page = otls_explain::page(&borrowed).map_err(|refused| {
        let at = refused.file().and_then(|index| arguments.traces.get(index));
        about(at.or(arguments.pcap.as_ref()).unwrap_or(out), &refused)
    })?;
    files::write(out, Zeroizing::new(page).as_bytes(), Access::Private, arguments.force)?;
    complain(format!("otls: {} has the keys of these connections: keep it to yourself", out.display()));
    Ok(())
}

/// One line for each message, in the order of the files.
fn narrate(texts: &[Zeroizing<String>]) -> Result<(), Failure> {
    let mut told = String::new();
    for text in texts {
        let mut narrator = Narrator::default();
        for line in text.lines() {
            if let Some(line) = narrator.tell(line) {
                told.push_str(&line);
                told.push('\n');
            }
        }
    }
    files::deliver(None, told.as_bytes(), Access::Public, false)
}

fn text(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let data = files::read_capture(path)?;
    match String::from_utf8(data.to_vec()) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(_) => {
            let hint = "a capture is given with --pcap";
            Err(Failure::content(path, "the file is no trace, but something binary", hint))
        }
    }
}

fn about(path: &Path, refused: &Refused) -> Failure {
    Failure::content(path, refused.to_string(), refused.hint())
}

/// Shows what connections do while they do it.
#[derive(Args)]
pub(crate) struct Explain {
    /// Say what happens on standard error, one line for each message and no key. With FILE, write it there with
    /// all keys: a page where FILE ends in .html, otherwise what `otls explain` joins to one.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    explain: Option<PathBuf>,
}

impl Explain {
    /// `None` where nobody asked for it.
    pub(crate) fn start(&self, party: &str) -> Result<Option<Arc<Recorder>>, Failure> {
        let Some(path) = &self.explain else { return Ok(None) };
        let party = Party { name: party.to_owned(), title: format!("otls {party}") };
        let recorder = if path == Path::new("-") {
            Ok(Recorder::text(Box::new(io::stderr())))
        } else {
            Recorder::file(&party, path, false)
        };
        Ok(Some(Arc::new(recorder.map_err(|error| Failure::file(path, error))?)))
    }
}

/// Has a stream told to the recorder, where there is one.
pub(crate) fn traced<S: AsyncRead + AsyncWrite + Unpin>(
    stream: AsyncStream<S>,
    recorder: Option<&Arc<Recorder>>,
) -> AsyncStream<S> {
    match recorder {
        Some(recorder) => {
            let level = recorder.level();
            let recorder = Arc::clone(recorder);
            stream.with_trace(level, move |lines| recorder.record(lines))
        }
        None => stream,
    }
}

/// Ends the recording.
pub(crate) fn finish(recorder: Option<&Arc<Recorder>>) -> Result<(), Failure> {
    let Some(recorder) = recorder else { return Ok(()) };
    let written = recorder.finish().map_err(|error| Failure::file(Path::new("--explain"), error))?;
    if let Some(path) = written {
        complain(format!("otls: what happened is in {}, with all keys: keep it to yourself", path.display()));
    }
    Ok(())
}
