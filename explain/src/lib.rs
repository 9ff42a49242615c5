//! Shows people what a connection did, from its trace (docs/trace.md): as lines in a terminal, as a file, as a page.

mod recorder;
mod text;

pub use recorder::{Party, Recorder};
pub use text::Narrator;

/// Until the page is there.
fn page(_: &[&str]) -> Result<String, std::io::Error> {
    Err(std::io::Error::other("no page yet"))
}
