//! Session tickets of a server (RFC 8446 §4.6.1): its state goes to the client, sealed, and comes back.

use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use super::suite::SuiteParameters;
use crate::codepoints::CipherSuite;
use crate::crypto::Random;
use crate::crypto::aead::{AeadAlgorithm, AeadKey, NONCE_LEN};
use crate::crypto::hash::HashAlgorithm;
use crate::crypto::hkdf::Prk;
use crate::error::{Error, InvalidMessage, Malformed, Result};
use crate::pki::Verdict;
use crate::process;
use crate::secret::Secret;
use crate::time::UnixTime;
use crate::wire::{Codec, Prefix, Reader, opaque};

/// Seconds for which a ticket can be used, and for which a key makes tickets: 12 hours. RFC 8446
/// §4.6.1 allows seven days; a stolen ticket key is worth as long as its tickets.
pub(super) const TICKET_LIFETIME: u32 = 43_200;
/// Octets in a ticket that we make: a larger one, of a client with a very long chain, would not fit
/// the limits of usual peers.
const MAX_TICKET_LEN: usize = 16 * 1024;
/// Octets of an exported [`TicketKeys`]: the period and its secret.
const EXPORTED_LEN: usize = 8 + SECRET_LEN;
const SECRET_LEN: usize = 32;
const ALGORITHM: AeadAlgorithm = AeadAlgorithm::Aes256Gcm;
/// Periods that stored keys may lag behind: ten years.
const MAX_LAG: u64 = 7_300;

/// The keys that a server seals its session tickets with. They change every 12 hours, each made from
/// the one before and then wiped, so that who steals the keys cannot open older tickets; the
/// last key is kept for tickets that are still good.
///
/// Servers that hold the same keys take each other's tickets: [`to_bytes`](Self::to_bytes) on one,
/// [`from_bytes`](Self::from_bytes) on the others. Each moves on by itself, at the same time. So do forked processes: what
/// a ticket is sealed with is random for each.
///
/// ```
/// use otls::crypto::SystemRandom;
/// use otls::{TicketKeys, UnixTime};
///
/// let now = UnixTime(1_800_000_000);
/// let keys = TicketKeys::generate(&SystemRandom, now)?;
/// let same = TicketKeys::from_bytes(keys.to_bytes(now)?.expose(), now)?;
/// # Ok::<(), otls::Error>(())
/// ```
pub struct TicketKeys(Mutex<Ratchet>);

crate::shown::shown!(TicketKeys);

impl TicketKeys {
    /// New keys.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn generate(random: &dyn Random, now: UnixTime) -> Result<Self> {
        let mut secret = Zeroizing::new([0; SECRET_LEN]);
        random.fill(secret.as_mut_slice())?;
        let current = Generation::new(period_of(now), secret.as_slice())?;
        Ok(Self(Mutex::new(Ratchet { current, previous: None })))
    }

    /// Keys that [`TicketKeys::to_bytes`] made, on this server or another.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] for data of another length, or whose time is in the future or more than
    /// ten years ago.
    pub fn from_bytes(data: &[u8], now: UnixTime) -> Result<Self> {
        let wrong = |what| Error::misuse(what, "load what TicketKeys::to_bytes made, unchanged");
        let (period, secret) =
            data.split_first_chunk().ok_or_else(|| wrong("ticket keys of a wrong length"))?;
        if data.len() != EXPORTED_LEN {
            return Err(wrong("ticket keys of a wrong length"));
        }
        let period = u64::from_be_bytes(*period);
        let today = period_of(now);
        // One period ahead is a clock that lags.
        if period > today.saturating_add(1) || today.saturating_sub(period) > MAX_LAG {
            return Err(wrong("ticket keys of a time that cannot be"));
        }
        let current = Generation::new(period, secret)?;
        Ok(Self(Mutex::new(Ratchet { current, previous: None })))
    }

    /// The keys as of `now`, for [`TicketKeys::from_bytes`]. Whoever has them can open tickets from now on, pass
    /// for their clients, and make tickets for clients that no authority knows: keep them like an authority's
    /// private key.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn to_bytes(&self, now: UnixTime) -> Result<Secret> {
        self.with(now, |ratchet| {
            let mut data = Zeroizing::new(Vec::with_capacity(EXPORTED_LEN));
            data.extend_from_slice(&ratchet.current.period.to_be_bytes());
            data.extend_from_slice(ratchet.current.secret.expose());
            Ok(data.into())
        })
    }

    /// Seals `state`; `None` where the ticket would be too large to be of use.
    pub(super) fn seal(
        &self,
        state: &TicketState,
        random: &dyn Random,
        now: UnixTime,
    ) -> Result<Option<Vec<u8>>> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce)?;
        self.with(now, |ratchet| {
            let mut ticket = ratchet.current.period.to_be_bytes().to_vec();
            ticket.extend_from_slice(&nonce);
            let (start, header) = (ticket.len(), ticket.clone());
            // Reserved, so that no copy of the state is left behind by growing.
            ticket.reserve(state.encoded_len().saturating_add(ALGORITHM.tag_len()));
            state.encode(&mut ticket);
            ratchet.current.key.seal(&nonce, &header, &mut ticket, start)?;
            Ok((ticket.len() <= MAX_TICKET_LEN).then_some(ticket))
        })
    }

    /// Opens a ticket; `None` for one that is not ours, too old, or damaged.
    pub(super) fn open(&self, ticket: &[u8], now: UnixTime) -> Result<Option<TicketState>> {
        let Some((header, sealed)) = ticket.split_at_checked(8 + NONCE_LEN) else { return Ok(None) };
        let Some((period, nonce)) = header.split_first_chunk() else { return Ok(None) };
        let (period, Ok(nonce)) = (u64::from_be_bytes(*period), nonce.try_into()) else { return Ok(None) };
        let mut text = Zeroizing::new(sealed.to_vec());
        let opened = self.with(now, |ratchet| {
            let Some(generation) = ratchet.of(period) else { return Ok(None) };
            Ok(generation.key.open(nonce, header, &mut text).ok())
        })?;
        let Some(len) = opened else { return Ok(None) };
        let state = TicketState::decode_all("ticket", text.get(..len).unwrap_or_default());
        Ok(state.ok().filter(|state| now < state.expires_at))
    }

    fn with<T>(&self, now: UnixTime, action: impl FnOnce(&Ratchet) -> Result<T>) -> Result<T> {
        // A panic elsewhere leaves whole generations behind: `advance` replaces them as a whole.
        let mut ratchet = process::lock(&self.0)?.unwrap_or_else(PoisonError::into_inner);
        ratchet.advance(period_of(now))?;
        action(&ratchet)
    }
}

struct Ratchet {
    current: Generation,
    previous: Option<Generation>,
}

impl Ratchet {
    /// Moves on to `period`; never back.
    fn advance(&mut self, period: u64) -> Result<()> {
        if period.saturating_sub(self.current.period) > MAX_LAG {
            return Err(Error::misuse("a clock that went ten years ahead", "pass the present time"));
        }
        while self.current.period < period {
            let next = self.current.next()?;
            self.previous = Some(core::mem::replace(&mut self.current, next));
        }
        Ok(())
    }

    fn of(&self, period: u64) -> Option<&Generation> {
        [Some(&self.current), self.previous.as_ref()].into_iter().flatten().find(|one| one.period == period)
    }
}

/// The key of one period.
struct Generation {
    period: u64,
    secret: Secret,
    key: AeadKey,
}

impl Generation {
    fn new(period: u64, secret: &[u8]) -> Result<Self> {
        let mut key = Zeroizing::new([0; 32]);
        Prk::from_secret(HashAlgorithm::Sha256, secret)?.expand(&[b"otls ticket key"], key.as_mut_slice())?;
        let key = AeadKey::new(ALGORITHM, key.as_slice())?;
        Ok(Self { period, secret: secret.to_vec().into(), key })
    }

    fn next(&self) -> Result<Self> {
        let mut secret = Zeroizing::new([0; SECRET_LEN]);
        let current = Prk::from_secret(HashAlgorithm::Sha256, self.secret.expose())?;
        current.expand(&[b"otls ticket next"], secret.as_mut_slice())?;
        Self::new(self.period.saturating_add(1), secret.as_slice())
    }
}

fn period_of(now: UnixTime) -> u64 {
    now.0 / u64::from(TICKET_LIFETIME)
}

/// What a server has to know to resume.
pub(super) struct TicketState {
    pub(super) suite: SuiteParameters,
    /// Of the last handshake in which both sides showed their certificates.
    pub(super) authenticated_at: UnixTime,
    pub(super) expires_at: UnixTime,
    pub(super) psk: Secret,
    /// SHA-256 of our own leaf: who we were.
    pub(super) server: [u8; 32],
    pub(super) server_name: Option<String>,
    pub(super) alpn: Option<Vec<u8>>,
    /// [`super::Config::policy`] of the server that issued it.
    pub(super) policy: Vec<u8>,
    /// What was found of the client's certificates; nothing for an anonymous one.
    pub(super) verdict: Option<Verdict>,
    /// The client's certificates, leaf first; empty for an anonymous one.
    pub(super) client_chain: Vec<Vec<u8>>,
}

/// The layout below.
const VERSION: u8 = 3;

impl TicketState {
    fn encoded_len(&self) -> usize {
        let chain: usize = self.client_chain.iter().map(|certificate| certificate.len() + 3).sum();
        let name = self.server_name.as_ref().map_or(0, String::len) + self.alpn.as_ref().map_or(0, Vec::len);
        256 + chain + name
    }
}

impl Codec for TicketState {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        self.suite.suite.encode(out);
        out.extend_from_slice(&self.authenticated_at.0.to_be_bytes());
        out.extend_from_slice(&self.expires_at.0.to_be_bytes());
        opaque(Prefix::One, self.psk.expose(), out);
        out.extend_from_slice(&self.server);
        opaque(Prefix::Two, self.server_name.as_deref().unwrap_or_default().as_bytes(), out);
        opaque(Prefix::One, self.alpn.as_deref().unwrap_or_default(), out);
        opaque(Prefix::One, &self.policy, out);
        let verdict = self.verdict.as_ref().map(Verdict::to_octets).unwrap_or_default();
        opaque(Prefix::One, &verdict, out);
        self.client_chain.iter().for_each(|certificate| opaque(Prefix::Three, certificate, out));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        if reader.u8()? != VERSION {
            return Err(reader.error(Malformed::IllegalValue));
        }
        let suite = SuiteParameters::of(CipherSuite::decode(reader)?);
        let state = Self {
            suite: suite.ok_or(reader.error(Malformed::IllegalValue))?,
            authenticated_at: UnixTime(u64::from_be_bytes(reader.array()?)),
            expires_at: UnixTime(u64::from_be_bytes(reader.array()?)),
            psk: reader.opaque(Prefix::One, 1)?.to_vec().into(),
            server: reader.array()?,
            server_name: some_text(reader.opaque(Prefix::Two, 0)?),
            alpn: Some(reader.opaque(Prefix::One, 0)?.to_vec()).filter(|name| !name.is_empty()),
            policy: reader.opaque(Prefix::One, 0)?.to_vec(),
            verdict: Verdict::of_octets(reader.opaque(Prefix::One, 0)?),
            client_chain: Vec::new(),
        };
        let mut client_chain = Vec::new();
        while !reader.is_empty() {
            client_chain.push(reader.opaque(Prefix::Three, 1)?.to_vec());
        }
        Ok(Self { client_chain, ..state })
    }
}

fn some_text(bytes: &[u8]) -> Option<String> {
    core::str::from_utf8(bytes).ok().filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::crypto::SystemRandom;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn state() -> TicketState {
        TicketState {
            suite: SuiteParameters::of(CipherSuite::TLS_AES_256_GCM_SHA384).unwrap(),
            authenticated_at: NOW,
            expires_at: NOW.plus(Duration::from_secs(u64::from(TICKET_LIFETIME))),
            psk: vec![7; 48].into(),
            server: [9; 32],
            server_name: Some("bank.example".to_owned()),
            alpn: None,
            policy: vec![5; 32],
            verdict: None,
            client_chain: vec![vec![1; 700], vec![2; 500]],
        }
    }

    #[test]
    fn a_ticket_opens_until_its_lifetime_ends_and_not_a_second_longer() {
        let keys = TicketKeys::generate(&SystemRandom, NOW).unwrap();
        let ticket = keys.seal(&state(), &SystemRandom, NOW).unwrap().unwrap();
        assert!(!ticket.windows(48).any(|part| part == [7; 48]));
        let last = NOW.plus(Duration::from_secs(u64::from(TICKET_LIFETIME) - 1));
        let opened = keys.open(&ticket, last).unwrap().unwrap();
        assert_eq!(opened.psk.expose(), [7; 48]);
        assert_eq!(opened.client_chain, state().client_chain);
        assert_eq!(opened.server_name.as_deref(), Some("bank.example"));
        assert!(keys.open(&ticket, last.plus(Duration::from_secs(1))).unwrap().is_none());
    }

    #[test]
    fn a_ticket_that_is_cut_or_changed_anywhere_does_not_open() {
        let keys = TicketKeys::generate(&SystemRandom, NOW).unwrap();
        let ticket = keys.seal(&state(), &SystemRandom, NOW).unwrap().unwrap();
        for index in 0..ticket.len() {
            assert!(keys.open(&ticket[..index], NOW).unwrap().is_none());
            let mut changed = ticket.clone();
            changed[index] ^= 1;
            assert!(keys.open(&changed, NOW).unwrap().is_none());
        }
        let others = TicketKeys::generate(&SystemRandom, NOW).unwrap();
        assert!(others.open(&ticket, NOW).unwrap().is_none());
    }

    #[test]
    fn servers_with_the_same_keys_take_each_others_tickets_after_a_change_too() {
        let ours = TicketKeys::generate(&SystemRandom, NOW).unwrap();
        let theirs = TicketKeys::from_bytes(ours.to_bytes(NOW).unwrap().expose(), NOW).unwrap();
        let later = NOW.plus(Duration::from_secs(3 * u64::from(TICKET_LIFETIME)));
        let fresh = TicketState { expires_at: later.plus(Duration::from_secs(1)), ..state() };
        let ticket = ours.seal(&fresh, &SystemRandom, later).unwrap().unwrap();
        assert!(theirs.open(&ticket, later).unwrap().is_some());
        let latecomer = TicketKeys::from_bytes(ours.to_bytes(later).unwrap().expose(), later).unwrap();
        assert!(latecomer.open(&ticket, later).unwrap().is_some());
    }

    #[test]
    fn keys_of_a_wrong_length_or_time_are_refused() {
        let keys = TicketKeys::generate(&SystemRandom, NOW).unwrap().to_bytes(NOW).unwrap();
        let short = keys.expose().get(..EXPORTED_LEN - 1).unwrap();
        assert!(TicketKeys::from_bytes(short, NOW).is_err());
        assert!(TicketKeys::from_bytes(&[keys.expose(), &[0]].concat(), NOW).is_err());
        assert!(TicketKeys::from_bytes(keys.expose(), UnixTime(0)).is_err());
        assert!(
            TicketKeys::from_bytes(keys.expose(), NOW.plus(Duration::from_secs(11 * 365 * 86_400))).is_err()
        );
        let jumped = TicketKeys::from_bytes(keys.expose(), NOW).unwrap();
        assert!(jumped.to_bytes(NOW.plus(Duration::from_secs(11 * 365 * 86_400))).is_err());
    }

    #[test]
    fn a_chain_that_makes_a_ticket_too_large_makes_none() {
        let keys = TicketKeys::generate(&SystemRandom, NOW).unwrap();
        let long = TicketState { client_chain: vec![vec![1; MAX_TICKET_LEN]], ..state() };
        assert!(keys.seal(&long, &SystemRandom, NOW).unwrap().is_none());
    }
}
