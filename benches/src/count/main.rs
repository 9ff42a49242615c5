//! `make bench-count`: instructions and allocations of each kind of handshake and of record, on the portable
//! engine, under valgrind's callgrind. Unlike seconds they are the same on a busy machine, so a change of a few
//! per cent is a fact, and this fails when there is one for the worse.

#[path = "../../../tests/common/mod.rs"]
mod common;
mod document;
mod measured;
mod operations;

use std::path::Path;
use std::process::{Command, ExitCode};

use document::{Figures, Table};

fn main() -> ExitCode {
    let argument = std::env::args().nth(1).expect("the document that has the table");
    if argument == "operations" {
        operations::all();
        return ExitCode::SUCCESS;
    }
    let path = Path::new(&argument);
    let now = counted();
    println!("{}", now.to_markdown());
    if std::env::var_os("OTLS_BLESS").is_some() {
        document::write(path, &now);
        return ExitCode::SUCCESS;
    }
    let (breaches, notes) = document::read(path).compare(&now);
    notes.iter().for_each(|note| println!("{note}"));
    breaches.iter().for_each(|breach| eprintln!("{breach}"));
    if breaches.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "bench-count: if that is what the change is worth, write the table anew: OTLS_BLESS=1 make bench-count"
    );
    ExitCode::FAILURE
}

/// Runs this program under callgrind, which writes one file for each row.
fn counted() -> Table {
    let folder = std::env::temp_dir().join(format!("otls-count-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=otls_measured"])
        .args(["--dump-after=otls_counted", "--compress-strings=no", "--quiet"])
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .arg(std::env::current_exe().unwrap())
        .arg("operations")
        .env("OTLS_ENGINE", "portable")
        .output()
        .expect("valgrind");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text.lines().enumerate().map(|(index, line)| {
        let [name, times, allocations, octets] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let times: u64 = times.parse().unwrap();
        let each = |total: u64| total.div_ceil(times);
        let figures = Figures {
            instructions: each(instructions(&folder.join(format!("out.{}", index + 1)))),
            allocations: each(allocations.parse().unwrap()),
            octets: each(octets.parse().unwrap()),
        };
        (name.to_owned(), figures)
    });
    let table = Table { conditions: document::conditions(), rows: rows.collect() };
    std::fs::remove_dir_all(&folder).unwrap();
    table
}

/// The sum of one of callgrind's files.
fn instructions(path: &Path) -> u64 {
    let text = std::fs::read_to_string(path).unwrap();
    let total = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    total.expect("a sum").trim().parse().unwrap()
}
