//! Another process over the same store.
#![allow(dead_code, reason = "not each test needs all of it")]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// It runs `ledger_peer`, and ends with the value.
pub(crate) struct Peer {
    pub(crate) process: Child,
    pub(crate) input: ChildStdin,
    pub(crate) output: BufReader<ChildStdout>,
}

impl Peer {
    pub(crate) fn start(mode: &str, address: &str) -> Self {
        let mut command = Command::new(peer_program());
        command.args([mode, address]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, input, output: BufReader::new(output) }
    }

    pub(crate) fn read(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The example that cargo has built beside this test.
fn peer_program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("examples/ledger_peer");
    assert!(program.is_file(), "{} is not built: run 'cargo test' without '--test'", program.display());
    program
}
