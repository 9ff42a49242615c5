//! How long calls may take, and what is said of one that took too long.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

/// How long the end of a connection waits for the peer's.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// How long the calls of a stream may take. What is not set is waited for without an end.
///
/// ```
/// use std::time::Duration;
/// use otls::io::Timeouts;
///
/// let timeouts = Timeouts::all(Duration::from_secs(30)).with_lifetime(Duration::from_secs(3600));
/// assert_eq!(timeouts.read, Some(Duration::from_secs(30)));
/// assert_eq!(Timeouts::default().write, None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// The whole handshake, `confirm` included; the time in which the caller chooses a configuration or a
    /// certificate does not count.
    pub handshake: Option<Duration>,
    /// One read, until the first octet of data comes.
    pub read: Option<Duration>,
    /// What is written, 256 KiB at most at a time, until all of it has gone: a large transfer to a slow but
    /// steady reader goes on, and one octet now and then extends nothing.
    pub write: Option<Duration>,
    /// All of it, since the stream was made: then every call but `close` and `abort` times out.
    pub lifetime: Option<Duration>,
}

impl Timeouts {
    /// The same for the handshake, each read and each write; no bound for the whole.
    pub fn all(limit: Duration) -> Self {
        Self { handshake: Some(limit), read: Some(limit), write: Some(limit), lifetime: None }
    }

    /// With another limit for the handshake.
    #[must_use]
    pub fn with_handshake(mut self, limit: Duration) -> Self {
        self.handshake = Some(limit);
        self
    }

    /// With another limit for each read.
    #[must_use]
    pub fn with_read(mut self, limit: Duration) -> Self {
        self.read = Some(limit);
        self
    }

    /// With another limit for each write.
    #[must_use]
    pub fn with_write(mut self, limit: Duration) -> Self {
        self.write = Some(limit);
        self
    }

    /// With a limit for all of it.
    #[must_use]
    pub fn with_lifetime(mut self, limit: Duration) -> Self {
        self.lifetime = Some(limit);
        self
    }
}

/// What was waited for in vain.
///
/// ```
/// assert_ne!(otls::io::Waiting::Read, otls::io::Waiting::Write);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waiting {
    /// The end of the handshake: the connection is over.
    Handshake,
    /// Data from the peer: the next read goes on.
    Read,
    /// Room for data to the peer: nothing can be written any more, because part of a record may have gone.
    Write,
    /// Anything at all: the stream's time is over.
    Lifetime,
}

/// The error inside an [`io::ErrorKind::TimedOut`] of a stream.
///
/// ```
/// use otls::io::Timeout;
///
/// /// What a stream was waiting for when it gave up.
/// fn waiting(error: &std::io::Error) -> Option<String> {
///     error.get_ref()?.downcast_ref::<Timeout>().map(Timeout::to_string)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeout {
    /// What was waited for.
    pub waiting: Waiting,
    /// How long.
    pub limit: Duration,
    /// Octets that had come since the call began, as they are on the wire.
    pub came: u64,
    /// Octets that had gone since then.
    pub went: u64,
    /// Octets that wait to go.
    pub left: u64,
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { waiting, limit, came, went, left } = self;
        f.write_str("no answer in time: ")?;
        match waiting {
            Waiting::Handshake => write!(
                f,
                "the handshake was not done within {limit:?}; {came} octets of it had come and {went} gone"
            ),
            Waiting::Read => write!(f, "no data came within {limit:?}; {came} octets of a record had come"),
            Waiting::Write => {
                let all = went.saturating_add(*left);
                write!(f, "data was not taken within {limit:?}; {went} of {all} sealed octets had gone")
            }
            Waiting::Lifetime => write!(
                f,
                "the {limit:?} of the whole connection are over; {came} octets of this call had come, \
                 {went} had gone and {left} wait to go"
            ),
        }
    }
}

impl std::error::Error for Timeout {}

impl From<Timeout> for io::Error {
    fn from(timeout: Timeout) -> Self {
        Self::new(io::ErrorKind::TimedOut, timeout)
    }
}

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Handshake,
    Read,
    Write,
    Close,
}

/// The directions of a socket that were not ready.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Blocked {
    pub(super) receive: bool,
    pub(super) send: bool,
}

/// When the calls that run now began, and what has come and gone since.
pub(super) struct Waits {
    timeouts: Timeouts,
    opened: Instant,
    now: Instant,
    handshake: Option<Begun>,
    /// Time of the handshake in which its caller did not choose.
    handshaking: Duration,
    read: Option<Begun>,
    write: Option<Begun>,
    came: u64,
    went: u64,
    /// The handshake took too long.
    over: Option<Timeout>,
    /// A write did, in the middle of a record.
    broken: bool,
    linger_since: Option<Instant>,
    lingered: bool,
}

#[derive(Clone, Copy)]
struct Begun {
    at: Instant,
    came: u64,
    went: u64,
}

impl Waits {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            timeouts: Timeouts::default(),
            opened: now,
            now,
            handshake: None,
            handshaking: Duration::ZERO,
            read: None,
            write: None,
            came: 0,
            went: 0,
            over: None,
            broken: false,
            linger_since: None,
            lingered: false,
        }
    }

    /// Calls that run already begin anew.
    pub(super) fn set(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
        self.read = None;
        self.write = None;
    }

    pub(super) fn begin(&mut self, op: Op, now: Instant) -> Result<(), Timeout> {
        self.now = now;
        let begun = self.mark();
        if op != Op::Close {
            self.check_lifetime(begun, 0)?;
        }
        self.of(op).get_or_insert(begun);
        Ok(())
    }

    pub(super) fn finish(&mut self, op: Op, now: Instant) {
        match op {
            Op::Handshake => {
                let took = self.handshake.take().map(|begun| now.saturating_duration_since(begun.at));
                self.handshaking = self.handshaking.saturating_add(took.unwrap_or_default());
            }
            Op::Read => self.read = None,
            // What is written has its time until it has gone: see `end_piece`.
            Op::Write | Op::Close => {}
        }
    }

    /// More is sealed, when all that was before has gone.
    pub(super) fn begin_piece(&mut self) {
        let begun = self.mark();
        self.write.get_or_insert(begun);
    }

    /// All that was sealed has gone.
    pub(super) fn end_piece(&mut self) {
        self.write = None;
    }

    /// Until when a call may wait; `left` octets wait to go.
    pub(super) fn until(&mut self, op: Op, now: Instant, left: usize) -> Result<Option<Instant>, Timeout> {
        self.now = now;
        let left = u64::try_from(left).unwrap_or(u64::MAX);
        let mark = self.mark();
        let begun = *self.of(op).get_or_insert(mark);
        let (waiting, limit, spent) = match op {
            Op::Handshake => (Waiting::Handshake, self.timeouts.handshake, self.handshaking),
            Op::Read => (Waiting::Read, self.timeouts.read, Duration::ZERO),
            Op::Write | Op::Close => (Waiting::Write, self.timeouts.write, Duration::ZERO),
        };
        let end = limit.and_then(|limit| begun.at.checked_add(limit.saturating_sub(spent)));
        if let (Some(limit), Some(end)) = (limit, end)
            && now >= end
        {
            return Err(self.timeout(waiting, limit, begun, left));
        }
        if op == Op::Close {
            return Ok(end);
        }
        self.check_lifetime(begun, left)?;
        Ok(end.into_iter().chain(self.end_of_life()).min())
    }

    /// What a timeout means for what comes after it.
    pub(super) fn over(&mut self, op: Op, timeout: &Timeout) {
        match op {
            Op::Handshake => self.over = Some(*timeout),
            Op::Read => self.read = None,
            Op::Write | Op::Close => self.broken |= timeout.left > 0,
        }
    }

    pub(super) fn check_over(&self) -> io::Result<()> {
        self.over.map_or(Ok(()), |timeout| Err(timeout.into()))
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    pub(super) fn check_broken(&self) -> io::Result<()> {
        if !self.broken {
            return Ok(());
        }
        let why = "nothing can be written any more: an earlier write timed out in the middle of a record";
        Err(io::Error::new(io::ErrorKind::BrokenPipe, why))
    }

    /// Until when the peer's end is awaited.
    pub(super) fn linger(&mut self, now: Instant) -> Instant {
        let since = *self.linger_since.get_or_insert(now);
        let end = since.checked_add(LINGER).unwrap_or(now);
        self.lingered |= now >= end;
        end
    }

    pub(super) fn end_linger(&mut self) {
        self.lingered = true;
    }

    /// The peer's end was awaited long enough.
    pub(super) fn lingered(&self) -> bool {
        self.lingered
    }

    pub(super) fn came(&mut self, len: usize) {
        self.came = self.came.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
    }

    pub(super) fn went(&mut self, len: usize) {
        self.went = self.went.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
    }

    fn of(&mut self, op: Op) -> &mut Option<Begun> {
        match op {
            Op::Handshake => &mut self.handshake,
            Op::Read => &mut self.read,
            Op::Write | Op::Close => &mut self.write,
        }
    }

    fn mark(&self) -> Begun {
        Begun { at: self.now, came: self.came, went: self.went }
    }

    fn end_of_life(&self) -> Option<Instant> {
        self.opened.checked_add(self.timeouts.lifetime?)
    }

    fn check_lifetime(&self, begun: Begun, left: u64) -> Result<(), Timeout> {
        match (self.timeouts.lifetime, self.end_of_life()) {
            (Some(limit), Some(end)) if self.now >= end => {
                Err(self.timeout(Waiting::Lifetime, limit, begun, left))
            }
            _ => Ok(()),
        }
    }

    fn timeout(&self, waiting: Waiting, limit: Duration, begun: Begun, left: u64) -> Timeout {
        let (came, went) = (self.came.saturating_sub(begun.came), self.went.saturating_sub(begun.went));
        Timeout { waiting, limit, came, went, left }
    }
}
