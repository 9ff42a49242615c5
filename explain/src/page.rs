//! Traces of connections as one page of HTML that stands alone: every message field by field, every key and what
//! it protected, every check and its result, and the way of a one-time password.

mod connections;
mod items;
mod join;
mod lanes;
mod merge;
mod pairs;
mod read;
mod side;
mod template;
#[cfg(test)]
mod tests;
mod wire;

use crate::refused::Refused;

/// What all traces of a page may have together, in octets.
pub const MAX_TRACES_LEN: usize = 64 << 20;

/// One page that tells what these traces tell. Each is the text of one file, as docs/trace.md describes it.
///
/// Two traces of one connection, of its client and of its server, are joined: one message is one arrow. A trace
/// of one side alone does as well, and so do traces with many connections. The page fetches nothing and has no
/// address but those of RFCs. What the traces have of keys, data and codes is in it: it is to be kept as they are.
///
/// ```
/// let trace = "{\"otls_trace\":1,\"party\":\"bank\"}\n";
/// assert!(otls_explain::page(&[trace])?.starts_with("<!doctype html>"));
/// # Ok::<(), otls_explain::Refused>(())
/// ```
///
/// # Errors
///
/// A text that is no trace or of a newer version, all of them longer than [`MAX_TRACES_LEN`], or two that tell of
/// the same side of a connection.
pub fn page(traces: &[&str]) -> Result<String, Refused> {
    let files = read::files(traces)?;
    let model = join::model(files)?;
    Ok(template::fill(&model))
}
