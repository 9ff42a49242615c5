//! What the bank remembers of its codes: never a code, and each right one is accepted once.

use zeroize::Zeroizing;

use super::audit::{Audit, Event, EventKind};
use super::store::KEEP_EXPIRED;
use super::{
    Code, CodeFormat, Context, Insertion, Policy, Presented, Record, Statistics, Store, Tag, open_store,
};
use crate::crypto::Random;
use crate::crypto::hash::HashAlgorithm;
use crate::crypto::hmac::HmacKey;
use crate::error::{Error, OtpError, Result};
use crate::secret::Secret;
use crate::time::UnixTime;

/// Issues and verifies codes.
///
/// A ledger may be opened before a fork; what that means for each store stands there. Every call ends within
/// ten seconds.
///
/// ```
/// use otls::crypto::SystemRandom;
/// use otls::otp::{Context, Ledger, MemoryStore, Verdict};
/// use otls::{Secret, UnixTime};
///
/// let pepper = Secret::from(vec![7; 32]); // from a file, 32 random octets
/// let ledger = Ledger::new(Box::new(MemoryStore::default()), pepper)?;
/// let payment = Context::new().with("amount", "100000.00")?.with("payee", "friend")?;
///
/// let now = UnixTime(1_800_000_000);
/// let issued = ledger.issue("asha", &payment, 120, 3, now, &SystemRandom)?;
/// let code = issued.code.expose();
/// assert_eq!(ledger.verify(&issued.id, "asha", &payment, code, now)?, Verdict::Accepted);
/// assert_eq!(ledger.verify(&issued.id, "asha", &payment, code, now)?, Verdict::Used);
/// # Ok::<(), otls::Error>(())
/// ```
pub struct Ledger {
    store: Box<dyn Store>,
    // The first tags new codes; the others still verify those of before a rotation. Never empty.
    peppers: Vec<Pepper>,
    policy: Policy,
    format: CodeFormat,
    audit: Option<Box<dyn Audit>>,
}

/// The identifier of an issued code: random, not secret. Displayed as 32 hexadecimal digits.
///
/// ```
/// let id = otls::otp::OtpId([0xAB; 16]);
/// assert_eq!(id.to_string(), "ab".repeat(16));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OtpId(pub [u8; 16]);

impl core::fmt::Display for OtpId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// The answer to a code.
///
/// ```
/// use otls::otp::Verdict;
///
/// assert!(Verdict::Accepted.is_accepted());
/// assert!(!Verdict::Wrong { attempts_left: 2 }.is_accepted());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Right, in time, for the first time.
    Accepted,
    /// Wrong, or right for another subject or transaction; so many attempts are left.
    Wrong {
        /// Attempts that are left; after none, every code is answered with [`Verdict::Locked`].
        attempts_left: u32,
    },
    /// Too late.
    Expired,
    /// It was accepted before.
    Used,
    /// Too many wrong codes, for this code or for its subject; or the subject is locked.
    Locked,
    /// No such code.
    Unknown,
    /// It was withdrawn, or another was sent in its place.
    Cancelled,
}

impl Verdict {
    /// Whether the transaction may go on.
    pub const fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted)
    }

    /// The verdict in words, of the code.
    const fn words(self) -> &'static str {
        match self {
            Self::Accepted | Self::Used => "was accepted before",
            Self::Wrong { .. } => "was wrong",
            Self::Expired => "has expired",
            Self::Locked => "is locked",
            Self::Unknown => "is unknown",
            Self::Cancelled => "was cancelled",
        }
    }
}

/// A code that was just issued; see [`Ledger`] for an example.
pub struct Issued {
    /// Its identifier.
    pub id: OtpId,
    /// The code itself; the ledger does not keep it.
    pub code: Code,
    /// When it was issued.
    pub issued_at: UnixTime,
    /// From this second on it is expired.
    pub expires_at: UnixTime,
}

impl Ledger {
    /// The fewest octets of a pepper: as strong as the tag that it keys.
    pub const MIN_PEPPER_LEN: usize = 32;

    /// The most octets of a subject, in UTF-8.
    pub const MAX_SUBJECT_LEN: usize = 255;

    /// A ledger over `store`. `pepper` is a secret of at least 32 octets that is kept apart from the
    /// store: without it, whoever reads the store could try all codes against a tag.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for a short pepper.
    pub fn new(store: Box<dyn Store>, pepper: Secret) -> Result<Self> {
        Ok(Self {
            store,
            peppers: vec![Pepper::new(&pepper)?],
            policy: Policy::default(),
            format: CodeFormat::default(),
            audit: None,
        })
    }

    /// A ledger over the store that `address` names, see [`open_store`]. Where there is no `pepper` one is
    /// drawn: for `memory:` alone, which ends with the program as well.
    ///
    /// # Errors
    /// As [`open_store`] and [`Ledger::new`]; [`crate::Error::ApiMisuse`] where a pepper is needed;
    /// [`crate::Error::Random`].
    pub fn open(address: &str, pepper: Option<Secret>, random: &dyn Random) -> Result<Self> {
        let pepper = match pepper {
            Some(pepper) => pepper,
            None if address == MEMORY => {
                let mut drawn = Zeroizing::new(vec![0; Self::MIN_PEPPER_LEN]);
                random.fill(&mut drawn)?;
                Secret::from(drawn)
            }
            None => {
                return Err(Error::misuse(
                    "a store that outlives the program, without a pepper",
                    "draw 32 random octets once and keep them apart from the store",
                ));
            }
        };
        Self::new(open_store(address)?, pepper)
    }

    /// Still verifies codes that were issued with `pepper`, so that it can be replaced.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for a short pepper.
    pub fn add_former_pepper(&mut self, pepper: &Secret) -> Result<()> {
        self.peppers.push(Pepper::new(pepper)?);
        Ok(())
    }

    /// Other limits for each subject than [`Policy::default`].
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for a limit of 0, and for more than 100 wrong codes of one subject.
    pub fn set_policy(&mut self, policy: Policy) -> Result<()> {
        let most = Policy::default().subject_attempts;
        if !(1..=most).contains(&policy.subject_attempts) || policy.issues == 0 || policy.window == 0 {
            return Err(Error::misuse(
                "a policy that lets nobody in, or everybody",
                "tolerate 1 to 100 wrong codes of a subject, and one new code in one second at least",
            ));
        }
        self.policy = policy;
        Ok(())
    }

    /// Issues other codes than six digits.
    pub fn set_code_format(&mut self, format: CodeFormat) {
        self.format = format;
    }

    /// Records every event in `audit`; where that fails, nothing is issued or accepted.
    pub fn set_audit(&mut self, audit: Box<dyn Audit>) {
        self.audit = Some(audit);
    }

    /// Issues a code to `subject` for `context`, good for `ttl` seconds and until `attempts` wrong
    /// codes were tried.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for an empty or too long subject, or if `ttl` or `attempts` is 0;
    /// [`OtpError::Throttled`] and [`OtpError::SubjectLocked`]; [`crate::Error::Random`];
    /// [`OtpError::Store`]; [`OtpError::Audit`].
    pub fn issue(
        &self,
        subject: &str,
        context: &Context,
        ttl: u64,
        attempts: u32,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Issued> {
        let asked = Asked { subject, context, ttl, attempts, now };
        self.insert(&asked, None, random)
    }

    /// Issues a code in the place of one that did not arrive, for the same subject and transaction: the
    /// other one is cancelled, and the wrong codes that it has seen count for the new one.
    ///
    /// # Errors
    /// [`OtpError::NotOpen`] where the other one was accepted, cancelled, locked, or is expired or
    /// unknown; otherwise as [`Ledger::issue`].
    #[allow(clippy::too_many_arguments, reason = "what a code is for, each by its name")]
    pub fn resend(
        &self,
        id: &OtpId,
        subject: &str,
        context: &Context,
        ttl: u64,
        attempts: u32,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Issued> {
        let asked = Asked { subject, context, ttl, attempts, now };
        self.insert(&asked, Some(id), random)
    }

    fn insert(&self, asked: &Asked<'_>, replaces: Option<&OtpId>, random: &dyn Random) -> Result<Issued> {
        let Asked { subject, context, now, .. } = *asked;
        // PostgreSQL has no text with a NUL.
        if subject.is_empty() || subject.len() > Self::MAX_SUBJECT_LEN || subject.contains('\0') {
            return Err(Error::misuse(
                "a subject has 1 to 255 octets, none of them NUL",
                "pass the customer's identifier",
            ));
        }
        if asked.ttl == 0 || asked.attempts == 0 {
            return Err(Error::misuse(
                "a code that can never be accepted",
                "give it one second and one attempt at least",
            ));
        }
        let mut id = OtpId([0; 16]);
        random.fill(&mut id.0)?;
        let code = Code::generate(&self.format, random)?;
        let expires_at = now.plus(asked.ttl);
        let pepper = self.peppers.first().ok_or(Error::Internal("a ledger without a pepper"))?;
        let record = Record {
            id,
            subject: subject.to_owned(),
            tag: pepper.tag(&id, subject, context, code.expose())?,
            issued_at: now,
            expires_at,
            attempts: asked.attempts,
        };
        let event = |kind, id| Event { context: Some(context), ..Event::new(kind, id, subject, now) };
        let refused = match self.store.insert(&record, replaces, &self.policy)? {
            Insertion::Kept => {
                if let Some(old) = replaces {
                    self.audit(&event(EventKind::Replaced, Some(*old)))?;
                }
                self.audit(&event(EventKind::Issued, Some(id)))?;
                return Ok(Issued { id, code, issued_at: now, expires_at });
            }
            Insertion::SubjectLocked => OtpError::SubjectLocked,
            Insertion::Throttled(until) => OtpError::Throttled(until.0),
            Insertion::NotOpen(verdict) => OtpError::NotOpen(verdict.words()),
        };
        self.audit(&event(EventKind::Refused, replaces.copied()))?;
        Err(refused.into())
    }

    /// Judges a code, once. A wrong code, subject or context counts as a wrong attempt.
    ///
    /// # Errors
    /// [`OtpError::Store`] and [`OtpError::Audit`]; then nothing was accepted.
    pub fn verify(
        &self,
        id: &OtpId,
        subject: &str,
        context: &Context,
        code: &str,
        now: UnixTime,
    ) -> Result<Verdict> {
        let tags: Result<Vec<Tag>> =
            self.peppers.iter().map(|pepper| pepper.tag(id, subject, context, code)).collect();
        let subject_attempts = self.policy.subject_attempts;
        let verdict = self.store.verify(id, &Presented { tags: &tags?, now, subject_attempts })?;
        let kind = EventKind::Verified(verdict);
        self.audit(&Event { context: Some(context), ..Event::new(kind, Some(*id), subject, now) })?;
        Ok(verdict)
    }

    /// Withdraws a code: [`Verdict::Cancelled`], or [`Verdict::Used`] or [`Verdict::Unknown`] where it
    /// is too late.
    ///
    /// # Errors
    /// [`OtpError::Store`], [`OtpError::Audit`].
    pub fn cancel(&self, id: &OtpId, now: UnixTime) -> Result<Verdict> {
        let verdict = self.store.cancel(id)?;
        self.audit(&Event::new(EventKind::Cancelled(verdict), Some(*id), "", now))?;
        Ok(verdict)
    }

    /// Locks a subject: it gets no codes, and none of its codes are accepted, until it is unlocked.
    ///
    /// # Errors
    /// [`OtpError::Store`], [`OtpError::Audit`].
    pub fn lock(&self, subject: &str, now: UnixTime) -> Result<()> {
        self.store.lock(subject)?;
        self.audit(&Event::new(EventKind::Locked, None, subject, now))
    }

    /// Unlocks a subject that was locked or reached [`Policy::subject_attempts`], once the bank knows
    /// that it is the customer who asks.
    ///
    /// # Errors
    /// [`OtpError::Store`], [`OtpError::Audit`].
    pub fn unlock(&self, subject: &str, now: UnixTime) -> Result<()> {
        self.store.unlock(subject)?;
        self.audit(&Event::new(EventKind::Unlocked, None, subject, now))
    }

    /// Forgets the codes that expired more than an hour ago, and returns how many. Stores do so by
    /// themselves too, a few with each new code.
    ///
    /// # Errors
    /// [`OtpError::Store`], [`OtpError::Audit`].
    pub fn expire(&self, now: UnixTime) -> Result<u64> {
        let forgotten = self.store.forget(now.minus(KEEP_EXPIRED))?;
        self.audit(&Event::new(EventKind::Forgotten(forgotten), None, "", now))?;
        Ok(forgotten)
    }

    /// Counts what is kept.
    ///
    /// # Errors
    /// [`OtpError::Store`].
    pub fn statistics(&self, now: UnixTime) -> Result<Statistics> {
        self.store.statistics(now)
    }

    fn audit(&self, event: &Event<'_>) -> Result<()> {
        self.audit.as_ref().map_or(Ok(()), |audit| audit.record(event))
    }
}

/// What a code is asked for.
#[derive(Clone, Copy)]
struct Asked<'a> {
    subject: &'a str,
    context: &'a Context,
    ttl: u64,
    attempts: u32,
    now: UnixTime,
}

struct Pepper {
    id: [u8; 8],
    key: HmacKey,
}

impl Pepper {
    fn new(pepper: &Secret) -> Result<Self> {
        if pepper.len() < Ledger::MIN_PEPPER_LEN {
            return Err(Error::misuse(
                "a pepper has 32 octets or more",
                "draw it from a random source and keep it apart from the store",
            ));
        }
        let key = HmacKey::new(HashAlgorithm::Sha256, pepper.expose());
        let id = key.sign(&[PEPPER_LABEL]).as_ref().first_chunk().copied();
        Ok(Self { id: id.ok_or(Error::Internal("a short HMAC"))?, key })
    }

    // Each field after its length: fields that run together differently are different fields.
    fn tag(&self, id: &OtpId, subject: &str, context: &Context, code: &str) -> Result<Tag> {
        let context = context.encode();
        let fields = [&id.0, subject.as_bytes(), &context, code.as_bytes()];
        let [a, b, c, d] = fields.map(|field| u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        let mac = self.key.sign(&[
            CODE_LABEL,
            &a,
            &id.0,
            &b,
            subject.as_bytes(),
            &c,
            &context,
            &d,
            code.as_bytes(),
        ]);
        let mac = mac.as_ref().first_chunk().copied().ok_or(Error::Internal("a short HMAC"))?;
        Ok(Tag { pepper_id: self.id, mac })
    }
}

#[cfg(test)]
pub(super) fn tag(pepper: &Secret, id: &OtpId, subject: &str, context: &Context, code: &str) -> Result<Tag> {
    Pepper::new(pepper)?.tag(id, subject, context, code)
}

/// The address of the store that ends with the program.
const MEMORY: &str = "memory:";

// One label for each use of the key, so that neither gives a value of the other.
const CODE_LABEL: &[u8] = b"otls-otp code 1\0";
const PEPPER_LABEL: &[u8] = b"otls-otp pepper 1\0";
