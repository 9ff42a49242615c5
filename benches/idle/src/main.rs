//! `make bench-idle`: what a server holds for connections that are idle, and how many new ones it takes: `otls serve`
//! beside tokio-rustls over aws-lc-rs and nginx over the system's OpenSSL.
//!
//! Each connection is a mutual one, and each client has a certificate of its own. What one costs is the slope of the
//! server's resident memory between two numbers of them, so that what is there once does not count.

mod client;
mod server;
mod subject;

use std::fmt::Write as _;
use std::path::Path;

use client::World;
use subject::{Memory, Subject};

/// Idle connections at which memory is looked at; the third where the system has as many descriptors.
const FEW: usize = 5_000;
const MANY: usize = 15_000;
const MOST: usize = 100_000;
/// Descriptors of a server that are none of its connections.
const OTHERS: usize = 100;
/// New connections in a turn, and turns of each server.
const TURN: usize = 1_000;
const TURNS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", folder, port] => server::run(Path::new(folder), port.parse().unwrap()),
        [otls, ref rest @ ..] => measure(Path::new(otls), rest.first().map(Path::new)),
        [] => panic!("the otls to measure, and a document for the table"),
    }
}

fn measure(otls: &Path, document: Option<&Path>) {
    // Servers inherit it.
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap() as usize;
    let counts: Vec<usize> = [FEW, MANY, MOST].into_iter().filter(|count| count + OTHERS <= limit).collect();
    assert!(counts.len() > 1, "a slope takes {MANY} descriptors, and the limit is {limit}");
    let most = counts.last().copied().unwrap_or_default();
    eprintln!("{most} certificates");
    let world = World::new(most);
    let subjects = [Subject::otls(otls), Subject::tokio_rustls(), Subject::nginx()];
    let memory: Vec<Vec<Memory>> = subjects.iter().map(|subject| idle(subject, &world, &counts)).collect();
    let rates = new(&subjects, &world);
    let mut text = heading(&subjects);
    for (index, pair) in counts.windows(2).enumerate() {
        let [from, to] = pair[..] else { continue };
        let slope = |what: fn(&Memory) -> f64| {
            let of = |all: &Vec<Memory>| (what(&all[index + 1]) - what(&all[index])) / (to - from) as f64;
            memory.iter().map(of).collect::<Vec<_>>()
        };
        let between = format!("per idle connection, from {from} to {to}");
        row(&mut text, &format!("KiB resident {between}"), &slope(|memory| memory.resident), 1, "<= 8");
        row(
            &mut text,
            &format!("KiB of its own (Pss) {between}"),
            &slope(|memory| memory.proportional),
            1,
            "",
        );
    }
    let der = vec![world.certificate_len() as f64 / 1024.0; subjects.len()];
    row(&mut text, "KiB of that, the client's certificate in DER", &der, 2, "");
    row(
        &mut text,
        "new connections per second of the server's CPU time, one worker",
        &rates,
        0,
        ">= tokio-rustls",
    );
    if most < MOST {
        writeln!(text, "\nNot {MOST} connections: the system gives {limit} descriptors (`ulimit -n`).")
            .unwrap();
    }
    println!("{text}");
    if let Some(document) = document {
        replace(document, &text);
    }
}

/// The server's memory with each of these numbers of idle connections.
fn idle(subject: &Subject, world: &World, counts: &[usize]) -> Vec<Memory> {
    let server = subject.start(world);
    let mut open = Vec::new();
    let seen = counts.iter().map(|count| {
        let more = world.clients.get(open.len()..*count).unwrap_or_default();
        open.extend(client::connect(server.address(), world, more));
        let memory = server.memory();
        eprintln!("{}: {count} connections, {:.0} KiB resident", subject.name, memory.resident);
        memory
    });
    seen.collect()
}

/// New connections per second of CPU time of each: the servers in turns, the median turn.
fn new(subjects: &[Subject], world: &World) -> Vec<f64> {
    let servers: Vec<_> = subjects.iter().map(|subject| subject.start(world)).collect();
    let mut turns = vec![Vec::new(); servers.len()];
    // No server has seen these before: what it remembers of a certificate does not count.
    for clients in world.clients.chunks(TURN).take(TURNS) {
        for (server, turns) in servers.iter().zip(&mut turns) {
            let before = server.cpu_seconds();
            client::come_and_go(server.address(), world, clients);
            turns.push(clients.len() as f64 / (server.cpu_seconds() - before));
        }
    }
    let median = |mut turns: Vec<f64>| {
        turns.sort_by(f64::total_cmp);
        turns.get(turns.len() / 2).copied().unwrap_or_default()
    };
    turns.into_iter().map(median).collect()
}

fn heading(subjects: &[Subject]) -> String {
    let names: Vec<&str> = subjects.iter().map(|subject| subject.name).collect();
    format!("| | {} | target |\n| --- | {}--- |\n", names.join(" | "), "---: | ".repeat(names.len()))
}

fn row(text: &mut String, name: &str, figures: &[f64], digits: usize, target: &str) {
    let figures: Vec<String> = figures.iter().map(|figure| format!("{figure:.digits$}")).collect();
    writeln!(text, "| {name} | {} | {target} |", figures.join(" | ")).unwrap();
}

/// Puts the table between its marks.
fn replace(path: &Path, table: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once("<!-- idle -->\n").expect("the document has no mark for the table");
    let (_, after) = rest.split_once("<!-- end of idle -->\n").expect("the table has no end");
    std::fs::write(path, format!("{before}<!-- idle -->\n{table}<!-- end of idle -->\n{after}")).unwrap();
}
