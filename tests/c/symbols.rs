//! The shared library exports what `include/otls.symbols` lists, and the headers declare the same.
//! `OTLS_BLESS=1` writes the list anew.
#![cfg(target_os = "linux")]

use std::{env, fs};

use crate::c_support::{declared_functions, library, root, succeed, tool};

#[test]
fn the_library_exports_the_list_and_nothing_else() {
    let shared = &library().shared;
    let output = succeed(tool("nm").args(["-D", "--defined-only", "--format=just-symbols"]).arg(shared));
    let mut exported: Vec<_> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    exported.sort_unstable();
    let list = root().join("include/otls.symbols");
    if env::var_os("OTLS_BLESS").is_some() {
        fs::write(&list, exported.join("\n") + "\n").unwrap();
    }
    let listed = fs::read_to_string(&list).unwrap_or_default();
    assert_eq!(exported, listed.lines().collect::<Vec<_>>(), "exported (left) against include/otls.symbols");
    assert_eq!(exported, declared_functions(), "exported (left) against the headers");
}

#[test]
fn the_library_has_a_soname() {
    let output = succeed(tool("readelf").arg("-d").arg(&library().shared));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("Library soname: [libotls.so.0]"), "{text}");
}
