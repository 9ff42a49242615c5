//! Codes per second of each store, and how long a sealed message takes in Rust, C and Python.

use std::fmt::Write as _;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use otls::crypto::SystemRandom;
use otls::otp::{
    Attempt, Channel, Code, CodeFormat, CodeRequest, Context, Envelope, Issued, Ledger, Message, OtpId,
    Policy, Store,
};
use otls::pki::KeyType;
use otls::{Secret, UnixTime};

use crate::common::{NOW, Pair, World, transfer};
use crate::ground::{Ground, Memory, Postgres, Redis, Sqlite};

/// How long one store is measured with so many threads.
const TURN: Duration = Duration::from_secs(2);

/// The tables, as Markdown.
pub fn tables() -> String {
    let mut text = "| issued and verified codes per second | 1 thread | 8 threads |\n".to_owned();
    text += "| --- | ---: | ---: |\n";
    store::<Memory>(&mut text, "memory");
    store::<Sqlite>(&mut text, "SQLite, each commit on the disk");
    store::<Redis>(&mut text, "Redis, `appendfsync always`");
    store::<Postgres>(&mut text, "PostgreSQL, `synchronous_commit = on`");
    text += "\n| microseconds from an envelope's making to its opening, both sides in one process | |\n";
    text += "| --- | ---: |\n";
    writeln!(text, "| Rust | {:.1} |", message()).unwrap();
    for (language, variable) in [("C", "OTLS_BENCH_C"), ("Python", "OTLS_BENCH_PYTHON")] {
        writeln!(text, "| {language} | {} |", of_program(variable)).unwrap();
    }
    text
}

fn store<G: Ground>(text: &mut String, name: &str) {
    let Some(ground) = G::prepare() else {
        writeln!(text, "| {name} | not on this machine | |").unwrap();
        return;
    };
    let rates = [1, 8].map(|threads| rate(ground.open(), threads));
    writeln!(text, "| {name} | {:.0} | {:.0} |", rates[0], rates[1]).unwrap();
}

fn rate(store: Box<dyn Store>, threads: usize) -> f64 {
    let mut ledger = Ledger::new(store, Secret::from(vec![7; 32])).unwrap();
    ledger = ledger.with_policy(Policy { issues: u32::MAX, ..Policy::default() }).unwrap();
    let context = payment();
    let (done, start) = (AtomicU64::new(0), Instant::now());
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (ledger, context, done) = (&ledger, &context, &done);
            scope.spawn(move || {
                let subject = format!("customer {thread}");
                while start.elapsed() < TURN {
                    let issued =
                        ledger.issue(&CodeRequest::new(&subject, context), NOW, &SystemRandom).unwrap();
                    let code = issued.code.expose();
                    assert!(
                        ledger
                            .verify(&Attempt::new(&issued.id, &subject, context, code), NOW)
                            .unwrap()
                            .is_accepted()
                    );
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    done.into_inner() as f64 / start.elapsed().as_secs_f64()
}

/// Microseconds, the median of many.
fn message() -> f64 {
    let Pair { mut client, mut server, .. } = World::new(KeyType::EcdsaP256).pair().established();
    let (mut bank, mut customer) = (Channel::new(), Channel::new().with_free_text());
    let context = payment();
    let mut times: Vec<f64> = (0..2000_u128)
        .map(|number| {
            let issued = Issued {
                id: OtpId(number.to_be_bytes()),
                code: Code::generate(&CodeFormat::default(), &SystemRandom).unwrap(),
                context: context.clone(),
                issued_at: NOW,
                expires_at: UnixTime(NOW.0 + 120),
            };
            let start = Instant::now();
            let text = Secret::from(b"Your code".to_vec());
            let envelope = Envelope::new(&issued, context.clone(), text);
            bank.send(&mut server, &Message::Envelope(envelope)).unwrap();
            transfer(&mut server, &mut client).unwrap();
            let received = customer.receive(&mut client, NOW).unwrap();
            let time = start.elapsed();
            assert!(matches!(received, Some(Message::Envelope(_))));
            time.as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// What a program prints that measures the same; `make bench` names it in the environment.
fn of_program(variable: &str) -> String {
    let Ok(command) = std::env::var(variable) else { return format!("{variable} is not set") };
    let mut words = command.split(' ');
    let output = Command::new(words.next().unwrap_or_default()).args(words).output();
    let output = output.unwrap_or_else(|error| panic!("{command}: {error}"));
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn payment() -> Context {
    Context::new().with("amount", "10000000").unwrap().with("payee", "friend").unwrap()
}
