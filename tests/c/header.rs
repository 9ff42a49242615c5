//! Each header is clean C and C++ by itself, for gcc and clang, in each standard that is promised.

use std::fs;

use crate::c_support::{root, scratch, succeed, tool};

const C: &[&str] = &["c99", "c11", "c17"];
const CPP: &[&str] = &["c++11", "c++17", "c++20"];

#[test]
fn gcc_takes_the_header_without_a_warning() {
    compile_with("gcc", "c", C);
    compile_with("g++", "cpp", CPP);
}

#[test]
fn clang_takes_the_header_without_a_warning() {
    compile_with("clang", "c", C);
    compile_with("clang++", "cpp", CPP);
}

/// Twice, because a header may be included twice, and with a call, because C++ needs `extern "C"`.
fn compile_with(compiler: &str, extension: &str, standards: &[&str]) {
    let folder = scratch();
    let source = folder.path().join("header").with_extension(extension);
    for (header, call) in [("otls.h", "otls_blob_free"), ("otls_oath.h", "otls_totp_free")] {
        let text = format!(
            "#include <{header}>\n#include <{header}>\n\
             int main(void) {{ {call}(NULL); return otls_version()[0] == 0; }}\n"
        );
        fs::write(&source, text).unwrap();
        for standard in standards {
            let mut command = tool(compiler);
            command.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"]).arg(format!("-std={standard}"));
            command.arg("-I").arg(root().join("include")).arg("-c").arg(&source);
            succeed(command.arg("-o").arg(folder.path().join("header.o")));
        }
    }
}
