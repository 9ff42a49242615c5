//! The table, and the document that keeps it.

use std::fmt::Write as _;
use std::path::Path;

#[derive(Default)]
pub struct Table {
    rows: Vec<String>,
    shares: Vec<String>,
}

impl Table {
    /// Adds the figures of otls, rustls and OpenSSL.
    pub fn row(&mut self, name: &str, figures: Vec<Option<f64>>) {
        let [ours, rustls, openssl] = figures[..] else { panic!("{name}: {figures:?}") };
        let ratio = |theirs: Option<f64>| match (ours, theirs) {
            (Some(ours), Some(theirs)) => format!("{:.2}", ours / theirs),
            _ => "–".to_owned(),
        };
        let row = format!(
            "| {name} | {} | {} | {} | {} | {} |",
            figure(ours),
            figure(rustls),
            figure(openssl),
            ratio(rustls),
            ratio(openssl)
        );
        eprintln!("{row}");
        self.rows.push(row);
    }

    /// Adds how much longer something takes than its cryptography.
    pub fn share(&mut self, name: &str, of: &str, rates: &[Option<f64>]) {
        let [Some(whole), Some(part)] = rates[..] else { panic!("{name}: {rates:?}") };
        let row = format!("- {name}: {:.2} times the time of {of} alone", part / whole);
        eprintln!("{row}");
        self.shares.push(row);
    }

    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "{}, {}, OpenSSL {}; one core.\n\n",
            processor(),
            engine(),
            openssl::version::version().trim_start_matches("OpenSSL ")
        );
        text += "| | otls | rustls | OpenSSL | otls / rustls | otls / OpenSSL |\n";
        text += "| --- | ---: | ---: | ---: | ---: | ---: |\n";
        for row in &self.rows {
            writeln!(text, "{row}").unwrap();
        }
        text += "\n";
        for share in &self.shares {
            writeln!(text, "{share}").unwrap();
        }
        text
    }
}

/// Puts a table between the marks of that name in the document.
pub fn replace(path: &Path, mark: &str, table: &str) {
    let (start, end) = (format!("<!-- {mark} -->\n"), format!("<!-- end of {mark} -->\n"));
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(&start).expect("the document has no mark for the table");
    let (_, after) = rest.split_once(&end).expect("the document has no mark for the table's end");
    std::fs::write(path, format!("{before}{start}{table}{end}{after}")).unwrap();
}

fn figure(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.0}"))
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let line = info.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let family = value("cpu family").zip(value("model")).map(|(family, model)| format!(" {family}/{model}"));
    format!(
        "{}{}",
        value("model name").unwrap_or_else(|| "unknown processor".to_owned()),
        family.unwrap_or_default()
    )
}

fn engine() -> String {
    format!("engine {:?}", otls::crypto::Engine::detect())
}
