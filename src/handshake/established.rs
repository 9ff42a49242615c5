//! After the handshake: tickets and key updates (RFC 8446 §4.6), the same for both roles.

use super::key_schedule::TrafficSecret;
use super::output::{Context, Traffic};
use super::transcript::encode_message;
use super::unexpected;
use crate::codepoints::HandshakeType;
use crate::error::{Error, Result};
use crate::record::HandshakeMessage;
use crate::wire::{Codec, KeyUpdate, NewSessionTicket};

/// An established connection; waits for post-handshake messages.
pub(crate) struct Established {
    traffic: Traffic,
    is_client: bool,
    /// An update of ours is queued and nothing has been sent since: RFC 8446 §4.6.3 lets one answer
    /// any number of requests, which bounds what a flood of them makes us queue.
    answered: bool,
}

impl Established {
    pub(super) fn new(read: TrafficSecret, write: TrafficSecret, is_client: bool) -> Self {
        Self { traffic: Traffic { read, write }, is_client, answered: false }
    }

    pub(super) fn handle(self, message: &HandshakeMessage, cx: &mut Context<'_>) -> Result<Self> {
        match message.message_type {
            HandshakeType::KEY_UPDATE => self.key_update(message, cx),
            HandshakeType::NEW_SESSION_TICKET if self.is_client => {
                let ticket = NewSessionTicket::decode_all("NewSessionTicket", message.body())?;
                // RFC 8446 §4.6.1: servers must not use more; clients need not believe it.
                if ticket.ticket_lifetime > MAX_TICKET_LIFETIME {
                    return Err(crate::error::PeerMisbehaved::IllegalParameter("ticket_lifetime").into());
                }
                // RFC 8446 §4.6.1: a ticket is sent after the server has our Finished, so the
                // server has judged our certificate.
                cx.facts.confirmed = true;
                Ok(self)
            }
            other => Err(unexpected(other, "KeyUpdate or, for a client, NewSessionTicket")),
        }
    }

    /// Replaces our write key, and asks the peer to do the same or not. The peer is told with the
    /// old key.
    pub(crate) fn update_write_key(&mut self, update_requested: bool, cx: &mut Context<'_>) -> Result<()> {
        let mut body = Vec::new();
        KeyUpdate { update_requested }.encode(&mut body);
        cx.out.message(&encode_message(HandshakeType::KEY_UPDATE, &body));
        self.traffic.write = self.traffic.write.next()?;
        cx.out.set_sealer(self.traffic.write.sealer()?)?;
        self.answered = true;
        Ok(())
    }

    /// What was queued has been sent: the next request is answered again.
    pub(crate) fn sent(&mut self) {
        self.answered = false;
    }

    fn key_update(mut self, message: &HandshakeMessage, cx: &mut Context<'_>) -> Result<Self, Error> {
        let update = KeyUpdate::decode_all("KeyUpdate", message.body())?;
        self.traffic.read = self.traffic.read.next()?;
        cx.out.set_opener(self.traffic.read.opener()?);
        if update.update_requested && !self.answered {
            self.update_write_key(false, cx)?;
        }
        Ok(self)
    }
}

/// Seven days, in seconds (RFC 8446 §4.6.1).
const MAX_TICKET_LIFETIME: u32 = 604_800;

/// Queues a ticket that cannot be used: it only tells the client that we have judged it.
pub(super) fn send_confirmation(random: &dyn crate::crypto::Random, cx: &mut Context<'_>) -> Result<()> {
    let mut ticket = vec![0; 32];
    random.fill(&mut ticket)?;
    // RFC 8446 §4.6.1: a lifetime of zero has the client discard it at once.
    let message = NewSessionTicket {
        ticket_lifetime: 0,
        ticket_age_add: 0,
        ticket_nonce: vec![0],
        ticket,
        max_early_data_size: None,
    };
    let mut body = Vec::new();
    message.encode(&mut body);
    cx.out.message(&encode_message(HandshakeType::NEW_SESSION_TICKET, &body));
    Ok(())
}
