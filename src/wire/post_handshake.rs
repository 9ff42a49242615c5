//! NewSessionTicket and KeyUpdate (RFC 8446 §4.6). Bodies without the handshake header.

use super::{Codec, Reader};
use crate::error::InvalidMessage;

/// NewSessionTicket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewSessionTicket {
    /// Seconds, at most 604,800 (RFC 8446 §4.6.1).
    pub(crate) ticket_lifetime: u32,
    pub(crate) ticket_age_add: u32,
    pub(crate) ticket_nonce: Vec<u8>,
    pub(crate) ticket: Vec<u8>,
    pub(crate) max_early_data_size: Option<u32>,
}

/// KeyUpdate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyUpdate {
    /// update_requested rather than update_not_requested.
    pub(crate) update_requested: bool,
}

macro_rules! todo_codec { ($($t:ty),*) => { $(impl Codec for $t {
    fn encode(&self, _out: &mut Vec<u8>) { todo!() }
    fn decode(_reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> { todo!() }
})* } }
todo_codec!(NewSessionTicket, KeyUpdate);
