//! One-time passwords from a shared secret.

use otls::crypto::SystemRandom;
use otls::otp::oath;
use pyo3::prelude::*;
use pyo3::types::PyString;
use zeroize::Zeroizing;

use super::ledger::{Code, CodeText};
use crate::convert::{Material, Moment, moment_or_now};
use crate::ending::released;
use crate::failure::{Failure, Result};

/// Codes from a counter that bank and customer both keep (RFC 4226).
///
/// `secret` is `bytes`, or base32 as `str`; 16 octets or more. Codes from a shared secret are not
/// phishing-resistant, and the bank can compute them too.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Hotp(pub(crate) oath::Hotp);

#[pymethods]
impl Hotp {
    #[new]
    #[pyo3(signature = (secret, *, digits=6))]
    fn new(secret: SharedSecret, digits: usize) -> Result<Self> {
        Ok(Self(oath::Hotp::new(secret.0, digits)?))
    }

    /// Codes from a new random secret of 20 octets.
    #[staticmethod]
    #[pyo3(signature = (*, digits=6))]
    fn generate(digits: usize) -> Result<Self> {
        let secret = oath::SharedSecret::generate(oath::OathHash::Sha1, &SystemRandom)?;
        Ok(Self(oath::Hotp::new(secret, digits)?))
    }

    /// The code for a counter.
    fn code(&self, counter: u64) -> Code {
        code(&self.0.code(counter))
    }

    /// The counter to store if `code` is right for `counter`, the stored one, or for one of the
    /// `look_ahead` behind it, at most 100; else `None`.
    ///
    /// The code is taken as people type it: blanks, hyphens and dashes do not count, and full-width digits are
    /// digits. What cannot be a code then raises `OtpNotACode`: it was not judged, and does not have to be
    /// counted as an attempt.
    #[pyo3(signature = (code, counter, *, look_ahead=10))]
    fn verify(&self, py: Python<'_>, code: CodeText, counter: u64, look_ahead: u32) -> Result<Option<u64>> {
        Ok(released(py, || self.0.verify(&code.0, counter, look_ahead))?)
    }

    /// The counter to store if two codes in a row are right within 1000 counters of the stored one: for
    /// a token that is ahead too far.
    fn resynchronise(
        &self,
        py: Python<'_>,
        first: CodeText,
        second: CodeText,
        counter: u64,
    ) -> Result<Option<u64>> {
        Ok(released(py, || self.0.resynchronise(&first.0, &second.0, counter))?)
    }

    /// Digits of a code.
    #[getter]
    fn digits(&self) -> usize {
        self.0.digits()
    }

    fn __repr__(&self) -> String {
        format!("<Hotp digits={}>", self.0.digits())
    }
}

/// What the bank stores for each shared secret of a `Totp`; `TotpState()` is right for one that was
/// never used.
#[pyclass(frozen, eq, hash, module = "otls")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct TotpState {
    /// The first step that is still accepted: the one after the last that was used.
    #[pyo3(get)]
    next_step: u64,
    /// How many steps the customer's clock was ahead when last seen; negative if behind.
    #[pyo3(get)]
    drift: i64,
}

#[pymethods]
impl TotpState {
    #[new]
    #[pyo3(signature = (next_step=0, drift=0))]
    fn new(next_step: u64, drift: i64) -> Self {
        Self { next_step, drift }
    }

    fn __repr__(&self) -> String {
        format!("TotpState(next_step={}, drift={})", self.next_step, self.drift)
    }
}

/// Codes from the time (RFC 6238).
///
/// `secret` is `bytes`, or base32 as `str`; 16 octets or more. Codes from a shared secret are not
/// phishing-resistant, and the bank can compute them too.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Totp(oath::Totp);

#[pymethods]
impl Totp {
    #[new]
    #[pyo3(signature = (secret, *, algorithm="SHA1", digits=6, period=30))]
    fn new(secret: SharedSecret, algorithm: &str, digits: usize, period: u32) -> Result<Self> {
        Ok(Self(oath::Totp::with(secret.0, hash(algorithm)?, digits, period)?))
    }

    /// Codes from a new random secret, as long as the output of the hash.
    #[staticmethod]
    #[pyo3(signature = (*, algorithm="SHA1", digits=6, period=30))]
    fn generate(algorithm: &str, digits: usize, period: u32) -> Result<Self> {
        let hash = hash(algorithm)?;
        let secret = oath::SharedSecret::generate(hash, &SystemRandom)?;
        Ok(Self(oath::Totp::with(secret, hash, digits, period)?))
    }

    /// The code at a time, by default now.
    #[pyo3(signature = (now=None))]
    fn code(&self, now: Option<Moment>) -> Result<Code> {
        Ok(code(&self.0.code(moment_or_now(now)?)))
    }

    /// The state to store if `code` is right and was not used before; else `None`. It may be `past`
    /// steps late or `future` ones early, at most 10 each. It is taken as people type it, see `Hotp.verify`.
    #[pyo3(signature = (code, state, *, past=1, future=1, now=None))]
    fn verify(
        &self,
        py: Python<'_>,
        code: CodeText,
        state: &TotpState,
        past: u32,
        future: u32,
        now: Option<Moment>,
    ) -> Result<Option<TotpState>> {
        let now = moment_or_now(now)?;
        let state = oath::TotpState { next_step: state.next_step, drift: state.drift };
        let window = oath::Window { past, future };
        let next = released(py, || self.0.verify(&code.0, now, window, state))?;
        Ok(next.map(|next| TotpState { next_step: next.next_step, drift: next.drift }))
    }

    /// `"SHA1"`, `"SHA256"` or `"SHA512"`.
    #[getter]
    fn algorithm(&self) -> &'static str {
        self.0.hash().name()
    }

    /// Digits of a code.
    #[getter]
    fn digits(&self) -> usize {
        self.0.digits()
    }

    /// Seconds in a step.
    #[getter]
    fn period(&self) -> u32 {
        self.0.period()
    }

    fn __repr__(&self) -> String {
        let (algorithm, digits, period) = (self.0.hash().name(), self.0.digits(), self.0.period());
        format!("<Totp algorithm={algorithm} digits={digits} period={period}>")
    }
}

/// A shared secret with its parameters, who issued it, and for whom: what an `otpauth` URI says.
///
/// For the codes of a `Totp`, or of a `Hotp` from `counter` on.
#[pyclass(frozen, module = "otls")]
pub(crate) struct OtpAuth(oath::OtpAuth);

#[pymethods]
impl OtpAuth {
    #[new]
    #[pyo3(signature = (codes, issuer, account, *, counter=None))]
    fn new(codes: Codes, issuer: &str, account: &str, counter: Option<u64>) -> Result<Self> {
        Ok(Self(match codes {
            Codes::Totp(_) if counter.is_some() => {
                return Err(Failure::misuse("a counter for codes from the time", "leave it out"));
            }
            Codes::Totp(totp) => oath::OtpAuth::with_totp(totp.get().0.clone(), issuer, account)?,
            Codes::Hotp(hotp) => {
                let hotp = hotp.get().0.clone();
                oath::OtpAuth::with_hotp(hotp, counter.unwrap_or_default(), issuer, account)?
            }
        }))
    }

    /// Reads a URI, as a file or a scanner of QR codes gives it: a byte order mark and blanks around it do not
    /// count, and what apps add for their display is passed over (`image`, `color`, `lock`, `icon`, `tags`,
    /// `codeDisplay`). Another parameter could change what the codes are, and is refused by name.
    #[staticmethod]
    fn parse(uri: Material) -> Result<Self> {
        // What is not UTF-8 is refused as what is not ASCII.
        Ok(Self(oath::OtpAuth::parse(core::str::from_utf8(&uri).unwrap_or("\u{FFFD}"))?))
    }

    /// The URI, with all parameters written out. It is as secret as the secret in it.
    fn uri(&self) -> Zeroized {
        Zeroized(self.0.to_uri())
    }

    /// A QR code of the URI as text, light on a dark ground, or with `invert` dark on a light one. It is as
    /// secret as the secret in it.
    #[pyo3(signature = (*, invert=false))]
    fn qr(&self, invert: bool) -> Result<Zeroized> {
        Ok(Zeroized(self.0.to_qr(invert)?))
    }

    /// Who issued the secret.
    #[getter]
    fn issuer(&self) -> Option<&str> {
        self.0.issuer()
    }

    /// Whose codes they are.
    #[getter]
    fn account(&self) -> &str {
        self.0.account()
    }

    /// The codes from the time, if that is what it is for.
    #[getter]
    fn totp(&self) -> Option<Totp> {
        self.0.totp().map(|totp| Totp(totp.clone()))
    }

    /// The codes from a counter, if that is what it is for.
    #[getter]
    fn hotp(&self) -> Option<Hotp> {
        self.0.hotp().map(|(hotp, _)| Hotp(hotp.clone()))
    }

    /// The first counter to be used, if it is for codes from a counter.
    #[getter]
    fn counter(&self) -> Option<u64> {
        self.0.hotp().map(|(_, counter)| counter)
    }

    fn __repr__(&self) -> String {
        let issuer = self.0.issuer().unwrap_or_default();
        format!("<OtpAuth issuer={issuer:?} account={:?}>", self.0.account())
    }
}

/// Either kind of codes, as an argument.
#[derive(FromPyObject)]
enum Codes {
    Totp(Py<Totp>),
    Hotp(Py<Hotp>),
}

/// Text that is wiped once Python has its copy.
pub(crate) struct Zeroized(otls::Secret);

impl<'py> IntoPyObject<'py> for Zeroized {
    type Target = PyString;
    type Output = Bound<'py, PyString>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        Ok(PyString::new(py, &String::from_utf8_lossy(self.0.expose())))
    }
}

/// A secret as an argument: `bytes` as they are, `str` as base32.
pub(crate) struct SharedSecret(pub(crate) oath::SharedSecret);

impl<'a, 'py> FromPyObject<'a, 'py> for SharedSecret {
    type Error = PyErr;

    fn extract(obj: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let secret = if let Ok(text) = obj.cast::<PyString>() {
            oath::SharedSecret::from_base32(text.to_str()?)
        } else {
            let octets: Material = obj.extract()?;
            oath::SharedSecret::new(octets.into_secret())
        };
        secret.map(Self).map_err(|error| Failure::from(error).into())
    }
}

/// `"SHA1"`, `"SHA256"` or `"SHA512"`, as apps name it too.
fn hash(name: &str) -> Result<oath::OathHash> {
    oath::OathHash::from_app_name(name)
        .ok_or(Failure::misuse("unknown algorithm", "use \"SHA1\", \"SHA256\" or \"SHA512\""))
}

pub(super) fn code(code: &oath::OathCode) -> Code {
    Code(Zeroizing::new(code.expose().to_owned()))
}
