//! What customers sign: checked on the connection, kept, and judged years later.

use crate::common;
use crate::common::{DAY, NOW, Pair, World, payment, transfer};
use crate::ledger::ledger;
use base64ct::{Base64, Encoding as _};
use otls::codepoints::SignatureScheme;
use otls::crypto::SystemRandom;
use otls::crypto::hash::{HashAlgorithm, digest};
use otls::error::OtpError;
use otls::otp::{
    Amount, Answer, Attempt, Channel, CodeRequest, Context, Decision, Envelope, Ledger, Message, OtpId,
    Receipt, SignedDecision, Statement, Transaction, Verdict,
};
use otls::pki::{KeyType, Validity};
use otls::{Connection, Error, Secret, UnixTime};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// The bank's message for a code, as the customer has received it.
fn received(pair: &mut Pair, ledger: &Ledger) -> Envelope {
    let context = payment().context().unwrap();
    let issued = ledger.issue(&CodeRequest::new("customer.example", &context), NOW, &SystemRandom).unwrap();
    let envelope = Envelope::for_transaction(&issued, &payment()).unwrap();
    Channel::new().send(&mut pair.server, &Message::Envelope(envelope)).unwrap();
    transfer(&mut pair.server, &mut pair.client).unwrap();
    match Channel::new().receive(&mut pair.client, NOW).unwrap() {
        Some(Message::Envelope(envelope)) => envelope,
        _ => panic!("no envelope"),
    }
}

fn sign(
    connection: &Connection,
    world: &World,
    id: OtpId,
    decision: Decision,
    now: UnixTime,
) -> SignedDecision {
    let context = payment().context().unwrap();
    SignedDecision::sign(
        connection,
        &world.client,
        Statement { id, context, decision, time: now },
        &SystemRandom,
    )
    .unwrap()
}

fn code() -> Secret {
    Secret::from(b"256345".to_vec())
}

/// The bank's channel, on which this code was sent.
fn asked(id: OtpId) -> Channel {
    let mut channel = Channel::new();
    channel.expect(id, NOW.plus(Duration::from_secs(120)), NOW).unwrap();
    channel
}

/// What the bank makes of an answer.
fn answered(pair: &mut Pair, answer: Answer, now: UnixTime) -> Result<Answer, Error> {
    let id = answer.id;
    Channel::new().send(&mut pair.client, &Message::Answer(answer)).unwrap();
    while transfer(&mut pair.client, &mut pair.server).unwrap() > 0 {}
    match asked(id).receive(&mut pair.server, now)? {
        Some(Message::Answer(answer)) => Ok(answer),
        _ => panic!("no answer"),
    }
}

fn refusal<T>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Otp(OtpError::Receipt(why))) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted"),
    }
}

fn evidence(world: &World) -> Receipt {
    let pair = world.pair().established();
    let receipt = sign(&pair.client, world, OtpId([1; 16]), Decision::Approved, NOW);
    Receipt::new(receipt, &pair.server).unwrap()
}

#[test]
fn a_customer_approves_with_a_receipt_and_it_is_judged_years_later() {
    for (key_type, scheme) in [
        (KeyType::EcdsaP256, SignatureScheme::ECDSA_SECP256R1_SHA256),
        (KeyType::EcdsaP384, SignatureScheme::ECDSA_SECP384R1_SHA384),
        (KeyType::Rsa2048, SignatureScheme::RSA_PSS_RSAE_SHA256),
    ] {
        let world = World::new(key_type);
        let (mut pair, ledger) = (world.pair().established(), ledger());
        let context = payment().context().unwrap();
        let envelope = received(&mut pair, &ledger);
        let code = Secret::from(envelope.code.expose().to_vec());
        Channel::new()
            .approve(&mut pair.client, &envelope, code, NOW.plus(Duration::from_secs(30)), &SystemRandom)
            .unwrap();
        transfer(&mut pair.client, &mut pair.server).unwrap();
        let Some(Message::Answer(answer)) =
            asked(envelope.id).receive(&mut pair.server, NOW.plus(Duration::from_secs(31))).unwrap()
        else {
            panic!("no answer");
        };
        let receipt = answer.receipt.unwrap();
        receipt.check_context(&context).unwrap();
        let code = answer.code.unwrap();
        let code = core::str::from_utf8(code.expose()).unwrap();
        let verdict = ledger
            .verify(
                &Attempt::new(&answer.id, "customer.example", &context, code),
                NOW.plus(Duration::from_secs(31)),
            )
            .unwrap();
        assert_eq!(verdict, Verdict::Accepted);

        let file = Receipt::new(receipt, &pair.server).unwrap().to_pem();
        assert!(!file.contains(code));
        let evidence = Receipt::load(file.as_bytes()).unwrap();
        let customer = evidence.verify(&common::trust(&world.authority)).unwrap();
        assert_eq!(customer.certificate().subject().common_name(), "customer.example");
        let receipt = evidence.signed();
        assert_eq!((receipt.id(), receipt.decision()), (answer.id, Decision::Approved));
        assert_eq!((receipt.time(), receipt.scheme()), (NOW.plus(Duration::from_secs(30)), scheme));
        assert_eq!(receipt.context(), &context);
        let text = "The OTP for transferring Rs 1,00,000 to your friend's account is ••••••.";
        assert_eq!(receipt.text().as_deref(), Some(text));
    }
}

#[test]
fn a_ledger_takes_a_receipt_of_its_code_and_decision_alone() {
    let world = World::new(KeyType::EcdsaP256);
    let pair = world.pair().established();
    let (ledger, context) = (ledger(), payment().context().unwrap());
    let issue = || ledger.issue(&CodeRequest::new("customer.example", &context), NOW, &SystemRandom).unwrap();
    let signed = |id: OtpId, decision: Decision| {
        let receipt = sign(&pair.client, &world, id, decision, NOW);
        Receipt::new(receipt, &pair.server).unwrap()
    };
    let (approved, declined) = (issue(), issue());
    let verify = |receipt: &Receipt| {
        let code = approved.code.expose();
        ledger.verify(
            &Attempt::new(&approved.id, "customer.example", &context, code).with_receipt(receipt),
            NOW,
        )
    };
    let decline =
        |receipt: &Receipt| ledger.decline(&declined.id, "customer.example", &context, receipt, NOW);
    for other in [signed(declined.id, Decision::Approved), signed(approved.id, Decision::Declined)] {
        assert!(refusal(verify(&other)).contains("another code or decision"));
        assert!(refusal(decline(&other)).contains("another code or decision"));
    }
    assert_eq!(verify(&signed(approved.id, Decision::Approved)), Ok(Verdict::Accepted));
    assert_eq!(decline(&signed(declined.id, Decision::Declined)), Ok(Verdict::Cancelled));
}

#[test]
fn a_customer_declines_without_a_code_and_signs_that_too() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = world.pair().established();
    let envelope = received(&mut pair, &ledger());
    Channel::new().decline(&mut pair.client, &envelope, NOW, &SystemRandom).unwrap();
    transfer(&mut pair.client, &mut pair.server).unwrap();
    let Some(Message::Answer(answer)) = asked(envelope.id).receive(&mut pair.server, NOW).unwrap() else {
        panic!("no answer");
    };
    assert!(answer.code.is_none());
    assert_eq!(answer.receipt.unwrap().decision(), Decision::Declined);
}

#[test]
fn a_receipt_of_another_connection_code_or_decision_is_refused() {
    let world = World::new(KeyType::EcdsaP256);
    let (mut pair, other) = (world.pair().established(), world.pair().established());
    let id = OtpId([1; 16]);
    let elsewhere = sign(&other.client, &world, id, Decision::Approved, NOW);
    let answer = Answer::new(id, code()).with_receipt(elsewhere);
    assert!(refusal(answered(&mut pair, answer, NOW)).contains("another connection"));
    let of_another = sign(&pair.client, &world, OtpId([2; 16]), Decision::Approved, NOW);
    let answer = Answer::new(id, code()).with_receipt(of_another);
    assert!(refusal(answered(&mut pair, answer, NOW)).contains("another code"));
    let declined = sign(&pair.client, &world, id, Decision::Declined, NOW);
    let answer = Answer::new(id, code()).with_receipt(declined);
    assert!(refusal(answered(&mut pair, answer, NOW)).contains("another code or decision"));
    // The connection goes on: the refusal is of one message.
    let honest = sign(&pair.client, &world, id, Decision::Approved, NOW);
    assert!(answered(&mut pair, Answer::new(id, code()).with_receipt(honest), NOW).is_ok());
}

#[test]
fn a_receipt_whose_time_is_not_the_banks_is_refused() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = world.pair().established();
    let id = OtpId([1; 16]);
    let at = |connection: &Connection, now| sign(connection, &world, id, Decision::Approved, now);
    for skew in [SignedDecision::MAX_SKEW, SignedDecision::MAX_SKEW + SECOND] {
        for (signed, judged) in [(NOW, NOW.plus(skew)), (NOW.plus(skew), NOW)] {
            let answer = Answer::new(id, code()).with_receipt(at(&pair.client, signed));
            let judged = answered(&mut pair, answer, judged);
            assert_eq!(judged.is_ok(), skew == SignedDecision::MAX_SKEW);
        }
    }
    let over = NOW.plus(DAY + SECOND);
    let answer = Answer::new(id, code()).with_receipt(at(&pair.client, over));
    assert!(refusal(answered(&mut pair, answer, over)).contains("validity"));
}

#[test]
fn a_receipt_with_any_octet_changed_on_the_way_is_refused() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = world.pair().established();
    let id = OtpId([1; 16]);
    let octets = sign(&pair.client, &world, id, Decision::Approved, NOW).encode();
    let mut refused = 0;
    for at in 0..octets.len() {
        let mut changed = octets.clone();
        changed[at] ^= 1;
        let Ok(changed) = SignedDecision::decode(&changed) else { continue };
        refusal(answered(&mut pair, Answer::new(id, code()).with_receipt(changed), NOW));
        refused += 1;
    }
    assert!(refused > 200, "{refused}");
}

#[test]
fn only_the_client_of_the_connection_signs_with_the_key_that_it_showed() {
    let world = World::new(KeyType::EcdsaP256);
    let other = World::new(KeyType::EcdsaP256);
    let (fresh, pair) = (world.pair(), world.pair().established());
    let context = payment().context().unwrap();
    let sign = |connection: &Connection, world: &World| {
        let (id, context) = (OtpId([1; 16]), context.clone());
        SignedDecision::sign(
            connection,
            &world.client,
            Statement { id, context, decision: Decision::Approved, time: NOW },
            &SystemRandom,
        )
    };
    for (connection, world) in [(&pair.server, &world), (&pair.client, &other), (&fresh.client, &world)] {
        assert!(matches!(sign(connection, world), Err(Error::ApiMisuse(_))));
    }
    let receipt = sign(&pair.client, &world).unwrap();
    assert!(refusal(Receipt::new(receipt, &other.pair().established().server)).contains("signature"));
}

/// Six digits are found from any unkeyed hash, so nothing in a receipt may come from the code.
#[test]
fn nothing_in_a_receipt_depends_on_the_code() {
    let world = World::new(KeyType::EcdsaP256);
    let mut pair = world.pair().established();
    let mut receipts = Vec::new();
    for digits in ["256345", "111111"] {
        let text = payment().text(digits).unwrap();
        let envelope = Envelope {
            id: OtpId([1; 16]),
            text,
            code: Secret::from(digits.as_bytes().to_vec()),
            context: payment().context().unwrap(),
            issued_at: NOW,
            expires_at: NOW.plus(Duration::from_secs(120)),
        };
        let code = Secret::from(digits.as_bytes().to_vec());
        Channel::new().approve(&mut pair.client, &envelope, code, NOW, &SystemRandom).unwrap();
        transfer(&mut pair.client, &mut pair.server).unwrap();
        let Some(Message::Answer(answer)) = asked(envelope.id).receive(&mut pair.server, NOW).unwrap() else {
            panic!("no answer");
        };
        receipts.push(answer.receipt.unwrap());
    }
    // What is signed and not only what is sent: each signature is good for the other's octets.
    let octets: Vec<Vec<u8>> = receipts.iter().map(SignedDecision::encode).collect();
    let signature_at =
        |octets: &[u8]| 1 + 16 + 1 + 8 + 32 + 2 + usize::from(octets[58]) * 256 + usize::from(octets[59]) + 2;
    let (first, second) = (signature_at(&octets[0]), signature_at(&octets[1]));
    assert_eq!(octets[0][..first], octets[1][..second]);
    let swapped = [&octets[0][..first], &octets[1][second..]].concat();
    assert!(SignedDecision::decode(&swapped).unwrap().verify(world.client.certificate()).is_ok());
}

#[test]
fn a_file_with_any_octet_edited_is_refused() {
    let world = World::new(KeyType::EcdsaP256);
    let trust = common::trust(&world.authority);
    let file = evidence(&world).to_pem().into_bytes();
    assert!(Receipt::load(&file).unwrap().verify(&trust).is_ok());
    for at in 0..file.len() {
        for change in [1, 2, 0x20] {
            let mut edited = file.clone();
            edited[at] ^= change;
            assert!(Receipt::load(&edited).is_err(), "octet {at}");
        }
        let mut shorter = file.clone();
        shorter.remove(at);
        assert!(Receipt::load(&shorter).is_err(), "without octet {at}");
    }
    for edited in [[b"Note: paid\n", file.as_slice()].concat(), [file.as_slice(), b"\n"].concat()] {
        assert!(refusal(Receipt::load(&edited)).contains("edited"));
    }
}

/// Whoever edits a file on purpose mends its digest as well: the signature is what finds it.
#[test]
fn a_file_that_was_forged_with_its_digest_is_refused() {
    let world = World::new(KeyType::EcdsaP256);
    let trust = common::trust(&world.authority);
    let genuine = evidence(&world);
    let (octets, chain) = (genuine.signed().encode(), genuine.to_pem());
    let certificate = &chain[chain.find("-----BEGIN CERTIFICATE").unwrap()..];
    let mut forged = 0;
    for at in 0..octets.len() {
        let mut changed = octets.clone();
        changed[at] ^= 1;
        if SignedDecision::decode(&changed).is_err() {
            continue;
        }
        let mut content = Vec::new();
        for part in [&changed, world.client.certificate().to_der()] {
            content.extend_from_slice(&u64::try_from(part.len()).unwrap().to_be_bytes());
            content.extend_from_slice(part);
        }
        changed.extend_from_slice(digest(HashAlgorithm::Sha256, &content).as_ref());
        let base64 = Base64::encode_string(&changed);
        let lines: Vec<&str> =
            base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let file = format!(
            "-----BEGIN OTLS RECEIPT-----\n{}\n-----END OTLS RECEIPT-----\n{certificate}",
            lines.join("\n")
        );
        let loaded = Receipt::load(file.as_bytes()).unwrap();
        assert!(loaded.verify(&trust).is_err(), "octet {at}");
        forged += 1;
    }
    assert!(forged > 200, "{forged}");
}

#[test]
fn evidence_is_judged_by_its_own_time_trust_and_lists() {
    let world = World::new(KeyType::EcdsaP256);
    let other = World::new(KeyType::EcdsaP256);
    let evidence = evidence(&world);
    let refused = |trust| matches!(evidence.verify(&trust), Err(Error::BadCertificate(_)));
    assert!(refused(common::trust(&other.authority)), "another authority");
    let mut listed = common::trust(&world.authority);
    let serial = world.client.certificate().serial().to_vec();
    let revoked = [(serial, NOW, otls::pki::RevocationReason::KeyCompromise)];
    listed.add_crl(world.authority.issue_crl(&revoked, 1, Validity::new(NOW, DAY), &SystemRandom).unwrap());
    assert!(refused(listed), "revoked");

    let pair = world.pair().established();
    for (time, good) in [(NOW.plus(DAY), true), (NOW.plus(DAY + SECOND), false), (NOW.minus(DAY), false)] {
        let receipt = sign(&pair.client, &world, OtpId([1; 16]), Decision::Approved, time);
        let judged = Receipt::new(receipt, &pair.client).unwrap().verify(&common::trust(&world.authority));
        assert_eq!(judged.is_ok(), good, "{time:?}");
    }

    // Another certificate in its place is found.
    let receipt = sign(&pair.client, &world, OtpId([1; 16]), Decision::Approved, NOW);
    let bank = world.server.certificate().to_pem();
    let genuine = Receipt::new(receipt, &pair.server).unwrap().to_pem();
    let (block, _) = genuine.split_once("-----BEGIN CERTIFICATE").unwrap();
    assert!(refusal(Receipt::load(format!("{block}{bank}").as_bytes())).contains("edited"));
}

#[test]
fn files_that_are_none_are_refused_with_the_reason() {
    let world = World::new(KeyType::EcdsaP256);
    let file = evidence(&world).to_pem();
    let (block, certificate) = file.split_at(file.find("-----BEGIN CERTIFICATE").unwrap());
    for (data, reason) in [
        (String::new(), "the data is empty"),
        (certificate.to_owned(), "the data holds a certificate"),
        (block.to_owned(), "no certificate"),
        (format!("{block}{}", certificate.repeat(11)), "more than 10"),
        (format!("{block}{block}"), "something other"),
        (format!("{certificate}{block}"), "there is none"),
        ("x".repeat(Receipt::MAX_LEN + 1), "1 MiB"),
    ] {
        let why = refusal(Receipt::load(data.as_bytes()));
        assert!(why.contains(reason), "{why}");
    }
}

#[test]
fn a_bank_that_means_another_transaction_learns_what_differs() {
    let world = World::new(KeyType::EcdsaP256);
    let evidence = evidence(&world);
    let paisa = Transaction { amount: Some(Amount::new(10_000_001, "INR").unwrap()), ..payment() };
    let why = refusal(evidence.signed().check_context(&paisa.context().unwrap()));
    assert!(why.contains("\"10000000\", not \"10000001\""), "{why}");
    assert!(evidence.signed().check_context(&Context::new()).is_err());
}
