//! What a client keeps of a session, to resume it (RFC 8446 §2.2, §4.6.1).

use core::time::Duration;
use std::collections::VecDeque;

use zeroize::Zeroizing;

use super::key_schedule::ResumptionSecret;
use super::suite::SuiteParameters;
use crate::codepoints::CipherSuite;
use crate::error::{Error, InvalidMessage, Malformed, Result};
use crate::pki::{Certificate, Chain, GeneralName, MAX_CHAIN_LEN, Verdict};
use crate::secret::Secret;
use crate::time::UnixTime;
use crate::wire::{Codec, NewSessionTicket, Prefix, Reader, opaque, vector};

/// A session that a client may resume, once: [`crate::Connection::take_session`] gives it,
/// [`crate::Connection::client_resuming`] uses it up. Whoever has it can pass for the client until
/// it expires, and whoever changes it decides whom the client takes for the server: keep it as a private key is
/// kept.
///
/// A session is resumed only with the server of the same name, by a client that trusts the same authorities
/// and offers the same application protocols, and only while that server's certificate is still good by the
/// configuration of the new connection. However often it is resumed, it ends a day after the last full
/// handshake ([`crate::Config::with_session_lifetime`]), and with the certificates of both sides.
///
/// ```
/// # fn later(client: &mut otls::Connection) -> otls::Result<()> {
/// if let Some(session) = client.take_session() {
///     let bytes = session.to_bytes(); // for a file with mode 0600
///     let session = otls::Session::from_bytes(bytes.expose())?;
/// }
/// # Ok(())
/// # }
/// ```
pub struct Session {
    pub(super) suite: SuiteParameters,
    pub(super) psk: Secret,
    pub(super) ticket: Vec<u8>,
    ticket_age_add: u32,
    received_at: UnixTime,
    pub(super) authenticated_at: UnixTime,
    pub(super) expires_at: UnixTime,
    pub(super) server_name: GeneralName,
    /// What was agreed on.
    pub(super) alpn: Option<Vec<u8>>,
    /// What was offered.
    pub(super) protocols: Vec<Vec<u8>>,
    /// [`super::Config::policy`] of the client.
    pub(super) policy: Vec<u8>,
    pub(super) server_chain: Chain,
    /// What was found of it.
    pub(super) verdict: Verdict,
    /// The certificate that we showed.
    pub(super) certificate: Option<Certificate>,
}

crate::shown::shown!(Session, server_name, authenticated_at, expires_at);

impl Session {
    /// The server that it is with.
    pub fn server_name(&self) -> &GeneralName {
        &self.server_name
    }

    /// From then on it is of no use.
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// When both sides last showed their certificates: the time of the full handshake, and not of one that
    /// resumed it.
    pub fn authenticated_at(&self) -> UnixTime {
        self.authenticated_at
    }

    /// For [`Session::from_bytes`]: the format is of this library and its version.
    pub fn to_bytes(&self) -> Secret {
        let certificates = self.server_chain.iter().chain(&self.certificate);
        let room: usize = certificates.map(|one| one.to_der().len() + 3).sum();
        // Reserved, so that no copy of the secret is left behind by growing.
        let mut bytes = Zeroizing::new(Vec::with_capacity(room + self.ticket.len() + 1024));
        self.encode(&mut bytes);
        bytes.into()
    }

    /// # Errors
    /// [`Error::ApiMisuse`] for bytes that [`Session::to_bytes`] of this version did not make.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let decoded = Self::decode_all("session", bytes);
        decoded.map_err(|_| {
            Error::misuse("this is not a saved session", "connect without one, and save the new session")
        })
    }

    /// The age as the server wants to hear it (RFC 8446 §4.2.11.1), in milliseconds.
    pub(super) fn obfuscated_age(&self, now: UnixTime) -> u32 {
        let age = now.0.saturating_sub(self.received_at.0).saturating_mul(1_000);
        // A lifetime of at most seven days fits; the sum wraps by design.
        u32::try_from(age).unwrap_or(u32::MAX).wrapping_add(self.ticket_age_add)
    }
}

/// The layout below.
const VERSION: u8 = 3;

impl Codec for Session {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        self.suite.suite.encode(out);
        opaque(Prefix::One, self.psk.expose(), out);
        opaque(Prefix::Two, &self.ticket, out);
        out.extend_from_slice(&self.ticket_age_add.to_be_bytes());
        for time in [self.received_at, self.authenticated_at, self.expires_at] {
            out.extend_from_slice(&time.0.to_be_bytes());
        }
        opaque(Prefix::Two, self.server_name.to_string().as_bytes(), out);
        opaque(Prefix::One, self.alpn.as_deref().unwrap_or_default(), out);
        vector(Prefix::Two, out, |out| {
            self.protocols.iter().for_each(|name| opaque(Prefix::One, name, out));
        });
        opaque(Prefix::One, &self.policy, out);
        opaque(Prefix::One, &self.verdict.to_octets(), out);
        let own = self.certificate.as_ref().map(Certificate::to_der).unwrap_or_default();
        opaque(Prefix::Three, own, out);
        self.server_chain.iter().for_each(|one| opaque(Prefix::Three, one.to_der(), out));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        if reader.u8()? != VERSION {
            return Err(reader.error(Malformed::IllegalValue));
        }
        let suite = SuiteParameters::of(CipherSuite::decode(reader)?);
        let session = Self {
            suite: suite.ok_or(reader.error(Malformed::IllegalValue))?,
            psk: reader.opaque(Prefix::One, 1)?.to_vec().into(),
            ticket: reader.opaque(Prefix::Two, 1)?.to_vec(),
            ticket_age_add: reader.u32()?,
            received_at: time(reader)?,
            authenticated_at: time(reader)?,
            expires_at: time(reader)?,
            server_name: name(reader)?,
            alpn: Some(reader.opaque(Prefix::One, 0)?.to_vec()).filter(|name| !name.is_empty()),
            protocols: protocols(reader)?,
            policy: reader.opaque(Prefix::One, 1)?.to_vec(),
            verdict: Verdict::of_octets(reader.opaque(Prefix::One, 0)?)
                .ok_or(reader.error(Malformed::IllegalValue))?,
            certificate: match reader.opaque(Prefix::Three, 0)? {
                [] => None,
                der => Some(certificate(reader, der)?),
            },
            server_chain: chain(reader)?,
        };
        if session.psk.len() != session.suite.hash.output_len() {
            return Err(reader.error(Malformed::IllegalValue));
        }
        Ok(session)
    }
}

/// What is left is the server's chain.
fn chain(reader: &mut Reader<'_>) -> Result<Chain, InvalidMessage> {
    let mut certificates = Vec::new();
    while !reader.is_empty() {
        if certificates.len() == MAX_CHAIN_LEN {
            return Err(reader.error(Malformed::TooLong));
        }
        let der = reader.opaque(Prefix::Three, 1)?;
        certificates.push(certificate(reader, der)?);
    }
    Chain::new(certificates).map_err(|_| reader.error(Malformed::Empty))
}

fn time(reader: &mut Reader<'_>) -> Result<UnixTime, InvalidMessage> {
    Ok(UnixTime(u64::from_be_bytes(reader.array()?)))
}

fn protocols(reader: &mut Reader<'_>) -> Result<Vec<Vec<u8>>, InvalidMessage> {
    let (mut list, mut names) = (reader.nested(Prefix::Two)?, Vec::new());
    while !list.is_empty() {
        names.push(list.opaque(Prefix::One, 1)?.to_vec());
    }
    Ok(names)
}

fn name(reader: &mut Reader<'_>) -> Result<GeneralName, InvalidMessage> {
    let text = core::str::from_utf8(reader.opaque(Prefix::Two, 1)?);
    let parsed = text.ok().and_then(|text| GeneralName::parse(text).ok());
    parsed.ok_or(reader.error(Malformed::IllegalValue))
}

fn certificate(reader: &Reader<'_>, der: &[u8]) -> Result<Certificate, InvalidMessage> {
    Certificate::load(der).map_err(|_| reader.error(Malformed::IllegalValue))
}

/// What turns the tickets that a client receives into sessions.
pub(super) struct SessionMaker {
    pub(super) secret: ResumptionSecret,
    pub(super) suite: SuiteParameters,
    pub(super) server_name: GeneralName,
    pub(super) alpn: Option<Vec<u8>>,
    pub(super) protocols: Vec<Vec<u8>>,
    pub(super) policy: Vec<u8>,
    pub(super) authenticated_at: UnixTime,
    /// When the session's time is over, or a certificate of either side.
    pub(super) ends_at: UnixTime,
    pub(super) server_chain: Chain,
    pub(super) verdict: Verdict,
    pub(super) certificate: Option<Certificate>,
    /// How many the caller wants kept.
    pub(super) most: usize,
    /// Newest last.
    pub(super) made: VecDeque<Session>,
}

impl SessionMaker {
    /// Keeps the session of this ticket, and gives up the oldest where there are too many.
    pub(super) fn keep(&mut self, ticket: NewSessionTicket, now: UnixTime) -> Result<()> {
        let session = self.make(ticket, now)?;
        if now < session.expires_at {
            if self.made.len() == self.most {
                self.made.pop_front();
            }
            self.made.push_back(session);
        }
        Ok(())
    }

    fn make(&self, ticket: NewSessionTicket, now: UnixTime) -> Result<Session> {
        Ok(Session {
            suite: self.suite,
            psk: self.secret.psk(&ticket.ticket_nonce)?,
            ticket: ticket.ticket,
            ticket_age_add: ticket.ticket_age_add,
            received_at: now,
            authenticated_at: self.authenticated_at,
            expires_at: self.ends_at.min(now.plus(Duration::from_secs(u64::from(ticket.ticket_lifetime)))),
            server_name: self.server_name.clone(),
            alpn: self.alpn.clone(),
            protocols: self.protocols.clone(),
            policy: self.policy.clone(),
            server_chain: self.server_chain.clone(),
            verdict: self.verdict.clone(),
            certificate: self.certificate.clone(),
        })
    }
}

/// When the first of these certificates ends. One that is over already is on nobody's path.
pub(super) fn first_end<'a>(
    certificates: impl Iterator<Item = &'a Certificate>,
    now: UnixTime,
) -> Option<UnixTime> {
    certificates.map(Certificate::not_after).filter(|end| *end >= now).min()
}
