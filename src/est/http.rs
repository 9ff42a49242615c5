//! The little HTTP/1.1 that enrolment needs (RFC 9112), parsed by httparse.

mod body;
mod head;

pub(super) use body::Framing;
pub(super) use head::{ReplyHead, RequestHead};

use body::Body;

/// Reads one message after another from bytes that arrive in any pieces. What it keeps is bounded by
/// [`MAX_HEAD_LEN`] and [`MAX_BODY_LEN`].
pub(super) struct HttpReader<H> {
    buffer: Vec<u8>,
    /// So much of the buffer is known not to end a head.
    scanned: usize,
    message: Option<(H, Body)>,
}

/// The first line and the fields of a request or reply.
pub(super) trait Head: Sized {
    /// Reads a head off the front of `bytes`: it and its length, or `None` if it is not complete.
    fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Refusal>;

    /// How the body ends.
    fn framing(&self) -> Framing;
}

/// Why a message is not read, and the status that says so to a client (RFC 9110 §15.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) why: &'static str,
}

impl Refusal {
    pub(super) const fn new(status: u16, why: &'static str) -> Self {
        Self { status, why }
    }
}

impl<H: Head> HttpReader<H> {
    pub(super) const fn new() -> Self {
        Self { buffer: Vec::new(), scanned: 0, message: None }
    }

    /// Adds bytes; then call [`HttpReader::next`] until it returns `None`.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message.
    pub(super) fn next(&mut self) -> Result<Option<(H, Vec<u8>)>, Refusal> {
        if self.message.is_none() {
            let Some(head) = self.next_head()? else { return Ok(None) };
            let body = Body::new(head.framing())?;
            self.message = Some((head, body));
        }
        let Some((_, body)) = &mut self.message else { return Ok(None) };
        let used = body.take(&self.buffer)?;
        self.buffer.drain(..used);
        Ok(self
            .message
            .take_if(|(_, body)| body.is_complete())
            .map(|(head, body)| (head, body.into_octets())))
    }

    /// The head of a message whose body has not arrived yet.
    pub(super) fn waiting_for_body(&self) -> Option<&H> {
        self.message.as_ref().map(|(head, _)| head)
    }

    /// The message whose body ends with the connection, if that is what was being read.
    pub(super) fn end(&mut self) -> Option<(H, Vec<u8>)> {
        let ends = |(_, body): &mut (H, Body)| body.ends_with_connection();
        self.message.take_if(ends).map(|(head, body)| (head, body.into_octets()))
    }

    fn next_head(&mut self) -> Result<Option<H>, Refusal> {
        if self.scanned == 0 {
            // RFC 9112 §2.2: empty lines before a request are ignored.
            let empty = self.buffer.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
            self.buffer.drain(..empty);
        }
        // A head is made of whole lines: without a new one it need not be parsed again.
        let new_line = self.buffer.iter().skip(self.scanned).any(|octet| *octet == b'\n');
        self.scanned = self.buffer.len();
        let lines = self.buffer.iter().rposition(|octet| *octet == b'\n');
        let head = match lines.and_then(|last| self.buffer.get(..=last)) {
            Some(lines) if new_line => H::parse(lines)?,
            _ => None,
        };
        match head {
            Some((head, len)) if len <= MAX_HEAD_LEN => {
                self.buffer.drain(..len);
                self.scanned = 0;
                Ok(Some(head))
            }
            None if self.buffer.len() <= MAX_HEAD_LEN => Ok(None),
            _ => Err(Refusal::new(431, "the header is longer than 16 KiB")),
        }
    }
}

/// The octets of a reply. `fields` are further header fields, whole lines without their end. The reply
/// to a HEAD has the length of the body but not the body (RFC 9110 §9.3.2).
pub(super) fn reply(status: u16, content_type: &str, fields: &[&str], body: &[u8], is_head: bool) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status} {}\r\n", reason_phrase(status)).into_bytes();
    for field in fields {
        out.extend_from_slice(field.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("Content-Type: {content_type}\r\n").as_bytes());
    out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    if !is_head {
        out.extend_from_slice(body);
    }
    out
}

/// RFC 9110 §10.1.1: tells a client that waits for it to send the body.
pub(super) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// `text` on one line, without control characters, at most [`MAX_TEXT_LEN`] characters.
pub(super) fn one_line(text: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().take(MAX_TEXT_LEN).map(printable).collect()
}

const fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        505 => "HTTP Version Not Supported",
        _ => "Error",
    }
}

/// The most octets of a first line and header fields: what common servers take.
pub(super) const MAX_HEAD_LEN: usize = 16 * 1024;

/// The most header fields.
pub(super) const MAX_FIELDS: usize = 64;

/// The most octets of a body: an enrolment has a few thousand.
pub(super) const MAX_BODY_LEN: usize = 64 * 1024;

/// The most characters of a peer's error text that are shown.
const MAX_TEXT_LEN: usize = 200;

#[cfg(test)]
mod tests;
