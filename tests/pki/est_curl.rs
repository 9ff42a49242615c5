//! curl as the judge of the enrolment server, over our own TLS.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::DAY;
use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::est::{EstServer, Register};
use otls::pki::{
    Authority, Certificate, CertificateRequest, DistinguishedName, GeneralName, Identity, KeyType,
    PrivateKey, Profile, Validity,
};
use otls::{ClientAuth, Connection, ServerConfig, State, UnixTime};

/// A TTP on a port of its own, at the machine's time: curl has no other.
struct Ttp {
    authority: Arc<Authority>,
    register: Arc<Mutex<Register>>,
    port: u16,
    folder: tempfile::TempDir,
}

impl Ttp {
    fn start() -> Self {
        let now = now();
        let subject = DistinguishedName::with_common_name("otls test root");
        let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
        let authority = Authority::create(
            key,
            &subject,
            HashAlgorithm::Sha256,
            Validity::new(now, 30 * DAY),
            &SystemRandom,
        )
        .unwrap();
        let authority = Arc::new(authority);
        let config = Arc::new(ServerConfig::new(Arc::new(own_identity(&authority)), ClientAuth::ServerOnly));
        let register = Arc::new(Mutex::new(Register::default()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("root.pem"), authority.certificate().to_pem()).unwrap();
        let served = (Arc::clone(&authority), Arc::clone(&register));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let responder =
                    EstServer::new(Arc::clone(&served.0), Profile::Client, DAY).with_open_servers();
                // A client that closes abruptly is not the test's concern: curl's exit code is.
                let _ = serve(&stream.unwrap(), &config, responder, &served.1);
            }
        });
        Self { authority, register, port, folder }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// `None`, with a word why, where there is no curl.
    fn curl(&self, path: &str, arguments: &[&str]) -> Option<Output> {
        let url = format!("https://127.0.0.1:{}{path}", self.port);
        let root = self.file("root.pem");
        let common = ["--silent", "--show-error", "--tlsv1.3", "--max-time", "20", "--cacert", &root];
        match Command::new("curl").args(common).args(arguments).arg(url).output() {
            Ok(output) => Some(output),
            Err(error) => {
                eprintln!("skipped: curl does not run: {error}");
                None
            }
        }
    }
}

fn now() -> UnixTime {
    UnixTime(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs())
}

fn own_identity(authority: &Authority) -> Identity {
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
    let names = [GeneralName::parse("127.0.0.1").unwrap()];
    let subject = DistinguishedName::with_common_name("ttp");
    let request =
        CertificateRequest::create(&key, &subject, &names, HashAlgorithm::Sha256, &SystemRandom).unwrap();
    let certificate =
        authority.issue(&request, Profile::Server, Validity::new(now(), DAY), &SystemRandom).unwrap();
    Identity::new(certificate.into(), key).unwrap()
}

fn serve(
    mut stream: &TcpStream,
    config: &Arc<ServerConfig>,
    mut responder: EstServer,
    register: &Mutex<Register>,
) -> Result<(), Box<dyn std::error::Error>> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut connection = Connection::server(Arc::clone(config));
    let mut buffer = vec![0; 4096];
    let mut unread: Vec<u8> = Vec::new();
    while !connection.state().contains(State::CLOSED) {
        while !connection.pending().is_empty() {
            let written = stream.write(connection.pending())?;
            connection.consume(written);
        }
        let mut plaintext = vec![0; connection.available()];
        let len = connection.read(&mut plaintext);
        if len > 0 {
            let replies =
                responder.feed(&plaintext[..len], &mut register.lock().unwrap(), now(), &SystemRandom)?;
            connection.seal(&replies)?;
            if responder.is_done() {
                connection.close();
            }
            continue;
        }
        if unread.is_empty() {
            let len = stream.read(&mut buffer)?;
            if len == 0 {
                return Ok(());
            }
            unread.extend_from_slice(&buffer[..len]);
        }
        let taken = connection.feed(&unread, now())?;
        unread.drain(..taken);
    }
    let rest = connection.pending().to_vec();
    stream.write_all(&rest)?;
    Ok(())
}

fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn success(output: &Output) -> &[u8] {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    &output.stdout
}

/// The certificates in a reply's base64, as PEM, read by openssl.
fn unpack(ttp: &Ttp, reply: &[u8]) -> String {
    std::fs::write(ttp.file("reply.b64"), reply).unwrap();
    let der = run("openssl", &["base64", "-d", "-A", "-in", &ttp.file("reply.b64")]);
    std::fs::write(ttp.file("reply.p7"), der).unwrap();
    let print = ["pkcs7", "-inform", "DER", "-in", &ttp.file("reply.p7"), "-print_certs"];
    String::from_utf8(run("openssl", &print)).unwrap()
}

#[test]
fn curl_gets_the_authoritys_certificate() {
    let ttp = Ttp::start();
    let Some(output) = ttp.curl("/.well-known/est/cacerts", &[]) else { return };
    let pem = unpack(&ttp, success(&output));
    let found = Certificate::load(pem.as_bytes()).unwrap();
    assert_eq!(found.to_der(), ttp.authority.certificate().to_der());
}

#[test]
fn curl_enrols_a_key_that_openssl_made() {
    let ttp = Ttp::start();
    let (key, csr, encoded) = (ttp.file("key.pem"), ttp.file("csr.der"), ttp.file("csr.b64"));
    run("openssl", &["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", &key]);
    let subject = ["-subj", "/C=IN/O=Example/CN=asha"];
    run("openssl", &[&["req", "-new", "-key", &key, "-outform", "DER", "-out", &csr][..], &subject].concat());
    // Lines of 64 characters, as openssl writes base64.
    run("openssl", &["base64", "-in", &csr, "-out", &encoded]);
    let data = format!("@{encoded}");
    let post = ["-H", "Content-Type: application/pkcs10", "--data-binary", &data];

    let requests: [&[&str]; 3] =
        [&[], &["-H", "Expect: 100-continue"], &["-H", "Transfer-Encoding: chunked"]];
    for (n, more) in requests.into_iter().enumerate() {
        let arguments = [&post[..], more].concat();
        let Some(output) = ttp.curl("/.well-known/est/client/simpleenroll", &arguments) else { return };
        std::fs::write(ttp.file("asha.pem"), unpack(&ttp, success(&output))).unwrap();
        let verify =
            ["verify", "-purpose", "sslclient", "-CAfile", &ttp.file("root.pem"), &ttp.file("asha.pem")];
        assert!(run("openssl", &verify).ends_with(b"OK\n"));
        let theirs = run("openssl", &["x509", "-in", &ttp.file("asha.pem"), "-noout", "-pubkey"]);
        assert_eq!(theirs, run("openssl", &["pkey", "-in", &key, "-pubout"]));
        assert_eq!(ttp.register.lock().unwrap().entries().len(), n + 1);
    }
}

#[test]
fn curl_is_told_why_it_is_refused() {
    let ttp = Ttp::start();
    let status = ["--write-out", "%{http_code}", "--output", "/dev/stdout"];
    let Some(output) = ttp.curl("/nothing", &status) else { return };
    assert_eq!(success(&output), b"no such resource\n404");
    let post = ["--data-binary", "nonsense", "-H", "Content-Type: application/pkcs10"];
    let output = ttp.curl("/.well-known/est/simpleenroll", &[&status[..], &post].concat()).unwrap();
    assert!(success(&output).ends_with(b"\n400"));
    let output = ttp.curl("/.well-known/est/cacerts", &[&status[..], &["-X", "PUT"]].concat()).unwrap();
    assert!(success(&output).ends_with(b"\n405"));
}
