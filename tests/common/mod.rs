//! What the integration tests share: a small authority and two connections without a network.
#![allow(dead_code, unreachable_pub)]

use std::sync::Arc;
use std::time::Duration;

use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::crypto::sign::KeyAlgorithm;
use otls::otp::{Amount, Transaction};
use otls::pki::{
    Authority, Certificate, CertificateRequest, DistinguishedName, GeneralName, Identity, KeyType,
    PrivateKey, Profile, TrustStore, Validity,
};
use otls::{ClientAuth, ClientConfig, Connection, Error, ServerConfig, State, UnixTime};

/// 2027-01-15T08:00:00Z, the time of all tests.
pub const NOW: UnixTime = UnixTime(1_800_000_000);
pub const DAY: Duration = Duration::from_secs(86_400);

pub fn authority(name: &str) -> Authority {
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
    let subject = DistinguishedName::with_common_name(name);
    Authority::create(key, &subject, HashAlgorithm::Sha256, Validity::new(NOW, 365 * DAY), &SystemRandom)
        .unwrap()
}

pub fn trust(authority: &Authority) -> TrustStore {
    let mut store = TrustStore::new();
    store.add_authority(authority.certificate()).unwrap();
    store
}

pub fn issue(authority: &Authority, key: &PrivateKey, name: &str, profile: Profile) -> Certificate {
    let subject = DistinguishedName::with_common_name(name);
    let names = [GeneralName::parse(name).unwrap()];
    let hash = if key.algorithm() == KeyAlgorithm::EcdsaP384 {
        HashAlgorithm::Sha384
    } else {
        HashAlgorithm::Sha256
    };
    let request = CertificateRequest::create(key, &subject, &names, hash, &SystemRandom).unwrap();
    authority.issue(&request, profile, Validity::new(NOW, DAY), &SystemRandom).unwrap()
}

pub fn identity(authority: &Authority, key_type: KeyType, name: &str, profile: Profile) -> Arc<Identity> {
    let key = PrivateKey::generate(key_type, &SystemRandom).unwrap();
    let certificate = issue(authority, &key, name, profile);
    Arc::new(Identity::new(certificate.into(), key).unwrap())
}

/// An authority, a bank and a customer.
pub struct World {
    pub authority: Authority,
    pub server: Arc<Identity>,
    pub client: Arc<Identity>,
}

impl World {
    pub fn new(key_type: KeyType) -> Self {
        let authority = authority("otls test root");
        let server = identity(&authority, key_type, "bank.example", Profile::Server);
        let client = identity(&authority, key_type, "customer.example", Profile::Client);
        Self { authority, server, client }
    }

    pub fn server_config(&self) -> ServerConfig {
        ServerConfig::new(Arc::clone(&self.server), ClientAuth::Require(trust(&self.authority)))
    }

    pub fn client_config(&self) -> ClientConfig {
        ClientConfig::new(trust(&self.authority)).with_identity(Arc::clone(&self.client))
    }

    pub fn pair(&self) -> Pair {
        Pair::new(self.client_config(), self.server_config())
    }
}

/// What the demo's bank asks its customer.
pub fn payment() -> Transaction {
    Transaction {
        purpose: "transfer".to_owned(),
        amount: Some(Amount::new(10_000_000, "INR").unwrap()),
        payee: Some("your friend's account".to_owned()),
        template: "The OTP for transferring {amount} to {payee} is {code}.".to_owned(),
        ..Transaction::default()
    }
}

pub fn bank_name() -> GeneralName {
    GeneralName::parse("bank.example").unwrap()
}

pub struct Pair {
    pub client: Connection,
    pub server: Connection,
    /// The time of both.
    pub now: UnixTime,
}

impl Pair {
    pub fn new(client: ClientConfig, server: ServerConfig) -> Self {
        Self::of(Connection::client(Arc::new(client), bank_name(), NOW).unwrap(), server)
    }

    pub fn of(client: Connection, server: ServerConfig) -> Self {
        Self { client, server: Connection::server(Arc::new(server)), now: NOW }
    }

    /// Carries bytes both ways until nothing moves; the first error of either side.
    pub fn pump(&mut self) -> Result<(), Error> {
        loop {
            let moved = transfer_at(&mut self.client, &mut self.server, self.now)?
                + transfer_at(&mut self.server, &mut self.client, self.now)?;
            if moved == 0 {
                return Ok(());
            }
        }
    }

    pub fn established(mut self) -> Self {
        self.pump().unwrap();
        assert!(self.client.state().contains(State::HANDSHAKE_DONE));
        assert!(self.client.state().contains(State::CONFIRMED));
        assert!(self.server.state().contains(State::CONFIRMED));
        self
    }
}

/// Moves what is pending from one side to the other, as much as it takes.
pub fn transfer(from: &mut Connection, to: &mut Connection) -> Result<usize, Error> {
    transfer_at(from, to, NOW)
}

/// As [`transfer`], at another time.
pub fn transfer_at(from: &mut Connection, to: &mut Connection, now: UnixTime) -> Result<usize, Error> {
    if from.pending().is_empty() {
        return Ok(0);
    }
    let bytes = from.pending().to_vec();
    let taken = to.feed(&bytes, now)?;
    from.consume(taken);
    Ok(taken)
}

/// All plaintext that is there now.
pub fn read(connection: &mut Connection) -> Vec<u8> {
    let mut data = vec![0; connection.available()];
    let len = connection.read(&mut data);
    assert_eq!(len, data.len());
    data
}

/// Sends `data` and reads all of it on the other side.
pub fn deliver(from: &mut Connection, to: &mut Connection, data: &[u8]) -> Vec<u8> {
    from.seal(data).unwrap();
    let mut received = Vec::new();
    loop {
        let moved = transfer(from, to).unwrap();
        received.extend(read(to));
        if moved == 0 {
            return received;
        }
    }
}
