//! What a customer decides.

/// What a customer decides about a transaction.
///
/// ```
/// use otls::otp::Decision;
///
/// assert_eq!(Decision::Approved.to_string(), "approved");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It shall happen.
    Approved,
    /// It shall not.
    Declined,
}

impl Decision {
    pub(super) const fn octet(self) -> u8 {
        match self {
            Self::Approved => 1,
            Self::Declined => 2,
        }
    }

    pub(super) fn of(octet: u8) -> Result<Self, &'static str> {
        [Self::Approved, Self::Declined]
            .into_iter()
            .find(|known| known.octet() == octet)
            .ok_or("an unknown decision")
    }
}

impl core::fmt::Display for Decision {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
        })
    }
}
