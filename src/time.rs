//! Points in time, as seconds since 1970-01-01T00:00:00Z. Nobody here reads a clock.

use core::time::Duration;

/// A point in time: seconds since the Unix epoch, UTC, without leap seconds.
///
/// ```
/// use core::time::Duration;
/// use otls::UnixTime;
///
/// let now = UnixTime(1_800_000_000);
/// assert_eq!(now.plus(Duration::from_secs(60)), UnixTime(1_800_000_060));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// So long after this point, in whole seconds; stops at the end of time.
    pub const fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.as_secs()))
    }

    /// So long before this point, in whole seconds; stops at the epoch.
    pub const fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span.as_secs()))
    }
}
