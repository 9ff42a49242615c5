//! What `make install` installs is what pkg-config and CMake find, and a program is built from it alone.
#![cfg(all(feature = "capi", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod c_support;

use std::fs;
use std::path::Path;
use std::process::Command;

use c_support::{library, root, scratch, succeed, tool};
use tempfile::TempDir;

const PROGRAM: &str =
    "#include <otls.h>\n#include <stdio.h>\nint main(void) { puts(otls_version()); return 0; }\n";

#[test]
fn pkg_config_says_how_to_build() {
    let (installed, work) = (install(), scratch());
    let source = work.path().join("program.c");
    fs::write(&source, PROGRAM).unwrap();
    for linking in ["--libs", "--libs --static"] {
        let mut pkg_config = tool("pkg-config");
        pkg_config.env("PKG_CONFIG_PATH", installed.path().join("lib/pkgconfig"));
        let flags = succeed(pkg_config.args(["--cflags", "otls"]).args(linking.split(" ")));
        let flags = String::from_utf8(flags.stdout).unwrap();
        let program = work.path().join("program");
        succeed(tool("gcc").arg(&source).arg("-o").arg(&program).args(flags.split_whitespace()));
        says_the_version(Command::new(&program).env("LD_LIBRARY_PATH", installed.path().join("lib")));
    }
}

#[test]
fn cmake_finds_both_targets() {
    let (installed, work) = (install(), scratch());
    fs::write(work.path().join("program.c"), PROGRAM).unwrap();
    let lists = "cmake_minimum_required(VERSION 3.13)\nproject(program C)\n\
        find_package(otls 0.1 CONFIG REQUIRED)\n\
        add_executable(shared program.c)\ntarget_link_libraries(shared otls::otls)\n\
        add_executable(static program.c)\ntarget_link_libraries(static otls::otls_static)\n";
    fs::write(work.path().join("CMakeLists.txt"), lists).unwrap();
    let prefix = format!("-DCMAKE_PREFIX_PATH={}", installed.path().display());
    succeed(tool("cmake").current_dir(work.path()).args(["-S", ".", "-B", "build"]).arg(prefix));
    succeed(tool("cmake").current_dir(work.path()).args(["--build", "build"]));
    for program in ["shared", "static"] {
        says_the_version(&mut Command::new(work.path().join("build").join(program)));
    }
}

fn says_the_version(program: &mut Command) {
    assert_eq!(succeed(program).stdout, format!("{}\n", env!("CARGO_PKG_VERSION")).into_bytes());
}

/// The part of `make install` that follows its build in the release profile.
fn install() -> TempDir {
    let folder = scratch();
    let built: &Path = library().shared.parent().unwrap();
    let mut script = Command::new(root().join("scripts/install.sh"));
    succeed(script.env("PREFIX", folder.path()).env("DESTDIR", "").arg(built));
    folder
}
