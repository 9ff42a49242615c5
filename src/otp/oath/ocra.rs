//! OCRA: an answer to a challenge (RFC 6287).

use zeroize::Zeroizing;

use super::challenge;
use super::code::OathCode;
use super::secret::SharedSecret;
use super::suite::OcraSuite;
use crate::crypto::oath::{OathHash, digest, mac};
use crate::error::{Error, OtpError, Result};
use crate::time::UnixTime;

/// Responses to challenges, under one suite (RFC 6287).
///
/// For a signature (RFC 6287 §7.3) the challenge says what is signed: put so much of a hash of the
/// transaction there as the suite takes, not a few digits of the amount. A challenge is used for one attempt
/// only; that is the caller's to see to.
///
/// ```
/// use otls::otp::oath::{Ocra, OcraInput, OcraSuite, SharedSecret};
///
/// let secret = SharedSecret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
/// let ocra = Ocra::new(secret, OcraSuite::parse("OCRA-1:HOTP-SHA1-6:QN08")?);
/// let input = OcraInput { challenge: "11111111", ..OcraInput::default() };
/// assert_eq!(ocra.response(&input)?.expose(), "243178");
/// assert!(ocra.verify(&input, "243178")?);
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone)]
pub struct Ocra {
    secret: SharedSecret,
    suite: OcraSuite,
}

crate::shown::shown!(Ocra, suite);

/// What a response is computed from (RFC 6287 §5.1): all that the suite names, and nothing else.
///
/// ```
/// use otls::UnixTime;
/// use otls::otp::oath::OcraInput;
///
/// let time = Some(UnixTime(1_800_000_000));
/// let input = OcraInput { challenge: "SIG1000000", time, ..OcraInput::default() };
/// assert!(input.counter.is_none());
/// ```
#[derive(Clone, Copy, Default)]
pub struct OcraInput<'a> {
    /// The challenge, Q: from 1 to [`OcraSuite::challenge_len`] characters.
    pub challenge: &'a str,
    /// In a mutual exchange (RFC 6287 §7.2) the challenge that follows: a server answers to the client's and
    /// then its own, a client to the server's and then its own.
    pub second_challenge: Option<&'a str>,
    /// The counter, C.
    pub counter: Option<u64>,
    /// The customer's PIN, P.
    pub pin: Option<Pin<'a>>,
    /// The session information, S: [`OcraSuite::session_len`] octets. Who has fewer agrees with the other side
    /// on how they are padded.
    pub session: Option<&'a [u8]>,
    /// The time, of which T is the step.
    pub time: Option<UnixTime>,
}

impl core::fmt::Debug for OcraInput<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OcraInput").finish_non_exhaustive()
    }
}

/// The customer's PIN as an input.
///
/// ```
/// use otls::otp::oath::Pin;
///
/// let pin = Pin::Plain(b"1234");
/// ```
#[derive(Clone, Copy)]
pub enum Pin<'a> {
    /// As it is typed.
    Plain(&'a [u8]),
    /// Its hash, with the function that the suite names: what a bank stores. It is as good as the PIN to
    /// who has the shared secret.
    Hashed(&'a [u8]),
}

impl core::fmt::Debug for Pin<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Pin").finish_non_exhaustive()
    }
}

impl Ocra {
    /// Responses under a suite. RFC 6287 §4 has the secret as long as the output of the suite's hash.
    pub fn new(secret: SharedSecret, suite: OcraSuite) -> Self {
        Self { secret, suite }
    }

    /// The response.
    ///
    /// # Errors
    /// [`OtpError::Suite`] for an input that is missing, that the suite has not, or that does not fit it.
    pub fn response(&self, input: &OcraInput<'_>) -> Result<OathCode> {
        let data = self.data_input(input)?;
        let mac = mac(self.suite.hash(), self.secret.expose(), &[&data]);
        Ok(match self.suite.digits() {
            0 => OathCode::whole(mac.expose()),
            digits => OathCode::truncated(mac.expose(), digits),
        })
    }

    /// Whether `response` is right, in time that does not tell how much of it is. It is taken as people type it,
    /// see [`super::Hotp::verify`], hexadecimal digits in either case. Counter and time are taken
    /// as they are: who allows for a token that is ahead asks again for each.
    ///
    /// # Errors
    /// [`OtpError::NotACode`] for what cannot be a response, which was not judged; as [`Ocra::response`].
    pub fn verify(&self, input: &OcraInput<'_>, response: &str) -> Result<bool> {
        let right = self.response(input)?;
        Ok(right.is(&right.form().read(response)?))
    }

    /// The suite.
    pub fn suite(&self) -> &OcraSuite {
        &self.suite
    }

    /// RFC 6287 §5.1: OCRASuite | 00 | C | Q | P | S | T.
    fn data_input(&self, input: &OcraInput<'_>) -> Result<Zeroizing<Vec<u8>>> {
        let suite = &self.suite;
        // The capacity is final, so that growing leaves no copy behind.
        let mut data = Zeroizing::new(Vec::with_capacity(MAX_DATA_LEN));
        data.extend_from_slice(suite.as_str().as_bytes());
        data.push(0);
        if let Some(((), counter)) = both(suite.has_counter().then_some(()), input.counter, "a counter (C)")?
        {
            data.extend_from_slice(&counter.to_be_bytes());
        }
        data.extend_from_slice(&challenge::encode(suite, input.challenge, input.second_challenge)?);
        if let Some((hash, pin)) = both(suite.pin(), input.pin, "a PIN (P)")? {
            push_pin(&mut data, hash, pin)?;
        }
        if let Some((len, session)) = both(suite.session_len(), input.session, "session information (S)")? {
            if session.len() != len {
                return Err(wrong(format!("the session information for {suite} has {len} octets")));
            }
            data.extend_from_slice(session);
        }
        if let Some((step, time)) = both(suite.time_step(), input.time, "a time (T)")? {
            let step = time.0.checked_div(u64::from(step)).unwrap_or_default();
            data.extend_from_slice(&step.to_be_bytes());
        }
        Ok(data)
    }
}

fn push_pin(data: &mut Vec<u8>, hash: OathHash, pin: Pin<'_>) -> Result<()> {
    match pin {
        Pin::Plain(pin) => data.extend_from_slice(digest(hash, pin).expose()),
        Pin::Hashed(hashed) if hashed.len() == hash.output_len() => data.extend_from_slice(hashed),
        Pin::Hashed(_) => {
            let (name, len) = (hash.name(), hash.output_len());
            return Err(wrong(format!("the hash of the PIN is {name} and has {len} octets")));
        }
    }
    Ok(())
}

/// What the suite says of an input, and the input, where there is one.
fn both<A, B>(asked: Option<A>, given: Option<B>, what: &str) -> Result<Option<(A, B)>> {
    match (asked, given) {
        (Some(asked), Some(given)) => Ok(Some((asked, given))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(wrong(format!("the suite asks for {what}, and none was given"))),
        (None, Some(_)) => Err(wrong(format!("{what} was given, and the suite has none"))),
    }
}

fn wrong(what: String) -> Error {
    OtpError::Suite(what).into()
}

/// Suite, separator, counter, challenge, PIN, session information and time at their longest.
const MAX_DATA_LEN: usize = 64 + 1 + 8 + challenge::CHALLENGE_LEN + 64 + OcraSuite::MAX_SESSION_LEN + 8;

#[cfg(test)]
mod tests;
