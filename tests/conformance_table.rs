//! docs/conformance.md names only tests that there are.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeSet;
use std::path::Path;

const FILES: [&str; 3] = ["conformance_client", "conformance_server", "conformance_records"];

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The tests in the files, as `file::test`.
fn tests() -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for file in FILES {
        let source = read(&format!("tests/{file}.rs"));
        for (_, after) in
            source.match_indices("#[test]\nfn ").map(|(at, found)| (at, &source[at + found.len()..]))
        {
            tests.insert(format!("{file}::{}", after.split_once('(').unwrap().0));
        }
    }
    tests
}

#[test]
fn every_sentence_has_tests_that_exist() {
    let document = read("docs/conformance.md");
    let tests = tests();
    let mut named = BTreeSet::new();
    let rows = document.lines().skip_while(|line| !line.starts_with("| § | sentence | we are |")).skip(2);
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let found: Vec<&str> = cells[5].split(", ").map(|name| name.trim_matches('`')).collect();
        assert!(!found.is_empty() && cells.len() == 7, "{row}");
        for name in found {
            assert!(tests.contains(name), "{name} in docs/conformance.md is no test");
            named.insert(name.to_owned());
        }
    }
    assert!(named.len() > 40, "the table was not found");
}
