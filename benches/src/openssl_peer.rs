//! The system's OpenSSL.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use openssl::ssl::{
    ErrorCode, ShutdownState, Ssl, SslContext, SslContextBuilder, SslMethod, SslSession, SslSessionCacheMode,
    SslStream, SslVerifyMode, SslVersion,
};
use openssl::symm::{Cipher, Crypter, Mode};
use openssl::x509::X509;
use otls::codepoints::NamedGroup;
use otls::crypto::SystemRandom;
use otls::crypto::aead::AeadAlgorithm;
use otls::pki::Identity;

use crate::common::NOW;
use crate::{Connect, Library, Operation, Setup};

pub const LIBRARY: Library = Library { full, again: full, resumed, carry, idle };

/// One direction: octets, and how many were read.
type Pipe = Rc<RefCell<(Vec<u8>, usize)>>;

/// One side's view of two pipes.
struct Wire {
    incoming: Pipe,
    outgoing: Pipe,
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let (data, read) = &mut *self.incoming.borrow_mut();
        let len = into.len().min(data.len() - *read);
        if len == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        into[..len].copy_from_slice(&data[*read..*read + len]);
        *read += len;
        if *read == data.len() {
            data.clear();
            *read = 0;
        }
        Ok(len)
    }
}

impl Write for Wire {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.outgoing.borrow_mut().0.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Pair {
    client: SslStream<Wire>,
    server: SslStream<Wire>,
}

#[derive(Clone)]
struct Contexts {
    client: SslContext,
    server: SslContext,
    session: Arc<Mutex<Option<SslSession>>>,
}

impl Pair {
    fn connect(contexts: &Contexts, session: Option<&SslSession>) -> Self {
        let (one, other) = (Pipe::default(), Pipe::default());
        let mut client = Ssl::new(&contexts.client).unwrap();
        client.set_hostname("bank.example").unwrap();
        client.param_mut().set_host("bank.example").unwrap();
        if let Some(session) = session {
            // SAFETY: the session is of the same context.
            unsafe { client.set_session(session).unwrap() };
        }
        let server = Ssl::new(&contexts.server).unwrap();
        let wire = Wire { incoming: Rc::clone(&one), outgoing: Rc::clone(&other) };
        let mut pair = Self {
            client: SslStream::new(client, wire).unwrap(),
            server: SslStream::new(server, Wire { incoming: other, outgoing: one }).unwrap(),
        };
        let (mut client_done, mut server_done) = (false, false);
        while !client_done || !server_done {
            client_done = client_done || done(pair.client.connect());
            server_done = server_done || done(pair.server.accept());
        }
        // Takes the ticket.
        let taken = pair.client.ssl_read(&mut [0]).unwrap_err();
        assert_eq!(taken.code(), ErrorCode::WANT_READ, "{taken}");
        pair
    }
}

impl Pair {
    /// A session whose connection was not shut down is not resumed any more.
    fn end(mut self) {
        self.client.set_shutdown(ShutdownState::SENT | ShutdownState::RECEIVED);
    }
}

fn done(result: Result<(), openssl::ssl::Error>) -> bool {
    match result {
        Ok(()) => true,
        Err(error) if error.code() == ErrorCode::WANT_READ => false,
        Err(error) => panic!("OpenSSL: {error}"),
    }
}

/// `None` for what this OpenSSL does not know.
fn contexts(setup: Setup<'_>) -> Option<Contexts> {
    if setup.group == NamedGroup::X25519MLKEM768 || setup.suite.0 >= 0xFF00 {
        return None;
    }
    let build = |identity: &Identity| {
        let mut builder = SslContextBuilder::new(SslMethod::tls()).unwrap();
        builder.set_min_proto_version(Some(SslVersion::TLS1_3)).unwrap();
        builder.set_ciphersuites(&setup.suite.to_string()).unwrap();
        builder.set_groups_list("X25519").unwrap();
        builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        builder.verify_param_mut().set_time(i64::try_from(NOW.0).unwrap());
        let root = X509::from_der(setup.world.authority.certificate().to_der()).unwrap();
        builder.cert_store_mut().add_cert(root).unwrap();
        builder.set_certificate(&X509::from_der(identity.certificate().to_der()).unwrap()).unwrap();
        let key = identity.key().to_der(None, &SystemRandom).unwrap();
        builder.set_private_key(&PKey::private_key_from_der(key.expose()).unwrap()).unwrap();
        builder
    };
    let mut server = build(&setup.world.server);
    server.set_session_id_context(b"bench").unwrap();
    server.set_num_tickets(1).unwrap();
    server.set_session_cache_mode(SslSessionCacheMode::OFF);
    let mut client = build(&setup.world.client);
    client.set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
    let session = Arc::new(Mutex::new(None));
    let newest = Arc::clone(&session);
    client.set_new_session_callback(move |_, session| *newest.lock().unwrap() = Some(session));
    Some(Contexts { client: client.build(), server: server.build(), session })
}

fn full(setup: Setup<'_>) -> Option<Operation> {
    let contexts = contexts(setup)?;
    Some(Box::new(move || drop(Pair::connect(&contexts, None))))
}

fn resumed(setup: Setup<'_>) -> Option<Operation> {
    let contexts = contexts(setup)?;
    Pair::connect(&contexts, None).end();
    Some(Box::new(move || {
        let session = contexts.session.lock().unwrap().take().expect("a ticket");
        let pair = Pair::connect(&contexts, Some(&session));
        assert!(pair.client.ssl().session_reused());
        pair.end();
    }))
}

fn carry(setup: Setup<'_>, size: usize) -> Option<Operation> {
    let mut pair = Pair::connect(&contexts(setup)?, None);
    let (data, mut into) = (vec![7; size], vec![0; size]);
    Some(Box::new(move || {
        assert_eq!(pair.client.ssl_write(&data).unwrap(), data.len());
        let mut read = 0;
        while read < data.len() {
            read += pair.server.ssl_read(&mut into[read..]).unwrap();
        }
    }))
}

/// The primitives of such an AEAD, one after the other.
pub fn encrypt_then_mac(algorithm: AeadAlgorithm, size: usize) -> Operation {
    let (cipher, digest) = match algorithm {
        AeadAlgorithm::Aes128CbcHmacSha256 => (Cipher::aes_128_cbc(), MessageDigest::sha256()),
        _ => (Cipher::aes_256_cbc(), MessageDigest::sha384()),
    };
    let mut aes = Crypter::new(cipher, Mode::Encrypt, &vec![7; cipher.key_len()], Some(&[1; 16])).unwrap();
    let key = PKey::hmac(&[7; 16]).unwrap();
    let (data, mut sealed) = (vec![7; size], vec![0; size + 16]);
    Box::new(move || {
        let len = aes.update(&data, &mut sealed).unwrap();
        let mut mac = Signer::new(digest, &key).unwrap();
        mac.update(&sealed[..len]).unwrap();
        std::hint::black_box(mac.sign_to_vec().unwrap());
    })
}

fn idle(setup: Setup<'_>) -> Option<Connect> {
    let contexts = contexts(setup)?;
    Some(Box::new(move || {
        let pair = Pair::connect(&contexts, None);
        for stream in [&pair.client, &pair.server] {
            *stream.get_ref().incoming.borrow_mut() = (Vec::new(), 0);
        }
        Box::new(pair)
    }))
}
