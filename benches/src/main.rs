//! `make bench`: otls beside rustls over aws-lc-rs and the system's OpenSSL, all in memory, in one run on one core.
//!
//! The numbers of two machines cannot be compared; the ratios can. The libraries of a row are measured in turns,
//! so that what disturbs the machine disturbs all of them, and the median turn counts.

#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../../tests/otp/stores/ground.rs"]
mod ground;
mod ledger;
mod openssl_peer;
mod ours;
mod primitives;
mod rustls_peer;
mod table;
mod timing;
mod turns;

use std::path::Path;
use std::time::Duration;

use common::World;
use otls::codepoints::{CipherSuite, NamedGroup};
use otls::crypto::aead::AeadAlgorithm;
use otls::pki::KeyType;
use table::{Table, Target, Turns};
use turns::rate;

/// How long one library is measured in one turn.
const TURN: Duration = Duration::from_millis(200);
const TURNS: usize = 7;
/// Pairs of connections that are kept to see what they hold.
const IDLE: usize = 100;

/// Messages that are carried at once.
pub const BATCH: usize = 16;

/// What is measured: one call does it once.
pub type Operation = Box<dyn FnMut()>;

/// What makes a pair of connections.
pub type Connect = Box<dyn FnMut() -> Box<dyn std::any::Any>>;

/// What all libraries are set up with.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    pub world: &'a World,
    pub suite: CipherSuite,
    pub group: NamedGroup,
}

/// A library that is measured.
pub struct Library {
    /// A full mutual handshake, until both sides know that they are done, with certificates that neither has
    /// seen before.
    pub full: fn(Setup<'_>) -> Option<Operation>,
    /// The same with certificates that each has seen in an earlier one.
    pub again: fn(Setup<'_>) -> Option<Operation>,
    /// A resumed one, with an ephemeral key exchange.
    pub resumed: fn(Setup<'_>) -> Option<Operation>,
    /// Sealing so many octets on one side and opening them on the other.
    pub carry: fn(Setup<'_>, usize) -> Option<Operation>,
    /// What makes pairs of connections that are done with their handshake, of one configuration.
    pub idle: fn(Setup<'_>) -> Option<Connect>,
}

const LIBRARIES: [Library; 3] = [ours::LIBRARY, rustls_peer::LIBRARY, openssl_peer::LIBRARY];

fn main() {
    // The ledger's figures alone: `otls-bench codes`.
    if std::env::args().nth(1).as_deref() == Some("codes") {
        return println!("{}", ledger::tables());
    }
    // What idle connections hold, alone, on standard error: `otls-bench idle`.
    if std::env::args().nth(1).as_deref() == Some("idle") {
        return idle(&mut Table::default());
    }
    // Whether times tell secrets, alone: `otls-bench timing`.
    if std::env::args().nth(1).as_deref() == Some("timing") {
        return println!("{}", timing::table());
    }
    // The primitives alone: `otls-bench primitives`, which asks itself for the portable engine's.
    match std::env::args().nth(1).as_deref() {
        Some("primitives") => return println!("{}", primitives::table()),
        Some("portable-primitives") => return primitives::serve(),
        _ => (),
    }
    // One operation for a profiler: `otls-bench profile resumed`.
    let mut arguments = std::env::args().skip(1);
    if std::env::args().nth(1).as_deref() == Some("profile") {
        return profile(&std::env::args().nth(2).expect("what to profile"));
    }
    // The records alone: `otls-bench records`.
    if std::env::args().nth(1).as_deref() == Some("records") {
        let mut table = Table::default();
        records(&mut table);
        return record_shares(&mut table);
    }
    let library = arguments.next();
    let document = arguments.next();
    let crates = arguments.next();
    let mut table = Table::default();
    handshakes(&mut table);
    records(&mut table);
    raw(&mut table);
    idle(&mut table);
    size(&mut table, library.as_deref().map(Path::new));
    let text = table.to_markdown();
    let codes = ledger::tables();
    let primitives = primitives::table();
    println!("{text}\n{primitives}\n{codes}\n{}", timing::table());
    if let Some(path) = document {
        table::replace(Path::new(&path), "table", &text);
        if let Some(crates) = crates {
            table::replace(Path::new(&path), "crates", &std::fs::read_to_string(crates).unwrap());
        }
        table::replace(Path::new(&path), "primitives", &primitives);
        table::replace(Path::new(&path), "codes", &codes);
    }
}

/// Does one thing of ours for five seconds.
fn profile(what: &str) {
    let world = World::new(if what.contains("rsa") { KeyType::Rsa2048 } else { KeyType::EcdsaP256 });
    let suite = match what {
        "chacha" => CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
        _ => CipherSuite::TLS_AES_128_GCM_SHA256,
    };
    let setup = Setup { world: &world, suite, group: NamedGroup::X25519 };
    let operation = match what {
        "full" | "full-rsa" => (ours::LIBRARY.full)(setup),
        "resumed" => (ours::LIBRARY.resumed)(setup),
        _ => (ours::LIBRARY.carry)(setup, 16_384),
    };
    let mut operation = operation.expect("ours does everything");
    let rates: Vec<f64> = (0..25).map(|_| rate(&mut operation, TURN)).collect();
    println!("{:.0} per second", rates.iter().copied().fold(0.0, f64::max));
}

fn handshakes(table: &mut Table) {
    for (name, key_type) in [("ECDSA P-256", KeyType::EcdsaP256), ("RSA 2048", KeyType::Rsa2048)] {
        let world = World::new(key_type);
        for group in [NamedGroup::X25519, NamedGroup::X25519MLKEM768] {
            let setup = Setup { world: &world, suite: CipherSuite::TLS_AES_128_GCM_SHA256, group };
            let row = format!("full mutual handshakes per second, {name}, {group}");
            table.row(&row, measure(LIBRARIES.iter().map(|library| (library.full)(setup))));
            let row = format!("the same of certificates seen before, {name}, {group}");
            table.row(&row, measure(LIBRARIES.iter().map(|library| (library.again)(setup))));
        }
        let setup =
            Setup { world: &world, suite: CipherSuite::TLS_AES_128_GCM_SHA256, group: NamedGroup::X25519 };
        let row = format!("resumed handshakes per second, {name}, x25519");
        table.row(&row, measure(LIBRARIES.iter().map(|library| (library.resumed)(setup))));
    }
}

fn records(table: &mut Table) {
    let world = World::new(KeyType::EcdsaP256);
    for suite in otls::SUPPORTED_SUITES.iter().copied() {
        let setup = Setup { world: &world, suite, group: NamedGroup::X25519 };
        let rates = measure([Some(ours::carry_batch(setup)), rustls_peer::carry_batch(setup), None]);
        let messages = |rate: Turns| rate.times(BATCH as f64);
        let row = format!("messages of 72 octets per second, {BATCH} at once, {suite}");
        table.row(&row, rates.into_iter().map(|rate| rate.map(messages)).collect());
        for size in [16_384, 72] {
            let rates = measure(LIBRARIES.iter().map(|library| (library.carry)(setup, size)));
            if size == 72 {
                table.row(&format!("messages of 72 octets per second, {suite}"), rates);
            } else {
                let megabytes = |rate: Turns| rate.times(16_384e-6);
                let row = format!("MB per second in records of 16 KiB, {suite}");
                table.row(&row, rates.into_iter().map(|rate| rate.map(megabytes)).collect());
            }
        }
    }
}

/// What the cryptography alone takes: the bound that a handshake or a record cannot pass.
fn raw(table: &mut Table) {
    for (name, key_type) in [("ECDSA P-256", KeyType::EcdsaP256), ("RSA 2048", KeyType::Rsa2048)] {
        let world = World::new(key_type);
        for group in [NamedGroup::X25519, NamedGroup::X25519MLKEM768] {
            let setup = Setup { world: &world, suite: CipherSuite::TLS_AES_128_GCM_SHA256, group };
            let rates = measure([(ours::LIBRARY.full)(setup), Some(ours::raw_handshake(setup, true))]);
            let (row, of) = (format!("full handshake, {name}, {group}"), "key exchange and signatures");
            table.share(&row, of, &rates, Some(Target::Share(1.1)));
        }
        let setup =
            Setup { world: &world, suite: CipherSuite::TLS_AES_128_GCM_SHA256, group: NamedGroup::X25519 };
        let rates = measure([(ours::LIBRARY.resumed)(setup), Some(ours::raw_handshake(setup, false))]);
        table.share(&format!("resumed handshake, {name}, x25519"), "key exchange", &rates, None);
    }
    record_shares(table);
}

/// What records take beside their AEAD, and the AEADs of two primitives beside these.
fn record_shares(table: &mut Table) {
    let world = World::new(KeyType::EcdsaP256);
    for (suite, aead) in SUITES {
        let setup = Setup { world: &world, suite, group: NamedGroup::X25519 };
        let rates =
            measure([Some(ours::sealing(setup, 16_384)), Some(ours::raw_sealing(aead, 16_384, true))]);
        table.share(&format!("sealing 16 KiB, {suite}"), "its AEAD and one memcpy", &rates, SHARE);
        let rates =
            measure([Some(ours::carry_in_place(setup, 16_384)), Some(ours::raw_record(aead, 16_384, true))]);
        table.share(
            &format!("the same, and opened in place, {suite}"),
            "its AEAD and one memcpy",
            &rates,
            SHARE,
        );
        let rates =
            measure([(ours::LIBRARY.carry)(setup, 16_384), Some(ours::raw_record(aead, 16_384, false))]);
        table.share(&format!("the same, by feed and read, {suite}"), "its AEAD", &rates, None);
    }
    for (name, aead) in [
        ("AES-128-CBC-HMAC-SHA256", AeadAlgorithm::Aes128CbcHmacSha256),
        ("AES-256-CBC-HMAC-SHA384", AeadAlgorithm::Aes256CbcHmacSha384),
    ] {
        let rates = measure([
            Some(ours::raw_sealing(aead, 16_384, false)),
            Some(openssl_peer::encrypt_then_mac(aead, 16_384)),
        ]);
        let row = format!("sealing 16 KiB with {name}");
        table.share(&row, "OpenSSL's encryption and then HMAC", &rates, Some(Target::Share(1.0)));
    }
}

const SHARE: Option<Target> = Some(Target::Share(1.05));

const SUITES: [(CipherSuite, AeadAlgorithm); 4] = [
    (CipherSuite::TLS_AES_128_GCM_SHA256, AeadAlgorithm::Aes128Gcm),
    (CipherSuite::TLS_CHACHA20_POLY1305_SHA256, AeadAlgorithm::ChaCha20Poly1305),
    (CipherSuite::OTLS_AES_128_CBC_HMAC_SHA256, AeadAlgorithm::Aes128CbcHmacSha256),
    (CipherSuite::OTLS_AES_256_CBC_HMAC_SHA384, AeadAlgorithm::Aes256CbcHmacSha384),
];

fn idle(table: &mut Table) {
    // A world for each pair: each side has a certificate of its own, and what it needs of its own is made before.
    let worlds: Vec<World> = (0..IDLE).map(|_| World::new(KeyType::EcdsaP256)).collect();
    let sides = worlds.iter().flat_map(|world| [&world.client, &world.server]);
    let octets: usize = sides.map(|side| side.certificate().to_der().len()).sum();
    let certificate = octets as f64 / (2 * IDLE) as f64;
    let held = LIBRARIES.iter().map(|library| {
        let suite = CipherSuite::TLS_AES_128_GCM_SHA256;
        let connect = |world| (library.idle)(Setup { world, suite, group: NamedGroup::X25519 });
        let mut connects = worlds.iter().map(connect).collect::<Option<Vec<_>>>()?;
        // The first leaves what is made once.
        connects.iter_mut().for_each(|connect| drop(connect()));
        let before = heap();
        let kept: Vec<_> = connects.iter_mut().map(|connect| connect()).collect();
        let held = heap() - before;
        drop(kept);
        Some(held / (2 * IDLE) as f64 - certificate)
    });
    let row = format!(
        "octets of heap per idle connection, beside {certificate:.0} of its peer's certificate (fewer is better)"
    );
    table.row(&row, held.collect());
}

/// Octets that are allocated, by Rust and C alike.
fn heap() -> f64 {
    // SAFETY: mallinfo2 takes no arguments and only reads the allocator's own counters.
    let info = unsafe { libc::mallinfo2() };
    (info.uordblks + info.hblkhd) as f64
}

/// The library without stores, stripped.
fn size(table: &mut Table, library: Option<&Path>) {
    let of = |path: &Path| std::fs::metadata(path).ok().map(|file| file.len() as f64);
    let system = |name| {
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64"]
            .iter()
            .find_map(|folder| of(&Path::new(folder).join(name)))
    };
    let openssl = system("libssl.so.3").zip(system("libcrypto.so.3")).map(|(ssl, crypto)| ssl + crypto);
    let figures = vec![library.and_then(of), None, openssl];
    let row = "octets of the shared library without stores (fewer is better)";
    table.row_with(row, figures, &[Target::AtMost(5_221_848.0)]);
}

/// Operations per second of each, in turns.
fn measure(operations: impl IntoIterator<Item = Option<Operation>>) -> Vec<Option<Turns>> {
    let mut operations: Vec<Option<Operation>> = operations.into_iter().collect();
    let mut turns: Vec<Vec<f64>> = vec![Vec::new(); operations.len()];
    for _ in 0..TURNS {
        for (operation, turns) in operations.iter_mut().zip(&mut turns) {
            turns.extend(operation.as_mut().map(|operation| rate(operation, TURN)));
        }
    }
    turns.into_iter().map(|turns| (!turns.is_empty()).then(|| Turns::new(turns))).collect()
}
