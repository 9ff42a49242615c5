//! A server of tokio-rustls that sends back what comes, as `otls serve` does.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::client::provider;

/// Serves on this port of 127.0.0.1 with the files of `folder`; TOKIO_WORKER_THREADS counts.
pub fn run(folder: &Path, port: u16) {
    let acceptor = TlsAcceptor::from(Arc::new(config(folder)));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(talk(acceptor.clone(), socket));
        }
    });
}

async fn talk(acceptor: TlsAcceptor, socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut stream = acceptor.accept(socket).await?;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let len = stream.read(&mut buffer).await?;
        if len == 0 {
            return stream.shutdown().await;
        }
        stream.write_all(&buffer[..len]).await?;
        stream.flush().await?;
    }
}

fn config(folder: &Path) -> ServerConfig {
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(read("root.der"))).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
    let key = PrivateKeyDer::try_from(read("server.key.der")).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(vec![CertificateDer::from(read("server.der"))], key)
        .unwrap();
    // As the others: two tickets that the server need not remember.
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().unwrap();
    config
}
