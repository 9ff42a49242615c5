//! The command line: keys, requests, an authority, certificates and their verification, and a server and
//! a client for trying peers out.
//!
//! Results go to standard output, what went wrong to standard error as one line with what to do;
//! the exit code tells the kinds of failure apart.
#![allow(clippy::wildcard_enum_match_arm, reason = "kinds of failure without an exit code of their own")]
#![allow(clippy::large_enum_variant, reason = "the arguments are parsed once")]

mod audit;
mod ca;
mod cert;
mod cms;
mod connect;
mod convert;
mod csr;
mod explain;
mod failure;
mod files;
mod inspect;
mod key;
mod log;
mod net;
mod open;
mod receipt;
mod serve;
mod show;
mod subject;
mod target;
mod time;
mod totp;
mod verify;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

/// Keys, certificates and a private authority.
#[derive(Parser)]
#[command(
    name = "otls",
    version,
    after_help = "Exit codes: 0 done, 1 a bug, 2 wrong arguments, 3 a file or key cannot be used, \
                  4 the authority refuses, 5 the network or the peer, 6 a certificate, receipt or signature is refused, \
                  7 an audit log is not as it was written, 8 a code is refused, 141 nobody reads standard output \
                  any more"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print results as JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Say what any file is, and show it: keys, certificates, requests, lists, bundles, messages, receipts.
    /// Secrets are never shown, and nothing is verified. Exit code 3 where it cannot be told what it is.
    Show(inspect::Arguments),
    /// Write keys, certificates, requests and lists in another format.
    Convert(convert::Arguments),
    /// Make and look at private keys.
    #[command(subcommand)]
    Key(key::Command),
    /// Make, look at and check certificate requests.
    #[command(subcommand)]
    Csr(csr::Command),
    /// Run an authority in a folder.
    #[command(subcommand)]
    Ca(ca::Command),
    /// Look at certificates.
    #[command(subcommand)]
    Cert(cert::Command),
    /// Check what a ledger has recorded.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Make shared secrets, and make and judge their codes (RFC 6238).
    #[command(subcommand)]
    Totp(totp::Command),
    /// Seal a file for a certificate's holder, open what was sealed, and verify what was signed.
    #[command(subcommand)]
    Cms(cms::Command),
    /// Judge a certificate, and say why.
    Verify(verify::Arguments),
    /// Look at what customers have signed, and judge it.
    #[command(subcommand)]
    Receipt(receipt::Command),
    /// Run a server that shows what clients do.
    Serve(serve::Arguments),
    /// Connect to a server and show what was agreed on.
    Connect(connect::Arguments),
    /// Show what connections did, message by message: from their traces, or from a capture and its key log.
    Explain(explain::Arguments),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let done = match cli.command {
        Command::Show(arguments) => return inspect::run(&arguments, cli.json),
        Command::Convert(arguments) => convert::run(&arguments),
        Command::Key(command) => command.run(cli.json),
        Command::Csr(command) => command.run(cli.json),
        Command::Ca(command) => command.run(cli.json),
        Command::Cert(command) => command.run(cli.json),
        Command::Audit(command) => command.run(cli.json),
        Command::Totp(command) => {
            return command.run(cli.json).unwrap_or_else(|failure| failure.report());
        }
        Command::Cms(command) => command.run(cli.json),
        Command::Verify(arguments) => return verify::run(&arguments, cli.json),
        Command::Receipt(command) => return command.run(cli.json),
        Command::Serve(arguments) => serve::run(&arguments, cli.json),
        Command::Connect(arguments) => connect::run(&arguments, cli.json),
        Command::Explain(arguments) => explain::run(&arguments, cli.json),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Prints help or the version, or how the arguments are wrong.
fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print().and_then(|()| std::io::stdout().flush());
    match printed {
        Err(unwritten) if !error.use_stderr() => Failure::output(unwritten).report(),
        _ => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::USAGE)),
    }
}

/// Prints what a command found: JSON, or the text. Ends the program where that fails: a result that nobody got
/// is no success.
fn print(json: bool, value: &serde_json::Value, text: &str) {
    let mut stdout = std::io::stdout().lock();
    let printed = match json {
        true => writeln!(stdout, "{value:#}"),
        false => writeln!(stdout, "{}", text.trim_end()),
    };
    if let Err(error) = printed.and_then(|()| stdout.flush()) {
        let failure = Failure::output(error);
        failure.print();
        std::process::exit(failure.code().into());
    }
}

/// Runs `future` to its end, and leaves a thread that still waits for standard input behind.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::network("starting threads", &error))?;
    let done = runtime.block_on(future);
    runtime.shutdown_background();
    done
}

/// The system's time.
fn now() -> Result<otls::UnixTime, Failure> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since
        .map(|since| otls::UnixTime(since.as_secs()))
        .map_err(|_| Failure::usage("the system's clock is before 1970", "set the clock"))
}
