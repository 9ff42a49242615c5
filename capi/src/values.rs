//! The numbers that C passes and gets, other than errors, and what they stand for.

use otls::TraceLevel;
use otls::crypto::hash::HashAlgorithm;
use otls::error::{Error, Result};
use otls::otp::{Decision, Verdict};
use otls::pki::{KeyType, Profile};

/// Octets of a fingerprint: SHA-256.
pub const OTLS_FINGERPRINT_LEN: usize = 32;
/// The most octets of a certificate's serial number (RFC 5280 section 4.1.2.2).
pub const OTLS_SERIAL_MAX_LEN: usize = 20;
/// Octets of the identifier of a one-time password.
pub const OTLS_OTP_ID_LEN: usize = 16;
/// Octets of the mac that chains an audit log.
pub const OTLS_AUDIT_MAC_LEN: usize = 32;
/// The fewest octets of a shared secret of HOTP, TOTP or OCRA (RFC 4226 section 4, R6).
pub const OTLS_OATH_SECRET_MIN_LEN: usize = 16;
/// The most octets of a shared secret of HOTP, TOTP or OCRA.
pub const OTLS_OATH_SECRET_MAX_LEN: usize = 128;

/// Type of a key: RSA with 2048 bits.
pub const OTLS_KEY_RSA_2048: i32 = 1;
/// Type of a key: RSA with 3072 bits.
pub const OTLS_KEY_RSA_3072: i32 = 2;
/// Type of a key: RSA with 4096 bits.
pub const OTLS_KEY_RSA_4096: i32 = 3;
/// Type of a key: ECDSA on P-256.
pub const OTLS_KEY_ECDSA_P256: i32 = 4;
/// Type of a key: ECDSA on P-384.
pub const OTLS_KEY_ECDSA_P384: i32 = 5;
/// Type of a key: Ed25519.
pub const OTLS_KEY_ED25519: i32 = 6;

pub(super) fn key_type(number: i32) -> Result<KeyType> {
    Ok(match number {
        OTLS_KEY_RSA_2048 => KeyType::Rsa2048,
        OTLS_KEY_RSA_3072 => KeyType::Rsa3072,
        OTLS_KEY_RSA_4096 => KeyType::Rsa4096,
        OTLS_KEY_ECDSA_P256 => KeyType::EcdsaP256,
        OTLS_KEY_ECDSA_P384 => KeyType::EcdsaP384,
        OTLS_KEY_ED25519 => KeyType::Ed25519,
        _ => return Err(Error::misuse("an unknown type of key", "pass one of the OTLS_KEY_ numbers")),
    })
}

/// What a trace holds: everything but secrets and data.
pub const OTLS_TRACE_MESSAGES: i32 = 1;
/// What a trace holds: secrets and data as well. Whoever sees them reads the connection.
pub const OTLS_TRACE_SECRETS: i32 = 2;

pub(super) fn trace_level(number: i32) -> Result<TraceLevel> {
    Ok(match number {
        OTLS_TRACE_MESSAGES => TraceLevel::Messages,
        OTLS_TRACE_SECRETS => TraceLevel::Secrets,
        _ => return Err(Error::misuse("an unknown level", "pass one of the OTLS_TRACE_ numbers")),
    })
}

/// Hash of a signature on a request or certificate: SHA-256. RSA and P-256 keys take it.
pub const OTLS_HASH_SHA256: i32 = 1;
/// Hash of a signature on a request or certificate: SHA-384. RSA and P-384 keys take it.
pub const OTLS_HASH_SHA384: i32 = 2;

pub(super) fn hash(number: i32) -> Result<HashAlgorithm> {
    Ok(match number {
        OTLS_HASH_SHA256 => HashAlgorithm::Sha256,
        OTLS_HASH_SHA384 => HashAlgorithm::Sha384,
        _ => return Err(Error::misuse("an unknown hash", "pass one of the OTLS_HASH_ numbers")),
    })
}

/// What a certificate is for: a TLS server.
pub const OTLS_PROFILE_SERVER: i32 = 1;
/// What a certificate is for: a TLS client.
pub const OTLS_PROFILE_CLIENT: i32 = 2;
/// What a certificate is for: a TLS server that is a client too.
pub const OTLS_PROFILE_BOTH: i32 = 3;

pub(super) fn profile(number: i32) -> Result<Profile> {
    Ok(match number {
        OTLS_PROFILE_SERVER => Profile::Server,
        OTLS_PROFILE_CLIENT => Profile::Client,
        OTLS_PROFILE_BOTH => Profile::Both,
        _ => return Err(Error::misuse("an unknown profile", "pass one of the OTLS_PROFILE_ numbers")),
    })
}

/// Octets in the longest record (RFC 8446 section 5.2), `otls_connection_feed_in_place`.
pub const OTLS_MAX_RECORD_LEN: usize = 16645;
/// State of a connection: octets from the peer are wanted, `otls_connection_feed`.
pub const OTLS_STATE_WANT_READ: u32 = 1;
/// State of a connection: octets for the peer are waiting, `otls_connection_pending`.
pub const OTLS_STATE_WANT_WRITE: u32 = 2;
/// State of a connection: a server has read the ClientHello and waits for `otls_connection_configure`.
pub const OTLS_STATE_NEED_CONFIG: u32 = 4;
/// State of a connection: a client is asked for a certificate and waits for
/// `otls_connection_provide_identity`.
pub const OTLS_STATE_NEED_CLIENT_CERT: u32 = 8;
/// State of a connection: decrypted data is waiting, `otls_connection_read`.
pub const OTLS_STATE_HAVE_PLAINTEXT: u32 = 16;
/// State of a connection: our side of the handshake is done, data may be sealed.
pub const OTLS_STATE_HANDSHAKE_DONE: u32 = 32;
/// State of a connection: the peer has accepted us as well; a client learns it from the server's first
/// session ticket (RFC 8446 section 4.6.1).
pub const OTLS_STATE_CONFIRMED: u32 = 64;
/// State of a connection: one side has closed (RFC 8446 section 6.1).
pub const OTLS_STATE_CLOSED: u32 = 128;
/// State of a connection: it failed, `otls_connection_error`.
pub const OTLS_STATE_FAILED: u32 = 256;

/// The customer approves the transaction.
pub const OTLS_DECISION_APPROVED: i32 = 1;
/// The customer declines the transaction.
pub const OTLS_DECISION_DECLINED: i32 = 2;

/// Kind of an OTP message: from the bank, with the code.
pub const OTLS_OTP_ENVELOPE: i32 = 1;
/// Kind of an OTP message: from the customer, the code comes back.
pub const OTLS_OTP_ANSWER: i32 = 2;
/// Kind of an OTP message: from the bank, what the ledger says.
pub const OTLS_OTP_VERDICT: i32 = 3;

/// Verdict on a code: right, in time, for the first time.
pub const OTLS_VERDICT_ACCEPTED: i32 = 1;
/// Verdict on a code: wrong, or right for another subject or transaction; attempts may be left.
pub const OTLS_VERDICT_WRONG: i32 = 2;
/// Verdict on a code: too late.
pub const OTLS_VERDICT_EXPIRED: i32 = 3;
/// Verdict on a code: it was accepted before.
pub const OTLS_VERDICT_USED: i32 = 4;
/// Verdict on a code: too many wrong codes.
pub const OTLS_VERDICT_LOCKED: i32 = 5;
/// Verdict on a code: there is no such code.
pub const OTLS_VERDICT_UNKNOWN: i32 = 6;
/// Verdict on a code: it was withdrawn.
pub const OTLS_VERDICT_CANCELLED: i32 = 7;
/// Verdict on a code: what was typed cannot be one, was not judged, and is no attempt.
pub const OTLS_VERDICT_NOT_A_CODE: i32 = 8;

/// The number of a decision.
pub(super) const fn of_decision(decision: Decision) -> i32 {
    match decision {
        Decision::Approved => OTLS_DECISION_APPROVED,
        Decision::Declined => OTLS_DECISION_DECLINED,
    }
}

/// The number of a verdict, and the attempts that it leaves.
pub(super) const fn of_verdict(verdict: Verdict) -> (i32, u32) {
    match verdict {
        Verdict::Accepted => (OTLS_VERDICT_ACCEPTED, 0),
        Verdict::Wrong { attempts_left } => (OTLS_VERDICT_WRONG, attempts_left),
        Verdict::Expired => (OTLS_VERDICT_EXPIRED, 0),
        Verdict::Used => (OTLS_VERDICT_USED, 0),
        Verdict::Locked => (OTLS_VERDICT_LOCKED, 0),
        Verdict::Cancelled => (OTLS_VERDICT_CANCELLED, 0),
        Verdict::NotACode => (OTLS_VERDICT_NOT_A_CODE, 0),
        // One that this header has no number for was not accepted.
        Verdict::Unknown | _ => (OTLS_VERDICT_UNKNOWN, 0),
    }
}

pub(super) fn verdict(number: i32, attempts_left: u32) -> Result<Verdict> {
    Ok(match number {
        OTLS_VERDICT_ACCEPTED => Verdict::Accepted,
        OTLS_VERDICT_WRONG => Verdict::Wrong { attempts_left },
        OTLS_VERDICT_EXPIRED => Verdict::Expired,
        OTLS_VERDICT_USED => Verdict::Used,
        OTLS_VERDICT_LOCKED => Verdict::Locked,
        OTLS_VERDICT_UNKNOWN => Verdict::Unknown,
        OTLS_VERDICT_CANCELLED => Verdict::Cancelled,
        OTLS_VERDICT_NOT_A_CODE => Verdict::NotACode,
        _ => return Err(Error::misuse("an unknown verdict", "pass one of the OTLS_VERDICT_ numbers")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use otls::State;

    #[test]
    fn the_bits_are_those_of_the_connection() {
        let bits = [
            (OTLS_STATE_WANT_READ, State::WANT_READ),
            (OTLS_STATE_WANT_WRITE, State::WANT_WRITE),
            (OTLS_STATE_NEED_CONFIG, State::NEED_CONFIG),
            (OTLS_STATE_NEED_CLIENT_CERT, State::NEED_CLIENT_CERT),
            (OTLS_STATE_HAVE_PLAINTEXT, State::HAVE_PLAINTEXT),
            (OTLS_STATE_HANDSHAKE_DONE, State::HANDSHAKE_DONE),
            (OTLS_STATE_CONFIRMED, State::CONFIRMED),
            (OTLS_STATE_CLOSED, State::CLOSED),
            (OTLS_STATE_FAILED, State::FAILED),
        ];
        for (bit, state) in bits {
            assert_eq!(bit, state.0);
        }
    }

    #[test]
    fn the_longest_record_is_that_of_the_connection() {
        assert_eq!(OTLS_MAX_RECORD_LEN, otls::Connection::MAX_RECORD_LEN);
    }

    #[test]
    fn the_lengths_of_a_shared_secret_are_those_of_the_library() {
        use otls::otp::oath::SharedSecret;
        assert_eq!(OTLS_OATH_SECRET_MIN_LEN, SharedSecret::MIN_LEN);
        assert_eq!(OTLS_OATH_SECRET_MAX_LEN, SharedSecret::MAX_LEN);
    }

    #[test]
    fn each_verdict_has_a_number_that_leads_back_to_it() {
        for number in OTLS_VERDICT_ACCEPTED..=OTLS_VERDICT_NOT_A_CODE {
            let attempts_left = if number == OTLS_VERDICT_WRONG { 2 } else { 0 };
            assert_eq!(verdict(number, attempts_left).map(of_verdict), Ok((number, attempts_left)));
        }
        assert!(verdict(0, 0).is_err() && verdict(OTLS_VERDICT_NOT_A_CODE + 1, 0).is_err());
    }
}
