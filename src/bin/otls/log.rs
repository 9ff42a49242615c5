//! What a server says of its connections, written by a thread of its own: whoever does not read it holds up
//! neither the server nor its end.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

/// Lines that may wait to be written.
const WAITING: usize = 1024;
/// How long the end waits for the last lines to be taken.
const LAST: Duration = Duration::from_secs(1);

pub(crate) struct Log(mpsc::Sender<Entry>);

enum Entry {
    Output(String),
    Error(String),
    Flush(oneshot::Sender<()>),
}

impl Log {
    pub(crate) fn start() -> Self {
        let (sender, mut entries) = mpsc::channel(WAITING);
        // It ends with the process: it may be held up by whoever reads.
        std::thread::spawn(move || {
            while let Some(entry) = entries.blocking_recv() {
                match entry {
                    Entry::Output(line) => println!("{line}"),
                    Entry::Error(line) => eprintln!("{line}"),
                    Entry::Flush(done) => drop(done.send(())),
                }
            }
        });
        Self(sender)
    }

    /// A line on standard output. Only the caller waits if nobody reads.
    pub(crate) async fn output(&self, line: String) {
        let _ = self.0.send(Entry::Output(line)).await;
    }

    /// A line on standard error.
    pub(crate) async fn error(&self, line: String) {
        let _ = self.0.send(Entry::Error(line)).await;
    }

    /// Until everything was written, or nobody reads it.
    pub(crate) async fn flush(&self) {
        let (sender, done) = oneshot::channel();
        let flushed = async {
            let _ = self.0.send(Entry::Flush(sender)).await;
            let _ = done.await;
        };
        let _ = tokio::time::timeout(LAST, flushed).await;
    }
}
