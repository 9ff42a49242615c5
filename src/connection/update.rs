//! Replacing the key that we write with (RFC 8446 §4.6.3).

use super::{Connection, Machine};
use crate::error::{Error, Result};
use crate::handshake::{ClientState, Context, ServerState};

impl Connection {
    /// RFC 8446 §5.5: a key is replaced before its limit.
    pub(super) fn renew_write_key(&mut self) -> Result<()> {
        if !self.out.needs_key_update() {
            return Ok(());
        }
        self.replace_write_key(false)
    }

    pub(super) fn replace_write_key(&mut self, update_requested: bool) -> Result<()> {
        let Self { out, opener, facts, machine, .. } = self;
        let mut cx = Context { out, opener, facts, now: self.now };
        match machine {
            Machine::Client(ClientState::Established(state))
            | Machine::Server(ServerState::Established(state)) => {
                state.update_write_key(update_requested, &mut cx)
            }
            Machine::Client(_) | Machine::Server(_) | Machine::Gone => {
                Err(Error::Internal("a key update outside an established connection"))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::Connection;
    use crate::common::{World, deliver};
    use crate::pki::KeyType;

    /// RFC 8446 §5.5 lets an AES-GCM key protect 2^24.5 records.
    const LIMIT: u64 = 1 << 24;

    #[test]
    fn a_key_that_is_near_its_limit_is_replaced_before_the_next_data() {
        let mut pair = World::new(KeyType::EcdsaP256).pair().established();
        // The sequence number of the record after the next data, which comes as record `sequence`.
        let after = |from: &mut Connection, to: &mut Connection, sequence: u64| {
            *from.out.sequence() = sequence;
            *to.opener.as_mut().unwrap().sequence() = sequence;
            assert_eq!(deliver(from, to, b"data"), b"data");
            *from.out.sequence()
        };
        assert_eq!(after(&mut pair.client, &mut pair.server, LIMIT - 1), LIMIT);
        // The data is the first record of the new key.
        assert_eq!(after(&mut pair.client, &mut pair.server, LIMIT), 1);
        assert_eq!(after(&mut pair.server, &mut pair.client, LIMIT), 1);
    }
}
