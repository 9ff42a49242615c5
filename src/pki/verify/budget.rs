//! What one verification may cost: whoever sends a chain chooses how much there is to do.

use core::cell::Cell;

use crate::error::{Check, Finding};

/// The work of one verification, its report included. A unit is about ten nanoseconds of one core with the fast
/// engine: a comparison of two names takes a few, a signature some thousands. Together they are 10 ms, half of
/// what 64 KiB of a stranger may cost (docs/performance.md); the other half is for reading them. An ordinary
/// chain of three takes 3 per cent, and rustls-webpki allows 250,000 comparisons.
const MAX_WORK: u32 = 1_000_000;

/// Two names that are at hand.
pub(super) const COMPARISON: u32 = 2;
/// A name or subtree that is read.
pub(super) const READING: u32 = 20;
/// A path whose signatures verify, and that is judged.
pub(super) const PATH: u32 = 500;
/// A certificate that is looked at for a report, and the text about it.
pub(super) const EXPLANATION: u32 = 1_000;
/// Units in a microsecond.
const MICROSECOND: u32 = 100;
/// An octet of a distinguished name that is brought into the form in which names are compared: ASCII, and what
/// has to be decomposed, where three octets may become eighteen characters (U+FDFA).
const ASCII_OCTET: u32 = 2;
const OTHER_OCTET: u32 = 200;

pub(super) struct Budget {
    left: Cell<u32>,
    is_exhausted: Cell<bool>,
}

impl Budget {
    pub(super) const fn new() -> Self {
        Self { left: Cell::new(MAX_WORK), is_exhausted: Cell::new(false) }
    }

    /// Takes `units`; whether there were so many. Once there were not, there are none.
    pub(super) fn spend(&self, units: u32) -> bool {
        match self.left.get().checked_sub(units) {
            Some(left) if !self.is_exhausted.get() => {
                self.left.set(left);
                true
            }
            _ => {
                self.is_exhausted.set(true);
                false
            }
        }
    }

    /// Takes what `count` things cost that cost `units` each.
    pub(super) fn spend_on(&self, count: usize, units: u32) -> bool {
        self.spend(u32::try_from(count).unwrap_or(u32::MAX).saturating_mul(units))
    }

    /// Takes what a signature costs that takes so many microseconds.
    pub(super) fn spend_microseconds(&self, microseconds: u32) -> bool {
        self.spend(microseconds.saturating_mul(MICROSECOND))
    }

    /// Takes what it costs to make a name (DER) comparable.
    pub(super) fn spend_on_folding(&self, name: &[u8]) -> bool {
        // A BMPString has octets of ASCII in letters of all scripts.
        let is_simple = name.iter().all(|octet| octet.is_ascii() && *octet != BMP_STRING);
        self.spend_on(name.len(), if is_simple { ASCII_OCTET } else { OTHER_OCTET })
    }

    /// Whether something was left undone: nothing may be accepted then.
    pub(super) const fn is_exhausted(&self) -> bool {
        self.is_exhausted.get()
    }

    /// What the report says of it.
    pub(super) fn finding(subject: String) -> Finding {
        Finding {
            candidate: 0,
            depth: 0,
            subject,
            check: Check::Budget,
            reason: "its chain asks for more comparisons of names, signatures or candidate paths than one \
                     verification may cost"
                .to_owned(),
            hint: "send the leaf and its issuers only; use fewer names, constraints and issuers of one name, and \
                   smaller keys"
                .to_owned(),
        }
    }
}

/// The identifier octet of a BMPString.
const BMP_STRING: u8 = 0x1E;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_once_too_often_is_gone() {
        let budget = Budget::new();
        assert!(budget.spend(MAX_WORK - 1));
        assert!(budget.spend(1));
        assert!(!budget.is_exhausted());
        assert!(!budget.spend(1));
        assert!(budget.is_exhausted());
        let budget = Budget::new();
        assert!(!budget.spend(MAX_WORK + 1));
        assert!(!budget.spend(0) && budget.is_exhausted());
    }

    #[test]
    fn letters_that_decompose_cost_more() {
        let budget = Budget::new();
        assert!(budget.spend_on_folding(&vec![b'a'; 64 << 10]));
        for name in ["\u{FDFA}".repeat(8 << 10).into_bytes(), vec![BMP_STRING; 12 << 10]] {
            assert!(!Budget::new().spend_on_folding(&name));
        }
    }
}
