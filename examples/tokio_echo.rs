//! otls on tokio: a server that echoes, and a client of it, in one program.
#![allow(clippy::print_stdout, missing_docs, reason = "an example prints")]

use std::io;
use std::sync::Arc;
use std::time::Duration;

use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::io::{AsyncStream, Timeouts, now};
use otls::pki::{
    Authority, CertificateRequest, DistinguishedName, GeneralName, Identity, KeyType, PrivateKey, Profile,
    TrustStore, Validity,
};
use otls::{ClientAuth, ClientConfig, Connection, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ca_key = PrivateKey::generate(KeyType::EcdsaP384, &SystemRandom)?;
    let ca_name = DistinguishedName::with_common_name("Example CA");
    let ca =
        Authority::create(ca_key, &ca_name, HashAlgorithm::Sha384, Validity::days(now(), 1), &SystemRandom)?;
    let mut trust = TrustStore::new();
    trust.add_authority(ca.certificate())?;

    let server =
        ServerConfig::new(issue(&ca, "bank.example", Profile::Server)?, ClientAuth::Require(trust.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let server = Arc::new(server);
        while let Ok((socket, _)) = listener.accept().await {
            let connection = Connection::server(Arc::clone(&server));
            let stream = AsyncStream::new(socket, connection).with_timeouts(Timeouts::all(LIMIT));
            tokio::spawn(echo(stream));
        }
    });

    let client = ClientConfig::new(trust).with_identity(issue(&ca, "customer.example", Profile::Client)?);
    let connection = Connection::client(Arc::new(client), GeneralName::parse("bank.example")?, now())?;
    let socket = TcpStream::connect(address).await?;
    let mut stream = AsyncStream::new(socket, connection).with_timeouts(Timeouts::all(LIMIT));
    stream.handshake().await?;
    // The server has accepted our certificate too.
    stream.confirm().await?;
    stream.write_all(b"hello").await?;
    stream.shutdown().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    println!("{answer}");
    stream.close().await?;
    Ok(())
}

async fn echo(mut stream: AsyncStream<TcpStream>) -> io::Result<()> {
    stream.handshake().await?;
    let (mut reader, mut writer) = tokio::io::split(&mut stream);
    tokio::io::copy(&mut reader, &mut writer).await?;
    stream.close().await
}

fn issue(ca: &Authority, name: &str, profile: Profile) -> otls::Result<Arc<Identity>> {
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom)?;
    let subject = DistinguishedName::with_common_name(name);
    let names = [GeneralName::parse(name)?];
    let request = CertificateRequest::create(&key, &subject, &names, HashAlgorithm::Sha256, &SystemRandom)?;
    let certificate =
        ca.issue(&request, profile, Validity::new(now(), Duration::from_secs(3_600)), &SystemRandom)?;
    Ok(Arc::new(Identity::new(certificate.into(), key)?))
}
