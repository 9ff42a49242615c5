//! Responses to challenges.

use otls::otp::oath;
use pyo3::prelude::*;

use super::ledger::{Code, CodeText};
use super::oath::{SharedSecret, code};
use crate::convert::{Material, Moment, Octets, moment_or_now};
use crate::failure::{Failure, Result};

/// Responses to challenges under one suite (RFC 6287), for example
/// `Ocra(secret, "OCRA-1:HOTP-SHA256-8:QA08-T1M")`.
///
/// `secret` is `bytes`, or base32 as `str`; 16 octets or more. Codes from a shared secret are not
/// phishing-resistant, and the bank can compute them too.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Ocra(oath::Ocra);

#[pymethods]
impl Ocra {
    #[new]
    fn new(secret: SharedSecret, suite: &str) -> Result<Self> {
        Ok(Self(oath::Ocra::new(secret.0, oath::OcraSuite::parse(suite)?)))
    }

    /// The suite.
    #[getter]
    fn suite(&self) -> &str {
        self.0.suite().as_str()
    }

    /// The response: digits, or hexadecimal for a suite that does not truncate. The inputs are those that
    /// the suite names; `now` is by default the system's time, if the suite has one.
    #[pyo3(signature = (challenge, *, second_challenge=None, counter=None, pin=None, pin_hash=None, session=None, now=None))]
    fn response(
        &self,
        challenge: &str,
        second_challenge: Option<&str>,
        counter: Option<u64>,
        pin: Option<Material>,
        pin_hash: Option<Material>,
        session: Option<Octets>,
        now: Option<Moment>,
    ) -> Result<Code> {
        let input = oath::OcraInput {
            challenge,
            second_challenge,
            counter,
            pin: either(pin.as_deref(), pin_hash.as_deref())?,
            session: session.as_deref(),
            time: self.time(now)?,
        };
        Ok(code(&self.0.response(&input)?))
    }

    /// Whether a response is right. It is taken as people type it, see `Hotp.verify`. A challenge is for one
    /// attempt: that is the caller's to see to.
    #[pyo3(signature = (response, challenge, *, second_challenge=None, counter=None, pin=None, pin_hash=None, session=None, now=None))]
    fn verify(
        &self,
        response: CodeText,
        challenge: &str,
        second_challenge: Option<&str>,
        counter: Option<u64>,
        pin: Option<Material>,
        pin_hash: Option<Material>,
        session: Option<Octets>,
        now: Option<Moment>,
    ) -> Result<bool> {
        let input = oath::OcraInput {
            challenge,
            second_challenge,
            counter,
            pin: either(pin.as_deref(), pin_hash.as_deref())?,
            session: session.as_deref(),
            time: self.time(now)?,
        };
        Ok(self.0.verify(&input, &response.0)?)
    }

    fn __repr__(&self) -> String {
        format!("<Ocra {}>", self.0.suite())
    }
}

impl Ocra {
    fn time(&self, now: Option<Moment>) -> Result<Option<otls::UnixTime>> {
        if now.is_none() && self.0.suite().time_step().is_none() {
            return Ok(None);
        }
        moment_or_now(now).map(Some)
    }
}

fn either<'a>(pin: Option<&'a [u8]>, hash: Option<&'a [u8]>) -> Result<Option<oath::Pin<'a>>> {
    match (pin, hash) {
        (Some(_), Some(_)) => Err(Failure::misuse("a PIN and the hash of one", "pass one of them")),
        (Some(pin), None) => Ok(Some(oath::Pin::Plain(pin))),
        (None, hash) => Ok(hash.map(oath::Pin::Hashed)),
    }
}
