//! The clients: rustls over aws-lc-rs, the same for all servers.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use otls::UnixTime;
use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::pki::{
    Authority, CertificateRequest, DistinguishedName, GeneralName, KeyType, PrivateKey, Profile, Validity,
};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use socket2::{Domain, SockAddr, Socket, Type};

/// Threads that connect.
const THREADS: usize = 2;
/// Addresses to connect from, 127.0.0.1 and those behind it: each has some 28,000 ports.
const SOURCES: u8 = 8;
/// How long a server may take to say something.
const PATIENCE: Duration = Duration::from_secs(20);
const DAY: Duration = Duration::from_secs(86_400);

/// A certificate and its key, DER.
#[derive(Clone)]
pub struct Credentials {
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
}

/// An authority, a server and clients, with keys of P-256.
pub struct World {
    authority: Authority,
    pub server: Credentials,
    pub clients: Vec<Credentials>,
    verifier: Arc<WebPkiServerVerifier>,
}

impl World {
    pub fn new(clients: usize) -> Self {
        let now = UnixTime(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() - 3600);
        let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
        let subject = DistinguishedName::with_common_name("otls bench root");
        let valid = Validity::new(now, DAY);
        let authority =
            Authority::create(key, &subject, HashAlgorithm::Sha256, valid, &SystemRandom).unwrap();
        let issue = |name: &str, profile| {
            let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
            let subject = DistinguishedName::with_common_name(name);
            let names = [GeneralName::parse(name).unwrap()];
            let hash = HashAlgorithm::Sha256;
            let request = CertificateRequest::create(&key, &subject, &names, hash, &SystemRandom).unwrap();
            let certificate = authority.issue(&request, profile, valid, &SystemRandom).unwrap();
            let key = key.to_der(None, &SystemRandom).unwrap().expose().to_vec();
            Credentials { certificate: certificate.to_der().to_vec(), key }
        };
        let server = issue("bank.example", Profile::Server);
        let clients = (0..clients).map(|n| issue(&format!("customer-{n}.example"), Profile::Client));
        let clients = clients.collect();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(authority.certificate().to_der())).unwrap();
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
        Self { server, clients, verifier: verifier.build().unwrap(), authority }
    }

    /// The authority's certificate, PEM.
    pub fn root(&self) -> String {
        self.authority.certificate().to_pem()
    }

    /// Octets of a client's certificate, on average.
    pub fn certificate_len(&self) -> usize {
        let all: usize = self.clients.iter().map(|client| client.certificate.len()).sum();
        all / self.clients.len()
    }

    fn config(&self, credentials: &Credentials) -> Arc<ClientConfig> {
        let chain = vec![CertificateDer::from(credentials.certificate.clone())];
        let key = PrivateKeyDer::try_from(credentials.key.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_webpki_verifier(Arc::clone(&self.verifier))
            .with_client_auth_cert(chain, key)
            .unwrap();
        config.resumption = Resumption::disabled();
        Arc::new(config)
    }
}

/// One suite and one group for all.
pub fn provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = vec![aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256];
    provider.kx_groups = vec![aws_lc_rs::kx_group::X25519];
    Arc::new(provider)
}

/// A connection for each of these clients, which is then left alone.
pub fn connect(server: SocketAddr, world: &World, clients: &[Credentials]) -> Vec<TcpStream> {
    each(clients, |index, client| dial(server, index, world, client).0)
}

/// The same, one after the other, and each is ended in order.
pub fn come_and_go(server: SocketAddr, world: &World, clients: &[Credentials]) {
    each(clients, |index, client| {
        let (mut socket, mut connection) = dial(server, index, world, client);
        connection.send_close_notify();
        connection.write_tls(&mut socket).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        let _ = socket.read_to_end(&mut Vec::new());
    });
}

fn each<T: Send>(clients: &[Credentials], action: impl Fn(usize, &Credentials) -> T + Sync) -> Vec<T> {
    let action = &action;
    std::thread::scope(|scope| {
        let parts = clients.chunks(clients.len().div_ceil(THREADS).max(1));
        let threads: Vec<_> = parts
            .map(|part| {
                let all = move || part.iter().enumerate().map(|(n, one)| action(n, one)).collect::<Vec<_>>();
                scope.spawn(all)
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// A connection after its handshake: the server has judged the client and sent its first ticket.
fn dial(
    server: SocketAddr,
    index: usize,
    world: &World,
    client: &Credentials,
) -> (TcpStream, ClientConnection) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let source = Ipv4Addr::new(127, 0, 0, 1 + (index % usize::from(SOURCES)) as u8);
    socket.bind(&SockAddr::from(SocketAddr::from((source, 0)))).unwrap();
    socket.connect(&SockAddr::from(server)).unwrap();
    let mut socket = TcpStream::from(socket);
    socket.set_nodelay(true).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let name = ServerName::try_from("bank.example").unwrap();
    let mut connection = ClientConnection::new(world.config(client), name).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut socket).unwrap();
    }
    connection.complete_io(&mut Sends(&socket)).ok();
    assert!(!connection.wants_write());
    assert_eq!(socket.peek(&mut [0]).unwrap(), 1, "the server refuses the client");
    (socket, connection)
}

/// Sends what is left, and receives nothing.
struct Sends<'a>(&'a TcpStream);

impl std::io::Read for Sends<'_> {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::WouldBlock.into())
    }
}

impl std::io::Write for Sends<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
