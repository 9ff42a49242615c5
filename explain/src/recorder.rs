//! Where traces go while a program runs.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use otls::{TRACE_VERSION, TraceLevel};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::text::Narrator;

/// Whose trace it is, and of what.
#[derive(Clone, Debug, Default)]
pub struct Party {
    /// Such as `bank`.
    pub name: String,
    /// What was run.
    pub title: String,
}

/// Takes the traces of any number of connections, and what the program above them tells.
pub struct Recorder {
    level: TraceLevel,
    sink: Mutex<Sink>,
    /// The first that went wrong: whoever works on a connection does not stop for it.
    failed: Mutex<Option<io::Error>>,
}

enum Sink {
    /// Kept until somebody takes it.
    Kept(Zeroizing<Vec<u8>>),
    /// Lines for people.
    Text(Narrator, Box<dyn Write + Send>),
    /// Lines of JSON, as they come.
    Lines(File, PathBuf),
    /// A page, made at the end.
    Page(Zeroizing<Vec<u8>>, File, PathBuf),
    Finished,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("level", &self.level).finish_non_exhaustive()
    }
}

impl Recorder {
    /// Keeps the lines for [`Recorder::take`].
    pub fn kept(party: &Party, level: TraceLevel) -> Self {
        Self::new(level, Sink::Kept(head(party, level)))
    }

    /// Tells people, on `out`: one line for each message, without the value of any secret.
    pub fn text(out: Box<dyn Write + Send>) -> Self {
        Self::new(TraceLevel::Messages, Sink::Text(Narrator::default(), out))
    }

    /// Writes to a file that only its owner may read: a page where its name ends in `.html`, written by
    /// [`Recorder::finish`]; otherwise the lines of the trace, as they come. It has secrets.
    ///
    /// # Errors
    /// A file that is there already is left alone, unless `overwrite`: [`io::ErrorKind::AlreadyExists`].
    pub fn file(party: &Party, path: &Path, overwrite: bool) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).mode(0o600);
        if overwrite {
            options.create(true).truncate(true)
        } else {
            options.create_new(true)
        };
        let mut file = options.open(path)?;
        // One that was there keeps its mode when it is opened. A device or a pipe is not ours.
        if file.metadata()?.is_file() {
            file.set_permissions(PermissionsExt::from_mode(0o600))?;
        }
        let head = head(party, TraceLevel::Secrets);
        let is_page = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("html"));
        let sink = if is_page {
            Sink::Page(head, file, path.to_owned())
        } else {
            file.write_all(&head)?;
            Sink::Lines(file, path.to_owned())
        };
        Ok(Self::new(TraceLevel::Secrets, sink))
    }

    fn new(level: TraceLevel, sink: Sink) -> Self {
        Self { level, sink: Mutex::new(sink), failed: Mutex::new(None) }
    }

    /// What connections have to record for it.
    pub const fn level(&self) -> TraceLevel {
        self.level
    }

    /// Takes lines of a connection's trace. What cannot be written is said by [`Recorder::finish`].
    pub fn record(&self, lines: &[u8]) {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = sink.record(lines) {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }

    /// A step of the program above the connections, with what belongs to it (docs/trace.md). `secrets` are left
    /// out where the trace has none.
    pub fn story(&self, step: &str, text: &str, members: Map<String, Value>, secrets: Map<String, Value>) {
        let mut event = members;
        if self.level == TraceLevel::Secrets {
            event.extend(secrets);
        }
        event.insert("event".to_owned(), "story".into());
        event.insert("step".to_owned(), step.into());
        event.insert("text".to_owned(), text.into());
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        event.insert("time".to_owned(), since.as_secs_f64().into());
        let line = Zeroizing::new(format!("{}\n", Value::Object(event)));
        self.record(line.as_bytes());
    }

    /// What was kept since the last call; of [`Recorder::kept`] alone.
    pub fn take(&self) -> Zeroizing<Vec<u8>> {
        match &mut *self.sink.lock().unwrap_or_else(PoisonError::into_inner) {
            Sink::Kept(kept) => core::mem::take(kept),
            Sink::Text(..) | Sink::Lines(..) | Sink::Page(..) | Sink::Finished => Zeroizing::default(),
        }
    }

    /// Ends the recording, and writes the page where one is asked for; the file that was written, if any. What
    /// comes afterwards is not recorded.
    ///
    /// # Errors
    /// Something could not be written: the first error of all.
    pub fn finish(&self) -> io::Result<Option<PathBuf>> {
        let sink = core::mem::replace(
            &mut *self.sink.lock().unwrap_or_else(PoisonError::into_inner),
            Sink::Finished,
        );
        if let Some(error) = self.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        match sink {
            Sink::Page(kept, mut file, path) => {
                let page = crate::page(&[&String::from_utf8_lossy(&kept)]).map_err(io::Error::other)?;
                file.write_all(Zeroizing::new(page).as_bytes())?;
                Ok(Some(path))
            }
            Sink::Lines(_, path) => Ok(Some(path)),
            Sink::Kept(_) | Sink::Text(..) | Sink::Finished => Ok(None),
        }
    }
}

impl Sink {
    fn record(&mut self, lines: &[u8]) -> io::Result<()> {
        match self {
            Self::Kept(kept) | Self::Page(kept, ..) => {
                extend(kept, lines);
                Ok(())
            }
            Self::Text(narrator, out) => {
                for line in String::from_utf8_lossy(lines).lines() {
                    if let Some(told) = narrator.tell(line) {
                        writeln!(out, "{told}")?;
                    }
                }
                out.flush()
            }
            Self::Lines(file, _) => file.write_all(lines),
            Self::Finished => Ok(()),
        }
    }
}

/// The first line of a trace.
fn head(party: &Party, level: TraceLevel) -> Zeroizing<Vec<u8>> {
    let level = match level {
        TraceLevel::Messages => "messages",
        TraceLevel::Secrets => "secrets",
    };
    let head = json!({
        "otls_trace": TRACE_VERSION, "party": party.name, "title": party.title, "level": level,
    });
    Zeroizing::new(format!("{head}\n").into_bytes())
}

/// Appends, and wipes what it grows out of.
fn extend(kept: &mut Zeroizing<Vec<u8>>, lines: &[u8]) {
    let len = kept.len().saturating_add(lines.len());
    if len > kept.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(len.saturating_mul(2)));
        larger.extend_from_slice(kept);
        *kept = larger;
    }
    kept.extend_from_slice(lines);
}
