//! docs/conformance.md and SECURITY.md name only tests and checks that there are.

use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The cells of the rows below this heading; the table has so many columns.
fn rows(document: &str, heading: &str, columns: usize) -> Vec<Vec<String>> {
    let lines = document.lines().skip_while(|line| *line != heading).skip(2);
    let rows: Vec<Vec<String>> = lines
        .take_while(|line| line.starts_with('|'))
        .map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect();
    assert!(rows.len() > 5, "no table below {heading}");
    for row in &rows {
        assert_eq!(row.len(), columns, "{row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
    }
    rows
}

fn names(cell: &str) -> Vec<&str> {
    cell.split(", ")
        .map(|name| name.strip_prefix('`').and_then(|name| name.strip_suffix('`')).unwrap())
        .collect()
}

/// Whether there is a test of this name: `program::module::test` in tests/, as cargo calls it, or
/// `test_file.py::test_name` in Python.
fn exists(name: &str) -> bool {
    let Some((file, test)) = name.split_once("::") else { return false };
    if file.ends_with(".py") {
        let source = read(&format!("bindings/python/tests/{file}"));
        let test = format!("def {test}(");
        let mut lines = source.lines().map(|line| line.strip_prefix("async ").unwrap_or(line));
        return test.starts_with("def test_") && lines.any(|line| line.starts_with(&test));
    }
    let Some((module, test)) = test.split_once("::") else { return false };
    let source = read(&format!("tests/{file}/{module}.rs"));
    // The cases of otp::stores are a macro's, which makes a test of each for every store.
    source.contains(&format!("#[test]\nfn {test}("))
        || source.contains("macro_rules! on_every_store") && source.contains(&format!("\n    {test},\n"))
}

fn check(document: &str, heading: &str, columns: usize, column: usize) -> usize {
    let mut named = BTreeSet::new();
    for row in rows(&read(document), heading, columns) {
        for name in names(&row[column]) {
            assert!(exists(name), "{name} in {document} is no test");
            named.insert(name.to_owned());
        }
    }
    named.len()
}

const CONFORMANCE: &str = "| § | sentence | we are | alert | test | check |";

/// How `scripts/guards.py` takes a check away; its name begins with its file.
#[derive(serde::Deserialize)]
struct Guard {
    name: String,
    search: String,
    replace: String,
    #[serde(default)]
    also: Vec<Edit>,
}

#[derive(serde::Deserialize)]
struct Edit {
    file: String,
    search: String,
    replace: String,
}

#[test]
fn every_check_is_in_the_code_once_and_belongs_to_a_sentence() {
    let guards: Vec<Guard> = serde_json::from_str(&read("tests/guards.json")).unwrap();
    for guard in &guards {
        let (file, _) = guard.name.split_once(": ").unwrap();
        let edits = guard.also.iter().map(|edit| (edit.file.as_str(), &edit.search, &edit.replace));
        for (file, search, replace) in edits.chain([(file, &guard.search, &guard.replace)]) {
            assert_eq!(read(file).matches(search.as_str()).count(), 1, "{}: {search}", guard.name);
            assert_ne!(search, replace, "{}", guard.name);
        }
    }
    let known: BTreeSet<&str> = guards.iter().map(|guard| guard.name.as_str()).collect();
    assert_eq!(known.len(), guards.len(), "two checks have one name");
    let rows = rows(&read("docs/conformance.md"), CONFORMANCE, 6);
    let named: BTreeSet<&str> = rows.iter().flat_map(|row| names(&row[5])).collect();
    assert_eq!(named, known, "the checks of docs/conformance.md are not those of tests/guards.json");
}

#[test]
fn every_sentence_of_the_standard_has_tests_that_exist() {
    assert!(check("docs/conformance.md", CONFORMANCE, 6, 4) > 40);
}

#[test]
fn everything_that_is_defended_has_tests_that_exist() {
    assert!(check("SECURITY.md", "| who | what they can do | what must hold | tests |", 4, 3) > 60);
}

#[test]
fn a_name_that_is_no_test_is_noticed() {
    assert!(exists("house::conformance_table::a_name_that_is_no_test_is_noticed"));
    assert!(exists("otp::stores::a_right_code_is_accepted_once"));
    assert!(exists("test_otp.py::test_codes_differ"));
    for name in [
        "house::conformance_table::exists",
        "house::conformance_table::a_name_that_is_no_test",
        "otp::stores::a_right_code",
        "test_otp.py::test_codes",
        "codes_differ",
    ] {
        assert!(!exists(name), "{name}");
    }
}
