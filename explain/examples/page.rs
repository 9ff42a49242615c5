//! Writes the page of the traces that are named: `cargo run -p otls-explain --example page -- TRACE... > page.html`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    let names: Vec<_> = env::args().skip(1).collect();
    let read: Result<Vec<_>, _> = names.iter().map(fs::read_to_string).collect();
    let texts = match read {
        Ok(texts) => texts,
        Err(error) => {
            eprintln!("page: {error}");
            return ExitCode::FAILURE;
        }
    };
    match otls_explain::page(&texts.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(page) => {
            print!("{page}");
            ExitCode::SUCCESS
        }
        Err(refused) => {
            let name =
                refused.file().and_then(|file| names.get(file)).map(String::as_str).unwrap_or_default();
            eprintln!("page: {name}: {refused} ({})", refused.hint());
            ExitCode::FAILURE
        }
    }
}
