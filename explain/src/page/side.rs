//! What one side of a connection tells of one direction.

use core::ops::Range;

use super::connections::Index;
use super::lanes::LISTENER;
use super::read::{Event, File};
use super::wire::Told;

/// An event: its file, and its position there.
pub(crate) type At = (usize, usize);

/// One side of one direction.
pub(crate) struct Side<'a> {
    file: Option<usize>,
    events: &'a [Event],
    pub(crate) told: Told,
}

impl<'a> Side<'a> {
    pub(crate) fn new(
        files: &'a [File],
        (number, index): (usize, &Index),
        file: Option<usize>,
        direction: &str,
    ) -> Self {
        let positions: Vec<_> = index
            .told(files, file, number)
            .filter(|(_, event)| event.text("direction") == direction && is_on_the_wire(event))
            .map(|(position, _)| position)
            .collect();
        let told_by = file.and_then(|file| files.get(file));
        let events = told_by.map(|file| file.events.as_slice()).unwrap_or_default();
        let has_records_last = direction == "sent" && told_by.is_some_and(|file| file.party != LISTENER);
        Self { file, events, told: Told::new(events, &positions, has_records_last) }
    }

    pub(crate) fn event(&self, item: usize) -> Option<&Event> {
        self.events.get(self.told.items.get(item)?.event)
    }

    pub(crate) fn at(&self, item: Option<usize>) -> Option<At> {
        self.file.zip(item.and_then(|item| self.told.items.get(item)).map(|item| item.event))
    }

    pub(crate) fn folded(&self, item: usize) -> Option<(u64, u64)> {
        self.told.items.get(item)?.folded
    }

    pub(crate) fn records(&self, item: Option<usize>) -> Vec<At> {
        let records = item.and_then(|item| self.told.items.get(item)).map(|item| item.records.as_slice());
        records
            .unwrap_or_default()
            .iter()
            .filter_map(|record| self.file.map(|file| (file, *record)))
            .collect()
    }

    pub(crate) fn lone(&self) -> impl Iterator<Item = At> {
        self.told.lone.iter().filter_map(|record| self.file.map(|file| (file, *record)))
    }
}

impl Side<'_> {
    /// The items, data that follows data together: the two sides part it in different ways.
    pub(crate) fn runs(&self) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for item in 0..self.told.items.len() {
            match runs.last_mut() {
                Some(last) if self.is_data(item) && self.is_data(last.start) => {
                    last.end = item.saturating_add(1)
                }
                _ => runs.push(item..item.saturating_add(1)),
            }
        }
        runs
    }

    pub(crate) fn is_data(&self, item: usize) -> bool {
        self.event(item).is_some_and(|event| matches!(event.name(), "data" | "folded"))
    }

    /// Octets of data in an item.
    pub(crate) fn len(&self, item: usize) -> u64 {
        match self.folded(item) {
            Some((_, octets)) => octets,
            None => self.event(item).map(|event| event.number("length")).unwrap_or_default(),
        }
    }
}

fn is_on_the_wire(event: &Event) -> bool {
    matches!(
        event.name(),
        "record" | "message" | "data" | "unreadable" | "folded" | "alert" | "change_cipher_spec"
    )
}
