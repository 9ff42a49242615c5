//! The whole workflow in one process: an authority, a bank and a customer, two threads and a socket.
//!
//! `cargo run --example otp_round_trip` prints what the customer reads, alone, on standard output.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use otls::crypto::hash::HashAlgorithm;
use otls::crypto::{Random, SystemRandom};
use otls::io::{Stream, Timeouts, now};
use otls::otp::{
    Amount, Answer, Attempt, Channel, CodeRequest, Envelope, Ledger, MemoryStore, Message, Receipt,
    Transaction, Verdict,
};
use otls::pki::{
    Authority, CertificateRequest, DistinguishedName, GeneralName, Identity, KeyType, PrivateKey, Profile,
    TrustStore, Validity,
};
use otls::{ClientAuth, ClientConfig, Connection, Secret, ServerConfig};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const HOUR: Duration = Duration::from_secs(3600);
/// Seconds for which a code is good, and wrong tries that are tolerated.
const OTP_LIFETIME: Duration = Duration::from_secs(300);
const OTP_ATTEMPTS: u32 = 5;

fn main() -> Outcome<()> {
    // The TTP: it signs the bank's and the customer's keys, and both trust it and nobody else.
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom)?;
    let name = DistinguishedName::with_common_name("Trusted third party");
    let ttp =
        Authority::create(key, &name, HashAlgorithm::Sha256, Validity::new(now(), HOUR), &SystemRandom)?;
    let mut trust = TrustStore::new();
    trust.add_authority(ttp.certificate())?;
    let bank = enrol(&ttp, "localhost", Profile::Server)?;
    let customer = enrol(&ttp, "customer.example", Profile::Client)?;

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let config = Arc::new(ServerConfig::new(bank, ClientAuth::Require(trust.clone())));
    let bank = thread::spawn(move || serve(listener.accept()?.0, config));

    let config = Arc::new(ClientConfig::new(trust).with_identity(customer));
    show(TcpStream::connect(address)?, config)?;
    bank.join().map_err(|_| "the bank's thread panicked")?
}

fn enrol(ttp: &Authority, name: &str, profile: Profile) -> Outcome<Arc<Identity>> {
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom)?;
    let subject = DistinguishedName::with_common_name(name);
    let names = [GeneralName::parse(name)?];
    let request = CertificateRequest::create(&key, &subject, &names, HashAlgorithm::Sha256, &SystemRandom)?;
    let certificate = ttp.issue(&request, profile, Validity::new(now(), HOUR), &SystemRandom)?;
    Ok(Arc::new(Identity::new(certificate.into(), key)?))
}

/// The bank: issues a code for a transaction, sends it, and accepts it once.
fn serve(socket: TcpStream, config: Arc<ServerConfig>) -> Outcome<()> {
    let mut wire = Wire::open(socket, Connection::server(config))?;
    let subject = wire.stream.connection().peer().map(|peer| peer.certificate().subject().common_name());
    let subject = subject.ok_or("the customer is anonymous")?;

    let mut pepper = vec![0; 32];
    SystemRandom.fill(&mut pepper)?;
    let ledger = Ledger::new(Box::new(MemoryStore::default()), Secret::from(pepper))?;
    let transfer = Transaction {
        purpose: "transfer".to_owned(),
        amount: Some(Amount::new(10_000_000, "INR")?),
        payee: Some("your friend's account".to_owned()),
        template: "The OTP for transferring {amount} to {payee} is {code}.".to_owned(),
        ..Transaction::default()
    };
    let context = transfer.context()?;
    let request =
        CodeRequest::new(&subject, &context).with_lifetime(OTP_LIFETIME).with_attempts(OTP_ATTEMPTS);
    let issued = ledger.issue(&request, now(), &SystemRandom)?;
    wire.send(&Message::Envelope(Envelope::for_transaction(&issued, &transfer)?))?;

    let Message::Answer(Answer { id, code: Some(code), receipt: Some(receipt) }) = wire.receive()? else {
        return Err("expected the customer's code and receipt".into());
    };
    let (code, receipt) =
        (core::str::from_utf8(code.expose())?, Receipt::new(receipt, &wire.stream.connection())?);
    // Both are accepted, and the receipt is kept, or neither.
    let verdict =
        ledger.verify(&Attempt::new(&id, &subject, &context, code).with_receipt(&receipt), now())?;
    eprintln!("bank: the code of {subject} is {verdict:?}");
    if let Some(kept) = ledger.receipt(&id, &subject)? {
        eprintln!("bank: keeps\n{}", kept.to_pem());
    }
    wire.send(&Message::Verdict { id, verdict })?;
    Ok(wire.stream.close()?)
}

/// The customer: reads the message and returns the code with a signed receipt.
fn show(socket: TcpStream, config: Arc<ClientConfig>) -> Outcome<()> {
    let connection = Connection::client(config, GeneralName::parse("localhost")?, now())?;
    let mut wire = Wire::open(socket, connection)?;
    let Message::Envelope(envelope) = wire.receive()? else {
        return Err("expected the bank's message".into());
    };
    println!("{}", core::str::from_utf8(envelope.text.expose())?);
    let code = Secret::from(envelope.code.expose().to_vec());
    wire.channel.approve(&mut wire.stream.connection(), &envelope, code, now(), &SystemRandom)?;
    wire.stream.flush()?;
    let accepted = matches!(wire.receive()?, Message::Verdict { verdict: Verdict::Accepted, .. });
    wire.stream.close()?;
    if accepted { Ok(()) } else { Err("the bank did not accept the code".into()) }
}

/// A stream and the OTP messages on it.
struct Wire {
    stream: Stream<TcpStream>,
    channel: Channel,
}

impl Wire {
    /// Goes on until each side has accepted the other.
    fn open(socket: TcpStream, connection: Connection) -> Outcome<Self> {
        let mut stream =
            Stream::new(socket, connection).with_timeouts(Timeouts::all(Duration::from_secs(30)));
        stream.handshake()?;
        stream.confirm()?;
        Ok(Self { stream, channel: Channel::new() })
    }

    fn send(&mut self, message: &Message) -> Outcome<()> {
        self.channel.send(&mut self.stream.connection(), message)?;
        Ok(self.stream.flush()?)
    }

    fn receive(&mut self) -> Outcome<Message> {
        while self.stream.readable()? {
            let message = self.channel.receive(&mut self.stream.connection(), now())?;
            if let Some(message) = message {
                return Ok(message);
            }
        }
        Err("the other side has closed".into())
    }
}
