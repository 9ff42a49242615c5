//! What the fuzz targets share: an authority, a bank and a customer, and a random source that gives
//! the same octets in every run, so that an input that fails once fails always.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use otls::cms;
use otls::codepoints::SignatureScheme;
use otls::crypto::hash::{HashAlgorithm, digest};
use otls::crypto::hmac::HmacKey;
use otls::crypto::{Random, SystemRandom};
use otls::pki::{
    Authority, AuthorityTerms, CertificateRequest, DistinguishedName, GeneralName, Identity, KeyType,
    PrivateKey, Profile, TrustStore, Validity,
};
use otls::{ClientAuth, ClientConfig, Connection, Result, ServerConfig, UnixTime};

/// 2027-01-15T08:00:00Z.
pub const NOW: UnixTime = UnixTime(1_800_000_000);

pub struct World {
    pub authority: Arc<Authority>,
    pub bank: Arc<Identity>,
    pub customer: Arc<Identity>,
    /// An authority below the first, and what it has issued.
    pub branch: Authority,
    pub below: Arc<Identity>,
}

/// Made once in a process.
pub static WORLD: LazyLock<World> = LazyLock::new(|| {
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
    let subject = DistinguishedName::with_common_name("fuzz root");
    let authority = Authority::create(
        key,
        &subject,
        HashAlgorithm::Sha256,
        AuthorityTerms::new(Validity::new(NOW, Duration::from_secs(1 << 25))).with_path_len(1),
        &SystemRandom,
    )
    .unwrap();
    let bank = identity(&authority, "bank.example", Profile::Server);
    let customer = identity(&authority, "customer.example", Profile::Client);
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
    let asked = request_with(&key, "branch.example");
    let profile = Profile::Ca { path_len: 0 };
    let branch = authority
        .issue(&asked, profile, Validity::new(NOW, Duration::from_secs(1 << 24)), &SystemRandom)
        .unwrap();
    let branch = Authority::load(branch, key, HashAlgorithm::Sha256).unwrap();
    let below = identity(&branch, "bank.example", Profile::Both);
    World { authority: Arc::new(authority), bank, customer, branch, below }
});

impl World {
    pub fn trust(&self) -> TrustStore {
        let mut store = TrustStore::new();
        store.add_authority(self.authority.certificate()).unwrap();
        store
    }

    pub fn client(&self) -> Connection {
        let config = ClientConfig::new(self.trust())
            .with_identity(Arc::clone(&self.customer))
            .with_random(Arc::new(Counted::default()));
        Connection::client(Arc::new(config), bank_name(), NOW).unwrap()
    }

    pub fn server_config(&self) -> Arc<ServerConfig> {
        let config = ServerConfig::new(Arc::clone(&self.bank), ClientAuth::Require(self.trust()));
        Arc::new(config.with_random(Arc::new(Counted::default())))
    }

    /// Client and server, done with their handshake.
    pub fn pair(&self) -> (Connection, Connection) {
        let mut client = self.client();
        let mut server = Connection::server(self.server_config());
        while !client.pending().is_empty() || !server.pending().is_empty() {
            transfer(&mut client, &mut server).unwrap();
            transfer(&mut server, &mut client).unwrap();
        }
        (client, server)
    }
}

/// Those who write to each other by mail. Keys and serial numbers are the same in every run, so that a message
/// that was kept is still for them.
pub struct MailWorld {
    pub authority: Authority,
    pub bank: Identity,
    pub customer: Identity,
    pub rsa_customer: Identity,
    pub sealed: Vec<u8>,
    pub signed: Vec<u8>,
}

pub static MAIL: LazyLock<MailWorld> = LazyLock::new(|| {
    let key = PrivateKey::generate(KeyType::EcdsaP256, &Counted::from(1_000)).unwrap();
    let subject = DistinguishedName::with_common_name("mail root");
    let random = Counted::from(2_000);
    let authority = Authority::create(
        key,
        &subject,
        HashAlgorithm::Sha256,
        Validity::new(NOW, Duration::from_secs(1 << 30)),
        &random,
    )
    .unwrap();
    let identity = |name: &str, kind: KeyType, profile: Profile, seed: u64| {
        let key = PrivateKey::generate(kind, &Counted::from(seed)).unwrap();
        let request = request_with(&key, name);
        let random = Counted::from(seed + 500);
        let certificate = authority
            .issue(&request, profile, Validity::new(NOW, Duration::from_secs(1 << 29)), &random)
            .unwrap();
        Identity::new(certificate.into(), key).unwrap()
    };
    let bank = identity("bank.example", KeyType::EcdsaP256, Profile::Server, 3_000);
    let customer = identity("customer.example", KeyType::EcdsaP256, Profile::Client, 4_000);
    let rsa_customer = identity("rsa.example", KeyType::Rsa2048, Profile::Client, 5_000);
    let sealed = cms::seal(MAIL_CONTENT, &bank, customer.certificate(), NOW, &SystemRandom).unwrap();
    let signed = cms::sign(MAIL_CONTENT, &bank, NOW, &SystemRandom).unwrap();
    MailWorld { authority, bank, customer, rsa_customer, sealed, signed }
});

/// What the bank has signed.
pub const MAIL_CONTENT: &[u8] = b"The OTP is 256345.";

impl MailWorld {
    pub fn trust(&self) -> TrustStore {
        let mut store = TrustStore::new();
        store.add_authority(self.authority.certificate()).unwrap();
        store
    }

    /// Whether the bank has ever signed this.
    pub fn has_signed(&self, content: &[u8]) -> bool {
        content == MAIL_CONTENT
    }
}

pub fn request(name: &str) -> CertificateRequest {
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
    request_with(&key, name)
}

pub fn transfer(from: &mut Connection, to: &mut Connection) -> Result<()> {
    let taken = to.feed(from.pending(), NOW)?;
    from.consume(taken);
    Ok(())
}

/// Feeds `data` as a peer would send it: the first octet says in how large pieces.
pub fn feed(connection: &mut Connection, data: &[u8]) {
    let Some((&first, data)) = data.split_first() else { return };
    let mut buffer = [0; 512];
    for mut piece in data.chunks(usize::from(first) + 1) {
        while !piece.is_empty() {
            match connection.feed(piece, NOW) {
                Ok(0) => return,
                Ok(taken) => piece = &piece[taken..],
                Err(_) => return,
            }
            while connection.read(&mut buffer) > 0 {}
        }
    }
    let _ = connection.feed_end();
}

/// A certificate or list of what is signed and the signature, with ecdsa-with-SHA256.
pub fn signed(tbs: &[u8], key: &PrivateKey) -> Vec<u8> {
    let signature = key.sign(SignatureScheme::ECDSA_SECP256R1_SHA256, tbs, &SystemRandom).unwrap();
    let algorithm = b"\x30\x0A\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03\x02";
    let signature = tlv(0x03, &[&[0], signature.as_slice()].concat());
    tlv(0x30, &[tbs, algorithm, &signature].concat())
}

/// The password of every PKCS#12 file.
pub const PASSWORD: &[u8] = b"password";

/// A PKCS#12 file of this AuthenticatedSafe, with a MAC that is right: PBMAC1 of one iteration, which is HMAC twice.
pub fn pkcs12(authenticated_safe: &[u8]) -> Vec<u8> {
    let key = HmacKey::new(HashAlgorithm::Sha256, PASSWORD).sign(&[b"salt", &[0, 0, 0, 1]]);
    let tag = HmacKey::new(HashAlgorithm::Sha256, key.as_ref()).sign(&[authenticated_safe]);
    let hmac = b"\x30\x0C\x06\x08\x2A\x86\x48\x86\xF7\x0D\x02\x09\x05\0";
    let derivation = tlv(0x30, &[b"\x04\x04salt\x02\x01\x01\x02\x01\x20", hmac.as_slice()].concat());
    let derivation =
        tlv(0x30, &[b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x05\x0C", derivation.as_slice()].concat());
    let parameters = tlv(0x30, &[&derivation, hmac.as_slice()].concat());
    let algorithm =
        tlv(0x30, &[b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x05\x0E", parameters.as_slice()].concat());
    let digest = tlv(0x30, &[algorithm, tlv(0x04, tag.as_ref())].concat());
    let mac_data = tlv(0x30, &[digest.as_slice(), b"\x04\0\x02\x01\x01"].concat());
    let content = tlv(0xA0, &tlv(0x04, authenticated_safe));
    let info = [b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01", content.as_slice()];
    tlv(0x30, &[b"\x02\x01\x03", tlv(0x30, &info.concat()).as_slice(), &mac_data].concat())
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len().to_be_bytes();
    let zeros = len.iter().take_while(|octet| **octet == 0).count();
    let header = match content.len() {
        0..=0x7F => vec![tag, len[7]],
        _ => [&[tag, 0x80 | (8 - zeros) as u8], &len[zeros..]].concat(),
    };
    [&header, content].concat()
}

pub fn bank_name() -> GeneralName {
    GeneralName::parse("bank.example").unwrap()
}

fn identity(authority: &Authority, name: &str, profile: Profile) -> Arc<Identity> {
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
    let request = request_with(&key, name);
    let certificate = authority
        .issue(&request, profile, Validity::new(NOW, Duration::from_secs(1 << 20)), &SystemRandom)
        .unwrap();
    Arc::new(Identity::new(certificate.into(), key).unwrap())
}

fn request_with(key: &PrivateKey, name: &str) -> CertificateRequest {
    let subject = DistinguishedName::with_common_name(name);
    let names = [GeneralName::parse(name).unwrap()];
    CertificateRequest::create(key, &subject, &names, HashAlgorithm::Sha256, &SystemRandom).unwrap()
}

/// SHA-256 of a counter: no secret, and the same in every run.
#[derive(Default)]
pub struct Counted(AtomicU64);

impl Counted {
    fn from(start: u64) -> Self {
        Self(AtomicU64::new(start))
    }
}

impl Random for Counted {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        for chunk in out.chunks_mut(32) {
            let count = self.0.fetch_add(1, Ordering::Relaxed);
            let block = digest(HashAlgorithm::Sha256, &count.to_be_bytes());
            chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
        }
        Ok(())
    }
}
