//! The table, its targets, and the document that keeps it.

use std::fmt::Write as _;
use std::path::Path;

/// What the turns of one library gave.
#[derive(Clone, Debug)]
pub struct Turns(Vec<f64>);

impl Turns {
    pub fn new(turns: Vec<f64>) -> Self {
        Self(turns)
    }

    /// In another unit.
    pub fn times(self, factor: f64) -> Self {
        Self(self.0.into_iter().map(|turn| turn * factor).collect())
    }

    /// Of each turn and the other's of the same time.
    pub fn with(&self, other: &Self, join: impl Fn(f64, f64) -> f64) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| join(*one, *other)).collect())
    }

    fn median(&self) -> f64 {
        crate::turns::median(self.0.clone()).unwrap_or(f64::NAN)
    }

    /// The median and, of several turns, the least and the most.
    fn ratio(&self) -> String {
        let (least, most) = self.spread();
        match self.0.len() {
            1 => format!("{:.2}", self.median()),
            _ => format!("{:.2} ({least:.2}–{most:.2})", self.median()),
        }
    }

    fn spread(&self) -> (f64, f64) {
        let of = |pick: fn(f64, f64) -> f64| self.0.iter().copied().reduce(pick).unwrap_or(f64::NAN);
        (of(f64::min), of(f64::max))
    }
}

impl From<f64> for Turns {
    fn from(turn: f64) -> Self {
        Self(vec![turn])
    }
}

/// What a row has to reach.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// At least so many times rustls's figure.
    Rustls(f64),
    /// At least so many times OpenSSL's figure.
    OpenSsl(f64),
    /// At most so much.
    AtMost(f64),
    /// At most so many times the time of the primitives alone.
    Share(f64),
}

impl Target {
    /// The target, and whether `figure` reaches it: in the median, or in one turn at least.
    fn judge(self, figure: &Turns) -> String {
        let (least, most) = figure.spread();
        let median = figure.median();
        let (text, is_met, is_near) = match self {
            Self::Rustls(bound) => (format!("≥ {bound:.2} × rustls"), median >= bound, most >= bound),
            Self::OpenSsl(bound) => (format!("≥ {bound:.2} × OpenSSL"), median >= bound, most >= bound),
            Self::AtMost(bound) => (format!("≤ {bound:.0}"), median <= bound, least <= bound),
            Self::Share(bound) => (format!("≤ {bound:.2}"), median <= bound, least <= bound),
        };
        let verdict = match (is_met, is_near) {
            (true, _) => "met",
            (false, true) => "missed, within the spread",
            (false, false) => "**missed**",
        };
        format!("{text}: {verdict}")
    }
}

/// By the beginning of a row's name; the first that fits.
const TARGETS: &[(&str, &[Target])] = &[
    ("full mutual handshakes", &[Target::Rustls(1.05)]),
    ("resumed handshakes", &[Target::Rustls(1.0)]),
    ("MB per second in records", &[Target::Rustls(1.0), Target::OpenSsl(1.0)]),
    ("messages of 72 octets", &[Target::Rustls(1.1)]),
    ("octets of heap per idle connection", &[Target::AtMost(2048.0)]),
];

#[derive(Default)]
pub struct Table {
    rows: Vec<String>,
    shares: Vec<String>,
}

impl Table {
    /// Adds the figures of otls, rustls and OpenSSL, and the targets that rows of this name have.
    pub fn row<T: Into<Turns>>(&mut self, name: &str, figures: Vec<Option<T>>) {
        let targets = TARGETS.iter().find(|(start, _)| name.starts_with(start));
        self.row_with(name, figures, targets.map_or(&[], |(_, targets)| targets));
    }

    /// As [`Table::row`], with other targets.
    pub fn row_with<T: Into<Turns>>(&mut self, name: &str, figures: Vec<Option<T>>, targets: &[Target]) {
        let figures: Vec<Option<Turns>> = figures.into_iter().map(|figure| figure.map(Into::into)).collect();
        let [ours, rustls, openssl] = &figures[..] else { panic!("{name}: {figures:?}") };
        let ratio = |theirs: &Option<Turns>| {
            ours.as_ref().zip(theirs.as_ref()).map(|(ours, theirs)| ours.with(theirs, |a, b| a / b))
        };
        let ratios = [ratio(rustls), ratio(openssl)];
        let judged = targets.iter().filter_map(|target| {
            let figure = match target {
                Target::Rustls(_) => &ratios[0],
                Target::OpenSsl(_) => &ratios[1],
                Target::AtMost(_) | Target::Share(_) => ours,
            };
            figure.as_ref().map(|figure| target.judge(figure))
        });
        let verdicts: Vec<String> = judged.collect();
        let [over_rustls, over_openssl] =
            ratios.map(|ratio| ratio.map_or("–".to_owned(), |ratio| ratio.ratio()));
        let row = format!(
            "| {name} | {} | {} | {} | {over_rustls} | {over_openssl} | {} |",
            figure(ours),
            figure(rustls),
            figure(openssl),
            verdicts.join("; ")
        );
        eprintln!("{row}");
        self.rows.push(row);
    }

    /// Adds how much longer something takes than its cryptography, both as so many per second.
    pub fn share(&mut self, name: &str, of: &str, rates: &[Option<Turns>], target: Option<Target>) {
        let [Some(whole), Some(part)] = rates else { panic!("{name}: {rates:?}") };
        self.share_of(name, of, &part.with(whole, |part, whole| part / whole), target);
    }

    /// As [`Table::share`], of ratios.
    pub fn share_of(&mut self, name: &str, of: &str, ratios: &Turns, target: Option<Target>) {
        let verdict = target.map(|target| target.judge(ratios)).unwrap_or_default();
        let row = format!("| {name} | {of} | {} | {verdict} |", ratios.ratio());
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
        text += "| | otls | rustls | OpenSSL | otls / rustls | otls / OpenSSL | target |\n";
        text += "| --- | ---: | ---: | ---: | ---: | ---: | --- |\n";
        for row in &self.rows {
            writeln!(text, "{row}").unwrap();
        }
        text += "\n| time of | by that of | ratio | target |\n| --- | --- | ---: | --- |\n";
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

fn figure(value: &Option<Turns>) -> String {
    value.as_ref().map_or("–".to_owned(), |turns| format!("{:.0}", turns.median()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_by_the_median_and_near_by_one_turn() {
        let turns = Turns::new(vec![1.2, 0.9, 1.0]);
        assert_eq!(turns.ratio(), "1.00 (0.90–1.20)");
        assert_eq!(Target::Rustls(1.0).judge(&turns), "≥ 1.00 × rustls: met");
        assert_eq!(Target::OpenSsl(1.1).judge(&turns), "≥ 1.10 × OpenSSL: missed, within the spread");
        assert_eq!(Target::Rustls(1.3).judge(&turns), "≥ 1.30 × rustls: **missed**");
        assert_eq!(Target::Share(0.95).judge(&turns), "≤ 0.95: missed, within the spread");
        assert_eq!(Target::AtMost(7.0).judge(&8.0.into()), "≤ 7: **missed**");
    }
}
