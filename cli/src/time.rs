//! Times as they are written: RFC 3339, or a date alone.

use otls::UnixTime;

use crate::failure::Failure;

/// Seconds in a day.
const DAY: u64 = 86_400;
const EXAMPLES: &str = "write it as 2026-11-23T12:00:00Z, 2026-11-23T17:30:00+05:30 or 2026-11-23";

/// Reads what was given to `flag`: a time of RFC 3339, or a date, which is its first second in UTC. A fraction of
/// a second is passed over, because certificates count whole ones.
pub(crate) fn parse(flag: &str, text: &str) -> Result<UnixTime, Failure> {
    seconds(text)
        .map(UnixTime)
        .map_err(|why| Failure::usage(format!("{flag} {text:?} is no time: {why}"), EXAMPLES))
}

fn seconds(text: &str) -> Result<u64, &'static str> {
    const DATE: &str = "it does not begin with a date";
    const TIME: &str = "behind the date, T and the time of day are expected";
    let (year, rest) = number(text, 4).ok_or(DATE)?;
    let (month, rest) = number(after(rest, "-").ok_or(DATE)?, 2).ok_or(DATE)?;
    let (day, rest) = number(after(rest, "-").ok_or(DATE)?, 2).ok_or(DATE)?;
    if rest.is_empty() {
        return instant([year, month, day], [0, 0, 0]);
    }
    // RFC 3339 §5.6: T in either case, or a blank.
    let rest = after(rest, "Tt ").ok_or(TIME)?;
    let (hour, rest) = number(rest, 2).ok_or(TIME)?;
    let (minute, rest) = number(after(rest, ":").ok_or(TIME)?, 2).ok_or(TIME)?;
    let rest = after(rest, ":").ok_or("its seconds are missing")?;
    let (second, rest) = number(rest, 2).ok_or("its seconds are missing")?;
    let (is_east, offset) = offset(fraction(rest)?)?;
    // A leap second is the one behind :59, which other counts of seconds leave out.
    let leap = u64::from(second == 60);
    let local = instant([year, month, day], [hour, minute, second.saturating_sub(leap)])?;
    let utc = if is_east { local.checked_sub(offset) } else { local.checked_add(offset) };
    let utc = utc.and_then(|utc| utc.checked_add(leap)).ok_or(TOO_EARLY)?;
    if leap == 1 && !begins_a_month(utc) {
        return Err("a leap second is the last one of a month in UTC, 23:59:60");
    }
    Ok(utc)
}

const TOO_EARLY: &str = "it is before 1970, where the count of seconds begins";

/// RFC 3339 §5.6: time-secfrac.
fn fraction(text: &str) -> Result<&str, &'static str> {
    let Some(digits) = after(text, ".") else { return Ok(text) };
    let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == digits.len() { Err("its fraction of a second has no digits") } else { Ok(rest) }
}

/// RFC 3339 §5.6: time-offset, whether it is east of UTC, and its seconds.
fn offset(text: &str) -> Result<(bool, u64), &'static str> {
    const OFFSET: &str = "it ends with no offset from UTC, Z or one as +05:30";
    if matches!(text, "Z" | "z") {
        return Ok((true, 0));
    }
    let (hours, rest) = after(text, "+-").and_then(|rest| number(rest, 2)).ok_or(OFFSET)?;
    let (minutes, rest) = after(rest, ":").and_then(|rest| number(rest, 2)).ok_or(OFFSET)?;
    if !rest.is_empty() {
        return Err("there is more behind it");
    }
    if hours > 23 || minutes > 59 {
        return Err("there is no such offset from UTC");
    }
    let seconds = hours.saturating_mul(60).saturating_add(minutes).saturating_mul(60);
    Ok((text.starts_with('+'), seconds))
}

/// Seconds since 1970 of a time that is written as if it was in UTC.
fn instant([year, month, day]: [u64; 3], [hour, minute, second]: [u64; 3]) -> Result<u64, &'static str> {
    const DAY_OF_MONTH: &str = "there is no such day";
    const TIME_OF_DAY: &str = "there is no such time of day";
    if year < 1970 {
        return Err(TOO_EARLY);
    }
    if hour > 23 || minute > 59 || second > 59 {
        return Err(TIME_OF_DAY);
    }
    let small = |value: u64| u8::try_from(value).map_err(|_| DAY_OF_MONTH);
    let year = u16::try_from(year).map_err(|_| DAY_OF_MONTH)?;
    let moment =
        der::DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?);
    moment.map(|moment| moment.unix_duration().as_secs()).map_err(|_| DAY_OF_MONTH)
}

fn begins_a_month(utc: u64) -> bool {
    let moment = der::DateTime::from_unix_duration(core::time::Duration::from_secs(utc));
    utc.is_multiple_of(DAY) && moment.is_ok_and(|moment| moment.day() == 1)
}

/// A number of so many digits, and what is behind it.
fn number(text: &str, digits: usize) -> Option<(u64, &str)> {
    let (number, rest) = text.split_at_checked(digits)?;
    let is_number = number.bytes().all(|one| one.is_ascii_digit());
    number.parse().ok().filter(|_| is_number).map(|number| (number, rest))
}

/// What is behind one of these characters.
fn after<'a>(text: &'a str, one_of: &str) -> Option<&'a str> {
    text.strip_prefix(|c| one_of.contains(c))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    /// 2026-11-23T12:00:00Z.
    const NOON: u64 = 1_795_435_200;

    #[test]
    fn every_form_of_rfc_3339_is_read() {
        for (text, expected) in [
            ("2026-11-23T12:00:00Z", NOON),
            ("2026-11-23t12:00:00z", NOON),
            ("2026-11-23 12:00:00Z", NOON),
            ("2026-11-23T17:30:00+05:30", NOON),
            ("2026-11-23T04:00:00-08:00", NOON),
            ("2026-11-23T12:00:00-00:00", NOON),
            ("2026-11-23T12:00:00.999999999999999999999Z", NOON),
            ("2026-11-24T11:59:00+23:59", NOON),
            ("2026-11-23", NOON - 43_200),
            ("1970-01-01T00:00:00Z", 0),
            ("1990-12-31T23:59:60Z", 662_688_000),
            ("1990-12-31T15:59:60.5-08:00", 662_688_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
            ("2028-02-29", 1_835_395_200),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_reason() {
        for (text, why) in [
            ("yesterday", "begin with a date"),
            ("", "begin with a date"),
            ("2026-1-23", "begin with a date"),
            ("20261123T120000Z", "begin with a date"),
            ("+202-11-23", "begin with a date"),
            ("2026-11-23T", "time of day are expected"),
            ("2026-11-23_12:00:00Z", "time of day are expected"),
            ("2026-11-23  12:00:00Z", "time of day are expected"),
            ("2026-11-23T12:00Z", "seconds are missing"),
            ("2026-11-23T12:00:00", "no offset"),
            ("2026-11-23T12:00:00 Z", "no offset"),
            ("2026-11-23T12:00:00+0530", "no offset"),
            ("2026-11-23T12:00:00Zulu", "no offset"),
            ("2026-11-23T12:00:00+05:30 ", "more behind it"),
            ("2026-11-23T12:00:00+24:00", "no such offset"),
            ("2026-11-23T12:00:00+05:60", "no such offset"),
            ("2026-11-23T12:00:00.Z", "no digits"),
            ("2026-02-29", "no such day"),
            ("2026-13-01", "no such day"),
            ("2026-00-01", "no such day"),
            ("2026-11-23T24:00:00Z", "no such time of day"),
            ("2026-11-23T12:60:00Z", "no such time of day"),
            ("2026-11-23T12:00:61Z", "no such time of day"),
            ("2026-11-23T12:00:60Z", "leap second"),
            ("2026-11-30T23:59:60+05:30", "leap second"),
            ("1969-12-31T23:59:59Z", "before 1970"),
            ("1970-01-01T00:00:00+00:01", "before 1970"),
            ("2026-11-2\u{663}", "begin with a date"),
        ] {
            match seconds(text) {
                Err(said) => assert!(said.contains(why), "{text}: {said}"),
                Ok(read) => panic!("{text} is read as {read}"),
            }
        }
    }
}
