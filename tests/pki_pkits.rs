//! NIST's Public Key Interoperability Test Suite (PKITS 1.0.1): paths, revocation and name constraints.
//!
//! The data is in PyPI's `cryptography-vectors`, which `make test` installs; `OTLS_PKITS` names another
//! place. Cases that only certificate policies decide (sections 4.8 to 4.12) are not run. The cases that
//! are refused although they are valid are listed below and, with the reasons, in `docs/conformance.md`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use der::Decode as _;
use otls::UnixTime;
use otls::pki::{Certificate, Crl, PeerRole, TrustStore};

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
const REFUSED: &[(&str, &[&str])] = &[
    (
        "DSA keys are not supported, and SHA-1 is not either",
        &["4.1 ValidDSAParameterInheritanceTest5", "4.1 ValidDSASignaturesTest4"],
    ),
    (
        "name constraints on directory names, mail addresses and URIs are not processed: whatever they apply to is refused (RFC 5280 §4.2.1.10 allows either)",
        &[
            "4.13 ValidDNandRFC822nameConstraintsTest27",
            "4.13 ValidDNnameConstraintsTest1",
            "4.13 ValidDNnameConstraintsTest11",
            "4.13 ValidDNnameConstraintsTest14",
            "4.13 ValidDNnameConstraintsTest18",
            "4.13 ValidDNnameConstraintsTest19",
            "4.13 ValidDNnameConstraintsTest4",
            "4.13 ValidDNnameConstraintsTest5",
            "4.13 ValidDNnameConstraintsTest6",
            "4.13 ValidRFC822nameConstraintsTest21",
            "4.13 ValidRFC822nameConstraintsTest23",
            "4.13 ValidRFC822nameConstraintsTest25",
            "4.13 ValidURInameConstraintsTest34",
            "4.13 ValidURInameConstraintsTest36",
        ],
    ),
    (
        "delta lists are not processed (RFC 5280 §5.2.4): a list that is one does not load",
        &[
            "4.15 ValiddeltaCRLTest2",
            "4.15 ValiddeltaCRLTest5",
            "4.15 ValiddeltaCRLTest7",
            "4.15 ValiddeltaCRLTest8",
        ],
    ),
    (
        "lists of distribution points, of other issuers and for some reasons only are not processed (RFC 5280 §5.2.5): they do not load, or cover nothing",
        &[
            "4.14 ValidIDPwithindirectCRLTest22",
            "4.14 ValidIDPwithindirectCRLTest24",
            "4.14 ValidIDPwithindirectCRLTest25",
            "4.14 ValidcRLIssuerTest28",
            "4.14 ValidcRLIssuerTest29",
            "4.14 ValidcRLIssuerTest30",
            "4.14 ValidcRLIssuerTest33",
            "4.14 ValiddistributionPointTest1",
            "4.14 ValiddistributionPointTest4",
            "4.14 ValiddistributionPointTest5",
            "4.14 ValiddistributionPointTest7",
            "4.14 ValidonlyContainsCACertsTest13",
            "4.14 ValidonlySomeReasonsTest18",
            "4.14 ValidonlySomeReasonsTest19",
        ],
    ),
    ("times before 1970 are not represented", &["4.2 Validpre2000UTCnotBeforeDateTest3"]),
    (
        "subjectUniqueID is not accepted (RFC 5280 §4.1.2.8: must not be generated)",
        &["4.3 ValidNameUIDsTest6"],
    ),
    (
        "names are compared octet for octet, not as RFC 5280 §7.1 folds them",
        &[
            "4.3 ValidNameChainingCapitalizationTest5",
            "4.3 ValidNameChainingWhitespaceTest3",
            "4.3 ValidNameChainingWhitespaceTest4",
            "4.3 ValidRolloverfromPrintableStringtoUTF8StringTest10",
            "4.3 ValidUTF8StringCaseInsensitiveMatchTest11",
        ],
    ),
    (
        "an authority's lists are signed with the key that signs its certificates: another key of the same name is not looked for",
        &[
            "4.4 ValidSeparateCertificateandCRLKeysTest19",
            "4.5 ValidBasicSelfIssuedNewWithOldTest3",
            "4.5 ValidBasicSelfIssuedOldWithNewTest1",
        ],
    ),
    (
        "self-issued certificates count for pathLenConstraint (RFC 5280 §6.1.4 (l) leaves them out)",
        &["4.6 ValidSelfIssuedpathLenConstraintTest15", "4.6 ValidSelfIssuedpathLenConstraintTest17"],
    ),
    (
        "an authority's certificate is not accepted as a leaf",
        &["4.6 ValidpathLenConstraintTest14", "4.6 ValidpathLenConstraintTest8"],
    ),
];

struct Data {
    certificates: Vec<Certificate>,
    lists: Vec<Vec<u8>>,
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
        let lists = read("crls").into_iter().map(|(_, der)| der).collect();
        Some(Self { certificates, lists, folder })
    }

    /// Why the end entity of this name is refused; `None` if it is accepted.
    fn judge(&self, name: &str) -> Option<String> {
        let der = fs::read(self.folder.join("certs").join(name)).unwrap();
        let leaf = match Certificate::load(&der) {
            Ok(leaf) => leaf,
            Err(error) => return Some(error.to_string()),
        };
        let mut trust = TrustStore::new();
        let root = fs::read(self.folder.join("certs/TrustAnchorRootCertificate.crt")).unwrap();
        let root = Certificate::load(&root).unwrap();
        trust.add_authority(&root).unwrap();
        trust.require_lists();
        // Those that the leaf's issuer names lead to, as a path builder would fetch them.
        let mut wanted = vec![leaf.issuer().to_string().to_lowercase()];
        let mut at = 0;
        while let Some(subject) = wanted.get(at).cloned() {
            at += 1;
            for certificate in &self.certificates {
                if certificate.subject().to_string().to_lowercase() == subject && *certificate != root {
                    trust.add_intermediate(certificate);
                    let issuer = certificate.issuer().to_string().to_lowercase();
                    if !wanted.contains(&issuer) {
                        wanted.push(issuer);
                    }
                }
            }
        }
        for list in &self.lists {
            let list = match Crl::load(list) {
                Ok(list) => list,
                // Whoever has a list that does not load does not know who is revoked.
                Err(error) if wanted.contains(&issuer_of(list)) => return Some(error.to_string()),
                Err(_) => continue,
            };
            if wanted.contains(&list.issuer().to_string().to_lowercase()) {
                trust.add_crl(list);
            }
        }
        trust.verify(&[der], &PeerRole::Any, NOW).err().map(|report| report.to_string())
    }
}

/// The issuer of a list that does not load.
fn issuer_of(list: &[u8]) -> String {
    let parsed = x509_cert::crl::CertificateList::<x509_cert::certificate::Rfc5280>::from_der(list);
    let mut name = parsed.unwrap().tbs_cert_list.issuer.to_string();
    name.make_ascii_lowercase();
    name
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
        .filter(|name| name.ends_with("EE.crt"))
        .filter(|name| name.starts_with("Valid") || name.starts_with("Invalid"))
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
fn the_document_lists_the_cases_that_are_refused() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conformance.md");
    let document = fs::read_to_string(document).unwrap();
    for (why, cases) in REFUSED {
        let row = format!("| {why} | {} |", cases.join(", "));
        assert!(document.contains(&row), "docs/conformance.md lacks:\n{row}");
    }
}
