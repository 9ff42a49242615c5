//! ClientHello, ServerHello and HelloRetryRequest (RFC 8446 §4.1).
//!
//! `decode` takes the body, without the four octets of the handshake header; so does `encode`.

use super::codec::{Prefix, list, opaque};
use super::extensions::{ClientExtensions, HelloRetryExtensions, ServerExtensions};
use super::{Codec, Reader};
use crate::codepoints::{CipherSuite, ProtocolVersion};
use crate::error::{InvalidMessage, Malformed};

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

impl Codec for SessionId {
    fn encode(&self, out: &mut Vec<u8>) {
        opaque(Prefix::One, self.as_ref(), out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        let id = reader.opaque(Prefix::One, 0)?;
        let mut bytes = [0; 32];
        let slot = bytes.get_mut(..id.len()).ok_or(reader.error(Malformed::TooLong))?;
        slot.copy_from_slice(id);
        Ok(Self { bytes, len: id.len() })
    }
}

impl Codec for ClientHello {
    fn encode(&self, out: &mut Vec<u8>) {
        self.legacy_version.encode(out);
        out.extend_from_slice(&self.random);
        self.legacy_session_id.encode(out);
        list(Prefix::Two, &self.cipher_suites, out);
        opaque(Prefix::One, &self.legacy_compression_methods, out);
        self.extensions.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        Ok(Self {
            legacy_version: ProtocolVersion::decode(reader)?,
            random: reader.array()?,
            legacy_session_id: SessionId::decode(reader)?,
            cipher_suites: reader.list(Prefix::Two)?,
            legacy_compression_methods: reader.opaque(Prefix::One, 1)?.to_vec(),
            extensions: ClientExtensions::decode(reader)?,
        })
    }
}

impl Codec for ServerHello {
    fn encode(&self, out: &mut Vec<u8>) {
        Preamble {
            legacy_version: self.legacy_version,
            random: self.random,
            legacy_session_id_echo: self.legacy_session_id_echo,
            cipher_suite: self.cipher_suite,
            legacy_compression_method: self.legacy_compression_method,
        }
        .encode(out);
        self.extensions.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        Preamble::decode(reader)?.into_server_hello(reader)
    }
}

impl Codec for HelloRetryRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        Preamble {
            legacy_version: self.legacy_version,
            random: HELLO_RETRY_RANDOM,
            legacy_session_id_echo: self.legacy_session_id_echo,
            cipher_suite: self.cipher_suite,
            legacy_compression_method: self.legacy_compression_method,
        }
        .encode(out);
        self.extensions.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        let preamble = Preamble::decode(reader)?;
        if preamble.random != HELLO_RETRY_RANDOM {
            return Err(reader.error(Malformed::IllegalValue));
        }
        preamble.into_retry(reader)
    }
}

impl Codec for ServerHelloOrRetry {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::ServerHello(hello) => hello.encode(out),
            Self::HelloRetryRequest(retry) => retry.encode(out),
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        let preamble = Preamble::decode(reader)?;
        if preamble.random == HELLO_RETRY_RANDOM {
            return Ok(Self::HelloRetryRequest(preamble.into_retry(reader)?));
        }
        Ok(Self::ServerHello(preamble.into_server_hello(reader)?))
    }
}

/// What ServerHello and HelloRetryRequest have before their extensions.
struct Preamble {
    legacy_version: ProtocolVersion,
    random: [u8; 32],
    legacy_session_id_echo: SessionId,
    cipher_suite: CipherSuite,
    legacy_compression_method: u8,
}

impl Codec for Preamble {
    fn encode(&self, out: &mut Vec<u8>) {
        self.legacy_version.encode(out);
        out.extend_from_slice(&self.random);
        self.legacy_session_id_echo.encode(out);
        self.cipher_suite.encode(out);
        out.push(self.legacy_compression_method);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        Ok(Self {
            legacy_version: ProtocolVersion::decode(reader)?,
            random: reader.array()?,
            legacy_session_id_echo: SessionId::decode(reader)?,
            cipher_suite: CipherSuite::decode(reader)?,
            legacy_compression_method: reader.u8()?,
        })
    }
}

impl Preamble {
    fn into_server_hello(self, reader: &mut Reader<'_>) -> Result<ServerHello, InvalidMessage> {
        Ok(ServerHello {
            legacy_version: self.legacy_version,
            random: self.random,
            legacy_session_id_echo: self.legacy_session_id_echo,
            cipher_suite: self.cipher_suite,
            legacy_compression_method: self.legacy_compression_method,
            extensions: ServerExtensions::decode(reader)?,
        })
    }

    fn into_retry(self, reader: &mut Reader<'_>) -> Result<HelloRetryRequest, InvalidMessage> {
        Ok(HelloRetryRequest {
            legacy_version: self.legacy_version,
            legacy_session_id_echo: self.legacy_session_id_echo,
            cipher_suite: self.cipher_suite,
            legacy_compression_method: self.legacy_compression_method,
            extensions: HelloRetryExtensions::decode(reader)?,
        })
    }
}
