//! The C API as C calls it: what it promises about NULL, buffers, errors and ownership, by programs that
//! check themselves, as they are, under valgrind and under the sanitizers.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::c_support::{
    Linking, asan, compile, declared_functions, root, scratch, shared, statically, succeed, valgrind,
};
use otls::UnixTime;
use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::est::{EstServer, Register};
use otls::pki::{Authority, DistinguishedName, KeyType, PrivateKey, Profile, Validity};
use tempfile::TempDir;

#[test]
fn the_api_keeps_its_promises() {
    run_all("gcc", "c99", shared, &|program| Command::new(program));
    run_all("clang", "c17", shared, &|program| Command::new(program));
    run_all("gcc", "c11", statically, &|program| Command::new(program));
}

#[test]
fn the_api_is_clean_under_valgrind() {
    run_all("gcc", "c17", shared, &valgrind);
}

#[test]
fn the_api_is_clean_under_the_sanitizers() {
    run_all("clang", "c17", asan, &|program| Command::new(program));
}

#[test]
fn valgrind_and_the_sanitizers_would_see_a_fault() {
    for (source, valgrind_says, sanitizer_says) in [
        ("leak.c", "definitely lost", "LeakSanitizer"),
        ("use_after_free.c", "Invalid read", "heap-use-after-free"),
    ] {
        let (_folder, program) = build("gcc", "c99", shared, source);
        let seen = valgrind(&program).output().unwrap();
        assert_eq!(seen.status.code(), Some(9), "{source}");
        assert!(String::from_utf8_lossy(&seen.stderr).contains(valgrind_says), "{seen:?}");

        let (_folder, program) = build("clang", "c99", asan, source);
        let seen = Command::new(&program).output().unwrap();
        assert!(!seen.status.success(), "{source}");
        assert!(String::from_utf8_lossy(&seen.stderr).contains(sanitizer_says), "{seen:?}");
    }
}

#[test]
fn enrolment_works_from_c() {
    // Not each valgrind reads what each clang writes for debuggers.
    let (_folder, program) = build("gcc", "c17", shared, "est.c");
    for with_token in [false, true] {
        enrol(valgrind(&program), with_token);
    }
    let (_folder, program) = build("clang", "c17", asan, "est.c");
    for with_token in [false, true] {
        enrol(Command::new(&program), with_token);
    }
}

#[test]
fn each_function_is_called_by_a_test() {
    let mut sources = String::new();
    for entry in fs::read_dir(root().join("tests/c")).unwrap() {
        sources += &fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    let called: Vec<&str> = sources
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|w| w.starts_with("otls_"))
        .collect();
    for function in declared_functions() {
        assert!(called.contains(&function.as_str()), "no test in tests/c calls {function}");
    }
}

/// The programs; each is a test of one part.
const SOURCES: [&str; 11] = [
    "pki.c",
    "crypt.c",
    "faults.c",
    "path.c",
    "connection.c",
    "session.c",
    "otp.c",
    "oath.c",
    "cms.c",
    "receipt.c",
    "fork.c",
];

fn run_all(compiler: &str, standard: &str, linking: Linking, launch: &dyn Fn(&Path) -> Command) {
    for source in SOURCES {
        let (folder, program) = build(compiler, standard, linking, source);
        succeed(launch(&program).current_dir(folder.path()));
    }
}

fn build(compiler: &str, standard: &str, linking: Linking, source: &str) -> (TempDir, PathBuf) {
    let folder = scratch();
    let program = folder.path().join("program");
    compile(compiler, standard, linking, &[root().join("tests/c").join(source)], &program);
    (folder, program)
}

/// Plays the TTP for `est.c`.
fn enrol(mut program: Command, with_token: bool) {
    let now = UnixTime(1_800_000_000);
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
    let name = DistinguishedName::with_common_name("Root");
    let authority =
        Authority::create(key, &name, HashAlgorithm::Sha256, Validity::days(now, 1), &SystemRandom).unwrap();
    let fingerprint = authority.certificate().fingerprint();
    program.arg(fingerprint.iter().map(|octet| format!("{octet:02x}")).collect::<String>());

    let mut register = Register::default();
    let mut server = EstServer::new(Arc::new(authority), Profile::Client, Duration::from_secs(3600));
    if with_token {
        server = server.with_required_token();
        let token =
            register.new_token(Profile::Client, &["asha", "bank", "bank.example"], &SystemRandom).unwrap();
        program.arg(std::str::from_utf8(token.expose()).unwrap());
    }
    let mut child =
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut to, mut from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut bytes = [0; 4096];
    loop {
        let count = from.read(&mut bytes).unwrap();
        if count == 0 {
            break;
        }
        let reply = server.feed(&bytes[..count], &mut register, now, &SystemRandom).unwrap();
        to.write_all(&reply).unwrap();
    }
    assert_eq!(register.entries().len(), 1);
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{}: {complaint}", output.status);
}
