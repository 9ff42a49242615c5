//! What a connection wants and has.

use core::fmt;

use crate::error::Error;

/// What a connection wants and has, as bits.
///
/// ```
/// use otls::State;
///
/// let state = State(State::HANDSHAKE_DONE.0 | State::WANT_READ.0);
/// assert!(state.contains(State::HANDSHAKE_DONE) && !state.contains(State::CLOSED));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct State(pub u32);

impl State {
    /// Bytes from the peer are wanted: [`super::Connection::feed`].
    pub const WANT_READ: Self = Self(1);
    /// Bytes for the peer are waiting: [`super::Connection::pending`].
    pub const WANT_WRITE: Self = Self(1 << 1);
    /// A server has read the ClientHello: [`super::Connection::offer`], then [`super::Connection::configure`].
    pub const NEED_CONFIG: Self = Self(1 << 2);
    /// A client was asked for a certificate: [`super::Connection::certificate_request`], then
    /// [`super::Connection::provide_identity`].
    pub const NEED_CLIENT_CERT: Self = Self(1 << 3);
    /// Decrypted data is waiting: [`super::Connection::read`].
    pub const HAVE_PLAINTEXT: Self = Self(1 << 4);
    /// Our side of the handshake is done; data may be sealed.
    pub const HANDSHAKE_DONE: Self = Self(1 << 5);
    /// The peer has accepted us as well: for a server at once with HANDSHAKE_DONE, for a client
    /// with the server's first session ticket, which RFC 8446 §4.6.1 has it send only after our
    /// Finished. A server that sends no tickets never confirms; application data does not, because
    /// RFC 8446 §4.4.4 lets a server send it before it has judged the client.
    pub const CONFIRMED: Self = Self(1 << 6);
    /// The peer sent close_notify, or [`super::Connection::close`] was called.
    pub const CLOSED: Self = Self(1 << 7);
    /// The connection failed: [`super::Connection::error`].
    pub const FAILED: Self = Self(1 << 8);

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The bits in the order of their numbers.
const NAMES: [(State, &str); 9] = [
    (State::WANT_READ, "WANT_READ"),
    (State::WANT_WRITE, "WANT_WRITE"),
    (State::NEED_CONFIG, "NEED_CONFIG"),
    (State::NEED_CLIENT_CERT, "NEED_CLIENT_CERT"),
    (State::HAVE_PLAINTEXT, "HAVE_PLAINTEXT"),
    (State::HANDSHAKE_DONE, "HANDSHAKE_DONE"),
    (State::CONFIRMED, "CONFIRMED"),
    (State::CLOSED, "CLOSED"),
    (State::FAILED, "FAILED"),
];

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set: Vec<_> =
            NAMES.iter().filter(|(state, _)| self.contains(*state)).map(|(_, name)| *name).collect();
        write!(f, "State({})", set.join(" | "))
    }
}

/// Why a connection does not work in a child.
pub(super) static ELSEWHERE: Error = Error::misuse(
    "a connection of the process that this one was forked from",
    "make the connection after fork(), in the process that uses it",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_a_bit_of_its_own() {
        for (index, (state, _)) in NAMES.into_iter().enumerate() {
            assert_eq!(state.0, 1 << index);
        }
        let both = State(State::WANT_READ.0 | State::FAILED.0);
        assert_eq!(format!("{both:?} {:?}", State::default()), "State(WANT_READ | FAILED) State()");
    }
}
