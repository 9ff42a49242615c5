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

/// One request that was answered, for the operator's log. It has no secrets; the texts come from the
/// client and are free of control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The method and path, for example `POST /.well-known/est/server/simpleenroll`; empty if the
    /// request could not be read.
    pub request: String,
    /// The HTTP status.
    pub status: u16,
    /// Why it was refused, in one line, or which certificate was issued.
    pub outcome: String,
}

impl EstServer {
    /// A responder for one connection. Certificates are issued for `lifetime` seconds.
    pub fn new(authority: Arc<Authority>, default_profile: Profile, lifetime: u64) -> Self {
        let _ = (authority, default_profile, lifetime);
        todo!()
    }

    /// Takes decrypted bytes; returns the whole responses to the requests that are complete. A
    /// certificate that was issued is in `register` before the response is returned: keep the
    /// register before you send.
    ///
    /// Bytes that are not HTTP are answered with a 400, after which [`EstServer::is_done`] is true.
    ///
    /// # Errors
    /// [`crate::Error::Random`], [`crate::Error::Internal`]: nothing was issued; close the connection.
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

    /// What was answered since the last call, oldest first.
    pub fn take_exchanges(&mut self) -> Vec<Exchange> {
        todo!()
    }
}
