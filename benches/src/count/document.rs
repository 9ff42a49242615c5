//! The table in the document, and what has changed since.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// Of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    pub instructions: u64,
    pub allocations: u64,
    /// Octets that were allocated.
    pub octets: u64,
}

pub struct Table {
    /// What the number of instructions depends on beside the code.
    pub conditions: String,
    pub rows: Vec<(String, Figures)>,
}

/// The growth of instructions and of octets that fails, in thousandths: more than what another build of the same
/// code differs by. Of allocations one more fails, because they are the same in each build.
const TOLERANCE: u64 = 30;
/// What is worth a word: more than two runs differ by.
const NOTED: u64 = 5;

const START: &str = "<!-- count -->\n";
const END: &str = "<!-- end of count -->\n";

impl Table {
    pub fn to_markdown(&self) -> String {
        let mut text = format!("{}\n\n", self.conditions);
        text += "| of one | instructions | allocations | octets allocated |\n| --- | ---: | ---: | ---: |\n";
        for (name, figures) in &self.rows {
            let Figures { instructions, allocations, octets } = figures;
            writeln!(text, "| {name} | {instructions} | {allocations} | {octets} |").unwrap();
        }
        text
    }

    /// # Panics
    /// For a table that nobody of ours has written.
    pub fn parse(text: &str) -> Self {
        let conditions = text.lines().next().unwrap_or_default().to_owned();
        let rows = text.lines().filter(|line| line.starts_with("| ")).skip(2).map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [name, instructions, allocations, octets] = cells[..] else { panic!("{line}") };
            let [instructions, allocations, octets] =
                [instructions, allocations, octets].map(|figure| figure.parse().expect("a figure"));
            (name.to_owned(), Figures { instructions, allocations, octets })
        });
        Self { conditions, rows: rows.collect() }
    }

    /// What has become worse since this table, which fails, and what else is worth saying.
    pub fn compare(&self, now: &Self) -> (Vec<String>, Vec<String>) {
        let (mut breaches, mut notes) = (Vec::new(), Vec::new());
        let is_same = self.conditions == now.conditions;
        if !is_same {
            notes.push(format!(
                "bench-count: the table is from other conditions ({}), so that allocations alone are compared",
                self.conditions
            ));
        }
        for (name, figures) in &now.rows {
            let Some((_, before)) = self.rows.iter().find(|(other, _)| other == name) else {
                breaches.push(format!("bench-count: {name}: not in the table"));
                continue;
            };
            let kinds = [
                ("instructions", TOLERANCE, before.instructions, figures.instructions),
                ("allocations", 0, before.allocations, figures.allocations),
                ("octets allocated", TOLERANCE, before.octets, figures.octets),
            ];
            for (kind, tolerance, before, now) in kinds.into_iter().skip(usize::from(!is_same)) {
                let line = format!("bench-count: {name}: {now} {kind}, {before} in the table");
                if 1000 * now > (1000 + tolerance) * before {
                    breaches.push(line);
                } else if 1000 * now.abs_diff(before) > NOTED * before {
                    notes.push(line);
                }
            }
        }
        for (name, _) in &self.rows {
            if now.rows.iter().all(|(other, _)| other != name) {
                breaches.push(format!("bench-count: {name}: in the table and not counted any more"));
            }
        }
        (breaches, notes)
    }
}

pub fn read(path: &Path) -> Table {
    let text = std::fs::read_to_string(path).unwrap();
    Table::parse(parts(&text).1)
}

pub fn write(path: &Path, table: &Table) {
    let text = std::fs::read_to_string(path).unwrap();
    let (before, _, after) = parts(&text);
    std::fs::write(path, format!("{before}{START}{}{END}{after}", table.to_markdown())).unwrap();
}

/// What is before, between and behind the marks.
fn parts(text: &str) -> (&str, &str, &str) {
    let (before, rest) = text.split_once(START).expect("the document has no mark for the table");
    let (table, after) = rest.split_once(END).expect("the document has no mark for the table's end");
    (before, table, after)
}

/// The compiler, the C library, and the CPU that valgrind presents: its own, whatever the machine's is.
pub fn conditions() -> String {
    let version = |program: &str| {
        let output = Command::new(program).arg("--version").output().expect(program);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().next().unwrap_or_default().trim().to_owned()
    };
    let compiler = version(&std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned()));
    let libc = version("ldd").rsplit(' ').next().unwrap_or_default().to_owned();
    format!("{compiler}, {}, glibc {libc}, {}.", version("valgrind"), std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(instructions: u64, allocations: u64, octets: u64) -> Table {
        let figures = Figures { instructions, allocations, octets };
        Table { conditions: "rustc 1".to_owned(), rows: vec![("a".to_owned(), figures)] }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let table = table(1, 2, 3);
        let read = Table::parse(&table.to_markdown());
        assert_eq!((read.conditions, read.rows), (table.conditions, table.rows));
    }

    #[test]
    fn growth_beyond_the_tolerance_is_named() {
        let before = table(1000, 100, 10_000);
        let (breaches, notes) = before.compare(&table(1030, 100, 10_300));
        assert!(breaches.is_empty() && notes.len() == 2, "{breaches:?} {notes:?}");
        let (breaches, notes) = before.compare(&table(900, 99, 10_000));
        assert!(breaches.is_empty() && notes.len() == 2, "{breaches:?} {notes:?}");
        for (now, name) in [
            (table(1031, 100, 10_000), "a: 1031 instructions"),
            (table(1000, 101, 10_000), "a: 101 allocations"),
            (table(1000, 100, 10_301), "a: 10301 octets allocated"),
        ] {
            let (breaches, _) = before.compare(&now);
            assert!(breaches[0].contains(name), "{breaches:?}");
        }
    }

    #[test]
    fn another_compiler_leaves_allocations_to_compare() {
        let before = table(1000, 100, 10_000);
        let mut now = table(2000, 104, 10_000);
        now.conditions = "rustc 2".to_owned();
        let (breaches, notes) = before.compare(&now);
        assert_eq!(breaches.len(), 1, "{breaches:?}");
        assert!(breaches[0].contains("104 allocations") && notes[0].contains("other conditions"));
    }

    #[test]
    fn rows_of_one_table_alone_are_named() {
        let (one, mut other) = (table(1, 1, 1), table(1, 1, 1));
        other.rows[0].0 = "b".to_owned();
        let (breaches, _) = one.compare(&other);
        assert!(breaches[0].contains("b: not in the table") && breaches[1].contains("a: in the table"));
    }
}
