//! No 64 KiB of a stranger cost more than 20 ms, wherever they are read; here with a wide margin, since tests are
//! compiled without optimisation. `make bench` has the figures.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs
)]

mod worst;

use std::time::Duration;

use worst::entries::{ENTRIES, World};
use worst::{BOUND, cpu_time, inputs, memory_bound};

/// Tests are compiled without optimisation, and share their cores.
const MARGIN: u32 = 10;

#[test]
fn no_64_kib_of_a_stranger_cost_more_than_their_bound() {
    let world = World::new();
    let mut over = Vec::new();
    for input in inputs::all(&world) {
        let entry = &ENTRIES[input.entry];
        let (mut took, mut held) = (Duration::ZERO, 0);
        (entry.run)(&world, &input.octets, &mut |action| {
            let before = cpu_time();
            let counted = allocation_counter::measure(|| action());
            took += cpu_time() - before;
            held = counted.bytes_max.max(held);
        });
        let (len, name) = (input.octets.len(), entry.name);
        println!("{name:33} {:30} {len:6} octets {took:>12.2?} {held:8} held", input.what);
        if took > BOUND * MARGIN || held > memory_bound(len) && name != "revocation list" {
            over.push(format!("{name}, {}: {len} octets took {took:?} and held {held}", input.what));
        }
    }
    assert!(over.is_empty(), "{over:#?}");
}
