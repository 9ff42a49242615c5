//! After the handshake: tickets and key updates (RFC 8446 §4.6), the same for both roles.

use super::config::{MAX_SESSION_LIFETIME, ServerConfig, Tickets};
use super::context::Context;
use super::key_schedule::Traffic;
use super::key_schedule::{ResumptionSecret, TrafficSecret};
use super::session::{Session, SessionMaker, first_end};
use super::suite::SuiteParameters;
use super::ticket::{TICKET_LIFETIME, TicketState};
use super::traced::updated_secret;
use super::unexpected;
use crate::codepoints::HandshakeType;
use crate::error::{Error, Result};
use crate::record::HandshakeMessage;
use crate::time::UnixTime;
use crate::trace::Direction;
use crate::wire::{Codec, KeyUpdate, NewSessionTicket};
use core::time::Duration;

/// An established connection; waits for post-handshake messages.
pub(crate) struct Established {
    traffic: Traffic,
    is_client: bool,
    /// A client that keeps sessions.
    sessions: Option<Box<SessionMaker>>,
    /// An update of ours is queued and nothing has been sent since: RFC 8446 §4.6.3 lets one answer
    /// any number of requests, which bounds what a flood of them makes us queue.
    answered: bool,
    /// We asked for an update that has not come yet.
    requested: bool,
}

impl Established {
    pub(super) fn client(read: TrafficSecret, write: TrafficSecret, sessions: Option<SessionMaker>) -> Self {
        let sessions = sessions.map(Box::new);
        Self {
            traffic: Traffic { read, write },
            is_client: true,
            sessions,
            answered: false,
            requested: false,
        }
    }

    pub(super) fn server(read: TrafficSecret, write: TrafficSecret) -> Self {
        let traffic = Traffic { read, write };
        Self { traffic, is_client: false, sessions: None, answered: false, requested: false }
    }

    pub(super) fn handle(mut self, message: &HandshakeMessage, cx: &mut Context<'_>) -> Result<Self> {
        match message.message_type {
            HandshakeType::KEY_UPDATE => self.key_update(message, cx),
            HandshakeType::NEW_SESSION_TICKET if self.is_client => {
                cx.facts.idle.count()?;
                let ticket = NewSessionTicket::decode_all("NewSessionTicket", message.body())?;
                // RFC 8446 §4.6.1: servers must not use more; clients need not believe it.
                if u64::from(ticket.ticket_lifetime) > MAX_SESSION_LIFETIME.as_secs() {
                    return Err(crate::error::PeerMisbehaved::IllegalParameter("ticket_lifetime").into());
                }
                // RFC 8446 §4.6.1: a ticket is sent after the server has our Finished, so the
                // server has judged our certificate.
                cx.facts.confirmed = true;
                // A lifetime of zero: not to be kept (RFC 8446 §4.6.1).
                if let (Some(maker), 1..) = (&mut self.sessions, ticket.ticket_lifetime) {
                    maker.keep(ticket, cx.now)?;
                }
                Ok(self)
            }
            other => Err(unexpected(other, "KeyUpdate or, for a client, NewSessionTicket")),
        }
    }

    /// Replaces our write key, and asks the peer to do the same or not. The peer is told with the
    /// old key.
    pub(crate) fn update_write_key(&mut self, update_requested: bool, cx: &mut Context<'_>) -> Result<()> {
        let update = KeyUpdate { update_requested };
        cx.out.write_message(HandshakeType::KEY_UPDATE, |out| update.encode(out));
        self.traffic.write = self.traffic.write.next()?;
        updated_secret(cx.out.trace.as_deref_mut(), Direction::Sent, &self.traffic.write)?;
        cx.out.set_sealer(self.traffic.write.sealer()?)?;
        self.answered = true;
        self.requested |= update_requested;
        Ok(())
    }

    /// What was queued has been sent: the next request is answered again.
    pub(crate) fn sent(&mut self) {
        self.answered = false;
    }

    /// The newest session.
    pub(crate) fn take_session(&mut self) -> Option<Session> {
        self.sessions.as_mut()?.made.pop_back()
    }

    fn key_update(mut self, message: &HandshakeMessage, cx: &mut Context<'_>) -> Result<Self, Error> {
        let update = KeyUpdate::decode_all("KeyUpdate", message.body())?;
        if !core::mem::take(&mut self.requested) {
            cx.facts.idle.count()?;
        }
        self.traffic.read = self.traffic.read.next()?;
        updated_secret(cx.out.trace.as_deref_mut(), Direction::Received, &self.traffic.read)?;
        cx.set_opener(self.traffic.read.opener()?);
        if update.update_requested && !self.answered {
            self.update_write_key(false, cx)?;
        }
        Ok(self)
    }
}

/// What tickets remember of a handshake, besides what the connection's facts say.
pub(super) struct TicketFacts {
    pub(super) resumption: ResumptionSecret,
    pub(super) suite: SuiteParameters,
    pub(super) server_name: Option<String>,
    /// When both sides last showed their certificates.
    pub(super) authenticated_at: UnixTime,
    /// The client takes PSKs with a key exchange; to another a ticket is of no use (RFC 8446 §4.2.9).
    pub(super) can_resume: bool,
}

impl TicketFacts {
    /// When a ticket of now ends: its own lifetime, the session's, and the certificates of both sides.
    fn expires_at(&self, config: &ServerConfig, cx: &Context<'_>) -> UnixTime {
        let ours = cx.facts.identity.iter().flat_map(|identity| identity.chain());
        let theirs = cx.facts.peer.iter().flat_map(|peer| peer.path());
        let session = config.end_of_session(self.authenticated_at);
        let ticket = cx.now.plus(Duration::from_secs(u64::from(TICKET_LIFETIME)));
        first_end(ours.chain(theirs), cx.now).into_iter().fold(session.min(ticket), UnixTime::min)
    }
}

/// Queues the tickets that the client may resume with; where there are none, or none that would be of use to
/// it, one that cannot be used: it only tells the client that we have judged it.
pub(super) fn send_tickets(facts: &TicketFacts, config: &ServerConfig, cx: &mut Context<'_>) -> Result<()> {
    let random = config.random.as_ref();
    let mut sent = 0;
    let expires_at = facts.expires_at(config, cx);
    // At most the 12 hours of a ticket.
    let lifetime = u32::try_from(expires_at.0.saturating_sub(cx.now.0)).unwrap_or_default();
    let usable = config.side.tickets.as_ref().filter(|_| facts.can_resume && lifetime > 0);
    if let (Some(Tickets { keys, count }), Some(identity)) = (usable, &cx.facts.identity) {
        let server = *identity.fingerprint();
        let verdict = match &cx.facts.peer {
            Some(peer) => {
                let (trust, role) = config.client_trust()?;
                Some(trust.verdict(peer, &role))
            }
            None => None,
        };
        for nonce in (0..u8::MAX).take(*count) {
            let chain = cx.facts.peer.iter().flat_map(|peer| peer.chain());
            let state = TicketState {
                suite: facts.suite,
                authenticated_at: facts.authenticated_at,
                expires_at,
                psk: facts.resumption.psk(&[nonce])?,
                server,
                server_name: facts.server_name.clone(),
                alpn: cx.facts.alpn.as_deref().map(<[u8]>::to_vec),
                policy: config.policy().to_vec(),
                verdict: verdict.clone(),
                client_chain: chain.map(|certificate| certificate.to_der().to_vec()).collect(),
            };
            let Some(ticket) = keys.seal(&state, random, cx.now)? else { break };
            let mut age_add = [0; 4];
            random.fill(&mut age_add)?;
            send_ticket(lifetime, u32::from_be_bytes(age_add), nonce, ticket, cx);
            sent += 1;
        }
    }
    if sent == 0 {
        let mut ticket = vec![0; 32];
        random.fill(&mut ticket)?;
        // RFC 8446 §4.6.1: a lifetime of zero has the client discard it at once.
        send_ticket(0, 0, 0, ticket, cx);
    }
    Ok(())
}

fn send_ticket(lifetime: u32, age_add: u32, nonce: u8, ticket: Vec<u8>, cx: &mut Context<'_>) {
    let message = NewSessionTicket {
        ticket_lifetime: lifetime,
        ticket_age_add: age_add,
        ticket_nonce: vec![nonce],
        ticket,
        max_early_data_size: None,
    };
    cx.out.write_message(HandshakeType::NEW_SESSION_TICKET, |out| message.encode(out));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use crate::common::{NOW, Pair, World, transfer, transfer_at};
    use crate::crypto::SystemRandom;
    use crate::pki::KeyType;
    use crate::{Session, TicketKeys};

    #[test]
    fn a_session_that_is_over_when_its_ticket_comes_is_not_kept() {
        let world = World::new(KeyType::EcdsaP256);
        let kept = |seconds: u64| {
            let keys = Arc::new(TicketKeys::generate(&SystemRandom, NOW).unwrap());
            let server = world.server_config().with_tickets(keys, 1).unwrap();
            let client = world
                .client_config()
                .with_sessions(1)
                .with_session_lifetime(core::time::Duration::from_secs(100))
                .unwrap();
            let mut pair = Pair::new(client, server);
            for now in [NOW, NOW.plus(core::time::Duration::from_secs(seconds))] {
                transfer(&mut pair.client, &mut pair.server).unwrap();
                transfer_at(&mut pair.server, &mut pair.client, now).unwrap();
            }
            pair.client.take_session()
        };
        assert!(kept(99).is_some());
        assert!(kept(100).is_none());
    }

    #[test]
    fn a_saved_session_comes_back_whole_with_and_without_a_protocol() {
        let world = World::new(KeyType::EcdsaP256);
        for protocols in [&[][..], &[&b"otp/1"[..], b"otp/2"]] {
            let keys = Arc::new(TicketKeys::generate(&SystemRandom, NOW).unwrap());
            let mut server = world.server_config().with_tickets(keys, 1).unwrap();
            let mut client = world.client_config().with_sessions(1);
            if !protocols.is_empty() {
                server = server.with_alpn(protocols).unwrap();
                client = client.with_alpn(protocols).unwrap();
            }
            let mut pair = Pair::new(client, server).established();
            let saved = pair.client.take_session().unwrap().to_bytes();
            let loaded = Session::from_bytes(saved.expose()).unwrap();
            assert_eq!(loaded.to_bytes().expose(), saved.expose());
            assert_eq!(loaded.alpn.as_deref(), protocols.first().copied());
        }
    }
}
