//! What the tests of the command line share.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder and the commands that are run in it.
pub(crate) struct Shell(TempDir);

impl Shell {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn output(&self, arguments: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_otls"))
            .args(arguments.split_whitespace())
            .current_dir(self.path())
            .env_remove("OTLS_KEY_PASSWORD")
            .output()
            .unwrap()
    }

    /// Standard output of a command that succeeds.
    pub(crate) fn run(&self, arguments: &str) -> String {
        let output = self.output(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments}: {error}");
        assert_eq!(error, "", "{arguments}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, arguments: &str) -> Value {
        serde_json::from_str(&self.run(arguments)).unwrap()
    }

    /// The exit code and the one line of a command that fails.
    pub(crate) fn fails(&self, arguments: &str) -> (i32, String) {
        let output = self.output(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.stdout, b"", "{arguments}");
        assert_eq!(error.lines().count(), 1, "{arguments}: {error}");
        assert!(error.starts_with("otls: error: "), "{error}");
        (output.status.code().unwrap(), error)
    }

    /// The JSON report of a certificate that is refused.
    pub(crate) fn refused(&self, arguments: &str) -> Value {
        let output = self.output(&format!("verify --json {arguments}"));
        assert_eq!(output.status.code(), Some(6), "{arguments}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn mode(&self, file: &str) -> u32 {
        fs::metadata(self.path().join(file)).unwrap().permissions().mode() & 0o777
    }

    /// An authority, and a certificate for bank.example.
    pub(crate) fn with_certificate() -> Self {
        let shell = Self::new();
        shell.run("ca init --name Root --country IN");
        shell.run("key new --out key.pem --public public.pem");
        shell.run("csr new --key key.pem --name bank --san bank.example --san 127.0.0.1 --out request.pem");
        shell.run("ca sign request.pem --profile server --out bank.pem");
        shell
    }
}

pub(crate) fn openssl(folder: &Path, arguments: &str) -> String {
    let output = Command::new("openssl").args(arguments.split_whitespace()).current_dir(folder).output();
    let output = output.expect("openssl, which scripts/deps.sh installs");
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
