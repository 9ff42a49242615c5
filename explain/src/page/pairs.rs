//! What was sent beside what arrived: messages one by one, data as the stream of octets that it is.

use core::ops::Range;

use super::side::Side;
use super::wire::{Pair, pair};

pub(crate) fn pairs(sent: &Side<'_>, received: &Side<'_>) -> Vec<Pair> {
    let (left, right) = (sent.runs(), received.runs());
    let run = |runs: &[Range<usize>], at: usize| runs.get(at).cloned().unwrap_or_default();
    let are_data =
        |one: &Range<usize>, other: &Range<usize>| sent.is_data(one.start) && received.is_data(other.start);
    let is_same = |at: usize, other: usize| {
        let (one, other) = (run(&left, at), run(&right, other));
        if are_data(&one, &other) {
            carries(sent, one, received, other)
        } else {
            is_same(sent, one.start, received, other.start)
        }
    };
    let is_alike = |at: usize, other: usize| {
        let (one, other) = (run(&left, at), run(&right, other));
        are_data(&one, &other) || is_alike(sent, one.start, received, other.start)
    };
    let mut pairs = Vec::new();
    for both in pair(left.len(), right.len(), is_same, is_alike) {
        match both {
            Pair::Same(one, other) => {
                arrived(sent, run(&left, one), received, run(&right, other), &mut pairs)
            }
            Pair::Changed(one, other) => {
                changed(sent, run(&left, one), received, run(&right, other), &mut pairs)
            }
            Pair::OnlySent(one) => pairs.extend(run(&left, one).map(Pair::OnlySent)),
            Pair::OnlyReceived(other) => pairs.extend(run(&right, other).map(Pair::OnlyReceived)),
        }
    }
    pairs
}

fn is_alike(sent: &Side<'_>, left: usize, received: &Side<'_>, right: usize) -> bool {
    let (Some(one), Some(other)) = (sent.event(left), received.event(right)) else { return false };
    one.name() == other.name() && one.text("name") == other.text("name")
}

/// Whether it arrived as it was sent, as far as both tell.
fn is_same(sent: &Side<'_>, left: usize, received: &Side<'_>, right: usize) -> bool {
    let (Some(one), Some(other)) = (sent.event(left), received.event(right)) else { return false };
    is_alike(sent, left, received, right)
        && sent.len(left) == received.len(right)
        && one.get("octets").zip(other.get("octets")).is_none_or(|(one, other)| one == other)
}

/// Whether the data of the one run begins with all that the other one has, as far as both tell.
fn carries(sent: &Side<'_>, left: Range<usize>, received: &Side<'_>, right: Range<usize>) -> bool {
    let total =
        |side: &Side<'_>, run: Range<usize>| run.fold(0_u64, |sum, item| sum.saturating_add(side.len(item)));
    if total(received, right.clone()) > total(sent, left.clone()) {
        return false;
    }
    let (one, other) = (shown(sent, left), shown(received, right));
    let (mut ones, mut others) = (one.iter().peekable(), other.iter().peekable());
    while let (Some((start, text)), Some((other_start, other_text))) = (ones.peek(), others.peek()) {
        let from = *start.max(other_start);
        let (mine, theirs) = (after(text, *start, from), after(other_text, *other_start, from));
        if mine.bytes().zip(theirs.bytes()).any(|(mine, theirs)| mine != theirs) {
            return false;
        }
        if mine.len() <= theirs.len() {
            ones.next()
        } else {
            others.next()
        };
    }
    true
}

/// The digits from this place in the stream on, of those that begin at `start`.
fn after(text: &str, start: u64, from: u64) -> &str {
    let skipped = usize::try_from(from.saturating_sub(start).saturating_mul(2)).unwrap_or(usize::MAX);
    text.get(skipped..).unwrap_or_default()
}

/// The octets of a run that are shown, each with its place in the stream of the run.
fn shown<'a>(side: &'a Side<'_>, run: Range<usize>) -> Vec<(u64, &'a str)> {
    let mut at = 0_u64;
    let mut shown = Vec::new();
    for item in run {
        if let Some(event) = side.event(item).filter(|event| event.name() == "data") {
            shown.push((at, event.text("octets")));
        }
        at = at.saturating_add(side.len(item));
    }
    shown
}

/// Each item that was sent has arrived with its last octet.
fn arrived(
    sent: &Side<'_>,
    left: Range<usize>,
    received: &Side<'_>,
    right: Range<usize>,
    pairs: &mut Vec<Pair>,
) {
    let (mut other, mut until) = (right.start, received.len(right.start));
    let mut at = 0_u64;
    for item in left {
        at = at.saturating_add(sent.len(item));
        while until < at && other < right.end {
            other = other.saturating_add(1);
            until = until.saturating_add(if other < right.end { received.len(other) } else { 0 });
        }
        pairs.push(if other < right.end { Pair::Same(item, other) } else { Pair::OnlySent(item) });
    }
}

/// Runs of data that contradict each other, item by item; or a message that was changed.
fn changed(
    sent: &Side<'_>,
    left: Range<usize>,
    received: &Side<'_>,
    right: Range<usize>,
    pairs: &mut Vec<Pair>,
) {
    let (from, to) = (left.start, right.start);
    let here = |at: usize| from.saturating_add(at);
    let there = |at: usize| to.saturating_add(at);
    let each = pair(
        left.len(),
        right.len(),
        |one, other| is_same(sent, here(one), received, there(other)),
        |one, other| is_alike(sent, here(one), received, there(other)),
    );
    pairs.extend(each.into_iter().map(|both| match both {
        Pair::Same(one, other) => Pair::Same(here(one), there(other)),
        Pair::Changed(one, other) => Pair::Changed(here(one), there(other)),
        Pair::OnlySent(one) => Pair::OnlySent(here(one)),
        Pair::OnlyReceived(other) => Pair::OnlyReceived(there(other)),
    }));
}
