//! `capi/src/codes.rs` is what the library's tables say, and `include/otls.h` and `include/otls_oath.h` are what
//! cbindgen makes of `capi/src`. `make header` writes them anew.

use std::{env, fs};

use otls::codepoints::SignatureScheme;
use otls::crypto::kx::SUPPORTED_GROUPS;
use otls::error::ErrorCode;
use otls::{SUPPORTED_SCHEMES, SUPPORTED_SUITES};

use crate::c_support::root;

/// A header, how cbindgen makes it, and its sources, in the order in which a reader meets them.
struct Header {
    name: &'static str,
    config: &'static str,
    sources: &'static [&'static str],
}

const HEADERS: [Header; 2] = [
    Header { name: "otls.h", config: "cbindgen.toml", sources: CHANNEL },
    Header {
        name: "otls_oath.h",
        config: "cbindgen-oath.toml",
        sources: &["oath", "hotp", "totp", "ocra", "otpauth"],
    },
];

const CHANNEL: &[&str] = &[
    "codes",
    "values",
    "error",
    "blob",
    "key",
    "public_key",
    "certificate",
    "name",
    "request",
    "terms",
    "authority",
    "trust",
    "verify",
    "identity",
    "path",
    "crypt",
    "config",
    "connection",
    "facts",
    "session",
    "ticket_keys",
    "context",
    "issued",
    "ledger",
    "kept",
    "audit",
    "message",
    "channel",
    "receipt",
    "cms",
    "est",
    "est_reply",
];

#[test]
fn the_numbers_and_the_headers_are_what_the_source_says() {
    // The headers are made of the numbers.
    is_up_to_date("capi/src/codes.rs", &numbers());
    for header in &HEADERS {
        is_up_to_date(&format!("include/{}", header.name), &generate(header));
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

/// Compares a committed file with what it is made of, or writes it where that is asked for.
fn is_up_to_date(file: &str, text: &str) {
    let path = root().join(file);
    if env::var_os("OTLS_BLESS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let line = committed.lines().zip(text.lines()).position(|(a, b)| a != b).unwrap_or_default() + 1;
    assert!(committed == text, "{file} is out of date, line {line}: run `make header`");
}

/// The numbers of errors and of code points as constants of C, from the library's tables.
fn numbers() -> String {
    let mut text = "//! The numbers of errors and of code points, generated from the tables of the library: `make header`.\n\n\
                    /// Success.\npub const OTLS_OK: i32 = 0;\n\n"
        .to_owned();
    let table = fs::read_to_string(root().join("src/error/code.rs")).unwrap();
    for code in ErrorCode::ALL {
        let row = format!(" = {}, \"{}\";", code.number(), code.name());
        let before = table.lines().take_while(|line| !line.ends_with(&row)).last().unwrap();
        text +=
            &format!("{}\npub const OTLS_ERROR_{}: i32 = {};\n", before.trim(), code.name(), code.number());
    }
    text += "\n";
    let mut constants = |what: &str, group: &str, source: &str, (name, number): (Option<&str>, u16)| {
        let name = name.unwrap();
        let upper = name.to_uppercase();
        let constant = upper.trim_start_matches("TLS_").trim_start_matches("OTLS_");
        let use_of_it = if name.starts_with("rsa_pkcs1") { ", in certificates alone" } else { "" };
        text += &format!("/// {what} {name}, 0x{number:04X}{use_of_it} ({source}).\n");
        text += &format!("pub const OTLS_{group}_{constant}: u16 = 0x{number:04X};\n");
    };
    for suite in SUPPORTED_SUITES {
        let source = if suite.0 >> 8 == 0xFF { "private use" } else { "RFC 8446 appendix B.4" };
        constants("Cipher suite", "SUITE", source, (suite.name(), suite.0));
    }
    for group in SUPPORTED_GROUPS {
        constants("Key-exchange group", "GROUP", "RFC 8446 section 4.2.7", (group.name(), group.0));
    }
    let in_certificates_alone = [
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::RSA_PKCS1_SHA384,
        SignatureScheme::RSA_PKCS1_SHA512,
    ];
    for scheme in SUPPORTED_SCHEMES.iter().chain(&in_certificates_alone) {
        constants("Signature scheme", "SCHEME", "RFC 8446 section 4.2.3", (scheme.name(), scheme.0));
    }
    text
}

fn is_function(block: &str) -> bool {
    block.trim_end().ends_with(");") && block.contains(" otls_")
}
