//! What was wrong with the original around the OTP and its TTP, each as the attack.

use crate::common;
use std::sync::Arc;

use crate::common::{DAY, NOW, World, transfer};
use crate::ledger::ledger;
use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::error::{EnrolmentError, OtpError};
use otls::est::{EstClient, EstReply, EstServer, Register};
use otls::otp::{
    Answer, Attempt, Channel, CodeRequest, Context, Decision, Envelope, Message, OtpId, Receipt,
    SignedDecision, Statement, Transaction, Verdict,
};
use otls::pki::{
    Authority, Certificate, CertificateRequest, DistinguishedName, GeneralName, Identity, KeyType, PeerRole,
    PrivateKey, Profile,
};
use otls::{Error, Secret};

fn payment(amount: &str) -> Context {
    Context::new().with("amount", amount).unwrap().with("payee", "friend").unwrap()
}

struct Ttp {
    authority: Arc<Authority>,
    register: String,
}

impl Ttp {
    fn new() -> Self {
        let register = Register::default().to_text();
        Self { authority: Arc::new(common::authority("otls test root")), register }
    }

    /// One enrolment on a connection of its own, by a TTP that was started for it.
    fn enrol(&mut self, profile: Profile, request: &CertificateRequest) -> Result<Certificate, Error> {
        let (mut client, bytes) = EstClient::simpleenroll("ttp.example", profile, request);
        let reply = self.serve(&bytes);
        match client.feed(&reply)?.unwrap() {
            EstReply::Enrolled(certificate) => Ok(certificate),
            EstReply::CaCertificates(_) => panic!("not an enrolment"),
        }
    }

    fn serve(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut register = Register::from_text(&self.register).unwrap();
        let mut responder =
            EstServer::new(Arc::clone(&self.authority), Profile::Client, DAY).with_open_servers();
        let reply = responder.feed(bytes, &mut register, NOW, &SystemRandom).unwrap();
        self.register = register.to_text();
        reply
    }
}

fn key() -> PrivateKey {
    PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap()
}

fn request(key: &PrivateKey, name: &str, names: &[&str]) -> CertificateRequest {
    let subject = DistinguishedName::with_common_name(name);
    let names: Vec<GeneralName> = names.iter().map(|name| GeneralName::parse(name).unwrap()).collect();
    CertificateRequest::create(key, &subject, &names, HashAlgorithm::Sha256, &SystemRandom).unwrap()
}

fn status(result: Result<Certificate, Error>) -> u16 {
    match result {
        Ok(_) => 200,
        Err(Error::Enrolment(EnrolmentError::Status(status, _))) => status,
        Err(other) => panic!("{other}"),
    }
}

/// The original showed the OTP and never asked for it back.
#[test]
fn the_code_that_was_shown_is_verified_once_and_a_second_try_is_refused() {
    let mut pair = World::new(KeyType::EcdsaP256).pair().established();
    let (mut bank, mut customer, ledger) = (Channel::new(), Channel::new(), ledger());
    let context = common::payment().context().unwrap();
    let issued = ledger.issue(&CodeRequest::new("customer.example", &context), NOW, &SystemRandom).unwrap();
    let code = issued.code.expose();
    let text = format!("The OTP for transferring Rs 1,00,000 to your friend's account is {code}.");
    let envelope = Envelope::for_transaction(&issued, &common::payment()).unwrap();
    bank.send(&mut pair.server, &Message::Envelope(envelope)).unwrap();
    transfer(&mut pair.server, &mut pair.client).unwrap();
    let Some(Message::Envelope(shown)) = customer.receive(&mut pair.client, NOW).unwrap() else {
        panic!("no envelope");
    };
    assert_eq!(shown.text.expose(), text.as_bytes());

    for expected in [Verdict::Accepted, Verdict::Used, Verdict::Used] {
        let code = Secret::from(shown.code.expose().to_vec());
        customer.send(&mut pair.client, &Message::Answer(Answer::new(shown.id, code))).unwrap();
        transfer(&mut pair.client, &mut pair.server).unwrap();
        let Some(Message::Answer(Answer { id, code: Some(code), .. })) =
            bank.receive(&mut pair.server, NOW).unwrap()
        else {
            panic!("no answer");
        };
        let code = core::str::from_utf8(code.expose()).unwrap();
        let verdict = ledger.verify(&Attempt::new(&id, "customer.example", &context, code), NOW).unwrap();
        assert_eq!(verdict, expected);
    }
}

/// 1,00,000 became 9,99,999 on the way and nobody noticed.
#[test]
fn a_code_for_one_amount_does_not_release_another() {
    let ledger = ledger();
    let issued = ledger.issue(&CodeRequest::new("asha", &payment("100000.00")), NOW, &SystemRandom).unwrap();
    let verdict =
        ledger.verify(&Attempt::new(&issued.id, "asha", &payment("999999.00"), issued.code.expose()), NOW);
    assert_eq!(verdict.unwrap(), Verdict::Wrong { attempts_left: 2 });
}

/// The text was words around a code: whoever could change them showed one payment and had another approved.
#[test]
fn the_customer_reads_what_the_code_is_bound_to() {
    let mut pair = World::new(KeyType::EcdsaP256).pair().established();
    let transfer_of = common::payment();
    let context = transfer_of.context().unwrap();
    let issued = ledger().issue(&CodeRequest::new("customer.example", &context), NOW, &SystemRandom).unwrap();
    let envelope = Envelope::for_transaction(&issued, &transfer_of).unwrap();
    let purpose = "sign in".to_owned();
    let sign_in =
        Transaction { purpose, template: "Your code is {code}.".to_owned(), ..Transaction::default() };
    let refused = Envelope::for_transaction(&issued, &sign_in).err();
    assert!(matches!(refused, Some(Error::Otp(OtpError::Transaction(_)))), "the code is for the transfer");
    Channel::new().send(&mut pair.server, &Message::Envelope(envelope)).unwrap();
    transfer(&mut pair.server, &mut pair.client).unwrap();
    let octets = common::read(&mut pair.client);
    let at = octets.windows(11).position(|words| words == b"Rs 1,00,000").unwrap();

    for shown in [b"Rs 1,00,000", b"Rs 9,99,999"] {
        let mut octets = octets.clone();
        octets[at..at + 11].copy_from_slice(shown);
        pair.server.seal(&octets).unwrap();
        transfer(&mut pair.server, &mut pair.client).unwrap();
        let received = Channel::new().receive(&mut pair.client, NOW);
        match shown {
            b"Rs 1,00,000" => assert!(received.is_ok()),
            _ => assert!(matches!(received.err(), Some(Error::Otp(OtpError::Malformed(_))))),
        }
    }
}

/// Nothing was left of an approval but a line in a log.
#[test]
fn what_was_approved_can_be_proven_and_a_forged_proof_is_refused() {
    let world = World::new(KeyType::EcdsaP256);
    let thief = World::new(KeyType::EcdsaP256);
    let pair = world.pair().established();
    let sign = |connection, identity: &Identity| {
        let (id, context) = (OtpId([1; 16]), payment("100000.00"));
        SignedDecision::sign(
            connection,
            identity,
            Statement { id, context, decision: Decision::Approved, time: NOW },
            &SystemRandom,
        )
    };
    let receipt = sign(&pair.client, &world.client).unwrap();
    let evidence = Receipt::new(receipt, &pair.server).unwrap();
    let trust = common::trust(&world.authority);
    assert!(evidence.verify(&trust).is_ok());
    assert!(evidence.signed().check_context(&payment("100000.01")).is_err());
    // The bank cannot sign for the customer, and nobody's certificate will do.
    assert!(sign(&pair.server, &world.server).is_err());
    let theirs = thief.pair().established();
    let forged = Receipt::new(sign(&theirs.client, &thief.client).unwrap(), &theirs.server).unwrap();
    assert!(forged.verify(&trust).is_err());
}

/// Nothing limited how often a code could be guessed.
#[test]
fn guessing_all_codes_ends_after_the_attempts_that_were_granted() {
    let ledger = ledger();
    let context = payment("100000.00");
    let issued = ledger.issue(&CodeRequest::new("asha", &context), NOW, &SystemRandom).unwrap();
    let guesses = (0..1_000_000).map(|n| format!("{n:06}")).filter(|guess| guess != issued.code.expose());
    let verdicts: Vec<Verdict> = guesses
        .take(100)
        .map(|guess| ledger.verify(&Attempt::new(&issued.id, "asha", &context, &guess), NOW).unwrap())
        .collect();
    assert!(verdicts[..3].iter().all(|verdict| matches!(verdict, Verdict::Wrong { .. })));
    assert!(verdicts[3..].iter().all(|verdict| *verdict == Verdict::Locked));
}

/// Every certificate carried the TTP's own public key, whatever the request said.
#[test]
fn the_certificate_carries_the_requests_key() {
    let mut ttp = Ttp::new();
    let bank = key();
    let certificate = ttp.enrol(Profile::Server, &request(&bank, "bank.example", &["bank.example"])).unwrap();
    assert_eq!(certificate.public_key().to_der(), bank.public_key().to_der());
    assert_ne!(certificate.public_key().to_der(), ttp.authority.certificate().public_key().to_der());
}

/// A request for somebody else's key: the TTP never asked for a proof.
#[test]
fn a_request_without_proof_of_possession_is_refused() {
    let mut ttp = Ttp::new();
    let der = request(&key(), "bank.example", &["bank.example"]).to_der().to_vec();
    let honest = EstClient::simpleenroll("h", Profile::Server, &CertificateRequest::load(&der).unwrap()).1;
    let mut forged = der;
    *forged.last_mut().unwrap() ^= 1;
    use base64ct::{Base64, Encoding};
    let honest = String::from_utf8(honest).unwrap();
    let (head, _) = honest.split_once("\r\n\r\n").unwrap();
    let attack = format!("{head}\r\n\r\n{}", Base64::encode_string(&forged));
    assert!(ttp.serve(attack.as_bytes()).starts_with(b"HTTP/1.1 400 "));
    assert!(Register::from_text(&ttp.register).unwrap().entries().is_empty());
}

/// Anyone could be signed as anyone.
#[test]
fn a_name_belongs_to_its_first_key_until_it_is_revoked() {
    let mut ttp = Ttp::new();
    let (bank, thief) = (key(), key());
    let first =
        ttp.enrol(Profile::Server, &request(&bank, "bank", &["bank.example", "otp.bank.example"])).unwrap();
    for (name, names) in [
        ("bank", &["thief.example"][..]),
        ("Bank", &["thief.example"]),
        ("thief", &["bank.example"]),
        ("thief", &["BANK.EXAMPLE"]),
        ("thief", &["*.bank.example"]),
        ("thief", &["127.0.0.1", "bank.example"]),
    ] {
        assert_eq!(
            status(ttp.enrol(Profile::Server, &request(&thief, name, names))),
            403,
            "{name} {names:?}"
        );
    }
    assert_eq!(
        status(ttp.enrol(Profile::Server, &request(&bank, "bank", &["bank.example", "otp.bank.example"]))),
        200
    );

    let mut register = Register::from_text(&ttp.register).unwrap();
    let serials: Vec<Vec<u8>> = register.entries().iter().map(|entry| entry.serial.clone()).collect();
    assert_eq!(serials[0], first.serial());
    for serial in serials {
        assert!(register.revoke(&serial, otls::pki::RevocationReason::KeyCompromise, NOW));
    }
    ttp.register = register.to_text();
    assert_eq!(status(ttp.enrol(Profile::Server, &request(&thief, "bank", &["bank.example"]))), 200);
}

/// Leaves had CA:TRUE, and a request could ask for anything.
#[test]
fn the_profile_decides_and_no_leaf_is_an_authority() {
    let mut ttp = Ttp::new();
    let trust = common::trust(&ttp.authority);
    let asha = key();
    let certificate = ttp.enrol(Profile::Client, &request(&asha, "asha", &["bank.example"])).unwrap();
    assert!(!certificate.is_ca());
    let chain = certificate.into();
    assert!(trust.verify(&chain, &PeerRole::Client, NOW).is_ok());
    let as_bank = PeerRole::Server(GeneralName::parse("bank.example").unwrap());
    assert!(trust.verify(&chain, &as_bank, NOW).is_err(), "a client's certificate does not serve");
}

/// The TTP ended after two certificates.
#[test]
fn the_ttp_goes_on_after_many_certificates_and_a_restart_between_each() {
    let mut ttp = Ttp::new();
    for n in 0..20 {
        let request = request(&key(), &format!("customer {n}"), &[]);
        assert_eq!(status(ttp.enrol(Profile::Client, &request)), 200);
        assert!(ttp.serve(b"nonsense\r\n\r\n").starts_with(b"HTTP/1.1 400 "));
    }
    assert_eq!(Register::from_text(&ttp.register).unwrap().entries().len(), 20);
}

/// The CA's certificate was fetched from the network and trusted.
#[test]
fn the_authority_is_taken_by_its_fingerprint_only() {
    let mut impostor = Ttp::new();
    let genuine = common::authority("otls test root");
    let (mut client, bytes) = EstClient::cacerts("ttp.example");
    let reply = client.feed(&impostor.serve(&bytes)).unwrap().unwrap();
    let refused = reply.authority(&genuine.certificate().fingerprint()).map(|_| ());
    assert_eq!(refused, Err(EnrolmentError::FingerprintMismatch.into()));
}

/// A token is for one certificate.
#[test]
fn a_token_that_was_used_enrols_nobody_else() {
    let ttp = Ttp::new();
    let mut register = Register::default();
    let token = register.new_token(Profile::Client, &["asha", "ravi"], &SystemRandom).unwrap();
    let mut statuses = Vec::new();
    for name in ["asha", "ravi"] {
        let request = request(&key(), name, &[]);
        let (mut client, bytes) = EstClient::simpleenroll_with_token("h", Profile::Client, &request, &token);
        let mut responder =
            EstServer::new(Arc::clone(&ttp.authority), Profile::Client, DAY).with_required_token();
        let reply = responder.feed(bytes.expose(), &mut register, NOW, &SystemRandom).unwrap();
        let enrolled = client.feed(&reply).map(|reply| match reply.unwrap() {
            EstReply::Enrolled(certificate) => certificate,
            EstReply::CaCertificates(_) => panic!("not an enrolment"),
        });
        statuses.push(status(enrolled));
        // A restart in between does not bring it back.
        register = Register::from_text(&register.to_text()).unwrap();
    }
    assert_eq!(statuses, [200, 401]);
}
