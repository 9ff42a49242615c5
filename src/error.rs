//! Errors, sorted by whose fault they are, and the one table of their stable numbers.
//!
//! `alert.rs` turns an [`Error`] into the alert that the peer gets; [`Error::code`] turns it into
//! the number that C and Python see. No error text ever contains a secret.

mod report;

pub use report::{Check, Finding, Report};

use core::fmt;

use crate::codepoints::{AlertDescription, HandshakeType};

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Why something failed, and whose fault it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The peer sent bytes that do not decode.
    InvalidMessage(InvalidMessage),
    /// The peer sent a well-formed message that breaks the protocol.
    PeerMisbehaved(PeerMisbehaved),
    /// The peer is honest but there is nothing that both sides accept; the text says what was
    /// missing.
    PeerIncompatible(PeerIncompatible),
    /// The peer's certificate was refused; the report says which check failed and why.
    BadCertificate(Box<Report>),
    /// The peer gave up and said so.
    AlertReceived(AlertDescription),
    /// A record or a sealed message does not authenticate: it was altered, repeated, reordered or
    /// made with other keys.
    DecryptFailed,
    /// The transport ended without close_notify (RFC 8446 §6.1): data may be missing.
    Truncated,
    /// The caller asked for something that cannot be done; nothing was changed.
    ApiMisuse(Misuse),
    /// A private or public key cannot be loaded or used.
    Key(KeyError),
    /// A certificate, a certificate request or a CRL of our own side cannot be loaded, made or
    /// accepted.
    Certificate(CertificateError),
    /// A one-time password was not accepted, or its message cannot be.
    Otp(OtpError),
    /// Enrolment failed (RFC 7030).
    Enrolment(EnrolmentError),
    /// The random source failed; nothing may be generated.
    Random,
    /// A bug in this library; please report it.
    Internal(&'static str),
}

/// Bytes of a peer that do not decode (RFC 8446 §6.2, decode_error and its neighbours).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidMessage {
    /// The structure or field, in the RFC's words.
    pub what: &'static str,
    /// What is wrong with it.
    pub why: Malformed,
}

/// The ways in which bytes fail to decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// It ends before its length says.
    Truncated,
    /// Octets follow where none may.
    TrailingData,
    /// A vector that must not be empty is.
    Empty,
    /// It is longer than the protocol or one of our named limits allows.
    TooLong,
    /// A value that the structure does not allow (illegal_parameter).
    IllegalValue,
    /// The same extension twice (RFC 8446 §4.2, illegal_parameter).
    Duplicate,
    /// A record longer than RFC 8446 §5.1 or §5.2 allows (record_overflow).
    RecordOverflow,
    /// A record or handshake type that is not of TLS 1.3 (unexpected_message).
    UnknownType,
}

/// A well-formed message that breaks the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerMisbehaved {
    /// A handshake message in a state that does not take it (unexpected_message).
    UnexpectedMessage {
        /// What came.
        got: HandshakeType,
        /// What would have been right.
        expected: &'static str,
    },
    /// A record type in a state that does not take it (unexpected_message).
    UnexpectedRecord(&'static str),
    /// A field that is out of range or contradicts another (illegal_parameter).
    IllegalParameter(&'static str),
    /// A mandatory extension is missing (missing_extension).
    MissingExtension(&'static str),
    /// An extension that was not offered (unsupported_extension).
    UnsupportedExtension(&'static str),
    /// A handshake signature that does not verify (decrypt_error).
    BadSignature,
    /// A Finished or binder that does not verify (decrypt_error).
    BadFinished,
    /// More of something than is tolerated: the text names the limit (unexpected_message).
    TooMany(&'static str),
}

/// Nothing in common.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerIncompatible {
    /// The peer does not speak TLS 1.3 (protocol_version).
    NoTls13,
    /// No parameter of this kind in common: cipher suite, group, signature scheme
    /// (handshake_failure).
    NothingInCommon(&'static str),
    /// No application protocol in common (no_application_protocol).
    NoApplicationProtocol,
}

/// The caller's mistake: what, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misuse {
    /// What was wrong with the call.
    pub what: &'static str,
    /// What to do instead.
    pub hint: &'static str,
}

/// Why a key does not load or cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The password does not open the key.
    WrongPassword,
    /// The key is encrypted and no password was given.
    PasswordRequired,
    /// A password was given for a key that is not encrypted.
    PasswordNotNeeded,
    /// The key is encrypted with something that is not supported; named.
    UnsupportedEncryption(String),
    /// The data is damaged; the text says where.
    Malformed(&'static str),
    /// There is no key in the data; the text says what there is instead.
    NotAKey(String),
    /// A key in a format that is not read; named.
    UnsupportedFormat(String),
    /// The algorithm or curve is not supported; named.
    UnsupportedAlgorithm(String),
    /// An RSA modulus outside 2048 to 8192 bits; the size in bits.
    RsaSize(usize),
    /// The key's numbers are not a valid key.
    Invalid(&'static str),
    /// The private key does not belong to the certificate.
    CertificateMismatch,
    /// The signature does not verify.
    BadSignature,
    /// The scheme does not fit the key.
    WrongScheme(&'static str),
}

/// Why a certificate, request or CRL does not load or cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateError {
    /// The data is damaged; the text says where.
    Malformed(&'static str),
    /// There is no certificate, request or CRL in the data; the text says what there is instead.
    NotFound(String),
    /// The signature of a request or CRL does not verify: no proof that its sender has the key.
    BadSignature,
    /// A name is not acceptable; the text says which and why.
    BadName(String),
    /// Another key holds this name, until its certificate is revoked.
    NameTaken(String),
    /// The authority cannot do this; the text says why.
    Refused(String),
    /// The certificate is not one that an authority may have; the text says why.
    NotAuthority(String),
}

/// Why a one-time password or its message was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtpError {
    /// The message is damaged, of an unknown version, or has unknown fields.
    Malformed(&'static str),
    /// The message was made for another connection, peer or direction.
    WrongBinding,
    /// The same message a second time.
    Replayed,
    /// The message's or code's time is over.
    Expired,
    /// The store failed; nothing was accepted.
    Store(String),
}

/// Why enrolment failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnrolmentError {
    /// The peer's HTTP is malformed or too large.
    Http(&'static str),
    /// The server answered with this status and text.
    Status(u16, String),
    /// The answer is not what RFC 7030 asks for.
    Malformed(&'static str),
    /// The authority's certificate is not the one with the expected fingerprint.
    FingerprintMismatch,
}

macro_rules! codes {
    ($( $(#[$meta:meta])* $name:ident = $value:literal, $c_name:literal; )*) => {
        /// The stable, append-only numbers of errors, shared by Rust, C and Python.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum ErrorCode {
            $( $(#[$meta])* $name = $value, )*
        }

        impl ErrorCode {
            /// All codes, in ascending order.
            pub const ALL: &'static [Self] = &[ $( Self::$name, )* ];

            /// The number that C sees.
            pub const fn number(self) -> i32 {
                match self { $( Self::$name => $value, )* }
            }

            /// The name without its `OTLS_ERROR_` prefix, for example `DECRYPT_FAILED`.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$name => $c_name, )* }
            }
        }
    };
}

codes! {
    /// The call was wrong; nothing was changed.
    ApiMisuse = 1, "API_MISUSE";
    /// A buffer of the caller is too small; nothing was written.
    BufferTooSmall = 2, "BUFFER_TOO_SMALL";
    /// A pointer that must not be NULL was.
    NullPointer = 3, "NULL_POINTER";
    /// A handle that saw a panic earlier; free it.
    Poisoned = 4, "POISONED";
    /// A bug in this library.
    Internal = 5, "INTERNAL";
    /// The random source failed.
    Random = 6, "RANDOM";
    /// The peer's bytes do not decode.
    InvalidMessage = 20, "INVALID_MESSAGE";
    /// The peer broke the protocol.
    PeerMisbehaved = 21, "PEER_MISBEHAVED";
    /// Nothing in common with the peer.
    PeerIncompatible = 22, "PEER_INCOMPATIBLE";
    /// The peer sent an alert.
    AlertReceived = 23, "ALERT_RECEIVED";
    /// Something does not authenticate.
    DecryptFailed = 24, "DECRYPT_FAILED";
    /// The transport ended without close_notify.
    Truncated = 25, "TRUNCATED";
    /// The certificate's data or signature is bad.
    CertificateBad = 40, "CERTIFICATE_BAD";
    /// The issuer is not trusted.
    CertificateUntrusted = 41, "CERTIFICATE_UNTRUSTED";
    /// The certificate has expired.
    CertificateExpired = 42, "CERTIFICATE_EXPIRED";
    /// The certificate is not valid yet.
    CertificateNotYetValid = 43, "CERTIFICATE_NOT_YET_VALID";
    /// The certificate is not for this name.
    CertificateWrongName = 44, "CERTIFICATE_WRONG_NAME";
    /// The certificate is not for this use.
    CertificateWrongUsage = 45, "CERTIFICATE_WRONG_USAGE";
    /// A CA's certificate where a leaf must be, or the reverse.
    CertificateWrongRole = 46, "CERTIFICATE_WRONG_ROLE";
    /// The certificate was revoked, or its status cannot be told.
    CertificateRevoked = 47, "CERTIFICATE_REVOKED";
    /// A certificate is required and none was sent.
    CertificateRequired = 48, "CERTIFICATE_REQUIRED";
    /// A certificate, request or CRL file does not load.
    CertificateMalformed = 49, "CERTIFICATE_MALFORMED";
    /// A request's signature is wrong: no proof of possession.
    RequestBadSignature = 50, "REQUEST_BAD_SIGNATURE";
    /// A name is not acceptable.
    BadName = 51, "BAD_NAME";
    /// Another key holds the name.
    NameTaken = 52, "NAME_TAKEN";
    /// The authority refuses.
    AuthorityRefused = 53, "AUTHORITY_REFUSED";
    /// Wrong password.
    KeyWrongPassword = 60, "KEY_WRONG_PASSWORD";
    /// The key needs a password.
    KeyPasswordRequired = 61, "KEY_PASSWORD_REQUIRED";
    /// The key is not encrypted.
    KeyPasswordNotNeeded = 62, "KEY_PASSWORD_NOT_NEEDED";
    /// Unknown encryption of a key.
    KeyUnsupportedEncryption = 63, "KEY_UNSUPPORTED_ENCRYPTION";
    /// Damaged key.
    KeyMalformed = 64, "KEY_MALFORMED";
    /// Something else where a key should be.
    KeyNotFound = 65, "KEY_NOT_FOUND";
    /// Unsupported algorithm or curve.
    KeyUnsupportedAlgorithm = 66, "KEY_UNSUPPORTED_ALGORITHM";
    /// RSA size out of bounds.
    KeySize = 67, "KEY_SIZE";
    /// Not a valid key.
    KeyInvalid = 68, "KEY_INVALID";
    /// Key and certificate do not match.
    KeyMismatch = 69, "KEY_MISMATCH";
    /// A signature does not verify.
    BadSignature = 70, "BAD_SIGNATURE";
    /// The scheme does not fit the key.
    WrongScheme = 71, "WRONG_SCHEME";
    /// A key in a format that is not read.
    KeyUnsupportedFormat = 72, "KEY_UNSUPPORTED_FORMAT";
    /// Damaged OTP message.
    OtpMalformed = 100, "OTP_MALFORMED";
    /// OTP message for another connection, peer or direction.
    OtpWrongBinding = 101, "OTP_WRONG_BINDING";
    /// OTP message a second time.
    OtpReplayed = 102, "OTP_REPLAYED";
    /// OTP past its time.
    OtpExpired = 103, "OTP_EXPIRED";
    /// The OTP store failed.
    OtpStore = 104, "OTP_STORE";
    /// Malformed HTTP.
    EnrolmentHttp = 120, "ENROLMENT_HTTP";
    /// The enrolment server refused.
    EnrolmentStatus = 121, "ENROLMENT_STATUS";
    /// The enrolment answer is malformed.
    EnrolmentMalformed = 122, "ENROLMENT_MALFORMED";
    /// The authority's fingerprint is another.
    EnrolmentFingerprint = 123, "ENROLMENT_FINGERPRINT";
}

impl Error {
    /// The stable number of this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidMessage(_) => ErrorCode::InvalidMessage,
            Self::PeerMisbehaved(_) => ErrorCode::PeerMisbehaved,
            Self::PeerIncompatible(_) => ErrorCode::PeerIncompatible,
            Self::BadCertificate(report) => report.check().code(),
            Self::AlertReceived(_) => ErrorCode::AlertReceived,
            Self::DecryptFailed => ErrorCode::DecryptFailed,
            Self::Truncated => ErrorCode::Truncated,
            Self::ApiMisuse(_) => ErrorCode::ApiMisuse,
            Self::Key(error) => error.code(),
            Self::Certificate(error) => error.code(),
            Self::Otp(error) => error.code(),
            Self::Enrolment(error) => error.code(),
            Self::Random => ErrorCode::Random,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// What the caller can do about it; empty where the text says all.
    pub fn hint(&self) -> String {
        match self {
            Self::BadCertificate(report) => report.hint().to_owned(),
            Self::ApiMisuse(misuse) => misuse.hint.to_owned(),
            Self::Key(error) => error.hint().to_owned(),
            Self::AlertReceived(alert) => crate::alert::hint(*alert).to_owned(),
            Self::PeerIncompatible(PeerIncompatible::NoTls13) => {
                "enable TLS 1.3 on the other side".to_owned()
            }
            Self::PeerIncompatible(_) => "compare the lists that both sides are configured with".to_owned(),
            Self::Random => "check that the system's random source is available".to_owned(),
            Self::Internal(_) => "please report this as a bug".to_owned(),
            Self::InvalidMessage(_)
            | Self::PeerMisbehaved(_)
            | Self::DecryptFailed
            | Self::Truncated
            | Self::Certificate(_)
            | Self::Otp(_)
            | Self::Enrolment(_) => String::new(),
        }
    }

    /// The alert that the peer sent, or that it gets from us; `None` where none is sent.
    pub fn alert(&self) -> Option<AlertDescription> {
        if let Self::AlertReceived(alert) = self {
            return Some(*alert);
        }
        crate::alert::alert_for(self)
    }

    pub(crate) const fn misuse(what: &'static str, hint: &'static str) -> Self {
        Self::ApiMisuse(Misuse { what, hint })
    }
}

impl KeyError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::WrongPassword => ErrorCode::KeyWrongPassword,
            Self::PasswordRequired => ErrorCode::KeyPasswordRequired,
            Self::PasswordNotNeeded => ErrorCode::KeyPasswordNotNeeded,
            Self::UnsupportedEncryption(_) => ErrorCode::KeyUnsupportedEncryption,
            Self::Malformed(_) => ErrorCode::KeyMalformed,
            Self::NotAKey(_) => ErrorCode::KeyNotFound,
            Self::UnsupportedFormat(_) => ErrorCode::KeyUnsupportedFormat,
            Self::UnsupportedAlgorithm(_) => ErrorCode::KeyUnsupportedAlgorithm,
            Self::RsaSize(_) => ErrorCode::KeySize,
            Self::Invalid(_) => ErrorCode::KeyInvalid,
            Self::CertificateMismatch => ErrorCode::KeyMismatch,
            Self::BadSignature => ErrorCode::BadSignature,
            Self::WrongScheme(_) => ErrorCode::WrongScheme,
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::WrongPassword => "check the password",
            Self::PasswordRequired => "pass the key's password",
            Self::PasswordNotNeeded => "load it without a password",
            Self::UnsupportedEncryption(_) => {
                "re-encrypt it, for example with 'openssl pkcs8 -topk8 -v2 aes-256-cbc'"
            }
            Self::Malformed(_) => "the file is damaged or cut short; take it from its source again",
            Self::NotAKey(_) => "pass the file that holds the key",
            Self::UnsupportedFormat(_) => {
                "convert it: 'openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW', a public key with 'openssl pkey -pubin'"
            }
            Self::UnsupportedAlgorithm(_) => "use RSA (2048 bits or more), P-256 or P-384",
            Self::RsaSize(_) => "generate an RSA key of 2048 to 8192 bits",
            Self::Invalid(_) => "generate a new key",
            Self::CertificateMismatch => "pass the private key that the certificate was requested with",
            Self::BadSignature => "the data, the signature or the key is not the one that was signed with",
            Self::WrongScheme(_) => "choose a scheme of the key's own kind",
        }
    }
}

impl CertificateError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Malformed(_) | Self::NotFound(_) => ErrorCode::CertificateMalformed,
            Self::BadSignature => ErrorCode::RequestBadSignature,
            Self::BadName(_) => ErrorCode::BadName,
            Self::NameTaken(_) => ErrorCode::NameTaken,
            Self::Refused(_) => ErrorCode::AuthorityRefused,
            Self::NotAuthority(_) => ErrorCode::CertificateWrongRole,
        }
    }
}

impl OtpError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Malformed(_) => ErrorCode::OtpMalformed,
            Self::WrongBinding => ErrorCode::OtpWrongBinding,
            Self::Replayed => ErrorCode::OtpReplayed,
            Self::Expired => ErrorCode::OtpExpired,
            Self::Store(_) => ErrorCode::OtpStore,
        }
    }
}

impl EnrolmentError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Http(_) => ErrorCode::EnrolmentHttp,
            Self::Status(..) => ErrorCode::EnrolmentStatus,
            Self::Malformed(_) => ErrorCode::EnrolmentMalformed,
            Self::FingerprintMismatch => ErrorCode::EnrolmentFingerprint,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidMessage(error) => write!(f, "the peer's message is invalid: {error}"),
            Self::PeerMisbehaved(error) => write!(f, "the peer broke the protocol: {error}"),
            Self::PeerIncompatible(error) => write!(f, "no agreement with the peer: {error}"),
            Self::BadCertificate(report) => write!(f, "the peer's certificate was refused: {report}"),
            Self::AlertReceived(alert) => write!(f, "the peer ended the connection: {alert}"),
            Self::DecryptFailed => {
                f.write_str("data does not authenticate: it was altered, repeated or made with other keys")
            }
            Self::Truncated => f.write_str("the connection ended without close_notify: data may be missing"),
            Self::ApiMisuse(misuse) => f.write_str(misuse.what),
            Self::Key(error) => error.fmt(f),
            Self::Certificate(error) => error.fmt(f),
            Self::Otp(error) => error.fmt(f),
            Self::Enrolment(error) => error.fmt(f),
            Self::Random => f.write_str("the random source failed"),
            Self::Internal(what) => write!(f, "internal error: {what}"),
        }
    }
}

impl fmt::Display for InvalidMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            Malformed::Truncated => "is cut short",
            Malformed::TrailingData => "has trailing data",
            Malformed::Empty => "is empty",
            Malformed::TooLong => "is too long",
            Malformed::IllegalValue => "has an illegal value",
            Malformed::Duplicate => "appears twice",
            Malformed::RecordOverflow => "is longer than a record may be",
            Malformed::UnknownType => "is of an unknown type",
        };
        write!(f, "{} {why}", self.what)
    }
}

impl fmt::Display for PeerMisbehaved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedMessage { got, expected } => write!(f, "got {got} while waiting for {expected}"),
            Self::UnexpectedRecord(what) => write!(f, "unexpected record: {what}"),
            Self::IllegalParameter(what) => write!(f, "illegal parameter: {what}"),
            Self::MissingExtension(what) => write!(f, "missing extension: {what}"),
            Self::UnsupportedExtension(what) => write!(f, "extension that was not offered: {what}"),
            Self::BadSignature => f.write_str("the handshake signature does not verify"),
            Self::BadFinished => {
                f.write_str("Finished does not verify: the two sides saw different handshakes")
            }
            Self::TooMany(what) => write!(f, "too many {what}"),
        }
    }
}

impl fmt::Display for PeerIncompatible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTls13 => f.write_str("it does not offer TLS 1.3"),
            Self::NothingInCommon(what) => write!(f, "no {what} in common"),
            Self::NoApplicationProtocol => f.write_str("no application protocol in common"),
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongPassword => f.write_str("wrong password for the private key"),
            Self::PasswordRequired => f.write_str("the private key is encrypted and no password was given"),
            Self::PasswordNotNeeded => {
                f.write_str("a password was given but the private key is not encrypted")
            }
            Self::UnsupportedEncryption(name) => {
                write!(f, "the private key is encrypted with {name}, which is not supported")
            }
            Self::Malformed(what) => write!(f, "the key is malformed: {what}"),
            Self::NotAKey(found) => write!(f, "no key found: {found}"),
            Self::UnsupportedFormat(name) => write!(f, "a key in {name} format is not read"),
            Self::UnsupportedAlgorithm(name) => write!(f, "unsupported key algorithm: {name}"),
            Self::RsaSize(bits) => write!(f, "an RSA key of {bits} bits is not accepted"),
            Self::Invalid(what) => write!(f, "the key is not valid: {what}"),
            Self::CertificateMismatch => f.write_str("the private key does not belong to the certificate"),
            Self::BadSignature => f.write_str("the signature does not verify"),
            Self::WrongScheme(what) => write!(f, "the signature scheme does not fit the key: {what}"),
        }
    }
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => write!(f, "malformed: {what}"),
            Self::NotFound(found) => write!(f, "not found: {found}"),
            Self::BadSignature => f.write_str("the signature does not verify"),
            Self::BadName(what) => write!(f, "name not acceptable: {what}"),
            Self::NameTaken(name) => {
                write!(f, "the name {name:?} belongs to another key until its certificate is revoked")
            }
            Self::Refused(why) => write!(f, "the authority refuses: {why}"),
            Self::NotAuthority(why) => write!(f, "not the certificate of an authority: {why}"),
        }
    }
}

impl fmt::Display for OtpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => write!(f, "the OTP message is malformed: {what}"),
            Self::WrongBinding => {
                f.write_str("the OTP message was made for another connection, peer or direction")
            }
            Self::Replayed => f.write_str("the OTP message was received before"),
            Self::Expired => f.write_str("the OTP has expired"),
            Self::Store(why) => write!(f, "the OTP store failed, nothing was accepted: {why}"),
        }
    }
}

impl fmt::Display for EnrolmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(what) => write!(f, "malformed HTTP: {what}"),
            Self::Status(status, text) => write!(f, "the enrolment server answered {status}: {text}"),
            Self::Malformed(what) => write!(f, "malformed enrolment answer: {what}"),
            Self::FingerprintMismatch => {
                f.write_str("the authority's certificate does not have the expected fingerprint")
            }
        }
    }
}

impl core::error::Error for Error {}

macro_rules! into_error {
    ($($family:ident => $variant:ident),* $(,)?) => {
        $( impl From<$family> for Error {
            fn from(error: $family) -> Self { Self::$variant(error) }
        } )*
    };
}

into_error! {
    InvalidMessage => InvalidMessage,
    PeerMisbehaved => PeerMisbehaved,
    PeerIncompatible => PeerIncompatible,
    Misuse => ApiMisuse,
    KeyError => Key,
    CertificateError => Certificate,
    OtpError => Otp,
    EnrolmentError => Enrolment,
}

impl From<Report> for Error {
    fn from(report: Report) -> Self {
        Self::BadCertificate(Box::new(report))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_zero_is_left_to_success() {
        let numbers: Vec<i32> = ErrorCode::ALL.iter().map(|code| code.number()).collect();
        assert!(numbers.iter().all(|n| *n > 0));
        assert!(numbers.is_sorted_by(|a, b| a < b));
    }
}
