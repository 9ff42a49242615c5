//! Bodies: by length, in chunks, or up to the end of the connection (RFC 9112 §6 and §7.1).

use super::{MAX_BODY_LEN, MAX_HEAD_LEN, Refusal};

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many octets; 0 for no body.
    Length(u64),
    /// After the last chunk and its trailer.
    Chunked,
    /// With the connection; replies only.
    UntilEnd,
}

/// A body that is being read.
pub(super) struct Body {
    octets: Vec<u8>,
    state: State,
}

enum State {
    Length(usize),
    ChunkSize,
    ChunkData(usize),
    ChunkEnd,
    /// The trailer, of which so many octets were read.
    Trailer(usize),
    UntilEnd,
    Complete,
}

impl Body {
    pub(super) fn new(framing: Framing) -> Result<Self, Refusal> {
        let state = match framing {
            Framing::Length(0) => State::Complete,
            Framing::Length(len) => State::Length(checked(0, len)?),
            Framing::Chunked => State::ChunkSize,
            Framing::UntilEnd => State::UntilEnd,
        };
        Ok(Self { octets: Vec::new(), state })
    }

    pub(super) const fn is_complete(&self) -> bool {
        matches!(self.state, State::Complete)
    }

    pub(super) const fn ends_with_connection(&self) -> bool {
        matches!(self.state, State::UntilEnd)
    }

    pub(super) fn into_octets(self) -> Vec<u8> {
        self.octets
    }

    /// Takes what belongs to the body off the front of `bytes` and returns how much that was.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        let mut rest = bytes;
        while let Some((used, next)) = self.step(rest)? {
            self.state = next;
            rest = rest.get(used..).unwrap_or_default();
        }
        Ok(bytes.len().saturating_sub(rest.len()))
    }

    /// One step: how much it used and what comes next, or `None` if more bytes are needed.
    fn step(&mut self, bytes: &[u8]) -> Result<Option<(usize, State)>, Refusal> {
        match self.state {
            State::Length(left) => Ok(self.copy(bytes, left).map(|used| match left.saturating_sub(used) {
                0 => (used, State::Complete),
                left => (used, State::Length(left)),
            })),
            State::ChunkSize => self.chunk_size(bytes),
            State::ChunkData(left) => {
                Ok(self.copy(bytes, left).map(|used| match left.saturating_sub(used) {
                    0 => (used, State::ChunkEnd),
                    left => (used, State::ChunkData(left)),
                }))
            }
            State::ChunkEnd => match bytes {
                [b'\r', b'\n', ..] => Ok(Some((2, State::ChunkSize))),
                [] | [b'\r'] => Ok(None),
                _ => Err(Refusal::new(400, "a chunk is longer than it says")),
            },
            State::Trailer(read) => trailer(bytes, read),
            State::UntilEnd => {
                checked(self.octets.len(), u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
                Ok(self.copy(bytes, bytes.len()).map(|used| (used, State::UntilEnd)))
            }
            State::Complete => Ok(None),
        }
    }

    fn copy(&mut self, bytes: &[u8], most: usize) -> Option<usize> {
        let taken = bytes.get(..most).unwrap_or(bytes);
        self.octets.extend_from_slice(taken);
        if taken.is_empty() { None } else { Some(taken.len()) }
    }

    fn chunk_size(&self, bytes: &[u8]) -> Result<Option<(usize, State)>, Refusal> {
        let malformed = Refusal::new(400, "a malformed chunk size");
        match httparse::parse_chunk_size(bytes).map_err(|_| malformed)? {
            httparse::Status::Partial if bytes.len() > MAX_CHUNK_LINE_LEN => Err(malformed),
            httparse::Status::Partial => Ok(None),
            // httparse takes a line without any digit as 0.
            httparse::Status::Complete(_) if !bytes.first().is_some_and(u8::is_ascii_hexdigit) => {
                Err(malformed)
            }
            httparse::Status::Complete((used, 0)) => Ok(Some((used, State::Trailer(0)))),
            httparse::Status::Complete((used, size)) => {
                Ok(Some((used, State::ChunkData(checked(self.octets.len(), size)?))))
            }
        }
    }
}

/// Skips the trailer line by line: no field of it means anything here.
fn trailer(bytes: &[u8], read: usize) -> Result<Option<(usize, State)>, Refusal> {
    let end = bytes.iter().position(|octet| *octet == b'\n');
    let line_len = end.map_or(bytes.len(), |end| end.saturating_add(1));
    let read = read.saturating_add(line_len);
    if read > MAX_HEAD_LEN {
        return Err(Refusal::new(431, "the trailer is longer than 16 KiB"));
    }
    match bytes.get(..line_len) {
        Some(b"\r\n" | b"\n") => Ok(Some((line_len, State::Complete))),
        Some(_) if end.is_some() => Ok(Some((line_len, State::Trailer(read)))),
        _ => Ok(None),
    }
}

/// `more` octets behind `already`, if they fit into a body.
fn checked(already: usize, more: u64) -> Result<usize, Refusal> {
    let more = usize::try_from(more).ok();
    more.filter(|more| already.saturating_add(*more) <= MAX_BODY_LEN)
        .ok_or(Refusal::new(413, "the body is longer than 64 KiB"))
}

/// The most octets of a line with a chunk's size: 16 digits and an extension.
const MAX_CHUNK_LINE_LEN: usize = 256;
