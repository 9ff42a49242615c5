//! otls on tokio: a server that echoes, and a client of it, in one program.
//!
//! The library does no I/O. `stream.rs`, which the command line uses too, is all that is needed on top.
#![allow(clippy::print_stdout, missing_docs, reason = "an example prints")]

#[allow(dead_code, unreachable_pub, reason = "the command line uses more of it")]
#[path = "../src/bin/otls/stream.rs"]
mod stream;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::pki::{
    Authority, CertificateRequest, DistinguishedName, GeneralName, Identity, KeyType, PrivateKey, Profile,
    TrustStore,
};
use otls::{ClientAuth, Config, Connection, State, UnixTime};
use tokio::net::{TcpListener, TcpStream};

use stream::{Stream, StreamError};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now = clock()?;
    let ca_key = PrivateKey::generate(KeyType::EcdsaP384, &SystemRandom)?;
    let ca_name = DistinguishedName::with_common_name("Example CA");
    let ca = Authority::create(ca_key, &ca_name, HashAlgorithm::Sha384, 86_400, now, &SystemRandom)?;
    let mut trust = TrustStore::new();
    trust.add_authority(ca.certificate())?;

    let server =
        Config::server(issue(&ca, "bank.example", Profile::Server, now)?, ClientAuth::Require(trust.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let server = Arc::new(server);
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(now) = clock() else { continue };
            let Ok(connection) = Connection::server(Arc::clone(&server), now) else { continue };
            tokio::spawn(echo(Stream::new(socket, connection)));
        }
    });

    let client = Config::client(trust).with_identity(issue(&ca, "customer.example", Profile::Client, now)?);
    let connection = Connection::client(Arc::new(client), GeneralName::parse("bank.example")?, now)?;
    let mut stream = Stream::new(TcpStream::connect(address).await?, connection);
    // Confirmed: the server has accepted our certificate too.
    stream.reach(State::CONFIRMED).await.map_err(text)?;
    stream.write_all(b"hello").await.map_err(text)?;
    let mut answer = [0; 5];
    let len = stream.read(&mut answer).await.map_err(text)?;
    println!("{}", String::from_utf8_lossy(answer.get(..len).unwrap_or_default()));
    stream.close().await.map_err(text)?;
    Ok(())
}

async fn echo(mut stream: Stream) -> Result<(), StreamError> {
    stream.reach(State::HANDSHAKE_DONE).await?;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let len = stream.read(&mut buffer).await?;
        if len == 0 {
            return stream.close().await;
        }
        stream.write_all(buffer.get(..len).unwrap_or_default()).await?;
    }
}

fn issue(ca: &Authority, name: &str, profile: Profile, now: UnixTime) -> otls::Result<Arc<Identity>> {
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom)?;
    let subject = DistinguishedName::with_common_name(name);
    let names = [GeneralName::parse(name)?];
    let request = CertificateRequest::create(&key, &subject, &names, HashAlgorithm::Sha256, &SystemRandom)?;
    let certificate = ca.issue(&request, profile, 3_600, now, &SystemRandom)?;
    Ok(Arc::new(Identity::new(vec![certificate], key)?))
}

fn clock() -> Result<UnixTime, std::time::SystemTimeError> {
    Ok(UnixTime(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs()))
}

fn text(error: StreamError) -> String {
    match error {
        StreamError::Io(error) => error.to_string(),
        StreamError::Tls(error) => error.to_string(),
    }
}
