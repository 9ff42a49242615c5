//! What is said on standard output and standard error. Whoever does not read it, or has closed it, holds up
//! neither a connection nor a server: lines wait in a bounded queue, and what does not fit is dropped and
//! counted.

use std::fmt;
use std::io::{self, Write};
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use tokio::time::Instant;

/// Lines that may wait to be written, and their octets.
const WAITING: usize = 1024;
const WAITING_LEN: usize = 4 << 20;
/// How long the end waits for the last lines to be taken, and how often it looks.
const LAST: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(5);
/// How long lines are gathered after one was written.
const GATHER: Duration = Duration::from_millis(10);

/// A line on standard error, if there is somebody to read it.
pub(crate) fn complain(line: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// What a server says of its connections; never waits for a reader.
pub(crate) struct Log {
    output: Lane,
    error: Lane,
}

impl Log {
    pub(crate) fn start() -> Self {
        Self { output: Lane::start(io::stdout), error: Lane::start(io::stderr) }
    }

    /// A line on standard output.
    pub(crate) fn output(&self, line: String) {
        self.output.put(line);
    }

    /// A line on standard error.
    pub(crate) fn error(&self, line: String) {
        self.error.put(line);
    }

    /// Until everything was written, or nobody reads it.
    pub(crate) async fn flush(&self) {
        let end = Instant::now() + LAST;
        while !(self.output.is_empty() && self.error.is_empty()) && Instant::now() < end {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// The lines for one stream, written by a thread of its own, which may be held up by whoever reads.
struct Lane {
    lines: SyncSender<String>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Octets that wait.
    waiting: AtomicUsize,
    /// Lines that did not fit since this was last said.
    dropped: AtomicU64,
}

impl Lane {
    fn start<W: Write + 'static>(stream: fn() -> W) -> Self {
        let (lines, waiting) = sync_channel::<String>(WAITING);
        let shared = Arc::new(Shared::default());
        let counts = Arc::clone(&shared);
        // It ends with the process.
        std::thread::spawn(move || {
            while let Ok(first) = waiting.recv() {
                let (mut text, mut len) = (String::new(), 0);
                for line in iter::once(first).chain(waiting.try_iter()).take(WAITING) {
                    len += line.len();
                    text.push_str(&line);
                    text.push('\n');
                }
                // In one piece: standard error has no buffer.
                let _ = stream().write_all(text.as_bytes());
                counts.waiting.fetch_sub(len, Ordering::Relaxed);
                let dropped = counts.dropped.swap(0, Ordering::Relaxed);
                if dropped > 0 {
                    complain(format_args!(
                        "otls: {dropped} lines were not written: nobody read them in time"
                    ));
                }
                // Lines that come meanwhile are written together, and wake this thread once.
                std::thread::sleep(GATHER);
            }
        });
        Self { lines, shared }
    }

    fn put(&self, line: String) {
        let (shared, len) = (&self.shared, line.len());
        let fits = shared.waiting.fetch_add(len, Ordering::Relaxed).saturating_add(len) <= WAITING_LEN;
        if !fits || self.lines.try_send(line).is_err() {
            shared.waiting.fetch_sub(len, Ordering::Relaxed);
            shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn is_empty(&self) -> bool {
        self.shared.waiting.load(Ordering::Relaxed) == 0
    }
}
