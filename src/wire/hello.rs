//! ClientHello, ServerHello and HelloRetryRequest (RFC 8446 §4.1).
//!
//! `decode` takes the body, without the four octets of the handshake header; so does `encode`.

use super::extensions::{ClientExtensions, HelloRetryExtensions, ServerExtensions};
use super::{Codec, Reader};
use crate::codepoints::{CipherSuite, ProtocolVersion};
use crate::error::InvalidMessage;

/// The random of a ServerHello that is a HelloRetryRequest: SHA-256 of "HelloRetryRequest"
/// (RFC 8446 §4.1.3).
pub(crate) const HELLO_RETRY_RANDOM: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91, //
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

/// legacy_session_id: at most 32 octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SessionId {
    bytes: [u8; 32],
    len: usize,
}

impl SessionId {
    /// A session identifier of 32 octets.
    pub(crate) const fn full(bytes: [u8; 32]) -> Self {
        Self { bytes, len: 32 }
    }
}

impl AsRef<[u8]> for SessionId {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// ClientHello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientHello {
    pub(crate) legacy_version: ProtocolVersion,
    pub(crate) random: [u8; 32],
    pub(crate) legacy_session_id: SessionId,
    pub(crate) cipher_suites: Vec<CipherSuite>,
    pub(crate) legacy_compression_methods: Vec<u8>,
    pub(crate) extensions: ClientExtensions,
}

/// ServerHello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerHello {
    pub(crate) legacy_version: ProtocolVersion,
    pub(crate) random: [u8; 32],
    pub(crate) legacy_session_id_echo: SessionId,
    pub(crate) cipher_suite: CipherSuite,
    pub(crate) legacy_compression_method: u8,
    pub(crate) extensions: ServerExtensions,
}

/// HelloRetryRequest: a ServerHello with [`HELLO_RETRY_RANDOM`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HelloRetryRequest {
    pub(crate) legacy_version: ProtocolVersion,
    pub(crate) legacy_session_id_echo: SessionId,
    pub(crate) cipher_suite: CipherSuite,
    pub(crate) legacy_compression_method: u8,
    pub(crate) extensions: HelloRetryExtensions,
}

/// What a handshake message of type server_hello holds, told apart by its random.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServerHelloOrRetry {
    ServerHello(ServerHello),
    HelloRetryRequest(HelloRetryRequest),
}

macro_rules! todo_codec { ($($t:ty),*) => { $(impl Codec for $t {
    fn encode(&self, _out: &mut Vec<u8>) { todo!() }
    fn decode(_reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> { todo!() }
})* } }
todo_codec!(ClientHello, ServerHello, HelloRetryRequest, ServerHelloOrRetry);
