//! NewSessionTicket and KeyUpdate (RFC 8446 §4.6). Bodies without the handshake header.

use super::codec::{Prefix, opaque, vector};
use super::extensions::ticket_early_data;
use super::{Codec, Reader};
use crate::codepoints::ExtensionType;
use crate::error::{InvalidMessage, Malformed};

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

impl Codec for NewSessionTicket {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.ticket_lifetime.to_be_bytes());
        out.extend_from_slice(&self.ticket_age_add.to_be_bytes());
        opaque(Prefix::One, &self.ticket_nonce, out);
        opaque(Prefix::Two, &self.ticket, out);
        vector(Prefix::Two, out, |out| {
            if let Some(size) = self.max_early_data_size {
                ExtensionType::EARLY_DATA.encode(out);
                opaque(Prefix::Two, &size.to_be_bytes(), out);
            }
        });
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        Ok(Self {
            ticket_lifetime: reader.u32()?,
            ticket_age_add: reader.u32()?,
            ticket_nonce: reader.opaque(Prefix::One, 0)?.to_vec(),
            ticket: reader.opaque(Prefix::Two, 1)?.to_vec(),
            max_early_data_size: ticket_early_data(reader)?,
        })
    }
}

/// KeyUpdate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyUpdate {
    /// update_requested rather than update_not_requested.
    pub(crate) update_requested: bool,
}

impl Codec for KeyUpdate {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.update_requested));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        match reader.u8()? {
            0 => Ok(Self { update_requested: false }),
            1 => Ok(Self { update_requested: true }),
            // RFC 8446 §4.6.3: any other value is an illegal_parameter.
            _ => Err(reader.error(Malformed::IllegalValue)),
        }
    }
}
