//! What went over the wire, with what each side tells of it.

use super::connections::{Connection, Index};
use super::pairs::pairs;
use super::read::File;
use super::side::{At, Side};
use super::wire::Pair;

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
    let pairs = pairs(&sent, &received);
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
            folded: match (left, right) {
                (Some(left), _) => sent.folded(left),
                (None, right) => right.and_then(|right| received.folded(right)),
            },
            ..item(sent.at(left), received.at(right), records)
        });
    }
    items.extend(sent.lone().map(|at| item(Some(at), None, vec![at])));
    items.extend(received.lone().map(|at| item(None, Some(at), vec![at])));
    items
}
