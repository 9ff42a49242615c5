//! A TLS 1.3 peer over rustls and aws-lc-rs; scripts/interop.py says what it is given and what it prints.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, clippy::panic)]

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConfig, ServerConnection, SideData,
    StreamOwned,
};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [role, port, cert, key, ca, auth, steps] = &arguments[..] else { panic!("{arguments:?}") };
    let address = format!("127.0.0.1:{port}");
    let chain: Vec<_> = CertificateDer::pem_file_iter(cert).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let roots = Arc::new(roots);
    let (auth, updates) = (auth == "1", steps.contains('u'));
    if role == "server" {
        let config = ServerConfig::builder();
        let config = if auth {
            config.with_client_cert_verifier(WebPkiClientVerifier::builder(roots).build().unwrap())
        } else {
            config.with_no_client_auth()
        };
        let mut config = config.with_single_cert(chain, key).unwrap();
        config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind(address).unwrap();
        println!("ready");
        for socket in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            answer(StreamOwned::new(connection, socket.unwrap()), updates);
        }
        return;
    }
    let config = ClientConfig::builder().with_root_certificates(roots);
    let config = Arc::new(if auth {
        config.with_client_auth_cert(chain, key).unwrap()
    } else {
        config.with_no_client_auth()
    });
    for _ in steps.matches('c') {
        let connection = ClientConnection::new(Arc::clone(&config), "localhost".try_into().unwrap()).unwrap();
        connect(StreamOwned::new(connection, TcpStream::connect(&address).unwrap()), updates);
    }
}

fn answer(mut stream: StreamOwned<ServerConnection, TcpStream>, updates: bool) {
    let mut buffer = [0; 16_384];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(len) => {
                if updates {
                    stream.conn.refresh_traffic_keys().unwrap();
                }
                stream.write_all(&buffer[..len]).unwrap();
            }
            Err(error) => return println!("error {error}"),
        }
    }
    report(&stream.conn);
    stream.conn.send_close_notify();
    stream.conn.complete_io(&mut stream.sock).unwrap();
}

fn connect(mut stream: StreamOwned<ClientConnection, TcpStream>, updates: bool) {
    for _ in 0..2 {
        stream.write_all(b"hello\n").unwrap();
        if updates {
            stream.conn.refresh_traffic_keys().unwrap();
        }
        let mut line = String::new();
        BufReader::with_capacity(6, &mut stream).read_line(&mut line).unwrap();
        print!("got {line}");
    }
    report(&stream.conn);
    stream.conn.send_close_notify();
    // To the end, so that what is on the way is not answered with a reset.
    stream.read_to_end(&mut Vec::new()).unwrap();
}

fn report<Data: SideData>(connection: &rustls::ConnectionCommon<Data>) {
    let resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
    let certificates = connection.peer_certificates().map_or(0, <[_]>::len);
    let group = connection.negotiated_key_exchange_group().unwrap().name();
    println!("done resumed={resumed} certificates={certificates} group={group:?}");
}
