//! The server's half.

use std::sync::Arc;

use super::Register;
use crate::crypto::Random;
use crate::error::Result;
use crate::pki::{Authority, Profile};
use crate::time::UnixTime;

/// Answers one client's HTTP requests: cacerts and simpleenroll, both under `/.well-known/est/` and
/// with the label `server` or `client` (`/.well-known/est/server/simpleenroll`), which names the
/// profile.
pub struct EstServer(());

impl EstServer {
    /// A responder for one connection.
    pub fn new(authority: Arc<Authority>, default_profile: Profile, lifetime: u64) -> Self {
        let _ = (authority, default_profile, lifetime);
        todo!()
    }

    /// Takes decrypted bytes; returns the whole responses to the requests that are complete. A
    /// certificate that was issued is in `register` before the response is returned: keep the
    /// register before you send.
    ///
    /// # Errors
    /// [`crate::Error::Enrolment`] for bytes that are not HTTP; send what it returned before, close.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        register: &mut Register,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Vec<u8>> {
        let _ = (bytes, register, now, random);
        todo!()
    }

    /// Whether the last response ends the connection.
    pub fn is_done(&self) -> bool {
        todo!()
    }
}
