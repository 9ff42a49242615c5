//! Writes the first inputs of each target into `found/`, where they are not there yet: honest
//! messages, from which mutation goes further than from nothing.

#[path = "../../tests/worst/mod.rs"]
mod worst;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use otls::crypto::SystemRandom;
use otls::est::{EstClient, EstServer, Register};
use otls::otp::{
    Amount, Answer, Channel, Context, Decision, Envelope, Mail, Message, OtpId, Receipt, SignedDecision,
    Statement, Transaction,
};
use otls::pki::{KeyType, PeerRole, PrivateKey, Profile, RevocationReason, Validity, VerifyOptions};
use otls::{ClientAuth, ClientConfig, Connection, Secret, ServerConfig, TicketKeys, cms};
use otls_fuzz::{MAIL, MAIL_CONTENT, NOW, WORLD, bank_name, pkcs12, request, transfer};

fn main() {
    let mut client = WORLD.client();
    let mut server = Connection::server(WORLD.server_config());
    write("server", "client_hello", &[&[0, 255], client.pending()].concat());
    write("server", "client_hello_then_configuration", &[&[1, 3], client.pending()].concat());
    transfer(&mut client, &mut server).unwrap();
    write("client", "server_flight", &[&[255], server.pending()].concat());
    write("client", "alert", &[255, 21, 3, 3, 0, 2, 2, 40]);

    for (name, key_type) in
        [("p256", KeyType::EcdsaP256), ("p384", KeyType::EcdsaP384), ("rsa", KeyType::Rsa2048)]
    {
        let key = PrivateKey::generate(key_type, &SystemRandom).unwrap();
        let secret = |secret: otls::Result<Secret>| secret.unwrap().expose().to_vec();
        write("key", &format!("{name}.pem"), &secret(key.to_pem(None, &SystemRandom)));
        write("key", &format!("{name}.der"), &secret(key.to_der(None, &SystemRandom)));
        write("key", &format!("{name}_encrypted.pem"), &secret(key.to_pem(Some(b"password"), &SystemRandom)));
        write("key", &format!("{name}_public.pem"), key.public_key().to_pem().as_bytes());
    }

    let authority = &WORLD.authority;
    let request = request("customer.example");
    let revoked = [(vec![1, 2, 3], NOW, RevocationReason::KeyCompromise)];
    let crl = authority
        .issue_crl(&revoked, 1, Validity::new(NOW, Duration::from_secs(3600)), &SystemRandom)
        .unwrap();
    write("certificate", "leaf.der", WORLD.bank.certificate().to_der());
    write("certificate", "leaf.pem", WORLD.bank.certificate().to_pem().as_bytes());
    write("certificate", "ca.der", authority.certificate().to_der());
    write("certificate", "request.der", request.to_der());
    write("certificate", "request.pem", request.to_pem().as_bytes());
    write("certificate", "crl.der", crl.to_der());

    let mut responder =
        EstServer::new(authority.clone(), Profile::Client, std::time::Duration::from_secs(3600));
    let mut register = Register::default();
    let (_, cacerts) = EstClient::cacerts("ttp.example");
    let (_, enroll) = EstClient::simpleenroll("ttp.example", Profile::Client, &request);
    for (name, bytes) in [("cacerts", cacerts), ("simpleenroll", enroll)] {
        write("est", name, &[&[255], bytes.as_slice()].concat());
        let response = responder.feed(&bytes, &mut register, NOW, &SystemRandom).unwrap();
        write("est", &format!("{name}_response"), &[&[63], response.as_slice()].concat());
    }
    write("est", "register", &[b"\xff", register.to_text().as_bytes()].concat());

    // Files with keys and certificates are in the corpus: those that are written here cost 600,000 iterations.
    write("pkcs12", "empty", &[&[0], pkcs12(&[0x30, 0]).as_slice()].concat());
    write("pkcs12", "empty_protected", &[1, 0x30, 0]);

    write("path", "leaf", &[&[0], tbs(WORLD.bank.certificate().to_der())].concat());
    write("path", "authority", &[&[1], tbs(WORLD.branch.certificate().to_der())].concat());
    write("path", "list", &[&[2], tbs(crl.to_der())].concat());
    write("path", "intermediate", &[&[3], tbs(WORLD.branch.certificate().to_der())].concat());

    otp();
    oath();
    sessions();
    mail();
    worst();
}

/// The dearest inputs that are known.
fn worst() {
    let world = worst::entries::World::new();
    for (index, input) in worst::inputs::all(&world).into_iter().enumerate() {
        let place = u8::try_from(input.entry).unwrap();
        write("cost", &format!("worst_{index:03}"), &[&[place], input.octets.as_slice()].concat());
    }
}

/// What is signed of a certificate or list.
fn tbs(der: &[u8]) -> &[u8] {
    let inner = &der[header(der).0..];
    let (header, len) = header(inner);
    &inner[..header + len]
}

/// The octets of the header and of the content.
fn header(der: &[u8]) -> (usize, usize) {
    match der[1] {
        0x82 => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
        0x81 => (3, usize::from(der[2])),
        len => (2, usize::from(len)),
    }
}

fn sessions() {
    let keys = TicketKeys::generate(&SystemRandom, NOW).unwrap();
    write("session", "ticket_keys", keys.to_bytes(NOW).unwrap().expose());
    let server = ServerConfig::new(Arc::clone(&WORLD.bank), ClientAuth::Require(WORLD.trust()));
    let server = Arc::new(server.with_tickets(Arc::new(keys), 1).unwrap());
    let client = ClientConfig::new(WORLD.trust()).with_identity(Arc::clone(&WORLD.customer)).with_sessions(1);
    let mut client = Connection::client(Arc::new(client), bank_name(), NOW).unwrap();
    let mut server = Connection::server(server);
    while !client.pending().is_empty() || !server.pending().is_empty() {
        transfer(&mut client, &mut server).unwrap();
        transfer(&mut server, &mut client).unwrap();
    }
    write("session", "session", client.take_session().unwrap().to_bytes().expose());
}

fn mail() {
    write("cms", "sealed", &[&[0], MAIL.sealed.as_slice()].concat());
    let to_rsa = MAIL.rsa_customer.certificate();
    let to_rsa = cms::seal(MAIL_CONTENT, &MAIL.bank, to_rsa, NOW, &SystemRandom).unwrap();
    write("cms", "sealed_to_rsa", &[&[8], to_rsa.as_slice()].concat());
    write("cms", "signed", &[&[1], MAIL.signed.as_slice()].concat());
    write("cms", "sealed_changed", &[2, 0, 99, 1]);
    write("cms", "signed_changed", &[3, 0, 99, 1]);
    write("cms", "content", &[&[4], MAIL_CONTENT].concat());
    let id = OtpId([7; 16]);
    let context = Context::new().with("amount", "100000.00").unwrap();
    let (code, text) = (Secret::from(b"256345".to_vec()), Secret::from(MAIL_CONTENT.to_vec()));
    let envelope =
        Envelope { id, text, code, context, issued_at: NOW, expires_at: NOW.plus(Duration::from_secs(120)) };
    let to = MAIL.customer.certificate();
    let mail = Mail::seal(&envelope, &MAIL.bank, to, NOW, &SystemRandom).unwrap();
    let (trust, role) = (MAIL.trust(), PeerRole::Server(bank_name()));
    let content = cms::open(&mail, &MAIL.customer, &VerifyOptions::new(&trust, &role, NOW), &SystemRandom)
        .unwrap()
        .content;
    write("cms", "mail", &[&[4], content.expose()].concat());
}

fn otp() {
    let (mut client, mut server) = WORLD.pair();
    let id = OtpId([7; 16]);
    let payment = Transaction {
        purpose: "transfer".to_owned(),
        amount: Some(Amount::new(10_000_000, "INR").unwrap()),
        payee: Some("friend".to_owned()),
        template: "{amount} to {payee}: {code}".to_owned(),
        ..Transaction::default()
    };
    let context = payment.context().unwrap();
    let sign = |decision| {
        let context = context.clone();
        SignedDecision::sign(
            &client,
            &WORLD.customer,
            Statement { id, context, decision, time: NOW },
            &SystemRandom,
        )
        .unwrap()
    };
    let (approved, declined) = (sign(Decision::Approved), sign(Decision::Declined));
    write("otp", "receipt", &approved.encode());
    write("otp", "evidence", Receipt::new(approved.clone(), &client).unwrap().to_pem().as_bytes());
    write("otp", "transaction", &context.encode());
    let code = Secret::from(b"256345".to_vec());
    for (name, answer) in [
        ("answer", Answer::new(id, Secret::from(b"256345".to_vec()))),
        ("approved", Answer::new(id, code).with_receipt(approved)),
        ("declined", Answer::declined(id).with_receipt(declined)),
    ] {
        Channel::new().send(&mut client, &Message::Answer(answer)).unwrap();
        transfer(&mut client, &mut server).unwrap();
        let mut plaintext = vec![0; server.available()];
        server.read(&mut plaintext);
        write("otp", name, &plaintext);
    }
    let context = Context::new().with("amount", "100000.00").unwrap().with("currency", "INR").unwrap();
    write("otp", "context", &context.encode());
}

fn oath() {
    let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let totp =
        format!("otpauth://totp/Bank:a%40b?secret={secret}&issuer=Bank&algorithm=SHA256&digits=8&period=60");
    let hotp = format!("otpauth://hotp/Bank%3A%20asha?secret={secret}&counter=7&image=x");
    write("oath", "totp", totp.as_bytes());
    write("oath", "hotp", hotp.as_bytes());
    write("oath", "base32", secret.as_bytes());
    for (name, suite) in [
        ("one_way", "OCRA-1:HOTP-SHA1-6:QN08\n12345678"),
        ("mutual", "OCRA-1:HOTP-SHA256-8:QA08\nCLI22220\nSRV11110"),
        ("all_inputs", "OCRA-1:HOTP-SHA512-0:C-QH64-PSHA256-S512-T48H\n0123abcDEF\nf"),
    ] {
        write("oath", name, suite.as_bytes());
    }
}

fn write(target: &str, name: &str, data: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("found").join(target);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    if !path.exists() {
        std::fs::write(path, data).unwrap();
    }
}
