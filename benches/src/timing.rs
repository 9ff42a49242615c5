//! Whether the time of an operation tells what is secret, on the engine that the machine chooses: two classes of
//! inputs in random order, and Welch's t-test between their times (Reparaz, Balasch and Verbauwhede, "Dude, is my
//! code constant time?", 2017).

use std::hint::black_box;
use std::time::Instant;

use otls::codepoints::NamedGroup;
use otls::crypto::aead::{AeadAlgorithm, AeadKey};
use otls::crypto::hash::HashAlgorithm;
use otls::crypto::hmac::HmacKey;
use otls::crypto::kx::{KeyExchange, respond};
use otls::crypto::{Random, SystemRandom};
use otls::{Error, Secret};

/// Above this the two classes do not take the same time; a leak is found with a value far beyond it. Four and
/// a half is a suspicion, and what a busy machine makes of nothing.
const LEAK: f64 = 10.0;
const SAMPLES: usize = 60_000;
/// Of an operation that takes long by itself.
const FEW_SAMPLES: usize = 12_000;
/// The slowest of a hundred are the machine's doing.
const KEPT: f64 = 0.95;

/// What was measured, and the t value of each; the first is a comparison that leaks.
///
/// # Panics
/// If the leak was not found, or another was.
pub fn table() -> String {
    let planted = planted();
    let mut rows = vec![("a comparison that ends early (planted)".to_owned(), planted)];
    rows.extend(measured());
    let mut text = "| time of | t |\n| --- | ---: |\n".to_owned();
    for (name, t) in &rows {
        text.push_str(&format!("| {name} | {t:.1} |\n"));
    }
    assert!(planted.abs() > LEAK, "the planted leak was not found:\n{text}");
    assert!(rows[1..].iter().all(|(_, t)| t.abs() <= LEAK), "a time tells what is secret:\n{text}");
    text
}

/// A value that differs from another in its first octet, or in its last.
fn different(value: &[u8], in_first: bool) -> Vec<u8> {
    let mut other = value.to_vec();
    let at = if in_first { 0 } else { value.len() - 1 };
    other[at] ^= 1;
    other
}

fn planted() -> f64 {
    let secret = vec![7; 4096];
    t_value(
        SAMPLES,
        |class| different(&secret, class),
        |value| value.iter().zip(&secret).all(|(a, b)| black_box(a) == b),
    )
}

fn measured() -> Vec<(String, f64)> {
    let mut rows = Vec::new();
    let secret = Secret::from(vec![7; 4096]);
    let t = t_value(SAMPLES, |class| different(secret.expose(), class), |value| secret.ct_eq(&value));
    rows.push(("comparing secrets".to_owned(), t));

    let key = HmacKey::new(HashAlgorithm::Sha256, &[7; 32]);
    let tag = key.sign(&[b"Finished"]);
    let t = t_value(
        SAMPLES,
        |class| different(tag.as_ref(), class),
        |value| key.verify(&[b"Finished"], &value).is_ok(),
    );
    rows.push(("judging Finished, a binder, the ledger's tag".to_owned(), t));

    for (name, algorithm) in [
        ("AES-128-GCM", AeadAlgorithm::Aes128Gcm),
        ("AES-256-GCM", AeadAlgorithm::Aes256Gcm),
        ("ChaCha20-Poly1305", AeadAlgorithm::ChaCha20Poly1305),
        ("AES-128-CBC-HMAC-SHA-256", AeadAlgorithm::Aes128CbcHmacSha256),
        ("AES-256-CBC-HMAC-SHA-384", AeadAlgorithm::Aes256CbcHmacSha384),
    ] {
        let key = AeadKey::new(algorithm, &vec![7; algorithm.key_len()]).unwrap();
        let mut sealed = vec![5; 64];
        key.seal(&[1; 12], b"", &mut sealed, 0).unwrap();
        let tag_len = if algorithm == AeadAlgorithm::Aes256CbcHmacSha384 { 24 } else { 16 };
        let text_len = sealed.len() - tag_len;
        let t = t_value(
            SAMPLES,
            |class| [&sealed[..text_len], &different(&sealed[text_len..], class)].concat(),
            |mut value| key.open(&[1; 12], b"", &mut value).is_ok(),
        );
        rows.push((format!("refusing a tag of {name}"), t));
    }

    for group in [NamedGroup::X25519, NamedGroup::SECP256R1, NamedGroup::SECP384R1] {
        let own = KeyExchange::start(group, &SystemRandom).unwrap();
        let (peer, _) = respond(group, own.public_share(), &SystemRandom).unwrap();
        let t = t_value(
            FEW_SAMPLES,
            |class| KeyExchange::start(group, if class { &Few } else { &SystemRandom }).unwrap(),
            |exchange| exchange.finish(&peer).is_ok(),
        );
        rows.push((format!("agreeing on {group} with few bits set in the key, or many"), t));
    }
    rows
}

/// Private keys of hardly any bits.
#[derive(Debug)]
struct Few;

impl Random for Few {
    fn fill(&self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(0);
        if let Some(last) = out.last_mut() {
            *last = 2;
        }
        Ok(())
    }
}

/// Welch's t between the times of two classes. What is above [`LEAK`] is measured again: how a process happens to
/// lie in memory makes some too, of either sign, and a leak is there each time.
fn t_value<T>(samples: usize, mut prepare: impl FnMut(bool) -> T, mut run: impl FnMut(T) -> bool) -> f64 {
    let mut values = Vec::new();
    while values.len() < ATTEMPTS {
        let t = one_t_value(samples, &mut prepare, &mut run);
        values.push(t);
        if t.abs() <= LEAK {
            return t;
        }
        if t.signum() != values[0].signum() {
            break;
        }
    }
    values.iter().sum::<f64>() / values.len() as f64
}

const ATTEMPTS: usize = 5;

/// Of one measurement, in random order.
fn one_t_value<T>(
    samples: usize,
    prepare: &mut impl FnMut(bool) -> T,
    run: &mut impl FnMut(T) -> bool,
) -> f64 {
    let mut classes = vec![0; samples.div_ceil(8)];
    SystemRandom.fill(&mut classes).unwrap();
    let mut times: Vec<(bool, f64)> = Vec::with_capacity(samples);
    for number in 0..samples {
        let class = classes[number / 8] >> (number % 8) & 1 == 1;
        let input = black_box(prepare(class));
        let start = Instant::now();
        black_box(run(input));
        times.push((class, start.elapsed().as_nanos() as f64));
    }
    // The first of all find cold caches.
    times.drain(..samples / 20);
    let mut sorted: Vec<f64> = times.iter().map(|(_, time)| *time).collect();
    sorted.sort_by(f64::total_cmp);
    let limit = sorted[(sorted.len() as f64 * KEPT) as usize];
    let of = |wanted: bool| {
        let kept: Vec<f64> = times
            .iter()
            .filter(|(class, time)| *class == wanted && *time <= limit)
            .map(|(_, time)| *time)
            .collect();
        let count = kept.len() as f64;
        let mean = kept.iter().sum::<f64>() / count;
        let variance = kept.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    };
    let ((mean_a, error_a), (mean_b, error_b)) = (of(false), of(true));
    (mean_a - mean_b) / (error_a + error_b).sqrt().max(f64::MIN_POSITIVE)
}
