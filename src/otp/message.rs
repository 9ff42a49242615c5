//! The messages of the OTP protocol and their octets (docs/PROTOCOL.md).

use zeroize::Zeroizing;

use super::reader::Reader;
use super::transaction::MAX_TEXT_LEN;
use super::{Answer, CodeFormat, Context, Decision, Envelope, OtpId, SignedDecision, Verdict};
use crate::error::{Error, Result};
use crate::secret::{Secret, ct_eq};
use crate::time::UnixTime;

/// A message of the OTP protocol (docs/PROTOCOL.md).
///
/// ```
/// use otls::Secret;
/// use otls::otp::{Answer, Message, OtpId};
///
/// let answer = Message::Answer(Answer::new(OtpId([1; 16]), Secret::from(b"256345".to_vec())));
/// assert!(matches!(answer, Message::Answer(_)));
/// ```
#[derive(Debug)]
pub enum Message {
    /// Bank to customer: the code.
    Envelope(Envelope),
    /// Customer to bank: the code comes back.
    Answer(Answer),
    /// Bank to customer: what the ledger says.
    Verdict {
        /// Which code.
        id: OtpId,
        /// The outcome.
        verdict: Verdict,
    },
}

/// The value that ties a message to one connection and one direction.
pub(super) type Binding = [u8; 32];

/// Who sends a message of some type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    ServerToClient,
    ClientToServer,
}

impl Direction {
    /// The octet that goes into the exporter's context.
    pub(super) const fn octet(self) -> u8 {
        match self {
            Self::ServerToClient => 1,
            Self::ClientToServer => 2,
        }
    }

    /// What a server or client sends.
    pub(super) const fn sent_by(is_server: bool) -> Self {
        if is_server { Self::ServerToClient } else { Self::ClientToServer }
    }
}

/// The first octets of a message: all that has to be known before the rest is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    kind: Kind,
    pub(super) body_len: usize,
}

impl Header {
    pub(super) const LEN: usize = 4;

    pub(super) fn decode(octets: [u8; Self::LEN]) -> Result<Self, &'static str> {
        let [version, kind, high, low] = octets;
        if version != VERSION {
            return Err("unknown version");
        }
        let kind = Kind::ALL.into_iter().find(|known| known.octet() == kind).ok_or("unknown type")?;
        let body_len = usize::from(u16::from_be_bytes([high, low]));
        if body_len > MAX_BODY_LEN {
            return Err("too long");
        }
        Ok(Self { kind, body_len })
    }

    pub(super) const fn direction(self) -> Direction {
        self.kind.direction()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Envelope,
    Answer,
    Verdict,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Envelope, Self::Answer, Self::Verdict];

    const fn octet(self) -> u8 {
        match self {
            Self::Envelope => 1,
            Self::Answer => 2,
            Self::Verdict => 3,
        }
    }

    const fn direction(self) -> Direction {
        match self {
            Self::Envelope | Self::Verdict => Direction::ServerToClient,
            Self::Answer => Direction::ClientToServer,
        }
    }
}

impl Message {
    const fn kind(&self) -> Kind {
        match self {
            Self::Envelope(_) => Kind::Envelope,
            Self::Answer(_) => Kind::Answer,
            Self::Verdict { .. } => Kind::Verdict,
        }
    }

    pub(super) const fn direction(&self) -> Direction {
        self.kind().direction()
    }

    /// The octets of the message, header and binding included.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] for a field that is out of bounds.
    pub(super) fn encode(&self, binding: &Binding) -> Result<Secret> {
        // Allocated once, so that growing leaves no copy of a secret behind.
        let mut out = Zeroizing::new(Vec::with_capacity(Header::LEN + MAX_BODY_LEN));
        out.extend_from_slice(&[VERSION, self.kind().octet(), 0, 0]);
        out.extend_from_slice(binding);
        match self {
            Self::Envelope(envelope) => encode_envelope(envelope, &mut out)?,
            Self::Answer(answer) => encode_answer(answer, &mut out)?,
            Self::Verdict { id, verdict } => {
                out.extend_from_slice(&id.0);
                out.extend_from_slice(&encode_verdict(*verdict));
            }
        }
        let body_len = u16::try_from(out.len().saturating_sub(Header::LEN));
        let body_len = body_len.ok().filter(|len| usize::from(*len) <= MAX_BODY_LEN);
        let body_len = body_len.ok_or(Error::Internal("a message beyond its bounds"))?;
        if let Some(slot) = out.get_mut(2..Header::LEN) {
            slot.copy_from_slice(&body_len.to_be_bytes());
        }
        Ok(Secret::from(out))
    }

    /// Reads the body that follows `header`. The inner result is `None` for another binding; then
    /// nothing behind it was looked at.
    pub(super) fn decode(
        header: Header,
        body: &[u8],
        binding: &Binding,
    ) -> Result<Option<Self>, &'static str> {
        let mut reader = Reader::new(body);
        let found: Binding = reader.array()?;
        if !ct_eq(&found, binding) {
            return Ok(None);
        }
        let message = match header.kind {
            Kind::Envelope => Self::Envelope(decode_envelope(&mut reader)?),
            Kind::Answer => Self::Answer(decode_answer(&mut reader)?),
            Kind::Verdict => {
                let id = OtpId(reader.array()?);
                Self::Verdict { id, verdict: decode_verdict(reader.u8()?, reader.u32()?)? }
            }
        };
        reader.finish()?;
        Ok(Some(message))
    }
}

pub(super) fn encode_envelope(envelope: &Envelope, out: &mut Vec<u8>) -> Result<()> {
    check_envelope(envelope).map_err(|what| {
        Error::misuse(
            what,
            "shorten it: text, code, context and lifetime have bounds, so that each customer can read it",
        )
    })?;
    let context = envelope.context.encode();
    out.extend_from_slice(&envelope.id.0);
    out.extend_from_slice(&envelope.issued_at.0.to_be_bytes());
    out.extend_from_slice(&envelope.expires_at.0.to_be_bytes());
    out.push(len_u8(envelope.code.expose()));
    out.extend_from_slice(envelope.code.expose());
    out.extend_from_slice(&len_u16(&context));
    out.extend_from_slice(&context);
    out.extend_from_slice(&len_u16(envelope.text.expose()));
    out.extend_from_slice(envelope.text.expose());
    Ok(())
}

pub(super) fn decode_envelope(reader: &mut Reader<'_>) -> Result<Envelope, &'static str> {
    let id = OtpId(reader.array()?);
    let issued_at = UnixTime(reader.u64()?);
    let expires_at = UnixTime(reader.u64()?);
    let code_len = usize::from(reader.u8()?);
    let code = Secret::from(reader.take(code_len)?.to_vec());
    let context_len = usize::from(reader.u16()?);
    let context = Context::read(reader.take(context_len)?)?;
    let text_len = usize::from(reader.u16()?);
    let text = Secret::from(reader.take(text_len)?.to_vec());
    let envelope = Envelope { id, text, code, context, issued_at, expires_at };
    check_envelope(&envelope)?;
    Ok(envelope)
}

// The same bounds for what is sent and what is read.
fn check_envelope(envelope: &Envelope) -> Result<(), &'static str> {
    let code = envelope.code.expose();
    let text = envelope.text.expose();
    if !(CodeFormat::MIN_LEN..=CodeFormat::MAX_LEN).contains(&code.len())
        || !code.iter().all(u8::is_ascii_graphic)
    {
        return Err("a code that is not 6 to 12 visible characters of ASCII");
    }
    if text.is_empty() || text.len() > MAX_TEXT_LEN || core::str::from_utf8(text).is_err() {
        return Err("a text that is empty, longer than 8192 octets or not UTF-8");
    }
    if envelope.expires_at <= envelope.issued_at {
        return Err("a code that expires before it was issued");
    }
    if !envelope.shows_its_transaction() {
        return Err("a text that is not what its transaction's template says");
    }
    Ok(())
}

fn encode_answer(answer: &Answer, out: &mut Vec<u8>) -> Result<()> {
    let code = answer.code.as_ref().map(Secret::expose);
    code.map_or(Ok(()), check_answer).map_err(|what| Error::misuse(what, "ask for the code again"))?;
    let code = code.unwrap_or_default();
    let receipt = answer.receipt.as_ref().map(SignedDecision::encode).unwrap_or_default();
    out.extend_from_slice(&answer.id.0);
    out.push(answer.decision().octet());
    out.push(len_u8(code));
    out.extend_from_slice(code);
    out.extend_from_slice(&len_u16(&receipt));
    out.extend_from_slice(&receipt);
    Ok(())
}

fn decode_answer(reader: &mut Reader<'_>) -> Result<Answer, &'static str> {
    let id = OtpId(reader.array()?);
    let decision = Decision::of(reader.u8()?)?;
    let code_len = usize::from(reader.u8()?);
    let code = reader.take(code_len)?;
    let code = match decision {
        Decision::Approved => {
            check_answer(code)?;
            Some(Secret::from(code.to_vec()))
        }
        Decision::Declined if code.is_empty() => None,
        Decision::Declined => return Err("a code of a customer who declines"),
    };
    let receipt = match usize::from(reader.u16()?) {
        0 => None,
        len => Some(SignedDecision::read(reader.take(len)?)?),
    };
    Ok(Answer { id, code, receipt })
}

fn check_answer(code: &[u8]) -> Result<(), &'static str> {
    if code.is_empty() || code.len() > MAX_ANSWER_LEN || core::str::from_utf8(code).is_err() {
        return Err("an answer that is empty, longer than 64 octets or not UTF-8");
    }
    Ok(())
}

fn encode_verdict(verdict: Verdict) -> [u8; 5] {
    let (kind, attempts_left) = match verdict {
        Verdict::Accepted => (0, 0),
        Verdict::Wrong { attempts_left } => (1, attempts_left),
        Verdict::Expired => (2, 0),
        Verdict::Used => (3, 0),
        Verdict::Locked => (4, 0),
        Verdict::Unknown => (5, 0),
        Verdict::Cancelled => (6, 0),
        Verdict::NotACode => (7, 0),
    };
    let [a, b, c, d] = attempts_left.to_be_bytes();
    [kind, a, b, c, d]
}

fn decode_verdict(kind: u8, attempts_left: u32) -> Result<Verdict, &'static str> {
    match (kind, attempts_left) {
        (0, 0) => Ok(Verdict::Accepted),
        (1, attempts_left) => Ok(Verdict::Wrong { attempts_left }),
        (2, 0) => Ok(Verdict::Expired),
        (3, 0) => Ok(Verdict::Used),
        (4, 0) => Ok(Verdict::Locked),
        (5, 0) => Ok(Verdict::Unknown),
        (6, 0) => Ok(Verdict::Cancelled),
        (7, 0) => Ok(Verdict::NotACode),
        _ => Err("unknown verdict"),
    }
}

// Lengths were checked against bounds that fit; the longest value makes a peer refuse what is not.
fn len_u8(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).unwrap_or(u8::MAX)
}

fn len_u16(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes()
}

const VERSION: u8 = 1;

/// The most octets after the header: the longest envelope has 12,369.
const MAX_BODY_LEN: usize = 16_384;

/// The most octets of an answer: what a customer types may have more than a code's digits.
const MAX_ANSWER_LEN: usize = 64;

#[cfg(test)]
pub(super) mod tests;
