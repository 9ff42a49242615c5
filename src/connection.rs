//! The sans-I/O connection: bytes in, bytes out, events. One type for both roles.

use std::sync::Arc;

use crate::codepoints::{CipherSuite, NamedGroup, SignatureScheme};
use crate::crypto::Random;
use crate::error::{Error, Result};
use crate::handshake::Config;
use crate::pki::{GeneralName, Identity, VerifiedPeer};
use crate::time::UnixTime;

/// What a connection wants and has, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State(pub u32);

impl State {
    /// Bytes from the peer are wanted: [`Connection::feed`].
    pub const WANT_READ: Self = Self(1);
    /// Bytes for the peer are waiting: [`Connection::pending`].
    pub const WANT_WRITE: Self = Self(1 << 1);
    /// A server has read the ClientHello: [`Connection::offer`], then [`Connection::configure`].
    pub const NEED_CONFIG: Self = Self(1 << 2);
    /// A client was asked for a certificate: [`Connection::certificate_request`], then
    /// [`Connection::provide_identity`].
    pub const NEED_CLIENT_CERT: Self = Self(1 << 3);
    /// Decrypted data is waiting: [`Connection::open`].
    pub const HAVE_PLAINTEXT: Self = Self(1 << 4);
    /// Our side of the handshake is done; data may be sealed.
    pub const HANDSHAKE_DONE: Self = Self(1 << 5);
    /// The peer has accepted us as well: for a server at once with HANDSHAKE_DONE, for a client
    /// with the first record that the server protects with its application keys.
    pub const CONFIRMED: Self = Self(1 << 6);
    /// The peer sent close_notify, or [`Connection::close`] was called.
    pub const CLOSED: Self = Self(1 << 7);
    /// The connection failed: [`Connection::error`].
    pub const FAILED: Self = Self(1 << 8);

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What a client offers, for the server to choose its configuration by. Unknown values are left
/// out of none of the lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Cipher suites, most preferred first.
    pub suites: Vec<CipherSuite>,
    /// Groups, most preferred first.
    pub groups: Vec<NamedGroup>,
    /// Signature schemes of handshakes.
    pub schemes: Vec<SignatureScheme>,
    /// server_name (RFC 6066 §3).
    pub server_name: Option<String>,
    /// ALPN protocols.
    pub alpn: Vec<Vec<u8>>,
}

/// What a server asks a client's certificate to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedCertificate {
    /// Signature schemes of handshakes that the server accepts.
    pub schemes: Vec<SignatureScheme>,
    /// Subjects (DER) of the authorities that it trusts; empty if it did not say.
    pub authorities: Vec<Vec<u8>>,
}

/// A TLS 1.3 connection without I/O.
pub struct Connection(());

impl Connection {
    /// A client that connects to the server of this name; its ClientHello is pending at once.
    ///
    /// `now` is the time at which certificates are judged, until [`Connection::set_time`].
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] for a server's configuration; [`Error::Random`].
    pub fn client(config: Arc<Config>, server_name: GeneralName, now: UnixTime) -> Result<Self> {
        let _ = (config, server_name, now);
        todo!()
    }

    /// A server.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] for a client's configuration.
    pub fn server(config: Arc<Config>, now: UnixTime) -> Result<Self> {
        let _ = (config, now);
        todo!()
    }

    /// A server that chooses its configuration after it has read the ClientHello
    /// ([`State::NEED_CONFIG`]).
    pub fn accept(random: Arc<dyn Random>, now: UnixTime) -> Self {
        let _ = (random, now);
        todo!()
    }

    /// What the client offers, from NEED_CONFIG on.
    pub fn offer(&self) -> Option<&Offer> {
        todo!()
    }

    /// Goes on with this configuration.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] outside NEED_CONFIG or for a client's configuration; what the
    /// handshake says.
    pub fn configure(&mut self, config: Arc<Config>) -> Result<()> {
        let _ = config;
        todo!()
    }

    /// What the server asks for, from NEED_CLIENT_CERT on.
    pub fn certificate_request(&self) -> Option<&RequestedCertificate> {
        todo!()
    }

    /// Goes on with this identity, or with none.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] outside NEED_CLIENT_CERT, or for a key whose schemes the server does
    /// not accept: the connection stays as it is and another may be given.
    pub fn provide_identity(&mut self, identity: Option<Arc<Identity>>) -> Result<()> {
        let _ = identity;
        todo!()
    }

    /// The time at which certificates are judged from now on.
    pub fn set_time(&mut self, now: UnixTime) {
        let _ = now;
        todo!()
    }

    /// Takes bytes that arrived and returns how many were taken. It takes fewer while
    /// NEED_CONFIG, NEED_CLIENT_CERT or undelivered plaintext stand in the way: feed the rest
    /// again after that. Octets after close_notify are ignored (RFC 8446 §6.1).
    ///
    /// # Errors
    /// The first error is final; its alert is pending.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<usize> {
        let _ = bytes;
        todo!()
    }

    /// The transport ended.
    ///
    /// # Errors
    /// [`Error::Truncated`] unless the peer sent close_notify.
    pub fn feed_end(&mut self) -> Result<()> {
        todo!()
    }

    /// Bytes for the peer.
    pub fn pending(&self) -> &[u8] {
        todo!()
    }

    /// Forgets the first `len` octets of [`Connection::pending`]: they were written.
    pub fn consume(&mut self, len: usize) {
        let _ = len;
        todo!()
    }

    /// What the connection wants and has.
    pub fn state(&self) -> State {
        todo!()
    }

    /// Protects application data of any length; it is then pending. Nothing is sealed on an error.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] before HANDSHAKE_DONE or after [`Connection::close`]; the stored error
    /// of a failed connection.
    pub fn seal(&mut self, plaintext: &[u8]) -> Result<()> {
        let _ = plaintext;
        todo!()
    }

    /// Moves decrypted data to the front of `out` and returns the number of octets; 0 where there
    /// is none. The connection's own copy is wiped.
    pub fn open(&mut self, out: &mut [u8]) -> usize {
        let _ = out;
        todo!()
    }

    /// The number of octets that [`Connection::open`] could move now.
    pub fn available(&self) -> usize {
        todo!()
    }

    /// Queues close_notify; the peer may still send.
    pub fn close(&mut self) {
        todo!()
    }

    /// The peer, once its certificate and its possession of the key are verified.
    pub fn peer(&self) -> Option<&VerifiedPeer> {
        todo!()
    }

    /// The identity that we authenticated with.
    pub fn identity(&self) -> Option<&Arc<Identity>> {
        todo!()
    }

    /// The negotiated suite.
    pub fn suite(&self) -> Option<CipherSuite> {
        todo!()
    }

    /// The negotiated group.
    pub fn group(&self) -> Option<NamedGroup> {
        todo!()
    }

    /// The scheme with which the peer signed.
    pub fn peer_scheme(&self) -> Option<SignatureScheme> {
        todo!()
    }

    /// The scheme with which we signed.
    pub fn scheme(&self) -> Option<SignatureScheme> {
        todo!()
    }

    /// Whether we are the server.
    pub fn is_server(&self) -> bool {
        todo!()
    }

    /// Keying material that both sides have and nobody else (RFC 8446 §7.5).
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] before HANDSHAKE_DONE.
    pub fn export(&self, label: &[u8], context: &[u8], out: &mut [u8]) -> Result<()> {
        let _ = (label, context, out);
        todo!()
    }

    /// Why the connection failed.
    pub fn error(&self) -> Option<&Error> {
        todo!()
    }
}
