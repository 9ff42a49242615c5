//! Errors, sorted by whose fault they are.
//!
//! `alert.rs` turns an [`Error`] into the alert that the peer gets, `error/code.rs` into the number
//! that C and Python see, `error/text.rs` into what a person reads. No text contains a secret.

mod code;
mod found;
mod report;
pub(crate) mod stranger;
mod text;

pub use code::ErrorCode;
pub use found::Found;
pub use report::{Check, Finding, Report};
pub(crate) use text::ACCEPTED_SIGNATURES;

use crate::codepoints::{AlertDescription, HandshakeType};

/// What every fallible function of this crate returns.
///
/// ```
/// fn three() -> otls::Result<u8> {
///     Ok(3)
/// }
/// assert_eq!(three(), Ok(3));
/// ```
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Why something failed, and whose fault it was.
///
/// ```
/// use otls::{Error, pki::Certificate};
///
/// // Text, hint and number for a person; the variant and what is in it for a program.
/// let error = Certificate::load(b"no certificate").err().unwrap();
/// assert!(matches!(error, Error::Certificate(_)));
/// assert_eq!(error.code().name(), "CERTIFICATE_MALFORMED");
/// assert!(core::error::Error::source(&error).is_some());
/// ```
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
    /// We gave the handshake up with this alert ([`crate::Connection::reject`]).
    Rejected(AlertDescription),
    /// A record does not authenticate: it was altered, repeated, reordered or made with other keys.
    BadRecord,
    /// Sealed data does not authenticate: it was altered or made with another key.
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
    /// A CMS message cannot be read (RFC 5652).
    Cms(CmsError),
    /// The random source failed; nothing may be generated.
    Random,
    /// A bug in this library; please report it.
    Internal(&'static str),
}

/// Bytes of a peer that do not decode (RFC 8446 §6.2, decode_error and its neighbours).
///
/// ```
/// use otls::error::{InvalidMessage, Malformed};
///
/// let invalid = InvalidMessage { what: "ClientHello", why: Malformed::Truncated };
/// assert_eq!(invalid.to_string(), "ClientHello is cut short");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidMessage {
    /// The structure or field, in the RFC's words.
    pub what: &'static str,
    /// What is wrong with it.
    pub why: Malformed,
}

/// The ways in which bytes fail to decode.
///
/// ```
/// use otls::error::{InvalidMessage, Malformed};
///
/// let is_too_short = |invalid: &InvalidMessage| invalid.why == Malformed::Truncated;
/// assert!(is_too_short(&InvalidMessage { what: "Finished", why: Malformed::Truncated }));
/// ```
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
    /// Something else than TLS, which is named (unexpected_message).
    NotTls,
}

/// A well-formed message that breaks the protocol.
///
/// ```
/// use otls::{Error, codepoints::AlertDescription, error::PeerMisbehaved};
///
/// let error = Error::from(PeerMisbehaved::BadFinished);
/// assert_eq!(error.alert(), Some(AlertDescription::DECRYPT_ERROR));
/// ```
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
    /// A Finished that does not verify (decrypt_error).
    BadFinished,
    /// The binder of a pre-shared key does not verify (RFC 8446 §4.2.11).
    BadBinder,
    /// More of something than is tolerated: the text names the limit (unexpected_message).
    TooMany(&'static str),
}

/// Nothing in common.
///
/// ```
/// use otls::{Error, error::PeerIncompatible};
///
/// let error = Error::from(PeerIncompatible::NoTls13);
/// assert_eq!(error.hint(), "enable TLS 1.3 on the other side");
/// ```
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
///
/// ```
/// use otls::{Error, pki::Validity, pki::AuthorityTerms};
/// # use otls::{crypto::{SystemRandom, hash::HashAlgorithm}, pki::{Authority, DistinguishedName, KeyType, PrivateKey}};
///
/// # let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom)?;
/// # let name = DistinguishedName::with_common_name("CA");
/// let nothing = Validity::days(otls::UnixTime(1_800_000_000), 0);
/// let refused = Authority::create(key, &name, HashAlgorithm::Sha256, nothing, &SystemRandom);
/// let Some(Error::ApiMisuse(misuse)) = refused.err() else { unreachable!() };
/// assert_eq!(misuse.hint, "pass how long it shall be valid");
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misuse {
    /// What was wrong with the call.
    pub what: &'static str,
    /// What to do instead.
    pub hint: &'static str,
}

/// Why a key does not load or cannot be used.
///
/// ```
/// use otls::{Error, error::KeyError, pki::PrivateKey};
///
/// let error = PrivateKey::load(b"no key", None).err().unwrap();
/// assert!(matches!(error, Error::Key(KeyError::NotAKey(_))));
/// ```
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
    /// There is no key in the data; what there is instead.
    NotAKey(Found),
    /// There is more in the data than the one key that is loaded; the text says what.
    Excess(String),
    /// A PKCS#12 file with something that is not read; named.
    UnsupportedPkcs12(String),
    /// A format that this key cannot be written in; named.
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
///
/// ```
/// use otls::{Error, error::CertificateError, pki::GeneralName};
///
/// let error = GeneralName::parse("two words").err().unwrap();
/// assert!(matches!(error, Error::Certificate(CertificateError::BadName(_))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateError {
    /// The data is damaged; the text says where.
    Malformed(&'static str),
    /// A request that is not as RFC 2986 has it; the text says what was found.
    MalformedRequest(String),
    /// There is no certificate, request or CRL in the data; what there is instead.
    NotFound(Found),
    /// A revocation list that is well-formed and not as RFC 5280 asks; the text says why.
    UnsupportedCrl(&'static str),
    /// There is more in the data than what is loaded; the text says what, and what loads it.
    Excess(String),
    /// The signature of a request or CRL does not verify: no proof that its sender has the key.
    BadSignature,
    /// It is signed with an algorithm that is not accepted; the text names it.
    UnsupportedSignature(String),
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
///
/// ```
/// use otls::{Error, error::OtpError};
///
/// assert_eq!(Error::from(OtpError::Expired).code().name(), "OTP_EXPIRED");
/// ```
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
    /// The subject has had as many codes as it may, until this time (seconds since 1970).
    Throttled(u64),
    /// The audit log cannot be written, or is not as it was written; the text says where.
    Audit(String),
    /// The subject is locked: it gets no codes and none of its codes are accepted.
    SubjectLocked,
    /// The code that was to be sent again is not open any more; the text says what became of it.
    NotOpen(&'static str),
    /// The shared secret of HOTP, TOTP or OCRA cannot be used; the text says why.
    Secret(&'static str),
    /// The `otpauth` URI is malformed or asks for what is not supported.
    Uri {
        /// What is wrong; it has nothing of the secret.
        what: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// The OCRA suite is malformed or not supported, or an input is not what it asks for; the text says
    /// which.
    Suite(String),
    /// The customer's signed receipt is malformed, for another code, transaction or connection, or its
    /// signature does not verify; the text says which.
    Receipt(String),
    /// An amount, a currency, a template or a value that is not acceptable; the text says which.
    Transaction(String),
    /// An envelope shows a text of its sender's own, and the receiver has not asked for such.
    FreeText,
    /// What was typed cannot be a code of HOTP, TOTP or OCRA: it is empty, or has another length or other
    /// characters; the text says what a code is. It was not judged, and is no attempt. (A ledger has a
    /// verdict for it.)
    NotACode(String),
}

/// Why enrolment failed.
///
/// ```
/// use otls::{Error, error::EnrolmentError};
///
/// let is_another = |error: &Error| matches!(error, Error::Enrolment(EnrolmentError::FingerprintMismatch));
/// assert!(!is_another(&Error::Truncated));
/// ```
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

/// Why a CMS message is not read. What does not decrypt is [`Error::DecryptFailed`], a wrong signature
/// [`KeyError::BadSignature`], and a signer who is not trusted [`Error::BadCertificate`].
///
/// ```
/// use otls::{Error, error::CmsError};
///
/// assert_eq!(Error::from(CmsError::NotRecipient).code().name(), "CMS_NOT_RECIPIENT");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CmsError {
    /// The message is damaged, not DER, or breaks a rule of RFC 5652; the text says where.
    Malformed(&'static str),
    /// An algorithm or structure that is not supported; named.
    Unsupported(String),
    /// The message is for other recipients.
    NotRecipient,
    /// There is no message in the data; what there is instead.
    NotFound(Found),
    /// BER with lengths that are told at the end, as streaming writers make it, and not DER.
    Ber,
    /// A mail (S/MIME, RFC 8551) in which a message is.
    Mail {
        /// Whether what was signed is a part of the mail beside the signature (multipart/signed).
        is_detached: bool,
    },
    /// A message that is to be opened is signed and not encrypted.
    NotEncrypted,
    /// A message that is to be opened is encrypted, and what is in it is not signed.
    NotSigned,
    /// A message that is to be verified is encrypted.
    Encrypted,
    /// What was signed is not in the message, and was not given beside it.
    ContentMissing,
    /// What was signed is in the message, and something was given beside it.
    ContentInside,
}

impl Error {
    /// The error with which a connection ends. What fails in the same way without a peer, a message that does
    /// not decrypt or a chain from a file, has no alert.
    pub(crate) fn of_a_connection(mut self) -> Self {
        if let Self::BadCertificate(report) = &mut self {
            report.is_of_a_peer = true;
        }
        if matches!(self, Self::DecryptFailed) { Self::BadRecord } else { self }
    }

    #[doc(hidden)]
    pub const fn misuse(what: &'static str, hint: &'static str) -> Self {
        Self::ApiMisuse(Misuse { what, hint })
    }
}

impl core::error::Error for Error {
    /// The error of one kind that this is made of. The text of this one has its text in it.
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(match self {
            Self::InvalidMessage(error) => error,
            Self::PeerMisbehaved(error) => error,
            Self::PeerIncompatible(error) => error,
            Self::BadCertificate(report) => report,
            Self::Key(error) => error,
            Self::Certificate(error) => error,
            Self::Otp(error) => error,
            Self::Enrolment(error) => error,
            Self::Cms(error) => error,
            Self::ApiMisuse(_)
            | Self::AlertReceived(_)
            | Self::Rejected(_)
            | Self::BadRecord
            | Self::DecryptFailed
            | Self::Truncated
            | Self::Random
            | Self::Internal(_) => return None,
        })
    }
}

macro_rules! are_errors {
    ($($family:ident),*) => {
        $( impl core::error::Error for $family {} )*
    };
}

are_errors!(
    InvalidMessage,
    PeerMisbehaved,
    PeerIncompatible,
    Report,
    KeyError,
    CertificateError,
    OtpError,
    EnrolmentError,
    CmsError
);

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
    CmsError => Cms,
}

impl From<Report> for Error {
    fn from(report: Report) -> Self {
        Self::BadCertificate(Box::new(report))
    }
}
