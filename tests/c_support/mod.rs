//! What the tests in C share: the built library, a scratch folder, and tools that must be there.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::{env, fs};

/// The top of the project, of whose packages one or the other includes this file.
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().find(|folder| folder.join("include").is_dir()).expect("the top of the project")
}

/// A folder for this test alone, removed with the value.
pub fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for temporary files")
}

/// The shared and the static library, built as a user builds them: `cargo test` makes them with the features
/// that the tests' own dependencies ask for.
pub fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let target = target_folder();
        let profile = target.file_name().expect("a profile").to_string_lossy().into_owned();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(root()).args(["build", "--locked", "--quiet", "--package", "otls-capi"]);
        cargo.args(["--features", "redis,postgres"]);
        cargo.arg("--target-dir").arg(target.parent().expect("a target folder"));
        if profile == "release" {
            cargo.arg("--release");
        }
        succeed(&mut cargo);
        let shared = target.join("libotls.so");
        let archive = target.join("libotls.a");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c_library");
        fs::create_dir_all(&folder).expect("a folder for links");
        // A program asks for the library by its soname.
        for name in ["libotls.so", "libotls.so.0"] {
            let link = folder.join(name);
            let _ = fs::remove_file(&link);
            std::os::unix::fs::symlink(&shared, link).expect("a link");
        }
        Library { shared, archive, folder }
    })
}

/// Where the library is.
pub struct Library {
    pub shared: PathBuf,
    pub archive: PathBuf,
    /// Holds the shared library under the names that linker and loader look for.
    pub folder: PathBuf,
}

fn target_folder() -> PathBuf {
    let test = env::current_exe().expect("the path of this test");
    test.ancestors().nth(2).expect("target/PROFILE/deps/TEST").to_path_buf()
}

/// A tool of the tests, or what to do about its absence.
pub fn tool(name: &str) -> Command {
    let found =
        env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(|dir| dir.join(name).is_file());
    assert!(found, "{name} is not installed: run scripts/deps.sh");
    Command::new(name)
}

/// Runs a command that must succeed.
pub fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// What a program is linked with and made for, as flags of the compiler.
pub type Linking = fn(&mut Command);

/// The shared library, which the program finds by itself.
pub fn shared(compiler: &mut Command) {
    let folder = library().folder.display().to_string();
    compiler.arg(format!("-L{folder}")).arg("-lotls").arg(format!("-Wl,-rpath,{folder}"));
}

/// The archive, and what the standard library of Rust needs.
pub fn statically(compiler: &mut Command) {
    compiler.arg(&library().archive).args(["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-lc"]);
}

/// The shared library, and a program that checks itself: addresses, leaks, undefined behaviour.
pub fn asan(compiler: &mut Command) {
    compiler.args(["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
    shared(compiler);
}

/// The shared library, and a program that watches its threads.
pub fn tsan(compiler: &mut Command) {
    compiler.args(["-g", "-fsanitize=thread"]);
    shared(compiler);
}

/// The driver, which every program compiles that has a socket.
pub fn driver() -> PathBuf {
    root().join("examples/c/drive.c")
}

/// Compiles a program against the header and the library alone.
pub fn compile(compiler: &str, standard: &str, linking: Linking, sources: &[PathBuf], program: &Path) {
    let mut command = tool(compiler);
    command.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-g"]).arg(format!("-std={standard}"));
    command.arg(format!("-DOTLS_EXPECTED_VERSION=\"{}\"", env!("CARGO_PKG_VERSION")));
    command.arg(format!("-DOTLS_TEST_VECTORS=\"{}\"", root().join("tests/vectors").display()));
    command.arg("-I").arg(root().join("include")).arg("-I").arg(root().join("examples/c"));
    command.args(sources).arg("-pthread").arg("-o").arg(program);
    linking(&mut command);
    succeed(&mut command);
}

/// Runs a program under valgrind, on the engine whose instructions valgrind knows; any error ends it with
/// 9, a leak too.
pub fn valgrind(program: &Path) -> Command {
    let mut command = tool("valgrind");
    command.args(["--quiet", "--error-exitcode=9", "--leak-check=full", "--"]).arg(program);
    command.env("OTLS_ENGINE", "portable");
    command
}

/// Every symbol that the header declares.
pub fn declared_functions() -> Vec<String> {
    let read = |name| fs::read_to_string(root().join("include").join(name)).expect("the header");
    let headers = read("otls.h") + &read("otls_oath.h");
    let mut names: Vec<_> = headers
        .lines()
        .filter(|line| !line.starts_with([' ', '#', '/', '}']) && !line.starts_with("typedef"))
        .filter_map(|line| line.split_once('('))
        .filter_map(|(before, _)| before.rsplit([' ', '*']).next())
        .filter(|name| name.starts_with("otls_"))
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names
}
