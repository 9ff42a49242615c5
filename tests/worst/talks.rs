//! What is said once the stranger has a certificate, or at least a connection: protected records, one-time
//! passwords, mail, evidence. Their octets depend on keys, so that what is kept of some is how they are made.

use std::sync::Arc;
use std::time::Duration;

use otls::crypto::SystemRandom;
use otls::crypto::hash::{HashAlgorithm, digest};
use otls::error::OtpError;
use otls::otp::{
    Answer, AuditLog, Channel, Context, Decision, Envelope, Mail, Message, OtpId, SignedDecision, Statement,
    Transaction,
};
use otls::pki::{Certificate, GeneralName, Identity, PeerRole, VerifyOptions};
use otls::{Connection, Error, Secret, cms};

use super::chains::{self, STRANGERS};
use super::der::tlv;
use super::entries::{Measure, NOW, World};

type Add<'a> = &'a mut dyn FnMut(&str, &str, Vec<u8>);

/// Client and server after their handshake.
pub fn established(world: &World, customer: &Arc<Identity>) -> (Connection, Connection) {
    let (mut client, mut server) = (world.client(customer), world.server(&world.bank));
    while !client.pending().is_empty() || !server.pending().is_empty() {
        pass(&mut client, &mut server);
        pass(&mut server, &mut client);
    }
    (client, server)
}

fn pass(from: &mut Connection, to: &mut Connection) {
    let taken = to.feed(from.pending(), NOW).unwrap();
    from.consume(taken);
}

pub fn taken(from: &mut Connection) -> Vec<u8> {
    let octets = from.pending().to_vec();
    from.consume(octets.len());
    octets
}

/// `K` changes keys and asks for the same, `k` changes keys, any other octet is data; again and again.
fn records(stranger: &mut Connection, script: &[u8]) -> Vec<u8> {
    let mut sent = Vec::new();
    for action in script.iter().cycle().take(STRANGERS) {
        let done = match action {
            b'K' => stranger.update_keys(true),
            b'k' => stranger.update_keys(false),
            data => stranger.seal(&[*data]),
        };
        sent.extend_from_slice(&taken(stranger));
        if done.is_err() || sent.len() >= STRANGERS {
            break;
        }
    }
    sent.truncate(STRANGERS);
    sent
}

fn read(connection: &mut Connection, sent: &[u8]) {
    let (mut rest, mut out) = (sent, [0; 1024]);
    loop {
        let Ok(taken @ 1..) = connection.feed(rest, NOW) else { return };
        rest = &rest[taken..];
        while connection.read(&mut out) > 0 {}
        let pending = connection.pending().len();
        connection.consume(pending);
    }
}

pub fn server_records(world: &World, input: &[u8], measure: Measure<'_>) {
    let (mut client, mut server) = established(world, &world.customer);
    let sent = records(&mut client, input);
    measure(&mut || read(&mut server, &sent));
}

pub fn client_records(world: &World, input: &[u8], measure: Measure<'_>) {
    let (mut client, mut server) = established(world, &world.customer);
    let sent = records(&mut server, input);
    measure(&mut || read(&mut client, &sent));
}

fn envelope(context: &Context, index: u8) -> Option<Envelope> {
    let text = Transaction::from_context(context).and_then(|known| known.text("123456")).ok()?;
    Some(Envelope {
        id: OtpId([index; 16]),
        text,
        code: Secret::from(b"123456".to_vec()),
        context: context.clone(),
        issued_at: NOW,
        expires_at: NOW.plus(Duration::from_secs(120)),
    })
}

fn receive(connection: &mut Connection, channel: &mut Channel, sent: &[u8]) {
    let mut rest = sent;
    while let Ok(taken) = connection.feed(rest, NOW) {
        rest = &rest[taken..];
        loop {
            match channel.receive(connection, NOW) {
                Ok(None) => break,
                // These end a channel; after others the next message is read.
                Err(Error::Otp(OtpError::Malformed(_) | OtpError::WrongBinding)) => return,
                Ok(Some(_)) | Err(_) => {}
            }
        }
        if taken == 0 || rest.is_empty() {
            return;
        }
    }
}

/// Envelopes about the context that is the input, as many as fit.
pub fn envelopes(world: &World, input: &[u8], measure: Measure<'_>) {
    let Ok(context) = Context::decode(input) else { return };
    let (mut client, mut server) = established(world, &world.customer);
    let (mut theirs, mut ours, mut sent) = (Channel::new(), Channel::new(), Vec::new());
    for index in 0..=u8::MAX {
        let Some(envelope) = envelope(&context, index) else { return };
        theirs.send(&mut server, &Message::Envelope(envelope)).unwrap();
        let more = taken(&mut server);
        if sent.len() + more.len() > STRANGERS {
            break;
        }
        sent.extend_from_slice(&more);
    }
    measure(&mut || receive(&mut client, &mut ours, &sent));
}

/// Answers with receipts about the context that is the input, as many as fit, all for one code.
pub fn answers(world: &World, input: &[u8], measure: Measure<'_>) {
    let Ok(context) = Context::decode(input) else { return };
    for customer in [&world.customer, &world.slow] {
        let (mut client, mut server) = established(world, customer);
        let (mut theirs, mut ours, mut sent) = (Channel::new(), Channel::new(), Vec::new());
        ours.expect(OtpId([1; 16]), NOW.plus(Duration::from_secs(120)), NOW).unwrap();
        let (id, code) = (OtpId([1; 16]), || Secret::from(b"1".to_vec()));
        let receipt = || {
            let (context, decision) = (context.clone(), Decision::Approved);
            SignedDecision::sign(
                &client,
                customer,
                Statement { id, context, decision, time: NOW },
                &SystemRandom,
            )
            .unwrap()
            .encode()
        };
        let receipt = receipt();
        loop {
            let receipt = SignedDecision::decode(&receipt).unwrap();
            let answer = Answer::new(id, code()).with_receipt(receipt);
            theirs.send(&mut client, &Message::Answer(answer)).unwrap();
            let more = taken(&mut client);
            if sent.len() + more.len() > STRANGERS {
                break;
            }
            sent.extend_from_slice(&more);
        }
        measure(&mut || receive(&mut server, &mut ours, &sent));
    }
}

pub fn mail(world: &World, input: &[u8], measure: Measure<'_>) {
    let role = PeerRole::Server(GeneralName::parse("bank.example").unwrap());
    for recipient in [&world.customer, &world.slow] {
        let open =
            || Mail::open(input, recipient, &VerifyOptions::new(&world.trust, &role, NOW), &SystemRandom);
        measure(&mut || drop(open()));
    }
}

pub fn audit(_: &World, input: &[u8], measure: Measure<'_>) {
    let directory = std::env::temp_dir().join(format!("otls-cost-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (path, key) = (directory.join("audit"), Secret::from(vec![7; 32]));
    drop(AuditLog::open(&path, &key).unwrap());
    std::fs::write(&path, input).unwrap();
    measure(&mut || drop(AuditLog::verify(&path, &key)));
    std::fs::remove_dir_all(&directory).unwrap();
}

/// Words of many scripts, each of them something that has to be looked at closely.
const WORDS: [(&str, &str); 9] = [
    ("Latin", "a"),
    ("marks", "x\u{323}\u{331}"),
    ("joiners of Devanagari", "\u{915}\u{94D}\u{200C}"),
    ("non-joiners of Arabic", "\u{628}\u{200C}"),
    ("Hebrew with points", "\u{5E9}\u{5BC}"),
    ("Hangul", "\u{AC00}"),
    ("kana and Han", "\u{3042}\u{4E00}"),
    ("letters beyond the BMP", "\u{20000}"),
    ("words of one letter", "a \u{430} "),
];

fn contexts() -> Vec<(&'static str, Context)> {
    let of = |word: &str, fields: usize, placeholders: usize| {
        let value = word.repeat(3000 / fields / word.len());
        let value = value.trim_end().to_owned();
        let names = (0..fields).map(|at| format!("f{at}")).collect::<Vec<_>>();
        let transaction = Transaction {
            purpose: "p".to_owned(),
            template: format!(
                "{{code}}{}",
                names
                    .iter()
                    .cycle()
                    .take(placeholders)
                    .map(|name| format!(" {{{name}}}"))
                    .collect::<String>()
            ),
            fields: names.into_iter().map(|name| (name, value.clone())).collect(),
            ..Transaction::default()
        };
        transaction.context().ok()
    };
    let three = WORDS.iter().filter_map(|(what, word)| Some((*what, of(word, 3, 6)?)));
    let many = [("many fields", of("a", 30, 150)), ("many fields of Arabic", of("\u{628}\u{200C}", 30, 150))];
    let none = [("no field", Some(Context::new())), ("a login", of("a", 1, 1))];
    let more = many.into_iter().chain(none).filter_map(|(what, context)| Some((what, context?)));
    three.chain(more).collect()
}

pub fn inputs(world: &World, add: Add<'_>) {
    for (what, script) in [
        ("KeyUpdates", "k"),
        ("KeyUpdates that ask", "K"),
        ("KeyUpdates and data", "kd"),
        ("KeyUpdates that ask, and data", "Kd"),
        ("data of one octet", "d"),
    ] {
        add("server, protected records", what, script.into());
        add("client, protected records", what, script.into());
    }
    for (what, context) in contexts() {
        add("transaction", what, context.encode());
        add("OTP envelopes", what, context.encode());
        add("OTP answers", what, context.encode());
        let Some(envelope) = envelope(&context, 1) else { continue };
        let certificate = world.customer.certificate();
        let sealed = Mail::seal(&envelope, &world.bank, certificate, NOW, &SystemRandom).unwrap();
        add("mail", what, sealed);
    }
    for chain in chains::all(&world.root) {
        let certificates: otls::Result<Vec<_>> =
            chain.ders.iter().map(|der| Certificate::load(der)).collect();
        let Some(certificates) = certificates.ok() else { continue };
        let sent = otls::pki::Chain::new(certificates.clone());
        let Ok(identity) = sent.and_then(|sent| Identity::new(sent, chains::own())) else { continue };
        for recipient in [&*world.customer, &*world.slow, &world.rsa] {
            let sealed = cms::seal(b"x", &identity, recipient.certificate(), NOW, &SystemRandom).unwrap();
            if sealed.len() <= STRANGERS {
                add("CMS, encrypted", chain.name, sealed.clone());
                add("mail", chain.name, sealed);
            }
        }
        let file = evidence(world, &certificates);
        if file.len() <= STRANGERS {
            add("evidence", chain.name, file);
        }
    }
    for recipient in [&*world.customer, &*world.slow, &world.rsa] {
        let sealed = cms::seal(b"x", &world.bank, recipient.certificate(), NOW, &SystemRandom).unwrap();
        add("CMS, encrypted", "many recipients", with_recipients(&sealed, 100));
    }
    let label = "%D8%A8".repeat(300);
    let uri = format!("otpauth://totp/{label}?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    add("otpauth URI", "a label of Arabic", uri.into_bytes());
    add("audit log", "one line", vec![b'a'; STRANGERS]);
    add("audit log", "empty lines", vec![b'\n'; STRANGERS]);
    add("audit log", "blanks", b"1 2 3 4\n".repeat(STRANGERS / 8));
}

/// A file as [`otls::otp::Receipt::to_pem`] writes it, for a chain that nobody has shown.
fn evidence(world: &World, chain: &[Certificate]) -> Vec<u8> {
    let (client, _) = established(world, &world.customer);
    let (id, decision) = (OtpId([1; 16]), Decision::Approved);
    let context = Context::new();
    let receipt = SignedDecision::sign(
        &client,
        &world.customer,
        Statement { id, context, decision, time: NOW },
        &SystemRandom,
    );
    let mut body = receipt.unwrap().encode();
    let mut content = Vec::new();
    for part in core::iter::once(body.as_slice()).chain(chain.iter().map(Certificate::to_der)) {
        content.extend_from_slice(&(part.len() as u64).to_be_bytes());
        content.extend_from_slice(part);
    }
    body.extend_from_slice(digest(HashAlgorithm::Sha256, &content).as_ref());
    let text = super::inputs::encode_base64(&body);
    let lines: Vec<&str> =
        (0..text.len()).step_by(64).map(|at| &text[at..(at + 64).min(text.len())]).collect();
    let block = format!("-----BEGIN OTLS RECEIPT-----\n{}\n-----END OTLS RECEIPT-----\n", lines.join("\n"));
    [block].into_iter().chain(chain.iter().map(Certificate::to_pem)).collect::<String>().into_bytes()
}

/// The elements inside of one.
fn inside(der: &[u8]) -> Vec<Vec<u8>> {
    let start = 2 + if der[1] < 0x80 { 0 } else { usize::from(der[1] & 0x7F) };
    let (mut rest, mut elements) = (&der[start..], Vec::new());
    while !rest.is_empty() {
        let octets = if rest[1] < 0x80 { 0 } else { usize::from(rest[1] & 0x7F) };
        let len = match octets {
            0 => usize::from(rest[1]),
            _ => rest[2..2 + octets].iter().fold(0, |len, octet| len << 8 | usize::from(*octet)),
        };
        let (element, more) = rest.split_at(2 + octets + len);
        elements.push(element.to_vec());
        rest = more;
    }
    elements
}

/// A message that names its recipient so often, and always with a key that is not there.
fn with_recipients(message: &[u8], count: usize) -> Vec<u8> {
    let mut info = inside(message);
    let mut enveloped = inside(&inside(&info[1])[0]);
    let mut recipient = inside(&enveloped[1]).remove(0);
    let last = recipient.len() - 1;
    recipient[last] ^= 1;
    enveloped[1] = tlv(0x31, &recipient.repeat(count));
    info[1] = tlv(0xA0, &tlv(0x30, &enveloped.concat()));
    tlv(0x30, &info.concat())
}
