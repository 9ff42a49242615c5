//! Path verification beside rustls-webpki: certificates with any one bit flipped and signed anew by their
//! issuer, so that only what they say decides. What rustls-webpki refuses is refused here too.

use core::ops::Range;
use core::time::Duration;

use crate::support::*;
use otls::codepoints::SignatureScheme;
use otls::crypto::hash::HashAlgorithm;
use otls::pki::{
    Authority, AuthorityTerms, Certificate, Crl, NameConstraints, PeerRole, PrivateKey, RevocationReason,
    TrustStore, Validity,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime as PkiTime};
use webpki::{
    BorrowedCertRevocationList, CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage,
    RevocationOptionsBuilder, UnknownStatusPolicy, anchor_from_trusted_cert,
};

const HOST: &str = "www.branch.example";

/// A root, an authority below it that is constrained, its server, and a list of each.
struct World {
    root: Authority,
    branch: Authority,
    leaf: Certificate,
    lists: Vec<Vec<u8>>,
}

impl World {
    fn new() -> Self {
        let root = Authority::create(
            ec_key(),
            &name("Root"),
            HashAlgorithm::Sha256,
            AuthorityTerms::new(Validity::new(NOW, YEAR)).with_path_len(1),
            &RANDOM,
        );
        let (root, key) = (root.unwrap(), ec_key());
        let constraints = NameConstraints::new().permit("branch.example").unwrap();
        let constraints = constraints.exclude("secret.branch.example").unwrap();
        let asked = request(&key, "Branch", &[]);
        let certificate = root
            .issue_authority(
                &asked,
                &AuthorityTerms::new(Validity::new(NOW, DAY)).with_path_len(0).with_constraints(constraints),
                &RANDOM,
            )
            .unwrap();
        let branch = Authority::load(certificate, key, HashAlgorithm::Sha256).unwrap();
        let leaf = server(&branch, &[HOST, "*.desk.branch.example"]);
        let revoked = [(vec![0x42; 16], NOW, RevocationReason::KeyCompromise)];
        let lists = [&root, &branch];
        let lists = lists
            .map(|ca| ca.issue_crl(&revoked, 7, Validity::new(NOW, DAY), &RANDOM).unwrap().to_der().to_vec());
        Self { root, branch, leaf, lists: lists.to_vec() }
    }

    fn judge(&self, leaf: &[u8], branch: &[u8], lists: &[Vec<u8>]) -> (bool, bool) {
        (self.otls(leaf, branch, lists), self.webpki(leaf, branch, lists).unwrap_or(false))
    }

    fn otls(&self, leaf: &[u8], branch: &[u8], lists: &[Vec<u8>]) -> bool {
        let mut store: TrustStore = trust(&[self.root.certificate()]);
        for list in lists {
            let Ok(list) = Crl::load(list) else { return false };
            store.add_crl(list);
        }
        let role: PeerRole = as_server(HOST);
        store.judge(&[leaf.to_vec(), branch.to_vec()], &role, NOW).is_ok()
    }

    fn webpki(&self, leaf: &[u8], branch: &[u8], lists: &[Vec<u8>]) -> Result<bool, webpki::Error> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let root = CertificateDer::from(self.root.certificate().to_der());
        let anchor = anchor_from_trusted_cert(&root)?;
        let mut parsed = Vec::new();
        for list in lists {
            parsed.push(CertRevocationList::Borrowed(BorrowedCertRevocationList::from_der(list)?));
        }
        let borrowed: Vec<&CertRevocationList<'_>> = parsed.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&borrowed).ok().map(|builder| {
            builder
                .with_status_policy(UnknownStatusPolicy::Allow)
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build()
        });
        let (leaf, branch) = (CertificateDer::from(leaf), CertificateDer::from(branch));
        let leaf = EndEntityCert::try_from(&leaf)?;
        leaf.verify_for_usage(
            provider.signature_verification_algorithms.all,
            &[anchor],
            &[branch],
            PkiTime::since_unix_epoch(Duration::from_secs(NOW.0)),
            KeyUsage::server_auth(),
            revocation,
            None,
        )?;
        leaf.verify_is_valid_for_subject_name(&ServerName::try_from(HOST).unwrap())?;
        Ok(true)
    }
}

#[test]
fn what_webpki_refuses_is_refused() {
    let world = World::new();
    let (leaf, branch) = (world.leaf.to_der(), world.branch.certificate().to_der());
    assert_eq!(world.judge(leaf, branch, &[]), (true, true));
    assert_eq!(world.judge(leaf, branch, &world.lists), (true, true));

    let (mut accepted, mut wrong) = (0, Vec::new());
    let mut check = |what: &str, original: &[u8], bit: usize, verdict: (bool, bool)| {
        accepted += usize::from(verdict.0);
        if verdict == (true, false) && !is_known(original, bit) {
            let around = &original[bit / 8 - 4..=bit / 8];
            wrong.push(format!("{what}: octet {}, the last of {around:02x?}, bit {}", bit / 8, bit % 8));
        }
    };
    for bit in bits(leaf) {
        let changed = flipped(leaf, bit, world.branch.key());
        check("leaf", leaf, bit, world.judge(&changed, branch, &[]));
    }
    for bit in bits(branch) {
        let changed = flipped(branch, bit, world.root.key());
        check("authority", branch, bit, world.judge(leaf, &changed, &[]));
    }
    for (index, key) in [world.root.key(), world.branch.key()].into_iter().enumerate() {
        let list = world.lists[index].clone();
        for bit in bits(&list) {
            let mut lists = world.lists.clone();
            lists[index] = flipped(&list, bit, key);
            check("list", &list, bit, world.judge(leaf, branch, &lists));
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "accepted here alone");
    // Serial numbers, keys' identifiers, attributes of subjects: much says nothing to a verifier.
    assert!(accepted > 1000, "{accepted}");
}

/// Whether the bit is in a name (RFC 5280 §7.1: upper and lower case are the same, and so are several string
/// types), makes notBefore a date before 1970, or a list one of the kinds that rustls-webpki does not read.
fn is_known(der: &[u8], bit: usize) -> bool {
    let octet = bit / 8;
    let names = [name("Root"), name("Branch")];
    let is_name = names.iter().any(|name| {
        [name.common_name(), name.organization(), name.locality(), name.state(), name.country()].iter().any(
            |value| {
                der.windows(value.len()).enumerate().any(|(at, window)| {
                    // The string's tag and length stand before it.
                    window == value.as_bytes() && (at - 2..at + value.len()).contains(&octet)
                })
            },
        )
    });
    let validity = [0x30, 0x1E, 0x17, 0x0D];
    let is_decade = der.windows(4).position(|window| window == validity).is_some_and(|at| at + 4 == octet);
    is_name || is_decade || list_extensions(der).is_some_and(|range| range.contains(&octet))
}

/// Where the extensions of a list are, whose identifiers rustls-webpki knows fewer of.
fn list_extensions(der: &[u8]) -> Option<Range<usize>> {
    Crl::load(der).ok()?;
    let at = der.windows(5).position(|window| window == [0x06, 0x03, 0x55, 0x1D, 0x23])?;
    Some(at..der.len())
}

/// The bits of what is signed.
fn bits(der: &[u8]) -> Range<usize> {
    let tbs = signed_part(der);
    tbs.start * 8..tbs.end * 8
}

/// The TBS structure, behind the outer header.
fn signed_part(der: &[u8]) -> Range<usize> {
    let (outer, _) = header(der);
    let (inner, len) = header(&der[outer..]);
    outer..outer + inner + len
}

/// The octets of the header and of the content.
fn header(der: &[u8]) -> (usize, usize) {
    match der[1] {
        len @ 0..=0x7F => (2, usize::from(len)),
        0x81 => (3, usize::from(der[2])),
        _ => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
    }
}

/// With one bit flipped and signed again.
fn flipped(der: &[u8], bit: usize, key: &PrivateKey) -> Vec<u8> {
    let range = signed_part(der);
    let mut tbs = der[range.clone()].to_vec();
    tbs[bit / 8 - range.start] ^= 1 << (bit % 8);
    let signature = key.sign(SignatureScheme::ECDSA_SECP256R1_SHA256, &tbs, &RANDOM).unwrap();
    // ecdsa-with-SHA256, as it stands behind what is signed.
    let algorithm = &der[range.end..range.end + 12];
    assert_eq!(&algorithm[..2], [0x30, 0x0A]);
    let signature = tlv(0x03, &[&[0], signature.as_slice()].concat());
    tlv(0x30, &[tbs.as_slice(), algorithm, &signature].concat())
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len().to_be_bytes();
    let header: &[u8] = match content.len() {
        0..=0x7F => &[tag, len[7]],
        0x80..=0xFF => &[tag, 0x81, len[7]],
        _ => &[tag, 0x82, len[6], len[7]],
    };
    [header, content].concat()
}
