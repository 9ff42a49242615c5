//! What one verification may cost: a chain that asks for more is refused, with that reason.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs
)]

use crate::worst;
use crate::worst::chains::{self, Chain, Root};
use crate::worst::der::{DISTRIBUTION_POINTS, Draft, both_usages, common_name, extension, tlv};
use crate::worst::{BOUND, cpu_time};
use otls::UnixTime;
use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::error::{Check, Report};
use otls::pki::{Authority, Certificate, DistinguishedName, KeyType, PeerRole, TrustStore, Validity};
use std::time::Duration;

const NOW: UnixTime = UnixTime(1_800_000_000);
/// Tests are compiled without optimisation, and share their cores.
const MARGIN: u32 = 10;

fn trust(root: &Root) -> TrustStore {
    let mut trust = TrustStore::new();
    trust.add_authority(&Certificate::load(&root.der).unwrap()).unwrap();
    trust
}

fn judged(root: &Root, chain: &Chain) -> Result<(), Report> {
    judge(&trust(root), chain)
}

fn judge(trust: &TrustStore, chain: &Chain) -> Result<(), Report> {
    let chain = otls::pki::Chain::from_der(&chain.ders)?;
    trust.verify(&chain, &PeerRole::Client, NOW).map(|_| ())
}

#[test]
fn names_are_not_compared_on_a_path_that_nobody_has_signed() {
    let root = Root::new();
    let report = judged(&root, &chains::constraints(&root, 4000, 4000, 4, false)).unwrap_err();
    assert_eq!(report.check(), Check::Signature, "{report}");
    assert!(report.findings().all(|finding| finding.check != Check::NameConstraints), "{report}");
}

#[test]
fn a_signed_path_with_many_names_and_subtrees_is_refused_for_its_cost() {
    let root = Root::new();
    let report = judged(&root, &chains::constraints(&root, 4000, 4000, 0, true)).unwrap_err();
    assert_eq!(report.check(), Check::Budget, "{report}");
    assert!(report.to_string().contains("more comparisons of names"), "{report}");
}

#[test]
fn a_signed_path_with_a_hundred_names_and_a_thousand_subtrees_is_judged() {
    let root = Root::new();
    judged(&root, &chains::constraints(&root, 100, 1000, 0, true)).unwrap();
}

#[test]
fn signatures_are_looked_at_for_as_long_as_the_budget_lasts() {
    let root = Root::new();
    for chain in
        [chains::mesh("RSA-8192", |_| worst::der::rsa_spki(8192, u32::MAX), 1024), chains::true_mesh()]
    {
        let report = judged(&root, &chain).unwrap_err();
        assert_eq!(report.check(), Check::Budget, "{}: {report}", chain.name);
    }
}

#[test]
fn names_of_distribution_points_are_compared_with_lists_for_as_long_as_the_budget_lasts() {
    let random = SystemRandom;
    let (signer, own) = (chains::key(KeyType::EcdsaP256, 30), chains::own());
    let name = DistinguishedName::with_common_name("Private CA");
    let ca = chains::key(KeyType::EcdsaP256, 30);
    let ca = Authority::create(
        ca,
        &name,
        HashAlgorithm::Sha256,
        Validity::new(NOW, Duration::from_secs(1 << 30)),
        &random,
    )
    .unwrap();
    let mut trust = TrustStore::new();
    trust.add_authority(ca.certificate()).unwrap();
    for number in 1..=20 {
        trust.add_crl(
            ca.issue_crl(&[], number, Validity::new(NOW, Duration::from_secs(3600)), &random).unwrap(),
        );
    }
    let (short, long) = ("point".to_owned(), "\u{FDFA}".repeat(1300));
    let full = |name: &str| tlv(0xA0, &tlv(0xA4, &common_name(name)));
    // nameRelativeToCRLIssuer: what is in the SET.
    let relative = |name: &str| tlv(0xA1, content(content(&common_name(name))));
    for (name, expected) in [
        (full(&short), None),
        (full(&long), Some(Check::Budget)),
        (relative(&short), None),
        (relative(&long), Some(Check::Budget)),
    ] {
        let point = tlv(0x30, &tlv(0xA0, &name));
        let leaf = Draft {
            serial: 7,
            subject: common_name("mallory"),
            issuer: ca.certificate().subject_der().to_vec(),
            spki: own.public_key().to_der().to_vec(),
            extensions: vec![
                both_usages(),
                extension(DISTRIBUTION_POINTS, false, &tlv(0x30, &point.repeat(12))),
            ],
        };
        let chain = Chain { name: "points", ders: vec![leaf.signed(&signer)] };
        assert_eq!(judge(&trust, &chain).err().map(|report| report.check()), expected);
    }
}

/// What is in an element of DER.
fn content(der: &[u8]) -> &[u8] {
    let long = der[1].checked_sub(0x80).map_or(0, usize::from);
    &der[2 + long..]
}

#[test]
fn no_chain_of_64_kib_costs_more_than_its_bound() {
    let root = Root::new();
    let mut over = Vec::new();
    for chain in chains::all(&root) {
        let len: usize = chain.ders.iter().map(Vec::len).sum();
        assert!(len <= chains::STRANGERS, "{} has {len} octets", chain.name);
        let trust = trust(&root);
        let before = cpu_time();
        let _ = judge(&trust, &chain);
        let took = cpu_time() - before;
        let mut report = String::new();
        let held = allocation_counter::measure(|| {
            report = judge(&trust, &chain).err().map(|report| report.to_string()).unwrap_or_default();
        });
        println!("{:30} {len:6} octets {took:>12.2?} {:8} octets held", chain.name, held.bytes_max);
        if took > BOUND * MARGIN || report.len() > 8 << 10 {
            over.push((chain.name, took));
        }
    }
    assert!(over.is_empty(), "{over:?}");
}
