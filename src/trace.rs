//! The trace of a connection: what went over the wire, which key did what, and what was checked, as JSON.
//!
//! One event is one line; docs/trace.md has the schema. What a room above does is told here as it happens, and
//! nothing of it is decided here.

mod certificate;
mod fields;
mod json;
mod message;

use core::time::Duration;

use json::{Object, Text};
use message::named;

use crate::codepoints::{AlertDescription, CipherSuite, ContentType, NamedGroup, SignatureScheme};
use crate::error::{Error, Report};
use crate::pki::{Certificate, Passed};
use crate::secret::Secret;

/// The version of the schema.
pub const TRACE_VERSION: u32 = 1;
/// Octets of a protected record that are shown.
const SHOWN_OF_RECORD: usize = 64;
/// Octets of the data of one record that are shown.
const SHOWN_OF_DATA: usize = 2048;
/// The records with data, in one direction, that are shown one by one.
const SHOWN_RECORDS: u64 = 64;

/// What a trace holds: see [`crate::Connection::set_trace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceLevel {
    /// Everything but secrets and data: messages, records, checks, and how each key comes about without its value.
    Messages,
    /// Secrets and data as well. Whoever sees them reads the connection.
    Secrets,
}

/// Whether we sent something, or it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Sent,
    Received,
}

impl Direction {
    const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
        }
    }
}

/// How a secret comes about (RFC 5869, RFC 8446 §7.1).
pub(crate) enum Derivation<'a> {
    /// It comes from elsewhere: an exchange of keys, a session.
    Given(&'a str),
    /// HKDF-Extract.
    Extract { salt: &'a str, input: &'a str },
    /// HKDF-Expand-Label; the context is a hash of what `of` says.
    Expand { from: &'a str, label: &'a str, context: &'a [u8], of: &'a str },
}

/// What protects the records of one direction.
#[derive(Default)]
struct Protection {
    /// How often keys were changed: 0 none, 1 of the handshake, 2 and more of data.
    changes: u32,
    sequence: u64,
    /// Records with data so far.
    data_records: u64,
}

/// The events of one connection.
pub(crate) struct Trace {
    level: TraceLevel,
    is_server: bool,
    client_random: Option<[u8; 32]>,
    time: Option<Duration>,
    text: Text,
    sent: Protection,
    received: Protection,
    /// Records with data, and their octets, that are told in one event, in either direction.
    folded: [(u64, u64); 2],
}

impl Trace {
    pub(crate) fn new(level: TraceLevel, is_server: bool) -> Self {
        Self {
            level,
            is_server,
            client_random: None,
            time: None,
            text: Text::default(),
            sent: Protection::default(),
            received: Protection::default(),
            folded: [(0, 0); 2],
        }
    }

    /// The time of the events that follow, since 1970.
    pub(crate) fn set_time(&mut self, since_epoch: Duration) {
        self.time = Some(since_epoch);
    }

    /// What has happened since the last call.
    pub(crate) fn take(&mut self) -> Option<Secret> {
        self.text.take().map(Secret::from)
    }

    /// Records as they go over the wire, one or several.
    pub(crate) fn records(&mut self, direction: Direction, wire: &[u8]) {
        let mut rest = wire;
        while let Some(record) = rest.split_first_chunk::<5>().and_then(|(header, after)| {
            let [_, _, _, high, low] = header;
            let len = usize::from(u16::from_be_bytes([*high, *low])).checked_add(header.len())?;
            after
                .get(len.checked_sub(header.len())?..)
                .map(|after| (rest.get(..len).unwrap_or_default(), after))
        }) {
            self.record(direction, record.0);
            rest = record.1;
        }
    }

    /// One record with its header.
    pub(crate) fn record(&mut self, direction: Direction, wire: &[u8]) {
        let is_data = wire.first() == Some(&ContentType::APPLICATION_DATA.0);
        let protection = self.protection(direction);
        let (changes, sequence) = (protection.changes, protection.sequence);
        let is_protected = is_data && changes > 0;
        if is_protected {
            protection.sequence = sequence.saturating_add(1);
        }
        if is_protected && self.is_folded(direction) {
            return;
        }
        let key = self.secret_name(direction);
        let kind = wire.first().copied().map(ContentType);
        let shown = wire.len().min(if is_protected { SHOWN_OF_RECORD } else { usize::MAX });
        self.event("record", |event| {
            event.text("direction", direction.name());
            event.text("type", &kind.map(|kind| kind.to_string()).unwrap_or_default());
            event.number("length", wire.len().saturating_sub(5));
            match key.filter(|_| is_protected) {
                Some(key) => event.object("protection", |protection| {
                    protection.text("secret", &key);
                    protection.number("sequence", sequence);
                }),
                None => event.null("protection"),
            }
            event.hex("octets", wire.get(..shown).unwrap_or_default());
            event.number("omitted", wire.len().saturating_sub(shown));
        });
    }

    /// A handshake message with its header.
    pub(crate) fn message(&mut self, direction: Direction, octets: &[u8]) {
        self.client_random = self.client_random.or_else(|| message::client_random(octets));
        let key = self.secret_name(direction);
        self.event("message", |event| {
            event.text("direction", direction.name());
            event.text("name", &message::name(octets));
            event.number("length", octets.len());
            protected_by(event, key.as_deref());
            event.hex("octets", octets);
            event.array("fields", |out| fields::list(octets, out, message::handshake));
        });
    }

    /// Data, from one record or for several.
    pub(crate) fn data(&mut self, direction: Direction, data: &[u8]) {
        let level = self.level;
        let protection = self.protection(direction);
        protection.data_records = protection.data_records.saturating_add(1);
        if self.is_folded(direction) {
            let [sent, received] = &mut self.folded;
            let (records, octets) = if direction == Direction::Sent { sent } else { received };
            *records = records.saturating_add(1);
            *octets = octets.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
            return;
        }
        let key = self.secret_name(direction);
        self.event("data", |event| {
            event.text("direction", direction.name());
            event.number("length", data.len());
            protected_by(event, key.as_deref());
            if level == TraceLevel::Secrets {
                let shown = data.len().min(SHOWN_OF_DATA);
                event.hex("octets", data.get(..shown).unwrap_or_default());
                event.number("omitted", data.len().saturating_sub(shown));
            }
        });
    }

    /// A protected record that there is no key for.
    pub(crate) fn unreadable(&mut self, direction: Direction, len: usize) {
        let key = self.secret_name(direction);
        self.event("unreadable", |event| {
            event.text("direction", direction.name());
            event.number("length", len);
            protected_by(event, key.as_deref());
        });
    }

    pub(crate) fn alert(&mut self, direction: Direction, content: &[u8]) {
        let description = content.get(1).copied().map(AlertDescription);
        let key = self.secret_name(direction);
        self.event("alert", |event| {
            event.text("direction", direction.name());
            event.text("name", &description.map(|alert| alert.to_string()).unwrap_or_default());
            event.number("length", content.len());
            protected_by(event, key.as_deref());
            event.hex("octets", content);
            event.array("fields", |out| fields::list(content, out, message::alert));
        });
    }

    /// The dummy of middlebox compatibility mode (RFC 8446 §D.4).
    pub(crate) fn change_cipher_spec(&mut self, direction: Direction) {
        self.event("change_cipher_spec", |event| event.text("direction", direction.name()));
    }

    /// From here on the next keys protect this direction.
    pub(crate) fn change_keys(&mut self, direction: Direction) {
        let protection = self.protection(direction);
        protection.changes = protection.changes.saturating_add(1);
        protection.sequence = 0;
        let Some(secret) = self.secret_name(direction) else { return };
        self.event("keys", |event| {
            event.text("direction", direction.name());
            event.text("secret", &secret);
        });
    }

    /// The traffic secret whose keys protect what goes in this direction; none before there are any.
    fn secret_name(&mut self, direction: Direction) -> Option<String> {
        let changes = self.protection(direction).changes;
        (changes > 0).then(|| self.name_after(direction, changes))
    }

    /// That secret, and the one that a KeyUpdate makes of it.
    pub(crate) fn names_of_update(&mut self, direction: Direction) -> (String, String) {
        let changes = self.protection(direction).changes;
        (self.name_after(direction, changes), self.name_after(direction, changes.saturating_add(1)))
    }

    fn name_after(&self, direction: Direction, changes: u32) -> String {
        let is_of_server = (direction == Direction::Sent) == self.is_server;
        let side = if is_of_server { "server" } else { "client" };
        match changes.checked_sub(2) {
            None => format!("{side}_handshake_traffic_secret"),
            Some(generation) => format!("{side}_application_traffic_secret_{generation}"),
        }
    }

    /// A secret and what it is derived from; its value where the trace has secrets.
    pub(crate) fn secret(&mut self, name: &str, derivation: &Derivation<'_>, value: &[u8]) {
        let level = self.level;
        self.event("secret", |event| {
            event.text("name", name);
            event.object("derivation", |how| match derivation {
                Derivation::Given(source) => how.text("given", source),
                Derivation::Extract { salt, input } => {
                    how.text("function", "HKDF-Extract");
                    how.text("salt", salt);
                    how.text("input", input);
                }
                Derivation::Expand { from, label, context, of } => {
                    how.text("function", "HKDF-Expand-Label");
                    how.text("from", from);
                    how.text("label", label);
                    how.hex("context", context);
                    how.text("context_of", of);
                }
            });
            event.number("length", value.len());
            if level == TraceLevel::Secrets {
                event.hex("value", value);
            }
        });
    }

    /// A secret that this side cannot know.
    pub(crate) fn unknown(&mut self, name: &str, why: &str) {
        self.event("secret", |event| {
            event.text("name", name);
            event.object("derivation", |how| how.text("given", why));
        });
    }

    /// What the sides agreed on.
    pub(crate) fn agreed(&mut self, suite: CipherSuite, group: Option<NamedGroup>, is_resumed: bool) {
        self.event("agreed", |event| {
            event.text("suite", &suite.to_string());
            event.number("suite_code", suite.0);
            // RFC 8446 §11: private use.
            event.boolean("suite_is_private", suite.0 >= 0xFF00);
            event.text("group", &group.map(|group| named::<NamedGroup>(group.0)).unwrap_or_default());
            event.boolean("resumed", is_resumed);
        });
    }

    /// A CertificateVerify that was made, or checked with this result (RFC 8446 §4.4.3).
    pub(crate) fn signature(
        &mut self,
        direction: Direction,
        signer: &Certificate,
        scheme: SignatureScheme,
        content: &[u8],
        result: &'static str,
    ) {
        self.event("signature", |event| {
            event.text("direction", direction.name());
            event.text("scheme", &named::<SignatureScheme>(scheme.0));
            event.text("signer", &signer.subject().to_string());
            event.text("key", &signer.public_key().algorithm().describe());
            event.hex("signed", content);
            event.text("result", result);
        });
    }

    /// A Finished or a binder was compared.
    pub(crate) fn compared(&mut self, what: &str, from: &str, result: &'static str) {
        self.event("check", |event| {
            event.text("of", "transcript");
            event.text("check", what);
            event.text("result", result);
            event.text("reason", &format!("HMAC with the finished key of {from}"));
        });
    }

    /// What the peer's certificates passed.
    pub(crate) fn passed(&mut self, checks: &[Passed]) {
        for passed in checks {
            self.event("check", |event| {
                event.text("of", "certificate");
                event.number("depth", passed.depth);
                event.text("subject", &passed.subject);
                event.text("check", passed.check.name());
                event.text("result", if passed.is_done { "passed" } else { "not checked" });
                event.text("reason", &passed.reason);
            });
        }
    }

    /// Why the peer's certificates were refused.
    pub(crate) fn refused(&mut self, report: &Report) {
        for finding in report.findings() {
            self.event("check", |event| {
                event.text("of", "certificate");
                event.number("depth", finding.depth);
                event.text("subject", &finding.subject);
                event.text("check", finding.check.name());
                event.text("result", "failed");
                event.text("reason", &finding.reason);
                event.text("hint", &finding.hint);
            });
        }
    }

    /// The connection reached a state, or paused in one.
    pub(crate) fn state(&mut self, name: &'static str) {
        self.event("state", |event| event.text("state", name));
    }

    pub(crate) fn error(&mut self, error: &Error) {
        self.event("error", |event| {
            event.text("code", error.code().name());
            event.text("text", &error.to_string());
            event.text("hint", &error.hint());
        });
    }

    fn event(&mut self, name: &str, write: impl FnOnce(&mut Object<'_>)) {
        let folded = core::mem::take(&mut self.folded);
        for (direction, (records, octets)) in [Direction::Sent, Direction::Received].into_iter().zip(folded) {
            if records > 0 {
                self.write("folded", |event| {
                    event.text("direction", direction.name());
                    event.number("records", records);
                    event.number("length", octets);
                });
            }
        }
        self.write(name, write);
    }

    fn write(&mut self, name: &str, write: impl FnOnce(&mut Object<'_>)) {
        let (random, time, is_server) = (self.client_random, self.time, self.is_server);
        self.text.line(|line| {
            line.text("event", name);
            match &random {
                Some(random) => line.hex("connection", random),
                None => line.null("connection"),
            }
            line.text("role", if is_server { "server" } else { "client" });
            if let Some(time) = time {
                line.number("time", format_args!("{}.{:06}", time.as_secs(), time.subsec_micros()));
            }
            write(line);
        });
    }

    fn protection(&mut self, direction: Direction) -> &mut Protection {
        match direction {
            Direction::Sent => &mut self.sent,
            Direction::Received => &mut self.received,
        }
    }

    /// Whether data is no longer told record by record.
    fn is_folded(&mut self, direction: Direction) -> bool {
        self.protection(direction).data_records > SHOWN_RECORDS
    }
}

fn protected_by(event: &mut Object<'_>, secret: Option<&str>) {
    match secret {
        Some(secret) => event.text("secret", secret),
        None => event.null("secret"),
    }
}
