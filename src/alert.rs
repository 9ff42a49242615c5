//! The one table from errors to the alert that the peer gets (RFC 8446 §6.2).

use crate::codepoints::AlertDescription;
use crate::error::{Check, Error, Malformed, PeerIncompatible, PeerMisbehaved};

/// The alert that a connection ends with for `error`, or `None` where it is over already and RFC 8446 §6.2
/// has us say nothing: the peer sent the alert, or the transport is gone.
pub(crate) fn ending(error: &Error) -> Option<AlertDescription> {
    if matches!(error, Error::AlertReceived(_) | Error::Truncated) {
        return None;
    }
    // RFC 8446 §6.2: what has nothing to do with the peer is an internal_error to it.
    Some(alert_for(error).unwrap_or(AlertDescription::INTERNAL_ERROR))
}

/// The alert that says what is wrong with the peer's side; `None` for what is no fault of a message: the
/// end of the connection, and errors of our own side.
pub(crate) fn alert_for(error: &Error) -> Option<AlertDescription> {
    Some(match error {
        Error::InvalidMessage(invalid) => match invalid.why {
            Malformed::Truncated | Malformed::TrailingData | Malformed::Empty | Malformed::TooLong => {
                AlertDescription::DECODE_ERROR
            }
            Malformed::IllegalValue | Malformed::Duplicate => AlertDescription::ILLEGAL_PARAMETER,
            Malformed::RecordOverflow => AlertDescription::RECORD_OVERFLOW,
            Malformed::UnknownType | Malformed::NotTls => AlertDescription::UNEXPECTED_MESSAGE,
        },
        Error::PeerMisbehaved(misbehaved) => match misbehaved {
            PeerMisbehaved::UnexpectedMessage { .. }
            | PeerMisbehaved::UnexpectedRecord(_)
            | PeerMisbehaved::TooMany(_) => AlertDescription::UNEXPECTED_MESSAGE,
            PeerMisbehaved::IllegalParameter(_) => AlertDescription::ILLEGAL_PARAMETER,
            PeerMisbehaved::MissingExtension(_) => AlertDescription::MISSING_EXTENSION,
            PeerMisbehaved::UnsupportedExtension(_) => AlertDescription::UNSUPPORTED_EXTENSION,
            PeerMisbehaved::BadSignature | PeerMisbehaved::BadFinished | PeerMisbehaved::BadBinder => {
                AlertDescription::DECRYPT_ERROR
            }
        },
        Error::PeerIncompatible(incompatible) => match incompatible {
            PeerIncompatible::NoTls13 => AlertDescription::PROTOCOL_VERSION,
            PeerIncompatible::NothingInCommon(_) => AlertDescription::HANDSHAKE_FAILURE,
            PeerIncompatible::NoApplicationProtocol => AlertDescription::NO_APPLICATION_PROTOCOL,
        },
        Error::BadCertificate(report) if report.is_of_a_peer => for_check(report.check()),
        Error::BadRecord => AlertDescription::BAD_RECORD_MAC,
        Error::Rejected(alert) => *alert,
        Error::AlertReceived(_)
        | Error::BadCertificate(_)
        | Error::DecryptFailed
        | Error::Truncated
        | Error::ApiMisuse(_)
        | Error::Key(_)
        | Error::Certificate(_)
        | Error::Otp(_)
        | Error::Enrolment(_)
        | Error::Cms(_)
        | Error::Random
        | Error::Internal(_) => return None,
    })
}

const fn for_check(check: Check) -> AlertDescription {
    match check {
        // RFC 8446 §4.4.2.4: a server that requires a certificate says certificate_required.
        Check::Presence => AlertDescription::CERTIFICATE_REQUIRED,
        Check::Format | Check::Signature | Check::Name | Check::Budget => AlertDescription::BAD_CERTIFICATE,
        Check::Issuer => AlertDescription::UNKNOWN_CA,
        Check::NotBefore | Check::NotAfter => AlertDescription::CERTIFICATE_EXPIRED,
        Check::Revocation => AlertDescription::CERTIFICATE_REVOKED,
        Check::KeyUsage | Check::ExtendedKeyUsage | Check::Key => AlertDescription::UNSUPPORTED_CERTIFICATE,
        Check::BasicConstraints | Check::PathLength | Check::NameConstraints => {
            AlertDescription::CERTIFICATE_UNKNOWN
        }
    }
}

impl Error {
    /// The alert that the peer sent, or that it gets from us. `None` for the transport's end, for errors of
    /// our own side alone, and for what fails without a peer (a chain or a message from a file); a running handshake that ends for one of those tells the peer internal_error
    /// (RFC 8446 §6.2).
    pub fn alert(&self) -> Option<AlertDescription> {
        if let Self::AlertReceived(alert) = self {
            return Some(*alert);
        }
        alert_for(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Finding, Report};

    #[test]
    fn what_fails_without_a_peer_has_no_alert() {
        let finding = Finding {
            candidate: 0,
            depth: 0,
            subject: String::new(),
            check: Check::Issuer,
            reason: String::new(),
            hint: String::new(),
        };
        for (error, alert) in [
            (Error::DecryptFailed, AlertDescription::BAD_RECORD_MAC),
            (Report::new(finding).into(), AlertDescription::UNKNOWN_CA),
        ] {
            assert_eq!(error.alert(), None);
            assert_eq!(error.of_a_connection().alert(), Some(alert));
        }
    }
}
