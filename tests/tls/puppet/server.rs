//! The puppet as a server, in front of a client.

use std::sync::Arc;

use otls::codepoints::{NamedGroup, SignatureScheme};
use otls::crypto::sign::KeyAlgorithm;
use otls::crypto::{SystemRandom, kx};
use otls::pki::{GeneralName, Identity};
use otls::{ClientConfig, Connection, Error, UnixTime};

use super::*;

/// The client's offer, as far as a server needs it.
pub struct Offer {
    pub session_id: Vec<u8>,
    pub suites: Vec<u16>,
    pub extensions: Extensions,
}

impl Offer {
    fn parse(message: &[u8]) -> Self {
        let mut rest = &message[4 + 2 + 32..];
        let session_id = take8(&mut rest).to_vec();
        let suites = take16(&mut rest).chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        take8(&mut rest); // legacy_compression_methods
        Self { session_id, suites, extensions: parse_extensions(take16(&mut rest)) }
    }

    /// The client's key share of this group.
    pub fn share(&self, group: u16) -> Option<Vec<u8>> {
        let mut list = find(&self.extensions, KEY_SHARE)?;
        let mut list = take16(&mut list);
        while !list.is_empty() {
            let of = u16::from_be_bytes([list[0], list[1]]);
            list = &list[2..];
            let share = take16(&mut list);
            if of == group {
                return Some(share.to_vec());
            }
        }
        None
    }
}

/// ServerHello, or HelloRetryRequest, before it is encoded.
#[derive(Clone)]
pub struct ServerHello {
    pub version: u16,
    pub random: [u8; 32],
    pub session_id: Vec<u8>,
    pub suite: u16,
    pub compression: u8,
    pub extensions: Extensions,
}

impl ServerHello {
    pub fn encode(&self) -> Vec<u8> {
        let body = [
            self.version.to_be_bytes().to_vec(),
            self.random.to_vec(),
            vec8(&self.session_id),
            self.suite.to_be_bytes().to_vec(),
            vec![self.compression],
            extensions(&self.extensions),
        ];
        handshake(SERVER_HELLO, &body.concat())
    }
}

/// RFC 8446 §4.1.3: SHA-256 of "HelloRetryRequest".
pub fn retry_random() -> [u8; 32] {
    sha256(b"HelloRetryRequest").try_into().unwrap()
}

pub struct ServerPuppet {
    pub wire: Wire,
    pub offer: Offer,
    pub identity: Arc<Identity>,
    /// The key that the hello selects, or zeros.
    pub psk: Vec<u8>,
    shared: Vec<u8>,
    handshake_secret: Vec<u8>,
    client_secret: Vec<u8>,
    server_secret: Vec<u8>,
    master: Vec<u8>,
}

impl ServerPuppet {
    /// A client has just sent its ClientHello.
    pub fn new(config: ClientConfig, identity: Arc<Identity>, now: UnixTime) -> Self {
        let name = GeneralName::parse("bank.example").unwrap();
        Self::facing(Connection::client(Arc::new(config), name, now).unwrap(), identity)
    }

    /// In front of this client.
    pub fn facing(connection: Connection, identity: Arc<Identity>) -> Self {
        let mut wire = Wire::new(connection);
        let offer = Offer::parse(&wire.next_message());
        let nothing = Vec::new();
        Self {
            wire,
            offer,
            identity,
            psk: vec![0; 32],
            shared: nothing.clone(),
            handshake_secret: nothing.clone(),
            client_secret: nothing.clone(),
            server_secret: nothing.clone(),
            master: nothing,
        }
    }

    /// A right ServerHello.
    pub fn hello(&mut self) -> ServerHello {
        let share = self.offer.share(X25519).expect("the client offers X25519");
        let (ours, shared) = kx::respond(NamedGroup::X25519, &share, &SystemRandom).unwrap();
        self.shared = shared.expose().to_vec();
        ServerHello {
            version: 0x0303,
            random: [7; 32],
            session_id: self.offer.session_id.clone(),
            suite: AES_128_GCM_SHA256,
            compression: 0,
            extensions: vec![
                (SUPPORTED_VERSIONS, vec![3, 4]),
                (KEY_SHARE, [X25519.to_be_bytes().to_vec(), vec16(&ours)].concat()),
            ],
        }
    }

    /// A right HelloRetryRequest that asks for a share of `group`.
    pub fn retry(&self, group: u16) -> ServerHello {
        ServerHello {
            version: 0x0303,
            random: retry_random(),
            session_id: self.offer.session_id.clone(),
            suite: AES_128_GCM_SHA256,
            compression: 0,
            extensions: vec![(SUPPORTED_VERSIONS, vec![3, 4]), (KEY_SHARE, group.to_be_bytes().to_vec())],
        }
    }

    /// Sends HelloRetryRequest and takes the second ClientHello.
    pub fn send_retry(&mut self, retry: &ServerHello) -> Result<(), Error> {
        // RFC 8446 §4.4.1: the first ClientHello is replaced by its hash.
        self.wire.transcript = handshake(254, &sha256(&self.wire.transcript));
        self.wire.message(&retry.encode())?;
        self.offer = Offer::parse(&self.wire.next_message());
        Ok(())
    }

    /// Sends ServerHello and goes on to the handshake's keys.
    pub fn send_hello(&mut self, hello: &ServerHello) -> Result<(), Error> {
        self.send_hello_and(hello, b"")
    }

    /// With `more` behind it in its record.
    pub fn send_hello_and(&mut self, hello: &ServerHello, more: &[u8]) -> Result<(), Error> {
        let message = hello.encode();
        self.wire.transcript.extend_from_slice(&message);
        let early = extract(&[0; 32], &self.psk);
        self.handshake_secret = extract(&derive(&early, "derived", b""), &self.shared);
        self.client_secret = derive(&self.handshake_secret, "c hs traffic", &self.wire.transcript);
        self.server_secret = derive(&self.handshake_secret, "s hs traffic", &self.wire.transcript);
        self.wire.read_next = Some(Keys::of(&self.client_secret));
        self.wire.handshake(&[&message, more].concat())?;
        self.wire.read = self.wire.read_next.take();
        self.wire.write = Some(Keys::of(&self.server_secret));
        Ok(())
    }

    /// A client that has taken ServerHello.
    pub fn after_hello(config: ClientConfig, identity: Arc<Identity>, now: UnixTime) -> Self {
        let mut puppet = Self::new(config, identity, now);
        let hello = puppet.hello();
        puppet.send_hello(&hello).unwrap();
        puppet
    }

    pub fn encrypted_extensions(&self) -> Vec<u8> {
        handshake(ENCRYPTED_EXTENSIONS, &extensions(&[]))
    }

    pub fn certificate_request(&self) -> Vec<u8> {
        let schemes = vec16(&ECDSA_SECP256R1_SHA256.to_be_bytes());
        handshake(CERTIFICATE_REQUEST, &[vec8(b""), extensions(&[(SIGNATURE_ALGORITHMS, schemes)])].concat())
    }

    pub fn certificate(&self) -> Vec<u8> {
        certificate(b"", self.identity.certificate().to_der(), &[])
    }

    pub fn certificate_verify(&self) -> Vec<u8> {
        certificate_verify(&self.identity, "server", &self.wire.transcript)
    }

    pub fn finished(&self) -> Vec<u8> {
        finished(&self.server_secret, &self.wire.transcript)
    }

    /// Sends EncryptedExtensions, perhaps CertificateRequest, Certificate and CertificateVerify.
    pub fn send_until_finished(&mut self, request: bool) -> Result<(), Error> {
        let extensions = self.encrypted_extensions();
        self.wire.message(&extensions)?;
        if request {
            let request = self.certificate_request();
            self.wire.message(&request)?;
        }
        let certificate = self.certificate();
        self.wire.message(&certificate)?;
        let verify = self.certificate_verify();
        self.wire.message(&verify)
    }

    /// Sends Finished, reads the client's flight, and goes on to the application's keys.
    pub fn send_finished(&mut self) -> Result<(), Error> {
        self.send_finished_and(b"")
    }

    /// With `more` behind it in its record.
    pub fn send_finished_and(&mut self, more: &[u8]) -> Result<(), Error> {
        let finished = self.finished();
        self.wire.transcript.extend_from_slice(&finished);
        self.master = extract(&derive(&self.handshake_secret, "derived", b""), &[0; 32]);
        let client = derive(&self.master, "c ap traffic", &self.wire.transcript);
        let server = derive(&self.master, "s ap traffic", &self.wire.transcript);
        self.wire.read_next = Some(Keys::of(&client));
        self.wire.handshake(&[&finished, more].concat())?;
        while self.wire.try_next_message().ok_or(Error::Truncated)?[0] != FINISHED {}
        self.wire.write = Some(Keys::of(&server));
        Ok(())
    }

    /// Gives the client a ticket; its key.
    pub fn send_ticket(&mut self, ticket: &[u8]) -> Vec<u8> {
        let resumption = derive(&self.master, "res master", &self.wire.transcript);
        self.wire.record(HANDSHAKE, &new_session_ticket(604_800, ticket)).unwrap();
        expand_label(&resumption, "resumption", b"nonce", 32)
    }

    /// A client that is done.
    pub fn established(config: ClientConfig, identity: Arc<Identity>, now: UnixTime) -> Self {
        let mut puppet = Self::after_hello(config, identity, now);
        puppet.send_until_finished(false).unwrap();
        puppet.send_finished().unwrap();
        puppet
    }
}

pub fn new_session_ticket(lifetime: u32, ticket: &[u8]) -> Vec<u8> {
    let body =
        [&lifetime.to_be_bytes()[..], &[0; 4], &vec8(b"nonce"), &vec16(ticket), &extensions(&[])].concat();
    handshake(NEW_SESSION_TICKET, &body)
}

/// A Certificate message with one certificate and its extensions.
pub fn certificate(context: &[u8], der: &[u8], of_entry: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let entry = [vec24(der), extensions(of_entry)].concat();
    handshake(CERTIFICATE, &[vec8(context), vec24(&entry)].concat())
}

pub fn certificate_verify(identity: &Identity, role: &str, transcript: &[u8]) -> Vec<u8> {
    let scheme = match identity.key().algorithm() {
        KeyAlgorithm::EcdsaP384 => SignatureScheme::ECDSA_SECP384R1_SHA384,
        KeyAlgorithm::EcdsaP521 => SignatureScheme::ECDSA_SECP521R1_SHA512,
        KeyAlgorithm::Ed25519 => SignatureScheme::ED25519,
        KeyAlgorithm::EcdsaP256 | KeyAlgorithm::Rsa(_) => SignatureScheme::ECDSA_SECP256R1_SHA256,
    };
    let signature = identity.key().sign(scheme, &to_be_signed(role, transcript), &SystemRandom).unwrap();
    handshake(CERTIFICATE_VERIFY, &[scheme.0.to_be_bytes().to_vec(), vec16(&signature)].concat())
}
