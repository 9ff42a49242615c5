//! `include/otls.h` is what cbindgen makes of `src/ffi`. `make header` writes it anew.
#![cfg(feature = "capi")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The sources of the header, in the order in which a reader meets them.
const SOURCES: &[&str] = &[
    "codes",
    "values",
    "error",
    "blob",
    "key",
    "certificate",
    "request",
    "authority",
    "trust",
    "path",
    "crypt",
    "config",
    "connection",
    "facts",
    "session",
    "otp",
    "ledger",
    "kept",
    "audit",
    "channel",
    "receipt",
    "oath",
    "ocra",
    "otpauth",
    "cms",
    "est",
];

#[test]
fn the_header_is_what_the_source_says() {
    let header = generate();
    let path = root().join("include/otls.h");
    if env::var_os("OTLS_BLESS").is_some() {
        fs::create_dir_all(root().join("include")).unwrap();
        fs::write(&path, &header).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let line = committed.lines().zip(header.lines()).position(|(a, b)| a != b).unwrap_or_default();
    assert!(committed == header, "include/otls.h is out of date, see line {}: run `make header`", line + 1);
}

#[test]
fn every_function_says_what_it_does() {
    for block in generate().split("\n\n").filter(|block| is_function(block)) {
        assert!(block.trim_start().starts_with("/*"), "no words about:\n{block}");
    }
}

#[test]
fn every_source_with_functions_is_in_the_header() {
    for entry in fs::read_dir(root().join("src/ffi")).unwrap() {
        let path = entry.unwrap().path();
        let source = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(
            !source.contains("#[unsafe(no_mangle)]") || SOURCES.contains(&name.as_str()),
            "src/ffi/{name}.rs has functions and is not in SOURCES"
        );
    }
}

fn generate() -> String {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).unwrap();
    let builder = SOURCES.iter().fold(cbindgen::Builder::new().with_config(config), |builder, name| {
        builder.with_src(root().join("src/ffi").join(name).with_extension("rs"))
    });
    let mut bytes = Vec::new();
    builder.generate().unwrap().write(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

fn is_function(block: &str) -> bool {
    block.trim_end().ends_with(");") && block.contains(" otls_")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}
