//! What the bank remembers of its codes: never a code, and each right one is accepted once.

use super::{Code, Context, Presented, Record, Store, Tag};
use crate::crypto::Random;
use crate::crypto::hash::HashAlgorithm;
use crate::crypto::hmac::HmacKey;
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::time::UnixTime;

/// Issues and verifies codes.
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
    /// Too many wrong codes, for this code or for its subject.
    Locked,
    /// No such code.
    Unknown,
}

impl Verdict {
    /// Whether the transaction may go on.
    pub const fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted)
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

    /// The most wrong codes in a row of one subject, over all codes (NIST SP 800-63B-4 §3.2.2: no
    /// more than 100). A new code does not start the count again (§3.1.3.2); an accepted one does.
    pub const SUBJECT_ATTEMPTS: u32 = 100;

    /// A ledger over `store`. `pepper` is a secret of at least 32 octets that is kept apart from the
    /// store: without it, whoever reads the store could try all codes against a tag.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for a short pepper.
    pub fn new(store: Box<dyn Store>, pepper: Secret) -> Result<Self> {
        Ok(Self { store, peppers: vec![Pepper::new(&pepper)?] })
    }

    /// Still verifies codes that were issued with `pepper`, so that it can be replaced.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for a short pepper.
    pub fn with_former_pepper(mut self, pepper: Secret) -> Result<Self> {
        self.peppers.push(Pepper::new(&pepper)?);
        Ok(self)
    }

    /// Issues a six-digit code to `subject` for `context`, good for `ttl` seconds and until
    /// `attempts` wrong codes were tried.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for an empty or too long subject, or if `ttl` or `attempts` is 0;
    /// [`crate::Error::Random`]; [`crate::error::OtpError::Store`].
    pub fn issue(
        &self,
        subject: &str,
        context: &Context,
        ttl: u64,
        attempts: u32,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Issued> {
        if subject.is_empty() || subject.len() > Self::MAX_SUBJECT_LEN {
            return Err(Error::misuse("a subject has 1 to 255 octets", "pass the customer's identifier"));
        }
        if ttl == 0 || attempts == 0 {
            return Err(Error::misuse(
                "a code that can never be accepted",
                "give it one second and one attempt at least",
            ));
        }
        let mut id = OtpId([0; 16]);
        random.fill(&mut id.0)?;
        let code = Code::generate(Code::MIN_DIGITS, random)?;
        let expires_at = now.plus(ttl);
        let pepper = self.peppers.first().ok_or(Error::Internal("a ledger without a pepper"))?;
        self.store.insert(Record {
            id,
            subject: subject.to_owned(),
            tag: pepper.tag(&id, subject, context, code.expose())?,
            issued_at: now,
            expires_at,
            attempts,
        })?;
        Ok(Issued { id, code, issued_at: now, expires_at })
    }

    /// Judges a code, once. A wrong code, subject or context counts as a wrong attempt.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`]; then nothing was accepted.
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
        let presented = Presented { tags: &tags?, now, subject_attempts: Self::SUBJECT_ATTEMPTS };
        self.store.verify(id, &presented)
    }

    /// Lets a subject try again that reached [`Ledger::SUBJECT_ATTEMPTS`], once the bank knows that it
    /// is the customer who asks.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`].
    pub fn unlock(&self, subject: &str) -> Result<()> {
        self.store.unlock(subject)
    }
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

// One label for each use of the key, so that neither gives a value of the other.
const CODE_LABEL: &[u8] = b"otls-otp code 1\0";
const PEPPER_LABEL: &[u8] = b"otls-otp pepper 1\0";
