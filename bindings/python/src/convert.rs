//! Arguments from Python and values back.

use core::ops::Deref;
use std::time::{SystemTime, UNIX_EPOCH};

use otls::UnixTime;
use otls::crypto::hash::HashAlgorithm;
use otls::crypto::sign::KeyAlgorithm;
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyString, PyType};
use zeroize::{Zeroize, Zeroizing};

use crate::failure::{Failure, Result};

/// A copy that is wiped when it is dropped. `Zeroizing` of a vector wipes octet by octet, which takes longer than
/// to encrypt it.
#[derive(Default)]
pub(crate) struct Wiped(pub(crate) Vec<u8>);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

/// Octets that stay as they are while the interpreter lock is released: an immutable `bytes` is
/// borrowed, every other buffer is copied and the copy wiped.
pub(crate) enum Octets {
    Borrowed(PyBackedBytes),
    Copied(Wiped),
}

impl Deref for Octets {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Copied(bytes) => &bytes.0,
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Octets {
    type Error = PyErr;

    fn extract(obj: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = obj.cast::<PyBytes>() {
            return Ok(Self::Borrowed(PyBackedBytes::from(bytes.to_owned())));
        }
        PyBuffer::<u8>::get(&obj)?.to_vec(obj.py()).map(|octets| Self::Copied(Wiped(octets)))
    }
}

/// A key, a password, a code or PEM text, as `str` (UTF-8) or bytes: copied before the interpreter
/// lock is released, and the copy wiped.
pub(crate) struct Material(Zeroizing<Vec<u8>>);

impl Material {
    pub(crate) fn into_secret(self) -> otls::Secret {
        otls::Secret::from(self.0)
    }
}

impl Deref for Material {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Material {
    type Error = PyErr;

    fn extract(obj: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(text) = obj.cast::<PyString>() {
            return Ok(Self(Zeroizing::new(text.to_str()?.as_bytes().to_vec())));
        }
        PyBuffer::<u8>::get(&obj)?.to_vec(obj.py()).map(|octets| Self(Zeroizing::new(octets)))
    }
}

/// A point in time: an aware `datetime`, seconds since the epoch, or a callable that returns one of these.
pub(crate) struct Moment(pub(crate) UnixTime);

impl<'a, 'py> FromPyObject<'a, 'py> for Moment {
    type Error = PyErr;

    fn extract(obj: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        // Called once: what a clock returns is a time, and not another clock.
        let called = obj.is_callable().then(|| obj.call0()).transpose()?;
        let obj = called.as_ref().map_or(obj, Bound::as_borrowed);
        let seconds: f64 = if obj.hasattr("timestamp")? {
            if obj.getattr("tzinfo")?.is_none() {
                return Err(Failure::misuse(
                    "a time without a time zone",
                    "pass an aware datetime, for example datetime.now(timezone.utc)",
                )
                .into());
            }
            obj.call_method0("timestamp")?.extract()?
        } else {
            obj.extract()?
        };
        std::time::Duration::try_from_secs_f64(seconds)
            .map(|since| Self(UnixTime(since.as_secs())))
            .map_err(|_| Failure::misuse("a time before 1970 or without end", "pass a current time").into())
    }
}

/// `moment`, or the system's clock.
pub(crate) fn moment_or_now(moment: Option<Moment>) -> Result<UnixTime> {
    match moment {
        Some(Moment(time)) => Ok(time),
        None => SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map(|since| UnixTime(since.as_secs()))
            .map_err(|_| Failure::misuse("the system's clock is before 1970", "set the clock")),
    }
}

/// An aware `datetime` in UTC.
pub(crate) fn datetime(py: Python<'_>, time: UnixTime) -> PyResult<Bound<'_, PyAny>> {
    static DATETIME: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static TIMEZONE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let utc = TIMEZONE.import(py, "datetime", "timezone")?.getattr("utc")?;
    DATETIME.import(py, "datetime", "datetime")?.call_method1("fromtimestamp", (time.0, utc))
}

/// A byte string in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use core::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 in hexadecimal, in either case, with or without the colons that openssl writes.
pub(crate) fn fingerprint(text: &str) -> Result<[u8; 32]> {
    let digits: Vec<char> = text.chars().filter(|character| *character != ':').collect();
    let octets = digits.chunks(2).map(|pair| match pair {
        [high, low] => {
            let value = high.to_digit(16)?.checked_mul(16)?.checked_add(low.to_digit(16)?)?;
            u8::try_from(value).ok()
        }
        _ => None,
    });
    octets.collect::<Option<Vec<u8>>>().and_then(|octets| octets.try_into().ok()).ok_or(Failure::misuse(
        "not a SHA-256 fingerprint",
        "pass its 64 hexadecimal digits, as 'openssl x509 -noout -fingerprint -sha256' writes them",
    ))
}

/// A name of one of the tables in `otls::codepoints`.
macro_rules! from_name {
    ($name:ident, $type:ty, $what:literal) => {
        pub(crate) fn $name(name: &str) -> Result<$type> {
            <$type>::from_name(name)
                .ok_or(Failure::misuse($what, "see otls.SUITES, otls.GROUPS and otls.SCHEMES"))
        }
    };
}

from_name!(suite, otls::codepoints::CipherSuite, "unknown cipher suite");
from_name!(group, otls::codepoints::NamedGroup, "unknown group");
from_name!(alert, otls::codepoints::AlertDescription, "unknown alert");
from_name!(scheme, otls::codepoints::SignatureScheme, "unknown signature scheme");

/// `"SHA256"` or `"SHA384"`, in any case, with or without a hyphen; left out, the one that fits the
/// key.
pub(crate) fn hash(name: Option<&str>, key: &otls::pki::PrivateKey) -> Result<HashAlgorithm> {
    let Some(name) = name else {
        return Ok(match key.algorithm() {
            KeyAlgorithm::EcdsaP384 => HashAlgorithm::Sha384,
            KeyAlgorithm::Rsa(_)
            | KeyAlgorithm::EcdsaP256
            | KeyAlgorithm::EcdsaP521
            | KeyAlgorithm::Ed25519 => HashAlgorithm::Sha256,
        });
    };
    match name.to_ascii_uppercase().replace('-', "").as_str() {
        "SHA256" => Ok(HashAlgorithm::Sha256),
        "SHA384" => Ok(HashAlgorithm::Sha384),
        _ => Err(Failure::misuse("unknown hash", "use \"SHA256\" or \"SHA384\"")),
    }
}

/// `"server"`, `"client"` or `"both"`.
pub(crate) fn profile(name: &str) -> Result<otls::pki::Profile> {
    match name {
        "server" => Ok(otls::pki::Profile::Server),
        "client" => Ok(otls::pki::Profile::Client),
        "both" => Ok(otls::pki::Profile::Both),
        _ => Err(Failure::misuse("unknown profile", "use \"server\", \"client\" or \"both\"")),
    }
}

/// Sequences of names, parsed; a single string is refused, its letters are no names.
pub(crate) fn parse_each<T>(
    names: Option<&Bound<'_, PyAny>>,
    parse: impl Fn(&str) -> Result<T>,
) -> Result<Option<Vec<T>>> {
    let Some(names) = names.filter(|names| !names.is_none()) else {
        return Ok(None);
    };
    if names.is_instance_of::<PyString>() {
        return Err(Failure::misuse("a string where a sequence of strings is meant", "pass a list or tuple"));
    }
    let mut list = Vec::new();
    for name in names.try_iter()? {
        list.push(parse(name?.extract::<pyo3::pybacked::PyBackedStr>()?.as_ref())?);
    }
    Ok(Some(list))
}

/// `__hash__` of a value that is equal where `octets` are.
pub(crate) fn hash_of(octets: &[u8]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    std::hash::Hash::hash(octets, &mut hasher);
    std::hash::Hasher::finish(&hasher)
}
