//! Nothing of a code is left: not in files, and not in the memory of the process that issued it, sent it,
//! received it and checked it, once it is done with it.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};

const CODES: usize = 8;
const DIGITS: usize = 12;
/// Held by the peer until it ends.
const CANARY: &str = "918273645546";

#[test]
fn no_code_is_in_a_file_or_in_the_memory_of_the_process_that_had_it() {
    let folder = tempfile::tempdir().unwrap();
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("examples/trace_peer");
    assert!(program.is_file(), "{} is not built: run 'cargo test' without '--test'", program.display());
    let mut peer = Command::new(program)
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut written = vec![0; CODES * DIGITS + "done".len()];
    if peer.stdout.as_mut().unwrap().read_exact(&mut written).is_err() {
        panic!("{}", String::from_utf8_lossy(&peer.wait_with_output().unwrap().stderr));
    }
    let written = String::from_utf8(written).unwrap();
    let codes: Vec<&str> =
        (0..CODES).map(|number| &written[number * DIGITS..(number + 1) * DIGITS]).collect();
    assert!(written.ends_with("done") && codes.iter().all(|code| code.bytes().all(|c| c.is_ascii_digit())));

    let memory = memory_of(peer.id());
    let in_memory = |text: &str| memory.iter().filter(|(_, bytes)| find(bytes, text.as_bytes())).count();
    assert!(in_memory(CANARY) > 0, "the search finds nothing at all in {} regions", memory.len());
    for code in &codes {
        let regions: Vec<&str> = memory
            .iter()
            .filter(|(_, bytes)| find(bytes, code.as_bytes()))
            .map(|(name, _)| name.as_str())
            .collect();
        assert!(regions.is_empty(), "a code is still in memory: {regions:?}");
    }

    // While the database is open, so that its log is there too; and afterwards.
    let files_are_clean = || {
        let mut files = 0;
        for file in fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            assert!(!codes.iter().any(|code| find(&bytes, code.as_bytes())), "{}", path.display());
            files += 1;
        }
        files
    };
    assert!(files_are_clean() >= 3);
    peer.stdin.take().unwrap().write_all(b".").unwrap();
    let ended = peer.wait_with_output().unwrap();
    assert!(ended.status.success());
    assert_eq!(ended.stderr, b"");
    assert!(files_are_clean() >= 3);
}

/// What a process could have written to: the lines of its map and the octets.
fn memory_of(process: u32) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new("/proc").join(process.to_string());
    let maps = fs::read_to_string(folder.join("maps")).unwrap();
    let memory = File::open(folder.join("mem")).unwrap();
    let mut regions = Vec::new();
    for line in maps.lines().filter(|line| line.split(' ').nth(1).unwrap().starts_with("rw")) {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        // Some regions of the kernel's cannot be read.
        if memory.read_exact_at(&mut bytes, start).is_ok() {
            regions.push((line.to_owned(), bytes));
        }
    }
    regions
}

fn find(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}
