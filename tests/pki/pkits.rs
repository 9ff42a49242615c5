//! NIST's Public Key Interoperability Test Suite (PKITS 1.0.1): paths, revocation and name constraints.
//!
//! The data is in PyPI's `cryptography-vectors`, which `make test` installs; `OTLS_PKITS` names another
//! place. Cases that only certificate policies decide (sections 4.8 to 4.12) are not run. The cases that
//! are refused although they are valid are listed below and, with the reasons, in `docs/conformance.md`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use otls::UnixTime;
use otls::pki::{Certificate, Chain, Crl, PeerRole, TrustStore};

/// 2020-01-01T00:00:00Z, in the middle of the data's validity.
const NOW: UnixTime = UnixTime(1_577_836_800);

/// Words that tell a case's section by its name, the first that fits; `None` for certificate policies.
const SECTIONS: &[(&str, Option<&str>)] = &[
    ("nameConstraints", Some("4.13")),
    ("deltaCRL", Some("4.15")),
    ("distributionPoint", Some("4.14")),
    ("IDPwithindirectCRL", Some("4.14")),
    ("onlyContains", Some("4.14")),
    ("onlySomeReasons", Some("4.14")),
    ("cRLIssuer", Some("4.14")),
    ("issuingDistributionPoint", Some("4.14")),
    ("CriticalCertificateExtension", Some("4.16")),
    ("Policy", None),
    ("Policies", None),
    ("Qualifier", None),
    ("pathLenConstraint", Some("4.6")),
    ("BasicSelfIssued", Some("4.5")),
    ("basicConstraints", Some("4.6")),
    ("cAFalse", Some("4.6")),
    ("keyUsage", Some("4.7")),
    ("notBeforeDate", Some("4.2")),
    ("notAfterDate", Some("4.2")),
    ("NameChaining", Some("4.3")),
    ("NameUIDs", Some("4.3")),
    ("AttributeTypes", Some("4.3")),
    ("UTF8String", Some("4.3")),
    ("CRL", Some("4.4")),
    ("Revoked", Some("4.4")),
    ("SerialNumber", Some("4.4")),
    ("Signature", Some("4.1")),
    ("DSAParameter", Some("4.1")),
    ("CertificatePath", Some("4.1")),
];

/// Valid paths that are refused, and why. Nothing that is invalid is accepted.
const REFUSED: &[(&str, &[&str])] = &[(
    "DSA keys are not supported (FIPS 186-5 has withdrawn them)",
    &["4.1 ValidDSAParameterInheritanceTest5", "4.1 ValidDSASignaturesTest4"],
)];

struct Data {
    certificates: Vec<Certificate>,
    lists: Vec<Crl>,
    folder: PathBuf,
}

impl Data {
    fn load() -> Option<Self> {
        let folder = folder()?;
        let read = |sub: &str| -> Vec<(String, Vec<u8>)> {
            let entries = fs::read_dir(folder.join(sub)).unwrap().map(|entry| entry.unwrap().path());
            let mut files: Vec<PathBuf> = entries.collect();
            files.sort();
            let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
            files.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
        };
        let issuers = read("certs").into_iter().filter(|(name, _)| !name.ends_with("EE.crt"));
        // Keys that are not supported (DSA) do not load.
        let certificates = issuers.filter_map(|(_, der)| Certificate::load(&der).ok()).collect();
        let lists = read("crls").into_iter().filter_map(|(_, der)| Crl::load(&der).ok()).collect();
        Some(Self { certificates, lists, folder })
    }

    /// Why the end entity of this name is refused; `None` if it is accepted.
    fn judge(&self, name: &str) -> Option<String> {
        let der = fs::read(self.folder.join("certs").join(name)).unwrap();
        if let Err(error) = Certificate::load(&der) {
            return Some(error.to_string());
        }
        let mut trust = TrustStore::new();
        let root = fs::read(self.folder.join("certs/TrustAnchorRootCertificate.crt")).unwrap();
        let root = Certificate::load(&root).unwrap();
        trust.add_authority(&root).unwrap();
        trust.require_crls();
        for certificate in self.certificates.iter().filter(|certificate| **certificate != root) {
            trust.add_intermediate(certificate);
        }
        self.lists.iter().for_each(|list| trust.add_crl(list.clone()));
        let judged = Chain::from_der(&[der]).and_then(|chain| trust.verify(&chain, &PeerRole::Any, NOW));
        judged.err().map(|report| report.to_string())
    }
}

fn folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("OTLS_PKITS") {
        return Some(folder.into());
    }
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?.join("venv/lib");
    let inside = "site-packages/cryptography_vectors/x509/PKITS_data";
    let found = fs::read_dir(venv).ok()?.filter_map(|entry| Some(entry.ok()?.path().join(inside)));
    found.into_iter().find(|folder| folder.is_dir())
}

/// Whether no certificate policies decide the case; without "Valid" or "Invalid" the verdict depends on them.
fn runs(name: &str) -> bool {
    (name.starts_with("Valid") || name.starts_with("Invalid")) && section(name).is_some()
}

fn section(name: &str) -> Option<&'static str> {
    let known = SECTIONS.iter().find(|(word, _)| name.contains(word));
    known.unwrap_or_else(|| panic!("{name} belongs to no section")).1
}

#[test]
fn every_case_without_policies_has_the_right_verdict() {
    let Some(data) = Data::load() else {
        println!("skipped: no PKITS data; `make test` installs it, or set OTLS_PKITS");
        return;
    };
    let mut names: Vec<String> = fs::read_dir(data.folder.join("certs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.strip_suffix("EE.crt").is_some_and(runs))
        .collect();
    names.sort();
    let (mut ran, mut accepted) = (0, Vec::new());
    let mut refused: BTreeMap<(&str, String), String> = BTreeMap::new();
    for name in &names {
        let Some(section) = section(name) else { continue };
        let case = name.trim_end_matches("EE.crt").to_owned();
        ran += 1;
        match (data.judge(name), name.starts_with("Valid")) {
            (None, true) | (Some(_), false) => {}
            (Some(reason), true) => {
                refused.insert((section, case), reason);
            }
            (None, false) => accepted.push(format!("{section} {case}")),
        }
    }
    assert_eq!(accepted, Vec::<String>::new(), "invalid paths that are accepted");
    assert!(ran >= 150, "{ran}");
    let mut expected: Vec<&str> = REFUSED.iter().flat_map(|(_, cases)| cases.iter().copied()).collect();
    let mut found: Vec<String> = refused.keys().map(|(section, case)| format!("{section} {case}")).collect();
    expected.sort_unstable();
    found.sort();
    assert_eq!(found, expected, "of {ran} cases: {refused:#?}");
}

#[test]
fn the_document_lists_the_cases_that_are_refused_and_those_that_do_not_run() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conformance.md");
    let document = fs::read_to_string(document).unwrap();
    for (why, cases) in REFUSED {
        let row = format!("| {why} | {} |", cases.join(", "));
        assert!(document.contains(&row), "docs/conformance.md lacks:\n{row}");
    }
    let Some(folder) = folder() else {
        println!("skipped: no PKITS data; `make test` installs it, or set OTLS_PKITS");
        return;
    };
    let entries = fs::read_dir(folder.join("certs")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut not_run: Vec<String> = names
        .filter_map(|name| name.strip_suffix("EE.crt").map(str::to_owned))
        .filter(|name| !runs(name))
        .collect();
    not_run.sort();
    let line = not_run.join(", ");
    assert!(document.contains(&line), "docs/conformance.md lacks:\n{line}");
}
