//! `include/otls.h` and `include/otls_oath.h` are what cbindgen makes of `capi/src`. `make header` writes them anew.

use std::{env, fs};

use crate::c_support::root;

/// A header, how cbindgen makes it, and its sources, in the order in which a reader meets them.
struct Header {
    name: &'static str,
    config: &'static str,
    sources: &'static [&'static str],
}

const HEADERS: [Header; 2] = [
    Header { name: "otls.h", config: "cbindgen.toml", sources: CHANNEL },
    Header { name: "otls_oath.h", config: "cbindgen-oath.toml", sources: &["oath", "ocra", "otpauth"] },
];

const CHANNEL: &[&str] = &[
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
    "cms",
    "est",
];

#[test]
fn the_headers_are_what_the_source_says() {
    for header in &HEADERS {
        let text = generate(header);
        let path = root().join("include").join(header.name);
        if env::var_os("OTLS_BLESS").is_some() {
            fs::create_dir_all(root().join("include")).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        let line = committed.lines().zip(text.lines()).position(|(a, b)| a != b).unwrap_or_default() + 1;
        assert!(committed == text, "include/{} is out of date, line {line}: run `make header`", header.name);
    }
}

#[test]
fn every_function_says_what_it_does() {
    for header in HEADERS.iter().map(generate) {
        for block in header.split("\n\n").filter(|block| is_function(block)) {
            assert!(block.trim_start().starts_with("/*"), "no words about:\n{block}");
        }
    }
}

#[test]
fn every_source_with_functions_is_in_a_header() {
    for entry in fs::read_dir(root().join("capi/src")).unwrap() {
        let path = entry.unwrap().path();
        let source = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(
            !source.contains("#[unsafe(no_mangle)]")
                || HEADERS.iter().any(|header| header.sources.contains(&name.as_str())),
            "capi/src/{name}.rs has functions and is in no header"
        );
    }
}

fn generate(header: &Header) -> String {
    let config = cbindgen::Config::from_file(root().join(header.config)).unwrap();
    let builder =
        header.sources.iter().fold(cbindgen::Builder::new().with_config(config), |builder, name| {
            builder.with_src(root().join("capi/src").join(name).with_extension("rs"))
        });
    let mut bytes = Vec::new();
    builder.generate().unwrap().write(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

fn is_function(block: &str) -> bool {
    block.trim_end().ends_with(");") && block.contains(" otls_")
}
