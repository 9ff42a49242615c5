//! Points in time, as certificates and reports write them.

use core::time::Duration;

use der::DateTime;
use x509_cert::time::Time;

use crate::error::{Error, Result};
use crate::time::UnixTime;

/// RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime after.
pub(super) fn x509_time(time: UnixTime) -> Result<Time> {
    let date = DateTime::from_unix_duration(Duration::from_secs(time.0));
    date.map(Time::from).map_err(|_| Error::misuse("a time after the year 9999", "pass the time now"))
}

/// A time as RFC 3339 has it.
pub(crate) fn show(time: UnixTime) -> String {
    match DateTime::from_unix_duration(Duration::from_secs(time.0)) {
        Ok(date) => date.to_string(),
        Err(_) => format!("second {}", time.0),
    }
}
