//! Chains of at most 64 KiB that are dear to verify.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use otls::crypto::Random;
use otls::crypto::hash::{HashAlgorithm, digest};
use otls::pki::{KeyType, PrivateKey};

use super::der::*;

/// What a stranger may send at once.
pub const STRANGERS: usize = 64 << 10;

/// An authority that is trusted, with its key.
pub struct Root {
    pub key: PrivateKey,
    pub der: Vec<u8>,
}

pub const ROOT: &str = "Root of the worst";

impl Root {
    pub fn new() -> Self {
        let key = key(KeyType::EcdsaP256, 1);
        let subject = common_name(ROOT);
        let spki = key.public_key().to_der().to_vec();
        let draft =
            Draft { serial: 1, subject: subject.clone(), issuer: subject, spki, extensions: vec![is_ca()] };
        Self { der: draft.signed(&key), key }
    }
}

/// The key of every leaf; the same in each run, so that a chain that was kept is still ours.
pub fn own() -> Arc<PrivateKey> {
    Arc::new(key(KeyType::EcdsaP256, 2))
}

fn forger() -> PrivateKey {
    key(KeyType::EcdsaP256, 3)
}

pub fn key(kind: KeyType, seed: u64) -> PrivateKey {
    PrivateKey::generate(kind, &Counted(AtomicU64::new(seed << 32))).unwrap()
}

/// SHA-256 of a counter: no secret, and the same in every run.
pub struct Counted(pub AtomicU64);

impl Random for Counted {
    fn fill(&self, out: &mut [u8]) -> otls::Result<()> {
        for chunk in out.chunks_mut(32) {
            let count = self.0.fetch_add(1, Ordering::Relaxed);
            let block = digest(HashAlgorithm::Sha256, &count.to_be_bytes());
            chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
        }
        Ok(())
    }
}

/// A chain for the key [`own`].
pub struct Chain {
    pub name: &'static str,
    pub ders: Vec<Vec<u8>>,
}

fn spki(key: &PrivateKey) -> Vec<u8> {
    key.public_key().to_der().to_vec()
}

pub fn repeated(what: &[u8], count: usize) -> Vec<u8> {
    tlv(0x30, &what.repeat(count))
}

/// `count` DNS names of one letter.
pub fn names(count: usize) -> Vec<u8> {
    extension(SAN, false, &repeated(&tlv(0x82, b"a"), count))
}

/// `count` excluded subtrees of one letter.
pub fn subtrees(count: usize) -> Vec<u8> {
    let excluded = tlv(0xA1, &seq(&[&tlv(0x82, b"b")]).repeat(count));
    extension(NAME_CONSTRAINTS, true, &tlv(0x30, &excluded))
}

/// A leaf with `n` names below an authority with `m` subtrees and `k` small ones, all of them in the name of the
/// root; signed by nobody who is trusted, or all of it by the root.
pub fn constraints(root: &Root, n: usize, m: usize, k: usize, is_signed: bool) -> Chain {
    let (own, forger) = (own(), forger());
    let draft = |serial, subject: &str, key: &PrivateKey, extensions: Vec<Vec<u8>>| Draft {
        serial,
        subject: common_name(subject),
        issuer: common_name(ROOT),
        spki: spki(key),
        extensions,
    };
    let by = if is_signed { &root.key } else { &forger };
    let leaf = Draft {
        issuer: common_name(if is_signed { "big" } else { ROOT }),
        ..draft(2, "mallory", &own, vec![both_usages(), names(n)])
    };
    let big = draft(3, if is_signed { "big" } else { ROOT }, &forger, vec![is_ca(), subtrees(m)]);
    let mut ders = vec![leaf.signed(&forger), big.signed(by)];
    for index in 0..k {
        ders.push(draft(index as u64 + 10, ROOT, &forger, vec![is_ca()]).signed(by));
    }
    Chain { name: if is_signed { "constraints" } else { "forged constraints" }, ders }
}

/// Authorities of one name that all seem to have issued each other, with keys that are dear to verify with.
pub fn mesh(name: &'static str, spki_of: impl Fn(u64) -> Vec<u8>, signature_len: usize) -> Chain {
    let own = own();
    let mut ders = Vec::new();
    for serial in 1..=10 {
        let leaf = serial == 1;
        let draft = Draft {
            serial,
            subject: common_name(if leaf { "mallory" } else { ROOT }),
            issuer: common_name(ROOT),
            spki: if leaf { spki(&own) } else { spki_of(serial) },
            extensions: vec![if leaf { both_usages() } else { is_ca() }],
        };
        ders.push(draft.rsa_unsigned(signature_len));
    }
    Chain { name, ders }
}

/// The same with signatures that are right: each has signed each.
pub fn true_mesh() -> Chain {
    let (own, shared) = (own(), forger());
    let mut ders = Vec::new();
    for serial in 1..=10 {
        let leaf = serial == 1;
        let draft = Draft {
            serial,
            subject: common_name(if leaf { "mallory" } else { "mesh" }),
            issuer: common_name("mesh"),
            spki: spki(if leaf { &own } else { &shared }),
            extensions: vec![if leaf { both_usages() } else { is_ca() }],
        };
        ders.push(draft.signed(&shared));
    }
    Chain { name: "mesh, signed", ders }
}

/// A leaf with these extensions and names that only look like the root's.
pub fn leaf(name: &'static str, subject: Vec<u8>, issuer: Vec<u8>, extensions: Vec<Vec<u8>>) -> Chain {
    let own = own();
    let draft = Draft { serial: 7, subject, issuer, spki: spki(&own), extensions };
    Chain { name, ders: vec![draft.signed(&forger())] }
}

/// Ten certificates whose names fill 64 KiB.
pub fn long_names(name: &'static str, part: &[u8], tag: u8, total: usize) -> Chain {
    let own = own();
    let each = total / 20 - 40;
    let value = part.repeat(each / part.len());
    let name_of = |index: u64| {
        let mut value = value.clone();
        // Equal up to the end, so that comparing them takes longest.
        value.extend_from_slice(format!("{index:02}").as_bytes());
        rdns(&[rdn(b"\x55\x04\x03", tag, &value)])
    };
    let ders = (0..10)
        .map(|index| {
            let draft = Draft {
                serial: index,
                subject: name_of(index),
                issuer: name_of(index + 1),
                spki: spki(&own),
                extensions: vec![if index == 0 { both_usages() } else { is_ca() }],
            };
            draft.signed(&own)
        })
        .collect();
    Chain { name, ders }
}

pub fn all(root: &Root) -> Vec<Chain> {
    let p384 = key(KeyType::EcdsaP384, 4);
    let p384 = spki(&p384);
    let fill = |each: usize| (STRANGERS - 700) / each;
    let subject = || common_name("mallory");
    let issuer = || common_name(ROOT);
    let extensions_of = |list: Vec<Vec<u8>>| [vec![both_usages()], list].concat();
    let tiny_extension = |index: u32| {
        let [_, a, b, c] = index.to_be_bytes();
        extension(&[0x2A, 0x80 | a, 0x80 | (b << 1) | (c >> 7), c & 0x7F], false, b"")
    };
    vec![
        constraints(root, 4000, 4000, 4, false),
        constraints(root, 9000, 5000, 2, false),
        constraints(root, 4000, 4000, 4, true),
        constraints(root, 700, 700, 0, true),
        mesh("RSA-8192", |_| rsa_spki(8192, u32::MAX), 1024),
        mesh("RSA-8191", |_| rsa_spki(8191, u32::MAX), 1024),
        mesh("RSA-4096", |_| rsa_spki(4096, u32::MAX), 512),
        mesh("P-384", |_| compressed(&p384), 512),
        true_mesh(),
        leaf("names", subject(), issuer(), extensions_of(vec![names(fill(3))])),
        leaf("subtrees", subject(), issuer(), extensions_of(vec![subtrees(fill(5))])),
        leaf(
            "usages",
            subject(),
            issuer(),
            vec![extension(EXTENDED_KEY_USAGE, false, &repeated(b"\x06\x01\x2A", fill(3)))],
        ),
        leaf(
            "distribution points",
            subject(),
            issuer(),
            extensions_of(vec![extension(DISTRIBUTION_POINTS, false, &repeated(b"\x30\x00", fill(2)))]),
        ),
        leaf("extensions", subject(), issuer(), extensions_of((0..4000).map(tiny_extension).collect())),
        leaf(
            "relative names",
            rdns(&vec![rdn(b"\x2A", 5, b""); fill(11)]),
            issuer(),
            extensions_of(Vec::new()),
        ),
        leaf(
            "directory names",
            subject(),
            issuer(),
            extensions_of(vec![extension(
                SAN,
                false,
                &repeated(&tlv(0xA4, &rdns(&vec![rdn(b"\x55\x04\x03", 0x0C, b"a"); 50])), fill(704)),
            )]),
        ),
        leaf(
            "subject",
            rdns(&[rdn(b"\x55\x04\x03", 0x0C, "\u{FDFA}".repeat(fill(3)).as_bytes())]),
            issuer(),
            extensions_of(Vec::new()),
        ),
        leaf(
            "issuer",
            subject(),
            rdns(&[rdn(b"\x55\x04\x03", 0x0C, "\u{FDFA}".repeat(fill(3)).as_bytes())]),
            extensions_of(Vec::new()),
        ),
        long_names("long names, ASCII", b"a", 0x0C, 60_000),
        long_names("long names, U+FDFA", "\u{FDFA}".as_bytes(), 0x0C, 60_000),
        long_names("long names, BMPString", b"\x33\x00", 0x1E, 60_000),
        long_names("long names, short", "\u{FDFA}".as_bytes(), 0x0C, 12_000),
    ]
}
