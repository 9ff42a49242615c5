//! What the authority has issued: a name belongs to its first key until revoked.

use crate::error::Result;
use crate::time::UnixTime;

/// One issued certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Serial number, big-endian.
    pub serial: Vec<u8>,
    /// The common name.
    pub common_name: String,
    /// SHA-256 of the public key (SubjectPublicKeyInfo).
    pub key_fingerprint: [u8; 32],
    /// notAfter.
    pub not_after: UnixTime,
    /// When it was revoked, if it was.
    pub revoked_at: Option<UnixTime>,
}

/// The register: kept by the caller as text, a line for each entry.
#[derive(Clone, Debug, Default)]
pub struct Register(());

impl Register {
    /// Reads the text that [`Register::to_text`] wrote.
    pub fn from_text(text: &str) -> Result<Self> {
        let _ = text;
        todo!()
    }

    /// The text to keep.
    pub fn to_text(&self) -> String {
        todo!()
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> &[Entry] {
        todo!()
    }

    /// Marks a serial number as revoked; false if there is none.
    pub fn revoke(&mut self, serial: &[u8], now: UnixTime) -> bool {
        let _ = (serial, now);
        todo!()
    }
}
