//! Sums of money, and how people write them.

use core::fmt;

use iso_currency::Currency;

use super::quoted::quoted;
use crate::error::{OtpError, Result};

/// A sum of money: minor units (paise, cents) of an ISO 4217 currency. `Display` writes it as people of
/// the currency do, without a minor part that is zero; different amounts never look the same.
///
/// ```
/// use otls::otp::Amount;
///
/// assert_eq!(Amount::new(10_000_000, "INR")?.to_string(), "Rs 1,00,000");
/// assert_eq!(Amount::new(100_050, "USD")?.to_string(), "$1,000.50");
/// assert_eq!(Amount::new(1_000, "JPY")?.to_string(), "¥1,000");
/// assert!(Amount::new(1, "XAU").is_err());
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    minor: u64,
    currency: Currency,
    /// Decimal digits of a major unit.
    exponent: usize,
}

impl Amount {
    /// So many minor units of the currency with this code, three capital letters.
    ///
    /// # Errors
    /// [`OtpError::Transaction`] for a code that ISO 4217 does not have, or that has no minor unit (gold,
    /// testing).
    pub fn new(minor: u64, currency: &str) -> Result<Self> {
        // The crate's table is by capital letters; the context has them so as well.
        let known = Some(currency).filter(|code| code.bytes().all(|octet| octet.is_ascii_uppercase()));
        let known = known.and_then(Currency::from_code);
        let Some(known) = known else {
            return Err(refused("is not the code of a currency in ISO 4217", currency));
        };
        let exponent = known.exponent().map(usize::from);
        let exponent = exponent.ok_or_else(|| refused("is a currency without a minor unit", currency))?;
        Ok(Self { minor, currency: known, exponent })
    }

    /// The number of minor units.
    pub const fn minor(&self) -> u64 {
        self.minor
    }

    /// The currency's code in ISO 4217.
    pub fn currency(&self) -> &'static str {
        self.currency.code()
    }

    /// Digits after the point: 2 for most, 0 for JPY, 3 for KWD.
    pub const fn exponent(&self) -> usize {
        self.exponent
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Style { sign, separator, group } = Style::of(self.currency);
        match sign {
            Some(sign) => f.write_str(sign)?,
            None => write!(f, "{} ", self.currency())?,
        }
        let width = self.exponent.saturating_add(1);
        let digits = format!("{:0width$}", self.minor);
        let (major, minor) =
            digits.split_at_checked(digits.len().saturating_sub(self.exponent)).unwrap_or_default();
        for (at, digit) in major.chars().enumerate() {
            let left = major.len().saturating_sub(at);
            if at > 0 && starts_group(left, group) {
                f.write_str(separator)?;
            }
            write!(f, "{digit}")?;
        }
        if minor.bytes().all(|digit| digit == b'0') { Ok(()) } else { write!(f, ".{minor}") }
    }
}

/// How amounts of a currency are written.
struct Style {
    /// In front; `None` is the code and a space.
    sign: Option<&'static str>,
    separator: &'static str,
    /// Digits of a group beyond the thousands.
    group: usize,
}

impl Style {
    // A sign belongs to one currency only: an amount that is shown must not be another one as well. The
    // rupee of Pakistan, the yuan and the other dollars are therefore written by their codes.
    fn of(currency: Currency) -> Self {
        let (sign, separator, group) = match currency.code() {
            "INR" => (Some("Rs "), ",", LAKHS),
            "NPR" | "PKR" | "BDT" => (None, ",", LAKHS),
            "USD" => (Some("$"), ",", THOUSANDS),
            "EUR" => (Some("€"), ",", THOUSANDS),
            "GBP" => (Some("£"), ",", THOUSANDS),
            "JPY" => (Some("¥"), ",", THOUSANDS),
            "CHF" => (None, "'", THOUSANDS),
            _ => (None, ",", THOUSANDS),
        };
        Self { sign, separator, group }
    }
}

/// Whether a separator stands where so many digits are left: 3 of them, then groups.
const fn starts_group(left: usize, group: usize) -> bool {
    match left.checked_sub(THOUSANDS) {
        Some(beyond) => matches!(beyond.checked_rem(group), Some(0)),
        None => false,
    }
}

fn refused(why: &str, currency: &str) -> crate::Error {
    OtpError::Transaction(format!("{} {why}", quoted(currency))).into()
}

const THOUSANDS: usize = 3;
/// Lakh and crore: 1,00,000 and 1,00,00,000.
const LAKHS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(minor: u64, currency: &str) -> String {
        Amount::new(minor, currency).unwrap().to_string()
    }

    #[test]
    fn amounts_are_written_as_people_of_the_currency_do() {
        for (minor, currency, expected) in [
            (10_000_000, "INR", "Rs 1,00,000"),
            (10_000_050, "INR", "Rs 1,00,000.50"),
            (99_900, "INR", "Rs 999"),
            (100_000, "INR", "Rs 1,000"),
            (1_000_000_000, "INR", "Rs 1,00,00,000"),
            (123_456_789_012, "INR", "Rs 1,23,45,67,890.12"),
            (1, "INR", "Rs 0.01"),
            (0, "INR", "Rs 0"),
            (10_000_000, "NPR", "NPR 1,00,000"),
            (10_000_000, "PKR", "PKR 1,00,000"),
            (10_000_000, "BDT", "BDT 1,00,000"),
            (100_050, "USD", "$1,000.50"),
            (100_050, "EUR", "€1,000.50"),
            (123_456_789, "GBP", "£1,234,567.89"),
            (1_000, "JPY", "¥1,000"),
            (999, "JPY", "¥999"),
            (100_050, "CHF", "CHF 1'000.50"),
            (100_050, "SEK", "SEK 1,000.50"),
            (1_000_500, "KWD", "KWD 1,000.500"),
            (5, "KWD", "KWD 0.005"),
            (10_001, "CLF", "CLF 1.0001"),
            (u64::MAX, "JPY", "¥18,446,744,073,709,551,615"),
        ] {
            assert_eq!(shown(minor, currency), expected);
        }
    }

    #[test]
    fn currencies_that_are_none_are_refused_by_name() {
        for currency in ["", "inr", "Inr", "IN", "INRR", "ABC", "XAU", "XTS", "₹", "IN\0", "€UR"] {
            let error = Amount::new(1, currency).unwrap_err();
            assert!(
                error.to_string().contains("ISO 4217") || error.to_string().contains("minor unit"),
                "{error}"
            );
        }
        let long = Amount::new(1, &"A".repeat(1000)).unwrap_err().to_string();
        assert!(long.len() < 200, "{long}");
    }

    #[test]
    fn different_amounts_never_look_the_same() {
        let mut seen = std::collections::HashMap::new();
        for first in b'A'..=b'Z' {
            for (second, third) in (b'A'..=b'Z').flat_map(|two| (b'A'..=b'Z').map(move |three| (two, three)))
            {
                let code = String::from_utf8(vec![first, second, third]).unwrap();
                for minor in [0, 1, 10, 100, 1_000, 10_000, 100_000, 10_000_000] {
                    let Ok(amount) = Amount::new(minor, &code) else { continue };
                    let other = seen.insert(amount.to_string(), amount);
                    assert_eq!(other, None, "{amount}");
                }
            }
        }
        assert!(seen.len() > 8 * 150, "{}", seen.len());
    }
}
