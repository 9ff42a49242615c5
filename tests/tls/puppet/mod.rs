//! A TLS 1.3 peer that says what it is told, right or wrong, to a real [`Connection`].
//!
//! It speaks TLS_AES_128_GCM_SHA256 over X25519 and derives its keys itself (RFC 8446 §7.1), so that a fault
//! of the library's is not repeated here.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing
)]

mod both;
mod client;
mod server;
mod weak;
mod wire;

use otls::codepoints::AlertDescription;
use otls::crypto::aead::{AeadAlgorithm, AeadKey};
use otls::crypto::hash::{HashAlgorithm, digest};
use otls::crypto::hkdf::Prk;
use otls::crypto::hmac::HmacKey;
use otls::{Connection, Error, State, UnixTime};

pub use both::*;
pub use client::*;
pub use server::*;
pub use weak::*;
pub use wire::*;

pub const SHA256: HashAlgorithm = HashAlgorithm::Sha256;

pub fn sha256(data: &[u8]) -> Vec<u8> {
    digest(SHA256, data).as_ref().to_vec()
}

/// HKDF-Expand-Label (RFC 8446 §7.1).
pub fn expand_label(secret: &[u8], label: &str, context: &[u8], len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    let info = [&(len as u16).to_be_bytes()[..], &vec8(format!("tls13 {label}").as_bytes()), &vec8(context)]
        .concat();
    Prk::from_secret(SHA256, secret).unwrap().expand(&[&info], &mut out).unwrap();
    out
}

/// HKDF-Extract; the secrets in between are octets here, and so can be looked at.
pub fn extract(salt: &[u8], ikm: &[u8]) -> Vec<u8> {
    HmacKey::new(SHA256, salt).sign(&[ikm]).as_ref().to_vec()
}

/// Derive-Secret.
pub fn derive(secret: &[u8], label: &str, transcript: &[u8]) -> Vec<u8> {
    expand_label(secret, label, &sha256(transcript), 32)
}

/// One direction's keys and sequence number.
pub struct Keys {
    pub secret: Vec<u8>,
    key: AeadKey,
    iv: [u8; 12],
    pub sequence: u64,
}

impl Keys {
    pub fn of(secret: &[u8]) -> Self {
        let key = AeadKey::new(AeadAlgorithm::Aes128Gcm, &expand_label(secret, "key", b"", 16)).unwrap();
        let iv = expand_label(secret, "iv", b"", 12).try_into().unwrap();
        Self { secret: secret.to_vec(), key, iv, sequence: 0 }
    }

    /// RFC 8446 §7.2.
    pub fn next_generation(&self) -> Self {
        Self::of(&expand_label(&self.secret, "traffic upd", b"", 32))
    }

    fn nonce(&self) -> [u8; 12] {
        let mut nonce = self.iv;
        for (octet, count) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *octet ^= count;
        }
        nonce
    }

    /// A record of `inner`, which is the content, its type and padding.
    pub fn seal(&mut self, inner: &[u8]) -> Vec<u8> {
        let header = record_header(APPLICATION_DATA, inner.len() + 16);
        let mut buffer = inner.to_vec();
        self.key.seal(&self.nonce(), &header, &mut buffer, 0).unwrap();
        self.sequence += 1;
        [header.to_vec(), buffer].concat()
    }

    /// Content and type.
    pub fn open(&mut self, record: &[u8]) -> Option<(Vec<u8>, u8)> {
        let mut buffer = record[5..].to_vec();
        let len = self.key.open(&self.nonce(), &record[..5], &mut buffer).ok()?;
        self.sequence += 1;
        buffer.truncate(len);
        while buffer.last() == Some(&0) {
            buffer.pop();
        }
        let content_type = buffer.pop()?;
        Some((buffer, content_type))
    }
}

/// How a handshake message is laid into records: the content of each, none for a message to be held back.
pub type Shape = Box<dyn FnMut(&[u8]) -> Vec<Vec<u8>>>;

/// What both roles of a puppet have: the connection that it plays with, and where they are.
pub struct Wire {
    pub connection: Connection,
    pub transcript: Vec<u8>,
    /// What the connection sent and the puppet has not looked at.
    inbox: Vec<u8>,
    /// Handshake messages of opened records.
    messages: Vec<u8>,
    pub read: Option<Keys>,
    /// For what comes after the connection's Finished.
    pub read_next: Option<Keys>,
    pub write: Option<Keys>,
    pub shape: Shape,
    pub now: UnixTime,
    /// Plaintext that the connection gave.
    received: Vec<u8>,
}

impl Wire {
    pub fn new(connection: Connection) -> Self {
        let nothing = Vec::new();
        Self {
            connection,
            transcript: nothing.clone(),
            inbox: nothing.clone(),
            messages: nothing.clone(),
            read: None,
            read_next: None,
            write: None,
            shape: Box::new(|message| vec![message.to_vec()]),
            now: crate::common::NOW,
            received: nothing,
        }
    }

    /// Gives the connection these octets as they are.
    pub fn raw(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let taken = self.connection.feed(bytes, self.now)?;
            let read = self.take_plaintext();
            assert!(taken > 0 || read, "the connection takes no more");
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    fn take_plaintext(&mut self) -> bool {
        let start = self.received.len();
        self.received.resize(start + self.connection.available(), 0);
        self.connection.read(&mut self.received[start..]) > 0
    }

    /// All plaintext until now.
    pub fn received(&mut self) -> Vec<u8> {
        self.take_plaintext();
        std::mem::take(&mut self.received)
    }

    /// Sends one record, sealed where there are keys.
    pub fn record(&mut self, content_type: u8, content: &[u8]) -> Result<(), Error> {
        let record = self.sealed(content_type, content);
        self.raw(&record)
    }

    pub fn sealed(&mut self, content_type: u8, content: &[u8]) -> Vec<u8> {
        match &mut self.write {
            Some(keys) => keys.seal(&[content, &[content_type]].concat()),
            None => [&record_header(content_type, content.len())[..], content].concat(),
        }
    }

    /// Sends a handshake message, in a record of its own if the shape is not another, and puts it into the
    /// transcript.
    pub fn message(&mut self, message: &[u8]) -> Result<(), Error> {
        self.transcript.extend_from_slice(message);
        self.handshake(message)
    }

    /// The same for a message that is in the transcript already.
    pub fn handshake(&mut self, message: &[u8]) -> Result<(), Error> {
        (self.shape)(message).iter().try_for_each(|content| self.record(HANDSHAKE, content))
    }

    pub fn drain(&mut self) {
        let pending = self.connection.pending().to_vec();
        self.connection.consume(pending.len());
        self.inbox.extend(pending);
    }

    /// The next record of the connection's, opened: content and type.
    pub fn next_record(&mut self) -> Option<(Vec<u8>, u8)> {
        self.drain();
        if self.inbox.len() < 5 {
            return None;
        }
        let len = 5 + usize::from(u16::from_be_bytes([self.inbox[3], self.inbox[4]]));
        let record: Vec<u8> = self.inbox.drain(..len).collect();
        if record[0] != APPLICATION_DATA {
            return Some((record[5..].to_vec(), record[0]));
        }
        let opened = self.read.as_mut().and_then(|keys| keys.open(&record));
        if opened.is_some() {
            return opened;
        }
        // The connection has gone on to its next keys.
        self.read = self.read_next.take();
        let opened = self.read.as_mut().and_then(|keys| keys.open(&record));
        Some(opened.expect("a record that the puppet cannot open"))
    }

    /// The next handshake message of the connection's, which goes into the transcript.
    pub fn next_message(&mut self) -> Vec<u8> {
        self.try_next_message().expect("a handshake message is missing")
    }

    pub fn try_next_message(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(len) = message_len(&self.messages)
                && self.messages.len() >= len
            {
                let message: Vec<u8> = self.messages.drain(..len).collect();
                self.transcript.extend_from_slice(&message);
                return Some(message);
            }
            match self.next_record()? {
                (content, HANDSHAKE) => self.messages.extend(content),
                (_, CHANGE_CIPHER_SPEC) => {}
                (content, other) => panic!("record of type {other}: {content:?}"),
            }
        }
    }

    /// The connection refused: what it returned, its state, and on the wire this alert and nothing after it.
    #[track_caller]
    pub fn refused(&mut self, result: Result<(), Error>, expected: AlertDescription) {
        let error = result.expect_err("the connection accepted it");
        let mut alert = None;
        while let Some((content, content_type)) = self.next_record() {
            assert!(alert.is_none(), "a record of type {content_type} behind the alert");
            if content_type == ALERT {
                alert = Some(content);
            }
        }
        // RFC 8446 §6.2: the level is fatal.
        assert_eq!(alert, Some(vec![2, expected.0]), "{error}; expected {expected}");
        assert!(self.connection.state().contains(State::FAILED));
        assert!(self.connection.feed(&[0], self.now).is_err(), "it goes on after an error");
        assert!(self.connection.pending().is_empty());
    }
}

pub fn finished(secret: &[u8], transcript: &[u8]) -> Vec<u8> {
    let key = expand_label(secret, "finished", b"", 32);
    handshake(FINISHED, HmacKey::new(SHA256, &key).sign(&[&sha256(transcript)]).as_ref())
}

/// What CertificateVerify signs (RFC 8446 §4.4.3).
pub fn to_be_signed(role: &str, transcript: &[u8]) -> Vec<u8> {
    let context = format!("TLS 1.3, {role} CertificateVerify");
    [&[0x20; 64][..], context.as_bytes(), &[0], &sha256(transcript)].concat()
}

/// A message whose last octet is another.
pub fn broken(mut message: Vec<u8>) -> Vec<u8> {
    if let Some(last) = message.last_mut() {
        *last ^= 1;
    }
    message
}
