//! What a person reads of an error: its text and its hint.

use core::fmt;

use super::stranger;
use super::{
    CertificateError, CmsError, EnrolmentError, Error, InvalidMessage, KeyError, Malformed, OtpError,
    PeerIncompatible, PeerMisbehaved,
};
use crate::codepoints::AlertDescription;

impl Error {
    /// What the caller can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::BadCertificate(report) => report.hint().to_owned(),
            Self::ApiMisuse(misuse) => misuse.hint.to_owned(),
            Self::Key(error) => error.hint().to_owned(),
            Self::Cms(error) => error.hint().to_owned(),
            Self::AlertReceived(alert) => alert_hint(*alert).to_owned(),
            Self::PeerIncompatible(PeerIncompatible::NoTls13) => {
                "enable TLS 1.3 on the other side".to_owned()
            }
            Self::PeerIncompatible(_) => "compare the lists that both sides are configured with".to_owned(),
            Self::Random => "check that the system's random source is available".to_owned(),
            Self::Internal(_) => "please report this as a bug".to_owned(),
            Self::InvalidMessage(invalid) => stranger::hint(invalid.what).unwrap_or(NO_TLS_13).to_owned(),
            Self::PeerMisbehaved(_) => NO_TLS_13.to_owned(),
            Self::Rejected(_) => "see why the program has refused this peer".to_owned(),
            Self::BadRecord => {
                "connect again; if it happens each time, something between changes what is sent".to_owned()
            }
            Self::DecryptFailed => {
                "check that the key and what it is used with are those that it was encrypted with".to_owned()
            }
            Self::Truncated => "take what came as incomplete, and connect again".to_owned(),
            Self::Certificate(error) => error.hint().to_owned(),
            Self::Enrolment(error) => error.hint().to_owned(),
            Self::Otp(error) => error.hint().to_owned(),
        }
    }
}

impl CertificateError {
    fn hint(&self) -> &'static str {
        match self {
            Self::Malformed(_) => {
                "take it from its source again, whole, as PEM or DER; if it is the same there, have it made anew"
            }
            Self::MalformedRequest(_) => {
                "make it again, for example by 'openssl req -new -key KEY -subj /CN=NAME -addext subjectAltName=DNS:NAME'"
            }
            Self::NotFound(found) => found.hint_or("pass the file that holds it"),
            Self::UnsupportedCrl(_) => {
                "have its authority issue it anew; with 'openssl ca -gencrl', crlnumber in the configuration makes version 2, and default_crl_days the date"
            }
            Self::UnsupportedSignature(_) => ACCEPTED_SIGNATURES,
            Self::Excess(_) => "split the file: nothing of it is left out in silence",
            Self::BadSignature => "have it made again, with the private key of who it says has signed it",
            Self::BadName(_) => "write the name as the text asks, or leave it out",
            Self::NameTaken(_) => {
                "use the key that has the name, take another name, or revoke its certificate"
            }
            Self::Refused(_) => "ask for what the authority issues, or whoever runs it",
            Self::NotAuthority(_) => {
                "pass the certificate of an authority: BasicConstraints say CA, and KeyUsage allows what it signs"
            }
        }
    }
}

impl EnrolmentError {
    const fn hint(&self) -> &'static str {
        match self {
            // RFC 7030 §4.2.3.
            Self::Status(202, _) => "somebody has to approve it first: ask again later, with the same key",
            Self::Status(301 | 302 | 303 | 307 | 308, _) => {
                "it is elsewhere: ask there, once you know that it is the same authority's"
            }
            Self::Status(400, _) => "mend the request as the text says, or ask whoever runs the server",
            Self::Status(401, _) => "pass the token, or the password, that the authority has given you",
            Self::Status(403, _) => "the authority decides: ask whoever runs it, for another name or a token",
            Self::Status(404 | 405, _) => {
                "it has no such operation for this profile: ask whoever runs it for the path and the label"
            }
            Self::Status(429 | 503, _) => "it is busy: ask again later",
            Self::Status(..) => "see the server's log",
            Self::Http(_) | Self::Malformed(_) => {
                "check that an enrolment server (RFC 7030) is at this address, and nothing between changes it"
            }
            Self::FingerprintMismatch => {
                "take the fingerprint from the authority once more; if it stays another, this is not that authority"
            }
        }
    }
}

impl OtpError {
    fn hint(&self) -> &'static str {
        match self {
            Self::Store(_) => "see to the store, then try again",
            Self::Throttled(_) => "let the customer use the last code, or wait",
            Self::Audit(_) => {
                "nothing is issued or accepted without it: see what happened to the log, then repair it"
            }
            Self::SubjectLocked => "unlock the subject once you know that it is the customer who asks",
            Self::NotOpen(_) => "issue a new code",
            Self::Secret(_) => "take it whole from where it was made, or make a new one of 20 octets or more",
            Self::Uri { hint, .. } => hint,
            Self::Suite(_) => "compare it with RFC 6287 §6, for example OCRA-1:HOTP-SHA256-8:QA08-T1M",
            Self::Receipt(_) => "do not act on it; take the file from where it was first written",
            Self::Transaction(_) => {
                "name the purpose and give a template with {amount}, {payee} and {code}, as far as there are these"
            }
            Self::FreeText => "let the bank send a transaction with a template, or accept free text by name",
            Self::NotACode(_) => "ask for it again: nothing was judged, and no attempt counts",
            Self::Malformed(_) => "do not use any of it; compare the versions of both sides",
            Self::WrongBinding => "do not use any of it; ask for a new code over this connection",
            Self::Replayed => "leave it: it was dealt with when it came first",
            Self::Expired => "issue a new code, and check the clocks of both sides",
        }
    }
}

impl KeyError {
    fn hint(&self) -> &'static str {
        match self {
            Self::WrongPassword => "check what is passed as `password`",
            Self::PasswordRequired => "pass the key's password as `password`",
            Self::PasswordNotNeeded => "pass no `password`",
            Self::UnsupportedEncryption(_) => {
                "encrypt it anew: openssl pkcs8 -provider legacy -provider default -topk8 -v2 aes-256-cbc -in FILE -out NEW"
            }
            Self::Malformed(_) => "the file is damaged or cut short; take it from its source again",
            Self::NotAKey(found) => found.hint_or("pass the file that holds the key"),
            Self::Excess(_) => "split the file: nothing of it is left out in silence",
            Self::UnsupportedPkcs12(_) => {
                "export it anew under a password, or let OpenSSL read and write it: \
                 'openssl pkcs12 -legacy -in OLD.p12 -out ALL.pem && openssl pkcs12 -export -in ALL.pem -out NEW.p12'"
            }
            Self::UnsupportedFormat(_) => {
                "PKCS#8 is for every kind of private key, SubjectPublicKeyInfo for every public one"
            }
            Self::UnsupportedAlgorithm(_) => "use RSA (2048 bits or more), P-256, P-384 or Ed25519",
            Self::RsaSize(_) => "generate an RSA key of 2048 to 8192 bits",
            Self::Invalid(_) => "generate a new key",
            Self::CertificateMismatch => "pass the private key that the certificate was requested with",
            Self::BadSignature => "the data, the signature or the key is not the one that was signed with",
            Self::WrongScheme(_) => "choose a scheme of the key's own kind",
        }
    }
}

impl CmsError {
    fn hint(&self) -> &'static str {
        match self {
            Self::Malformed(_) => {
                "it is damaged or not DER: have it sent again, by 'openssl cms' with '-outform DER -binary'"
            }
            Self::Unsupported(_) => {
                "have it made with one signer, signed attributes and certificates, by RSA or ECDSA with SHA-256, SHA-384 or SHA-512; encrypted with AES-GCM or AES-CBC, by RSA-OAEP with SHA-256 or ECDH"
            }
            Self::NotFound(found) => found.hint_or("pass the message, in DER or PEM"),
            Self::Ber => {
                "make DER of it: 'openssl cms -cmsout -inform DER -in MESSAGE -outform DER -out NEW' (-inform PEM for PEM)"
            }
            Self::Mail { is_detached: true } => {
                "what is signed is a part of the mail: 'openssl cms -verify -in MAIL -CAfile ROOT -purpose any -out CONTENT'"
            }
            Self::Mail { is_detached: false } => {
                "take it out of the mail: 'openssl cms -cmsout -in MAIL -outform DER -out MESSAGE'"
            }
            Self::NotEncrypted => "verify it as a signed message",
            Self::NotSigned => "have it signed first, and then encrypted: nobody knows who has written it",
            Self::Encrypted => "open it with the recipient's certificate and key",
            Self::ContentMissing => "pass what was signed beside the message, as verify_detached takes it",
            Self::ContentInside => "verify the message alone",
            Self::NotRecipient => "pass the certificate and key that it was encrypted to",
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
            Self::Rejected(alert) => write!(f, "we gave the handshake up: {alert}"),
            Self::BadRecord | Self::DecryptFailed => {
                f.write_str("data does not authenticate: it was altered, repeated or made with other keys")
            }
            Self::Truncated => f.write_str("the connection ended without close_notify: data may be missing"),
            Self::ApiMisuse(misuse) => f.write_str(misuse.what),
            Self::Key(error) => error.fmt(f),
            Self::Certificate(error) => error.fmt(f),
            Self::Otp(error) => error.fmt(f),
            Self::Enrolment(error) => error.fmt(f),
            Self::Cms(error) => error.fmt(f),
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
            Malformed::NotTls => "came where TLS should begin",
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
            Self::BadBinder => {
                f.write_str("the binder of its session does not verify: it has not got the session's secret")
            }
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
            Self::WrongPassword => f.write_str("wrong password"),
            Self::PasswordRequired => f.write_str("the private key is encrypted and no password was given"),
            Self::PasswordNotNeeded => {
                f.write_str("a password was given but the private key is not encrypted")
            }
            Self::UnsupportedEncryption(name) => {
                write!(f, "the private key is encrypted with {name}, which is not supported")
            }
            Self::Malformed(what) => write!(f, "the key is malformed: {what}"),
            Self::NotAKey(found) => write!(f, "no key found: {found}"),
            Self::Excess(found) => write!(f, "more than the key that is loaded here: {found}"),
            Self::UnsupportedPkcs12(what) => write!(f, "the PKCS#12 file is not read: {what}"),
            Self::UnsupportedFormat(name) => write!(f, "the key cannot have this format: {name}"),
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
            Self::MalformedRequest(found) => write!(f, "not a request as RFC 2986 has it: {found}"),
            Self::NotFound(found) => write!(f, "not found: {found}"),
            Self::Excess(found) => write!(f, "more than is loaded here: {found}"),
            Self::BadSignature => f.write_str("the signature does not verify"),
            Self::UnsupportedCrl(why) => write!(f, "the revocation list is not accepted: {why}"),
            Self::UnsupportedSignature(name) => write!(f, "signed with {name}, which is not accepted"),
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
            Self::Throttled(until) => write!(f, "too many codes for this subject, until {until} (Unix time)"),
            Self::Audit(what) => write!(f, "the audit log: {what}"),
            Self::SubjectLocked => f.write_str("the subject is locked"),
            Self::NotOpen(what) => write!(f, "the code cannot be sent again: it {what}"),
            Self::Secret(why) => write!(f, "the shared secret cannot be used: {why}"),
            Self::Uri { what, .. } => write!(f, "not a usable otpauth URI: {what}"),
            Self::Suite(why) => write!(f, "OCRA: {why}"),
            Self::Receipt(why) => write!(f, "the receipt is refused: {why}"),
            Self::Transaction(why) => write!(f, "the transaction is not acceptable: {why}"),
            Self::FreeText => f.write_str("the OTP message shows free text and not a transaction"),
            Self::NotACode(what) => write!(f, "what was typed is not a code: {what}"),
        }
    }
}

impl fmt::Display for CmsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => write!(f, "the CMS message is malformed: {what}"),
            Self::Unsupported(what) => write!(f, "the CMS message is not supported: {what}"),
            Self::NotRecipient => f.write_str("the CMS message is for other recipients"),
            Self::NotFound(found) => write!(f, "no CMS message found: {found}"),
            Self::Ber => f.write_str("the CMS message is BER of indefinite length, and not DER"),
            Self::Mail { .. } => f.write_str("a mail (S/MIME), and not a CMS message by itself"),
            Self::NotEncrypted => f.write_str("the CMS message is signed and not encrypted"),
            Self::NotSigned => f.write_str("the CMS message is encrypted, and what is in it is not signed"),
            Self::Encrypted => f.write_str("the CMS message is encrypted, and its signature is within"),
            Self::ContentMissing => f.write_str("what was signed is not in the CMS message (it is detached)"),
            Self::ContentInside => {
                f.write_str("what was signed is in the CMS message, and something was given beside it")
            }
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

/// What a person can do about an alert that the peer sent.
fn alert_hint(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::UNKNOWN_CA => {
            "the peer does not trust the authority of our certificate: use one of its authority, or add ours to its trust"
        }
        AlertDescription::CERTIFICATE_REQUIRED => "the peer asks for a certificate: configure one",
        AlertDescription::CERTIFICATE_EXPIRED => {
            "the peer finds our certificate out of date: renew it, and check both clocks"
        }
        AlertDescription::CERTIFICATE_REVOKED => "our certificate was revoked: request a new one",
        AlertDescription::BAD_CERTIFICATE
        | AlertDescription::UNSUPPORTED_CERTIFICATE
        | AlertDescription::CERTIFICATE_UNKNOWN => {
            "the peer refused our certificate: check its names, usages and algorithm"
        }
        AlertDescription::HANDSHAKE_FAILURE => {
            "compare the suites, groups and signature schemes of both sides"
        }
        AlertDescription::PROTOCOL_VERSION => "the peer does not speak TLS 1.3",
        AlertDescription::NO_APPLICATION_PROTOCOL => "compare the ALPN lists of both sides",
        AlertDescription::UNRECOGNIZED_NAME => "the peer serves no such name: check the server name",
        _ => "see the peer's log for its reason",
    }
}

/// What to do about a peer that breaks the protocol.
const NO_TLS_13: &str =
    "see the peer's log; it does not keep to TLS 1.3, or something between changes what is sent";

/// What to do about a signature algorithm that is not accepted.
pub(crate) const ACCEPTED_SIGNATURES: &str =
    "have it signed with RSA or ECDSA and SHA-256, SHA-384 or SHA-512, or with Ed25519";
