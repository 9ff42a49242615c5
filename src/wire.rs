//! Bytes to structs and back (RFC 8446 §4). No keys and no policy: what decodes here may still be
//! refused by the handshake, but nothing malformed gets past.

mod auth;
mod codec;
mod extensions;
mod hello;
mod post_handshake;

pub(crate) use auth::{
    CertificateEntry, CertificateMessage, CertificateRequestMessage, CertificateVerify, EncryptedExtensions,
    Finished,
};
pub(crate) use codec::{Codec, NumberSet, Prefix, Reader, list, opaque, vector};
pub(crate) use extensions::{
    CertificateRequestExtensions, ClientExtensions, EncryptedExtensionsBody, HelloRetryExtensions,
    KeyShareEntry, KeyShares, OfferedPsks, PskIdentity, ServerExtensions,
};
pub(crate) use hello::{
    ClientHello, HELLO_RETRY_RANDOM, HelloRetryRequest, ServerHello, ServerHelloOrRetry, SessionId,
};
pub(crate) use post_handshake::{KeyUpdate, NewSessionTicket};
