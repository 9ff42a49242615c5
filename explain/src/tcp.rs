//! The octets of a TCP connection in their order, out of its segments (RFC 9293 §3.4).

use std::collections::BTreeMap;

/// Octets of one direction that wait for those before them.
const MAX_WAITING: usize = 16 * 1024 * 1024;

/// One direction.
#[derive(Default)]
pub(crate) struct Direction {
    /// The sequence number of the octet that comes next; unknown before the first segment.
    next: Option<u32>,
    /// What came too early, by how far it is ahead of the first octet that waits.
    waiting: BTreeMap<u64, Vec<u8>>,
    /// Octets that were handed out.
    delivered: u64,
    held: usize,
}

impl Direction {
    /// The first octet has the number behind that of a SYN.
    pub(crate) fn synchronize(&mut self, sequence: u32) {
        if self.next.is_none() {
            self.next = Some(sequence.wrapping_add(1));
        }
    }

    /// Takes a segment; what is now in order, each octet once. Where it began before the capture did, the first
    /// segment is the beginning.
    pub(crate) fn segment(&mut self, sequence: u32, data: &[u8]) -> Vec<u8> {
        if data.is_empty() {
            return Vec::new();
        }
        let next = *self.next.get_or_insert(sequence);
        // Sequence numbers wrap: ahead is what is less than half the circle away.
        let ahead = sequence.wrapping_sub(next);
        if ahead < 1 << 31 {
            self.keep(u64::from(ahead), data);
        } else {
            let known = usize::try_from(next.wrapping_sub(sequence)).unwrap_or(usize::MAX);
            self.keep(0, data.get(known..).unwrap_or_default());
        }
        self.in_order()
    }

    /// Whether something came and what is before it did not.
    pub(crate) fn has_gap(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn keep(&mut self, ahead: u64, data: &[u8]) {
        if data.is_empty() || self.held.saturating_add(data.len()) > MAX_WAITING {
            return;
        }
        let at = self.delivered.saturating_add(ahead);
        let is_longer = self.waiting.get(&at).is_none_or(|known| known.len() < data.len());
        if is_longer && let Some(former) = self.waiting.insert(at, data.to_vec()) {
            self.held = self.held.saturating_sub(former.len());
        }
        if is_longer {
            self.held = self.held.saturating_add(data.len());
        }
    }

    fn in_order(&mut self) -> Vec<u8> {
        let mut ready = Vec::new();
        while let Some(first) = self.waiting.first_entry().filter(|first| *first.key() <= self.delivered) {
            let (at, data) = first.remove_entry();
            self.held = self.held.saturating_sub(data.len());
            let known = usize::try_from(self.delivered.saturating_sub(at)).unwrap_or(usize::MAX);
            let new = data.get(known..).unwrap_or_default();
            ready.extend_from_slice(new);
            self.delivered = self.delivered.saturating_add(u64::try_from(new.len()).unwrap_or(u64::MAX));
            // A segment has less than 2^32 octets.
            let len = u32::try_from(new.len()).unwrap_or_default();
            self.next = self.next.map(|next| next.wrapping_add(len));
        }
        ready
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn octets_come_in_order_and_once_whatever_the_network_did() {
        // Near the end of the circle, so that numbers wrap within the stream.
        let start = u32::MAX - 3;
        let stream: Vec<u8> = (0..12).collect();
        let segment = |from: usize, to: usize| {
            (start.wrapping_add(u32::try_from(from + 1).unwrap()), stream[from..to].to_vec())
        };
        let orders = [
            vec![segment(0, 4), segment(4, 8), segment(8, 12)],
            vec![segment(8, 12), segment(4, 8), segment(0, 4)],
            vec![segment(4, 8), segment(0, 4), segment(4, 8), segment(0, 12)],
            vec![segment(0, 6), segment(2, 9), segment(2, 9), segment(7, 12)],
            vec![segment(6, 7), segment(6, 9), segment(0, 6), segment(9, 12), segment(0, 1)],
        ];
        for order in orders {
            let mut direction = Direction::default();
            direction.synchronize(start);
            let octets: Vec<u8> = order.iter().flat_map(|(at, data)| direction.segment(*at, data)).collect();
            assert_eq!(octets, stream);
            assert!(!direction.has_gap());
        }
    }

    #[test]
    fn what_is_missing_holds_up_what_comes_after_it() {
        let mut direction = Direction::default();
        direction.synchronize(99);
        assert_eq!(direction.segment(100, b"ab"), b"ab");
        assert_eq!(direction.segment(103, b"d"), b"");
        assert!(direction.has_gap());
        assert_eq!(direction.segment(102, b"c"), b"cd");
        assert!(!direction.has_gap());
    }

    #[test]
    fn a_capture_that_began_late_begins_with_what_it_has_and_holds_a_bounded_number_of_octets() {
        let mut direction = Direction::default();
        assert_eq!(direction.segment(7, b"x"), b"x");
        let much = vec![0; 1 << 20];
        for at in 0..40 {
            direction.segment(1_000 + at * (1 << 20), &much);
        }
        assert!(direction.held <= MAX_WAITING);
    }
}
