//! Whether a ClientHello resumes a session (RFC 8446 §4.2.11).

use std::sync::Arc;

use crate::codepoints::PskKeyExchangeMode;
use crate::crypto::hash::Digest;
use crate::error::{Error, Result};
use crate::handshake::config::{ClientAuth, MAX_TICKETS, ServerConfig, Tickets};
use crate::handshake::key_schedule::EarlySecret;
use crate::handshake::ticket::TicketState;
use crate::pki::{Chain, Identity, VerifiedPeer};
use crate::time::UnixTime;
use crate::wire::{ClientHello, OfferedPsks};

/// A session that may be resumed: its ticket is ours, and everything that it remembers still holds.
pub(super) struct Resumption {
    pub(super) state: TicketState,
    /// Who we were, and are.
    pub(super) identity: Arc<Identity>,
    /// The client, as it would be judged now.
    pub(super) peer: Option<VerifiedPeer>,
    /// Its place in the client's list.
    pub(super) index: u16,
}

impl Resumption {
    /// The first offered ticket that can be used; `None` means a full handshake.
    pub(super) fn find(
        hello: &ClientHello,
        alpn: Option<&[u8]>,
        config: &ServerConfig,
        now: UnixTime,
    ) -> Result<Option<Self>> {
        let (Some(Tickets { keys, .. }), Some(psks)) =
            (&config.side.tickets, &hello.extensions.pre_shared_key)
        else {
            return Ok(None);
        };
        if !can_resume(hello) {
            return Ok(None);
        }
        // More than we give to a client are not looked at.
        for (index, psk) in (0..).zip(psks.identities.iter().take(MAX_TICKETS)) {
            let Some(state) = keys.open(&psk.identity, now)? else { continue };
            let same = state.server_name == hello.extensions.server_name
                && state.alpn.as_deref() == alpn
                && state.policy == config.policy();
            if !same || !config.keeps_session_of(state.authenticated_at, now) {
                continue;
            }
            let same = |identity: &&Arc<Identity>| *identity.fingerprint() == state.server;
            let Some(identity) = config.side.identities.iter().find(same).map(Arc::clone) else { continue };
            let Some(peer) = judge_client(&state, config, now)? else { continue };
            return Ok(Some(Self { state, identity, peer, index }));
        }
        Ok(None)
    }

    /// The early secret, once the binder shows that the client has the PSK.
    ///
    /// # Errors
    /// RFC 8446 §4.2.11: a binder that does not verify ends the handshake.
    pub(super) fn accept(&self, psks: &OfferedPsks, truncated_hello: &Digest) -> Result<EarlySecret> {
        let early = EarlySecret::with_psk(self.state.suite.hash, &self.state.psk);
        let binder = psks.binders.get(usize::from(self.index));
        let binder = binder.ok_or(Error::Internal("a PSK without a binder"))?;
        early.check_binder(truncated_hello, binder)?;
        Ok(early)
    }
}

/// The client of the ticket by today's configuration: `None` if it has to authenticate anew, and
/// `Some(None)` if it may stay anonymous.
fn judge_client(
    state: &TicketState,
    config: &ServerConfig,
    now: UnixTime,
) -> Result<Option<Option<VerifiedPeer>>> {
    let anonymous = state.client_chain.is_empty();
    Ok(match &config.side.client_auth {
        ClientAuth::ServerOnly => anonymous.then_some(None),
        ClientAuth::Request(_) | ClientAuth::Enrolled(_) if anonymous => Some(None),
        ClientAuth::Require(_) | ClientAuth::Request(_) | ClientAuth::Enrolled(_) => {
            let (trust, role) = config.client_trust()?;
            let chain = Chain::from_der(&state.client_chain);
            chain
                .and_then(|chain| match &state.verdict {
                    Some(verdict) => trust.verify_again(verdict, &chain, &role, now),
                    None => trust.verify(&chain, &role, now),
                })
                .ok()
                .map(Some)
        }
    })
}

/// RFC 8446 §4.2.9: without a Diffie-Hellman exchange nothing is forward secret, so that a client has to offer
/// one with its PSK.
pub(super) fn can_resume(hello: &ClientHello) -> bool {
    let modes = hello.extensions.psk_key_exchange_modes.as_deref().unwrap_or_default();
    modes.contains(&PskKeyExchangeMode::PSK_DHE_KE)
}
