//! What went over the wire in one direction, as one side or both tell it.

use super::read::Event;

/// What one side tells of one direction, in order: positions of events in its file.
#[derive(Default)]
pub(crate) struct Told {
    /// Messages, data, alerts. Folded data that follows folded data is one.
    pub(crate) items: Vec<Item>,
    /// The records that were left without an item: they did not open, or came in part.
    pub(crate) lone: Vec<usize>,
}

pub(crate) struct Item {
    pub(crate) event: usize,
    /// The records that carried it, and others.
    pub(crate) records: Vec<usize>,
    /// What is folded: records, and their octets.
    pub(crate) folded: Option<(u64, u64)>,
}

impl Told {
    /// `positions` are the events of one connection and one direction. Where `has_records_last`, a record follows
    /// what is in it, as it does with who sends it; otherwise it goes before.
    pub(crate) fn new(events: &[Event], positions: &[usize], has_records_last: bool) -> Self {
        let mut told = Self::default();
        // Of the group that is being read: the first item, the records.
        let (mut first, mut records): (usize, Vec<usize>) = (0, Vec::new());
        let mut is_after_records = false;
        for position in positions.iter().copied() {
            let Some(event) = events.get(position) else { continue };
            if event.name() == "record" {
                if !has_records_last && first < told.items.len() {
                    told.close(&mut first, &mut records);
                }
                records.push(position);
                is_after_records = true;
                continue;
            }
            if has_records_last && is_after_records {
                told.close(&mut first, &mut records);
            }
            is_after_records = false;
            told.push(position, event);
        }
        if first == told.items.len() {
            told.lone = core::mem::take(&mut records);
        }
        told.close(&mut first, &mut records);
        told
    }

    fn push(&mut self, position: usize, event: &Event) {
        let folded = (event.name() == "folded").then(|| (event.number("records"), event.number("length")));
        if let (Some(more), Some(Item { folded: Some(sum), .. })) = (folded, self.items.last_mut()) {
            *sum = (sum.0.saturating_add(more.0), sum.1.saturating_add(more.1));
            return;
        }
        self.items.push(Item { event: position, records: Vec::new(), folded });
    }

    fn close(&mut self, first: &mut usize, records: &mut Vec<usize>) {
        let records = core::mem::take(records);
        for item in self.items.iter_mut().skip(*first).filter(|item| item.folded.is_none()) {
            item.records.clone_from(&records);
        }
        *first = self.items.len();
    }
}

/// What arrived of what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pair {
    /// Positions in the two lists.
    Same(usize, usize),
    /// The same kind at the same place, with other octets.
    Changed(usize, usize),
    OnlySent(usize),
    OnlyReceived(usize),
}

/// How far ahead the other side of an item is looked for, where items were lost or put in.
const WINDOW: usize = 8;

/// Lays `sent` items of one side beside `received` ones of the other, in an order that keeps both. Both closures
/// take a position in each list.
pub(crate) fn pair(
    sent: usize,
    received: usize,
    is_same: impl Fn(usize, usize) -> bool,
    is_alike: impl Fn(usize, usize) -> bool,
) -> Vec<Pair> {
    let (mut left, mut right) = (0, 0);
    let mut pairs = Vec::new();
    while left < sent && right < received {
        let lost = (left..sent).take(WINDOW).position(|other| is_same(other, right));
        let added = (right..received).take(WINDOW).position(|other| is_same(left, other));
        match (lost, added) {
            (Some(0), _) => {
                pairs.push(Pair::Same(left, right));
                (left, right) = (next(left), next(right));
            }
            (Some(lost), added) if added.is_none_or(|added| lost <= added) => {
                let until = left.saturating_add(lost);
                pairs.extend((left..until).map(Pair::OnlySent));
                left = until;
            }
            (_, Some(added)) => {
                let until = right.saturating_add(added);
                pairs.extend((right..until).map(Pair::OnlyReceived));
                right = until;
            }
            _ if is_alike(left, right) => {
                pairs.push(Pair::Changed(left, right));
                (left, right) = (next(left), next(right));
            }
            _ => {
                pairs.push(Pair::OnlySent(left));
                left = next(left);
            }
        }
    }
    pairs.extend((left..sent).map(Pair::OnlySent));
    pairs.extend((right..received).map(Pair::OnlyReceived));
    pairs
}

const fn next(position: usize) -> usize {
    position.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paired(sent: &[&str], received: &[&str]) -> Vec<Pair> {
        let kind = |list: &[&str], at: usize| list[at].chars().next();
        let is_alike = |left, right| kind(sent, left) == kind(received, right);
        pair(sent.len(), received.len(), |left, right| sent[left] == received[right], is_alike)
    }

    #[test]
    fn what_was_sent_lies_beside_what_arrived() {
        use Pair::{Changed, OnlyReceived, OnlySent, Same};
        assert_eq!(paired(&["a", "b"], &["a", "b"]), [Same(0, 0), Same(1, 1)]);
        assert_eq!(paired(&["a", "b", "c"], &["a", "c"]), [Same(0, 0), OnlySent(1), Same(2, 1)]);
        assert_eq!(paired(&["a", "c"], &["a", "b", "c"]), [Same(0, 0), OnlyReceived(1), Same(1, 2)]);
        assert_eq!(paired(&["a1", "b"], &["a2", "b"]), [Changed(0, 0), Same(1, 1)]);
        assert_eq!(paired(&["a", "b"], &["a"]), [Same(0, 0), OnlySent(1)]);
        assert_eq!(paired(&["a"], &["x"]), [OnlySent(0), OnlyReceived(0)]);
        // What is put in the other order is not lost.
        assert_eq!(paired(&["a", "b"], &["b", "a"]), [OnlySent(0), Same(1, 0), OnlyReceived(1)]);
    }
}
