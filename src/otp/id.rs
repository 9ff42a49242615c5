//! The identifier of a code.

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
