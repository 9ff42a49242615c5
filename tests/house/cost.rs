//! No 64 KiB of a stranger cost more than 20 ms, wherever they are read; here with a wide margin, since tests are
//! compiled without optimisation. `make bench` runs this file too, optimised, and writes the figures down.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    missing_docs
)]

use std::time::Duration;

use otls::Error;
use otls::crypto::SystemRandom;
use otls::error::OtpError;
use otls::otp::{Answer, Channel, Context, Decision, Message, OtpId, SignedDecision, Statement};

use crate::worst::entries::{ENTRIES, NOW, World};
use crate::worst::inputs::Input;
use crate::worst::{BOUND, cpu_time, inputs, memory_bound, talks};

/// Tests are compiled without optimisation, and share their cores.
const MARGIN: u32 = 10;
/// For how long an input is fed again and again, so that the clock's steps of four milliseconds do not count.
const TURN: Duration = Duration::from_millis(200);

#[test]
fn no_64_kib_of_a_stranger_cost_more_than_their_bound() {
    let world = World::new();
    let mut over = Vec::new();
    for input in inputs::all(&world) {
        let (took, held) = (cpu(&world, &input), memory(&world, &input));
        let (len, name) = (input.octets.len(), ENTRIES[input.entry].name);
        println!("{name:33} {:30} {len:6} octets {took:>12.2?} {held:8} held", input.what);
        if took > BOUND * MARGIN || held > memory_bound(len) {
            over.push(format!("{name}, {}: {len} octets took {took:?} and held {held}", input.what));
        }
    }
    assert!(over.is_empty(), "{over:#?}");
}

#[test]
fn a_customer_has_few_receipts_verified_for_a_code() {
    let world = World::new();
    let (mut client, mut server) = talks::established(&world, &world.customer);
    let (mut theirs, mut ours, id) = (Channel::new(), Channel::new(), OtpId([1; 16]));
    ours.expect(id, NOW.plus(Duration::from_secs(120)), NOW).unwrap();
    // To expect a code anew is no reason to verify more.
    ours.expect(id, NOW.plus(Duration::from_secs(120)), NOW).unwrap();
    for count in 0..=Channel::MAX_RECEIPTS_PER_CODE {
        let (context, decision) = (Context::new(), Decision::Declined);
        let receipt = SignedDecision::sign(
            &client,
            &world.customer,
            Statement { id, context, decision, time: NOW },
            &SystemRandom,
        )
        .unwrap();
        let answer = Message::Answer(Answer::declined(id).with_receipt(receipt));
        theirs.send(&mut client, &answer).unwrap();
        assert!(server.feed(&talks::taken(&mut client), NOW).is_ok());
        let received = ours.receive(&mut server, NOW);
        let refused = matches!(received.err(), Some(Error::Otp(OtpError::Malformed(_))));
        assert_eq!(refused, count == Channel::MAX_RECEIPTS_PER_CODE, "{count}");
    }
}

/// Writes the worst of each entry between two markers of the document that `OTLS_COST_TABLE` names.
#[test]
fn the_worst_of_each_entry_is_written_down_where_that_is_asked_for() {
    let Ok(path) = std::env::var("OTLS_COST_TABLE") else { return };
    let world = World::new();
    let inputs = inputs::all(&world);
    let mut table = "| read by | the dearest input | its octets | ms of CPU | the largest, held | times its octets |\n| --- | --- | ---: | ---: | --- | ---: |\n".to_owned();
    let mut over = Vec::new();
    for (index, entry) in ENTRIES.iter().enumerate() {
        let of_entry = || inputs.iter().filter(|input| input.entry == index);
        let Some((took, dear)) =
            of_entry().map(|input| (mean_cpu(&world, input), input)).max_by_key(|one| one.0)
        else {
            continue;
        };
        let (held, large) =
            of_entry().map(|input| (memory(&world, input), input)).max_by_key(|one| one.0).unwrap();
        if took > BOUND || held > memory_bound(large.octets.len()) {
            over.push(entry.name);
        }
        let times = held as f64 / large.octets.len() as f64;
        let row = format!(
            "| {} | {} | {} | {:.2} | {}, {} KiB | {times:.1} |\n",
            entry.name,
            dear.what,
            dear.octets.len(),
            took.as_secs_f64() * 1e3,
            large.what,
            held / 1024,
        );
        print!("{row}");
        table += &row;
    }
    let document = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once("<!-- cost -->\n").expect("the marker of the table");
    let (_, after) = rest.split_once("<!-- end of cost -->").expect("the end of the table");
    std::fs::write(&path, format!("{before}<!-- cost -->\n{table}<!-- end of cost -->{after}")).unwrap();
    assert!(over.is_empty(), "over the bound: {over:?}");
}

fn cpu(world: &World, input: &Input) -> Duration {
    let mut took = Duration::ZERO;
    (ENTRIES[input.entry].run)(world, &input.octets, &mut |action| {
        let before = cpu_time();
        action();
        took += cpu_time() - before;
    });
    took
}

fn mean_cpu(world: &World, input: &Input) -> Duration {
    let begun = std::time::Instant::now();
    let (mut took, mut count) = (Duration::ZERO, 0);
    while begun.elapsed() < TURN || count < 3 {
        took += cpu(world, input);
        count += 1;
    }
    took / count
}

fn memory(world: &World, input: &Input) -> u64 {
    let mut held = 0;
    (ENTRIES[input.entry].run)(world, &input.octets, &mut |action| {
        held = allocation_counter::measure(&mut *action).bytes_max.max(held);
    });
    held
}
