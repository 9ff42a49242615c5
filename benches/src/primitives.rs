//! Every primitive on the portable engine, the fast one, aws-lc-rs and OpenSSL. The portable engine runs in a
//! child, because a process decides its engine once; the four are measured in turns all the same.

mod aws_lc;
mod ours;
mod system;

use std::fmt::{self, Write as _};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use ::openssl::ec::{EcGroup, EcKey};
use ::openssl::nid::Nid;
use ::openssl::pkey::PKey;
use ::openssl::rsa::Rsa;
use otls::codepoints::NamedGroup;
use otls::crypto::Engine;
use otls::crypto::aead::AeadAlgorithm;
use otls::crypto::hash::HashAlgorithm;

use crate::Operation;
use crate::turns::{median, rate};

const TURN: Duration = Duration::from_millis(40);
const TURNS: usize = 7;
const SIZES: [usize; 2] = [16_384, 72];

/// What is computed once by one call.
#[derive(Clone, Copy)]
enum Primitive {
    Seal(AeadAlgorithm, usize),
    /// With the copy of what is opened, since it is opened in place.
    Open(AeadAlgorithm, usize),
    Digest(HashAlgorithm, usize),
    Hmac(HashAlgorithm, usize),
    /// One block of HKDF-Expand, as HKDF-Expand-Label asks for it.
    Expand(HashAlgorithm),
    /// A key pair, and the secret with a public key.
    Agree(NamedGroup),
    /// One step of X25519MLKEM768: ML-KEM-768 beside X25519.
    Hybrid(Step),
    Sign(Key),
    Verify(Key),
}

#[derive(Clone, Copy)]
enum Step {
    /// The client's key pairs.
    Start,
    /// The server's key pair, encapsulation and agreement.
    Answer,
    /// The client's key pairs, decapsulation and agreement.
    StartAndFinish,
}

#[derive(Clone, Copy)]
enum Key {
    P256,
    P384,
    Rsa2048,
    Rsa3072,
    Ed25519,
}

impl Key {
    const ALL: [Self; 5] = [Self::P256, Self::P384, Self::Rsa2048, Self::Rsa3072, Self::Ed25519];

    /// As PKCS#8: one for each kind and process.
    fn pkcs8(self) -> &'static [u8] {
        static KEYS: [OnceLock<Vec<u8>>; 5] = [const { OnceLock::new() }; 5];
        let at = Self::ALL.iter().position(|key| *key as usize == self as usize).unwrap();
        let of_curve = |curve| {
            let group = EcGroup::from_curve_name(curve).unwrap();
            PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
        };
        KEYS[at].get_or_init(|| {
            let key = match self {
                Self::P256 => of_curve(Nid::X9_62_PRIME256V1),
                Self::P384 => of_curve(Nid::SECP384R1),
                Self::Rsa2048 => PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(),
                Self::Rsa3072 => PKey::from_rsa(Rsa::generate(3072).unwrap()).unwrap(),
                Self::Ed25519 => PKey::generate_ed25519().unwrap(),
            };
            key.private_key_to_pkcs8().unwrap()
        })
    }
}

fn all() -> Vec<Primitive> {
    let mut all = Vec::new();
    for aead in [
        AeadAlgorithm::Aes128Gcm,
        AeadAlgorithm::Aes256Gcm,
        AeadAlgorithm::ChaCha20Poly1305,
        AeadAlgorithm::Aes128CbcHmacSha256,
        AeadAlgorithm::Aes256CbcHmacSha384,
    ] {
        for size in SIZES {
            all.extend([Primitive::Seal(aead, size), Primitive::Open(aead, size)]);
        }
    }
    // SHA-512 is SHA-384 but for its start and its end, and not in the library's interface.
    for hash in [HashAlgorithm::Sha256, HashAlgorithm::Sha384] {
        all.push(Primitive::Digest(hash, 16_384));
        all.extend([Primitive::Hmac(hash, 64), Primitive::Hmac(hash, 16_384), Primitive::Expand(hash)]);
    }
    all.extend([NamedGroup::X25519, NamedGroup::SECP256R1, NamedGroup::SECP384R1].map(Primitive::Agree));
    all.extend([Step::Start, Step::Answer, Step::StartAndFinish].map(Primitive::Hybrid));
    for key in Key::ALL {
        all.extend([Primitive::Sign(key), Primitive::Verify(key)]);
    }
    all
}

impl fmt::Display for Primitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seal(aead, size) => write!(f, "{aead:?}, {size} octets sealed"),
            Self::Open(aead, size) => write!(f, "{aead:?}, {size} octets copied and opened"),
            Self::Digest(hash, size) => write!(f, "{hash:?}, {size} octets"),
            Self::Hmac(hash, size) => write!(f, "HMAC-{hash:?}, {size} octets"),
            Self::Expand(hash) => write!(f, "HKDF-Expand, {hash:?}, one block"),
            Self::Agree(group) => write!(f, "{group}, key pair and agreement"),
            Self::Hybrid(Step::Start) => f.write_str("X25519MLKEM768, key pairs"),
            Self::Hybrid(Step::Answer) => {
                f.write_str("X25519MLKEM768, key pair, encapsulation and agreement")
            }
            Self::Hybrid(Step::StartAndFinish) => {
                f.write_str("X25519MLKEM768, key pairs, decapsulation and agreement")
            }
            Self::Sign(key) => write!(f, "{key}, signed"),
            Self::Verify(key) => write!(f, "{key}, verified"),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "ECDSA P-256, SHA-256",
            Self::P384 => "ECDSA P-384, SHA-384",
            Self::Rsa2048 => "RSA-2048, PSS with SHA-256",
            Self::Rsa3072 => "RSA-3072, PSS with SHA-256",
            Self::Ed25519 => "Ed25519",
        })
    }
}

/// Measures all, for people and for the document.
pub fn table() -> String {
    let mut portable = Portable::start();
    let has_fast = Engine::detect() == Engine::Fast;
    let mut text =
        "| microseconds for one | portable | fast | aws-lc-rs | OpenSSL | otls / the fastest other |\n\
                    | --- | ---: | ---: | ---: | ---: | ---: |\n"
            .to_owned();
    for (index, primitive) in all().into_iter().enumerate() {
        let fast = if has_fast { ours::operation(primitive) } else { None };
        let mut operations = [fast, aws_lc::operation(primitive), system::operation(primitive)];
        let mut turns = [const { Vec::new() }; 4];
        for _ in 0..TURNS {
            turns[0].push(portable.time(index));
            for (operation, turns) in operations.iter_mut().zip(&mut turns[1..]) {
                turns.extend(operation.as_mut().map(time));
            }
        }
        let [portable, fast, aws_lc, openssl] = turns.map(median);
        let others = aws_lc.into_iter().chain(openssl).fold(f64::INFINITY, f64::min);
        let ratio = fast.or(portable).map(|ours| format!("{:.2}", ours / others)).unwrap_or_default();
        let [portable, fast, aws_lc, openssl] = [portable, fast, aws_lc, openssl].map(microseconds);
        let row = format!("| {primitive} | {portable} | {fast} | {aws_lc} | {openssl} | {ratio} |");
        eprintln!("{row}");
        writeln!(text, "{row}").unwrap();
    }
    text
}

/// What the child does: measures one turn of what it is asked for.
pub fn serve() {
    let all = all();
    let mut current = None;
    for line in std::io::stdin().lines() {
        let index: usize = line.unwrap().parse().unwrap();
        if current.as_ref().is_none_or(|(at, _)| *at != index) {
            current = Some((index, ours::operation(all[index]).unwrap()));
        }
        let (_, operation) = current.as_mut().unwrap();
        println!("{}", time(operation));
    }
}

/// This program with the portable engine.
struct Portable {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Portable {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("portable-primitives")
            .env("OTLS_ENGINE", "portable")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { questions: child.stdin.take(), answers, child }
    }

    fn time(&mut self, index: usize) -> f64 {
        writeln!(self.questions.as_mut().unwrap(), "{index}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim().parse().unwrap()
    }
}

impl Drop for Portable {
    fn drop(&mut self) {
        // It ends when it is asked nothing more.
        drop(self.questions.take());
        self.child.wait().unwrap();
    }
}

/// Seconds that one takes.
fn time(operation: &mut Operation) -> f64 {
    rate(operation, TURN).recip()
}

/// What is computed is needed, as far as the compiler can tell.
fn keep<T>(value: T) {
    std::hint::black_box(value);
}

fn microseconds(seconds: Option<f64>) -> String {
    match seconds.map(|seconds| seconds * 1e6) {
        None => "–".to_owned(),
        Some(value) if value < 10.0 => format!("{value:.3}"),
        Some(value) => format!("{value:.1}"),
    }
}
