//! First lines and header fields.

use super::{Framing, Head, MAX_FIELDS, Refusal};

/// The head of a request.
#[derive(Debug)]
pub(crate) struct RequestHead {
    pub(crate) method: String,
    /// The path without the query.
    pub(crate) path: String,
    /// Whether the client waits for [`super::CONTINUE`].
    pub(crate) expects_continue: bool,
    /// Whether the connection ends with the reply.
    pub(crate) close: bool,
    fields: Fields,
    framing: Framing,
}

impl RequestHead {
    /// Whether the Content-Type is `media_type`, with any parameters (RFC 9110 §8.3.1).
    pub(crate) fn has_content_type(&self, media_type: &str) -> bool {
        self.fields.has_content_type(media_type)
    }

    /// The credentials of an Authorization field with this scheme (RFC 9110 §11.4).
    pub(crate) fn credentials(&self, scheme: &str) -> Option<&str> {
        let value = core::str::from_utf8(self.fields.only("authorization").ok()??).ok()?;
        let (found, credentials) = value.split_once(' ')?;
        found.eq_ignore_ascii_case(scheme).then(|| credentials.trim())
    }
}

impl Head for RequestHead {
    fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Refusal> {
        let mut slots = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut request = httparse::Request::new(&mut slots);
        let httparse::Status::Complete(len) = request.parse(bytes).map_err(refusal)? else { return Ok(None) };
        let (Some(method), Some(target), Some(version)) = (request.method, request.path, request.version)
        else {
            return Err(Refusal::new(400, "a malformed request line"));
        };
        let fields = Fields::new(request.headers);
        // RFC 9112 §3.2: a request of HTTP/1.1 has exactly one Host.
        if fields.only("host")?.is_none() && version == 1 {
            return Err(Refusal::new(400, "no Host field"));
        }
        let framing = fields.framing(version)?.unwrap_or(Framing::Length(0));
        let expects_continue = match fields.only("expect")? {
            None => false,
            Some(value) if value.eq_ignore_ascii_case(b"100-continue") => version == 1,
            Some(_) => return Err(Refusal::new(417, "an expectation other than 100-continue")),
        };
        let head = Self {
            method: method.to_owned(),
            path: path_of(target).to_owned(),
            expects_continue,
            close: fields.closes(version),
            fields,
            framing,
        };
        Ok(Some((head, len)))
    }

    fn framing(&self) -> Framing {
        self.framing
    }
}

/// The head of a reply.
pub(crate) struct ReplyHead {
    pub(crate) status: u16,
    fields: Fields,
    framing: Framing,
}

impl ReplyHead {
    /// Whether the Content-Type is `media_type`, with any parameters.
    pub(crate) fn has_content_type(&self, media_type: &str) -> bool {
        self.fields.has_content_type(media_type)
    }
}

impl ReplyHead {
    /// What the fields add to the status: where to ask instead, when again, and how to say who asks.
    pub(crate) fn advice(&self) -> String {
        let known =
            [("location", "Location"), ("retry-after", "Retry-After"), ("www-authenticate", "asks for")];
        let field = |(name, shown): (&'static str, &str)| {
            self.fields
                .all(name)
                .next()
                .map(|value| format!(" ({shown}: {})", String::from_utf8_lossy(value)))
        };
        known.into_iter().filter_map(field).collect()
    }
}

impl Head for ReplyHead {
    fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Refusal> {
        let mut slots = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut reply = httparse::Response::new(&mut slots);
        let httparse::Status::Complete(len) = reply.parse(bytes).map_err(refusal)? else { return Ok(None) };
        let (Some(status), Some(version)) = (reply.code, reply.version) else {
            return Err(Refusal::new(400, "a malformed status line"));
        };
        let fields = Fields::new(reply.headers);
        // RFC 9112 §6.3: these have no body whatever their fields say.
        let framing = match status {
            100..=199 | 204 | 304 => Framing::Length(0),
            _ => fields.framing(version)?.unwrap_or(Framing::UntilEnd),
        };
        Ok(Some((Self { status, fields, framing }, len)))
    }

    fn framing(&self) -> Framing {
        self.framing
    }
}

/// Header fields, names in lower case.
#[derive(Debug)]
struct Fields(Vec<(String, Vec<u8>)>);

impl Fields {
    fn new(headers: &[httparse::Header<'_>]) -> Self {
        let field = |header: &httparse::Header<'_>| (header.name.to_ascii_lowercase(), header.value.to_vec());
        Self(headers.iter().map(field).collect())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.trim_ascii())
    }

    /// The value of a field that may appear once.
    fn only(&self, name: &str) -> Result<Option<&[u8]>, Refusal> {
        let mut values = self.0.iter().filter(|(other, _)| other == name);
        let value = values.next().map(|(_, value)| value.trim_ascii());
        match values.next() {
            None => Ok(value),
            Some(_) => Err(Refusal::new(400, "a header field twice that may appear once")),
        }
    }

    /// RFC 9112 §6.3 and §11.2: a message whose length two readers may take differently is refused,
    /// not repaired, for what follows it could be smuggled past one of them.
    fn framing(&self, version: u8) -> Result<Option<Framing>, Refusal> {
        let length = self.only("content-length")?;
        let Some(coding) = self.only("transfer-encoding")? else {
            return length.map(|value| content_length(value).map(Framing::Length)).transpose();
        };
        if length.is_some() {
            return Err(Refusal::new(400, "both Content-Length and Transfer-Encoding"));
        }
        if version == 0 {
            return Err(Refusal::new(400, "Transfer-Encoding in HTTP/1.0"));
        }
        if !coding.eq_ignore_ascii_case(b"chunked") {
            return Err(Refusal::new(501, "a transfer coding other than chunked"));
        }
        Ok(Some(Framing::Chunked))
    }

    fn closes(&self, version: u8) -> bool {
        let mut options = self.all("connection").flat_map(|value| value.split(|octet| *octet == b','));
        version == 0 || options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
    }

    fn has_content_type(&self, media_type: &str) -> bool {
        let value = self.only("content-type").ok().flatten().unwrap_or_default();
        let found = value.split(|octet| *octet == b';').next().unwrap_or_default();
        found.trim_ascii().eq_ignore_ascii_case(media_type.as_bytes())
    }
}

/// Digits and nothing else: no sign, no list (RFC 9110 §8.6).
fn content_length(value: &[u8]) -> Result<u64, Refusal> {
    let malformed = Refusal::new(400, "a malformed Content-Length");
    if !value.iter().all(u8::is_ascii_digit) {
        return Err(malformed);
    }
    core::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok()).ok_or(malformed)
}

/// The path of a request target in origin or absolute form (RFC 9112 §3.2).
fn path_of(target: &str) -> &str {
    let origin = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => {
            rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
        }
        _ => target,
    };
    origin.split_once('?').map_or(origin, |(path, _)| path)
}

fn refusal(error: httparse::Error) -> Refusal {
    match error {
        httparse::Error::TooManyHeaders => Refusal::new(431, "more than 64 header fields"),
        httparse::Error::Version => Refusal::new(505, "a version other than HTTP/1.1"),
        httparse::Error::HeaderName
        | httparse::Error::HeaderValue
        | httparse::Error::NewLine
        | httparse::Error::Status
        | httparse::Error::Token => Refusal::new(400, "a malformed first line or header field"),
    }
}
