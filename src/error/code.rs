//! The one table of the errors' stable numbers.

use super::{CertificateError, CmsError, EnrolmentError, Error, KeyError, OtpError};

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
    /// We gave the handshake up.
    Rejected = 26, "REJECTED";
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
    /// A request is signed with an algorithm that is not accepted.
    UnsupportedSignature = 54, "UNSUPPORTED_SIGNATURE";
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
    /// A signed receipt that does not prove what it should.
    OtpReceipt = 105, "OTP_RECEIPT";
    /// Too many codes for one subject.
    OtpThrottled = 106, "OTP_THROTTLED";
    /// The audit log cannot be written, or was changed.
    OtpAudit = 107, "OTP_AUDIT";
    /// The subject is locked.
    OtpSubjectLocked = 108, "OTP_SUBJECT_LOCKED";
    /// An amount, a currency, a template or a value that is not acceptable.
    OtpTransaction = 109, "OTP_TRANSACTION";
    /// A shared secret that cannot be used.
    OtpSecret = 110, "OTP_SECRET";
    /// A malformed `otpauth` URI.
    OtpUri = 111, "OTP_URI";
    /// A malformed OCRA suite, or inputs that do not fit it.
    OtpSuite = 112, "OTP_SUITE";
    /// A code that is not open any more cannot be sent again.
    OtpNotOpen = 113, "OTP_NOT_OPEN";
    /// An envelope with a free text, which the receiver has not asked for.
    OtpFreeText = 114, "OTP_FREE_TEXT";
    /// What was typed cannot be a code from a shared secret, and was not judged.
    OtpNotACode = 115, "OTP_NOT_A_CODE";
    /// Malformed HTTP.
    EnrolmentHttp = 120, "ENROLMENT_HTTP";
    /// The enrolment server refused.
    EnrolmentStatus = 121, "ENROLMENT_STATUS";
    /// The enrolment answer is malformed.
    EnrolmentMalformed = 122, "ENROLMENT_MALFORMED";
    /// The authority's fingerprint is another.
    EnrolmentFingerprint = 123, "ENROLMENT_FINGERPRINT";
    /// A CMS message is damaged or breaks a rule.
    CmsMalformed = 130, "CMS_MALFORMED";
    /// A CMS message has an algorithm or structure that is not supported.
    CmsUnsupported = 131, "CMS_UNSUPPORTED";
    /// A CMS message is for other recipients.
    CmsNotRecipient = 132, "CMS_NOT_RECIPIENT";
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
            Self::BadRecord | Self::DecryptFailed => ErrorCode::DecryptFailed,
            Self::Truncated => ErrorCode::Truncated,
            Self::Rejected(_) => ErrorCode::Rejected,
            Self::ApiMisuse(_) => ErrorCode::ApiMisuse,
            Self::Key(error) => error.code(),
            Self::Certificate(error) => error.code(),
            Self::Otp(error) => error.code(),
            Self::Enrolment(error) => error.code(),
            Self::Cms(error) => error.code(),
            Self::Random => ErrorCode::Random,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }
}

impl KeyError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::WrongPassword => ErrorCode::KeyWrongPassword,
            Self::PasswordRequired => ErrorCode::KeyPasswordRequired,
            Self::PasswordNotNeeded => ErrorCode::KeyPasswordNotNeeded,
            Self::UnsupportedEncryption(_) => ErrorCode::KeyUnsupportedEncryption,
            Self::Malformed(_) | Self::Excess(_) => ErrorCode::KeyMalformed,
            Self::NotAKey(_) => ErrorCode::KeyNotFound,
            Self::UnsupportedFormat(_) | Self::UnsupportedPkcs12(_) => ErrorCode::KeyUnsupportedFormat,
            Self::UnsupportedAlgorithm(_) => ErrorCode::KeyUnsupportedAlgorithm,
            Self::RsaSize(_) => ErrorCode::KeySize,
            Self::Invalid(_) => ErrorCode::KeyInvalid,
            Self::CertificateMismatch => ErrorCode::KeyMismatch,
            Self::BadSignature => ErrorCode::BadSignature,
            Self::WrongScheme(_) => ErrorCode::WrongScheme,
        }
    }
}

impl CertificateError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Malformed(_)
            | Self::MalformedRequest(_)
            | Self::NotFound(_)
            | Self::Excess(_)
            | Self::UnsupportedCrl(_) => ErrorCode::CertificateMalformed,
            Self::BadSignature => ErrorCode::RequestBadSignature,
            Self::UnsupportedSignature(_) => ErrorCode::UnsupportedSignature,
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
            Self::Throttled(_) => ErrorCode::OtpThrottled,
            Self::Audit(_) => ErrorCode::OtpAudit,
            Self::SubjectLocked => ErrorCode::OtpSubjectLocked,
            Self::NotOpen(_) => ErrorCode::OtpNotOpen,
            Self::Secret(_) => ErrorCode::OtpSecret,
            Self::Uri { .. } => ErrorCode::OtpUri,
            Self::Suite(_) => ErrorCode::OtpSuite,
            Self::Receipt(_) => ErrorCode::OtpReceipt,
            Self::Transaction(_) => ErrorCode::OtpTransaction,
            Self::FreeText => ErrorCode::OtpFreeText,
            Self::NotACode(_) => ErrorCode::OtpNotACode,
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

impl CmsError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Malformed(_) | Self::NotFound(_) => ErrorCode::CmsMalformed,
            Self::Unsupported(_)
            | Self::Ber
            | Self::Mail { .. }
            | Self::NotEncrypted
            | Self::NotSigned
            | Self::Encrypted
            | Self::ContentMissing
            | Self::ContentInside => ErrorCode::CmsUnsupported,
            Self::NotRecipient => ErrorCode::CmsNotRecipient,
        }
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
