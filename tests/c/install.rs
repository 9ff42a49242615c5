//! What `make install` puts in place is found by pkg-config and by CMake, and runs. Built as the tests
//! are: only the profile differs.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::c_support::{library, root, scratch, succeed, tool};

const PROGRAM: &str = "#include <otls_oath.h>\n#include <stdio.h>\n\
    int main(void) { puts(otls_version()); return 0; }\n";

#[test]
fn a_program_that_asks_pkg_config_builds_and_runs() {
    let folder = scratch();
    let prefix = folder.path().join("usr");
    install(&prefix, "");
    let source = folder.path().join("program.c");
    fs::write(&source, PROGRAM).unwrap();

    let mut linked = Vec::new();
    for (name, how) in
        [("shared", vec!["--cflags", "--libs"]), ("static", vec!["--cflags", "--libs", "--static"])]
    {
        let mut pkg_config = tool("pkg-config");
        pkg_config.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")).args(how).arg("otls");
        let flags = String::from_utf8(succeed(&mut pkg_config).stdout).unwrap();
        if name == "static" {
            // A linker that finds both takes the shared one.
            fs::remove_file(prefix.join("lib/libotls.so")).unwrap();
        }
        let program = folder.path().join(name);
        succeed(tool("gcc").arg(&source).args(flags.split_whitespace()).arg("-o").arg(&program));
        assert_eq!(run(&program, &prefix), env!("CARGO_PKG_VERSION"));
        let needed = succeed(tool("readelf").arg("-d").arg(&program)).stdout;
        linked.push(String::from_utf8_lossy(&needed).contains("[libotls.so.0]"));
    }
    assert_eq!(linked, [true, false]);
}

#[test]
fn a_program_that_asks_cmake_builds_and_runs() {
    let folder = scratch();
    let prefix = folder.path().join("usr");
    install(&prefix, "");
    fs::write(folder.path().join("program.c"), PROGRAM).unwrap();
    let lists = "cmake_minimum_required(VERSION 3.16)\nproject(program C)\nfind_package(otls 0.1 REQUIRED)\n\
        add_executable(shared program.c)\ntarget_link_libraries(shared otls::otls)\n\
        add_executable(static program.c)\ntarget_link_libraries(static otls::otls_static)\n";
    fs::write(folder.path().join("CMakeLists.txt"), lists).unwrap();

    let build = folder.path().join("build");
    let mut configure = tool("cmake");
    configure.arg("-S").arg(folder.path()).arg("-B").arg(&build);
    succeed(configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())));
    succeed(tool("cmake").arg("--build").arg(&build));
    for name in ["shared", "static"] {
        assert_eq!(run(&build.join(name), &prefix), env!("CARGO_PKG_VERSION"));
    }
}

#[test]
fn destdir_moves_the_files_and_not_what_they_say() {
    let folder = scratch();
    install(Path::new("/opt/otls"), folder.path().to_str().unwrap());
    let installed = folder.path().join("opt/otls");
    let text = fs::read_to_string(installed.join("lib/pkgconfig/otls.pc")).unwrap();
    assert!(text.contains("prefix=/opt/otls\n"), "{text}");
    assert!(!text.contains('@'), "{text}");
    assert_eq!(fs::read_link(installed.join("lib/libotls.so")).unwrap(), Path::new("libotls.so.0"));
    let real = fs::canonicalize(installed.join("lib/libotls.so")).unwrap();
    assert!(real.ends_with(format!("libotls.so.{}", env!("CARGO_PKG_VERSION"))));
}

fn install(prefix: &Path, destdir: &str) {
    let built = library().shared.parent().unwrap();
    let mut script = Command::new(root().join("scripts/install.sh"));
    succeed(script.arg(built).env("PREFIX", prefix).env("DESTDIR", destdir));
}

fn run(program: &Path, prefix: &Path) -> String {
    let output = succeed(Command::new(program).env("LD_LIBRARY_PATH", prefix.join("lib")));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}
