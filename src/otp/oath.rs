//! One-time passwords from a shared secret: HOTP (RFC 4226), TOTP (RFC 6238) and OCRA (RFC 6287), and the
//! `otpauth` URIs that carry the secret to an authenticator app.
//!
//! Which one:
//! - [`Totp`]: a code for the present half minute, from any authenticator app. It says that somebody has the
//!   secret, and nothing about what is approved.
//! - [`Hotp`]: a code for each press of a button. It has no clock, and stays good until it is used.
//! - [`Ocra`]: an answer to a challenge of the bank's. Where the challenge is made of the transaction, the
//!   code is good for that transaction alone, which supports dynamic linking (PSD2 RTS Article 5).
//!
//! What they are not:
//! - **They are not phishing-resistant.** Whoever gets a customer to type a code on another site can use it
//!   (NIST SP 800-63B-4 §3.2.5). They support a control; they are none by themselves.
//! - **They prove nothing to others.** The secret is shared: the bank can compute every code too, and
//!   so can whoever reads its database.
//! - **They are short.** A million codes are safe only behind a limit on wrong attempts and a delay
//!   (RFC 4226 §7.3), which are the caller's: [`super::Ledger`] has one for codes that the bank issues.
//!
//! A code is accepted once because of what the caller stores: the counter that [`Hotp::verify`] returns, or
//! the [`TotpState`] of [`Totp::verify`]. Store it in the same transaction that acts on the acceptance; of
//! two callers who verify against the same stored value, both are told that the code is right.

mod challenge;
mod code;
mod hotp;
mod ocra;
mod percent;
#[cfg(feature = "qr")]
mod qr;
mod secret;
mod suite;
mod totp;
mod uri;

pub use code::OathCode;
pub use hotp::Hotp;
pub use ocra::{Ocra, OcraInput, Pin};
pub use secret::SharedSecret;
pub use suite::{ChallengeFormat, OcraSuite};
pub use totp::{Totp, TotpState, Window};
pub use uri::OtpAuth;

pub use crate::crypto::oath::OathHash;
