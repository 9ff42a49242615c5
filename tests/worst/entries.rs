//! Every place where otls reads what a stranger sent: each takes octets, and measures what reading them costs.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::est::{EstClient, EstServer, Register};
use otls::otp::oath::{OcraSuite, OtpAuth};
use otls::otp::{Channel, Context, Receipt, SignedDecision, Transaction};
use otls::pki::{
    Authority, Certificate, CertificateRequest, Crl, DistinguishedName, GeneralName, Identity, KeyType,
    PeerRole, PrivateKey, Profile, PublicKey, TrustStore, Validity, VerifyOptions,
};
use otls::{ClientAuth, ClientConfig, Connection, ServerConfig, Session, UnixTime, cms};

use super::chains::{Counted, Root, key, own};
use super::talks;

pub const NOW: UnixTime = UnixTime(1_800_000_000);

/// What is measured is run by this; what comes before it is not measured.
pub type Measure<'a> = &'a mut dyn FnMut(&mut dyn FnMut());

pub struct Entry {
    pub name: &'static str,
    pub run: fn(&World, &[u8], Measure<'_>),
}

/// Who is asked.
pub struct World {
    pub root: Root,
    pub authority: Arc<Authority>,
    pub trust: TrustStore,
    pub bank: Arc<Identity>,
    pub customer: Arc<Identity>,
    pub rsa: Identity,
    /// A customer whose signatures are the dearest to verify for their length.
    pub slow: Arc<Identity>,
}

impl World {
    pub fn new() -> Self {
        let root = Root::new();
        let certificate = Certificate::load(&root.der).unwrap();
        let name = DistinguishedName::with_common_name("Private CA");
        let random = Counted(AtomicU64::new(5 << 32));
        let ca = key(KeyType::EcdsaP256, 6);
        let authority = Authority::create(
            ca,
            &name,
            HashAlgorithm::Sha256,
            Validity::new(NOW, Duration::from_secs(1 << 30)),
            &random,
        )
        .unwrap();
        let identity = |name: &str, kind, seed, profile| {
            let key = key(kind, seed);
            let hash = if kind == KeyType::EcdsaP384 { HashAlgorithm::Sha384 } else { HashAlgorithm::Sha256 };
            let subject = DistinguishedName::with_common_name(name);
            let names = [GeneralName::parse(name).unwrap()];
            let request = CertificateRequest::create(&key, &subject, &names, hash, &random).unwrap();
            let certificate = authority
                .issue(&request, profile, Validity::new(NOW, Duration::from_secs(1 << 29)), &random)
                .unwrap();
            Identity::new(certificate.into(), key).unwrap()
        };
        let bank = identity("bank.example", KeyType::EcdsaP256, 7, Profile::Server);
        let customer = identity("customer.example", KeyType::EcdsaP256, 8, Profile::Client);
        let rsa = identity("rsa.example", KeyType::Rsa2048, 9, Profile::Client);
        let slow = Arc::new(identity("slow.example", KeyType::EcdsaP384, 10, Profile::Client));
        let mut trust = TrustStore::new();
        trust.add_authority(&certificate).unwrap();
        trust.add_authority(authority.certificate()).unwrap();
        let (bank, customer) = (Arc::new(bank), Arc::new(customer));
        Self { root, authority: Arc::new(authority), trust, bank, customer, rsa, slow }
    }

    pub fn server(&self, identity: &Arc<Identity>) -> Connection {
        let config = ServerConfig::new(Arc::clone(identity), ClientAuth::Require(self.trust.clone()));
        Connection::server(Arc::new(config))
    }

    pub fn client(&self, identity: &Arc<Identity>) -> Connection {
        let config = ClientConfig::new(self.trust.clone()).with_identity(Arc::clone(identity));
        Connection::client(Arc::new(config), GeneralName::parse("bank.example").unwrap(), NOW).unwrap()
    }
}

pub const ENTRIES: &[Entry] = &[
    Entry { name: "certificate", run: certificate },
    Entry { name: "certificate, as text", run: certificate_text },
    Entry { name: "chain", run: chain },
    Entry { name: "server, octets", run: server },
    Entry { name: "client, octets", run: client },
    Entry {
        name: "server, a client's certificates",
        run: |world, input, measure| handshake(world, input, true, measure),
    },
    Entry {
        name: "client, a server's certificates",
        run: |world, input, measure| handshake(world, input, false, measure),
    },
    Entry { name: "CMS, signed", run: cms_signed },
    Entry { name: "CMS, encrypted", run: cms_encrypted },
    Entry { name: "EST server", run: est_server },
    Entry { name: "EST client", run: est_client },
    Entry { name: "certificate request", run: request },
    Entry { name: "revocation list", run: list },
    Entry { name: "private key", run: private_key },
    Entry { name: "public key", run: public_key },
    Entry { name: "OTP messages", run: channel },
    Entry { name: "transaction", run: transaction },
    Entry { name: "receipt", run: receipt },
    Entry { name: "evidence", run: evidence },
    Entry { name: "session", run: session },
    Entry { name: "otpauth URI", run: otpauth },
    Entry { name: "OCRA suite", run: ocra },
    Entry { name: "register", run: register },
    Entry { name: "server, protected records", run: talks::server_records },
    Entry { name: "client, protected records", run: talks::client_records },
    Entry { name: "OTP envelopes", run: talks::envelopes },
    Entry { name: "OTP answers", run: talks::answers },
    Entry { name: "mail", run: talks::mail },
    Entry { name: "audit log", run: talks::audit },
];

/// The place of an entry in [`ENTRIES`].
pub fn entry(name: &str) -> usize {
    ENTRIES.iter().position(|entry| entry.name == name).unwrap()
}

/// One certificate after another, as a chain is kept here.
pub fn split(mut chain: &[u8]) -> Vec<Vec<u8>> {
    let mut ders = Vec::new();
    while chain.len() > 4 {
        let len = match chain[1] {
            len @ 0..=0x7F => 2 + usize::from(len),
            0x81 => 3 + usize::from(chain[2]),
            0x82 => 4 + usize::from(u16::from_be_bytes([chain[2], chain[3]])),
            _ => chain.len(),
        };
        let (der, rest) = chain.split_at(len.min(chain.len()));
        ders.push(der.to_vec());
        chain = rest;
    }
    ders
}

fn certificate(_: &World, input: &[u8], measure: Measure<'_>) {
    measure(&mut || drop(Certificate::load_chain(input)));
}

fn certificate_text(_: &World, input: &[u8], measure: Measure<'_>) {
    let Ok(certificate) = Certificate::load(input) else { return };
    measure(&mut || drop(certificate.to_text()));
}

fn chain(world: &World, input: &[u8], measure: Measure<'_>) {
    let chain = split(input);
    measure(&mut || {
        let chain = otls::pki::Chain::from_der(&chain);
        let result = chain.and_then(|chain| world.trust.verify(&chain, &PeerRole::Client, NOW));
        drop(result.map_err(|report| report.to_string()));
    });
}

/// Octets to a connection, as they come from the socket.
fn feed(connection: &mut Connection, mut input: &[u8]) {
    while let Ok(taken @ 1..) = connection.feed(input, NOW) {
        input = &input[taken..];
        let pending = connection.pending().len();
        connection.consume(pending);
    }
}

fn server(world: &World, input: &[u8], measure: Measure<'_>) {
    let mut connection = world.server(&world.bank);
    measure(&mut || feed(&mut connection, input));
}

fn client(world: &World, input: &[u8], measure: Measure<'_>) {
    let mut connection = world.client(&world.customer);
    let pending = connection.pending().len();
    connection.consume(pending);
    measure(&mut || feed(&mut connection, input));
}

/// A handshake whose stranger has this chain; the other side is measured.
fn handshake(world: &World, input: &[u8], of_client: bool, measure: Measure<'_>) {
    let chain: otls::Result<Vec<Certificate>> =
        split(input).iter().map(|der| Certificate::load(der)).collect();
    let Ok(identity) = chain.and_then(|chain| Identity::new(otls::pki::Chain::new(chain)?, own())) else {
        return;
    };
    let identity = Arc::new(identity);
    let mut server = world.server(if of_client { &world.bank } else { &identity });
    let mut client = world.client(if of_client { &identity } else { &world.customer });
    let (stranger, asked) = if of_client { (&mut client, &mut server) } else { (&mut server, &mut client) };
    // A client speaks first, and is not measured for that.
    if !of_client {
        let taken = stranger.feed(asked.pending(), NOW).unwrap();
        asked.consume(taken);
    }
    for _ in 0..4 {
        let octets = stranger.pending().to_vec();
        stranger.consume(octets.len());
        measure(&mut || {
            let mut rest = octets.as_slice();
            while let Ok(taken @ 1..) = asked.feed(rest, NOW) {
                rest = &rest[taken..];
            }
        });
        let octets = asked.pending().to_vec();
        asked.consume(octets.len());
        let mut rest = octets.as_slice();
        while let Ok(taken @ 1..) = stranger.feed(rest, NOW) {
            rest = &rest[taken..];
        }
    }
}

fn cms_signed(world: &World, input: &[u8], measure: Measure<'_>) {
    measure(&mut || drop(cms::verify(input, &VerifyOptions::new(&world.trust, &PeerRole::Client, NOW))));
}

fn cms_encrypted(world: &World, input: &[u8], measure: Measure<'_>) {
    let (trust, role) = (&world.trust, &PeerRole::Client);
    for recipient in [&world.rsa, &*world.customer, &*world.slow] {
        measure(&mut || {
            drop(cms::open(input, recipient, &VerifyOptions::new(trust, role, NOW), &SystemRandom))
        });
    }
}

fn est_server(world: &World, input: &[u8], measure: Measure<'_>) {
    let mut responder =
        EstServer::new(Arc::clone(&world.authority), Profile::Client, Duration::from_secs(3600));
    let mut register = Register::default();
    measure(&mut || drop(responder.feed(input, &mut register, NOW, &SystemRandom)));
}

fn est_client(_: &World, input: &[u8], measure: Measure<'_>) {
    let (mut client, _) = EstClient::cacerts("ttp.example");
    measure(&mut || {
        drop(client.feed(input));
        drop(client.feed_end());
    });
}

fn request(_: &World, input: &[u8], measure: Measure<'_>) {
    measure(&mut || drop(CertificateRequest::load(input)));
}

fn list(_: &World, input: &[u8], measure: Measure<'_>) {
    measure(&mut || drop(Crl::load(input)));
}

fn private_key(_: &World, input: &[u8], measure: Measure<'_>) {
    measure(&mut || drop(PrivateKey::load(input, None)));
}

fn public_key(_: &World, input: &[u8], measure: Measure<'_>) {
    measure(&mut || drop(PublicKey::load(input)));
}

/// What the customer seals for the bank.
fn channel(world: &World, input: &[u8], measure: Measure<'_>) {
    let (mut client, mut server) = (world.client(&world.customer), world.server(&world.bank));
    while !client.pending().is_empty() || !server.pending().is_empty() {
        let taken = server.feed(client.pending(), NOW).unwrap();
        client.consume(taken);
        let taken = client.feed(server.pending(), NOW).unwrap();
        server.consume(taken);
    }
    let mut sent = Vec::new();
    for piece in input.chunks(1 << 14) {
        client.seal(piece).unwrap();
        sent.extend_from_slice(client.pending());
        client.consume(client.pending().len());
    }
    let mut channel = Channel::new();
    measure(&mut || {
        let mut rest = sent.as_slice();
        while let Ok(taken) = server.feed(rest, NOW) {
            rest = &rest[taken..];
            while let Ok(Some(_)) = channel.receive(&mut server, NOW) {}
            if taken == 0 || rest.is_empty() {
                return;
            }
        }
    });
}

fn transaction(_: &World, input: &[u8], measure: Measure<'_>) {
    measure(&mut || {
        let Ok(context) = Context::decode(input) else { return };
        drop(Transaction::from_context(&context).and_then(|transaction| transaction.text_without_code()));
    });
}

fn receipt(_: &World, input: &[u8], measure: Measure<'_>) {
    measure(&mut || drop(SignedDecision::decode(input)));
}

fn evidence(world: &World, input: &[u8], measure: Measure<'_>) {
    measure(&mut || drop(Receipt::load(input).map(|evidence| evidence.verify(&world.trust))));
}

fn session(_: &World, input: &[u8], measure: Measure<'_>) {
    measure(&mut || drop(Session::from_bytes(input)));
}

fn otpauth(_: &World, input: &[u8], measure: Measure<'_>) {
    let Ok(text) = core::str::from_utf8(input) else { return };
    measure(&mut || drop(OtpAuth::parse(text)));
}

fn ocra(_: &World, input: &[u8], measure: Measure<'_>) {
    let Ok(text) = core::str::from_utf8(input) else { return };
    measure(&mut || drop(OcraSuite::parse(text)));
}

fn register(_: &World, input: &[u8], measure: Measure<'_>) {
    let Ok(text) = core::str::from_utf8(input) else { return };
    measure(&mut || drop(Register::from_text(text)));
}
