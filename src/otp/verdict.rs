//! The answer to a code.

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
    /// Wrong, or right for another transaction; so many attempts are left.
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
    /// No such code of this subject.
    Unknown,
    /// It was withdrawn, or another was sent in its place.
    Cancelled,
    /// What was typed cannot be a code: it is empty, or has another length or other characters. It was not
    /// judged, so it does not tell whether there is a code, and it counts as no attempt.
    NotACode,
}

impl Verdict {
    /// Whether the transaction may go on.
    pub const fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted)
    }

    /// The verdict in words, of the code.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Accepted | Self::Used => "was accepted before",
            Self::Wrong { .. } => "was wrong",
            Self::Expired => "has expired",
            Self::Locked => "is locked",
            Self::Unknown => "is unknown",
            Self::Cancelled => "was cancelled",
            Self::NotACode => "is none",
        }
    }
}
