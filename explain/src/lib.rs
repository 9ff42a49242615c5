//! Shows people what a connection did, from its trace (docs/trace.md): as lines in a terminal, as a file, as a page.

mod capture;
mod page;
mod recorder;
mod refused;
mod tcp;
mod text;

pub use capture::{MAX_CAPTURE_LEN, capture};
pub use page::{MAX_TRACES_LEN, page};
pub use recorder::{Party, Recorder};
pub use refused::Refused;
pub use text::Narrator;
