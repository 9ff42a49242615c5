//! What went over the wire, with what each side tells of it.

use super::connections::{Connection, Index};
use super::lanes::LISTENER;
use super::read::{Event, File};
use super::wire::{Pair, Told, pair};

/// An event: its file, and its position there.
pub(crate) type At = (usize, usize);

/// A message, data, an alert; or records that were left without.
pub(crate) struct Item {
    pub(crate) connection: usize,
    /// Client and server are 0 and 1.
    pub(crate) sender: usize,
    pub(crate) sent: Option<At>,
    pub(crate) received: Option<At>,
    /// Of the same kind at the same place, with other octets.
    pub(crate) is_changed: bool,
    pub(crate) records: Vec<At>,
    /// Records and octets.
    pub(crate) folded: Option<(u64, u64)>,
}

/// One side of one direction.
struct Side<'a> {
    file: Option<usize>,
    events: &'a [Event],
    told: Told,
}

impl<'a> Side<'a> {
    fn new(
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

    fn event(&self, item: usize) -> Option<&Event> {
        self.events.get(self.told.items.get(item)?.event)
    }

    fn at(&self, item: Option<usize>) -> Option<At> {
        self.file.zip(item.and_then(|item| self.told.items.get(item)).map(|item| item.event))
    }

    fn folded(&self, item: usize) -> Option<(u64, u64)> {
        self.told.items.get(item)?.folded
    }

    fn records(&self, item: Option<usize>) -> Vec<At> {
        let records = item.and_then(|item| self.told.items.get(item)).map(|item| item.records.as_slice());
        records
            .unwrap_or_default()
            .iter()
            .filter_map(|record| self.file.map(|file| (file, *record)))
            .collect()
    }

    fn lone(&self) -> impl Iterator<Item = At> {
        self.told.lone.iter().filter_map(|record| self.file.map(|file| (file, *record)))
    }
}

fn is_on_the_wire(event: &Event) -> bool {
    matches!(
        event.name(),
        "record" | "message" | "data" | "unreadable" | "folded" | "alert" | "change_cipher_spec"
    )
}

/// What one side of a connection sent, with what arrived of it.
pub(crate) fn items(
    files: &[File],
    index: &Index,
    (number, connection): (usize, &Connection),
    sender: usize,
) -> Vec<Item> {
    let [client, server] = connection.files;
    let (from, to) = if sender == 0 { (client, server) } else { (server, client) };
    let sent = Side::new(files, (number, index), from, "sent");
    let received = Side::new(files, (number, index), to, "received");
    let pairs = pair(
        sent.told.items.len(),
        received.told.items.len(),
        |left, right| {
            is_alike(&sent, left, &received, right) && has_same_octets(&sent, left, &received, right)
        },
        |left, right| is_alike(&sent, left, &received, right),
    );
    let item = |sent, received, records| Item {
        connection: number,
        sender,
        sent,
        received,
        is_changed: false,
        records,
        folded: None,
    };
    let mut items = Vec::new();
    for pair in pairs {
        let (left, right) = match pair {
            Pair::Same(left, right) | Pair::Changed(left, right) => (Some(left), Some(right)),
            Pair::OnlySent(left) => (Some(left), None),
            Pair::OnlyReceived(right) => (None, Some(right)),
        };
        let records = if left.is_some() { sent.records(left) } else { received.records(right) };
        items.push(Item {
            is_changed: matches!(pair, Pair::Changed(..)),
            folded: left
                .and_then(|left| sent.folded(left))
                .or(right.and_then(|right| received.folded(right))),
            ..item(sent.at(left), received.at(right), records)
        });
    }
    items.extend(sent.lone().map(|at| item(Some(at), None, vec![at])));
    items.extend(received.lone().map(|at| item(None, Some(at), vec![at])));
    items
}

fn is_alike(sent: &Side<'_>, left: usize, received: &Side<'_>, right: usize) -> bool {
    let (Some(one), Some(other)) = (sent.event(left), received.event(right)) else { return false };
    one.name() == other.name() && one.text("name") == other.text("name")
}

/// Whether it arrived as it was sent, as far as both tell.
fn has_same_octets(sent: &Side<'_>, left: usize, received: &Side<'_>, right: usize) -> bool {
    let (Some(one), Some(other)) = (sent.event(left), received.event(right)) else { return false };
    match (sent.folded(left), received.folded(right)) {
        (None, None) => {}
        (one, other) => return one == other,
    }
    one.number("length") == other.number("length")
        && one.get("octets").zip(other.get("octets")).is_none_or(|(one, other)| one == other)
}
