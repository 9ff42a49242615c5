//! Who took part: whose traces there are, and whom they speak with.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::read::File;

/// The party of a trace that was read from a capture: it took no part.
pub(crate) const LISTENER: &str = "listener";

/// The parties that have a place of their own.
const KNOWN: &[&str] = &["ttp", "bank", "customer"];

struct Lane {
    name: String,
    title: Option<String>,
    /// Whether there is a trace of it.
    is_told: bool,
}

/// Lanes, and where each is by its name.
pub(crate) struct Lanes(Vec<Lane>, HashMap<(String, bool), usize>);

impl Lanes {
    pub(crate) fn new(files: &[File]) -> Self {
        let mut lanes = Self(Vec::new(), HashMap::new());
        let rank = |file: &&File| KNOWN.iter().position(|known| *known == file.party).unwrap_or(KNOWN.len());
        let mut parties: Vec<_> = files.iter().filter(|file| file.party != LISTENER).collect();
        parties.sort_by_key(rank);
        for file in parties {
            let lane = lanes.find(&file.party, true);
            if let Some(lane) = lanes.0.get_mut(lane) {
                lane.title = lane.title.take().or_else(|| file.title.clone());
            }
        }
        lanes
    }

    /// The lane of this party's own trace.
    pub(crate) fn of_file(&mut self, file: &File) -> Option<usize> {
        (file.party != LISTENER).then(|| self.find(&file.party, true))
    }

    /// The lane of somebody of whom there is no trace.
    pub(crate) fn absent(&mut self, role: &str, name: Option<&str>) -> usize {
        let name = name.map_or_else(|| role.to_owned(), |name| format!("{role} {name}"));
        self.find(&name, false)
    }

    fn find(&mut self, name: &str, is_told: bool) -> usize {
        let Self(lanes, by_name) = self;
        *by_name.entry((name.to_owned(), is_told)).or_insert_with(|| {
            lanes.push(Lane { name: name.to_owned(), title: None, is_told });
            lanes.len().saturating_sub(1)
        })
    }

    pub(crate) fn to_json(&self) -> Value {
        let lane = |lane: &Lane| json!({ "name": lane.name, "title": lane.title, "told": lane.is_told });
        self.0.iter().map(lane).collect()
    }
}
