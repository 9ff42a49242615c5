//! For how long what an authority signs is valid.

use core::time::Duration;

use x509_cert::time::Time;

use super::moment::x509_time;
use crate::error::{Error, Result};
use crate::time::UnixTime;

/// For how long a certificate or a revocation list is valid: from a time, which is now, for a span.
///
/// ```
/// use core::time::Duration;
/// use otls::{UnixTime, pki::Validity};
///
/// let now = UnixTime(1_800_000_000);
/// assert_eq!(Validity::days(now, 7), Validity::new(now, Duration::from_secs(7 * 86_400)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Validity {
    from: UnixTime,
    lifetime: Duration,
}

impl Validity {
    /// From this time on, for so long.
    pub const fn new(from: UnixTime, lifetime: Duration) -> Self {
        Self { from, lifetime }
    }

    /// From this time on, for so many days of 24 hours.
    pub const fn days(from: UnixTime, days: u32) -> Self {
        Self { from, lifetime: DAY.saturating_mul(days) }
    }

    /// The time at which it is made.
    pub const fn from(&self) -> UnixTime {
        self.from
    }

    /// How long it is valid.
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// The last second in which it is valid.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for less than a second.
    pub(super) fn end(&self) -> Result<UnixTime> {
        if self.lifetime.as_secs() == 0 {
            return Err(Error::misuse("a lifetime of 0 seconds", "pass how long it shall be valid"));
        }
        Ok(self.from.plus(self.lifetime).min(LAST_TIME))
    }

    /// thisUpdate and nextUpdate (RFC 5280 §5.1.2).
    pub(super) fn of_list(&self) -> Result<(Time, Time)> {
        Ok((x509_time(self.from)?, x509_time(self.end()?)?))
    }
}

const DAY: Duration = Duration::from_secs(86_400);

/// RFC 5280 §4.1.2.5: 99991231235959Z, the last time that there is.
const LAST_TIME: UnixTime = UnixTime(253_402_300_799);
