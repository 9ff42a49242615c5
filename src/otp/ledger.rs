//! What the bank remembers of its codes: never a code, and each right one is accepted once.

use super::{Code, Context};
use crate::crypto::Random;
use crate::error::Result;
use crate::secret::Secret;
use crate::time::UnixTime;

/// The identifier of an issued code: random, not secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OtpId(pub [u8; 16]);

/// What a store keeps of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which code.
    pub id: OtpId,
    /// Whom it is for.
    pub subject: String,
    /// HMAC-SHA-256(pepper, id ‖ subject ‖ context ‖ code), each length-prefixed.
    pub tag: [u8; 32],
    /// From this second on it is expired.
    pub expires_at: UnixTime,
    /// Wrong codes that are tolerated; the one after locks.
    pub attempts: u32,
}

/// The answer to a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Right, in time, for the first time.
    Accepted,
    /// Wrong; so many attempts are left.
    Wrong {
        /// Attempts that are left.
        attempts_left: u32,
    },
    /// Too late.
    Expired,
    /// It was accepted before.
    Used,
    /// Too many wrong codes.
    Locked,
    /// No such code.
    Unknown,
}

/// Where records live. Both calls are atomic and fail closed: on an error nothing was accepted.
pub trait Store: Send + Sync {
    /// Keeps a new record.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`].
    fn insert(&self, record: Record) -> Result<()>;

    /// Judges `tag` for `id` at `now` in one atomic step, and records the outcome: of any number
    /// of callers with the right tag exactly one gets [`Verdict::Accepted`].
    ///
    /// # Errors
    /// [`crate::error::OtpError::Store`].
    fn verify(&self, id: &OtpId, tag: &[u8; 32], now: UnixTime) -> Result<Verdict>;
}

/// Records in memory.
#[derive(Default)]
pub struct MemoryStore(());

/// Issues and verifies codes.
pub struct Ledger(());

/// A code that was just issued.
pub struct Issued {
    /// Its identifier.
    pub id: OtpId,
    /// The code itself; the ledger does not keep it.
    pub code: Code,
    /// From this second on it is expired.
    pub expires_at: UnixTime,
}

impl Ledger {
    /// A ledger over `store`. `pepper` is a secret of at least 32 octets that is kept apart from the
    /// store.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for a short pepper.
    pub fn new(store: Box<dyn Store>, pepper: Secret) -> Result<Self> {
        let _ = (store, pepper);
        todo!()
    }

    /// Issues a six-digit code to `subject` for `context`, good for `ttl` seconds.
    pub fn issue(
        &self,
        subject: &str,
        context: &Context,
        ttl: u64,
        attempts: u32,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Issued> {
        let _ = (subject, context, ttl, attempts, now, random);
        todo!()
    }

    /// Judges a code, once.
    pub fn verify(
        &self,
        id: &OtpId,
        subject: &str,
        context: &Context,
        code: &str,
        now: UnixTime,
    ) -> Result<Verdict> {
        let _ = (id, subject, context, code, now);
        todo!()
    }
}
