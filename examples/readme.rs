//! The Rust of README.md: a customer who shows the bank's message.
//!
//! `readme PORT CA CERTIFICATE KEY`
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, reason = "an example prints")]

use std::error::Error;
use std::fs;
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use otls::io::{Stream, Timeouts, now};
use otls::otp::{Channel, Message};
use otls::pki::{Certificate, GeneralName, Identity, TrustStore};
use otls::{ClientConfig, Connection};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match customer(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn customer(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [port, ca, certificate, key] = arguments else {
        return Err("readme PORT CA CERTIFICATE KEY".into());
    };
    let bank = format!("localhost:{port}");
    // README.md: from here
    let mut trust = TrustStore::new();
    trust.add_authority(&Certificate::load(&fs::read(ca)?)?)?;
    let identity = Identity::load(&[fs::read(certificate)?, fs::read(key)?].concat(), None)?;
    let config = ClientConfig::new(trust).with_identity(Arc::new(identity));
    let connection = Connection::client(Arc::new(config), GeneralName::parse("localhost")?, now())?;
    let limits = Timeouts::all(Duration::from_secs(30));
    let mut stream = Stream::new(TcpStream::connect(bank)?, connection).with_timeouts(limits);
    stream.handshake()?;
    stream.confirm()?; // the bank has accepted our certificate, too
    let mut channel = Channel::new();
    while stream.readable()? {
        let message = channel.receive(&mut stream.connection(), now())?;
        if let Some(Message::Envelope(envelope)) = message {
            println!("{}", std::str::from_utf8(envelope.text.expose())?);
            break;
        }
    }
    stream.close()?;
    // README.md: to here
    Ok(())
}
