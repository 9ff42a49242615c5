//! The puppet as a client, in front of a server.

use std::sync::Arc;

use otls::codepoints::NamedGroup;
use otls::crypto::SystemRandom;
use otls::crypto::kx::KeyExchange;
use otls::pki::Identity;
use otls::{Connection, Error, ServerConfig, UnixTime};

use super::server::{certificate, certificate_verify};
use super::*;

/// ClientHello before it is encoded.
#[derive(Clone)]
pub struct ClientHello {
    pub version: u16,
    pub random: [u8; 32],
    pub session_id: Vec<u8>,
    pub suites: Vec<u16>,
    pub compression: Vec<u8>,
    pub extensions: Extensions,
}

impl ClientHello {
    pub fn encode(&self) -> Vec<u8> {
        let suites: Vec<u8> = self.suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
        let body = [
            self.version.to_be_bytes().to_vec(),
            self.random.to_vec(),
            vec8(&self.session_id),
            vec16(&suites),
            vec8(&self.compression),
            extensions(&self.extensions),
        ];
        handshake(CLIENT_HELLO, &body.concat())
    }
}

/// A ticket that the server gave, and the key that goes with it (RFC 8446 §4.6.1).
pub struct Ticket {
    pub ticket: Vec<u8>,
    pub age_add: u32,
    pub psk: Vec<u8>,
}

pub struct ClientPuppet {
    pub wire: Wire,
    pub identity: Arc<Identity>,
    pub exchange: Option<KeyExchange>,
    /// The key that is offered, or zeros.
    pub psk: Vec<u8>,
    handshake_secret: Vec<u8>,
    client_secret: Vec<u8>,
    server_secret: Vec<u8>,
    master: Vec<u8>,
    application: Vec<u8>,
}

impl ClientPuppet {
    pub fn new(config: ServerConfig, identity: Arc<Identity>, now: UnixTime) -> Self {
        let connection = Connection::server(Arc::new(config));
        let exchange = KeyExchange::start(NamedGroup::X25519, &SystemRandom).unwrap();
        let nothing = Vec::new();
        Self {
            wire: Wire { now, ..Wire::new(connection) },
            identity,
            exchange: Some(exchange),
            psk: vec![0; 32],
            handshake_secret: nothing.clone(),
            client_secret: nothing.clone(),
            server_secret: nothing.clone(),
            master: nothing.clone(),
            application: nothing,
        }
    }

    pub fn share(&self) -> Vec<u8> {
        let share = self.exchange.as_ref().unwrap().public_share();
        [X25519.to_be_bytes().to_vec(), vec16(share)].concat()
    }

    /// A right ClientHello.
    pub fn hello(&self) -> ClientHello {
        let list =
            |numbers: &[u16]| vec16(&numbers.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>());
        ClientHello {
            version: 0x0303,
            random: [3; 32],
            session_id: vec![9; 32],
            suites: vec![AES_128_GCM_SHA256],
            compression: vec![0],
            extensions: vec![
                (SUPPORTED_VERSIONS, vec8(&[3, 4])),
                (SUPPORTED_GROUPS, list(&[X25519, SECP256R1])),
                (SIGNATURE_ALGORITHMS, list(&[ECDSA_SECP256R1_SHA256])),
                (PSK_KEY_EXCHANGE_MODES, vec8(&[1])),
                (KEY_SHARE, vec16(&self.share())),
            ],
        }
    }

    /// Sends ClientHello; the server's ServerHello is read, and the handshake's keys follow.
    pub fn send_hello(&mut self, hello: &ClientHello) -> Result<(), Error> {
        self.wire.message(&hello.encode())?;
        self.take_server_hello();
        Ok(())
    }

    pub fn take_server_hello(&mut self) -> Vec<u8> {
        let message = self.wire.next_message();
        assert_eq!(message[0], SERVER_HELLO);
        let mut rest = &message[4 + 2 + 32..];
        take8(&mut rest);
        rest = &rest[3..];
        let list = parse_extensions(take16(&mut rest));
        let share = find(&list, KEY_SHARE).expect("a key share")[4..].to_vec();
        let shared = self.exchange.take().unwrap().finish(&share).unwrap();
        let early = extract(&[0; 32], &self.psk);
        self.handshake_secret = extract(&derive(&early, "derived", b""), shared.expose());
        self.client_secret = derive(&self.handshake_secret, "c hs traffic", &self.wire.transcript);
        self.server_secret = derive(&self.handshake_secret, "s hs traffic", &self.wire.transcript);
        self.wire.read = Some(Keys::of(&self.server_secret));
        self.wire.write = Some(Keys::of(&self.client_secret));
        message
    }

    /// Reads up to the server's Finished; the types of the messages.
    pub fn take_flight(&mut self) -> Vec<u8> {
        let mut types = Vec::new();
        while types.last() != Some(&FINISHED) {
            types.push(self.wire.next_message()[0]);
        }
        self.master = extract(&derive(&self.handshake_secret, "derived", b""), &[0; 32]);
        self.application = derive(&self.master, "c ap traffic", &self.wire.transcript);
        self.wire.read_next = Some(Keys::of(&derive(&self.master, "s ap traffic", &self.wire.transcript)));
        types
    }

    /// A server that has sent its flight and waits for the client's.
    pub fn after_flight(config: ServerConfig, identity: Arc<Identity>, now: UnixTime) -> Self {
        let mut puppet = Self::new(config, identity, now);
        let hello = puppet.hello();
        puppet.send_hello(&hello).unwrap();
        puppet.take_flight();
        puppet
    }

    pub fn certificate(&self) -> Vec<u8> {
        certificate(b"", self.identity.certificate().to_der(), &[])
    }

    pub fn certificate_verify(&self) -> Vec<u8> {
        certificate_verify(&self.identity, "client", &self.wire.transcript)
    }

    pub fn finished(&self) -> Vec<u8> {
        finished(&self.client_secret, &self.wire.transcript)
    }

    /// Sends Certificate and CertificateVerify where asked for, and Finished; then the application's keys.
    pub fn send_flight(&mut self, with_certificate: bool) -> Result<(), Error> {
        if with_certificate {
            let certificate = self.certificate();
            self.wire.message(&certificate)?;
            let verify = self.certificate_verify();
            self.wire.message(&verify)?;
        }
        let finished = self.finished();
        self.wire.message(&finished)?;
        self.wire.write = Some(Keys::of(&self.application));
        Ok(())
    }

    /// A server that is done.
    pub fn established(config: ServerConfig, identity: Arc<Identity>, now: UnixTime) -> Self {
        let mut puppet = Self::after_flight(config, identity, now);
        puppet.send_flight(true).unwrap();
        puppet
    }

    /// The first ticket that the server sends.
    pub fn take_ticket(&mut self) -> Ticket {
        let resumption = derive(&self.master, "res master", &self.wire.transcript);
        let message = self.wire.next_message();
        assert_eq!(message[0], NEW_SESSION_TICKET);
        let age_add = u32::from_be_bytes(message[8..12].try_into().unwrap());
        let mut rest = &message[12..];
        let nonce = take8(&mut rest);
        let psk = expand_label(&resumption, "resumption", nonce, 32);
        Ticket { ticket: take16(&mut rest).to_vec(), age_add, psk }
    }

    /// Adds pre_shared_key with this ticket to `hello`, with a right binder (RFC 8446 §4.2.11.2).
    pub fn offer(&mut self, hello: &mut ClientHello, ticket: &Ticket) {
        let identity = [vec16(&ticket.ticket), ticket.age_add.to_be_bytes().to_vec()].concat();
        let data = |binder: &[u8]| [vec16(&identity), vec16(&vec8(binder))].concat();
        set(&mut hello.extensions, PRE_SHARED_KEY, data(&[0; 32]));
        let encoded = hello.encode();
        let truncated = &encoded[..encoded.len() - 35];
        let binder_key = derive(&extract(&[0; 32], &ticket.psk), "res binder", b"");
        let binder = finished(&binder_key, &[&self.wire.transcript, truncated].concat())[4..].to_vec();
        set(&mut hello.extensions, PRE_SHARED_KEY, data(&binder));
        self.psk = ticket.psk.clone();
    }
}
