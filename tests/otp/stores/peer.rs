//! A process beside others over one store, for `tests/otp/stores.rs` and the bank's machines in it.
//!
//! `ledger_peer present ADDRESS`: for each line `ID CODE AT` of standard input, presents the code at the
//! nanosecond AT since 1970, and prints the verdict. `ledger_peer issue ADDRESS`: issues and verifies for
//! ever, and says what it did after it has happened.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "it answers on standard output")]

use std::io::{BufRead, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use otls::crypto::SystemRandom;
use otls::otp::{Attempt, CodeRequest, Context, Ledger, OtpId, Policy};
use otls::{Secret, UnixTime};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, address] = &arguments[..] else { panic!("MODE ADDRESS") };
    let mut ledger = Ledger::new(otls_stores::open(address).unwrap(), Secret::from(vec![7; 32])).unwrap();
    ledger = ledger.with_policy(Policy { issues: u32::MAX, ..Policy::default() }).unwrap();
    let context = Context::new().with("amount", "10000000").unwrap();
    let now = UnixTime(1_800_000_000);
    // A line is written at once, or not at all.
    let say = |line: String| std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    match mode.as_str() {
        "present" => {
            say("ready\n".to_owned());
            for line in std::io::stdin().lock().lines() {
                let line = line.unwrap();
                let [id, code, at] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
                let id = OtpId(u128::from_str_radix(id, 16).unwrap().to_be_bytes());
                let at: u128 = at.parse().unwrap();
                while SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() < at {
                    std::hint::spin_loop();
                }
                let verdict = ledger.verify(&Attempt::new(&id, "asha", &context, code), now).unwrap();
                say(format!("{verdict:?}\n"));
            }
        }
        "issue" => loop {
            let issued = ledger.issue(&CodeRequest::new("asha", &context), now, &SystemRandom).unwrap();
            let (id, code) = (issued.id, issued.code.expose());
            say(format!("issued {id} {code}\n"));
            if id.0[0] % 2 == 0 {
                assert!(
                    ledger.verify(&Attempt::new(&id, "asha", &context, code), now).unwrap().is_accepted()
                );
                say(format!("accepted {id} {code}\n"));
            }
        },
        other => panic!("unknown mode {other}"),
    }
}
