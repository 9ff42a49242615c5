//! Secrets that valgrind follows: memcheck takes marked octets for undefined, and reports each branch and each
//! address that depends on them. What everybody may know afterwards is marked as public again where it
//! becomes so, with the reason.
//!
//! Outside valgrind the marks do nothing. A case runs itself again under valgrind, on the portable engine, whose
//! instructions valgrind knows.

use std::process::{Command, Output};

/// From here on no branch and no address may depend on these octets.
pub(crate) fn secret(octets: &[u8]) {
    request(MAKE_MEM_UNDEFINED, octets.as_ptr().expose_provenance(), octets.len());
}

/// These octets may be known: they are sent, or returned to the caller.
pub(crate) fn public(octets: &[u8]) {
    request(MAKE_MEM_DEFINED, octets.as_ptr().expose_provenance(), octets.len());
}

/// Runs `case`, which is the whole of a test, under valgrind: it fails if anything depends on a secret.
#[track_caller]
pub(crate) fn check<F: Fn()>(case: F) {
    if let Some(output) = run(&case) {
        let report = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}\n{report}", output.status);
    }
}

/// `None` under valgrind, where the case has run, and where there is none.
#[allow(clippy::print_stdout, reason = "what is not checked says why")]
fn run<F: Fn()>(case: &F) -> Option<Output> {
    if !cfg!(target_arch = "x86_64") {
        println!("not checked: the request to valgrind is known for x86_64 alone");
        return None;
    }
    if request(RUNNING_ON_VALGRIND, 0, 0) > 0 {
        case();
        return None;
    }
    // "otls::room::tests::name::{{closure}}": the case is a closure of its test.
    let name = core::any::type_name::<F>().trim_start_matches("otls::").trim_end_matches("::{{closure}}");
    let mut command = Command::new("valgrind");
    let public = concat!("--suppressions=", env!("CARGO_MANIFEST_DIR"), "/tests/undefined/public.supp");
    command.args(["--quiet", "--error-exitcode=9", "--num-callers=24", public]);
    // Suppressions name functions as the linker knows them, whatever there is of debug information.
    command.arg("--read-inline-info=no");
    command.arg(std::env::current_exe().unwrap()).args(["--exact", name, "--test-threads=1", "--nocapture"]);
    let output = command.env("OTLS_ENGINE", "portable").output();
    let output = output.unwrap_or_else(|error| panic!("valgrind: {error}; `make deps` installs it"));
    assert!(String::from_utf8_lossy(&output.stdout).contains("running 1 test"), "{name} is not the name");
    Some(output)
}

// valgrind/valgrind.h and valgrind/memcheck.h: the numbers of the requests.
const RUNNING_ON_VALGRIND: usize = 0x1001;
const MAKE_MEM_UNDEFINED: usize = 0x4D43_0001;
const MAKE_MEM_DEFINED: usize = 0x4D43_0002;

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
fn request(number: usize, first: usize, second: usize) -> usize {
    let arguments = [number, first, second, 0, 0, 0];
    let mut result = 0_usize;
    // SAFETY: rdi is rotated by 128 bits in all and rbx exchanged with itself, which changes nothing but
    // flags; valgrind knows the sequence, reads `arguments` and sets rdx.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            inout("rdx") result,
            in("rax") arguments.as_ptr(),
        );
    }
    result
}

#[cfg(not(target_arch = "x86_64"))]
fn request(_number: usize, _first: usize, _second: usize) -> usize {
    0
}

/// A comparison that ends at the first difference, and one that looks a secret up: both are found.
#[test]
fn a_planted_branch_is_found() {
    let found = run(&|| {
        let code = [1, 2, 3, 4];
        secret(&code);
        let mut same = 0;
        for (octet, wanted) in core::hint::black_box(code).iter().zip([1, 2, 4, 4]) {
            if *octet != wanted {
                break;
            }
            same += 1;
        }
        core::hint::black_box(same);
    });
    refused(found);
}

#[test]
fn a_planted_address_is_found() {
    let found = run(&|| {
        let table = core::hint::black_box([7_u8; 256]);
        let at = [42];
        secret(&at);
        core::hint::black_box(table[usize::from(core::hint::black_box(at)[0])]);
    });
    refused(found);
}

fn refused(found: Option<Output>) {
    if let Some(output) = found {
        assert_eq!(output.status.code(), Some(9), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
